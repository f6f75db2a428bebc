//! Texts with marks in place of what is not syntax: holes and symbols.
//!
//! What a directive may add to a list of JSON stands there as a list of its own, which the mark of its hole
//! begins; what it may add to an object, as a member that the mark names, with an object for each part. The commas
//! around it are put in or left out, for whether it adds anything is not known.

use crate::syntax::{Kind, Node};

use super::super::quotes::Quotes;
use super::value::{At, Hole, Inside, Piece, PieceData};

/// A text that can be parsed.
#[derive(Default)]
pub(super) struct Marked<'p> {
    /// The text.
    pub(super) text: String,
    /// The pieces, and where each begins in the text.
    pub(super) starts: Vec<(&'p Piece, usize)>,
    /// What the marks stand for.
    marked: Vec<&'p Piece>,
    /// The holes that begin a list of their own.
    groups: Vec<&'p Hole>,
    quotes: Quotes,
    /// The brackets that are open.
    brackets: Vec<char>,
    /// Whether such a list ends the text: what comes next is parted from it.
    is_behind_group: bool,
}

/// What a text is written in: a hole outside of a string of JSON is a value of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Yaml,
}

const OPEN: char = '\u{F0000}';
const CLOSE: char = '\u{F0001}';
/// What begins the mark of a hole that begins a list.
const GROUP: char = '\u{F0002}';

impl<'p> Marked<'p> {
    /// The text of pieces; nothing where what is not known in it may be any part of a document.
    pub(super) fn new(pieces: &'p [Piece], syntax: Syntax) -> Option<Self> {
        let mut made = Self::default();
        made.add(pieces, syntax)?;
        Some(made)
    }

    fn add(&mut self, pieces: &'p [Piece], syntax: Syntax) -> Option<()> {
        for piece in pieces {
            match (&piece.data, syntax) {
                (PieceData::Hole(hole), Syntax::Json) => match &hole.inside {
                    Inside::Value | Inside::Values => self.mark(piece, syntax),
                    Inside::Anything => return None,
                    Inside::Parts(parts) => {
                        let is_inside = self.quotes.is_inside();
                        if !parts.iter().all(|part| is_whole(part, is_inside)) {
                            return None;
                        }
                        match is_inside {
                            true => self.mark(piece, syntax),
                            false => self.add_group(piece, hole, parts)?,
                        }
                    }
                },
                (PieceData::Symbol(_) | PieceData::Hole(_), _) => self.mark(piece, syntax),
                (PieceData::Known(text), _) => {
                    self.part_from_group(text);
                    self.starts.push((piece, self.text.len()));
                    self.read(text);
                    self.text.push_str(text);
                }
            }
        }
        Some(())
    }

    /// Reads a part of the text that is written.
    fn read(&mut self, text: &str) {
        for next in text.chars() {
            match next {
                '[' | '{' if !self.quotes.is_inside() => self.brackets.push(next),
                ']' | '}' if !self.quotes.is_inside() => drop(self.brackets.pop()),
                _ => {}
            }
            self.quotes.read(next.encode_utf8(&mut [0; 4]));
        }
    }

