//! JSON as RFC 8259 has it, read in one pass.

use std::borrow::Cow;

use super::{Kind, Member, Node, Problem};
use crate::source::{Located, Span};

/// How many lists and objects may stand in one another.
const DEPTH: usize = 128;

/// Reads exactly one document; white space may stand around it, a byte order mark may not.
///
/// Strings without escapes borrow from `text`. Numbers stay as written, whatever their size, and a
/// name that stands twice is there twice.
///
/// # Errors
/// The first [`Problem`], where `text` is no JSON or is nested deeper than 128 levels.
pub fn parse(text: &str) -> Result<Node<'_>, Problem> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, depth: 0 };
    scanner.blank();
    let node = scanner.value()?;
    scanner.blank();
    match scanner.peek() {
        None => Ok(node),
        Some(_) => Err(scanner.expected("nothing more after the document")),
    }
}

/// Splits a text of concatenated documents, one a line or not, into the ranges of its documents.
///
/// Looks at strings and brackets only: a range that comes back need not be valid JSON. Where the tail
/// is broken the problem says so, and the documents before it stand.
pub fn documents(text: &str) -> (Vec<Span>, Option<Problem>) {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, depth: 0 };
    let mut documents = Vec::new();
    loop {
        scanner.blank();
        let start = scanner.at;
        match scanner.skip_document() {
            Ok(()) if scanner.at == start => return (documents, None),
            Ok(()) => documents.push(Span::new(start, scanner.at)),
            Err(problem) => return (documents, Some(problem)),
        }
    }
}

