//! The whole matrix: rows, keys, and what holds of each pair, class by class.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{CellAnswer, Pair, Standing};
use crate::inventory::Key;

use super::Access;
use super::cells::{Cell, Decided, Tally};
use super::classes::{CallerIx, CallerTable, Group, KeyIx, KeyTable};
use super::expand::Wide;
use super::formula::Formula;
use super::frame::{KeyLimits, Who};
use super::home::Home;
use super::judge::Judge;
use super::library::World;
use super::look::{HomeClass, OwnerClass};
use super::owner::Owner;
use super::spoken::Spoken;
use super::subject::Subject;
use super::test::Test;
use super::ways::Relation;
use crate::kept::Interner;
use crate::kept::Memo;

pub use super::count::{Counts, Doubts};
use super::opens::KeyClasses;
pub use super::rows::Row;

/// A class of callers, by the number of their side.
pub(super) type HomeIx = u32;

/// A class of keys, by the number of their side.
pub(super) type OwnerIx = u32;

/// Every principal, key and action of a world. Classes are decided when they are first asked for.
pub struct Matrix<'a> {
    pub(super) access: &'a Access<'a>,
    rows: Vec<Row>,
    /// The services that are asked about by name.
    services: BTreeSet<Box<str>>,
    /// The rows of principals whom nothing names.
    pub(super) wide: Wide,
    /// The keys in the order of their ARNs, by number.
    pub(super) sorted: Vec<KeyIx>,
    /// Their ARNs.
    pub(super) sorted_arns: Vec<&'a KeyArn>,
    /// Where each key stands in that order.
    pub(super) places: Vec<usize>,
    key_classes: KeyClasses,
    /// Where each row's caller stands in the table.
    callers: Vec<CallerIx>,
    /// Which group each caller is of.
    groups: Vec<u32>,
    pub(super) table: CallerTable<'a>,
    pub(super) keys: KeyTable<'a>,
    pub(super) homes: Vec<HomeIx>,
    pub(super) owners: Vec<OwnerIx>,
    pub(super) home_sides: Interner<Home>,
    pub(super) owner_sides: Interner<Owner>,
    pub(super) home_classes: Memo<HomeIx, Arc<HomeClass>>,
    pub(super) owner_classes: Memo<OwnerIx, Arc<OwnerClass>>,
    pub(super) answered_homes: Memo<(HomeIx, Box<[Formula]>), HomeIx>,
    pub(super) alias_tests: Memo<HomeIx, Arc<[Test]>>,
    pub(super) aliased_homes: Memo<(HomeIx, Aliases), HomeIx>,
    pub(super) answered_owners: Memo<(OwnerIx, Box<[Formula]>), OwnerIx>,
    pub(super) usual_owners: Memo<(OwnerIx, u32), OwnerIx>,
    pub(super) special_owners: Memo<(OwnerIx, CallerIx), OwnerIx>,
    pub(super) without_key: Memo<CallerIx, Arc<Pair>>,
    pub(super) limits: Interner<KeyLimits>,
    pub(super) verdicts: Memo<Decided, Standing>,
    pub(super) counted: Memo<(HomeIx, OwnerIx, Relation), u32>,
    pub(super) counted_without_key: Memo<CallerIx, u32>,
    pub(super) same_tallies: Interner<Tally>,
    pub(super) answers: Memo<(Cell, Who, u32, KmsAction), Arc<CellAnswer>>,
    pub(super) pairs: Memo<(HomeIx, OwnerIx, Relation, bool), Arc<Pair>>,
    /// Equal answers are one, and so are equal pairs: who writes them out finds classes by that.
    pub(super) same_answers: Memo<CellAnswer, Arc<CellAnswer>>,
    pub(super) same_pairs: Memo<Vec<(ActionSet, usize)>, Arc<Pair>>,
}

/// Names of aliases.
type Aliases = Box<[Box<str>]>;

