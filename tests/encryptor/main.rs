//! The reference encryptor answers as AWS KMS does, in its order of checks.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

mod clock;
mod deletion;
mod grants;
mod import;
mod kem;
mod refusals;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use keyreach::encryptor::{
    Ambient, Caller, Clock, Encryptor, KmsError, MasterSecret, State, Store, Touched,
};
use serde_json::{Value, json};
use support::paths::{A, arn, caller, key, world};

const SECRET: &str = "YXR0YWNrIGF0IGRhd24=";

fn world_text() -> String {
    format!(
        "accounts: {{ {A}: {{
           keys: {{ K: {{ id: K, aliases: [alias/k] }}, L: {{ id: L }},
             N: {{ id: N, policy: [{{ allow: 'kms:*', to: user/root-like }}] }},
             R: {{ id: R, spec: RSA_2048, usage: ENCRYPT_DECRYPT }} }},
           users: {{ admin: {{ policies: [{{ allow: ['kms:*', 'iam:CreateServiceLinkedRole'] }}] }},
             maker: {{ policies: [{{ allow: 'kms:*' }}] }}, bob: {{}}, root-like: {{}},
             reader: {{ policies: [{{ allow: kms:DescribeKey }}] }} }} }} }}"
    )
}

fn kms() -> Encryptor {
    with_secret([7; 32])
}

fn with_secret(secret: [u8; 32]) -> Encryptor {
    let text = world_text();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    Encryptor::in_memory(world(&text), MasterSecret::from_bytes(secret), Clock::At(now))
}

/// The same encryptor, the clock so many days behind the beginning.
fn after(kms: &Encryptor, days: i64) -> Encryptor {
    let begin: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let now = begin + jiff::SignedDuration::from_hours(24 * days);
    let state = State::clone(&kms.state());
    let secret = MasterSecret::from_bytes([7; 32]);
    Encryptor::with_store(state, secret, Clock::At(now), Arc::new(Nowhere))
}

/// Keeps nothing.
struct Nowhere;

impl Store for Nowhere {
    fn commit(&self, _: &State, _: &State, _: &[Touched]) -> Result<(), KmsError> {
        Ok(())
    }

    fn keep_pair(&self, _: &str, _: &[u8]) -> Result<(), KmsError> {
        Ok(())
    }

