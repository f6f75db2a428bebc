//! Condition keys: what they hold, where they come from, and which KMS actions carry them.
//!
//! Names compare without regard to case, what follows a `/` or `:` included (Rule C4). Families, such
//! as `aws:PrincipalTag/...`, are one row each.

mod shape;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::{
    Action, ActionSet, ControlAction, ControlSet, KmsAction, action::compare_ignoring_case,
    tables::embedded, words::words,
};

use shape::Shape;

/// One row of the table of condition keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionKeyInfo {
    /// The name as AWS spells it; a family has `${...}` or a range of numbers for what varies.
    pub name: &'static str,
    /// The type of its values.
    pub value: ValueType,
    /// Whether a request can carry several values, so that conditions need a set operator (Rule C37).
    #[serde(default)]
    pub multivalued: bool,
    /// What determines its value.
    pub nature: Nature,
    /// The KMS actions that carry it (Rules C6, N1); a request need not have it for all that.
    #[serde(skip)]
    pub actions: ActionSet,
    /// Whether key policies do not see it though the action carries it (Rule C56).
    #[serde(default)]
    pub missing_in_key_policy: bool,
    /// What conditions see where the request leaves the parameter out (Rule C51); for properties of a
    /// key in CreateKey alone.
    #[serde(borrow, default)]
    pub default: Option<&'static str>,
    /// The least and the greatest number that the parameter takes (API reference, the page of the action).
    #[serde(default)]
    pub bounds: Option<[i64; 2]>,
    carried: Carried,
    #[serde(skip)]
    shape: Shape,
}

words! {
    /// The type of a condition key's values; it suits the operators of its name.
    pub enum ValueType {
        /// Text.
        String = "String",
        /// The ARN of something.
        Arn = "Arn",
        /// `true` or `false`.
        Bool = "Bool",
        /// A decimal number.
        Numeric = "Numeric",
        /// An instant.
        Date = "Date",
        /// An address, IPv4 or IPv6.
        IpAddress = "IpAddress",
    }
}

words! {
    /// What determines the value of a condition key; see the section on what is known offline.
    pub enum Nature {
        /// Who calls; known from the export.
        Principal = "principal",
        /// The caller's session; partly known.
        Session = "session",
        /// What the request is made on, the KMS key or an IAM identity; known from the export.
        Key = "key",
        /// The services between caller and KMS.
        RequestPath = "request-path",
        /// The network that the request comes from.
        Network = "network",
        /// When the request is made.
        Time = "time",
        /// The Region that is asked.
        Region = "region",
        /// A parameter of the request.
        RequestParameter = "request-parameter",
    }
}

/// Every row, in order of name without regard to case.
pub fn condition_keys() -> &'static [ConditionKeyInfo] {
    &TABLE.keys
}

/// What is known of the key `name`, without regard to case (Rule C4); a member of a family finds the
/// family. A name with a host in front, as in `accounts.google.com:sub`, is an identity provider's.
pub fn condition_key(name: &str) -> Option<&'static ConditionKeyInfo> {
    let keys = condition_keys();
    let exact = match TABLE.by_name.get(name) {
        Some(row) => Some(*row),
        None if !name.bytes().any(|byte| byte.is_ascii_uppercase()) => None,
        None => keys.binary_search_by(|key| compare_ignoring_case(key.name, name)).ok(),
    };
    let exact = exact.and_then(|row| keys.get(row)).filter(|key| key.shape == Shape::Exact);
    let families = || TABLE.families.iter().filter_map(|row| keys.get(*row));
    exact.or_else(|| families().find(|key| key.shape.covers(name)))
}

/// Whether requests can carry several values of the key `name`, without regard to case.
///
/// Costs a comparison of lengths for most names: an evaluator asks for each condition.
pub fn is_multivalued(name: &str) -> bool {
    let length = 1_u64.checked_shl(u32::try_from(name.len()).unwrap_or(u32::MAX)).unwrap_or(0);
    TABLE.multivalued_lengths & length != 0
        && TABLE.multivalued.iter().any(|key| key.eq_ignore_ascii_case(name))
}

/// Whether requests for `action` can carry the condition key `name` (Rules C6, N1).
///
/// Every action carries the global keys, those this table does not know yet included, but for the tag
/// keys; no action carries a key of another service that is not listed for it.
pub fn carried(action: impl Into<Action>, name: &str) -> bool {
    match action.into() {
        Action::Kms(action) => carrying(name).contains(action),
        Action::Control(action) => {
            let key = condition_key(name);
            key.is_some_and(|key| key.carried == Carried::Every)
                || key.is_none() && is_global(name)
                || action.info().lists(name)
        }
    }
}

