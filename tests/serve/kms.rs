//! KMS over the wire, under the policies of an export.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::server::{Server, scratch};
use crate::signer::{AccessKey, Draft};
use crate::wire::{Answer, Client};

const COURSE: &str = "testdata/course";
const KEY_A: &str = "arn:aws:kms:us-east-1:111122223333:key/0a0a0a0a-1111-4a4a-8a8a-aaaaaaaaaaaa";

fn encrypt(key: &str, text: &str) -> Value {
    json!({ "KeyId": key, "Plaintext": BASE64_STANDARD.encode(text) })
}

fn sealed(server: &Server, section: &str, key: &str, text: &str) -> String {
    let answer = server.kms(section, "Encrypt", &encrypt(key, text)).ok();
    answer["CiphertextBlob"].as_str().unwrap().to_owned()
}

fn opened(answer: &Answer) -> String {
    let text = answer.ok()["Plaintext"].as_str().unwrap().to_owned();
    String::from_utf8(BASE64_STANDARD.decode(text).unwrap()).unwrap()
}

#[track_caller]
fn fails(answer: &Answer, name: &str, message: &str) {
    assert_eq!((answer.fault().as_deref(), &*answer.message()), (Some(name), message));
}

#[test]
fn what_is_encrypted_is_decrypted_by_whom_the_policies_let() {
    let server = Server::start(COURSE, &scratch("round-trip"), &[]);
    let blob = sealed(&server, "Charlie", "alias/CMK-A", "text");
    let body = json!({ "CiphertextBlob": blob });
    let answer = server.kms("Alice", "Decrypt", &body);
    assert_eq!(opened(&answer), "text");
    assert_eq!(answer.ok()["KeyId"], KEY_A);
    let message = format!(
        "User: arn:aws:iam::111122223333:user/Charlie is not authorized to perform: kms:Decrypt on \
         resource: {KEY_A} because no identity-based policy allows the kms:Decrypt action"
    );
    fails(&server.kms("Charlie", "Decrypt", &body), "AccessDeniedException", &message);
    let answer = server.kms("Alice", "Encrypt", &encrypt("alias/CMK-B", "x"));
    assert_eq!(answer.fault().as_deref(), Some("AccessDeniedException"));
    assert!(
        answer
            .message()
            .ends_with("because no resource-based policy allows the kms:Encrypt action")
    );
    let answer = server.kms("Bob", "Encrypt", &encrypt("alias/CMK-C", "x"));
    assert!(answer.message().ends_with("with an explicit deny in a resource-based policy"));
}

