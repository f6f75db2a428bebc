//! Who makes users and roles (rule T35).

use std::collections::BTreeMap;

use crate::aws::ControlAction as A;
use crate::decision::{Context, ContextValue};
use crate::inventory::IdentityKind;

use super::super::cast::Ix;
use super::super::change::Change;
use super::super::made::Making;
use super::super::tagging::Tag;
use super::{Gain, Move, Moves, untagged};

impl Moves<'_, '_> {
    /// Rule T35: under names that policies let in or that are free to choose.
    pub(super) fn make(&mut self) {
        let Some(account) = self.asker.account() else { return };
        let ways = [
            (A::IAM_CREATE_USER, A::IAM_TAG_USER, IdentityKind::User),
            (A::IAM_CREATE_ROLE, A::IAM_TAG_ROLE, IdentityKind::Role),
        ];
        let possible = self.possible;
        for (create, tag, kind) in ways.into_iter().filter(|(it, ..)| possible.contains(*it)) {
            let mut alike: BTreeMap<Making, Vec<Ix>> = BTreeMap::new();
            for at in self.cast.makable(account, kind) {
                alike.entry(self.cast.made_with(at)).or_default().push(at);
            }
            for ((boundary, tags), made) in alike {
                // Tags are a permission of their own.
                if !tags.is_empty() && !possible.contains(tag) {
                    continue;
                }
                let side = self.asker.side(&making(boundary.as_deref(), &tags));
                for (at, chance) in self.among(&side, create, &made) {
                    let tagging = || self.cast.arn(at).map(|arn| side.chance(tag, arn));
                    let tagging =
                        Some(&tags).filter(|tags| !tags.is_empty()).and_then(|_| tagging());
                    let (what, change) = match kind {
                        IdentityKind::User => (Move::CreateUser(at), Change::Made(at)),
                        IdentityKind::Role => (Move::CreateRole(at), Change::Trusting(at)),
                    };
                    let chance = tagging.map_or(chance, |tagging| tagging.min(chance));
                    self.add(what, Gain::Changed(change), chance);
                }
            }
        }
    }
}

/// A request that makes a user or role with a boundary and tags.
fn making(boundary: Option<&str>, tags: &[Tag]) -> Context {
    let mut context = untagged();
    for (key, value) in tags {
        context.set_one(&format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        let keys = tags.iter().map(|(key, _)| key.clone()).collect();
        context.set("aws:TagKeys", ContextValue::Many(keys));
    }
    match boundary {
        Some(boundary) => context.set_one("iam:PermissionsBoundary", boundary),
        None => context.set_absent("iam:PermissionsBoundary"),
    }
    context
}
