//! Keys, aliases and grants.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{
    AccountId, ActionSet, AliasArn, KeyArn, KeySpec, KeyState, KeyUsage, grant_operations,
};
use crate::policy::{PolicyDocument, Principal};
use crate::source::Place;
use crate::syntax::is_of_deployment;

use super::Tags;

/// One KMS key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its ARN.
    pub arn: KeyArn,
    /// What DescribeKey says, where exported.
    pub metadata: Option<KeyMetadata>,
    /// The `default` key policy (rule K1); absent where it was not exported.
    pub policy: Option<PolicyDocument>,
    /// The policy that RAM writes (rule K8).
    pub ram_policy: Option<PolicyDocument>,
    /// Its grants.
    pub grants: Vec<Grant>,
    /// Whether its grants were exported; an empty list counts.
    pub grants_listed: bool,
    /// Its aliases.
    pub aliases: BTreeSet<AliasArn>,
    /// Whether its aliases were exported.
    pub aliases_listed: bool,
    /// Its tags by key, as spelled; absent where they were not exported.
    pub tags: Option<Tags>,
    /// Whether automatic rotation is on, where exported.
    pub rotation: Option<bool>,
    /// Where code that declares it switches off the check of KMS that its author can change its policy.
    pub lockout_check_bypassed: Option<Place>,
    /// Where it is first spoken of.
    pub place: Place,
}

impl Key {
    /// A key of which nothing but its ARN is known.
    pub fn new(arn: KeyArn, place: Place) -> Self {
        Self {
            arn,
            metadata: None,
            policy: None,
            ram_policy: None,
            grants: Vec::new(),
            grants_listed: false,
            aliases: BTreeSet::new(),
            aliases_listed: false,
            tags: None,
            rotation: None,
            lockout_check_bypassed: None,
            place,
        }
    }

    /// Rule G3: the operations that grants on the key can allow; those that do not suit it contribute
    /// nothing. All of them where nobody knows what the key is.
    pub fn grant_operations(&self) -> ActionSet {
        let metadata = self.metadata.as_ref();
        let spec = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?));
        let usage = metadata.and_then(|it| KeyUsage::parse(it.usage.as_deref()?));
        match spec.zip(usage) {
            Some((spec, usage)) => grant_operations(spec, usage),
            None => ActionSet::ALL,
        }
    }

    /// Whether it is known in which state it is (rule S3).
    pub fn has_known_state(&self) -> bool {
        let state = self.metadata.as_ref().and_then(|metadata| metadata.state.as_deref());
        state.and_then(KeyState::parse).is_some()
    }

    /// Rule X1: a key that AWS manages for a service. Without metadata its aliases tell.
    pub fn is_aws_managed(&self) -> bool {
        match &self.metadata {
            Some(metadata) => metadata.manager == KeyManager::Aws,
            None => self.aliases.iter().any(|alias| alias.name().starts_with("alias/aws/")),
        }
    }
}

/// What DescribeKey says of a key; texts as AWS spells them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyMetadata {
    /// Whose key it is.
    pub manager: KeyManager,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, ...
    pub spec: Option<Box<str>>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, ...
    pub usage: Option<Box<str>>,
    /// `AWS_KMS`, `EXTERNAL`, ...
    pub origin: Option<Box<str>>,
    /// `Enabled`, `Disabled`, `PendingDeletion`, ...
    pub state: Option<Box<str>>,
    /// Its place among related multi-Region keys; absent for a single-Region key.
    pub multi_region: Option<MultiRegion>,
    /// Free text.
    pub description: Option<Box<str>>,
}

/// Who manages a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyManager {
    /// The customer.
    Customer,
    /// AWS, for a service.
    Aws,
}

/// A multi-Region key's part and its relatives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MultiRegion {
    /// Primary or replica.
    pub role: MultiRegionRole,
    /// ARN of the primary.
    pub primary: Option<Box<str>>,
    /// ARNs of the replicas.
    pub replicas: BTreeSet<Box<str>>,
}

