//! The organization: its tree, and the policies attached to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;
use crate::policy::PolicyDocument;
use crate::source::Place;

/// One organization.
#[derive(Clone, Debug)]
pub struct Organization {
    /// `o-...`; absent where describe-organization was not exported.
    pub id: Option<Box<str>>,
    /// The management account, whose principals and keys no SCP and no RCP binds (section 3.1).
    pub management_account: Option<AccountId>,
    /// Roots and organizational units by id.
    pub units: BTreeMap<Box<str>, OrgUnit>,
    /// The parent of each unit and account, by id.
    pub parents: BTreeMap<Box<str>, Box<str>>,
    /// The member accounts, the management account included.
    pub accounts: BTreeSet<AccountId>,
    /// SCPs and RCPs by policy id.
    pub policies: BTreeMap<Box<str>, OrgPolicy>,
    /// Policy ids by the id of the root, unit or account that they are attached to.
    pub attachments: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
    /// The kinds of policies that the root has enabled; absent where list-roots was not exported.
    pub enabled: Option<BTreeSet<OrgPolicyKind>>,
    /// Where it is described.
    pub place: Place,
}

/// A root or an organizational unit.
#[derive(Clone, Debug)]
pub struct OrgUnit {
    /// `r-...` or `ou-...`.
    pub id: Box<str>,
    /// Its name.
    pub name: Option<Box<str>>,
}

/// What an [`OrgPolicy`] limits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OrgPolicyKind {
    /// A service control policy: the principals of accounts.
    Scp,
    /// A resource control policy: the resources of accounts.
    Rcp,
}

impl OrgPolicyKind {
    /// `SCP` or `RCP`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scp => "SCP",
            Self::Rcp => "RCP",
        }
    }
}

/// An SCP or RCP.
#[derive(Clone, Debug)]
pub struct OrgPolicy {
    /// `p-...`.
    pub id: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// SCP or RCP.
    pub kind: OrgPolicyKind,
    /// Its document; absent where describe-policy was not exported.
    pub document: Option<PolicyDocument>,
    /// Where it is described.
    pub place: Place,
}

impl Organization {
    /// An organization nothing is known of yet.
    pub fn new(place: Place) -> Self {
        Self {
            id: None,
            management_account: None,
            units: BTreeMap::new(),
            parents: BTreeMap::new(),
            accounts: BTreeSet::new(),
            policies: BTreeMap::new(),
            attachments: BTreeMap::new(),
            enabled: None,
            place,
        }
    }

    /// Whether policies of `kind` bind anybody: as the root says, else where one is attached anywhere.
    pub fn is_enabled(&self, kind: OrgPolicyKind) -> bool {
        match &self.enabled {
            Some(kinds) => kinds.contains(&kind),
            None => self.attachments.keys().any(|id| self.attached(id, kind).next().is_some()),
        }
    }

    /// Ids from the root down to the account itself; nothing where the way up is not exported, or runs
    /// in a circle.
    pub fn levels(&self, account: AccountId) -> Option<Vec<&str>> {
        let (mut levels, mut at): (Vec<&str>, _) = (Vec::new(), account.as_str());
        if !self.accounts.contains(&account) {
            return None;
        }
        while let Some(parent) = self.parents.get(at) {
            levels.push(parent);
            if levels.len() > self.parents.len() {
                return None;
            }
            at = parent;
        }
        levels.reverse();
        let root = levels.first()?;
        if !root.starts_with("r-") {
            return None;
        }
        let own = self.accounts.get(&account)?;
        levels.push(own.as_str());
        Some(levels)
    }

    /// The account's place as `aws:PrincipalOrgPaths` writes it: `o-1/r-2/ou-3/`.
    pub fn path(&self, account: AccountId) -> Option<String> {
        let levels = self.levels(account)?;
        let (_, above) = levels.split_last()?;
        Some(format!("{}/{}/", self.id.as_deref()?, above.join("/")))
    }

    /// The policies of `kind` attached to one level, by its id.
    pub fn attached(&self, target: &str, kind: OrgPolicyKind) -> impl Iterator<Item = &OrgPolicy> {
        let ids = self.attachments.get(target).into_iter().flatten();
        ids.filter_map(|id| self.policies.get(id)).filter(move |policy| policy.kind == kind)
    }

    /// The ids of the policies attached to one level that nothing describes.
    pub fn undescribed(&self, target: &str) -> impl Iterator<Item = &str> {
        let ids = self.attachments.get(target).into_iter().flatten();
        ids.filter(|id| !self.policies.contains_key(*id)).map(|id| &**id)
    }
}
