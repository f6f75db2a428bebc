//! What all files state of the organization, made one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::AccountId;
use crate::inventory::{Gap, GapKind, Inventory, OrgPolicy, OrgUnit, Organization, Stated};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::super::facts::OrganizationFact;
use super::super::merge::Notes;

/// The organization from all facts of it.
pub(in crate::ingest) fn organization(
    facts: Vec<Stated<OrganizationFact>>,
    inventory: &mut Inventory,
    notes: &mut Notes,
) {
    let Some(first) = facts.iter().map(|fact| fact.place).min() else { return };
    let mut organization = Organization::new(first);
    let mut parents: BTreeMap<Box<str>, Place> = BTreeMap::new();
    let mut described: Option<Place> = None;
    let (mut targets_listed, mut policies_listed) = (BTreeSet::new(), BTreeSet::new());
    for Stated { value, place } in facts {
        match value {
            OrganizationFact::Described { id, management } => match described {
                None => {
                    described = Some(place);
                    (organization.id, organization.management_account) = (id, management);
                }
                Some(first) if organization.id != id => {
                    let kept = organization.id.clone().unwrap_or_default();
                    notes.conflict("id of the organization".into(), &kept, first, place);
                }
                Some(first) if organization.management_account != management => {
                    let kept = organization.id.clone().unwrap_or_default();
                    notes.conflict("management account".into(), &kept, first, place);
                }
                Some(_) => {}
            },
            OrganizationFact::Unit { id, name } => {
                let unit = organization.units.entry(id.clone());
                let unit = unit.or_insert_with(|| OrgUnit { id, name: None });
                unit.name = unit.name.take().or(name);
            }
            OrganizationFact::Enabled(kinds) => {
                organization.enabled.get_or_insert_default().extend(kinds);
            }
            OrganizationFact::Account { id, name } => {
                organization.accounts.insert(id);
                let account = inventory.account_mut(id);
                account.name = account.name.take().or(name);
            }
            OrganizationFact::Parent { child, parent } => match organization.parents.get(&child) {
                None => {
                    parents.insert(child.clone(), place);
                    organization.parents.insert(child, parent);
                }
                Some(known) if *known == parent => {}
                Some(_) => {
                    let kept = parents.get(&child).copied().unwrap_or(place);
                    notes.conflict(format!("parent of {child}"), &child, kept, place);
                }
            },
            OrganizationFact::Policy { id, name, kind, document } => {
                organization_policy(&mut organization, id, name, kind, document, place, notes);
            }
            OrganizationFact::Attachment { policy, target } => {
                organization.attachments.entry(target).or_default().insert(policy);
            }
            OrganizationFact::Targets { policy } => {
                targets_listed.insert(policy);
            }
            OrganizationFact::Policies { target } => {
                policies_listed.insert(target);
            }
        }
    }
    // A policy's targets are known from its own listing, or from those of every level.
    let units = organization.units.keys().map(|id| &**id);
    let mut levels = units.chain(organization.accounts.iter().map(AccountId::as_str));
    if !levels.all(|id| policies_listed.contains(id)) {
        for policy in organization.policies.values() {
            if !targets_listed.contains(&policy.id) && organization.is_enabled(policy.kind) {
                let what = format!("targets of {} {}", policy.kind.name(), policy.id).into();
                notes.gaps.push(Gap { kind: GapKind::Organization { what }, place: policy.place });
            }
        }
    }
    inventory.organization = Some(Arc::new(organization));
}

fn organization_policy(
    organization: &mut Organization,
    id: Box<str>,
    name: Option<Box<str>>,
    kind: crate::inventory::OrgPolicyKind,
    document: Option<PolicyDocument>,
    place: Place,
    notes: &mut Notes,
) {
    let policy = organization.policies.entry(id.clone()).or_insert_with(|| OrgPolicy {
        name: name.clone().unwrap_or_else(|| id.clone()),
        id: id.clone(),
        kind,
        document: None,
        place,
    });
    if let Some(name) = name.filter(|_| policy.name == id) {
        policy.name = name;
    }
    match (&policy.document, document) {
        (_, None) => {}
        (None, Some(document)) => policy.document = Some(document),
        (Some(first), Some(document)) if first.same_meaning(&document) => {}
        (Some(first), Some(document)) => {
            let what = format!("{} {id}", kind.name());
            notes.conflict(what, &id, first.whole(), document.whole());
        }
    }
}
