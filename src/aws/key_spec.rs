//! Key specs, usages and origins, and the operations that they allow for.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{
    ActionSet, Category, KmsAction,
    tables::{action_names, embedded},
    words::words,
};

words! {
    /// What a key is for, as DescribeKey spells it.
    pub enum KeyUsage {
        /// Encryption, symmetric or not.
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        /// Signatures.
        SignVerify = "SIGN_VERIFY",
        /// Message authentication codes.
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        /// Shared secrets.
        KeyAgreement = "KEY_AGREEMENT",
        /// Key encapsulation.
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
    }
}

words! {
    /// Where key material comes from, as DescribeKey spells it.
    pub enum KeyOrigin {
        /// KMS made it.
        AwsKms = "AWS_KMS",
        /// It was imported (Rule X9).
        External = "EXTERNAL",
        /// A CloudHSM key store made it (Rule X7).
        AwsCloudhsm = "AWS_CLOUDHSM",
        /// It stays outside AWS (Rule X8).
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

words! {
    /// The kind of key material, as DescribeKey spells it.
    pub enum KeySpec {
        /// AES-256-GCM, in China SM4.
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        /// HMAC with SHA-224.
        Hmac224 = "HMAC_224",
        /// HMAC with SHA-256.
        Hmac256 = "HMAC_256",
        /// HMAC with SHA-384.
        Hmac384 = "HMAC_384",
        /// HMAC with SHA-512.
        Hmac512 = "HMAC_512",
        /// RSA with 2,048 bits.
        Rsa2048 = "RSA_2048",
        /// RSA with 3,072 bits.
        Rsa3072 = "RSA_3072",
        /// RSA with 4,096 bits.
        Rsa4096 = "RSA_4096",
        /// NIST curve P-256.
        EccNistP256 = "ECC_NIST_P256",
        /// NIST curve P-384.
        EccNistP384 = "ECC_NIST_P384",
        /// NIST curve P-521.
        EccNistP521 = "ECC_NIST_P521",
        /// SECG curve P-256k1.
        EccSecgP256k1 = "ECC_SECG_P256K1",
        /// Edwards curve 25519.
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        /// ML-DSA, security category 2.
        MlDsa44 = "ML_DSA_44",
        /// ML-DSA, security category 3.
        MlDsa65 = "ML_DSA_65",
        /// ML-DSA, security category 5.
        MlDsa87 = "ML_DSA_87",
        /// ML-KEM, security category 1.
        MlKem512 = "ML_KEM_512",
        /// ML-KEM, security category 3.
        MlKem768 = "ML_KEM_768",
        /// ML-KEM, security category 5.
        MlKem1024 = "ML_KEM_1024",
        /// SM2, in China only.
        Sm2 = "SM2",
    }
}

/// One row of the table of key specs. Algorithms are spelled as requests and condition values are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpecInfo {
    /// The spec itself.
    pub spec: KeySpec,
    /// The usages that a key of the spec can be made for; a key has one of them.
    pub usages: Vec<KeyUsage>,
    /// Values of `kms:EncryptionAlgorithm`.
    #[serde(borrow, default)]
    pub encryption_algorithms: Vec<&'static str>,
    /// Values of `kms:SigningAlgorithm`.
    #[serde(borrow, default)]
    pub signing_algorithms: Vec<&'static str>,
    /// Values of `kms:MacAlgorithm`.
    #[serde(borrow, default)]
    pub mac_algorithms: Vec<&'static str>,
    /// Values of `kms:KeyAgreementAlgorithm`.
    #[serde(borrow, default)]
    pub key_agreement_algorithms: Vec<&'static str>,
    /// Algorithms of key encapsulation; no condition key speaks of them.
    #[serde(borrow, default)]
    pub encapsulation_algorithms: Vec<&'static str>,
    /// Where its material can come from.
    pub origins: Vec<KeyOrigin>,
    /// Whether KMS can rotate it by itself, given the origin `AWS_KMS` (Rule S7).
    #[serde(default)]
    pub automatic_rotation: bool,
}

impl KeySpec {
    /// What the table says of the spec.
    #[expect(clippy::indexing_slicing, reason = "a test compares the rows with the enum")]
    pub fn info(self) -> &'static KeySpecInfo {
        &TABLE.specs[self as usize]
    }
}

