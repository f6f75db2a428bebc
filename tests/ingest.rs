//! What files of every kind and shape are loaded into.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

use std::fmt::Write as _;
use std::io::Write as _;

use keyreach::aws::{AccountId, KeyArn};
use keyreach::ingest::{Disk, Loaded, load, read_text};
use keyreach::inventory::{Inventory, NamedPolicy, OrgPolicyKind};
use keyreach::policy::{PolicyDocument, PolicyKind};
use keyreach::source::{Files, Memory, ProblemKind};
use keyreach::syntax::json;

const ACCOUNT: &str = "111122223333";
const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER_KEY: &str = "mrk-0987dcba09fe87dc65ba0987654321fe";

fn key_arn(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}")
}

fn loaded(files: &[(&str, &str)]) -> Loaded {
    load(&memory(files), &[".".to_owned()])
}

fn memory(files: &[(&str, &str)]) -> Memory {
    let mut memory = Memory::default();
    for (path, text) in files {
        memory.put(*path, *text);
    }
    memory
}

/// Loads files that are all used and have no problem.
fn world(files: &[(&str, &str)]) -> Inventory {
    let loaded = loaded(files);
    assert_eq!(loaded.problems, [], "{files:?}");
    assert_eq!((loaded.used, loaded.skipped), (files.len(), 0), "{files:?}");
    loaded.inventory
}

/// The gaps of what the files state, in words.
fn gaps(inventory: &Inventory) -> Vec<String> {
    inventory.gaps.iter().map(|gap| gap.kind.to_string()).collect()
}

fn conflicts(inventory: &Inventory) -> Vec<String> {
    let path = |place: keyreach::source::Place| inventory.sources.path(place.file).to_owned();
    inventory
        .conflicts
        .iter()
        .map(|it| format!("{}: {} not {}", it.what, path(it.kept), path(it.other)))
        .collect()
}

/// Everything an inventory says but for where it stands, a fact a line.
fn normal(inventory: &Inventory) -> String {
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
fn policies(inventory: &Inventory) -> Vec<&PolicyDocument> {
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
fn check_places(files: &dyn Files, inventory: &Inventory) -> usize {
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

fn escaped(policy: &str) -> String {
    serde_json::to_string(policy).unwrap()
}

fn percent(text: &str) -> String {
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

fn key_policy(principal: &str) -> String {
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{{\"Sid\": \"é\", \"Effect\": \"Allow\", \
         \"Principal\": {{\"AWS\": \"{principal}\"}}, \"Action\": \"kms:*\", \"Resource\": \"*\"}}]\n}}"
    )
}

fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn get_key_policy(principal: &str) -> String {
    let policy = escaped(&key_policy(principal));
    format!("{{\"Policy\": {policy}, \"PolicyName\": \"default\"}}")
}

fn describe_key(id: &str) -> String {
    let arn = key_arn(id);
    format!(
        r#"{{"KeyMetadata": {{"AWSAccountId": "{ACCOUNT}", "KeyId": "{id}", "Arn": "{arn}", "KeyManager": "CUSTOMER",
            "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS"}}}}"#
    )
}

fn list_grants(key: &str, id: &str, more: bool) -> String {
    format!(
        r#"{{"Grants": [{{"KeyId": "{key}", "GrantId": "{id}", "Name": "", "GranteePrincipal": "arn:aws:iam::{ACCOUNT}:role/app",
            "RetiringPrincipal": "arn:aws:iam::{ACCOUNT}:user/team/alice", "IssuingAccount": "arn:aws:iam::{ACCOUNT}:root",
            "Operations": ["Decrypt", "Divine"], "Constraints": {{"EncryptionContextSubset": {{"a": "b"}}}}}}], "Truncated": {more}}}"#
    )
}

const ALICE: &str = r#"{"Path": "/team/", "UserName": "alice", "UserId": "AIDAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:user/team/alice", "CreateDate": "2024-01-01T00:00:00+00:00"}"#;

const APP: &str = r#"{"Path": "/", "RoleName": "app", "RoleId": "AROAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:role/app", "AssumeRolePolicyDocument":
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}}"#;

const DEVS: &str = r#"{"Path": "/", "GroupName": "devs", "GroupId": "AGPAEXAMPLEEXAMPLEID1",
    "Arn": "arn:aws:iam::111122223333:group/devs"}"#;

const DEPLOY: &str = "arn:aws:iam::111122223333:policy/deploy";

fn authorization(user: &str, role: &str, policy: &str, tail: &str) -> String {
    format!(
        r#"{{"UserDetailList": [{user}], "GroupDetailList": [{{"GroupName": "devs", "Arn": "arn:aws:iam::{ACCOUNT}:group/devs",
            "GroupPolicyList": [], "AttachedManagedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}]}}],
            "RoleDetailList": [{role}], "Policies": [{policy}]{tail}}}"#
    )
}

fn user_detail() -> String {
    format!(
        r#"{{"UserName": "alice", "UserId": "AIDAEXAMPLEEXAMPLEID1", "Arn": "arn:aws:iam::{ACCOUNT}:user/team/alice",
            "UserPolicyList": [{{"PolicyName": "own", "PolicyDocument": {}}}], "GroupList": ["devs"],
            "AttachedManagedPolicies": [], "PermissionsBoundary": {{"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "{DEPLOY}"}},
            "Tags": [{{"Key": "team", "Value": "p\u0061y"}}]}}"#,
        allow("kms:Decrypt")
    )
}

