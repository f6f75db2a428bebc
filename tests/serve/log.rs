//! What the log says, and what it never says.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::server::{Server, scratch};
use crate::signer::Draft;

const COURSE: &str = "testdata/course";

#[test]
fn a_refusal_is_explained_by_the_gate_and_the_statement() {
    let server = Server::start(COURSE, &scratch("explained"), &["--explain"]);
    let body = json!({ "KeyId": "alias/CMK-C", "Plaintext": "eA==" });
    let denied = server.kms("Bob", "Encrypt", &body);
    assert_eq!(denied.fault().as_deref(), Some("AccessDeniedException"));
    let form = [("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", "eve")];
    assert_eq!(server.query("Bob", "iam", &form).status, 403);
    let (_, log) = server.end();
    let line = "400 kms:Encrypt arn:aws:iam::111122223333:user/Bob AccessDeniedException";
    assert!(log.contains(line), "{log}");
    assert!(
        log.contains("get-key-policy.json") && log.contains("Deny Bob, Charlie and David"),
        "{log}"
    );
    let line = "arn:aws:iam::111122223333:user/Bob may not iam:CreateUser on \
                arn:aws:iam::111122223333:user/eve: implicit-deny by identity-policy";
    assert!(log.contains(line), "{log}");
}

#[test]
fn a_refusal_is_explained_without_grants_that_do_not_count_yet() {
    let export = "testdata/course-demonstration-1-before";
    let server = Server::start(export, &scratch("waiting"), &["--explain", "--grant-delay", "300"]);
    let grant = json!({ "KeyId": "0d0d0d0d-4444-4d4d-8d8d-dddddddddddd", "Operations": ["Encrypt"],
        "GranteePrincipal": "arn:aws:iam::111122223333:user/Bob" });
    let made = server.kms("Alice", "CreateGrant", &grant).ok();
    let body = json!({ "KeyId": "alias/DemoKey", "Plaintext": "eA==" });
    assert_eq!(server.kms("Bob", "Encrypt", &body).status, 400);
    let (_, log) = server.end();
    let id = made["GrantId"].as_str().unwrap();
    assert!(log.contains("denied: arn:aws:iam::111122223333:user/Bob may not"), "{log}");
    assert!(log.contains(&format!("Left out: grant {id}, which does not count")), "{log}");
    assert!(!log.contains("allowed: "), "{log}");
}

#[test]
fn nothing_secret_and_nothing_that_was_encrypted_is_in_the_log() {
    let state = scratch("secrets-in-log");
    let server = Server::start(COURSE, &state, &["--explain"]);
    let keys = server.keys();
    let secret = "planted-secret-of-the-test";
    let text = BASE64_STANDARD.encode(secret);
    let context = json!({ "planted-context": "planted-value" });
    let body = json!({ "KeyId": "alias/CMK-A", "Plaintext": text, "EncryptionContext": context });
    let blob = server.kms("Alice", "Encrypt", &body).ok()["CiphertextBlob"].clone();
    let body = json!({ "CiphertextBlob": blob });
    assert_eq!(server.kms("Alice", "Decrypt", &body).status, 400);
    assert_eq!(server.kms("Bob", "Decrypt", &body).status, 400);
    assert_eq!(server.kms("Alice", "plantedOperation", &json!({})).status, 400);
    let broken = Draft::json("Encrypt", format!("{{\"Plaintext\": \"{text}\"").as_bytes());
    assert_eq!(server.send(&broken, &keys["Alice"]).status, 400);
    let form = [("Action", "CreateAccessKey"), ("Version", "2010-05-08"), ("UserName", "Bob")];
    let made = server.query("root", "iam", &form).element("SecretAccessKey").unwrap();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    assert!(log.contains("kms:Encrypt") && log.contains("iam:CreateAccessKey"), "{log}");
    let mut planted = vec![secret.to_owned(), text, made, blob.as_str().unwrap().to_owned()];
    planted.extend(["planted-value".to_owned(), "planted-context".to_owned()]);
    for key in keys.values() {
        planted.push(key.secret.clone());
        planted.extend(key.token.clone());
    }
    for secret in planted {
        assert!(!log.contains(&secret), "{secret}\n{log}");
    }
}

#[test]
fn a_request_writes_one_line_whatever_it_is_called() {
    let server = Server::start(COURSE, &scratch("log-lines"), &[]);
    let name = "Forged\n2026-01-01T00:00:00Z 200 kms:Decrypt mallory ok";
    assert_eq!(server.query("Bob", "iam", &[("Action", name)]).status, 400);
    assert_eq!(server.kms("Bob", "x y", &json!({})).status, 400);
    let (_, log) = server.end();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains(" 400 iam:Forged") && lines[1].contains(" 400 kms:x"), "{log}");
}

#[test]
fn a_quiet_endpoint_logs_no_request() {
    let server = Server::start(COURSE, &scratch("quiet"), &["--quiet"]);
    server.kms("root", "ListKeys", &json!({})).ok();
    assert_eq!(server.end().1, "");
}
