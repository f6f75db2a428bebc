//! Whom the keys of a world speak of beside the principals of the export.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::aws::AccountId;
use crate::decision::Context;
use crate::policy::Principal;

use super::accounts;
use super::caller_values::{ORG_ID, ORG_PATHS, assumed_organization};
use super::domain::is_null;
use super::formula::{Atom, Formula, Kinds};
use super::library::World;
use super::masked::Masked;
use super::owner::Owner;
use super::question::Question;
use super::test::{Operand, Piece, Test};

/// Whom the keys of a world speak of beside the principals of the export.
#[derive(Default)]
pub(super) struct Spoken<'f> {
    /// Those named.
    pub(super) principals: BTreeSet<&'f Principal>,
    /// Accounts.
    pub(super) accounts: BTreeSet<AccountId>,
    /// Patterns of accounts.
    pub(super) like: BTreeSet<Box<str>>,
    /// Ids of organizations, in lower case as all are; an empty one where it only counts whether there is one.
    pub(super) organizations: BTreeSet<Box<str>>,
    /// Patterns of such ids.
    pub(super) organizations_like: BTreeSet<Box<str>>,
    /// What the key sides that open to anyone ask of who asks; none where no pattern of accounts, organizations or
    /// services is known.
    pub(super) asked: BTreeSet<Test>,
    /// Patterns and names of services.
    pub(super) services: BTreeSet<Box<str>>,
    /// Whether services are told from others.
    pub(super) of_services: bool,
    /// Whether they open to somebody whom nothing names.
    pub(super) anyone: bool,
    /// The sides of those that do.
    pub(super) to_anyone: Vec<&'f Owner>,
}

impl<'f> Spoken<'f> {
    /// Whom some keys speak of.
    pub(super) fn by(world: &World<'f>, owners: impl Iterator<Item = &'f Owner>) -> Self {
        let mut all: FxHashSet<Formula> = FxHashSet::default();
        let mut opening: FxHashSet<Formula> = FxHashSet::default();
        let owners: Vec<&'f Owner> = owners.collect();
        for owner in &owners {
            all.extend(owner.masked().flat_map(formulas_of));
            opening.extend(opening_of(owner));
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
        let is_open =
            |formula: &Formula| {
                let left =
                    world.formulas.replaced(*formula, Kinds::CALLER, &mut |_, atom, holds| {
                        match atom {
                            Atom::Caller(Question::Names(..)) => Some(Formula::constant(!holds)),
                            _ => None,
                        }
                    });
                left != Formula::FALSE
            };
        let open: FxHashSet<Formula> = opening.into_par_iter().filter(is_open).collect();
        spoken.anyone = !open.is_empty();
        let is_of_anyone = |owner: &&Owner| opening_of(owner).any(|it| open.contains(&it));
        spoken.to_anyone = owners.into_iter().filter(is_of_anyone).collect();
        let are_like = spoken.services.iter().any(|name| name.contains(['*', '?']));
        if are_like || !spoken.like.is_empty() || !spoken.organizations_like.is_empty() {
            spoken.asked =
                spoken.to_anyone.par_iter().flat_map_iter(|it| asked_by(world, it)).collect();
        }
        spoken
    }

    /// Who asks is taken to be in an organization, or in none: none is told apart then.
    pub(super) fn hear_of_assumed(&mut self, given: &Context) {
        if assumed_organization(given).is_some() {
            self.organizations.clear();
            self.organizations_like.clear();
        }
    }

    /// These services are asked about: what is told of others does not hold of them.
    pub(super) fn hear_of_services(&mut self, services: &BTreeSet<Box<str>>) {
        self.services.extend(services.iter().cloned());
        self.of_services |= !services.is_empty();
    }

    fn plus(mut self, mut other: Self) -> Self {
        self.principals.append(&mut other.principals);
        self.accounts.append(&mut other.accounts);
        self.like.append(&mut other.like);
        self.organizations.append(&mut other.organizations);
        self.organizations_like.append(&mut other.organizations_like);
        self.services.append(&mut other.services);
        self.of_services |= other.of_services;
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
        let is_null = is_null(test);
        for operand in &test.values {
            let text = pattern(operand);
            for account in accounts::patterns(&test.key, operand) {
                self.hear_account(&account);
            }
            match &*test.key {
                ORG_ID | ORG_PATHS if is_null => {
                    self.organizations.insert(Box::default());
                }
                ORG_ID => self.hear_organization(&text),
                ORG_PATHS => {
                    beginnings(&text, '/').iter().for_each(|id| self.hear_organization(id))
                }
                "aws:principalarn" => {
                    // A run of any characters can stand for several parts.
                    let digits = text.split(|it: char| !it.is_ascii_digit());
                    self.accounts.extend(digits.filter_map(AccountId::parse));
                }
                "aws:principalservicename" if !is_null => {
                    self.services.insert(text.into());
                }
                _ => {}
            }
        }
        let keys = if is_null { &OF_OTHERS[..] } else { &[] };
        self.of_services |= OF_SERVICES.iter().chain(keys).any(|key| *key == &*test.key);
    }

    fn hear_organization(&mut self, text: &str) {
        let id: Box<str> = text.to_ascii_lowercase().into();
        match id.contains(['*', '?']) {
            true => self.organizations_like.insert(id),
            false => self.organizations.insert(id),
        };
    }

    fn hear_account(&mut self, text: &str) {
        match AccountId::parse(text) {
            Some(account) => {
                self.accounts.insert(account);
            }
            // What takes every account takes one that nothing names.
            None if text.contains(['*', '?']) => {
                self.like.insert(text.into());
            }
            None => {}
        }
    }
}

/// The formulas of a part of a key's side.
fn formulas_of(masked: &Masked) -> impl Iterator<Item = Formula> + '_ {
    masked.pieces().iter().map(|(_, formula)| *formula)
}

