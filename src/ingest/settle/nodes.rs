//! SCPs and RCPs that code attaches to a root, a unit or an account of an exported organization.

use std::sync::Arc;

use crate::inventory::{Inventory, OrgPolicy, Organization};

use super::super::merge::Notes;

/// Attaches a policy to a level; `doubt` decides whether it is attached.
pub(super) fn attach(
    inventory: &mut Inventory,
    level: &str,
    policy: &OrgPolicy,
    doubt: Option<&str>,
    notes: &mut Notes,
) {
    let Some(organization) = inventory.organization.as_mut().map(Arc::make_mut) else { return };
    let id = match doubt {
        None => certain(organization, policy, notes),
        Some(doubt) => in_doubt(organization, policy, doubt),
    };
    organization.attachments.entry(level.into()).or_default().insert(id);
}

/// The id of a policy that is there. The export may have it by its name, which is that of one policy.
fn certain(organization: &mut Organization, policy: &OrgPolicy, notes: &mut Notes) -> Box<str> {
    let mut all = organization.policies.values();
    let is_same = |known: &&OrgPolicy| {
        known.kind == policy.kind && (known.id == policy.id || known.name == policy.name)
    };
    match all.find(is_same) {
        None => {
            organization.policies.insert(policy.id.clone(), policy.clone());
            policy.id.clone()
        }
        Some(known) => {
            if let (Some(one), Some(other)) = (&known.document, &policy.document)
                && !one.same_meaning(other)
            {
                let what = format!("{} {}", known.kind.name(), known.id);
                notes.conflict(what, &known.id, one.whole(), other.whole());
            }
            known.id.clone()
        }
    }
}

/// The id of a policy of which nobody knows whether it is attached.
fn in_doubt(organization: &mut Organization, policy: &OrgPolicy, doubt: &str) -> Box<str> {
    let id: Box<str> = format!("{} ({doubt})", policy.id).into();
    let made = || OrgPolicy {
        id: id.clone(),
        document: policy.document.as_ref().map(|document| document.doubted(doubt)),
        ..policy.clone()
    };
    organization.policies.entry(id.clone()).or_insert_with(made);
    id
}
