//! Tests in words.

use std::borrow::Cow;

use crate::aws::condition_keys::is_multivalued;
use crate::aws::{ValueType, condition_key};
use crate::decision::Words;
use crate::policy::{Comparison, Polarity, Quantifier};

use super::compare::{Line, literal, order};
use super::glob::takes_all_of;
use super::pairs::named;
use super::spellings::Spellings;
use super::test::{Operand, Piece, Test};
use super::values;

/// A test, or its negation, in words. A negated relation holds of an absent key too, as it does for AWS:
/// `is not x` is the negation of `is x`.
pub(super) fn words(spellings: &Spellings, test: &Test, holds: bool) -> Words {
    let plain = without_idle(test);
    let test = &*plain;
    let written = Written { spellings, stars: has_wildcards(test) };
    let mut values: Vec<Box<str>> =
        test.values.iter().map(|value| written.operand(value)).collect();
    if test.operator.comparison == Comparison::Bool {
        // Rule C15: case does not count.
        values.iter_mut().for_each(|value| value.make_ascii_lowercase());
    }
    let (relation, values) = match test.operator.comparison {
        Comparison::Null => {
            let absent = values.iter().any(|value| value.eq_ignore_ascii_case("true"));
            (presence(absent != holds).to_owned(), Vec::new())
        }
        // Rule C37: only absence tells.
        _ if test.operator.quantifier.is_none() && is_multivalued(&test.key) => {
            let is = (test.operator.polarity == Polarity::Is) == holds;
            (presence(is).to_owned(), Vec::new())
        }
        _ if !is_of_type(test) => {
            let satisfies = if holds { "satisfies" } else { "does not satisfy" };
            (format!("{satisfies} {}", test.operator.name()), values)
        }
        _ => {
            let is = (test.operator.polarity == Polarity::Is) == holds;
            match test.operator.quantifier {
                Some(quantifier) if test.is_of_spellings() => {
                    let just =
                        if quantifier == Quantifier::ForAllValues { "just" } else { "all of" };
                    let has = if holds { "has" } else { "has not" };
                    (format!("in its spellings {has} {just}"), values)
                }
                None if takes_spellings(test) => {
                    let some = if is { "in some spelling" } else { "in no spelling" };
                    (format!("{some} {}", relation(test, true)), values)
                }
                None => (relation(test, is).to_owned(), values),
                // Of values that are none: any value is another one, and all are only where there is none.
                Some(quantifier) if values.is_empty() => {
                    let any = quantifier == Quantifier::ForAnyValue;
                    (presence(any == holds).to_owned(), values)
                }
                Some(quantifier) => (quantified(test, quantifier, holds), values),
            }
        }
    };
    Words { key: spellings.spelled(&test.key), relation: relation.into(), values }
}

/// How many values are held against each other.
const COMPARED: usize = 32;

/// A test without the patterns that another one of it takes: one that matches is enough (rules C1, C2).
fn without_idle(test: &Test) -> Cow<'_, Test> {
    let is_of_patterns =
        matches!(test.operator.comparison, Comparison::StringLike | Comparison::ArnLike);
    let count = test.values.len();
    if !is_of_patterns || !(2..=COMPARED).contains(&count) {
        return Cow::Borrowed(test);
    }
    let takes = |one: &Operand, other: &Operand| match (one, other) {
        (Operand::Text(one), Operand::Text(other)) => takes_all_of(one, other),
        (Operand::Arn(one), Operand::Arn(other)) => {
            one.iter().zip(other).all(|(one, other)| takes_all_of(one, other))
        }
        (Operand::AnyArn, Operand::Arn(_)) => true,
        _ => false,
    };
    // Of two that take the same the first stays.
    let is_idle = |at: usize, value: &Operand| {
        let mut others = test.values.iter().enumerate().filter(|(other, _)| *other != at);
        others.any(|(of, other)| takes(other, value) && (of < at || !takes(value, other)))
    };
    let left = test.values.iter().enumerate().filter(|(at, value)| !is_idle(*at, value));
    let left: Vec<Operand> = left.map(|(_, value)| value.clone()).collect();
    match left.len() == count {
        true => Cow::Borrowed(test),
        false => Cow::Owned(Test { values: left.into(), ..test.clone() }),
    }
}

/// Rule G21: whether a grant takes the pair in whatever spelling.
fn takes_spellings(test: &Test) -> bool {
    test.of_grant && named(&test.key).is_some()
}

