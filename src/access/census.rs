//! Who holds what on a key, group by group: what rules ask. Made of the classes of the matrix, without
//! witnesses, and once for all keys of a class.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::{AccountId, ActionSet, KeyArn};
use crate::decision::{Caller, Crowd, Fates, Holders, Holding};
use crate::inventory::Key;

use super::Access;
use super::asked::Asked;
use super::classes::{CallerIx, Group, KeyIx};
use super::home::Home;
use super::interner::Interner;
use super::library::World;
use super::look::HomeClass;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::memo::Memo;
use super::opens::{KeyClass, Opens};
use super::owner::Owner;
use super::subject::Subject;
use super::ways::Relation;

/// The answers to questions about groups of callers. Costs the compiling of all policies; the rest is
/// made when it is first asked for.
pub struct Census<'a> {
    pub(super) matrix: Matrix<'a>,
    /// Every caller, by number: those of the matrix, and root users that it has no row for.
    callers: Arc<[Caller]>,
    /// The latter, by account.
    roots: BTreeMap<AccountId, CallerIx>,
    /// The groups of the table by account; those of services by none.
    groups: FxHashMap<Option<AccountId>, Vec<u32>>,
    /// The callers of each group by their sides.
    lists: Memo<u32, Arc<[List]>>,
    columns: Memo<(OwnerIx, AccountId), Arc<Column>>,
    /// Which class of keys each key is of.
    key_classes: OnceLock<Vec<usize>>,
    /// The sides of principals whose own account was not exported, as far as is told.
    plain: Memo<CallerIx, Arc<Home>>,
    pub(super) held: Memo<Sides, u32>,
    pub(super) holdings: Interner<Holding>,
    pub(super) weighed: Memo<(HomeIx, OwnerIx, OwnerIx), Fates>,
    pub(super) given: Memo<super::holding::Giving, OwnerIx>,
}

/// Both sides of a caller and a key.
pub(super) type Sides = (HomeIx, OwnerIx, Relation);

/// Callers of one group and one side, in order.
type List = (HomeIx, Arc<[CallerIx]>);

/// The groups of callers that the keys of one class tell apart.
pub(super) struct Column {
    pub(super) entries: Vec<Entry>,
    /// Principals that the keys name and whose accounts were not exported: each for itself.
    outsiders: Vec<CallerIx>,
}

/// Callers that share both sides towards every key of a class.
pub(super) struct Entry {
    home: HomeIx,
    look: Arc<HomeClass>,
    pub(super) owner: OwnerIx,
    relation: Relation,
    /// Whether they are of the keys' own account.
    pub(super) is_own: bool,
    pub(super) first: CallerIx,
    pub(super) who: Crowd,
    these: Arc<[CallerIx]>,
    others: Arc<[CallerIx]>,
}

impl Entry {
    /// The numbers of its callers.
    pub(super) fn numbers(&self) -> impl Iterator<Item = CallerIx> + '_ {
        let left = |caller: &CallerIx| self.others.binary_search(caller).is_err();
        self.these.iter().copied().filter(left)
    }
}

impl<'a> Census<'a> {
    /// Of a world.
    pub fn new(access: &'a Access<'a>) -> Self {
        let matrix = Matrix::new(access);
        let subjects = &matrix.table.subjects;
        let mut callers: Vec<Caller> =
            subjects.iter().map(|subject| subject.caller.clone()).collect();
        let mut roots = BTreeMap::new();
        for root in unlisted_roots(&matrix) {
            if let Some(account) = root.account {
                roots.entry(account).or_insert_with(|| {
                    callers.push(root);
                    callers.len() as CallerIx - 1
                });
            }
        }
        let mut groups: FxHashMap<Option<AccountId>, Vec<u32>> = FxHashMap::default();
        for (number, (group, _)) in (0_u32..).zip(&matrix.table.groups) {
            let account = match group {
                Group::Account(account) => Some(*account),
                Group::Alone(_, account) => *account,
                Group::Anyone => continue,
            };
            groups.entry(account).or_default().push(number);
        }
        Self {
            callers: callers.into(),
            roots,
            groups,
            lists: Memo::new(),
            columns: Memo::new(),
            key_classes: OnceLock::new(),
            plain: Memo::new(),
            held: Memo::new(),
            holdings: Interner::new(),
            weighed: Memo::new(),
            given: Memo::new(),
            matrix,
        }
    }

