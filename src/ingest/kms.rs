//! The outputs of `aws kms`: keys, their policies, grants, tags, aliases and rotation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::{AccountId, ActionSet, AliasArn, Arn, KeyArn, KmsAction};
use crate::inventory::{
    Alias, Constraints, Grant, Grantee, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole, Tags,
};
use crate::policy::PolicyKind;

use super::authorization_details::{Tag, tags};
use super::document::{Document, Read, Refusal, Text};
use super::facts::{Fact, KeyFact, KeyPart, Listing, Page, Pending, PendingPart};

/// What describe-key says; AWS Config begins the same names with a small letter.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow, alias = "arn")]
    arn: Option<Text<'a>>,
    #[serde(borrow, alias = "keyId")]
    key_id: Option<Text<'a>>,
    #[serde(borrow, rename = "AWSAccountId")]
    account: Option<Text<'a>>,
    #[serde(borrow, alias = "keyManager")]
    key_manager: Option<Text<'a>>,
    #[serde(borrow, alias = "keyState")]
    key_state: Option<Text<'a>>,
    #[serde(borrow, alias = "keySpec")]
    key_spec: Option<Text<'a>>,
    #[serde(borrow, alias = "customerMasterKeySpec")]
    customer_master_key_spec: Option<Text<'a>>,
    #[serde(borrow, alias = "keyUsage")]
    key_usage: Option<Text<'a>>,
    #[serde(borrow, alias = "origin")]
    origin: Option<Text<'a>>,
    #[serde(borrow, alias = "description")]
    description: Option<Text<'a>>,
    #[serde(borrow, alias = "multiRegionConfiguration")]
    multi_region_configuration: Option<MultiRegionConfiguration<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionConfiguration<'a> {
    #[serde(borrow, alias = "multiRegionKeyType")]
    multi_region_key_type: Option<Text<'a>>,
    #[serde(borrow, alias = "primaryKey")]
    primary_key: Option<Related<'a>>,
    #[serde(borrow, alias = "replicaKeys")]
    replica_keys: Option<Vec<Related<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Related<'a> {
    #[serde(borrow, alias = "arn")]
    arn: Text<'a>,
}

/// `describe-key`.
pub(super) fn describe_key(document: &Document<'_, '_>) -> Read {
    let Some(metadata) = document.read::<Metadata<'_>>("KeyMetadata")? else {
        return Err(unusable(document, "`KeyMetadata` is null"));
    };
    let by_arn = metadata.arn.as_deref().and_then(KeyArn::parse);
    let by_parts = || {
        let account = metadata.account.as_deref().and_then(AccountId::parse);
        let hint = &document.source.hint;
        let region = hint.region()?;
        let id = metadata.key_id.as_deref()?;
        KeyArn::new(crate::aws::region::partition(region), region, account.or(hint.account())?, id)
    };
    let Some(arn) = by_arn.or_else(by_parts) else {
        return Err(unusable(document, "`KeyMetadata` does not name its key: `Arn` is no key ARN"));
    };
    let place = metadata.arn.as_deref().map_or(document.place(), |arn| document.place_of(arn));
    let part = KeyPart::Metadata(Box::new(key_metadata(metadata)));
    Ok(vec![Fact::Key(KeyFact { arn, place, part })])
}

/// The metadata of a key.
pub(super) fn key_metadata(metadata: Metadata<'_>) -> KeyMetadata {
    let owned = |text: Option<Text<'_>>| text.map(Box::<str>::from);
    let multi_region = metadata.multi_region_configuration.map(|configuration| MultiRegion {
        role: match configuration.multi_region_key_type.as_deref() {
            Some("REPLICA") => MultiRegionRole::Replica,
            _ => MultiRegionRole::Primary,
        },
        primary: configuration.primary_key.map(|key| key.arn.into()),
        replicas: configuration
            .replica_keys
            .unwrap_or_default()
            .into_iter()
            .map(|key| key.arn.into())
            .collect(),
    });
    KeyMetadata {
        manager: match metadata.key_manager.as_deref() {
            Some("AWS") => KeyManager::Aws,
            _ => KeyManager::Customer,
        },
        spec: owned(metadata.key_spec).or(owned(metadata.customer_master_key_spec)),
        usage: owned(metadata.key_usage),
        origin: owned(metadata.origin),
        state: owned(metadata.key_state),
        multi_region,
        description: owned(metadata.description).filter(|text| !text.is_empty()),
    }
}

