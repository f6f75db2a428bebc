//! Who has a row in the matrix: everyone in the export, and whoever its keys open to outside.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::aws::{AccountId, Arn};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Inventory;
use crate::policy::Principal;

use super::formula::{Atom, Formula, Kinds};
use super::library::World;
use super::masked::Masked;
use super::owner::Owner;
use super::question::Question;
use super::subject::{Stranger, Subject};
use super::test::{Operand, Piece, Test};

/// A principal of the matrix.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who asks. For a row that stands for many, one of them.
    pub caller: Caller,
    /// What is printed: an ARN, a service principal, an organization's id, `*`.
    pub name: Box<str>,
    /// Whom it stands for, where that is more than one principal of the export.
    pub stands_for: Option<Box<str>>,
}

impl Row {
    /// Whether it stands for whomever nothing names.
    pub fn is_anyone(&self) -> bool {
        self.stands_for.is_some() && (*self.name == *ANYONE || self.name.starts_with("* in "))
    }

    /// Whether it is a user, role or root of the export.
    pub fn is_listed(&self) -> bool {
        let kind = &self.caller.kind;
        self.stands_for.is_none()
            && matches!(kind, CallerKind::User | CallerKind::Role | CallerKind::Root)
    }
}

/// The name of the row of whomever nothing names.
const ANYONE: &str = "*";

/// Whom the keys of a world speak of beside the principals of the export.
#[derive(Default)]
pub(super) struct Spoken<'f> {
    principals: BTreeSet<&'f Principal>,
    accounts: BTreeSet<AccountId>,
    organizations: BTreeSet<Box<str>>,
    anyone: bool,
}

impl<'f> Spoken<'f> {
    /// Whom some keys speak of.
    pub(super) fn by<'o>(world: &World<'f>, owners: impl Iterator<Item = &'o Owner>) -> Self {
        let mut all: FxHashSet<Formula> = FxHashSet::default();
        let mut opening: FxHashSet<Formula> = FxHashSet::default();
        for owner in owners {
            let formulas = |masked: &'o Masked| masked.pieces().iter().map(|(_, formula)| *formula);
            all.extend(owner.masked().flat_map(formulas));
            let allows = [&owner.direct, &owner.limited, &owner.by_account];
            opening.extend(allows.into_iter().flat_map(formulas));
        }
        let all: Vec<Formula> = all.into_iter().collect();
        let of_some = |formulas: &[Formula]| {
            let mut spoken = Self::default();
            let formulas = formulas.iter().copied();
            world.formulas.each_atom_of(formulas, &mut |_, atom| spoken.hear_atom(atom));
            spoken
        };
        let mut spoken = all.par_chunks(1024).map(of_some).reduce(Self::default, Self::plus);
        // What allows somebody whom nothing names is open to everyone, as far as conditions go.
        spoken.anyone = opening.into_par_iter().any(|formula| {
            let left =
                world.formulas.replaced(formula, Kinds::CALLER, &mut |_, atom, holds| match atom {
                    Atom::Caller(Question::Names(..)) => Some(Formula::constant(!holds)),
                    _ => None,
                });
            left != Formula::FALSE
        });
        spoken
    }

    fn plus(mut self, mut other: Self) -> Self {
        self.principals.append(&mut other.principals);
        self.accounts.append(&mut other.accounts);
        self.organizations.append(&mut other.organizations);
        self
    }

    /// Some key's grants were not listed: they can name anyone.
    pub(super) fn hear_of_unlisted_grants(&mut self) {
        self.anyone = true;
    }

    fn hear_atom(&mut self, atom: &'f Atom) {
        match atom {
            Atom::Caller(Question::Names(principal, _)) => {
                self.principals.insert(principal);
            }
            Atom::Caller(Question::Spares(list)) => self.principals.extend(list.iter()),
            Atom::Caller(Question::Test { test, .. }) => self.hear_test(test),
            _ => {}
        }
    }

    fn hear_test(&mut self, test: &Test) {
        for text in test.values.iter().filter_map(beginning) {
            match &*test.key {
                "aws:principalaccount" | "kms:calleraccount" => {
                    self.accounts.extend(AccountId::parse(&text));
                }
                "aws:principalorgid" => {
                    self.organizations.insert(text.into());
                }
                "aws:principalorgpaths" => {
                    let id = text.split('/').next().unwrap_or_default();
                    self.organizations.insert(id.into());
                }
                "aws:principalarn" => {
                    let account = text.split(':').nth(4).unwrap_or_default();
                    self.accounts.extend(AccountId::parse(account));
                }
                _ => {}
            }
        }
    }

    /// All rows with what is known of them, sorted by name.
    pub(super) fn rows<'w>(self, world: &'w Inventory) -> Vec<(Row, Subject<'w>)> {
        let mut rows: Vec<(Row, Option<Stranger>)> = Vec::new();
        let mut add = |row: Row, stranger: Option<Stranger>| rows.push((row, stranger));
        for caller in of_export(world) {
            let name = caller.text.clone();
            add(Row { caller, name, stands_for: None }, None);
        }
        let listed = |account: AccountId| {
            world.account(account).is_some_and(|known| known.identities_listed)
        };
        let partitions = partitions(world);
        let each = |account: AccountId| partitions.iter().map(move |it| (account, (*it).into()));
        let mut accounts: BTreeSet<(AccountId, Box<str>)> =
            self.accounts.into_iter().flat_map(each).collect();
        for principal in self.principals {
            if let Principal::Account { account, partition } = principal {
                match partition {
                    Some(partition) => {
                        accounts.insert((*account, partition.clone()));
                    }
                    None => accounts.extend(each(*account)),
                }
                continue;
            }
            let Some(caller) = caller_of(principal) else { continue };
            let account = caller.account;
            let known = account.is_none_or(listed);
            let stands_for = (!known).then(|| of_unlisted(&caller.text, account));
            let name = caller.text.clone();
            let stranger =
                (!known).then_some(Stranger { organization: None, named: true, known: true });
            add(Row { caller, name, stands_for }, stranger);
        }
        for (account, partition) in accounts.into_iter().filter(|(account, _)| !listed(*account)) {
            let stands_for =
                format!("any principal of {account} that its own account allows").into();
            let Some(caller) = stand_in(&partition, account) else { continue };
            let name = format!("arn:{partition}:iam::{account}:root").into();
            let stranger = Stranger { organization: None, named: false, known: true };
            add(Row { caller, name, stands_for: Some(stands_for) }, Some(stranger));
        }
        let fresh = fresh_account(world);
        for (nth, partition) in partitions.iter().enumerate() {
            // What has no partition in its name is of the first.
            let here = if nth == 0 { String::new() } else { format!(" in {partition}") };
            for id in &self.organizations {
                let words = format!(
                    "any principal of organization {id}{here} outside the export that its own \
                     account allows"
                );
                let Some(caller) = stand_in(partition, fresh) else { continue };
                let name = format!("{id}{here}").into();
                let row = Row { caller, name, stands_for: Some(words.into()) };
                let organization = Some(id.clone());
                add(row, Some(Stranger { organization, named: false, known: false }));
            }
            if self.anyone
                && let Some(caller) = stand_in(partition, fresh)
            {
                let words = format!("any other principal of AWS{here} that its own account allows");
                let name = format!("{ANYONE}{here}").into();
                let row = Row { caller, name, stands_for: Some(words.into()) };
                add(row, Some(Stranger { organization: None, named: false, known: false }));
            }
        }
        // Of two with one name the first counts.
        rows.par_sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        rows.dedup_by(|(one, _), (first, _)| one.name == first.name);
        let known = rows.into_par_iter().map(|(row, stranger)| {
            let mut subject = Subject::of(world, row.caller.clone());
            subject.stranger = stranger;
            (row, subject)
        });
        known.collect()
    }
}

