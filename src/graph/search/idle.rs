//! Whom somebody who may do everything in an account makes of no use.

use std::mem::discriminant;
use std::sync::Arc;

use smallvec::SmallVec;

use super::super::cast::{Ix, KeyIx};
use super::super::change::Change;
use super::super::classes::WallsIx;
use super::super::label::{Act, Label};
use super::super::plan::Doing;
use super::super::state::{ChangeIx, DoingIx, State, StateName};
use super::Search;

/// Somebody who may do everything in an account.
pub(super) struct Master {
    name: StateName,
    walls: WallsIx,
    /// The keys that tell it apart from others of its class.
    apart: Arc<[KeyIx]>,
    how: Label,
    /// Which of the search it is.
    number: usize,
}

/// How many keys have ways, and after how many calls somebody was found to be of use.
pub(super) type Useful = (usize, usize);

/// Somebody who can do something with keys.
pub(super) struct User {
    at: Ix,
    state: Arc<State>,
    /// The keys that tell it apart from others of its class.
    told: Arc<[KeyIx]>,
    how: Label,
}

/// How many of an account are looked at; more would make few others idle.
const MASTERS: usize = 6;

/// How many of an account are compared with others that come later.
const COMPARED: usize = 32;

impl Search<'_, '_, '_> {
    /// Notes a state that may do everything, unless one as good is known.
    pub(super) fn master(&mut self, name: &StateName, state: &State, label: &Label) {
        let states = self.states;
        if !state.unlimited || name.changes.iter().any(|it| states.changes.get(*it).is_tag()) {
            return;
        }
        let (walls, apart) = (state.walls, states.told_apart(name.at));
        let account = states.cast.member_or_first(name.at).caller.account;
        let number = self.masters.values().map(Vec::len).sum();
        let masters = self.masters.entry(account).or_default();
        let is_other = |master: &Master| {
            master.apart != apart || master.walls != walls || !master.how.covers(label)
        };
        if masters.len() < MASTERS && masters.iter().all(is_other) {
            let (name, how) = (name.clone(), label.clone());
            masters.push(Master { name, walls, apart, how, number });
        }
    }

    /// Whether another state of its account was followed that can do as soon all that this one can about
    /// principals, taking on roles aside; if not, it is one of those that were from now on.
    pub(super) fn is_surpassed(
        &mut self,
        name: &StateName,
        state: &Arc<State>,
        label: &Label,
    ) -> bool {
        let states = self.states;
        let account = states.cast.member_or_first(name.at).caller.account;
        let followed = self.followed.entry(account).or_default();
        let does = |(other, how): &(Arc<State>, Label)| {
            how.covers(label) && states.surpasses(other, state)
        };
        if self.limits.kept == 1 && followed.iter().any(does) {
            return true;
        }
        if followed.len() < COMPARED {
            followed.push((Arc::clone(state), label.clone()));
        }
        false
    }

    /// The keys with which alone a state can do what no other of its account and kind can that was reached as
    /// soon; nothing where these may be any.
    pub(super) fn alone_with(
        &mut self,
        name: &StateName,
        state: &Arc<State>,
        label: &Label,
    ) -> Option<Arc<[KeyIx]>> {
        let states = self.states;
        let caller = |at: Ix| &states.cast.member_or_first(at).caller;
        let told = states.told_apart(name.at);
        let is_open = |key: KeyIx| self.is_wanted(key) && !self.is_settled(key, label.acts.len());
        let does = |user: &User| {
            user.how.covers(label)
                && discriminant(&caller(user.at).kind) == discriminant(&caller(name.at).kind)
                && states.outclasses(&user.state, state)
                && user.told.iter().all(|key| told.binary_search(key).is_ok() || !is_open(*key))
        };
        let account = caller(name.at).account;
        let known = self.users.get(&account);
        if self.limits.kept == 1 && known.is_some_and(|users| users.iter().any(does)) {
            return Some(told);
        }
        let users = self.users.entry(account).or_default();
        if users.len() < COMPARED {
            users.push(User { at: name.at, state: Arc::clone(state), told, how: label.clone() });
        }
        None
    }

    /// Whether somebody who may do everything in its account makes `at` of no use as `label` leads to it, and
    /// whatever it alone may take on: what they bring, it brings as soon. It is about `at` after changes.
    pub(super) fn is_idle(&self, (at, changes): (Ix, &[ChangeIx]), label: &Label) -> bool {
        let asked = self.limits.kept == 1 && !self.masters.is_empty();
        let is_near = |master: &Master| {
            master.how.covers(label)
                || self.is_as_near(master, at, label)
                || self.takes_the_place(master, label)
        };
        let calls = label.acts.len();
        asked && self.is_idle_among((at, changes), (&is_near, calls), &mut SmallVec::new())
    }

    /// Whether a master of another account than that of `at`, which leads not to it, is a call away: as many as
    /// lead from there to anybody of its account whom `at` takes on, which is no primitive either.
    fn is_as_near(&self, master: &Master, at: Ix, label: &Label) -> bool {
        let states = self.states;
        let account = |at: Ix| states.cast.member_or_first(at).caller.account;
        let is_at_home = |act: &Act| match states.doings.get(act.what) {
            Doing::Move(what) => {
                what.whose().is_some_and(|(other, _)| account(other) == account(at))
            }
            Doing::Key(_) => false,
        };
        let mut more = master.how.acts.iter().filter(|act| !label.acts.contains(act));
        master.how.chance >= label.chance
            && account(master.name.at) != account(at)
            && more.next().is_none_or(|act| !act.primitive)
            && more.next().is_none()
            && !master.how.acts.iter().any(is_at_home)
    }

    /// A call that is one of those by which somebody got to be a master of the account of `at`.
    pub(super) fn leads_to_master(&self, at: Ix, act: Act) -> Option<DoingIx> {
        let account = self.states.cast.member_or_first(at).caller.account;
        let mut masters = self.masters.get(&account).into_iter().flatten();
        masters.any(|master| master.how.acts.contains(&act)).then_some(act.what)
    }

    /// The same with those masters that are near enough, where the `others` are of no use as far as nothing else
    /// says so.
    fn is_idle_among(
        &self,
        (at, changes): (Ix, &[ChangeIx]),
        (is_near, calls): (&dyn Fn(&Master) -> bool, usize),
        others: &mut SmallVec<[Ix; 8]>,
    ) -> bool {
        if others.contains(&at) {
            return true;
        }
        let (cast, states) = (self.states.cast, self.states);
        let Some(member) = cast.member(at).filter(|member| !member.outside) else { return false };
        let is_open = |key: KeyIx| self.is_wanted(key) && !self.is_settled(key, calls);
        let known = others.len();
        for master in self.masters.get(&member.caller.account).into_iter().flatten() {
            // Nobody else has its tags for it.
            if master.name.at == at && states.gains_by_tags(&master.name, changes, &is_open) {
                return false;
            }
            if !is_near(master) {
                continue;
            }
            let left = states.left_by(at, &master.name);
            others.truncate(known);
            others.push(at);
            let mut is_idle = |(role, tags): &(Ix, Option<ChangeIx>)| {
                self.is_idle_among((*role, tags.as_slice()), (is_near, calls), others)
            };
            let mut keys = left.keys.iter().chain(&left.freed);
            if left.is_bound_alike
                && !keys.any(|key| is_open(*key))
                && left.roles.iter().all(&mut is_idle)
            {
                return true;
            }
        }
        false
    }

    /// Whether a master makes `at` of no use, whoever else is held or with those who are a call away.
    fn is_useless(&self, at: Ix, master: &Master, label: &Label) -> bool {
        let calls = label.acts.len();
        let is_it = |other: &Master| std::ptr::eq(other, master);
        let is_near = |other: &Master| is_it(other) || self.is_as_near(other, at, label);
        self.is_useless_whoever(at, (master, &is_it), calls)
            || self.is_idle_among((at, &[]), (&is_near, calls), &mut SmallVec::new())
    }

    /// Whether a master makes `at` of no use whoever else is held; kept as long as no other key has a way.
    fn is_useless_whoever(
        &self,
        at: Ix,
        (master, is_it): (&Master, &dyn Fn(&Master) -> bool),
        calls: usize,
    ) -> bool {
        let (key, now) = ((at, master.number), (self.ways.len(), calls));
        match self.useless.borrow().get(&key) {
            Some(None) => return true,
            Some(Some(then)) if *then == now => return false,
            _ => {}
        }
        let is_useless = self.is_idle_among((at, &[]), (is_it, calls), &mut SmallVec::new());
        self.useless.borrow_mut().insert(key, (!is_useless).then_some(now));
        is_useless
    }

    /// Whether a way that a label is part of, gone by a master, takes no more calls: it loses as many about
    /// those whom the master makes of no use as lead to the master.
    fn takes_the_place(&self, master: &Master, label: &Label) -> bool {
        let more = |one: &Label, other: &Label| {
            let acts = one.acts.iter().filter(|act| !other.acts.contains(act));
            acts.copied().collect::<SmallVec<[Act; 3]>>()
        };
        let (gained, lost) = (more(&master.how, label), more(label, &master.how));
        let count = |acts: &[Act]| (acts.len(), acts.iter().filter(|act| act.primitive).count());
        let enough = |lost: &[Act]| {
            let ((gained, made), (lost, spared)) = (count(&gained), count(lost));
            gained <= lost && made <= spared
        };
        if master.how.chance < label.chance || !enough(&lost) {
            return false;
        }
        let (states, calls) = (self.states, label.acts.len());
        let account = |at: Ix| states.cast.member_or_first(at).caller.account;
        // What others do by other tags the master may have to be given, too.
        let needs_tags = || {
            let any = states.changes.intern(Change::SessionTags(master.name.at));
            let is_open = |key: KeyIx| self.is_wanted(key) && !self.is_settled(key, calls);
            states.gains_by_tags(&master.name, &[any], &is_open)
        };
        let is_lost = |act: &Act| {
            let Doing::Move(what) = states.doings.get(act.what) else { return false };
            what.whose().is_some_and(|(at, is_given_tags)| {
                account(at) == account(master.name.at)
                    && !(is_given_tags && needs_tags())
                    && self.is_useless(at, master, label)
            })
        };
        let lost: SmallVec<[Act; 3]> = lost.into_iter().filter(is_lost).collect();
        enough(&lost)
    }
}
