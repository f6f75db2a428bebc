//! A whole world, as a scenario states it, laid into the inventory of the other files.

use std::sync::Arc;

use crate::inventory::{
    Account, Group, Identity, Inventory, Key, ManagedPolicy, NamedPolicy, Shared,
};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::merge::Notes;

/// Adds what `other` states; what the inventory has already stays, and a difference is a conflict.
pub(super) fn add(inventory: &mut Inventory, other: Inventory, notes: &mut Notes) {
    for (id, account) in other.accounts {
        match inventory.accounts.get_mut(&id) {
            Some(known) => add_account(Arc::make_mut(known), &account, notes),
            None => {
                inventory.accounts.insert(id, account);
            }
        }
    }
    for (arn, key) in other.keys.iter() {
        match inventory.keys.get(arn) {
            Some(known) if differs_key(known, key) => {
                notes.conflict(format!("key {arn}"), arn.as_str(), known.place, key.place);
            }
            Some(_) => {}
            None => {
                inventory.keys.insert(arn.clone(), Arc::clone(key));
            }
        }
    }
    for (arn, alias) in other.aliases.iter() {
        if !inventory.aliases.contains_key(arn) {
            inventory.aliases.insert(arn.clone(), alias.clone());
        }
    }
    for (id, document) in other.endpoints {
        inventory.endpoints.entry(id).or_insert(document);
    }
    match (&inventory.organization, other.organization) {
        (Some(known), Some(organization)) if !organization.accounts.is_empty() => {
            let id = known.id.clone().unwrap_or_default();
            notes.conflict("organization".to_owned(), &id, known.place, organization.place);
        }
        (None, organization) => inventory.organization = organization,
        _ => {}
    }
    notes.gaps.extend(Arc::unwrap_or_clone(other.gaps));
    notes.conflicts.extend(Arc::unwrap_or_clone(other.conflicts));
}

fn add_account(known: &mut Account, other: &Account, notes: &mut Notes) {
    known.identities_listed |= other.identities_listed;
    for identity in other.identities.values() {
        match known.identities.get(&identity.arn) {
            Some(first) if differs_identity(first, identity) => {
                let arn = &identity.arn;
                notes.conflict(format!("policies of {arn}"), arn, first.place, identity.place);
            }
            Some(_) => {}
            None => known.add_identity(identity.clone()),
        }
    }
    add_missing(&mut known.groups, &other.groups, notes, |one: &Group, two| {
        let differs = differs_inline(&one.inline, &two.inline);
        differs.then(|| (format!("group {}", one.arn), one.arn.clone(), one.place, two.place))
    });
    add_missing(&mut known.policies, &other.policies, notes, |one: &ManagedPolicy, two| {
        let differs = differs_document(one.document(), two.document());
        differs.then(|| (format!("document of {}", one.arn), one.arn.clone(), one.place, two.place))
    });
}

/// What two places say of one entity, and its ARN.
type Difference = (String, Box<str>, Place, Place);

fn add_missing<T: Clone>(
    known: &mut Shared<T>,
    other: &Shared<T>,
    notes: &mut Notes,
    differs: impl Fn(&T, &T) -> Option<Difference>,
) {
    for (name, stated) in other.iter() {
        match known.get(name) {
            Some(first) => {
                if let Some((what, subject, kept, other)) = differs(first, stated) {
                    notes.conflict(what, &subject, kept, other);
                }
            }
            None => known.insert(name, stated.clone()),
        }
    }
}

fn differs_identity(one: &Identity, other: &Identity) -> bool {
    let arns = |identity: &Identity| {
        let mut arns: Vec<_> = identity.attached.iter().map(|policy| policy.arn.clone()).collect();
        arns.sort();
        arns
    };
    let boundary =
        |identity: &Identity| identity.boundary.as_ref().map(|policy| policy.arn.clone());
    differs_inline(&one.inline, &other.inline)
        || arns(one) != arns(other)
        || boundary(one) != boundary(other)
        || one.groups != other.groups
        || one.tags != other.tags
}

fn differs_inline(one: &[NamedPolicy], other: &[NamedPolicy]) -> bool {
    one.len() != other.len()
        || one.iter().zip(other).any(|(one, other)| !one.document.same_meaning(&other.document))
}

fn differs_document(one: Option<&PolicyDocument>, other: Option<&PolicyDocument>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => !one.same_meaning(other),
        (None, None) => false,
        _ => true,
    }
}

fn differs_key(one: &Key, other: &Key) -> bool {
    let ids = |key: &Key| key.grants.iter().map(|grant| grant.id.clone()).collect::<Vec<_>>();
    differs_document(one.policy.as_ref(), other.policy.as_ref())
        || ids(one) != ids(other)
        || one.metadata != other.metadata
        || one.tags != other.tags
}
