//! Keys by their sides, and whose callers each may open to: what is worth a look.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aws::AccountId;
use crate::policy::{Polarity, Principal, Quantifier};

use super::classes::{Group, KeyIx, account_of};
use super::formula::{Atom, Formula, Kinds};
use super::library::World;
use super::matrix::{Matrix, OwnerIx};
use super::question::Question;
use super::test::{Operand, Piece};

/// The keys of one side.
pub(super) struct KeyClass {
    /// The side.
    pub(super) owner: OwnerIx,
    /// The account; a side asks about its own account, so it is of one.
    pub(super) account: AccountId,
    /// Its keys in order.
    pub(super) keys: Vec<KeyIx>,
    /// Whose callers it may open to, beside its own account's.
    pub(super) opens: Opens,
    /// Whether the grants of some of its keys were not exported: they could name anyone.
    pub(super) unlisted: bool,
}

/// Whose callers a key may open to.
pub(super) enum Opens {
    /// Anyone's.
    ToAll,
    /// Those of these accounts, and services where it names some.
    To {
        /// The accounts, sorted.
        accounts: Vec<AccountId>,
        /// Whether it names a service.
        services: bool,
    },
}

impl KeyClass {
    /// Whether callers of a group are worth a look.
    fn concerns(&self, group: Group) -> bool {
        let account = match group {
            Group::Account(account) if account == self.account => return true,
            Group::Account(account) => Some(account),
            Group::Alone(_, account) => account,
            Group::Anyone => return self.unlisted || matches!(self.opens, Opens::ToAll),
        };
        match (&self.opens, account) {
            (Opens::ToAll, _) => true,
            (Opens::To { accounts, .. }, Some(account)) => accounts.binary_search(&account).is_ok(),
            // Grants can name services, too (rule G12).
            (Opens::To { services, .. }, None) => *services || self.unlisted,
        }
    }
}

/// All keys by their sides.
pub(super) struct KeyClasses {
    /// The classes, in order of their first keys.
    pub(super) all: Vec<KeyClass>,
    /// Those of each account, and those that open to it by name.
    by_account: FxHashMap<AccountId, Vec<usize>>,
    /// Those that open to anyone.
    to_all: Vec<usize>,
}

impl KeyClasses {
    /// Without keys.
    pub(super) fn none() -> Self {
        Self::new(Vec::new())
    }

    fn new(all: Vec<KeyClass>) -> Self {
        let mut by_account: FxHashMap<AccountId, Vec<usize>> = FxHashMap::default();
        let mut to_all = Vec::new();
        for (number, class) in all.iter().enumerate() {
            match &class.opens {
                Opens::ToAll => to_all.push(number),
                Opens::To { accounts, .. } => {
                    let others = accounts.iter().filter(|account| **account != class.account);
                    for account in others.chain([&class.account]) {
                        by_account.entry(*account).or_default().push(number);
                    }
                }
            }
        }
        Self { all, by_account, to_all }
    }

    /// The classes that callers of a group are worth a look for, in no order.
    pub(super) fn towards(&self, group: Group) -> impl Iterator<Item = &KeyClass> {
        let account = match group {
            Group::Account(account) => Some(account),
            Group::Alone(_, account) => account,
            Group::Anyone => None,
        };
        let own = account.and_then(|account| self.by_account.get(&account));
        let named = own.into_iter().flatten().chain(&self.to_all);
        let of_account = named.filter_map(|number| self.all.get(*number));
        // Whoever has no account is no member of the index.
        let others = if account.is_none() { self.all.as_slice() } else { &[] };
        let of_account = of_account.filter(move |_| account.is_some());
        of_account.chain(others).filter(move |class| class.concerns(group))
    }
}

impl Matrix<'_> {
    /// The keys by their sides.
    pub(super) fn made_key_classes(&self) -> KeyClasses {
        let world = self.world();
        let mut by_owner: FxHashMap<(OwnerIx, AccountId), Vec<KeyIx>> = FxHashMap::default();
        for (number, owner) in (0_u32..).zip(&self.owners) {
            let key = self.keys.keys.get(number as usize);
            let Some(account) = key.map(|key| key.arn.account()) else { continue };
            by_owner.entry((*owner, account)).or_default().push(number);
        }
        let mut classes: Vec<KeyClass> = by_owner
            .into_par_iter()
            .map(|((owner, account), keys)| {
                let opens = self.opens(&world, owner);
                let unlisted = keys.iter().any(|key| {
                    let key = self.keys.keys.get(*key as usize);
                    key.is_some_and(|key| world.gaps.key_part(&key.arn, "grants").is_some())
                });
                KeyClass { owner, account, keys, opens, unlisted }
            })
            .collect();
        classes.sort_by_key(|class| class.keys.first().copied());
        KeyClasses::new(classes)
    }

    pub(super) fn opens(&self, world: &World<'_>, owner: OwnerIx) -> Opens {
        let mut accounts = Vec::new();
        let mut services = false;
        let opening = self.owner_side(owner).opening().into_iter();
        for (_, formula) in opening.flat_map(|masked| masked.pieces()) {
            // Somebody whom nothing names, of an account that nothing names.
            let unnamed =
                world.formulas.replaced(*formula, Kinds::CALLER, &mut |_, atom, holds| {
                    let Atom::Caller(question) = atom else { return None };
                    let known = match question {
                        Question::Names(..) => true,
                        question => accounts_of(question, &mut accounts),
                    };
                    known.then(|| Formula::constant(!holds))
                });
            if unnamed != Formula::FALSE {
                return Opens::ToAll;
            }
            world.formulas.each_atom(*formula, &mut |atom| {
                let Atom::Caller(Question::Names(principal, _)) = atom else { return };
                match principal {
                    Principal::Account { account, .. } => accounts.push(*account),
                    Principal::Service(_) => services = true,
                    // Rules A37, A39: roles of any account may trust a provider, and an id tells no account.
                    Principal::UniqueId(_) | Principal::Federated(_) => {
                        accounts.extend(world.inventory.accounts.keys());
                    }
                    named => {
                        let arn = crate::aws::Arn::parse(named.text());
                        accounts.extend(arn.and_then(|arn| AccountId::parse(arn.account)));
                    }
                }
            });
        }
        accounts.sort_unstable();
        accounts.dedup();
        accounts.shrink_to_fit();
        Opens::To { accounts, services }
    }
}

/// The accounts that a test of the caller's account or ARN lets pass, where it lets no others.
fn accounts_of(question: &Question, accounts: &mut Vec<AccountId>) -> bool {
    let Question::Test { test, .. } = question else { return false };
    let operator = test.operator;
    let plain = operator.polarity == Polarity::Is
        && operator.quantifier != Some(Quantifier::ForAllValues)
        && !operator.if_exists
        && operator.comparison.is_of_texts()
        && test.is_fixed();
    let of = |operand: &Operand| match &*test.key {
        "aws:principalaccount" | "kms:calleraccount" => match operand {
            Operand::Text(pieces) => match &**pieces {
                [Piece::Text(text)] => AccountId::parse(text),
                _ => None,
            },
            _ => None,
        },
        "aws:principalarn" => account_of(operand),
        _ => None,
    };
    let found: Option<Vec<AccountId>> = test.values.iter().map(of).collect();
    match found.filter(|_| plain) {
        Some(found) => {
            accounts.extend(found);
            true
        }
        None => false,
    }
}
