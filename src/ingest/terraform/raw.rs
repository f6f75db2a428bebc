//! Policies in templates of texts (`.tftpl`, `.tpl`, `.j2`) that stand alone: what is filled in is not known.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Template};

use crate::policy::{self, PolicyDocument};
use crate::source::{FileId, Place, Span};

use super::super::bare;
use super::super::document::Source;
use super::super::facts::Fact;
use super::value::{At, Hole, Inside, Piece, PieceData};
use super::{json, lowered};

/// Whether the file at `path` is a template of a text.
pub(in crate::ingest) fn is_template(path: &str) -> bool {
    [".tftpl", ".tpl", ".j2"].iter().any(|ending| path.ends_with(ending))
}

/// The policy in a template; nothing where it holds none, or none that can be read without what is
/// filled in.
pub(in crate::ingest) fn read(source: &Source<'_>, path: &str) -> Option<Fact> {
    let (file, text) = (source.file, source.text);
    if !text.contains("Statement") {
        return None;
    }
    let whole = At { file, span: Span::new(0, text.len()) };
    let written: Rc<str> = text.into();
    let decoded = |pieces: &[Piece]| json::decode(whole, pieces, &|_| Rc::clone(&written));
    let value = if path.ends_with(".j2") {
        let mut pieces = Vec::new();
        jinja(text, file, &mut pieces);
        decoded(&pieces)?
    } else {
        let template = text.parse().ok()?;
        let of = |directives| decoded(&terraform(&template, text, file, directives));
        // A comma that parts what is repeated is one too many where it counts once.
        of(Directives::Once).or_else(|| of(Directives::Apart))?
    };
    value.member("Statement")?;
    let node = lowered::tree(&value, whole);
    let place = Place::plain(file, whole.span);
    let make = |kind| PolicyDocument::lowered(place, kind, policy::lower(&node, kind));
    bare::take(&source.hint, make)
}

fn hole(text: &str, at: At) -> Piece {
    let written = at.span.slice(text).unwrap_or_default();
    let hole = Hole::new(written.trim_matches(['$', '{', '}', '~', ' ']), "*");
    Piece { at, data: PieceData::Hole(Rc::new(hole)) }
}

/// How a part that may be there or repeated is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directives {
    /// As if it were there once.
    Once,
    /// As one that may be there.
    Apart,
}

/// What is written, with holes.
fn terraform(template: &Template, text: &str, file: FileId, directives: Directives) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for element in template {
        match element {
            Element::Literal(known) => {
                let at = At::new(file, known.span());
                pieces.push(Piece { at, data: PieceData::Known(known.as_str().into()) });
            }
            Element::Interpolation(of) => pieces.push(hole(text, At::new(file, of.span()))),
            Element::Directive(directive) => {
                let (first, other, of) = match &**directive {
                    Directive::If(of) => {
                        let other = of.else_expr.as_ref().map(|other| &other.template);
                        (&of.if_expr.template, other, of.if_expr.cond_expr.span())
                    }
                    Directive::For(of) => {
                        let of = &of.for_expr;
                        (&of.template, None, of.collection_expr.span())
                    }
                };
                let part = |part| terraform(part, text, file, directives);
                if directives == Directives::Once {
                    pieces.extend(part(first));
                    continue;
                }
                let at = At::new(file, of);
                let expression = at.span.slice(text).unwrap_or_default().trim();
                let inside =
                    Inside::Parts([Some(first), other].into_iter().flatten().map(part).collect());
                let hole = Hole { inside, ..Hole::new(expression, "*") };
                pieces.push(Piece { at, data: PieceData::Hole(Rc::new(hole)) });
            }
        }
    }
    pieces
}

/// The same of Jinja's syntax.
fn jinja(text: &str, file: FileId, pieces: &mut Vec<Piece>) {
    let mut from = 0;
    let known = |from: usize, to: usize, pieces: &mut Vec<Piece>| {
        let at = At { file, span: Span::new(from, to) };
        let part = text.get(from..to).unwrap_or_default();
        pieces.push(Piece { at, data: PieceData::Known(part.into()) });
    };
    while let Some((start, close)) = next_mark(text, from) {
        known(from, start, pieces);
        let inside = text.get(start..).unwrap_or_default();
        let end = inside.find(close).map_or(text.len(), |at| start + at + close.len());
        if close == "}}" {
            pieces.push(hole(text, At { file, span: Span::new(start, end) }));
        }
        from = end;
    }
    known(from, text.len(), pieces);
}

/// Where the next mark of Jinja begins, and what ends it.
fn next_mark(text: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = text.get(from..)?;
    let marks = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
    let found = marks.iter().filter_map(|(open, close)| Some((from + rest.find(open)?, *close)));
    found.min()
}
