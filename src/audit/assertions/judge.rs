//! One assertion against every cell that it selects.

use std::sync::Arc;

use rayon::prelude::*;

use crate::access::{Access, Matrix};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Assumptions, Bound, CellAnswer, Context, Pair, Request, Standing};
use crate::inventory::Inventory;

use super::further;
use super::select::{Part, Sense, Taken};
use super::{Assertion, Breach, Claim, How, Judged};

/// Cells that do not hold which are kept; the rest is counted.
const KEPT: usize = 100_000;

/// An assertion with what its names stand for.
pub(super) struct Judge<'a> {
    pub(super) access: &'a Access<'a>,
    pub(super) matrix: &'a Matrix<'a>,
    pub(super) assertion: &'a Assertion,
    pub(super) part: Part,
    assumptions: &'a Assumptions,
    unless: Vec<Part>,
    keyless: ActionSet,
}

/// Cells that do not hold, before all is said of them: key, row, actions.
type Found = (Option<usize>, usize, ActionSet, Arc<CellAnswer>);

impl<'a> Judge<'a> {
    /// Finds what the names stand for.
    ///
    /// # Errors
    /// Why the assertion selects nothing.
    pub(super) fn new(
        access: &'a Access<'a>,
        matrix: &'a Matrix<'a>,
        assumptions: &'a Assumptions,
        assertion: &'a Assertion,
    ) -> Result<Self, String> {
        let world = access.inventory();
        let of = &assertion.of;
        let part = match assertion.claim {
            Claim::Forbid => Part::of(world, matrix, of, Sense::Could)?,
            Claim::Require { .. } => Part::of(world, matrix, of, Sense::Row)?,
            Claim::Only => {
                let all = super::Selection { principals: Vec::new(), ..of.clone() };
                let mut part = Part::of(world, matrix, &all, Sense::Could)?;
                let named = super::select::named(world, matrix, &of.principals);
                part.rows = named.into_iter().map(|named| !named).collect();
                part
            }
        };
        let unless = assertion.unless.iter().map(|one| Part::exempt(world, matrix, one)).collect();
        let keyless = matrix.possible(None);
        let judge = Self { access, matrix, assertion, part, assumptions, unless, keyless };
        judge.selects()?;
        Ok(judge)
    }

    pub(super) fn world(&self) -> &Inventory {
        self.access.inventory()
    }

    /// What is selected of a row and a key.
    pub(super) fn wanted(&self, row: usize, key: Option<usize>) -> ActionSet {
        match self.part.row(row) {
            true => self.wanted_of(key, |part| part.row(row)),
            false => ActionSet::EMPTY,
        }
    }

    /// What is selected of a key for somebody of whom `exempt` says which exceptions mean it.
    pub(super) fn wanted_of(
        &self,
        key: Option<usize>,
        exempt: impl Fn(&Part) -> bool,
    ) -> ActionSet {
        let unless = self.unless.iter().filter(|part| part.key(key) == Taken::Yes && exempt(part));
        unless.fold(self.selected(key), |left, part| left.minus(part.actions))
    }

    /// What is selected of a key, exceptions aside.
    fn selected(&self, key: Option<usize>) -> ActionSet {
        match self.part.key(key) {
            Taken::No => ActionSet::EMPTY,
            _ => self.part.actions.intersection(self.possible(key)),
        }
    }

    /// What can be done with a key, or without one.
    pub(super) fn possible(&self, key: Option<usize>) -> ActionSet {
        match key {
            None => self.keyless,
            Some(_) => self.matrix.possible(key),
        }
    }

    /// The exceptions with what they were read from.
    pub(super) fn exceptions(&self) -> impl Iterator<Item = (&Part, &super::Selection)> {
        self.unless.iter().zip(&self.assertion.unless)
    }

    fn rows(&self) -> Vec<usize> {
        (0..self.matrix.rows().len()).filter(|row| self.part.row(*row)).collect()
    }

    /// The keys of which something is selected, what needs no key first.
    pub(super) fn keys(&self) -> Vec<Option<usize>> {
        let all = [None].into_iter().chain((0..self.matrix.keys().len()).map(Some));
        all.filter(|key| !self.selected(*key).is_empty()).collect()
    }

