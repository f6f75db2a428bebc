//! A world as files: a scenario, the canonical export, and the same export cut up and laid out otherwise.

use std::collections::BTreeMap;

use keyreach::source::Memory;
use serde_json::{Map, Value, json};

use super::{Account, Identity, Key, Level, ORGANIZATION_ID, Organization, Policy, World};
use crate::support::seeds::Random;

/// Files by path.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// The files as something to load from.
pub fn memory(files: &Tree) -> Memory {
    let mut memory = Memory::default();
    for (path, bytes) in files {
        memory.put(path.clone(), bytes.clone());
    }
    memory
}

/// A policy document as AWS writes it.
pub fn document(policy: &Policy) -> Value {
    json!({ "Version": policy.version, "Statement": policy.statements })
}

/// The world as a scenario, each of its parts on one line.
pub fn scenario(world: &World) -> String {
    let mut text = "keyreach: scenario/1\n".to_owned();
    for (name, value) in parts(world) {
        text += &format!("{name}: {value}\n");
    }
    text
}

/// The world as a scenario in block style.
pub fn block_scenario(world: &World) -> String {
    let mut root = serde_yaml::Mapping::new();
    root.insert("keyreach".into(), "scenario/1".into());
    for (name, value) in parts(world) {
        root.insert(name.into(), serde_yaml::to_value(value).unwrap());
    }
    serde_yaml::to_string(&root).unwrap()
}

fn parts(world: &World) -> Vec<(&'static str, Value)> {
    let accounts: Map<String, Value> = world
        .accounts
        .iter()
        .map(|account| (account.id.to_owned(), scenario_account(account)))
        .collect();
    let mut parts = vec![("accounts", Value::Object(accounts))];
    if let Some(organization) = &world.organization {
        let mut root = scenario_level(organization, 0);
        root["id"] = ORGANIZATION_ID.into();
        root["root"] = organization.levels[0].id.as_str().into();
        root["management"] = organization.management.into();
        parts.push(("organization", root));
    }
    if !world.endpoints.is_empty() {
        let endpoints = world.endpoints.iter();
        let endpoints: Map<String, Value> =
            endpoints.map(|(id, policy)| (id.clone(), document(policy))).collect();
        parts.push(("endpoints", Value::Object(endpoints)));
    }
    parts
}

fn scenario_account(account: &Account) -> Value {
    let identities = |roles: bool| -> Map<String, Value> {
        let wanted = account.identities.iter().filter(|identity| identity.is_role == roles);
        wanted.map(|identity| (identity.name.clone(), scenario_identity(identity))).collect()
    };
    let groups = account.groups.iter().map(|group| {
        let policies = policies(&group.inline, &group.attached);
        (group.name.clone(), json!({ "policies": policies }))
    });
    let managed = account.managed.iter().map(|managed| {
        let written = match &managed.old {
            None => document(&managed.policy),
            Some(old) => json!({
                "versions": { "v1": document(old), "v2": document(&managed.policy) },
                "default": "v2",
            }),
        };
        (managed.name.clone(), written)
    });
    let keys = account.keys.iter().map(|key| (format!("K-{}", key.id), scenario_key(key)));
    json!({
        "users": identities(false),
        "roles": identities(true),
        "groups": groups.collect::<Map<String, Value>>(),
        "policies": managed.collect::<Map<String, Value>>(),
        "keys": keys.collect::<Map<String, Value>>(),
    })
}

fn policies(inline: &[Policy], attached: &[String]) -> Vec<Value> {
    inline.iter().map(document).chain(attached.iter().map(|arn| arn.as_str().into())).collect()
}

fn scenario_identity(identity: &Identity) -> Value {
    let mut value = json!({
        "path": identity.path,
        "id": identity.unique_id,
        "tags": pairs(&identity.tags),
        "policies": policies(&identity.inline, &identity.attached),
    });
    if let Some(boundary) = &identity.boundary {
        value["boundary"] = boundary.as_str().into();
    }
    if identity.is_role {
        value["trust"] = document(&identity.trust);
    } else {
        value["groups"] = identity.groups.clone().into();
    }
    value
}

