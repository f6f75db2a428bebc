//! One search for administrators of an account who are alike.
//!
//! Where each of two who may do everything makes the other of no use, what one brings the other brings as soon:
//! both get to a key by as many calls, but for the keys with which one could do what the other cannot. The ways
//! of the first are the other's with one in the place of the other; those few keys are searched for alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::aws::AccountId;

use super::super::cast::{Ix, KeyIx};
use super::super::key_moves::KeyMove;
use super::super::label::Act;
use super::super::plan::Doing;
use super::super::state::{ChangeIx, StateName, States, Tags};
use super::{Explored, Limits, Prefix, Search, Way};

/// A search that is to be made.
pub(in crate::graph) struct Errand {
    /// Who sets out.
    pub(in crate::graph) start: Ix,
    /// For which keys.
    pub(in crate::graph) wanted: Arc<[bool]>,
    /// The calls that were made before.
    pub(in crate::graph) prefix: Option<Prefix>,
}

/// Somebody for whom another one's search counts.
struct Follower {
    errand: usize,
    first: usize,
    /// The keys with which either could do what the other cannot.
    apart: BTreeSet<KeyIx>,
}

/// How many of an account are compared with those who come later; more would be alike few others.
const FIRSTS: usize = 8;

impl Errand {
    fn explored(&self, states: &States<'_, '_>, limits: Limits) -> Explored {
        match &self.prefix {
            None => Search::explored(states, self.start, &self.wanted, limits),
            Some(prefix) => Search::after(states, self.start, &self.wanted, limits, prefix),
        }
    }

    fn wants(&self, key: KeyIx) -> bool {
        self.wanted.get(key as usize).copied().unwrap_or(false)
    }

    /// Whether the same calls were made before, one of both in the place of the other.
    fn comes_as(&self, other: &Self) -> bool {
        match (&self.prefix, &other.prefix) {
            (None, None) => true,
            (Some(prefix), Some(others)) => {
                others.renamed((other.start, self.start)).is_some_and(|it| it == *prefix)
            }
            _ => false,
        }
    }
}

impl States<'_, '_> {
    /// What the searches come to, those that come to something, in order.
    pub(in crate::graph) fn explored(
        &self,
        errands: &[Errand],
        limits: Limits,
    ) -> Vec<(Ix, Explored)> {
        let followers = self.followers(errands);
        let mut found: Vec<Explored> = Vec::new();
        let searched = errands.par_iter().enumerate().map(|(nth, errand)| {
            let follows = followers.binary_search_by_key(&nth, |it| it.errand).is_ok();
            if follows { Explored::default() } else { errand.explored(self, limits) }
        });
        found.par_extend(searched);
        let following = followers.par_iter().filter_map(|follower| {
            let (errand, first) = (errands.get(follower.errand)?, errands.get(follower.first)?);
            let known = found.get(follower.first)?;
            let known = (first, known, &follower.apart);
            Some((follower.errand, self.followed(errand, known, limits)))
        });
        for (errand, explored) in following.collect::<Vec<_>>() {
            if let Some(place) = found.get_mut(errand) {
                *place = explored;
            }
        }
        let found = errands.iter().map(|errand| errand.start).zip(found);
        found.filter(|(_, explored)| !explored.is_nothing()).collect()
    }

    /// Those for whom another one's search counts; in order.
    fn followers(&self, errands: &[Errand]) -> Vec<Follower> {
        let mut accounts: BTreeMap<AccountId, Vec<usize>> = BTreeMap::new();
        let account = |errand: &Errand| {
            let is_one = self.setting_out(errand.start).is_some();
            is_one.then(|| self.cast.member_or_first(errand.start).caller.account).flatten()
        };
        let of_each: Vec<Option<AccountId>> = errands.par_iter().map(account).collect();
        for (nth, account) in of_each.into_iter().enumerate() {
            if let Some(account) = account {
                accounts.entry(account).or_default().push(nth);
            }
        }
        let accounts = accounts.into_par_iter();
        let followers = accounts.flat_map_iter(|(_, all)| self.followers_among(errands, &all));
        let mut followers: Vec<Follower> = followers.collect();
        followers.sort_unstable_by_key(|follower| follower.errand);
        followers
    }

    /// The same among administrators of one account.
    fn followers_among(&self, errands: &[Errand], all: &[usize]) -> Vec<Follower> {
        let (mut firsts, mut followers) = (Vec::new(), Vec::new());
        for nth in all.iter().copied() {
            let Some(errand) = errands.get(nth) else { continue };
            let follower = firsts.iter().find_map(|at| {
                let first = errands.get(*at).filter(|first| errand.comes_as(first))?;
                let apart = self.apart(errand.start, first.start)?;
                Some(Follower { errand: nth, first: *at, apart })
            });
            match follower {
                Some(follower) => followers.push(follower),
                None if firsts.len() < FIRSTS => firsts.push(nth),
                None => {}
            }
        }
        followers
    }

