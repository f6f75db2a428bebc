//! Condition keys that the export fixes (section 2.5, and the list of the batch contract's point 4).

use crate::aws::{KmsAction, carried};
use crate::decision::{CallerKind, ContextValue, OpenPoint, Target};
use crate::inventory::{KeyMetadata, MultiRegion};
use crate::policy::PolicyKind;

use super::asking::What;
use super::control;
use super::participants::note_key_gap;
use super::scene::{Lens, Scene};

/// Rule C57: with more aliases than this a key never satisfies kms:ResourceAliases.
pub(super) const ALIAS_QUOTA: usize = 50;

/// The value of `name`, where the export fixes it and a policy with this lens sees it.
pub(super) fn derived(scene: &Scene<'_, '_>, lens: Lens, name: &str) -> Option<ContextValue> {
    let lower = name.to_ascii_lowercase();
    if let Some(tag) = tail(&lower, name, "aws:principaltag/") {
        return principal_tag(scene, tag).map(one);
    }
    let is_kms = scene.request.kms().is_some();
    if let Some(tag) = tail(&lower, name, "aws:resourcetag/").filter(|_| is_kms) {
        return resource_tag(scene, lens, tag).map(one);
    }
    match lower.strip_prefix("kms:") {
        Some(_) => kms_key(scene, lens, &lower),
        None => principal_key(scene, &lower).or_else(|| resource_key(scene, &lower)),
    }
}

fn tail<'a>(lower: &str, name: &'a str, prefix: &str) -> Option<&'a str> {
    lower.starts_with(prefix).then(|| name.get(prefix.len()..)).flatten()
}

pub(super) fn one(value: impl Into<Box<str>>) -> ContextValue {
    ContextValue::One(value.into())
}

/// Keys of the caller.
fn principal_key(scene: &Scene<'_, '_>, lower: &str) -> Option<ContextValue> {
    let caller = &scene.request.caller;
    let facts = &scene.caller;
    let account = facts.account;
    let is_service = caller.kind == CallerKind::Service;
    match lower {
        // Rule C46.
        "aws:principalarn" => facts.principal_arn().map(one),
        "aws:principalaccount" => account.map(|account| one(account.as_str())),
        "aws:principaltype" => match caller.kind {
            CallerKind::Root => Some(one("Account")),
            CallerKind::User => Some(one("User")),
            CallerKind::Role | CallerKind::AssumedRole { .. } => Some(one("AssumedRole")),
            CallerKind::FederatedUser { .. } => Some(one("FederatedUser")),
            CallerKind::Service | CallerKind::Provider => None,
        },
        "aws:principalisawsservice" => Some(one(if is_service { "true" } else { "false" })),
        "aws:principalservicename" => is_service.then(|| one(&*caller.text)),
        "aws:principalorgid" => org_id(scene, account?),
        "aws:principalorgpaths" => org_paths(scene, account?),
        "aws:userid" => user_id(scene).map(one),
        // Rule C44: IAM users only.
        "aws:username" => match (&caller.kind, facts.identity) {
            (CallerKind::User, Some(user)) => Some(one(&*user.name)),
            (CallerKind::User, None) => caller.text.rsplit('/').next().map(one),
            _ => None,
        },
        _ => None,
    }
}

/// Rule C45.
fn user_id(scene: &Scene<'_, '_>) -> Option<String> {
    let caller = &scene.request.caller;
    let unique_id = || scene.caller.identity.and_then(|identity| identity.unique_id.as_deref());
    match &caller.kind {
        CallerKind::Root => caller.account.map(|account| account.to_string()),
        CallerKind::User => unique_id().map(str::to_owned),
        CallerKind::AssumedRole { session, .. } => unique_id().map(|id| format!("{id}:{session}")),
        CallerKind::FederatedUser { name } => {
            caller.account.map(|account| format!("{account}:{name}"))
        }
        // A role stands for any session of it (rule U6), each of which has one.
        CallerKind::Role => unique_id().map(|id| format!("{id}:session")),
        CallerKind::Service | CallerKind::Provider => None,
    }
}

/// Section 2.5: those of the user or role; of a role's sessions and a user's federated-user sessions as
/// well, unless the session brings another value.
fn principal_tag(scene: &Scene<'_, '_>, tag: &str) -> Option<Box<str>> {
    let mut tags = scene.caller.identity?.tags.iter();
    tags.find(|(key, _)| key.eq_ignore_ascii_case(tag)).map(|(_, value)| value.clone())
}

pub(super) fn org_id(
    scene: &Scene<'_, '_>,
    account: crate::aws::AccountId,
) -> Option<ContextValue> {
    let organization = scene.world().organization.as_deref()?;
    let member = organization.accounts.contains(&account);
    organization.id.as_deref().filter(|_| member).map(one)
}

pub(super) fn org_paths(
    scene: &Scene<'_, '_>,
    account: crate::aws::AccountId,
) -> Option<ContextValue> {
    let path = scene.world().organization.as_deref()?.path(account)?;
    Some(ContextValue::Many(vec![path.into()]))
}