/// The text that an operand begins with, up to its first wildcard or variable.
fn beginning(operand: &Operand) -> Option<String> {
    let first = |pieces: &[Piece]| match pieces.first() {
        Some(Piece::Text(text)) => text.to_string(),
        _ => String::new(),
    };
    match operand {
        Operand::Text(pieces) => Some(first(pieces)),
        Operand::Arn(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| first(part)).collect();
            Some(parts.join(":"))
        }
        Operand::AnyArn => None,
    }
}

/// The partitions of the keys, which none of another reaches (rule X11).
fn partitions(world: &Inventory) -> BTreeSet<&str> {
    let of_keys: BTreeSet<&str> = world.keys.values().map(|key| key.arn.partition()).collect();
    if of_keys.is_empty() { BTreeSet::from(["aws"]) } else { of_keys }
}

/// Users, roles and roots of the export.
fn of_export(world: &Inventory) -> impl Iterator<Item = Caller> {
    let of_keys = world.keys.values().map(|key| (key.arn.account(), key.arn.partition()));
    let of_keys: BTreeMap<AccountId, &str> = of_keys.collect();
    let first = partitions(world).into_iter().next();
    world.accounts.values().flat_map(move |account| {
        let identities = account.identities.values();
        let partition = identities.clone().next().and_then(|it| Arn::parse(&it.arn));
        let partition = partition.map(|arn| arn.partition);
        let partition = partition.or(of_keys.get(&account.id).copied()).or(first);
        let root = format!("arn:{}:iam::{}:root", partition.unwrap_or("aws"), account.id);
        let root = Caller::parse(&root).filter(|_| account.identities_listed);
        identities.filter_map(|identity| Caller::parse(&identity.arn)).chain(root)
    })
}

/// The caller that an entry names, where it names one.
fn caller_of(principal: &Principal) -> Option<Caller> {
    match principal {
        Principal::User(text)
        | Principal::Role(text)
        | Principal::AssumedRole(text)
        | Principal::FederatedUser(text)
        | Principal::Service(text) => Caller::parse(text),
        _ => None,
    }
}

fn of_unlisted(name: &str, account: Option<AccountId>) -> Box<str> {
    let account = account.map(|account| account.to_string()).unwrap_or_default();
    format!("{name}, as far as account {account} allows it").into()
}

/// A role that stands for all principals of an account.
fn stand_in(partition: &str, account: AccountId) -> Option<Caller> {
    let caller = Caller::parse(&format!("arn:{partition}:iam::{account}:role/any"))?;
    debug_assert!(caller.kind == CallerKind::Role);
    Some(caller)
}

/// An account that is none of the world's.
fn fresh_account(world: &Inventory) -> AccountId {
    let mut numbers = (0..).map(|n: u64| format!("{:012}", 999_999_999_999 - n));
    let free =
        |text: &String| AccountId::parse(text).filter(|account| world.account(*account).is_none());
    #[expect(clippy::expect_used, reason = "there are more numbers than accounts in any world")]
    numbers.find_map(|text| free(&text)).expect("a number that is free")
}