fn role_detail() -> String {
    let app = APP.trim_end().trim_end_matches('}');
    format!(
        r#"{app}}}}}, "RolePolicyList": [], "AttachedManagedPolicies": [{{"PolicyName": "deploy", "PolicyArn": "{DEPLOY}"}}], "Tags": []}}"#
    )
}

fn policy_detail() -> String {
    format!(
        r#"{{"PolicyName": "deploy", "Arn": "{DEPLOY}", "DefaultVersionId": "v2", "PolicyVersionList": [
            {{"VersionId": "v2", "IsDefaultVersion": true, "Document": {}}}, {{"VersionId": "v1", "IsDefaultVersion": false, "Document": {}}}]}}"#,
        allow("kms:Encrypt"),
        escaped(&percent(&allow("kms:*")))
    )
}

/// A world in the canonical layout: two accounts, two keys, an organization.
fn canonical() -> Vec<(String, String)> {
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

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

#[test]
fn the_canonical_layout_is_loaded_whole() {
    let files = canonical();
    let inventory = world(&borrowed(&files));
    assert_eq!(gaps(&inventory), [""; 0]);
    assert_eq!(conflicts(&inventory), [""; 0]);
    let account = AccountId::parse(ACCOUNT).unwrap();
    assert!(inventory.is_complete(account));
    let alice = inventory.identity("arn:aws:iam::111122223333:user/team/alice").unwrap();
    assert_eq!(alice.tags.get("team").map(AsRef::as_ref), Some("pay"));
    assert!(alice.groups.contains("devs") && alice.inline.len() == 1);
    assert_eq!(&*alice.boundary.as_ref().unwrap().arn, DEPLOY);
    let app = inventory.role_by_name(account, "APP").unwrap();
    assert_eq!(app.trust.as_ref().unwrap().policy().statements.len(), 1);
    let deploy = inventory.managed_policy(account, DEPLOY).unwrap();
    assert_eq!(deploy.versions.len(), 2);
    assert!(deploy.document().unwrap().policy().normal_form().contains("kms:encrypt"));
    let key = inventory.key(&KeyArn::parse(&key_arn(KEY)).unwrap()).unwrap();
    assert_eq!(key.metadata.as_ref().unwrap().spec.as_deref(), Some("SYMMETRIC_DEFAULT"));
    assert_eq!(key.policy.as_ref().unwrap().policy().statements.len(), 1);
    assert_eq!((key.rotation, key.grants_listed, key.aliases_listed), (Some(true), true, true));
    assert_eq!(key.tags.as_ref().unwrap().len(), 1);
    assert_eq!(inventory.aliases_of(key).count(), 1);
    let grant = &key.grants[0];
    assert_eq!((grant.operations.len(), &*grant.unknown_operations[0]), (1, "Divine"));
    assert_eq!(grant.issuing_account, Some(account));
    let other = inventory.key(&KeyArn::parse(&key_arn(OTHER_KEY)).unwrap()).unwrap();
    assert!(other.grants_listed && other.aliases_listed && other.tags.is_some());
    let organization = inventory.organization.as_ref().unwrap();
    let work = AccountId::parse("444455556666").unwrap();
    assert_eq!(organization.path(work).as_deref(), Some("o-a1/r-ab12/ou-ab12-11111111/"));
    assert!(organization.is_enabled(OrgPolicyKind::Scp));
    assert!(!organization.is_enabled(OrgPolicyKind::Rcp));
    assert_eq!(organization.attached("r-ab12", OrgPolicyKind::Scp).count(), 1);
    assert!(check_places(&memory(&borrowed(&files)), &inventory) >= 6);
}

#[test]
fn neither_order_nor_directories_change_what_is_loaded() {
    let files = canonical();
    let expected = normal(&world(&borrowed(&files)));
    // Another root, so that files come in another order; and everything in few files.
    let moved: Vec<(String, String)> = files
        .iter()
        .enumerate()
        .map(|(at, (path, text))| (format!("{}/{path}", 99 - at), text.clone()))
        .collect();
    assert_eq!(normal(&world(&borrowed(&moved))), expected);
    // Directories by account only: names tell the keys.
    let flat: Vec<(String, String)> = files
        .iter()
        .map(|(path, text)| {
            let parts: Vec<&str> = path.split('/').collect();
            let name = parts.last().unwrap().trim_end_matches(".json");
            match parts[..] {
                [account, region, "kms", id, _] => {
                    (format!("{account}/{region}/{name}.{id}.json"), text.clone())
                }
                [_, "policies", id, _] => (format!("org/{name}-{id}.json"), text.clone()),
                _ => (format!("x/{}", path.replace("iam/", "")), text.clone()),
            }
        })
        .collect();
    assert_eq!(normal(&world(&borrowed(&flat))), expected);
}

/// The single calls that say what get-account-authorization-details says of the world above.
fn single_calls() -> Vec<(&'static str, String)> {
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

#[test]
fn single_calls_say_the_same_as_the_account_dump() {
    let dump = authorization(&user_detail(), &role_detail(), &policy_detail(), "");
    let expected = normal(&world(&[("details.json", &dump)]));
    let calls = single_calls();
    let files: Vec<(&str, &str)> =
        calls.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let inventory = world(&files);
    assert_eq!(conflicts(&inventory), [""; 0]);
    assert_eq!(normal(&inventory), expected);
    assert_eq!(check_places(&memory(&files), &inventory), 4);
    // Both together contradict nothing.
    let mut both = files.clone();
    both.push(("details.json", &dump));
    let inventory = world(&both);
    assert_eq!((normal(&inventory), conflicts(&inventory)), (expected, Vec::new()));
}

#[test]
fn each_missing_call_leaves_a_gap_or_nothing() {
    let calls = single_calls();
    let missing = |call: &str| {
        let rest: Vec<(&str, &str)> = calls
            .iter()
            .filter(|(path, _)| !path.contains(call))
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        assert_eq!(rest.len() + 1, calls.len(), "{call}");
        gaps(&world(&rest))
    };
    let alice = "arn:aws:iam::111122223333:user/team/alice";
    let app = "arn:aws:iam::111122223333:role/app";
    assert_eq!(missing("list-users"), ["identities of account 111122223333"]);
    assert_eq!(missing("list-roles"), ["identities of account 111122223333"]);
    assert_eq!(
        missing("get-user-alice"),
        [format!("permissions boundary of {alice}"), format!("tags of {alice}")]
    );
    assert_eq!(
        missing("get-role.app"),
        [format!("permissions boundary of {app}"), format!("tags of {app}")]
    );
    assert_eq!(missing("list-user-policies"), [format!("inline policies of {alice}")]);
    assert_eq!(missing("get-user-policy"), [format!("inline policies of {alice}")]);
    assert_eq!(missing("list-attached-role"), [format!("attached policies of {app}")]);
    assert_eq!(missing("get-group"), [""; 0]);
    assert_eq!(missing("list-groups-for-user"), [""; 0]);
    assert_eq!(
        missing("deploy/get-policy-version"),
        [format!("document of managed policy {DEPLOY}")]
    );
    assert_eq!(missing("list-entities"), [""; 0]);
}

#[test]
fn a_key_policy_finds_its_key() {
    let policy = get_key_policy(ACCOUNT);
    let metadata = describe_key(KEY);
    let find = |files: &[(&str, &str)]| {
        let inventory = loaded(files).inventory;
        let keys = inventory.keys.values().filter(|key| key.policy.is_some());
        let keys: Vec<String> = keys.map(|key| key.arn.id().to_owned()).collect();
        let is_unknown = gaps(&inventory).iter().any(|gap| gap.contains("get-key-policy"));
        assert_eq!(is_unknown, keys.is_empty(), "{:?}", gaps(&inventory));
        assert_eq!(inventory.loose.len(), usize::from(keys.is_empty()));
        keys.join(" ")
    };
    // By a sibling, alone or of the same name.
    assert_eq!(
        find(&[("a/describe-key.json", &metadata), ("a/get-key-policy.json", &policy)]),
        KEY
    );
    let other = describe_key(OTHER_KEY);
    let pair = [
        ("a/describe-key-one.json", metadata.as_str()),
        ("a/describe-key-two.json", &other),
        ("a/get-key-policy-two.json", &policy),
    ];
    assert_eq!(find(&pair), OTHER_KEY);
    // Of two siblings without a name in common neither.
    let neither = [pair[0], pair[1], ("a/get-key-policy.json", policy.as_str())];
    assert_eq!(find(&neither), "");
    assert_eq!(find(&[pair[0], ("a/get-key-policy-two.json", &policy)]), "");
    // By the file name: an id, an alias, whatever the directory.
    let by_id = format!("b/get-key-policy.{OTHER_KEY}.json");
    assert_eq!(find(&[("a/describe-key.json", &other), (&by_id, &policy)]), OTHER_KEY);
    let aliases = format!(
        r#"{{"Aliases": [{{"AliasArn": "arn:aws:kms:us-east-1:{ACCOUNT}:alias/app/pay", "TargetKeyId": "{KEY}"}},
            {{"AliasArn": "arn:aws:kms:us-east-1:{ACCOUNT}:alias/pay", "TargetKeyId": "{OTHER_KEY}"}}]}}"#
    );
    let by_alias = [("aliases.json", aliases.as_str()), ("get-key-policy-pay.json", &policy)];
    assert_eq!(find(&by_alias), OTHER_KEY);
    // By directories.
    let canonical = format!("x/{ACCOUNT}/us-east-1/kms/any-id/get-key-policy.json");
    assert_eq!(find(&[(&canonical, &policy)]), "any-id");
    let shaped = format!("{ACCOUNT}/us-east-1/keys/{KEY}/policy.json");
    assert_eq!(find(&[(&shaped, &policy)]), KEY);
    let known = format!("keys/{KEY}/policy.json");
    assert_eq!(find(&[("describe.json", &metadata), (&known, &policy)]), KEY);
    // Not at all.
    assert_eq!(find(&[("get-key-policy.json", &policy)]), "");
    assert_eq!(find(&[(&known, &policy)]), "");
    // Without a describe-key the policy's own file names it all the same.
    let bare = key_policy(ACCOUNT);
    let bare_file = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    assert_eq!(find(&[(&bare_file, &bare)]), KEY);
}