/// What the table says of the spec that `name` spells, case included.
pub fn key_spec(name: &str) -> Option<&'static KeySpecInfo> {
    KeySpec::parse(name).map(KeySpec::info)
}

/// The cryptographic operations, GetPublicKey included, that such a key can perform (Rule S4); none
/// where the spec does not have the usage. Keys in custom key stores lack
/// [those marked](super::ActionInfo::outside_custom_key_stores).
pub fn operations_for(usage: KeyUsage, spec: KeySpec) -> ActionSet {
    let row = TABLE.operations.iter().find(|row| row.usage == usage && row.specs.contains(&spec));
    row.map_or(ActionSet::EMPTY, |row| row.operations)
}

/// Whether such a key can ever perform `action` (rules S4, S5, S7): cryptography by usage and spec,
/// rotation where the material is symmetric, all else always.
pub fn can_perform(usage: KeyUsage, spec: KeySpec, action: KmsAction) -> bool {
    let info = action.info();
    let is_cryptography = info.category == Category::Use || action == KmsAction::GET_PUBLIC_KEY;
    match (info.key_usages.is_empty(), is_cryptography) {
        (true, _) => true,
        (false, true) => operations_for(usage, spec).contains(action),
        (false, false) => info.key_usages.contains(&usage) && spec.info().automatic_rotation,
    }
}

/// The operations that a grant on such a key may list (Rule G3): those it can perform and what every
/// key's grants may list; none where the spec does not have the usage.
pub fn grant_operations(spec: KeySpec, usage: KeyUsage) -> ActionSet {
    let operations = operations_for(usage, spec);
    if operations.is_empty() { operations } else { operations.union(ON_EVERY_KEY) }
}

/// What grants on every key may list.
const ON_EVERY_KEY: ActionSet = ActionSet::of(KmsAction::CREATE_GRANT)
    .union(ActionSet::of(KmsAction::DESCRIBE_KEY))
    .union(ActionSet::of(KmsAction::RETIRE_GRANT));

/// The file; its rows of specs are in the order of the enum.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Table {
    specs: Vec<KeySpecInfo>,
    operations: Vec<Operations>,
}

#[derive(Deserialize)]
struct Operations {
    usage: KeyUsage,
    specs: Vec<KeySpec>,
    #[serde(deserialize_with = "action_names")]
    operations: ActionSet,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| embedded(include_str!("data/key-specs.json")));

#[cfg(test)]
mod tests {
    use super::*;

    fn check(spec: KeySpec, usage: KeyUsage, expected: &str) {
        let named = |name: &str| KmsAction::from_name(name).expect("an action");
        let expected: ActionSet = expected.split_whitespace().map(named).collect();
        assert_eq!(operations_for(usage, spec), expected, "{spec} {usage}");
        let on_every_key = "CreateGrant DescribeKey RetireGrant".split(' ').map(named).collect();
        assert_eq!(grant_operations(spec, usage), expected.union(on_every_key), "{spec} {usage}");
    }

    #[test]
    fn every_row_has_its_spec() {
        assert!(TABLE.specs.iter().map(|row| row.spec).eq(KeySpec::ALL.iter().copied()));
        for &spec in KeySpec::ALL {
            assert_eq!(key_spec(spec.as_str()).map(|row| row.spec), Some(spec));
        }
        assert!(key_spec("symmetric_default").is_none());
    }

