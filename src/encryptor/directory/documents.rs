//! Keys and accounts as the documents of an export, in its layout.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::aws::{KeyArn, KmsAction};
use crate::inventory::{
    Account, AttachedPolicy, Grant, Grantee, Group, Identity, IdentityKind, Inventory, Key,
    KeyManager, KeyMetadata, ManagedPolicy, NamedPolicy, Tags, policy_name,
};
use crate::policy::PolicyDocument;

use super::Writes;

/// The documents of a key: all that the world knows of it.
pub fn of_key(world: &Inventory, key: &Key) -> Writes {
    let arn = &key.arn;
    let rotation = |on: bool| json!({ "KeyRotationEnabled": on, "KeyId": arn.as_str() });
    let documents = [
        key.metadata.is_some().then(|| describe_key(key)),
        key.policy.as_ref().map(get_key_policy),
        (key.grants_listed || !key.grants.is_empty()).then(|| list_grants(key)),
        key.tags.as_ref().map(list_resource_tags),
        (key.aliases_listed || !key.aliases.is_empty()).then(|| list_aliases(world, key)),
        key.rotation.map(rotation),
    ];
    let bytes = |document: Value| format!("{document:#}\n").into_bytes();
    let documents = documents.map(|document| document.map(bytes));
    NAMES.iter().map(|document| name(arn, document)).zip(documents).collect()
}

/// The documents of a key that is gone: none.
pub fn of_no_key(arn: &KeyArn) -> Writes {
    NAMES.iter().map(|document| (name(arn, document), None)).collect()
}

/// The names of the documents of a key.
const NAMES: [&str; 6] = [METADATA, POLICY, GRANTS, TAGS, ALIASES, ROTATION];
pub(super) const METADATA: &str = "describe-key.json";
pub(super) const POLICY: &str = "get-key-policy.json";
pub(super) const GRANTS: &str = "list-grants.json";
pub(super) const TAGS: &str = "list-resource-tags.json";
pub(super) const ALIASES: &str = "list-aliases.json";
pub(super) const ROTATION: &str = "get-key-rotation-status.json";

/// The name of a document of a key.
pub(super) fn name(key: &KeyArn, document: &str) -> String {
    // A slash would put it where it is read as that of another key: such a name is refused.
    let part = |text: &str| text.replace('/', "%2F");
    format!("{}/{}/kms/{}/{document}", key.account(), part(key.region()), part(key.id()))
}

/// A key as DescribeKey tells it, without dates and algorithms.
fn describe_key(key: &Key) -> Value {
    let arn = &key.arn;
    let mut out = json!({
        "AWSAccountId": arn.account().as_str(),
        "KeyId": arn.id(),
        "Arn": arn.as_str(),
    });
    if let Some(known) = &key.metadata {
        describe(known, &mut out);
    }
    json!({ "KeyMetadata": out })
}

fn describe(known: &KeyMetadata, out: &mut Value) {
    let manager = match known.manager {
        KeyManager::Customer => "CUSTOMER",
        KeyManager::Aws => "AWS",
    };
    put(out, "Description", known.description.as_deref().unwrap_or_default().into());
    put(out, "KeyManager", manager.into());
    put(out, "MultiRegion", known.multi_region.is_some().into());
    let texts = [
        ("KeySpec", &known.spec),
        ("CustomerMasterKeySpec", &known.spec),
        ("KeyUsage", &known.usage),
        ("KeyState", &known.state),
        ("Origin", &known.origin),
    ];
    for (name, text) in texts {
        put_text(out, name, text.as_deref());
    }
    if let Some(state) = &known.state {
        put(out, "Enabled", json!(&**state == "Enabled"));
    }
    if let Some(related) = &known.multi_region {
        let region = |arn: &str| arn.split(':').nth(3).unwrap_or_default().to_owned();
        let named = |arn: &str| json!({ "Arn": arn, "Region": region(arn) });
        let replicas: Value = related.replicas.iter().map(|arn| named(arn)).collect();
        let configuration = json!({
            "MultiRegionKeyType": related.role.name(),
            "PrimaryKey": related.primary.as_deref().map(named),
            "ReplicaKeys": replicas,
        });
        put(out, "MultiRegionConfiguration", configuration);
    }
}

