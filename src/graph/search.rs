//! The search: what one principal gets to, by the fewest calls.
//!
//! Facts are what somebody has gained so far: identities to call as, changes of principals and keys. A
//! principal with the changes that touch it is a state; what a state can do follows from the state alone
//! ([`States`]). Facts only ever add, so that each is worked off in the order of the calls that lead to
//! it, as Dijkstra's algorithm does; a fact that needs two others takes the calls of both, each once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::access::Opening;
use crate::aws::KmsAction;
use crate::decision::Chance;

use super::cast::{Ix, KeyIx};
use super::change::Change;
use super::key_moves::{KeyEdit, KeyMove};
use super::moves::{Gain, Move};
use super::state::{State, StateName, States};

/// How far paths may go.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most calls.
    pub(super) hops: usize,
    /// The most primitives among them (rule T52).
    pub(super) primitives: usize,
    /// How sure each step must be.
    pub(super) least: Chance,
}

/// One call, in numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Step {
    /// Who calls.
    pub(super) by: Ix,
    /// What.
    pub(super) what: Doing,
}

/// What a call does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Doing {
    /// About principals.
    Move(Move),
    /// About a key.
    Key(KeyMove),
}

impl Doing {
    /// The rule of the primitive; nothing for an edge.
    pub(super) fn primitive(&self) -> Option<&'static str> {
        match self {
            Self::Move(what) => what.primitive(),
            Self::Key(what) => Some(what.primitive()),
        }
    }
}

/// A way to a goal, in numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Plan {
    /// The calls, in order.
    pub(super) steps: Vec<Step>,
    /// Who takes the action in the end.
    pub(super) goal_as: Ix,
    /// How many of the calls are primitives.
    pub(super) primitives: usize,
}

/// How a fact was gained: the calls in an order in which they can be made.
#[derive(Clone, Debug)]
pub(super) struct Label {
    steps: Rc<[u32]>,
    primitives: usize,
    chance: Chance,
}

impl Label {
    fn covers(&self, other: &Self) -> bool {
        self.steps.len() <= other.steps.len()
            && self.primitives <= other.primitives
            && self.chance >= other.chance
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Fact {
    Held(Ix),
    Changed(Change),
    KeyChanged(KeyIx, KeyEdit),
    State(StateName),
}

/// The search from one principal.
pub(super) struct Search<'s, 'c, 'w> {
    pub(super) states: &'s States<'c, 'w>,
    limits: Limits,
    steps: Vec<Step>,
    numbers: FxHashMap<Step, u32>,
    best: FxHashMap<Fact, Vec<Label>>,
    queue: BinaryHeap<Reverse<(usize, usize, usize)>>,
    waiting: Vec<Option<(Fact, Label)>>,
    held: Vec<(Ix, Label)>,
    changes: Vec<(Change, Label)>,
    key_changes: Vec<(KeyIx, KeyEdit, Label)>,
    reached: Vec<(StateName, Arc<State>, Label)>,
    /// Keys whose policy, or whose grants, somebody can write, and nobody to use them was found yet.
    opened: Vec<(KeyIx, KeyMove, Label)>,
    plans: BTreeMap<KeyIx, Vec<Plan>>,
    wanted: Vec<bool>,
}

/// How many ways to a goal are kept.
const KEPT: usize = 3;

impl<'s, 'c, 'w> Search<'s, 'c, 'w> {
    /// The ways from `start` to the wanted keys that it lacks, the shortest first.
    pub(super) fn from(
        states: &'s States<'c, 'w>,
        start: Ix,
        wanted: &[bool],
        limits: Limits,
    ) -> BTreeMap<KeyIx, Vec<Plan>> {
        let mut wanted = wanted.to_vec();
        for held in &states.get(&(start, Vec::new())).keys {
            let goal = states.keys.goal(held.key);
            // What it has already is no path.
            if goal.is_some_and(|goal| held.reached.chance(goal) >= Chance::AsTold)
                && let Some(want) = wanted.get_mut(held.key as usize)
            {
                *want = false;
            }
        }
        let mut search = Self {
            states,
            limits,
            steps: Vec::new(),
            numbers: FxHashMap::default(),
            best: FxHashMap::default(),
            queue: BinaryHeap::new(),
            waiting: Vec::new(),
            held: Vec::new(),
            changes: Vec::new(),
            key_changes: Vec::new(),
            reached: Vec::new(),
            opened: Vec::new(),
            plans: BTreeMap::new(),
            wanted,
        };
        let nothing = Label { steps: Rc::from([]), primitives: 0, chance: Chance::Sure };
        search.push(Fact::Held(start), nothing);
        while let Some(Reverse((_, _, at))) = search.queue.pop() {
            if let Some((fact, label)) = search.waiting.get_mut(at).and_then(Option::take) {
                search.settle(fact, label);
            }
        }
        search.plans.values_mut().for_each(|plans| plans.sort_by_key(|plan| plan.steps.len()));
        search.plans
    }