/// A position in a text, and how many lists and objects are open there.
struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn value(&mut self) -> Result<Node<'a>, Problem> {
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => Kind::String(self.string()?),
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'-' | b'0'..=b'9') => Kind::Number(Cow::Borrowed(self.number()?)),
            _ => self.word()?,
        };
        Ok(Node { span: Span::new(start, self.at), tag: None, kind })
    }

    /// Reads a list or an object, one level deeper.
    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Kind<'a>, Problem>,
    ) -> Result<Kind<'a>, Problem> {
        if self.depth == DEPTH {
            return Err(self.problem(self.at, self.at + 1, "nested deeper than 128 levels"));
        }
        self.depth += 1;
        self.at += 1;
        self.blank();
        let kind = read(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn object(&mut self) -> Result<Kind<'a>, Problem> {
        if self.take(b'}') {
            return Ok(Kind::Object(Vec::new()));
        }
        // Policies are full of objects and lists of one; room for four, the default, costs a quarter more.
        let mut members = Vec::with_capacity(1);
        loop {
            members.push(self.member()?);
            self.blank();
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => self.comma(b'}')?,
                _ => return Err(self.expected("`,` or `}` after a member")),
            }
        }
        self.at += 1;
        Ok(Kind::Object(members))
    }

    fn member(&mut self) -> Result<Member<'a>, Problem> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.expected("a name in double quotes"));
        }
        let name = self.string()?;
        let name = Located::new(name, Span::new(start, self.at));
        self.blank();
        if !self.take(b':') {
            return Err(self.expected("`:` after a name"));
        }
        self.blank();
        Ok(Member { name, value: self.value()? })
    }

    fn array(&mut self) -> Result<Kind<'a>, Problem> {
        if self.take(b']') {
            return Ok(Kind::Array(Vec::new()));
        }
        let mut items = Vec::with_capacity(1);
        loop {
            items.push(self.value()?);
            self.blank();
            match self.peek() {
                Some(b']') => break,
                Some(b',') => self.comma(b']')?,
                _ => return Err(self.expected("`,` or `]` after an item")),
            }
        }
        self.at += 1;
        Ok(Kind::Array(items))
    }

    /// Steps over a comma, behind which `close` must not stand.
    fn comma(&mut self, close: u8) -> Result<(), Problem> {
        let comma = self.at;
        self.at += 1;
        self.blank();
        if self.peek() == Some(close) {
            return Err(self.problem(comma, comma + 1, "trailing comma"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Problem> {
        let open = self.at;
        self.at += 1;
        let first = self.plain();
        if self.take(b'"') {
            return Ok(Cow::Borrowed(first));
        }
        let mut decoded = first.to_owned();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => decoded.push(self.escape()?),
                None | Some(b'\n' | b'\r') => {
                    return Err(self.problem(open, self.at, "string is not closed on its line"));
                }
                Some(_) => {
                    let message = "control character in a string";
                    return Err(self.problem(self.at, self.at + 1, message));
                }
            }
            decoded.push_str(self.plain());
        }
        self.at += 1;
        Ok(Cow::Owned(decoded))
    }

    /// Steps over characters that stand for themselves in a string.
    fn plain(&mut self) -> &'a str {
        let start = self.at;
        self.at += self.bytes.get(start..).map_or(0, plain_length);
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let start = self.at;
        self.at += 2;
        match self.bytes.get(start + 1) {
            Some(&byte @ (b'"' | b'\\' | b'/')) => Ok(char::from(byte)),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => self.unicode_escape(start),
            _ => {
                let end = start + 1 + self.character(start + 1).map_or(0, char::len_utf8);
                Err(self.problem(start, end, "unknown escape in a string"))
            }
        }
    }

    /// The character that `\uXXXX`, or a pair of them, spells.
    fn unicode_escape(&mut self, start: usize) -> Result<char, Problem> {
        let first = self.four_digits(start)?;
        if let Some(decoded) = char::from_u32(first) {
            return Ok(decoded);
        }
        let low = self.at;
        if first < 0xDC00 && self.bytes.get(low..low + 2) == Some(b"\\u") {
            self.at += 2;
            let second = self.four_digits(low)?;
            let pair = second.checked_sub(0xDC00).filter(|second| *second < 0x400);
            let decoded =
                pair.and_then(|low| char::from_u32(0x10000 + ((first - 0xD800) << 10) + low));
            if let Some(decoded) = decoded {
                return Ok(decoded);
            }
        }
        Err(self.problem(start, low, "half of a surrogate pair in a string"))
    }

    /// The four hexadecimal digits at the position, of the escape that begins at `start`.
    fn four_digits(&mut self, start: usize) -> Result<u32, Problem> {
        let digits = self.bytes.get(self.at..).unwrap_or_default();
        let digits = digits.iter().take(4).map_while(|&digit| char::from(digit).to_digit(16));
        let (count, number) =
            digits.fold((0, 0), |(count, number), digit| (count + 1, number << 4 | digit));
        self.at += count;
        if count < 4 {
            return Err(self.problem(start, self.at, "`\\u` needs four hexadecimal digits"));
        }
        Ok(number)
    }

    fn number(&mut self) -> Result<&'a str, Problem> {
        let start = self.at;
        self.take(b'-');
        let whole = self.at;
        self.digits()?;
        if self.bytes.get(whole) == Some(&b'0') && self.at > whole + 1 {
            return Err(self.problem(start, self.at, "number with a leading zero"));
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), Problem> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    /// Reads `null`, `true` or `false`; says what is wrong with anything else.
    fn word(&mut self) -> Result<Kind<'a>, Problem> {
        let start = self.at;
        while matches!(self.peek(), Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_') {
            self.at += 1;
        }
        match self.text.get(start..self.at).unwrap_or_default() {
            "null" => Ok(Kind::Null),
            "true" => Ok(Kind::Bool(true)),
            "false" => Ok(Kind::Bool(false)),
            "" => Err(match self.peek() {
                Some(b'\'') => self.problem(start, start + 1, "strings stand in double quotes"),
                Some(b'/' | b'#') => self.problem(start, start + 1, "comments are no json"),
                _ => self.expected("a value"),
            }),
            _ => Err(self.problem(start, self.at, "unknown word, strings stand in double quotes")),
        }
    }

    /// Steps over one document, or over nothing at the end of the text.
    fn skip_document(&mut self) -> Result<(), Problem> {
        let start = self.at;
        match self.peek() {
            None => Ok(()),
            Some(b'"') => self.skip_string(),
            Some(b'{' | b'[') => self.skip_brackets(),
            Some(b',' | b':' | b'}' | b']') => Err(self.expected("a document")),
            Some(_) => {
                let rest = self.bytes.get(start..).unwrap_or_default();
                let ends = |byte: &u8| b" \t\n\r\"{}[],:".contains(byte);
                self.at += rest.iter().position(ends).unwrap_or(rest.len());
                Ok(())
            }
        }
    }

    fn skip_brackets(&mut self) -> Result<(), Problem> {
        let open = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.skip_string()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.problem(open, open + 1, "this document is not closed"))
    }

    fn skip_string(&mut self) -> Result<(), Problem> {
        let open = self.at;
        self.at += 1;
        loop {
            self.at += self.bytes.get(self.at..).map_or(0, plain_length);
            match self.peek() {
                None => return Err(self.problem(open, open + 1, "this string is not closed")),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn character(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// Something else stands at the position than the grammar asks for.
    fn expected(&self, what: &str) -> Problem {
        let (length, found) = match self.character(self.at) {
            None => (0, "the end of the text".to_owned()),
            Some(found) if found.is_ascii_graphic() => (1, format!("`{found}`")),
            Some(found) => (found.len_utf8(), format!("`{}`", found.escape_debug())),
        };
        self.problem(self.at, self.at + length, &format!("expected {what}, found {found}"))
    }

    fn problem(&self, start: usize, end: usize, message: &str) -> Problem {
        let end = end.min(self.text.len());
        Problem { span: Span::new(start, end), message: message.to_owned() }
    }
}

/// How many bytes stand before the first quote, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (nth, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return nth * 8 + stops.trailing_zeros() as usize / 8;
        }
    }
    let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().position(stop).unwrap_or(rest.len())
}

/// Marks the high bit of bytes that are a quote, a backslash or a control character. The lowest mark
/// is exact; borrows may set others above it (Bit Twiddling Hacks, "Determine if a word has a byte
/// less than n").
fn stops(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    let quote = word ^ (EACH * 0x22);
    let backslash = word ^ (EACH * 0x5C);
    let zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    (zero(quote) | zero(backslash) | control) & (EACH * 0x80)
}

#[cfg(test)]
mod tests;
