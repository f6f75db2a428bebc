//! Which callers share every answer on a key: those of an account by their own sides, as far as the key does
//! not tell them apart by name.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Crowd, Holders, Members};

use super::census::{Census, Sides};
use super::classes::{CallerIx, Group, KeyAnswers, KeyIx};
use super::formula::{AtomId, Formula};
use super::library::World;
use super::look::HomeClass;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::opens::{KeyClass, Opens};
use super::subject::Subject;
use super::ways::Relation;

/// The callers of one group of the table.
pub(super) struct People {
    /// By their own sides, in order of the first of each.
    lists: Vec<List>,
    /// What they ask of every key beside its ARN, each once: keys that say the same have one row.
    asked: Vec<(AtomId, Arc<KeyAnswers>)>,
    /// For keys that resources of the others name: their places, with their sides towards the key.
    touched: FxHashMap<KeyIx, Vec<(usize, HomeIx)>>,
    /// The root users.
    roots: Vec<CallerIx>,
}

/// Callers of one side.
struct List {
    home: HomeIx,
    /// How they look at keys.
    look: Arc<HomeClass>,
    /// The places of their questions among those that the group asks of every key.
    asked: Option<Box<[usize]>>,
    these: Arc<Members>,
}

/// What lists of a group hold on keys that none of them names.
pub(super) struct Row {
    /// By their places, the numbers of their holdings; those aside that hold nothing, or hang on aliases.
    held: Vec<(usize, u32)>,
    towards: Arc<Towards>,
}

/// How the lists of a group look at keys that say the same to it and that none of them names.
pub(super) struct Towards {
    /// Their sides, each once.
    homes: Vec<HomeIx>,
    /// The place of each list, and that of its side.
    lists: Vec<(usize, usize)>,
    /// The sides of those who ask for the alias that a request names a key by, with the places of the lists.
    aliased: Vec<(HomeIx, Vec<usize>)>,
}

/// What a row is of: a group, the keys' side towards it, how it stands to them, and what they say to it.
pub(super) type RowOf = (u32, OwnerIx, Relation, Box<[Formula]>);

/// The groups of callers that the keys of one class tell apart.
pub(super) struct Column {
    /// Callers whom the keys do not tell apart.
    parts: Vec<Part>,
    /// Callers who answer for themselves, and those who answer alike.
    alone: Vec<Entry>,
    /// Principals that the keys name and whose accounts were not exported.
    pub(super) outsiders: Vec<CallerIx>,
}

/// Most callers of one group.
struct Part {
    people: Arc<People>,
    /// The keys' side towards them.
    owner: OwnerIx,
    relation: Relation,
    group: u32,
    /// The others, sorted.
    special: Arc<[CallerIx]>,
}

/// Callers that share both sides towards every key of a class.
#[derive(Clone)]
pub(super) struct Entry {
    /// Their own side.
    pub(super) home: HomeIx,
    /// The keys' side towards them.
    pub(super) owner: OwnerIx,
    /// How they stand to the keys.
    pub(super) relation: Relation,
    /// Who they are.
    pub(super) who: Crowd,
}

