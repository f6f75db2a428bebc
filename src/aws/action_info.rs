//! What AWS documents about each KMS action.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{KeyUsage, KmsAction, StateAnswer, tables::embedded, words::words};

/// One row of the action table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionInfo {
    /// The name without prefix.
    pub name: &'static str,
    /// What the action is for.
    pub category: Category,
    /// Whether a key is authorized: its ARN is the request's resource (Rule A67).
    #[serde(skip)]
    pub has_key_resource: bool,
    /// Whether an alias is authorized too, by identity policies alone.
    #[serde(skip)]
    pub has_alias_resource: bool,
    /// Whether a caller of another account than the key's can ever be allowed (Rule E11).
    #[serde(default)]
    pub cross_account: bool,
    /// Whether a grant can list it among its operations (Rule G3 narrows it by key).
    #[serde(default)]
    pub grantable: bool,
    /// The condition keys that AWS lists for it beside the key's own and the global ones (Rule N1).
    #[serde(borrow, default)]
    pub condition_keys: Vec<&'static str>,
    /// Whether the properties of the key, such as `kms:KeySpec`, come with the request.
    #[serde(skip)]
    pub key_condition_keys: bool,
    /// Whether a request can carry an encryption context, for grants through their constraints
    /// (Rule C52).
    #[serde(default)]
    pub encryption_context: bool,
    /// Whether the key can be named by alias, so that `kms:RequestAlias` is carried (Rule C55).
    #[serde(default)]
    pub accepts_alias_as_key_id: bool,
    /// The key usages it works with (Rule S4); empty where the usage does not matter.
    #[serde(default)]
    pub key_usages: Vec<KeyUsage>,
    /// Whether it fails for keys in a custom key store (Rule S4).
    #[serde(default)]
    pub outside_custom_key_stores: bool,
    /// Whether it is refused on keys that AWS manages, whatever policies say (Rule K15).
    #[serde(default)]
    pub fixed_on_aws_managed_keys: bool,
    /// Whether its answer reveals plaintext or secrets, or signs.
    #[serde(default)]
    pub reveals: bool,
    /// How it leads to more access, where it does.
    #[serde(borrow, default)]
    pub escalation: Option<&'static str>,
    /// Whether it can take access or data away from others.
    #[serde(default)]
    pub destructive: bool,
    /// How it goes in each state, in the order of [`super::KeyState::ALL`] (Rule S3); nothing for
    /// actions without a key.
    #[serde(rename = "states", default)]
    pub key_states: Option<[StateAnswer; 8]>,
    /// Whether its states are inferred: AWS's table does not have the action.
    #[serde(default)]
    pub inferred_states: bool,
    /// `key`, `alias`, or both.
    #[serde(borrow)]
    resources: Vec<&'static str>,
}

words! {
    /// What an action is for; see the section on scope and categories of the rules.
    pub enum Category {
        /// Cryptography with the key.
        Use = "use",
        /// Making and ending grants.
        Grant = "grant",
        /// Changing the key, its policy or its aliases.
        Administer = "administer",
        /// Changing the key's tags.
        Tag = "tag",
        /// Looking at the key.
        Read = "read",
        /// Without a key: identity policies alone decide.
        ServiceLevel = "service-level",
    }
}

/// The row of `action`.
#[expect(clippy::indexing_slicing, reason = "a test counts the rows")]
pub(super) fn of(action: KmsAction) -> &'static ActionInfo {
    &TABLE.actions[action.index()]
}

/// The day the tables were compiled.
pub(super) fn compiled() -> &'static str {
    TABLE.compiled
}

/// The file; its rows are in the order of the action constants.
#[derive(Deserialize)]
struct Table {
    compiled: &'static str,
    actions: Vec<ActionInfo>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table: Table = embedded(include_str!("data/kms-actions.json"));
    for action in &mut table.actions {
        action.has_key_resource = action.resources.contains(&"key");
        action.has_alias_resource = action.resources.contains(&"alias");
        action.key_condition_keys = action.has_key_resource;
    }
    table
});

#[cfg(test)]
mod tests {
    use super::super::{ActionSet, KeyState};
    use super::*;

    /// The actions of which `is` is true are those named in `expected`; a `*` ends a prefix.
    fn check(expected: &str, is: impl Fn(&ActionInfo) -> bool) {
        let named = |action: &KmsAction| {
            expected.split_whitespace().any(|word| match word.strip_suffix('*') {
                Some(prefix) => action.name().starts_with(prefix),
                None => action.name() == word,
            })
        };
        let expected: ActionSet = KmsAction::all().filter(named).collect();
        let found: ActionSet = KmsAction::all().filter(|action| is(action.info())).collect();
        assert_eq!(found, expected);
    }

    const USE: &str = "Encrypt Decrypt ReEncrypt* GenerateDataKey* Sign Verify GenerateMac \
        VerifyMac DeriveSharedSecret Encapsulate Decapsulate";

    #[test]
    fn every_row_has_its_constant() {
        assert_eq!(TABLE.actions.len(), KmsAction::COUNT);
        for (row, action) in TABLE.actions.iter().zip(KmsAction::all()) {
            assert_eq!(row.name, action.name());
            assert!(row.resources.iter().all(|kind| ["key", "alias"].contains(kind)));
        }
        assert_eq!(compiled().len(), "2026-11-22".len());
    }