impl<'a> Matrix<'a> {
    /// The matrix of a world. Costs the compiling of its policies.
    pub fn new(access: &'a Access<'a>) -> Self {
        Self::telling(access, BTreeSet::new())
    }

    /// The same with a row of each of these services, where keys open to somebody whom nothing names: what is said
    /// of others does not hold of them.
    pub fn telling(access: &'a Access<'a>, services: BTreeSet<Box<str>>) -> Self {
        let world = access.world(&access.given);
        let inventory = access.inventory();
        let keys = KeyTable::new(inventory.keys.values().map(AsRef::as_ref).collect());
        let owner_sides = Interner::new();
        let owners: Vec<OwnerIx> =
            keys.keys.par_iter().map(|key| owner_sides.intern(Owner::of(&world, key))).collect();
        let mut distinct: Vec<OwnerIx> = owners.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let mut spoken = Spoken::by(&world, distinct.iter().map(|owner| owner_sides.get(*owner)));
        let unlisted = |key: &&&Key| access.gaps.key_part(&key.arn, "grants").is_some();
        if keys.keys.iter().any(|key| unlisted(&key)) {
            spoken.hear_of_unlisted_grants();
        }
        spoken.hear_of_assumed(&access.given);
        spoken.hear_of_services(&services);
        let judge = Judge { formulas: &access.core.formulas, solver: &access.core.solver };
        let (rows, subjects): (Vec<Row>, Vec<Subject<'_>>) =
            spoken.rows(&world, &judge).into_iter().unzip();
        let group = |(subject, at): (Subject<'a>, u32)| {
            let account = subject.caller.account;
            let group = match (&subject.stranger, account) {
                (None, Some(account)) => Group::Account(account),
                (Some(_), _) if subject.is_anyone() => Group::Anyone,
                _ => Group::Alone(at, account),
            };
            (group, at, subject)
        };
        let mut grouped: Vec<_> = subjects.into_iter().zip(0_u32..).map(group).collect();
        grouped.sort_by_key(|(group, at, _)| (*group, *at));
        let order: Vec<usize> = grouped.iter().map(|(_, at, _)| *at as usize).collect();
        let table = CallerTable::new(grouped.into_iter().map(|(group, _, it)| (group, it)));
        let mut callers = vec![0; rows.len()];
        for (caller, row) in (0_u32..).zip(&order) {
            if let Some(at) = callers.get_mut(*row) {
                *at = caller;
            }
        }
        let mut groups = vec![0; rows.len()];
        for (number, (_, range)) in (0_u32..).zip(&table.groups) {
            for caller in range.clone() {
                if let Some(at) = groups.get_mut(caller as usize) {
                    *at = number;
                }
            }
        }
        let home_sides = Interner::new();
        let homes = table
            .subjects
            .par_iter()
            .map(|subject| home_sides.intern(Home::of(&world, subject, &[])))
            .collect();
        let mut sorted: Vec<KeyIx> = (0..keys.keys.len() as u32).collect();
        sorted.sort_by_key(|key| keys.keys.get(*key as usize).map(|key| &key.arn));
        let sorted_arns = sorted.iter().filter_map(|key| keys.keys.get(*key as usize));
        let sorted_arns = sorted_arns.map(|key| &key.arn).collect();
        let mut places = vec![0; sorted.len()];
        for (place, key) in sorted.iter().enumerate() {
            if let Some(at) = places.get_mut(*key as usize) {
                *at = place;
            }
        }
        let mut matrix = Self {
            access,
            wide: Wide::of(&rows, inventory.organization.as_deref()),
            sorted_arns,
            places,
            key_classes: KeyClasses::none(),
            rows,
            services,
            sorted,
            callers,
            groups,
            table,
            keys,
            homes,
            owners,
            home_sides,
            owner_sides,
            home_classes: Memo::new(),
            owner_classes: Memo::new(),
            answered_homes: Memo::new(),
            alias_tests: Memo::new(),
            aliased_homes: Memo::new(),
            answered_owners: Memo::new(),
            usual_owners: Memo::new(),
            special_owners: Memo::new(),
            without_key: Memo::new(),
            limits: Interner::new(),
            verdicts: Memo::new(),
            counted: Memo::new(),
            counted_without_key: Memo::new(),
            same_tallies: Interner::new(),
            answers: Memo::new(),
            pairs: Memo::new(),
            same_answers: Memo::new(),
            same_pairs: Memo::new(),
        };
        matrix.key_classes = matrix.made_key_classes();
        matrix
    }

    /// The principals, sorted by name.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What holds of one row and one key, or of the operations without a key.
    pub fn pair(&self, row: usize, key: Option<usize>) -> Arc<Pair> {
        let Some(caller) = self.callers.get(row).copied() else {
            return Arc::default();
        };
        let Some(key) = key else {
            return self.star(caller);
        };
        let Some(key) = self.sorted.get(key).copied() else {
            return Arc::default();
        };
        match self.sides(caller, key) {
            Some((home, owner, relation)) => self.answered(home, owner, relation, true),
            None => Arc::default(),
        }
    }

    /// The number of a row's caller.
    pub(super) fn caller(&self, row: usize) -> Option<CallerIx> {
        self.callers.get(row).copied()
    }

    /// The keys by their sides.
    pub(super) fn classes(&self) -> &KeyClasses {
        &self.key_classes
    }

    pub(super) fn world(&self) -> World<'_> {
        self.access.world(&self.access.given)
    }

