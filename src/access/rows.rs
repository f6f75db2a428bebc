//! Who has a row in the matrix: everyone in the export, and whoever its keys open to outside.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::aws::{AccountId, Arn};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Inventory;
use crate::policy::Principal;

use super::accounts::{AccountRow, accounts};
use super::judge::Judge;
use super::library::World;
use super::members;
use super::organizations::{self, OrganizationRow, organizations};
use super::parts::Texts;
use super::range::Form;
use super::spoken::Spoken;
use super::subject::{Stranger, Subject, Whose};

/// A principal of the matrix.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who asks. For a row that stands for many, one of them.
    pub caller: Caller,
    /// What is printed: an ARN, a service principal, an organization's id, a pattern of one of these, `*`. Where
    /// several patterns take those that it stands for, `&` is between them.
    pub name: Box<str>,
    /// Whom it stands for, where that is more than one principal of the export.
    pub stands_for: Option<Box<str>>,
    /// Ids of organizations, where it stands for principals of such.
    organizations: Option<Texts>,
    /// Numbers of accounts, where it stands for principals of those that a pattern takes.
    accounts: Option<Texts>,
    /// Names of services, where it stands for such.
    services: Option<Texts>,
}

impl Row {
    /// One that is called as who asks.
    pub(super) fn of(caller: Caller, stands_for: Option<Box<str>>) -> Self {
        let name = caller.text.clone();
        let (organizations, accounts, services) = (None, None, None);
        Self { caller, name, stands_for, organizations, accounts, services }
    }

    /// One that is called otherwise than who asks for those that it stands for.
    pub(super) fn called(name: Box<str>, caller: Caller, stands_for: Box<str>) -> Self {
        Self { name, ..Self::of(caller, Some(stands_for)) }
    }

    /// One of services.
    pub(super) fn of_services(
        name: Box<str>,
        caller: Caller,
        stands_for: Box<str>,
        services: Texts,
    ) -> Self {
        Self { services: Some(services), ..Self::called(name, caller, stands_for) }
    }

    /// Whether it stands for principals of an organization.
    pub fn is_of_organization(&self) -> bool {
        self.organizations.is_some()
    }

    /// Whether it stands for principals whom nothing names, of whatever account.
    pub(super) fn is_wide(&self) -> bool {
        self.is_anyone() || self.is_of_organization() || self.accounts.is_some()
    }

    /// Whether it stands for whomever nothing names of one account.
    pub(super) fn is_of_account(&self) -> bool {
        self.is_apart() && !self.is_wide() && self.name != self.caller.text
    }

    /// Whether it is of principals outside the export who are told apart from whomever nothing names.
    pub(super) fn is_apart(&self) -> bool {
        self.stands_for.is_some() && self.caller.account.is_some() && !self.is_anyone()
    }

    /// Whether what this row says, where it is a wide one, would seem to hold of the principals of another.
    pub(super) fn seems_to_hold_of(&self, other: &Self) -> bool {
        let is_within = match (&self.organizations, &other.organizations) {
            _ if self.is_anyone() => true,
            (Some(all), Some(some)) => all.seem_to_be(some),
            // Which organization an account is in, nobody tells.
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => match (&self.accounts, &other.accounts) {
                (Some(all), Some(some)) => all.seem_to_be(some),
                _ => self.name != other.name && self.stands_for_some_of(other.caller.account),
            },
        };
        is_within && self.caller.partition() == other.caller.partition()
    }

    /// Whether it stands for whomever nothing names.
    pub fn is_anyone(&self) -> bool {
        self.stands_for.is_some() && (*self.name == *ANYONE || self.name.starts_with("* in "))
    }

    /// Whether it stands for principals of this account whom nothing names, or for such services where there is
    /// none.
    pub fn stands_for_some_of(&self, account: Option<AccountId>) -> bool {
        let is_like = |account: AccountId| {
            self.accounts.as_ref().is_some_and(|numbers| numbers.has(account.as_str()))
        };
        let is_named = *self.name == *self.caller.text;
        self.stands_for.is_some()
            && !is_named
            && (self.caller.account == account || account.is_some_and(is_like))
    }

    /// Whether it stands for somebody whom nothing names, as one of an account, or as a service.
    pub fn stands_for_one(&self, caller: &Caller) -> bool {
        let has = |services: &Texts| services.has(&caller.text);
        self.stands_for_some_of(caller.account) && self.services.as_ref().is_none_or(has)
    }

