//! What is JSON and what is none, with the places of faults.

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
        Kind::Unresolved(_) | Kind::OneOf { .. } => unreachable!("no text reads as this"),
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
