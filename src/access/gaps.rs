//! What a world lacks, by whom it concerns.

use std::collections::BTreeMap;

use crate::aws::{AccountId, KeyArn};
use crate::inventory::{Effects, GapKind, Inventory};

/// Gaps and conflicts of a world in the words of `missing`.
#[derive(Default)]
pub(super) struct Gaps {
    keys: BTreeMap<KeyArn, Vec<(&'static str, Box<str>)>>,
    identities: BTreeMap<Box<str>, Vec<(Effects, Box<str>)>>,
    conflicts: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Gaps {
    /// Sorts what `world` lacks.
    pub(super) fn of(world: &Inventory) -> Self {
        let mut gaps = Self::default();
        for gap in world.gaps.iter() {
            let words = gap.kind.to_string().into();
            match &gap.kind {
                GapKind::KeyPart { key, part, .. } => {
                    gaps.keys.entry(key.clone()).or_default().push((part, words));
                }
                GapKind::IdentityPart { arn, .. } => {
                    let of_identity = gaps.identities.entry(arn.clone()).or_default();
                    of_identity.push((gap.kind.effects(), words));
                }
                _ => {}
            }
        }
        for conflict in world.conflicts.iter() {
            let what = format!("{}: two files disagree, the first by path counts", conflict.what);
            gaps.conflicts.entry(conflict.subject.clone()).or_default().push(what.into());
        }
        gaps
    }

    /// Whether a part of a key was not exported whole, in words.
    pub(super) fn key_part(&self, key: &KeyArn, wanted: &str) -> Option<Box<str>> {
        if self.keys.is_empty() {
            return None;
        }
        let mut found = self.keys.get(key)?.iter().filter(|(part, _)| *part == wanted);
        found.next().map(|(_, words)| words.clone())
    }

    /// The parts of a user, role or group that were not exported, and what each could change.
    pub(super) fn identity_parts(&self, arn: &str) -> &[(Effects, Box<str>)] {
        self.identities.get(arn).map_or(&[], Vec::as_slice)
    }

    /// What two files state differently of `subject`.
    pub(super) fn conflicts(&self, subject: &str) -> &[Box<str>] {
        self.conflicts.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Whether the identities of an account were never listed.
    pub(super) fn lists(world: &Inventory, account: AccountId) -> bool {
        world.account(account).is_some_and(|known| known.identities_listed)
    }
}
