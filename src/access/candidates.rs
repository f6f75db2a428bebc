//! Who might hold a permission on a key: by names, and by the actions that identity policies list.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::Caller;
use crate::inventory::{Account, Grant, Grantee, Key};
use crate::policy::{Polarity, Principal};

use super::Access;
use super::home::identity;
use super::subject::Subject;

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
    for named in named(key, action) {
        match named {
            Named::Everyone => {
                for account in world.accounts.values().filter(|it| it.id == owner || cross) {
                    let lists = lists(access, account);
                    let may =
                        |(_, of): &&(Caller, ActionSet)| account.id == owner || of.contains(action);
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
            // O2: some read it as every identity of the account.
            Named::Whole(account) => {
                found.extend(Caller::parse(account.as_str()));
                let account = world.account(account);
                let lists = account.map(|account| lists(access, account));
                let everyone = lists.iter().flat_map(|lists| lists.iter());
                found.extend(everyone.map(|(caller, _)| caller.clone()));
            }
            Named::Service(name) => found.extend(Caller::parse(name)),
        }
    }
    found.into_iter().collect()
}

/// Someone whom a key policy or a grant names.
enum Named<'a> {
    Everyone,
    /// An account as the grantee of the action.
    Whole(AccountId),
    Principal(&'a Principal),
    Service(&'a str),
}

/// Whom the policies and grants of a key name, as far as `action` is asked for; a key policy that was
/// not exported could name anyone.
fn named(key: &Key, action: KmsAction) -> Vec<Named<'_>> {
    let mut all = Vec::new();
    all.extend(key.policy.is_none().then_some(Named::Everyone));
    for document in key.policy.iter().chain(&key.ram_policy) {
        let statements = document.policy().statements.iter().filter(|it| it.allows());
        for element in statements.filter_map(|statement| statement.principal.as_ref()) {
            if element.polarity == Polarity::IsNot {
                all.push(Named::Everyone);
            }
            all.extend(element.entries.iter().map(|entry| match entry.value.at_most() {
                Principal::Anyone | Principal::Federated(_) | Principal::Unresolved(_) => {
                    Named::Everyone
                }
                Principal::Service(name) => Named::Service(name),
                principal => Named::Principal(principal),
            }));
        }
    }
    let gives = |grant: &&Grant| grant.operations.contains(action);
    all.extend(key.grants.iter().filter(gives).filter_map(|grant| match &grant.grantee {
        Grantee::Principal(Principal::Account { account, .. }) => Some(Named::Whole(*account)),
        _ => None,
    }));
    let grantees =
        key.grants.iter().flat_map(|it| std::iter::once(&it.grantee).chain(&it.retiring));
    all.extend(grantees.map(|grantee| match grantee {
        Grantee::Principal(principal) => Named::Principal(principal),
        Grantee::Service(name) => Named::Service(name),
    }));
    all
}

fn lists(access: &Access<'_>, account: &Account) -> Arc<Lists> {
    access.lists.get(account.id, |_: &AccountId| {
        let callers = account.identities.keys().filter_map(Caller::parse);
        Arc::new(callers.map(|caller| (caller.clone(), listed(access, caller))).collect())
    })
}

/// The actions that the identity policies of a user or role could allow, those that were not exported
/// included.
fn listed(access: &Access<'_>, caller: Caller) -> ActionSet {
    let world = access.world(&access.given);
    identity(&world, &Subject::of(access.inventory(), caller)).allow.possible()
}
