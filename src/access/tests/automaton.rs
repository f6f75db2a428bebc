//! The automaton and the classes of single values against all short texts.

use std::collections::BTreeMap;

use crate::access::automaton::folded_alike;
use crate::access::elements::elements;
use crate::access::range::{Form, Range};
use crate::access::test::Test;
use crate::access::values::fold;

use super::test;

/// Numbers that look random and are the same in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    pub(super) fn word(&mut self, letters: &[char], longest: usize) -> String {
        (0..self.below(longest + 1)).map(|_| letters[self.below(letters.len())]).collect()
    }
}

/// All texts over the letters up to a length, shorter ones first.
pub(super) fn all_texts(letters: &[char], longest: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = 0;
    for _ in 0..longest {
        let end = all.len();
        for at in last..end {
            for letter in letters {
                all.push(format!("{}{letter}", all[at]));
            }
        }
        last = end;
    }
    all
}

fn vector(tests: &[&Test], text: &str) -> Vec<bool> {
    tests.iter().map(|test| test.satisfied(text, &|_| None)).collect()
}

/// The classes found are those that texts over the letters show; the shortest is as short.
fn check(range: &Range, tests: &[Test], letters: &[char], longest: usize) {
    let tests: Vec<&Test> = tests.iter().collect();
    let mut expected = BTreeMap::new();
    for text in all_texts(letters, longest) {
        if range.has(&text) {
            expected.entry((text.is_empty(), vector(&tests, &text))).or_insert(text);
        }
    }
    let found = elements(range, &tests);
    assert!(found.complete, "{tests:?}");
    let found: BTreeMap<_, _> = found
        .found
        .iter()
        .map(|(text, _)| ((text.is_empty(), vector(&tests, text)), text.to_string()))
        .collect();
    let classes: Vec<_> = expected.keys().collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), classes, "{tests:?} {found:?} {expected:?}");
}

#[test]
fn c12_classes_of_random_patterns_are_those_of_all_texts() {
    let mut random = Random(1);
    let range = Range::Texts { forms: Vec::new(), empty: true };
    for _ in 0..400 {
        let tests: Vec<Test> = (0..1 + random.below(3))
            .map(|_| {
                let values: Vec<String> = (0..1 + random.below(2))
                    .map(|_| random.word(&['a', 'b', '*', '?'], 3))
                    .collect();
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                let operator = ["StringLike", "StringEquals", "StringEqualsIgnoreCase"];
                test(random.pick(&operator), "aws:PrincipalTag/x", &values)
            })
            .collect();
        check(&range, &tests, &['a', 'b', 'A', 'B', '*', '?', 'c'], 5);
    }
}

#[test]
fn c18_c22_classes_of_arns() {
    let mut random = Random(2);
    let forms = vec![Form::Arn, Form::like("arn:a*:::*:??")];
    let range = Range::Texts { forms, empty: false };
    for _ in 0..60 {
        let tests: Vec<Test> = (0..1 + random.below(3))
            .map(|_| {
                let mut part = || random.word(&['a', 'b', '*', '?'], 2);
                let arn = format!("arn:{}:::{}:{}", part(), part(), part());
                let operator = random.pick(&["StringLike", "ArnLike"]);
                let operator = if random.below(4) == 0 { "StringEquals" } else { operator };
                test(operator, "aws:SourceArn", &[&arn])
            })
            .collect();
        let tests: Vec<&Test> = tests.iter().collect();
        let mut expected = BTreeMap::new();
        let parts = all_texts(&['a', 'b', 'c', '*', '?'], 2);
        let lasts = all_texts(&['a', 'b', 'c', ':'], 2);
        for one in &parts {
            for other in &parts {
                for last in &lasts {
                    let text = format!("arn:{one}:::{other}:{last}");
                    if range.has(&text) {
                        expected.entry(vector(&tests, &text)).or_insert(text);
                    }
                }
            }
        }
        let found = elements(&range, &tests);
        assert!(found.complete);
        let found: BTreeMap<_, _> =
            found.found.iter().map(|(text, _)| (vector(&tests, text), text)).collect();
        for (vector, text) in &expected {
            assert!(found.contains_key(vector), "{tests:?} misses {text}");
        }
        for text in found.values() {
            assert!(range.has(text), "{text}");
        }
    }
}

