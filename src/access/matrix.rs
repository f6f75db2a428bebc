//! The whole matrix: rows, keys, and what holds of each pair, class by class.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{CallerKind, CellAnswer, Pair, Standing};
use crate::inventory::Key;

use super::Access;
use super::cells::{Cell, Decided, Tally};
use super::classes::{
    CallerAnswers, CallerIx, CallerTable, Group, KeyAnswers, KeyIx, KeyTable, Questions,
};
use super::formula::{AtomId, Formula, Kinds};
use super::frame::{KeyLimits, Who};
use super::home::Home;
use super::interner::Interner;
use super::library::World;
use super::memo::Memo;
use super::owner::Owner;
use super::rows::Spoken;
use super::subject::Subject;
use super::ways::Relation;

use super::count::KeyClass;
pub use super::count::{Counts, Doubts};
pub use super::rows::Row;

/// A class of callers, by the number of their side.
pub(super) type HomeIx = u32;

/// A class of keys, by the number of their side.
pub(super) type OwnerIx = u32;

/// Every principal, key and action of a world. Classes are decided when they are first asked for.
pub struct Matrix<'a> {
    pub(super) access: &'a Access<'a>,
    rows: Vec<Row>,
    /// The keys in the order of their ARNs, by number.
    pub(super) sorted: Vec<KeyIx>,
    /// Their ARNs.
    pub(super) sorted_arns: Vec<&'a KeyArn>,
    /// Where each key stands in that order.
    pub(super) places: Vec<usize>,
    key_classes: OnceLock<Vec<KeyClass>>,
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
    home_classes: Memo<HomeIx, Arc<HomeClass>>,
    owner_classes: Memo<OwnerIx, Arc<OwnerClass>>,
    answered_homes: Memo<(HomeIx, Box<[Formula]>), HomeIx>,
    answered_owners: Memo<(OwnerIx, Box<[Formula]>), OwnerIx>,
    usual_owners: Memo<(OwnerIx, u32), OwnerIx>,
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

/// How callers of one side look at keys.
pub(super) struct HomeClass {
    questions: Questions,
    /// What keys say to each question.
    answers: Vec<(AtomId, Arc<KeyAnswers>)>,
    /// Their side for keys that none of their resources names.
    pub(super) usual: HomeIx,
    /// Their side for the others, in order of keys.
    pub(super) touched: Vec<(KeyIx, HomeIx)>,
}

impl HomeClass {
    /// Whether every key answers for itself.
    pub(super) fn asks_every_key(&self) -> bool {
        !self.questions.personal.is_empty()
    }
}

/// Callers of one side, who look at keys.
pub(super) struct Gaze<'m, 'a> {
    matrix: &'m Matrix<'a>,
    world: &'m World<'m>,
    home: HomeIx,
    /// How they look.
    pub(super) class: Arc<HomeClass>,
    /// Their sides by what keys said.
    known: FxHashMap<Box<[Formula]>, HomeIx>,
    /// What the last key said.
    said: Vec<Formula>,
}

impl Gaze<'_, '_> {
    /// Their side towards a key.
    pub(super) fn at(&mut self, key: KeyIx) -> HomeIx {
        let class = &*self.class;
        if !class.asks_every_key() {
            let found = class.touched.binary_search_by_key(&key, |(key, _)| *key);
            let found = found.ok().and_then(|at| class.touched.get(at));
            return found.map_or(class.usual, |(_, home)| *home);
        }
        self.said.clear();
        let keys = &self.matrix.keys;
        let said =
            |(id, answers): &(AtomId, Arc<KeyAnswers>)| keys.said(self.world, (*id, answers), key);
        self.said.extend(class.answers.iter().map(said));
        if let Some(home) = self.known.get(self.said.as_slice()) {
            return *home;
        }
        let (ids, said) = (&class.questions.ids, &self.said);
        let home = self.matrix.answered_home(self.world, self.home, ids, said);
        self.known.insert(said.as_slice().into(), home);
        home
    }
}

/// How keys of one side look at callers.
pub(super) struct OwnerClass {
    questions: Questions,
    named: rustc_hash::FxHashSet<CallerIx>,
}

/// Keys of one side, which look at callers.
pub(super) struct Regard<'m, 'a> {
    matrix: &'m Matrix<'a>,
    world: &'m World<'m>,
    owner: OwnerIx,
    /// Their questions, and what all callers of the group say; nothing where each is asked.
    answers: Vec<(AtomId, Option<Arc<CallerAnswers>>)>,
    /// Their sides by what callers said.
    known: FxHashMap<Box<[Formula]>, OwnerIx>,
    /// What the last caller said.
    said: Vec<Formula>,
}

