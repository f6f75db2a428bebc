//! The cells of two classes: their verdicts, how many there are of each, and all that is said of them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Bound, CellAnswer, Gate, Pair, Standing};

use super::asked::asks_about_caller;
use super::formula::Formula;
use super::frame::{Frame, Who};
use super::home::Home;
use super::judge::{Judge, Judged};
use super::masked::Masked;
use super::matrix::{HomeIx, Matrix, OwnerIx};
use super::owner::Owner;
use super::point::limits;
use super::ways::{Relation, Ways, allowed};

/// What decides one cell and its reasons.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    /// When it is allowed, by what, and what each gate lets pass.
    opened: [Formula; 10],
    /// The gates with a Deny that can apply, each with when it does.
    denied: Box<[(Gate, Formula)]>,
    /// The gate that refuses it whatever policies say.
    refused: Option<Gate>,
    /// Whether the lack of an identity Allow reads as a refusal of the resource's side.
    reads_as_refused: bool,
}

/// What decides the verdict of one cell: the formula, and what it is decided in.
pub(super) type Decided = (Formula, Who, u32, KmsAction);

/// How many cells of a pair have which verdict.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Tally {
    /// Actions that the key can perform.
    pub(super) possible: ActionSet,
    /// Always.
    pub(super) always: ActionSet,
    /// In some requests.
    pub(super) conditional: ActionSet,
    /// Not decidable.
    pub(super) unknown: ActionSet,
}