impl Census<'_> {
    /// The groups of a column that might hold some of `wanted` on one of its keys, outsiders left out.
    pub(super) fn holding_crowds(
        &self,
        world: &World<'_>,
        column: &Column,
        key: KeyIx,
        wanted: ActionSet,
    ) -> Vec<Holders> {
        let mut found = Vec::new();
        for entry in &column.alone {
            let home = self.matrix.home_at(world, entry.home, key);
            let sides = (home, self.with_gap(world, entry.owner, key), entry.relation);
            self.put(&mut found, sides, wanted, || Some(entry.who.clone()));
        }
        for part in &column.parts {
            let (people, owner) = (&*part.people, self.with_gap(world, part.owner, key));
            if !self.matrix.is_open(owner) {
                continue;
            }
            let crowd = |at: usize| {
                let these = Arc::clone(&people.lists.get(at)?.these);
                Crowd::new(these, Arc::clone(&part.special))
            };
            let touched = people.touched.get(&key).map_or(&[][..], Vec::as_slice);
            let said = self.matrix.said(world, &people.asked, key);
            let row = (part.group, owner, part.relation, said);
            let row = self.rows.get(row, |row| self.row(world, people, row));
            for (at, number) in &row.held {
                let holds = self.holdings.get(*number);
                if holds.possible.intersects(wanted)
                    && !touched.iter().any(|(other, _)| other == at)
                {
                    let holds = holds.within(wanted);
                    found.extend(crowd(*at).map(|who| Holders { who, holds }));
                }
            }
            for (at, home) in touched {
                let sides = (*home, owner, part.relation);
                self.put(&mut found, sides, wanted, || crowd(*at));
            }
            for (home, lists) in &row.towards.aliased {
                let home = self.matrix.aliased_home(world, *home, key);
                for at in lists {
                    self.put(&mut found, (home, owner, part.relation), wanted, || crowd(*at));
                }
            }
        }
        found
    }

    /// All groups of a column, holding or not, outsiders left out.
    pub(super) fn entries(&self, column: &Column) -> Vec<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        all.extend(column.alone.iter().cloned());
        for part in &column.parts {
            for list in &part.people.lists {
                let sides = (list.home, part.owner, part.relation);
                all.extend(entry(sides, &list.these, &part.special));
            }
        }
        all
    }

    /// The sides of an entry towards one key of its class.
    pub(super) fn towards(&self, world: &World<'_>, entry: &Entry, key: KeyIx) -> Sides {
        let home = self.matrix.home_at(world, entry.home, key);
        (home, self.with_gap(world, entry.owner, key), entry.relation)
    }

    /// These callers together.
    pub(super) fn crowd(&self, these: &[CallerIx]) -> Option<Crowd> {
        Crowd::new(self.members(these), Arc::default())
    }

    fn members(&self, these: &[CallerIx]) -> Arc<Members> {
        Members::new(Arc::clone(&self.callers), these.into())
    }

    /// The groups of callers for a key.
    pub(super) fn column(&self, world: &World<'_>, key: KeyIx) -> Arc<Column> {
        let classes = self.matrix.classes();
        let of_keys = self.key_classes.get_or_init(|| {
            let mut of_keys = vec![usize::MAX; self.matrix.keys.keys.len()];
            for (number, class) in classes.all.iter().enumerate() {
                for key in &class.keys {
                    if let Some(of_key) = of_keys.get_mut(*key as usize) {
                        *of_key = number;
                    }
                }
            }
            of_keys
        });
        let class = of_keys.get(key as usize).and_then(|class| classes.all.get(*class));
        match class {
            Some(class) => self
                .columns
                .get((class.owner, class.account), |_| Arc::new(self.made(world, class))),
            None => {
                let (parts, alone, outsiders) = (Vec::new(), Vec::new(), Vec::new());
                Arc::new(Column { parts, alone, outsiders })
            }
        }
    }

    /// The groups of callers for the keys of a class.
    pub(super) fn made(&self, world: &World<'_>, class: &KeyClass) -> Column {
        let roots = self.roots.iter().filter(|(account, _)| is_opened(class, **account));
        let outsiders = roots.map(|(_, root)| *root).collect();
        let mut column = Column { parts: Vec::new(), alone: Vec::new(), outsiders };
        for number in self.groups_towards(class) {
            let Some((group, range)) = self.matrix.table.groups.get(number as usize) else {
                continue;
            };
            let first = self.matrix.table.subjects.get(range.start as usize);
            match first {
                Some(first) if first.stranger.is_some() => {
                    let is_named = !is_stand_in(first);
                    column.outsiders.extend(range.clone().filter(|_| is_named));
                }
                _ => {
                    let is_own = *group == Group::Account(class.account);
                    self.add(world, class, (number, is_own), range.clone(), &mut column);
                }
            }
        }
        column
    }

    /// Adds the callers of one group to a column, those of other accounts to whom nothing is open left out.
    fn add(
        &self,
        world: &World<'_>,
        class: &KeyClass,
        (group, is_own): (u32, bool),
        range: Range<CallerIx>,
        column: &mut Column,
    ) {
        let matrix = &self.matrix;
        let key = class.keys.first().and_then(|key| matrix.keys.keys.get(*key as usize));
        let caller = self.callers.get(range.start as usize);
        let Some((key, caller)) = key.zip(caller) else { return };
        let relation = Relation::of(caller, &key.arn);
        let is_worth = |owner| is_own || class.unlisted || matrix.is_open(owner);
        let looks = matrix.owner_class(world, class.owner);
        if matrix.asks_everyone(&looks, range.start) {
            for ((home, owner), these) in self.each(world, class.owner, range) {
                if is_worth(owner) {
                    let sides = (home, owner, relation);
                    column.alone.extend(entry(sides, &self.members(&these), &Arc::default()));
                }
            }
            return;
        }
        let people = self.people(world, group);
        let named = Matrix::named(&looks).filter(|caller| range.contains(caller));
        let mut special: Vec<CallerIx> = named.chain(people.roots.iter().copied()).collect();
        special.sort_unstable();
        special.dedup();
        for caller in &special {
            let owner = matrix.owner_at(world, class.owner, *caller);
            if let Some(home) = matrix.homes.get(*caller as usize).filter(|_| is_worth(owner)) {
                let sides = (*home, owner, relation);
                let this = self.members(&[*caller]);
                column.alone.extend(entry(sides, &this, &Arc::default()));
            }
        }
        let mut usual = range.filter(|caller| special.binary_search(caller).is_err());
        let Some(usual) = usual.next() else { return };
        let owner = matrix.owner_at(world, class.owner, usual);
        if is_worth(owner) {
            let special = special.into();
            column.parts.push(Part { people, owner, relation, group, special });
        }
    }

    /// What the lists of a group hold on keys that say `said` to it, where they might hold anything.
    fn row(
        &self,
        world: &World<'_>,
        people: &People,
        (group, owner, relation, said): &RowOf,
    ) -> Arc<Row> {
        let towards =
            self.towards_keys.get((*group, said.clone()), |_| self.looking(world, people, said));
        let held = |home: &HomeIx| self.held_number((*home, *owner, *relation));
        let held: Vec<u32> = towards.homes.iter().map(held).collect();
        let of_list = |(at, place): &(usize, usize)| Some((*at, *held.get(*place)?));
        let row = towards.lists.iter().filter_map(of_list);
        let is_held = |number: u32| !self.holdings.get(number).possible.is_empty();
        let held = row.filter(|(_, number)| is_held(*number)).collect();
        Arc::new(Row { held, towards })
    }

    /// The sides of the lists of a group towards keys that say `said` to it.
    fn looking(&self, world: &World<'_>, people: &People, said: &[Formula]) -> Arc<Towards> {
        let (homes, lists) = (Vec::new(), Vec::new());
        let mut towards = Towards { homes, lists, aliased: Vec::new() };
        let mut known: FxHashMap<HomeIx, usize> = FxHashMap::default();
        for (at, list) in people.lists.iter().enumerate() {
            let home = match &list.asked {
                Some(places) => {
                    let said = places.iter().filter_map(|at| said.get(*at).copied());
                    self.matrix.told_home(world, list.home, &list.look, said.collect())
                }
                None => list.look.usual,
            };
            if list.look.asks_alias {
                match towards.aliased.iter_mut().find(|(other, _)| *other == home) {
                    Some((_, lists)) => lists.push(at),
                    None => towards.aliased.push((home, vec![at])),
                }
                continue;
            }
            let place = *known.entry(home).or_insert_with(|| {
                towards.homes.push(home);
                towards.homes.len() - 1
            });
            towards.lists.push((at, place));
        }
        Arc::new(towards)
    }

    /// The callers of a group.
    fn people(&self, world: &World<'_>, group: u32) -> Arc<People> {
        self.people.get(group, |_| {
            let groups = &self.matrix.table.groups;
            let range = groups.get(group as usize).map_or(0..0, |(_, range)| range.clone());
            let roots = range.clone().filter(|caller| self.matrix.is_root(*caller)).collect();
            let homes = range.filter_map(|it| Some((*self.matrix.homes.get(it as usize)?, it)));
            let (mut lists, mut asked) = (Vec::new(), Vec::new());
            let mut places: FxHashMap<AtomId, usize> = FxHashMap::default();
            let mut touched: FxHashMap<KeyIx, Vec<(usize, HomeIx)>> = FxHashMap::default();
            for (at, (home, these)) in listed(homes).into_iter().enumerate() {
                let look = self.matrix.home_class(world, home);
                let mut place = |(id, answers): &(AtomId, Arc<KeyAnswers>)| {
                    *places.entry(*id).or_insert_with(|| {
                        asked.push((*id, Arc::clone(answers)));
                        asked.len() - 1
                    })
                };
                let asked = look.asks_every_key();
                let asked = asked.then(|| look.answers.iter().map(&mut place).collect());
                for (key, home) in &look.touched {
                    touched.entry(*key).or_default().push((at, *home));
                }
                let these = self.members(&these);
                lists.push(List { home, look, asked, these });
            }
            Arc::new(People { lists, asked, touched, roots })
        })
    }

    /// The groups whose callers keys of a class may open to; their own account's among them.
    fn groups_towards(&self, class: &KeyClass) -> Vec<u32> {
        let of = |account: Option<AccountId>| self.groups.get(&account).into_iter().flatten();
        let own = of(Some(class.account)).copied();
        let mut all: Vec<u32> = match &class.opens {
            Opens::To { accounts, services } if !class.unlisted => {
                let of_accounts = accounts.iter().flat_map(|account| of(Some(*account)));
                let of_services = of(None).filter(|_| *services);
                own.chain(of_accounts.copied()).chain(of_services.copied()).collect()
            }
            _ => (0..self.matrix.table.groups.len() as u32).collect(),
        };
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Callers that all answer for themselves, by both sides.
    fn each(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        range: Range<CallerIx>,
    ) -> Listed<(HomeIx, OwnerIx)> {
        let mut regard = self.matrix.regard(world, owner, range.start);
        let sides = range.filter_map(|caller| {
            let home = *self.matrix.homes.get(caller as usize)?;
            Some(((home, regard.at(caller)), caller))
        });
        listed(sides)
    }
}

