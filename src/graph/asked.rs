//! Tags and aliases that policies ask for: what is worth writing to satisfy them (rules T32 to T34).

use std::collections::BTreeSet;

use crate::inventory::Account;
use crate::policy::{Policy, Value};

use super::cast::Cast;

/// What the condition keys of some policies ask for.
#[derive(Clone, Default)]
pub(super) struct Asked {
    /// Tags of principals, with the values that are named.
    pub(super) principal_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Tags of keys, with the values that are named.
    pub(super) key_tags: BTreeSet<(Box<str>, Box<str>)>,
    /// Aliases, `alias/` first.
    pub(super) aliases: BTreeSet<Box<str>>,
    /// The boundary of what is changed.
    pub(super) boundaries: bool,
}

/// Hears what the policies of each account ask for, and apart from them what those of keys and of the
/// organization do.
pub(super) fn hear(cast: &mut Cast<'_>) {
    let world = cast.world;
    for key in world.keys.values() {
        let documents = key.policy.iter().chain(&key.ram_policy);
        documents.for_each(|document| document.peek(|policy| cast.of_keys.hear(policy)));
    }
    let organization = world.organization.iter().flat_map(|it| it.policies.values());
    let documents = organization.filter_map(|it| it.document.as_ref());
    documents.for_each(|document| document.peek(|policy| cast.of_organization.hear(policy)));
    cast.hears_boundaries = cast.of_organization.boundaries;
    for asked in [&cast.of_organization, &cast.of_keys] {
        cast.principal_tag_keys.extend(asked.principal_tag_keys());
    }
    for account in world.accounts.values() {
        if let Some(household) = cast.accounts.get_mut(&account.id) {
            household.asked.hear_account(account);
            cast.hears_boundaries |= household.asked.boundaries;
            cast.principal_tag_keys.extend(household.asked.principal_tag_keys());
        }
    }
}

impl Asked {
    fn hear_account(&mut self, account: &Account) {
        let mut hear = |policy: &Policy| self.hear(policy);
        for identity in account.identities.values() {
            identity.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
        }
        for group in account.groups.values() {
            group.inline.iter().for_each(|policy| policy.document.peek(&mut hear));
        }
        let versions = account.policies.values().flat_map(|policy| &policy.versions);
        versions.for_each(|version| version.document.peek(&mut hear));
    }

    fn principal_tag_keys(&self) -> impl Iterator<Item = String> {
        self.principal_tags.iter().map(|(key, _)| key.to_ascii_lowercase())
    }

    /// Whether it is anything about keys.
    pub(super) fn is_of_keys(&self) -> bool {
        !self.key_tags.is_empty() || !self.aliases.is_empty()
    }

    /// Hears what one policy asks for.
    pub(super) fn hear(&mut self, policy: &Policy) {
        for condition in policy.statements.iter().flat_map(|it| &it.conditions) {
            let key = condition.key.value.to_ascii_lowercase();
            let values = condition.values.iter().filter_map(|value| match &value.value {
                Value::Text(text) => Some(sample(text)),
                Value::Unresolved(_) => None,
            });
            let spelled =
                |prefix: &str| condition.key.value.get(prefix.len()..).unwrap_or_default();
            if key.starts_with(PRINCIPAL_TAG) {
                let tag = spelled(PRINCIPAL_TAG);
                self.principal_tags.extend(values.map(|value| (tag.into(), value)));
            } else if key.starts_with(RESOURCE_TAG) {
                let tag = spelled(RESOURCE_TAG);
                self.key_tags.extend(values.map(|value| (tag.into(), value)));
            } else if key == "kms:resourcealiases" || key == "kms:requestalias" {
                self.aliases.extend(values.filter(|value| value.starts_with("alias/")));
            } else if key == "iam:permissionsboundary" {
                self.boundaries = true;
            }
        }
    }
}

const PRINCIPAL_TAG: &str = "aws:principaltag/";
const RESOURCE_TAG: &str = "aws:resourcetag/";

/// A text that a pattern takes.
fn sample(pattern: &str) -> Box<str> {
    pattern.replace(['*', '?'], "x").into()
}