    #[test]
    fn s4_operations_follow_usage_and_spec() {
        check(
            KeySpec::SymmetricDefault,
            KeyUsage::EncryptDecrypt,
            "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey \
             GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext",
        );
        for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::Sm2] {
            let operations = "Encrypt Decrypt ReEncryptFrom ReEncryptTo GetPublicKey";
            check(spec, KeyUsage::EncryptDecrypt, operations);
            check(spec, KeyUsage::SignVerify, "Sign Verify GetPublicKey");
        }
        check(KeySpec::EccNistEdwards25519, KeyUsage::SignVerify, "Sign Verify GetPublicKey");
        check(KeySpec::MlDsa65, KeyUsage::SignVerify, "Sign Verify GetPublicKey");
        check(KeySpec::Hmac384, KeyUsage::GenerateVerifyMac, "GenerateMac VerifyMac");
        check(KeySpec::EccNistP521, KeyUsage::KeyAgreement, "DeriveSharedSecret GetPublicKey");
        check(
            KeySpec::MlKem768,
            KeyUsage::EncapsulateDecapsulate,
            "Encapsulate Decapsulate GetPublicKey",
        );
    }

    #[test]
    fn g3_a_spec_without_the_usage_has_no_operations() {
        for &spec in KeySpec::ALL {
            for &usage in KeyUsage::ALL {
                let has = spec.info().usages.contains(&usage);
                assert_eq!(!operations_for(usage, spec).is_empty(), has, "{spec} {usage}");
                assert_eq!(!grant_operations(spec, usage).is_empty(), has, "{spec} {usage}");
            }
        }
    }

    #[test]
    fn s4_operations_agree_with_the_action_table() {
        for row in &TABLE.operations {
            for action in row.operations.iter() {
                let info = action.info();
                assert!(info.key_usages.contains(&row.usage) && info.grantable, "{action}");
            }
        }
    }

    #[test]
    fn s5_rotation_is_for_symmetric_keys_and_no_cryptography() {
        let rotation = "EnableKeyRotation DisableKeyRotation RotateKeyOnDemand ListKeyRotations";
        for name in rotation.split(' ') {
            let action = KmsAction::from_name(name).expect("an action");
            let can = |usage, spec| can_perform(usage, spec, action);
            assert!(can(KeyUsage::EncryptDecrypt, KeySpec::SymmetricDefault), "{name}");
            assert!(!can(KeyUsage::EncryptDecrypt, KeySpec::Rsa2048), "{name}");
            assert!(!can(KeyUsage::GenerateVerifyMac, KeySpec::Hmac256), "{name}");
        }
        let encrypt = |usage, spec| can_perform(usage, spec, KmsAction::ENCRYPT);
        assert!(encrypt(KeyUsage::EncryptDecrypt, KeySpec::Rsa2048));
        assert!(!encrypt(KeyUsage::SignVerify, KeySpec::Rsa2048));
        let public = |spec| can_perform(KeyUsage::EncryptDecrypt, spec, KmsAction::GET_PUBLIC_KEY);
        assert!(public(KeySpec::Rsa2048) && !public(KeySpec::SymmetricDefault));
    }

    #[test]
    fn algorithms_go_with_usages() {
        for row in &TABLE.specs {
            let lists = [
                (KeyUsage::EncryptDecrypt, &row.encryption_algorithms),
                (KeyUsage::SignVerify, &row.signing_algorithms),
                (KeyUsage::GenerateVerifyMac, &row.mac_algorithms),
                (KeyUsage::KeyAgreement, &row.key_agreement_algorithms),
                (KeyUsage::EncapsulateDecapsulate, &row.encapsulation_algorithms),
            ];
            for (usage, algorithms) in lists {
                assert_eq!(row.usages.contains(&usage), !algorithms.is_empty(), "{}", row.spec);
            }
            assert!(row.origins.contains(&KeyOrigin::AwsKms), "{}", row.spec);
        }
    }

    #[test]
    fn s7_only_symmetric_keys_rotate_by_themselves() {
        for row in &TABLE.specs {
            assert_eq!(row.automatic_rotation, row.spec == KeySpec::SymmetricDefault);
        }
    }
}
