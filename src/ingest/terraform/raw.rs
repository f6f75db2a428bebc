//! Policies in templates of texts (`.tftpl`, `.tpl`, `.j2`) that stand alone: what is filled in is not known.

use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::template::{Directive, Element, Template};

use crate::policy::{self, PolicyDocument};
use crate::source::{FileId, Place, Span};

use super::super::bare;
use super::super::document::Source;
use super::super::facts::Fact;
use super::value::{At, Hole, Piece, PieceData};
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
    let mut pieces = Vec::new();
    if path.ends_with(".j2") {
        jinja(text, file, &mut pieces);
    } else {
        terraform(&text.parse().ok()?, text, file, &mut pieces);
    }
    let whole = At { file, span: Span::new(0, text.len()) };
    let written: Rc<str> = text.into();
    let value = json::decode(whole, &pieces, &|_| Rc::clone(&written))?;
    value.member("Statement")?;
    let node = lowered::tree(&value, whole);
    let place = Place::plain(file, whole.span);
    let make = |kind| PolicyDocument::lowered(place, kind, policy::lower(&node, kind));
    bare::take(&source.hint, make)
}

fn hole(text: &str, at: At) -> Piece {
    let written = at.span.slice(text).unwrap_or_default();
    let expression = written.trim_matches(['$', '{', '}', '~', ' ']).into();
    let hole = Hole { expression, shape: "*".into(), fails: false };
    Piece { at, data: PieceData::Hole(Rc::new(hole)) }
}

/// What is written, with holes; a part that may be there or repeated counts once.
fn terraform(template: &Template, text: &str, file: FileId, pieces: &mut Vec<Piece>) {
    for element in template {
        match element {
            Element::Literal(known) => {
                let at = At::new(file, known.span());
                pieces.push(Piece { at, data: PieceData::Known(known.as_str().into()) });
            }
            Element::Interpolation(of) => pieces.push(hole(text, At::new(file, of.span()))),
            Element::Directive(directive) => match &**directive {
                Directive::If(of) => terraform(&of.if_expr.template, text, file, pieces),
                Directive::For(of) => terraform(&of.for_expr.template, text, file, pieces),
            },
        }
    }
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
