//! Texts as patterns cut them: which patterns some text matches together and which it does not, and the texts
//! that a row stands for.

use std::collections::BTreeSet;

use super::automaton::{Acceptor, Token, members};
use super::range::Form;
use super::test::Test;

/// How many parts are told apart before all are left open.
const MOST: usize = 1024;

/// Texts that the same patterns take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// The patterns that take each, in order.
    pub(super) like: Vec<Box<str>>,
    /// Those that take none.
    pub(super) but: Vec<Box<str>>,
    /// One of them, as short as any.
    pub(super) text: Box<str>,
}

/// What a row stands for: those of one part, and of others that nothing tells from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Texts {
    /// The patterns that all of them match, narrow ones alone.
    names: Vec<Box<str>>,
    /// The parts, that which gives the name first.
    parts: Vec<Part>,
}

/// The parts that have a text of this form and none of `taken`, those of fewer patterns first; nothing where they
/// are too many to be told.
pub(super) fn parts(
    patterns: &BTreeSet<Box<str>>,
    form: &[Token],
    taken: &BTreeSet<Box<str>>,
) -> Option<Vec<Part>> {
    let own: Vec<Form> = patterns.iter().map(|pattern| Form::like(pattern)).collect();
    let globs = own.iter().map(|form| Acceptor { globs: vec![form.tokens()], exact: Vec::new() });
    let exact = taken.iter().filter(|text| own.iter().any(|form| form.has(text)));
    let exact = exact.cloned().collect();
    let taken = Acceptor { globs: Vec::new(), exact };
    let acceptors: Vec<Acceptor> = globs.chain([taken]).collect();
    let members = members(&acceptors, &[form.to_vec()]);
    let found = members.found.into_iter().filter(|(which, _)| !which.has(own.len()));
    let mut all: Vec<Part> = found
        .map(|(which, text)| {
            let of = |takes: bool| {
                let each = patterns.iter().enumerate();
                let those = each.filter(|(at, _)| which.has(*at) == takes);
                those.map(|(_, pattern)| pattern.clone()).collect()
            };
            Part { like: of(true), but: of(false), text: text.into() }
        })
        .collect();
    // What takes every text tells none.
    let everywhere: Vec<Box<str>> = patterns
        .iter()
        .filter(|pattern| all.iter().all(|part| part.like.contains(pattern)))
        .cloned()
        .collect();
    all.iter_mut().for_each(|part| part.like.retain(|pattern| !everywhere.contains(pattern)));
    all.sort_by_key(|part| part.like.len());
    (members.complete && all.len() <= MOST).then_some(all)
}

/// What rows stand for: a part has one where something that is `asked` tells it from one of the parts
/// that are next wider; another is of their rows, which say the same of it.
pub(super) fn told_apart(
    parts: Vec<Part>,
    asked: &BTreeSet<Test>,
    is_alike: &dyn Fn(&Test, &str, &str) -> bool,
) -> Vec<Texts> {
    let mut rows: Vec<Texts> = Vec::new();
    for part in parts {
        let (at, next) = next_wider(&rows, &part);
        let is_same = |wide: &Part| asked.iter().all(|test| is_alike(test, &part.text, &wide.text));
        if at.is_empty() || !next.iter().all(is_same) {
            rows.push(Texts::of(part));
            continue;
        }
        for at in at {
            if let Some(row) = rows.get_mut(at) {
                row.parts.push(part.clone());
            }
        }
    }
    rows
}

/// The rows whose parts are wider than one, and no wider than another such, by their places.
fn next_wider(rows: &[Texts], part: &Part) -> (Vec<usize>, Vec<Part>) {
    let is_within = |one: &Part, wide: &Part| {
        wide.like.len() < one.like.len() && wide.like.iter().all(|it| one.is_like(it))
    };
    let mut next: Vec<(usize, &Part)> = Vec::new();
    // Those of more patterns come behind.
    for (at, row) in rows.iter().enumerate().rev() {
        let Some(wide) = row.parts.first().filter(|wide| is_within(part, wide)) else { continue };
        if !next.iter().any(|(_, other)| is_within(other, wide)) {
            next.push((at, wide));
        }
    }
    next.into_iter().map(|(at, wide)| (at, wide.clone())).unzip()
}

