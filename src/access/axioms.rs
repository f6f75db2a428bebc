//! The linking facts as formulas (section 2.5 of the semantics).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{Action, ActionSet, carried, carrying};
use crate::decision::{self, CallerKind, Callers, Fact, Is};
use crate::policy::{Comparison, Operator, Polarity};

use super::domain::limit;
use super::formula::{Atom, Formula, Formulas};
use super::frame::{Frame, Limit, Who};
use super::kinds::KINDS;
use super::solve::Solver;
use super::spellings::has_spellings;
use super::test::{Operand, Piece, Test};

/// One fact.
pub(super) struct Axiom {
    callers: Callers,
    /// The keys it follows from, in lower case; none where it always holds.
    pub(super) when: Box<[When]>,
    /// The key it is about, in lower case.
    pub(super) then: Box<str>,
    /// The actions of KMS that carry its keys.
    actions: ActionSet,
    /// Whether it settles a value, so that what follows from the key matters wherever the key does.
    pub(super) settles: bool,
    /// What it says.
    pub(super) says: Formula,
}

/// Something that a fact follows from.
pub(super) struct When {
    /// The key, in lower case.
    pub(super) key: Box<str>,
    /// Whether a request of which nothing else is known says so: that something is false, which every request
    /// tells.
    pub(super) is_usual: bool,
}

impl When {
    fn of(test: &decision::Test) -> Self {
        Self { key: test.key.to_ascii_lowercase().into(), is_usual: test.is == Is::False }
    }
}

impl Axiom {
    /// The fact as a formula.
    pub(super) fn new(formulas: &Formulas, fact: &Fact) -> Self {
        let then = literal(formulas, &fact.then);
        let not = |when: &decision::Test| formulas.not(literal(formulas, when));
        let says = formulas.or(fact.when.iter().map(not).chain([then]));
        let keys = || fact.when.iter().chain([&fact.then]).map(|test| test.key);
        Self {
            callers: fact.callers,
            when: fact.when.iter().map(When::of).collect(),
            then: fact.then.key.to_ascii_lowercase().into(),
            actions: keys().fold(ActionSet::ALL, |all, key| all.intersection(carrying(key))),
            settles: fact.when.is_empty() && matches!(fact.then.is, Is::True | Is::False),
            says,
        }
    }

    /// Its keys, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.when.iter().map(|when| &*when.key).chain([&*self.then])
    }

    /// Whether requests for an action carry its keys: of others it says nothing (rule N1).
    pub(super) fn is_carried(&self, action: Action) -> bool {
        match action {
            Action::Kms(action) => self.actions.contains(action),
            Action::Control(action) => self.keys().all(|key| carried(action, key)),
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
            let (mut keys, mut numbers): (Vec<&str>, _) = (axiom.keys().collect(), vec![number]);
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
    fn axioms(&self, group: usize) -> &[usize] {
        self.groups.get(group).map_or(&[], |group| &group.axioms)
    }

    /// Whether some fact about keys that are tied to these speaks of services otherwise than of others.
    pub(super) fn tells_services(&self, axioms: &[Axiom], keys: &[&str]) -> bool {
        let groups = keys.iter().filter_map(|key| self.group_of(key));
        let facts = groups.flat_map(|group| self.axioms(group)).filter_map(|at| axioms.get(*at));
        let tells = |fact: &Axiom| {
            let of_services = fact.is_about(Who::Service);
            KINDS.iter().any(|who| fact.is_about(*who) != of_services)
        };
        facts.into_iter().any(tells)
    }

    /// The facts that can bear on these keys: those that speak of them, and of keys that these bring into play,
    /// which are added.
    pub(super) fn bearing<'a>(
        &'a self,
        axioms: &'a [Axiom],
        keys: &mut Vec<&'a str>,
        frame: &Frame,
    ) -> Vec<Formula> {
        let mut near = self.near(axioms, keys, frame);
        let settled = settled(&near, frame);
        let mut found = Vec::new();
        loop {
            // What a fact follows from and nothing else asks for is left out of the request, and the fact with it.
            let (brought, others): (Vec<_>, Vec<_>) = near.into_iter().partition(|axiom| {
                let is_told = |when: &When| {
                    when.is_usual || keys.contains(&&*when.key) || settled.contains(&&*when.key)
                };
                axiom.keys().any(|key| keys.contains(&key)) && axiom.when.iter().all(is_told)
            });
            if brought.is_empty() {
                return found;
            }
            for axiom in brought {
                keys.extend(axiom.keys());
                found.push(axiom.says);
            }
            near = others;
        }
    }

    /// The facts about requests of the frame and keys that are tied to these.
    fn near<'a>(&self, axioms: &'a [Axiom], keys: &[&str], frame: &Frame) -> Vec<&'a Axiom> {
        let mut groups: Vec<usize> = keys.iter().filter_map(|key| self.group_of(key)).collect();
        groups.sort_unstable();
        groups.dedup();
        let near = groups.iter().flat_map(|group| self.axioms(*group).iter().copied());
        let mut near: Vec<usize> = near.collect();
        near.sort_unstable();
        let near = near.into_iter().filter_map(|at| axioms.get(at));
        near.filter(|axiom| axiom.is_about(frame.caller) && speaks(axiom, frame)).collect()
    }
}

/// The keys that the question fixes, those that facts give a value, and those that follow from such keys.
fn settled<'a>(near: &[&'a Axiom], frame: &'a Frame) -> Vec<&'a str> {
    let given = frame.limits.iter().filter(|(_, limit)| matches!(limit, Limit::Given(_)));
    let mut settled: Vec<&str> = given.map(|(key, _)| &**key).collect();
    let valued = near.iter().filter(|axiom| axiom.settles);
    settled.extend(valued.map(|axiom| &*axiom.then));
    loop {
        let follows = |axiom: &&&Axiom| {
            !axiom.when.is_empty()
                && !settled.contains(&&*axiom.then)
                && axiom.when.iter().all(|when| settled.contains(&&*when.key))
        };
        let Some(axiom) = near.iter().find(follows) else { return settled };
        settled.push(&axiom.then);
    }
}

/// A fact about a key that the action does not carry says nothing; neither does one about keys that the question
/// fixes, as it is asked for all the same.
fn speaks(axiom: &Axiom, frame: &Frame) -> bool {
    let is_fixed = |key: &str| {
        matches!(limit(&frame.limits, key), Some(Limit::Given(_))) || Solver::is_absent(frame, key)
    };
    axiom.is_carried(frame.action) && !axiom.keys().all(is_fixed)
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