    /// Whether it stands for principals of some organizations or accounts that are called so: by an id, by a
    /// pattern of ids, or by a pattern of ARNs of root users.
    pub fn stands_for_some_like(&self, text: &str) -> bool {
        let of_partition = Arn::parse(text).filter(|arn| {
            arn.resource == "root" && Form::like(arn.partition).has(self.caller.partition())
        });
        let number = of_partition.map(|arn| arn.account);
        let are_accounts =
            |all: &Texts| number.is_some_and(|number| all.meets(number, &Form::Account.tokens()));
        // Of what is no pattern, ids alone: users have such names, too.
        let length = match text.contains(['*', '?']) {
            true => organizations::SHORTEST,
            false => organizations::LENGTH,
        };
        let are_organizations =
            |all: &Texts| text.starts_with("o-") && all.meets(text, &organizations::form(length));
        self.accounts.as_ref().is_some_and(are_accounts)
            || self.organizations.as_ref().is_some_and(are_organizations)
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

/// A row, and what stands behind it where it is of somebody outside the export.
pub(super) type Made = (Row, Option<Stranger>);

impl Spoken<'_> {
    /// All rows with what is known of them, sorted by name.
    pub(super) fn rows<'w>(self, known: &World<'w>, judge: &Judge<'_>) -> Vec<(Row, Subject<'w>)> {
        let world = known.inventory;
        let mut rows: Vec<Made> = Vec::new();
        rows.extend(of_export(world).map(|caller| (Row::of(caller, None), None)));
        self.add_named(world, &mut rows);
        let told = self.add_accounts(world, &mut rows);
        self.add_unnamed(world, &told, &mut rows);
        if self.anyone && (self.of_services || self.tells_services(known, judge, &rows)) {
            self.add_services(&mut rows);
        }
        // Of two with one name the first counts.
        rows.par_sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        rows.dedup_by(|(one, _), (first, _)| one.name == first.name);
        let subjects = rows.into_par_iter().map(|made| {
            let subject = subject_of(world, &made);
            (made.0, subject)
        });
        subjects.collect()
    }

    /// Those whom keys name.
    fn add_named(&self, world: &Inventory, rows: &mut Vec<Made>) {
        for caller in self.principals.iter().filter_map(|principal| caller_of(principal)) {
            let known = caller.account.is_none_or(|account| is_listed(world, account));
            let stands_for = (!known).then(|| of_unlisted(&caller.text, caller.account));
            let stranger = Stranger { named: true, ..Stranger::of(Whose::Account) };
            rows.push((Row::of(caller, stands_for), (!known).then_some(stranger)));
        }
    }

    /// Accounts, which are returned: a row of one stands for those of its principals who have none of their own.
    fn add_accounts(&self, world: &Inventory, rows: &mut Vec<Made>) -> BTreeSet<AccountId> {
        let partitions = partitions(world);
        let each = |account: AccountId| partitions.iter().map(move |it| (account, (*it).into()));
        // What stands for all accounts of a pattern is of no member of the own organization.
        let of_members = members::like(world, &self.like);
        let mut accounts: BTreeSet<(AccountId, Box<str>)> =
            self.accounts.iter().copied().chain(of_members).flat_map(each).collect();
        for principal in &self.principals {
            match principal {
                Principal::Account { account, partition: Some(partition) } => {
                    accounts.insert((*account, partition.clone()));
                }
                Principal::Account { account, partition: None } => {
                    accounts.extend(each(*account));
                }
                _ => {}
            }
        }
        let known = accounts.iter().map(|(account, _)| *account).collect();
        accounts.retain(|(account, _)| !is_listed(world, *account));
        let mut named: BTreeMap<(AccountId, Box<str>), Vec<Box<str>>> = BTreeMap::new();
        let told = rows.iter().map(|(row, _)| &row.caller).filter(|caller| is_told_by_arn(caller));
        for caller in told {
            let account = caller.account.filter(|account| !is_listed(world, *account));
            if let Some(home) = account.map(|account| (account, caller.partition().into())) {
                named.entry(home).or_default().push(caller.text.clone());
            }
        }
        for (account, partition) in accounts {
            let beside = named.remove(&(account, partition.clone())).unwrap_or_default();
            let words = format!("any principal of {account} that its own account allows");
            let Some(caller) = stand_in(&partition, account, &beside) else { continue };
            let name = format!("arn:{partition}:iam::{account}:root").into();
            let stranger = Stranger { beside: beside.into(), ..Stranger::of(Whose::Account) };
            rows.push((Row::called(name, caller, words.into()), Some(stranger)));
        }
        known
    }