fn get_key_policy(policy: &PolicyDocument) -> Value {
    json!({ "Policy": policy.written(), "PolicyName": "default" })
}

fn list_grants(key: &Key) -> Value {
    let grants: Value = key.grants.iter().map(|grant| grant_entry(key, grant)).collect();
    // What was not exported stays unknown, whatever clients added.
    json!({ "Grants": grants, "Truncated": !key.grants_listed })
}

/// A grant as ListGrants tells it, without its creation date.
fn grant_entry(key: &Key, grant: &Grant) -> Value {
    let mut operations: Vec<&str> = grant.operations.iter().map(KmsAction::name).collect();
    operations.extend(grant.unknown_operations.iter().map(AsRef::as_ref));
    let mut out = json!({
        "KeyId": key.arn.as_str(),
        "GrantId": &*grant.id,
        "Operations": operations,
    });
    put_text(&mut out, "Name", grant.name.as_deref());
    let parties = [(Some(&grant.grantee), "Grantee"), (grant.retiring.as_ref(), "Retiring")];
    for (party, role) in parties {
        let name = match party {
            Some(Grantee::Service(_)) => format!("{role}ServicePrincipal"),
            _ => format!("{role}Principal"),
        };
        let text = party.map(|party| party.shown(key.arn.partition()));
        put_text(&mut out, &name, text.as_deref());
    }
    if let Some(account) = grant.issuing_account {
        let root = format!("arn:{}:iam::{account}:root", key.arn.partition());
        put(&mut out, "IssuingAccount", root.into());
    }
    let mut constraints = json!({});
    let pairs = [
        ("EncryptionContextEquals", &grant.constraints.equals),
        ("EncryptionContextSubset", &grant.constraints.subset),
    ];
    for (name, pairs) in pairs {
        if let Some(pairs) = pairs {
            put(&mut constraints, name, json!(pairs));
        }
    }
    put_text(&mut constraints, "SourceArn", grant.constraints.source_arn.as_deref());
    if constraints.as_object().is_some_and(|constraints| !constraints.is_empty()) {
        put(&mut out, "Constraints", constraints);
    }
    out
}

fn list_resource_tags(tags: &Tags) -> Value {
    let tags: Value =
        tags.iter().map(|(key, value)| json!({ "TagKey": key, "TagValue": value })).collect();
    json!({ "Tags": tags, "Truncated": false })
}

fn list_aliases(world: &Inventory, key: &Key) -> Value {
    let alias = |alias: &crate::inventory::Alias| {
        json!({
            "AliasName": alias.arn.name(),
            "AliasArn": alias.arn.as_str(),
            "TargetKeyId": key.arn.id(),
        })
    };
    let aliases: Value = world.aliases_of(key).map(alias).collect();
    json!({ "Aliases": aliases, "Truncated": !key.aliases_listed })
}

fn put(out: &mut Value, name: &str, value: Value) {
    if let Some(members) = out.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn put_text(out: &mut Value, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        put(out, name, text.into());
    }
}

