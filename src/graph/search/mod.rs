//! The search: what one principal gets to, by the fewest calls.
//!
//! Facts are what somebody has gained so far: identities to call as, changes of principals and keys. A
//! principal with the changes that touch it is a state; what a state can do follows from the state alone
//! ([`States`]). Facts only ever add, so that each is worked off in the order of the calls that lead to
//! it, as Dijkstra's algorithm does; a fact that needs two others takes the calls of both, each once.
//!
//! Whoever may do everything in an account makes most of its other principals idle: what they can do, it
//! can do itself. They are passed over, and not even written about, as long as they can be made to do
//! nothing with a wanted key that it cannot do, now or were no policy of the organization left, which binds
//! them alike, and they can take on nobody who is of use and whom it may not. A way that goes over them is
//! no longer with it instead, where as many calls about them are spared as lead to it.
//!
//! Likewise the moves of a state are not followed where another can do all of them that was reached by no
//! call more than these, and keys are not used by it that tell neither of the two apart.

mod arrive;
mod changes;
mod doors;
mod idle;
mod keys;
mod organizing;
mod prefix;
mod retagged;
mod shared;

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::aws::AccountId;
use crate::decision::Chance;

use super::cast::{Ix, KeyIx};
use super::key_moves::{Ground, KeyMove};
use super::label::{Act, Label, Labels};
use super::moves::Move;
use super::plan::{Doing, Plan, Step, in_order};
use super::state::{ChangeIx, ClassIx, DoingIx, State, StateName, States, Tags, Which};
use arrive::{Arrival, There};
use changes::Changes;
pub(super) use changes::Subject;
use doors::Door;
use idle::{Master, Useful, User};
use organizing::Organizing;
pub(super) use prefix::Prefix;
pub(super) use shared::Errand;

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
    /// Whether it goes on from somebody else who may do everything: where a way leads to an administrator, the
    /// rest is that one's business.
    pub(super) past_administrators: bool,
}

/// A way to a goal, in numbers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Way {
    acts: SmallVec<[Act; 3]>,
    goal_as: Ix,
    /// Whether it holds whatever is missing or open.
    sure: bool,
}

impl Way {
    /// Whether there is nothing to call: the goal itself is what is not known.
    pub(super) fn is_empty(&self) -> bool {
        self.acts.is_empty()
    }

    /// How many calls it takes.
    pub(super) fn calls(&self) -> u32 {
        self.acts.len() as u32
    }

    /// What makes one way better than another, the least first: few calls, and that it is certain.
    pub(super) fn rank(&self) -> (u32, bool) {
        (self.calls(), !self.sure)
    }

    /// The first primitive.
    pub(super) fn first_primitive(&self) -> Option<&Act> {
        self.acts.iter().find(|act| act.primitive)
    }

    /// Whether somebody has other tags on it.
    pub(super) fn gives_tags(&self, states: &States<'_, '_>) -> bool {
        self.acts.iter().any(|act| states.doings.get(act.what).tagged().is_some())
    }

    /// The same in full, of one who sets out from `start`.
    pub(super) fn plan(&self, states: &States<'_, '_>, start: Ix) -> Plan {
        let step = |act: &Act| Step { by: act.by, what: Doing::clone(states.doings.get(act.what)) };
        let steps = in_order(self.acts.iter().map(step).collect());
        Plan { start, steps, goal_as: self.goal_as }
    }
}

/// What a search comes to.
#[derive(Default)]
pub(super) struct Explored {
    /// The ways to keys, the shortest first.
    pub(super) ways: BTreeMap<KeyIx, Vec<Way>>,
    /// The calls about the organization that are met on the way (rule T37).
    pub(super) organized: Vec<Prefix>,
    /// Whether it met a step that might be possible, and is not for certain.
    pub(super) unsure: bool,
}

