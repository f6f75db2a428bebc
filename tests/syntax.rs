//! YAML trees: equal to those of `serde_yaml`, with spans that hold what they say.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where a fact does not hold"
)]

use proptest::prelude::*;
use serde::Deserialize;
use serde_yaml::Value;
use serde_yaml::value::{Tag, TaggedValue};

use keyreach::source::{Encoding, FileId, Place, Span};
use keyreach::syntax::yaml::{Document, parse};
use keyreach::syntax::{Kind, Node};

const TEMPLATE: &str = r#"# Schlüssel — one for all
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Admin: {Type: String, Default: 'arn:aws:iam::111122223333:role/Admin''s'}   # who
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      PendingWindowInDays: 30
      KeyPolicy:
        Version: 2012-10-17

        Statement:
        - Sid: Root   # the account
          Effect: Allow
          Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
          Action: kms:*
          Resource: '*'
        -
          Sid: Ünïcode 😀
          Effect: !If
            - Prod
            - Deny
            - Allow

          Principal:
            AWS: !GetAtt Role.Arn
          Action: [ "kms:Decrypt", 'kms:Encrypt',
            kms:DescribeKey ]
          Resource: "\u00e9\
            \t*"
          Condition:
            Empty:
            None: ~
            # nothing else

      Description: >-
        folded over
        two lines

        and a half
      Text: plain over
        two lines
  Inline:
    Properties:
      Policy: !Sub |
        {
          "Version": "2012-10-17",

          "Id": "${Key} – é"
        }

      Kept: |+
        x

      Stripped: |-

        y
          z
Outputs:
  Arn: {Value: !GetAtt Key.Arn, Export: }
"#;

const SCENARIO: &str = "accounts:
  - id: '012345678901'
    number: 012345678901
    other: 111122223333
    allow: &allow
      Effect: Allow
      Action: [kms:Decrypt]
    deny:
      <<: *allow
      Effect: Deny
    both: [*allow, &name kms:*, *name]
    ? long
    : value
    111122223333: an account
    true: yes
numbers: [0, -0, 1_0, 0x1F, 0o17, 0b101, -0x8, +1, +-1, 1.5, 1., .5, -.5, 1e3, 1E400, .inf, -.INF, .nan, 00, 0.0,
  0x, 0xG, 12e, 1.2.3, 340282366920938463463374607431768211456, 2024-01-01, 12:30:00, '12', NULL, Null, nULL, TRUE, on]
tags: [!!str 12, !!int '5', !!bool \"true\", !!null '~', !Ref '5', !Ref 5, !Ref ]
---
second: document
--- |
  third
...
";

/// The tree as `serde_yaml` has it, names as strings.
fn to_value(node: &Node<'_>) -> Value {
    let value = match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(text) => serde_yaml::from_str(text).expect("a number"),
        Kind::String(text) => Value::String(text.to_string()),
        Kind::Array(items) => Value::Sequence(items.iter().map(to_value).collect()),
        Kind::Object(members) => Value::Mapping(
            members
                .iter()
                .map(|member| (member.name.value.to_string().into(), to_value(&member.value)))
                .collect(),
        ),
        Kind::Unresolved(_) | Kind::OneOf { .. } => unreachable!("no text reads as this"),
    };
    match &node.tag {
        Some(tag) => {
            Value::Tagged(Box::new(TaggedValue { tag: Tag::new(tag.value.to_string()), value }))
        }
        None => value,
    }
}

fn with_text_names(value: Value) -> Value {
    match value {
        Value::Sequence(items) => items.into_iter().map(with_text_names).collect(),
        Value::Mapping(members) => Value::Mapping(
            members
                .into_iter()
                .map(|(name, value)| {
                    let name = match name {
                        Value::Number(number) => number.to_string().into(),
                        Value::Bool(value) => value.to_string().into(),
                        name => name,
                    };
                    (name, with_text_names(value))
                })
                .collect(),
        ),
        Value::Tagged(mut tagged) => {
            tagged.value = with_text_names(tagged.value);
            Value::Tagged(tagged)
        }
        value => value,
    }
}

fn read(text: &str) -> Vec<Document<'_>> {
    let (documents, problems) = parse(text);
    assert_eq!(problems, [], "{text:?}");
    documents
}

