//! Who holds what on a key, group by group: what rules ask. Made of the classes of the matrix, without
//! witnesses. What keys say alike to most callers of an account is made once for all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::{Caller, Crowd, Fates, Holders, Holding, Standing};
use crate::inventory::Key;

use super::Access;
use super::asked::Asked;
use super::classes::{CallerIx, Group, KeyIx};
use super::crowds::{Column, Entry, People, Row, RowOf, Towards, is_stand_in};
use super::formula::Formula;
use super::home::Home;
use super::library::World;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::opens::KeyClass;
use super::owner::Owner;
use super::speech::{Heard, Said, Speech};
use super::subject::Subject;
use super::ways::Relation;
use crate::kept::Interner;
use crate::kept::Memo;

/// The answers to questions about groups of callers. Costs the compiling of all policies; the rest is
/// made when it is first asked for.
pub struct Census<'a> {
    pub(super) matrix: Matrix<'a>,
    /// Every caller, by number: those of the matrix, and root users that it has no row for.
    pub(super) callers: Arc<[Caller]>,
    /// Where each stands in their order.
    ranks: Vec<u32>,
    /// The latter, by account.
    pub(super) roots: BTreeMap<AccountId, CallerIx>,
    /// The groups of the table by account; those of services by none.
    pub(super) groups: FxHashMap<Option<AccountId>, Vec<u32>>,
    pub(super) people: Memo<u32, Arc<People>>,
    pub(super) rows: Memo<RowOf, Arc<Row>>,
    pub(super) towards_keys: Memo<(u32, Box<[Formula]>), Arc<Towards>>,
    pub(super) columns: Memo<(OwnerIx, AccountId), Arc<Column>>,
    /// Which class of keys each key is of.
    pub(super) key_classes: OnceLock<Vec<usize>>,
    /// The sides of principals whose own account was not exported, as far as is told.
    plain: Memo<CallerIx, Arc<Home>>,
    /// Their sides and those of keys towards them.
    sided: Memo<(CallerIx, KeyIx), Option<Sides>>,
    pub(super) opened: Memo<(HomeIx, OwnerIx), ActionSet>,
    pub(super) offered: Memo<Sides, ActionSet>,
    held: Memo<Sides, u32>,
    /// When the two sides of a pair allow one action.
    pub(super) allowed: Memo<(Sides, KmsAction), Formula>,
    /// The verdicts on formulas, by what these can notice of the frame.
    pub(super) standing: Memo<(Formula, u32), Standing>,
    pub(super) holdings: Interner<Holding>,
    /// What statements of callers' own policies say to them, whatever the key.
    pub(super) said: Memo<Speech, Option<Arc<Said>>>,
    /// What is left of them for keys that say this to their questions.
    pub(super) heard: Memo<(Speech, Box<[Formula]>), Heard>,
    pub(super) weighed: Memo<(HomeIx, OwnerIx, OwnerIx), Fates>,
    /// Sides that consist of one statement, by the key.
    pub(super) stated: Memo<(KeyIx, usize), OwnerIx>,
    pub(super) given: Memo<super::gifts::Giving, OwnerIx>,
}

/// A key as it is after an edit.
pub(super) struct Edited<'k> {
    key: &'k Key,
    pub(super) number: KeyIx,
    /// Whether its tags and aliases are what they were.
    is_alike: bool,
    /// Its side.
    owner: OwnerIx,
}