impl Matrix<'_> {
    /// How many cells of two classes have which verdict.
    pub(super) fn tally(&self, home: HomeIx, owner: OwnerIx, relation: Relation) -> Tally {
        let number = self.counted.get((home, owner, relation), |_| {
            let (home, owner) = (self.home_sides.get(home), self.owner_sides.get(owner));
            self.same_tallies.intern(self.tallied(home, owner, relation))
        });
        *self.same_tallies.get(number)
    }

    /// The pairs of classes that were counted with cells of these actions that are unknown, and which.
    pub(super) fn unknown(
        &self,
        wanted: ActionSet,
    ) -> Vec<((HomeIx, OwnerIx, Relation), ActionSet)> {
        self.counted.picked(|classes, number| {
            let unknown = self.same_tallies.get(*number).unknown.intersection(wanted);
            (!unknown.is_empty()).then_some((*classes, unknown))
        })
    }

    pub(super) fn tallied(&self, home: &Home, owner: &Owner, relation: Relation) -> Tally {
        let formulas = &*self.access.core.formulas;
        let mut tally = Tally { possible: owner.possible, ..Tally::default() };
        let allowed = allowed(formulas, home, owner, relation);
        let mut limits = None;
        for (actions, formula) in allowed.pieces() {
            if *formula == Formula::TRUE {
                tally.always = tally.always.union(*actions);
                continue;
            }
            let limits = *limits.get_or_insert_with(|| self.limits_of(home, owner));
            for class in self.access.core.solver.alike(*formula).iter() {
                let of_class = actions.intersection(*class);
                let Some(action) = class.iter().next().filter(|_| !of_class.is_empty()) else {
                    continue;
                };
                match self.verdict((*formula, home.who, limits, action)) {
                    Standing::Always => tally.always = tally.always.union(of_class),
                    Standing::Conditional => tally.conditional = tally.conditional.union(of_class),
                    Standing::Never => {}
                    Standing::Unknown { .. } => tally.unknown = tally.unknown.union(of_class),
                }
            }
        }
        tally
    }

    fn limits_of(&self, home: &Home, owner: &Owner) -> u32 {
        self.limits.intern(limits(home, owner, &self.access.given))
    }

    /// The verdict alone.
    pub(super) fn verdict(&self, decided: Decided) -> Standing {
        self.verdicts.get(decided, |(formula, who, limits, action)| {
            let limits = Arc::clone(self.limits.get(*limits));
            let frame = Frame { caller: *who, action: (*action).into(), limits };
            self.judge().standing(*formula, &frame)
        })
    }

    /// The verdict with what is missing or open.
    pub(super) fn judged(&self, (formula, who, limits, action): Decided) -> Judged {
        let limits = Arc::clone(self.limits.get(limits));
        let frame = Frame { caller: who, action: action.into(), limits };
        self.judge().judged(formula, &frame)
    }

    /// What decides these cells of two sides.
    pub(super) fn deciding(
        &self,
        home: &Home,
        owner: &Owner,
        relation: Relation,
        actions: ActionSet,
    ) -> Vec<Decided> {
        if actions.is_empty() {
            return Vec::new();
        }
        let formulas = &*self.access.core.formulas;
        let allowed = allowed(formulas, home, owner, relation);
        let limits = self.limits_of(home, owner);
        actions.iter().map(|action| (allowed.at(action), home.who, limits, action)).collect()
    }

    pub(super) fn judge(&self) -> Judge<'_> {
        Judge { formulas: &self.access.core.formulas, solver: &self.access.core.solver }
    }

    /// The cells of two classes; with `all` also those that are never.
    pub(super) fn answered(
        &self,
        home: HomeIx,
        owner: OwnerIx,
        relation: Relation,
        all: bool,
    ) -> Arc<Pair> {
        self.pairs.get((home, owner, relation, all), |_| {
            let (home, owner) = (self.home_sides.get(home), self.owner_sides.get(owner));
            self.one(self.pair_of(home, owner, relation, all))
        })
    }

    /// The pair that stands for all equal ones. Its answers live as long as the matrix, so that their
    /// places tell them apart.
    pub(super) fn one(&self, pair: Pair) -> Arc<Pair> {
        let same = |answer: &Arc<CellAnswer>| {
            self.same_answers.get(CellAnswer::clone(answer), |answer| Arc::new(answer.clone()))
        };
        let mut cells: Vec<(ActionSet, Arc<CellAnswer>)> = Vec::new();
        for (actions, answer) in &pair.cells {
            let answer = same(answer);
            // What asks about the caller has a request of its own kind.
            let alone = |actions: &ActionSet| actions.iter().any(asks_about_caller);
            let is_same = |(of, known): &&mut (ActionSet, Arc<CellAnswer>)| {
                Arc::ptr_eq(known, &answer) && !alone(of) && !alone(actions)
            };
            match cells.iter_mut().find(is_same) {
                Some((known, _)) => *known = known.union(*actions),
                None => cells.push((*actions, answer)),
            }
        }
        let names = cells.iter().map(|(actions, answer)| (*actions, Arc::as_ptr(answer) as usize));
        self.same_pairs.get(names.collect(), |_| Arc::new(Pair { cells: cells.clone() }))
    }

    /// Every cell of two sides with all that is to be said of it.
    pub(super) fn pair_of(
        &self,
        home: &Home,
        owner: &Owner,
        relation: Relation,
        all: bool,
    ) -> Pair {
        let formulas = &*self.access.core.formulas;
        let ways = Ways::of(formulas, home, owner, relation);
        let allowed = ways.allowed(formulas);
        let limits = self.limits_of(home, owner);
        let mut cells: Vec<(ActionSet, Arc<CellAnswer>)> = Vec::new();
        let mut constant: FxHashMap<Cell, usize> = FxHashMap::default();
        let shown =
            if all { owner.possible } else { owner.possible.intersection(allowed.possible()) };
        for action in shown.iter() {
            let cell = cell(&ways, &allowed, action);
            // Where nothing hangs on the request, one answer serves all actions.
            let denied = cell.denied.iter().map(|(_, deny)| deny);
            let is_constant = cell.opened.iter().chain(denied).all(|it| it.is_constant());
            if is_constant
                && let Some((actions, _)) = constant.get(&cell).and_then(|at| cells.get_mut(*at))
            {
                actions.insert(action);
                continue;
            }
            let answer = self.answers.get((cell.clone(), home.who, limits, action), |_| {
                let frame = Frame {
                    caller: home.who,
                    action: action.into(),
                    limits: Arc::clone(self.limits.get(limits)),
                };
                Arc::new(self.judge().answer(&ways, action, &frame))
            });
            let answer = match &home.assumes {
                Some(assumed) if answer.verdict.at_most() > Bound::Never => {
                    let mut answer = CellAnswer::clone(&answer);
                    answer.assumes.insert(assumed.to_string());
                    Arc::new(answer)
                }
                _ => answer,
            };
            if is_constant {
                constant.insert(cell, cells.len());
            }
            match cells.iter_mut().find(|(_, known)| *known == answer) {
                Some((actions, _)) if !is_constant => actions.insert(action),
                _ => cells.push((action.into(), answer)),
            }
        }
        Pair { cells }
    }
}

/// What decides a cell of one action and what is said of it.
fn cell(ways: &Ways, allowed: &Masked, action: KmsAction) -> Cell {
    let denies = ways.denies.iter().map(|(gate, deny)| (*gate, deny.at(action)));
    let refused = ways.refused.filter(|(_, actions)| actions.contains(action));
    Cell {
        opened: [
            allowed.at(action),
            ways.by_key.at(action),
            ways.by_iam.at(action),
            ways.by_grant.at(action),
            ways.scp.at(action),
            ways.passes.at(action),
            ways.opened.at(action),
            ways.unasked.at(action),
            ways.identity.at(action),
            ways.boundary.at(action),
        ],
        denied: denies.filter(|(_, deny)| *deny != Formula::FALSE).collect(),
        refused: refused.map(|(gate, _)| gate),
        reads_as_refused: allowed.at(action) == Formula::FALSE
            && ways.reads_as_refused.contains(action),
    }
}
