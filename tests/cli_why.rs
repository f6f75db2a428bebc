//! The stories that `keyreach why` tells, whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::{Value, json};
use support::command::{Folder, Run, golden, keyreach};

const A: &str = "111122223333";

/// The story of one question about an export, as it is kept in `testdata/golden/why`.
fn story(name: &str, args: &str) {
    let run = why(args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args}");
    golden(&format!("why/{name}.txt"), &format!("$ keyreach why {args}\n{}", run.stdout));
}

fn why(args: &str) -> Run {
    let args: Vec<&str> = std::iter::once("why").chain(args.split_whitespace()).collect();
    keyreach(&args).run()
}

#[test]
fn the_key_policy_names_the_user() {
    story("named", "--principal Alice --action Decrypt --key alias/CMK-C testdata/course");
}

#[test]
fn the_key_policy_delegates_and_an_identity_policy_allows() {
    story("delegated", "--principal Charlie --action Encrypt --key alias/CMK-A testdata/course");
}

#[test]
fn an_allow_without_effect_is_told_to_be_one() {
    story("no-delegation", "--principal Alice --action Decrypt --key alias/CMK-B testdata/course");
}

#[test]
fn a_deny_wins() {
    story("deny", "--principal user/David --action kms:Sign --key alias/CMK-C testdata/course");
}

#[test]
fn nobody_allows() {
    story("silent", "--principal Bob --action Decrypt --key alias/CMK-A testdata/course");
}