    /// The classes of one pair.
    pub(super) fn sides(
        &self,
        caller: CallerIx,
        key: KeyIx,
    ) -> Option<(HomeIx, OwnerIx, Relation)> {
        let (home, owner, relation) = self.listed_sides(caller, key)?;
        Some((home, self.with_unlisted(&self.world(), owner, caller, key), relation))
    }

    /// The same without grants that were not exported.
    pub(super) fn listed_sides(
        &self,
        caller: CallerIx,
        key: KeyIx,
    ) -> Option<(HomeIx, OwnerIx, Relation)> {
        let world = self.world();
        let home = *self.homes.get(caller as usize)?;
        let owner = *self.owners.get(key as usize)?;
        let subject = self.table.subjects.get(caller as usize)?;
        let arn = &self.keys.keys.get(key as usize)?.arn;
        let relation = Relation::of(&subject.caller, arn);
        let home = self.home_at(&world, home, key);
        let owner = self.owner_at(&world, owner, caller);
        Some((home, owner, relation))
    }

    /// A key whose grants were not exported has one row that says so: that of anyone. A service that is asked about
    /// has its own.
    pub(super) fn with_unlisted(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        caller: CallerIx,
        key: KeyIx,
    ) -> OwnerIx {
        let subject = self.table.subjects.get(caller as usize);
        let key = self.keys.keys.get(key as usize);
        let is_asked = |subject: &Subject<'_>| self.services.contains(&subject.caller.text);
        if !subject.is_some_and(|subject| subject.is_anyone() || is_asked(subject)) {
            return owner;
        }
        let unlisted = key.and_then(|key| self.access.gaps.key_part(&key.arn, "grants"));
        unlisted.map_or(owner, |what| {
            let side = self.owner_sides.get(owner).clone().with_unlisted_grants(world, &what);
            self.owner_sides.intern(side)
        })
    }

    pub(super) fn group_of(&self, caller: CallerIx) -> u32 {
        self.groups.get(caller as usize).copied().unwrap_or(0)
    }

    /// The side of a class of keys.
    pub(super) fn owner_side(&self, owner: OwnerIx) -> &Owner {
        self.owner_sides.get(owner)
    }

    /// The side of a class of callers.
    pub(super) fn home_side(&self, home: HomeIx) -> &Home {
        self.home_sides.get(home)
    }
}
