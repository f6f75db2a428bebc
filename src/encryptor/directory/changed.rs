//! What clients changed of a key and of an account, and how it is laid over an export.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::inventory::{Account, Key};

use super::documents::{self, ALIASES, GRANTS, METADATA, POLICY, ROTATION, TAGS};

/// An exported key with the documents that clients changed as they left them. Whether all grants and aliases
/// are known the export says.
pub(super) fn key(exported: &Key, kept: &Key, changed: &BTreeSet<String>) -> Key {
    let mut key = exported.clone();
    let has = |name: &str| changed.contains(name);
    if has(METADATA) {
        key.metadata.clone_from(&kept.metadata);
    }
    if has(POLICY) {
        key.policy.clone_from(&kept.policy);
    }
    if has(GRANTS) {
        key.grants.clone_from(&kept.grants);
    }
    if has(TAGS) {
        key.tags.clone_from(&kept.tags);
    }
    if has(ALIASES) {
        key.aliases.clone_from(&kept.aliases);
    }
    if has(ROTATION) {
        key.rotation = kept.rotation;
    }
    key
}

/// The ARNs of the users, roles, groups and policies of an account that are not as they were.
pub(super) fn of_account(before: Option<&Account>, after: &Account) -> BTreeSet<String> {
    let differs = |was: Option<Vec<u8>>, is: Vec<u8>| was != Some(is);
    let identities = after.identities.values().filter(|it| {
        let was = before.and_then(|before| before.identities.get(&it.arn));
        differs(was.map(|was| bytes(&documents::entity(was))), bytes(&documents::entity(it)))
    });
    let groups = after.groups.iter().filter(|(name, it)| {
        let was = before.and_then(|before| before.groups.get(name));
        differs(was.map(|was| bytes(&documents::group(was))), bytes(&documents::group(it)))
    });
    let policies = after.policies.values().filter(|it| {
        let was = before.and_then(|before| before.policies.get(&it.arn));
        differs(was.map(|was| bytes(&documents::managed(was))), bytes(&documents::managed(it)))
    });
    let arns = identities.map(|it| &it.arn).chain(groups.map(|(_, it)| &it.arn));
    arns.chain(policies.map(|it| &it.arn)).map(ToString::to_string).collect()
}

fn bytes(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_default()
}

/// Puts what clients changed of an account into the exported one.
pub(super) fn lay_over(exported: &mut Account, kept: &Account, changed: &BTreeSet<String>) {
    for identity in kept.identities.values().filter(|it| changed.contains(&*it.arn)) {
        exported.add_identity(identity.clone());
    }
    for (name, group) in kept.groups.iter().filter(|(_, it)| changed.contains(&*it.arn)) {
        exported.groups.insert(name, group.clone());
    }
    for policy in kept.policies.values().filter(|it| changed.contains(&*it.arn)) {
        exported.policies.insert(&*policy.arn, policy.clone());
    }
}
