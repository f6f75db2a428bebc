//! What the calls of an export are loaded into, in any order, and what is missing of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

#[path = "support/exports.rs"]
mod exports;

use exports::{
    ACCOUNT, DEPLOY, KEY, OTHER_KEY, allow, authorization, borrowed, canonical, check_places,
    conflicts, describe_key, escaped, gaps, get_key_policy, key_arn, key_policy, list_grants,
    loaded, memory, normal, policy_detail, role_detail, single_calls, user_detail, world,
};
use keyreach::aws::{AccountId, KeyArn};
use keyreach::ingest::{Disk, load};
use keyreach::inventory::OrgPolicyKind;

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

#[cfg(unix)]
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
    let arn = "arn:aws:iam::aws:policy/AmazonEC2FullAccess";
    let dump = authorization(&user_detail().replace(DEPLOY, arn), "", &policy_detail(), "");
    let policy = format!(
        r#"{{"Policy": {{"PolicyName": "AmazonEC2FullAccess", "Arn": "{arn}", "DefaultVersionId": "v9"}}}}"#
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
