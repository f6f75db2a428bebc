//! Whoever is reached: what it can do with keys comes first, what it can do about others after that of all who
//! are reached by as many calls.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::super::cast::{Ix, KeyIx};
use super::super::label::{Act, Label};
use super::super::state::{ChangeIx, DoingIx, Gained, OpenMove, StateName, Which};
use super::{Fact, Search};

/// A state that was reached.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) name: StateName,
    pub(super) how: Label,
    /// The keys with which it can do more than another that was reached as soon; nothing where these may be any.
    pub(super) alone: Option<Arc<[KeyIx]>>,
    /// Whether its own side asks for tags of keys.
    asks_for_tags: bool,
    /// Whether it asks for their aliases.
    asks_for_aliases: bool,
}

/// A state that was reached and is still to be followed.
pub(super) struct There {
    pub(super) name: StateName,
    pub(super) how: Label,
    /// Whether it is the first of its class.
    pub(super) fresh: bool,
}

impl Arrival {
    /// Whether it may count for what is done with a key.
    pub(super) fn counts(&self, key: KeyIx) -> bool {
        self.alone.as_ref().is_none_or(|alone| alone.binary_search(&key).is_ok())
    }

    /// Whether its own side asks for tags of keys, or for their aliases.
    pub(super) fn asks_for(&self, tags: bool) -> bool {
        if tags { self.asks_for_tags } else { self.asks_for_aliases }
    }
}

impl Search<'_, '_, '_> {
    /// What a state can do with keys.
    pub(super) fn be(&mut self, name: &StateName, label: &Label) {
        if !label.acts.is_empty() && self.is_idle((name.at, &name.changes), label) {
            return;
        }
        let states = self.states;
        let state = states.get(name);
        let known = self.classes.get(&state.class);
        let fresh = known.is_none_or(|known| !known.are_enough(label));
        // The subject of a provider calls STS alone (rule T8).
        let calls_more = states.cast.member(name.at).is_some_and(|it| it.caller.account.is_some());
        let alone = if calls_more { self.alone_with(name, &state, label) } else { None };
        let which = match alone {
            Some(_) => Which::TellingApart,
            None if fresh => Which::All,
            None => Which::Apart,
        };
        if which == Which::All {
            self.classes.entry(state.class).or_default().push(label.clone());
        }
        if calls_more {
            let arrival = Arrival {
                name: name.clone(),
                how: label.clone(),
                alone,
                asks_for_tags: state.asks_for_tags,
                asks_for_aliases: state.asks_for_aliases,
            };
            self.reached.push(arrival.clone());
            // Keys come first: where all of them are reached, nothing else is followed.
            self.use_keys(&arrival, &state, which);
        }
        if state.unlimited && name.at != self.start && !self.limits.past_administrators {
            return;
        }
        self.master(name, &state, label);
        if label.acts.len() >= self.limits.hops {
            return;
        }
        self.there.push_back(There { name: name.clone(), how: label.clone(), fresh });
    }

    /// Everything else that a state can do.
    pub(super) fn call_as(&mut self, There { name, how: label, fresh }: &There) {
        if label.acts.len() + 1 >= self.farthest {
            return;
        }
        let states = self.states;
        let state = states.get(name);
        let writes = self.has_primitives(label) || self.has_made(label);
        let is_followed = *fresh && writes && !self.is_surpassed(name, &state, label);
        self.organize(name, (&state, is_followed), label);
        if is_followed {
            let moves = states.moves(name, &state);
            let moves = if self.limits.kept > 1 { &moves.all } else { &moves.best };
            self.follow(name.at, moves, label);
        }
        self.follow(name.at, states.assumes(name, &state), label);
        let doors = self.doors.iter().filter(|(_, how)| self.fit(label, how)).cloned();
        for (door, how) in doors.collect::<Vec<_>>() {
            self.enter(name, door, &label.and(&how));
        }
        self.call_on_retagged(name, label);
    }

    pub(super) fn follow(&mut self, by: Ix, moves: &[OpenMove], label: &Label) {
        let calls = label.acts.len() + 1;
        if calls > self.limits.hops || calls >= self.farthest {
            return;
        }
        let left = self.limits.primitives.saturating_sub(label.primitives);
        let mut idle: FxHashMap<_, bool> = FxHashMap::default();
        for open in moves {
            if left == 0 && open.primitive || !self.goes_on(open.chance) {
                continue;
            }
            let act = Act { by, what: open.what, primitive: open.primitive };
            let fact = match open.gain {
                Gained::Held(at, tags) => Fact::Held(at, tags),
                Gained::Changed(change) => Fact::Changed(change),
            };
            let after = open
                .before
                .map(|(what, primitive)| label.then(Act { by, what, primitive }, open.chance));
            let label = after.as_ref().unwrap_or(label);
            let seen = self.seen.get(&fact);
            if seen.is_some_and(|seen| seen.are_enough_with(label, act, open.chance)) {
                continue;
            }
            let tags = match open.gain {
                Gained::Held(at, tags) => self.states.session_tags(at, tags),
                Gained::Changed(change) => Some(change),
            };
            let label = label.then(act, open.chance);
            // Calls that are alike for those who make others idle are asked for once.
            let tags = tags.filter(|change| self.states.changes.get(*change).is_tag());
            let alike = open.of.map(|at| {
                (at, tags, act.primitive, open.before.is_some(), self.leads_to_master(at, act))
            });
            let mut is_idle = |alike: (Ix, Option<ChangeIx>, bool, bool, Option<DoingIx>)| {
                let whose = (alike.0, alike.1.as_slice());
                *idle.entry(alike).or_insert_with(|| self.is_idle(whose, &label))
            };
            if !alike.is_some_and(&mut is_idle) {
                self.push(fact, label);
            }
        }
    }
}
