//! A text that is known against patterns with variables that the request brings, turned round: what the
//! variables must hold for it to match.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::condition_keys::is_multivalued;
use crate::decision::ContextValue;
use crate::policy::{Comparison, Operator, Polarity, Quantifier};

use super::formula::{Formula, Formulas};
use super::question::{Known, Sight, undecided};
use super::test::{Operand, Piece, Test};
use super::values::{fold, truth};

/// How many steps are taken to fill the variables of one pattern.
const STEPS: usize = 100_000;

/// What single variables hold; nothing where one is absent and its default stands for it.
pub(super) type Fill<'t> = BTreeMap<&'t str, Option<&'t str>>;

/// A test of a value that is known, as tests of the variables in it (rules C32 to C37, C40 to C42).
pub(super) fn inverted(
    formulas: &Formulas,
    test: &Test,
    value: &ContextValue,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    let mut each = value.values().iter().map(|text| satisfied(formulas, test, text, known));
    let empty = value.values().iter().all(|text| text.is_empty());
    match test.operator.quantifier {
        Some(Quantifier::ForAllValues) if empty => Formula::TRUE,
        Some(Quantifier::ForAllValues) => formulas.and(each),
        Some(Quantifier::ForAnyValue) if empty => Formula::FALSE,
        Some(Quantifier::ForAnyValue) => formulas.or(each),
        None if is_multivalued(&test.key) || matches!(value, ContextValue::Many(_)) => {
            Formula::FALSE
        }
        None => each.next().unwrap_or(Formula::FALSE),
    }
}

/// When one text satisfies the operator.
fn satisfied(
    formulas: &Formulas,
    test: &Test,
    text: &str,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    let operator = Operator { polarity: Polarity::Is, ..test.operator };
    let matched = test.values.iter().map(|operand| {
        if operand.variables().next().is_none() {
            let values = Box::from([operand.clone()]);
            let alone = Test { operator, values, ..test.clone() };
            return Formula::constant(alone.satisfied(text, &|_| None));
        }
        let folds = folds(operator.comparison);
        // Rules C18, C41: what cannot be read matches nothing.
        let Some(goals) = goals(operand, operator.comparison, text) else {
            return Formula::FALSE;
        };
        match Filling::of(&goals, folds) {
            Some(fills) => filled(formulas, &fills, folds, known),
            None => undecided(formulas, (test, text)),
        }
    });
    let any = formulas.or(matched);
    if test.operator.polarity == Polarity::IsNot { formulas.not(any) } else { any }
}

/// Whether the operator compares without regard to case.
pub(super) fn folds(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::StringEqualsIgnoreCase | Comparison::Bool)
}

/// What has to match what; nothing where nothing does.
pub(super) fn goals<'t>(
    operand: &'t Operand,
    comparison: Comparison,
    text: &'t str,
) -> Option<Vec<(&'t [Piece], &'t str)>> {
    match (operand, comparison) {
        // Rule C41.
        (Operand::Text(pieces), Comparison::Bool) => {
            Some(vec![(&**pieces, if truth(text)? { "true" } else { "false" })])
        }
        (Operand::Text(pieces), _) => Some(vec![(&**pieces, text)]),
        // Rule C18.
        (Operand::Arn(patterns), _) => {
            crate::aws::Arn::parse(text)?;
            let texts: Vec<&str> = text.splitn(6, ':').collect();
            (texts.len() == patterns.len())
                .then(|| patterns.iter().map(|pattern| &**pattern).zip(texts).collect())
        }
        (Operand::AnyArn, _) => None,
    }
}

/// When a resource matches a pattern part by part; nothing where that takes too long to tell.
pub(super) fn resource(
    formulas: &Formulas,
    goals: &[(&[Piece], &str)],
    known: &dyn Fn(&str) -> Known,
) -> Option<Formula> {
    Filling::of(goals, false).map(|fills| filled(formulas, &fills, false, known))
}

/// When the variables hold what one of the fills says.
fn filled(
    formulas: &Formulas,
    fills: &BTreeSet<Fill<'_>>,
    folds: bool,
    known: &dyn Fn(&str) -> Known,
) -> Formula {
    let comparison =
        if folds { Comparison::StringEqualsIgnoreCase } else { Comparison::StringEquals };
    let operator =
        Operator { quantifier: None, comparison, polarity: Polarity::Is, if_exists: false };
    let ask = |test: Test| formulas.of(test.asked_of(Sight::Plain, known));
    let holds = |key: &str, values: &[&str]| ask(Test::of(key, operator, values));
    // What hangs on one variable alone is one test of it.
    let mut lone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut ways = Vec::new();
    for fill in fills {
        let mut entries = fill.iter();
        if let (Some((key, Some(value))), None) = (entries.next(), entries.next()) {
            lone.entry(key).or_default().push(value);
            continue;
        }
        ways.push(formulas.and(fill.iter().map(|(key, value)| match value {
            Some(value) => holds(key, &[value]),
            None => formulas.not(ask(Test::present(key))),
        })));
    }
    ways.extend(lone.into_iter().map(|(key, values)| holds(key, &values)));
    formulas.or(ways)
}

/// A walk over texts and the patterns that have to match them.
pub(super) struct Filling<'g, 't> {
    goals: &'g [(&'t [Piece], &'t str)],
    folds: bool,
    fill: Fill<'t>,
    found: BTreeSet<Fill<'t>>,
    steps: usize,
}