/// Keys of the resource that are not KMS's own.
fn resource_key(scene: &Scene<'_, '_>, lower: &str) -> Option<ContextValue> {
    let (account, region) = match scene.request.what {
        What::Kms(_, Target::Key(arn)) => (arn.account(), arn.region()),
        What::Kms(_, Target::Alias(arn)) => (arn.account(), arn.region()),
        What::Kms(_, Target::NewKey { region, account }) => (*account, &**region),
        What::Kms(_, Target::Account | Target::Principal(_)) => return None,
        What::Control(..) => return control::resource_key(scene, lower),
    };
    match lower {
        "aws:resourceaccount" => Some(one(account.as_str())),
        "aws:resourceorgid" => org_id(scene, account),
        "aws:resourceorgpaths" => org_paths(scene, account),
        "aws:requestedregion" => Some(one(region)),
        _ => None,
    }
}

/// Rules C56 and L4: tags are seen by policies of the identity's side, and not on the alias half.
fn resource_tag(scene: &Scene<'_, '_>, lens: Lens, tag: &str) -> Option<Box<str>> {
    if scene.is_alias_half() || !scene.request.info().is_some_and(|info| info.has_key_resource) {
        return None;
    }
    note_key_gap(scene, "tags");
    let tags = scene.key?.tags.as_ref()?;
    // Rule C5: of tags that differ by case alone the one of equal case counts.
    let of_any_case = || tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(tag));
    let equal = tags.iter().find(|(key, _)| ***key == *tag);
    let (_, value) = equal.or_else(of_any_case)?;
    sees_abac_keys(scene, lens).then(|| value.clone())
}

/// Rule C56, which AWS leaves open (O9).
fn sees_abac_keys(scene: &Scene<'_, '_>, lens: Lens) -> bool {
    lens.kind != PolicyKind::Key || scene.reads_other(OpenPoint::O9, || true)
}

/// KMS's own keys: only those that accompany the action (rule N1), none on the alias half (rule L4).
fn kms_key(scene: &Scene<'_, '_>, lens: Lens, lower: &str) -> Option<ContextValue> {
    let action = scene.request.kms()?;
    if scene.is_alias_half() || !carried(action, lower) {
        return None;
    }
    match lower {
        // Rule C54: the service's account is not known.
        "kms:calleraccount" => scene.caller.account.map(|account| one(account.as_str())),
        "kms:requestalias" => request_alias(scene, action),
        "kms:encryptioncontextkeys" => encryption_context_keys(scene),
        "kms:resourcealiases" => resource_aliases(scene, lens),
        _ => {
            note_key_gap(scene, "metadata");
            metadata_key(scene.key?.metadata.as_ref()?, scene, lower)
        }
    }
}

fn metadata_key(
    metadata: &KeyMetadata,
    scene: &Scene<'_, '_>,
    lower: &str,
) -> Option<ContextValue> {
    if !scene.request.info().is_some_and(|info| info.has_key_resource) {
        return None;
    }
    match lower {
        "kms:keyspec" | "kms:customermasterkeyspec" => metadata.spec.as_deref().map(one),
        "kms:keyusage" | "kms:customermasterkeyusage" => metadata.usage.as_deref().map(one),
        "kms:keyorigin" => metadata.origin.as_deref().map(one),
        "kms:multiregion" => {
            let related = metadata.multi_region.is_some();
            Some(one(if related { "true" } else { "false" }))
        }
        // Rule C65.
        "kms:multiregionkeytype" => {
            let MultiRegion { role, .. } = metadata.multi_region.as_ref()?;
            Some(one(role.name()))
        }
        _ => None,
    }
}

/// Rule C55.
fn request_alias(scene: &Scene<'_, '_>, action: KmsAction) -> Option<ContextValue> {
    match scene.request.target() {
        Some(Target::Alias(arn)) if action.info().accepts_alias_as_key_id => Some(one(arn.name())),
        _ => None,
    }
}

/// Rule C52: the keys of the pairs that are given; without pairs it is missing.
fn encryption_context_keys(scene: &Scene<'_, '_>) -> Option<ContextValue> {
    let pairs = scene.request.context.with_prefix("kms:EncryptionContext:");
    let keys: Vec<Box<str>> = pairs.map(|(key, _)| key.into()).collect();
    (!keys.is_empty()).then_some(ContextValue::Many(keys))
}

/// Rules C56 to C58. Past the quota the key never satisfies the condition: the set is left out here, and
/// conditions say what follows.
fn resource_aliases(scene: &Scene<'_, '_>, lens: Lens) -> Option<ContextValue> {
    let key = scene.key?;
    note_key_gap(scene, "aliases");
    let names: Vec<Box<str>> =
        scene.world().aliases_of(key).map(|alias| alias.arn.name().into()).collect();
    let visible = !names.is_empty() && sees_abac_keys(scene, lens);
    visible.then_some(ContextValue::Many(names))
}
