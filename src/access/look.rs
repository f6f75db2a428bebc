//! How callers look at keys, and keys at callers: the sides that are left once one has answered the
//! questions of the other.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::decision::{CallerKind, ContextValue};

use super::asked::REQUEST_ALIAS;
use super::classes::{CallerAnswers, CallerIx, KeyAnswers, KeyIx, Questions};
use super::formula::{Atom, AtomId, Formula, Kinds};
use super::library::World;
use super::masked::Masked;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::question::Question;
use super::test::Test;

/// How callers of one side look at keys.
pub(super) struct HomeClass {
    questions: Questions,
    /// Whether their policies ask for the alias that a request names its key by (rule C55).
    pub(super) asks_alias: bool,
    /// What keys say to each question.
    pub(super) answers: Vec<(AtomId, Arc<KeyAnswers>)>,
    /// Their side for keys that none of their resources names.
    pub(super) usual: HomeIx,
    /// Their side for the others, in order of keys.
    pub(super) touched: Vec<(KeyIx, HomeIx)>,
}

impl HomeClass {
    /// Whether it matters what a key is like, beyond its ARN: its tags, its aliases, ...
    pub(super) fn asks_more_than_names(&self, world: &World<'_>) -> bool {
        let is_test =
            |id: &AtomId| matches!(world.formulas.atom(*id), Atom::Key(Question::Test { .. }));
        self.asks_alias || self.questions.ids.iter().any(is_test)
    }

    /// Whether every key answers for itself.
    pub(super) fn asks_every_key(&self) -> bool {
        self.asks_alias || !self.questions.personal.is_empty()
    }

    /// Their side towards a key, where not every key answers for itself.
    pub(super) fn at(&self, key: KeyIx) -> HomeIx {
        let found = self.touched.binary_search_by_key(&key, |(key, _)| *key);
        let found = found.ok().and_then(|at| self.touched.get(at));
        found.map_or(self.usual, |(_, home)| *home)
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
            return class.at(key);
        }
        self.said.clear();
        let keys = &self.matrix.keys;
        let said =
            |(id, answers): &(AtomId, Arc<KeyAnswers>)| keys.said(self.world, (*id, answers), key);
        self.said.extend(class.answers.iter().map(said));
        let known = self.known.get(self.said.as_slice()).copied();
        let home = known.unwrap_or_else(|| {
            let (ids, said) = (&class.questions.ids, &self.said);
            let told = said.as_slice().into();
            let home = self.matrix.answered_home(self.world, self.home, ids, told);
            self.known.insert(said.as_slice().into(), home);
            home
        });
        match class.asks_alias {
            true => self.matrix.aliased_home(self.world, home, key),
            false => home,
        }
    }
}

/// How keys of one side look at callers.
pub(super) struct OwnerClass {
    questions: Questions,
    named: FxHashSet<CallerIx>,
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
    /// How callers of a side look at keys.
    pub(super) fn home_class(&self, world: &World<'_>, home: HomeIx) -> Arc<HomeClass> {
        self.home_classes.get(home, |_| Arc::new(self.class_of_home(world, home)))
    }