impl<'g, 't> Filling<'g, 't> {
    /// What the variables can hold so that every text matches; nothing where that takes too long to tell.
    pub(super) fn of(
        goals: &'g [(&'t [Piece], &'t str)],
        folds: bool,
    ) -> Option<BTreeSet<Fill<'t>>> {
        let (fill, found) = (Fill::new(), BTreeSet::new());
        let mut filling = Self { goals, folds, fill, found, steps: 0 };
        let (pieces, text) = goals.first()?;
        filling.walk(0, pieces, text);
        (filling.steps < STEPS).then_some(filling.found)
    }

    fn walk(&mut self, nth: usize, pieces: &'t [Piece], text: &'t str) {
        self.steps += 1;
        if self.steps >= STEPS {
            return;
        }
        let Some((first, left)) = pieces.split_first() else {
            match self.goals.get(nth + 1) {
                _ if !text.is_empty() => {}
                Some((pieces, text)) => self.walk(nth + 1, pieces, text),
                None => {
                    self.found.insert(self.fill.clone());
                }
            }
            return;
        };
        match first {
            Piece::Text(wanted) => self.eat(nth, wanted, left, text),
            Piece::AnyOne => {
                let mut characters = text.chars();
                if characters.next().is_some() {
                    self.walk(nth, left, characters.as_str());
                }
            }
            Piece::AnyRun => splits(text).for_each(|(_, rest)| self.walk(nth, left, rest)),
            Piece::Variable { key, default } => match self.fill.get(&**key).copied() {
                Some(Some(value)) => self.eat(nth, value, left, text),
                Some(None) => {
                    default.iter().for_each(|default| self.eat(nth, default, left, text));
                }
                // Rule C40: a multi-valued key as variable has no value.
                None if is_multivalued(key) => {
                    default.iter().for_each(|default| self.eat(nth, default, left, text));
                }
                None => {
                    for (run, rest) in splits(text) {
                        self.fill.insert(key, Some(run));
                        self.walk(nth, left, rest);
                    }
                    if let Some(default) = default {
                        self.fill.insert(key, None);
                        self.eat(nth, default, left, text);
                    }
                    self.fill.remove(&**key);
                }
            },
        }
    }

    /// Goes on behind `wanted`, where the text begins with it.
    fn eat(&mut self, nth: usize, wanted: &str, left: &'t [Piece], text: &'t str) {
        let same = |one: char, other: char| one == other || self.folds && fold(one) == fold(other);
        let mut rest = text.chars();
        if wanted.chars().all(|wanted| rest.next().is_some_and(|found| same(wanted, found))) {
            self.walk(nth, left, rest.as_str());
        }
    }
}

/// A text cut in two at every place, its ends included.
fn splits(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.filter_map(move |at| text.split_at_checked(at))
}

#[cfg(test)]
mod tests {
    use super::super::glob::tests::pieces;
    use super::*;

    fn fills(pattern: &str, text: &str) -> Vec<String> {
        let pieces = pieces(pattern);
        let goals = [(&*pieces, text)];
        let found = Filling::of(&goals, false).expect("few steps");
        let entry =
            |(key, value): (&&str, &Option<&str>)| format!("{key}={}", value.unwrap_or("absent"));
        let words = |fill: &Fill<'_>| fill.iter().map(entry).collect::<Vec<_>>().join(" ");
        found.iter().map(words).collect()
    }

    #[test]
    fn variables_are_filled_in_every_way() {
        assert_eq!(fills("x{a}", "xyz"), ["a=yz"]);
        assert_eq!(fills("{a}-{b}", "x-y-z"), ["a=x b=y-z", "a=x-y b=z"]);
        assert_eq!(fills("{a}{a}", "xyxy"), ["a=xy"]);
        assert_eq!(fills("{a}*", "xy"), ["a=", "a=x", "a=xy"]);
        assert_eq!(fills("{a}?", "xy"), ["a=x"]);
        assert!(fills("{a}z", "xy").is_empty());
    }

    #[test]
    fn a_default_stands_for_what_is_absent() {
        let variable = |default: &str| {
            let default = Some(default.into());
            Box::from([Piece::Variable { key: "a".into(), default }])
        };
        let found = |default: &str| {
            let pieces: Box<[Piece]> = variable(default);
            let goals = [(&*pieces, "xy")];
            Filling::of(&goals, false).expect("few steps").len()
        };
        assert_eq!((found("xy"), found("z")), (2, 1));
    }

    #[test]
    fn what_cannot_be_read_matches_nothing() {
        let formulas = Formulas::new();
        let operator = Operator {
            quantifier: None,
            comparison: Comparison::ArnLike,
            polarity: Polarity::Is,
            if_exists: false,
        };
        let parts = ["arn", "aws", "kms", "*", "{a}", "*"].map(pieces);
        let values = Box::from([Operand::Arn(Box::from(parts))]);
        let test = Test { key: "aws:sourcearn".into(), operator, values, of_grant: false };
        let when = |text: &str| {
            let value = ContextValue::One(text.into());
            inverted(&formulas, &test, &value, &|_| Known::OfRequest)
        };
        assert_eq!(when("no arn"), Formula::FALSE);
        assert!(!when("arn:aws:kms:r:1:key/k").is_constant());
    }

    #[test]
    fn what_takes_too_long_is_told() {
        let pieces = pieces("*{a}*{b}*{c}*{d}*{e}*");
        let text = "x".repeat(60);
        assert!(Filling::of(&[(&*pieces, &*text)], false).is_none());
    }
}