#[track_caller]
fn check(text: &str) {
    let ours: Vec<Value> = read(text).iter().map(|document| to_value(&document.root)).collect();
    let theirs: Vec<Value> = serde_yaml::Deserializer::from_str(text)
        .map(|document| with_text_names(Value::deserialize(document).expect("valid yaml")))
        .collect();
    // Debug, for `.nan` is not equal to itself.
    assert_eq!(format!("{ours:#?}"), format!("{theirs:#?}"), "{text:?}");
}

#[test]
fn trees_equal_those_of_serde_yaml() {
    for text in [
        TEMPLATE,
        SCENARIO,
        &TEMPLATE.replace('\n', "\r\n"),
        &SCENARIO.replace('\n', "\r\n"),
        "plain",
        "- a\n-\n- - b\n  - c: d\n    e:\n- {}\n- []\n- [a: b, {c: , d}]\n",
        "a:\tb\t# tab\nc: 'd\te'\n",
        "\u{feff}a: b\n",
        "\u{feff}# c\n---\na: 1\n",
        "a: |2\n    x\n   y\nb: |\n\n\n  x\nc: |+\n\n\nd: |\ne: >\n  x\n\n   y\n  z\n",
        "a: |\n  ends without a break",
        "a: \"x\n  y\n\n  z\\n\\x41\\u00e9\\U0001F600\"\n",
        "{\"json\": [1, 2.5, true, null, \"\\u00e9\\/\"], \"a\":{}}",
        "? a\n? b\n: c\n",
        "%YAML 1.2\n---\na: 1\n",
    ] {
        check(text);
    }
}

/// What the node's span holds, put at its column, reads as the same node, and so do its parts.
fn check_reading_again(text: &str, node: &Node<'_>) {
    match &node.kind {
        Kind::Array(items) => items.iter().for_each(|item| check_reading_again(text, item)),
        Kind::Object(members) => {
            for member in members {
                let name = member.name.span.slice(text).expect("the span lies in the text");
                assert_eq!(to_value(&read(name)[0].root), Value::from(&*member.name.value));
                check_reading_again(text, &member.value);
            }
        }
        _ => {}
    }
    let written = node.span.slice(text).expect("the span lies in the text");
    assert_eq!(written, written.trim_start());
    let before = text.get(..node.span.start as usize).expect("a boundary");
    let column = before.chars().rev().take_while(|character| *character != '\n').count();
    let again = format!("{}{written}", " ".repeat(column));
    let expected = to_value(&Node { tag: None, ..node.clone() });
    match read(&again).as_slice() {
        [] => assert_eq!(expected, Value::Null),
        [document] => {
            assert_eq!(to_value(&document.root), expected, "{written}");
            assert_eq!(document.root.span.slice(&again), Some(written));
        }
        more => panic!("{more:?}"),
    }
}

#[test]
fn spans_hold_their_nodes() {
    let text = TEMPLATE.split("      Description").next().expect("a first part");
    for text in [
        text,
        &text.replace('\n', "\r\n"),
        "- a\n- - b\n  - c: d\n    e:\n- [a: b, {c: , d}]\n\n#\n",
    ] {
        check_reading_again(text, &read(text)[0].root);
    }
}

#[track_caller]
fn check_span(text: &str, path: &[&str], expected: &str) {
    let documents = read(text);
    let mut node = &documents[0].root;
    for name in path {
        node = match name.parse::<usize>() {
            Ok(nth) => &node.one_or_many()[nth],
            Err(_) => node.get(name).expect("a member"),
        };
    }
    assert_eq!(node.span.slice(text), Some(expected));
}

#[test]
fn spans_end_with_the_last_byte_that_counts() {
    check_span("a:\n  b: 1\n\n# c\n\nd: 2\n", &["a"], "b: 1");
    check_span("a:\n- b # c\n-   \nd: 2\n", &["a"], "- b # c\n-");
    check_span("a:\n# - c\n-\n-\nb: 2\n", &["a"], "-\n-");
    check_span("a: !If\n- # c\n  d\n", &["a"], "- # c\n  d");
    check_span("a: !If\n  # c\n  - d\n", &["a"], "- d");
    check_span("a:\n- - b\n- # c\n- d\n", &["a", "1"], "");
    check_span("a: {b: [1, 2 ] } # c\n", &["a"], "{b: [1, 2 ] }");
    check_span("a: {b: [1, 2 ] } # c\n", &["a", "b"], "[1, 2 ]");
    check_span("a: !Sub 'b' # c\n", &["a"], "'b'");
    check_span("a: plain text \t# c\n", &["a"], "plain text");
    check_span("a: |\n  b\n  c\n\n\nd: 1\n", &["a"], "b\n  c\n");
    check_span("a: |- # c\n  b\n \n # d\n", &["a"], "b");
    check_span("a: >\n  b\n  c\n\n\nd: 1\n", &["a"], "b\n  c");
    check_span("a: |\n\n\nb: 1\n", &["a"], "");
    check_span("a: {b : , c}\n", &["a"], "{b : , c}");
    check_span("a:\n  b:\nc: 1\n", &["a"], "b:");
    check_span("a: &x [1]\nb:\n- 2\n- *x\n", &["b"], "- 2\n- *x");
    check_span("a: &x [1]\nb:\n- 2\n- *x\n", &["b", "1"], "[1]");
    check_span("\u{feff}é: ü\n", &["é"], "ü");
}