    /// Groups of callers that share every answer on a key, with what they hold of `wanted`; everyone of
    /// its account is in one, others are where they might hold some of it. In order of the first of each.
    pub fn holders(&self, arn: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        let Some(key) = self.key(arn) else {
            return Vec::new();
        };
        let world = self.matrix.world();
        let column = self.column(&world, key);
        let mut found = Vec::new();
        for entry in &column.entries {
            found.push((entry.is_own, entry.who.clone(), self.towards(&world, entry, key)));
        }
        for (caller, sides) in self.outsiders(&world, &column, key) {
            let is_own = caller.account == Some(arn.account());
            found.push((is_own, Crowd::one(caller), sides));
        }
        self.sorted(found, wanted)
    }

    /// The same once the key is `edited`: its policy, its grants or its tags.
    pub fn holders_after(&self, edited: &Key, wanted: ActionSet) -> Vec<Holders> {
        let Some(number) = self.key(&edited.arn) else {
            return Vec::new();
        };
        let world = self.matrix.world();
        let matrix = &self.matrix;
        let owner = matrix.owner_sides.intern(Owner::of(&world, edited));
        let account = edited.arn.account();
        let column = self.columns.get((owner, account), |_| {
            let unlisted = world.gaps.key_part(&edited.arn, "grants").is_some();
            let opens = matrix.opens(&world, owner);
            let keys = vec![number];
            Arc::new(self.made(&world, &KeyClass { owner, account, keys, opens, unlisted }))
        });
        let was = matrix.keys.keys.get(number as usize).map(|key| &key.tags);
        let is_retagged = was.is_some_and(|was| *was != edited.tags);
        let mut found = Vec::new();
        for entry in &column.entries {
            let (mut home, owner, relation) = self.towards(&world, entry, number);
            if is_retagged && let Some(subject) = self.subject(&world, entry.first) {
                home = self.settled_home(&world, matrix.home_side(entry.home), edited, &subject);
            }
            found.push((entry.is_own, entry.who.clone(), (home, owner, relation)));
        }
        for caller in &column.outsiders {
            let sides = self.sides_of_outsider(&world, *caller, (edited, number), owner);
            if let Some((sides, caller)) = sides.zip(self.callers.get(*caller as usize)) {
                let is_own = caller.account == Some(account);
                found.push((is_own, Crowd::one(caller.clone()), sides));
            }
        }
        self.sorted(found, wanted)
    }

    /// What these hold, those of other accounts who hold nothing left out; in order.
    fn sorted(&self, all: Vec<(bool, Crowd, Sides)>, wanted: ActionSet) -> Vec<Holders> {
        let held = all.into_iter().filter_map(|(is_own, who, sides)| {
            let holds = self.held(sides).within(wanted);
            (is_own || !holds.possible.is_empty()).then_some(Holders { who, holds })
        });
        let mut held: Vec<Holders> = held.collect();
        held.sort_by(|one, other| one.who.first().cmp(other.who.first()));
        held
    }

    /// What a caller holds of `wanted`; nothing where the matrix has no row for the two.
    pub fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Option<Holding> {
        let world = self.matrix.world();
        let (caller, key) = (self.caller(caller)?, self.key(key)?);
        Some(self.held(self.sides(&world, caller, key)?).within(wanted))
    }

    /// The number of a key.
    pub(super) fn key(&self, arn: &KeyArn) -> Option<KeyIx> {
        self.matrix.keys.find(arn.as_str())
    }

    /// The number of a caller, stand-ins for strangers left out.
    pub(super) fn caller(&self, caller: &Caller) -> Option<CallerIx> {
        let root = || {
            let number = caller.account.and_then(|account| self.roots.get(&account)).copied()?;
            (self.callers.get(number as usize) == Some(caller)).then_some(number)
        };
        let Some(number) = self.matrix.table.find(&caller.text) else {
            return root();
        };
        let subject = self.matrix.table.subjects.get(number as usize)?;
        let is_it = subject.caller == *caller && !is_stand_in(subject);
        is_it.then_some(number)
    }

    /// Whether the tables of the matrix do not tell what is told of a caller: its account was not exported.
    pub(super) fn is_outsider(&self, caller: CallerIx) -> bool {
        let subject = self.matrix.table.subjects.get(caller as usize);
        subject.is_none_or(|subject| subject.stranger.is_some())
    }