fn pairs(pairs: &[(String, String)]) -> Map<String, Value> {
    pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

fn scenario_key(key: &Key) -> Value {
    let grants = key.grants.iter().map(|grant| {
        let mut value = json!({
            "id": grant.id,
            "to": principal(&grant.grantee),
            "operations": grant.operations,
        });
        if let Some(retiring) = &grant.retiring {
            value["retiring"] = retiring.as_str().into();
        }
        if let Some(equals) = &grant.equals {
            value["context_equals"] = pairs(equals).into();
        }
        if let Some(subset) = &grant.subset {
            value["context_subset"] = pairs(subset).into();
        }
        if let Some(source) = &grant.source_arn {
            value["source_arn"] = source.as_str().into();
        }
        value
    });
    let mut value = json!({
        "id": key.id,
        "region": key.region,
        "policy": document(&key.policy),
        "aliases": key.aliases,
        "tags": pairs(&key.tags),
        "spec": key.spec.0,
        "usage": key.spec.1,
        "origin": key.origin,
        "state": key.state,
        "manager": if key.is_aws_managed { "aws" } else { "customer" },
        "grants": grants.collect::<Vec<_>>(),
    });
    if key.is_primary {
        value["multi_region"] = "primary".into();
    }
    value
}

/// A principal of a grant in the words of a scenario.
fn principal(grantee: &str) -> String {
    let is_service = grantee.ends_with(".amazonaws.com");
    if is_service { format!("service:{grantee}") } else { grantee.to_owned() }
}

fn scenario_level(organization: &Organization, at: usize) -> Value {
    let level = &organization.levels[at];
    let mut value = level_policies(level);
    let below = || organization.levels.iter().enumerate().filter(|(_, it)| it.above == Some(at));
    let units = below().filter(|(_, level)| !level.is_account()).map(|(nth, level)| {
        let mut unit = scenario_level(organization, nth);
        unit["id"] = level.id.as_str().into();
        (format!("unit-{nth}"), unit)
    });
    value["units"] = Value::Object(units.collect());
    let accounts = below().filter(|(_, level)| level.is_account());
    let accounts = accounts.map(|(_, level)| (level.id.clone(), level_policies(level)));
    value["accounts"] = Value::Object(accounts.collect());
    value
}

fn level_policies(level: &Level) -> Value {
    json!({
        "full_access": level.full_access,
        "scps": level.scps.iter().map(document).collect::<Vec<_>>(),
        "rcps": level.rcps.iter().map(document).collect::<Vec<_>>(),
    })
}

/// The world in the canonical layout below `export`.
pub fn canonical(world: &World) -> Tree {
    let mut files = Tree::new();
    for account in &world.accounts {
        let details = json!({
            "UserDetailList": details(account, false),
            "RoleDetailList": details(account, true),
            "GroupDetailList": group_details(account),
            "Policies": managed_details(account),
        });
        let path = format!("export/{}/iam/account-authorization-details.json", account.id);
        files.insert(path, pretty(&details));
        for key in &account.keys {
            let folder = format!("export/{}/{}/kms/{}", account.id, key.region, key.id);
            for (name, value) in key_files(account.id, key) {
                files.insert(format!("{folder}/{name}.json"), pretty(&value));
            }
        }
    }
    organization_files(world, &mut files);
    if !world.endpoints.is_empty() {
        let endpoints = world.endpoints.iter().map(|(id, policy)| {
            json!({ "VpcEndpointId": id, "ServiceName": "com.amazonaws.us-east-1.kms",
                "PolicyDocument": document(policy).to_string() })
        });
        let endpoints = json!({ "VpcEndpoints": endpoints.collect::<Vec<_>>() });
        files.insert("export/describe-vpc-endpoints.json".to_owned(), pretty(&endpoints));
    }
    files
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap()
}

fn details(account: &Account, roles: bool) -> Vec<Value> {
    let wanted = account.identities.iter().filter(|identity| identity.is_role == roles);
    let detail = |identity: &Identity| {
        let word = if roles { "Role" } else { "User" };
        let mut value = json!({
            "Path": identity.path,
            format!("{word}Name"): identity.name,
            format!("{word}Id"): identity.unique_id,
            "Arn": identity.arn,
            "CreateDate": "2024-01-01T00:00:00+00:00",
            format!("{word}PolicyList"): inline(&identity.inline),
            "AttachedManagedPolicies": attached(&identity.attached),
            "Tags": tags(&identity.tags, "Key", "Value"),
        });
        if let Some(boundary) = &identity.boundary {
            value["PermissionsBoundary"] = json!({
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": boundary,
            });
        }
        if roles {
            value["AssumeRolePolicyDocument"] = document(&identity.trust);
            value["InstanceProfileList"] = json!([]);
        } else {
            value["GroupList"] = identity.groups.clone().into();
        }
        value
    };
    wanted.map(detail).collect()
}

fn group_details(account: &Account) -> Vec<Value> {
    let detail = |group: &super::Group| {
        json!({
            "Path": "/",
            "GroupName": group.name,
            "GroupId": format!("AGPA{:A<17}", group.name.to_uppercase()),
            "Arn": format!("arn:aws:iam::{}:group/{}", account.id, group.name),
            "CreateDate": "2024-01-01T00:00:00+00:00",
            "GroupPolicyList": inline(&group.inline),
            "AttachedManagedPolicies": attached(&group.attached),
        })
    };
    account.groups.iter().map(detail).collect()
}

fn managed_details(account: &Account) -> Vec<Value> {
    let detail = |managed: &super::Managed| {
        let version = |id: &str, policy: &Policy, is_default: bool| {
            json!({ "Document": document(policy), "VersionId": id,
                "IsDefaultVersion": is_default, "CreateDate": "2024-01-01T00:00:00+00:00" })
        };
        let mut versions = vec![version("v2", &managed.policy, true)];
        versions.extend(managed.old.iter().map(|old| version("v1", old, false)));
        json!({
            "PolicyName": managed.name,
            "PolicyId": format!("ANPA{:A<17}", managed.name.to_uppercase().replace('-', "")),
            "Arn": managed.arn,
            "Path": "/",
            "DefaultVersionId": "v2",
            "IsAttachable": true,
            "PolicyVersionList": versions,
        })
    };
    account.managed.iter().map(detail).collect()
}

fn inline(policies: &[Policy]) -> Vec<Value> {
    let named = |(nth, policy)| json!({ "PolicyName": format!("p{nth}"), "PolicyDocument": document(policy) });
    policies.iter().enumerate().map(named).collect()
}

fn attached(arns: &[String]) -> Vec<Value> {
    let named =
        |arn: &String| json!({ "PolicyName": arn.rsplit('/').next().unwrap(), "PolicyArn": arn });
    arns.iter().map(named).collect()
}

fn tags(tags: &[(String, String)], key: &str, value: &str) -> Vec<Value> {
    tags.iter().map(|(name, text)| json!({ key: name, value: text })).collect()
}

fn key_files(account: &str, key: &Key) -> Vec<(&'static str, Value)> {
    let mut metadata = json!({
        "AWSAccountId": account,
        "KeyId": key.id,
        "Arn": key.arn,
        "Enabled": key.state == "Enabled",
        "KeyUsage": key.spec.1,
        "KeyState": key.state,
        "Origin": key.origin,
        "KeyManager": if key.is_aws_managed { "AWS" } else { "CUSTOMER" },
        "KeySpec": key.spec.0,
        "CustomerMasterKeySpec": key.spec.0,
        "MultiRegion": key.is_primary,
    });
    if key.is_primary {
        metadata["MultiRegionConfiguration"] = json!({
            "MultiRegionKeyType": "PRIMARY",
            "PrimaryKey": { "Arn": key.arn, "Region": key.region },
            "ReplicaKeys": [],
        });
    }
    let aliases = key.aliases.iter().map(|name| {
        json!({ "AliasName": name, "TargetKeyId": key.id,
            "AliasArn": format!("arn:aws:kms:{}:{account}:{name}", key.region) })
    });
    vec![
        ("describe-key", json!({ "KeyMetadata": metadata })),
        (
            "get-key-policy",
            json!({ "Policy": document(&key.policy).to_string(), "PolicyName": "default" }),
        ),
        ("list-grants", json!({ "Grants": grants(account, key), "Truncated": false })),
        (
            "list-resource-tags",
            json!({ "Tags": tags(&key.tags, "TagKey", "TagValue"), "Truncated": false }),
        ),
        ("list-aliases", json!({ "Aliases": aliases.collect::<Vec<_>>(), "Truncated": false })),
    ]
}

fn grants(account: &str, key: &Key) -> Vec<Value> {
    let written = |grant: &super::Grant| {
        let mut constraints = Map::new();
        if let Some(equals) = &grant.equals {
            constraints.insert("EncryptionContextEquals".into(), pairs(equals).into());
        }
        if let Some(subset) = &grant.subset {
            constraints.insert("EncryptionContextSubset".into(), pairs(subset).into());
        }
        if let Some(source) = &grant.source_arn {
            constraints.insert("SourceArn".into(), source.as_str().into());
        }
        let member = match grant.grantee.ends_with(".amazonaws.com") {
            true => "GranteeServicePrincipal",
            false => "GranteePrincipal",
        };
        let mut value = json!({
            "KeyId": key.arn,
            "GrantId": grant.id,
            "CreationDate": "2024-01-01T00:00:00+00:00",
            member: grant.grantee,
            "IssuingAccount": format!("arn:aws:iam::{account}:root"),
            "Operations": grant.operations,
        });
        if let Some(retiring) = &grant.retiring {
            value["RetiringPrincipal"] = retiring.as_str().into();
        }
        if !constraints.is_empty() {
            value["Constraints"] = Value::Object(constraints);
        }
        value
    };
    key.grants.iter().map(written).collect()
}

fn organization_files(world: &World, files: &mut Tree) {
    let Some(organization) = &world.organization else { return };
    let mut put = |name: &str, value: Value| {
        files.insert(format!("export/organizations/{name}.json"), pretty(&value));
    };
    let management = organization.management;
    let arn = |kind: &str, id: &str| {
        format!("arn:aws:organizations::{management}:{kind}/{ORGANIZATION_ID}/{id}")
    };
    put(
        "describe-organization",
        json!({ "Organization": { "Id": ORGANIZATION_ID, "MasterAccountId": management,
            "Arn": format!("arn:aws:organizations::{management}:organization/{ORGANIZATION_ID}"),
            "FeatureSet": "ALL" } }),
    );
    let mut levels = organization.levels.clone();
    if !levels.iter().any(|level| level.id == management) {
        let id = management.to_owned();
        let (scps, rcps) = (Vec::new(), Vec::new());
        levels.push(Level { id, above: Some(0), full_access: true, scps, rcps });
    }
    let kinds = [
        ("SERVICE_CONTROL_POLICY", levels.iter().any(|it| it.full_access || !it.scps.is_empty())),
        ("RESOURCE_CONTROL_POLICY", levels.iter().any(|it| !it.rcps.is_empty())),
    ];
    let kinds = kinds.iter().filter(|(_, is_used)| *is_used);
    let kinds: Vec<Value> =
        kinds.map(|(kind, _)| json!({ "Type": kind, "Status": "ENABLED" })).collect();
    let root = &levels[0].id;
    put(
        "list-roots",
        json!({ "Roots": [{ "Id": root, "Arn": arn("root", root), "Name": "Root",
            "PolicyTypes": kinds }] }),
    );
    let account = |level: &Level| {
        json!({ "Id": level.id, "Arn": arn("account", &level.id), "Name": level.id,
            "Status": "ACTIVE" })
    };
    let accounts = levels.iter().filter(|level| level.is_account());
    put("list-accounts", json!({ "Accounts": accounts.map(account).collect::<Vec<_>>() }));
    for (at, level) in levels.iter().enumerate().filter(|(_, level)| !level.is_account()) {
        let below = || levels.iter().filter(|below| below.above == Some(at));
        let units = below().filter(|below| !below.is_account());
        let units: Vec<Value> = units
            .map(|unit| json!({ "Id": unit.id, "Arn": arn("ou", &unit.id), "Name": unit.id }))
            .collect();
        let accounts: Vec<Value> = below().filter(|it| it.is_account()).map(account).collect();
        let id = &level.id;
        put(
            &format!("list-organizational-units-for-parent.{id}"),
            json!({ "OrganizationalUnits": units }),
        );
        put(&format!("list-accounts-for-parent.{id}"), json!({ "Accounts": accounts }));
    }
    let everything = Policy {
        version: "2012-10-17",
        statements: vec![json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })],
    };
    let mut policies = vec![("p-FullAWSAccess".to_owned(), 0, &everything, Vec::new())];
    for level in &levels {
        if level.full_access {
            policies[0].3.push(level.id.clone());
        }
        for (kind, list) in [(0, &level.scps), (1, &level.rcps)] {
            for (nth, policy) in list.iter().enumerate() {
                let word = ["scp", "rcp"][kind];
                let id = format!("p-{word}{nth}{}", level.id.replace('-', ""));
                policies.push((id, kind, policy, vec![level.id.clone()]));
            }
        }
    }
    for (id, kind, policy, targets) in policies {
        let kind = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"][kind];
        let place = arn(&format!("policy/{}", kind.to_lowercase()), &id);
        put(
            &format!("policies/{id}/describe-policy"),
            json!({ "Policy": { "PolicySummary": { "Id": id, "Arn": place, "Name": id,
                "Type": kind, "AwsManaged": false }, "Content": document(policy).to_string() } }),
        );
        let targets: Vec<Value> = targets.iter().map(|id| json!({ "TargetId": id })).collect();
        put(&format!("policies/{id}/list-targets-for-policy"), json!({ "Targets": targets }));
    }
}