    fn push(&mut self, fact: Fact, label: Label) {
        if label.steps.len() > self.limits.hops || label.primitives > self.limits.primitives {
            return;
        }
        if label.chance < self.limits.least {
            return;
        }
        if self.best.get(&fact).is_some_and(|known| known.iter().any(|it| it.covers(&label))) {
            return;
        }
        let at = self.waiting.len();
        self.queue.push(Reverse((label.steps.len(), label.primitives, at)));
        self.waiting.push(Some((fact, label)));
    }

    fn settle(&mut self, fact: Fact, label: Label) {
        let known = self.best.entry(fact.clone()).or_default();
        if known.iter().any(|it| it.covers(&label)) {
            return;
        }
        known.push(label.clone());
        match fact {
            Fact::Held(at) => self.hold(at, &label),
            Fact::Changed(change) => self.change(change, &label),
            Fact::KeyChanged(key, edit) => self.change_key(key, edit, &label),
            Fact::State(name) => self.be(name, &label),
        }
    }

    /// The label with one more call.
    fn then(&mut self, label: &Label, step: Step, chance: Chance) -> Label {
        let primitive = usize::from(step.what.primitive().is_some());
        let next = self.steps.len() as u32;
        let number = *self.numbers.entry(step.clone()).or_insert(next);
        if number == next {
            self.steps.push(step);
        }
        if label.steps.contains(&number) {
            return Label { chance: label.chance.min(chance), ..label.clone() };
        }
        Label {
            steps: label.steps.iter().copied().chain([number]).collect(),
            primitives: label.primitives + primitive,
            chance: label.chance.min(chance),
        }
    }

    /// The calls of both, each once.
    fn both(&self, one: &Label, other: &Label) -> Label {
        let more: Vec<u32> =
            other.steps.iter().copied().filter(|step| !one.steps.contains(step)).collect();
        if more.is_empty() {
            return Label { chance: one.chance.min(other.chance), ..one.clone() };
        }
        let primitives = more.iter().filter(|step| {
            let step = self.steps.get(**step as usize);
            step.is_some_and(|step| step.what.primitive().is_some())
        });
        Label {
            primitives: one.primitives + primitives.count(),
            steps: one.steps.iter().copied().chain(more.iter().copied()).collect(),
            chance: one.chance.min(other.chance),
        }
    }

    fn fits(&self, label: &Label) -> bool {
        label.steps.len() <= self.limits.hops && label.primitives <= self.limits.primitives
    }

    fn hold(&mut self, at: Ix, label: &Label) {
        self.held.push((at, label.clone()));
        self.push(Fact::State((at, Vec::new())), label.clone());
        for session in self.states.cast.sessions_of(at).to_vec() {
            self.push(Fact::Held(session), label.clone());
        }
        for (change, how) in self.changes.clone() {
            let label = self.both(label, &how);
            self.touch(at, &change, &label);
        }
    }

