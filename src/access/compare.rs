//! The truth of a test for one value of its key (section 2 of the semantics).

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::aws::condition_keys::is_multivalued;
use crate::decision::ContextValue;
use crate::policy::{Comparison, Polarity, Quantifier};

use super::glob::{Variable, takes};
use super::pairs::named;
use super::test::{Operand, Piece, Test};
use super::values::{Decimal, address, block, fold, truth};

impl Test {
    /// Whether the test holds where its key has this value; none is a key that the request lacks.
    /// `variable` gives the values of other keys of the request.
    pub(super) fn holds(&self, value: Option<&ContextValue>, variable: Variable<'_>) -> bool {
        if self.operator.comparison == Comparison::Null {
            return self.null_holds(value.is_none());
        }
        if self.is_of_spellings() {
            return self.lists(value.map_or(&[], ContextValue::values));
        }
        let Some(value) = value else {
            return self.holds_without_value();
        };
        let satisfies = |value: &str| self.satisfied(value, variable);
        // Rule C32: a set of empty texts counts as empty.
        let mut values = value.values().iter();
        let empty = || value.values().iter().all(|value| value.is_empty());
        match self.operator.quantifier {
            // Rule G20: as many pairs as the grant lists.
            Some(Quantifier::ForAllValues) if self.is_exceeded(value.values()) => false,
            // Rules C32, C34, C36.
            Some(Quantifier::ForAllValues) => empty() || values.all(|value| satisfies(value)),
            // Rules C33, C34, C36.
            Some(Quantifier::ForAnyValue) => !empty() && values.any(|value| satisfies(value)),
            None => match value {
                // Rule C37.
                _ if is_multivalued(&self.key) => false,
                ContextValue::Many(_) => false,
                ContextValue::One(value) => satisfies(value),
            },
        }
    }

    /// Whether it holds where a pair of the encryption context has these values, one for each spelling in
    /// which it is given; a grant takes it in whichever (rule G21).
    pub(super) fn holds_spelled(&self, given: &[&ContextValue]) -> bool {
        if self.is_of_spellings() {
            let values = given.iter().flat_map(|value| value.values());
            return self.lists(&values.cloned().collect::<Vec<_>>());
        }
        match given {
            [] => self.holds(None, &|_| None),
            _ => given.iter().any(|value| self.holds(Some(value), &|_| None)),
        }
    }

    /// Whether a grant asks for the values that a pair has in all its spellings together.
    pub(super) fn is_of_spellings(&self) -> bool {
        self.of_grant && self.operator.quantifier.is_some() && named(&self.key).is_some()
    }

    /// Rules G20, G21: whether the values of all spellings are those that the grant lists for the name.
    fn lists(&self, values: &[Box<str>]) -> bool {
        let mut wanted = self.values.iter().filter_map(literal);
        if self.operator.quantifier == Some(Quantifier::ForAnyValue) {
            return wanted.all(|wanted| values.iter().any(|value| **value == *wanted));
        }
        let (mut wanted, mut values): (Vec<&str>, Vec<&str>) =
            (wanted.collect(), values.iter().map(AsRef::as_ref).collect());
        wanted.sort_unstable();
        values.sort_unstable();
        wanted == values
    }

    /// Rule G20: whether a grant that asks for exactly its pairs lists one of these names in fewer spellings
    /// than there are here.
    pub(super) fn is_exceeded(&self, names: &[Box<str>]) -> bool {
        self.of_grant
            && names.iter().any(|name| {
                let is_same = |other: &&str| other.eq_ignore_ascii_case(name);
                let given = names.iter().map(AsRef::as_ref).filter(is_same).count();
                given > 1 && given > self.values.iter().filter_map(literal).filter(is_same).count()
            })
    }

    /// Rules C19, C25: `true` holds of a missing key, `false` of a present one.
    fn null_holds(&self, missing: bool) -> bool {
        let wanted = |operand: &Operand| literal(operand).and_then(truth);
        self.values.iter().any(|operand| wanted(operand) == Some(missing))
    }

    fn holds_without_value(&self) -> bool {
        // Rules C30, C38: `IfExists` comes first.
        self.operator.if_exists
            || match self.operator.quantifier {
                // Rules C32, C35.
                Some(Quantifier::ForAllValues) => true,
                // Rule C33: negated operators too.
                Some(Quantifier::ForAnyValue) => false,
                // Rules C10 to C18.
                None => self.operator.polarity == Polarity::IsNot,
            }
    }

    /// Whether one value satisfies the operator: it matches one of the operands, or none of them where
    /// the operator is negated (rules C1, C2, C7, C34).
    pub(super) fn satisfied(&self, value: &str, variable: Variable<'_>) -> bool {
        let wanted = self.operator.polarity == Polarity::Is;
        let comparison = self.operator.comparison;
        let any = |holds: &dyn Fn(&Operand) -> bool| self.values.iter().any(holds) == wanted;
        match comparison {
            Comparison::StringEquals | Comparison::StringLike => {
                any(&|operand| text(operand).is_some_and(|text| takes(text, value, variable)))
            }
            Comparison::StringEqualsIgnoreCase => {
                any(&|operand| text(operand).is_some_and(|text| same(text, value, variable)))
            }
            Comparison::ArnLike => any(&|operand| arn_takes(operand, value, variable)),
            Comparison::BinaryEquals => any(&|operand| same_bytes(operand, value)),
            Comparison::Bool => {
                let read = |operand: &Operand| truth_of(operand, variable);
                compared(&self.values, wanted, truth(value), read, bool::eq)
            }
            Comparison::IpAddress => {
                // Rule C17: families never match each other.
                let read = |operand: &Operand| literal(operand).and_then(block);
                compared(&self.values, wanted, address(value), read, |value, block| {
                    block.contains(value)
                })
            }
            Comparison::Null => false,
            _ => self.ordered(value, wanted),
        }
    }