/// Whether a pattern takes whatever another takes.
fn takes_all(wide: &str, other: &str) -> bool {
    Form::like(wide).takes_all_of(&Form::like(other))
}

impl Part {
    /// Whether a pattern is one of those that take each.
    fn is_like(&self, pattern: &str) -> bool {
        self.like.binary_search_by(|it| (**it).cmp(pattern)).is_ok()
    }

    /// Whether a pattern takes each: all patterns are known that take some, unless it is one text.
    fn is_taken_by(&self, pattern: &str) -> bool {
        let is_one = || *self.like == [self.text.clone()];
        self.is_like(pattern) || is_one() && Form::like(pattern).has(&self.text)
    }

    /// Whether a text is one of them.
    pub(super) fn has(&self, text: &str) -> bool {
        let takes = |pattern: &str| Form::like(pattern).has(text);
        self.like.iter().all(|pattern| takes(pattern))
            && !self.but.iter().any(|pattern| takes(pattern))
    }

    /// Whether some text of a form is one of them that a pattern takes.
    fn meets(&self, pattern: &str, form: &[Token]) -> bool {
        let tokens = |pattern: &str| Form::like(pattern).tokens();
        let but = self.but.iter().map(|it| Acceptor { globs: vec![tokens(it)], exact: Vec::new() });
        let required =
            self.like.iter().map(|it| tokens(it)).chain([tokens(pattern), form.to_vec()]);
        let members = members(&but.collect::<Vec<_>>(), &required.collect::<Vec<_>>());
        !members.complete || members.found.iter().any(|(which, _)| which.is_empty())
    }
}

impl Texts {
    /// Those of one part.
    pub(super) fn of(part: Part) -> Self {
        let is_narrow = |pattern: &str| {
            let is_narrower = |other: &str| {
                takes_all(pattern, other) && (!takes_all(other, pattern) || *other < *pattern)
            };
            !part.like.iter().any(|other| **other != *pattern && is_narrower(other))
        };
        let names = part.like.iter().filter(|pattern| is_narrow(pattern)).cloned().collect();
        Self { names, parts: vec![part] }
    }

    /// One text.
    pub(super) fn only(text: &str) -> Self {
        let part = Part { like: vec![text.into()], but: Vec::new(), text: text.into() };
        Self { names: part.like.clone(), parts: vec![part] }
    }

    /// One of them.
    pub(super) fn text(&self) -> &str {
        self.parts.first().map_or("", |part| &part.text)
    }

    /// The patterns that take all of them, with this between; empty where none does.
    pub(super) fn name(&self, between: &str) -> String {
        self.names.join(between)
    }

    /// Whether a text is one of them.
    pub(super) fn has(&self, text: &str) -> bool {
        self.parts.iter().any(|part| part.has(text))
    }

    /// Whether some text of a form is one of them that a pattern takes.
    pub(super) fn meets(&self, pattern: &str, form: &[Token]) -> bool {
        self.parts.iter().any(|part| part.meets(pattern, form))
    }

