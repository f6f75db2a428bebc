//! How many cells have which verdict, class by class; nothing is expanded.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::{ActionSet, KmsAction};
use crate::decision::OpenPoint;

use super::cells::{Decided, Tally};
use super::classes::{CallerIx, Group, KeyIx};
use super::judge::Judged;
use super::library::World;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::opens::{KeyClass, KeyClasses};
use super::ways::Relation;

/// How many cells, pairs and classes a matrix has.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Cells that are always allowed.
    pub always: i64,
    /// Cells that are allowed in some requests.
    pub conditional: i64,
    /// Cells nobody can decide.
    pub unknown: i64,
    /// Cells of the export's own users, roles and roots and its keys that are never allowed.
    pub never: i64,
    /// Pairs of a principal and a key with some cell that is not never.
    pub pairs: i64,
    /// Pairs that were looked at.
    pub candidates: i64,
    /// Classes of callers, and of keys.
    pub classes: (usize, usize),
}

impl Counts {
    fn plus(mut self, other: Self) -> Self {
        self.always += other.always;
        self.conditional += other.conditional;
        self.unknown += other.unknown;
        self.never += other.never;
        self.pairs += other.pairs;
        self.candidates += other.candidates;
        self
    }

    fn reaching(&self) -> i64 {
        self.always + self.conditional + self.unknown
    }

    fn add(&mut self, tally: Tally, wanted: ActionSet, times: i64) {
        let count = |actions: ActionSet| actions.intersection(wanted).len() as i64 * times;
        self.always += count(tally.always);
        self.conditional += count(tally.conditional);
        self.unknown += count(tally.unknown);
        let some = tally.always.union(tally.conditional).union(tally.unknown);
        self.pairs += if some.intersects(wanted) { times } else { 0 };
    }
}

/// What keeps cells unknown.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Doubts {
    /// What was not exported and could change a verdict; sorted.
    pub missing: BTreeSet<String>,
    /// Points AWS leaves open that could change a verdict.
    pub open: BTreeSet<OpenPoint>,
    /// Whether a cap kept the engine from deciding.
    pub undecided: bool,
}

impl Doubts {
    fn of(judged: Judged) -> Self {
        Self { missing: judged.missing, open: judged.open, undecided: judged.undecided }
    }

    /// Both together: what holds less is added to the other, one by one.
    fn plus(mut self, mut other: Self) -> Self {
        if self.missing.len() < other.missing.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.missing.extend(other.missing);
        self.open.extend(other.open);
        self.undecided |= other.undecided;
        self
    }
}