    /// The pieces of a string of the text.
    pub(super) fn pieces(&self, text: &str, at: At) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let known = |text: &str| Piece { at, data: PieceData::Known(text.into()) };
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(OPEN) {
            if !before.is_empty() {
                pieces.push(known(before));
            }
            let (number, behind) = behind.split_once(CLOSE).unwrap_or((behind, ""));
            let piece = number.parse::<usize>().ok().and_then(|nth| self.marked.get(nth));
            pieces.extend(piece.map(|piece| Piece { at, data: piece.data.clone() }));
            rest = behind;
        }
        if !rest.is_empty() || pieces.is_empty() {
            pieces.push(known(rest));
        }
        pieces
    }

    /// The hole whose parts the items of a list are, and these.
    pub(super) fn group<'n, 's>(
        &self,
        items: &'n [Node<'s>],
    ) -> Option<(&'p Hole, &'n [Node<'s>])> {
        let (first, parts) = items.split_first()?;
        Some((self.group_of(first.as_str()?)?, parts))
    }

    /// The hole whose parts stand behind this name in an object.
    pub(super) fn group_of(&self, name: &str) -> Option<&'p Hole> {
        let number = name.strip_prefix(GROUP)?.strip_suffix(CLOSE)?;
        self.groups.get(number.parse::<usize>().ok()?).copied()
    }

    /// Whether an item of a list stands for what a hole may add to it.
    pub(super) fn is_group(&self, item: &Node<'_>) -> bool {
        matches!(&item.kind, Kind::Array(items) if self.group(items).is_some())
    }

    fn mark(&mut self, piece: &'p Piece, syntax: Syntax) {
        let mark = format!("{OPEN}{}{CLOSE}", self.marked.len());
        self.part_from_group(&mark);
        self.starts.push((piece, self.text.len()));
        match syntax {
            Syntax::Json => self.text.push_str(&self.quotes.fit(&mark)),
            Syntax::Yaml => self.text.push_str(&mark),
        }
        self.marked.push(piece);
    }

    /// Adds the parts of a hole as a list, or as a member with a list of objects.
    fn add_group(
        &mut self,
        piece: &'p Piece,
        hole: &'p Hole,
        parts: &'p [Vec<Piece>],
    ) -> Option<()> {
        self.is_behind_group = false;
        let before = self.text.trim_end();
        let are_members = self.brackets.last() == Some(&'{') && !before.ends_with(':');
        if before.ends_with(|last| !matches!(last, '[' | ',' | ':' | '{')) {
            self.text.push(',');
        }
        self.starts.push((piece, self.text.len()));
        let mark = format!("\"{GROUP}{}{CLOSE}\"", self.groups.len());
        self.groups.push(hole);
        let (begin, open, close) = match are_members {
            true => (format!("{mark}:[{{}}"), Some('{'), Some('}')),
            // What a part adds to a list stands there together.
            false if self.brackets.last() == Some(&'[') => {
                (format!("[{mark}"), Some('['), Some(']'))
            }
            false => (format!("[{mark}"), None, None),
        };
        self.text.push_str(&begin);
        for part in parts {
            self.text.push(',');
            self.text.extend(open);
            let from = self.text.len();
            self.brackets.push(open.unwrap_or('['));
            self.add(part, Syntax::Json)?;
            self.brackets.pop();
            self.is_behind_group = false;
            self.blank(from);
            let is_nothing = self.text.get(from..).is_some_and(|added| added.trim().is_empty());
            if open == Some('[') && is_nothing {
                self.text.replace_range(from - ",[".len()..from, "  ");
                continue;
            }
            self.text.extend(close);
        }
        self.text.push(']');
        self.is_behind_group = true;
        Some(())
    }

    /// Blanks a comma before and one behind what was added at `from`; where that is nothing, the one before it.
    fn blank(&mut self, from: usize) {
        let added = self.text.get(from..).unwrap_or_default();
        let first = from + added.len() - added.trim_start().len();
        if self.text.get(first..).is_some_and(|rest| rest.starts_with(',')) {
            self.text.replace_range(first..=first, " ");
        }
        let last = self.text.trim_end();
        if let Some(last) = last.strip_suffix(',').map(str::len) {
            self.text.replace_range(last..=last, " ");
        }
    }

    /// Puts a comma behind a list that a hole stands for, where what comes next begins a value.
    fn part_from_group(&mut self, next: &str) {
        let Some(first) = next.trim_start().chars().next().filter(|_| self.is_behind_group) else {
            return;
        };
        self.is_behind_group = false;
        if !matches!(first, ',' | ']' | '}') {
            self.text.push(',');
        }
    }
}

/// Whether a part of a text begins and ends where it stands: it leaves no string and no bracket, and opens none.
fn is_whole(part: &[Piece], is_inside: bool) -> bool {
    let mut quotes = Quotes::default();
    if is_inside {
        quotes.read("\"");
    }
    let (begun, mut depth) = (quotes, 0_usize);
    for piece in part {
        match &piece.data {
            PieceData::Known(text) => {
                for next in text.chars() {
                    match next {
                        '[' | '{' if !quotes.is_inside() => depth += 1,
                        ']' | '}' if !quotes.is_inside() => match depth.checked_sub(1) {
                            Some(less) => depth = less,
                            None => return false,
                        },
                        '"' if is_inside && !quotes.is_escaped() => return false,
                        _ => {}
                    }
                    quotes.read(next.encode_utf8(&mut [0; 4]));
                }
            }
            PieceData::Symbol(_) => {}
            PieceData::Hole(hole) => match &hole.inside {
                Inside::Value | Inside::Values => {}
                Inside::Anything => return false,
                Inside::Parts(parts) => {
                    if !parts.iter().all(|part| is_whole(part, quotes.is_inside())) {
                        return false;
                    }
                }
            },
        }
    }
    depth == 0 && quotes == begun
}
