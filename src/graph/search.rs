//! The search: what one principal gets to, by the fewest calls.
//!
//! Facts are what somebody has gained so far: identities to call as, changes of principals and keys. A
//! principal with the changes that touch it is a state; what a state can do follows from the state alone
//! ([`States`]). Facts only ever add, so that each is worked off in the order of the calls that lead to
//! it, as Dijkstra's algorithm does; a fact that needs two others takes the calls of both, each once.
//!
//! Whoever may do everything in an account makes most of its other principals idle: what they can do, it
//! can do itself. They are passed over as long as no wanted key tells one of the two apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::access::Opening;
use crate::aws::KmsAction;
use crate::decision::Chance;

use super::cast::{Cast, Ix, KeyIx};
use super::change::Change;
use super::key_moves::{KeyEdit, KeyMove};
use super::label::{Act, Label, Labels};
use super::plan::{Doing, Plan, Step};
use super::state::{ChangeIx, ClassIx, DoingIx, Gained, OpenMove, State, StateName, States, Tags};

/// How far paths may go.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// The most calls.
    pub(super) hops: usize,
    /// The most primitives among them (rule T52).
    pub(super) primitives: usize,
    /// How sure each step must be.
    pub(super) least: Chance,
    /// How many ways to each goal are kept. Where it is more than one, everything that can be done is tried.
    pub(super) kept: usize,
}

/// A way to a goal, in numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Way {
    acts: SmallVec<[Act; 3]>,
    goal_as: Ix,
}

impl Way {
    /// The same in full, of one who sets out from `start`.
    pub(super) fn plan(&self, states: &States<'_, '_>, start: Ix) -> Plan {
        let step = |act: &Act| Step { by: act.by, what: Doing::clone(states.doings.get(act.what)) };
        Plan { start, steps: self.acts.iter().map(step).collect(), goal_as: self.goal_as }
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Fact {
    Held(Ix, Tags),
    Changed(ChangeIx),
    KeyChanged(KeyIx, DoingIx),
    State(StateName),
}

/// A key that somebody can open by a call, and to whom it is of no use itself.
struct Opened {
    key: KeyIx,
    what: KeyMove,
    doing: DoingIx,
    how: Label,
}

/// A state that may make grants of a key.
struct Granter {
    name: StateName,
    key: KeyIx,
    edits: Vec<KeyEdit>,
    how: Label,
}

/// Somebody who may do everything in an account.
struct Master {
    walls: u32,
    apart: Arc<[KeyIx]>,
    how: Label,
}

/// The search from one principal.
pub(super) struct Search<'s, 'c, 'w> {
    states: &'s States<'c, 'w>,
    limits: Limits,
    known: FxHashMap<Fact, Labels>,
    queue: BinaryHeap<Reverse<(usize, usize, usize)>>,
    waiting: Vec<Option<(Fact, Label)>>,
    held: FxHashMap<Ix, Vec<(Tags, Label)>>,
    changes: Changes,
    /// Roles whose trust policies let everyone in.
    trusting: Vec<(Ix, Label)>,
    key_changes: Vec<(KeyIx, DoingIx, Label)>,
    reached: Vec<(StateName, Label)>,
    /// Classes whose states were worked off.
    classes: FxHashMap<ClassIx, Labels>,
    masters: Vec<Master>,
    opened: Vec<Opened>,
    granters: Vec<Granter>,
    ways: BTreeMap<KeyIx, Vec<Way>>,
    wanted: Vec<bool>,
    /// From how many calls on as many ways to a key are known as are kept.
    enough: Vec<usize>,
}

/// The changes that holding an identity comes with.
fn own(states: &States<'_, '_>, at: Ix, tags: Tags) -> Option<ChangeIx> {
    let is_any = tags == Tags::Any && states.takes_tags(at);
    is_any.then(|| states.changes.intern(Change::SessionTags(at)))
}

/// The changes that were made, by whom they touch.
#[derive(Default)]
struct Changes {
    of: FxHashMap<Ix, Vec<(ChangeIx, Label)>>,
    /// Those of groups and policies, which touch whoever gets into one or has one attached.
    shared: Vec<(ChangeIx, Label)>,
    /// Those who joined a group or got a policy.
    joined: Vec<Ix>,
}

impl Changes {
    fn add(&mut self, (number, change): (ChangeIx, &Change), touched: &[Ix], label: &Label) {
        for at in touched {
            self.of.entry(*at).or_default().push((number, label.clone()));
        }
        if change.whose().is_none() {
            self.shared.push((number, label.clone()));
        }
        if change.brings_policies() {
            let fresh = touched.iter().filter(|at| !self.joined.contains(at));
            let fresh: Vec<Ix> = fresh.copied().collect();
            self.joined.extend(fresh);
        }
    }