    /// The state in which somebody sets out who may do everything.
    fn setting_out(&self, start: Ix) -> Option<StateName> {
        self.cast.member(start).filter(|member| !member.outside)?;
        let name = StateName::of(start, self.session_tags(start, Tags::Any));
        (name.changes.is_empty() && self.get(&name).unlimited).then_some(name)
    }

    /// The keys with which one of two could do what the other cannot; nothing where they differ in more.
    fn apart(&self, one: Ix, other: Ix) -> Option<BTreeSet<KeyIx>> {
        let (first, second) = (self.setting_out(one)?, self.setting_out(other)?);
        let mut apart = BTreeSet::new();
        let mut leaves = |at: Ix, administrator: &StateName| {
            self.leaves((at, &[]), administrator, &mut SmallVec::new(), &mut apart)
        };
        (leaves(one, &second) && leaves(other, &first)).then_some(apart)
    }

    /// Whether `at`, after changes, and whomever it alone takes on could do with some `keys` alone what an
    /// administrator of its account cannot, where the `others` do no more.
    fn leaves(
        &self,
        (at, changes): (Ix, &[ChangeIx]),
        administrator: &StateName,
        others: &mut SmallVec<[Ix; 8]>,
        keys: &mut BTreeSet<KeyIx>,
    ) -> bool {
        if others.contains(&at) {
            return true;
        }
        let account = |at: Ix| self.cast.member_or_first(at).caller.account;
        let is_inside = self.cast.member(at).is_some_and(|member| !member.outside);
        if !is_inside || account(at) != account(administrator.at) {
            return false;
        }
        // Nobody else has its tags for it.
        if administrator.at == at && self.gains_by_tags(administrator, changes, &|_| true) {
            return false;
        }
        let left = self.left_by(at, administrator);
        others.push(at);
        keys.extend(left.keys.iter().copied());
        left.is_bound_alike
            && left.roles.iter().all(|(role, tags)| {
                self.leaves((*role, tags.as_slice()), administrator, others, keys)
            })
    }

    /// What a search comes to, by what that of another came to who is alike but for some keys.
    fn followed(
        &self,
        errand: &Errand,
        (first, known, apart): (&Errand, &Explored, &BTreeSet<KeyIx>),
        limits: Limits,
    ) -> Explored {
        let places = (first.start, errand.start);
        let mut ways: BTreeMap<KeyIx, Vec<Way>> = BTreeMap::new();
        let mut open: Vec<bool> = (0..)
            .zip(&*errand.wanted)
            .map(|(key, wanted)| *wanted && (apart.contains(&key) || !first.wants(key)))
            .collect();
        for (key, known) in known.ways.iter().filter(|(key, _)| errand.wants(**key)) {
            let Some(open) = open.get_mut(*key as usize).filter(|open| !**open) else { continue };
            let renamed = known.iter().map(|way| self.renamed(way, places));
            match renamed.collect::<Option<Vec<Way>>>() {
                Some(renamed) => drop(ways.insert(*key, renamed)),
                None => *open = true,
            }
        }
        let alone =
            Errand { start: errand.start, wanted: open.into(), prefix: errand.prefix.clone() };
        let mut alone = alone.explored(self, limits);
        let organized = known.organized.iter().filter_map(|prefix| prefix.renamed(places));
        let mut organized: Vec<Prefix> = organized.collect();
        let is_known = |prefix: &Prefix| organized.iter().any(|it| it.steps == prefix.steps);
        alone.organized.retain(|prefix| !is_known(prefix));
        organized.append(&mut alone.organized);
        ways.append(&mut alone.ways);
        Explored { ways, organized, unsure: known.unsure || alone.unsure }
    }

    /// The way of another with the one in its place; nothing where it is about either of them otherwise.
    fn renamed(&self, way: &Way, (from, to): (Ix, Ix)) -> Option<Way> {
        let place = |at: Ix| if at == from { to } else { at };
        let renamed = way.acts.iter().map(|act| {
            let what = match self.doings.get(act.what) {
                doing if !doing.is_about(from) && !doing.is_about(to) => act.what,
                Doing::Key(KeyMove::Grant(key, at)) if *at == from => {
                    self.doings.intern(Doing::Key(KeyMove::Grant(*key, to)))
                }
                _ => return None,
            };
            (act.by != to).then(|| Act { by: place(act.by), what, ..*act })
        });
        let acts = renamed.collect::<Option<_>>()?;
        (way.goal_as != to).then(|| Way { acts, goal_as: place(way.goal_as), sure: way.sure })
    }
}
