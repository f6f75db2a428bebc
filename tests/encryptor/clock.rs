//! What the clock does to keys, and what it tells of their use.

use serde_json::{Value, json};

use super::*;

const DAY: i64 = 86_400;
/// 2026-01-01, when the clock of `kms` stands still.
const BEGIN: i64 = 1_767_225_600;

fn rotations(kms: &Encryptor) -> Vec<(i64, String)> {
    let list = did(kms, ADMIN, "ListKeyRotations", json!({ "KeyId": "K" }));
    let of = |one: &Value| {
        let date = (one["RotationDate"].as_i64().unwrap() - BEGIN) / DAY;
        (date, one["RotationType"].as_str().unwrap().to_owned())
    };
    list["Rotations"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_key_rotates_when_its_period_is_over_and_opens_what_it_ever_sealed() {
    let kms = kms();
    let seal = |kms: &Encryptor| {
        did(kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }))["CiphertextBlob"]
            .clone()
    };
    did(&kms, ADMIN, "EnableKeyRotation", json!({ "KeyId": "K", "RotationPeriodInDays": 90 }));
    let status = did(&kms, ADMIN, "GetKeyRotationStatus", json!({ "KeyId": "K" }));
    assert_eq!(status["NextRotationDate"], BEGIN + 90 * DAY);
    let mut blobs = vec![seal(&kms)];
    assert_eq!(rotations(&after(&kms, 89)), []);
    let kms = after(&kms, 91);
    blobs.push(seal(&kms));
    assert_eq!(rotations(&kms), [(90, "AUTOMATIC".to_owned())]);
    // Another rotation in between moves the next one not.
    did(&kms, ADMIN, "RotateKeyOnDemand", json!({ "KeyId": "K" }));
    let kms = after(&kms, 300);
    blobs.push(seal(&kms));
    let dates: Vec<i64> = rotations(&kms).into_iter().map(|(date, _)| date).collect();
    assert_eq!(dates, [90, 91, 180, 270]);
    let versions: std::collections::BTreeSet<u32> = blobs.iter().map(version).collect();
    assert_eq!(versions, [1, 2, 5].into());
    for blob in blobs {
        let opened = did(&kms, ADMIN, "Decrypt", json!({ "CiphertextBlob": blob }));
        assert_eq!(opened["Plaintext"], SECRET);
    }
}

/// The version of the material that sealed a blob: it stands behind the key's name.
fn version(blob: &Value) -> u32 {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_STANDARD.decode(blob.as_str().unwrap()).unwrap();
    let behind = 6 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    u32::from_be_bytes(bytes[behind..behind + 4].try_into().unwrap())
}

#[test]
fn a_disabled_key_rotates_once_when_it_is_enabled_again() {
    let kms = kms();
    did(&kms, ADMIN, "EnableKeyRotation", json!({ "KeyId": "K", "RotationPeriodInDays": 90 }));
    did(&kms, ADMIN, "DisableKey", json!({ "KeyId": "K" }));
    let kms = after(&kms, 400);
    assert_eq!(rotations(&kms), []);
    did(&kms, ADMIN, "EnableKey", json!({ "KeyId": "K" }));
    assert_eq!(rotations(&kms), [(400, "AUTOMATIC".to_owned())]);
    did(&kms, ADMIN, "DisableKeyRotation", json!({ "KeyId": "K" }));
    assert_eq!(rotations(&after(&kms, 4000)).len(), 1);
}

