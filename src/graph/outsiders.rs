//! Whom policies let in without naming anybody: principals of accounts outside the export, and strangers.
//! One role stands for all of such an account, which is taken to let it do everything (rules T4, T8); where
//! conditions ask what kind of principal it is, a user stands beside it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, Identity as Named, identity};
use crate::decision::Caller;
use crate::inventory::{Edit, Grantee, Identity, IdentityKind, Inventory, NamedPolicy};
use crate::policy::{Condition, Polarity, Policy, Principal};

use super::Quest;
use super::cast::{Cast, Ix, KeyIx};
use super::change::{everything, nowhere};
use super::execute::outsider;
use super::likeness::sample;
use super::organize::AllWays;
use super::search::Way;

/// Whom the policies of roles and keys let in.
#[derive(Default)]
struct LetIn {
    accounts: BTreeSet<AccountId>,
    anyone: bool,
    /// Whether conditions tell users from roles.
    users: bool,
    /// The users, as `user/NAME`, whose names they ask for.
    named: BTreeSet<Box<str>>,
}

impl LetIn {
    fn hear(&mut self, policy: &Policy) {
        let conditions = policy.statements.iter().flat_map(|statement| &statement.conditions);
        conditions.for_each(|condition| self.hear_kind(condition));
        let allowing = policy.statements.iter().filter(|statement| statement.allows());
        for statement in allowing {
            let Some(element) = &statement.principal else { continue };
            statement.conditions.iter().for_each(|condition| self.hear_condition(condition));
            self.anyone |= element.polarity == Polarity::IsNot;
            for entry in &element.entries {
                match &entry.value {
                    Principal::Account { account, .. } => drop(self.accounts.insert(*account)),
                    Principal::Anyone => self.anyone = true,
                    _ => {}
                }
            }
        }
    }
}

impl LetIn {
    /// What kind of principal a condition asks for.
    fn hear_kind(&mut self, condition: &Condition) {
        let key = condition.key.value.to_ascii_lowercase();
        let texts = condition.values.iter().filter_map(|value| value.value.text());
        match &*key {
            "aws:username" => {
                self.users = true;
                let plain = texts.filter(|text| !text.contains("${"));
                self.named.extend(plain.map(|text| format!("user/{}", sample(text)).into()));
            }
            "aws:principaltype" | "aws:userid" | "aws:tokenissuetime" => self.users = true,
            _ => {}
        }
    }

    /// Whose account a condition asks for.
    fn hear_condition(&mut self, condition: &Condition) {
        let key = condition.key.value.to_ascii_lowercase();
        let texts = condition.values.iter().filter_map(|value| value.value.text());
        match &*key {
            "aws:principalaccount" | "kms:calleraccount" => {
                self.accounts.extend(texts.filter_map(AccountId::parse));
            }
            "aws:principalarn" => {
                let account = |text: &str| text.split(':').nth(4).and_then(AccountId::parse);
                self.accounts.extend(texts.filter_map(account));
            }
            _ => {}
        }
    }
}

