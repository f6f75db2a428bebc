//! `keyreach check` on key policies that stand alone, of keys and accounts that nobody knows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::command::{Folder, ROOT, Run, keyreach};

fn check(folder: &Folder, args: &[&str]) -> Run {
    keyreach(&[&["check", ".", "--now", "2026-01-01"], args].concat()).within(folder.path()).run()
}

/// The findings as `rule` or `rule/facet`, sorted.
fn rules(folder: &Folder, args: &[&str]) -> Vec<String> {
    let run = check(folder, &[&["--format", "json"], args].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    let told = |finding: &Value| {
        let rule = finding["rule"].as_str().unwrap().to_owned();
        match finding["facet"].as_str() {
            Some(facet) => format!("{rule}/{facet}"),
            None => rule,
        }
    };
    let mut found: Vec<String> = report["findings"].as_array().unwrap().iter().map(told).collect();
    found.sort();
    found
}

fn allow(principal: &Value, action: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*" })
}

fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

#[test]
fn a_public_policy_is_told_in_whatever_form_it_stands_alone() {
    let public = policy(&[allow(&json!("*"), "kms:*")]);
    let output = json!({ "Policy": public.to_string(), "PolicyName": "default" }).to_string();
    let yaml = "Version: '2012-10-17'\nStatement:\n  - {Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*'}\n";
    let forms: [(&str, &str); 4] = [
        ("a policy.json", &public.to_string()),
        ("get-key-policy.json", &output),
        ("my-key-policy.json", &public.to_string()),
        ("policy.yaml", yaml),
    ];
    for (name, text) in forms {
        let folder = Folder::new("bare-public");
        folder.put(name, text);
        let run = check(&folder, &[]);
        assert_eq!(run.code, 1, "{name}: {run:?}");
        assert!(run.stdout.contains("public-key-access (critical)"), "{name}: {}", run.stdout);
        let told = run.stdout.replace('\n', " ");
        assert!(told.contains("0 grants, 1 policy"), "{name}: {told}");
        assert!(!rules(&folder, &[]).iter().any(|rule| rule == "missing-input"), "{name}");
    }
}

#[test]
fn a_bare_policy_is_asked_what_a_key_is_asked() {
    let folder = Folder::new("bare-rules");
    let mut others = allow(&json!("*"), "kms:Decrypt");
    others.as_object_mut().unwrap().remove("Principal");
    others["NotPrincipal"] = json!({ "AWS": "arn:aws:iam::111122223333:role/X" });
    let statements = [
        allow(&json!({ "AWS": "arn:aws:iam::111122223333:root" }), "kms:*"),
        allow(&json!({ "AWS": "arn:aws:iam::444455556666:root" }), "kms:Decrypt"),
        allow(&json!({ "Service": "sns.amazonaws.com" }), "kms:Decrypt"),
        others,
    ];
    folder.put("key.json", policy(&statements).to_string());
    // The account that manages the key may be its own; the other is none.
    let expected =
        ["allow-not-principal/strangers", "external-account-access", "service-principal-unscoped"];
    assert_eq!(rules(&folder, &[]), expected);
    let run = check(&folder, &["--select", "external-account-access,allow-not-principal"]);
    assert!(run.stdout.contains("account 444455556666"), "{}", run.stdout);
    assert!(!run.stdout.contains("this-account:role"), "{}", run.stdout);
    // Whoever knows the account says so.
    let other = ["--account", "777788889999", "--select", "external-account-access"];
    assert_eq!(rules(&folder, &other), ["external-account-access"; 2]);
}

#[test]
fn a_resource_that_is_a_key_is_its_own_and_an_alias_is_none() {
    let on = |resource: &str| {
        let folder = Folder::new("bare-resource");
        let mut statement = allow(&json!("*"), "kms:Decrypt");
        statement["Resource"] = json!(resource);
        folder.put("key.json", policy(&[statement]).to_string());
        rules(&folder, &["--select", "public-key-access,key-policy-resource-mismatch"])
    };
    let key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    assert_eq!(on(key), ["public-key-access"]);
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/app";
    assert_eq!(on(alias), ["key-policy-resource-mismatch"]);
}

/// What AWS writes is silent where it stands alone, too.
#[test]
fn policies_that_aws_writes_are_silent_alone() {
    let worlds = Path::new(ROOT).join("testdata/noise-budget");
    let mut count = 0;
    for world in fs::read_dir(worlds).unwrap() {
        let path = world.unwrap().path().join("world.yaml");
        let world: Value = serde_yaml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let keys = &world["accounts"]["111122223333"]["keys"];
        for key in keys.as_object().unwrap().values() {
            let folder = Folder::new("bare-noise");
            folder.put("policy.json", key["policy"].to_string());
            assert_eq!(rules(&folder, &[]), [""; 0], "{}", path.display());
            count += 1;
        }
    }
    assert_eq!(count, 6);
}

#[test]
fn the_default_policy_is_told_to_auditors_as_one_of_some_account() {
    let folder = Folder::new("bare-default");
    let root = json!({ "AWS": "arn:aws:iam::111122223333:root" });
    folder.put("policy.json", policy(&[allow(&root, "kms:*")]).to_string());
    assert_eq!(rules(&folder, &["--persona", "auditor"]), ["external-account-access"]);
    let own = ["--persona", "auditor", "--account", "111122223333"];
    assert_eq!(rules(&folder, &own), [""; 0]);
}

#[test]
fn a_policy_that_no_key_could_hold_is_told() {
    let folder = Folder::new("bare-large");
    let mut names: Vec<String> =
        (0..2500).map(|nth| format!("arn:aws:iam::111122223333:role/r{nth}")).collect();
    names.push("*".to_owned());
    let policy = policy(&[allow(&json!({ "AWS": names }), "kms:Decrypt")]);
    folder.put("policy.json", policy.to_string());
    assert!(rules(&folder, &[]).contains(&"malformed-policy".to_owned()));
}

#[test]
fn the_policy_of_an_endpoint_is_none_of_a_key() {
    let folder = Folder::new("bare-endpoint");
    folder.put("all.json", policy(&[allow(&json!("*"), "*")]).to_string());
    folder.put("kms-endpoint.json", policy(&[allow(&json!("*"), "kms:*")]).to_string());
    assert_eq!(rules(&folder, &[]), [""; 0]);
}

#[test]
fn a_safe_fix_does_not_touch_what_a_bare_policy_gives() {
    let folder = Folder::new("bare-fix");
    let root = json!({ "AWS": "arn:aws:iam::111122223333:root" });
    let role = json!({ "AWS": "arn:aws:iam::111122223333:role/app" });
    let text = policy(&[allow(&root, "kms:*"), allow(&role, "kms:Decript")]).to_string();
    folder.put("policy.json", &text);
    check(&folder, &["--fix"]);
    assert_eq!(fs::read_to_string(folder.path().join("policy.json")).unwrap(), text);
}

/// A policy that allows all to anyone, as the services that have one write it.
fn all_to_anyone() -> Value {
    policy(&[allow(&json!("*"), "*")])
}

#[test]
fn what_get_key_policy_writes_is_of_a_key_whatever_its_actions_are() {
    let text = all_to_anyone().to_string();
    let named = json!({ "Policy": text, "PolicyName": "default" }).to_string();
    let of_sdk = json!({ "Policy": text, "ResponseMetadata": {} }).to_string();
    for (name, text) in [("a.json", &named), ("b.json", &of_sdk), ("x.get-key-policy.json", &text)]
    {
        let folder = Folder::new("bare-all");
        folder.put(name, text);
        assert!(rules(&folder, &[]).iter().any(|rule| rule == "public-key-access"), "{name}");
    }
}

#[test]
fn what_may_be_of_another_service_is_of_no_key() {
    let text = all_to_anyone().to_string();
    let of_file_system = json!({ "FileSystemId": "fs-1", "Policy": text }).to_string();
    for (name, text) in [("policy.json", &text), ("efs.json", &of_file_system)] {
        let folder = Folder::new("bare-other");
        folder.put(name, text);
        assert!(rules(&folder, &["--allow-empty"]).is_empty(), "{name}");
    }
}

#[test]
fn bare_policies_are_asked_alone_and_told_beside_an_export() {
    let folder = Folder::new("bare-asked");
    let role = "arn:aws:iam::444455556666:role/X";
    let statements = [
        allow(&json!({ "AWS": "arn:aws:iam::111122223333:root" }), "kms:*"),
        allow(&json!({ "AWS": role }), "kms:Decrypt"),
    ];
    folder.put("policy.json", policy(&statements).to_string());
    let who = ["who-can", "--action", "kms:Decrypt", "--key", "*", "--format", "csv", "."];
    let run = keyreach(&who).within(folder.path()).run();
    assert!(run.code == 0 && run.stdout.contains(role), "{run:?}");
    assert!(run.stdout.contains("this-account:key/policy.json"), "{run:?}");
    assert_eq!(run.stderr, "");
    let assertion = "assertions:\n  - message: a\n    forbid: { principals: ['arn:aws:iam::444455556666:*'], \
                     actions: 'kms:Decrypt', keys: '*' }\n";
    folder.put("keyreach.yaml", assertion);
    assert!(rules(&folder, &[]).iter().any(|rule| rule == "failed-assertion"));
    let run = keyreach(&["test", "."]).within(folder.path()).run();
    assert_eq!(run.code, 1, "{run:?}");
    folder.put(
        "world.yaml",
        "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    keys: { orders: {} }\n",
    );
    let run = keyreach(&who).within(folder.path()).run();
    assert!(run.code == 0 && !run.stdout.contains(role), "{run:?}");
    let told = run.stderr.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>();
    assert!(told.join(" ").contains("1 key policy does not say of which key it is"), "{run:?}");
}

#[test]
fn who_is_left_out_of_a_finding_is_not_shown_by_its_request_either() {
    let folder = Folder::new("bare-left-out");
    let with = |roles: &[&str]| {
        let roles: Vec<String> =
            roles.iter().map(|role| format!("arn:aws:iam::444455556666:role/{role}")).collect();
        let statement = allow(&json!({ "AWS": roles }), "kms:Decrypt");
        folder.put("policy.json", policy(&[statement]).to_string());
    };
    with(&["X"]);
    let of_auditors = ["--persona", "auditor"];
    check(&folder, &[&of_auditors[..], &["--write-baseline", "known.json"]].concat());
    with(&["X", "Y"]);
    let beside = ["--baseline", "known.json", "--format", "json"];
    let run = check(&folder, &[&of_auditors[..], &beside].concat());
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let told = report["findings"].as_array().unwrap();
    let of_y: Vec<&Value> =
        told.iter().filter(|one| one["rule"] == "external-account-access").collect();
    assert_eq!(of_y.len(), 1, "{report}");
    assert_eq!(of_y[0]["principals"], json!(["arn:aws:iam::444455556666:role/Y"]));
    assert_ne!(of_y[0]["witness"]["principal"], "arn:aws:iam::444455556666:role/X");
}
