//! Exports as the aws CLI writes them, loaded: a small world in the canonical layout, and the same in
//! single calls.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

use std::fmt::Write as _;

use keyreach::ingest::{Loaded, load, read_text};
use keyreach::inventory::{Inventory, NamedPolicy};
use keyreach::policy::PolicyDocument;
use keyreach::source::{Files, Memory};
use keyreach::syntax::json;

pub const ACCOUNT: &str = "111122223333";
pub const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
pub const OTHER_KEY: &str = "mrk-0987dcba09fe87dc65ba0987654321fe";

pub fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}")
}

pub fn loaded(files: &[(&str, &str)]) -> Loaded {
    load(&memory(files), &[".".to_owned()])
}

pub fn memory(files: &[(&str, &str)]) -> Memory {
    let mut memory = Memory::default();
    for (path, text) in files {
        memory.put(*path, *text);
    }
    memory
}

/// Loads files that are all used and have no problem.
pub fn world(files: &[(&str, &str)]) -> Inventory {
    let loaded = loaded(files);
    assert_eq!(loaded.problems, [], "{files:?}");
    assert_eq!((loaded.used, loaded.skipped), (files.len(), 0), "{files:?}");
    loaded.inventory
}

/// The gaps of what the files state, in words.
pub fn gaps(inventory: &Inventory) -> Vec<String> {
    inventory.gaps.iter().map(|gap| gap.kind.to_string()).collect()
}

pub fn conflicts(inventory: &Inventory) -> Vec<String> {
    let path = |place: keyreach::source::Place| inventory.sources.path(place.file).to_owned();
    inventory
        .conflicts
        .iter()
        .map(|it| format!("{}: {} not {}", it.what, path(it.kept), path(it.other)))
        .collect()
}

/// Everything an inventory says but for where it stands, a fact a line.
pub fn normal(inventory: &Inventory) -> String {
    let mut out = String::new();
    let policy = |policy: &PolicyDocument| policy.policy().normal_form();
    let inline = |list: &[NamedPolicy]| {
        let mut list: Vec<String> =
            list.iter().map(|it| format!("{}={}", it.name, policy(&it.document))).collect();
        list.sort();
        list.join(";")
    };
    for account in inventory.accounts.values() {
        let (id, name, listed) = (account.id, &account.name, account.identities_listed);
        writeln!(out, "account {id} {name:?} {listed}").unwrap();
        for it in account.identities.values() {
            let mut attached: Vec<_> = it.attached.iter().map(|policy| &policy.arn).collect();
            attached.sort();
            let boundary = it.boundary.as_ref().map(|policy| &policy.arn);
            let trust = it.trust.as_ref().map(policy);
            let (arn, tags, groups) = (&it.arn, &it.tags, &it.groups);
            let inline = inline(&it.inline);
            let (kind, unique) = (it.kind, &it.unique_id);
            writeln!(
                out,
                "{kind:?} {arn} {unique:?} {tags:?} {groups:?} {attached:?} {boundary:?} {trust:?} {inline}"
            )
            .unwrap();
        }
        for it in account.groups.values() {
            let mut attached: Vec<_> = it.attached.iter().map(|policy| &policy.arn).collect();
            attached.sort();
            writeln!(out, "group {} {attached:?} {}", it.arn, inline(&it.inline)).unwrap();
        }
        for it in account.policies.values() {
            let mut versions: Vec<String> = it
                .versions
                .iter()
                .map(|version| format!("{}={}", version.id, policy(&version.document)))
                .collect();
            versions.sort();
            writeln!(out, "policy {} {:?} {versions:?}", it.arn, it.default_version).unwrap();
        }
    }
    for key in inventory.keys.values() {
        let mut grants: Vec<String> = key
            .grants
            .iter()
            .map(|it| {
                let (id, operations) = (&it.id, it.operations);
                format!(
                    "{id} {:?} {:?} {operations:?} {:?}",
                    it.grantee, it.retiring, it.constraints
                )
            })
            .collect();
        grants.sort();
        let policies = (key.policy.as_ref().map(policy), key.ram_policy.as_ref().map(policy));
        writeln!(
            out,
            "key {} {:?} {policies:?} {grants:?} {} {:?} {} {:?} {:?}",
            key.arn,
            key.metadata,
            key.grants_listed,
            key.aliases,
            key.aliases_listed,
            key.tags,
            key.rotation
        )
        .unwrap();
    }
    for alias in inventory.aliases.values() {
        writeln!(out, "alias {} {:?}", alias.arn, alias.target).unwrap();
    }
    if let Some(it) = &inventory.organization {
        writeln!(out, "organization {:?} {:?} {:?}", it.id, it.management_account, it.enabled)
            .unwrap();
        writeln!(out, "{:?} {:?} {:?} {:?}", it.units, it.parents, it.accounts, it.attachments)
            .unwrap();
        for it in it.policies.values() {
            let document = it.document.as_ref().map(policy);
            writeln!(out, "{:?} {} {} {document:?}", it.kind, it.id, it.name).unwrap();
        }
    }
    for (id, endpoint) in &inventory.endpoints {
        writeln!(out, "endpoint {id} {}", policy(endpoint)).unwrap();
    }
    let mut loose: Vec<String> = inventory.loose.iter().map(|it| policy(&it.document)).collect();
    loose.sort();
    writeln!(out, "loose {loose:?}\ngaps {:?}", gaps(inventory)).unwrap();
    out
}