#[test]
fn c12_members_are_shortest() {
    use crate::access::automaton::members;
    use crate::access::elements::acceptor;
    let mut random = Random(3);
    for _ in 0..200 {
        let tests: Vec<Test> = (0..2)
            .map(|_| {
                let pattern = random.word(&['a', 'b', '*', '?'], 4);
                test("StringLike", "aws:PrincipalTag/x", &[&pattern])
            })
            .collect();
        let acceptors: Vec<_> = tests.iter().map(acceptor).collect();
        let tests: Vec<&Test> = tests.iter().collect();
        let mut shortest = BTreeMap::new();
        for text in all_texts(&['a', 'b', 'c'], 6) {
            shortest.entry(vector(&tests, &text)).or_insert(text.len());
        }
        let found = members(&acceptors, &[]);
        let found: BTreeMap<_, _> =
            found.found.iter().map(|(_, text)| (vector(&tests, text), text.len())).collect();
        assert_eq!(found, shortest, "{tests:?}");
    }
}

#[test]
fn c11_characters_that_fold_alike() {
    let range = Range::Texts { forms: Vec::new(), empty: false };
    let tests = [
        test("StringEqualsIgnoreCase", "aws:UserAgent", &["k"]),
        test("StringEquals", "aws:UserAgent", &["k"]),
        test("StringEquals", "aws:UserAgent", &["K"]),
    ];
    let tests: Vec<&Test> = tests.iter().collect();
    let found: Vec<Box<str>> =
        elements(&range, &tests).found.into_iter().map(|(text, _)| text).collect();
    // The last is the sign of the unit kelvin.
    assert_eq!(found, ["k".into(), "K".into(), "other".into(), "\u{212a}".into()]);
}

#[test]
fn many_exact_values_and_their_others_are_two_classes() {
    let range = Range::Texts { forms: vec![Form::Account], empty: false };
    let values: Vec<String> =
        (0..500).map(|at: u64| format!("{:012}", at * 7919 * 104_729)).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let test = test("StringEquals", "aws:SourceAccount", &values);
    let found = elements(&range, &[&test]);
    assert!(found.complete);
    assert_eq!(found.found.len(), 2);
}

#[test]
fn c13_c14_c17_classes_of_numbers_and_addresses() {
    let now = "2026-01-01T00:00:00Z".parse().expect("an instant");
    let texts = |key: &str, tests: &[Test]| -> Vec<String> {
        let tests: Vec<&Test> = tests.iter().collect();
        let found = elements(&Range::of(key, now), &tests);
        assert!(found.complete, "{key}");
        found.found.into_iter().map(|(text, _)| text.into()).collect()
    };
    let key = "kms:rotationperiodindays";
    assert_eq!(texts(key, &[test("NumericLessThan", key, &["100"])]), ["365", "90"]);
    let key = "aws:multifactorauthage";
    let tests = [test("NumericLessThan", key, &["30"]), test("NumericGreaterThan", key, &["29"])];
    assert_eq!(texts(key, &tests), ["0", "30"]);
    let tests =
        [test("NumericEquals", key, &["2.5"]), test("NumericLessThanEquals", key, &["2.5"])];
    assert_eq!(texts(key, &tests), ["0", "3"]);
    let key = "aws:currenttime";
    let tests = [
        test("DateLessThan", key, &["2025-06-01"]),
        test("DateLessThan", key, &["2026-01-01T00:00:01Z"]),
    ];
    assert_eq!(texts(key, &tests), ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"]);
    let key = "aws:sourceip";
    let tests = [
        test("IpAddress", key, &["10.0.0.0/8", "2001:db8::/32"]),
        test("IpAddress", key, &["10.1.0.0/16"]),
        test("IpAddress", key, &["10.0.0.1/16", "11.0.0.0/8"]),
    ];
    assert_eq!(
        texts(key, &tests),
        ["203.0.113.10", "2001:db8::10", "10.0.0.1", "11.0.0.0", "10.1.0.1"]
    );
    let key = "aws:principaltag/level";
    let tests = [test("NumericLessThan", key, &["3", "5"]), test("NumericEquals", key, &["4.5"])];
    assert_eq!(texts(key, &tests), ["3", "5", "4.5", ""]);
}

#[test]
fn c11_letters_fold_alike_without_a_table_as_with_one() {
    for character in '\0'..='\u{7f}' {
        let folded = fold(character);
        let mut alike: Vec<char> = ('\0'..'\u{20000}').filter(|it| fold(*it) == folded).collect();
        alike.sort_unstable();
        assert_eq!(*folded_alike(character), *alike, "{character:?}");
    }
}
