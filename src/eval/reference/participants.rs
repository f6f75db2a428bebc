//! Which policies take part in a decision (section 3.1 of the semantics).

use crate::aws::AccountId;
use crate::decision::{CallerKind, OpenPoint, Target};
use crate::inventory::{
    AttachedPolicy, GapKind, NamedPolicy, OrgPolicyKind, Organization, policy_name,
};

use super::scene::Scene;
use super::statements::{Applied, Taking, applied};

/// One level of an organization, with what its policies say.
pub(super) struct Level {
    /// Root, unit or account id.
    pub(super) id: Box<str>,
    /// What the policies attached there say together.
    pub(super) applied: Applied,
}

/// The SCPs that bind the caller, by level; nothing where none do (rules E13, E34, E44).
pub(super) fn scp_levels(scene: &Scene<'_, '_>) -> Result<Vec<Level>, &'static str> {
    if scene.request.caller.kind == CallerKind::Service {
        return Err("SCPs do not bind service calls");
    }
    if scene.caller.is_service_linked() {
        return Err("SCPs do not bind service-linked roles");
    }
    let home = scene.caller.account.ok_or("the caller has no account")?;
    levels(scene, home, OrgPolicyKind::Scp)
}

/// The RCPs that bind the key, by level (rules E12, G42, X2).
pub(super) fn rcp_levels(scene: &Scene<'_, '_>) -> Result<Vec<Level>, &'static str> {
    let owner = match &scene.request.target {
        Target::Key(arn) => arn.account(),
        Target::Alias(_) if scene.is_alias_half() => return Err("RCPs speak of keys"),
        Target::Alias(arn) => arn.account(),
        _ => return Err("no key is involved"),
    };
    if scene.caller.is_service_linked() {
        return Err("RCPs do not bind service-linked roles");
    }
    if scene.request.action.name() == "RetireGrant" {
        return Err("RCPs have no say in RetireGrant");
    }
    if scene.key.is_some_and(crate::inventory::Key::is_aws_managed) {
        return Err("RCPs do not bind AWS managed keys");
    }
    levels(scene, owner, OrgPolicyKind::Rcp)
}

fn levels(
    scene: &Scene<'_, '_>,
    account: AccountId,
    kind: OrgPolicyKind,
) -> Result<Vec<Level>, &'static str> {
    let world = scene.world();
    let organization = world.organization.as_deref().ok_or("no organization was exported")?;
    if !organization.accounts.contains(&account) {
        return Err("the account belongs to no organization that was exported");
    }
    if organization.management_account == Some(account) {
        return Err("the management account is bound by no organization policy");
    }
    if !organization.is_enabled(kind) {
        return Err("the organization does not use this kind of policy");
    }
    let Some(ids) = organization.levels(account) else {
        // Rule U7: the way up is not exported; what is attached to the account itself still counts.
        scene.note_missing(format!("parents of account {account} in the organization"));
        return Ok(vec![level(scene, organization, account.as_str(), kind)]);
    };
    Ok(ids.into_iter().map(|id| level(scene, organization, id, kind)).collect())
}

fn level(
    scene: &Scene<'_, '_>,
    organization: &Organization,
    id: &str,
    kind: OrgPolicyKind,
) -> Level {
    let mut together = Applied::default();
    if kind == OrgPolicyKind::Scp && organization.attached(id, kind).next().is_none() {
        // Rule U7: a level has at least one SCP; the export does not say which.
        scene.note_missing(format!("SCPs attached to {id}"));
    }
    for policy in organization.attached(id, kind) {
        match &policy.document {
            Some(document) => {
                let name = format!("{} {} ({}) at {id}", kind.name(), policy.name, policy.id);
                together.extend(applied(scene, &Taking { name, document }));
            }
            None => scene.note_missing(format!("document of {} {}", kind.name(), policy.id)),
        }
    }
    Level { id: id.into(), applied: together }
}

/// The caller's identity policies: its own, and those of the groups it is a direct member of (rule E1).
/// None for root users and services.
pub(super) fn identity_policies(scene: &Scene<'_, '_>) -> Applied {
    let mut together = Applied::default();
    let Some(identity) = scene.caller.identity else {
        note_unknown_identity(scene);
        return together;
    };
    for gap in scene.reference.account_gaps.get(&identity.account).into_iter().flatten() {
        if matches!(&gap.kind, GapKind::IdentityPart { arn, .. } if **arn == *identity.arn) {
            scene.note_missing(gap.kind.to_string());
        }
    }
    note_conflicts(scene, &identity.arn);
    inline(scene, &identity.inline, &identity.arn, &mut together);
    attached(scene, identity.account, &identity.attached, &mut together);
    let account = scene.world().account(identity.account);
    for name in &identity.groups {
        match account.and_then(|account| account.groups.get(name)) {
            Some(group) => {
                note_conflicts(scene, &group.arn);
                inline(scene, &group.inline, &group.arn, &mut together);
                attached(scene, identity.account, &group.attached, &mut together);
            }
            None => scene.note_missing(format!("group {name} of account {}", identity.account)),
        }
    }
    together
}

