//! Key encapsulation, by the members that the API has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn what_is_encapsulated_is_decapsulated() {
    let kms = kms();
    let by = json!(["ML_KEM"]);
    for (spec, length) in [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)] {
        let wanted = json!({ "KeySpec": spec, "KeyUsage": "ENCAPSULATE_DECAPSULATE" });
        let made = did(&kms, ADMIN, "CreateKey", wanted)["KeyMetadata"].clone();
        assert_eq!(made["EncapsulationAlgorithms"], by);
        let id = made["KeyId"].clone();
        let public = did(&kms, ADMIN, "GetPublicKey", json!({ "KeyId": id }));
        assert_eq!(public["EncapsulationAlgorithms"], by);
        let body = json!({ "KeyId": id, "EncapsulationAlgorithm": "ML_KEM" });
        let sealed = did(&kms, ADMIN, "Encapsulate", body.clone());
        let carrier = sealed["SharedSecretCiphertextBlob"].clone();
        assert_eq!(bytes(&carrier).len(), length);
        let mut open = body.clone();
        open["SharedSecretCiphertextBlob"] = carrier;
        let opened = did(&kms, ADMIN, "Decapsulate", open.clone());
        assert_eq!(opened["SharedSecret"], sealed["SharedSecret"]);
        assert_eq!(bytes(&opened["SharedSecret"]).len(), 32);
        for answer in [&sealed, &opened] {
            assert_eq!(answer["EncapsulationAlgorithm"], "ML_KEM");
        }
        // What no key of the spec makes is refused; what another has made gives another secret.
        open["SharedSecretCiphertextBlob"] = STANDARD.encode([1; 100]).into();
        fails(&kms, ADMIN, "Decapsulate", open.clone(), "InvalidCiphertextException", "");
        open["SharedSecretCiphertextBlob"] = STANDARD.encode(vec![1; length]).into();
        let other = did(&kms, ADMIN, "Decapsulate", open);
        assert_ne!(other["SharedSecret"], sealed["SharedSecret"]);
        let missing = "Value null at 'encapsulationAlgorithm'";
        fails(&kms, ADMIN, "Encapsulate", json!({ "KeyId": id }), "ValidationException", missing);
    }
    let body = json!({ "KeyId": "K", "EncapsulationAlgorithm": "ML_KEM" });
    fails(&kms, ADMIN, "Encapsulate", body, "InvalidKeyUsageException", "");
}

#[test]
fn data_key_pairs_of_ml_kem_are_pkcs_8() {
    let kms = kms();
    for (spec, private, public) in
        [("ML_KEM_512", 1632, 800), ("ML_KEM_768", 2400, 1184), ("ML_KEM_1024", 3168, 1568)]
    {
        let made =
            did(&kms, ADMIN, "GenerateDataKeyPair", json!({ "KeyId": "K", "KeyPairSpec": spec }));
        let held = bytes(&made["PrivateKeyPlaintext"]);
        // A sequence, its version, the algorithm, and the key as one text within another.
        assert_eq!(held.len(), 4 + 3 + 13 + 4 + 4 + private, "{spec}");
        assert_eq!(held[..7], [&[0x30, 0x82], &held[2..4], &[0x02, 0x01, 0x00]].concat());
        let shown = bytes(&made["PublicKey"]);
        assert_eq!(shown.len(), 4 + 13 + 5 + public);
        // The algorithm is spelled alike in both, and the private key holds the public one.
        assert_eq!(held[7..20], shown[4..17]);
        let own = &shown[shown.len() - public..];
        assert!(held.windows(public).any(|part| part == own));
        let open = json!({ "CiphertextBlob": made["PrivateKeyCiphertextBlob"] });
        assert_eq!(did(&kms, ADMIN, "Decrypt", open)["Plaintext"], made["PrivateKeyPlaintext"]);
    }
}
