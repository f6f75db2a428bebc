//! Imported key material: it is what it was before, or nothing.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use super::*;

const ONE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];
const OAEP: &str = "RSAES_OAEP_SHA_256";
const INCORRECT: &str = "IncorrectKeyMaterialException";

/// A key that waits for its material.
fn external(kms: &Encryptor, more: Value) -> String {
    let mut body = json!({ "Origin": "EXTERNAL" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = did(kms, ADMIN, "CreateKey", body);
    assert_eq!(made["KeyMetadata"]["KeyState"], "PendingImport");
    assert_eq!(made["KeyMetadata"]["Origin"], "EXTERNAL");
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn parameters(kms: &Encryptor, key: &str, algorithm: &str) -> Value {
    let body =
        json!({ "KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": "RSA_2048" });
    did(kms, ADMIN, "GetParametersForImport", body)
}

/// What a client does with the parameters.
fn wrapped(parameters: &Value, algorithm: &str, material: &[u8]) -> String {
    let der = BASE64.decode(parameters["PublicKey"].as_str().unwrap()).unwrap();
    let public =
        OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&der).unwrap()).unwrap();
    let oaep = match algorithm.ends_with("SHA_1") {
        true => &OAEP_SHA1_MGF1SHA1,
        false => &OAEP_SHA256_MGF1SHA256,
    };
    let mut out = vec![0; public.ciphertext_size()];
    if algorithm.starts_with("RSAES") {
        return BASE64.encode(public.encrypt(oaep, material, &mut out, None).unwrap());
    }
    let aes = [9; 32];
    let mut all = public.encrypt(oaep, &aes, &mut out, None).unwrap().to_vec();
    let mut inner = vec![0; material.len() + 15];
    let kek = AesKek::new(&AES_256, &aes).unwrap();
    all.extend_from_slice(kek.wrap_with_padding(material, &mut inner).unwrap());
    BASE64.encode(all)
}

fn body(kms: &Encryptor, key: &str, algorithm: &str, material: &[u8]) -> Value {
    let parameters = parameters(kms, key, algorithm);
    json!({ "KeyId": key, "ImportToken": parameters["ImportToken"],
        "EncryptedKeyMaterial": wrapped(&parameters, algorithm, material),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE" })
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

#[track_caller]
fn import(kms: &Encryptor, key: &str, material: &[u8]) -> Value {
    did(kms, ADMIN, "ImportKeyMaterial", body(kms, key, OAEP, material))
}

fn described(kms: &Encryptor, key: &str) -> Value {
    did(kms, ADMIN, "DescribeKey", json!({ "KeyId": key }))["KeyMetadata"].clone()
}

#[track_caller]
fn seal(kms: &Encryptor, key: &str) -> Value {
    let body = json!({ "KeyId": key, "Plaintext": SECRET });
    did(kms, ADMIN, "Encrypt", body)["CiphertextBlob"].clone()
}

#[track_caller]
fn opens(kms: &Encryptor, blob: &Value) {
    let opened = did(kms, ADMIN, "Decrypt", json!({ "CiphertextBlob": blob }));
    assert_eq!(opened["Plaintext"], SECRET);
}

#[test]
fn material_comes_under_each_wrapping_and_opens_again_what_it_sealed() {
    let kms = kms();
    let algorithms =
        [OAEP, "RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"];
    for algorithm in algorithms {
        let key = external(&kms, json!({}));
        let pending = "is pending import.";
        let encrypt = json!({ "KeyId": key, "Plaintext": SECRET });
        let state = "KMSInvalidStateException";
        fails(&kms, ADMIN, "Encrypt", encrypt.clone(), state, pending);
        fails(&kms, ADMIN, "EnableKey", json!({ "KeyId": key }), state, pending);
        let made = did(&kms, ADMIN, "ImportKeyMaterial", body(&kms, &key, algorithm, &ONE));
        assert_eq!(made["KeyMaterialId"].as_str().unwrap().len(), 64);
        let told = described(&kms, &key);
        assert_eq!(told["KeyState"], "Enabled");
        assert_eq!(told["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
        assert_eq!(told["CurrentKeyMaterialId"], made["KeyMaterialId"]);
        let blob = seal(&kms, &key);
        let gone = did(&kms, ADMIN, "DeleteImportedKeyMaterial", json!({ "KeyId": key }));
        assert_eq!(gone["KeyMaterialId"], made["KeyMaterialId"]);
        fails(&kms, ADMIN, "Decrypt", json!({ "CiphertextBlob": blob }), state, pending);
        did(&kms, ADMIN, "DeleteImportedKeyMaterial", json!({ "KeyId": key }));
        let other = body(&kms, &key, algorithm, &OTHER);
        fails(&kms, ADMIN, "ImportKeyMaterial", other, INCORRECT, "not the one that was imported");
        assert_eq!(described(&kms, &key)["KeyState"], "PendingImport");
        did(&kms, ADMIN, "ImportKeyMaterial", body(&kms, &key, algorithm, &ONE));
        opens(&kms, &blob);
    }
}

#[test]
fn a_token_is_of_one_key_and_one_wrapping_key_and_of_one_day() {
    let kms = kms();
    let (one, other) = (external(&kms, json!({})), external(&kms, json!({})));
    let good = body(&kms, &one, OAEP, &ONE);
    let of_other = with(good.clone(), "KeyId", other.as_str());
    let invalid = "InvalidImportTokenException";
    fails(&kms, ADMIN, "ImportKeyMaterial", of_other, invalid, "");
    let broken = with(good.clone(), "ImportToken", "AAAA");
    fails(&kms, ADMIN, "ImportKeyMaterial", broken, invalid, "");
    let again = parameters(&kms, &one, OAEP)["ImportToken"].clone();
    let wrapped_for_another = with(good.clone(), "ImportToken", again);
    let unreadable = "InvalidCiphertextException";
    fails(&kms, ADMIN, "ImportKeyMaterial", wrapped_for_another, unreadable, "");
    let otherwise = body(&kms, &one, "RSA_AES_KEY_WRAP_SHA_256", &ONE);
    let otherwise =
        with(good.clone(), "EncryptedKeyMaterial", otherwise["EncryptedKeyMaterial"].clone());
    fails(&kms, ADMIN, "ImportKeyMaterial", otherwise, unreadable, "");
    let short = body(&kms, &one, OAEP, &[1; 16]);
    fails(&kms, ADMIN, "ImportKeyMaterial", short, INCORRECT, "SYMMETRIC_DEFAULT");
    let late = after(&kms, 1);
    fails(&late, ADMIN, "ImportKeyMaterial", good.clone(), "ExpiredImportTokenException", "");
    did(&kms, ADMIN, "ImportKeyMaterial", good);
}

#[test]
fn only_keys_that_were_made_for_it_take_material() {
    let kms = kms();
    let ask = |key: &str, algorithm: &str, spec: &str| json!({ "KeyId": key, "WrappingAlgorithm": algorithm, "WrappingKeySpec": spec });
    let unsupported = "UnsupportedOperationException";
    let operation = "GetParametersForImport";
    let origin = "key/K origin is AWS_KMS which is not valid for this operation.";
    fails(&kms, ADMIN, operation, ask("K", OAEP, "RSA_2048"), unsupported, origin);
    let delete = json!({ "KeyId": "K" });
    fails(&kms, ADMIN, "DeleteImportedKeyMaterial", delete, unsupported, origin);
    let key = external(&kms, json!({}));
    let old = ask(&key, "RSAES_PKCS1_V1_5", "RSA_2048");
    fails(&kms, ADMIN, operation, old, unsupported, "RSAES_PKCS1_V1_5");
    fails(&kms, ADMIN, operation, ask(&key, "ROT13", "RSA_2048"), "ValidationException", "");
    fails(&kms, "user/bob", operation, ask(&key, OAEP, "RSA_2048"), "AccessDeniedException", "");
    did(&kms, ADMIN, "ScheduleKeyDeletion", json!({ "KeyId": key }));
    let state = "KMSInvalidStateException";
    fails(&kms, ADMIN, operation, ask(&key, OAEP, "RSA_2048"), state, "PendingDeletion");
    did(&kms, ADMIN, "CancelKeyDeletion", json!({ "KeyId": key }));
    assert_eq!(described(&kms, &key)["KeyState"], "PendingImport");
    let kem = json!({ "Origin": "EXTERNAL", "KeySpec": "ML_KEM_512",
        "KeyUsage": "ENCAPSULATE_DECAPSULATE" });
    fails(&kms, ADMIN, "CreateKey", kem, unsupported, "ML_KEM_512");
    let store = json!({ "Origin": "AWS_CLOUDHSM" });
    fails(&kms, ADMIN, "CreateKey", store, unsupported, "AWS_CLOUDHSM");
}

#[test]
fn material_expires_and_the_key_waits_for_it_again() {
    let kms = kms();
    let key = external(&kms, json!({}));
    let good = body(&kms, &key, OAEP, &ONE);
    let begin = 1_767_225_600;
    let refused = |body: Value, part: &str| {
        fails(&kms, ADMIN, "ImportKeyMaterial", body, "ValidationException", part);
    };
    let expires = with(good.clone(), "ExpirationModel", "KEY_MATERIAL_EXPIRES");
    refused(expires.clone(), "A validTo date must be set");
    refused(with(good.clone(), "ValidTo", begin + 1), "must not be set");
    refused(with(expires.clone(), "ValidTo", begin), "in the future");
    refused(with(expires.clone(), "ValidTo", begin + 366 * 86_400), "within 365 days");
    let valid_to = begin + 2 * 86_400;
    did(&kms, ADMIN, "ImportKeyMaterial", with(expires, "ValidTo", valid_to));
    assert_eq!(described(&kms, &key)["ValidTo"], valid_to);
    let blob = seal(&kms, &key);
    opens(&after(&kms, 1), &blob);
    let late = after(&kms, 2);
    assert_eq!(described(&late, &key)["KeyState"], "PendingImport");
    assert_eq!(described(&late, &key).get("ValidTo"), None);
    let open = json!({ "CiphertextBlob": blob });
    fails(&late, ADMIN, "Decrypt", open, "KMSInvalidStateException", "is pending import.");
    import(&late, &key, &ONE);
    opens(&late, &blob);
    opens(&after(&late, 900), &blob);
}

#[test]
fn new_material_counts_once_the_key_is_rotated_and_all_of_it_is_needed() {
    let kms = kms();
    let key = external(&kms, json!({}));
    let first = import(&kms, &key, &ONE)["KeyMaterialId"].clone();
    let old = seal(&kms, &key);
    let rotate = json!({ "KeyId": key });
    let state = "KMSInvalidStateException";
    fails(&kms, ADMIN, "RotateKeyOnDemand", rotate.clone(), state, "pending rotation");
    let new = with(body(&kms, &key, OAEP, &OTHER), "ImportType", "NEW_KEY_MATERIAL");
    let twice = with(body(&kms, &key, OAEP, &ONE), "ImportType", "NEW_KEY_MATERIAL");
    fails(&kms, ADMIN, "ImportKeyMaterial", twice, INCORRECT, "already");
    let second = did(&kms, ADMIN, "ImportKeyMaterial", new)["KeyMaterialId"].clone();
    assert_eq!(described(&kms, &key)["CurrentKeyMaterialId"], first);
    did(&kms, ADMIN, "RotateKeyOnDemand", rotate);
    assert_eq!(described(&kms, &key)["CurrentKeyMaterialId"], second);
    let new = seal(&kms, &key);
    let all = json!({ "KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL" });
    let list = did(&kms, ADMIN, "ListKeyRotations", all)["Rotations"].clone();
    let states = [&list[0]["KeyMaterialState"], &list[1]["KeyMaterialState"]];
    assert_eq!(states, ["NON_CURRENT", "CURRENT"]);
    let delete = json!({ "KeyId": key, "KeyMaterialId": first });
    did(&kms, ADMIN, "DeleteImportedKeyMaterial", delete);
    fails(&kms, ADMIN, "Decrypt", json!({ "CiphertextBlob": new }), state, "is pending import.");
    import(&kms, &key, &ONE);
    opens(&kms, &old);
    opens(&kms, &new);
}

#[test]
fn keys_for_macs_and_key_pairs_take_their_own_kind_of_material() {
    let kms = kms();
    let spec = |spec: &str, usage: &str| json!({ "KeySpec": spec, "KeyUsage": usage });
    let key = external(&kms, spec("HMAC_384", "GENERATE_VERIFY_MAC"));
    let wrong = body(&kms, &key, OAEP, &ONE);
    fails(&kms, ADMIN, "ImportKeyMaterial", wrong, INCORRECT, "HMAC_384");
    import(&kms, &key, &[3; 48]);
    let mac = json!({ "KeyId": key, "Message": SECRET, "MacAlgorithm": "HMAC_SHA_384" });
    let made = did(&kms, ADMIN, "GenerateMac", mac)["Mac"].clone();
    let by = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA384, &[3; 48]);
    let expected = aws_lc_rs::hmac::sign(&by, &BASE64.decode(SECRET).unwrap());
    assert_eq!(made, BASE64.encode(expected));

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let pair = pair.to_pkcs8v1().unwrap();
    for (name, usage) in [("ECC_NIST_P256", "SIGN_VERIFY"), ("ECC_NIST_P256", "KEY_AGREEMENT")] {
        let key = external(&kms, spec(name, usage));
        let answer = import(&kms, &key, pair.as_ref());
        assert_eq!(answer.get("KeyMaterialId"), None);
        let public = did(&kms, ADMIN, "GetPublicKey", json!({ "KeyId": key }))["PublicKey"].clone();
        let public = BASE64.decode(public.as_str().unwrap()).unwrap();
        // The point stands at the end of both.
        assert!(pair.as_ref().ends_with(&public[public.len() - 65..]));
    }
    let key = external(&kms, spec("ECC_NIST_P384", "SIGN_VERIFY"));
    let wrong = body(&kms, &key, OAEP, pair.as_ref());
    fails(&kms, ADMIN, "ImportKeyMaterial", wrong, INCORRECT, "ECC_NIST_P384");

    let pair = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let pair: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    for usage in ["SIGN_VERIFY", "ENCRYPT_DECRYPT"] {
        let algorithm = "RSA_AES_KEY_WRAP_SHA_256";
        let key = external(&kms, spec("RSA_3072", usage));
        let wrong = body(&kms, &key, algorithm, pair.as_ref());
        fails(&kms, ADMIN, "ImportKeyMaterial", wrong, INCORRECT, "RSA_3072");
        let key = external(&kms, spec("RSA_2048", usage));
        did(&kms, ADMIN, "ImportKeyMaterial", body(&kms, &key, algorithm, pair.as_ref()));
        did(&kms, ADMIN, "GetPublicKey", json!({ "KeyId": key }));
    }
}

/// The same caller in the Region of the replica.
fn there(kms: &Encryptor, operation: &str, body: &Value) -> Result<Value, KmsError> {
    let caller = Caller::new(caller(ADMIN), "eu-west-1");
    kms.call(&caller, &Ambient::default(), operation, body)
}

/// Imports into the replica.
fn give(
    kms: &Encryptor,
    key: &str,
    material: &[u8],
    kind: Option<&str>,
) -> Result<Value, KmsError> {
    let ask = json!({ "KeyId": key, "WrappingAlgorithm": OAEP, "WrappingKeySpec": "RSA_2048" });
    let parameters = there(kms, "GetParametersForImport", &ask).unwrap();
    let body = json!({ "KeyId": key, "ImportToken": parameters["ImportToken"],
        "EncryptedKeyMaterial": wrapped(&parameters, OAEP, material),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ImportType": kind });
    there(kms, "ImportKeyMaterial", &body)
}

/// A primary key with its first material, and a replica that has it too.
fn family(kms: &Encryptor) -> String {
    let key = external(kms, json!({ "MultiRegion": true }));
    import(kms, &key, &ONE);
    let replicate = json!({ "KeyId": key, "ReplicaRegion": "eu-west-1" });
    let made = did(kms, ADMIN, "ReplicateKey", replicate);
    assert_eq!(made["ReplicaKeyMetadata"]["KeyState"], "PendingImport");
    assert_eq!(give(kms, &key, &OTHER, None).unwrap_err().name, INCORRECT);
    give(kms, &key, &ONE, None).unwrap();
    key
}

/// The state of each material, as both Regions tell it.
#[track_caller]
fn states(kms: &Encryptor, key: &str, expected: &[&str]) {
    let all = json!({ "KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL" });
    let here = did(kms, ADMIN, "ListKeyRotations", all.clone());
    for list in [here, there(kms, "ListKeyRotations", &all).unwrap()] {
        let list = list["Rotations"].as_array().unwrap().clone();
        let states: Vec<&str> =
            list.iter().map(|one| one["KeyMaterialState"].as_str().unwrap()).collect();
        assert_eq!(states, expected);
    }
}

#[test]
fn a_replica_is_given_the_material_of_its_primary() {
    let kms = kms();
    let key = family(&kms);
    let body = json!({ "CiphertextBlob": seal(&kms, &key) });
    assert_eq!(there(&kms, "Decrypt", &body).unwrap()["Plaintext"], SECRET);
}

#[test]
fn new_material_is_in_every_region_before_the_primary_rotates() {
    let kms = kms();
    let key = family(&kms);
    let old = seal(&kms, &key);
    let new = Some("NEW_KEY_MATERIAL");
    let error = give(&kms, &key, &OTHER, new).unwrap_err();
    assert_eq!(error.name, "UnsupportedOperationException");
    let body = with(body(&kms, &key, OAEP, &OTHER), "ImportType", "NEW_KEY_MATERIAL");
    let second = did(&kms, ADMIN, "ImportKeyMaterial", body)["KeyMaterialId"].clone();
    states(&kms, &key, &["CURRENT", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"]);
    let rotate = json!({ "KeyId": key });
    let state = "KMSInvalidStateException";
    fails(&kms, ADMIN, "RotateKeyOnDemand", rotate.clone(), state, "every Region");
    // Neither Region misses what waits.
    let blob = json!({ "CiphertextBlob": old });
    assert_eq!(there(&kms, "Decrypt", &blob).unwrap()["Plaintext"], SECRET);
    assert_eq!(give(&kms, &key, &[3; 32], None).unwrap_err().name, INCORRECT);
    let given = give(&kms, &key, &OTHER, Some("EXISTING_KEY_MATERIAL")).unwrap();
    assert_eq!(given["KeyMaterialId"], second);
    states(&kms, &key, &["CURRENT", "PENDING_ROTATION"]);
    let error = there(&kms, "RotateKeyOnDemand", &rotate).unwrap_err();
    assert_eq!(error.name, "UnsupportedOperationException");
    did(&kms, ADMIN, "RotateKeyOnDemand", rotate);
    states(&kms, &key, &["NON_CURRENT", "CURRENT"]);
    let described = there(&kms, "DescribeKey", &json!({ "KeyId": key })).unwrap();
    assert_eq!(described["KeyMetadata"]["CurrentKeyMaterialId"], second);
    for blob in [old, seal(&kms, &key)] {
        let body = json!({ "CiphertextBlob": blob });
        assert_eq!(there(&kms, "Decrypt", &body).unwrap()["Plaintext"], SECRET);
        opens(&kms, &blob);
    }
}

#[test]
fn material_that_waits_gives_way_to_other_bytes_once_it_is_deleted() {
    let kms = kms();
    let key = family(&kms);
    let import = |material: &[u8]| {
        let body = with(body(&kms, &key, OAEP, material), "ImportType", "NEW_KEY_MATERIAL");
        ask(&kms, ADMIN, "ImportKeyMaterial", body)
    };
    let waiting = import(&OTHER).unwrap()["KeyMaterialId"].clone();
    give(&kms, &key, &OTHER, None).unwrap();
    assert_eq!(import(&[3; 32]).unwrap_err().name, "KMSInvalidStateException");
    let delete = json!({ "KeyId": key, "KeyMaterialId": waiting });
    // In the replica it is missed, and nowhere else.
    there(&kms, "DeleteImportedKeyMaterial", &delete).unwrap();
    states(&kms, &key, &["CURRENT", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"]);
    give(&kms, &key, &OTHER, None).unwrap();
    states(&kms, &key, &["CURRENT", "PENDING_ROTATION"]);
    let gone = did(&kms, ADMIN, "DeleteImportedKeyMaterial", delete.clone());
    assert_eq!(gone["KeyMaterialId"], waiting);
    states(&kms, &key, &["CURRENT"]);
    assert_eq!(described(&kms, &key)["KeyState"], "Enabled");
    fails(&kms, ADMIN, "DeleteImportedKeyMaterial", delete, "NotFoundException", "");
    assert_eq!(give(&kms, &key, &OTHER, None).unwrap_err().name, INCORRECT);
    import(&[3; 32]).unwrap();
    give(&kms, &key, &[3; 32], None).unwrap();
    did(&kms, ADMIN, "RotateKeyOnDemand", json!({ "KeyId": key }));
    states(&kms, &key, &["NON_CURRENT", "CURRENT"]);
}

#[test]
fn material_that_expires_while_it_waits_gives_way_too() {
    let kms = kms();
    let key = external(&kms, json!({}));
    import(&kms, &key, &ONE);
    let new = |kms: &Encryptor, material: &[u8]| {
        with(body(kms, &key, OAEP, material), "ImportType", "NEW_KEY_MATERIAL")
    };
    let expires = with(new(&kms, &OTHER), "ExpirationModel", "KEY_MATERIAL_EXPIRES");
    let expires = with(expires, "ValidTo", 1_767_225_600 + 86_400);
    did(&kms, ADMIN, "ImportKeyMaterial", expires);
    let late = after(&kms, 2);
    assert_eq!(described(&late, &key)["KeyState"], "Enabled");
    let rotate = json!({ "KeyId": key });
    let state = "KMSInvalidStateException";
    fails(&late, ADMIN, "RotateKeyOnDemand", rotate.clone(), state, "pending rotation");
    did(&late, ADMIN, "ImportKeyMaterial", new(&late, &[3; 32]));
    did(&late, ADMIN, "RotateKeyOnDemand", rotate);
    opens(&late, &seal(&late, &key));
}

#[test]
fn material_outlives_the_process_and_stands_nowhere_in_clear() {
    use keyreach::encryptor::directory::Directory;
    let root = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("imported-material");
    let _ = std::fs::remove_dir_all(&root);
    let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let open = || {
        let directory = Arc::new(Directory::open(&root).unwrap());
        let kms = Encryptor::open(&world(&world_text()), &directory, Clock::At(now)).unwrap();
        (kms, directory)
    };
    let material: [u8; 32] = std::array::from_fn(|at| 101 + at as u8);
    let (kms, directory) = open();
    let key = external(&kms, json!({}));
    let token = body(&kms, &key, OAEP, &material);
    drop((kms, directory));
    let (kms, directory) = open();
    did(&kms, ADMIN, "ImportKeyMaterial", token);
    let blob = seal(&kms, &key);
    drop((kms, directory));
    let (kms, directory) = open();
    opens(&kms, &blob);
    directory.checkpoint().unwrap();
    let mut seen = 0;
    for entry in walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let held = std::fs::read(entry.path()).unwrap();
            let text = BASE64.encode(material);
            let has = |secret: &[u8]| held.windows(secret.len()).any(|part| part == secret);
            assert!(!has(&material) && !has(&text.as_bytes()[..40]), "{}", entry.path().display());
            seen += 1;
        }
    }
    assert!(seen > 5);
}

#[test]
fn conditions_see_how_material_is_wrapped_and_when_it_expires() {
    let text = format!(
        "accounts: {{ {A}: {{
           keys: {{ X: {{ id: X, origin: EXTERNAL, state: PendingImport }} }},
           users: {{ admin: {{ policies: [
             {{ allow: kms:GetParametersForImport,
                when: {{ StringEquals: {{ kms:WrappingAlgorithm: {OAEP}, kms:WrappingKeySpec: RSA_2048 }} }} }},
             {{ allow: kms:ImportKeyMaterial,
                when: {{ StringEquals: {{ kms:ExpirationModel: KEY_MATERIAL_EXPIRES }},
                         DateLessThan: {{ kms:ValidTo: '2026-01-31T00:00:00Z' }} }} }} ] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let secret = MasterSecret::from_bytes([7; 32]);
    let kms = Encryptor::in_memory(world(&text), secret, Clock::At(now));
    let denied = "AccessDeniedException";
    let by_sha_1 = json!({ "KeyId": "X", "WrappingAlgorithm": "RSAES_OAEP_SHA_1",
        "WrappingKeySpec": "RSA_2048" });
    fails(&kms, ADMIN, "GetParametersForImport", by_sha_1, denied, "");
    let good = body(&kms, "X", OAEP, &ONE);
    fails(&kms, ADMIN, "ImportKeyMaterial", good.clone(), denied, "");
    let expires = with(good, "ExpirationModel", "KEY_MATERIAL_EXPIRES");
    let late = with(expires.clone(), "ValidTo", 1_769_817_600);
    fails(&kms, ADMIN, "ImportKeyMaterial", late, denied, "");
    let early = with(expires, "ValidTo", 1_769_817_599.5);
    // Rule C51: the default is not told.
    let mut by_default = early.clone();
    by_default.as_object_mut().unwrap().remove("ExpirationModel");
    fails(&kms, ADMIN, "ImportKeyMaterial", by_default, denied, "");
    did(&kms, ADMIN, "ImportKeyMaterial", early);
}