impl Matrix<'_> {
    /// Counts the cells of these actions, those without a key included.
    pub fn counts(&self, wanted: ActionSet) -> Counts {
        let classes = self.classes();
        let mut groups: Vec<u32> = (0..self.table.groups.len() as u32).collect();
        // What takes longest is begun first.
        groups.sort_by_key(|group| {
            Reverse(self.table.groups.get(*group as usize).map(|(_, range)| range.len()))
        });
        let counted = groups.par_iter().with_max_len(1).map(|group| {
            let counts = self.counts_of_group(*group, classes, wanted);
            (counts, self.counts_of_unlisted(*group, counts, classes, wanted))
        });
        let (mut all, outside) = counted.reduce(
            || (Counts::default(), Counts::default()),
            |(all, outside), (more, also)| (all.plus(more), outside.plus(also)),
        );
        let mut homes = self.homes.clone();
        homes.sort_unstable();
        homes.dedup();
        all.classes = (homes.len(), classes.all.len());
        all.never = self.cells_of_export(wanted) - (all.reaching() - outside.reaching());
        all.never += self.cells_apart(wanted);
        all.plus(self.counts_without_key(wanted))
    }

    #[expect(clippy::iter_over_hash_type, reason = "sums do not depend on the order")]
    fn counts_of_group(&self, group: u32, classes: &KeyClasses, wanted: ActionSet) -> Counts {
        let mut counts = Counts::default();
        let Some((name, range)) = self.table.groups.get(group as usize) else {
            return counts;
        };
        if let Group::Alone(..) | Group::Anyone = name {
            return self.counts_of_one(range.start, *name, classes, wanted);
        }
        let world = self.world();
        let mut homes: FxHashMap<HomeIx, i64> = FxHashMap::default();
        for caller in range.clone() {
            if let Some(home) = self.homes.get(caller as usize) {
                *homes.entry(*home).or_default() += 1;
            }
        }
        // Keys whose side is the same towards most callers of the group count together.
        let mut usual: FxHashMap<(OwnerIx, Relation), i64> = FxHashMap::default();
        let mut towards: Vec<(KeyIx, OwnerIx, Relation)> = Vec::new();
        for class in classes.towards(*name) {
            counts.candidates += class.keys.len() as i64 * range.len() as i64;
            let owner_class = self.owner_class(&world, class.owner);
            if self.asks_everyone(&owner_class, range.start) {
                self.count_each(&world, class, range.clone(), wanted, &mut counts);
                continue;
            }
            let special = |caller: &CallerIx| self.is_special(&owner_class, *caller);
            let Some(most) = range.clone().find(|caller| !special(caller)) else {
                self.count_each(&world, class, range.clone(), wanted, &mut counts);
                continue;
            };
            let relation = self.relation(most, class);
            let owner = self.owner_at(&world, class.owner, most);
            if self.is_open(owner) {
                *usual.entry((owner, relation)).or_default() += class.keys.len() as i64;
                towards.extend(class.keys.iter().map(|key| (*key, owner, relation)));
            }
            let named = Self::named(&owner_class).filter(|caller| range.contains(caller));
            let mut others: Vec<CallerIx> = named.collect();
            others.extend(range.clone().filter(|caller| self.is_root(*caller)));
            others.sort_unstable();
            others.dedup();
            for caller in others {
                self.count_special(&world, class, caller, (owner, relation), wanted, &mut counts);
            }
        }
        towards.sort_unstable_by_key(|(key, ..)| *key);
        for (home, callers) in homes {
            self.count_usual(&world, (home, callers), &usual, &towards, wanted, &mut counts);
        }
        counts
    }

    /// Most callers of a group, which the keys do not tell apart.
    #[expect(clippy::iter_over_hash_type, reason = "sums do not depend on the order")]
    fn count_usual(
        &self,
        world: &World<'_>,
        (home, callers): (HomeIx, i64),
        usual: &FxHashMap<(OwnerIx, Relation), i64>,
        towards: &[(KeyIx, OwnerIx, Relation)],
        wanted: ActionSet,
        counts: &mut Counts,
    ) {
        let mut gaze = self.gaze(world, home);
        let mut classes: FxHashMap<(HomeIx, OwnerIx, Relation), i64> = FxHashMap::default();
        if gaze.class.asks_every_key() {
            for (key, owner, relation) in towards {
                *classes.entry((gaze.at(*key), *owner, *relation)).or_default() += 1;
            }
        } else {
            for ((owner, relation), keys) in usual {
                classes.insert((gaze.class.usual, *owner, *relation), *keys);
            }
            for (key, home) in &gaze.class.touched {
                if let Ok(at) = towards.binary_search_by_key(key, |(key, ..)| *key)
                    && let Some((_, owner, relation)) = towards.get(at)
                {
                    *classes.entry((gaze.class.usual, *owner, *relation)).or_default() -= 1;
                    *classes.entry((*home, *owner, *relation)).or_default() += 1;
                }
            }
        }
        for ((home, owner, relation), keys) in classes.into_iter().filter(|(_, keys)| *keys > 0) {
            counts.add(self.tally(home, owner, relation), wanted, callers * keys);
        }
    }

    /// A caller whom a key names: what is counted of it as one of most is taken back.
    fn count_special(
        &self,
        world: &World<'_>,
        class: &KeyClass,
        caller: CallerIx,
        (usual, relation): (OwnerIx, Relation),
        wanted: ActionSet,
        counts: &mut Counts,
    ) {
        let Some(home) = self.homes.get(caller as usize) else { return };
        let mut gaze = self.gaze(world, *home);
        let owner = self.owner_at(world, class.owner, caller);
        let was_counted = self.is_open(usual);
        for key in &class.keys {
            let home = gaze.at(*key);
            counts.add(self.tally(home, owner, relation), wanted, 1);
            if was_counted {
                counts.add(self.tally(home, usual, relation), wanted, -1);
            }
        }
    }

    /// Callers of a group that all answer for themselves.
    #[expect(clippy::iter_over_hash_type, reason = "sums do not depend on the order")]
    fn count_each(
        &self,
        world: &World<'_>,
        class: &KeyClass,
        callers: std::ops::Range<u32>,
        wanted: ActionSet,
        counts: &mut Counts,
    ) {
        let mut alike: FxHashMap<(HomeIx, OwnerIx, Relation), i64> = FxHashMap::default();
        let mut owners = self.regard(world, class.owner, callers.start);
        for caller in callers {
            let Some(home) = self.homes.get(caller as usize) else { continue };
            let owner = owners.at(caller);
            if self.is_open(owner) {
                *alike.entry((*home, owner, self.relation(caller, class))).or_default() += 1;
            }
        }
        for ((home, owner, relation), callers) in alike {
            let mut gaze = self.gaze(world, home);
            for key in &class.keys {
                counts.add(self.tally(gaze.at(*key), owner, relation), wanted, callers);
            }
        }
    }

    /// Whether a key's side opens any way.
    pub(super) fn is_open(&self, owner: OwnerIx) -> bool {
        let opening = self.owner_side(owner).opening();
        opening.into_iter().any(|masked| !masked.is_never())
    }

    fn relation(&self, caller: CallerIx, class: &KeyClass) -> Relation {
        let subject = self.table.subjects.get(caller as usize);
        let key = class.keys.first().and_then(|key| self.keys.keys.get(*key as usize));
        match subject.zip(key) {
            Some((subject, key)) => Relation::of(&subject.caller, &key.arn),
            None => Relation::Own,
        }
    }

    pub(super) fn is_root(&self, caller: CallerIx) -> bool {
        use crate::decision::CallerKind;
        let subject = self.table.subjects.get(caller as usize);
        subject.is_some_and(|subject| subject.caller.kind == CallerKind::Root)
    }

    /// What of the `counts` of a group is of callers that are no users, roles and roots of the export.
    fn counts_of_unlisted(
        &self,
        group: u32,
        counts: Counts,
        classes: &KeyClasses,
        wanted: ActionSet,
    ) -> Counts {
        let Some((group, range)) = self.table.groups.get(group as usize) else {
            return Counts::default();
        };
        if let Group::Alone(..) | Group::Anyone = group {
            return counts;
        }
        let sessions = self.table.sessions().filter(|caller| range.contains(caller));
        let of = |caller| self.counts_of_one(caller, *group, classes, wanted);
        sessions.map(of).fold(Counts::default(), Counts::plus)
    }

    /// One caller, key by key.
    fn counts_of_one(
        &self,
        caller: CallerIx,
        group: Group,
        classes: &KeyClasses,
        wanted: ActionSet,
    ) -> Counts {
        let mut counts = Counts::default();
        let Some(home) = self.homes.get(caller as usize) else { return counts };
        let world = self.world();
        let mut gaze = self.gaze(&world, *home);
        for class in classes.towards(group) {
            let relation = self.relation(caller, class);
            let owner = self.owner_at(&world, class.owner, caller);
            for key in &class.keys {
                counts.candidates += 1;
                let owner = self.with_unlisted(&world, owner, caller, *key);
                counts.add(self.tally(gaze.at(*key), owner, relation), wanted, 1);
            }
        }
        counts
    }

    /// How many cells the export's own users, roles and roots have with its keys.
    fn cells_of_export(&self, wanted: ActionSet) -> i64 {
        let rows = (0..self.rows().len()).filter(|row| self.is_listed(*row)).count() as i64;
        let of_key =
            |owner: &OwnerIx| self.owner_side(*owner).possible.intersection(wanted).len() as i64;
        let cells: i64 = self.owners.iter().map(of_key).sum();
        rows * cells
    }

    /// How many cells of others outside are told though they are never.
    fn cells_apart(&self, wanted: ActionSet) -> i64 {
        let rows = self.wide.rows.iter();
        let open: FxHashMap<usize, Vec<usize>> =
            rows.map(|wide| (*wide, self.open_keys(*wide, wanted))).collect();
        if open.values().all(Vec::is_empty) {
            return 0;
        }
        let of_row = |row: usize| -> i64 {
            let wider = self.wide.wider(row).iter().filter_map(|wide| open.get(wide));
            let keys: BTreeSet<usize> = wider.flatten().copied().collect();
            let told = keys.into_iter().map(|key| self.denied_apart(row, key));
            told.map(|told| told.intersection(wanted).len() as i64).sum()
        };
        let apart = (0..self.rows().len()).into_par_iter().filter(|row| self.is_apart(*row));
        apart.map(of_row).sum()
    }

    fn counts_without_key(&self, wanted: ActionSet) -> Counts {
        let keyless: ActionSet =
            KmsAction::all().filter(|action| !action.info().has_key_resource).collect();
        if !keyless.intersects(wanted) {
            return Counts::default();
        }
        let of_row = |row: usize| {
            let mut counts = Counts::default();
            let Some(caller) = self.caller(row) else { return counts };
            let tally = self.star_tally(caller);
            counts.add(tally, wanted, 1);
            if self.is_listed(row) {
                let cells = tally.possible.intersection(wanted).len() as i64;
                counts.never = cells - counts.reaching();
            }
            counts
        };
        let rows = (0..self.rows().len()).into_par_iter().map(of_row);
        rows.reduce(Counts::default, Counts::plus)
    }

    /// What keeps cells of these actions unknown, of all classes that were counted.
    pub fn doubts(&self, wanted: ActionSet) -> Doubts {
        let of_class = |((home, owner, relation), unknown)| {
            let (home, owner) = (self.home_side(home), self.owner_side(owner));
            self.deciding(home, owner, relation, unknown)
        };
        let of_classes = self.unknown(wanted).into_par_iter().flat_map_iter(of_class);
        let of_caller = |caller: CallerIx| {
            let unknown = self.star_tally(caller).unknown;
            self.star_deciding(caller, unknown.intersection(wanted))
        };
        let callers = (0..self.table.subjects.len() as u32).into_par_iter();
        let without_key = callers.flat_map_iter(of_caller);
        let deciding: FxHashSet<Decided> = of_classes.chain(without_key).collect();
        let deciding: Vec<Decided> = deciding.into_iter().collect();
        let doubts = deciding.into_par_iter().map(|it| Doubts::of(self.judged(it)));
        doubts.reduce(Doubts::default, Doubts::plus)
    }
}
