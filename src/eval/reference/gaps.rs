//! What the world lacks, found by whom it concerns.

use std::collections::BTreeMap;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{GapKind, Inventory};

/// The gaps and conflicts of one world, by the account, key or entity that they concern. An edit of the
/// world leaves them as they are.
#[derive(Default)]
pub struct Gaps {
    accounts: BTreeMap<AccountId, Vec<GapKind>>,
    keys: BTreeMap<KeyArn, Vec<GapKind>>,
    conflicts: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Gaps {
    /// Sorts the gaps and conflicts of `world`.
    pub(in crate::eval) fn of(world: &Inventory) -> Self {
        let mut gaps = Self::default();
        for gap in world.gaps.iter() {
            if let Some(account) = gap.kind.of_account() {
                gaps.accounts.entry(account).or_default().push(gap.kind.clone());
            }
            if let Some(key) = gap.kind.of_key() {
                gaps.keys.entry(key.clone()).or_default().push(gap.kind.clone());
            }
        }
        for conflict in world.conflicts.iter() {
            let of_subject = gaps.conflicts.entry(conflict.subject.clone()).or_default();
            of_subject.push(conflict.what.clone());
        }
        gaps
    }

    /// Gaps in the identities, groups and policies of an account.
    pub(super) fn of_account(&self, account: AccountId) -> &[GapKind] {
        self.accounts.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Gaps in what is known of a key.
    pub(super) fn of_key(&self, key: &KeyArn) -> &[GapKind] {
        self.keys.get(key).map_or(&[], Vec::as_slice)
    }

    /// What two files state differently of `subject`.
    pub(super) fn conflicts_of(&self, subject: &str) -> &[Box<str>] {
        self.conflicts.get(subject).map_or(&[], Vec::as_slice)
    }
}