#[test]
fn one_keys_listing_is_never_anothers() {
    let other = key_arn(OTHER_KEY);
    let at = |call: &str| format!("{ACCOUNT}/us-east-1/kms/{KEY}/{call}.json");
    let (grants_at, aliases_at) = (at("list-grants"), at("list-aliases"));
    let grants = list_grants(&other, "g1", false);
    let aliases = format!(
        r#"{{"Aliases": [{{"AliasArn": "arn:aws:kms:us-east-1:{ACCOUNT}:alias/x", "TargetKeyId": "{OTHER_KEY}"}}]}}"#
    );
    let inventory = world(&[(&grants_at, &grants), (&aliases_at, &aliases)]);
    assert_eq!(inventory.keys.len(), 1);
    let key = inventory.keys.values().next().unwrap();
    assert_eq!((key.arn.id(), key.grants.len(), key.aliases.len()), (OTHER_KEY, 1, 1));
}

#[test]
fn list_keys_alone_lists_what_is_missing() {
    let keys = format!(
        r#"{{"Keys": [{{"KeyId": "{KEY}", "KeyArn": "{}"}}], "Truncated": true, "NextMarker": "x"}}"#,
        key_arn(KEY)
    );
    let inventory = world(&[("list-keys.json", &keys)]);
    let arn = key_arn(KEY);
    assert_eq!(
        gaps(&inventory),
        [
            "identities of account 111122223333".to_owned(),
            format!("grants of {arn}"),
            format!("key policy of {arn}"),
            "further pages of a listing of keys".to_owned(),
        ]
    );
}

