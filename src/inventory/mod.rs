//! The world: accounts, principals, groups, keys, aliases, policies, grants, the organization, and what
//! is not known of them. Plain data with look-ups; it decides nothing and reads no file.
//!
//! An [`Inventory`] is cheap to clone, whatever its size: accounts, keys, aliases, gaps and the
//! organization are shared until [`Inventory::apply`] changes one of them.

mod account;
mod declared;
mod edit;
mod gap;
mod key;
mod organization;
mod principals;
mod sharded;
mod shared;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::aws::{AccountId, AliasArn, Identity as Named, KeyArn, identity};
use crate::policy::PolicyDocument;
use crate::source::{Place, Sources};

pub use account::{
    Account, AttachedPolicy, Group, Identity, IdentityKind, ManagedPolicy, NamedPolicy,
    PolicyVersion, policy_name,
};
pub use declared::{Declared, without_indices, without_instances};
pub use edit::Edit;
pub use gap::{Conflict, EXISTENCE, Effects, Gap, GapKind};
pub use key::{
    Alias, Constraints, Grant, Grantee, Key, KeyManager, KeyMetadata, MultiRegion, MultiRegionRole,
};
pub use organization::{OrgPolicy, OrgPolicyKind, OrgUnit, Organization};
pub use sharded::{Aliases, Keys, Sharded};
pub use shared::Shared;

/// Tags by key, as spelled.
pub type Tags = litemap::LiteMap<Box<str>, Box<str>>;

/// A fact and the place that states it.
#[derive(Clone, Debug)]
pub struct Stated<T> {
    /// The fact.
    pub value: T,
    /// Where it is stated; the first by path where several files state it.
    pub place: Place,
}

impl<T> Stated<T> {
    /// Joins a fact and its place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

/// Everything one run knows.
#[derive(Clone, Default, Debug)]
pub struct Inventory {
    /// The files it came from.
    pub sources: Arc<Sources>,
    /// The accounts that something is known of.
    pub accounts: BTreeMap<AccountId, Arc<Account>>,
    /// The keys.
    pub keys: Keys,
    /// The aliases, by their ARNs.
    pub aliases: Aliases,
    /// The organization, where one was exported.
    pub organization: Option<Arc<Organization>>,
    /// Whether its accounts are told to be in none, where none is there.
    pub has_no_organization: bool,
    /// VPC endpoint policies by endpoint id.
    pub endpoints: BTreeMap<Box<str>, PolicyDocument>,
    /// Policies that stand alone: no principal and no key is known for them.
    pub loose: Vec<LoosePolicy>,
    /// What is missing, in the order it was noticed.
    pub gaps: Arc<Vec<Gap>>,
    /// Facts that two files state differently.
    pub conflicts: Arc<Vec<Conflict>>,
    /// What infrastructure code leaves open, where some of this comes from such code.
    pub declared: Option<Arc<Declared>>,
}

/// A bare policy document, linted on its own.
#[derive(Clone, Debug)]
pub struct LoosePolicy {
    /// Its file name without directory and extension.
    pub name: Box<str>,
    /// The policy.
    pub document: PolicyDocument,
    /// Whether it came as what says that it is a key's: in the output of `get-key-policy`.
    pub is_of_key: bool,
    /// The key that it is the policy of, in whatever account and Region, where it can be of nothing else:
    /// none of the world's keys.
    pub key: Option<Box<Key>>,
}

impl LoosePolicy {
    /// A policy of which nothing is known beside.
    pub fn new(name: Box<str>, document: PolicyDocument) -> Self {
        Self { name, document, is_of_key: false, key: None }
    }
}

impl Inventory {
    /// The account, where anything is known of it.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id).map(Arc::as_ref)
    }

    /// The key with this ARN.
    pub fn key(&self, arn: &KeyArn) -> Option<&Key> {
        self.keys.get(arn).map(Arc::as_ref)
    }

    /// The alias with this ARN.
    pub fn alias(&self, arn: &AliasArn) -> Option<&Alias> {
        self.aliases.get(arn)
    }