    fn change(&mut self, change: Change, label: &Label) {
        self.changes.push((change.clone(), label.clone()));
        if let Change::Trusting(role) = change {
            for (name, _, how) in self.reached.clone() {
                self.enter(&name, role, &self.both(&how, label));
            }
            return;
        }
        for (at, how) in self.held.clone() {
            let label = self.both(&how, label);
            self.touch(at, &change, &label);
        }
    }

    /// The states that `at` is in by a change, alone and with others that were made before.
    fn touch(&mut self, at: Ix, change: &Change, label: &Label) {
        if !self.fits(label) {
            return;
        }
        let cast = self.states.cast;
        if change.touches(cast, at, &[]) {
            self.push(Fact::State((at, vec![change.clone()])), label.clone());
        }
        if label.primitives > self.limits.primitives {
            return;
        }
        for (other, how) in self.changes.clone() {
            let label = self.both(label, &how);
            if other == *change || matches!(other, Change::Trusting(_)) || !self.fits(&label) {
                continue;
            }
            let (one, two) = ([change.clone()], [other.clone()]);
            if change.touches(cast, at, &two) && other.touches(cast, at, &one) {
                let mut changes = vec![change.clone(), other];
                changes.sort();
                self.push(Fact::State((at, changes)), label);
            }
        }
    }

    /// Everything that a state can do.
    fn be(&mut self, name: StateName, label: &Label) {
        let state = self.states.get(&name);
        let same = |(known, it, how): &(StateName, Arc<State>, Label)| {
            known.0 == name.0 && it.class == state.class && how.covers(label)
        };
        if self.reached.iter().any(same) {
            return;
        }
        self.reached.push((name.clone(), Arc::clone(&state), label.clone()));
        for open in &state.moves {
            if open.chance < self.limits.least {
                continue;
            }
            let step = Step { by: name.0, what: Doing::Move(open.what.clone()) };
            let after = self.then(label, step, open.chance);
            match &open.gain {
                Gain::Held(at) => self.push(Fact::Held(*at), after),
                Gain::Changed(change) => self.push(Fact::Changed(change.clone()), after),
            }
        }
        for (change, how) in self.changes.clone() {
            if let Change::Trusting(role) = change {
                self.enter(&name, role, &self.both(label, &how));
            }
        }
        self.use_keys(&name, &state, label);
    }

    /// Rule T25: a role that trusts whoever wants in.
    fn enter(&mut self, name: &StateName, role: Ix, label: &Label) {
        if !self.fits(label) || name.0 == role {
            return;
        }
        let chance = self.states.enters(name, role);
        if chance >= self.limits.least {
            let step = Step { by: name.0, what: Doing::Move(Move::Assume(role)) };
            let label = self.then(label, step, chance);
            self.push(Fact::Held(role), label);
        }
    }

    fn is_wanted(&self, key: KeyIx) -> bool {
        self.wanted.get(key as usize).copied().unwrap_or(false)
    }

    /// Whether as many ways to a key are known as are kept, none longer than this.
    fn is_settled(&self, key: KeyIx, calls: usize) -> bool {
        let plans = self.plans.get(&key);
        plans.is_some_and(|it| it.iter().filter(|it| it.steps.len() <= calls).count() >= KEPT)
    }

    fn use_keys(&mut self, name: &StateName, state: &State, label: &Label) {
        for held in &state.keys {
            let key = held.key;
            let Some(goal) = self.states.keys.goal(key) else { continue };
            if !self.is_wanted(key) || self.is_settled(key, label.steps.len()) {
                continue;
            }
            self.gain(key, name.0, label, held.reached.chance(goal));
            if self.is_settled(key, label.steps.len() + 1) {
                continue;
            }
            for action in KeyMove::ACTIONS {
                if held.reached.chance(action) >= self.limits.least {
                    self.work(name, key, action, &[], label);
                }
            }
        }
        for (key, what, how) in self.opened.clone() {
            let label = self.both(label, &how);
            self.by_opened(name, key, &what, &label);
        }
        for (key, edit, how) in self.key_changes.clone() {
            let label = self.both(label, &how);
            self.use_changed(name, key, &edit, &label);
        }
    }

