//! Formulas over tests as policies write them, and a solver to ask.

use std::sync::Arc;

use crate::access::formula::{Atom, Formula, Formulas, Node};
use crate::access::frame::{Frame, Limit, Who};
use crate::access::solve::{Found, Solver};
use crate::access::spellings::written;
use crate::aws::KmsAction;
use crate::decision::{Context, ContextValue, Entry, FACTS};

use super::automaton::Random;
use super::{positive, test};

pub(super) struct Bench {
    pub(super) solver: Solver,
    pub(super) formulas: Arc<Formulas>,
    pub(super) frame: Frame,
}

impl Bench {
    pub(super) fn new(action: &str, caller: Who) -> Self {
        let formulas = Arc::new(Formulas::new());
        let now = "2026-11-30T12:00:00Z".parse().expect("an instant");
        let solver = Solver::new(Arc::clone(&formulas), FACTS, now);
        let action = KmsAction::from_name(action).expect("an action");
        Self {
            solver,
            formulas,
            frame: Frame { caller, action: action.into(), limits: std::sync::Arc::default() },
        }
    }

    pub(super) fn limited(mut self, limits: &[(&str, Limit)]) -> Self {
        let mut limits: Vec<_> =
            limits.iter().map(|(key, limit)| (Box::from(*key), limit.clone())).collect();
        limits.sort();
        self.frame.limits = limits.into();
        self
    }

    /// A test as a formula: plain negated operators are negations.
    pub(super) fn of(&self, operator: &str, key: &str, values: &[&str]) -> Formula {
        let test = test(operator, key, values);
        if test.operator.quantifier.is_some()
            || test.operator.if_exists
            || crate::aws::condition_keys::is_multivalued(&test.key)
        {
            return self.formulas.of(Atom::Request(test));
        }
        let (test, negated) = positive(test);
        let plain = self.formulas.of(Atom::Request(test));
        if negated { self.formulas.not(plain) } else { plain }
    }

    pub(super) fn all(&self, tests: &[(&str, &str, &[&str])]) -> Formula {
        self.formulas
            .and(tests.iter().map(|(operator, key, values)| self.of(operator, key, values)))
    }

    pub(super) fn find(&self, formula: Formula) -> Found {
        self.solver.find(formula, &self.frame)
    }

    /// Whether the formula holds of some of `contexts`, which are all that tell its tests apart: the solver
    /// must say so, and show a context in which it does.
    pub(super) fn found_among(&self, formula: Formula, contexts: &[Context]) -> bool {
        let missed = contexts.iter().find(|context| holds(&self.formulas, formula, context));
        let expected = missed.is_some();
        match self.find(formula) {
            Found::Yes(context) => {
                assert!(expected && holds(&self.formulas, formula, &context), "{context:?}");
            }
            Found::No => assert!(!expected, "{missed:?} was missed"),
            Found::Undecided => panic!("nothing here is undecided"),
        }
        expected
    }

    /// The context found, written out.
    pub(super) fn words(&self, tests: &[(&str, &str, &[&str])]) -> String {
        let formula = self.all(tests);
        match self.find(formula) {
            Found::Yes(context) => {
                assert!(holds(&self.formulas, formula, &context), "{context:?}");
                words(&context)
            }
            Found::No => "no".to_owned(),
            Found::Undecided => "undecided".to_owned(),
        }
    }
}

fn words(context: &Context) -> String {
    let entry = |entry: &Entry| {
        let value = match &entry.value {
            ContextValue::One(value) => value.to_string(),
            ContextValue::Many(values) => format!("[{}]", values.join(" ")),
        };
        format!("{}={value}", entry.name)
    };
    context.entries().map(entry).collect::<Vec<_>>().join(" ")
}

/// The truth of a formula for a context, step by step.
pub(super) fn holds(formulas: &Formulas, formula: Formula, context: &Context) -> bool {
    let one = |key: &str| match &context.get(&written(key))?.value {
        ContextValue::One(value) => Some(value.clone()),
        ContextValue::Many(_) => None,
    };
    match formulas.node(formula) {
        Node::True => true,
        Node::False => false,
        Node::Literal { atom, holds } => match formulas.atom(*atom) {
            Atom::Request(test) if test.of_grant => {
                let is_own = |it: &&Entry| it.name.eq_ignore_ascii_case(&test.key);
                let same: Vec<&ContextValue> =
                    context.entries().filter(is_own).map(|it| &it.value).collect();
                test.holds_spelled(&same) == *holds
            }
            Atom::Request(test) => {
                let found = context.get(&written(&test.key)).map(|entry| &entry.value);
                test.holds(found, &one) == *holds
            }
            _ => panic!("requests alone"),
        },
        Node::And(parts) => parts.iter().all(|part| holds(formulas, *part, context)),
        Node::Or(parts) => parts.iter().any(|part| holds(formulas, *part, context)),
    }
}

/// A random formula over these tests.
pub(super) fn random_formula(
    bench: &Bench,
    random: &mut Random,
    tests: &[Formula],
    depth: usize,
) -> Formula {
    if depth == 0 || random.below(4) == 0 {
        let found = tests[random.below(tests.len())];
        return if random.below(3) == 0 { bench.formulas.not(found) } else { found };
    }
    let all = random.below(2) == 0;
    let parts: Vec<Formula> =
        (0..2 + random.below(2)).map(|_| random_formula(bench, random, tests, depth - 1)).collect();
    if all { bench.formulas.and(parts) } else { bench.formulas.or(parts) }
}