    /// What is told of a caller.
    pub(super) fn subject<'w>(&self, world: &World<'w>, caller: CallerIx) -> Option<Subject<'w>> {
        Some(Subject::of(world.inventory, self.callers.get(caller as usize)?.clone()))
    }

    /// Both sides of a caller and a key.
    pub(super) fn sides(&self, world: &World<'_>, caller: CallerIx, key: KeyIx) -> Option<Sides> {
        let owner = *self.matrix.owners.get(key as usize)?;
        if self.is_outsider(caller) {
            let asked = *self.matrix.keys.keys.get(key as usize)?;
            return self.sides_of_outsider(world, caller, (asked, key), owner);
        }
        let subject = self.matrix.table.subjects.get(caller as usize)?;
        let home = *self.matrix.homes.get(caller as usize)?;
        let arn = &self.matrix.keys.keys.get(key as usize)?.arn;
        let relation = Relation::of(&subject.caller, arn);
        let owner = self.matrix.owner_at(world, owner, caller);
        let home = self.matrix.home_at(world, home, key);
        Some((home, self.with_gap(world, owner, key), relation))
    }

    /// Both sides of somebody whose account was not exported, who is taken for no more than is told.
    fn sides_of_outsider(
        &self,
        world: &World<'_>,
        caller: CallerIx,
        (asked, key): (&Key, KeyIx),
        owner: OwnerIx,
    ) -> Option<Sides> {
        let matrix = &self.matrix;
        let subject = self.subject(world, caller)?;
        let home = self.plain.get(caller, |_| Arc::new(Home::of(world, &subject, &[])));
        let home = self.settled_home(world, &home, asked, &subject);
        let owner = matrix
            .owner_side(owner)
            .mapped(|masked| masked.mapped(|formula| world.with_caller(formula, &subject)));
        let owner = matrix.owner_sides.intern(owner);
        let relation = Relation::of(&subject.caller, &asked.arn);
        Some((home, self.with_gap(world, owner, key), relation))
    }

    /// A caller's side towards one key.
    fn settled_home(
        &self,
        world: &World<'_>,
        home: &Home,
        key: &Key,
        subject: &Subject<'_>,
    ) -> HomeIx {
        let asked = Asked::Key(key);
        let settled = |formula| world.with_caller(world.with_key(formula, asked), subject);
        self.matrix.home_sides.intern(home.mapped(|masked| masked.mapped(settled)))
    }

    /// The sides of an entry towards one key of its class.
    pub(super) fn towards(&self, world: &World<'_>, entry: &Entry, key: KeyIx) -> Sides {
        let home = match entry.look.asks_every_key() {
            true => self.matrix.home_at(world, entry.home, key),
            false => entry.look.at(key),
        };
        (home, self.with_gap(world, entry.owner, key), entry.relation)
    }

    /// A key whose grants were not exported: they could name whoever asks.
    pub(super) fn with_gap(&self, world: &World<'_>, owner: OwnerIx, key: KeyIx) -> OwnerIx {
        let key = self.matrix.keys.keys.get(key as usize);
        let gap = key.and_then(|key| world.gaps.key_part(&key.arn, "grants"));
        gap.map_or(owner, |what| {
            let side = self.matrix.owner_side(owner).clone().with_unlisted_grants(world, &what);
            self.matrix.owner_sides.intern(side)
        })
    }

    /// The principals outside the export that a column names, with their sides.
    pub(super) fn outsiders(
        &self,
        world: &World<'_>,
        column: &Column,
        key: KeyIx,
    ) -> Vec<(Caller, Sides)> {
        let of_one = |caller: &CallerIx| {
            let sides = self.sides(world, *caller, key)?;
            Some((self.callers.get(*caller as usize)?.clone(), sides))
        };
        column.outsiders.iter().filter_map(of_one).collect()
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
        let Some(class) = class else {
            return Arc::new(Column { entries: Vec::new(), outsiders: Vec::new() });
        };
        self.columns.get((class.owner, class.account), |_| Arc::new(self.made(world, class)))
    }

    fn made(&self, world: &World<'_>, class: &KeyClass) -> Column {
        let is_opened = |account: &AccountId| {
            *account == class.account
                || match &class.opens {
                    Opens::To { accounts, .. } if !class.unlisted => accounts.contains(account),
                    _ => true,
                }
        };
        let roots = self.roots.iter().filter(|(account, _)| is_opened(account));
        let outsiders = roots.map(|(_, root)| *root).collect();
        let mut column = Column { entries: Vec::new(), outsiders };
        for number in self.groups_towards(class) {
            let Some((group, range)) = self.matrix.table.groups.get(number as usize) else {
                continue;
            };
            let first = self.matrix.table.subjects.get(range.start as usize);
            if first.is_some_and(|first| first.stranger.is_some()) {
                let is_named = first.is_some_and(|first| !is_stand_in(first));
                column.outsiders.extend(range.clone().filter(|_| is_named));
                continue;
            }
            let is_own = *group == Group::Account(class.account);
            let mut add = |home, owner, these: Arc<[CallerIx]>, others: &Arc<[CallerIx]>| {
                column.entries.extend(self.entry(
                    world,
                    class,
                    is_own,
                    (home, owner),
                    these,
                    others,
                ));
            };
            let looks = self.matrix.owner_class(world, class.owner);
            let nobody: Arc<[CallerIx]> = Arc::default();
            if self.matrix.asks_everyone(&looks, range.start) {
                for ((home, owner), these) in self.each(world, class.owner, range.clone()) {
                    add(home, owner, these, &nobody);
                }
                continue;
            }
            let special = range.clone().filter(|caller| self.matrix.is_special(&looks, *caller));
            let special: Arc<[CallerIx]> = special.collect();
            for caller in special.iter() {
                let Some(home) = self.matrix.homes.get(*caller as usize) else { continue };
                let owner = self.matrix.owner_at(world, class.owner, *caller);
                add(*home, owner, [*caller].into(), &nobody);
            }
            let is_usual = |caller: &CallerIx| special.binary_search(caller).is_err();
            let Some(usual) = range.clone().find(is_usual) else { continue };
            let owner = self.matrix.owner_at(world, class.owner, usual);
            for (home, these) in self.lists_of(number).iter() {
                add(*home, owner, Arc::clone(these), &special);
            }
        }
        column
    }

    /// An entry; nothing for callers of other accounts to whom nothing is open.
    fn entry(
        &self,
        world: &World<'_>,
        class: &KeyClass,
        is_own: bool,
        (home, owner): (HomeIx, OwnerIx),
        these: Arc<[CallerIx]>,
        others: &Arc<[CallerIx]>,
    ) -> Option<Entry> {
        if !is_own && !class.unlisted && !self.matrix.is_open(owner) {
            return None;
        }
        let first = *these.iter().find(|caller| others.binary_search(caller).is_err())?;
        let others = Arc::clone(others);
        let who = Crowd::new(Arc::clone(&self.callers), Arc::clone(&these), Arc::clone(&others))?;
        let key = self.matrix.keys.keys.get(*class.keys.first()? as usize)?;
        let relation = Relation::of(who.first(), &key.arn);
        let look = self.matrix.home_class(world, home);
        Some(Entry { home, look, owner, relation, is_own, first, who, these, others })
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

    /// These callers together.
    pub(super) fn crowd(&self, these: &[CallerIx]) -> Option<Crowd> {
        Crowd::new(Arc::clone(&self.callers), these.into(), Arc::default())
    }

    /// The callers of a group by their own sides.
    fn lists_of(&self, group: u32) -> Arc<[List]> {
        self.lists.get(group, |_| {
            let groups = &self.matrix.table.groups;
            let range = groups.get(group as usize).map_or(0..0, |(_, range)| range.clone());
            listed(range.filter_map(|it| Some((*self.matrix.homes.get(it as usize)?, it))))
        })
    }

    /// Callers that all answer for themselves, by both sides.
    fn each(
        &self,
        world: &World<'_>,
        owner: OwnerIx,
        range: std::ops::Range<CallerIx>,
    ) -> Vec<((HomeIx, OwnerIx), Arc<[CallerIx]>)> {
        let mut regard = self.matrix.regard(world, owner, range.start);
        let sides = range.filter_map(|caller| {
            let home = *self.matrix.homes.get(caller as usize)?;
            Some(((home, regard.at(caller)), caller))
        });
        listed(sides).to_vec()
    }
}

