//! What AWS Config recorded: snapshots and histories (`configurationItems`), batch-get-resource-config
//! (`baseConfigurationItems`) and the answers of advanced queries (`Results`).
//!
//! An item holds what IAM or KMS says of one entity; a key's policy is in `supplementaryConfiguration`. Where
//! several items are of one entity the latest counts. Config records no grants, not who else there is, and
//! not how long sessions of a role may last (the schema of `AWS::IAM::Role` for advanced queries has it not).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::{Identity as Named, KeyArn, identity as identity_of};
use crate::inventory::IdentityKind;
use crate::policy::PolicyKind;

use super::authorization_details::{Detail, Entity, Managed, Tag, group, identity, managed, tags};
use super::document::{Document, Read, Refusal, Text};
use super::facts::{Fact, KeyFact, KeyPart, Page};
use super::kms::{Metadata, key_metadata};

/// A configuration item, as the API or a snapshot spells its members.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "resourceType")]
    of_type: Option<Text<'a>>,
    #[serde(borrow, alias = "ARN")]
    arn: Option<Text<'a>>,
    #[serde(borrow, rename = "configurationItemStatus")]
    status: Option<Text<'a>>,
    #[serde(borrow, rename = "configurationItemCaptureTime")]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    configuration: Option<&'a RawValue>,
    #[serde(borrow, rename = "supplementaryConfiguration")]
    supplement: Option<&'a RawValue>,
}

/// Of a key what DescribeKey does not say.
#[derive(Deserialize)]
struct Supplement<'a> {
    #[serde(borrow, rename = "Policy")]
    policy: Option<&'a RawValue>,
    #[serde(borrow, rename = "KeyRotationStatus")]
    rotation: Option<&'a RawValue>,
    #[serde(borrow, rename = "Tags")]
    tags: Option<&'a RawValue>,
}

/// Reads a snapshot, a history or the answer of a query.
pub(super) fn read(document: &Document<'_, '_>) -> Read {
    let lists = ["configurationItems", "baseConfigurationItems", "Results"];
    let listed = lists.into_iter().find_map(|name| document.get(name)).ok_or(Refusal::Other)?;
    let items: Vec<&RawValue> = document.read_value(listed)?;
    let texts: Vec<Cow<'_, str>> = items.iter().map(|raw| unwrapped(raw)).collect();
    let (mut latest, mut faults): (BTreeMap<String, Item<'_>>, _) = (BTreeMap::new(), Vec::new());
    for (raw, text) in items.iter().zip(&texts) {
        let item: Item<'_> = match serde_json::from_str(text) {
            Ok(item) => item,
            // A query that asks for something else gives other members.
            Err(_) if document.get("Results").is_some() => continue,
            Err(error) => {
                let span = document.source.span(raw.get());
                faults.push(Fact::Fault { span, message: super::document::cause(&error) });
                continue;
            }
        };
        let Some(arn) = item.named() else { continue };
        match latest.get(&arn) {
            Some(known) if known.time >= item.time => {}
            _ => drop(latest.insert(arn, item)),
        }
    }
    let mut facts = Vec::new();
    for (arn, item) in latest {
        let is_gone = |status: &Text<'_>| status.starts_with("ResourceDeleted");
        if item.status.as_ref().is_some_and(is_gone) {
            continue;
        }
        let taken = take(document, &arn, &item, &mut facts);
        if let Err(Refusal::Unusable { span, message }) = taken {
            faults.push(Fact::Fault { span, message });
        }
    }
    if facts.is_empty() && faults.is_empty() {
        return Err(Refusal::Other);
    }
    facts.append(&mut faults);
    Ok(facts)
}

impl Item<'_> {
    /// Whose it is: a query can leave out the ARN where the configuration has it.
    fn named(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Own {
            arn: String,
        }
        if let Some(arn) = &self.arn {
            return Some(arn.to_string());
        }
        let named: Own = serde_json::from_str(&unwrapped(self.configuration?)).ok()?;
        Some(named.arn)
    }

    /// The type, which the ARN says as well.
    fn of_type(&self, arn: &str) -> &str {
        let by_arn = || match identity_of(arn) {
            Some(Named::User { .. }) => "AWS::IAM::User",
            Some(Named::Role { .. }) => "AWS::IAM::Role",
            Some(Named::Group { .. }) => "AWS::IAM::Group",
            _ if arn.contains(":iam:") && arn.contains(":policy/") => "AWS::IAM::Policy",
            _ if KeyArn::parse(arn).is_some() => "AWS::KMS::Key",
            _ => "",
        };
        self.of_type.as_deref().unwrap_or_else(by_arn)
    }
}

