//! Conditions of a statement against a request (section 2 of the semantics).

use crate::aws::condition_keys::is_multivalued;
use crate::policy::{Comparison, Condition, Effect, Polarity, Quantifier, Value};

use super::compare::{Compared, compare, truth_value};
use super::context::ALIAS_QUOTA;
use super::matching::is_arn;
use super::scene::{Lens, Scene};
use super::truth::Truth;

/// Whether every condition holds (rule C1).
pub(super) fn all_hold(scene: &Scene<'_, '_>, lens: Lens, conditions: &[Condition]) -> Truth {
    Truth::all(conditions.iter().map(|condition| holds(scene, lens, condition)))
}

fn holds(scene: &Scene<'_, '_>, lens: Lens, condition: &Condition) -> Truth {
    let name = &*condition.key.value;
    if over_alias_quota(scene, name) {
        // Rule C57: false for an Allow, unknown for a Deny.
        return match lens.effect {
            Effect::Allow => Truth::False,
            Effect::Deny => Truth::Unknown,
        };
    }
    let value = scene.context(lens, name);
    let operator = condition.operator.value;
    if operator.comparison == Comparison::Null {
        return null(condition, value.is_some());
    }
    let Some(value) = value else {
        return missing(condition);
    };
    let values: Vec<&str> = value.values().iter().map(AsRef::as_ref).collect();
    let one = |value: &&str| compare_one(scene, lens, condition, value);
    match operator.quantifier {
        // Rule C32: an empty set, or one that holds only the empty text, satisfies ForAllValues.
        Some(Quantifier::ForAllValues) if is_empty_set(&values) => Truth::True,
        Some(Quantifier::ForAllValues) => Truth::all(values.iter().map(one)),
        // Rule C33: also for negated operators.
        Some(Quantifier::ForAnyValue) if is_empty_set(&values) => Truth::False,
        Some(Quantifier::ForAnyValue) => Truth::any(values.iter().map(one)),
        // Rule C37: a multi-valued key needs a set operator.
        None if is_multivalued(name) => Truth::False,
        None => match values.as_slice() {
            [single] => one(single),
            _ => Truth::False,
        },
    }
}

fn is_empty_set(values: &[&str]) -> bool {
    values.iter().all(|value| value.is_empty())
}

/// Rules C10 to C18 (last column), C30, C32, C33, C38.
fn missing(condition: &Condition) -> Truth {
    let operator = condition.operator.value;
    match operator.quantifier {
        _ if operator.if_exists => Truth::True,
        Some(Quantifier::ForAllValues) => Truth::True,
        Some(Quantifier::ForAnyValue) => Truth::False,
        None => (operator.polarity == Polarity::IsNot).into(),
    }
}

/// Rules C19, C25.
fn null(condition: &Condition, present: bool) -> Truth {
    Truth::any(condition.values.iter().map(|value| match &value.value {
        Value::Text(text) => match truth_value(text) {
            Some(wants_missing) => (wants_missing != present).into(),
            None => Truth::False,
        },
        Value::Unresolved(_) => Truth::Unknown,
    }))
}

/// One context value against all policy values (rules C1, C2, C7, C24, C34).
fn compare_one(scene: &Scene<'_, '_>, lens: Lens, condition: &Condition, context: &str) -> Truth {
    let operator = condition.operator.value;
    let lookup = |key: &str| scene.variable(lens, key);
    let compared = condition.values.iter().map(|value| match &value.value {
        Value::Text(policy) => {
            let found = compare(operator.comparison, context, policy, lens.variables(), &lookup);
            match (found, operator.polarity) {
                (Compared::Match, Polarity::Is) | (Compared::NoMatch, Polarity::IsNot) => {
                    Truth::True
                }
                // Rule C24: what cannot be read is false either way.
                _ => Truth::False,
            }
        }
        Value::Unresolved(value) => {
            let shape = &value.shape;
            let can_match = match operator.comparison {
                Comparison::StringEquals | Comparison::StringLike => {
                    compare(Comparison::StringLike, context, shape, lens.variables(), &lookup)
                }
                Comparison::ArnLike if is_arn(shape) => {
                    compare(Comparison::ArnLike, context, shape, lens.variables(), &lookup)
                }
                _ => Compared::Match,
            };
            match (can_match, operator.polarity) {
                (Compared::NoMatch, polarity) => (polarity == Polarity::IsNot).into(),
                _ => Truth::Unknown,
            }
        }
    });
    match operator.polarity {
        Polarity::Is => Truth::any(compared),
        Polarity::IsNot => Truth::all(compared),
    }
}

/// Rule C57.
fn over_alias_quota(scene: &Scene<'_, '_>, name: &str) -> bool {
    name.eq_ignore_ascii_case("kms:ResourceAliases")
        && scene.request.context.get(name).is_none()
        && scene.key.is_some_and(|key| key.aliases.len() > ALIAS_QUOTA)
}