    /// Those that touch `at` by themselves.
    fn about(&self, cast: &Cast<'_>, at: Ix) -> impl Iterator<Item = &(ChangeIx, Label)> {
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
    ) -> BTreeMap<KeyIx, Vec<Way>> {
        let mut wanted = wanted.to_vec();
        // What it has already is no path; nor is what one of its sessions has that a policy names apart.
        for at in states.cast.sessions_of(start).iter().copied().chain([start]) {
            let name = StateName::of(at, own(states, at, Tags::Any));
            for held in states.keys(&name, &states.get(&name), false) {
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
            limits,
            known: FxHashMap::default(),
            queue: BinaryHeap::new(),
            waiting: Vec::new(),
            held: FxHashMap::default(),
            changes: Changes::default(),
            trusting: Vec::new(),
            key_changes: Vec::new(),
            reached: Vec::new(),
            classes: FxHashMap::default(),
            masters: Vec::new(),
            opened: Vec::new(),
            granters: Vec::new(),
            ways: BTreeMap::new(),
            enough: vec![usize::MAX; wanted.len()],
            wanted,
        };
        // Whoever is a role from the start can be any session of it (rule U6).
        search.push(Fact::Held(start, Tags::Any), Label::nothing());
        while let Some(Reverse((_, _, at))) = search.queue.pop() {
            if let Some((fact, label)) = search.waiting.get_mut(at).and_then(Option::take) {
                search.settle(fact, label);
            }
        }
        search.ways
    }

    fn push(&mut self, fact: Fact, label: Label) {
        if !self.fits(&label) || label.chance < self.limits.least {
            return;
        }
        if self.known.get(&fact).is_some_and(|known| known.are_enough(&label)) {
            return;
        }
        let at = self.waiting.len();
        self.queue.push(Reverse((label.acts.len(), label.primitives, at)));
        self.waiting.push(Some((fact, label)));
    }

    fn settle(&mut self, fact: Fact, label: Label) {
        let known = self.known.entry(fact.clone()).or_default();
        if known.are_enough(&label) {
            return;
        }
        known.push(label.clone());
        match fact {
            Fact::Held(at, tags) => self.hold(at, tags, &label),
            Fact::Changed(change) => self.change(change, &label),
            Fact::KeyChanged(key, edit) => self.change_key(key, edit, &label),
            Fact::State(name) => self.be(&name, &label),
        }
    }

    /// Whether the calls of both, each once, stay within the limits.
    fn fit(&self, one: &Label, other: &Label) -> bool {
        let (calls, primitives) = one.with(other);
        calls <= self.limits.hops && primitives <= self.limits.primitives
    }

    fn fits(&self, label: &Label) -> bool {
        label.acts.len() <= self.limits.hops && label.primitives <= self.limits.primitives
    }

    fn hold(&mut self, at: Ix, tags: Tags, label: &Label) {
        let cast = self.states.cast;
        self.held.entry(at).or_default().push((tags, label.clone()));
        if self.is_idle(at, label) {
            return;
        }
        let name = StateName::of(at, own(self.states, at, tags));
        self.push(Fact::State(name), label.clone());
        for session in cast.sessions_of(at) {
            self.push(Fact::Held(*session, tags), label.clone());
        }
        let about = self.changes.about(cast, at).filter(|(_, how)| self.fit(label, how)).cloned();
        for (change, how) in about.collect::<Vec<_>>() {
            self.touch(at, tags, change, &label.and(&how));
        }
    }

    /// Whether somebody who may do everything in its account makes `at` of no use.
    fn is_idle(&self, at: Ix, label: &Label) -> bool {
        let cast = self.states.cast;
        let is_open =
            |key: &KeyIx| self.is_wanted(*key) && !self.is_settled(*key, label.acts.len());
        let stands_alone = |at: Ix| {
            cast.member(at).is_none_or(|member| !member.named_by.is_empty() || member.outside)
                || !cast.sessions_of(at).is_empty()
                || cast.role_of(at).is_some()
                || self.states.told_apart(at).iter().any(is_open)
        };
        if self.limits.kept > 1 {
            return false;
        }
        let able = |master: &&Master| master.how.covers(label) && !master.apart.iter().any(is_open);
        let mut able = self.masters.iter().filter(able).map(|master| master.walls).peekable();
        if able.peek().is_none() || stands_alone(at) {
            return false;
        }
        let walls = self.states.get(&StateName::of(at, [])).walls;
        able.any(|of| of == walls)
    }

    fn change(&mut self, number: ChangeIx, label: &Label) {
        let states = self.states;
        let change = states.changes.get(number);
        if let Change::Trusting(role) = *change {
            self.trusting.push((role, label.clone()));
            let reached = self.reached.iter().filter(|(_, how)| self.fit(how, label)).cloned();
            for (name, how) in reached.collect::<Vec<_>>() {
                self.enter(&name, role, &how.and(label));
            }
            return;
        }
        let touched = states.touched(number);
        self.changes.add((number, change), &touched, label);
        // Whoever joined a group, or got a policy, is touched by what is done to these.
        let mut all = touched.to_vec();
        if change.whose().is_none() {
            all.extend(&self.changes.joined);
            all.sort_unstable();
            all.dedup();
        }
        let sessions = all.iter().flat_map(|at| states.cast.sessions_of(*at)).copied();
        let all: Vec<Ix> = all.iter().copied().chain(sessions).collect();
        for at in all {
            let held = self.held.get(&at).into_iter().flatten();
            let held = held.filter(|(_, how)| self.fit(how, label)).cloned();
            for (tags, how) in held.collect::<Vec<_>>() {
                self.touch(at, tags, number, &how.and(label));
            }
        }
    }

    /// The states that `at` is in by a change, alone and with others that were made before.
    fn touch(&mut self, at: Ix, tags: Tags, number: ChangeIx, label: &Label) {
        if !self.fits(label) || self.is_idle(at, label) {
            return;
        }
        let states = self.states;
        let (cast, own) = (states.cast, own(states, at, tags));
        let change = states.changes.get(number);
        if change.touches(cast, at, &[]) {
            let name = StateName::of(at, own.into_iter().chain([number]));
            self.push(Fact::State(name), label.clone());
        }
        let shared = self.changes.shared.iter().filter(|_| change.brings_policies());
        let others = self.changes.about(cast, at).chain(shared);
        let others = others.filter(|(other, how)| *other != number && self.fit(label, how));
        for (other, how) in others.cloned().collect::<Vec<_>>() {
            let second = states.changes.get(other);
            if change.touches(cast, at, std::slice::from_ref(second))
                && second.touches(cast, at, std::slice::from_ref(change))
            {
                let name = StateName::of(at, own.into_iter().chain([number, other]));
                self.push(Fact::State(name), label.and(&how));
            }
        }
    }

    /// Everything that a state can do.
    fn be(&mut self, name: &StateName, label: &Label) {
        if !label.acts.is_empty() && self.is_idle(name.at, label) {
            return;
        }
        let states = self.states;
        let state = states.get(name);
        // The subject of a provider calls STS alone (rule T8).
        let calls_more = states.cast.member(name.at).is_some_and(|it| it.caller.account.is_some());
        if calls_more {
            self.reached.push((name.clone(), label.clone()));
        }
        let known = self.classes.entry(state.class).or_default();
        let fresh = !known.are_enough(label);
        if fresh {
            known.push(label.clone());
            let moves = states.moves(name, &state);
            let moves = if self.limits.kept > 1 { &moves.all } else { &moves.best };
            self.follow(name.at, moves, label);
        }
        self.follow(name.at, states.assumes(name, &state), label);
        let trusting = self.trusting.iter().filter(|(_, how)| self.fit(label, how)).cloned();
        for (role, how) in trusting.collect::<Vec<_>>() {
            self.enter(name, role, &label.and(&how));
        }
        if calls_more {
            self.use_keys(name, &state, fresh, label);
        }
        if state.unlimited && name.changes.iter().all(|it| !states.changes.get(*it).is_tag()) {
            let (walls, apart) = (state.walls, states.told_apart(name.at));
            self.masters.push(Master { walls, apart, how: label.clone() });
        }
    }

    fn follow(&mut self, by: Ix, moves: &[OpenMove], label: &Label) {
        if label.acts.len() >= self.limits.hops {
            return;
        }
        let left = self.limits.primitives.saturating_sub(label.primitives);
        let least = self.limits.least;
        for open in moves.iter().filter(|open| open.chance >= least) {
            if left == 0 && open.primitive {
                continue;
            }
            let act = Act { by, what: open.what, primitive: open.primitive };
            let fact = match open.gain {
                Gained::Held(at, tags) => Fact::Held(at, tags),
                Gained::Changed(change) => Fact::Changed(change),
            };
            let known = self.known.get(&fact);
            if !known.is_some_and(|known| known.are_enough_with(label, act, open.chance)) {
                self.push(fact, label.then(act, open.chance));
            }
        }
    }

    /// Rule T25: a role that trusts whoever wants in.
    fn enter(&mut self, name: &StateName, role: Ix, label: &Label) {
        if !self.fits(label) || name.at == role {
            return;
        }
        let fact = Fact::Held(role, Tags::Own);
        if self.known.get(&fact).is_some_and(|known| known.are_enough(label)) {
            return;
        }
        let chance = self.states.enters(name, role);
        if chance >= self.limits.least {
            let assume = Doing::Move(super::moves::Move::Assume(role));
            let what = self.states.doings.intern(assume);
            let act = Act { by: name.at, what, primitive: false };
            self.push(fact, label.then(act, chance));
        }
    }

    fn is_wanted(&self, key: KeyIx) -> bool {
        self.wanted.get(key as usize).copied().unwrap_or(false)
    }

    /// Whether as many ways to a key are known as are kept, none longer than this.
    fn is_settled(&self, key: KeyIx, calls: usize) -> bool {
        self.enough.get(key as usize).is_some_and(|enough| *enough <= calls)
    }

    /// What a state can do with keys; where another of its class was worked off, with those that tell it
    /// apart.
    fn use_keys(&mut self, name: &StateName, state: &State, fresh: bool, label: &Label) {
        let states = self.states;
        for held in states.keys(name, state, !fresh) {
            let key = held.key;
            let Some(goal) = states.keys.goal(key) else { continue };
            if !self.is_wanted(key) || self.is_settled(key, label.acts.len()) {
                continue;
            }
            self.gain(key, name.at, label, held.reached.chance(goal));
            if self.is_settled(key, label.acts.len() + 1) {
                continue;
            }
            for action in KeyMove::ACTIONS {
                if held.reached.chance(action) >= self.limits.least {
                    self.work(name, key, action, &[], label);
                }
            }
        }
        let fit = |how: &Label| self.fit(label, how);
        let opened = self.opened.iter().filter(|opened| fit(&opened.how));
        let opened = opened.map(|it| (it.key, it.what.clone(), it.doing, it.how.clone()));
        for (key, what, doing, how) in opened.collect::<Vec<_>>() {
            self.by_opened(name, key, (&what, doing), &label.and(&how));
        }
        for at in 0..self.granters.len() {
            self.grant(at, name, label);
        }
        let edits = self.key_changes.iter().filter(|(_, _, how)| self.fit(label, how)).cloned();
        for (key, edit, how) in edits.collect::<Vec<_>>() {
            self.use_changed(name, key, edit, &label.and(&how));
        }
    }

    /// Notes a way to the goal.
    fn gain(&mut self, key: KeyIx, goal_as: Ix, label: &Label, chance: Chance) {
        if chance < self.limits.least || !self.fits(label) || !self.is_wanted(key) {
            return;
        }
        let way = Way { acts: label.acts.clone(), goal_as };
        let ways = self.ways.entry(key).or_default();
        if ways.contains(&way) {
            return;
        }
        ways.push(way);
        ways.sort_by_key(|way| way.acts.len());
        ways.truncate(self.limits.kept);
        if let Some(last) = ways.get(self.limits.kept.saturating_sub(1))
            && let Some(enough) = self.enough.get_mut(key as usize)
        {
            *enough = last.acts.len();
        }
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
            edits => self.states.numbered_key_moves(name, key, action, edits),
        };
        let least = self.limits.least;
        for open in moves.iter().filter(|open| open.chance >= least) {
            let act = Act { by: name.at, what: open.doing, primitive: true };
            let after = label.then(act, open.chance);
            if !self.fits(&after) {
                continue;
            }
            match open.what.edit() {
                Some(_) if edits.is_empty() => {
                    self.push(Fact::KeyChanged(key, open.doing), after);
                }
                Some(_) => {}
                None => self.open(name, key, (&open.what, open.doing), after),
            }
        }
        if action == KmsAction::CREATE_GRANT && !self.is_settled(key, label.acts.len() + 1) {
            let at = self.granters.len();
            let (name, how) = (name.clone(), label.clone());
            self.granters.push(Granter { name, key, edits: edits.to_vec(), how });
            for (other, how) in self.reached.clone() {
                self.grant(at, &other, &how);
            }
        }
    }