/// The same world with its files renamed, cut into pages and put together.
pub fn rearranged(world: &World, random: &mut Random) -> Tree {
    let mut files = canonical(world);
    for account in &world.accounts {
        let path = format!("export/{}/iam/account-authorization-details.json", account.id);
        files.remove(&path).unwrap();
        let folder = format!("export/{}/{}", random.pick(&["a", "z"]), account.id);
        for (name, value) in pages(account, random) {
            files.insert(format!("{folder}/{name}.json"), value);
        }
    }
    let folder = *random.pick(&["export", "b/export", "y/deeper/one"]);
    let mut moved = Tree::new();
    for (path, bytes) in files {
        let path = path.replacen("export", folder, 1);
        let bytes = if random.chance(30) { compact(&bytes) } else { bytes };
        moved.insert(path, bytes);
    }
    moved
}

fn compact(bytes: &[u8]) -> Vec<u8> {
    let values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    values.flat_map(|value| serde_json::to_vec(&value.unwrap()).unwrap()).collect()
}

/// The details of an account: each list a page of its own, or all pages one behind the other in a file,
/// or the policies percent-encoded as the API has them.
fn pages(account: &Account, random: &mut Random) -> Vec<(String, Vec<u8>)> {
    let mut lists = [
        ("UserDetailList", details(account, false)),
        ("RoleDetailList", details(account, true)),
        ("GroupDetailList", group_details(account)),
        ("Policies", managed_details(account)),
    ];
    if random.chance(50) {
        for (_, list) in &mut lists {
            list.iter_mut().for_each(encode_policies);
        }
    }
    let mut pages: Vec<Value> = Vec::new();
    for (name, list) in &lists {
        let (first, second) = list.split_at(list.len() / 2);
        for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
            let mut page = json!({ "UserDetailList": [], "RoleDetailList": [],
                "GroupDetailList": [], "Policies": [], "IsTruncated": true, "Marker": "more" });
            page[*name] = Value::from(part.to_vec());
            pages.push(page);
        }
    }
    random.shuffle(&mut pages);
    if let Some(last) = pages.last_mut() {
        last["IsTruncated"] = false.into();
    }
    match random.below(3) {
        0 => {
            let named = |(nth, page): (usize, Value)| {
                (format!("account-authorization-details-{nth}"), pretty(&page))
            };
            pages.into_iter().enumerate().map(named).collect()
        }
        1 => {
            let all: Vec<u8> =
                pages.iter().flat_map(|page| [pretty(page), b"\n".to_vec()]).flatten().collect();
            vec![("all".to_owned(), all)]
        }
        _ => vec![("list".to_owned(), pretty(&pages.into()))],
    }
}