#[test]
fn a_ciphertext_says_nothing_to_whom_it_is_not_for() {
    let server = Server::start(COURSE, &scratch("foreign"), &[]);
    let blob = sealed(&server, "Alice", "alias/CMK-A", "text");
    let mut bytes = BASE64_STANDARD.decode(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let broken = json!({ "CiphertextBlob": BASE64_STANDARD.encode(bytes) });
    fails(&server.kms("Alice", "Decrypt", &broken), "InvalidCiphertextException", "");
    let answer = server.kms("David", "Decrypt", &broken);
    assert_eq!(answer.fault().as_deref(), Some("AccessDeniedException"));
    let other = json!({ "CiphertextBlob": blob, "KeyId": "alias/CMK-C" });
    let message =
        "The key ID in the request does not identify a CMK that can perform this operation.";
    fails(&server.kms("Alice", "Decrypt", &other), "IncorrectKeyException", message);
    // Another state has other material.
    let other = Server::start(COURSE, &scratch("foreign-other"), &[]);
    let body = json!({ "CiphertextBlob": blob });
    fails(&other.kms("Alice", "Decrypt", &body), "InvalidCiphertextException", "");
    // In another Region there is no such key.
    let draft = Draft::kms("Decrypt", &body).in_region("eu-west-1");
    let answer = server.send(&draft, &server.key("Alice"));
    assert!(
        answer
            .message()
            .starts_with("The ciphertext refers to a customer master key that does not")
    );
}

#[test]
fn the_state_of_a_key_is_told_to_whom_may_use_it_alone() {
    let server = Server::start(COURSE, &scratch("key-state"), &[]);
    server.kms("root", "DisableKey", &json!({ "KeyId": KEY_A })).ok();
    let message = format!("{KEY_A} is disabled.");
    let answer = server.kms("Alice", "Encrypt", &encrypt(KEY_A, "x"));
    fails(&answer, "DisabledException", &message);
    let answer = server.kms("David", "Encrypt", &encrypt(KEY_A, "x"));
    assert_eq!(answer.fault().as_deref(), Some("AccessDeniedException"));
    server.kms("root", "EnableKey", &json!({ "KeyId": KEY_A })).ok();
    let days = |days: i64| json!({ "KeyId": KEY_A, "PendingWindowInDays": days });
    let answer = server.kms("root", "ScheduleKeyDeletion", &days(6));
    assert_eq!(answer.fault().as_deref(), Some("ValidationException"));
    server.kms("root", "ScheduleKeyDeletion", &days(7)).ok();
    let message = format!("{KEY_A} is pending deletion.");
    let answer = server.kms("Alice", "Encrypt", &encrypt(KEY_A, "x"));
    fails(&answer, "KMSInvalidStateException", &message);
    server.kms("root", "CancelKeyDeletion", &json!({ "KeyId": KEY_A })).ok();
    let state = server.kms("root", "DescribeKey", &json!({ "KeyId": KEY_A })).ok();
    assert_eq!(state["KeyMetadata"]["KeyState"], "Disabled");
}

#[test]
fn a_session_is_held_to_its_policy_and_its_tags() {
    let folder = scratch("session");
    let export = folder.join("world.yaml");
    let world = "\
keyreach: scenario/1
region: us-east-1
accounts:
  111122223333:
    users:
      bob: {}
    roles:
      app: { trust: user/bob, policies: [{ allow: 'kms:*' }] }
    keys:
      orders: { aliases: [alias/orders], policy: default }
";
    fs::write(&export, world).unwrap();
    let server = Server::start(export.to_str().unwrap(), &folder.join("state"), &[]);
    let assume = |more: &[(&str, &str)]| {
        let mut form = vec![("Action", "AssumeRole"), ("Version", "2011-06-15")];
        form.push(("RoleArn", "arn:aws:iam::111122223333:role/app"));
        form.push(("RoleSessionName", "job"));
        form.extend(more);
        let answer = server.query("bob", "sts", &form);
        let element = |name| answer.element(name).unwrap_or_else(|| panic!("{answer:?}"));
        AccessKey {
            id: element("AccessKeyId"),
            secret: element("SecretAccessKey"),
            token: Some(element("SessionToken")),
        }
    };
    let send = |key: &AccessKey, operation: &str, body: &Value| {
        server.send(&Draft::kms(operation, body), key)
    };
    let whole = assume(&[]);
    send(&whole, "Encrypt", &encrypt("alias/orders", "x")).ok();
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"}}"#;
    let narrow = assume(&[("Policy", policy)]);
    send(&narrow, "DescribeKey", &json!({ "KeyId": "alias/orders" })).ok();
    let denied = send(&narrow, "Encrypt", &encrypt("alias/orders", "x"));
    let message = denied.message();
    assert!(
        message.starts_with("User: arn:aws:sts::111122223333:assumed-role/app/job is not"),
        "{message}"
    );
    assert!(
        message.ends_with("because no session policy allows the kms:Encrypt action"),
        "{message}"
    );
}

#[test]
fn a_new_grant_counts_with_its_token_until_the_delay_is_over() {
    let export = "testdata/course-demonstration-1-before";
    let server = Server::start(export, &scratch("delay"), &["--grant-delay", "2"]);
    let key = server.kms("root", "ListKeys", &json!({})).ok()["Keys"][0]["KeyArn"].clone();
    let body = json!({
        "KeyId": key,
        "GranteePrincipal": "arn:aws:iam::111122223333:user/Bob",
        "Operations": ["Encrypt"],
    });
    let grant = server.kms("Alice", "CreateGrant", &body).ok();
    let mut wanted = encrypt("alias/DemoKey", "x");
    let denied = server.kms("Bob", "Encrypt", &wanted);
    assert_eq!(denied.fault().as_deref(), Some("AccessDeniedException"));
    wanted["GrantTokens"] = json!([grant["GrantToken"]]);
    server.kms("Bob", "Encrypt", &wanted).ok();
    wanted["GrantTokens"] = json!(["bm8="]);
    let answer = server.kms("Bob", "Encrypt", &wanted);
    assert_eq!(answer.fault().as_deref(), Some("InvalidGrantTokenException"));
    std::thread::sleep(std::time::Duration::from_millis(2200));
    server.kms("Bob", "Encrypt", &encrypt("alias/DemoKey", "x")).ok();
}

#[test]
fn sixty_four_clients_lose_no_change() {
    let state = scratch("no-lost-change");
    let server = Server::start(COURSE, &state, &[]);
    let root = server.key("root");
    // More aliases than one key may have.
    let made = server.kms("root", "CreateKey", &json!({})).ok()["KeyMetadata"]["Arn"].clone();
    let targets = [made.as_str().unwrap(), KEY_A];
    std::thread::scope(|scope| {
        for client in 0..64 {
            let (server, root, target) = (&server, &root, targets[client % 2]);
            scope.spawn(move || {
                let mut connection = server.client();
                let host = server.address().to_string();
                let mut send = |operation: &str, body: &Value| {
                    connection.send(&Draft::kms(operation, body).signed(root, &host)).ok()
                };
                let tag = json!({ "TagKey": format!("client-{}", client % 48), "TagValue": "x" });
                send("TagResource", &json!({ "KeyId": KEY_A, "Tags": [tag] }));
                let alias = format!("alias/client-{client}");
                send("CreateAlias", &json!({ "AliasName": alias, "TargetKeyId": target }));
                for number in 0..5 {
                    let text = format!("{client} {number}");
                    let blob = send("Encrypt", &encrypt(&alias, &text))["CiphertextBlob"].clone();
                    let answer = send("Decrypt", &json!({ "CiphertextBlob": blob }));
                    assert_eq!(answer["Plaintext"], BASE64_STANDARD.encode(text));
                }
            });
        }
    });
    server.kill();
    let server = Server::start(COURSE, &state, &[]);
    let tags = server.kms("root", "ListResourceTags", &json!({ "KeyId": KEY_A })).ok();
    assert_eq!(tags["Tags"].as_array().unwrap().len(), 48);
    for (target, count) in targets.into_iter().zip([32, 33]) {
        let body = json!({ "KeyId": target, "Limit": 100 });
        let aliases = server.kms("root", "ListAliases", &body).ok();
        assert_eq!(aliases["Aliases"].as_array().unwrap().len(), count);
    }
}

#[test]
fn acknowledged_keys_and_their_ciphertexts_survive_kills() {
    let state = scratch("kept-keys");
    let mut kept: Vec<(String, String)> = Vec::new();
    for round in 0..10 {
        let server = Server::start(COURSE, &state, &[]);
        for (key, blob) in &kept {
            let body = json!({ "CiphertextBlob": blob, "KeyId": key });
            assert_eq!(opened(&server.kms("root", "Decrypt", &body)), *key, "round {round}");
        }
        let key = server.kms("root", "CreateKey", &json!({})).ok();
        let key = key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
        let blob = sealed(&server, "root", &key, &key);
        kept.push((key, blob));
        server.kill();
    }
}

#[test]
fn key_pairs_are_the_same_after_a_kill_and_one_pair_serves_all_clients() {
    let state = scratch("pairs");
    let server = Server::start(COURSE, &state, &[]);
    let spec = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let key = server.kms("root", "CreateKey", &spec).ok()["KeyMetadata"]["Arn"].clone();
    let (message, algorithm) = (BASE64_STANDARD.encode("text"), "ECDSA_SHA_256");
    let body = json!({ "KeyId": key, "Message": message, "SigningAlgorithm": algorithm });
    // All at once, when there is no pair yet.
    let signatures: Vec<Value> = std::thread::scope(|scope| {
        let sign = || server.kms("root", "Sign", &body).ok()["Signature"].clone();
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(sign)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    server.kill();
    let server = Server::start(COURSE, &state, &[]);
    for signature in signatures {
        let mut body = body.clone();
        body["Signature"] = signature;
        assert_eq!(server.kms("root", "Verify", &body).ok()["SignatureValid"], true);
    }
}

#[test]
fn the_state_is_an_export() {
    let state = scratch("export");
    let server = Server::start(COURSE, &state, &[]);
    let made = server.kms("root", "CreateKey", &json!({ "Description": "new" })).ok();
    let key = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let body = json!({ "AliasName": "alias/new", "TargetKeyId": key });
    server.kms("root", "CreateAlias", &body).ok();
    let body = json!({
        "KeyId": key,
        "GranteePrincipal": "arn:aws:iam::111122223333:user/David",
        "Operations": ["Decrypt", "Encrypt"],
        "Constraints": { "EncryptionContextSubset": { "a": "b" } },
    });
    server.kms("root", "CreateGrant", &body).ok();
    server.kill();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_keyreach"))
            .args(args)
            .arg(&state)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, _, problems) = run(&["check", "--fail-on", "never"]);
    assert_eq!((code, &*problems), (Some(0), ""));
    let why = ["why", "--principal", "arn:aws:iam::111122223333:user/David", "--key", "alias/new"];
    let asked =
        ["--action", "Decrypt", "--context", "kms:EncryptionContext:a=b", "--expect", "allowed"];
    let (code, story, _) = run(&[&why[..], &asked].concat());
    assert_eq!(code, Some(0), "{story}");
}

#[test]
fn an_export_is_never_written() {
    let folder = scratch("read-only");
    let export = folder.join("export");
    let copied = Command::new("cp").arg("-r").arg(COURSE).arg(&export).status();
    assert!(copied.unwrap().success());
    let listing = || {
        let sums = ["-type", "f", "-exec", "sha256sum", "{}", "+"];
        let output = Command::new("find").arg(&export).args(sums).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let before = listing();
    let server = Server::start(export.to_str().unwrap(), &folder.join("state"), &[]);
    server.kms("root", "DisableKey", &json!({ "KeyId": KEY_A })).ok();
    drop(server);
    assert_eq!(listing(), before);
}

#[test]
fn lists_come_in_pages() {
    let server = Server::start(COURSE, &scratch("pages"), &[]);
    let mut found = Vec::new();
    let mut body = json!({ "Limit": 2 });
    loop {
        let page = server.kms("root", "ListKeys", &body).ok();
        found.extend(page["Keys"].as_array().unwrap().clone());
        if page["Truncated"] == false {
            break;
        }
        body["Marker"] = page["NextMarker"].clone();
    }
    assert_eq!(found.len(), 3);
    body["Marker"] = json!("x");
    let answer = server.kms("root", "ListKeys", &body);
    assert_eq!(answer.fault().as_deref(), Some("InvalidMarkerException"));
    let answer = server.kms("root", "ListKeys", &json!({ "Limit": 1001 }));
    assert_eq!(answer.fault().as_deref(), Some("ValidationException"));
}

#[test]
fn shapes_are_told_as_aws_tells_them() {
    let server = Server::start(COURSE, &scratch("shapes"), &[]);
    let answer = server.kms("Alice", "Encrypt", &json!({ "Plaintext": "eA==" }));
    let message = "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: \
                   Member must not be null";
    fails(&answer, "ValidationException", message);
    let answer = server.kms("Alice", "Encrypt", &json!({ "KeyId": KEY_A, "Plaintext": "?" }));
    assert_eq!(answer.fault().as_deref(), Some("SerializationException"));
    let answer = server.kms("Alice", "Encrypt", &encrypt(KEY_A, &"x".repeat(4097)));
    let message = "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: \
                   Member must have length less than or equal to 4096";
    fails(&answer, "ValidationException", message);
    sealed(&server, "Alice", KEY_A, &"x".repeat(4096));
    let answer = server.kms("Alice", "Encrypt", &encrypt("nothing", "x"));
    fails(&answer, "NotFoundException", "Invalid keyId 'nothing'");
    let id = "134f2428-cec1-4b25-a1ae-9048164dba47";
    let answer = server.kms("Alice", "Encrypt", &encrypt(id, "x"));
    let message = format!("Key 'arn:aws:kms:us-east-1:111122223333:key/{id}' does not exist");
    fails(&answer, "NotFoundException", &message);
    let answer = server.kms("Alice", "Encrypt", &encrypt("alias/nothing", "x"));
    let message = "Alias arn:aws:kms:us-east-1:111122223333:alias/nothing is not found.";
    fails(&answer, "NotFoundException", message);
    let mut dry = encrypt(KEY_A, "x");
    dry["DryRun"] = json!(true);
    let message = "The request would have succeeded, but the DryRun option is set.";
    fails(&server.kms("Alice", "Encrypt", &dry), "DryRunOperationException", message);
}

#[test]
fn operations_with_long_bodies_on_one_connection_stay_apart() {
    let server = Server::start(COURSE, &scratch("long"), &[]);
    let (key, host) = (server.key("Alice"), server.address().to_string());
    let mut client: Client = server.client();
    for length in [1, 4096, 2, 4000] {
        let text = "y".repeat(length);
        let request = Draft::kms("Encrypt", &encrypt(KEY_A, &text)).signed(&key, &host);
        let blob = client.send(&request).ok()["CiphertextBlob"].clone();
        let request = Draft::kms("Decrypt", &json!({ "CiphertextBlob": blob })).signed(&key, &host);
        assert_eq!(opened(&client.send(&request)), text);
    }
}
