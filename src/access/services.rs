//! Services that no key names: they have rows where a key that opens to anyone says something else to them than
//! to whomever nothing names (rule A30).

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, CallerKind, Chance, ContextValue, Standing};

use super::automaton::Token;
use super::domain::is_null;
use super::formula::Formula;
use super::frame::{Frame, KeyLimits, Limit, Who};
use super::home::Home;
use super::judge::Judge;
use super::library::World;
use super::masked::Masked;
use super::owner::Owner;
use super::parts::{Part, Texts, parts, told_apart};
use super::point::limits;
use super::rows::{Made, Row, subject_of};
use super::spoken::Spoken;
use super::subject::{Stranger, Subject, Whose};
use super::test::Test;
use super::ways::{Relation, Ways};

/// The name of the row of services that nothing names.
const SERVICES: &str = "*.amazonaws.com";

/// One of them.
const ANY: &str = "any.amazonaws.com";

/// The condition key of the name of the service that asks, in lower case.
pub(super) const NAME: &str = "aws:principalservicename";

/// The condition key of the account of who asks, in lower case.
const CALLER_ACCOUNT: &str = "kms:calleraccount";

impl Spoken<'_> {
    /// Whether some key that opens to anyone says something else to services than to whomever nothing names.
    pub(super) fn tells_services(
        &self,
        known: &World<'_>,
        judge: &Judge<'_>,
        rows: &[Made],
    ) -> bool {
        let Some(service) = service(ANY) else { return false };
        let service = Side::of(known, Subject::of(known.inventory, service), Relation::Own);
        let anyone = rows.iter().filter(|(row, _)| row.is_anyone());
        let anyone: Vec<Side<'_>> = anyone
            .map(|made| Side::of(known, subject_of(known.inventory, made), Relation::Foreign))
            .collect();
        let tells = |owner: &&Owner| {
            let to_services = service.towards(known, owner);
            let differs = |one: &Side<'_>| differs(judge, &to_services, &one.towards(known, owner));
            anyone.iter().any(differs)
        };
        self.to_anyone.par_iter().any(tells)
    }

    /// Services that conditions name, those of which patterns are known, and any other.
    pub(super) fn add_services(&self, rows: &mut Vec<Made>) {
        let taken = rows.iter().map(|(row, _)| row.caller.text.clone());
        let mut taken: BTreeSet<Box<str>> = taken.collect();
        let (like, named): (BTreeSet<Box<str>>, BTreeSet<Box<str>>) =
            self.services.iter().cloned().partition(|name| name.contains(['*', '?']));
        for caller in named.iter().filter_map(|name| service(name)) {
            taken.insert(caller.text.clone());
            rows.push((Row::of(caller, None), None));
        }
        let cut = parts(&like, &form(), &taken);
        let told = cut.is_some();
        let mut cut = cut.unwrap_or_else(|| {
            vec![Part { like: Vec::new(), but: Vec::new(), text: Box::default() }]
        });
        for part in &mut cut {
            let likely = likely(part, &taken);
            part.text = likely.unwrap_or_else(|| part.text.clone());
        }
        let cut = told_apart(cut, &self.asked, &is_alike);
        rows.extend(cut.into_iter().filter_map(|names| {
            let (name, words) = match names.name("&") {
                none if none.is_empty() => (SERVICES.to_owned(), "any other service of AWS".into()),
                name => (name, format!("any service {}", names.name(" and "))),
            };
            let caller = service(names.text())?;
            let row = Row::of_services(name.into(), caller, words.into(), names);
            Some((row, Some(Stranger::of(Whose::Service { told }))))
        }));
    }
}

/// The service of this name.
fn service(name: &str) -> Option<Caller> {
    Caller::parse(name).filter(|caller| caller.kind == CallerKind::Service)
}

/// The form of the names of services.
fn form() -> Vec<Token> {
    let own = ('0'..='9').chain('a'..='z');
    let first = Token::OneOf(own.clone().collect());
    let run = Token::RunOf(own.chain(['-', '.']).collect());
    let end = ".amazonaws.com".chars().map(|one| Token::OneOf([one].into()));
    [first, run].into_iter().chain(end).collect()
}

