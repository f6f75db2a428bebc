//! What AWS Config recorded, in each form in which it is handed out, says the same of keys and principals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/command.rs"]
mod command;
#[path = "support/declared.rs"]
mod declared;

use command::{Folder, keyreach};
use declared::{ANYTHING, NEVER, bounds_of, loaded};
use keyreach::aws::KmsAction;
use keyreach::decision::Bound;
use keyreach::ingest::Loaded;
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLE: &str = "arn:aws:iam::111122223333:role/app";
const OTHER: &str = "arn:aws:iam::111122223333:role/other";

fn key_policy(role: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": role }, "Action": "kms:Decrypt", "Resource": "*" },
            { "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" }, "Action": "kms:Encrypt", "Resource": "*" },
        ]
    })
    .to_string()
}

/// The percent-encoded policy of a role that may encrypt.
fn encrypting() -> String {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "kms:Encrypt", "Resource": KEY }] });
    let text = policy.to_string();
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn key_item(policy: &str, time: &str) -> Value {
    json!({
        "resourceType": "AWS::KMS::Key", "arn": KEY, "resourceId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "accountId": "111122223333", "awsRegion": "eu-west-1", "configurationItemStatus": "OK",
        "configurationItemCaptureTime": time,
        "configuration": { "keyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "arn": KEY, "keyState": "Enabled",
            "keyManager": "CUSTOMER", "origin": "AWS_KMS", "keyUsage": "ENCRYPT_DECRYPT", "keySpec": "SYMMETRIC_DEFAULT" },
        "supplementaryConfiguration": { "Policy": policy, "KeyRotationStatus": true,
            "Tags": [{ "tagKey": "team", "tagValue": "pay" }] },
    })
}

fn role_item() -> Value {
    json!({
        "resourceType": "AWS::IAM::Role", "arn": ROLE, "configurationItemStatus": "ResourceDiscovered",
        "configurationItemCaptureTime": "2026-01-01T00:00:00.000Z",
        "configuration": { "arn": ROLE, "roleName": "app", "roleId": "AROAEXAMPLEEXAMPLEID1", "path": "/",
            "assumeRolePolicyDocument": "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
            "rolePolicyList": [{ "policyName": "p", "policyDocument": encrypting() }],
            "attachedManagedPolicies": [], "permissionsBoundary": null, "tags": [] },
        "supplementaryConfiguration": {},
    })
}

/// An item whose parts are texts, as the API gives them.
fn in_texts(mut item: Value) -> Value {
    item["configuration"] = item["configuration"].to_string().into();
    for (_, part) in item["supplementaryConfiguration"].as_object_mut().unwrap() {
        *part = part.to_string().into();
    }
    item
}

fn said(document: &Value) -> Loaded {
    loaded(&[("config.json", &document.to_string())])
}

fn check(loaded: &Loaded, name: &str) {
    let key = loaded.inventory.keys.values().next().unwrap();
    assert_eq!(key.arn.as_str(), KEY, "{name}");
    // Grants are not recorded: so much is surely allowed, and more may be.
    assert_eq!(bounds_of(loaded, ROLE, KmsAction::DECRYPT).0, Bound::Always, "{name}");
    assert_eq!(bounds_of(loaded, OTHER, KmsAction::DECRYPT), ANYTHING, "{name}");
    assert_eq!(bounds_of(loaded, ROLE, KmsAction::ENCRYPT).0, Bound::Always, "{name}");
    assert_eq!(bounds_of(loaded, ROLE, KmsAction::PUT_KEY_POLICY), NEVER, "{name}");
    assert_eq!((key.rotation, key.tags.as_ref().unwrap().len()), (Some(true), 1), "{name}");
}

#[test]
fn every_form_says_the_same() {
    let old = key_item(&key_policy(OTHER), "2025-01-01T00:00:00.000Z");
    let new = key_item(&key_policy(ROLE), "2026-01-01T00:00:00.000Z");
    // The latest item of an entity counts, wherever it stands.
    let items = [old.clone(), new.clone(), role_item()];
    let reversed = [new.clone(), role_item(), old];
    let with_arn = |mut item: Value| {
        let arn = item.as_object_mut().unwrap().remove("arn").unwrap();
        item["ARN"] = arn;
        item
    };
    let snapshot = json!({ "fileVersion": "1.0", "configSnapshotId": "x", "configurationItems": items.clone().map(with_arn) });
    check(&said(&snapshot), "snapshot");
    check(&said(&json!({ "configurationItems": reversed.map(in_texts) })), "history");
    let batch = json!({ "baseConfigurationItems": [in_texts(new.clone()), in_texts(role_item())], "unprocessedResourceKeys": [] });
    check(&said(&batch), "batch");
    let results = [new.to_string(), role_item().to_string()];
    check(&said(&json!({ "Results": results, "QueryInfo": {} })), "query");
    // A query need not ask for the type or the ARN.
    let mut less = [new, role_item()];
    less[0].as_object_mut().unwrap().remove("resourceType");
    for name in ["resourceType", "arn"] {
        less[1].as_object_mut().unwrap().remove(name);
    }
    check(&said(&json!({ "Results": less.map(|item| item.to_string()), "QueryInfo": {} })), "less");
}

#[test]
fn what_was_not_asked_for_is_not_known() {
    let mut role = role_item();
    role["configuration"].as_object_mut().unwrap().remove("attachedManagedPolicies");
    let key = key_item(&key_policy(OTHER), "2026-01-01T00:00:00.000Z");
    let results = [key.to_string(), role.to_string()];
    let loaded = said(&json!({ "Results": results, "QueryInfo": {} }));
    // Which policies the role has is not known, and the key policy delegates encryption.
    assert_eq!(bounds_of(&loaded, ROLE, KmsAction::ENCRYPT), ANYTHING);
}

#[test]
fn what_was_deleted_is_gone() {
    let mut gone = key_item(&key_policy(ROLE), "2026-02-01T00:00:00.000Z");
    gone["configurationItemStatus"] = "ResourceDeleted".into();
    let there = key_item(&key_policy(ROLE), "2026-01-01T00:00:00.000Z");
    let loaded = said(&json!({ "configurationItems": [gone, there, role_item()] }));
    assert_eq!(loaded.inventory.keys.values().count(), 0);
    assert_eq!(loaded.inventory.principal_count(), 1);
}

#[test]
fn other_results_are_none_of_ours() {
    for text in [r#"{"Results": [1, 2]}"#, r#"{"Results": [{"a": 1}]}"#, r#"{"Results": []}"#] {
        let loaded = loaded(&[("x.json", text)]);
        assert_eq!((loaded.used, loaded.skipped), (0, 1), "{text}");
    }
}

#[test]
fn what_is_found_in_the_answer_of_a_query_has_a_place() {
    let folder = Folder::new("recorded-place");
    let results = [key_item(&key_policy("*"), "2026-01-01T00:00:00.000Z").to_string()];
    folder.put("q.json", json!({ "Results": results, "QueryInfo": {} }).to_string());
    let run = keyreach(&["check", "."]).within(folder.path()).run();
    let (_, finding) = run.stdout.split_once("public-key-access (critical)").expect("found");
    let place = finding.split("help:").next().unwrap();
    assert!(place.contains("[q.json:1:1]"), "{place}");
}