/// Every policy of an inventory.
pub fn policies(inventory: &Inventory) -> Vec<&PolicyDocument> {
    let mut all = Vec::new();
    for account in inventory.accounts.values() {
        for identity in account.identities.values() {
            all.extend(identity.trust.iter());
            all.extend(identity.inline.iter().map(|policy| &policy.document));
        }
        for group in account.groups.values() {
            all.extend(group.inline.iter().map(|policy| &policy.document));
        }
        for policy in account.policies.values() {
            all.extend(policy.versions.iter().map(|version| &version.document));
        }
    }
    for key in inventory.keys.values() {
        all.extend(key.policy.iter().chain(&key.ram_policy));
    }
    if let Some(organization) = &inventory.organization {
        all.extend(organization.policies.values().filter_map(|policy| policy.document.as_ref()));
    }
    all.extend(inventory.endpoints.values());
    all.extend(inventory.loose.iter().map(|policy| &policy.document));
    all
}

/// Each statement of each policy is written where its span leads to in the file.
pub fn check_places(files: &dyn Files, inventory: &Inventory) -> usize {
    let mut count = 0;
    for document in policies(inventory) {
        let path = inventory.sources.path(document.place.file);
        let text = read_text(files, path).unwrap();
        let decoded = document.place.decode(&text).expect("the text stands there").text;
        for statement in &document.policy().statements {
            let located = document.place.locate(&text, statement.span).slice(&text).unwrap();
            let written = statement.span.slice(&decoded).unwrap();
            let unescaped = match document.place.encoding {
                keyreach::source::Encoding::Plain => located.to_owned(),
                keyreach::source::Encoding::JsonString => {
                    serde_json::from_str(&format!("\"{located}\"")).unwrap()
                }
                _ => keyreach::source::Decoded::percent(located).unwrap().text,
            };
            assert_eq!(unescaped, written, "{path}");
            assert!(json::parse(written).is_ok(), "{path}: {written}");
            count += 1;
        }
    }
    count
}

pub fn escaped(policy: &str) -> String {
    serde_json::to_string(policy).unwrap()
}

pub fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
    }
    out
}

pub fn key_policy(principal: &str) -> String {
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{{\"Sid\": \"é\", \"Effect\": \"Allow\", \
         \"Principal\": {{\"AWS\": \"{principal}\"}}, \"Action\": \"kms:*\", \"Resource\": \"*\"}}]\n}}"
    )
}

pub fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

pub fn get_key_policy(principal: &str) -> String {
    let policy = escaped(&key_policy(principal));
    format!("{{\"Policy\": {policy}, \"PolicyName\": \"default\"}}")
}

pub fn describe_key(id: &str) -> String {
    let arn = key_arn(id);
    format!(
        r#"{{"KeyMetadata": {{"AWSAccountId": "{ACCOUNT}", "KeyId": "{id}", "Arn": "{arn}", "KeyManager": "CUSTOMER",
            "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS"}}}}"#
    )
}

pub fn list_grants(key: &str, id: &str, more: bool) -> String {
    format!(
        r#"{{"Grants": [{{"KeyId": "{key}", "GrantId": "{id}", "Name": "", "GranteePrincipal": "arn:aws:iam::{ACCOUNT}:role/app",
            "RetiringPrincipal": "arn:aws:iam::{ACCOUNT}:user/team/alice", "IssuingAccount": "arn:aws:iam::{ACCOUNT}:root",
            "Operations": ["Decrypt", "Divine"], "Constraints": {{"EncryptionContextSubset": {{"a": "b"}}}}}}], "Truncated": {more}}}"#
    )
}

pub const ALICE: &str = r#"{"Path": "/team/", "UserName": "alice", "UserId": "AIDAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:user/team/alice", "CreateDate": "2024-01-01T00:00:00+00:00"}"#;

pub const APP: &str = r#"{"Path": "/", "RoleName": "app", "RoleId": "AROAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:role/app", "AssumeRolePolicyDocument":
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}}"#;

pub const DEVS: &str = r#"{"Path": "/", "GroupName": "devs", "GroupId": "AGPAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:group/devs"}"#;

pub const DEPLOY: &str = "arn:aws:iam::111122223333:policy/deploy";

