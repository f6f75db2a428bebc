//! A part of a file as it is best read: a policy inside a JSON string is shown decoded, and one that
//! was written without line breaks is laid out.

use std::ops::Range;

use crate::audit::Texts;
use crate::diag::{Label, Snippet};
use crate::source::{Encoding, Place, Span};
use crate::syntax::{Kind, Node, json};

/// Lines up to this long, in columns, are shown as they are.
const COLUMNS: usize = 200;

/// A snippet of the text that stands at `place`, with labels whose spans count in that text.
/// Nothing where its file is gone.
pub fn excerpt(texts: &Texts<'_>, place: Place, labels: Vec<Label>) -> Option<Snippet> {
    let whole = texts.whole(place.file)?;
    let path = texts.path(place.file);
    let is_string = matches!(place.encoding, Encoding::JsonString | Encoding::PercentJsonString);
    if !is_string && !has_long_line(place.span.slice(&whole.text)?) {
        let located = labels.into_iter().map(|label| {
            let span = place.locate(&whole.text, label.span);
            Label { span, ..label }
        });
        return Some(Snippet::new(path, &whole.text, located));
    }
    let text = place.decode(&whole.text)?.text;
    let name = format!("{path} (policy)");
    match laid_out(&text) {
        Some(laid_out) => {
            let moved = labels.into_iter().map(|label| {
                let span = laid_out.moved(label.span);
                Label { span, ..label }
            });
            Some(Snippet::new(&name, &laid_out.text, moved))
        }
        None => Some(Snippet::new(&name, &text, labels)),
    }
}

fn has_long_line(text: &str) -> bool {
    text.lines().any(|line| line.len() > COLUMNS && line.chars().count() > COLUMNS)
}

/// A JSON text with one member or item a line.
struct LaidOut {
    text: String,
    /// Bytes of the original, and where they stand in `text`; ascending.
    tokens: Vec<(Range<usize>, usize)>,
}

/// Lays `text` out, where it is JSON with a line too long to read.
fn laid_out(text: &str) -> Option<LaidOut> {
    if !has_long_line(text) {
        return None;
    }
    let node = json::parse(text).ok()?;
    let mut out = LaidOut { text: String::new(), tokens: Vec::new() };
    out.node(text, &node, 0)?;
    Some(out)
}

impl LaidOut {
    fn node(&mut self, source: &str, node: &Node<'_>, depth: usize) -> Option<()> {
        let range = node.span.range();
        match &node.kind {
            Kind::Array(items) if items.iter().any(is_container) => {
                self.token(source, range.start..range.start + 1)?;
                for (nth, item) in items.iter().enumerate() {
                    self.line(nth, depth + 1);
                    self.node(source, item, depth + 1)?;
                }
                self.end(source, range.end, depth)
            }
            Kind::Array(items) => {
                self.token(source, range.start..range.start + 1)?;
                for (nth, item) in items.iter().enumerate() {
                    // Several short items share a line.
                    let line = self.text.rsplit('\n').next().unwrap_or_default().len();
                    if line + item.span.range().len() > COLUMNS / 2 {
                        self.line(nth, depth + 1);
                    } else if nth > 0 {
                        self.text.push_str(", ");
                    }
                    self.node(source, item, depth + 1)?;
                }
                self.token(source, range.end - 1..range.end)
            }
            Kind::Object(members) if !members.is_empty() => {
                self.token(source, range.start..range.start + 1)?;
                for (nth, member) in members.iter().enumerate() {
                    self.line(nth, depth + 1);
                    self.token(source, member.name.span.range())?;
                    self.text.push_str(": ");
                    self.node(source, &member.value, depth + 1)?;
                }
                self.end(source, range.end, depth)
            }
            _ => self.token(source, range),
        }
    }

    fn token(&mut self, source: &str, range: Range<usize>) -> Option<()> {
        let written = source.get(range.clone())?;
        self.tokens.push((range, self.text.len()));
        self.text.push_str(written);
        Some(())
    }

    fn line(&mut self, nth: usize, depth: usize) {
        self.text.push_str(if nth == 0 { "\n" } else { ",\n" });
        self.text.push_str(&"  ".repeat(depth));
    }

    fn end(&mut self, source: &str, end: usize, depth: usize) -> Option<()> {
        self.text.push('\n');
        self.text.push_str(&"  ".repeat(depth));
        self.token(source, end - 1..end)
    }

    /// Where the tokens of `span` stand now.
    fn moved(&self, span: Span) -> Span {
        let range = span.range();
        let first = self.tokens.partition_point(|(token, _)| token.end <= range.start);
        let behind = self.tokens.partition_point(|(token, _)| token.start < range.end);
        let start = self
            .tokens
            .get(first)
            .map_or(self.text.len(), |(token, at)| at + range.start.saturating_sub(token.start));
        let last = behind.checked_sub(1).and_then(|last| self.tokens.get(last));
        let end = last.map_or(start, |(token, at)| at + range.end.min(token.end) - token.start);
        Span::new(start, end.max(start))
    }
}

fn is_container(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::Array(_) | Kind::Object(_))
}
