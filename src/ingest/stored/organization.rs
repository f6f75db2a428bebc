//! The organization of a store: its tree, its accounts, and what is attached where.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::AccountId;
use crate::inventory::{OrgPolicyKind, Stated, policy_name};

use super::super::document::{Document, Read, Text};
use super::super::facts::{Fact, OrganizationFact};
use super::super::organizations::policy_kind;
use super::parts::parsed;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    root_ou: Option<Text<'a>>,
    #[serde(borrow)]
    root_account_id: Option<Text<'a>>,
    #[serde(borrow)]
    features: Option<BTreeMap<Text<'a>, bool>>,
}

/// What stands above a unit or account, and what is attached to it.
#[derive(Deserialize)]
struct Level<'a> {
    #[serde(borrow, alias = "ou")]
    parent: Option<Text<'a>>,
    #[serde(borrow)]
    scps: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    rcps: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
struct Unit<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

/// Reads `metadata.json`, `accounts.json` or `ous.json`.
pub(super) fn read(document: &Document<'_, '_>, name: &str, raw: &RawValue) -> Read {
    let mut facts = Vec::new();
    if name == "metadata" {
        let described: Described<'_> = parsed(document, raw)?;
        let place = document.place();
        let mut add = |fact| facts.push(Fact::Organization(Stated::new(fact, place)));
        let management = described.root_account_id.as_deref().and_then(AccountId::parse);
        add(OrganizationFact::Described { id: Some(described.id.into()), management });
        if let Some(root) = described.root_ou {
            add(OrganizationFact::Unit { id: root.into(), name: None });
        }
        if let Some(features) = described.features {
            let enabled = features.iter().filter(|(_, is_enabled)| **is_enabled);
            let kinds = enabled.filter_map(|(kind, _)| policy_kind(kind)).collect();
            add(OrganizationFact::Enabled(kinds));
        }
        return Ok(facts);
    }
    let levels: BTreeMap<Text<'_>, Level<'_>> = parsed(document, raw)?;
    for (id, level) in levels {
        let place = document.place_of(&id);
        let mut add = |fact| facts.push(Fact::Organization(Stated::new(fact, place)));
        let id = Box::<str>::from(id);
        match AccountId::parse(&id) {
            Some(id) => add(OrganizationFact::Account { id, name: None }),
            None => add(OrganizationFact::Unit { id: id.clone(), name: None }),
        }
        if let Some(parent) = level.parent {
            add(OrganizationFact::Parent { child: id.clone(), parent: parent.into() });
        }
        let are_all = level.scps.is_some() && level.rcps.is_some();
        let kinds = [(OrgPolicyKind::Scp, level.scps), (OrgPolicyKind::Rcp, level.rcps)];
        for (kind, attached) in kinds {
            for arn in attached.unwrap_or_default() {
                let policy = Box::<str>::from(policy_name(&arn));
                let (target, name) = (id.clone(), None);
                add(OrganizationFact::Policy { id: policy.clone(), name, kind, document: None });
                add(OrganizationFact::Attachment { policy, target });
            }
        }
        if are_all {
            add(OrganizationFact::Policies { target: id });
        }
    }
    Ok(facts)
}

/// Reads the `metadata.json` of a root or an organizational unit.
pub(super) fn unit(document: &Document<'_, '_>, id: &str, raw: &RawValue) -> Read {
    let unit: Unit<'_> = parsed(document, raw)?;
    let fact = OrganizationFact::Unit { id: id.into(), name: unit.name.map(Into::into) };
    Ok(vec![Fact::Organization(Stated::new(fact, document.place()))])
}