pub fn authorization(user: &str, role: &str, policy: &str, tail: &str) -> String {
    format!(
        r#"{{"UserDetailList": [{user}], "GroupDetailList": [{{"GroupName": "devs", "Arn": "arn:aws:iam::{ACCOUNT}:group/devs",
            "GroupPolicyList": [], "AttachedManagedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}]}}],
            "RoleDetailList": [{role}], "Policies": [{policy}]{tail}}}"#
    )
}

pub fn user_detail() -> String {
    format!(
        r#"{{"UserName": "alice", "UserId": "AIDAEXAMPLEEXAMPLEID1", "Arn": "arn:aws:iam::{ACCOUNT}:user/team/alice",
            "UserPolicyList": [{{"PolicyName": "own", "PolicyDocument": {}}}], "GroupList": ["devs"],
            "AttachedManagedPolicies": [], "PermissionsBoundary": {{"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "{DEPLOY}"}},
            "Tags": [{{"Key": "team", "Value": "p\u0061y"}}]}}"#,
        allow("kms:Decrypt")
    )
}

pub fn role_detail() -> String {
    let app = APP.trim_end().trim_end_matches('}');
    format!(
        r#"{app}}}}}, "RolePolicyList": [], "AttachedManagedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}], "Tags": []}}"#
    )
}

pub fn policy_detail() -> String {
    format!(
        r#"{{"PolicyName": "deploy", "Arn": "{DEPLOY}", "DefaultVersionId": "v2", "PolicyVersionList": [
            {{"VersionId": "v2", "IsDefaultVersion": true, "Document": {}}}, {{"VersionId": "v1", "IsDefaultVersion": false, "Document": {}}}]}}"#,
        allow("kms:Encrypt"),
        escaped(&percent(&allow("kms:*")))
    )
}

