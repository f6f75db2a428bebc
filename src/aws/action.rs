//! The actions of AWS KMS.

use std::cmp::Ordering;

use super::rows::action_rows;
use super::{ActionInfo, action_info};

action_rows! {
    /// One action of KMS, as an index into the action table; the order is the table's, by name.
    KmsAction with "kms:" {
        CANCEL_KEY_DELETION = "CancelKeyDeletion",
        CONNECT_CUSTOM_KEY_STORE = "ConnectCustomKeyStore",
        CREATE_ALIAS = "CreateAlias",
        CREATE_CUSTOM_KEY_STORE = "CreateCustomKeyStore",
        CREATE_GRANT = "CreateGrant",
        CREATE_KEY = "CreateKey",
        DECAPSULATE = "Decapsulate",
        DECRYPT = "Decrypt",
        DELETE_ALIAS = "DeleteAlias",
        DELETE_CUSTOM_KEY_STORE = "DeleteCustomKeyStore",
        DELETE_IMPORTED_KEY_MATERIAL = "DeleteImportedKeyMaterial",
        DERIVE_SHARED_SECRET = "DeriveSharedSecret",
        DESCRIBE_CUSTOM_KEY_STORES = "DescribeCustomKeyStores",
        DESCRIBE_KEY = "DescribeKey",
        DISABLE_KEY = "DisableKey",
        DISABLE_KEY_ROTATION = "DisableKeyRotation",
        DISCONNECT_CUSTOM_KEY_STORE = "DisconnectCustomKeyStore",
        ENABLE_KEY = "EnableKey",
        ENABLE_KEY_ROTATION = "EnableKeyRotation",
        ENCAPSULATE = "Encapsulate",
        ENCRYPT = "Encrypt",
        GENERATE_DATA_KEY = "GenerateDataKey",
        GENERATE_DATA_KEY_PAIR = "GenerateDataKeyPair",
        GENERATE_DATA_KEY_PAIR_WITHOUT_PLAINTEXT = "GenerateDataKeyPairWithoutPlaintext",
        GENERATE_DATA_KEY_WITHOUT_PLAINTEXT = "GenerateDataKeyWithoutPlaintext",
        GENERATE_MAC = "GenerateMac",
        GENERATE_RANDOM = "GenerateRandom",
        GET_KEY_LAST_USAGE = "GetKeyLastUsage",
        GET_KEY_POLICY = "GetKeyPolicy",
        GET_KEY_ROTATION_STATUS = "GetKeyRotationStatus",
        GET_PARAMETERS_FOR_IMPORT = "GetParametersForImport",
        GET_PUBLIC_KEY = "GetPublicKey",
        IMPORT_KEY_MATERIAL = "ImportKeyMaterial",
        LIST_ALIASES = "ListAliases",
        LIST_GRANTS = "ListGrants",
        LIST_KEY_POLICIES = "ListKeyPolicies",
        LIST_KEY_ROTATIONS = "ListKeyRotations",
        LIST_KEYS = "ListKeys",
        LIST_RESOURCE_TAGS = "ListResourceTags",
        LIST_RETIRABLE_GRANTS = "ListRetirableGrants",
        PUT_KEY_POLICY = "PutKeyPolicy",
        RE_ENCRYPT_FROM = "ReEncryptFrom",
        RE_ENCRYPT_TO = "ReEncryptTo",
        REPLICATE_KEY = "ReplicateKey",
        RETIRE_GRANT = "RetireGrant",
        REVOKE_GRANT = "RevokeGrant",
        ROTATE_KEY_ON_DEMAND = "RotateKeyOnDemand",
        SCHEDULE_KEY_DELETION = "ScheduleKeyDeletion",
        SIGN = "Sign",
        SYNCHRONIZE_MULTI_REGION_KEY = "SynchronizeMultiRegionKey",
        TAG_RESOURCE = "TagResource",
        UNTAG_RESOURCE = "UntagResource",
        UPDATE_ALIAS = "UpdateAlias",
        UPDATE_CUSTOM_KEY_STORE = "UpdateCustomKeyStore",
        UPDATE_KEY_DESCRIPTION = "UpdateKeyDescription",
        UPDATE_PRIMARY_REGION = "UpdatePrimaryRegion",
        VERIFY = "Verify",
        VERIFY_MAC = "VerifyMac",
    }
}

impl KmsAction {
    /// The action that `text`, such as `kms:Decrypt`, names; prefix and name compare without regard to
    /// case, and a pattern names none (Rule A50).
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, name) = text.split_once(':')?;
        if prefix.eq_ignore_ascii_case("kms") { Self::from_name(name) } else { None }
    }

    /// The action with this name, such as `Decrypt`, without regard to case (Rule A50).
    pub fn from_name(name: &str) -> Option<Self> {
        let row = NAMES.binary_search_by(|row| compare_ignoring_case(row, name)).ok()?;
        Self::from_index(row)
    }

    /// The name without prefix: `Decrypt`.
    #[expect(clippy::indexing_slicing, reason = "every index is made below the count")]
    pub const fn name(self) -> &'static str {
        NAMES[self.index()]
    }

    /// What the table says of the action.
    pub fn info(self) -> &'static ActionInfo {
        action_info::of(self)
    }
}

/// Orders ASCII texts without regard to case; other characters as their bytes.
pub(super) fn compare_ignoring_case(left: &str, right: &str) -> Ordering {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    left.bytes().map(fold).cmp(right.bytes().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_named_as_the_table() {
        assert_eq!(CONSTANTS.len(), 58);
        assert_eq!(KmsAction::COUNT, 58);
        for &(constant, action) in CONSTANTS {
            assert_eq!(constant.replace('_', ""), action.name().to_uppercase());
            assert_eq!(action.info().name, action.name());
            assert_eq!(action.as_str(), format!("kms:{}", action.name()));
        }
        assert_eq!(KmsAction::DECRYPT.as_str(), "kms:Decrypt");
    }

    #[test]
    fn names_ascend_without_regard_to_case() {
        assert!(NAMES.is_sorted_by(|left, right| compare_ignoring_case(left, right).is_lt()));
    }

    #[test]
    fn a50_action_names_ignore_case() {
        for action in KmsAction::all() {
            assert_eq!(KmsAction::parse(action.as_str()), Some(action));
            assert_eq!(KmsAction::parse(&action.as_str().to_uppercase()), Some(action));
            assert_eq!(KmsAction::from_name(&action.name().to_lowercase()), Some(action));
            assert_eq!(KmsAction::from_index(action.index()), Some(action));
        }
        assert_eq!(KmsAction::from_index(KmsAction::COUNT), None);
    }

    #[test]
    fn a51_a52_a55_other_texts_name_no_action() {
        for text in [
            "*",
            "kms:*",
            "kms:",
            "Decrypt",
            "k*:Decrypt",
            "kms:Decrypt ",
            "kms:De crypt",
            "kms:kms:Decrypt",
            "s3:Decrypt",
            "kms:ReEncrypt",
            "kms:Dėcrypt",
        ] {
            assert_eq!(KmsAction::parse(text), None, "{text}");
        }
    }
}
