//! Tests that are longer than what they test.

mod automaton;
mod bench;
mod compare;
mod facts;
mod readable;
mod search;
mod solve;
mod spelled;
mod ties;

use crate::policy::{Comparison, Operator, Polarity};

use super::glob::tests::pieces;
use super::spellings::folded;
use super::test::{Operand, Test};

/// A test from the words of a policy; patterns as in policies, `{key}` for a variable.
pub(super) fn test(operator: &str, key: &str, values: &[&str]) -> Test {
    let operator = Operator::parse(operator).expect("an operator");
    let mut values: Vec<Operand> =
        values.iter().map(|value| operand(operator.comparison, value)).collect();
    values.sort();
    Test { key: folded(key), operator, values: values.into(), of_grant: false }
}

/// The test without its `Not`, and whether it had one.
pub(super) fn positive(mut test: Test) -> (Test, bool) {
    let negated = test.operator.polarity == Polarity::IsNot;
    test.operator.polarity = Polarity::Is;
    (test, negated)
}

fn operand(comparison: Comparison, value: &str) -> Operand {
    match comparison {
        Comparison::ArnLike if value == "*" => Operand::AnyArn,
        Comparison::ArnLike => Operand::Arn(value.splitn(6, ':').map(pieces).collect()),
        Comparison::StringLike => Operand::Text(pieces(value)),
        _ => Operand::Text(without_wildcards(value)),
    }
}

/// Rules C10, C21: a literal star.
fn without_wildcards(value: &str) -> Box<[super::test::Piece]> {
    use super::test::Piece;
    if value.contains(['*', '?']) {
        return Box::from([Piece::Text(value.into())]);
    }
    pieces(value)
}
