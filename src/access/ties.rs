//! Tests that tie keys of the request by policy variables (rules C40 to C42).
//!
//! The variables' keys are given one candidate after the other and the rest is decided exactly. What is
//! found counts; where nothing is, the formula is impossible only if no other candidates need to be tried, or
//! if it is so whatever those tests say of the variables.

use crate::aws::condition_keys::is_multivalued;
use crate::policy::{Comparison, Operator, Polarity};

use super::axioms::equals;
use super::compare::literal;
use super::domain::limit_spelled;
use super::elements::elements;
use super::filled::{Filling, folds, goals};
use super::formula::{Atom, Formula, Kinds};
use super::frame::{Frame, Limit};
use super::glob::is_variable;
use super::names::Names;
use super::nice;
use super::pairs::PREFIX;
use super::range::{Form, Range};
use super::solve::{ALL_PAIRS, Found, Solver};
use super::test::{Operand, Piece, Test};

/// One key with the value that is tried; none is absence.
type Choice<'a> = (&'a str, Option<Box<str>>);

/// How many combinations of candidates are tried.
const TRIES: usize = 400;

/// In how many ways variables are filled so that texts match.
const FILLS: usize = 40;

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
    let near = Near { tests: &tests, tied: &tied_keys(&tests, &keys), count: keys.len() };
    let known: Vec<_> =
        keys.iter().map(|key| (*key, near.candidates(solver, key, frame))).collect();
    let mut all = known.iter().all(|(_, (_, whole))| *whole);
    let lists: Vec<List<'_>> = known.into_iter().map(|(key, (texts, _))| (key, texts)).collect();
    let (tries, whole) = combined(vec![Vec::new()], &lists);
    all &= whole;
    let mut first_of = |tries: &[Vec<Choice<'_>>]| {
        for values in tries {
            match solver.find(tied(solver, formula, values), frame) {
                Found::No => {}
                Found::Undecided => all = false,
                yes @ Found::Yes(_) => return Some(yes),
            }
        }
        all.then_some(Found::No)
    };
    let found = first_of(&tries).or_else(|| first_of(&combined(fills(solver, &tests), &lists).0));
    found.unwrap_or_else(|| solver.decide(with_shapes(solver, formula), frame, true).0)
}

/// A key with the values to try.
type List<'a> = (&'a str, Vec<Option<Box<str>>>);

/// Every combination of values for the keys that have none yet, and whether these are all.
fn combined<'a>(
    mut tries: Vec<Vec<Choice<'a>>>,
    lists: &[List<'a>],
) -> (Vec<Vec<Choice<'a>>>, bool) {
    let mut whole = true;
    for (key, texts) in lists {
        let extend = |so_far: &Vec<Choice<'a>>| -> Vec<Vec<Choice<'a>>> {
            if so_far.iter().any(|(known, _)| known == key) {
                return vec![so_far.clone()];
            }
            let with = |value: &Option<Box<str>>| {
                so_far.iter().cloned().chain([(*key, value.clone())]).collect()
            };
            texts.iter().map(with).collect()
        };
        whole &= tries.len() * texts.len() <= TRIES;
        tries = tries.iter().flat_map(extend).take(TRIES).collect();
    }
    (tries, whole)
}

/// The keys of the tests in which such variables stand, and the variables' keys.
fn tied_keys<'a>(tests: &[&'a Test], keys: &[&'a str]) -> Vec<&'a str> {
    let near = |test: &&&Test| variables(test).any(|own| keys.contains(&own));
    tests.iter().filter(near).map(|test| &*test.key).chain(keys.iter().copied()).collect()
}

/// Values of variables with which what is named for a key matches a text with them.
fn fills<'a>(solver: &Solver, tests: &[&'a Test]) -> Vec<Vec<Choice<'a>>> {
    let mut found: Vec<Vec<Choice<'a>>> = Vec::new();
    let has_variables = |test: &Test| variables(test).next().is_some();
    for test in tests.iter().copied().filter(|test| has_variables(test)) {
        let fixed = tests.iter().copied().filter(|other| other.key == test.key);
        let fixed: Vec<&Test> = fixed.filter(|other| !has_variables(other)).collect();
        let texts = elements(&Range::of(&test.key, solver.now()), &fixed).found;
        for (text, _) in &texts {
            found.extend(fills_of(test, text));
        }
    }
    found.truncate(FILLS);
    found
}

/// Values of its variables with which a text satisfies the test.
fn fills_of<'a>(test: &'a Test, text: &str) -> Vec<Vec<Choice<'a>>> {
    let comparison = test.operator.comparison;
    let of_operand = |operand: &'a Operand| -> Vec<Vec<Choice<'a>>> {
        let own = |name: &str| operand_variables(operand).find(|own| *own == name);
        let choice = |(name, value): (&str, Option<&str>)| Some((own(name)?, value.map(Box::from)));
        let goals = goals(operand, comparison, text).unwrap_or_default();
        let fills = Filling::of(&goals, folds(comparison)).unwrap_or_default();
        fills.into_iter().map(|fill| fill.into_iter().filter_map(choice).collect()).collect()
    };
    let tied = test.values.iter().filter(|operand| operand_variables(operand).next().is_some());
    tied.flat_map(of_operand).collect()
}

/// The formula where each text with variables that must match does so at least by its shape, whatever the
/// variables hold.
fn with_shapes(solver: &Solver, formula: Formula) -> Formula {
    let formulas = &solver.formulas;
    formulas.replaced(formula, Kinds::REQUEST, &mut |_, atom, holds| {
        let Atom::Request(test) = atom else { return None };
        let must_match = holds == (test.operator.polarity == Polarity::Is);
        let shape = shape(test).filter(|_| must_match)?;
        let own = formulas.of(atom.clone());
        let own = if holds { own } else { formulas.not(own) };
        Some(formulas.and([own, formulas.of(Atom::Request(shape))]))
    })
}