    /// Notes a way to the goal.
    fn gain(&mut self, key: KeyIx, goal_as: Ix, label: &Label, chance: Chance) {
        if chance < self.limits.least || !self.fits(label) || !self.is_wanted(key) {
            return;
        }
        let steps = label.steps.iter().filter_map(|at| self.steps.get(*at as usize)).cloned();
        let plan = Plan { steps: steps.collect(), goal_as, primitives: label.primitives };
        let plans = self.plans.entry(key).or_default();
        if plan.steps.is_empty() || plans.contains(&plan) {
            return;
        }
        plans.push(plan);
        plans.sort_by_key(|plan| plan.steps.len());
        plans.truncate(KEPT);
    }

    /// What a permission on a key, after `edits` of it, is good for (rules T16 to T19, T32, T33).
    fn work(
        &mut self,
        name: &StateName,
        key: KeyIx,
        action: KmsAction,
        edits: &[KeyEdit],
        label: &Label,
    ) {
        for (what, chance) in self.states.key_moves(name, key, action, edits) {
            if chance < self.limits.least {
                continue;
            }
            let step = Step { by: name.0, what: Doing::Key(what.clone()) };
            let after = self.then(label, step, chance);
            if !self.fits(&after) {
                continue;
            }
            match what.edit() {
                Some(edit) if edits.is_empty() => self.push(Fact::KeyChanged(key, edit), after),
                Some(_) => {}
                None => self.open(name, key, what, &after),
            }
        }
    }

    /// A key that was opened: to the one who did it, or to another identity that is held.
    fn open(&mut self, name: &StateName, key: KeyIx, what: KeyMove, label: &Label) {
        if self.by_opened(name, key, &what, label) {
            return;
        }
        for (other, _, how) in self.reached.clone() {
            let label = self.both(label, &how);
            if self.fits(&label) && self.by_opened(&other, key, &what, &label) {
                return;
            }
        }
        self.opened.push((key, what, label.clone()));
    }

    fn by_opened(&mut self, name: &StateName, key: KeyIx, what: &KeyMove, label: &Label) -> bool {
        if !self.fits(label) || self.is_settled(key, label.steps.len()) {
            return false;
        }
        let opening = match what {
            KeyMove::Grant(_, grantee) if *grantee != name.0 => return false,
            KeyMove::Grant(..) => Opening::ByGrant,
            _ => Opening::ByPolicy,
        };
        let chance = self.states.opened(name, key, what, opening);
        self.gain(key, name.0, label, chance);
        chance >= self.limits.least
    }

    fn change_key(&mut self, key: KeyIx, edit: KeyEdit, label: &Label) {
        self.key_changes.push((key, edit.clone(), label.clone()));
        for (name, _, how) in self.reached.clone() {
            let label = self.both(&how, label);
            self.use_changed(&name, key, &edit, &label);
        }
    }

    /// What a state can do with a key whose tags or aliases were changed.
    fn use_changed(&mut self, name: &StateName, key: KeyIx, edit: &KeyEdit, label: &Label) {
        if !self.fits(label) || !self.is_wanted(key) || self.is_settled(key, label.steps.len()) {
            return;
        }
        let Some(goal) = self.states.keys.goal(key) else { return };
        let reached = self.states.reached_after(name, key, edit);
        self.gain(key, name.0, label, reached.chance(goal));
        for action in [KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT] {
            if reached.chance(action) >= self.limits.least {
                self.work(name, key, action, std::slice::from_ref(edit), label);
            }
        }
    }
}
