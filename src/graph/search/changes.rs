//! The changes that were made on the way.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::super::cast::{Cast, Ix};
use super::super::change::Change;
use super::super::label::Label;
use super::super::state::ChangeIx;

/// A change that was made, and how.
pub(super) type Made = (ChangeIx, Label);

/// A change of a group or policy.
struct Shared {
    made: Made,
    /// Whom it touches by itself; sorted.
    touched: Arc<[Ix]>,
    /// Whether it brings them policies.
    brings_policies: bool,
}

/// The changes that were made, by whom they touch.
#[derive(Default)]
pub(super) struct Changes {
    of: FxHashMap<Ix, Vec<Made>>,
    /// Those of groups and policies, which touch whoever gets into one or has one attached. Members are
    /// not listed: groups are large, and few of them are held.
    shared: Vec<Shared>,
    /// Those who joined a group or got a policy.
    joined: FxHashSet<Ix>,
}

impl Changes {
    pub(super) fn add(
        &mut self,
        (number, change): (ChangeIx, &Change),
        touched: &Arc<[Ix]>,
        label: &Label,
    ) {
        let made = (number, label.clone());
        let Some(at) = change.whose() else {
            let (touched, brings_policies) = (Arc::clone(touched), change.brings_policies());
            self.shared.push(Shared { made, touched, brings_policies });
            return;
        };
        self.of.entry(at).or_default().push(made);
        if change.brings_policies() {
            self.joined.insert(at);
        }
    }

    /// Whether `at`, or the role it is a session of, joined a group or got a policy.
    pub(super) fn has_joined(&self, cast: &Cast<'_>, at: Ix) -> bool {
        let mut brought = self.shared.iter().filter(|shared| shared.brings_policies);
        let has = |at: Ix| self.joined.contains(&at);
        has(at)
            || cast.role_of(at).is_some_and(has)
            || brought.any(|shared| touches(&shared.touched, cast, at))
    }

    /// Those that touch `at` by themselves; where `all` are asked for, every one of a group or policy.
    pub(super) fn about(&self, cast: &Cast<'_>, at: Ix, all: bool) -> impl Iterator<Item = &Made> {
        let role = cast.role_of(at);
        let own = self.of.get(&at).into_iter().chain(role.and_then(|role| self.of.get(&role)));
        let is_about = move |shared: &&Shared| all || touches(&shared.touched, cast, at);
        own.flatten().chain(self.shared.iter().filter(is_about).map(|shared| &shared.made))
    }
}

/// Whether `at`, or the role it is a session of, is among those who are touched.
pub(super) fn touches(touched: &[Ix], cast: &Cast<'_>, at: Ix) -> bool {
    let has = |at: Ix| touched.binary_search(&at).is_ok();
    has(at) || cast.role_of(at).is_some_and(has)
}