impl Regard<'_, '_> {
    /// Their side towards a caller.
    pub(super) fn at(&mut self, caller: CallerIx) -> OwnerIx {
        let Self { matrix, world, .. } = *self;
        self.said.clear();
        self.said.extend(self.answers.iter().map(|(id, answers)| match answers {
            Some(answers) => answers.of(caller),
            None => matrix.table.ask(world, *id, caller),
        }));
        if let Some(owner) = self.known.get(self.said.as_slice()) {
            return *owner;
        }
        let ids: Vec<AtomId> = self.answers.iter().map(|(id, _)| *id).collect();
        let owner = matrix.answered_owner(world, self.owner, &ids, &self.said);
        self.known.insert(self.said.as_slice().into(), owner);
        owner
    }
}

impl<'a> Matrix<'a> {
    /// The matrix of a world. Costs the compiling of its policies.
    pub fn new(access: &'a Access<'a>) -> Self {
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
        let rows = spoken.rows(inventory);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let group = |at: &usize| match rows.get(*at) {
            Some((_, subject)) if subject.stranger.is_none() => {
                let account = subject.caller.account;
                account.map_or(Group::Alone(*at as u32, None), Group::Account)
            }
            Some((_, subject)) if subject.is_anyone() => Group::Anyone,
            Some((_, subject)) => Group::Alone(*at as u32, subject.caller.account),
            None => Group::Alone(*at as u32, None),
        };
        order.sort_by_key(|at| (group(at), *at));
        let subjects = order.iter().filter_map(|at| Some((group(at), rows.get(*at)?.1.clone())));
        let table = CallerTable::new(subjects.collect());
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
        Self {
            access,
            sorted_arns,
            places,
            key_classes: OnceLock::new(),
            rows: rows.into_iter().map(|(row, _)| row).collect(),
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
            answered_owners: Memo::new(),
            usual_owners: Memo::new(),
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
        }
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
    pub(super) fn classes(&self) -> &[KeyClass] {
        self.key_classes.get_or_init(|| self.key_classes())
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
        let world = self.world();
        let home = *self.homes.get(caller as usize)?;
        let owner = *self.owners.get(key as usize)?;
        let subject = self.table.subjects.get(caller as usize)?;
        let arn = &self.keys.keys.get(key as usize)?.arn;
        let relation = Relation::of(&subject.caller, arn);
        let home = self.home_at(&world, home, key);
        let owner = self.owner_at(&world, owner, caller);
        Some((home, self.with_unlisted(&world, owner, caller, key), relation))
    }

    /// A key whose grants were not exported has one row that says so: that of anyone.
    pub(super) fn with_unlisted(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        caller: CallerIx,
        key: KeyIx,
    ) -> OwnerIx {
        let subject = self.table.subjects.get(caller as usize);
        let key = self.keys.keys.get(key as usize);
        if !subject.is_some_and(Subject::is_anyone) {
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

    /// How callers of a side look at keys.
    pub(super) fn home_class(&self, world: &World<'_>, home: HomeIx) -> Arc<HomeClass> {
        self.home_classes.get(home, |_| Arc::new(self.class_of_home(world, home)))
    }

    fn class_of_home(&self, world: &World<'_>, home: HomeIx) -> HomeClass {
        let side = self.home_sides.get(home);
        let questions = Questions::of(world, side.masked(), Kinds::KEY);
        if questions.ids.is_empty() {
            return HomeClass { questions, answers: Vec::new(), usual: home, touched: Vec::new() };
        }
        let answers = questions.ids.iter().map(|id| (*id, self.keys.answers(world, *id)));
        let answers: Vec<(AtomId, Arc<KeyAnswers>)> = answers.collect();
        if !questions.personal.is_empty() {
            return HomeClass { questions, answers, usual: home, touched: Vec::new() };
        }
        let most = |(_, answers): &(AtomId, Arc<KeyAnswers>)| {
            Formula::constant(matches!(**answers, KeyAnswers::All))
        };
        let of_most: Vec<Formula> = answers.iter().map(most).collect();
        let usual = self.answered_home(world, home, &questions.ids, &of_most);
        let mut touched: Vec<KeyIx> = Vec::new();
        for (_, answers) in &answers {
            if let KeyAnswers::Few(some) = &**answers {
                touched.extend(some.keys());
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let at = |key: KeyIx| {
            let said = answers.iter().map(|(id, all)| self.keys.said(world, (*id, all), key));
            let said: Vec<Formula> = said.collect();
            (key, self.answered_home(world, home, &questions.ids, &said))
        };
        let touched = touched.into_iter().map(at).collect();
        HomeClass { questions, answers, usual, touched }
    }

    fn answered_home(
        &self,
        world: &World<'_>,
        home: HomeIx,
        ids: &[AtomId],
        answers: &[Formula],
    ) -> HomeIx {
        self.answered_homes.get((home, answers.into()), |_| {
            let answers = put_together(ids, answers);
            let side = self.home_sides.get(home);
            let side = side.mapped(|masked| {
                masked.mapped(|formula| world.formulas.answered(formula, Kinds::KEY, &answers))
            });
            self.home_sides.intern(side)
        })
    }

    /// The side of a caller towards one key.
    pub(super) fn home_at(&self, world: &World<'_>, home: HomeIx, key: KeyIx) -> HomeIx {
        self.gaze(world, home).at(key)
    }

    /// How callers of a side look at one key after the other.
    pub(super) fn gaze<'m>(&'m self, world: &'m World<'m>, home: HomeIx) -> Gaze<'m, 'a> {
        let class = self.home_class(world, home);
        Gaze { matrix: self, world, home, class, known: FxHashMap::default(), said: Vec::new() }
    }

    /// How keys of a side look at callers.
    pub(super) fn owner_class(&self, world: &World<'_>, owner: OwnerIx) -> Arc<OwnerClass> {
        self.owner_classes.get(owner, |_| {
            let side = self.owner_sides.get(owner);
            let questions = Questions::of(world, side.masked(), Kinds::CALLER);
            let named = questions.named(world, &self.table);
            Arc::new(OwnerClass { questions, named })
        })
    }

    /// The side of a key towards one caller.
    pub(super) fn owner_at(&self, world: &World<'_>, owner: OwnerIx, caller: CallerIx) -> OwnerIx {
        let class = self.owner_class(world, owner);
        if class.questions.ids.is_empty() {
            return owner;
        }
        let group = self.group_of(caller);
        if self.is_special(&class, caller) {
            return self.asked_owner(world, owner, &class, group, caller);
        }
        self.usual_owners
            .get((owner, group), |_| self.asked_owner(world, owner, &class, group, caller))
    }

    /// Whether a caller answers the questions otherwise than most of its group.
    pub(super) fn is_special(&self, class: &OwnerClass, caller: CallerIx) -> bool {
        let is_root = || {
            let subject = self.table.subjects.get(caller as usize);
            subject.is_some_and(|subject| subject.caller.kind == CallerKind::Root)
        };
        class.named.contains(&caller) || is_root() || self.asks_everyone(class, caller)
    }

    /// Whether every caller of this one's group answers for itself.
    pub(super) fn asks_everyone(&self, class: &OwnerClass, caller: CallerIx) -> bool {
        let group = self.table.groups.get(self.group_of(caller) as usize);
        group.is_some_and(|(group, _)| class.questions.asks_all_of(*group))
    }

    fn asked_owner(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        class: &OwnerClass,
        group: u32,
        caller: CallerIx,
    ) -> OwnerIx {
        let ids = &class.questions.ids;
        let answer = |id: &AtomId| self.table.answer(world, group, *id, caller);
        let answers: Vec<Formula> = ids.iter().map(answer).collect();
        self.answered_owner(world, owner, ids, &answers)
    }

    fn answered_owner(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        ids: &[AtomId],
        answers: &[Formula],
    ) -> OwnerIx {
        if ids.is_empty() {
            return owner;
        }
        self.answered_owners.get((owner, answers.into()), |_| {
            let answers = put_together(ids, answers);
            let side = self.owner_sides.get(owner);
            let side = side.mapped(|masked| {
                masked.mapped(|formula| world.formulas.answered(formula, Kinds::CALLER, &answers))
            });
            self.owner_sides.intern(side)
        })
    }

    /// How keys of a side look at one caller after the other of the group of `first`, each for itself.
    pub(super) fn regard<'m>(
        &'m self,
        world: &'m World<'m>,
        owner: OwnerIx,
        first: CallerIx,
    ) -> Regard<'m, 'a> {
        let class = self.owner_class(world, owner);
        let group = self.group_of(first);
        let of_group = |id: &AtomId| (*id, self.table.answers(world, group, *id));
        let answers = class.questions.ids.iter().map(of_group).collect();
        Regard {
            matrix: self,
            world,
            owner,
            answers,
            known: FxHashMap::default(),
            said: Vec::new(),
        }
    }

    /// The callers that a side names.
    pub(super) fn named(class: &OwnerClass) -> impl Iterator<Item = CallerIx> + '_ {
        class.named.iter().copied()
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

fn put_together(ids: &[AtomId], answers: &[Formula]) -> Vec<(AtomId, Formula)> {
    ids.iter().copied().zip(answers.iter().copied()).collect()
}
