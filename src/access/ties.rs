//! Tests that tie two keys of the request by a policy variable (rules C40 to C42).
//!
//! The variable's key is given one candidate after the other and the rest is decided exactly. What is
//! found counts; where nothing is, the formula is impossible only if it is so whatever those tests say.

use crate::aws::condition_keys::is_multivalued;
use crate::policy::Comparison;

use super::axioms::equals;
use super::compare::literal;
use super::domain::limit;
use super::elements::elements;
use super::formula::{Atom, Formula, Kinds};
use super::frame::{Frame, Limit};
use super::glob::is_variable;
use super::nice;
use super::pairs::{NAMES, PREFIX};
use super::range::{Form, Range};
use super::solve::{ALL_PAIRS, Found, Solver};
use super::test::{Operand, Piece, Test};

/// One key with the value that is tried; none is absence.
type Choice<'a> = (&'a str, Option<Box<str>>);

/// How many combinations of candidates are tried.
const TRIES: usize = 400;

/// The keys whose values stand in the test.
pub(super) fn variables(test: &Test) -> impl Iterator<Item = &str> {
    test.values.iter().flat_map(operand_variables)
}

fn operand_variables(operand: &Operand) -> impl Iterator<Item = &str> {
    let texts = match operand {
        Operand::Text(pieces) => std::slice::from_ref(pieces),
        Operand::Arn(parts) => parts,
        Operand::AnyArn => &[],
    };
    texts.iter().flatten().filter_map(|piece| match piece {
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
    let (mut all, alone) = (true, keys.len() == 1);
    for key in keys {
        let (candidates, whole) = candidates(solver, (key, alone), &tests, frame);
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

/// Values to try for `key`: absent, what is named for either key, and one that is not; and whether no
/// others need to be tried. `alone` says that it is the one key that stands in texts.
fn candidates(
    solver: &Solver,
    (key, alone): (&str, bool),
    tests: &[&Test],
    frame: &Frame,
) -> (Vec<Option<Box<str>>>, bool) {
    // Rule C40: a key of several values has none as a variable.
    if Solver::is_absent(frame, key) || is_multivalued(key) {
        return (vec![None], true);
    }
    let near = |test: &&&Test| *test.key == *key || variables(test).any(|own| own == key);
    let tied: Vec<&str> = tests.iter().filter(near).map(|test| &*test.key).chain([key]).collect();
    let both: Vec<&Test> =
        tests.iter().copied().filter(|test| tied.contains(&&*test.key)).collect();
    let range = Range::of(key, solver.now());
    let mut found = nice::texts(&range, &both);
    if let Range::Finite(texts) = &range {
        found.extend(texts.iter().cloned());
    }
    found.retain(|text| range.has(text));
    let mut all = matches!(range, Range::Finite(_));
    if alone && let Some(classes) = alike(solver, (key, &tied), &both, frame) {
        found.extend(classes);
        all = true;
    }
    match limit(&frame.limits, key) {
        Some(Limit::OneOf(values) | Limit::Given(values)) => {
            found = values.to_vec();
            all = true;
        }
        Some(limit @ (Limit::Like(pattern) | Limit::PresentLike(pattern))) => {
            found.retain(|text| Form::like(pattern).has(text));
            // The unique id of a session: whatever stands behind the role's.
            if let Some(start) =
                pattern.strip_suffix("?*").filter(|_| matches!(limit, Limit::Like(_)))
            {
                found.push(format!("{start}session").into());
            }
        }
        _ => {}
    }
    let mut seen = rustc_hash::FxHashSet::default();
    found.retain(|text| seen.insert(text.clone()));
    (std::iter::once(None).chain(found.into_iter().map(Some)).collect(), all)
}

/// One text of each class that `key` can hold, where no others need to be tried: texts that no test of the
/// tied keys tells apart can change places everywhere, as whether two of them are equal stays what it was.
/// That takes keys of one range, the empty text aside, which nothing else says anything of, tied by nothing
/// but equality.
fn alike(
    solver: &Solver,
    (key, tied): (&str, &[&str]),
    tests: &[&Test],
    frame: &Frame,
) -> Option<Vec<Box<str>>> {
    let range = Range::of(key, solver.now());
    let forms = |range: &Range| match range {
        Range::Texts { forms, .. } => Some(forms.clone()),
        _ => None,
    };
    let own = forms(&range)?;
    let is_free = |key: &&str| {
        let is_limited = frame.limits.iter().any(|(limited, _)| {
            **limited == **key || key.starts_with(PREFIX) && limited.starts_with(ALL_PAIRS)
        });
        let is_told_of = solver.tells_of(key) || **key == *NAMES;
        let of_key = forms(&Range::of(key, solver.now()));
        !is_limited && !is_told_of && of_key.is_some_and(|forms| forms == own)
    };
    let plain = Range::Texts { forms: own.clone(), empty: false };
    let is_variable = |operand: &&Operand| operand_variables(operand).next().is_some();
    let is_equal = |test: &Test| {
        let lone = |operand: &Operand| matches!(operand, Operand::Text(pieces) if matches!(**pieces, [Piece::Variable { .. }]));
        let compares =
            matches!(test.operator.comparison, Comparison::StringEquals | Comparison::StringLike);
        compares && test.values.iter().filter(is_variable).all(lone)
    };
    if !tied.iter().all(is_free)
        || !tests.iter().all(|test| variables(test).next().is_none() || is_equal(test))
    {
        return None;
    }
    let fixed = |test: &&Test| {
        let values: Box<[Operand]> =
            test.values.iter().filter(|operand| !is_variable(operand)).cloned().collect();
        (!values.is_empty()).then(|| Test { values, ..(*test).clone() })
    };
    let fixed: Vec<Test> = tests.iter().filter_map(fixed).collect();
    // Not all of them need be able to hold the empty text: it stands for itself.
    let classes = elements(&plain, &fixed.iter().collect::<Vec<_>>());
    let empty = range.has("").then(Box::<str>::default);
    classes.complete.then(|| classes.found.into_iter().map(|(text, _)| text).chain(empty).collect())
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