/// Callers put together by what they have in common, in order of the first of each.
fn listed<T: Copy + Eq + std::hash::Hash>(
    callers: impl Iterator<Item = (T, CallerIx)>,
) -> Arc<[(T, Arc<[CallerIx]>)]> {
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
    lists.into_iter().map(|(side, list)| (side, list.into())).collect()
}

/// The root users that keys may mean and the matrix has no row for: those of accounts whose principals were
/// not exported.
fn unlisted_roots(matrix: &Matrix<'_>) -> Vec<Caller> {
    let owners = matrix.keys.keys.iter().map(|key| (key.arn.partition(), key.arn.account()));
    let known = matrix.access.inventory().accounts.keys().map(|account| ("aws", *account));
    let subjects = matrix.table.subjects.iter().map(|subject| &subject.caller);
    let named = subjects.filter_map(|caller| Some((caller.partition(), caller.account?)));
    let mut roots: Vec<Caller> = Vec::new();
    let mut seen = FxHashSet::default();
    for (partition, account) in owners.chain(known).chain(named) {
        if seen.insert(account) {
            let root = Caller::parse(&format!("arn:{partition}:iam::{account}:root"));
            roots.extend(root.filter(|root| matrix.table.find(&root.text).is_none()));
        }
    }
    roots
}

/// Whether it stands for principals that nobody names.
fn is_stand_in(subject: &Subject<'_>) -> bool {
    subject.stranger.as_ref().is_some_and(|stranger| !stranger.named)
}