#[test]
fn tags_are_kept_as_written_or_resolved() {
    let tag =
        |text| {
            let mut documents = read(text);
            documents.remove(0).root.tag.map(|tag| {
                (tag.value.into_owned(), tag.span.slice(text).expect("inside").to_owned())
            })
        };
    let both = |resolved: &str, written: &str| Some((resolved.to_owned(), written.to_owned()));
    assert_eq!(tag("!Sub a"), both("!Sub", "!Sub"));
    assert_eq!(tag("!If [a]"), both("!If", "!If"));
    assert_eq!(tag("!If\n- a"), both("!If", "!If"));
    assert_eq!(tag("!<!Sub> a"), both("!Sub", "!<!Sub>"));
    assert_eq!(tag("%TAG !e! tag:e,1:\n--- !e!x a"), both("tag:e,1:x", "!e!x"));
    assert_eq!(tag("!!str a"), None);
    assert_eq!(tag("!!map {}"), None);
    assert_eq!(read("! 12")[0].root.as_str(), Some("12"));
}

#[test]
fn comments_belong_to_a_document() {
    let text = "# a\n---\nb: 1 # c\n# d\n---\n# e\nf: '#' # é\r\n...\n# g\n";
    let comments: Vec<Vec<&str>> = read(text)
        .iter()
        .map(|document| {
            let comments = document.comments.iter();
            comments
                .map(|comment| {
                    let written = comment.span.slice(text).expect("inside");
                    assert_eq!(written.strip_prefix('#'), Some(&*comment.value));
                    written
                })
                .collect()
        })
        .collect();
    assert_eq!(comments, [vec!["# a", "# c", "# d"], vec!["# e", "# é", "# g"]]);
    let long = format!("a:\n  b: 1\n{}c: 2\n", "  # x\n".repeat(500));
    assert_eq!(read(&long)[0].comments.len(), 500);
}

#[track_caller]
fn check_problem(text: &str, part: &str, message: &str, documents: usize) {
    let (read, problems) = parse(text);
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| (problem.span.slice(text).expect("inside"), &*problem.message))
        .collect();
    assert_eq!((problems, read.len()), (vec![(part, message)], documents), "{text:?}");
}

#[test]
fn problems_leave_the_rest_standing() {
    check_problem("a: 1\n---\nb: [1, 2\n---\nc: 3\n", "[", "unclosed bracket '['", 2);
    check_problem("a: *b\n", "*b", "unknown alias", 1);
    check_problem("a: &a [*a]\n", "*a", "alias of a node that it stands in", 1);
    let left_out = "a name must be a scalar, its member is left out";
    check_problem("? [a]\n: b\nc: d\n", "[a]", left_out, 1);
    check_problem("!Ref a: b\n", "!Ref", "a tag on a name says nothing", 1);
    check_problem("a: !!int b\n", "b", "not what its tag `!!int` says", 1);
    check_problem(
        "a:\n\tb: 1\n",
        "b",
        "tabs disallowed within this context (block indentation)",
        0,
    );
}

