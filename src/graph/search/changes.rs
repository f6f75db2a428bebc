//! The changes that were made on the way, and whom of those who are held they make another.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::super::cast::{Cast, Ix};
use super::super::change::{Change, GroupName};
use super::super::label::Label;
use super::super::moves::Move;
use super::super::state::{ChangeIx, StateName, States, SubjectIx, Tags};
use super::{Fact, Search};

/// A change that was made, and how.
type Made = (ChangeIx, Label);

/// What users and roles have in common, and lose or gain policies by.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(in crate::graph) enum Subject {
    /// A group.
    Group(GroupName),
    /// A managed policy, by its ARN.
    Policy(Box<str>),
}

/// A change of a group or policy.
struct Shared {
    made: Made,
    subject: Option<SubjectIx>,
    /// Whom it touches by itself; sorted.
    touched: Arc<[Ix]>,
}

/// The changes that were made and those who are held, by whom the ones touch and what the others have.
#[derive(Default)]
pub(super) struct Changes {
    of: FxHashMap<Ix, Vec<Made>>,
    /// Those of groups and policies, which touch whoever gets into one or has one attached. Members are
    /// not listed: groups are large, and few of them are held.
    shared: Vec<Shared>,
    /// The same by what they change.
    by_subject: FxHashMap<SubjectIx, Vec<usize>>,
    /// Those of them that bring policies.
    bringing: Vec<usize>,
    /// Those who joined a group or got a policy.
    joined: FxHashSet<Ix>,
    /// Those who are held, in order.
    holding: Vec<Ix>,
    places: FxHashMap<Ix, usize>,
    /// The same by what they are in or have.
    having: FxHashMap<SubjectIx, Vec<usize>>,
}

impl Changes {
    /// Takes in somebody who is held.
    fn hold(&mut self, states: &States<'_, '_>, at: Ix) {
        let place = self.holding.len();
        self.holding.push(at);
        self.places.insert(at, place);
        for subject in &*states.subjects_of(at) {
            self.having.entry(*subject).or_default().push(place);
        }
    }

    fn add(
        &mut self,
        (number, change): (ChangeIx, &Change),
        states: &States<'_, '_>,
        label: &Label,
    ) {
        let made = (number, label.clone());
        if let Some(at) = change.whose() {
            self.of.entry(at).or_default().push(made);
            if change.brings_policies() {
                self.joined.insert(at);
            }
            return;
        }
        let (nth, subject) = (self.shared.len(), states.subject(change));
        if let Some(subject) = subject {
            self.by_subject.entry(subject).or_default().push(nth);
        }
        if change.brings_policies() {
            self.bringing.push(nth);
        }
        self.shared.push(Shared { made, subject, touched: states.touched(number) });
    }

    /// Those who are held and whom the last change touches, in order; of a group or policy, those as well
    /// who joined a group or got a policy.
    fn touched_by(&self, states: &States<'_, '_>, change: &Change) -> Vec<Ix> {
        let cast = states.cast;
        let own = |at: Ix| cast.sessions_of(at).iter().copied().chain([at]);
        let place = |at: Ix| self.places.get(&at).copied();
        let mut places: Vec<usize> = match change.whose() {
            Some(at) => own(at).filter_map(place).collect(),
            None => self.joined.iter().copied().flat_map(own).filter_map(place).collect(),
        };
        let bringing = self.bringing.iter().filter_map(|nth| self.shared.get(*nth));
        let shared = bringing.chain(self.shared.last()).filter(|_| change.whose().is_none());
        for Shared { subject, touched, .. } in shared {
            let having = subject.and_then(|subject| self.having.get(&subject));
            let is_touched = |place: &&usize| {
                let at = self.holding.get(**place);
                at.is_some_and(|at| touches(touched, cast, *at))
            };
            places.extend(having.into_iter().flatten().filter(is_touched));
        }
        places.sort_unstable();
        places.dedup();
        places.into_iter().filter_map(|place| self.holding.get(place)).copied().collect()
    }

    /// Those that touch `at` by themselves; where it gets policies `by` one, those as well that may touch it
    /// then.
    fn about(
        &self,
        states: &States<'_, '_>,
        at: Ix,
        by: Option<&Change>,
    ) -> impl Iterator<Item = &Made> {
        let cast = states.cast;
        let role = cast.role_of(at);
        let own = self.of.get(&at).into_iter().chain(role.and_then(|role| self.of.get(&role)));
        let mut shared: SmallVec<[usize; 8]> = SmallVec::new();
        if !self.shared.is_empty() {
            let had = states.subjects_of(at);
            let brought = by.map(|change| states.brought(change)).unwrap_or_default();
            let known = had.iter().chain(&brought).filter_map(|it| self.by_subject.get(it));
            shared.extend(known.flatten().copied());
            shared.sort_unstable();
            shared.dedup();
        }
        let shared = shared.into_iter().filter_map(|nth| self.shared.get(nth));
        let is_about = move |shared: &&Shared| by.is_some() || touches(&shared.touched, cast, at);
        own.flatten().chain(shared.filter(is_about).map(|shared| &shared.made))
    }
}

impl States<'_, '_> {
    /// The group or policy that is changed.
    fn subject(&self, change: &Change) -> Option<SubjectIx> {
        let subject = match change {
            Change::OpenGroup(group) | Change::Given(group, _) => Subject::Group(group.clone()),
            Change::Rewritten(policy) | Change::Version(policy, _) => {
                Subject::Policy(policy.clone())
            }
            _ => return None,
        };
        Some(self.subjects.intern(subject))
    }