/// The JSON text of a value that may itself be written as a text, once or again.
fn unwrapped(raw: &RawValue) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(raw.get());
    while let Ok(inner) = serde_json::from_str::<String>(&text) {
        text = Cow::Owned(inner);
    }
    text
}

/// What one item states.
fn take(
    document: &Document<'_, '_>,
    arn: &str,
    item: &Item<'_>,
    facts: &mut Vec<Fact>,
) -> Result<(), Refusal> {
    let of_type = item.of_type(arn);
    if of_type == "AWS::KMS::Key" {
        return key(document, arn, item, facts);
    }
    let Some(configuration) = item.configuration.map(unwrapped) else { return Ok(()) };
    let has = |name: &str| super::detect::is_member(&configuration, name);
    // A query can leave out a part, which is then not known.
    let detail = |inline: &str| match has(inline) && has("attachedManagedPolicies") {
        true => Detail::Whole,
        false => Detail::Listed,
    };
    match of_type {
        "AWS::IAM::User" | "AWS::IAM::Role" => {
            let (kind, inline) = match of_type {
                "AWS::IAM::User" => (IdentityKind::User, "userPolicyList"),
                _ => (IdentityKind::Role, "rolePolicyList"),
            };
            let entity: Entity<'_> = parsed(document, &configuration)?;
            let mut fact = identity(document, kind, entity, detail(inline))?;
            if !has("permissionsBoundary") {
                fact.boundary = None;
            }
            if !has("groupList") && kind == IdentityKind::User {
                fact.groups = None;
            }
            facts.push(Fact::Identity(Box::new(fact)));
        }
        "AWS::IAM::Group" => {
            let entity: Entity<'_> = parsed(document, &configuration)?;
            let fact = group(document, entity, detail("groupPolicyList"))?;
            facts.push(Fact::Group(Box::new(fact)));
        }
        "AWS::IAM::Policy" => {
            let policy: Managed<'_> = parsed(document, &configuration)?;
            facts.push(Fact::Policy(Box::new(managed(document, policy, None))));
        }
        _ => {}
    }
    Ok(())
}

fn key(
    document: &Document<'_, '_>,
    named: &str,
    item: &Item<'_>,
    facts: &mut Vec<Fact>,
) -> Result<(), Refusal> {
    let arn = KeyArn::parse(named).ok_or_else(|| Refusal::Unusable {
        span: item.arn.as_deref().and_then(|arn| document.source.span(arn)),
        message: "the `arn` of a key is no key ARN".into(),
    })?;
    let place = document.place_of(item.arn.as_deref().unwrap_or_default());
    let mut parts = vec![KeyPart::Known];
    if let Some(configuration) = item.configuration.map(unwrapped) {
        let metadata: Metadata<'_> = parsed(document, &configuration)?;
        parts.push(KeyPart::Metadata(Box::new(key_metadata(metadata))));
    }
    let supplement = item.supplement.map(unwrapped);
    let supplement: Option<Supplement<'_>> =
        supplement.as_deref().map(|text| parsed(document, text)).transpose()?;
    if let Some(Supplement { policy, rotation, tags: tagged }) = supplement {
        if let Some(policy) = policy.filter(|policy| policy.get() != "null") {
            parts.push(KeyPart::Policy(key_policy(document, policy)));
        }
        match rotation.map(unwrapped).as_deref() {
            Some("true") => parts.push(KeyPart::Rotation(true)),
            Some("false") => parts.push(KeyPart::Rotation(false)),
            _ => {}
        }
        if let Some(text) = tagged.map(unwrapped) {
            let items = tags(parsed::<Vec<Tag<'_>>>(document, &text)?);
            parts.push(KeyPart::Tags(Page { items, place, more: false }));
        }
    }
    facts
        .extend(parts.into_iter().map(|part| Fact::Key(KeyFact { arn: arn.clone(), place, part })));
    Ok(())
}

/// A key policy: an object, a text, or a text that is written as a text.
fn key_policy(document: &Document<'_, '_>, raw: &RawValue) -> crate::policy::PolicyDocument {
    let once = serde_json::from_str::<String>(raw.get()).ok();
    let inner = once.filter(|text| text.trim_start().starts_with('"'));
    let inner = inner.and_then(|text| RawValue::from_string(text).ok());
    document.policy(inner.as_deref().unwrap_or(raw), PolicyKind::Key)
}

fn parsed<'t, T: Deserialize<'t>>(
    document: &Document<'_, '_>,
    text: &'t str,
) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|error| Refusal::Unusable {
        span: Some(document.source.span(text).unwrap_or(document.span)),
        message: super::document::cause(&error),
    })
}
