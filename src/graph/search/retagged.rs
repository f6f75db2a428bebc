//! Users and roles that have other tags, for whom policies that ask for these (rule T34).

use std::sync::Arc;

use crate::decision::Context;
use crate::inventory::IdentityKind;

use super::super::cast::Ix;
use super::super::change::Change;
use super::super::label::Label;
use super::super::moves::Moves;
use super::super::state::{ChangeIx, OpenMove, StateName, States, Tags};
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
    /// Whether it matters that sessions of a role, or federated ones, may bring tags (rules T7, T12).
    pub(in crate::graph) fn takes_tags(&self, at: Ix) -> bool {
        self.session_tags(at, Tags::Any).is_some()
    }

    /// The change that holding an identity with tags of the caller's choice comes with, where it matters (rules
    /// T7, T12).
    pub(in crate::graph) fn session_tags(&self, at: Ix, tags: Tags) -> Option<ChangeIx> {
        let any = (tags == Tags::Any).then(|| {
            self.session_tags.get(at, |at| {
                self.may_bring_tags(*at).then(|| self.changes.intern(Change::SessionTags(*at)))
            })
        });
        any.flatten()
    }

    fn may_bring_tags(&self, at: Ix) -> bool {
        let identity = self.cast.identity(at).filter(|it| it.kind == IdentityKind::Role);
        !self.cast.principal_tag_keys.is_empty()
            && (identity.is_some_and(|it| self.access.takes_session_tags(it))
                || self.cast.is_federated(at))
    }

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