    /// A key that was opened: to the one who did it, or to another identity that is held.
    fn open(&mut self, name: &StateName, key: KeyIx, what: (&KeyMove, DoingIx), how: Label) {
        if self.by_opened(name, key, what, &how) || matches!(what.0, KeyMove::Grant(..)) {
            return;
        }
        let others = self.reached.iter().filter(|(_, of)| self.fit(&how, of)).cloned();
        for (other, of) in others.collect::<Vec<_>>() {
            self.by_opened(&other, key, what, &how.and(&of));
        }
        let (what, doing) = (what.0.clone(), what.1);
        self.opened.push(Opened { key, what, doing, how });
    }

    fn by_opened(
        &mut self,
        name: &StateName,
        key: KeyIx,
        what: (&KeyMove, DoingIx),
        label: &Label,
    ) -> bool {
        if !self.fits(label) || self.is_settled(key, label.acts.len()) {
            return false;
        }
        let opening = match what.0 {
            KeyMove::Grant(..) => Opening::ByGrant,
            _ => Opening::ByPolicy,
        };
        let chance = self.states.kept_opened(name, key, what, opening);
        self.gain(key, name.at, label, chance);
        chance >= self.limits.least
    }

    /// Rules T18, T19: a grant by one state to another.
    fn grant(&mut self, at: usize, to: &StateName, label: &Label) {
        let states = self.states;
        let Some(Granter { name, key, edits, how }) = self.granters.get(at) else { return };
        let key = *key;
        if name.at == to.at || !self.fit(how, label) || self.is_settled(key, label.acts.len()) {
            return;
        }
        let what = KeyMove::Grant(key, to.at);
        let doing = states.doings.intern(Doing::Key(what.clone()));
        let used = states.kept_opened(to, key, (&what, doing), Opening::ByGrant);
        if used < self.limits.least {
            return;
        }
        let made = match &**edits {
            [] => states.kept_granting(name, key, to.at),
            edits => states.granting(name, key, to.at, edits),
        };
        if made >= self.limits.least {
            let act = Act { by: name.at, what: doing, primitive: true };
            let label = how.and(label).then(act, made);
            self.gain(key, to.at, &label, used);
        }
    }

