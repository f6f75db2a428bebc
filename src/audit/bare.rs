//! Bare key policies, which are no part of the world that they stand beside: the key of each is a world's of
//! its own, of an account that nobody knows. Where there is nothing else, it is what questions are about.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::AccountId;
use crate::findings::{Access, Finding};
use crate::graph::Graph;
use crate::inventory::{Declared, Gap, GapKind, Inventory};
use crate::rules::{self, Registered, Scope, Settings};

use super::check::CheckOptions;
use super::engine::Engine;

/// A world, and the keys of the bare policies in it.
pub(super) struct Bare {
    /// The world without them.
    pub(super) rest: Inventory,
    /// Their keys.
    pub(super) keys: Inventory,
}

/// The world that questions are about: where nothing but bare policies was given, that of their keys. Beside it
/// how many bare key policies it says nothing of.
pub fn asked_of(world: Inventory) -> (Inventory, usize) {
    match Bare::of(&world) {
        Some(bare) if bare.is_all() => (bare.keys, 0),
        Some(bare) => (world, bare.count()),
        None => (world, 0),
    }
}

impl Bare {
    /// Takes bare key policies out of a world, where it has some.
    pub(super) fn of(world: &Inventory) -> Option<Self> {
        if world.loose.iter().all(|loose| loose.key.is_none()) {
            return None;
        }
        let mut keys = Inventory { sources: Arc::clone(&world.sources), ..Inventory::default() };
        let mut declared = Declared::default();
        let mut gaps = Vec::new();
        for key in world.loose.iter().filter_map(|loose| loose.key.as_deref()) {
            // What such a file does not say nobody could have exported.
            declared.files.insert(key.place.file);
            let kind = GapKind::Identities { account: key.arn.account(), truncated: false };
            gaps.push(Gap { kind, place: key.place });
            keys.keys.insert(key.arn.clone(), Arc::new(key.clone()));
        }
        gaps.dedup_by(|later, earlier| later.kind == earlier.kind);
        (keys.gaps, keys.declared) = (Arc::new(gaps), Some(Arc::new(declared)));
        let mut rest = world.clone();
        rest.loose.retain(|loose| loose.key.is_none());
        Some(Self { rest, keys })
    }

    /// The world of their keys, where there is no other.
    pub(super) fn only(&self) -> Option<&Inventory> {
        self.is_all().then_some(&self.keys)
    }

    fn is_all(&self) -> bool {
        let Inventory { keys, accounts, organization, declared, .. } = &self.rest;
        keys.is_empty() && accounts.is_empty() && organization.is_none() && declared.is_none()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.keys.keys.len()
    }

    /// What the rules say of them. The accounts of the world beside are no strangers to them.
    pub(super) fn check(&self, options: &CheckOptions<'_>) -> Vec<Finding> {
        let control = &options.control;
        let engine = Engine::assuming(&self.keys, options.now, &control.assumptions);
        let settings =
            Settings { trusted_accounts: self.trusted(options), ..control.settings.clone() };
        let graph = Graph::new(engine.access());
        let scope = Scope::new(&engine, &settings).with_graph(&graph);
        engine.hear(scope.documents.par_iter().map(|document| document.document));
        let can_run = |rule: &&&'static Registered| rule.can_run(&scope);
        let ran: Vec<&Registered> = options.rules.iter().filter(can_run).copied().collect();
        let mut findings = rules::check(&scope, &ran);
        for fix in findings.iter_mut().filter_map(|finding| finding.fix.as_mut()) {
            // Nobody knows whom the accounts of these keys let in.
            if fix.access == Access::Decided {
                fix.access = Access::MayChange;
            }
        }
        findings
    }

    fn trusted(&self, options: &CheckOptions<'_>) -> BTreeSet<AccountId> {
        let owners = self.rest.keys.keys().map(|key| key.account());
        let members = self.rest.organization.iter().flat_map(|it| &it.accounts).copied();
        let declared = options.control.settings.trusted_accounts.iter().copied();
        self.rest.accounts.keys().copied().chain(owners).chain(members).chain(declared).collect()
    }
}