    fn class_of_home(&self, world: &World<'_>, home: HomeIx) -> HomeClass {
        let side = self.home_sides.get(home);
        let questions = Questions::of(world, side.masked(), Kinds::KEY);
        let asks_alias = side.masked().any(|masked| world.has(masked, Kinds::ALIAS));
        let answers = questions.ids.iter().map(|id| (*id, self.keys.answers(world, *id)));
        let answers: Vec<(AtomId, Arc<KeyAnswers>)> = answers.collect();
        if asks_alias || questions.ids.is_empty() || !questions.personal.is_empty() {
            let (usual, touched) = (home, Vec::new());
            return HomeClass { questions, asks_alias, answers, usual, touched };
        }
        let most = |(_, answers): &(AtomId, Arc<KeyAnswers>)| {
            Formula::constant(matches!(**answers, KeyAnswers::All))
        };
        let of_most: Vec<Formula> = answers.iter().map(most).collect();
        let usual = self.answered_home(world, home, &questions.ids, of_most.into());
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
            (key, self.answered_home(world, home, &questions.ids, said.into()))
        };
        let touched = touched.into_iter().map(at).collect();
        HomeClass { questions, asks_alias, answers, usual, touched }
    }

    /// A caller's side with the aliases of a key that its policies tell apart, and from none.
    pub(super) fn aliased_home(&self, world: &World<'_>, home: HomeIx, key: KeyIx) -> HomeIx {
        let tests = self.alias_tests.get(home, |_| self.alias_tests(world, home));
        let key = self.keys.keys.get(key as usize).filter(|key| key.aliases_listed);
        let Some(key) = key.filter(|_| !tests.is_empty()) else { return home };
        let said = |alias: Option<&str>| -> Vec<bool> {
            let value = alias.map(|alias| ContextValue::One(alias.into()));
            tests.iter().map(|test| test.holds(value.as_ref(), &|_| None)).collect()
        };
        let mut heard = vec![said(None)];
        let mut aliases: Vec<Box<str>> = Vec::new();
        for alias in &key.aliases {
            let name = alias.name();
            // Where a variable stands, an alias is like no other.
            let is_variable =
                tests.iter().any(|test| !test.is_fixed() || *test.key != *REQUEST_ALIAS);
            let said = said(Some(name));
            if is_variable || !heard.contains(&said) {
                heard.push(said);
                aliases.push(name.into());
            }
        }
        self.aliased_homes.get((home, aliases.into()), |(_, aliases)| {
            self.home_sides.intern(self.home_sides.get(home).with_aliases(aliases))
        })
    }

    /// The tests of a side that ask for the alias.
    fn alias_tests(&self, world: &World<'_>, home: HomeIx) -> Arc<[Test]> {
        let mut tests = Vec::new();
        let pieces = self.home_sides.get(home).masked().flat_map(Masked::pieces);
        let asking = pieces.map(|(_, formula)| *formula);
        let asking = asking.filter(|formula| world.formulas.kinds(*formula).has(Kinds::ALIAS));
        world.formulas.each_atom_of(asking, &mut |_, atom| match atom {
            Atom::Request(test)
                if *test.key == *REQUEST_ALIAS
                    || test.variables().any(|it| it == REQUEST_ALIAS) =>
            {
                tests.push(test.clone());
            }
            _ => {}
        });
        tests.sort_unstable();
        tests.into()
    }

    fn answered_home(
        &self,
        world: &World<'_>,
        home: HomeIx,
        ids: &[AtomId],
        answers: Box<[Formula]>,
    ) -> HomeIx {
        self.answered_homes.get((home, answers), |(_, answers)| {
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
        let class = self.home_class(world, home);
        if !class.asks_every_key() {
            return class.at(key);
        }
        let told = self.told_home(world, home, &class, self.said(world, &class.answers, key));
        match class.asks_alias {
            true => self.aliased_home(world, told, key),
            false => told,
        }
    }

    /// What a key says to some questions, in their order.
    pub(super) fn said(
        &self,
        world: &World<'_>,
        questions: &[(AtomId, Arc<KeyAnswers>)],
        key: KeyIx,
    ) -> Box<[Formula]> {
        let said =
            |(id, answers): &(AtomId, Arc<KeyAnswers>)| self.keys.said(world, (*id, answers), key);
        questions.iter().map(said).collect()
    }

    /// The side of callers of a class once a key has said this to its questions.
    pub(super) fn told_home(
        &self,
        world: &World<'_>,
        home: HomeIx,
        class: &HomeClass,
        said: Box<[Formula]>,
    ) -> HomeIx {
        self.answered_home(world, home, &class.questions.ids, said)
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
            return self
                .special_owners
                .get((owner, caller), |_| self.asked_owner(world, owner, &class, group, caller));
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
}

fn put_together(ids: &[AtomId], answers: &[Formula]) -> Vec<(AtomId, Formula)> {
    ids.iter().copied().zip(answers.iter().copied()).collect()
}