/// Both sides of a caller and a key.
pub(super) type Sides = (HomeIx, OwnerIx, Relation);

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
            ranks: ranks(&callers),
            callers: callers.into(),
            roots,
            groups,
            people: Memo::new(),
            rows: Memo::new(),
            towards_keys: Memo::new(),
            columns: Memo::new(),
            key_classes: OnceLock::new(),
            plain: Memo::new(),
            sided: Memo::new(),
            opened: Memo::new(),
            offered: Memo::new(),
            held: Memo::new(),
            allowed: Memo::new(),
            standing: Memo::new(),
            holdings: Interner::new(),
            said: Memo::new(),
            heard: Memo::new(),
            weighed: Memo::new(),
            stated: Memo::new(),
            given: Memo::new(),
            matrix,
        }
    }

    /// Groups of callers that share every answer on a key and might hold some of `wanted`, with what they
    /// hold of it; in order of the first of each.
    pub fn holders(&self, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        let Some(key) = self.key(key) else {
            return Vec::new();
        };
        let world = self.matrix.world();
        let column = self.column(&world, key);
        let mut found = self.holding_crowds(&world, &column, key, wanted);
        self.put_outsiders(&mut found, self.outsiders(&world, &column, key), wanted);
        found.sort_by_key(|group| self.rank(&group.who));
        found
    }

    /// The same once the key is `edited`: its policy, its grants, its tags or its aliases.
    pub fn holders_after(&self, edited: &Key, wanted: ActionSet) -> Vec<Holders> {
        let world = self.matrix.world();
        let Some(after) = self.edited(&world, edited) else {
            return Vec::new();
        };
        let Edited { key, number, is_alike, owner } = after;
        let account = key.arn.account();
        let column = self.columns.get((owner, account), |_| {
            let unlisted = world.gaps.key_part(&key.arn, "grants").is_some();
            let opens = self.matrix.opens(&world, owner);
            let keys = vec![number];
            Arc::new(self.made(&world, &KeyClass { owner, account, keys, opens, unlisted }))
        });
        let mut found = Vec::new();
        if is_alike {
            found = self.holding_crowds(&world, &column, number, wanted);
        } else {
            for Entry { home, owner, relation, who } in self.entries(&column) {
                let first = who.number();
                let Some(home) = self.home_towards(&world, &after, home, first) else { continue };
                let sides = (home, self.with_gap(&world, owner, number), relation);
                self.put(&mut found, sides, wanted, || Some(who));
            }
        }
        let outsiders = column.outsiders.iter().filter_map(|caller| {
            let sides = self.sides_of_outsider(&world, *caller, (key, number), owner);
            Some((*caller, sides?))
        });
        self.put_outsiders(&mut found, outsiders.collect(), wanted);
        found.sort_by_key(|group| self.rank(&group.who));
        found
    }

    /// Where the first of some callers stands among all.
    pub(super) fn rank(&self, who: &Crowd) -> u32 {
        self.ranks.get(who.number() as usize).copied().unwrap_or(u32::MAX)
    }

    /// What each of some callers would hold once the key is `edited`, in their order; nothing where the matrix
    /// has no row for the two.
    pub fn holding_after(
        &self,
        edited: &Key,
        callers: &[Caller],
        wanted: ActionSet,
    ) -> Vec<Option<Holding>> {
        let world = self.matrix.world();
        let after = self.edited(&world, edited);
        let mut homes: FxHashMap<HomeIx, HomeIx> = FxHashMap::default();
        let mut holding = |caller: &Caller| {
            let (caller, after) = (self.caller(caller)?, after.as_ref()?);
            let sides = self.sides_after(&world, after, caller, &mut homes)?;
            Some(self.held(sides).within(wanted))
        };
        callers.iter().map(&mut holding).collect()
    }

    /// A key as it is after an edit.
    pub(super) fn edited<'k>(&self, world: &World<'_>, edited: &'k Key) -> Option<Edited<'k>> {
        let number = self.key(&edited.arn)?;
        let was = *self.matrix.keys.keys.get(number as usize)?;
        let is_alike = (&was.tags, &was.aliases) == (&edited.tags, &edited.aliases);
        let owner = Owner::of(world, edited);
        let owner = if is_alike { owner } else { owner.with_aliases(world, edited) };
        let owner = self.matrix.owner_sides.intern(owner);
        Some(Edited { key: edited, number, is_alike, owner })
    }

    /// Both sides of a caller and a key after an edit. `homes` keeps those of callers towards this key.
    pub(super) fn sides_after(
        &self,
        world: &World<'_>,
        after: &Edited<'_>,
        caller: CallerIx,
        homes: &mut FxHashMap<HomeIx, HomeIx>,
    ) -> Option<Sides> {
        if self.is_outsider(caller) {
            return self.sides_of_outsider(world, caller, (after.key, after.number), after.owner);
        }
        let subject = self.matrix.table.subjects.get(caller as usize)?;
        let relation = Relation::of(&subject.caller, &after.key.arn);
        let owner = self.matrix.owner_at(world, after.owner, caller);
        let home = *self.matrix.homes.get(caller as usize)?;
        let home = match homes.get(&home) {
            Some(known) => *known,
            None => {
                let towards = self.home_towards(world, after, home, caller)?;
                homes.insert(home, towards);
                towards
            }
        };
        Some((home, self.with_gap(world, owner, after.number), relation))
    }

    /// The side of callers towards a key after an edit; one of them speaks for all.
    fn home_towards(
        &self,
        world: &World<'_>,
        after: &Edited<'_>,
        home: HomeIx,
        caller: CallerIx,
    ) -> Option<HomeIx> {
        let asks_more = || self.matrix.home_class(world, home).asks_more_than_names(world);
        if after.is_alike || !asks_more() {
            return Some(self.matrix.home_at(world, home, after.number));
        }
        let subject = self.subject(world, caller)?;
        Some(self.settled_home(world, self.matrix.home_side(home), after.key, &subject))
    }

    /// Adds those with these sides, where they might hold some of `wanted`.
    pub(super) fn put(
        &self,
        found: &mut Vec<Holders>,
        sides: Sides,
        wanted: ActionSet,
        who: impl FnOnce() -> Option<Crowd>,
    ) {
        let holds = self.held(sides).within(wanted);
        if !holds.possible.is_empty() {
            found.extend(who().map(|who| Holders { who, holds }));
        }
    }

    /// Adds principals outside the export, those of one account with the same sides as one group.
    fn put_outsiders(
        &self,
        found: &mut Vec<Holders>,
        outsiders: Vec<(CallerIx, Sides)>,
        wanted: ActionSet,
    ) {
        let mut groups: BTreeMap<(Sides, Option<AccountId>), Vec<CallerIx>> = BTreeMap::new();
        for (caller, sides) in outsiders {
            let account = self.callers.get(caller as usize).and_then(|caller| caller.account);
            groups.entry((sides, account)).or_default().push(caller);
        }
        for ((sides, _), mut callers) in groups {
            callers.sort_unstable();
            self.put(found, sides, wanted, || self.crowd(&callers));
        }
    }

    /// Numbers of these callers, equal where they share every answer on a key.
    pub fn alike(&self, key: &KeyArn, callers: &[Caller]) -> Vec<usize> {
        let world = self.matrix.world();
        let mut places: FxHashMap<Sides, usize> = FxHashMap::default();
        let mut next = 0;
        let number = |caller: &Caller| {
            let (caller, key) = (self.caller(caller), self.key(key));
            let sides = caller.zip(key).and_then(|(caller, key)| self.sides(&world, caller, key));
            let number = sides.and_then(|sides| places.get(&sides).copied()).unwrap_or(next);
            next = next.max(number + 1);
            sides.map(|sides| places.insert(sides, number));
            number
        };
        callers.iter().map(number).collect()
    }

    /// What two sides hold together.
    pub(super) fn held(&self, sides: Sides) -> Holding {
        *self.holdings.get(self.held_number(sides))
    }

    /// The number of what two sides hold together.
    pub(super) fn held_number(&self, sides: Sides) -> u32 {
        self.held.get(sides, |sides| self.holdings.intern(self.counted(*sides)))
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
            return self.sided.get((caller, key), |_| {
                let asked = *self.matrix.keys.keys.get(key as usize)?;
                self.sides_of_outsider(world, caller, (asked, key), owner)
            });
        }
        // What they are made of is kept.
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
        let subject = self.subject(world, caller)?;
        let home = self.plain.get(caller, |_| Arc::new(Home::of(world, &subject, &[])));
        Some(self.sides_of_subject(world, (&subject, &home), (asked, key), owner))
    }

    /// Both sides of somebody whom no table has.
    pub(super) fn sides_of_stranger(
        &self,
        world: &World<'_>,
        caller: &Caller,
        key: KeyIx,
    ) -> Option<Sides> {
        let asked = *self.matrix.keys.keys.get(key as usize)?;
        let owner = *self.matrix.owners.get(key as usize)?;
        let subject = Subject::of(world.inventory, caller.clone());
        let home = Home::of(world, &subject, &[]);
        Some(self.sides_of_subject(world, (&subject, &home), (asked, key), owner))
    }

    fn sides_of_subject(
        &self,
        world: &World<'_>,
        (subject, home): (&Subject<'_>, &Home),
        (asked, key): (&Key, KeyIx),
        owner: OwnerIx,
    ) -> Sides {
        let matrix = &self.matrix;
        let home = self.settled_home(world, home, asked, subject);
        let owner = matrix
            .owner_side(owner)
            .mapped(|masked| masked.mapped(|formula| world.with_caller(formula, subject)));
        let owner = matrix.owner_sides.intern(owner);
        let relation = Relation::of(&subject.caller, &asked.arn);
        (home, self.with_gap(world, owner, key), relation)
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
    ) -> Vec<(CallerIx, Sides)> {
        let of_one = |caller: &CallerIx| Some((*caller, self.sides(world, *caller, key)?));
        column.outsiders.iter().filter_map(of_one).collect()
    }
}

/// Where each of some callers stands in their order.
fn ranks(callers: &[Caller]) -> Vec<u32> {
    let mut order: Vec<(&Caller, usize)> = callers.iter().zip(0..).collect();
    order.sort_unstable();
    let mut ranks = vec![u32::MAX; callers.len()];
    for (rank, (_, number)) in (0_u32..).zip(order) {
        if let Some(place) = ranks.get_mut(number) {
            *place = rank;
        }
    }
    ranks
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