    /// Those whom nothing names: principals of accounts of which a pattern is known, of organizations, anyone.
    fn add_unnamed(&self, world: &Inventory, told: &BTreeSet<AccountId>, rows: &mut Vec<Made>) {
        let organizations = organizations(world, self);
        // Those of organizations have rows of their own.
        let in_none = !organizations.is_empty();
        let own = world.organization.as_deref().filter(|own| own.id.is_some());
        let is_told = |account| told.contains(&account) || is_listed(world, account);
        let places = |id: &str| match own {
            Some(own) if own.id.as_deref() == Some(id) => members::places(world, own, is_told),
            _ => Some(Box::default()),
        };
        let organizations = organizations.into_iter();
        let organizations: Vec<(OrganizationRow, Box<[Box<str>]>)> =
            organizations.filter_map(|row| places(&row.id).map(|places| (row, places))).collect();
        let (accounts, fresh) = accounts(world, self);
        for (nth, partition) in partitions(world).into_iter().enumerate() {
            let stand = |account: Option<AccountId>, name: String, words: String, whose: Whose| {
                let caller = account.and_then(|account| stand_in(partition, account, &[]))?;
                let row = Row::called(name.into(), caller, words.into());
                Some((row, Some(Stranger::of(whose))))
            };
            for AccountRow { account, numbers, told } in &accounts {
                let (name, all) = match numbers.name("&") {
                    none if none.is_empty() => ("*".to_owned(), "that a pattern takes".to_owned()),
                    name => (name, numbers.name(" and ")),
                };
                let name = format!("arn:{partition}:iam::{name}:root");
                let words =
                    format!("any principal of an account {all} that its own account allows");
                let whose = Whose::SomeAccount { told: *told };
                let made = stand(Some(*account), name, words, whose);
                let of_numbers = |row| Row { accounts: Some(numbers.clone()), ..row };
                rows.extend(made.map(|(row, stranger)| (of_numbers(row), stranger)));
            }
            // What has no partition in its name is of the first.
            let here = if nth == 0 { String::new() } else { format!(" in {partition}") };
            for (OrganizationRow { name, ids, id, words, told }, places) in &organizations {
                let words = format!(
                    "any principal of {words}{here} outside the export that its own account allows"
                );
                let (id, places) = (id.clone(), places.clone());
                let whose = Whose::Organization { id, places, told: *told };
                let made = stand(fresh, format!("{name}{here}"), words, whose);
                let of_ids = |row| Row { organizations: Some(ids.clone()), ..row };
                rows.extend(made.map(|(row, stranger)| (of_ids(row), stranger)));
            }
            if self.anyone {
                let of = if in_none { ", of an account in no organization," } else { "" };
                let words =
                    format!("any other principal of AWS{here}{of} that its own account allows");
                let whose = Whose::Anyone { in_none };
                rows.extend(stand(fresh, format!("{ANYONE}{here}"), words, whose));
            }
        }
    }
}

/// Who asks, with what is known of it.
pub(super) fn subject_of<'w>(world: &'w Inventory, (row, stranger): &Made) -> Subject<'w> {
    let mut subject = Subject::of(world, row.caller.clone());
    subject.stranger.clone_from(stranger);
    subject
}

/// Whether the export has the users and roles of an account.
fn is_listed(world: &Inventory, account: AccountId) -> bool {
    world.account(account).is_some_and(|known| known.identities_listed)
}

/// Whether `aws:PrincipalArn` tells who asks from all others (rule C46): it does not tell a session of a role.
fn is_told_by_arn(caller: &Caller) -> bool {
    matches!(caller.kind, CallerKind::User | CallerKind::Role | CallerKind::FederatedUser { .. })
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
pub(super) fn caller_of(principal: &Principal) -> Option<Caller> {
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

/// A role that stands for all principals of an account beside these, who have rows of their own.
fn stand_in(partition: &str, account: AccountId, beside: &[Box<str>]) -> Option<Caller> {
    // Rule A42: one name is one role, whatever its case and path.
    let is_called = |arn: &str, name: &str| {
        arn.rsplit('/').next().is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let further = (1..=beside.len()).map(|nth| format!("any{nth}"));
    let mut names = std::iter::once("any".to_owned()).chain(further);
    let name = names.find(|name| !beside.iter().any(|arn| is_called(arn, name)))?;
    let caller = Caller::parse(&format!("arn:{partition}:iam::{account}:role/{name}"))?;
    debug_assert!(caller.kind == CallerKind::Role);
    Some(caller)
}