/// The members of the output of `get-key-policy`, and what SDKs and scripts put beside.
const OWN: [&str; 4] = ["Policy", "PolicyName", "KeyId", "ResponseMetadata"];

/// `get-key-policy`, which does not name its key.
///
/// Without `PolicyName` it looks like the output of several other services: then the path or the policy
/// tells. One whose only action is `*` may be of any service whose output says more.
pub(super) fn get_key_policy(document: &Document<'_, '_>) -> Read {
    let Some(raw) = document.get("Policy") else { return Err(Refusal::Other) };
    let hint = &document.source.hint;
    let name = document.get("PolicyName").map(RawValue::get);
    let by_path = hint.command == Some("get-key-policy");
    if !by_path && (raw.get().starts_with('{') || document.get("RevisionId").is_some()) {
        return Err(Refusal::Other);
    }
    let policy = document.policy(raw, PolicyKind::Key);
    let in_place = hint.command.is_none() && hint.key_by_directory().is_some();
    let is_policy = || {
        let says_more = document.members.iter().any(|(member, _)| !OWN.contains(&&**member));
        match says_more {
            true => super::bare::is_surely_key_policy(policy.policy()),
            false => super::bare::is_key_policy(policy.policy()),
        }
    };
    if !by_path && !in_place && name.is_none() && !is_policy() {
        return Err(Refusal::Other);
    }
    let part = match name {
        None | Some("null" | "\"default\"") => KeyPart::Policy(policy),
        Some(_) => KeyPart::RamPolicy(policy),
    };
    let id = document.read::<Text<'_>>("KeyId").ok().flatten();
    Ok(vec![of_key(document, "get-key-policy", id.as_deref(), part)])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantEntry<'a> {
    #[serde(borrow)]
    key_id: Option<Text<'a>>,
    #[serde(borrow)]
    grant_id: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    grantee_principal: Option<Text<'a>>,
    #[serde(borrow)]
    grantee_service_principal: Option<Text<'a>>,
    #[serde(borrow)]
    retiring_principal: Option<Text<'a>>,
    #[serde(borrow)]
    retiring_service_principal: Option<Text<'a>>,
    #[serde(borrow)]
    issuing_account: Option<Text<'a>>,
    #[serde(borrow)]
    operations: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    constraints: Option<GrantConstraints<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GrantConstraints<'a> {
    #[serde(borrow)]
    encryption_context_equals: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    encryption_context_subset: Option<BTreeMap<Text<'a>, Text<'a>>>,
    #[serde(borrow)]
    source_arn: Option<Text<'a>>,
}

/// `list-grants` of one key or of many; a grant names its key.
pub(super) fn list_grants(document: &Document<'_, '_>) -> Read {
    let (entries, refusal) = document.read_list::<GrantEntry<'_>>("Grants")?;
    if entries.is_empty() {
        return match refusal {
            Some(refusal) => Err(refusal),
            None => empty_list(document, "list-grants", KeyPart::Grants(document.page(Vec::new()))),
        };
    }
    let mut by_key: BTreeMap<Option<Box<str>>, Vec<Grant>> = BTreeMap::new();
    let mut facts = Vec::new();
    for entry in entries {
        let key = entry.key_id.as_deref().map(Box::<str>::from);
        match grant(document, entry) {
            Ok(grant) => by_key.entry(key).or_default().push(grant),
            Err(Refusal::Unusable { span, message }) => facts.push(Fact::Fault { span, message }),
            Err(Refusal::Other) => {}
        }
    }
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    // The grants that one principal may retire are not all there are.
    let is_part = document.source.hint.stem.contains("retirable");
    for (key, grants) in by_key {
        let page = document.page(grants);
        let part = KeyPart::Grants(Page { more: page.more || is_part, ..page });
        facts.push(of_key(document, "list-grants", key.as_deref(), part));
    }
    Ok(facts)
}