/// When a key's policy allows.
fn opening_of(owner: &Owner) -> impl Iterator<Item = Formula> + '_ {
    [&owner.direct, &owner.limited, &owner.by_account].into_iter().flat_map(formulas_of)
}

/// What a key's side asks of who asks.
fn asked_by(world: &World<'_>, owner: &Owner) -> BTreeSet<Test> {
    let mut asked = BTreeSet::new();
    let formulas = owner.masked().flat_map(formulas_of);
    world.formulas.each_atom_of(formulas, &mut |_, atom| {
        if let Atom::Caller(Question::Test { test, .. }) = atom {
            asked.insert(test.clone());
        }
    });
    asked
}

/// How many characters the number of an account has, and the id of an organization at least.
const LENGTH: usize = 12;

/// What a pattern takes before the first such character, which a wildcard can be as well.
pub(super) fn beginnings(pattern: &str, end: char) -> Vec<String> {
    let mut found = Vec::new();
    let mut taken = String::new();
    for character in pattern.chars().take_while(|it| *it != end) {
        if character == '?' && taken.len() >= LENGTH {
            found.push(taken.clone());
        }
        taken.push(character);
        if character == '*' {
            found.push(taken.clone());
        }
    }
    found.push(taken);
    found.dedup();
    found
}

/// The condition keys of who asks that those of services alone carry, or that say whether one is.
const OF_SERVICES: [&str; 3] =
    ["aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist"];

/// Those that requests of services alone lack.
const OF_OTHERS: [&str; 4] =
    ["aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid"];

/// An operand as a pattern of `*` and `?`: a variable can be anything.
pub(super) fn pattern(operand: &Operand) -> String {
    let text = |pieces: &[Piece]| -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::AnyRun | Piece::Variable { .. } => "*".into(),
            Piece::AnyOne => "?".into(),
        };
        pieces.iter().map(piece).collect()
    };
    match operand {
        Operand::Text(pieces) => text(pieces),
        Operand::Arn(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| text(part)).collect();
            parts.join(":")
        }
        Operand::AnyArn => "*".to_owned(),
    }
}
