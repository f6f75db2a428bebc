//! Who might hold a permission on a key: by names, and by the actions that identity policies list.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::Caller;
use crate::inventory::{Account, Grantee, Identity, Inventory, Key, ManagedPolicy};
use crate::policy::{Polarity, PolicyDocument, Principal};

use super::Access;

/// The actions that the identity policies of each user and role of an account could allow.
pub(super) type Lists = Vec<(Caller, ActionSet)>;

/// Everyone who might hold `action` on the key; sorted.
pub(super) fn of(access: &Access<'_>, arn: &KeyArn, action: KmsAction) -> Vec<Caller> {
    let world = access.inventory();
    let Some(key) = world.key(arn) else {
        return Vec::new();
    };
    let mut found = BTreeSet::new();
    let owner = arn.account();
    let partition = arn.partition();
    found.extend(Caller::parse(&format!("arn:{partition}:iam::{owner}:root")));
    let cross = action.info().cross_account;
    for named in named(key) {
        match named {
            Named::Everyone => {
                for account in world.accounts.values().filter(|it| it.id == owner || cross) {
                    let lists = lists(access, account);
                    let may = |(_, of): &&(Caller, ActionSet)| {
                        account.id == owner || of.contains(action)
                    };
                    found.extend(lists.iter().filter(may).map(|(caller, _)| caller.clone()));
                }
            }
            Named::Principal(Principal::Account { account, .. }) if *account == owner || cross => {
                found.extend(Caller::parse(account.as_str()));
                let Some(account) = world.account(*account) else { continue };
                let lists = lists(access, account);
                let listed = lists.iter().filter(|(_, of)| of.contains(action));
                found.extend(listed.map(|(caller, _)| caller.clone()));
            }
            Named::Principal(Principal::Account { .. }) => {}
            Named::Principal(Principal::UniqueId(id)) => {
                let identities = world.accounts.values().flat_map(|it| it.identities.values());
                let mut same = identities.filter(|it| it.unique_id.as_deref() == Some(&**id));
                found.extend(same.next().and_then(|identity| Caller::parse(&identity.arn)));
            }
            Named::Principal(principal) => found.extend(Caller::parse(principal.text())),
            Named::Service(name) => found.extend(Caller::parse(name)),
        }
    }
    found.into_iter().collect()
}

/// Someone whom a key policy or a grant names.
pub(super) enum Named<'a> {
    Everyone,
    Principal(&'a Principal),
    Service(&'a str),
}

/// Whom the policies and grants of a key name.
pub(super) fn named(key: &Key) -> Vec<Named<'_>> {
    let mut all = Vec::new();
    for document in key.policy.iter().chain(&key.ram_policy) {
        let statements = document.policy().statements.iter().filter(|it| it.allows());
        for element in statements.filter_map(|statement| statement.principal.as_ref()) {
            if element.polarity == Polarity::IsNot {
                all.push(Named::Everyone);
            }
            all.extend(element.entries.iter().map(|entry| match &entry.value {
                Principal::Anyone | Principal::Federated(_) | Principal::Unresolved(_) => {
                    Named::Everyone
                }
                Principal::Service(name) => Named::Service(name),
                principal => Named::Principal(principal),
            }));
        }
    }
    let grantees = key.grants.iter().flat_map(|it| std::iter::once(&it.grantee).chain(&it.retiring));
    all.extend(grantees.map(|grantee| match grantee {
        Grantee::Principal(principal) => Named::Principal(principal),
        Grantee::Service(name) => Named::Service(name),
    }));
    all
}

fn lists(access: &Access<'_>, account: &Account) -> Arc<Lists> {
    access.lists.get(account.id, |_: &AccountId| {
        let of = |identity: &Identity| Some((Caller::parse(&identity.arn)?, listed(access, identity)));
        Arc::new(account.identities.values().filter_map(of).collect())
    })
}

/// The actions that the identity policies of a user or role could allow.
fn listed(access: &Access<'_>, identity: &Identity) -> ActionSet {
    let world = access.world(&access.given);
    let of = |all: ActionSet, document: &PolicyDocument| {
        all.union(world.compiled(document).allow.possible())
    };
    documents(access.inventory(), identity).fold(ActionSet::EMPTY, of)
}

/// The identity policies of a user or role, its groups' included (rule E1).
fn documents<'w>(
    world: &'w Inventory,
    identity: &'w Identity,
) -> impl Iterator<Item = &'w PolicyDocument> {
    let account = world.account(identity.account);
    let groups = identity.groups.iter().filter_map(move |name| account?.groups.get(name));
    let inline = identity.inline.iter().chain(groups.clone().flat_map(|group| &group.inline));
    let attached = identity.attached.iter().chain(groups.flat_map(|group| &group.attached));
    let managed = attached.filter_map(|policy| {
        let found = world.managed_policy(identity.account, &policy.arn)?;
        ManagedPolicy::document(found)
    });
    inline.map(|policy| &policy.document).chain(managed)
}
