//! Which keys somebody of an account might have to do with: its own, and those that others open.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;
use crate::inventory::{Grantee, Key};
use crate::policy::{Comparison, Condition, Polarity, Principal};

use super::cast::{Cast, KeyIx};

/// Keys that others than their own accounts might reach.
#[derive(Default)]
pub(super) struct Opened {
    by_account: BTreeMap<AccountId, Vec<KeyIx>>,
    /// Those of everyone.
    by_anyone: Vec<KeyIx>,
}

impl Opened {
    /// Whom these keys open to.
    pub(super) fn of(keys: &[&Key]) -> Self {
        let mut opened = Self::default();
        for (at, key) in (0..).zip(keys) {
            opened.hear(at, key);
        }
        opened
    }

    /// Whom a key opens to beside its own account.
    fn hear(&mut self, at: KeyIx, key: &Key) {
        let home = key.arn.account();
        let mut accounts = BTreeSet::new();
        let mut anyone = key.policy.is_none();
        let mut hear = |principal: &Principal, alone: Option<&[AccountId]>| {
            match (principal.at_most(), alone) {
                (Principal::Account { account, .. }, _) => drop(accounts.insert(*account)),
                // An unresolved one, or a unique id, may be of any account.
                (
                    Principal::Anyone
                    | Principal::Unresolved(_)
                    | Principal::Federated(_)
                    | Principal::UniqueId(_),
                    alone,
                ) => match alone {
                    Some(alone) => accounts.extend(alone),
                    None => anyone = true,
                },
                (principal, _) => {
                    let account = principal.text().split(':').nth(4).and_then(AccountId::parse);
                    accounts.extend(account);
                }
            }
        };
        for document in key.policy.iter().chain(&key.ram_policy) {
            document.peek(|policy| {
                for statement in policy.statements.iter().filter(|it| it.allows()) {
                    let Some(element) = &statement.principal else { continue };
                    let alone = statement.conditions.iter().find_map(accounts_alone);
                    if element.polarity == Polarity::IsNot {
                        hear(&Principal::Anyone, alone.as_deref());
                    }
                    element.entries.iter().for_each(|it| hear(&it.value, alone.as_deref()));
                }
                if !policy.readable {
                    hear(&Principal::Anyone, None);
                }
            });
        }
        for grant in &key.grants {
            if let Grantee::Principal(principal) = &grant.grantee {
                hear(principal, None);
            }
        }
        if anyone {
            self.by_anyone.push(at);
        }
        accounts.remove(&home);
        for account in accounts {
            self.by_account.entry(account).or_default().push(at);
        }
    }
}

impl Cast<'_> {
    /// The keys that somebody of an account might have to do with; sorted.
    pub(super) fn keys_concerning(&self, account: Option<AccountId>) -> BTreeSet<KeyIx> {
        let own = account.and_then(|account| self.accounts.get(&account));
        let own = own.into_iter().flat_map(|household| &household.keys);
        let foreign = account.and_then(|account| self.opened.by_account.get(&account));
        own.chain(foreign.into_iter().flatten()).chain(&self.opened.by_anyone).copied().collect()
    }
}

/// The accounts whose principals alone a condition lets pass (rules C1, C45), where it names them.
fn accounts_alone(condition: &Condition) -> Option<Vec<AccountId>> {
    let operator = condition.operator.value;
    let names = ["aws:PrincipalAccount", "kms:CallerAccount"];
    let is_it = names.iter().any(|name| condition.key.value.eq_ignore_ascii_case(name))
        && operator.comparison == Comparison::StringEquals
        && operator.polarity == Polarity::Is
        && operator.quantifier.is_none()
        && !operator.if_exists;
    let texts = condition.values.iter().filter(|_| is_it).map(|value| value.value.text());
    let accounts: Option<Vec<AccountId>> =
        texts.map(|text| text.and_then(AccountId::parse)).collect();
    accounts.filter(|_| is_it)
}