#[test]
fn l1_changes_of_aliases_have_two_sides() {
    let told = |key: &str| {
        let run =
            why(&format!("--principal Alice --action CreateAlias --key {key} testdata/course"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{key}");
        run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // Her policy speaks of keys alone.
    let alias = told("alias/CMK-A");
    for expected in [
        "may not kms:CreateAlias on the alias alias/CMK-A",
        "allow kms:CreateAlias on arn:aws:kms:us-east-1:111122223333:alias/CMK-A in an identity policy",
        "kms:CreateAlias must be allowed on the key, too",
    ] {
        assert!(alias.contains(expected), "{alias}");
    }
    let key = told("0a0a0a0a-1111-4a4a-8a8a-aaaaaaaaaaaa");
    assert!(key.starts_with("allowed:"), "{key}");
    assert!(key.contains("kms:CreateAlias must be allowed on the alias, too"), "{key}");
    let other = why("--principal Alice --action Decrypt --key alias/CMK-A testdata/course");
    assert!(!other.stdout.contains("must be allowed on the"), "{}", other.stdout);
}

#[test]
fn a_group_allows() {
    let after = "testdata/group-walkthrough/after";
    story(
        "group",
        &format!("--principal kms-demo-user-one --action Encrypt --key alias/clouderz {after}"),
    );
}

#[test]
fn a_service_needs_a_condition_and_the_story_names_it() {
    let about = "--action GenerateDataKey --key alias/aws/secretsmanager testdata/organisation";
    story("condition", &format!("--principal dave --now 2026-01-01 {about}"));
}

#[test]
fn a_grant_allows_a_service_linked_role() {
    let role = "AWSServiceRoleForAutoScaling";
    let about = "--action Decrypt --key alias/ec2-volumes testdata/organisation";
    story(
        "grant",
        &format!(
            "--principal {role} --now 2026-01-01 --context kms:EncryptionContext:aws:ebs:id=vol-0f3a9c1d2e4b5a678 {about}"
        ),
    );
}

#[test]
fn another_account_needs_both_sides() {
    let about = "--action Decrypt --key alias/orders testdata/organisation";
    story("other-account", &format!("--principal dave --now 2026-01-01 {about}"));
}

#[test]
fn expectations_decide_the_exit_status() {
    let ask = |expected: &str, answer: &str| {
        let key = if answer == "allowed" { "alias/CMK-C" } else { "alias/CMK-B" };
        let about = format!("--principal Alice --action Decrypt --key {key} testdata/course");
        why(&format!("--expect {expected} {about}")).code
    };
    assert_eq!(ask("allowed", "allowed"), 0);
    assert_eq!(ask("denied", "denied"), 0);
    assert_eq!(ask("allowed", "denied"), 1);
    assert_eq!(ask("denied", "allowed"), 1);
}

#[test]
fn names_that_mean_nothing_are_told_with_what_is_near() {
    let check = |args: &str, expected: &str| {
        let run = why(&format!("{args} testdata/course"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}");
        let said = run.stderr.replace("\n  | ", " ");
        assert!(said.contains(expected), "{args}: {said}");
    };
    let key = "--action Decrypt --key alias/CMK-A";
    check(
        &format!("--principal Alcie {key}"),
        "`Alcie` is not in the export: did you mean `Alice`?",
    );
    check(&format!("--principal user/Alcie {key}"), "did you mean `user/Alice`?");
    let alice = "--principal Alice --action Decrypt --key";
    check(
        &format!("{alice} alias/CMK-X"),
        "alias `alias/CMK-X` is not in the export: did you mean `alias/CMK-A`?",
    );
    check(&format!("{alice} CMK-A"), "did you mean `alias/CMK-A`?");
    check(&format!("{alice} *"), "kms:Decrypt is asked for on a key");
    let on = "--principal Alice --key alias/CMK-A --action";
    check(&format!("{on} decrpyt"), "did you mean kms:Decrypt?");
    check(&format!("{on} s3:GetObject"), "it is none of AWS KMS");
    check(&format!("{on} decrypt --context novalue"), "`novalue` is not KEY=VALUE");
    check(&format!("{on} decrypt --now someday"), "`someday` is no date");
}

/// Two accounts with a user of one name, a role with a path, a group, and a multi-Region key.
fn ambiguous() -> Folder {
    let folder = Folder::new("why-names");
    for account in [A, "444455556666"] {
        let arn = |kind: &str| format!("arn:aws:iam::{account}:{kind}");
        let details = json!({
            "UserDetailList": [
                {"Path": "/", "UserName": "eve", "UserId": "AIDA1", "Arn": arn("user/eve"), "GroupList": ["ops"], "AttachedManagedPolicies": []},
                {"Path": "/", "UserName": "zoe", "UserId": "AIDA2", "Arn": arn("user/zoe"), "GroupList": [],
                 "AttachedManagedPolicies": [{"PolicyName": "lost", "PolicyArn": arn("policy/lost")}]},
            ],
            "GroupDetailList": [
                {"Path": "/", "GroupName": "ops", "GroupId": "AGPA1", "Arn": arn("group/ops"), "GroupPolicyList": [], "AttachedManagedPolicies": []},
            ],
            "RoleDetailList": [
                {"Path": "/team/", "RoleName": format!("app-{account}"), "RoleId": "AROA1", "Arn": arn(&format!("role/team/app-{account}")),
                 "RolePolicyList": [], "AttachedManagedPolicies": [], "InstanceProfileList": [],
                 "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            ],
            "Policies": [],
        });
        folder
            .put(&format!("{account}/iam/account-authorization-details.json"), details.to_string());
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{A}:root")}, "Action": "kms:*", "Resource": "*"},
    ]});
    let output = json!({"Policy": policy.to_string(), "PolicyName": "default"});
    for region in ["eu-west-1", "us-east-1"] {
        folder.put(&format!("{A}/{region}/kms/mrk-1/get-key-policy.json"), output.to_string());
    }
    folder
}

#[test]
fn ambiguous_names_list_what_they_could_mean() {
    let folder = ambiguous();
    let check = |principal: &str, key: &str, expected: &str| {
        let args = ["why", "--principal", principal, "--action", "decrypt", "--key", key];
        let run = keyreach(&args).within(folder.path()).env("COLUMNS", "500").run();
        let said = format!("{}{}", run.stdout, run.stderr).replace("\n  | ", " ");
        assert!(said.contains(expected), "{principal} {key}: {said}");
    };
    let key = format!("arn:aws:kms:eu-west-1:{A}:key/mrk-1");
    check(
        "eve",
        &key,
        "`eve` is ambiguous: arn:aws:iam::111122223333:user/eve, arn:aws:iam::444455556666:user/eve",
    );
    check("ops", &key, "`ops` is a group, which makes no requests; its members do: eve");
    check("group/ops", &key, "is a group");
    check("arn:aws:iam::111122223333:group/ops", &key, "is a group");
    check(&format!("role/app-{A}"), &key, &format!("arn:aws:iam::{A}:role/team/app-{A} may not"));
    check(&format!("role/team/app-{A}"), &key, "may not");
    check(&format!("APP-{A}"), &key, "may not");
    let session = format!("arn:aws:sts::{A}:assumed-role/app-{A}/s1 may not");
    check(&format!("role/app-{A}/s1"), &key, &session);
    check(&format!("assumed-role/app-{A}/s1"), &key, &session);
    check(A, &key, &format!("arn:aws:iam::{A}:root may kms:Decrypt"));
    check(
        A,
        "mrk-1",
        "`mrk-1` is ambiguous: arn:aws:kms:eu-west-1:111122223333:key/mrk-1, arn:aws:kms:us-east-1",
    );
    check(A, "mrk-2", "key `mrk-2` is not in the export: did you mean `mrk-1`?");
}

#[test]
fn nothing_to_audit_is_status_3() {
    let folder = Folder::new("why-nothing");
    folder.put("notes.txt", "nothing");
    let args = ["why", "--principal", "eve", "--action", "decrypt", "--key", "alias/x"];
    let run = keyreach(&args).within(folder.path()).run();
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("nothing to audit found in ."), "{}", run.stderr);
}

#[test]
fn json_says_the_same() {
    let run =
        why("--principal Alice --action Decrypt --key alias/CMK-B --format json testdata/course");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let story: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(story["schema"], "keyreach/why/1");
    assert_eq!(story["decision"], "denied");
    assert_eq!(story["denied_by"], "key-policy");
    assert_eq!(
        story["without_effect"][0]["policy"],
        "inline policy all-actions-on-cmk-a-and-cmk-b of arn:aws:iam::111122223333:user/Alice"
    );
    let changes: Vec<&Value> = story["opposite"]
        .as_array()
        .unwrap()
        .iter()
        .map(|turn| &turn["changes"][0]["change"])
        .collect();
    assert_eq!(changes, ["delegate-to-account", "allow-in-key-policy", "create-grant"]);
    // The request is one that `simulate` answers in the same way.
    let again = keyreach(&["simulate", "testdata/course", "--requests", "-"])
        .stdin(story["request"].to_string())
        .run();
    let answer: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(answer["reason"], story["reason"]);
}

/// The whole story of a question about the organisation, as JSON.
fn organisation(args: &str) -> Value {
    let run = why(&format!("{args} --now 2026-01-01 --format json testdata/organisation"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args}");
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn the_verdict_is_over_the_requests_that_agree_with_the_context() {
    let about = "--principal dave --action GenerateDataKey --key alias/aws/secretsmanager";
    let whole = organisation(about);
    let overall = &whole["overall"];
    assert_eq!(overall["verdict"], "conditional");
    assert_eq!(overall["condition"], "kms:ViaService matches secretsmanager.*.amazonaws.com");
    assert_eq!(overall["counter_denied_by"], "key-policy");
    // Both requests are as `simulate` answers them.
    for (request, decision) in [("witness", "allowed"), ("counter", "denied")] {
        let again = keyreach(&["simulate", "testdata/organisation", "--requests", "-"])
            .stdin(overall[request].to_string())
            .run();
        let answer: Value = serde_json::from_str(&again.stdout).unwrap();
        assert_eq!(answer["decision"], decision, "{request}");
    }
    let via = |service: &str| organisation(&format!("{about} --context kms:ViaService={service}"));
    let through = via("secretsmanager.us-east-1.amazonaws.com");
    assert_eq!(through["overall"]["verdict"], "always");
    assert_eq!(through["overall"]["condition"], Value::Null);
    assert_eq!(via("s3.us-east-1.amazonaws.com")["overall"]["verdict"], "never");
}

#[test]
fn what_is_not_known_is_said_with_its_bounds_and_reasons() {
    let folder = ambiguous();
    let zoe = format!("arn:aws:iam::{A}:user/zoe");
    let key = format!("arn:aws:kms:eu-west-1:{A}:key/mrk-1");
    let args = ["why", "--principal", &zoe, "--action", "decrypt", "--key", &key];
    let run = keyreach(&args).within(folder.path()).env("COLUMNS", "500").run();
    let expected = "Over all requests: not known; at least never, at most always allowed.";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
    let missing = "Not in the export, and could change the answer: document of managed policy";
    assert!(run.stdout.contains(missing), "{}", run.stdout);
}

#[test]
fn repeated_context_keys_are_a_list_and_commas_no_separators() {
    let run = why(
        "--principal Alice --action Decrypt --key alias/CMK-C --context aws:TagKeys=a,b --context aws:TagKeys=c --context x:Y=1=2 --format json testdata/course",
    );
    let story: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        story["request"]["context"],
        json!({"aws:SecureTransport": "true", "aws:TagKeys": ["a,b", "c"], "x:Y": "1=2"})
    );
}

#[test]
fn colours_come_when_asked_for() {
    let about = [
        "why",
        "--principal",
        "Alice",
        "--action",
        "Decrypt",
        "--key",
        "alias/CMK-C",
        "testdata/course",
    ];
    let plain = keyreach(&about).run().stdout;
    assert!(plain.is_ascii());
    let colored = keyreach(&[about.as_slice(), &["--color", "always"]].concat()).run().stdout;
    assert!(colored.contains("\u{1b}[") && colored.contains('╭'), "{colored}");
    let never = keyreach(&[about.as_slice(), &["--color", "never"]].concat()).run().stdout;
    assert_eq!(never, plain);
}

#[test]
fn prose_is_wrapped_at_the_width_that_is_given() {
    let about = [
        "why",
        "--principal",
        "Alice",
        "--action",
        "Decrypt",
        "--key",
        "alias/CMK-B",
        "testdata/course",
    ];
    let narrow = keyreach(&about).env("COLUMNS", "50").run().stdout;
    let prose = narrow.lines().filter(|line| {
        !line.contains("arn:") && !line.contains(" | ") && !line.contains("testdata")
    });
    assert!(prose.clone().all(|line| line.chars().count() <= 50), "{narrow}");
}

#[test]
fn a_grant_that_policies_would_see_is_what_a_create_grant_asks_for() {
    let folder = Folder::new("why-child");
    folder.put(
        "world.yaml",
        "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    users:\n      \
         bob: { policies: [{ deny: kms:CreateGrant, when: { \"Null\": { \"kms:EncryptionContext:app\": \"false\" } } }] }\n      \
         eve: {}\n    keys:\n      k:\n        grants:\n          \
         - { to: user/bob, operations: [CreateGrant, DescribeKey], context_equals: { app: y } }\n          \
         - { to: user/eve, operations: [CreateGrant, DescribeKey], context_equals: { app: y } }\n",
    );
    let told = |who: &str, format: &str| {
        let args = ["why", "--principal", who, "--action", "CreateGrant", "--key", "k", "--format"];
        let run = keyreach(&[&args[..], &[format, "."]].concat()).within(folder.path()).run();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{who}");
        run.stdout
    };
    let story: Value = serde_json::from_str(&told("bob", "json")).unwrap();
    assert_eq!((&story["decision"], &story["reason"]), (&json!("denied"), &json!("explicit-deny")));
    assert_eq!(story["overall"]["verdict"], "never");
    let context = &story["request"]["context"];
    assert_eq!(context["kms:EncryptionContext:app"], "y");
    assert_eq!(context["kms:GrantConstraintType"], "EncryptionContextEquals");
    let text = told("bob", "human").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Over all requests: never allowed."), "{text}");
    assert!(text.contains("Answered for a grant like the one that would allow it"), "{text}");
    // Where one like it is allowed, the request stays as it is asked about.
    let story: Value = serde_json::from_str(&told("eve", "json")).unwrap();
    assert_eq!(story["decision"], "allowed");
    assert_eq!(story["request"]["context"], json!({ "aws:SecureTransport": "true" }));
}

#[test]
fn how_much_of_infrastructure_code_is_known_is_told() {
    let args = "--principal role/app --action Decrypt --key alias/app";
    let code = "testdata/infrastructure/same/terraform";
    let told = why(&format!("{args} {code}")).stdout;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.ends_with("of infrastructure code fully resolved."), "{told}");
    let story: Value =
        serde_json::from_str(&why(&format!("{args} --format json {code}")).stdout).unwrap();
    assert_eq!(story["coverage"]["keys"]["fully"], 1);
    assert_eq!(
        why("--principal Bob --action Decrypt --key alias/CMK-A --format json testdata/course")
            .stdout
            .find("coverage"),
        None
    );
}

/// What `why` says of a role and a key that `name` names, as JSON.
fn told_of_key(folder: &Folder, name: &str) -> Value {
    let args = ["why", "--principal", "role/app", "--action", "Decrypt", "--key", name];
    let run =
        keyreach(&[&args[..], &["--format", "json", "."]].concat()).within(folder.path()).run();
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

#[test]
fn what_is_not_known_claims_no_deny_that_nobody_wrote() {
    let statement = |more: &str| {
        format!(
            "{{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: 'kms:*', Resource: '*'{more}}}]}}"
        )
    };
    let account = ", Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}";
    let template = |of_key: &str, of_role: &str, of_user: &str| {
        format!(
            "Resources:\n  K:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy: {of_key}\n  \
             App:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: app\n      \
             AssumeRolePolicyDocument: {{Version: '2012-10-17', Statement: []}}\n      Policies:\n        \
             - {{PolicyName: a, PolicyDocument: {of_role}}}\n        - {{PolicyName: b, PolicyDocument: {of_user}}}\n"
        )
    };
    let (of_key, known) = (statement(account), statement(""));
    let include =
        "{Fn::Transform: {Name: 'AWS::Include', Parameters: {Location: 's3://x/y.json'}}}";
    let (include, deny) = (include.to_owned(), known.replace("Allow", "Deny"));
    for (of_key, of_role, reason, gate) in [
        (&include, &known, "implicit-deny", "key-policy"),
        (&of_key, &include, "implicit-deny", "identity-policy"),
        // A Deny that is written is one, whatever else is not known.
        (&include, &deny, "explicit-deny", "identity-policy"),
    ] {
        let folder = Folder::new("open-unwritten");
        folder.put("t.yaml", template(of_key, of_role, &known));
        let story = told_of_key(&folder, "K");
        assert_eq!((&story["reason"], &story["denied_by"]), (&json!(reason), &json!(gate)));
        let missing = story["missing"].as_array().is_some_and(|missing| !missing.is_empty());
        assert_eq!(missing, reason == "implicit-deny", "{story}");
        let steps = story["steps"].as_array().unwrap();
        let answers = |wanted: &str| steps.iter().any(|step| step["answer"] == wanted);
        assert!(answers("may-deny"), "{story}");
        assert_eq!(answers("denies"), reason == "explicit-deny", "{story}");
        let args = ["matrix", "--action", "Decrypt", "--format", "jsonl", "."];
        let run = keyreach(&args).within(folder.path()).run();
        let cell = run
            .stdout
            .lines()
            .filter(|line| line.contains("role/app"))
            .find(|line| line.contains("key/K"));
        match cell {
            Some(cell) => {
                let cell: Value = serde_json::from_str(cell).unwrap();
                assert_eq!(cell["verdict"], "unknown", "{cell}");
                assert_eq!((&cell["reason"], &cell["denied_by"]), (&json!(reason), &json!(gate)));
            }
            None => assert_eq!(reason, "explicit-deny", "{run:?}"),
        }
    }
}
