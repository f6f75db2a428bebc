//! Who has a row in the matrix: everyone in the export, and whoever its keys open to outside.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::aws::{AccountId, Arn};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Inventory;
use crate::policy::Principal;

use super::members;
use super::range::Form;
use super::spoken::{ANY_ORGANIZATION, Spoken};
use super::subject::{Stranger, Subject, Whose};

/// A principal of the matrix.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who asks. For a row that stands for many, one of them.
    pub caller: Caller,
    /// What is printed: an ARN, a service principal, a pattern of either, an organization's id, `*`.
    pub name: Box<str>,
    /// Whom it stands for, where that is more than one principal of the export.
    pub stands_for: Option<Box<str>>,
}

impl Row {
    /// Whether it stands for whomever nothing names.
    pub fn is_anyone(&self) -> bool {
        self.stands_for.is_some() && (*self.name == *ANYONE || self.name.starts_with("* in "))
    }

    /// Whether it stands for principals of this account, or of services where there is none.
    pub fn stands_for_some_of(&self, account: Option<AccountId>) -> bool {
        let pattern = || self.name.split(':').nth(4).filter(|text| text.contains(['*', '?']));
        let is_like = |account: AccountId| {
            pattern().is_some_and(|pattern| Form::like(pattern).has(account.as_str()))
        };
        self.stands_for.is_some()
            && (self.caller.account == account || account.is_some_and(is_like))
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

/// The name of the row of services that nothing names.
const SERVICES: &str = "*.amazonaws.com";

impl Spoken<'_> {
    /// All rows with what is known of them, sorted by name.
    pub(super) fn rows<'w>(self, world: &'w Inventory) -> Vec<(Row, Subject<'w>)> {
        let mut rows: Vec<(Row, Option<Stranger>)> = Vec::new();
        let organizations = self.organizations_beside(world);
        let mut add = |row: Row, stranger: Option<Stranger>| rows.push((row, stranger));
        for caller in of_export(world) {
            let name = caller.text.clone();
            add(Row { caller, name, stands_for: None }, None);
        }
        let listed = |account: AccountId| {
            world.account(account).is_some_and(|known| known.identities_listed)
        };
        let partitions = partitions(world);
        let invented = Invented::beside(world, &self);
        let each = |account: AccountId| partitions.iter().map(move |it| (account, (*it).into()));
        // What stands for all accounts of a pattern is of no member of the own organization.
        let of_members = members::like(world, &self.like);
        let mut accounts: BTreeSet<(AccountId, Box<str>)> =
            self.accounts.into_iter().chain(of_members).flat_map(each).collect();
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
            let stranger = (!known).then_some(Stranger { whose: Whose::Account, named: true });
            add(Row { caller, name, stands_for }, stranger);
        }
        let told: BTreeSet<AccountId> = accounts.iter().map(|(account, _)| *account).collect();
        for (account, partition) in accounts.into_iter().filter(|(account, _)| !listed(*account)) {
            let stands_for =
                format!("any principal of {account} that its own account allows").into();
            let Some(caller) = stand_in(&partition, account) else { continue };
            let name = format!("arn:{partition}:iam::{account}:root").into();
            let stranger = Stranger { whose: Whose::Account, named: false };
            add(Row { caller, name, stands_for: Some(stands_for) }, Some(stranger));
        }
        let of_services = self.anyone && self.of_services;
        let (like, services): (Vec<&Box<str>>, Vec<&Box<str>>) =
            self.services.iter().partition(|name| name.contains(['*', '?']));
        let services = services.into_iter().filter(|_| of_services);
        for caller in services.filter_map(|name| service_like(name)) {
            let name = caller.text.clone();
            add(Row { caller, name, stands_for: None }, None);
        }
        let mut stand = |caller: Option<Caller>, name: String, words: String, whose: Whose| {
            let Some(caller) = caller else { return };
            let row = Row { caller, name: name.into(), stands_for: Some(words.into()) };
            add(row, Some(Stranger { whose, named: false }));
        };
        let fresh = invented.like("*");
        let is_told = |account| told.contains(&account) || listed(account);
        let own = world.organization.as_deref().filter(|own| own.id.is_some());
        let places = |id: &str| match own {
            Some(own) if own.id.as_deref() == Some(id) => members::places(world, own, is_told),
            _ => Some(Box::default()),
        };
        let organizations: Vec<_> =
            organizations.into_iter().filter_map(|id| Some((places(&id)?, id))).collect();
        for (nth, partition) in partitions.iter().enumerate() {
            let stand_in = |account: Option<AccountId>| stand_in(partition, account?);
            for pattern in &self.like {
                let name = format!("arn:{partition}:iam::{pattern}:root");
                let words =
                    format!("any principal of an account {pattern} that its own account allows");
                stand(stand_in(invented.like(pattern)), name, words, Whose::SomeAccount);
            }
            // What has no partition in its name is of the first.
            let here = if nth == 0 { String::new() } else { format!(" in {partition}") };
            for (places, id) in &organizations {
                let words = format!(
                    "any principal of organization {id}{here} outside the export that its own \
                     account allows"
                );
                let whose = Whose::Organization { id: id.clone(), places: places.clone() };
                stand(stand_in(fresh), format!("{id}{here}"), words, whose);
            }
            if self.anyone {
                let words = format!("any other principal of AWS{here} that its own account allows");
                stand(stand_in(fresh), format!("{ANYONE}{here}"), words, Whose::Anyone);
            }
        }
        if of_services {
            let other = service_like(SERVICES);
            let takes_other = |pattern: &str| {
                other.as_ref().is_some_and(|other| Form::like(pattern).has(&other.text))
            };
            for pattern in like.into_iter().filter(|pattern| !takes_other(pattern)) {
                let words = format!("any service {pattern}");
                stand(service_like(pattern), pattern.to_string(), words, Whose::Service);
            }
            let words = "any other service of AWS".to_owned();
            stand(other.clone(), SERVICES.to_owned(), words, Whose::Service);
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

    /// The organizations that keys speak of; beside them the export's own and another one, which a test that is
    /// negated, or a Deny, leaves open (rules C30, C33, C34).
    fn organizations_beside(&self, world: &Inventory) -> BTreeSet<Box<str>> {
        let mut all = self.organizations.clone();
        if !all.is_empty() {
            let own = world.organization.as_ref().and_then(|own| own.id.clone());
            all.extend(own);
            all.insert(ANY_ORGANIZATION.into());
        }
        all
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

/// A service that a pattern takes.
fn service_like(pattern: &str) -> Option<Caller> {
    let whole = pattern.replace('?', "a");
    let fillings = ["any", "", ".amazonaws.com", "any.amazonaws.com"];
    let callers = fillings.into_iter().filter_map(|run| Caller::parse(&whole.replace('*', run)));
    let mut services = callers.filter(|caller| caller.kind == CallerKind::Service);
    services.find(|caller| !caller.text.starts_with('.'))
}

/// How many accounts are looked at before one is taken.
const TRIES: u64 = 1000;

/// How far these lie apart, so that they differ in their first digits as well.
const STRIDE: u64 = 123_456_789_011;

/// Accounts that are none of the world's, and that nothing speaks of.
struct Invented<'w> {
    world: &'w Inventory,
    taken: BTreeSet<AccountId>,
    patterns: Vec<Form>,
}

impl<'w> Invented<'w> {
    fn beside(world: &'w Inventory, spoken: &Spoken<'_>) -> Self {
        let named = spoken.principals.iter().filter_map(|principal| match principal {
            Principal::Account { account, .. } => Some(*account),
            principal => caller_of(principal)?.account,
        });
        let organization = world.organization.as_deref();
        let members = organization.into_iter().flat_map(|it| it.accounts.iter().copied());
        let management = organization.and_then(|it| it.management_account);
        let taken = named.chain(members).chain(management).chain(spoken.accounts.iter().copied());
        let patterns = spoken.like.iter().map(|pattern| Form::like(pattern)).collect();
        Self { world, taken: taken.collect(), patterns }
    }

    /// An account that a pattern takes, and as few others as can be: those may be denied.
    fn like(&self, pattern: &str) -> Option<AccountId> {
        let fixed = pattern.chars().filter(|it| *it != '*').count();
        let run = "?".repeat(12_usize.checked_sub(fixed)?);
        let shape = pattern.replacen('*', &run, 1).replace('*', "");
        let wild = shape.matches('?').count();
        let all = 10_u64.pow(u32::try_from(wild).ok().filter(|wild| *wild <= 12)?);
        let account = |n: u64| {
            let number = (all - 1).wrapping_sub(n.wrapping_mul(STRIDE) % all);
            let digits = format!("{number:0wild$}");
            let mut digits = digits.chars();
            let digit = |it: char| if it == '?' { digits.next().unwrap_or('0') } else { it };
            AccountId::parse(&shape.chars().map(digit).collect::<String>())
        };
        let is_free = |account: &AccountId| {
            self.world.account(*account).is_none() && !self.taken.contains(account)
        };
        let taking = |account: &AccountId| {
            self.patterns.iter().filter(|pattern| pattern.has(account.as_str())).count()
        };
        (0..TRIES.min(all)).filter_map(account).filter(is_free).min_by_key(taking)
    }
}