/// A service of a part that is none of these, as a reader expects it; nothing where several patterns tell the part.
fn likely(part: &Part, taken: &BTreeSet<Box<str>>) -> Option<Box<str>> {
    let name = Texts::of(part.clone()).name("&");
    let pattern = if name.is_empty() { SERVICES } else { &name };
    let whole = pattern.replace('?', "a");
    let fillings = ["any", "other", "", ".amazonaws.com", "any.amazonaws.com"];
    let names = fillings.into_iter().map(|run| whole.replace('*', run));
    let is_one = |name: &String| {
        let is_free = !name.starts_with('.') && !taken.contains(name.as_str());
        is_free && service(name).is_some() && part.has(name)
    };
    names.into_iter().find(is_one).map(Into::into)
}

/// Whether a test says the same of either service.
fn is_alike(test: &Test, one: &str, other: &str) -> bool {
    let holds = |name: &str| test.holds(Some(&ContextValue::One(name.into())), &|_| None);
    *test.key != *NAME || is_null(test) || test.is_fixed() && holds(one) == holds(other)
}

/// Somebody whom nothing names.
struct Side<'w> {
    subject: Subject<'w>,
    home: Home,
    relation: Relation,
}

/// What a key leaves somebody.
struct Left {
    /// What it can perform.
    possible: ActionSet,
    /// When somebody is allowed.
    allowed: Masked,
    /// When somebody would be if nothing denied.
    offered: Masked,
    who: Who,
    limits: KeyLimits,
}

impl<'w> Side<'w> {
    fn of(world: &World<'_>, subject: Subject<'w>, relation: Relation) -> Self {
        let home = Home::of(world, &subject, &[]);
        Self { subject, home, relation }
    }

    fn towards(&self, world: &World<'_>, owner: &Owner) -> Left {
        let owner = owner
            .mapped(|masked| masked.mapped(|formula| world.with_caller(formula, &self.subject)));
        let ways = Ways::of(world.formulas, &self.home, &owner, self.relation);
        let limits =
            without_account(&limits(&self.home, &owner, world.given), &self.subject.caller);
        Left {
            possible: owner.possible,
            allowed: ways.allowed(world.formulas),
            offered: ways.offered(world.formulas),
            who: self.home.who,
            limits,
        }
    }
}

impl Left {
    fn frame(&self, action: KmsAction) -> Frame {
        Frame { caller: self.who, action: action.into(), limits: KeyLimits::clone(&self.limits) }
    }
}

/// Whether services have something else than the others: in no request what those have, where something denies it,
/// or in more requests.
fn differs(judge: &Judge<'_>, to_services: &Left, to_others: &Left) -> bool {
    let (formulas, solver) = (judge.formulas, judge.solver);
    let class = |formula: Formula, action: KmsAction| {
        solver.alike(formula).iter().position(|class| class.contains(action))
    };
    let mut seen = FxHashSet::default();
    to_services.possible.iter().any(|action| {
        let (own, others) = (to_services.allowed.at(action), to_others.allowed.at(action));
        let offered = to_services.offered.at(action);
        let is_told = own != others || !own.is_constant() && solver.tells_services(own);
        // Of actions that are alike in all of them one is asked for.
        let all = [own, others, offered];
        if !is_told || !seen.insert((all, all.map(|formula| class(formula, action)))) {
            return false;
        }
        let frame = to_services.frame(action);
        let standing = judge.standing(own, &frame);
        if standing != judge.standing(others, &to_others.frame(action)) {
            let is_offered = || judge.standing(offered, &frame) != Standing::Never;
            return standing != Standing::Never || is_offered();
        }
        judge.chance(formulas.and([own, formulas.not(others)]), &frame) != Chance::No
    })
}

/// Of the account of a service nobody knows (rule C54): it is of no other that a policy speaks of.
fn without_account(limits: &KeyLimits, caller: &Caller) -> KeyLimits {
    let is_it = |(key, _): &(Box<str>, Limit)| **key == *CALLER_ACCOUNT;
    if caller.kind != CallerKind::Service || limits.iter().any(is_it) {
        return limits.clone();
    }
    let mut limits: Vec<(Box<str>, Limit)> = limits.to_vec();
    limits.push((CALLER_ACCOUNT.into(), Limit::Absent));
    limits.sort();
    limits.into()
}
