//! A part of a file as it is best read: a policy inside a JSON string is shown decoded, and one that
//! was written without line breaks is laid out. The place above it is that in the file.

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
    let placed = labels.into_iter().map(|label| {
        let at = whole.lines.position(&whole.text, place.locate(&whole.text, label.span).start);
        Label { at: Some(at), ..label }
    });
    let labels: Vec<Label> = placed.collect();
    match laid_out(&text) {
        Some(laid_out) => {
            let moved = labels.into_iter().map(|label| {
                let span = laid_out.moved(label.span);
                Label { span, ..label }
            });
            Some(Snippet::new(path, &laid_out.text, moved))
        }
        None => Some(Snippet::new(path, &text, labels)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Diagnostic, Look, Renderer, Severity};
    use crate::inventory::Inventory;
    use crate::source::{FileId, Memory, Sources};

    /// The excerpt of `file_text` for the label on `needle`, which stands in the policy at `span`.
    fn shown(file_text: &str, span: Span, encoding: Encoding, needle: &str) -> String {
        let mut files = Memory::default();
        files.put("p.json", file_text);
        let mut sources = Sources::default();
        let file = sources.add("p.json".into());
        let world = Inventory { sources: sources.into(), ..Inventory::default() };
        let texts = Texts::new(&files, &world);
        let place = Place { encoding, ..Place::plain(file, span) };
        let text = place.decode(file_text).expect("decodes").text;
        let at = text.find(needle).expect("there");
        let label = Label::primary(Span::new(at, at + needle.len()), "this");
        let snippet = excerpt(&texts, place, vec![label]).expect("the file is there");
        let mut bytes = Vec::new();
        let diagnostic = Diagnostic::new(Severity::High, "m").snippet(snippet);
        Renderer::new(Look::PLAIN).render(&mut bytes, &diagnostic).expect("to memory");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_policy_in_a_string_is_shown_decoded() {
        let text = "{\"Policy\": \"{\\n \\\"Sid\\\": \\\"\\u00e9\\\"\\n}\"}";
        let span = Span::new(11, text.len() - 1);
        let expected = "  x m\n   ,-[p.json:1:17]\n 1 | {\n 2 |  \"Sid\": \"é\"\n   :  ^^|^^\n   \
                        :    `-- this\n 3 | }\n   `----\n";
        assert_eq!(shown(text, span, Encoding::JsonString, "\"Sid\""), expected);
    }

    #[test]
    fn a_policy_on_one_long_line_is_laid_out() {
        let actions = vec!["\"kms:Encrypt\""; 6000].join(",");
        let text = format!(
            "[{{\"Statement\":[{{\"Sid\":\"é\",\"Action\":[{actions}],\"Effect\":\"Allow\"}}]}}]"
        );
        assert!(text.len() > 65_535);
        let span = Span::new(1, text.len() - 1);
        let shown = shown(&text, span, Encoding::Plain, "\"Effect\":\"Allow\"");
        let column = text.chars().position(|one| one == 'f').expect("of `Effect`");
        assert!(shown.contains(&format!("[p.json:1:{}]", column - 1)), "{shown}");
        assert!(
            shown.contains("\n      \"Effect\": \"Allow\"\n")
                || shown.contains("|       \"Effect\": \"Allow\"\n"),
            "{shown}"
        );
        assert!(shown.contains("^^^^^^^^|^^^^^^^^"), "{shown}");
    }

    #[test]
    fn a_long_line_that_is_no_json_is_cut() {
        let text = format!("{{\"a\": \"{}", "x".repeat(70_000));
        let shown = shown(&text, Span::new(0, text.len()), Encoding::Plain, "\"a\"");
        assert!(shown.contains("…") && shown.contains("^|^"), "{shown}");
    }

    #[test]
    fn an_ordinary_file_is_shown_as_it_is() {
        let text = "x\n{\n  \"Sid\": 1\n}\n";
        let shown = shown(text, Span::new(2, text.len()), Encoding::Plain, "\"Sid\"");
        assert!(shown.contains("[p.json:3:3]"), "{shown}");
    }

    #[test]
    fn a_file_that_is_gone_gives_nothing() {
        let (files, world) = (Memory::default(), Inventory::default());
        let texts = Texts::new(&files, &world);
        let place = Place::plain(FileId(0), Span::new(0, 1));
        assert!(excerpt(&texts, place, Vec::new()).is_none());
    }
}