    /// That some cell is selected.
    fn selects(&self) -> Result<(), String> {
        let (rows, keys) = (self.rows(), self.keys());
        if keys.is_empty() {
            let all = [None].into_iter().chain((0..self.matrix.keys().len()).map(Some));
            return Err(match all.into_iter().any(|key| self.part.key(key) != Taken::No) {
                true => "no key that it selects can ever perform one of its actions".to_owned(),
                false => "no key has both such a name and such a tag".to_owned(),
            });
        }
        let is_everybody = |names: &[String]| names.iter().any(|text| text == "*");
        let names = &self.assertion.of.principals;
        let is_open = match self.assertion.claim {
            Claim::Only if is_everybody(names) => {
                return Err("`*` is everybody: nobody is left".to_owned());
            }
            Claim::Only => true,
            Claim::Forbid => names.is_empty() || is_everybody(names),
            Claim::Require { .. } => false,
        };
        let some = |key: &Option<usize>| match is_open {
            // It speaks of those, too, who are not there today.
            true => {
                let all: Vec<&Part> = self
                    .exceptions()
                    .filter(|(_, of)| of.principals.is_empty() || is_everybody(&of.principals))
                    .map(|(part, _)| part)
                    .collect();
                let exempts = |part: &Part| all.iter().any(|known| std::ptr::eq(*known, part));
                !self.wanted_of(*key, exempts).is_empty()
            }
            false => rows.iter().any(|row| !self.wanted(*row, *key).is_empty()),
        };
        match keys.iter().any(some) {
            true => Ok(()),
            false => Err("`unless` takes all that it selects".to_owned()),
        }
    }

    /// Whether an answer contradicts.
    fn contradicts(&self, answer: &CellAnswer) -> bool {
        match self.assertion.claim {
            Claim::Forbid | Claim::Only => answer.verdict.at_most() > Bound::Never,
            Claim::Require { always: true } => answer.verdict.at_least() < Bound::Always,
            Claim::Require { always: false } => answer.verdict.at_least() < Bound::Conditional,
        }
    }

    /// Looks at every cell, and at the ways to get there where these count.
    pub(super) fn judged(&self) -> Judged {
        let (rows, keys) = (self.rows(), self.keys());
        let mut found = self.cells(&rows, &keys);
        found.extend(self.unlisted(&rows, &keys));
        found.par_sort_by_key(|(key, row, actions, _)| (*key, *row, actions.iter().next()));
        let mut ways = Vec::new();
        if self.assertion.transitive {
            let has = |row: usize, key: usize, action: KmsAction| {
                let first = found.partition_point(|(of, at, ..)| (*of, *at) < (Some(key), row));
                let same = found.get(first..).unwrap_or_default().iter();
                same.take_while(|(of, at, ..)| (*of, *at) == (Some(key), row))
                    .any(|(_, _, actions, _)| actions.contains(action))
            };
            match further::ways(self, &has) {
                Ok(found) => ways = found,
                Err(why) => return Judged::nothing(why),
            }
        }
        let total = found.len() + ways.len();
        found.truncate(KEPT);
        let told = found.iter().map(|found| self.told(found));
        let mut breaches: Vec<Breach> = told.chain(ways).collect();
        breaches.truncate(KEPT);
        let left_out = total - breaches.len();
        Judged { nothing: None, looked_at: (rows.len(), keys.len()), breaches, left_out }
    }

    fn cells(&self, rows: &[usize], keys: &[Option<usize>]) -> Vec<Found> {
        let wanted = self.part.actions;
        let of = |row: usize, key: Option<usize>, pair: &Pair| -> Vec<Found> {
            let wanted = self.wanted(row, key);
            let cells = pair.cells.iter().filter(|(_, answer)| self.contradicts(answer));
            let cells = cells.map(|(actions, answer)| (actions.intersection(wanted), answer));
            let cells = cells.filter(|(actions, _)| !actions.is_empty());
            cells.map(|(actions, answer)| (key, row, actions, Arc::clone(answer))).collect()
        };
        if let Claim::Require { .. } = self.assertion.claim {
            let each = |row: &usize| {
                let row = *row;
                let of_key = move |key: &Option<usize>| of(row, *key, &self.matrix.pair(row, *key));
                keys.iter().flat_map(of_key).collect::<Vec<_>>()
            };
            return rows.par_iter().flat_map_iter(each).collect();
        }
        // What is never is no contradiction, so that the shorter side is gone along.
        match rows.len() <= keys.len() {
            true => {
                let each = |row: &usize| {
                    let pairs = self.matrix.row(*row, wanted, false).into_iter();
                    let pairs = pairs.flat_map(|(key, pair)| of(*row, key, &pair));
                    pairs.collect::<Vec<_>>()
                };
                rows.par_iter().flat_map_iter(each).collect()
            }
            false => {
                let each = |key: &Option<usize>| {
                    let pairs = self.matrix.column(*key, wanted, false).into_iter();
                    let pairs = pairs.flat_map(|(row, pair)| of(row, *key, &pair));
                    pairs.collect::<Vec<_>>()
                };
                keys.par_iter().flat_map_iter(each).collect()
            }
        }
    }

