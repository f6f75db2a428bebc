//! Whom the keys of a world speak of beside the principals of the export.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::aws::AccountId;
use crate::policy::Principal;

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
    /// Ids of organizations.
    pub(super) organizations: BTreeSet<Box<str>>,
    /// Patterns and names of services.
    pub(super) services: BTreeSet<Box<str>>,
    /// Whether services are told from others.
    pub(super) of_services: bool,
    /// Whether they open to somebody whom nothing names.
    pub(super) anyone: bool,
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
        self.like.append(&mut other.like);
        self.organizations.append(&mut other.organizations);
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
            Atom::Request(test) => self.of_services |= SOURCES.contains(&&*test.key),
            _ => {}
        }
    }

    fn hear_test(&mut self, test: &Test) {
        let is_null = is_null(test);
        for text in test.values.iter().map(pattern) {
            match &*test.key {
                "aws:principalaccount" | "kms:calleraccount" => self.hear_account(&text),
                "aws:principalorgid" | "aws:principalorgpaths" => {
                    let id = text.split('/').next().filter(|_| !is_null).unwrap_or_default();
                    self.organizations.insert(organization(id));
                }
                "aws:principalarn" => {
                    self.hear_account(text.split(':').nth(4).unwrap_or_default());
                    // A run of any characters can stand for several parts.
                    let digits = text.split(|it: char| !it.is_ascii_digit());
                    self.accounts.extend(digits.filter_map(AccountId::parse));
                }
                // Rule C45: the id of a root user is its account, that of a federated user begins with it.
                "aws:userid" => {
                    let account = text.split(':').next().unwrap_or_default();
                    if account.starts_with(|it: char| it.is_ascii_digit()) {
                        self.hear_account(account);
                    }
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

    fn hear_account(&mut self, text: &str) {
        match AccountId::parse(text) {
            Some(account) => {
                self.accounts.insert(account);
            }
            // What takes every account takes one that nothing names.
            None if text.contains(['*', '?']) && text.contains(|it: char| it.is_ascii_digit()) => {
                self.like.insert(text.into());
            }
            None => {}
        }
    }
}

/// The condition keys of callers that requests of services alone carry, or that say whether one is.
const OF_SERVICES: [&str; 3] =
    ["aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist"];

/// Those that requests of services alone lack.
const OF_OTHERS: [&str; 4] =
    ["aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:userid"];

/// Those of services that only the request tells: whose resource makes a service ask (rule U4).
const SOURCES: [&str; 5] = [
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
];

/// An operand as a pattern of `*` and `?`: a variable can be anything.
fn pattern(operand: &Operand) -> String {
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

/// The one that stands for all organizations that nothing names.
pub(super) const ANY_ORGANIZATION: &str = "o-any";

/// An organization that a pattern takes: its id begins with `o-`.
fn organization(pattern: &str) -> Box<str> {
    let id = pattern.replace('*', "").replace('?', "0");
    let id = if pattern.starts_with('*') && !id.starts_with("o-") { format!("o-{id}") } else { id };
    if matches!(&*id, "" | "o" | "o-") { ANY_ORGANIZATION.into() } else { id.into() }
}