#[test]
fn both_of_two_equal_names_stay() {
    let documents = read("a: 1\na: 2\n");
    let values = documents[0].root.members().iter().filter_map(|member| member.value.scalar());
    assert_eq!(values.collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn depth_ends_at_128() {
    let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
    assert_eq!(read(&nested(128)).len(), 1);
    check_problem(&nested(129), "[", "nested deeper than 128 levels", 0);
    check_problem(&"- ".repeat(5000), "-", "nested deeper than 128 levels", 0);
    let aliased = format!("- &a {}\n- {}*a{}", nested(100), "[".repeat(27), "]".repeat(27));
    assert_eq!(read(&aliased).len(), 1);
    let aliased = format!("- &a {}\n- {}*a{}", nested(100), "[".repeat(28), "]".repeat(28));
    check_problem(&aliased, "*a", "nested deeper than 128 levels", 0);
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "));
    }
    let (documents, problems) = parse(&text);
    assert_eq!((documents.len(), problems.len()), (0, 1));
    assert_eq!(problems[0].message, "aliases copy more than 1000000 nodes");
    let text = format!("- &a \"{}\\n\"\n{}", "x".repeat(1 << 20), "- *a\n".repeat(10_000));
    assert_eq!(parse(&text).1.len(), 1);
}

/// Spans lie in the text and in one another; a literal block decodes to its value.
fn check_inside(text: &str, node: &Node<'_>, aliases: bool) {
    assert!(node.span.slice(text).is_some(), "{text:?}: {:?}", node.span);
    let inside = |span: Span| aliases || node.span.to(span) == node.span;
    for child in node.one_or_many().iter().filter(|child| !std::ptr::eq(*child, node)) {
        assert!(inside(child.span), "{text:?}: {:?} in {:?}", child.span, node.span);
        check_inside(text, child, aliases);
    }
    for member in node.members() {
        assert!(member.name.span.slice(text).is_some(), "{text:?}: {:?}", member.name);
        assert!(inside(member.name.span.to(member.value.span)), "{text:?}: {node:?}");
        check_inside(text, &member.value, aliases);
    }
    if let Some(tag) = &node.tag {
        assert!(tag.span.slice(text).is_some_and(|tag| tag.starts_with('!')), "{text:?}");
    }
    let place = Place { encoding: Encoding::YamlScalar, ..Place::plain(FileId(0), node.span) };
    if let (Kind::String(value), Some(decoded)) = (&node.kind, place.decode(text)) {
        assert_eq!(decoded.text, *value, "{text:?}");
    }
}

fn check_anything(text: &str) {
    let (documents, problems) = parse(text);
    for document in &documents {
        check_inside(text, &document.root, text.contains('*'));
        for comment in &document.comments {
            let written = comment.span.slice(text).expect("inside");
            assert_eq!(written.strip_prefix('#'), Some(&*comment.value));
        }
    }
    for problem in problems {
        assert!(problem.span.slice(text).is_some(), "{text:?}: {problem:?}");
    }
}

#[test]
fn literal_blocks_decode_to_their_value() {
    for text in [
        "a: |\n  {\n    b\n\n  }\n\nc: 1\n",
        "- |-\n  x\n  y\n\n",
        "|+\n  x\n\n",
        "a: |\n\n \n  x\n",
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let documents = read(&text);
            let mut node = &documents[0].root;
            while node.as_str().is_none() {
                node = node.get("a").unwrap_or_else(|| &node.one_or_many()[0]);
            }
            let span = node.span;
            let place = Place { encoding: Encoding::YamlScalar, ..Place::plain(FileId(0), span) };
            let decoded = place.decode(&text).map(|decoded| decoded.text);
            assert_eq!(decoded.as_deref(), node.as_str(), "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn blocks_of_any_lines_keep_their_spans(
        header in "[|>][+-]?2?( # c)?",
        lines in prop::collection::vec("( {0,5}|\t|)(x|é y|- a|b: c|#|\\{|  )?( {0,2})", 0..6),
        line_break in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        after in prop_oneof![Just(""), Just("d: 1\n"), Just("...\n"), Just("# e\n")],
    ) {
        let text = format!("a: {header}\n{}\n{after}", lines.join("\n")).replace('\n', line_break);
        check_anything(&text);
        check_anything(&text.replace("a: ", "a:\n- b: "));
    }

    #[test]
    fn edited_documents_keep_their_spans_inside(
        template: bool,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3), 1..6),
    ) {
        let inserts: Vec<char> = "{}[],:\"'\\&*!|>-?#%@` \n\r\té\u{202e}\u{feff}~01x<\0".chars().collect();
        let mut text: Vec<char> = if template { TEMPLATE } else { SCENARIO }.chars().collect();
        for (at, insert, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => { text.remove(at); }
                1 => text.insert(at, inserts[insert.index(inserts.len())]),
                _ => text[at] = inserts[insert.index(inserts.len())],
            }
        }
        check_anything(&text.into_iter().collect::<String>());
    }
}
