//! Texts that are written in another text: a policy inside a JSON string, percent-encoded, or in a
//! YAML block. A [`Decoded`] keeps the way back for every offset.

use super::Span;

/// A decoded text and the runs that lead its offsets back to the text it was written in.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The decoded text.
    pub text: String,
    /// `(offset in the decoded text, offset in the written text)` where a run of equal bytes begins,
    /// both ascending; between two entries offsets move together.
    runs: Vec<(u32, u32)>,
    /// Length of the written text.
    written: u32,
}

impl Decoded {
    /// The text as it stands.
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), runs: vec![(0, 0)], written: to_u32(text.len()) }
    }

    /// Decodes a JSON string literal, its quotes included; nothing where it is no valid literal.
    pub fn json_string(literal: &str) -> Option<Self> {
        let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
        let mut out = Builder::new(literal.len(), 1);
        let mut rest = inner;
        while let Some(at) = rest.find('\\') {
            let (before, escape) = rest.split_at(at);
            out.copy(before);
            let (decoded, length) = json_escape(escape)?;
            out.replace(decoded, length);
            rest = escape.get(length..)?;
        }
        out.copy(rest);
        Some(out.finish())
    }

    /// Decodes percent-encoding (RFC 3986, as the IAM API answers; `+` stays `+`); nothing where an
    /// escape is damaged or the bytes are no UTF-8.
    pub fn percent(text: &str) -> Option<Self> {
        let mut out = Builder::new(text.len(), 0);
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (before, escape) = rest.split_at(at);
            out.copy(before);
            let (decoded, length) = percent_escape(escape)?;
            out.replace(decoded, length);
            rest = escape.get(length..)?;
        }
        out.copy(rest);
        Some(out.finish())
    }

    /// Joins lines that stand one below the other in a written text: `(line, offset where it stands)`.
    /// Serves YAML literal blocks, whose lines lose their indent.
    pub fn lines<'a>(written: usize, lines: impl IntoIterator<Item = (&'a str, usize)>) -> Self {
        let mut out = Builder::new(written, 0);
        for (line, at) in lines {
            out.jump(at);
            out.copy(line);
        }
        out.finish()
    }

    /// The same text written `offset` bytes further right.
    pub fn behind(mut self, offset: u32) -> Self {
        for (_, written) in &mut self.runs {
            *written += offset;
        }
        self.written += offset;
        self
    }

    /// The range of the written text that `span` of the decoded text was read from.
    pub fn written(&self, span: Span) -> Span {
        let start = self.offset(span.start);
        let end = if span.end > span.start { self.offset_behind(span.end) } else { start };
        Span { start, end: end.max(start) }
    }

    /// Where the character that begins at `offset` is written.
    fn offset(&self, offset: u32) -> u32 {
        let run = self.runs.partition_point(|&(decoded, _)| decoded <= offset).saturating_sub(1);
        match self.runs.get(run) {
            Some(&(decoded, written)) => (written + (offset - decoded)).min(self.written),
            None => 0,
        }
    }

    /// Where what is written for the character before `offset` ends: the start of the next run when
    /// that character was an escape.
    fn offset_behind(&self, offset: u32) -> u32 {
        let run = self.runs.partition_point(|&(decoded, _)| decoded < offset).saturating_sub(1);
        match self.runs.get(run..) {
            Some([(_, _), (next, written), ..]) if *next == offset => *written,
            Some([(decoded, written), ..]) => (written + (offset - decoded)).min(self.written),
            _ => 0,
        }
    }
}

/// Collects a decoded text and its runs.
struct Builder {
    text: String,
    runs: Vec<(u32, u32)>,
    at: usize,
    written: usize,
}

impl Builder {
    fn new(written: usize, at: usize) -> Self {
        Self { text: String::with_capacity(written), runs: vec![(0, to_u32(at))], at, written }
    }

    fn copy(&mut self, text: &str) {
        self.text.push_str(text);
        self.at += text.len();
    }

    /// Appends `decoded`, written in `length` bytes; what follows is a new run.
    fn replace(&mut self, decoded: char, length: usize) {
        self.begin();
        self.text.push(decoded);
        self.at += length;
        self.begin();
    }

