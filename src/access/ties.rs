//! Tests that tie two keys of the request by a policy variable (rules C40 to C42).
//!
//! The variable's key is given one candidate after the other and the rest is decided exactly. What is
//! found counts; where nothing is, the formula is impossible only if it is so whatever those tests say.

use crate::aws::condition_keys::is_multivalued;
use crate::policy::Comparison;

use super::axioms::equals;
use super::compare::literal;
use super::domain::limit;
use super::formula::{Atom, Formula, Kinds};
use super::frame::{Frame, Limit};
use super::glob::is_variable;
use super::nice;
use super::range::{Form, Range};
use super::solve::{Found, Solver};
use super::test::{Operand, Piece, Test};

/// One key with the value that is tried; none is absence.
type Choice<'a> = (&'a str, Option<Box<str>>);

/// How many combinations of candidates are tried.
const TRIES: usize = 400;

/// The keys whose values stand in the test.
pub(super) fn variables(test: &Test) -> impl Iterator<Item = &str> {
    let texts = test.values.iter().flat_map(|operand| match operand {
        Operand::Text(pieces) => std::slice::from_ref(pieces),
        Operand::Arn(parts) => parts,
        Operand::AnyArn => &[],
    });
    texts.flatten().filter_map(|piece| match piece {
        Piece::Variable { key, .. } => Some(&**key),
        _ => None,
    })
}

/// A possible context in which a formula holds that has such tests.
pub(super) fn find(solver: &Solver, formula: Formula, frame: &Frame) -> Found {
    let tests = solver.tests(formula).unwrap_or_default();
    let tests: Vec<&Test> = tests.into_iter().map(|(_, test)| test).collect();
    let mut keys: Vec<&str> = tests.iter().flat_map(|test| variables(test)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut tries: Vec<Vec<Choice<'_>>> = vec![Vec::new()];
    let mut all = true;
    for key in keys {
        let (candidates, whole) = candidates(solver, key, &tests, frame);
        all &= whole && tries.len() * candidates.len() <= TRIES;
        let extend = |so_far: &Vec<(_, _)>| {
            let with = |value: &Option<Box<str>>| {
                so_far.iter().cloned().chain([(key, value.clone())]).collect()
            };
            candidates.iter().map(with).collect::<Vec<_>>()
        };
        tries = tries.iter().flat_map(extend).take(TRIES).collect();
    }
    for values in &tries {
        match solver.find(tied(solver, formula, values), frame) {
            Found::No => {}
            Found::Undecided => all = false,
            yes @ Found::Yes(_) => return yes,
        }
    }
    if all { Found::No } else { solver.decide(formula, frame, true).0 }
}

/// Values to try for `key`: absent, what is named for either key, and one that is not; and whether it
/// has no others.
fn candidates(
    solver: &Solver,
    key: &str,
    tests: &[&Test],
    frame: &Frame,
) -> (Vec<Option<Box<str>>>, bool) {
    // Rule C40: a key of several values has none as a variable.
    if Solver::is_absent(frame, key) || is_multivalued(key) {
        return (vec![None], true);
    }
    let near = |test: &&&Test| *test.key == *key || variables(test).any(|own| own == key);
    let tied: Vec<&str> = tests.iter().filter(near).map(|test| &*test.key).collect();
    let both: Vec<&Test> =
        tests.iter().copied().filter(|test| tied.contains(&&*test.key)).collect();
    let range = Range::of(key, solver.now());
    let mut found = nice::texts(&range, &both);
    if let Range::Finite(texts) = &range {
        found.extend(texts.iter().cloned());
    }
    found.retain(|text| range.has(text));
    let mut all = matches!(range, Range::Finite(_));
    match limit(&frame.limits, key) {
        Some(Limit::OneOf(values) | Limit::Given(values)) => {
            found = values.to_vec();
            all = true;
        }
        Some(Limit::Like(pattern)) => found.retain(|text| Form::like(pattern).has(text)),
        _ => {}
    }
    let mut seen = rustc_hash::FxHashSet::default();
    found.retain(|text| seen.insert(text.clone()));
    (std::iter::once(None).chain(found.into_iter().map(Some)).collect(), all)
}

/// The formula where these keys have these values.
fn tied(solver: &Solver, formula: Formula, values: &[Choice<'_>]) -> Formula {
    let formulas = &solver.formulas;
    let value = |key: &str| {
        let known = values.iter().find(|(known, _)| *known == key)?;
        known.1.clone()
    };
    let replaced = formulas.replaced(formula, Kinds::REQUEST, &mut |_, atom, holds| match atom {
        Atom::Request(test) if variables(test).next().is_some() => {
            let tied = formulas.of(Atom::Request(resolved(test, &value)));
            Some(if holds { tied } else { formulas.not(tied) })
        }
        _ => None,
    });
    let pins =
        values.iter().filter(|(key, _)| !is_multivalued(key)).map(|(key, value)| match value {
            Some(text) => formulas.of(Atom::Request(equals(Comparison::StringEquals, key, text))),
            None => formulas.not(formulas.of(Atom::Request(Test::present(key)))),
        });
    let pins: Vec<Formula> = pins.collect();
    formulas.and(pins.into_iter().chain([replaced]))
}

/// The test with values for its variables; an operand without one matches nothing (rule C42).
fn resolved(test: &Test, value: &dyn Fn(&str) -> Option<Box<str>>) -> Test {
    let operand = |operand: &Operand| match operand {
        Operand::Text(pieces) => Some(Operand::Text(joined(pieces, value)?)),
        Operand::Arn(parts) => {
            let parts: Option<_> = parts.iter().map(|part| joined(part, value)).collect();
            Some(Operand::Arn(parts?))
        }
        Operand::AnyArn => Some(Operand::AnyArn),
    };
    let mut values: Vec<Operand> = test.values.iter().filter_map(operand).collect();
    values.sort();
    values.dedup();
    // Rule C41: what reads as nothing under Bool is a value that matches nothing.
    if test.operator.comparison == Comparison::Bool {
        values.retain(|operand| literal(operand).is_some());
    }
    Test { values: values.into(), ..test.clone() }
}

fn joined(pieces: &[Piece], value: &dyn Fn(&str) -> Option<Box<str>>) -> Option<Box<[Piece]>> {
    let mut found: Vec<Piece> = Vec::new();
    for piece in super::glob::resolved(pieces, value)? {
        match (found.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => *text = format!("{text}{more}").into(),
            (_, Piece::Text(text)) if text.is_empty() => {}
            (_, piece) => found.push(piece),
        }
    }
    debug_assert!(!found.iter().any(is_variable), "every variable has its value");
    Some(found.into())
}
