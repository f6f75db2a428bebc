//! Whom somebody who may do everything in an account makes of no use.

use std::mem::discriminant;
use std::sync::Arc;

use smallvec::SmallVec;

use super::super::cast::{Ix, KeyIx};
use super::super::classes::WallsIx;
use super::super::label::Label;
use super::super::state::{State, StateName};
use super::Search;

/// Somebody who may do everything in an account.
pub(super) struct Master {
    name: StateName,
    walls: WallsIx,
    /// The keys that tell it apart from others of its class.
    apart: Arc<[KeyIx]>,
    how: Label,
}

/// Somebody who can do something with keys.
pub(super) struct User {
    at: Ix,
    state: Arc<State>,
    /// The keys that tell it apart from others of its class.
    told: Arc<[KeyIx]>,
    how: Label,
}

/// How far away somebody is.
#[derive(Clone, Copy)]
pub(super) struct Away {
    /// By so many calls.
    pub(super) calls: usize,
    /// How many of them are primitives.
    pub(super) primitives: usize,
    /// Whether nothing is left after them but to take on roles and to use keys as they are.
    pub(super) spent: bool,
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
        let masters = self.masters.entry(account).or_default();
        let is_other = |master: &Master| {
            master.apart != apart || master.walls != walls || !master.how.covers(label)
        };
        if masters.len() < MASTERS && masters.iter().all(is_other) {
            masters.push(Master { name: name.clone(), walls, apart, how: label.clone() });
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
            how.is_as_near_as(label) && states.surpasses(other, state)
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
        let spent = self.is_spent(label);
        // Of others this is dear to tell, and hardly ever so.
        let is_as_able = |user: &User| spent && user.state.unlimited;
        let does = |user: &User| {
            (user.how.is_as_near_as(label) || is_as_able(user) && user.how.is_as_short_as(label))
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

    /// Whether nothing is left after these calls but to take on roles and to use keys as they are.
    fn is_spent(&self, label: &Label) -> bool {
        self.are_spent(label.count()) && !self.has_made(label)
    }

    /// The same of so many calls and primitives, where nobody was made.
    pub(super) fn are_spent(&self, (calls, primitives): (usize, usize)) -> bool {
        calls >= self.limits.hops || primitives >= self.limits.primitives
    }

    /// Whether somebody who may do everything in its account makes `at` of no use so many calls away, and
    /// whatever trusts it: what they bring, it brings as soon. Where these calls are all `spent`, its own may be
    /// others.
    pub(super) fn is_idle(&self, at: Ix, label: &Label, away: Away) -> bool {
        let asked = self.limits.kept == 1 && !self.masters.is_empty();
        asked && self.is_idle_among(at, (label, away), &mut SmallVec::new())
    }

    /// The same once the calls of a label are made.
    pub(super) fn is_idle_after(&self, at: Ix, label: &Label) -> bool {
        let (calls, primitives) = label.count();
        let spent = !self.masters.is_empty() && self.is_spent(label);
        self.is_idle(at, label, Away { calls, primitives, spent })
    }

    /// Whether an administrator reached by `how` can do all that could still be done that far away: where that is
    /// little, it has a call and a primitive more to do it with, or nobody has a call left.
    fn is_before(&self, how: &Label, label: &Label, away: Away) -> bool {
        let has_more = how.acts.len() < away.calls && how.primitives < away.primitives;
        let ends = away.calls >= self.limits.hops && how.acts.len() <= away.calls;
        how.is_as_near_as(label) || away.spent && how.chance >= label.chance && (has_more || ends)
    }

    /// The same, where the `others` are of no use as far as nothing else says so.
    fn is_idle_among(
        &self,
        at: Ix,
        (label, away): (&Label, Away),
        others: &mut SmallVec<[Ix; 8]>,
    ) -> bool {
        if others.contains(&at) {
            return true;
        }
        others.push(at);
        let (cast, states) = (self.states.cast, self.states);
        let Some(member) = cast.member(at).filter(|member| !member.outside) else { return false };
        let is_open = |key: &&KeyIx| self.is_wanted(**key) && !self.is_settled(**key, away.calls);
        let told = states.told_apart(at);
        let account = member.caller.account;
        let masters = self.masters.get(&account);
        let walls = states.get(&StateName::of(at, [])).walls;
        let outdoes = |master: &Master| {
            let mut keys = told.iter().chain(&*master.apart).filter(is_open);
            self.is_before(&master.how, label, away)
                && states.is_as_free(account, master.walls, walls)
                && keys.all(|key| states.is_outdone(at, &master.name, *key))
        };
        let mut next = member.named_by.iter().chain(cast.sessions_of(at));
        masters.is_some_and(|masters| masters.iter().any(outdoes))
            && next.all(|next| self.is_idle_among(*next, (label, away), others))
    }
}