    /// Keys whose grants were not exported: these could name anyone, and the row of anyone alone says so.
    fn unlisted(&self, rows: &[usize], keys: &[Option<usize>]) -> Vec<Found> {
        let all = self.matrix.rows().iter().enumerate();
        let anyone = all.filter(|(at, row)| row.is_anyone() && !self.part.row(*at));
        let anyone: Vec<usize> = anyone.map(|(at, _)| at).collect();
        if let Claim::Require { .. } = self.assertion.claim {
            return Vec::new();
        }
        let is_unlisted = |key: &usize| {
            let arn = self.matrix.keys().get(*key);
            arn.and_then(|arn| self.world().key(arn)).is_some_and(|key| !key.grants_listed)
        };
        let of = |key: usize, anyone: usize| {
            let of_rows = rows.iter().map(|row| self.wanted(*row, Some(key)));
            let wanted = of_rows.fold(ActionSet::EMPTY, ActionSet::union);
            let pair = self.matrix.pair(anyone, Some(key));
            let unknown = |(actions, answer): &(ActionSet, Arc<CellAnswer>)| {
                let actions = actions.intersection(wanted);
                let counts = matches!(answer.verdict, Standing::Unknown { .. })
                    && answer.verdict.at_most() > Bound::Never
                    && !actions.is_empty();
                counts.then(|| (Some(key), anyone, actions, Arc::clone(answer)))
            };
            pair.cells.iter().filter_map(unknown).collect::<Vec<_>>()
        };
        // Of another partition nobody reaches the key (rule X11), whatever its grants say.
        let found =
            keys.iter().flatten().filter(|key| is_unlisted(key)).flat_map(|key| {
                anyone.iter().flat_map(|anyone| of(*key, *anyone)).collect::<Vec<_>>()
            });
        found.collect()
    }

    /// All that is to be said of cells.
    fn told(&self, (key, row, actions, answer): &Found) -> Breach {
        let shows = match self.assertion.claim {
            Claim::Require { .. } => &answer.counter,
            Claim::Forbid | Claim::Only => &answer.witness,
        };
        let first = actions.iter().next();
        let request = first
            .zip(shows.as_ref())
            .and_then(|(action, context)| self.request(*row, *key, action, context).map(Box::new));
        let row = self.matrix.rows().get(*row);
        Breach {
            principal: row.map(|row| row.name.clone()).unwrap_or_default(),
            stands_for: row.and_then(|row| row.stands_for.clone()),
            key: key.and_then(|key| Some((*self.matrix.keys().get(key)?).clone())),
            could_be_meant: self.doubt(*key),
            actions: *actions,
            possible: self.possible(*key),
            how: How::Cell { answer: Arc::clone(answer), request },
        }
    }

    /// What was not exported of a key that may not be meant.
    pub(super) fn doubt(&self, key: Option<usize>) -> Option<&'static str> {
        match self.part.key(key) {
            Taken::Perhaps(what) => Some(what),
            Taken::Yes | Taken::No => None,
        }
    }

    fn request(
        &self,
        row: usize,
        key: Option<usize>,
        action: KmsAction,
        context: &Context,
    ) -> Option<Request> {
        let region = key.and_then(|key| self.matrix.keys().get(key)).map(|arn| arn.region());
        let mut whole = self.assumptions.context(action, region);
        whole.lay_over(context);
        self.matrix.request(row, key, action, &whole)
    }
}
