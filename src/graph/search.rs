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

use super::cast::{Cast, Ix, KeyIx};
use super::change::Change;
use super::key_moves::{KeyEdit, KeyMove};
use super::moves::{Gain, Move, Open};
use super::state::{ClassIx, State, StateName, States};

/// How far paths may go.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most calls.
    pub(super) hops: usize,
    /// The most primitives among them (rule T52).
    pub(super) primitives: usize,
    /// How sure each step must be.
    pub(super) least: Chance,
    /// How many ways to each goal are kept.
    pub(super) kept: usize,
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
    /// Who sets out.
    pub(super) start: Ix,
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

/// The tags of the sessions in which an identity is held (rule T7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Tags {
    /// Those of the user or role, and no others.
    Own,
    /// Whatever is wanted.
    Any,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Fact {
    Held(Ix, Tags),
    Changed(Change),
    KeyChanged(KeyIx, KeyEdit),
    State(StateName),
}

/// The search from one principal.
pub(super) struct Search<'s, 'c, 'w> {
    pub(super) states: &'s States<'c, 'w>,
    start: Ix,
    limits: Limits,
    steps: Vec<Step>,
    numbers: FxHashMap<Step, u32>,
    best: FxHashMap<Fact, Vec<Label>>,
    queue: BinaryHeap<Reverse<(usize, usize, usize)>>,
    waiting: Vec<Option<(Fact, Label)>>,
    held: FxHashMap<Ix, Vec<(Tags, Label)>>,
    changes: Changes,
    /// Roles whose trust policies let everyone in.
    trusting: Vec<(Ix, Label)>,
    key_changes: Vec<(KeyIx, KeyEdit, Label)>,
    reached: Vec<(StateName, Label)>,
    /// Classes whose states were worked off.
    classes: FxHashMap<ClassIx, Vec<Label>>,
    /// Identities that are held in a state that nothing of their own limits.
    unlimited: FxHashMap<Ix, Vec<Label>>,
    /// Keys whose policy, or whose grants, somebody can write, and nobody to use them was found yet.
    opened: Vec<(KeyIx, KeyMove, Label)>,
    plans: BTreeMap<KeyIx, Vec<Plan>>,
    wanted: Vec<bool>,
}

/// The changes that holding an identity comes with.
fn own(states: &States<'_, '_>, at: Ix, tags: Tags) -> Vec<Change> {
    let is_any = tags == Tags::Any && states.takes_tags(at);
    is_any.then_some(Change::SessionTags(at)).into_iter().collect()
}

/// The changes that were made, by whom they touch.
#[derive(Default)]
struct Changes {
    of: FxHashMap<Ix, Vec<(Change, Label)>>,
    /// Those of groups and policies, which touch whoever gets into one or has one attached.
    shared: Vec<(Change, Label)>,
}

impl Changes {
    fn add(&mut self, change: Change, touched: &[Ix], label: Label) {
        for at in touched {
            self.of.entry(*at).or_default().push((change.clone(), label.clone()));
        }
        if change.whose().is_none() {
            self.shared.push((change, label));
        }
    }

    /// Those who joined a group or got a policy.
    fn joined(&self) -> Vec<Ix> {
        let joins = |(change, _): &(Change, Label)| {
            matches!(change, Change::Joined(..) | Change::Attached(..))
        };
        let mut all: Vec<Ix> =
            self.of.iter().filter(|(_, of)| of.iter().any(joins)).map(|(at, _)| *at).collect();
        all.sort_unstable();
        all
    }

    /// Those that touch `at` by themselves.
    fn about(&self, cast: &Cast<'_>, at: Ix) -> impl Iterator<Item = &(Change, Label)> {
        let role = cast.role_of(at).and_then(|role| self.of.get(&role));
        self.of.get(&at).into_iter().chain(role).flatten()
    }
}