#[test]
fn pages_are_complete_in_any_order() {
    let first = authorization(&user_detail(), "", "", r#", "IsTruncated": true, "Marker": "abc""#);
    let last = authorization("", &role_detail(), &policy_detail(), r#", "IsTruncated": false"#);
    let whole = authorization(&user_detail(), &role_detail(), &policy_detail(), "");
    let expected = normal(&world(&[("all.json", &whole)]));
    assert_eq!(normal(&world(&[("1.json", &first), ("2.json", &last)])), expected);
    assert_eq!(normal(&world(&[("1.json", &last), ("2.json", &first)])), expected);
    let together = format!("{first}\n{last}");
    assert_eq!(normal(&world(&[("both.json", &together)])), expected);
    let cut = world(&[("1.json", &first)]);
    assert_eq!(gaps(&cut)[1], "further pages of the identities of account 111122223333");
    assert!(!cut.is_complete(AccountId::parse(ACCOUNT).unwrap()));
    // A last page that names nothing of the account goes with the others.
    let empty = r#"{"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": [], "IsTruncated": false}"#;
    let paged = world(&[("a/1.json", &first), ("a/2.json", empty)]);
    assert!(paged.account(AccountId::parse(ACCOUNT).unwrap()).unwrap().identities_listed);
}

#[test]
fn pages_of_a_key_are_joined() {
    let arn = key_arn(KEY);
    let (first, last) = (list_grants(&arn, "g1", true), list_grants(KEY, "g2", false));
    let metadata = describe_key(KEY);
    let policy = get_key_policy(ACCOUNT);
    let base = [("k/describe-key.json", metadata.as_str()), ("k/get-key-policy.json", &policy)];
    let with = |more: &[(&str, &str)]| {
        let inventory = world(&[&base, more].concat());
        let key = inventory.keys.values().next().unwrap();
        let missing = gaps(&inventory).into_iter().find(|gap| gap.contains("grants"));
        (key.grants.len(), missing)
    };
    assert_eq!(
        with(&[("k/list-grants-1.json", &first), ("k/list-grants-2.json", &last)]),
        (2, None)
    );
    assert_eq!(
        with(&[("k/list-grants-1.json", &last), ("k/list-grants-2.json", &first)]),
        (2, None)
    );
    let missing = Some(format!("further pages of the grants of {arn}"));
    assert_eq!(with(&[("k/list-grants.json", &first)]), (1, missing));
    assert_eq!(with(&[]), (0, Some(format!("grants of {arn}"))));
}

#[test]
fn several_documents_in_one_file_are_read() {
    let lines = format!(
        "{}\n{}\n",
        describe_key(KEY).replace('\n', " "),
        describe_key(OTHER_KEY).replace('\n', " ")
    );
    assert_eq!(world(&[("keys.jsonl", &lines)]).keys.len(), 2);
    let list = format!("[{},{}]", describe_key(KEY), describe_key(OTHER_KEY));
    assert_eq!(world(&[("keys.json", &list)]).keys.len(), 2);
    let mixed = format!("{} {}", describe_key(KEY), get_key_policy(ACCOUNT));
    let inventory = world(&[("key.json", &mixed)]);
    assert!(inventory.keys.values().next().unwrap().policy.is_some());
    // A broken line hides no other.
    let broken = lines.replacen('}', "", 1) + &lines;
    let loaded = loaded(&[("keys.jsonl", &broken)]);
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
}

#[test]
fn gzip_is_read_and_bombs_are_not() {
    let pack = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let mut files = Memory::default();
    let path = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json.gz");
    files.put(&*path, pack(get_key_policy(ACCOUNT).as_bytes()));
    files.put("describe-key", pack(describe_key(KEY).as_bytes()));
    files.put("get-user.json.gz", pack(&vec![b' '; 100 << 20]));
    files.put("list-grants.json.gz", pack(&vec![b' '; 100 << 20]));
    let loaded = load(&files, &[".".to_owned()]);
    assert_eq!((loaded.used, loaded.skipped, loaded.problems.len()), (2, 1, 1));
    assert_eq!(loaded.problems[0].kind, ProblemKind::TooLarge);
    assert_eq!(check_places(&files, &loaded.inventory), 1);
}

#[test]
fn the_same_twice_is_no_conflict_and_otherwise_is() {
    let (one, other) = (get_key_policy(ACCOUNT), get_key_policy("*"));
    let in_dir = |root: &str| format!("{root}/{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    let (a, b) = (in_dir("a"), in_dir("b"));
    assert_eq!(conflicts(&world(&[(&a, &one), (&b, &one)])), [""; 0]);
    let inventory = world(&[(&b, &one), (&a, &other)]);
    let arn = key_arn(KEY);
    assert_eq!(conflicts(&inventory), [format!("key policy of {arn}: {a} not {b}")]);
    assert_eq!(&*inventory.conflicts[0].subject, arn);
    let kept = inventory.keys.values().next().unwrap().policy.as_ref().unwrap();
    assert!(kept.policy().normal_form().contains("Anyone"));
    let dump = authorization(&user_detail(), &role_detail(), &policy_detail(), "");
    let differing = dump.replace("kms:Encrypt", "kms:Sign").replace("kms:Decrypt", "kms:Verify");
    let differing = differing.replace("\"GroupList\": [\"devs\"]", "\"GroupList\": []");
    let inventory = world(&[("1.json", &dump), ("2.json", &differing)]);
    let alice = "arn:aws:iam::111122223333:user/team/alice";
    assert_eq!(
        conflicts(&inventory),
        [
            format!("inline policy own of {alice}: 1.json not 2.json"),
            format!("memberships of {alice}: 1.json not 2.json"),
            format!("version v2 of {DEPLOY}: 1.json not 2.json"),
        ]
    );
}

#[test]
fn other_resource_policies_are_no_key_policies() {
    let statement = |principal: &str, action: &str, resource: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": {action}, "Resource": {resource}}}]}}"#
        )
    };
    let trust = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
    let bucket = statement(r#""*""#, r#""s3:GetObject""#, r#""arn:aws:s3:::b/*""#);
    let star = statement(r#""*""#, r#""*""#, r#""arn:aws:s3:::b/*""#);
    let queue =
        statement(r#"{"AWS": "*"}"#, r#"["sqs:*"]"#, r#""arn:aws:sqs:us-east-1:111122223333:q""#);
    let topic = statement(r#"{"AWS": "*"}"#, r#"["SNS:Publish"]"#, r#""*""#);
    for policy in [trust, &bucket, &star, &queue, &topic] {
        let output = format!("{{\"Policy\": {}}}", escaped(policy));
        let loaded = loaded(&[("a/policy.json", policy), ("b/get-bucket-policy.json", &output)]);
        assert_eq!((loaded.used, loaded.skipped), (0, 2), "{policy}");
        assert_eq!(loaded.problems, []);
    }
    let key = statement(r#"{"AWS": "*"}"#, r#"["kms:Decrypt", "kms:DescribeKey"]"#, r#""*""#);
    let all = statement(r#"{"AWS": "*"}"#, r#""*""#, r#""*""#);
    for policy in [&key, &all] {
        let inventory = world(&[("policy.json", policy)]);
        assert_eq!(inventory.loose[0].document.kind, PolicyKind::Key);
        assert_eq!(&*inventory.loose[0].name, "policy");
        assert_eq!(gaps(&inventory), [""; 0]);
    }
    let rcp = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": ["s3:*", "kms:*"], "Resource": "*"}]}"#;
    assert_eq!(world(&[("limits.json", rcp)]).loose[0].document.kind, PolicyKind::Rcp);
}

#[test]
fn bare_identity_policies_are_taken_where_they_touch_kms() {
    for action in ["kms:Decrypt", "KMS:*", "*", "k?s:*", "*:*"] {
        let inventory = world(&[("app.json", &allow(action))]);
        assert_eq!(inventory.loose[0].document.kind, PolicyKind::Identity, "{action}");
    }
    assert_eq!(loaded(&[("app.json", &allow("s3:*"))]).skipped, 1);
    let not = allow("iam:*").replace("\"Action\"", "\"NotAction\"");
    assert_eq!(world(&[("app.json", &not)]).loose.len(), 1);
    let scp = allow("*");
    assert_eq!(world(&[("base.scp.json", &scp)]).loose[0].document.kind, PolicyKind::Scp);
}

#[test]
fn bare_policies_in_yaml_are_read() {
    let text = "# a key policy\nVersion: '2012-10-17'\nStatement:\n  - Effect: Allow\n    Principal: {AWS: '*'}\n    \
                Action: kms:*\n    Resource: '*'\n";
    let inventory = world(&[("key.yaml", text)]);
    let policy = &inventory.loose[0].document;
    let statement = &policy.policy().statements[0];
    let located = policy.place.locate(text, statement.span).slice(text).unwrap();
    assert!(
        located.starts_with("Effect: Allow") && located.ends_with("Resource: '*'"),
        "{located}"
    );
    assert_eq!(loaded(&[("s3.yml", &text.replace("kms:*", "s3:*"))]).skipped, 1);
    assert_eq!(loaded(&[("notes.md", "# Statement\n\nStatement of work\n")]).skipped, 1);
}

/// Loads one file beside a sound one, which no fault may hide.
fn one_problem(path: &str, bytes: &[u8]) -> Option<(ProblemKind, String)> {
    let mut files = Memory::default();
    files.put("sound/describe-key.json", describe_key(KEY));
    files.put(path, bytes);
    let loaded = load(&files, &[".".to_owned()]);
    assert_eq!(loaded.inventory.keys.len(), 1, "{path}");
    assert!(loaded.problems.len() <= 1, "{:?}", loaded.problems);
    if loaded.problems.is_empty() {
        assert_eq!(loaded.skipped, 1, "{path}: {:?}", loaded.inventory.loose);
    }
    loaded.problems.into_iter().next().map(|problem| {
        assert_eq!(problem.path, path);
        assert!(!problem.help.is_empty() && !problem.message.contains('\n'));
        (problem.kind, problem.message)
    })
}

#[test]
fn each_fault_is_told_once() {
    let kms = |name: &str| format!("{ACCOUNT}/us-east-1/kms/{KEY}/{name}.json");
    let at = kms("get-key-policy");
    let check = |bytes: &[u8], kind: ProblemKind, message: &str| {
        let (found, said) = one_problem(&at, bytes).expect("a problem");
        assert_eq!(found, kind, "{said}");
        assert!(said.contains(message), "{said}");
        // The same content under a name of its own is nobody's.
        assert_eq!(one_problem("notes/readme.txt", bytes), None, "{said}");
    };
    check(b"", ProblemKind::Unusable, "empty");
    check(b"  \n", ProblemKind::Unusable, "empty");
    check(b"<!DOCTYPE html><html></html>", ProblemKind::Unusable, "HTML");
    check(b"An error occurred (AccessDenied)", ProblemKind::Broken, "no JSON");
    check(b"{\"Policy\": \"{", ProblemKind::Broken, "broken JSON");
    check(b"[1, 2", ProblemKind::Broken, "broken JSON");
    check(b"5", ProblemKind::Broken, "no JSON");
    check(b"{}", ProblemKind::Unusable, "not what `get-key-policy` prints");
    check(b"[]", ProblemKind::Unusable, "not what `get-key-policy` prints");
    check(b"\x89PNG\r\n\x1a\n\0\0\xFF", ProblemKind::NotText, "binary");
    check(b"{\"Policy\": \"\xE9\"}", ProblemKind::NotText, "no UTF-8");
    check(b"\xFF\xFE{\0}\0", ProblemKind::NotText, "UTF-16");
    check(b"\x1F\x8B\x08\0\0", ProblemKind::NotText, "gzip");
    check(&[b"[".repeat(10_000), b"]".repeat(10_000)].concat(), ProblemKind::Unusable, "not what");
    check(
        b"{\"Policy\": \"{}\", \"Policy\": \"{}\"}",
        ProblemKind::Unusable,
        "`Policy` stands twice",
    );
}

#[test]
fn content_tells_without_a_name() {
    let whole = describe_key(OTHER_KEY);
    let (kind, _) = one_problem("x.json", &whole.as_bytes()[..80]).unwrap();
    assert_eq!(kind, ProblemKind::Broken);
    let no_arn = whole.replace(&key_arn(OTHER_KEY), "nonsense");
    let (kind, message) = one_problem("x.json", no_arn.as_bytes()).unwrap();
    assert_eq!(kind, ProblemKind::Unusable);
    assert!(message.contains("does not name its key"), "{message}");
    let wrong = whole.replace("\"Enabled\"", "7");
    let loaded = loaded(&[("x.json", &wrong)]);
    let position = loaded.problems[0].position.unwrap();
    assert_eq!(position.line, 2, "{:?}", loaded.problems);
    assert!(one_problem("x.json", b"{\"UserDetailList\": 5}").is_some());
    for other in
        ["{\"name\": \"web\"}", "{\"name\": ", "{\"Users\": [1]}", "{\"Tags\": []}", "[[]]"]
    {
        assert_eq!(one_problem("web/list-users.json.txt", other.as_bytes()), None, "{other}");
    }
}

#[test]
fn a_sound_entry_is_not_lost_beside_a_broken_one() {
    let role = role_detail().replace("arn:aws:iam::111122223333:role/app", "nonsense");
    for role in [role, "{\"Arn\": 5}".to_owned()] {
        let text = authorization(&user_detail(), &role, &policy_detail(), "");
        let loaded = loaded(&[("details.json", &text)]);
        assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
        assert!(loaded.problems[0].position.is_some());
        assert_eq!(loaded.inventory.principal_count(), 1);
    }
}

#[test]
fn a_broken_policy_is_a_fault_of_the_policy() {
    let at = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    for policy in ["[]", "5", "\"x\"", "", "<html>", "{\"Statement\": [}"] {
        let text = format!("{{\"Policy\": {}, \"PolicyName\": \"default\"}}", escaped(policy));
        let inventory = world(&[(&at, &text)]);
        let key = inventory.keys.values().next().unwrap();
        let policy = key.policy.as_ref().unwrap().policy();
        assert!(!policy.readable && policy.faults.len() == 1, "{policy:?}");
    }
    for text in [
        "{\"Policy\": 5, \"PolicyName\": \"default\"}",
        "{\"Policy\": [], \"PolicyName\": \"default\"}",
    ] {
        let inventory = world(&[(&at, text)]);
        assert!(
            !inventory.keys.values().next().unwrap().policy.as_ref().unwrap().policy().readable
        );
    }
    let trailing = key_policy(ACCOUNT).replace("}]", "},]");
    let inventory = world(&[("policy.json", &trailing)]);
    assert_eq!(inventory.loose[0].document.policy().faults.len(), 1);
    let deep = format!(
        "{{\"Statement\": {{\"Effect\": \"Allow\", \"Action\": \"kms:*\", \"Condition\": {}{}}}}}",
        "[".repeat(200),
        "]".repeat(200)
    );
    let text = format!("{{\"Policy\": {}, \"PolicyName\": \"default\"}}", escaped(&deep));
    let inventory = world(&[(&at, &text)]);
    assert_eq!(
        inventory.keys.values().next().unwrap().policy.as_ref().unwrap().policy().faults.len(),
        1
    );
}

#[test]
fn endpoint_policies_of_kms_are_kept() {
    let policy = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}"#;
    let text = format!(
        r#"{{"VpcEndpoints": [{{"VpcEndpointId": "vpce-1", "ServiceName": "com.amazonaws.us-east-1.kms", "PolicyDocument": {0}}},
            {{"VpcEndpointId": "vpce-2", "ServiceName": "com.amazonaws.us-east-1.s3", "PolicyDocument": {0}}}]}}"#,
        escaped(policy)
    );
    let inventory = world(&[("endpoints.json", &text)]);
    assert_eq!(inventory.endpoints.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["vpce-1"]);
}

#[test]
fn organizations_are_known_from_either_side() {
    let base = canonical();
    let expected = normal(&world(&borrowed(&base)));
    let policy = r#"{"Policies": [{"Id": "p-FullAWSAccess", "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY"}]}"#;
    let mut other: Vec<(String, String)> = base
        .into_iter()
        .filter(|(path, _)| !path.contains("targets") && !path.contains("for-parent"))
        .collect();
    for target in ["r-ab12", "ou-ab12-11111111", "444455556666"] {
        let path = format!("organizations/targets/{target}/list-policies-for-target-scp.json");
        other.push((path, policy.to_owned()));
    }
    let none = "organizations/list-policies-for-target.111122223333.json".to_owned();
    other.push((none, r#"{"Policies": []}"#.to_owned()));
    other.push(("organizations/list-policies.json".to_owned(), policy.to_owned()));
    let parents = |child: &str, id: &str, kind: &str| {
        (
            format!("organizations/list-parents.{child}.json"),
            format!(r#"{{"Parents": [{{"Id": "{id}", "Type": "{kind}"}}]}}"#),
        )
    };
    other.push(parents("444455556666", "ou-ab12-11111111", "ORGANIZATIONAL_UNIT"));
    other.push(parents("111122223333", "r-ab12", "ROOT"));
    other.push((
        "organizations/r-ab12/list-children.json".to_owned(),
        r#"{"Children": [{"Id": "ou-ab12-11111111", "Type": "ORGANIZATIONAL_UNIT"}]}"#.to_owned(),
    ));
    let found = normal(&world(&borrowed(&other)));
    assert_eq!(found.replace("name: None", "name: Some(\"Prod\")"), expected);
}

#[test]
fn what_is_missing_of_an_organization_is_a_gap() {
    let missing = |part: &str| {
        let files: Vec<_> =
            canonical().into_iter().filter(|(path, _)| !path.contains(part)).collect();
        gaps(&world(&borrowed(&files)))
    };
    assert_eq!(missing("list-targets"), ["targets of SCP p-FullAWSAccess"]);
    assert_eq!(missing("describe-policy"), ["document of organization policy p-FullAWSAccess"]);
    assert_eq!(missing("list-accounts-for-parent.ou"), ["parent of 444455556666"]);
    assert_eq!(missing("units-for-parent.r-"), ["parent of ou-ab12-11111111"]);
    assert_eq!(missing("describe-organization"), ["id and management account of the organization"]);
}

#[test]
fn paths_are_walked_and_faults_told() {
    let root = std::env::temp_dir().join(format!("keyreach-ingest-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let folder = root.join("a");
    std::fs::create_dir_all(folder.join(".git")).unwrap();
    std::fs::create_dir_all(folder.join("node_modules")).unwrap();
    std::fs::write(folder.join("describe-key.json"), describe_key(KEY)).unwrap();
    std::fs::write(folder.join(".git/describe-key.json"), "{").unwrap();
    std::fs::write(folder.join("node_modules/describe-key.json"), "{").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().replace('\\', "/");
    let file = path(&folder.join("describe-key.json"));
    let roots = [path(&root), file.clone(), path(&root.join("none"))];
    let loaded = load(&Disk, &roots);
    assert_eq!((loaded.read, loaded.used), (1, 1));
    assert_eq!(loaded.problems.len(), 1, "{:?}", loaded.problems);
    assert_eq!(loaded.problems[0].kind, ProblemKind::NotFound);
    assert_eq!(loaded.problems[0].path, roots[2]);
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(loaded.inventory.sources.path(key.place.file), file);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&root, folder.join("up")).unwrap();
        std::os::unix::fs::symlink(root.join("none"), folder.join("gone.json")).unwrap();
        let loaded = load(&Disk, &roots[..1]);
        let kinds: Vec<ProblemKind> = loaded.problems.iter().map(|it| it.kind).collect();
        assert_eq!(
            kinds,
            [ProblemKind::NotFound, ProblemKind::Unreadable],
            "{:?}",
            loaded.problems
        );
        assert_eq!(loaded.used, 1);
    }
    std::fs::remove_dir_all(&root).unwrap();
}

#[cfg(unix)]
#[test]
fn links_out_of_the_tree_are_not_followed() {
    use std::os::unix::fs::symlink;
    let root = std::env::temp_dir().join(format!("keyreach-links-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let (tree, outside) = (root.join("tree"), root.join("outside"));
    std::fs::create_dir_all(tree.join("a/own")).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    let key = |id: &str| format!(r#"{{"KeyMetadata":{{"Arn":"{}","KeyId":"{id}"}}}}"#, key_arn(id));
    std::fs::write(tree.join("a/own/describe-key.json"), key("own")).unwrap();
    std::fs::write(outside.join("describe-key.json"), key("other")).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let read = |root: &std::path::Path| {
        let loaded = load(&Disk, &[path(root)]);
        let keys = loaded.inventory.keys.values().map(|key| key.arn.id().to_owned());
        let paths = loaded.problems.iter().map(|it| (it.kind, it.path.clone()));
        (keys.collect::<Vec<_>>(), paths.collect::<Vec<_>>())
    };
    // A file and a directory outside; behind the second the walk is one from the root.
    symlink(outside.join("describe-key.json"), tree.join("a/file.json")).unwrap();
    let refused = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| (ProblemKind::Unreadable, path(&tree.join(name)))).collect()
    };
    assert_eq!(read(&tree), (vec!["own".to_owned()], refused(&["a/file.json"])));
    symlink(&outside, tree.join("folder")).unwrap();
    symlink(tree.join("a/own"), tree.join("again")).unwrap();
    let found = read(&tree);
    assert_eq!(found, (vec!["own".to_owned()], refused(&["a/file.json", "folder"])));
    // What is asked for by name is read, link or not.
    assert_eq!(read(&tree.join("folder")), (vec!["other".to_owned()], Vec::new()));
    std::fs::remove_dir_all(&root).unwrap();
}

#[test]
fn the_committed_organisation_is_loaded_whole() {
    let loaded = load(&Disk, &["testdata/organisation".to_owned()]);
    assert_eq!((loaded.problems, loaded.skipped, loaded.used), (Vec::new(), 0, loaded.read));
    assert_eq!((gaps(&loaded.inventory), conflicts(&loaded.inventory)), (Vec::new(), Vec::new()));
    assert_eq!((loaded.inventory.accounts.len(), loaded.inventory.keys.len()), (5, 18));
    assert!(check_places(&Disk, &loaded.inventory) > 50);
}

#[test]
fn grants_that_somebody_may_retire_are_not_all() {
    let (some, all) =
        (list_grants(&key_arn(KEY), "g1", false), list_grants(&key_arn(KEY), "g2", false));
    let missing = |files: &[(&str, &str)]| {
        let inventory = world(files);
        let grants = inventory.keys.values().next().unwrap().grants.len();
        (grants, gaps(&inventory).iter().any(|gap| gap.contains("grants")))
    };
    assert_eq!(missing(&[("list-retirable-grants.json", &some)]), (1, true));
    assert_eq!(
        missing(&[("list-retirable-grants.json", &some), ("list-grants.json", &all)]),
        (2, false)
    );
}

#[test]
fn what_aws_manages_needs_no_account() {
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let dump = authorization(&user_detail().replace(DEPLOY, arn), "", &policy_detail(), "");
    let policy = format!(
        r#"{{"Policy": {{"PolicyName": "ReadOnlyAccess", "Arn": "{arn}", "DefaultVersionId": "v9"}}}}"#
    );
    let version = format!(
        r#"{{"PolicyVersion": {{"Document": {}, "VersionId": "v9", "IsDefaultVersion": true}}}}"#,
        allow("kms:List*")
    );
    let files = [
        ("a.json", dump.as_str()),
        ("p/get-policy.json", &policy),
        ("p/get-policy-version.json", &version),
    ];
    assert_eq!(gaps(&world(&files)), [""; 0]);
    assert_eq!(gaps(&world(&files[..2])), [format!("document of managed policy {arn}")]);
}

#[test]
fn a_byte_order_mark_and_line_ends_keep_places_right() {
    let text =
        format!("\u{feff}{}", get_key_policy(ACCOUNT).replace("{\"Policy\"", "{\r\n\"Policy\""));
    let path = format!("{ACCOUNT}/us-east-1/kms/{KEY}/get-key-policy.json");
    let files = [(path.as_str(), text.as_str())];
    assert_eq!(check_places(&memory(&files), &world(&files)), 1);
    assert!(!read_text(&memory(&files), &path).unwrap().starts_with('\u{feff}'));
}

/// A small generator, the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

#[test]
fn damage_of_one_file_hides_no_other() {
    let mut files = canonical();
    files.extend(single_calls().into_iter().map(|(path, text)| (format!("x/{path}"), text)));
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for _ in 0..600 {
        let damaged = random.below(files.len());
        let mut memory = memory(&borrowed(&files));
        let mut bytes = files[damaged].1.clone().into_bytes();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at + 1),
                _ => bytes.insert(at, b"{}[]\",:\\\n 0n"[random.below(12)]),
            }
        }
        memory.put(&*files[damaged].0, bytes);
        let loaded = load(&memory, &[".".to_owned()]);
        assert!(loaded.problems.len() <= 1, "{:?}", loaded.problems);
        assert!(loaded.problems.iter().all(|it| it.path == files[damaged].0));
        assert_eq!(loaded.read, files.len());
        let lost = files.len() - loaded.used;
        assert!(lost <= 1, "{}", files[damaged].0);
        for document in policies(&loaded.inventory) {
            let path = loaded.inventory.sources.path(document.place.file);
            let text = read_text(&memory, path).unwrap();
            for statement in &document.policy().statements {
                assert!(document.place.locate(&text, statement.span).slice(&text).is_some());
            }
        }
    }
}
