//! The changes that were made on the way.

use rustc_hash::FxHashMap;

use super::super::cast::{Cast, Ix};
use super::super::change::Change;
use super::super::label::Label;
use super::super::state::ChangeIx;

/// The changes that were made, by whom they touch.
#[derive(Default)]
pub(super) struct Changes {
    of: FxHashMap<Ix, Vec<(ChangeIx, Label)>>,
    /// Those of groups and policies, which touch whoever gets into one or has one attached.
    pub(super) shared: Vec<(ChangeIx, Label)>,
    /// Those who joined a group or got a policy.
    pub(super) joined: Vec<Ix>,
}

impl Changes {
    pub(super) fn add(
        &mut self,
        (number, change): (ChangeIx, &Change),
        touched: &[Ix],
        label: &Label,
    ) {
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
    pub(super) fn about(
        &self,
        cast: &Cast<'_>,
        at: Ix,
    ) -> impl Iterator<Item = &(ChangeIx, Label)> {
        let role = cast.role_of(at).and_then(|role| self.of.get(&role));
        self.of.get(&at).into_iter().chain(role).flatten()
    }
}
