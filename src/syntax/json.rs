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
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Id": "schl\u00fcssel-é-\"1\"",
  "Statement": [
    {"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
     "Action": "kms:*", "Resource": "*"},
    {"Effect": "Deny", "NotPrincipal": {"AWS": ["a", "b\\c"]}, "Action": ["kms:Decrypt", "kms:*"],
     "Resource": [], "Condition": {"Bool": {"aws:SecureTransport": false},
     "NumericLessThan": {"aws:MultiFactorAuthAge": 300, "x": -1.5e-3}, "Null": {"k": null}}}
  ]
}
"#;

    fn to_value(node: &Node<'_>) -> Value {
        match &node.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(text) => serde_json::from_str(text).expect("a number"),
            Kind::String(text) => Value::String(text.to_string()),
            Kind::Array(items) => items.iter().map(to_value).collect(),
            Kind::Object(members) => members
                .iter()
                .map(|member| (member.name.value.to_string(), to_value(&member.value)))
                .collect(),
        }
    }

    /// What the node's span holds reads as the same node, and so do its parts.
    fn check_spans(text: &str, node: &Node<'_>) {
        let written = node.span.slice(text).expect("the span lies in the text");
        let again = parse(written).expect("the span holds a document");
        assert_eq!(to_value(&again), to_value(node), "{written}");
        assert_eq!(again.span, Span::new(0, written.len()));
        match &node.kind {
            Kind::Array(items) => items.iter().for_each(|item| check_spans(text, item)),
            Kind::Object(members) => {
                for member in members {
                    let name = member.name.span.slice(text).expect("the span lies in the text");
                    assert_eq!(parse(name).expect("a name").as_str(), Some(&*member.name.value));
                    check_spans(text, &member.value);
                }
            }
            _ => {}
        }
    }

    /// Agrees with `serde_json`, which alone refuses numbers that are no finite `f64`.
    fn check(text: &str) {
        match (parse(text), serde_json::from_str::<Value>(text)) {
            (Ok(node), Ok(expected)) => {
                assert_eq!(to_value(&node), expected, "{text:?}");
                check_spans(text, &node);
            }
            (Ok(_), Err(error)) => {
                assert!(error.to_string().starts_with("number out of range"), "{text:?}: {error}");
            }
            (Err(problem), Ok(_)) => panic!("{text:?}: {problem:?}"),
            (Err(problem), Err(_)) => {
                assert!(problem.span.slice(text).is_some(), "{text:?}: {problem:?}");
            }
        }
    }

    #[test]
    fn trees_equal_those_of_serde_json() {
        for text in [
            POLICY,
            "null",
            " \t\r\n true ",
            "false",
            "0",
            "-0",
            "123456789012",
            "-12.50e+10",
            "1E-2",
            "1e400",
            "123456789012345678901234567890",
            r#""""#,
            r#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00\uFFFF""#,
            r#""1234567\\12345678\"""#,
            "\"é😀\u{7f}\u{2028}\u{feff}\"",
            "[]",
            "[ ]",
            "{}",
            "{ }",
            "[[[1,[2]],{}],{\"\":{\"a\":[]}}]",
            r#"{"a":1,"a":2}"#,
        ] {
            check(text);
            assert!(parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_serde_json_refuses_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "nulll",
            "True",
            "NaN",
            "Infinity",
            "01",
            "-01",
            "-",
            "+1",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1.e1",
            "0x1",
            "1_0",
            "[",
            "]",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{",
            "}",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{1:1}",
            "{'a':1}",
            "{\"a\":1 \"b\":2}",
            "{\"a\":1]",
            "{,}",
            "'a'",
            "\"",
            "\"a",
            "\"\\",
            "\"\\\"",
            "\"\\q\"",
            "\"\\é\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "\"\\ud800\"",
            "\"\\ud800x\"",
            "\"\\ud800\\n\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800\\ud800\"",
            "\"\\udc00\"",
            "\"\\udc00\\udc00\"",
            "\"a\nb\"",
            "\"a\tb\"",
            "\"\0\"",
            "\"12345678\u{1f}\"",
            "1 2",
            "{} {}",
            "{},",
            "1 x",
            "\u{feff}1",
            "\u{a0}1",
            "1\u{c}",
            "// a\n1",
            "/**/1",
            "1#",
            "é",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
            check(text);
        }
    }

    #[track_caller]
    fn check_problem(text: &str, part: &str, message: &str) {
        let problem = parse(text).expect_err("broken");
        assert_eq!((problem.span.slice(text), &*problem.message), (Some(part), message), "{text}");
    }

    #[test]
    fn problems_name_the_smallest_range() {
        check_problem(r#"{"a": 1 "b": 2}"#, "\"", "expected `,` or `}` after a member, found `\"`");
        check_problem("[1 2]", "2", "expected `,` or `]` after an item, found `2`");
        check_problem("[1", "", "expected `,` or `]` after an item, found the end of the text");
        check_problem("[1, \u{202e}]", "\u{202e}", "expected a value, found `\\u{202e}`");
        check_problem("[1 , ]", ",", "trailing comma");
        check_problem("{a: 1}", "a", "expected a name in double quotes, found `a`");
        check_problem("{\"a\"= 1}", "=", "expected `:` after a name, found `=`");
        check_problem("[True]", "True", "unknown word, strings stand in double quotes");
        check_problem("['a']", "'", "strings stand in double quotes");
        check_problem("[1, // one\n2]", "/", "comments are no json");
        check_problem("[007]", "007", "number with a leading zero");
        check_problem("[-a]", "a", "expected a digit, found `a`");
        check_problem("[\"a\tb\"]", "\t", "control character in a string");
        check_problem("[\"ab\n\"]", "\"ab", "string is not closed on its line");
        check_problem(r#"["a\éb"]"#, r"\é", "unknown escape in a string");
        check_problem(r#"["\u00"]"#, r"\u00", "`\\u` needs four hexadecimal digits");
        check_problem(r#"["\ud83dx"]"#, r"\ud83d", "half of a surrogate pair in a string");
        check_problem("{} {}", "{", "expected nothing more after the document, found `{`");
    }

    #[test]
    fn strings_without_escapes_borrow() {
        let node = parse(r#"["é", "\u00e9"]"#).expect("valid");
        let [plain, escaped] = node.one_or_many() else { panic!("two items") };
        assert!(matches!(&plain.kind, Kind::String(Cow::Borrowed("é"))));
        assert!(matches!(&escaped.kind, Kind::String(Cow::Owned(_))));
    }

    #[test]
    fn both_of_two_equal_names_stay() {
        let node = parse(r#"{"a": 1, "a": 2.0}"#).expect("valid");
        let numbers = node.members().iter().filter_map(|member| member.value.scalar());
        assert_eq!(numbers.collect::<Vec<_>>(), ["1", "2.0"]);
    }

    #[test]
    fn depth_ends_at_128() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(128)).is_ok());
        let deep = nested(129);
        let problem = parse(&deep).expect_err("too deep");
        assert_eq!(problem.span, Span::new(128, 129));
        assert_eq!(problem.message, "nested deeper than 128 levels");
        assert!(parse(&"{\"a\":".repeat(1_000_000)).is_err());
    }

    #[track_caller]
    fn check_documents(text: &str, expected: &[&str], problem: Option<(&str, &str)>) {
        let (spans, met) = documents(text);
        let parts: Vec<&str> = spans.iter().map(|span| span.slice(text).expect("inside")).collect();
        assert_eq!(parts, expected);
        let met = met.as_ref().map(|met| (met.span.slice(text).expect("inside"), &*met.message));
        assert_eq!(met, problem);
    }

    #[test]
    fn documents_are_found_by_their_brackets() {
        check_documents(" \n", &[], None);
        check_documents(
            "{\"a\": \"}\\\"]\"}\n[1, {}]\r\n\n\"x\" nullé 12{}",
            &["{\"a\": \"}\\\"]\"}", "[1, {}]", "\"x\"", "nullé", "12", "{}"],
            None,
        );
        check_documents("{} {\"a\": [}", &["{}"], Some(("{", "this document is not closed")));
        check_documents("1 {\"é\\", &["1"], Some(("\"", "this string is not closed")));
        check_documents("{}, {}", &["{}"], Some((",", "expected a document, found `,`")));
        check_documents("{}}", &["{}"], Some(("}", "expected a document, found `}`")));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let string = "[a-z \"\\\\/\n\u{1}é😀\u{7f}]{0,20}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            string.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 60, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((string, inner), 0..6).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #[test]
        fn printed_values_read_as_they_were(value in any_json()) {
            for text in [value.to_string(), format!("{value:#}")] {
                let node = parse(&text).expect("printed by serde_json");
                prop_assert_eq!(&to_value(&node), &serde_json::from_str::<Value>(&text).expect("valid"));
                check_spans(&text, &node);
                let stream = format!("{text}\n{text}");
                let end = text.len();
                let spans = vec![Span::new(0, end), Span::new(end + 1, end + 1 + end)];
                if !value.is_number() && !value.is_boolean() && !value.is_null() {
                    let (found, problem) = documents(&stream);
                    prop_assert_eq!((found, problem), (spans, None));
                }
            }
        }

        #[test]
        fn edited_policies_agree_with_serde_json(
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3), 1..4),
        ) {
            let inserts: Vec<char> = "{}[],:\"\\/u0d8e+-.1 \n\té\u{202e}\u{feff}tnf".chars().collect();
            let mut text: Vec<char> = POLICY.chars().collect();
            for (at, insert, kind) in edits {
                let at = at.index(text.len());
                match kind {
                    0 => { text.remove(at); }
                    1 => text.insert(at, inserts[insert.index(inserts.len())]),
                    _ => text[at] = inserts[insert.index(inserts.len())],
                }
            }
            let text: String = text.into_iter().collect();
            check(&text);
            for span in documents(&text).0 {
                prop_assert!(span.slice(&text).is_some());
            }
        }
    }
}