    /// The groups and policies that somebody gets into or has by a change.
    fn brought(&self, change: &Change) -> Vec<SubjectIx> {
        let policy = |arn: &str| self.subjects.intern(Subject::Policy(arn.into()));
        match change {
            Change::Attached(_, arn) | Change::Given(_, arn) => vec![policy(arn)],
            Change::Joined(_, group) => {
                let account = self.cast.world.account(group.0);
                let known = account.and_then(|account| account.groups.get(&group.1));
                let attached = known.into_iter().flat_map(|group| &group.attached);
                let policies = attached.map(|attached| policy(&attached.arn));
                let group = self.subjects.intern(Subject::Group(group.clone()));
                policies.chain([group]).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The groups that somebody, or the role it is a session of, is in, and the managed policies that it has
    /// by itself, by these, or as its boundary; sorted.
    fn subjects_of(&self, at: Ix) -> Arc<[SubjectIx]> {
        let at = self.cast.role_of(at).unwrap_or(at);
        self.subjects_of.get(at, |at| {
            let Some(identity) = self.cast.identity(*at) else { return Arc::default() };
            let account = self.cast.world.account(identity.account);
            let groups = identity.groups.iter();
            let known = groups.clone().filter_map(|name| account?.groups.get(name));
            let own = identity.attached.iter().chain(&identity.boundary);
            let policies = own.chain(known.flat_map(|group| &group.attached));
            let policies = policies.map(|policy| Subject::Policy(policy.arn.clone()));
            let groups = groups.map(|name| Subject::Group((identity.account, name.clone())));
            let subjects = policies.chain(groups).map(|subject| self.subjects.intern(subject));
            let mut subjects: Vec<SubjectIx> = subjects.collect();
            subjects.sort_unstable();
            subjects.dedup();
            subjects.into()
        })
    }
}

/// Whether `at`, or the role it is a session of, is among those who are touched.
fn touches(touched: &[Ix], cast: &Cast<'_>, at: Ix) -> bool {
    let has = |at: Ix| touched.binary_search(&at).is_ok();
    has(at) || cast.role_of(at).is_some_and(has)
}

impl Search<'_, '_, '_> {
    pub(super) fn hold(&mut self, at: Ix, tags: Tags, label: &Label) {
        let cast = self.states.cast;
        let own_tags = self.states.session_tags(at, tags);
        if self.is_idle((at, own_tags.as_slice()), label) {
            return;
        }
        let held = self.held.entry(at).or_default();
        if held.is_empty() {
            self.changes.hold(self.states, at);
        }
        held.push((tags, label.clone()));
        let name = StateName::of(at, own_tags);
        self.push(Fact::State(name), label.clone());
        if !self.has_asked_for_a_name(at, label) {
            for session in cast.sessions_of(at) {
                self.push(Fact::Held(*session, tags), label.clone());
            }
        }
        let about = self.changes.about(self.states, at, None);
        let about = about.filter(|(_, how)| self.fit(label, how)).cloned();
        for (change, how) in about.collect::<Vec<_>>() {
            self.touch(at, tags, change, &label.and(&how));
        }
    }

    pub(super) fn change(&mut self, number: ChangeIx, label: &Label) {
        let states = self.states;
        let change = states.changes.get(number);
        self.retag(number, change, label);
        match *change {
            Change::Trusting(role) => {
                let each = states.cast.taken_on_as(role);
                return each.for_each(|at| self.open_door(at, Move::Assume(at), label));
            }
            Change::Made(user) => {
                let login = Move::LoginProfile { user, update: false };
                let each = [Move::AccessKey(user), login].into_iter();
                return each.for_each(|what| self.open_door(user, what, label));
            }
            _ => {}
        }
        self.changes.add((number, change), states, label);
        for at in self.changes.touched_by(states, change) {
            let held = self.held.get(&at).into_iter().flatten();
            let held = held.filter(|(_, how)| self.fit(how, label)).cloned();
            for (tags, how) in held.collect::<Vec<_>>() {
                self.touch(at, tags, number, &how.and(label));
            }
        }
    }

    /// The states that `at` is in by a change, alone and with others that were made before.
    fn touch(&mut self, at: Ix, tags: Tags, number: ChangeIx, label: &Label) {
        let states = self.states;
        let (cast, own) = (states.cast, states.session_tags(at, tags));
        let change = states.changes.get(number);
        let name = StateName::of(at, own.into_iter().chain([number]));
        if !self.fits(label) || self.is_idle((at, &name.changes), label) {
            return;
        }
        if change.touches(cast, at, &[]) {
            self.push(Fact::State(name), label.clone());
        }
        let others =
            self.changes.about(self.states, at, Some(change).filter(|it| it.brings_policies()));
        let others = others.filter(|(other, how)| *other != number && self.fit(label, how));
        for (other, how) in others.cloned().collect::<Vec<_>>() {
            let second = states.changes.get(other);
            if change.makes_idle(cast, at, second) || second.makes_idle(cast, at, change) {
                continue;
            }
            if change.touches(cast, at, std::slice::from_ref(second))
                && second.touches(cast, at, std::slice::from_ref(change))
            {
                let name = StateName::of(at, own.into_iter().chain([number, other]));
                let both = label.and(&how);
                if !self.is_idle((at, &name.changes), &both) {
                    self.push(Fact::State(name), both);
                }
            }
        }
    }
}
