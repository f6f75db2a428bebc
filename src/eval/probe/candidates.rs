//! Who might hold a permission on a key: found by names and by the actions that identity policies list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::Caller;
use crate::eval::reference::allowed_actions;
use crate::inventory::{Account, Grantee, Identity, Inventory, Key};
use crate::policy::{Polarity, PolicyDocument, Principal};

/// The actions that each user and role could hold by its identity policies, whatever their conditions
/// and resources. Found once an account, when first asked for, so that threads that look at different
/// accounts do not wait; an edit only takes from it, so it stays an upper bound.
pub(super) struct Holders {
    by_account: BTreeMap<AccountId, OnceLock<BTreeMap<Box<str>, ActionSet>>>,
}

impl Holders {
    /// The holders of the accounts of `world`.
    pub(super) fn new(world: &Inventory) -> Self {
        Self { by_account: world.accounts.keys().map(|id| (*id, OnceLock::new())).collect() }
    }

    /// Everyone who might hold `action` on the key; sorted.
    pub(super) fn of(&self, world: &Inventory, arn: &KeyArn, action: KmsAction) -> Vec<Caller> {
        let mut found = BTreeSet::new();
        let Some(key) = world.key(arn) else {
            return Vec::new();
        };
        let owner = arn.account();
        found.extend(Caller::parse(&format!("arn:{}:iam::{owner}:root", arn.partition())));
        for named in principals(key) {
            self.named(world, &named, owner, action, &mut found);
        }
        found.into_iter().collect()
    }

    fn named(
        &self,
        world: &Inventory,
        named: &Named<'_>,
        owner: AccountId,
        action: KmsAction,
        found: &mut BTreeSet<Caller>,
    ) {
        let cross_account = action.info().cross_account;
        match named {
            Named::Everyone => {
                found.extend(world.account(owner).into_iter().flat_map(everyone));
                let others = world.accounts.values().filter(|account| account.id != owner);
                for account in others.filter(|_| cross_account) {
                    found.extend(self.by_policy(world, account, action));
                }
            }
            Named::Principal(Principal::Account { account, .. }) => {
                let Some(account) = world.account(*account) else {
                    found.extend(Caller::parse(account.as_str()).filter(|_| cross_account));
                    return;
                };
                if account.id == owner || cross_account {
                    found.extend(self.by_policy(world, account, action));
                    found.extend(Caller::parse(account.id.as_str()));
                }
            }
            Named::Principal(Principal::UniqueId(id)) => {
                let identities =
                    world.accounts.values().flat_map(|account| account.identities.values());
                let mut same = identities.filter(|one| one.unique_id.as_deref() == Some(&**id));
                found.extend(same.next().and_then(|identity| Caller::parse(&identity.arn)));
            }
            Named::Principal(principal) => found.extend(Caller::parse(principal.text())),
            Named::Service(name) => found.extend(Caller::parse(name)),
        }
    }

    /// The identities of an account whose identity policies list the action.
    fn by_policy(&self, world: &Inventory, account: &Account, action: KmsAction) -> Vec<Caller> {
        let known = self.by_account.get(&account.id);
        let holders = known.map(|known| known.get_or_init(|| holders(world, account)));
        let lists = |identity: &&Identity| {
            holders
                .and_then(|holders| holders.get(&identity.arn))
                .is_some_and(|actions| actions.contains(action))
        };
        let identities = account.identities.values().filter(lists);
        identities.filter_map(|identity| Caller::parse(&identity.arn)).collect()
    }
}

fn everyone(account: &Account) -> impl Iterator<Item = Caller> {
    account.identities.values().filter_map(|identity| Caller::parse(&identity.arn))
}

/// Someone whom a key policy or a grant names.
enum Named<'a> {
    Everyone,
    Principal(&'a Principal),
    Service(&'a str),
}

fn principals(key: &Key) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    for document in key.policy.iter().chain(&key.ram_policy) {
        let statements = document.policy().statements.iter().filter(|statement| statement.allows());
        for element in statements.filter_map(|statement| statement.principal.as_ref()) {
            if element.polarity == Polarity::IsNot {
                named.push(Named::Everyone);
            }
            named.extend(element.entries.iter().map(|entry| match entry.value.at_most() {
                Principal::Anyone | Principal::Federated(_) | Principal::Unresolved(_) => {
                    Named::Everyone
                }
                Principal::Service(name) => Named::Service(name),
                principal => Named::Principal(principal),
            }));
        }
    }
    named.extend(key.grants.iter().map(|grant| match &grant.grantee {
        Grantee::Principal(principal) => Named::Principal(principal),
        Grantee::Service(name) => Named::Service(name),
    }));
    named
}

/// The actions of every user and role of an account.
fn holders(world: &Inventory, account: &Account) -> BTreeMap<Box<str>, ActionSet> {
    let mut known: BTreeMap<*const PolicyDocument, ActionSet> = BTreeMap::new();
    let mut actions_of = |document: &PolicyDocument| {
        *known.entry(std::ptr::from_ref(document)).or_insert_with(|| allowed_actions(document))
    };
    let mut holders = BTreeMap::new();
    for identity in account.identities.values() {
        let mut actions = ActionSet::EMPTY;
        for document in documents(world, account, identity) {
            actions = actions.union(actions_of(document));
        }
        holders.insert(identity.arn.clone(), actions);
    }
    holders
}

/// The identity policies of a user or role, its groups' included (rule E1).
fn documents<'w>(
    world: &'w Inventory,
    account: &'w Account,
    identity: &'w Identity,
) -> impl Iterator<Item = &'w PolicyDocument> {
    let groups = identity.groups.iter().filter_map(|name| account.groups.get(name));
    let inline = identity.inline.iter().chain(groups.clone().flat_map(|group| &group.inline));
    let attached = identity.attached.iter().chain(groups.flat_map(|group| &group.attached));
    let managed =
        attached.filter_map(|policy| world.managed_policy(account.id, &policy.arn)?.document());
    inline.map(|policy| &policy.document).chain(managed)
}