    fn jump(&mut self, at: usize) {
        self.at = at;
        self.begin();
    }

    fn begin(&mut self) {
        let run = (to_u32(self.text.len()), to_u32(self.at));
        match self.runs.last_mut() {
            Some(last) if last.0 == run.0 => *last = run,
            _ => self.runs.push(run),
        }
    }

    fn finish(self) -> Decoded {
        Decoded { text: self.text, runs: self.runs, written: to_u32(self.written) }
    }
}

/// The character of the escape that `text` begins with, and its written length.
fn json_escape(text: &str) -> Option<(char, usize)> {
    let simple = |decoded| Some((decoded, 2));
    match text.as_bytes().get(1)? {
        b'"' => simple('"'),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'u' => {
            let first = hex(text.get(2..6)?)?;
            if let Some(decoded) = char::from_u32(first) {
                return Some((decoded, 6));
            }
            let second = text.get(6..12)?.strip_prefix("\\u").and_then(hex)?;
            let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
            let high = first.checked_sub(0xD800).filter(|high| *high < 0x400)?;
            char::from_u32(0x10000 + (high << 10) + low).map(|decoded| (decoded, 12))
        }
        _ => None,
    }
}

/// The character that the percent escapes at the start of `text` spell, and their written length.
fn percent_escape(text: &str) -> Option<(char, usize)> {
    let byte = |at: usize| -> Option<u8> {
        let escape = text.get(at..at + 3)?.strip_prefix('%')?;
        u8::try_from(hex(escape)?).ok()
    };
    let first = byte(0)?;
    let count = match first {
        0x00..=0x7F => 1,
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let bytes: Vec<u8> = (0..count).map(|nth| byte(nth * 3)).collect::<Option<_>>()?;
    let decoded = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((decoded, count * 3))
}

fn hex(digits: &str) -> Option<u32> {
    let all_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if all_hex { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decoded: &Decoded, written: &str, part: &str, expected: &str) {
        let start = decoded.text.find(part).expect("the part is in the text");
        let span = decoded.written(Span::new(start, start + part.len()));
        assert_eq!(span.slice(written), Some(expected));
    }

    #[test]
    fn json_escapes_lead_back() {
        let written = r#""{\"a\":\n\"\u00e9\ud83d\ude00x\"}""#;
        let decoded = Decoded::json_string(written).expect("valid");
        assert_eq!(Some(decoded.text.clone()), serde_json::from_str::<String>(written).ok());
        check(&decoded, written, "\"a\"", r#"\"a\""#);
        check(&decoded, written, "é😀", r"\u00e9\ud83d\ude00");
        check(&decoded, written, "x", "x");
        check(&decoded, written, "{\"a\":\n\"é😀x\"}", r#"{\"a\":\n\"\u00e9\ud83d\ude00x\"}"#);
    }

    #[test]
    fn damaged_json_strings_are_refused() {
        for written in ["\"", "\"\\\"", r#""\u12""#, r#""\ud800x""#, r#""\q""#, "x"] {
            assert!(Decoded::json_string(written).is_none(), "{written}");
        }
    }

    #[test]
    fn percent_escapes_lead_back() {
        let written = "%7B%22a%22%3A+%C3%A9x%7D";
        let decoded = Decoded::percent(written).expect("valid");
        assert_eq!(decoded.text, "{\"a\":+éx}");
        check(&decoded, written, "\"a\"", "%22a%22");
        check(&decoded, written, "éx", "%C3%A9x");
        assert!(Decoded::percent("%4").is_none());
        assert!(Decoded::percent("%FF").is_none());
    }

    #[test]
    fn lines_lose_their_indent_only() {
        let written = "  {\n    \"a\"\n  }\n";
        let decoded = Decoded::lines(written.len(), [("{\n", 2), ("  \"a\"\n", 6), ("}\n", 14)]);
        check(&decoded, written, "\"a\"", "\"a\"");
        check(&decoded, written, "}", "}");
    }
}
