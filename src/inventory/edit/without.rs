//! What if one statement were not there.

use std::sync::Arc;

use crate::aws::KeyArn;
use crate::inventory::{Account, Inventory, Key, NamedPolicy, OrgPolicy};
use crate::policy::PolicyDocument;
use crate::source::{Place, Span};

impl Inventory {
    pub(super) fn without(&mut self, policy: Place, statement: Span) {
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
        let holds = |policy: &OrgPolicy| policy.document.as_ref().is_some_and(is_it);
        let edit = |held: &mut OrgPolicy| {
            held.document = held.document.as_ref().map(|document| document.without(statement));
        };
        if let Some(organization) = &mut self.organization
            && organization.policies.values().any(holds)
        {
            let policies = Arc::make_mut(organization).policies.values_mut();
            policies.filter(|policy| holds(policy)).for_each(edit);
        }
        // What code attaches to accounts, where no organization was exported.
        if let Some(declared) = &mut self.declared
            && declared.limits.values().flatten().any(holds)
        {
            let policies = Arc::make_mut(declared).limits.values_mut().flatten();
            policies.filter(|policy| holds(policy)).for_each(edit);
        }
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
