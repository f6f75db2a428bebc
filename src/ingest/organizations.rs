//! The outputs of `aws organizations`: the tree, its accounts, and the SCPs and RCPs attached to it.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::AccountId;
use crate::inventory::{OrgPolicyKind, Stated};
use crate::policy::PolicyKind;
use crate::source::Place;

use super::document::{Document, Read, Refusal, Text};
use super::facts::{Fact, Listing, OrganizationFact, Pending, PendingPart};

/// A root, unit, account, parent, child, policy or target in any output.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item<'a> {
    #[serde(borrow, alias = "TargetId")]
    id: Text<'a>,
    #[serde(borrow)]
    arn: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow, rename = "Type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    policy_types: Option<Vec<PolicyType<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyType<'a> {
    #[serde(borrow, rename = "Type")]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow, alias = "ManagementAccountId")]
    master_account_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    #[serde(borrow)]
    policy_summary: Item<'a>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// `describe-organization`.
pub(super) fn describe_organization(document: &Document<'_, '_>) -> Read {
    let Some(described) = document.read::<Described<'_>>("Organization")? else {
        return Err(Refusal::Other);
    };
    if !described.id.starts_with("o-") {
        return Err(Refusal::Other);
    }
    let management = described.master_account_id.as_deref().and_then(AccountId::parse);
    let fact = OrganizationFact::Described { id: Some(described.id.into()), management };
    Ok(vec![stated(fact, document.place())])
}

/// `list-roots`.
pub(super) fn list_roots(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Roots", |item| is_root(&item.id))?;
    let mut facts = Vec::new();
    for item in items {
        let place = document.place_of(&item.id);
        if let Some(types) = item.policy_types {
            let enabled = types
                .iter()
                .filter(|kind| kind.status.as_deref().is_none_or(|status| status == "ENABLED"));
            let kinds: BTreeSet<_> = enabled.filter_map(|kind| policy_kind(&kind.kind)).collect();
            facts.push(stated(OrganizationFact::Enabled(kinds), place));
        }
        let (id, name) = (item.id.into(), item.name.map(Into::into));
        facts.push(stated(OrganizationFact::Unit { id, name }, place));
    }
    facts.push(page(document, "roots"));
    Ok(facts)
}

/// `list-organizational-units-for-parent`, which does not name the parent.
pub(super) fn list_organizational_units(document: &Document<'_, '_>) -> Read {
    let items = items(document, "OrganizationalUnits", |item| item.id.starts_with("ou-"))?;
    let mut facts = Vec::new();
    let mut children = Vec::new();
    for item in items {
        let place = document.place_of(&item.id);
        let (id, name) = (Box::<str>::from(item.id), item.name.map(Into::into));
        children.push(id.clone());
        facts.push(stated(OrganizationFact::Unit { id, name }, place));
    }
    let command = "list-organizational-units-for-parent";
    let part = PendingPart::Children("organizational units", document.page(children));
    facts.push(pending(document, command, part));
    Ok(facts)
}

/// `list-accounts`, or `list-accounts-for-parent`, which does not name the parent: the path tells them
/// apart.
pub(super) fn list_accounts(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Accounts", |item| {
        AccountId::parse(&item.id).is_some()
            && item.arn.as_deref().is_none_or(|arn| arn.contains(":organizations:"))
    })?;
    let hint = &document.source.hint;
    let is_for_parent = hint.command == Some("list-accounts-for-parent");
    if items.is_empty() && !is_for_parent && hint.command != Some("list-accounts") {
        return Err(Refusal::Other);
    }
    let mut facts = Vec::new();
    let mut children = Vec::new();
    for item in items {
        let Some(id) = AccountId::parse(&item.id) else { continue };
        let place = document.place_of(&item.id);
        children.push(Box::<str>::from(id.as_str()));
        let name = item.name.map(Into::into);
        facts.push(stated(OrganizationFact::Account { id, name }, place));
    }
    if is_for_parent {
        let command = "list-accounts-for-parent";
        let part = PendingPart::Children("accounts", document.page(children));
        facts.push(pending(document, command, part));
    } else {
        facts.push(page(document, "accounts"));
    }
    Ok(facts)
}

/// `list-parents`, which does not name the child.
pub(super) fn list_parents(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Parents", |item| is_node(&item.id))?;
    let Some(parent) = items.into_iter().next() else { return Err(Refusal::Other) };
    let parent = PendingPart::Parent(parent.id.into());
    Ok(vec![pending(document, "list-parents", parent)])
}

/// `list-children`, which does not name the parent.
pub(super) fn list_children(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Children", |item| is_node(&item.id) || is_account(&item.id))?;
    if items.is_empty() && document.source.hint.command != Some("list-children") {
        return Err(Refusal::Other);
    }
    let mut facts = Vec::new();
    let mut children = Vec::new();
    for item in items {
        let place = document.place_of(&item.id);
        let fact = match AccountId::parse(&item.id) {
            Some(id) => OrganizationFact::Account { id, name: None },
            None => OrganizationFact::Unit { id: (*item.id).into(), name: None },
        };
        facts.push(stated(fact, place));
        children.push(item.id.into());
    }
    let part = PendingPart::Children("children", document.page(children));
    facts.push(pending(document, "list-children", part));
    Ok(facts)
}

