//! Every rule of the semantics is named by a test: a case of `testdata/worked-cases`, a test under
//! `tests`, or the name or doc comment of a unit test (`a31_to_a35_...` names a range).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops where it fails, and prints what is left to do"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A rule of the list, and whether it waits for a later part of the program.
struct Rule {
    id: String,
    later: bool,
}

fn rules() -> Vec<Rule> {
    let list = include_str!("../testdata/rules-of-the-semantics.txt");
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rule = |line: &str| {
        let (id, words) = line.split_once(' ').expect("an id and its words");
        Rule { id: id.to_owned(), later: words.starts_with("later: ") }
    };
    lines.map(rule).collect()
}

/// The files below `folder` with one of these extensions.
fn files(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path.extension().is_some_and(|one| extensions.contains(&&*one.to_string_lossy()))
        {
            found.push(path);
        }
    }
}

/// A letter and a number, as rules are called; in any case.
fn as_rule(word: &str) -> Option<String> {
    let mut rest = word.chars();
    let letter = rest.next()?.to_ascii_uppercase();
    let number = rest.as_str().trim_end_matches(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (letter.is_ascii_uppercase() && is_number).then(|| format!("{letter}{}", rest.as_str()))
}

/// A rule's letter and number.
fn numbered(word: &str) -> Option<(char, u32)> {
    let rule = as_rule(word)?;
    let mut rest = rule.chars();
    Some((rest.next()?, rest.as_str().parse().ok()?))
}

/// The rules that a text names; `_to_` and ` to ` between two of a letter mean all between them.
fn named(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut found: BTreeSet<String> = words.iter().filter_map(|word| as_rule(word)).collect();
    for three in words.windows(3) {
        if let [first, "to", last] = three
            && let (Some((letter, from)), Some((other, to))) = (numbered(first), numbered(last))
            && letter == other
        {
            found.extend((from..=to).map(|number| format!("{letter}{number}")));
        }
    }
    found
}

/// The names of the unit tests in a source file, with the doc comments right above them.
fn unit_tests(source: &str) -> String {
    let (mut text, mut comments, mut is_test) = (String::new(), String::new(), false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("///") {
            comments += line;
        } else if line.starts_with("#[test]") {
            is_test = true;
        } else if let Some(name) = line.strip_prefix("fn ") {
            if is_test {
                text = text + &comments + " " + name.split('(').next().unwrap() + "\n";
            }
            comments.clear();
            is_test = false;
        } else if !line.starts_with("#[") {
            comments.clear();
        }
    }
    text
}

#[test]
fn every_rule_is_named_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut tests, mut cases, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    files(&root.join("tests"), &["rs", "yaml", "json", "md"], &mut tests);
    files(&root.join("testdata/worked-cases"), &["yaml"], &mut cases);
    files(&root.join("src"), &["rs"], &mut sources);
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let mut found = BTreeSet::new();
    for path in tests.iter().chain(&cases) {
        if !path.ends_with("rules_named.rs") {
            found.append(&mut named(&read(path)));
        }
    }
    for path in &sources {
        found.append(&mut named(&unit_tests(&read(path))));
    }
    let (later, now): (Vec<Rule>, Vec<Rule>) =
        rules().into_iter().filter(|rule| !found.contains(&rule.id)).partition(|rule| rule.later);
    let list = |rules: &[Rule]| {
        let ids: Vec<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
        ids.join(" ")
    };
    println!("named by no test yet, for later: {}", list(&later));
    assert!(now.is_empty(), "named by no test: {}", list(&now));
}

#[test]
fn the_list_names_each_rule_once() {
    let ids: Vec<String> = rules().into_iter().map(|rule| rule.id).collect();
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    for id in &ids {
        assert_eq!(as_rule(id).as_deref(), Some(id.as_str()));
    }
}

#[test]
fn names_are_found_in_words_and_ranges() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(named(text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
    };
    check("a31_to_a33_forms", &["A31", "A32", "A33"]);
    check("rules: [A5, A50] and M10a, not A5x or x", &["A5", "A50", "M10a"]);
    check("A1, a2 to b4", &["A1", "A2", "B4"]);
    let source = "/// Rule A1.\nfn helper() {}\n/// Rule A2.\n#[test]\nfn a3_is() {}\n";
    check(&unit_tests(source), &["A2", "A3"]);
}
