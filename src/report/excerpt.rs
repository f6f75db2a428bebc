//! A part of a file as it is best read: a policy inside a JSON string is shown decoded, and one that
//! was written without line breaks is laid out. The place above it is that in the file.

use std::borrow::Cow;
use std::ops::Range;

use crate::audit::Texts;
use crate::diag::{Label, Snippet};
use crate::source::{Encoding, Place, Span};
use crate::syntax::{Kind, Node, json};

/// Lines up to this long, in columns, are shown as they are.
const COLUMNS: usize = 200;

/// Texts of more bytes are not laid out as a whole, only the parts around their labels are.
const LARGE: usize = 1 << 20;

/// Bytes of such a part.
const PART: usize = 1 << 14;

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
    let decoded = match place.encoding {
        Encoding::Plain => None,
        _ => place.decode(&whole.text),
    };
    // Of a text whose way back to the file is not known the whole place is shown.
    let is_lost = place.encoding != Encoding::Plain && decoded.is_none();
    let text: Cow<'_, str> = match decoded {
        Some(decoded) => decoded.text.into(),
        None => place.span.slice(&whole.text)?.into(),
    };
    let placed = labels.into_iter().map(|label| {
        let at = whole.lines.position(&whole.text, place.locate(&whole.text, label.span).start);
        let span = if is_lost { Span::new(0, text.len()) } else { label.span };
        Label { span, at: Some(at), ..label }
    });
    let labels: Vec<Label> = placed.collect();
    if text.len() <= LARGE {
        return Some(of_text(path, &text, labels));
    }
    let parts = parts(&text, labels).into_iter();
    let snippets = parts.map(|(range, labels)| match text.get(range.clone()) {
        Some(part) if !range.is_empty() => of_text(path, part, labels),
        _ => Snippet::new(path, &text, labels),
    });
    snippets.reduce(Snippet::and)
}

/// A snippet of a text, laid out where that helps.
fn of_text(path: &str, text: &str, labels: Vec<Label>) -> Snippet {
    match laid_out(text) {
        Some(laid_out) => {
            let moved = labels.into_iter().map(|label| {
                let span = laid_out.moved(label.span);
                Label { span, ..label }
            });
            Snippet::new(path, &laid_out.text, moved)
        }
        None => Snippet::new(path, text, labels),
    }
}

/// The parts of a large text that are shown, with the labels in each, whose spans then count in it: values of
/// JSON around the labels. What stands in none is left to an empty part at the end, and counts in the text.
fn parts(text: &str, labels: Vec<Label>) -> Vec<(Range<usize>, Vec<Label>)> {
    let mut parts: Vec<(Range<usize>, Vec<Label>)> = Vec::new();
    let mut rest = Vec::new();
    for label in labels {
        let own = label.span.range();
        let holds = |part: &Range<usize>| part.start <= own.start && own.end <= part.end;
        let at = parts.iter().position(|(part, _)| holds(part)).or_else(|| {
            parts.push((around(text, own.clone())?, Vec::new()));
            Some(parts.len() - 1)
        });
        match at.and_then(|at| parts.get_mut(at)) {
            Some((part, labels)) => {
                let span = Span::new(own.start - part.start, own.end - part.start);
                labels.push(Label { span, ..label });
            }
            None => rest.push(label),
        }
    }
    if !rest.is_empty() {
        parts.push((0..0, rest));
    }
    parts
}

/// The largest value of the JSON in `text` that is no longer than a part and holds `own`, or is it.
fn around(text: &str, own: Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |range: &Range<usize>| {
        range.len() <= PART && text.get(range.clone()).is_some_and(|it| json::parse(it).is_ok())
    };
    let mut found = Some(own.clone()).filter(is_part);
    let mut range = own;
    while let (Some(start), Some(end)) = (opening(bytes, range.start), closing(bytes, range.end)) {
        range = start..end;
        if range.len() > PART {
            break;
        }
        found = Some(range.clone()).filter(is_part).or(found);
    }
    found
}

/// Where the container begins that is open before byte `end`, not far from it.
fn opening(bytes: &[u8], end: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let near = bytes.get(end.saturating_sub(PART)..end)?;
    for (back, byte) in near.iter().rev().enumerate() {
        let at = end - 1 - back;
        match byte {
            b'"' => quoted ^= !is_escaped(bytes, at),
            b'}' | b']' if !quoted => depth += 1,
            b'{' | b'[' if !quoted => match depth.checked_sub(1) {
                Some(left) => depth = left,
                None => return Some(at),
            },
            _ => {}
        }
    }
    None
}

/// Where the container ends that is open at byte `start`, not far from it.
fn closing(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let near = bytes.get(start..(start + PART).min(bytes.len()))?;
    for (at, byte) in (start..).zip(near) {
        match byte {
            b'"' => quoted ^= !is_escaped(bytes, at),
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => match depth.checked_sub(1) {
                Some(left) => depth = left,
                None => return Some(at + 1),
            },
            _ => {}
        }
    }
    None
}

/// Whether a quote at `at` is escaped: an odd number of backslashes stands before it.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default().iter().rev();
    before.take_while(|byte| **byte == b'\\').count() % 2 == 1
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
    fn of_a_large_text_the_part_around_a_label_is_laid_out() {
        let filler = |sid: &str| {
            format!("{{\"Sid\":\"]{{\\\"{sid}\",\"Action\":[\"kms:*\"],\"Effect\":\"Allow\"}}")
        };
        let many = vec![filler("x"); 20_000].join(",");
        let long = "z".repeat(120);
        let long = format!("\"Id\":\"{long}\",\"Note\":\"{long}\"");
        let own = format!("{{\"Sid\":\"\\\\\",{long},\"Action\":[\"kms:Decript\"]}}");
        let text = format!("{{\"Statement\":[{many},{own},{many}]}}");
        assert!(text.len() > LARGE);
        let shown = shown(&text, Span::new(0, text.len()), Encoding::Plain, "\"kms:Decript\"");
        assert!(shown.contains("5 |   \"Action\": [\"kms:Decript\"]\n"), "{shown}");
        assert!(!shown.contains('…'), "{shown}");
        let column = text.find("\"kms:Decript\"").expect("there") + 1;
        assert!(shown.contains(&format!("[p.json:1:{column}]")), "{shown}");
    }

    #[test]
    fn of_a_large_text_without_a_small_part_the_line_is_cut() {
        let many = vec!["\"kms:*\""; 200_000].join(",");
        let text = format!("{{\"Action\":[{many}],\"Effect\":\"Allow\"}}");
        let shown = shown(&text, Span::new(0, text.len()), Encoding::Plain, "\"Effect\":\"Allow\"");
        assert!(shown.contains('…'), "{shown}");
        assert!(shown.contains("\"kms:*\"],\"Effect\":\"Allow\"}\n"), "{shown}");
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