impl Explored {
    /// Whether nothing was found.
    pub(super) fn is_nothing(&self) -> bool {
        self.ways.is_empty() && self.organized.is_empty() && !self.unsure
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Fact {
    Held(Ix, Tags),
    Changed(ChangeIx),
    /// A call about the organization, and who makes it where that counts.
    Organized(ChangeIx, Option<StateName>),
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

/// A key that has other tags or aliases.
#[derive(Clone)]
struct KeyChanged {
    key: KeyIx,
    doing: DoingIx,
    /// Whether it is of tags.
    tags: bool,
    how: Label,
}

/// A state that may make grants of a key.
struct Granter {
    name: StateName,
    key: KeyIx,
    ground: Ground,
    /// Whether it may make every grant.
    always: bool,
    how: Label,
}

/// The search from one principal.
pub(super) struct Search<'s, 'c, 'w> {
    states: &'s States<'c, 'w>,
    start: Ix,
    limits: Limits,
    /// Facts that were worked off.
    known: FxHashMap<Fact, Labels>,
    /// Facts that wait as well: whatever covers another label is worked off before it.
    seen: FxHashMap<Fact, Labels>,
    queue: BinaryHeap<Reverse<(usize, usize, usize)>>,
    waiting: Vec<Option<(Fact, Label)>>,
    held: FxHashMap<Ix, Vec<(Tags, Label)>>,
    changes: Changes,
    /// Roles whose trust policies let everyone in, users that were made.
    doors: Vec<(Door, Label)>,
    /// Users and roles that have other tags (rule T34).
    retagged: Vec<(ChangeIx, Label)>,
    key_changes: Vec<KeyChanged>,
    reached: Vec<Arrival>,
    /// States that are still to be followed; none takes more calls than those that wait.
    there: VecDeque<There>,
    /// Calls about the organization, and how each is made.
    organized: Vec<Organizing>,
    /// Classes whose states were worked off.
    classes: FxHashMap<ClassIx, Labels>,
    /// By their accounts.
    masters: FxHashMap<Option<AccountId>, Vec<Master>>,
    /// Whom one of them makes of no use, and when another was still of use.
    useless: RefCell<FxHashMap<(Ix, usize), Option<Useful>>>,
    /// States whose moves were followed, likewise.
    followed: FxHashMap<Option<AccountId>, Vec<(Arc<State>, Label)>>,
    /// States that keys were used as, likewise.
    users: FxHashMap<Option<AccountId>, Vec<User>>,
    opened: Vec<Opened>,
    granters: Vec<Granter>,
    ways: BTreeMap<KeyIx, Vec<Way>>,
    wanted: Vec<bool>,
    /// How many keys are wanted.
    missing: usize,
    /// How many calls the farthest of them is away, once there are ways to all.
    farthest: usize,
    /// From how many calls on as many ways to a key are known as are kept.
    enough: Vec<usize>,
    /// Whether some key has more ways, since what is about settled ones was last forgotten.
    gained: bool,
    /// Whether a step was met that might be possible, and is not for certain.
    unsure: Cell<bool>,
}

impl<'s, 'c, 'w> Search<'s, 'c, 'w> {
    /// The wanted keys that `start` has already, to which no path leads; what one of its sessions has that a
    /// policy names apart it has as well.
    pub(super) fn today(states: &'s States<'c, 'w>, start: Ix, wanted: &[bool]) -> Vec<KeyIx> {
        let mut today = Vec::new();
        for at in states.cast.sessions_of(start).iter().copied().chain([start]) {
            let name = StateName::of(at, states.session_tags(at, Tags::Any));
            for held in states.keys(&name, &states.get(&name), Which::All) {
                let goal = states.keys.goal(held.key);
                let is_wanted = wanted.get(held.key as usize).copied().unwrap_or(false);
                if is_wanted && goal.is_some_and(|it| held.reached.chance(it) >= Chance::AsTold) {
                    today.push(held.key);
                }
            }
        }
        today
    }

    /// The ways from `start` to the wanted keys that it lacks, the shortest first.
    pub(super) fn from(
        states: &'s States<'c, 'w>,
        start: Ix,
        wanted: &[bool],
        limits: Limits,
    ) -> BTreeMap<KeyIx, Vec<Way>> {
        Self::explored(states, start, wanted, limits).ways
    }

    /// The same with the calls about the organization that are met on the way.
    fn explored(
        states: &'s States<'c, 'w>,
        start: Ix,
        wanted: &[bool],
        limits: Limits,
    ) -> Explored {
        if !wanted.contains(&true) {
            return Explored::default();
        }
        let mut wanted = wanted.to_vec();
        for key in Self::today(states, start, &wanted) {
            if let Some(want) = wanted.get_mut(key as usize) {
                *want = false;
            }
        }
        // Whoever is a role from the start can be any session of it (rule U6).
        let facts = [(Fact::Held(start, Tags::Any), Label::nothing())];
        Self::of(states, start, wanted, limits).run(facts)
    }

    /// What is found after some calls, the last of which made the world what it is for `states`.
    fn after(
        states: &'s States<'c, 'w>,
        start: Ix,
        wanted: &[bool],
        limits: Limits,
        prefix: &Prefix,
    ) -> Explored {
        let label = prefix.label(states);
        let facts = prefix.facts(states).map(|fact| (fact, label.clone()));
        Self::of(states, start, wanted.to_vec(), limits).run(facts)
    }

    fn of(states: &'s States<'c, 'w>, start: Ix, wanted: Vec<bool>, limits: Limits) -> Self {
        let missing = wanted.iter().filter(|wanted| **wanted).count();
        Self {
            states,
            start,
            limits,
            known: FxHashMap::default(),
            seen: FxHashMap::default(),
            queue: BinaryHeap::new(),
            waiting: Vec::new(),
            held: FxHashMap::default(),
            changes: Changes::default(),
            doors: Vec::new(),
            retagged: Vec::new(),
            organized: Vec::new(),
            key_changes: Vec::new(),
            reached: Vec::new(),
            there: VecDeque::new(),
            classes: FxHashMap::default(),
            masters: FxHashMap::default(),
            useless: RefCell::default(),
            followed: FxHashMap::default(),
            users: FxHashMap::default(),
            opened: Vec::new(),
            granters: Vec::new(),
            ways: BTreeMap::new(),
            missing,
            farthest: usize::MAX,
            enough: vec![usize::MAX; wanted.len()],
            gained: false,
            unsure: Cell::new(false),
            wanted,
        }
    }

    fn run(mut self, facts: impl IntoIterator<Item = (Fact, Label)>) -> Explored {
        if self.missing == 0 {
            return Explored::default();
        }
        facts.into_iter().for_each(|(fact, label)| self.push(fact, label));
        loop {
            let next = self.queue.peek().map(|Reverse((calls, ..))| *calls);
            // Whom keys are used as goes before whom is followed: ways that are known by then spare others.
            let is_next = |there: &There| next.is_none_or(|calls| there.how.acts.len() < calls);
            if self.there.front().is_some_and(is_next) {
                if let Some(there) = self.there.pop_front() {
                    self.call_as(&there);
                }
                continue;
            }
            // What is as far away brings no shorter way.
            if next.is_some_and(|calls| calls >= self.farthest) {
                break;
            }
            let Some(Reverse((_, _, at))) = self.queue.pop() else { break };
            if let Some((fact, label)) = self.waiting.get_mut(at).and_then(Option::take) {
                self.settle(fact, label);
            }
        }
        Explored { organized: self.prefixes(), ways: self.ways, unsure: self.unsure.get() }
    }

    fn push(&mut self, fact: Fact, label: Label) {
        if !self.fits(&label) || !self.goes_on(label.chance) {
            return;
        }
        let seen = self.seen.entry(fact.clone()).or_default();
        if seen.are_enough(&label) {
            return;
        }
        seen.push(label.clone());
        let at = self.waiting.len();
        self.queue.push(Reverse((label.acts.len(), label.primitives, at)));
        self.waiting.push(Some((fact, label)));
    }

    /// Whether a step is sure enough to go on; notes where one might be.
    fn goes_on(&self, chance: Chance) -> bool {
        if chance == Chance::Perhaps {
            self.unsure.set(true);
        }
        chance >= self.limits.least
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
            Fact::Organized(change, maker) => {
                self.organized.push(Organizing { change, maker, how: label });
            }
            Fact::KeyChanged(key, edit) => self.change_key(key, edit, &label),
            Fact::State(name) => self.be(&name, &label),
        }
    }

    /// Whether the calls of both, each once, stay within the limits.
    fn fit(&self, one: &Label, other: &Label) -> bool {
        let (calls, primitives) = one.with(other);
        calls <= self.limits.hops && primitives <= self.limits.primitives
    }

    /// Whether a primitive may be one more call.
    fn has_primitives(&self, label: &Label) -> bool {
        label.acts.len() < self.limits.hops && label.primitives < self.limits.primitives
    }

    /// Whether somebody or a group was made, which may be written without a primitive more (rule T35).
    fn has_made(&self, label: &Label) -> bool {
        let makes = |act: &Act| match self.states.doings.get(act.what) {
            Doing::Move(what) => {
                matches!(what, Move::CreateUser(_) | Move::CreateRole(_) | Move::CreateGroup(..))
            }
            Doing::Key(_) => false,
        };
        label.acts.iter().any(makes)
    }

    fn fits(&self, label: &Label) -> bool {
        label.acts.len() <= self.limits.hops && label.primitives <= self.limits.primitives
    }

    /// The state that was reached as the `nth`, and how it is together with `label`; nothing past the limits.
    fn reached_with(&self, nth: usize, label: &Label) -> Option<(StateName, Label)> {
        let Arrival { name, how, .. } = self.reached.get(nth)?;
        self.fit(how, label).then(|| (name.clone(), how.and(label)))
    }

    fn is_wanted(&self, key: KeyIx) -> bool {
        self.wanted.get(key as usize).copied().unwrap_or(false)
    }

    /// Whether as many ways to a key are known as are kept, none longer than this.
    fn is_settled(&self, key: KeyIx, calls: usize) -> bool {
        self.enough.get(key as usize).is_some_and(|enough| *enough <= calls)
    }
}