/// A world in the canonical layout: two accounts, two keys, an organization.
pub fn canonical() -> Vec<(String, String)> {
    let kms = format!("{ACCOUNT}/us-east-1/kms");
    let details = authorization(&user_detail(), &role_detail(), &policy_detail(), "");
    let root = r#"{"Roots": [{"Id": "r-ab12", "Arn": "arn:aws:organizations::111122223333:root/o-a1/r-ab12", "Name": "Root",
        "PolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]}]}"#;
    let accounts = r#"{"Accounts": [{"Id": "111122223333", "Arn": "arn:aws:organizations::111122223333:account/o-a1/111122223333", "Name": "main"},
        {"Id": "444455556666", "Arn": "arn:aws:organizations::111122223333:account/o-a1/444455556666", "Name": "work"}]}"#;
    let full = format!(
        r#"{{"Policy": {{"PolicySummary": {{"Id": "p-FullAWSAccess", "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
            "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": true}}, "Content": {}}}}}"#,
        escaped(&allow("*"))
    );
    let targets = r#"{"Targets": [{"TargetId": "r-ab12", "Arn": "a", "Name": "Root", "Type": "ROOT"},
        {"TargetId": "ou-ab12-11111111", "Arn": "b", "Name": "Prod", "Type": "ORGANIZATIONAL_UNIT"},
        {"TargetId": "444455556666", "Arn": "c", "Name": "work", "Type": "ACCOUNT"}]}"#;
    let aliases = format!(
        r#"{{"Aliases": [{{"AliasName": "alias/pay", "AliasArn": "arn:aws:kms:us-east-1:{ACCOUNT}:alias/pay", "TargetKeyId": "{KEY}"}}]}}"#
    );
    let text = |text: &str| text.to_owned();
    let in_key = |id: &str, call: &str| format!("{kms}/{id}/{call}.json");
    let mut files = vec![
        (format!("{ACCOUNT}/iam/account-authorization-details.json"), details),
        (in_key(KEY, "describe-key"), describe_key(KEY)),
        (in_key(KEY, "get-key-policy"), get_key_policy(ACCOUNT)),
        (in_key(KEY, "list-grants"), list_grants(&key_arn(KEY), "g1", false)),
        (
            in_key(KEY, "list-resource-tags"),
            text(r#"{"Tags": [{"TagKey": "env", "TagValue": "prod"}]}"#),
        ),
        (in_key(KEY, "list-aliases"), aliases),
        (in_key(KEY, "get-key-rotation-status"), text(r#"{"KeyRotationEnabled": true}"#)),
        (in_key(OTHER_KEY, "describe-key"), describe_key(OTHER_KEY)),
        (in_key(OTHER_KEY, "get-key-policy"), get_key_policy("*")),
        (in_key(OTHER_KEY, "list-grants"), text(r#"{"Grants": []}"#)),
        (in_key(OTHER_KEY, "list-resource-tags"), text(r#"{"Tags": [], "Truncated": false}"#)),
        (in_key(OTHER_KEY, "list-aliases"), text(r#"{"Aliases": []}"#)),
    ];
    let organization = [
        (
            "describe-organization",
            r#"{"Organization": {"Id": "o-a1", "MasterAccountId": "111122223333", "FeatureSet": "ALL"}}"#,
        ),
        ("list-roots", root),
        ("list-accounts", accounts),
        (
            "list-organizational-units-for-parent.r-ab12",
            r#"{"OrganizationalUnits": [{"Id": "ou-ab12-11111111", "Arn": "x", "Name": "Prod"}]}"#,
        ),
        ("list-organizational-units-for-parent.ou-ab12-11111111", r#"{"OrganizationalUnits": []}"#),
        (
            "list-accounts-for-parent.r-ab12",
            r#"{"Accounts": [{"Id": "111122223333", "Name": "main"}]}"#,
        ),
        (
            "list-accounts-for-parent.ou-ab12-11111111",
            r#"{"Accounts": [{"Id": "444455556666", "Name": "work"}]}"#,
        ),
        ("policies/p-FullAWSAccess/describe-policy", &full),
        ("policies/p-FullAWSAccess/list-targets-for-policy", targets),
    ];
    files.extend(
        organization.map(|(name, it)| (format!("organizations/{name}.json"), it.to_owned())),
    );
    files
}

pub fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

/// The single calls that say what get-account-authorization-details says of the world above.
pub fn single_calls() -> Vec<(&'static str, String)> {
    let policy = |document: &str, id: &str, is_default: bool| {
        format!(
            r#"{{"PolicyVersion": {{"Document": {document}, "VersionId": "{id}", "IsDefaultVersion": {is_default}}}}}"#
        )
    };
    let alice = ALICE.trim_end_matches('}');
    vec![
        ("iam/list-users.json", format!("{{\"Users\": [{ALICE}]}}")),
        ("iam/list-roles.json", format!("{{\"Roles\": [{APP}]}}")),
        ("iam/list-groups.json", format!("{{\"Groups\": [{DEVS}]}}")),
        (
            "iam/get-user-alice.json",
            format!(
                r#"{{"User": {alice}, "PermissionsBoundary": {{"PermissionsBoundaryArn": "{DEPLOY}"}}, "Tags": [{{"Key": "team", "Value": "pay"}}]}}}}"#
            ),
        ),
        ("iam/get-role.app.json", format!("{{\"Role\": {APP}}}")),
        ("iam/list-user-policies-alice.json", r#"{"PolicyNames": ["own"]}"#.to_owned()),
        (
            "iam/get-user-policy-alice-own.json",
            format!(
                r#"{{"UserName": "alice", "PolicyName": "own", "PolicyDocument": {}}}"#,
                escaped(&percent(&allow("kms:Decrypt")))
            ),
        ),
        ("iam/roles/app/list-role-policies.json", r#"{"PolicyNames": []}"#.to_owned()),
        ("iam/list-group-policies-devs.json", r#"{"PolicyNames": []}"#.to_owned()),
        ("iam/list-attached-user-policies_alice.json", r#"{"AttachedPolicies": []}"#.to_owned()),
        (
            "iam/roles/app/list-attached-role-policies.json",
            format!(r#"{{"AttachedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}]}}"#),
        ),
        (
            "iam/list-attached-group-policies-devs.json",
            format!(r#"{{"AttachedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}]}}"#),
        ),
        ("iam/list-groups-for-user-alice.json", format!("{{\"Groups\": [{DEVS}]}}")),
        ("iam/get-group-devs.json", format!("{{\"Group\": {DEVS}, \"Users\": [{ALICE}]}}")),
        (
            "iam/deploy/get-policy.json",
            format!(r#"{{"Policy": {{"PolicyName": "deploy", "Arn": "{DEPLOY}", "DefaultVersionId": "v2"}}}}"#),
        ),
        ("iam/deploy/get-policy-version.json", policy(&allow("kms:Encrypt"), "v2", true)),
        ("iam/get-policy-version-deploy-v1.json", policy(&allow("kms:*"), "v1", false)),
        (
            "iam/list-policy-versions-deploy.json",
            r#"{"Versions": [{"VersionId": "v2", "IsDefaultVersion": true}, {"VersionId": "v1", "IsDefaultVersion": false}]}"#.to_owned(),
        ),
        (
            "iam/list-entities-for-policy-deploy.json",
            r#"{"PolicyGroups": [{"GroupName": "devs"}], "PolicyUsers": [], "PolicyRoles": [{"RoleName": "app", "RoleId": "A"}]}"#.to_owned(),
        ),
        (
            "iam/list-policies.json",
            format!(r#"{{"Policies": [{{"PolicyName": "deploy", "Arn": "{DEPLOY}", "DefaultVersionId": "v2"}}]}}"#),
        ),
    ]
}