#[test]
fn c51_conditions_see_the_period_that_nobody_gave() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ admin: {{ policies: [
           {{ allow: kms:EnableKeyRotation,
              when: {{ NumericEquals: {{ 'kms:RotationPeriodInDays': '365' }} }} }}] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    did(&kms, ADMIN, "EnableKeyRotation", json!({ "KeyId": "K" }));
    let body = |days: i64| json!({ "KeyId": "K", "RotationPeriodInDays": days });
    did(&kms, ADMIN, "EnableKeyRotation", body(365));
    fails(&kms, ADMIN, "EnableKeyRotation", body(90), "AccessDeniedException", "");
}

#[test]
fn replicas_rotate_with_their_primary_alone() {
    let kms = kms();
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    did(&kms, ADMIN, "EnableKeyRotation", json!({ "KeyId": id }));
    did(&kms, ADMIN, "ReplicateKey", json!({ "KeyId": id, "ReplicaRegion": "eu-west-1" }));
    let kms = after(&kms, 366);
    let there = Caller::new(caller(ADMIN), "eu-west-1");
    let of_replica =
        |operation: &str| kms.call(&there, &Ambient::default(), operation, &json!({ "KeyId": id }));
    let list = of_replica("ListKeyRotations").unwrap();
    assert_eq!(list["Rotations"].as_array().unwrap().len(), 1);
    let error = of_replica("EnableKeyRotation").unwrap_err();
    assert_eq!(error.name, "UnsupportedOperationException");
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": id, "Plaintext": SECRET }));
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
    let opened = kms.call(&there, &Ambient::default(), "Decrypt", &body).unwrap();
    assert_eq!(opened["Plaintext"], SECRET);
    did(&kms, ADMIN, "UpdatePrimaryRegion", json!({ "KeyId": id, "PrimaryRegion": "eu-west-1" }));
    let later = after(&kms, 800);
    let list = did(&later, ADMIN, "ListKeyRotations", json!({ "KeyId": id }));
    assert_eq!(list["Rotations"].as_array().unwrap().len(), 2);
}

#[test]
fn the_last_use_of_a_key_is_told_by_operation_and_time() {
    let kms = kms();
    let last = |key: &str| did(&kms, ADMIN, "GetKeyLastUsage", json!({ "KeyId": key }));
    assert_eq!(last("K")["KeyLastUsage"], json!({}));
    assert_eq!(last("K")["TrackingStartDate"], BEGIN);
    let sealed = did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let usage = |operation: &str| json!({ "Operation": operation, "Timestamp": BEGIN });
    assert_eq!(last("K")["KeyLastUsage"], usage("Encrypt"));
    let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"], "DestinationKeyId": "L" });
    did(&kms, ADMIN, "ReEncrypt", body);
    assert_eq!(last("K")["KeyLastUsage"], usage("ReEncrypt"));
    assert_eq!(last("L")["KeyLastUsage"], usage("ReEncrypt"));
    // What failed, was a dry run or no cryptography is no use.
    let dry = json!({ "KeyId": "L", "Plaintext": SECRET, "DryRun": true });
    fails(&kms, ADMIN, "Encrypt", dry, "DryRunOperationException", "");
    fails(&kms, "user/bob", "Encrypt", json!({ "KeyId": "L", "Plaintext": SECRET }), DENIED, "");
    did(&kms, ADMIN, "DescribeKey", json!({ "KeyId": "L" }));
    assert_eq!(last("L")["KeyLastUsage"], usage("ReEncrypt"));
    fails(&kms, "user/reader", "GetKeyLastUsage", json!({ "KeyId": "K" }), DENIED, "");
    let alias = json!({ "KeyId": "alias/k" });
    fails(&kms, ADMIN, "GetKeyLastUsage", alias, "NotFoundException", "Invalid keyId");
}

const DENIED: &str = "AccessDeniedException";

#[test]
fn a_disabled_key_is_told_to_be_disabled_whatever_else_it_cannot() {
    let kms = kms();
    did(&kms, ADMIN, "DisableKey", json!({ "KeyId": "K" }));
    let body = json!({ "KeyId": "K" });
    fails(&kms, ADMIN, "EnableKeyRotation", body, "DisabledException", "key/K is disabled.");
    let body = json!({ "KeyId": "R" });
    fails(&kms, ADMIN, "EnableKeyRotation", body, "UnsupportedOperationException", "");
}

#[test]
fn a_message_representative_is_told_not_to_be_signed_here() {
    use base64::Engine as _;
    let kms = kms();
    let body = json!({ "KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY" });
    let made = did(&kms, ADMIN, "CreateKey", body);
    let sign = |length: usize| {
        let mu = base64::prelude::BASE64_STANDARD.encode(vec![7; length]);
        json!({ "KeyId": made["KeyMetadata"]["KeyId"], "Message": mu,
            "MessageType": "EXTERNAL_MU", "SigningAlgorithm": "ML_DSA_SHAKE_256" })
    };
    let unsupported = "UnsupportedOperationException";
    fails(&kms, ADMIN, "Sign", sign(64), unsupported, "MessageType RAW");
    fails(&kms, ADMIN, "Sign", sign(63), "ValidationException", "64 bytes");
}

#[test]
fn related_keys_tell_the_same_of_their_rotation() {
    let kms = kms();
    let made = did(&kms, ADMIN, "CreateKey", json!({ "MultiRegion": true }));
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    did(&kms, ADMIN, "ReplicateKey", json!({ "KeyId": id, "ReplicaRegion": "eu-west-1" }));
    let status = |region: &str| {
        let caller = Caller::new(caller(ADMIN), region);
        let body = json!({ "KeyId": id });
        let mut all =
            kms.call(&caller, &Ambient::default(), "GetKeyRotationStatus", &body).unwrap();
        all.as_object_mut().unwrap().remove("KeyId");
        all
    };
    did(&kms, ADMIN, "EnableKeyRotation", json!({ "KeyId": id, "RotationPeriodInDays": 100 }));
    assert_eq!(status("us-east-1")["NextRotationDate"], BEGIN + 100 * DAY);
    assert_eq!(status("eu-west-1"), status("us-east-1"));
    did(&kms, ADMIN, "DisableKeyRotation", json!({ "KeyId": id }));
    assert_eq!(status("eu-west-1"), json!({ "KeyRotationEnabled": false }));
}

#[test]
fn answers_tell_which_material_was_used() {
    let kms = kms();
    let current = || {
        let body = json!({ "KeyId": "K" });
        did(&kms, ADMIN, "DescribeKey", body)["KeyMetadata"]["CurrentKeyMaterialId"].clone()
    };
    let seal = || did(&kms, ADMIN, "Encrypt", json!({ "KeyId": "K", "Plaintext": SECRET }));
    let used = |sealed: &Value| {
        let body = json!({ "CiphertextBlob": sealed["CiphertextBlob"] });
        did(&kms, ADMIN, "Decrypt", body)["KeyMaterialId"].clone()
    };
    let (first, old) = (current(), seal());
    assert_eq!(first.as_str().unwrap().len(), 64);
    did(&kms, ADMIN, "RotateKeyOnDemand", json!({ "KeyId": "K" }));
    let second = current();
    assert_ne!(first, second);
    assert_eq!((used(&old), used(&seal())), (first.clone(), second.clone()));
    for (operation, more) in [
        ("GenerateDataKey", json!({ "KeySpec": "AES_256" })),
        ("GenerateDataKeyWithoutPlaintext", json!({ "KeySpec": "AES_256" })),
        ("GenerateDataKeyPair", json!({ "KeyPairSpec": "ECC_NIST_P256" })),
    ] {
        let mut body = more;
        body["KeyId"] = "K".into();
        assert_eq!(did(&kms, ADMIN, operation, body)["KeyMaterialId"], second, "{operation}");
    }
    let body = json!({ "CiphertextBlob": old["CiphertextBlob"], "DestinationKeyId": "K" });
    let again = did(&kms, ADMIN, "ReEncrypt", body);
    assert_eq!(again["SourceKeyMaterialId"], first);
    assert_eq!(again["DestinationKeyMaterialId"], second);
    let all = json!({ "KeyId": "K", "IncludeKeyMaterial": "ALL_KEY_MATERIAL" });
    let list = did(&kms, ADMIN, "ListKeyRotations", all)["Rotations"].clone();
    assert_eq!([&list[0]["KeyMaterialId"], &list[1]["KeyMaterialId"]], [&first, &second]);
    let of_rsa = did(&kms, ADMIN, "DescribeKey", json!({ "KeyId": "R" }));
    assert_eq!(of_rsa["KeyMetadata"].get("CurrentKeyMaterialId"), None);
}