/// The actions of KMS whose requests can carry the condition key `name`, as [`carried`] has it.
pub fn carrying(name: &str) -> ActionSet {
    match condition_key(name) {
        Some(key) => key.actions,
        None if is_global(name) => ActionSet::ALL,
        None => ActionSet::EMPTY,
    }
}

fn is_global(name: &str) -> bool {
    name.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// The control actions whose requests can carry the condition key `name` (Rules C6, N1).
pub fn carrying_control(name: &str) -> ControlSet {
    // Whether all carry it hangs on the key alone.
    match ControlAction::all().next() {
        Some(first) if carried(first, name) && !first.info().lists(name) => ControlSet::ALL,
        _ => ControlAction::all().filter(|action| action.info().lists(name)).collect(),
    }
}

/// Whether a name of a table, which ends in `${...}` where it stands for a family, means the key `name`.
pub(super) fn is_same_key(listed: &str, name: &str) -> bool {
    match listed.split_once("${") {
        None => listed.eq_ignore_ascii_case(name),
        Some((prefix, _)) => {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        }
    }
}

impl ConditionKeyInfo {
    /// Whether the row stands for a family of keys.
    pub fn is_family(&self) -> bool {
        self.shape != Shape::Exact
    }

    /// What tells `name` from other members of this family: the tag key, the encryption context key.
    pub fn member<'a>(&self, name: &'a str) -> Option<&'a str> {
        self.shape.member(name)
    }
}

/// Which KMS actions carry a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Carried {
    /// All.
    Every,
    /// Those with a key resource, and those that list it.
    Key,
    /// Those whose rows list it.
    Listed,
}

/// The file, rows in order of name, and what follows from it.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Table {
    keys: Vec<ConditionKeyInfo>,
    /// The rows by name as AWS spells it and in lower case, as most ask for them.
    #[serde(skip)]
    by_name: FxHashMap<Box<str>, usize>,
    /// The rows that stand for families.
    #[serde(skip)]
    families: Vec<usize>,
    #[serde(skip)]
    multivalued: Vec<&'static str>,
    /// A bit for each length that a multi-valued key has.
    #[serde(skip)]
    multivalued_lengths: u64,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table: Table = embedded(include_str!("../data/condition-keys.json"));
    for key in &mut table.keys {
        key.shape = Shape::of(key.name);
        key.actions = actions(key);
    }
    let names = |(row, key): (usize, &ConditionKeyInfo)| {
        [(key.name.into(), row), (key.name.to_ascii_lowercase().into(), row)]
    };
    table.by_name = table.keys.iter().enumerate().flat_map(names).collect();
    let families = table.keys.iter().enumerate().filter(|(_, key)| key.is_family());
    table.families = families.map(|(row, _)| row).collect();
    table.multivalued =
        table.keys.iter().filter(|key| key.multivalued).map(|key| key.name).collect();
    table.multivalued_lengths =
        table.multivalued.iter().fold(0, |lengths, key| lengths | 1 << key.len());
    table
});