impl Cast<'_> {
    /// Those outside the export whom key policies and grants name.
    pub(super) fn hear_names(&mut self) {
        let mut named = BTreeSet::new();
        for key in &self.keys {
            for document in key.policy.iter().chain(&key.ram_policy) {
                let statements = document.policy().statements.iter().filter(|it| it.allows());
                for element in statements.filter_map(|statement| statement.principal.as_ref()) {
                    let entries = element.entries.iter();
                    named.extend(entries.filter_map(|entry| named_alone(&entry.value)));
                }
            }
            named.extend(key.grants.iter().filter_map(|grant| match &grant.grantee {
                Grantee::Principal(principal) => named_alone(principal),
                Grantee::Service(_) => None,
            }));
        }
        for name in named {
            if let Some(caller) = Caller::parse(&name) {
                self.enter_named(caller);
            }
        }
    }

    /// Takes in one of each account outside the export that policies let in as a whole or by a name that
    /// conditions ask for, of the organization outside the export, and of an account that nothing names.
    pub(super) fn enter_outsiders(&mut self) {
        let mut let_in = LetIn::default();
        for key in &self.keys {
            let documents = key.policy.iter().chain(&key.ram_policy);
            documents.for_each(|document| document.peek(|policy| let_in.hear(policy)));
        }
        let identities = self.world.accounts.values().flat_map(|it| it.identities.values());
        for role in identities.filter(|identity| !identity.is_service_linked()) {
            role.trust.iter().for_each(|trust| trust.peek(|policy| let_in.hear(policy)));
        }
        // Where code makes keys their own account is told of by them alone, and is no other one.
        let homes: BTreeSet<AccountId> = self.keys.iter().map(|key| key.arn.account()).collect();
        let world = self.world;
        let is_outside =
            |account: &AccountId| !is_listed(world, *account) && !homes.contains(account);
        let mut accounts: BTreeSet<AccountId> =
            let_in.accounts.into_iter().filter(is_outside).collect();
        let unnamed = self.unnamed(&accounts).filter(|_| let_in.anyone);
        if let_in.anyone {
            let members = world.organization.iter().flat_map(|it| &it.accounts);
            accounts.extend(members.copied().find(is_outside));
            accounts.extend(unnamed);
        }
        let partition = self.keys.first().map_or("aws", |key| key.arn.partition()).to_owned();
        for account in &accounts {
            let role = self.enter_outsider(&stand_in(&partition, *account, ROLE));
            let users = let_in.users.then_some(USER).into_iter();
            let others = users.chain(let_in.named.iter().map(AsRef::as_ref));
            for tail in others {
                let other = self.enter_outsider(&stand_in(&partition, *account, tail));
                self.spare.extend(other.zip(role));
            }
        }
        let named = self.names_asked_for(&accounts, unnamed);
        for name in &named {
            self.enter_outsider(name);
        }
    }

    fn enter_outsider(&mut self, name: &str) -> Option<Ix> {
        Caller::parse(name).map(|caller| self.add(caller, None, true))
    }

    /// An account that is none of the world's.
    fn unnamed(&self, named: &BTreeSet<AccountId>) -> Option<AccountId> {
        let organization = self.world.organization.as_deref();
        let is_free = |account: &AccountId| {
            let is_member = organization.is_some_and(|it| it.accounts.contains(account));
            !is_member && !named.contains(account) && !self.accounts.contains_key(account)
        };
        let all = (0..=named.len() + self.accounts.len()).rev();
        let each = all.filter_map(|number| AccountId::parse(&format!("9876543{number:05}")));
        each.into_iter().find(is_free)
    }

    /// Users and roles of these accounts that conditions on aws:PrincipalArn ask for; those of any account are
    /// of the one that nothing names.
    fn names_asked_for(
        &self,
        accounts: &BTreeSet<AccountId>,
        unnamed: Option<AccountId>,
    ) -> Vec<String> {
        let asked = self.accounts.values().map(|household| &household.asked);
        let asked = asked.chain([&self.of_keys, &self.of_organization]);
        let texts: BTreeSet<&str> = asked.flat_map(|it| it.names.principals()).collect();
        let names = texts.into_iter().filter(|text| !text.contains("${"));
        let names = names.map(|text| sample(&in_account(text, unnamed)));
        let is_theirs = |name: &str| match identity(name) {
            Some(Named::User { account, .. } | Named::Role { account, .. }) => {
                accounts.contains(&account)
            }
            _ => false,
        };
        names.filter(|name| is_theirs(name)).map(Into::into).collect()
    }
}

/// A pattern of ARNs, with an account in the place of `*`.
fn in_account(pattern: &str, account: Option<AccountId>) -> Cow<'_, str> {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let (Some(account), [arn, partition, service, region, "*", name]) = (account, &*parts) else {
        return pattern.into();
    };
    [arn, partition, service, region, account.as_str(), name].join(":").into()
}

/// The user, role or session that an entry of a policy names.
fn named_alone(principal: &Principal) -> Option<Box<str>> {
    match principal {
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => Some(arn.clone()),
        _ => None,
    }
}

fn is_listed(world: &Inventory, account: AccountId) -> bool {
    world.account(account).is_some_and(|known| known.identities_listed)
}

/// What stands for all principals of an account, and what for its users.
const ROLE: &str = "role/any";
const USER: &str = "user/any";

fn stand_in(partition: &str, account: AccountId, tail: &str) -> String {
    format!("arn:{partition}:iam::{account}:{tail}")
}

/// Whether a caller stands for every principal, or user, of an account outside the export.
pub fn is_stand_in(world: &Inventory, caller: &Caller) -> bool {
    caller.account.is_some_and(|account| {
        let is_it = |tail| *caller.text == *stand_in(caller.partition(), account, tail);
        (is_it(ROLE) || is_it(USER)) && outsider(world, caller).is_some()
    })
}

impl Quest<'_, '_> {
    /// Leaves those out who stand beside an account's role to keys that it gets to as soon.
    pub(super) fn spare(&self, all: &mut AllWays) {
        let calls = |ways: &[Way]| ways.first().map_or(u32::MAX, Way::calls);
        for (other, role) in &self.cast.spare {
            let near = all.get(role).into_iter().flatten();
            let near: BTreeMap<KeyIx, u32> = near.map(|(key, ways)| (*key, calls(ways))).collect();
            if let Some(ways) = all.get_mut(other) {
                ways.retain(|key, ways| near.get(key).is_none_or(|near| *near > calls(ways)));
            }
        }
    }
}

/// Somebody outside the export as its account is taken to let it be; nothing of those who are known.
pub(super) fn free(world: &Inventory, caller: &Caller) -> Option<Identity> {
    let Edit::AddOutsider { identity: arn } = outsider(world, caller)? else { return None };
    let kind = match identity(&arn)? {
        Named::Role { .. } => IdentityKind::Role,
        _ => IdentityKind::User,
    };
    let mut free = Identity::named(kind, &arn, caller.account?, nowhere());
    free.inline.push(NamedPolicy { name: "Everything".into(), document: everything() });
    Some(free)
}