/// `describe-policy`; policies of other kinds than SCP and RCP state nothing.
pub(super) fn describe_policy(document: &Document<'_, '_>) -> Read {
    if document.get("Policy").is_none_or(|raw| !raw.get().contains("\"PolicySummary\"")) {
        return Err(Refusal::Other);
    }
    let Some(policy) = document.read::<Policy<'_>>("Policy")? else { return Err(Refusal::Other) };
    let Some(kind) = policy.policy_summary.kind.as_deref().and_then(policy_kind) else {
        return Ok(Vec::new());
    };
    let place = document.place_of(&policy.policy_summary.id);
    let id = policy.policy_summary.id.into();
    let name = policy.policy_summary.name.map(Into::into);
    let of = match kind {
        OrgPolicyKind::Scp => PolicyKind::Scp,
        OrgPolicyKind::Rcp => PolicyKind::Rcp,
    };
    let document = policy.content.map(|content| document.policy(content, of));
    Ok(vec![stated(OrganizationFact::Policy { id, name, kind, document }, place)])
}

/// `list-policies`, or `list-policies-for-target`, which does not name the target: the path tells them
/// apart.
pub(super) fn list_policies(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Policies", |item| {
        item.kind.is_some() && item.arn.as_deref().is_none_or(|arn| arn.contains(":organizations:"))
    })?;
    let hint = &document.source.hint;
    let is_for_target = hint.command == Some("list-policies-for-target");
    let in_place = hint.directories().any(|name| name == "organizations");
    if items.is_empty() && !is_for_target && !in_place {
        return Err(Refusal::Other);
    }
    let mut facts = Vec::new();
    let mut policies = Vec::new();
    for item in items {
        let Some(kind) = item.kind.as_deref().and_then(policy_kind) else { continue };
        let place = document.place_of(&item.id);
        let (id, name) = (Box::<str>::from(item.id), item.name.map(Into::into));
        policies.push(id.clone());
        facts.push(stated(OrganizationFact::Policy { id, name, kind, document: None }, place));
    }
    if is_for_target {
        let part = PendingPart::Policies(document.page(policies));
        facts.push(pending(document, "list-policies-for-target", part));
    } else {
        facts.push(page(document, "organization policies"));
    }
    Ok(facts)
}

/// `list-targets-for-policy`, which does not name the policy.
pub(super) fn list_targets(document: &Document<'_, '_>) -> Read {
    let items = items(document, "Targets", |item| is_node(&item.id) || is_account(&item.id))?;
    let hint = &document.source.hint;
    if items.is_empty() && hint.command != Some("list-targets-for-policy") {
        return Err(Refusal::Other);
    }
    let targets = items.into_iter().map(|item| item.id.into()).collect();
    let part = PendingPart::Targets(document.page(targets));
    Ok(vec![pending(document, "list-targets-for-policy", part)])
}

/// The items of a list, all of which must be `ours`.
fn items<'a>(
    document: &Document<'a, '_>,
    name: &str,
    ours: impl Fn(&Item<'a>) -> bool,
) -> Result<Vec<Item<'a>>, Refusal> {
    let items = document.read::<Vec<Item<'a>>>(name)?.unwrap_or_default();
    if items.iter().all(ours) { Ok(items) } else { Err(Refusal::Other) }
}

fn stated(fact: OrganizationFact, place: Place) -> Fact {
    Fact::Organization(Stated::new(fact, place))
}

fn pending(document: &Document<'_, '_>, command: &'static str, what: PendingPart) -> Fact {
    Fact::Pending(Box::new(Pending { command, place: document.place(), what }))
}

fn page(document: &Document<'_, '_>, what: &'static str) -> Fact {
    Fact::Listing(Listing::Other(what, Box::default()), document.page(()))
}

/// The kind of policies that Organizations calls so.
pub(super) fn policy_kind(text: &str) -> Option<OrgPolicyKind> {
    match text {
        "SERVICE_CONTROL_POLICY" => Some(OrgPolicyKind::Scp),
        "RESOURCE_CONTROL_POLICY" => Some(OrgPolicyKind::Rcp),
        _ => None,
    }
}

fn is_root(id: &str) -> bool {
    id.starts_with("r-")
}

/// Whether `id` is that of a root or an organizational unit.
pub(super) fn is_node(id: &str) -> bool {
    let rest = id.strip_prefix("r-").or_else(|| id.strip_prefix("ou-"));
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(known))
}

fn is_account(id: &str) -> bool {
    AccountId::parse(id).is_some()
}

/// Whether `id` is that of an organization policy.
pub(super) fn is_policy(id: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    id.strip_prefix("p-").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(known))
}