fn actions(key: &ConditionKeyInfo) -> ActionSet {
    let carries = |action: &KmsAction| {
        let info = action.info();
        match key.carried {
            Carried::Every => true,
            Carried::Key => info.key_condition_keys || info.condition_keys.contains(&key.name),
            Carried::Listed => info.condition_keys.contains(&key.name),
        }
    };
    KmsAction::all().filter(carries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MULTIVALUED: &[&str] = &[
        "aws:CalledVia",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceNamesList",
        "aws:ResourceOrgPaths",
        "aws:SourceOrgPaths",
        "aws:TagKeys",
        "aws:VpceOrgPaths",
        "cognito-identity.amazonaws.com:amr",
        "kms:EncryptionContextKeys",
        "kms:GrantOperations",
        "kms:ResourceAliases",
        "sts:TransitiveTagKeys",
    ];

    /// The actions that carry `name` are those named in `expected`.
    fn check(name: &str, expected: &str) {
        let expected: ActionSet = expected
            .split_whitespace()
            .map(|name| KmsAction::from_name(name).expect("an action"))
            .collect();
        let found: ActionSet = KmsAction::all().filter(|&action| carried(action, name)).collect();
        assert_eq!(found, expected, "{name}");
    }

    fn with_key() -> ActionSet {
        KmsAction::all().filter(|action| action.info().has_key_resource).collect()
    }

    #[test]
    fn names_ascend_without_regard_to_case() {
        let ascend = |left: &ConditionKeyInfo, right: &ConditionKeyInfo| {
            compare_ignoring_case(left.name, right.name).is_lt()
        };
        assert!(condition_keys().is_sorted_by(ascend));
    }

    #[test]
    fn c6_every_listed_key_is_in_the_table_once() {
        for info in KmsAction::all().map(KmsAction::info) {
            assert!(info.condition_keys.is_sorted_by(|left, right| left < right), "{}", info.name);
            for name in &info.condition_keys {
                let rows = condition_keys().iter().filter(|key| key.name == *name);
                assert_eq!(rows.count(), 1, "{} {name}", info.name);
            }
        }
    }

    #[test]
    fn c4_key_names_ignore_case() {
        for key in condition_keys().iter().filter(|key| !key.is_family()) {
            for name in [key.name.to_owned(), key.name.to_lowercase(), key.name.to_uppercase()] {
                assert_eq!(condition_key(&name).map(|key| key.name), Some(key.name));
                assert_eq!(is_multivalued(&name), key.multivalued);
            }
        }
    }

    #[test]
    fn c37_multivalued_keys_are_known() {
        let found = condition_keys().iter().filter(|key| key.multivalued).map(|key| key.name);
        assert!(found.eq(MULTIVALUED.iter().copied()));
        for name in ["kms:EncryptionContext:GrantOperations", "kms:ViaService", "", "aws:TagKey"] {
            assert!(!is_multivalued(name), "{name}");
        }
        assert!(!is_multivalued(&"x".repeat(77)) && is_multivalued("AWS:tagkeys"));
    }

    #[test]
    fn a_multivalued_name_fits_the_length_word() {
        assert!(MULTIVALUED.iter().all(|name| name.len() < 64));
    }

    #[test]
    fn n1_key_properties_come_with_every_action_on_a_key() {
        for name in [
            "kms:KeySpec",
            "kms:KeyUsage",
            "kms:KeyOrigin",
            "kms:MultiRegion",
            "kms:MultiRegionKeyType",
            "kms:CustomerMasterKeySpec",
            "kms:CustomerMasterKeyUsage",
        ] {
            let key = condition_key(name).expect("a key");
            let also = ActionSet::of(KmsAction::CREATE_KEY);
            assert_eq!((key.actions, key.nature), (with_key().union(also), Nature::Key), "{name}");
        }
        for name in ["kms:ResourceAliases", "aws:ResourceTag/team"] {
            assert_eq!(condition_key(name).map(|key| key.actions), Some(with_key()), "{name}");
        }
    }

    #[test]
    fn n1_some_actions_carry_less() {
        for key in condition_keys().iter().filter(|key| key.name.starts_with("kms:")) {
            let carries = |action| key.actions.contains(action);
            let of_key = key.carried == Carried::Key;
            assert_eq!(carries(KmsAction::SYNCHRONIZE_MULTI_REGION_KEY), of_key, "{}", key.name);
            let attested = key.name.starts_with("kms:RecipientAttestation:");
            assert_eq!(carries(KmsAction::GENERATE_RANDOM), attested, "{}", key.name);
            for action in
                [KmsAction::LIST_KEYS, KmsAction::LIST_ALIASES, KmsAction::LIST_RETIRABLE_GRANTS]
            {
                assert!(!carries(action), "{} {action}", key.name);
            }
        }
    }

    #[test]
    fn n1_caller_and_service_come_with_actions_on_a_key() {
        let synchronize = ActionSet::of(KmsAction::SYNCHRONIZE_MULTI_REGION_KEY);
        let expected = with_key().minus(synchronize).union(KmsAction::CREATE_KEY.into());
        assert_eq!(condition_key("kms:ViaService").map(|key| key.actions), Some(expected));
        let stores = KmsAction::all().filter(|action| action.name().contains("CustomKeyStore"));
        let expected = expected.union(stores.collect());
        assert_eq!(condition_key("kms:CallerAccount").map(|key| key.actions), Some(expected));
    }

    #[test]
    fn n1_parameters_come_with_their_actions() {
        const CONTEXT: &str = "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey \
            GenerateDataKeyPair GenerateDataKeyWithoutPlaintext GenerateDataKeyPairWithoutPlaintext";
        const ATTESTED: &str =
            "Decrypt DeriveSharedSecret GenerateDataKey GenerateDataKeyPair GenerateRandom";
        check("kms:BypassPolicyLockoutSafetyCheck", "CreateKey PutKeyPolicy");
        check("kms:DataKeyPairSpec", "GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext");
        check("kms:EncryptionAlgorithm", CONTEXT);
        let context = format!("{CONTEXT} CreateGrant RetireGrant");
        check("kms:EncryptionContext:app", &context);
        check("kms:EncryptionContextKeys", &context);
        check("kms:ExpirationModel", "ImportKeyMaterial");
        check("kms:ValidTo", "ImportKeyMaterial");
        check("kms:GrantConstraintType", "CreateGrant RetireGrant");
        check("kms:GrantIsForAWSResource", "CreateGrant ListGrants RevokeGrant");
        for name in [
            "kms:GrantConstraintSourceArn",
            "kms:GrantOperations",
            "kms:GranteePrincipal",
            "kms:GranteeServicePrincipal",
            "kms:RetiringPrincipal",
            "kms:RetiringServicePrincipal",
        ] {
            check(name, "CreateGrant");
        }
        check("kms:KeyAgreementAlgorithm", "DeriveSharedSecret");
        check("kms:MacAlgorithm", "GenerateMac VerifyMac");
        check("kms:MessageType", "Sign Verify");
        check("kms:SigningAlgorithm", "Sign Verify");
        check("kms:PolicyName", "GetKeyPolicy PutKeyPolicy");
        check("kms:PrimaryRegion", "UpdatePrimaryRegion");
        check("kms:ReEncryptOnSameKey", "ReEncryptFrom ReEncryptTo");
        check("kms:RecipientAttestation:ImageSha384", ATTESTED);
        check("kms:RecipientAttestation:PCR3", ATTESTED);
        check("kms:RecipientAttestation:NitroTPMPCR3", ATTESTED);
        check("kms:ReplicaRegion", "ReplicateKey");
        check("kms:RotationPeriodInDays", "EnableKeyRotation");
        check("kms:ScheduleKeyDeletionPendingWindowInDays", "ScheduleKeyDeletion");
        check("kms:TrailingDaysWithoutKeyUsage", "DisableKey ScheduleKeyDeletion");
        check("kms:WrappingAlgorithm", "GetParametersForImport");
        check("kms:WrappingKeySpec", "GetParametersForImport");
        check("aws:RequestTag/team", "TagResource CreateKey");
        check("aws:TagKeys", "TagResource UntagResource CreateKey");
    }

    #[test]
    fn c6_other_global_keys_come_with_every_action() {
        for name in ["aws:PrincipalArn", "sts:RoleSessionName", "AWS:NewerThanTheTable"] {
            assert!(KmsAction::all().all(|action| carried(action, name)), "{name}");
        }
        for name in ["s3:prefix", "kms:NewerThanTheTable", "sts:ExternalId"] {
            check(name, "");
        }
    }

    #[test]
    fn c51_defaults_are_visible() {
        let default = |name| condition_key(name).and_then(|key| key.default);
        for (name, expected) in [
            ("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
            ("kms:MessageType", "RAW"),
            ("kms:KeySpec", "SYMMETRIC_DEFAULT"),
            ("kms:KeyUsage", "ENCRYPT_DECRYPT"),
            ("kms:KeyOrigin", "AWS_KMS"),
            ("kms:MultiRegion", "false"),
            ("kms:ScheduleKeyDeletionPendingWindowInDays", "30"),
            ("kms:RotationPeriodInDays", "365"),
            ("kms:PolicyName", "default"),
        ] {
            assert_eq!(default(name), Some(expected), "{name}");
        }
        assert_eq!(condition_keys().iter().filter(|key| key.default.is_some()).count(), 9);
    }

    #[test]
    fn days_have_bounds() {
        let bounds = |name| condition_key(name).and_then(|key| key.bounds);
        assert_eq!(bounds("kms:ScheduleKeyDeletionPendingWindowInDays"), Some([7, 30]));
        assert_eq!(bounds("kms:RotationPeriodInDays"), Some([90, 2560]));
        assert_eq!(bounds("aws:MultiFactorAuthAge"), None);
    }

    #[test]
    fn c56_two_keys_are_missing_in_key_policies() {
        let missing = condition_keys().iter().filter(|key| key.missing_in_key_policy);
        let names: Vec<_> = missing.map(|key| key.name).collect();
        assert_eq!(names, ["aws:ResourceTag/${TagKey}", "kms:ResourceAliases"]);
    }
}