    #[test]
    fn categories_are_those_of_section_8() {
        check(USE, |info| info.category == Category::Use);
        check("CreateGrant RetireGrant RevokeGrant", |info| info.category == Category::Grant);
        check(
            "PutKeyPolicy EnableKey* DisableKey* RotateKeyOnDemand ScheduleKeyDeletion \
             CancelKeyDeletion ImportKeyMaterial DeleteImportedKeyMaterial UpdateKeyDescription \
             CreateAlias UpdateAlias DeleteAlias ReplicateKey UpdatePrimaryRegion \
             SynchronizeMultiRegionKey",
            |info| info.category == Category::Administer,
        );
        check("TagResource UntagResource", |info| info.category == Category::Tag);
        check(
            "DescribeKey GetKeyPolicy GetKeyRotationStatus GetPublicKey GetParametersForImport \
             GetKeyLastUsage ListGrants ListKeyPolicies ListKeyRotations ListResourceTags",
            |info| info.category == Category::Read,
        );
        check(
            "CreateKey ListKeys ListAliases ListRetirableGrants GenerateRandom \
             CreateCustomKeyStore ConnectCustomKeyStore DisconnectCustomKeyStore \
             DescribeCustomKeyStores UpdateCustomKeyStore DeleteCustomKeyStore",
            |info| info.category == Category::ServiceLevel,
        );
    }

    #[test]
    fn actions_without_a_key_are_the_service_level_ones() {
        for info in KmsAction::all().map(KmsAction::info) {
            let service_level = info.category == Category::ServiceLevel;
            assert_eq!(info.has_key_resource, !service_level, "{}", info.name);
            assert_eq!(info.key_condition_keys, info.has_key_resource, "{}", info.name);
            assert_eq!(info.key_states.is_some(), info.has_key_resource, "{}", info.name);
        }
        check("CreateAlias UpdateAlias DeleteAlias", |info| info.has_alias_resource);
    }

    #[test]
    fn e11_cross_account_actions_are_those_of_section_8() {
        let others = "CreateGrant RetireGrant RevokeGrant ListGrants DescribeKey \
            GetKeyRotationStatus GetPublicKey";
        check(&format!("{USE} {others}"), |info| info.cross_account);
    }

    #[test]
    fn g3_grantable_actions_are_those_of_section_8() {
        let others = "GetPublicKey DescribeKey CreateGrant RetireGrant";
        check(&format!("{USE} {others}"), |info| info.grantable);
    }

    #[test]
    fn k15_keys_of_aws_keep_policy_tags_aliases_rotation_and_life() {
        check(
            "PutKeyPolicy TagResource UntagResource CreateAlias UpdateAlias DeleteAlias \
             ScheduleKeyDeletion CancelKeyDeletion EnableKeyRotation DisableKeyRotation \
             RotateKeyOnDemand ReplicateKey",
            |info| info.fixed_on_aws_managed_keys,
        );
    }

    #[test]
    fn revealing_actions_are_those_of_section_8() {
        check(
            "Decrypt ReEncryptFrom GenerateDataKey GenerateDataKeyPair Sign GenerateMac \
             DeriveSharedSecret Decapsulate",
            |info| info.reveals,
        );
    }

    #[test]
    fn key_controllers_escalate() {
        check(
            "PutKeyPolicy CreateGrant ReplicateKey CreateAlias UpdateAlias DeleteAlias \
             TagResource UntagResource ImportKeyMaterial",
            |info| info.escalation.is_some(),
        );
    }

    #[test]
    fn destructive_actions_are_known() {
        check(
            "DeleteAlias UpdateAlias DeleteImportedKeyMaterial DisableKey ScheduleKeyDeletion \
             PutKeyPolicy RevokeGrant DeleteCustomKeyStore DisconnectCustomKeyStore \
             UpdateCustomKeyStore",
            |info| info.destructive,
        );
    }

    #[test]
    fn c52_encryption_contexts_come_with_symmetric_cryptography_and_grants() {
        check("Encrypt Decrypt ReEncrypt* GenerateDataKey* CreateGrant RetireGrant", |info| {
            info.encryption_context
        });
    }

    #[test]
    fn c55_aliases_name_keys_in_cryptography_and_two_reads() {
        let carries = format!("{USE} DescribeKey GetPublicKey");
        check(&carries, |info| info.accepts_alias_as_key_id);
        check(&carries, |info| info.condition_keys.contains(&"kms:RequestAlias"));
    }

    #[test]
    fn s4_pairs_are_not_made_in_custom_key_stores() {
        check("GenerateDataKeyPair*", |info| info.outside_custom_key_stores);
    }

    #[test]
    fn s3_states_outside_the_source_table_are_marked() {
        check(
            "DeriveSharedSecret Encapsulate Decapsulate GetKeyLastUsage ListKeyRotations \
             RotateKeyOnDemand SynchronizeMultiRegionKey",
            |info| info.inferred_states,
        );
        assert_eq!(KeyState::ALL.len(), 8);
    }
}