fn grant(document: &Document<'_, '_>, entry: GrantEntry<'_>) -> Result<Grant, Refusal> {
    let party = |principal: Option<Text<'_>>, service: Option<Text<'_>>| match principal {
        Some(principal) => Some(Grantee::principal(&principal)),
        None => service.map(|service| Grantee::Service(service.into())),
    };
    let place = document.source.place(document.place_of(&entry.grant_id).span);
    let grantee = party(entry.grantee_principal, entry.grantee_service_principal);
    let Some(grantee) = grantee else {
        return Err(Refusal::Unusable {
            span: document.source.span(&entry.grant_id),
            message: "a grant names neither `GranteePrincipal` nor `GranteeServicePrincipal`"
                .into(),
        });
    };
    let (mut operations, mut unknown) = (ActionSet::EMPTY, Vec::new());
    for name in entry.operations.unwrap_or_default() {
        match KmsAction::from_name(&name) {
            Some(operation) => operations.insert(operation),
            None => unknown.push(name.into()),
        }
    }
    let issuing = entry.issuing_account.as_deref();
    Ok(Grant {
        id: entry.grant_id.into(),
        name: entry.name.map(Box::<str>::from).filter(|name| !name.is_empty()),
        grantee,
        retiring: party(entry.retiring_principal, entry.retiring_service_principal),
        issuing_account: issuing.and_then(|issuing| {
            AccountId::parse(issuing).or_else(|| AccountId::parse(Arn::parse(issuing)?.account))
        }),
        operations,
        unknown_operations: unknown,
        constraints: entry.constraints.map(constraints).unwrap_or_default(),
        place,
    })
}

fn constraints(constraints: GrantConstraints<'_>) -> Constraints {
    let pairs = |pairs: BTreeMap<Text<'_>, Text<'_>>| {
        pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    };
    Constraints {
        equals: constraints.encryption_context_equals.map(pairs),
        subset: constraints.encryption_context_subset.map(pairs),
        source_arn: constraints.source_arn.map(Into::into),
    }
}

/// `list-resource-tags`, which does not name its key.
pub(super) fn list_resource_tags(document: &Document<'_, '_>) -> Read {
    if document.get("Tags").is_none_or(|raw| !raw.get().contains("\"TagKey\"")) {
        let part = KeyPart::Tags(document.page(Tags::new()));
        let is_empty = |tags: &Vec<Tag<'_>>| tags.is_empty();
        let tags = document.read::<Vec<Tag<'_>>>("Tags")?;
        return match tags.as_ref().is_none_or(is_empty) {
            true => empty_list(document, "list-resource-tags", part),
            false => Err(Refusal::Other),
        };
    }
    let (found, refusal) = document.read_list::<Tag<'_>>("Tags")?;
    let part = KeyPart::Tags(document.page(tags(found)));
    let mut facts = vec![of_key(document, "list-resource-tags", None, part)];
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AliasEntry<'a> {
    #[serde(borrow)]
    alias_arn: Text<'a>,
    #[serde(borrow)]
    target_key_id: Option<Text<'a>>,
}

/// `list-aliases` of a key, or of a whole account and Region; an alias names its key.
pub(super) fn list_aliases(document: &Document<'_, '_>) -> Read {
    let (entries, refusal) = document.read_list::<AliasEntry<'_>>("Aliases")?;
    if entries.is_empty() {
        return match refusal {
            Some(refusal) => Err(refusal),
            None => empty_list(document, "list-aliases", KeyPart::Aliases(document.page(()))),
        };
    }
    let mut facts = Vec::with_capacity(entries.len() + 1);
    let (mut targets, mut scope) = (BTreeSet::new(), None);
    for entry in entries {
        let Some(arn) = AliasArn::parse(&entry.alias_arn) else {
            let span = document.source.span(&entry.alias_arn);
            facts.push(Fact::Fault { span, message: "`AliasArn` is no alias ARN".into() });
            continue;
        };
        scope.get_or_insert_with(|| (arn.account(), Box::<str>::from(arn.region())));
        targets.insert(entry.target_key_id.as_deref().map(str::to_owned));
        let place = document.place_of(&entry.alias_arn);
        let target = entry.target_key_id.map(Box::<str>::from);
        facts.push(Fact::Alias(Alias { arn, target, place }));
    }
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    let Some((account, region)) = scope else { return Ok(facts) };
    let only = targets.first().cloned().flatten().filter(|_| targets.len() == 1);
    let hint = &document.source.hint;
    let of_path = hint.key_by_directory().map(|key| key.id().to_owned());
    let of_name = || hint.names().find(|name| only.as_deref() == Some(name)).map(str::to_owned);
    facts.push(match only {
        Some(id) if of_path.as_ref() == Some(&id) || of_name().is_some() => {
            let partition = crate::aws::region::partition(&region);
            match KeyArn::new(partition, &region, account, &id) {
                Some(arn) => {
                    let part = KeyPart::Aliases(document.page(()));
                    Fact::Key(KeyFact { arn, place: document.place(), part })
                }
                None => Fact::Listing(Listing::Aliases(account, region), document.page(())),
            }
        }
        _ => Fact::Listing(Listing::Aliases(account, region), document.page(())),
    });
    Ok(facts)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyEntry<'a> {
    #[serde(borrow)]
    key_arn: Text<'a>,
}

