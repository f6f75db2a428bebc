//! Edits of a world as values: API calls and what-ifs. The one place that changes an inventory.

use std::sync::Arc;

use crate::aws::{AccountId, Arn, KeyArn};
use crate::policy::PolicyDocument;
use crate::source::{Place, Span};

use super::{Account, Grant, Identity, Inventory, Key, NamedPolicy, OrgPolicy};

/// One change of a world.
#[derive(Clone, Debug)]
pub enum Edit {
    /// PutKeyPolicy: the key's policy becomes this one.
    PutKeyPolicy {
        /// The key.
        key: KeyArn,
        /// Its new policy.
        policy: PolicyDocument,
    },
    /// CreateGrant.
    CreateGrant {
        /// The key.
        key: KeyArn,
        /// The new grant.
        grant: Box<Grant>,
    },
    /// RevokeGrant.
    RevokeGrant {
        /// The key.
        key: KeyArn,
        /// The grant's id.
        grant: Box<str>,
    },
    /// PutUserPolicy or PutRolePolicy: a new inline policy, or another text for an old one.
    PutInlinePolicy {
        /// ARN of the user or role.
        identity: Box<str>,
        /// The policy with its name.
        policy: NamedPolicy,
    },
    /// DeleteUserPermissionsBoundary or DeleteRolePermissionsBoundary.
    DeleteBoundary {
        /// ARN of the user or role.
        identity: Box<str>,
    },
    /// What if one statement were not there.
    WithoutStatement {
        /// The policy that holds it, by where it stands.
        policy: Place,
        /// The statement, by its range in the policy.
        statement: Span,
    },
}

impl Inventory {
    /// This world after `edit`. Costs a copy of the key, account or organization it touches, no more.
    pub fn apply(&self, edit: &Edit) -> Self {
        let mut world = self.clone();
        match edit {
            Edit::PutKeyPolicy { key, policy } => {
                if let Some(key) = world.keys.get_mut(key) {
                    Arc::make_mut(key).policy = Some(policy.clone());
                }
            }
            Edit::CreateGrant { key, grant } => {
                if let Some(key) = world.keys.get_mut(key) {
                    Arc::make_mut(key).grants.push(Grant::clone(grant));
                }
            }
            Edit::RevokeGrant { key, grant } => {
                if let Some(key) = world.keys.get_mut(key) {
                    Arc::make_mut(key).grants.retain(|one| one.id != *grant);
                }
            }
            Edit::PutInlinePolicy { identity, policy } => {
                if let Some(identity) = world.identity_mut(identity) {
                    identity.inline.retain(|one| one.name != policy.name);
                    identity.inline.push(policy.clone());
                }
            }
            Edit::DeleteBoundary { identity } => {
                if let Some(identity) = world.identity_mut(identity) {
                    identity.boundary = None;
                }
            }
            Edit::WithoutStatement { policy, statement } => world.without(*policy, *statement),
        }
        world
    }

    fn without(&mut self, policy: Place, statement: Span) {
        let is_it = |document: &PolicyDocument| document.place == policy;
        let holds = |key: &Key| key.policy.as_ref().is_some_and(is_it);
        let holders = self.keys.values().filter(|key| holds(key)).map(|key| key.arn.clone());
        for arn in holders.collect::<Vec<KeyArn>>() {
            if let Some(key) = self.keys.get_mut(&arn) {
                let policy = key.policy.as_ref().map(|document| document.without(statement));
                Arc::make_mut(key).policy = policy;
            }
        }
        for account in self.accounts.values_mut() {
            if account_documents(account).any(is_it) {
                without_in_account(Arc::make_mut(account), policy, statement);
            }
        }
        let Some(organization) = &mut self.organization else {
            return;
        };
        let holds = |policy: &OrgPolicy| policy.document.as_ref().is_some_and(is_it);
        if organization.policies.values().any(holds) {
            let policies = Arc::make_mut(organization).policies.values_mut();
            for held in policies.filter(|policy| holds(policy)) {
                held.document = held.document.as_ref().map(|document| document.without(statement));
            }
        }
    }

    /// The user or role with this ARN, where it is known.
    fn identity_mut(&mut self, arn: &str) -> Option<&mut Identity> {
        let account = AccountId::parse(Arn::parse(arn)?.account)?;
        Arc::make_mut(self.accounts.get_mut(&account)?).identities.get_mut(arn)
    }

    /// The account, made where nothing is known of it yet.
    pub fn account_mut(&mut self, id: AccountId) -> &mut Account {
        let account = self.accounts.entry(id).or_insert_with(|| Arc::new(Account::new(id)));
        Arc::make_mut(account)
    }
}

fn account_documents(account: &Account) -> impl Iterator<Item = &PolicyDocument> {
    let of_identities = account.identities.values().flat_map(|identity| &identity.inline);
    let of_groups = account.groups.values().flat_map(|group| &group.inline);
    let inline = of_identities.chain(of_groups).map(|policy: &NamedPolicy| &policy.document);
    let managed = account.policies.values().flat_map(|policy| &policy.versions);
    inline.chain(managed.map(|version| &version.document))
}

fn without_in_account(account: &mut Account, policy: Place, statement: Span) {
    let edit = |document: &mut PolicyDocument| {
        if document.place == policy {
            *document = document.without(statement);
        }
    };
    let of_identities = account.identities.values_mut().flat_map(|identity| &mut identity.inline);
    let of_groups = account.groups.values_mut().flat_map(|group| &mut group.inline);
    of_identities.chain(of_groups).for_each(|policy| edit(&mut policy.document));
    let versions = account.policies.values_mut().flat_map(|policy| &mut policy.versions);
    versions.for_each(|version| edit(&mut version.document));
}