/// Those of some callers who are not in another group, with their sides.
fn entry(
    (home, owner, relation): Sides,
    these: &Arc<Members>,
    others: &Arc<[CallerIx]>,
) -> Option<Entry> {
    let who = Crowd::new(Arc::clone(these), Arc::clone(others))?;
    Some(Entry { home, owner, relation, who })
}

/// Whether keys of a class may open to principals of an account, its own among them.
fn is_opened(class: &KeyClass, account: AccountId) -> bool {
    let by_name = match &class.opens {
        Opens::To { accounts, .. } if !class.unlisted => accounts.contains(&account),
        _ => true,
    };
    by_name || account == class.account
}

/// Whether it stands for principals that nobody names.
pub(super) fn is_stand_in(subject: &Subject<'_>) -> bool {
    subject.stranger.as_ref().is_some_and(|stranger| !stranger.named)
}

/// Callers by what they have in common.
type Listed<T> = Vec<(T, Vec<CallerIx>)>;

/// Callers put together by what they have in common, in order of the first of each.
fn listed<T: Copy + Eq + std::hash::Hash>(
    callers: impl Iterator<Item = (T, CallerIx)>,
) -> Listed<T> {
    let mut places: FxHashMap<T, usize> = FxHashMap::default();
    let mut lists: Vec<(T, Vec<CallerIx>)> = Vec::new();
    for (side, caller) in callers {
        let next = lists.len();
        let at = *places.entry(side).or_insert(next);
        match lists.get_mut(at) {
            Some((_, list)) => list.push(caller),
            None => lists.push((side, vec![caller])),
        }
    }
    lists
}