/// `list-keys`.
pub(super) fn list_keys(document: &Document<'_, '_>) -> Read {
    let (entries, refusal) = document.read_list::<KeyEntry<'_>>("Keys")?;
    let mut facts = Vec::new();
    let mut scope = None;
    for entry in &entries {
        let Some(arn) = KeyArn::parse(&entry.key_arn) else { return Err(Refusal::Other) };
        scope.get_or_insert_with(|| (arn.account(), Box::<str>::from(arn.region())));
        let place = document.place_of(&entry.key_arn);
        facts.push(Fact::Key(KeyFact { arn, place, part: KeyPart::Known }));
    }
    let hint = &document.source.hint;
    let by_path = || Some((hint.account()?, hint.region()?.into()));
    match scope.or_else(by_path) {
        Some((account, region)) if !facts.is_empty() || hint.command == Some("list-keys") => {
            facts.push(Fact::Listing(Listing::Keys(account, region), document.page(())));
        }
        _ if facts.is_empty() && hint.command != Some("list-keys") => return Err(Refusal::Other),
        _ => {}
    }
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

/// `get-key-rotation-status`, which names its key since 2024.
pub(super) fn get_key_rotation_status(document: &Document<'_, '_>) -> Read {
    let Some(rotation) = document.read::<bool>("KeyRotationEnabled")? else {
        return Err(Refusal::Other);
    };
    let id = document.read::<Text<'_>>("KeyId")?;
    let part = KeyPart::Rotation(rotation);
    Ok(vec![of_key(document, "get-key-rotation-status", id.as_deref(), part)])
}

/// A list without entries says nothing of what it lists: only the path can.
fn empty_list(document: &Document<'_, '_>, command: &'static str, part: KeyPart) -> Read {
    let hint = &document.source.hint;
    let in_place = hint.command.is_none() && hint.key_by_directory().is_some();
    if hint.command != Some(command) && !in_place {
        return Err(Refusal::Other);
    }
    if command == "list-aliases"
        && hint.key_by_directory().is_none()
        && let (Some(account), Some(region)) = (hint.account(), hint.region())
    {
        let listing = Listing::Aliases(account, region.into());
        return Ok(vec![Fact::Listing(listing, document.page(()))]);
    }
    Ok(vec![of_key(document, command, None, part)])
}

/// A part of the key that the document names with `id`, an ARN or an id, or whose directory of the
/// canonical layout it lies in; else it waits until all files are read.
fn of_key(
    document: &Document<'_, '_>,
    command: &'static str,
    id: Option<&str>,
    part: KeyPart,
) -> Fact {
    let place = document.place();
    let in_place = || {
        let key = document.source.hint.canonical_key();
        key.filter(|key| id.is_none_or(|id| id == key.id()))
    };
    match id.and_then(KeyArn::parse).or_else(in_place) {
        Some(arn) => Fact::Key(KeyFact { arn, place, part }),
        None => Fact::Pending(Box::new(Pending {
            command,
            place,
            what: PendingPart::Key { id: id.map(Into::into), part },
        })),
    }
}

fn unusable(document: &Document<'_, '_>, message: &str) -> Refusal {
    Refusal::Unusable { span: Some(document.span), message: message.to_owned() }
}