/// Whether values are compared as what they are, so that plain words say how. A negated comparison of
/// other things is false of what cannot be read (rule C24), which no plain word says.
fn is_of_type(test: &Test) -> bool {
    let kind = condition_key(&test.key).map_or(ValueType::String, |info| info.value);
    let exact = || test.values.iter().all(|operand| literal(operand).is_some());
    let all = |reads: &dyn Fn(&str) -> bool| {
        test.values.iter().all(|operand| literal(operand).is_some_and(reads))
    };
    match test.operator.comparison {
        Comparison::StringLike if !exact() => true,
        Comparison::StringEquals | Comparison::StringLike => match kind {
            ValueType::String | ValueType::Arn => true,
            ValueType::Bool => all(&|text| text == "true" || text == "false"),
            ValueType::Numeric | ValueType::Date | ValueType::IpAddress => false,
        },
        Comparison::Bool => kind == ValueType::Bool,
        Comparison::IpAddress => {
            kind == ValueType::IpAddress && all(&|text| values::block(text).is_some())
        }
        Comparison::StringEqualsIgnoreCase
        | Comparison::ArnLike
        | Comparison::BinaryEquals
        | Comparison::Null => true,
        other => match order(other) {
            Some((Line::Numbers, _)) => {
                kind == ValueType::Numeric && all(&|text| Line::Numbers.read(text).is_some())
            }
            Some((Line::Instants, _)) => {
                kind == ValueType::Date && all(&|text| Line::Instants.read(text).is_some())
            }
            None => true,
        },
    }
}

/// Whether `*` and `?` in the values stand for other characters.
fn has_wildcards(test: &Test) -> bool {
    match test.operator.comparison {
        Comparison::ArnLike => true,
        Comparison::StringLike => {
            !is_of_type(test) || test.values.iter().any(|operand| literal(operand).is_none())
        }
        _ => false,
    }
}

fn presence(present: bool) -> &'static str {
    if present { "is present" } else { "is absent" }
}

/// Rules C32 to C34: no value that satisfies is the negation of some value that does.
fn quantified(test: &Test, quantifier: Quantifier, holds: bool) -> String {
    let is = test.operator.polarity == Polarity::Is;
    let (some, is) = match quantifier {
        Quantifier::ForAnyValue => (holds, is),
        Quantifier::ForAllValues => (!holds, !is),
    };
    let has = if some { "has a value" } else { "has no value" };
    match (test.operator.comparison, is) {
        (Comparison::StringEquals, true) => format!("{has} in"),
        (Comparison::StringEquals, false) => format!("{has} outside"),
        _ => format!("{has} that {}", relation(test, is)),
    }
}

fn relation(test: &Test, is: bool) -> &'static str {
    let one = test.values.len() == 1;
    let exact = test.values.iter().all(|operand| literal(operand).is_some());
    let (yes, no) = match test.operator.comparison {
        Comparison::StringEquals
        | Comparison::Bool
        | Comparison::NumericEquals
        | Comparison::DateEquals
            if one =>
        {
            ("is", "is not")
        }
        Comparison::StringEquals
        | Comparison::Bool
        | Comparison::NumericEquals
        | Comparison::DateEquals => ("is in", "is not in"),
        Comparison::StringLike if exact && one => ("is", "is not"),
        Comparison::StringLike if exact => ("is in", "is not in"),
        Comparison::StringEqualsIgnoreCase if one => ("is, in any case,", "is not, in any case,"),
        Comparison::StringEqualsIgnoreCase => ("is, in any case, in", "is not, in any case, in"),
        Comparison::StringLike if one => ("matches", "does not match"),
        Comparison::StringLike => ("matches one of", "matches none of"),
        Comparison::ArnLike if one => ("matches as ARN", "does not match as ARN"),
        Comparison::ArnLike => ("matches as ARN one of", "matches as ARN none of"),
        Comparison::NumericLessThan | Comparison::DateLessThan => ("<", "is not <"),
        Comparison::NumericLessThanEquals | Comparison::DateLessThanEquals => ("<=", "is not <="),
        Comparison::NumericGreaterThan | Comparison::DateGreaterThan => (">", "is not >"),
        Comparison::NumericGreaterThanEquals | Comparison::DateGreaterThanEquals => {
            (">=", "is not >=")
        }
        Comparison::BinaryEquals => ("has the bytes", "has not the bytes"),
        Comparison::IpAddress => ("is in", "is not in"),
        Comparison::Null => ("is", "is not"),
    };
    if is { yes } else { no }
}

/// How values are written.
struct Written<'a> {
    spellings: &'a Spellings,
    /// Whether `*` and `?` stand for other characters.
    stars: bool,
}

impl Written<'_> {
    fn operand(&self, operand: &Operand) -> Box<str> {
        match operand {
            Operand::Text(pieces) => self.text(pieces).into(),
            Operand::Arn(parts) => {
                parts.iter().map(|part| self.text(part)).collect::<Vec<_>>().join(":").into()
            }
            Operand::AnyArn => "*".into(),
        }
    }

    fn text(&self, pieces: &[Piece]) -> String {
        pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => self.escaped(text),
                Piece::AnyRun => "*".to_owned(),
                Piece::AnyOne => "?".to_owned(),
                Piece::Variable { key, default: None } => {
                    format!("${{{}}}", self.spellings.spelled(key))
                }
                Piece::Variable { key, default: Some(text) } => {
                    format!("${{{}, '{text}'}}", self.spellings.spelled(key))
                }
            })
            .collect()
    }

    /// Rule C26: what would read as a variable or a wildcard and is none.
    fn escaped(&self, text: &str) -> String {
        let text = text.replace("${", "${$}{");
        if !self.stars || !text.contains(['*', '?']) {
            return text;
        }
        text.replace('*', "${*}").replace('?', "${?}")
    }
}