    /// Rules C13, C14.
    fn ordered(&self, value: &str, wanted: bool) -> bool {
        let Some((line, holds)) = order(self.operator.comparison) else {
            return false;
        };
        let read = |operand: &Operand| literal(operand).and_then(|text| line.read(text));
        compared(&self.values, wanted, line.read(value), read, |value, limit| {
            holds(value.cmp(limit))
        })
    }
}

/// What texts are read as before they are put in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// Numbers (rule C13).
    Numbers,
    /// Instants (rule C14).
    Instants,
}

impl Line {
    /// Reads a text; nothing where it is not of this kind (rule C24).
    pub(super) fn read(self, text: &str) -> Option<Decimal> {
        match self {
            Self::Numbers => Decimal::parse(text),
            Self::Instants => Decimal::instant(text),
        }
    }
}

/// Whether a value that stands so to the operand satisfies it.
pub(super) type Stands = fn(Ordering) -> bool;

/// What an operator of numbers or instants reads, and how the value must stand to the operand.
pub(super) fn order(comparison: Comparison) -> Option<(Line, Stands)> {
    let found: (Line, Stands) = match comparison {
        Comparison::NumericEquals => (Line::Numbers, Ordering::is_eq),
        Comparison::NumericLessThan => (Line::Numbers, Ordering::is_lt),
        Comparison::NumericLessThanEquals => (Line::Numbers, Ordering::is_le),
        Comparison::NumericGreaterThan => (Line::Numbers, Ordering::is_gt),
        Comparison::NumericGreaterThanEquals => (Line::Numbers, Ordering::is_ge),
        Comparison::DateEquals => (Line::Instants, Ordering::is_eq),
        Comparison::DateLessThan => (Line::Instants, Ordering::is_lt),
        Comparison::DateLessThanEquals => (Line::Instants, Ordering::is_le),
        Comparison::DateGreaterThan => (Line::Instants, Ordering::is_gt),
        Comparison::DateGreaterThanEquals => (Line::Instants, Ordering::is_ge),
        _ => return None,
    };
    Some(found)
}

/// Rule C24: a comparison with something that cannot be read is false, negated or not.
fn compared<V, O>(
    operands: &[Operand],
    wanted: bool,
    value: Option<V>,
    read: impl Fn(&Operand) -> Option<O>,
    holds: impl Fn(&V, &O) -> bool,
) -> bool {
    let Some(value) = value else {
        // Rule C7: where there is nothing to compare with, negated operators are true.
        return !wanted && operands.is_empty();
    };
    let is = |operand: &Operand| read(operand).is_some_and(|operand| holds(&value, &operand));
    let is_not = |operand: &Operand| read(operand).is_some_and(|operand| !holds(&value, &operand));
    if wanted { operands.iter().any(is) } else { operands.iter().all(is_not) }
}

/// The pieces of a text operand.
pub(super) fn text(operand: &Operand) -> Option<&[Piece]> {
    match operand {
        Operand::Text(pieces) => Some(pieces),
        Operand::Arn(_) | Operand::AnyArn => None,
    }
}

/// The text of an operand without wildcards and variables.
pub(super) fn literal(operand: &Operand) -> Option<&str> {
    match text(operand)? {
        [] => Some(""),
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}

fn truth_of(operand: &Operand, variable: Variable<'_>) -> Option<bool> {
    if let Some(text) = literal(operand) {
        return truth(text);
    }
    // Rule C41: variables stand under Bool too.
    let pieces = text(operand)?;
    let reads = |wanted: &bool| same(pieces, &wanted.to_string(), variable);
    [true, false].into_iter().find(reads)
}

/// Rule C11: equal texts, case aside. There are no wildcards under this operator.
fn same(pieces: &[Piece], value: &str, variable: Variable<'_>) -> bool {
    let mut rest = value.chars();
    let mut eat = |text: &str| {
        text.chars().all(|wanted| rest.next().is_some_and(|found| fold(found) == fold(wanted)))
    };
    let all = pieces.iter().all(|piece| match piece {
        Piece::Text(text) => eat(text),
        Piece::Variable { key, default } => {
            // Rule C42: without value and default nothing matches.
            variable(key).or_else(|| default.clone()).is_some_and(|text| eat(&text))
        }
        Piece::AnyRun | Piece::AnyOne => false,
    });
    all && rest.next().is_none()
}

/// Rules C18, C22, C23: part by part, so that no wildcard crosses one of the first five colons; what is
/// no ARN matches nothing.
fn arn_takes(operand: &Operand, value: &str, variable: Variable<'_>) -> bool {
    if crate::aws::Arn::parse(value).is_none() {
        return false;
    }
    match operand {
        Operand::AnyArn => true,
        Operand::Text(_) => false,
        Operand::Arn(patterns) => {
            let mut parts = value.splitn(6, ':');
            patterns
                .iter()
                .all(|pattern| parts.next().is_some_and(|part| takes(pattern, part, variable)))
                && parts.next().is_none()
        }
    }
}

/// Rule C16.
fn same_bytes(operand: &Operand, value: &str) -> bool {
    let bytes = |text: &str| BASE64.decode(text).ok();
    let wanted = literal(operand).and_then(bytes);
    wanted.is_some() && wanted == bytes(value)
}