    fn pair(&self, _: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, KmsError> {
        Ok(None)
    }
}

fn ask(kms: &Encryptor, who: &str, operation: &str, body: Value) -> Result<Value, KmsError> {
    let caller = Caller::new(caller(who), "us-east-1");
    kms.call(&caller, &Ambient::default(), operation, &body)
}

#[track_caller]
fn did(kms: &Encryptor, who: &str, operation: &str, body: Value) -> Value {
    ask(kms, who, operation, body)
        .unwrap_or_else(|error| panic!("{} {:?}", error.name, error.message))
}

#[track_caller]
fn fails(kms: &Encryptor, who: &str, operation: &str, body: Value, name: &str, part: &str) {
    let error = ask(kms, who, operation, body).expect_err(operation);
    let text = error.message.clone().unwrap_or_default();
    assert_eq!(error.name, name, "{text}");
    assert!(text.contains(part), "{text}");
}

const ADMIN: &str = "user/admin";

#[test]
fn what_is_encrypted_opens_with_its_context_alone() {
    let kms = kms();
    for (sealed, other) in [
        (json!({ "a": "bc" }), json!({ "ab": "c" })),
        (json!({ "a": "b" }), json!({})),
        (json!({ "a": "b" }), json!({ "A": "b" })),
        (json!({ "a": "1", "b": "2" }), json!({ "a": "2", "b": "1" })),
    ] {
        let body = json!({ "KeyId": "alias/k", "Plaintext": SECRET, "EncryptionContext": sealed });
        let made = did(&kms, ADMIN, "Encrypt", body);
        assert_eq!(made["KeyId"], arn("key/K"));
        let open = |context: &Value| json!({ "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": context });
        assert_eq!(did(&kms, ADMIN, "Decrypt", open(&sealed))["Plaintext"], SECRET);
        fails(&kms, ADMIN, "Decrypt", open(&other), "InvalidCiphertextException", "");
    }
}

#[test]
fn another_secret_opens_nothing() {
    let sealed = did(&kms(), ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let open = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    assert_eq!(did(&kms(), ADMIN, "Decrypt", open.clone())["Plaintext"], SECRET);
    fails(&with_secret([8; 32]), ADMIN, "Decrypt", open, "InvalidCiphertextException", "");
}

#[test]
fn shape_comes_before_the_key_the_key_before_authorization_and_that_before_the_state() {
    let kms = kms();
    let bob = "user/bob";
    fails(&kms, bob, "Encrypt", json!({ "KeyId": 7 }), "SerializationException", "KeyId");
    let missing = "Value null at 'plaintext'";
    fails(&kms, bob, "Encrypt", json!({ "KeyId": "none" }), "ValidationException", missing);
    let unknown = json!({ "KeyId": "none", "Plaintext": SECRET });
    fails(&kms, bob, "Encrypt", unknown, "NotFoundException", "Invalid keyId 'none'");
    did(&kms, ADMIN, "DisableKey", json!({ "KeyId": "K" }));
    let encrypt = json!({ "KeyId": "K", "Plaintext": SECRET });
    let text = "is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:us-east-1:111122223333:key/K because no identity-based policy allows the kms:Encrypt action";
    fails(&kms, bob, "Encrypt", encrypt.clone(), "AccessDeniedException", text);
    fails(&kms, ADMIN, "Encrypt", encrypt.clone(), "DisabledException", "key/K is disabled.");
    did(&kms, ADMIN, "EnableKey", json!({ "KeyId": "K" }));
    let dry = json!({ "KeyId": "K", "Plaintext": SECRET, "DryRun": true });
    fails(&kms, bob, "Encrypt", dry.clone(), "AccessDeniedException", "");
    fails(&kms, ADMIN, "Encrypt", dry, "DryRunOperationException", "would have succeeded");
    let no_policy = json!({ "KeyId": "N", "Plaintext": SECRET });
    fails(
        &kms,
        bob,
        "Encrypt",
        no_policy,
        "AccessDeniedException",
        "because no resource-based policy",
    );
    fails(&kms, bob, "Nothing", json!({}), "UnknownOperationException", "");
}

#[test]
fn nobody_learns_whose_a_ciphertext_is_or_whether_its_tag_is_right() {
    let kms = kms();
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let blob = sealed["CiphertextBlob"].as_str().unwrap();
    let broken = format!("{}AAAA", &blob[..blob.len() - 4]);
    for blob in [blob, &broken] {
        let body = json!({ "CiphertextBlob": blob });
        fails(
            &kms,
            "user/bob",
            "Decrypt",
            body,
            "AccessDeniedException",
            "kms:Decrypt on resource",
        );
    }
    fails(
        &kms,
        ADMIN,
        "Decrypt",
        json!({ "CiphertextBlob": broken }),
        "InvalidCiphertextException",
        "",
    );
    let elsewhere = Caller::new(caller(ADMIN), "eu-west-1");
    let body = json!({ "CiphertextBlob": blob });
    let error = kms.call(&elsewhere, &Ambient::default(), "Decrypt", &body).unwrap_err();
    assert!(error.message.unwrap().contains("does not exist in this region"));
    let named = json!({ "CiphertextBlob": blob, "KeyId": "L" });
    fails(&kms, ADMIN, "Decrypt", named, "IncorrectKeyException", "does not identify a CMK");
}

#[test]
fn rsa_keys_encrypt_what_fits() {
    let kms = kms();
    let algorithm = "RSAES_OAEP_SHA_256";
    let body = json!({ "KeyId": "R", "Plaintext": SECRET, "EncryptionAlgorithm": algorithm });
    let sealed = did(&kms, ADMIN, "Encrypt", body.clone());
    let open = json!({ "KeyId": "R", "CiphertextBlob": sealed["CiphertextBlob"], "EncryptionAlgorithm": algorithm });
    assert_eq!(did(&kms, ADMIN, "Decrypt", open)["Plaintext"], SECRET);
    let mut long = body.clone();
    long["Plaintext"] = "A".repeat(4 * 64).into();
    fails(&kms, ADMIN, "Encrypt", long, "ValidationException", "larger than 190 bytes");
    let mut wrong = body;
    wrong["EncryptionAlgorithm"] = "SYMMETRIC_DEFAULT".into();
    fails(
        &kms,
        ADMIN,
        "Encrypt",
        wrong,
        "InvalidKeyUsageException",
        "incompatible with key spec RSA_2048",
    );
    let sign = json!({ "KeyId": "R", "Message": SECRET, "SigningAlgorithm": "RSASSA_PSS_SHA_256" });
    fails(&kms, ADMIN, "Sign", sign, "InvalidKeyUsageException", "not valid for Sign");
}

#[test]
fn a_grant_counts_for_its_grantee_and_at_once_with_its_token() {
    let text = world_text();
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let secret = MasterSecret::from_bytes([7; 32]);
    let kms = Encryptor::in_memory(world(&text), secret, Clock::At(now)).with_grant_delay(300);
    let grant = json!({ "KeyId": "K", "GranteePrincipal": arn("user/bob"), "Name": "one",
        "Operations": ["Encrypt", "RetireGrant"] });
    let made = did(&kms, ADMIN, "CreateGrant", grant.clone());
    let again = did(&kms, ADMIN, "CreateGrant", grant);
    assert_eq!(made["GrantId"], again["GrantId"]);
    let mut encrypt = json!({ "KeyId": "K", "Plaintext": SECRET });
    fails(&kms, "user/bob", "Encrypt", encrypt.clone(), "AccessDeniedException", "");
    encrypt["GrantTokens"] = json!([made["GrantToken"]]);
    did(&kms, "user/bob", "Encrypt", encrypt.clone());
    fails(&kms, "user/reader", "Encrypt", encrypt.clone(), "AccessDeniedException", "");
    encrypt["GrantTokens"] = json!(["AAAA"]);
    fails(&kms, "user/bob", "Encrypt", encrypt, "InvalidGrantTokenException", "");
    let list = did(&kms, ADMIN, "ListGrants", json!({ "KeyId": "K" }));
    assert_eq!(list["Grants"][0]["Name"], "one");
    let retire = json!({ "GrantToken": made["GrantToken"] });
    fails(&kms, "user/reader", "RetireGrant", retire.clone(), "AccessDeniedException", "");
    let revoke = json!({ "KeyId": "K", "GrantId": made["GrantId"] });
    did(&kms, ADMIN, "RevokeGrant", revoke.clone());
    fails(&kms, ADMIN, "RevokeGrant", revoke, "NotFoundException", "not found");
}

#[test]
fn a_policy_is_put_unless_it_locks_out() {
    let kms = kms();
    let policy = |who: &str| {
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": arn(who) },
            "Action": "kms:*", "Resource": "*" });
        json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    };
    let put = |who: &str| json!({ "KeyId": "K", "Policy": policy(who) });
    let locked = "will not allow you to update the key policy";
    fails(&kms, ADMIN, "PutKeyPolicy", put("user/bob"), "MalformedPolicyDocumentException", locked);
    did(&kms, ADMIN, "PutKeyPolicy", put(ADMIN));
    let mut bypass = put("user/bob");
    bypass["BypassPolicyLockoutSafetyCheck"] = true.into();
    did(&kms, ADMIN, "PutKeyPolicy", bypass);
    fails(&kms, ADMIN, "DescribeKey", json!({ "KeyId": "K" }), "AccessDeniedException", "");
    let got = did(&kms, "user/bob", "GetKeyPolicy", json!({ "KeyId": "K" }));
    assert_eq!(got["Policy"], policy("user/bob"));
    let bad = json!({ "KeyId": "L", "Policy": "{" });
    fails(&kms, ADMIN, "PutKeyPolicy", bad, "MalformedPolicyDocumentException", "");
}