/// A test with any run of characters in the place of its variables; nothing where it has none, or where more
/// than its values decides.
fn shape(test: &Test) -> Option<Test> {
    let comparison = match test.operator.comparison {
        Comparison::StringEquals | Comparison::StringLike => Comparison::StringLike,
        Comparison::ArnLike => Comparison::ArnLike,
        _ => return None,
    };
    variables(test).next()?;
    if test.operator.quantifier.is_some() || test.operator.if_exists {
        return None;
    }
    let any = |pieces: &[Piece]| -> Box<[Piece]> {
        let any = |piece: &Piece| if is_variable(piece) { Piece::AnyRun } else { piece.clone() };
        pieces.iter().map(any).collect()
    };
    let operand = |operand: &Operand| match operand {
        Operand::Text(pieces) => Operand::Text(any(pieces)),
        Operand::Arn(parts) => Operand::Arn(parts.iter().map(|part| any(part)).collect()),
        Operand::AnyArn => Operand::AnyArn,
    };
    let operator = Operator { comparison, polarity: Polarity::Is, ..test.operator };
    Some(Test { operator, values: test.values.iter().map(operand).collect(), ..test.clone() })
}

/// Tests with variables, and the keys that they tie.
struct Near<'t, 'a> {
    tests: &'t [&'a Test],
    /// The keys of all tests with variables, and those that stand in them.
    tied: &'t [&'a str],
    /// How many keys stand in texts.
    count: usize,
}

impl Near<'_, '_> {
    /// Values to try for `key`: absent, what is named for either key, and one that is not; and whether no
    /// others need to be tried.
    fn candidates(
        &self,
        solver: &Solver,
        key: &str,
        frame: &Frame,
    ) -> (Vec<Option<Box<str>>>, bool) {
        // Rule C40: a key of several values has none as a variable.
        if Solver::is_absent(frame, key) || is_multivalued(key) {
            return (vec![None], true);
        }
        let tests = self.tests;
        let tied: Vec<&str> = tied_keys(tests, &[key]);
        let of = |tied: &[&str]| -> Vec<&Test> {
            tests.iter().copied().filter(|test| tied.contains(&&*test.key)).collect()
        };
        let range = Range::of(key, solver.now());
        let mut found = nice::texts(&range, &of(&tied));
        if let Range::Finite(texts) = &range {
            found.extend(texts.iter().cloned());
        }
        found.retain(|text| range.has(text));
        let mut all = matches!(range, Range::Finite(_));
        let tied = if self.count == 1 { &tied } else { self.tied };
        if let Some(classes) = alike(solver, (key, tied, self.count), &of(tied), frame) {
            // With several keys there are many combinations.
            if self.count > 1 {
                found.clear();
            }
            found.extend(classes);
            all = true;
        }
        let limit = limit_spelled(&frame.limits, key);
        match limit {
            Some(Limit::OneOf(values) | Limit::Among(values) | Limit::Given(values)) => {
                found = values.to_vec();
                all = true;
            }
            Some(Limit::PresentLikeAll(patterns)) => {
                found.retain(|text| patterns.iter().all(|pattern| Form::like(pattern).has(text)));
            }
            Some(Limit::PresentLike(pattern)) => {
                found.retain(|text| Form::limiting(key, pattern).has(text));
                // The unique id of a session, say: whatever stands where something must.
                let filled = pattern.replace("?*", "session");
                found.extend((!filled.contains(['*', '?'])).then(|| Box::from(filled)));
            }
            _ => {}
        }
        let mut seen = rustc_hash::FxHashSet::default();
        found.retain(|text| seen.insert(text.clone()));
        let is_sent = limit.is_some_and(Limit::is_always_there);
        let absent = (!is_sent).then_some(None);
        (absent.into_iter().chain(found.into_iter().map(Some)).collect(), all)
    }
}

/// Texts of each class that `key` can hold, as many as there are keys that stand in texts, where no others
/// need to be tried: texts that no test of the tied keys tells apart can change places everywhere, as whether
/// two of them are equal stays what it was. That takes keys of one range, the empty text aside, which nothing
/// else says anything of, tied by nothing but equality.
fn alike(
    solver: &Solver,
    (key, tied, count): (&str, &[&str], usize),
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
        // That a key must be there tells its texts no more apart.
        let limits = frame.limits.iter().filter(|(_, limit)| *limit != Limit::Present);
        let mut limits = limits.map(|(limited, _)| &**limited);
        let is_limited = limits.any(|limited| {
            limited.eq_ignore_ascii_case(key)
                || key.starts_with(PREFIX) && limited.starts_with(ALL_PAIRS)
        });
        let is_told_of = solver.tells_of(key) || Names::is_set(key);
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
    let mut texts: Vec<Box<str>> = Vec::new();
    for _ in 0..count {
        // Others of each class, where it has others.
        let known: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let known = (!known.is_empty()).then(|| Test::of(key, EQUAL, &known));
        let tests: Vec<&Test> = fixed.iter().chain(&known).collect();
        let classes = elements(&plain, &tests);
        if !classes.complete {
            return None;
        }
        let others = classes.found.into_iter().map(|(text, _)| text);
        let others: Vec<Box<str>> = others.filter(|text| !texts.contains(text)).collect();
        texts.extend(others);
    }
    // Not all of them need be able to hold the empty text: it stands for itself.
    texts.extend(range.has("").then(Box::<str>::default));
    Some(texts)
}

/// The same text.
const EQUAL: Operator = Operator {
    quantifier: None,
    comparison: Comparison::StringEquals,
    polarity: Polarity::Is,
    if_exists: false,
};

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