    fn change_key(&mut self, key: KeyIx, edit: DoingIx, label: &Label) {
        self.key_changes.push((key, edit, label.clone()));
        let reached = self.reached.iter().filter(|(_, how)| self.fit(how, label)).cloned();
        for (name, how) in reached.collect::<Vec<_>>() {
            self.use_changed(&name, key, edit, &how.and(label));
        }
    }

    /// What a state can do with a key whose tags or aliases were changed.
    fn use_changed(&mut self, name: &StateName, key: KeyIx, edit: DoingIx, label: &Label) {
        if !self.fits(label) || !self.is_wanted(key) || self.is_settled(key, label.acts.len()) {
            return;
        }
        let states = self.states;
        let Doing::Key(KeyMove::Edit(_, edit)) = states.doings.get(edit) else { return };
        let state = states.get(name);
        let asks = match edit {
            KeyEdit::Tagged(..) | KeyEdit::Untagged(_) => state.asks_for_tags,
            _ => state.asks_for_aliases,
        };
        // What a key policy asks of its own key's tags it does not see (rule C56), or AWS leaves open.
        if !asks && !states.keys.asks(key) {
            return;
        }
        let Some(goal) = states.keys.goal(key) else { return };
        let reached = states.reached_after(name, key, edit);
        self.gain(key, name.at, label, reached.chance(goal));
        for action in [KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT] {
            if reached.chance(action) >= self.limits.least {
                self.work(name, key, action, std::slice::from_ref(edit), label);
            }
        }
    }
}