/// A user or role that the export does not have has no policies of its own; where its account was not
/// exported whole, that is worth a word.
fn note_unknown_identity(scene: &Scene<'_, '_>) {
    let has_policies = !matches!(scene.request.caller.kind, CallerKind::Root | CallerKind::Service);
    let Some(account) = scene.caller.account.filter(|_| has_policies) else {
        return;
    };
    if !scene.world().account(account).is_some_and(|known| known.identities_listed) {
        scene.note_missing(format!("identities of account {account}"));
    }
}

fn note_conflicts(scene: &Scene<'_, '_>, subject: &str) {
    for what in scene.reference.conflicts_of(subject) {
        scene.note_missing(format!("{what}: two files disagree, the first by path counts"));
    }
}

fn inline(scene: &Scene<'_, '_>, policies: &[NamedPolicy], of: &str, together: &mut Applied) {
    for policy in policies {
        let name = format!("inline policy {} of {of}", policy.name);
        together.extend(applied(scene, &Taking { name, document: &policy.document }));
    }
}

fn attached(
    scene: &Scene<'_, '_>,
    account: AccountId,
    policies: &[AttachedPolicy],
    together: &mut Applied,
) {
    for policy in policies {
        together.extend(managed(scene, account, policy));
    }
}

/// Rule A10: the default version; a policy that is named but not exported allows nothing.
fn managed(scene: &Scene<'_, '_>, account: AccountId, policy: &AttachedPolicy) -> Applied {
    let found = scene.world().managed_policy(account, &policy.arn);
    note_conflicts(scene, &policy.arn);
    match found.and_then(crate::inventory::ManagedPolicy::document) {
        Some(document) => {
            let name = format!("managed policy {}", policy_name(&policy.arn));
            applied(scene, &Taking { name, document })
        }
        None => {
            scene.note_missing(format!("document of managed policy {}", policy.arn));
            Applied::default()
        }
    }
}

/// The permissions boundary; none for root users, services and service-linked roles.
pub(super) fn boundary(scene: &Scene<'_, '_>) -> Option<Applied> {
    let identity = scene.caller.identity.filter(|_| !scene.caller.is_service_linked());
    match identity.and_then(|identity| identity.boundary.as_ref().map(|policy| (identity, policy)))
    {
        Some((identity, policy)) => Some(managed(scene, identity.account, policy)),
        None => None,
    }
}

/// Session policies, which only sessions have (rules E2, E29).
pub(super) fn session_policies(scene: &Scene<'_, '_>) -> Option<Applied> {
    let is_session = matches!(
        scene.request.caller.kind,
        CallerKind::Role | CallerKind::AssumedRole { .. } | CallerKind::FederatedUser { .. }
    );
    let policies = &scene.request.session_policies;
    if !is_session || policies.is_empty() {
        return None;
    }
    let mut together = Applied::default();
    for document in policies {
        together.extend(applied(scene, &Taking { name: "session policy".to_owned(), document }));
    }
    Some(together)
}

/// The policy of the VPC endpoint that the request names; the service's own hop of a FAS call does not
/// come through it (rule E14).
pub(super) fn endpoint(scene: &Scene<'_, '_>) -> Option<Applied> {
    let context = &scene.request.context;
    let given = context.get("aws:SourceVpce").map(|entry| entry.value.values());
    let Some([id]) = given.filter(|_| context.get("kms:ViaService").is_none()) else {
        return None;
    };
    let endpoints = &scene.world().endpoints;
    match endpoints.get(id) {
        Some(document) => {
            let name = format!("policy of VPC endpoint {id}");
            Some(applied(scene, &Taking { name, document }))
        }
        None => {
            if !endpoints.is_empty() {
                scene.note_missing(format!("policy of VPC endpoint {id}"));
            }
            None
        }
    }
}

/// The key policy and the one that RAM writes, together (rules K1, K8).
pub(super) fn key_policies(scene: &Scene<'_, '_>) -> Applied {
    let mut together = Applied::default();
    let Some(key) = scene.key else {
        scene.note_missing(format!("key policy of {}", scene.request.target));
        return together;
    };
    let alias = scene.world().aliases_of(key).next().map(|alias| alias.arn.name().to_owned());
    let shown = alias.unwrap_or_else(|| key.arn.as_str().to_owned());
    for gap in scene.reference.key_gaps.get(&key.arn).into_iter().flatten() {
        scene.note_missing(gap.kind.to_string());
    }
    note_conflicts(scene, key.arn.as_str());
    if let Some(document) = &key.policy {
        let name = format!("key policy of {shown}");
        together.extend(applied(scene, &Taking { name, document }));
    }
    // Rule K8; O17 leaves it open whether the two unite.
    if let Some(document) = &key.ram_policy
        && !scene.reads_other(OpenPoint::O17, || true)
    {
        let name = format!("AWS_RAM policy of {shown}");
        together.extend(applied(scene, &Taking { name, document }));
    }
    together
}
