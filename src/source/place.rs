//! The table of source files, and where a text stands in one of them.

use super::{Decoded, Span};

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
}

impl Place {
    /// A text that stands in the file as it is.
    pub fn plain(file: FileId, span: Span) -> Self {
        Self { file, span, encoding: Encoding::Plain }
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

/// The text of a YAML literal block, line by line; nothing for every other style.
fn decode_yaml_scalar(file_text: &str, span: Span) -> Option<Decoded> {
    let written = span.slice(file_text)?;
    let before = file_text.get(..span.start as usize)?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let lead = before.get(line_start..)?;
    if !lead.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let indent = lead.len();
    let mut offset = 0;
    let lines: Vec<(&str, usize)> = written
        .split_inclusive('\n')
        .enumerate()
        .map(|(nth, line)| {
            let blank = line.len() - line.trim_start_matches(' ').len();
            let cut = if nth == 0 { 0 } else { blank.min(indent) };
            let at = offset + cut;
            offset += line.len();
            (line.get(cut..).unwrap_or_default(), at)
        })
        .collect();
    Some(Decoded::lines(written.len(), lines))
}
