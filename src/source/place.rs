//! The table of source files, and where a text stands in one of them.

use std::num::NonZeroU32;

use super::lines::breaks;
use super::{Decoded, Span, first_line};

/// A file of this run: an index into [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileId(pub u32);

/// One file that was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as it is printed: as given, `/` between parts.
    pub path: String,
}

/// The files of a run, in the order of their paths.
#[derive(Clone, Default, Debug)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and names it.
    pub fn add(&mut self, path: String) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile { path });
        id
    }

    /// The printed path of `file`; empty for an id of another table.
    pub fn path(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |file| &file.path)
    }

    /// The printed paths, in the order of the ids.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.path)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether no file was read.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// How a text is written where it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// As a JSON string literal; the span holds its quotes.
    JsonString,
    /// Percent-encoded inside a JSON string literal, as the IAM API answers.
    PercentJsonString,
    /// As a YAML scalar: literal blocks are followed line by line, other styles point at the whole scalar.
    YamlScalar,
}

/// Where a text stands: the file, the range in it, and how it is written there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The range that holds the whole text, in bytes of the file.
    pub span: Span,
    /// How the text is written there.
    pub encoding: Encoding,
    /// The line of the file on which it begins, where that was counted when the file was read.
    pub line: Option<NonZeroU32>,
}

impl Place {
    /// A text that stands in the file as it is.
    pub fn plain(file: FileId, span: Span) -> Self {
        Self { file, span, encoding: Encoding::Plain, line: None }
    }

    /// The line of the file on which byte `offset` of `text`, the text that stands here, is written.
    /// Nothing where the file must be read again to tell: YAML scalars, and places without a line.
    pub fn line_of(&self, text: &str, offset: u32) -> Option<u32> {
        let line = self.line?.get();
        match self.encoding {
            Encoding::Plain => {
                let before = text.as_bytes().get(..offset as usize)?;
                Some(line + breaks(before))
            }
            // A JSON string stands on one line.
            Encoding::JsonString | Encoding::PercentJsonString => Some(line),
            Encoding::YamlScalar => None,
        }
    }

    /// The range of the file that `inner`, a range of the text that stands here, was read from.
    /// `file_text` is the file's content; where it no longer fits, the whole place is named.
    pub fn locate(&self, file_text: &str, inner: Span) -> Span {
        let located = match self.encoding {
            Encoding::Plain => Some(inner.shifted(self.span.start)),
            _ => self
                .decode(file_text)
                .map(|decoded| decoded.written(inner).shifted(self.span.start)),
        };
        located
            .filter(|span| span.end <= self.span.end && span.slice(file_text).is_some())
            .unwrap_or(self.span)
    }

    /// The text that stands here, with the way back to the file's bytes (counted from the place's start).
    pub fn decode(&self, file_text: &str) -> Option<Decoded> {
        let written = self.span.slice(file_text)?;
        match self.encoding {
            Encoding::Plain => Some(Decoded::plain(written)),
            Encoding::JsonString => Decoded::json_string(written),
            Encoding::PercentJsonString => {
                // The characters of percent-encoding need no JSON escape: the literal is its own text.
                let inner = written.strip_prefix('"')?.strip_suffix('"')?;
                let decoded = Decoded::percent(inner)?;
                Some(decoded.behind(1))
            }
            Encoding::YamlScalar => decode_yaml_scalar(file_text, self.span),
        }
    }
}

/// The text of a YAML literal block, line by line, where `span` begins with its first line, be that
/// blank or not; nothing for every other style.
fn decode_yaml_scalar(file_text: &str, span: Span) -> Option<Decoded> {
    let written = span.slice(file_text)?;
    let before = file_text.get(..span.start as usize)?;
    let line_start = before.rfind(['\n', '\r'])? + 1;
    let lead = before.get(line_start..)?;
    let indicators = literal_indicators(before.get(..line_start)?)?;
    if !lead.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let indent = if written.starts_with(['\n', '\r']) {
        // The first line that is not blank tells, unless the header counts from the outer indent.
        if indicators.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let first = written.trim_start_matches([' ', '\n', '\r']);
        let blank = written.strip_suffix(first)?;
        blank.rsplit(['\n', '\r']).next()?.len()
    } else {
        lead.len()
    };
    let mut pieces = Vec::new();
    let mut offset = 0;
    while let Some(rest) = written.get(offset..).filter(|rest| !rest.is_empty()) {
        let (line, length) = first_line(rest);
        let blank = line.len() - line.trim_start_matches(' ').len();
        let cut = if offset == 0 { 0 } else { blank.min(indent) };
        pieces.push((line.get(cut..)?, offset + cut));
        if length > line.len() {
            pieces.push(("\n", offset + line.len()));
        }
        offset += length;
    }
    Some(Decoded::lines(written.len(), pieces))
}

/// The indicators behind the `|` that the last line of `before` ends with, a comment allowed.
fn literal_indicators(before: &str) -> Option<&str> {
    let line = before.strip_suffix('\n').unwrap_or(before);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let line = line.rsplit(['\n', '\r']).next()?;
    let comment = if line.starts_with('#') { Some(0) } else { line.find(" #") };
    let line = line.get(..comment.unwrap_or(line.len()))?.trim_end();
    let (_, indicators) = line.rsplit_once('|')?;
    let known = |byte| matches!(byte, b'+' | b'-' | b'1'..=b'9');
    (indicators.len() <= 2 && indicators.bytes().all(known)).then_some(indicators)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file_text: &str, written: &str, expected: Option<&str>) {
        let start = file_text.find(written).expect("written in the file");
        let span = Span::new(start, start + written.len());
        let place = Place { encoding: Encoding::YamlScalar, ..Place::plain(FileId(0), span) };
        let decoded = place.decode(file_text).map(|decoded| decoded.text);
        assert_eq!(decoded.as_deref(), expected, "{file_text:?}");
    }

    #[test]
    fn literal_blocks_are_followed_line_by_line() {
        check("a: |\n  {\n    b\n\n  }\n", "{\n    b\n\n  }\n", Some("{\n  b\n\n}\n"));
        check("a: |- # why\n  b\n  c\n", "b\n  c", Some("b\nc"));
        check("a: |\r\n  b\r\n  c\r\n", "b\r\n  c\r\n", Some("b\nc\n"));
        check("a: |\n\n  b\n   c\n", "\n  b\n   c\n", Some("\nb\n c\n"));
        check("a: |2\n    b\n   c\n", "  b\n   c\n", Some("  b\n c\n"));
        check("a: |2\n\n    b\n", "\n    b\n", None);
    }

    #[test]
    fn other_scalars_are_not_decoded() {
        check("a: |\n  b\n", "|\n  b\n", None);
        check("a: >\n  b\n  c\n", "b\n  c", None);
        check("a:\n  \"b\\n\"\n", "\"b\\n\"", None);
        check("# |\n\"b\"\n", "\"b\"", None);
        check("a: b\n", "b", None);
    }

    #[test]
    fn a_token_at_a_line_end_leads_back_without_the_break() {
        let file_text = "a: |\r\n  {b:\r\n  c}\r\n";
        let span = Span::new(8, file_text.len());
        let place = Place { encoding: Encoding::YamlScalar, ..Place::plain(FileId(0), span) };
        let decoded = place.decode(file_text).expect("a literal block").text;
        assert_eq!(decoded, "{b:\nc}\n");
        let located = |start, end| place.locate(file_text, Span::new(start, end)).slice(file_text);
        assert_eq!(located(0, 3), Some("{b:"));
        assert_eq!(located(4, 6), Some("c}"));
    }
}
