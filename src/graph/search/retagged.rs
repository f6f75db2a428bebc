//! Users and roles that have other tags, for whom policies that ask for these (rule T34).

use std::sync::Arc;

use crate::decision::Context;

use super::super::change::Change;
use super::super::label::Label;
use super::super::moves::Moves;
use super::super::state::{ChangeIx, OpenMove, StateName, States};
use super::Search;

impl Search<'_, '_, '_> {
    /// Looks at what everybody who is held can do to one whose tags are other ones.
    pub(super) fn retag(&mut self, number: ChangeIx, change: &Change, label: &Label) {
        if change.retagged(self.states.cast).is_none() {
            return;
        }
        self.retagged.push((number, label.clone()));
        for nth in 0..self.reached.len() {
            if let Some((name, how)) = self.reached_with(nth, label) {
                self.call_on(&name, number, &how);
            }
        }
    }

    /// What a state can do to those whose tags are other ones.
    pub(super) fn call_on_retagged(&mut self, name: &StateName, label: &Label) {
        let retagged = self.retagged.iter().filter(|(_, how)| self.fit(label, how)).cloned();
        for (change, how) in retagged.collect::<Vec<_>>() {
            self.call_on(name, change, &label.and(&how));
        }
    }

    /// What a state can do to the one whose tags a change made others.
    fn call_on(&mut self, name: &StateName, number: ChangeIx, label: &Label) {
        if self.fits(label) {
            let moves = self.states.upon(name, number);
            self.follow(name.at, &moves, label);
        }
    }
}

impl States<'_, '_> {
    /// The moves on a user or role whose tags a change made others; none where nobody asks for them.
    fn upon(&self, name: &StateName, number: ChangeIx) -> Arc<[OpenMove]> {
        self.upon.get((name.clone(), number), |_| {
            let Some((at, said)) = self.changes.get(number).retagged(self.cast) else {
                return Arc::from([]);
            };
            let asker = self.asker(name);
            let asks = self.cast.made(at).is_some()
                || self.cast.trust_asks_for_tags(at)
                || asker.side(&Context::default()).asks_for_tags();
            let moves = asks.then(|| Moves::upon(self.cast, &asker, (at, said)));
            moves.into_iter().flatten().map(|open| self.numbered(open)).collect()
        })
    }
}