/// Whether a multi-Region key is the primary or a replica.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MultiRegionRole {
    /// The primary.
    Primary,
    /// A replica.
    Replica,
}

impl MultiRegionRole {
    /// The value of `kms:MultiRegionKeyType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Replica => "REPLICA",
        }
    }
}

/// An alias of an account and Region.
#[derive(Clone, Debug)]
pub struct Alias {
    /// Its ARN.
    pub arn: AliasArn,
    /// The id of the key it points to, in its own account and Region; absent for an unused AWS alias.
    pub target: Option<Box<str>>,
    /// Where it is listed.
    pub place: Place,
}

impl Alias {
    /// ARN of the key it points to.
    pub fn key(&self) -> Option<KeyArn> {
        let id = self.target.as_deref()?;
        KeyArn::new(self.arn.partition(), self.arn.region(), self.arn.account(), id)
    }
}

/// A grant (rule G1). It only allows (rule G2).
#[derive(Clone, Debug)]
pub struct Grant {
    /// `GrantId`.
    pub id: Box<str>,
    /// `Name`.
    pub name: Option<Box<str>>,
    /// Who may use the key.
    pub grantee: Grantee,
    /// Who may retire the grant.
    pub retiring: Option<Grantee>,
    /// The account that issued it.
    pub issuing_account: Option<AccountId>,
    /// `Operations`; names that no table knows are kept beside.
    pub operations: ActionSet,
    /// Operations that no table knows.
    pub unknown_operations: Vec<Box<str>>,
    /// When it binds.
    pub constraints: Constraints,
    /// Where it is listed.
    pub place: Place,
}

impl Grant {
    /// What this may be besides, should it hold that `whether` the one that it names is another.
    pub fn reading(&self, whether: &str) -> Self {
        Self { id: format!("{} ({whether})", self.id).into(), ..self.clone() }
    }

    /// Whether it is only what another grant may be besides.
    pub fn is_reading(&self) -> bool {
        self.id.split_once(" (").is_some_and(|(_, behind)| is_of_deployment(behind))
    }
}

/// Who a grant names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Grantee {
    /// `GranteePrincipal` or `RetiringPrincipal`: an identity, an account, a unique id, or a service in
    /// the older style (rule G12).
    Principal(Principal),
    /// `GranteeServicePrincipal` or `RetiringServicePrincipal`.
    Service(Box<str>),
}

impl Grantee {
    /// Reads `GranteePrincipal` or `RetiringPrincipal` (rules G10 to G13).
    pub fn principal(text: &str) -> Self {
        match Principal::aws(text) {
            Principal::Invalid(name) if name.ends_with(".amazonaws.com") => Self::Service(name),
            principal => Self::Principal(principal),
        }
    }

    /// The text as it is written; of an account its id.
    pub fn text(&self) -> &str {
        match self {
            Self::Principal(principal) => principal.text(),
            Self::Service(name) => name,
        }
    }

    /// The text as KMS tells it: an account is told by the ARN of its root user, in `partition` where
    /// nothing says in which.
    pub fn shown(&self, partition: &str) -> Cow<'_, str> {
        match self {
            Self::Principal(Principal::Account { account, partition: named }) => {
                let partition = named.as_deref().unwrap_or(partition);
                format!("arn:{partition}:iam::{account}:root").into()
            }
            _ => self.text().into(),
        }
    }

    /// The same where an account that is named by its id is one of `partition`.
    #[must_use]
    pub fn in_partition(self, partition: &str) -> Self {
        match self {
            Self::Principal(Principal::Account { account, partition: None }) => {
                let partition = Some(partition.into());
                Self::Principal(Principal::Account { account, partition })
            }
            _ => self,
        }
    }
}

/// `Constraints` of a grant (rules G20 to G24).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Constraints {
    /// `EncryptionContextEquals`.
    pub equals: Option<BTreeMap<Box<str>, Box<str>>>,
    /// `EncryptionContextSubset`.
    pub subset: Option<BTreeMap<Box<str>, Box<str>>>,
    /// `SourceArn`.
    pub source_arn: Option<Box<str>>,
}