/// Percent-encodes every policy document below `value`, as the IAM API answers.
fn encode_policies(value: &mut Value) {
    const NAMES: [&str; 3] = ["PolicyDocument", "Document", "AssumeRolePolicyDocument"];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if NAMES.contains(&name.as_str()) {
                    *member = percent(&member.to_string()).into();
                } else {
                    encode_policies(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(encode_policies),
        _ => {}
    }
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let written = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(written).collect()
}

/// The world as the outputs of single calls about each user, role, group and policy.
pub fn single_calls(world: &World) -> Tree {
    let mut files = canonical(world);
    for account in &world.accounts {
        let folder = format!("export/{}/iam", account.id);
        files.remove(&format!("{folder}/account-authorization-details.json")).unwrap();
        let mut put = |name: String, value: Value| {
            files.insert(format!("{folder}/{name}.json"), pretty(&value));
        };
        for (word, lower, roles) in [("User", "user", false), ("Role", "role", true)] {
            let mut all = details(account, roles);
            for (identity, detail) in
                account.identities.iter().filter(|it| it.is_role == roles).zip(&mut all)
            {
                let name = &identity.name;
                principal_calls(&mut put, word, lower, name, &identity.inline, &identity.attached);
                if !roles {
                    let groups =
                        account.groups.iter().filter(|it| identity.groups.contains(&it.name));
                    let groups: Vec<Value> =
                        groups.map(|it| listed_group(account, &it.name)).collect();
                    put(format!("list-groups-for-user.{name}"), json!({ "Groups": groups }));
                }
                let members = detail.as_object_mut().unwrap();
                for gone in
                    ["UserPolicyList", "RolePolicyList", "AttachedManagedPolicies", "GroupList"]
                {
                    members.remove(gone);
                }
                put(format!("get-{lower}.{name}"), json!({ word: detail }));
            }
            put(format!("list-{lower}s"), json!({ format!("{word}s"): all }));
        }
        for group in &account.groups {
            principal_calls(
                &mut put,
                "Group",
                "group",
                &group.name,
                &group.inline,
                &group.attached,
            );
        }
        let groups = account.groups.iter().map(|group| listed_group(account, &group.name));
        put("list-groups".to_owned(), json!({ "Groups": groups.collect::<Vec<_>>() }));
        for (managed, mut detail) in account.managed.iter().zip(managed_details(account)) {
            let versions = detail.as_object_mut().unwrap().remove("PolicyVersionList").unwrap();
            let name = &managed.name;
            put(format!("get-policy.{name}"), json!({ "Policy": detail }));
            for version in versions.as_array().unwrap() {
                let id = version["VersionId"].as_str().unwrap();
                put(format!("get-policy-version.{name}.{id}"), json!({ "PolicyVersion": version }));
            }
        }
    }
    files
}

fn listed_group(account: &Account, name: &str) -> Value {
    json!({ "Path": "/", "GroupName": name, "GroupId": format!("AGPA{:A<17}", name.to_uppercase()),
        "Arn": format!("arn:aws:iam::{}:group/{name}", account.id) })
}

/// What three calls say of a user, role or group.
fn principal_calls(
    put: &mut impl FnMut(String, Value),
    word: &str,
    lower: &str,
    name: &str,
    inline: &[Policy],
    managed: &[String],
) {
    let names: Vec<String> = (0..inline.len()).map(|nth| format!("p{nth}")).collect();
    for (policy, policy_name) in inline.iter().zip(&names) {
        put(
            format!("get-{lower}-policy.{name}.{policy_name}"),
            json!({ format!("{word}Name"): name, "PolicyName": policy_name,
                "PolicyDocument": document(policy) }),
        );
    }
    put(format!("list-{lower}-policies.{name}"), json!({ "PolicyNames": names }));
    put(
        format!("list-attached-{lower}-policies.{name}"),
        json!({ "AttachedPolicies": attached(managed) }),
    );
}
