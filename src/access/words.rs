//! Tests in words.

use crate::aws::condition_keys::is_multivalued;
use crate::decision::Words;
use crate::policy::{Comparison, Polarity, Quantifier};

use super::compare::literal;
use super::spellings::Spellings;
use super::test::{Operand, Piece, Test};

/// A test, or its negation, in words. A negated relation holds of an absent key too, as it does for AWS:
/// `is not x` is the negation of `is x`.
pub(super) fn words(spellings: &Spellings, test: &Test, holds: bool) -> Words {
    let mut values: Vec<Box<str>> =
        test.values.iter().map(|value| operand(spellings, value)).collect();
    if test.operator.comparison == Comparison::Bool {
        // Rule C15: case does not count.
        values.iter_mut().for_each(|value| value.make_ascii_lowercase());
    }
    let (relation, values) = match test.operator.comparison {
        Comparison::Null => {
            let absent = values.iter().any(|value| value.eq_ignore_ascii_case("true"));
            (presence(absent != holds).to_owned(), Vec::new())
        }
        _ => {
            let is = (test.operator.polarity == Polarity::Is) == holds;
            match test.operator.quantifier {
                // Rule C37: only absence tells.
                None if is_multivalued(&test.key) => (presence(is).to_owned(), Vec::new()),
                None => (relation(test, is).to_owned(), values),
                Some(quantifier) => (quantified(test, quantifier, holds), values),
            }
        }
    };
    Words { key: spellings.spelled(&test.key), relation: relation.into(), values }
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

fn operand(spellings: &Spellings, operand: &Operand) -> Box<str> {
    match operand {
        Operand::Text(pieces) => text(spellings, pieces).into(),
        Operand::Arn(parts) => {
            parts.iter().map(|part| text(spellings, part)).collect::<Vec<_>>().join(":").into()
        }
        Operand::AnyArn => "*".into(),
    }
}

fn text(spellings: &Spellings, pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::AnyRun => "*".to_owned(),
            Piece::AnyOne => "?".to_owned(),
            Piece::Variable { key, default: None } => format!("${{{}}}", spellings.spelled(key)),
            Piece::Variable { key, default: Some(text) } => {
                format!("${{{}, '{text}'}}", spellings.spelled(key))
            }
        })
        .collect()
}