    /// The managed policy with this ARN as `account` sees it: its own, or one that AWS manages, which
    /// any account's export may carry.
    pub fn managed_policy(&self, account: AccountId, arn: &str) -> Option<&ManagedPolicy> {
        let own = self.account(account).and_then(|account| account.policies.get(arn));
        own.or_else(|| {
            let aws_managed = arn.contains(":iam::aws:policy/");
            let mut others = self.accounts.values().filter(|_| aws_managed);
            others.find_map(|account| account.policies.get(arn))
        })
    }

    /// The organization policies of a kind that code attaches to an account, and that may limit it; none
    /// where an organization was exported, which says what is attached.
    pub fn declared_limits(
        &self,
        account: AccountId,
        kind: OrgPolicyKind,
    ) -> impl Iterator<Item = &OrgPolicy> {
        let declared = self.declared.as_deref().filter(|_| self.organization.is_none());
        let limits = declared.and_then(|declared| declared.limits.get(&account));
        limits.into_iter().flatten().filter(move |policy| policy.kind == kind)
    }

    /// The user or role with this ARN.
    pub fn identity(&self, arn: &str) -> Option<&Identity> {
        let account = crate::aws::Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account))?;
        self.account(account)?.identities.get(arn)
    }

    /// The group with this ARN.
    pub fn group(&self, arn: &str) -> Option<&Group> {
        let Named::Group { account, name, .. } = identity(arn)? else {
            return None;
        };
        self.account(account)?.groups.get(name).filter(|group| *group.arn == *arn)
    }

    /// The role of `account` called `name`, compared without case (rule A42).
    pub fn role_by_name(&self, account: AccountId, name: &str) -> Option<&Identity> {
        let account = self.account(account)?;
        let arn = account.roles_by_name.get(name.to_ascii_lowercase().as_str())?;
        account.identities.get(arn)
    }

    /// The user of `account` called `name`.
    pub fn user_by_name(&self, account: AccountId, name: &str) -> Option<&Identity> {
        let mut identities = self.account(account)?.identities.values();
        identities.find(|it| it.kind == IdentityKind::User && *it.name == *name)
    }

    /// The customer and AWS aliases of a key, sorted by name.
    pub fn aliases_of<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Alias> {
        key.aliases.iter().filter_map(|arn| self.alias(arn))
    }

    /// The key's first alias, else its ARN.
    pub fn name_of<'a>(&'a self, key: &'a Key) -> &'a str {
        self.aliases_of(key).next().map_or_else(|| key.arn.as_str(), |alias| alias.arn.name())
    }

    /// The key as people name it: its alias with the id beside it, or the ARN.
    pub fn shown_key(&self, key: &Key) -> String {
        match self.aliases_of(key).next() {
            Some(alias) => format!("{} ({})", alias.arn.name(), key.arn.id()),
            None => key.arn.to_string(),
        }
    }

    /// The same of a key that may be none of the world: then its ARN.
    pub fn shown_arn(&self, key: &KeyArn) -> String {
        self.key(key).map_or_else(|| key.to_string(), |key| self.shown_key(key))
    }

    /// Whether `account` is exported whole: every user, role, group, membership and policy of it.
    pub fn is_complete(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|known| known.identities_listed)
            && !self.gaps.iter().any(|gap| gap.kind.of_account() == Some(account))
    }

    /// Whether infrastructure code declares what stands at `place`.
    pub fn is_declared(&self, place: Place) -> bool {
        self.declared.as_ref().is_some_and(|declared| declared.files.contains(&place.file))
    }

    /// How many principals (users and roles) are known.
    pub fn principal_count(&self) -> usize {
        self.accounts.values().map(|account| account.identities.len()).sum()
    }

    /// How many grants are known.
    pub fn grant_count(&self) -> usize {
        let grants = self.keys.values().flat_map(|key| &key.grants);
        grants.filter(|grant| !grant.is_reading()).count()
    }
}