#[test]
fn a_rotated_key_opens_what_it_ever_sealed() {
    let kms = kms();
    let seal = || did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let before = seal();
    did(&kms, ADMIN, "RotateKeyOnDemand", json!({ "KeyId": "K" }));
    for sealed in [before, seal()] {
        let open = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
        assert_eq!(did(&kms, ADMIN, "Decrypt", open)["Plaintext"], SECRET);
    }
    let rotations = did(&kms, ADMIN, "ListKeyRotations", json!({ "KeyId": "K" }));
    assert_eq!(rotations["Rotations"].as_array().unwrap().len(), 1);
}

#[test]
fn what_one_region_encrypts_its_sibling_opens() {
    let kms = kms();
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    let replicate = json!({ "KeyId": id, "ReplicaRegion": "eu-west-1" });
    did(&kms, ADMIN, "ReplicateKey", replicate.clone());
    fails(&kms, ADMIN, "ReplicateKey", replicate, "AlreadyExistsException", "");
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": id, "Plaintext": SECRET }));
    let there = Caller::new(caller(ADMIN), "eu-west-1");
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    let opened = kms.call(&there, &Ambient::default(), "Decrypt", &body).unwrap();
    assert_eq!(opened["Plaintext"], SECRET);
    assert!(opened["KeyId"].as_str().unwrap().contains(":eu-west-1:"));
}

