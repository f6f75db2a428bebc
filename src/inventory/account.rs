//! Accounts with their users, roles, groups and managed policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::AccountId;
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::{Shared, Tags};

/// One account; cheap to clone, whatever its size.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name in the organization.
    pub name: Option<Box<str>>,
    /// Users and roles by ARN.
    pub identities: Shared<Identity>,
    /// ARNs of the roles by their names in lower case (rule A42).
    pub roles_by_name: Arc<BTreeMap<Box<str>, Box<str>>>,
    /// Groups by name.
    pub groups: Shared<Group>,
    /// Managed policies by ARN: the account's own, and those of AWS that its export carries.
    pub policies: Shared<ManagedPolicy>,
    /// Whether an export lists every user, role and group of the account.
    pub identities_listed: bool,
}

impl Account {
    /// An account nothing is known of yet.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: None,
            identities: Shared::default(),
            roles_by_name: Arc::default(),
            groups: Shared::default(),
            policies: Shared::default(),
            identities_listed: false,
        }
    }

    /// Adds a user or role, in place of one with the same ARN.
    pub fn add_identity(&mut self, identity: Identity) {
        if identity.kind == IdentityKind::Role {
            let name = identity.name.to_ascii_lowercase();
            Arc::make_mut(&mut self.roles_by_name).insert(name.into(), identity.arn.clone());
        }
        self.identities.insert(identity.arn.clone(), identity);
    }

    /// Every managed policy that is attached to a user, role or group, or is a permissions boundary.
    pub fn attached_policies(&self) -> impl Iterator<Item = &AttachedPolicy> {
        let of_identities = self.identities.values();
        let of_identities = of_identities.flat_map(|it| it.attached.iter().chain(&it.boundary));
        of_identities.chain(self.groups.values().flat_map(|group| &group.attached))
    }
}

/// What an [`Identity`] is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IdentityKind {
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
}

/// An IAM user or role.
#[derive(Clone, Debug)]
pub struct Identity {
    /// User or role.
    pub kind: IdentityKind,
    /// The ARN, path included.
    pub arn: Box<str>,
    /// The name, the last part of the ARN.
    pub name: Box<str>,
    /// The account it belongs to.
    pub account: AccountId,
    /// `AIDA...` or `AROA...`, where exported (rule A39).
    pub unique_id: Option<Box<str>>,
    /// Its tags.
    pub tags: Tags,
    /// Inline policies.
    pub inline: Vec<NamedPolicy>,
    /// Attached managed policies.
    pub attached: Vec<AttachedPolicy>,
    /// Names of the groups a user is a direct member of (rule E1); empty for roles.
    pub groups: BTreeSet<Box<str>>,
    /// The permissions boundary's ARN.
    pub boundary: Option<AttachedPolicy>,
    /// `MaxSessionDuration` of a role, in seconds, where exported.
    pub max_session: Option<u32>,
    /// A role's trust policy.
    pub trust: Option<PolicyDocument>,
    /// Where it is described.
    pub place: Place,
}

impl Identity {
    /// A user or role that nothing is said of but its ARN.
    pub fn named(kind: IdentityKind, arn: &str, account: AccountId, place: Place) -> Self {
        Self {
            kind,
            arn: arn.into(),
            name: arn.rsplit('/').next().unwrap_or(arn).into(),
            account,
            unique_id: None,
            tags: Tags::default(),
            inline: Vec::new(),
            attached: Vec::new(),
            groups: BTreeSet::new(),
            boundary: None,
            max_session: None,
            trust: None,
            place,
        }
    }

    /// Rule E44: a role that a service owns, by its path.
    pub fn is_service_linked(&self) -> bool {
        self.kind == IdentityKind::Role && self.arn.contains(":role/aws-service-role/")
    }
}

/// An inline policy.
#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// Its name, unique in its principal or group.
    pub name: Box<str>,
    /// The policy.
    pub document: PolicyDocument,
}

impl NamedPolicy {
    /// Whether it is a managed policy of which infrastructure code leaves open if it is attached: its name is
    /// its ARN, and each of its statements in doubt.
    pub fn is_managed(&self) -> bool {
        self.name.starts_with("arn:")
    }

    /// What an inline policy of this name is called, `of` whom it is.
    pub fn words(name: &str, of: &str) -> String {
        match name.starts_with("arn:") {
            true => format!("managed policy {}, perhaps attached to {of}", policy_name(name)),
            false => format!("inline policy {name} of {of}"),
        }
    }
}

/// A managed policy that something names by its ARN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttachedPolicy {
    /// The policy's ARN.
    pub arn: Box<str>,
    /// Where it is named.
    pub place: Place,
}

/// A group: no principal, its policies count for its direct members (rule E1).
#[derive(Clone, Debug)]
pub struct Group {
    /// The name.
    pub name: Box<str>,
    /// The ARN.
    pub arn: Box<str>,
    /// Inline policies.
    pub inline: Vec<NamedPolicy>,
    /// Attached managed policies.
    pub attached: Vec<AttachedPolicy>,
    /// Where it is described.
    pub place: Place,
}

/// A managed policy with the versions that were exported.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// The ARN.
    pub arn: Box<str>,
    /// The id of the version in force, where known (rule A10).
    pub default_version: Option<Box<str>>,
    /// The exported versions.
    pub versions: Vec<PolicyVersion>,
    /// Where it is described.
    pub place: Place,
}

impl ManagedPolicy {
    /// The version in force, where it was exported (rule A10).
    pub fn document(&self) -> Option<&PolicyDocument> {
        let is_default =
            |version: &&PolicyVersion| Some(&version.id) == self.default_version.as_ref();
        self.versions.iter().find(is_default).map(|version| &version.document)
    }
}

/// One version of a managed policy.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// `v1`, `v2`, ...
    pub id: Box<str>,
    /// The policy.
    pub document: PolicyDocument,
}

/// The name of a managed policy: the last part of its ARN.
pub fn policy_name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
