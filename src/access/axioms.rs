//! The linking facts as formulas (section 2.5 of the semantics).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{Action, ActionSet, carried, carrying};
use crate::decision::{self, CallerKind, Callers, Fact, Is};
use crate::policy::{Comparison, Operator, Polarity};

use super::formula::{Atom, Formula, Formulas};
use super::frame::Who;
use super::kinds::KINDS;
use super::spellings::has_spellings;
use super::test::{Operand, Piece, Test};

/// One fact.
pub(super) struct Axiom {
    callers: Callers,
    /// The key it follows from, in lower case; none where it always holds.
    pub(super) when: Option<Box<str>>,
    /// The key it is about, in lower case.
    pub(super) then: Box<str>,
    /// The actions of KMS that carry its keys.
    actions: ActionSet,
    /// Whether it settles a value, so that what follows from the key matters wherever the key does.
    pub(super) settles: bool,
    /// What it says.
    pub(super) says: Formula,
}

impl Axiom {
    /// The fact as a formula.
    pub(super) fn new(formulas: &Formulas, fact: &Fact) -> Self {
        let then = literal(formulas, &fact.then);
        let says = match &fact.when {
            Some(when) => formulas.or([formulas.not(literal(formulas, when)), then]),
            None => then,
        };
        Self {
            callers: fact.callers,
            when: fact.when.map(|when| when.key.to_ascii_lowercase().into()),
            then: fact.then.key.to_ascii_lowercase().into(),
            actions: fact
                .when
                .map_or(ActionSet::ALL, |when| carrying(when.key))
                .intersection(carrying(fact.then.key)),
            settles: fact.when.is_none() && matches!(fact.then.is, Is::True | Is::False),
            says,
        }
    }

    /// Whether requests for an action carry its keys: of others it says nothing (rule N1).
    pub(super) fn is_carried(&self, action: Action) -> bool {
        match action {
            Action::Kms(action) => self.actions.contains(action),
            Action::Control(action) => {
                let mut keys = self.when.iter().chain([&self.then]);
                keys.all(|key| carried(action, key))
            }
        }
    }

    /// Whether the fact speaks of requests of such a caller.
    pub(super) fn is_about(&self, who: Who) -> bool {
        let kind = match who {
            Who::Root => CallerKind::Root,
            Who::User => CallerKind::User,
            Who::Session => CallerKind::Role,
            Who::Federated => CallerKind::FederatedUser { name: Box::default() },
            Who::Service => CallerKind::Service,
            Who::Provider => CallerKind::Provider,
            Who::Unnamed => return KINDS.iter().all(|who| self.is_about(*who)),
        };
        self.callers.includes(&kind)
    }
}

/// The keys that facts tie together, directly or through others.
pub(super) struct Tied {
    group_of: FxHashMap<Arc<str>, usize>,
    groups: Vec<TiedGroup>,
}

/// Keys that are tied together.
#[derive(Default)]
struct TiedGroup {
    /// The keys in lower case, with the actions that carry each.
    keys: Vec<(Arc<str>, ActionSet)>,
    /// The facts that speak of them, by number.
    axioms: Vec<usize>,
}

impl Tied {
    /// The keys that these facts tie.
    pub(super) fn by(axioms: &[Axiom]) -> Self {
        let mut sets: Vec<(Vec<&str>, Vec<usize>)> = Vec::new();
        for (number, axiom) in axioms.iter().enumerate() {
            let own = axiom.when.as_deref().into_iter().chain([&*axiom.then]);
            let (mut keys, mut numbers): (Vec<&str>, _) = (own.collect(), vec![number]);
            sets.retain(|(known, of_known)| {
                let apart = !known.iter().any(|key| keys.contains(key));
                if !apart {
                    keys.extend(known);
                    numbers.extend(of_known);
                }
                apart
            });
            sets.push((keys, numbers));
        }
        let mut all = Self { group_of: FxHashMap::default(), groups: Vec::new() };
        for (mut keys, mut axioms) in sets {
            keys.sort_unstable();
            keys.dedup();
            axioms.sort_unstable();
            let keys: Vec<(Arc<str>, ActionSet)> =
                keys.into_iter().map(|key| (key.into(), carrying(key))).collect();
            let group = all.groups.len();
            all.group_of.extend(keys.iter().map(|(key, _)| (Arc::clone(key), group)));
            all.groups.push(TiedGroup { keys, axioms });
        }
        all
    }

    /// The group of a key (in lower case); nothing where no fact speaks of it.
    pub(super) fn group_of(&self, key: &str) -> Option<usize> {
        self.group_of.get(key).copied()
    }

    /// The keys of a group, with the actions that carry each.
    pub(super) fn keys(&self, group: usize) -> &[(Arc<str>, ActionSet)] {
        self.groups.get(group).map_or(&[], |group| &group.keys)
    }

    /// The facts that speak of the keys of a group, by number.
    pub(super) fn axioms(&self, group: usize) -> &[usize] {
        self.groups.get(group).map_or(&[], |group| &group.axioms)
    }
}

/// Rule C5: what is given in one spelling is there in each; which value it has hangs on the spelling.
pub(super) fn spelled_together<'k>(
    formulas: &Formulas,
    keys: impl Iterator<Item = &'k str>,
) -> Vec<Formula> {
    let mut keys: Vec<&str> = keys.filter(|key| has_spellings(key)).collect();
    keys.sort_by_cached_key(|key| (key.to_ascii_lowercase(), *key));
    keys.dedup();
    let same = |one: &str, other: &str| {
        let (one, other) = (present(formulas, one), present(formulas, other));
        let implies = |one, other| formulas.or([formulas.not(one), other]);
        [implies(one, other), implies(other, one)]
    };
    let neighbours = keys.windows(2).filter_map(|pair| match pair {
        [one, other] if one.eq_ignore_ascii_case(other) => Some(same(one, other)),
        _ => None,
    });
    neighbours.flatten().collect()
}

fn present(formulas: &Formulas, key: &str) -> Formula {
    formulas.of(Atom::Request(Test::present(key)))
}

fn literal(formulas: &Formulas, test: &decision::Test) -> Formula {
    let key = test.key.to_ascii_lowercase();
    match test.is {
        Is::Present => present(formulas, &key),
        Is::Absent => formulas.not(present(formulas, &key)),
        Is::True => formulas.of(Atom::Request(equals(Comparison::Bool, &key, "true"))),
        Is::False => formulas.of(Atom::Request(equals(Comparison::Bool, &key, "false"))),
    }
}

/// The plain test of a key against one text.
pub(super) fn equals(comparison: Comparison, key: &str, text: &str) -> Test {
    let operator =
        Operator { quantifier: None, comparison, polarity: Polarity::Is, if_exists: false };
    let operand = match text {
        "" => Operand::Text(Box::default()),
        _ => Operand::Text(Box::from([Piece::Text(text.into())])),
    };
    Test { key: key.into(), operator, values: Box::from([operand]), of_grant: false }
}