/// The document of an account: its users, groups, roles and policies.
pub fn of_account(account: &Account) -> Writes {
    let of = |kind: IdentityKind| {
        let all = account.identities.values().filter(move |identity| identity.kind == kind);
        all.map(entity).collect::<Vec<Entity<'_>>>()
    };
    let details = Details {
        user_detail_list: of(IdentityKind::User),
        group_detail_list: account.groups.values().map(group).collect(),
        role_detail_list: of(IdentityKind::Role),
        policies: account.policies.values().map(managed).collect(),
        is_truncated: false,
    };
    let mut bytes = serde_json::to_vec_pretty(&details).unwrap_or_default();
    bytes.push(b'\n');
    let name = format!("{}/iam/account-authorization-details.json", account.id);
    Writes::from([(name, Some(bytes))])
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Details<'a> {
    user_detail_list: Vec<Entity<'a>>,
    group_detail_list: Vec<Entity<'a>>,
    role_detail_list: Vec<Entity<'a>>,
    policies: Vec<Managed<'a>>,
    is_truncated: bool,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entity<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_name: Option<&'a str>,
    arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_role_policy_document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_session_duration: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_policy_list: Option<Vec<Inline<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_list: Option<Vec<&'a str>>,
    attached_managed_policies: Vec<Attached<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary: Option<Boundary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Map<String, Value>>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Inline<'a> {
    policy_name: &'a str,
    policy_document: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attached<'a> {
    policy_name: &'a str,
    policy_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Boundary<'a> {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Managed<'a> {
    policy_name: &'a str,
    arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_version_id: Option<&'a str>,
    policy_version_list: Vec<Version<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version<'a> {
    version_id: &'a str,
    is_default_version: bool,
    document: Box<RawValue>,
}

/// A user or role as GetAccountAuthorizationDetails tells it.
pub(super) fn entity(identity: &Identity) -> Entity<'_> {
    let (name, id) = (Some(&*identity.name), identity.unique_id.as_deref());
    let tag = |key: &str, value: &str| {
        let member = |name: &str, text: &str| (name.to_owned(), Value::from(text));
        Map::from_iter([member("Key", key), member("Value", value)])
    };
    let common = Entity {
        path: path(&identity.arn, &identity.name),
        arn: &identity.arn,
        attached_managed_policies: attached(&identity.attached),
        permissions_boundary: identity.boundary.as_ref().map(|boundary| Boundary {
            permissions_boundary_type: "Policy",
            permissions_boundary_arn: &boundary.arn,
        }),
        tags: Some(identity.tags.iter().map(|(key, value)| tag(key, value)).collect()),
        ..Entity::default()
    };
    match identity.kind {
        IdentityKind::User => Entity {
            user_name: name,
            user_id: id,
            user_policy_list: Some(inline(&identity.inline)),
            group_list: Some(identity.groups.iter().map(|group| &**group).collect()),
            ..common
        },
        IdentityKind::Role => Entity {
            role_name: name,
            role_id: id,
            role_policy_list: Some(inline(&identity.inline)),
            assume_role_policy_document: identity.trust.as_ref().map(policy),
            max_session_duration: identity.max_session,
            ..common
        },
    }
}

/// A group.
pub(super) fn group(group: &Group) -> Entity<'_> {
    Entity {
        path: path(&group.arn, &group.name),
        arn: &group.arn,
        group_name: Some(&group.name),
        group_policy_list: Some(inline(&group.inline)),
        attached_managed_policies: attached(&group.attached),
        ..Entity::default()
    }
}

/// A managed policy.
pub(super) fn managed(policy: &ManagedPolicy) -> Managed<'_> {
    let default = policy.default_version.as_deref();
    let version = |version: &'_ crate::inventory::PolicyVersion| {
        (default == Some(&*version.id), self::policy(&version.document))
    };
    let versions = policy.versions.iter().map(|one| {
        let (is_default_version, document) = version(one);
        Version { version_id: &one.id, is_default_version, document }
    });
    Managed {
        policy_name: policy_name(&policy.arn),
        arn: &policy.arn,
        default_version_id: default,
        policy_version_list: versions.collect(),
    }
}

fn inline(policies: &[NamedPolicy]) -> Vec<Inline<'_>> {
    let inline = policies
        .iter()
        .map(|one| Inline { policy_name: &one.name, policy_document: policy(&one.document) });
    inline.collect()
}

fn attached(policies: &[AttachedPolicy]) -> Vec<Attached<'_>> {
    let name = |one| policy_name(one);
    policies
        .iter()
        .map(|one| Attached { policy_name: name(&one.arn), policy_arn: &one.arn })
        .collect()
}

/// What stands between the kind and the name: `/`, or `/team/` and deeper.
fn path<'a>(arn: &'a str, name: &str) -> &'a str {
    let located = arn.strip_suffix(name).and_then(|arn| arn.split_once('/'));
    located.and_then(|(kind, _)| arn.get(kind.len()..arn.len() - name.len())).unwrap_or("/")
}

/// The text as it is, so that what is wrong with it stays; one that is no JSON goes as a string.
fn policy(document: &PolicyDocument) -> Box<RawValue> {
    let text = document.written().into_owned();
    RawValue::from_string(text).unwrap_or_else(|_| {
        let quoted = Value::from(document.text()).to_string();
        RawValue::from_string(quoted).unwrap_or_default()
    })
}
