//! What two sides say of every action at once, without witnesses: what is held, what becomes of one
//! statement.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{ActionSet, KeyArn, KmsAction, Nature, condition_key};
use crate::decision::{
    Allowing, Bound, Caller, Cell, CellAnswer, Context, Crowd, Denials, Fates, Holding, Meant,
    Request, Target,
};
use crate::inventory::Key;

use super::asked::Asked;
use super::census::{Census, Sides};
use super::classes::{CallerIx, KeyIx};
use super::crowds::Entry;
use super::formula::Formula;
use super::frame::{Frame, Who};
use super::grants::Granted;
use super::judge::Judge;
use super::library::World;
use super::masked::Masked;
use super::matrix::{HomeIx, OwnerIx};
use super::owner::{Owner, resolved};
use super::participants;
use super::point::{frame, is_of_key, limits, merged_with, settled};
use super::solve::Held;
use super::speech::Heard;
use super::spellings::folded;
use super::ways::{Ways, allowed, denied, offers};

impl Census<'_> {
    /// See [`Census::held`].
    pub(super) fn counted(&self, (home, owner, relation): Sides) -> Holding {
        let matrix = &self.matrix;
        let formulas = &*matrix.access.core.formulas;
        let (home, owner) = (matrix.home_side(home), matrix.owner_side(owner));
        let mut held = Holding::default();
        let given = &matrix.access.given;
        let mut known = None;
        for (actions, formula) in allowed(formulas, home, owner, relation).pieces() {
            if *formula == Formula::TRUE {
                held.always = held.always.union(*actions);
                held.sure = held.sure.union(*actions);
                held.possible = held.possible.union(*actions);
                continue;
            }
            let limits =
                *known.get_or_insert_with(|| matrix.limits.intern(limits(home, owner, given)));
            for class in matrix.access.core.solver.alike(*formula).iter() {
                let of_class = actions.intersection(*class);
                let Some(action) = class.iter().next().filter(|_| !of_class.is_empty()) else {
                    continue;
                };
                let decided = (*formula, home.who, limits, action);
                let standing = matrix.verdict(decided);
                let add = |set: &mut ActionSet, holds: bool| {
                    *set = if holds { set.union(of_class) } else { *set };
                };
                add(&mut held.always, standing.at_least() == Bound::Always);
                add(&mut held.sure, standing.at_least() > Bound::Never);
                add(&mut held.possible, standing.at_most() > Bound::Never);
            }
        }
        held
    }

    /// For which of `wanted` the key's side means a caller in some request, as far as is told; nothing where
    /// the matrix has no row for the two.
    pub fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Option<ActionSet> {
        let (caller, key) = (self.caller(caller)?, self.key(key)?);
        let (home, owner, _) = self.sides(&self.matrix.world(), caller, key)?;
        let opened = self.opened.get((home, owner), |_| {
            let matrix = &self.matrix;
            let formulas = &*matrix.access.core.formulas;
            let (home, owner) = (matrix.home_side(home), matrix.owner_side(owner));
            let opening = owner.opening().into_iter();
            let opened = opening.fold(Masked::default(), |all, one| all.or(formulas, one));
            let limits = matrix.limits.intern(limits(home, owner, &matrix.access.given));
            let found = self.satisfiable(&opened.within(owner.possible), home.who, limits);
            found.yes.union(found.undecided)
        });
        Some(opened.intersection(wanted))
    }

    /// Those of `wanted` that policies or grants offer a caller, whatever denies, and perhaps others; nothing
    /// where the matrix has no row for the two.
    pub fn offered(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Option<ActionSet> {
        let (caller, key) = (self.caller(caller)?, self.key(key)?);
        let sides = self.sides(&self.matrix.world(), caller, key)?;
        let offered = self.offered.get(sides, |(home, owner, relation)| {
            let (home, owner) = (self.matrix.home_side(*home), self.matrix.owner_side(*owner));
            offers(&self.matrix.access.core.formulas, home, owner, *relation)
        });
        Some(offered.intersection(wanted))
    }

    /// For which actions a formula holds in some request, as far as is told.
    fn satisfiable(&self, masked: &Masked, who: Who, limits: u32) -> Satisfiable {
        let matrix = &self.matrix;
        let solver = &matrix.access.core.solver;
        let judge = Judge { formulas: &matrix.access.core.formulas, solver };
        let mut found = Satisfiable::default();
        for (actions, formula) in masked.pieces() {
            let formula = judge.as_decided(*formula);
            if formula == Formula::TRUE {
                found.yes = found.yes.union(*actions);
                continue;
            }
            for class in solver.alike(formula).iter() {
                let of_class = actions.intersection(*class);
                let Some(action) = class.iter().next().filter(|_| !of_class.is_empty()) else {
                    continue;
                };
                let limits = Arc::clone(matrix.limits.get(limits));
                let frame = Frame { caller: who, action: action.into(), limits };
                match solver.holds(formula, &frame) {
                    Held::Yes => found.yes = found.yes.union(of_class),
                    Held::No => {}
                    Held::Undecided => found.undecided = found.undecided.union(of_class),
                }
            }
        }
        found
    }

    /// The groups that an Allow statement or a grant means for some action of `wanted`.
    pub fn meant(&self, key: &KeyArn, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant> {
        let Some(number) = self.key(key) else {
            return Vec::new();
        };
        let world = self.matrix.world();
        let Some(statement) = self.as_side(&world, number, allowing) else {
            return Vec::new();
        };
        let column = self.column(&world, number);
        let mut found = Vec::new();
        for entry in self.entries(&column) {
            let (home, owner, _) = self.towards(&world, &entry, number);
            // Callers whom the statement tells apart answer for themselves.
            for (caller, who) in self.told_apart(&world, statement, &entry) {
                let towards = self.matrix.owner_at(&world, statement, caller);
                let fates = self.weighed(home, owner, towards).within(wanted);
                found.extend((!fates.applies().is_empty()).then_some(Meant { who, fates }));
            }
        }
        for (caller, (home, owner, _)) in self.outsiders(&world, &column, number) {
            let known = self.callers.get(caller as usize).and_then(|caller| self.caller(caller));
            let towards = known.and_then(|it| self.alone(&world, allowing, it, number));
            let Some(towards) = towards else { continue };
            let fates = self.weighed(home, owner, towards).within(wanted);
            if fates.applies().is_empty() {
                continue;
            }
            found.extend(self.crowd(&[caller]).map(|who| Meant { who, fates }));
        }
        found.sort_by_key(|meant| self.rank(&meant.who));
        found
    }

    /// What becomes of an Allow statement or a grant for one caller; nothing where the matrix has no row
    /// for the two.
    pub fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Option<Fates> {
        let world = self.matrix.world();
        let (caller, key) = (self.caller(caller)?, self.key(key)?);
        let heard = match allowing {
            Allowing::Statement(document, index) if !is_of_key(document.kind) => {
                self.heard(&world, (document, index), caller, key)?
            }
            _ => Heard::Something,
        };
        let towards = match heard {
            Heard::Nothing => return Some(Fates::default()),
            Heard::Side(side) => side,
            Heard::Something => {
                let is_near = is_key_side(allowing) && !self.is_outsider(caller);
                let side = is_near.then(|| self.as_side(&world, key, allowing)).flatten();
                self.towards_one(&world, (allowing, side), caller, key)?
            }
        };
        if !self.matrix.is_open(towards) {
            return Some(Fates::default());
        }
        let (home, owner, _) = self.sides(&world, caller, key)?;
        Some(self.weighed(home, owner, towards).within(wanted))
    }

    /// The same for each of some callers once the key is `edited`, in their order.
    pub fn fates_after(
        &self,
        edited: &Key,
        callers: &[Caller],
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Vec<Option<Fates>> {
        let world = self.matrix.world();
        let Some(after) = self.edited(&world, edited) else {
            return vec![None; callers.len()];
        };
        let of_key = is_key_side(allowing).then(|| self.as_side(&world, after.number, allowing));
        let side = of_key.flatten();
        let mut homes = FxHashMap::default();
        let mut fates = |caller: &Caller| {
            let caller = self.caller(caller)?;
            let (home, owner, _) = self.sides_after(&world, &after, caller, &mut homes)?;
            let towards = self.towards_one(&world, (allowing, side), caller, after.number)?;
            Some(self.weighed(home, owner, towards).within(wanted))
        };
        callers.iter().map(&mut fates).collect()
    }

    /// A side that consists of one statement or grant, `side` where it is of the key's, towards one caller.
    fn towards_one(
        &self,
        world: &World<'_>,
        (allowing, side): (Allowing<'_>, Option<OwnerIx>),
        caller: CallerIx,
        key: KeyIx,
    ) -> Option<OwnerIx> {
        match side.filter(|_| !self.is_outsider(caller)) {
            Some(side) => Some(self.matrix.owner_at(world, side, caller)),
            None => self.alone(world, allowing, caller, key),
        }
    }

    /// The denies that stop an Allow statement or a grant for one caller, for the actions of `wanted` for
    /// which it is denied throughout; nothing where the matrix has no row for the two.
    pub fn denials(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Option<Denials> {
        let denied = self.fates(caller, key, allowing, wanted)?.denied;
        let matrix = &self.matrix;
        let world = matrix.world();
        let formulas = world.formulas;
        let judge = Judge { formulas, solver: &matrix.access.core.solver };
        let (caller, number) = (self.caller(caller)?, self.key(key)?);
        let (home, owner, _) = self.sides(&world, caller, number)?;
        let towards = self.alone(&world, allowing, caller, number)?;
        let opening = matrix.owner_side(towards).opening().into_iter();
        let applies = opening.fold(Masked::default(), |all, one| all.or(formulas, one));
        let applies = applies.within(denied).mapped(|formula| judge.as_decided(formula));
        let (home, owner) = (matrix.home_side(home), matrix.owner_side(owner));
        let subject = self.subject(&world, caller)?;
        let key = *matrix.keys.keys.get(number as usize)?;
        let known = owner.clone().with_aliases(&world, key);
        let limits = matrix.limits.intern(limits(home, &known, &matrix.access.given));
        let mut found = Denials::default();
        for policy in participants::of(&world, &subject, Some(key)) {
            let of_key = is_of_key(policy.document.kind);
            for (index, citation) in policy.denies() {
                let denies = world.statement(policy.document, index).within(denied);
                let denies = denies.mapped(|formula| {
                    judge.as_decided(settled(&world, key, &subject, formula, of_key))
                });
                let both = applies.and(formulas, &denies);
                if !self.satisfiable(&both, home.who, limits).yes.is_empty() {
                    found.gates.insert(policy.gate);
                    found.by.push(citation);
                }
            }
        }
        Some(found)
    }

    /// A side that consists of one statement or grant.
    fn as_side(&self, world: &World<'_>, number: KeyIx, allowing: Allowing<'_>) -> Option<OwnerIx> {
        let key = *self.matrix.keys.keys.get(number as usize)?;
        let side = |side: Owner| self.matrix.owner_sides.intern(side.limited_as(world, key));
        let nothing = || Owner::of_nothing(world, Asked::Key(key), ActionSet::ALL);
        Some(match allowing {
            Allowing::Statement(document, index) => {
                // It is kept as long as the world, and its place tells it from others.
                let statement = world.statement(document, index);
                let place = Arc::as_ptr(&statement) as usize;
                self.stated.get((number, place), |_| {
                    let direct = resolved(world, Asked::Key(key), &statement);
                    side(Owner { direct, ..nothing() })
                })
            }
            Allowing::Grant(grant) => {
                let granted = Granted::of_grant(world.formulas, key, grant);
                side(Owner { granted, ..nothing() })
            }
        })
    }

    /// A side that consists of one statement or grant, towards one caller.
    fn alone(
        &self,
        world: &World<'_>,
        allowing: Allowing<'_>,
        caller: CallerIx,
        key: KeyIx,
    ) -> Option<OwnerIx> {
        let subject = self.subject(world, caller)?;
        let key = *self.matrix.keys.keys.get(key as usize)?;
        let of_key = is_key_side(allowing);
        let settle = |masked: &Masked| {
            masked.mapped(|formula| settled(world, key, &subject, formula, of_key))
        };
        let mut side = Owner::of_nothing(world, Asked::Key(key), ActionSet::ALL);
        match allowing {
            Allowing::Statement(document, index) => {
                side.direct = settle(&world.statement(document, index));
            }
            Allowing::Grant(grant) => {
                side.granted = Granted::of_grant(world.formulas, key, grant);
                side = side.mapped(settle);
            }
        }
        Some(self.matrix.owner_sides.intern(side.limited_as(world, key)))
    }

    fn told_apart(
        &self,
        world: &World<'_>,
        statement: OwnerIx,
        entry: &Entry,
    ) -> Vec<(CallerIx, Crowd)> {
        let looks = self.matrix.owner_class(world, statement);
        let is_special = |caller: CallerIx| self.matrix.is_special(&looks, caller);
        let alone = entry.who.count() == 1;
        if alone || !entry.who.numbers().any(is_special) {
            return vec![(entry.who.number(), entry.who.clone())];
        }
        let (special, usual): (Vec<CallerIx>, Vec<CallerIx>) =
            entry.who.numbers().partition(|caller| is_special(*caller));
        let usual = usual.first().copied().zip(self.crowd(&usual));
        let special = special.into_iter().filter_map(|it| Some((it, self.crowd(&[it])?)));
        usual.into_iter().chain(special).collect()
    }

    fn weighed(&self, home: HomeIx, owner: OwnerIx, statement: OwnerIx) -> Fates {
        self.weighed.get((home, owner, statement), |_| {
            let matrix = &self.matrix;
            let formulas = &*matrix.access.core.formulas;
            let judge = Judge { formulas, solver: &matrix.access.core.solver };
            let as_decided = |masked: &Masked| masked.mapped(|formula| judge.as_decided(formula));
            let opening = matrix.owner_side(statement).opening().into_iter();
            let applies = opening.fold(Masked::default(), |all, one| all.or(formulas, one));
            if applies.is_never() {
                return Fates::default();
            }
            let (home, owner) = (matrix.home_side(home), matrix.owner_side(owner));
            let applies = as_decided(&applies);
            let undenied = denied(formulas, home, owner).not(formulas);
            let free = applies.and(formulas, &as_decided(&undenied));
            // Rule U7: what is missing may spare it.
            let spared = undenied.mapped(|formula| judge.at_most(formula));
            let spared = applies.and(formulas, &spared);
            // A statement may ask what both sides together do not.
            let asked = Some(matrix.owner_side(statement)).filter(|it| !it.limits.is_empty());
            let limits = limits(home, asked.unwrap_or(owner), &matrix.access.given);
            let limits = matrix.limits.intern(limits);
            let spared = (spared != free).then(|| self.satisfiable(&spared, home.who, limits));
            let spared = spared.map_or(ActionSet::EMPTY, |it| it.yes.union(it.undecided));
            let free = self.satisfiable(&free, home.who, limits);
            let applies = self.satisfiable(&applies, home.who, limits);
            let known = applies.yes.union(applies.undecided).minus(free.yes);
            let unsure = free.undecided.union(applies.undecided).union(spared);
            let unknown = known.intersection(unsure);
            Fates { free: free.yes, denied: known.minus(unknown), unknown }
        })
    }

    /// The least and the most that the verdict over the requests that agree with `request` can be; nothing
    /// where the matrix cannot tell.
    pub fn bounds_of(&self, request: &Request) -> Option<(Bound, Bound)> {
        let sides = self.asked(request)?;
        let matrix = &self.matrix;
        let formula = self.allowed_at(sides, request.action);
        if formula.is_constant() {
            let bound = if formula == Formula::TRUE { Bound::Always } else { Bound::Never };
            return Some((bound, bound));
        }
        let (home, owner) = (matrix.home_side(sides.0), matrix.owner_side(sides.1));
        let given = match matrix.access.given == Context::default() {
            true => Cow::Borrowed(&request.context),
            false => Cow::Owned(merged_with(&matrix.access.given, &request.context)),
        };
        let frame = frame(home, owner, request.action, &given);
        let noticed = matrix.access.core.solver.noticed(formula, &frame);
        let standing =
            self.standing.get((formula, noticed), |_| matrix.judge().standing(formula, &frame));
        Some((standing.at_least(), standing.at_most()))
    }

    fn allowed_at(&self, sides: Sides, action: KmsAction) -> Formula {
        self.allowed.get((sides, action), |((home, owner, relation), action)| {
            let formulas = &*self.matrix.access.core.formulas;
            let (home, owner) = (self.matrix.home_side(*home), self.matrix.owner_side(*owner));
            allowed(formulas, home, owner, *relation).at(*action)
        })
    }

    /// Everything about the cell of a request, as [`super::Access::answer_of`] says it; nothing where the matrix
    /// cannot tell.
    pub fn answer_of(&self, request: &Request) -> Option<CellAnswer> {
        let (home, owner, relation) = self.asked(request)?;
        let matrix = &self.matrix;
        let formulas = &*matrix.access.core.formulas;
        let wanted = ActionSet::of(request.action);
        let home = matrix.home_side(home).mapped(|masked| masked.within(wanted));
        let mut owner = matrix.owner_side(owner).mapped(|masked| masked.within(wanted));
        // A key that cannot perform an action gets its decision all the same (rule S1).
        owner.possible = ActionSet::ALL;
        let given = merged_with(&matrix.access.given, &request.context);
        let frame = frame(&home, &owner, request.action, &given);
        let ways = Ways::of(formulas, &home, &owner, relation);
        let judge = Judge { formulas, solver: &matrix.access.core.solver };
        Some(judge.answer(&ways, request.action, &frame))
    }

    /// Both sides of a request that says nothing which a side would answer.
    fn asked(&self, request: &Request) -> Option<Sides> {
        let (Target::Key(key), []) = (&request.target, &*request.session_policies) else {
            return None;
        };
        let names = request.context.entries().map(|entry| &*entry.name);
        if !names.chain(request.context.absent()).all(is_of_request) {
            return None;
        }
        let (caller, key) = (self.caller(&request.caller)?, self.key(key)?);
        self.sides(&self.matrix.world(), caller, key)
    }

    /// Whether the cell could hang on what a request says of the condition key `name`; nothing where the
    /// matrix cannot tell.
    pub fn hangs_on(&self, cell: &Cell, name: &str) -> Option<bool> {
        let world = self.matrix.world();
        let (caller, key) = (self.caller(&cell.principal)?, self.key(&cell.key)?);
        let formula = self.allowed_at(self.sides(&world, caller, key)?, cell.action);
        let is_pair = |key: &str| key.starts_with("kms:encryptioncontext");
        let mut keys = self.matrix.access.core.solver.keys(formula).into_iter();
        Some(keys.any(|(key, _)| {
            key.eq_ignore_ascii_case(name) || is_pair(&key) && is_pair(&folded(name))
        }))
    }
}

/// Whether a condition key comes with the request alone: no side answers for it.
fn is_of_request(name: &str) -> bool {
    let nature = condition_key(name).map(|info| info.nature);
    matches!(
        nature,
        Some(Nature::RequestParameter | Nature::RequestPath | Nature::Network | Nature::Time)
    )
}

/// Whether it is of the key's side.
fn is_key_side(allowing: Allowing<'_>) -> bool {
    match allowing {
        Allowing::Statement(document, _) => is_of_key(document.kind),
        Allowing::Grant(_) => true,
    }
}

/// What is found of the actions of a formula.
#[derive(Default)]
struct Satisfiable {
    yes: ActionSet,
    undecided: ActionSet,
}
