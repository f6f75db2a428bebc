//! Documents in texts that are filled in: what is not known of one stays open, and all else is read.

use std::borrow::Cow;

use crate::source::{Located, Span};
use crate::syntax::{Kind, Member, Node, Unresolved};

use super::super::cloudformation::held;
use super::value::{Hole, Piece, PieceData};

/// What stands for a hole while the text is read, before its number.
const MARK: &str = "KEYREACH-HOLE-";
/// What stands behind the number.
const END: char = '.';

/// The tree of a document in JSON or YAML; nothing where it is none without what is not known. What is `written` at
/// `span` tells where its parts stand.
pub(super) fn tree(pieces: &[Piece], span: Span, written: &str) -> Option<Node<'static>> {
    let (mut text, mut holes) = (String::new(), Vec::new());
    for piece in pieces {
        match &piece.data {
            PieceData::Known(known) | PieceData::Symbol(known) if known.contains(MARK) => {
                return None;
            }
            PieceData::Known(known) | PieceData::Symbol(known) => text.push_str(known),
            PieceData::Hole(hole) => {
                text.push_str(&format!("{MARK}{}{END}", holes.len()));
                holes.push(&**hole);
            }
        }
    }
    let root = held::of_file(&text)?;
    Some(Filled { holes, lines: Lines::new(&text, span, written) }.node(root))
}

struct Filled<'h> {
    holes: Vec<&'h Hole>,
    lines: Lines,
}

impl Filled<'_> {
    /// The tree with what is not known in the place of what stood for it, at the places where it is written.
    fn node(&self, node: Node<'static>) -> Node<'static> {
        let span = self.lines.place(node.span);
        let kind = match node.kind {
            Kind::String(text) => match self.open(&text) {
                Some(open) => Kind::Unresolved(open),
                None => Kind::String(text),
            },
            Kind::Array(items) => {
                Kind::Array(items.into_iter().map(|item| self.node(item)).collect())
            }
            Kind::Object(members) => {
                // What a part is called decides what all of them mean.
                match members.iter().find_map(|member| self.open(&member.name.value)) {
                    Some(open) => Kind::Unresolved(Unresolved { shape: "*".into(), ..open }),
                    None => Kind::Object(members.into_iter().map(|it| self.member(it)).collect()),
                }
            }
            kind => kind,
        };
        let tag = node.tag.map(|tag| Located::new(tag.value, self.lines.place(tag.span)));
        Node { span, tag, kind }
    }

    fn member(&self, member: Member<'static>) -> Member<'static> {
        let span = self.lines.place(member.name.span);
        Member { name: Located::new(member.name.value, span), value: self.node(member.value) }
    }

    /// A text of which a part is not known.
    fn open(&self, text: &str) -> Option<Unresolved> {
        let (mut shape, mut expression) = (String::new(), String::new());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(MARK) {
            let (number, behind) = behind.split_once(END)?;
            let hole = self.holes.get(number.parse::<usize>().ok()?)?;
            shape.extend([before, &hole.shape]);
            let is_all = before.is_empty() && behind.is_empty() && expression.is_empty();
            let said: Cow<'_, str> = match is_all {
                true => (&*hole.expression).into(),
                false => format!("${{{}}}", hole.expression).into(),
            };
            expression.extend([before, &said]);
            rest = behind;
        }
        if expression.is_empty() {
            return None;
        }
        shape.push_str(rest);
        expression.push_str(rest);
        Some(Unresolved { expression: expression.into(), shape: shape.into() })
    }
}

/// Where the lines of a text are written: a heredoc may be indented, and begins behind its marker.
struct Lines {
    /// Of each line: where it begins in the text, and where in the source it stands; nothing where that
    /// cannot be told.
    lines: Vec<(u32, Option<Written>)>,
    whole: Span,
}

/// A line of the source.
#[derive(Clone, Copy)]
struct Written {
    span: Span,
    /// How far further on it stands than in the text, where it is written as it is.
    shift: Option<u32>,
}

impl Lines {
    fn new(text: &str, span: Span, written: &str) -> Self {
        let mut at = span.start;
        let mut source = Vec::new();
        for line in written.split_inclusive('\n') {
            source.push((at, line));
            at = at.saturating_add(length(line));
        }
        let is_heredoc = written.starts_with("<<");
        let mut lines = Vec::new();
        let mut from = 0;
        for (nth, line) in text.split_inclusive('\n').enumerate() {
            let there = source.get(nth + 1).filter(|_| is_heredoc);
            lines.push((from, there.map(|there| Written::of(line, *there, from))));
            from += length(line);
        }
        Self { lines, whole: span }
    }

    /// Where a range of the text is written.
    fn place(&self, span: Span) -> Span {
        let ends = self.at(span.start).zip(self.at(span.end.saturating_sub(1).max(span.start)));
        let Some(((first, start), (last, end))) = ends else { return self.whole };
        let moved = |written: Written, at: u32, or: u32| {
            written.shift.map_or(or, |shift| at.saturating_add(shift))
        };
        let start = moved(first, start, first.span.start);
        let end = moved(last, end.saturating_add(1), last.span.end).min(last.span.end);
        Span { start: start.min(end), end }
    }

    /// The line that a place of the text is on.
    fn at(&self, at: u32) -> Option<(Written, u32)> {
        let nth = self.lines.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
        Some((self.lines.get(nth)?.1?, at))
    }
}

impl Written {
    fn of(line: &str, (at, source): (u32, &str), from: u32) -> Self {
        let (line, source) = (line.trim_end(), source.trim_end());
        let indented = length(source) - length(source.trim_start());
        let span = Span { start: at + indented, end: at + length(source) };
        let cut = source.strip_suffix(line).map(length);
        Self { span, shift: cut.map(|cut| at.saturating_add(cut).saturating_sub(from)) }
    }
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