    /// Whether what is said of them would seem to hold of others: each pattern takes these, too.
    pub(super) fn seem_to_be(&self, others: &Self) -> bool {
        let Some(other) = others.parts.first() else { return false };
        self.names != others.names && self.names.iter().all(|pattern| other.is_taken_by(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test::{Operand, Piece};
    use super::*;
    use crate::policy::{Comparison, Operator, Polarity};

    fn cut(patterns: &[&str], taken: &[&str]) -> Option<Vec<Part>> {
        let set = |all: &[&str]| all.iter().map(|it| Box::from(*it)).collect();
        parts(&set(patterns), &Form::Account.tokens(), &set(taken))
    }

    fn names(patterns: &[&str], taken: &[&str]) -> Vec<String> {
        let parts = cut(patterns, taken).expect("few enough");
        let whole = parts.iter().all(|part| part.has(&part.text));
        assert!(whole, "{parts:?}");
        let mut names: Vec<String> =
            parts.into_iter().map(|part| Texts::of(part).name("&")).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn patterns_cut_texts_into_those_that_the_same_ones_take() {
        assert_eq!(names(&["4*", "*6"], &[]), ["", "*6", "*6&4*", "4*"]);
        // A narrower one is called alone, and what takes all is no name.
        assert_eq!(names(&["4*", "44*"], &[]), ["", "4*", "44*"]);
        assert_eq!(names(&["?*", "4*"], &[]), ["", "4*"]);
        assert_eq!(names(&["4*", "5*"], &[]), ["", "4*", "5*"]);
        assert_eq!(names(&["*5", "?5*"], &[]), ["", "*5", "*5&?5*", "?5*"]);
        // What has a name of its own is of no part.
        let patterns = ["44445555*", "*6666"];
        assert_eq!(names(&patterns, &[]), ["", "*6666", "*6666&44445555*", "44445555*"]);
        assert_eq!(names(&patterns, &["444455556666"]), ["", "*6666", "44445555*"]);
        let crossing: Vec<String> = (0..11).map(|at| format!("{}7*", "?".repeat(at))).collect();
        assert_eq!(cut(&crossing.iter().map(String::as_str).collect::<Vec<_>>(), &[]), None);
    }

    #[test]
    fn a_row_stands_for_what_it_is_told_from_nowhere() {
        let parts = || cut(&["4*", "*6"], &[]).expect("few enough");
        let test = |pattern: &str| Test::of("aws:principalaccount", LIKE, &[pattern]);
        let takes = |test: &Test, text: &str| {
            let Some(Operand::Text(pieces)) = test.values.first() else {
                return false;
            };
            let [Piece::Text(pattern)] = &**pieces else { return false };
            Form::like(pattern).has(text)
        };
        let is_alike = |test: &Test, one: &str, other: &str| takes(test, one) == takes(test, other);
        let told = |asked: &[&str]| -> Vec<String> {
            let tests = asked.iter().map(|it| test(it)).collect();
            told_apart(parts(), &tests, &is_alike).iter().map(|row| row.name("&")).collect()
        };
        // What both take is told from each of the two that are next wider.
        assert_eq!(told(&["4*", "*6"]).len(), 4);
        assert_eq!(told(&["4*"]), ["", "4*"]);
        assert_eq!(told(&[]), [""]);
    }

    const LIKE: Operator = Operator {
        quantifier: None,
        comparison: Comparison::StringLike,
        polarity: Polarity::Is,
        if_exists: false,
    };

    #[test]
    fn what_is_said_of_some_seems_to_hold_of_those_within_them() {
        let rows: Vec<Texts> =
            cut(&["4*", "44*", "*6"], &[]).into_iter().flatten().map(Texts::of).collect();
        let row = |name: &str| rows.iter().find(|row| row.name("&") == name).expect("a row");
        for (wide, narrow, expected) in [
            ("", "4*", true),
            ("4*", "44*", true),
            ("4*", "*6&44*", true),
            ("*6", "*6&4*", true),
            ("4*", "4*", false),
            ("4*", "*6", false),
            ("*6&4*", "4*", false),
        ] {
            assert_eq!(row(wide).seem_to_be(row(narrow)), expected, "{wide} {narrow}");
        }
        let (one, other) = (Texts::only("44"), Texts::only("54"));
        assert!(row("4*").seem_to_be(&one) && !row("4*").seem_to_be(&other));
        assert!(!one.seem_to_be(row("44*")) && !one.seem_to_be(&other));
        let form = Form::Account.tokens();
        assert!(row("4*").meets("4??????????5", &form) && !row("4*").meets("44*", &form));
        assert!(!row("4*").meets("*6", &form) && row("*6&4*").meets("*6", &form));
    }
}