#[test]
fn a_key_waits_for_its_deletion_and_is_gone() {
    let kms = kms();
    let schedule = json!({ "KeyId": "K", "PendingWindowInDays": 7 });
    did(&kms, ADMIN, "ScheduleKeyDeletion", schedule.clone());
    let encrypt = json!({ "KeyId": "K", "Plaintext": SECRET });
    fails(
        &kms,
        ADMIN,
        "Encrypt",
        encrypt.clone(),
        "KMSInvalidStateException",
        "is pending deletion.",
    );
    fails(&kms, ADMIN, "ScheduleKeyDeletion", schedule, "KMSInvalidStateException", "");
    did(&kms, ADMIN, "CancelKeyDeletion", json!({ "KeyId": "K" }));
    fails(&kms, ADMIN, "Encrypt", encrypt, "DisabledException", "");
    let short = json!({ "KeyId": "K", "PendingWindowInDays": 6 });
    fails(
        &kms,
        ADMIN,
        "ScheduleKeyDeletion",
        short,
        "ValidationException",
        "greater than or equal to 7",
    );
}

#[test]
fn lists_come_in_pages() {
    let kms = kms();
    for number in 0..5 {
        let alias = json!({ "AliasName": format!("alias/n{number}"), "TargetKeyId": "K" });
        did(&kms, ADMIN, "CreateAlias", alias);
    }
    let (mut names, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page = did(&kms, ADMIN, "ListAliases", json!({ "Limit": 2, "Marker": marker }));
        names.extend(
            page["Aliases"].as_array().unwrap().iter().map(|it| it["AliasName"].to_string()),
        );
        if page["Truncated"] == false {
            break;
        }
        marker = page["NextMarker"].clone();
    }
    assert_eq!(names.len(), 6);
    assert!(names.is_sorted());
    fails(&kms, ADMIN, "ListAliases", json!({ "Marker": "x" }), "InvalidMarkerException", "");
    let again = json!({ "AliasName": "alias/n0", "TargetKeyId": "L" });
    fails(&kms, ADMIN, "CreateAlias", again, "AlreadyExistsException", "alias/n0 already exists");
    let wrong = json!({ "AliasName": "n0", "TargetKeyId": "L" });
    fails(&kms, ADMIN, "CreateAlias", wrong, "ValidationException", "must start with the prefix");
}

#[test]
fn refused_changes_change_nothing() {
    let kms = kms();
    let tags = json!({ "KeyId": "K", "Tags": [{ "TagKey": "a", "TagValue": "b" }] });
    fails(
        &kms,
        "user/bob",
        "TagResource",
        tags.clone(),
        "AccessDeniedException",
        "kms:TagResource",
    );
    let none = did(&kms, ADMIN, "ListResourceTags", json!({ "KeyId": "K" }));
    assert_eq!(none["Tags"], json!([]));
    did(&kms, ADMIN, "TagResource", tags);
    let some = did(&kms, ADMIN, "ListResourceTags", json!({ "KeyId": "K" }));
    assert_eq!(some["Tags"][0]["TagValue"], "b");
    assert_eq!(kms.state().world.key(&key("key/K")).unwrap().tags.as_ref().unwrap().len(), 1);
}