impl<'s, 'c, 'w> Search<'s, 'c, 'w> {
    /// The ways from `start` to the wanted keys that it lacks, the shortest first.
    pub(super) fn from(
        states: &'s States<'c, 'w>,
        start: Ix,
        wanted: &[bool],
        limits: Limits,
    ) -> BTreeMap<KeyIx, Vec<Plan>> {
        let mut wanted = wanted.to_vec();
        // What it has already is no path; nor is what one of its sessions has that a policy names apart.
        for at in states.cast.sessions_of(start).iter().copied().chain([start]) {
            let name = (at, own(states, at, Tags::Any));
            for held in states.keys(&name, &states.get(&name)) {
                let goal = states.keys.goal(held.key);
                if goal.is_some_and(|goal| held.reached.chance(goal) >= Chance::AsTold)
                    && let Some(want) = wanted.get_mut(held.key as usize)
                {
                    *want = false;
                }
            }
        }
        let mut search = Self {
            states,
            start,
            limits,
            steps: Vec::new(),
            numbers: FxHashMap::default(),
            best: FxHashMap::default(),
            queue: BinaryHeap::new(),
            waiting: Vec::new(),
            held: FxHashMap::default(),
            changes: Changes::default(),
            trusting: Vec::new(),
            key_changes: Vec::new(),
            reached: Vec::new(),
            classes: FxHashMap::default(),
            unlimited: FxHashMap::default(),
            opened: Vec::new(),
            plans: BTreeMap::new(),
            wanted,
        };
        let nothing = Label { steps: Rc::from([]), primitives: 0, chance: Chance::Sure };
        // Whoever is a role from the start can be any session of it (rule U6).
        search.push(Fact::Held(start, Tags::Any), nothing);
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

    /// Whether a fact is known by no more calls than one more than both labels together have at least.
    fn is_beaten(&self, fact: &Fact, one: &Label, other: &Label) -> bool {
        let calls = one.steps.len().max(other.steps.len()) + 1;
        let primitives = one.primitives.max(other.primitives);
        let chance = one.chance.min(other.chance);
        let beats = |it: &Label| {
            it.steps.len() <= calls && it.primitives <= primitives && it.chance >= chance
        };
        self.best.get(fact).is_some_and(|known| known.iter().any(beats))
    }

    fn settle(&mut self, fact: Fact, label: Label) {
        let known = self.best.entry(fact.clone()).or_default();
        if known.iter().any(|it| it.covers(&label)) {
            return;
        }
        known.push(label.clone());
        match fact {
            Fact::Held(at, tags) => self.hold(at, tags, &label),
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

    /// Whether the calls of both, each once, stay within the limits.
    fn fit(&self, one: &Label, other: &Label) -> bool {
        let (mut calls, mut primitives) = (one.steps.len(), one.primitives);
        for step in other.steps.iter().filter(|step| !one.steps.contains(step)) {
            calls += 1;
            let step = self.steps.get(*step as usize);
            primitives += usize::from(step.is_some_and(|it| it.what.primitive().is_some()));
        }
        calls <= self.limits.hops && primitives <= self.limits.primitives
    }

    fn fits(&self, label: &Label) -> bool {
        label.steps.len() <= self.limits.hops && label.primitives <= self.limits.primitives
    }

    fn hold(&mut self, at: Ix, tags: Tags, label: &Label) {
        let cast = self.states.cast;
        self.held.entry(at).or_default().push((tags, label.clone()));
        self.push(Fact::State((at, own(self.states, at, tags))), label.clone());
        for session in cast.sessions_of(at) {
            self.push(Fact::Held(*session, tags), label.clone());
        }
        let about = self.changes.about(cast, at).filter(|(_, how)| self.fit(label, how)).cloned();
        for (change, how) in about.collect::<Vec<_>>() {
            let label = self.both(label, &how);
            self.touch(at, tags, &change, &label);
        }
    }

    fn change(&mut self, change: Change, label: &Label) {
        if let Change::Trusting(role) = change {
            self.trusting.push((role, label.clone()));
            let reached = self.reached.iter().filter(|(_, how)| self.fit(how, label)).cloned();
            for (name, how) in reached.collect::<Vec<_>>() {
                if !self.is_beaten(&Fact::Held(role, Tags::Own), &how, label) {
                    self.enter(&name, role, &self.both(&how, label));
                }
            }
            return;
        }
        let touched = self.states.touched(&change);
        self.changes.add(change.clone(), &touched, label.clone());
        // Whoever joined a group, or got a policy, is touched by what is done to these.
        let mut touched = touched.to_vec();
        if change.whose().is_none() {
            touched.extend(self.changes.joined());
            touched.sort_unstable();
            touched.dedup();
        }
        let cast = self.states.cast;
        let sessions = touched.iter().flat_map(|at| cast.sessions_of(*at)).copied();
        let touched: Vec<Ix> = touched.iter().copied().chain(sessions).collect();
        for at in touched {
            let held = self.held.get(&at).into_iter().flatten();
            let held = held.filter(|(_, how)| self.fit(how, label)).cloned();
            for (tags, how) in held.collect::<Vec<_>>() {
                let label = self.both(&how, label);
                self.touch(at, tags, &change, &label);
            }
        }
    }

    /// Whether `at` is held in a state that nothing of its own limits, by no more calls.
    fn is_unlimited(&self, at: Ix, label: &Label) -> bool {
        self.unlimited.get(&at).is_some_and(|known| known.iter().any(|it| it.covers(label)))
    }

    /// The states that `at` is in by a change, alone and with others that were made before.
    fn touch(&mut self, at: Ix, tags: Tags, change: &Change, label: &Label) {
        if !self.fits(label) || (!change.is_tag() && self.is_unlimited(at, label)) {
            return;
        }
        let cast = self.states.cast;
        let own = own(self.states, at, tags);
        if change.touches(cast, at, &[]) {
            let changes = own.iter().cloned().chain([change.clone()]).collect();
            self.push(Fact::State((at, changes)), label.clone());
        }
        let joins = matches!(change, Change::Joined(..) | Change::Attached(..));
        let shared = self.changes.shared.iter().filter(|_| joins);
        let others = self.changes.about(cast, at).chain(shared);
        let others = others.filter(|(other, how)| other != change && self.fit(label, how));
        for (other, how) in others.cloned().collect::<Vec<_>>() {
            let label = self.both(label, &how);
            let (one, two) = ([change.clone()], [other.clone()]);
            if change.touches(cast, at, &two) && other.touches(cast, at, &one) {
                let mut changes = own.clone();
                changes.extend([change.clone(), other]);
                changes.sort();
                self.push(Fact::State((at, changes)), label);
            }
        }
    }

    /// Everything that a state can do.
    fn be(&mut self, name: StateName, label: &Label) {
        if !name.1.iter().any(Change::is_tag) && self.is_unlimited(name.0, label) {
            return;
        }
        let states = self.states;
        let state = states.get(&name);
        self.reached.push((name.clone(), label.clone()));
        if state.unlimited {
            self.unlimited.entry(name.0).or_default().push(label.clone());
        }
        let known = self.classes.entry(state.class).or_default();
        let fresh = !known.iter().any(|it| it.covers(label));
        if fresh {
            known.push(label.clone());
            self.follow(&name, states.moves(&name, &state), label);
        }
        self.follow(&name, states.assumes(&name, &state), label);
        let trusting = self.trusting.iter().filter(|(_, how)| self.fit(label, how)).cloned();
        for (role, how) in trusting.collect::<Vec<_>>() {
            if !self.is_beaten(&Fact::Held(role, Tags::Own), label, &how) {
                self.enter(&name, role, &self.both(label, &how));
            }
        }
        self.use_keys(&name, &state, fresh, label);
    }

    /// Whether what a move gives is known by no more calls.
    fn is_gained(&self, open: &Open, label: &Label, primitives: usize) -> bool {
        let fact = match open.gain {
            Gain::Held(at) => Fact::Held(at, Tags::Own),
            Gain::Tagged(at) => Fact::Held(at, Tags::Any),
            Gain::Changed(_) => return false,
        };
        let (calls, primitives) = (label.steps.len() + 1, label.primitives + primitives);
        let chance = label.chance.min(open.chance);
        let beats = |it: &Label| {
            it.steps.len() <= calls && it.primitives <= primitives && it.chance >= chance
        };
        self.best.get(&fact).is_some_and(|known| known.iter().any(beats))
    }

    fn follow(&mut self, name: &StateName, moves: &[Open], label: &Label) {
        let least = self.limits.least;
        let left = self.limits.primitives - label.primitives.min(self.limits.primitives);
        if label.steps.len() >= self.limits.hops {
            return;
        }
        for open in moves.iter().filter(|open| open.chance >= least) {
            let primitives = usize::from(open.what.primitive().is_some());
            if primitives > left || self.is_gained(open, label, primitives) {
                continue;
            }
            let step = Step { by: name.0, what: Doing::Move(open.what.clone()) };
            let after = self.then(label, step, open.chance);
            match &open.gain {
                Gain::Held(at) => self.push(Fact::Held(*at, Tags::Own), after),
                Gain::Tagged(at) => self.push(Fact::Held(*at, Tags::Any), after),
                Gain::Changed(change) => self.push(Fact::Changed(change.clone()), after),
            }
        }
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
            self.push(Fact::Held(role, Tags::Own), label);
        }
    }

    fn is_wanted(&self, key: KeyIx) -> bool {
        self.wanted.get(key as usize).copied().unwrap_or(false)
    }

    /// Whether as many ways to a key are known as are kept, none longer than this.
    fn is_settled(&self, key: KeyIx, calls: usize) -> bool {
        let plans = self.plans.get(&key);
        plans.is_some_and(|it| {
            it.iter().filter(|it| it.steps.len() <= calls).count() >= self.limits.kept
        })
    }

    /// What a state can do with keys; where another of its class was worked off, with those that tell it
    /// apart.
    fn use_keys(&mut self, name: &StateName, state: &State, fresh: bool, label: &Label) {
        let states = self.states;
        for held in states.keys(name, state).iter().filter(|held| fresh || held.apart) {
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
        let opened = self.opened.iter().filter(|(_, _, how)| self.fit(label, how)).cloned();
        for (key, what, how) in opened.collect::<Vec<_>>() {
            let label = self.both(label, &how);
            self.by_opened(name, key, &what, &label);
        }
        let edits = self.key_changes.iter().filter(|(_, _, how)| self.fit(label, how)).cloned();
        for (key, edit, how) in edits.collect::<Vec<_>>() {
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
        let (start, primitives) = (self.start, label.primitives);
        let plan = Plan { start, steps: steps.collect(), goal_as, primitives };
        let plans = self.plans.entry(key).or_default();
        if plans.contains(&plan) {
            return;
        }
        plans.push(plan);
        plans.sort_by_key(|plan| plan.steps.len());
        plans.truncate(self.limits.kept);
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
        let moves = match edits {
            [] => self.states.kept_key_moves(name, key, action),
            edits => Arc::new(self.states.key_moves(name, key, action, edits)),
        };
        for (what, chance) in moves.iter() {
            let (what, chance) = (what.clone(), *chance);
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
        let others = self.reached.iter().filter(|(_, how)| self.fit(label, how)).cloned();
        for (other, how) in others.collect::<Vec<_>>() {
            let label = self.both(label, &how);
            if self.by_opened(&other, key, &what, &label) {
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
        let chance = self.states.kept_opened(name, key, what, opening);
        self.gain(key, name.0, label, chance);
        chance >= self.limits.least
    }

    fn change_key(&mut self, key: KeyIx, edit: KeyEdit, label: &Label) {
        self.key_changes.push((key, edit.clone(), label.clone()));
        let reached = self.reached.iter().filter(|(_, how)| self.fit(how, label)).cloned();
        for (name, how) in reached.collect::<Vec<_>>() {
            let label = self.both(&how, label);
            self.use_changed(&name, key, &edit, &label);
        }
    }

    /// What a state can do with a key whose tags or aliases were changed.
    fn use_changed(&mut self, name: &StateName, key: KeyIx, edit: &KeyEdit, label: &Label) {
        if !self.fits(label) || !self.is_wanted(key) || self.is_settled(key, label.steps.len()) {
            return;
        }
        let state = self.states.get(name);
        let asks = match edit {
            KeyEdit::Tagged(..) | KeyEdit::Untagged(_) => state.asks_for_tags,
            _ => state.asks_for_aliases,
        };
        // What a key policy asks of its own key's tags it does not see (rule C56), or AWS leaves open.
        if !asks && !self.states.keys.asks(key) {
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
