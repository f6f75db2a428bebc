//! Lines and columns of a text, found from byte offsets.

use std::cell::Cell;
use std::num::NonZeroU32;

/// A place as people count it: both numbers from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Bytes of a text between two places at which its characters were counted.
const STRIDE: usize = 4096;

/// Offsets of the line starts of one text. Built in one pass, asked in logarithmic time, also where a line is
/// very long.
pub struct LineIndex {
    starts: Vec<u32>,
    /// How many characters begin before each multiple of the stride.
    characters: Vec<u32>,
}

impl LineIndex {
    /// Finds the lines of `text`; a line ends with `\n`.
    pub fn new(text: &str) -> Self {
        let mut starts = vec![0];
        starts.extend(
            text.bytes()
                .enumerate()
                .filter(|&(_, byte)| byte == b'\n')
                .map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)),
        );
        let mut before = 0;
        let of_stride = text.as_bytes().chunks(STRIDE).map(|bytes| {
            let so_far = before;
            before += begun(bytes);
            so_far
        });
        let mut characters: Vec<u32> = of_stride.collect();
        characters.push(before);
        Self { starts, characters }
    }

    /// How many characters of `text` begin before byte `offset`.
    fn characters_before(&self, text: &str, offset: u32) -> u32 {
        let stride = offset as usize / STRIDE;
        let rest = text.as_bytes().get(stride * STRIDE..offset as usize).unwrap_or_default();
        self.characters.get(stride).copied().unwrap_or_default() + begun(rest)
    }

    /// The line of byte `offset`, from 1.
    pub fn line(&self, offset: u32) -> u32 {
        to_u32(self.starts.partition_point(|&start| start <= offset))
    }

    /// The place of byte `offset` of `text`, the text this index was made of; past its end: its end.
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let offset = offset.min(u32::try_from(text.len()).unwrap_or(u32::MAX));
        let line = self.line(offset);
        let start = self.starts.get(line.saturating_sub(1) as usize).copied().unwrap_or(0);
        let of = |offset| self.characters_before(text, offset);
        Position { line, column: of(offset).saturating_sub(of(start)).saturating_add(1) }
    }
}

/// Counts the lines of a text while it is read, each byte once where it is asked in order.
#[derive(Debug)]
pub struct LineCount<'a> {
    text: &'a str,
    /// An offset that was asked for, and how many lines end before it.
    last: Cell<(usize, u32)>,
}

impl<'a> LineCount<'a> {
    /// Nothing is counted yet.
    pub fn new(text: &'a str) -> Self {
        Self { text, last: Cell::new((0, 0)) }
    }

    /// The line of byte `offset`, from 1; past the end of the text: its last.
    pub fn line(&self, offset: u32) -> NonZeroU32 {
        let offset = self.text.len().min(offset as usize);
        let (at, before) = self.last.get();
        let between = |from, to| breaks(self.text.as_bytes().get(from..to).unwrap_or_default());
        let before = match offset >= at {
            true => before + between(at, offset),
            false => before - between(offset, at),
        };
        self.last.set((offset, before));
        NonZeroU32::MIN.saturating_add(before)
    }
}

/// How many characters begin in a part of a text.
fn begun(bytes: &[u8]) -> u32 {
    to_u32(bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count())
}

/// How many lines end in `text`.
pub(super) fn breaks(text: &[u8]) -> u32 {
    to_u32(text.iter().filter(|&&byte| byte == b'\n').count())
}

/// The first line of `text` without its break (`\n`, `\r\n` or a lone `\r`), and its length with it.
pub fn first_line(text: &str) -> (&str, usize) {
    let Some(end) = text.find(['\n', '\r']) else { return (text, text.len()) };
    let (line, rest) = text.split_at(end);
    (line, end + if rest.starts_with("\r\n") { 2 } else { 1 })
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test stops where it fails")]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\néb\n";
        let index = LineIndex::new(text);
        let at = |offset| {
            let position = index.position(text, offset);
            (position.line, position.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(4), (2, 2));
        assert_eq!(at(99), (3, 1));
    }

    #[test]
    fn columns_of_long_lines_are_those_that_a_count_gives() {
        let text = format!("{}\n{}", "aé€😀".repeat(3000), "x€".repeat(5000));
        let index = LineIndex::new(&text);
        for (at, _) in text.char_indices().step_by(997).chain([(text.len(), ' ')]) {
            let before = &text[..at];
            let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
            let expected = to_u32(line.chars().count() + 1);
            assert_eq!(index.position(&text, to_u32(at)).column, expected, "{at}");
        }
    }

    #[test]
    fn lines_are_counted_forwards_and_back() {
        let text = "a\n\nb\n";
        let (count, index) = (LineCount::new(text), LineIndex::new(text));
        for offset in [0, 5, 2, 1, 3, 99, 0] {
            let expected = index.line(offset.min(5));
            assert_eq!(count.line(offset).get(), expected, "{offset}");
        }
    }

    #[test]
    fn first_lines_end_before_any_break() {
        assert_eq!(first_line("a\nb"), ("a", 2));
        assert_eq!(first_line("é\r\nb"), ("é", 4));
        assert_eq!(first_line("a\r\rb"), ("a", 2));
        assert_eq!(first_line("a"), ("a", 1));
        assert_eq!(first_line(""), ("", 0));
    }
}
