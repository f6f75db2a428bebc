//! How many cells there are of each verdict.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::aws::ActionSet;
use crate::decision::{OpenPoint, Standing};

use super::View;

/// Totals of a matrix, or of a part of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Rows.
    pub principals: usize,
    /// Keys.
    pub keys: usize,
    /// Pairs of a principal and a key, or `*`, with a cell that is not never.
    pub pairs: usize,
    /// Cells where every request is allowed.
    pub always: usize,
    /// Cells where some are.
    pub conditional: usize,
    /// Cells that are not decidable.
    pub unknown: usize,
    /// Cells where none is: of users, roles and roots of the export, and of others outside it what whomever
    /// nothing names can do.
    pub never: usize,
    /// What was not exported and could change a verdict; sorted.
    pub missing: BTreeSet<String>,
    /// Points AWS leaves open that could change a verdict.
    pub open: BTreeSet<OpenPoint>,
    /// Whether a cap kept the engine from deciding.
    pub undecided: bool,
}

impl Counts {
    /// Counts what `view` looks at, row by row. Cells of never are computed, not expanded.
    pub(super) fn of(view: &View<'_>) -> Self {
        let cells = Possible::of(view);
        let mut counts = view
            .rows()
            .par_iter()
            .map(|row| Self::of_row(view, *row, &cells))
            .reduce(Self::default, Self::with);
        counts.principals = view.rows().len();
        counts.keys = view.columns().flatten().count();
        counts
    }

    /// Counts the whole matrix by classes: nothing is expanded.
    pub(super) fn of_whole(view: &View<'_>, actions: ActionSet) -> Self {
        let matrix = view.matrix;
        let counted = matrix.counts(actions);
        let doubts = matrix.doubts(actions);
        let number = |count: i64| usize::try_from(count).unwrap_or_default();
        Self {
            principals: matrix.rows().len(),
            keys: matrix.keys().len(),
            pairs: number(counted.pairs),
            always: number(counted.always),
            conditional: number(counted.conditional),
            unknown: number(counted.unknown),
            never: number(counted.never),
            missing: doubts.missing,
            open: doubts.open,
            undecided: doubts.undecided,
        }
    }

    fn of_row(view: &View<'_>, row: usize, possible: &Possible) -> Self {
        let mut counts = Self::default();
        for (key, pair) in view.reaching(row) {
            let mask = view.mask(key);
            let before = counts.reaching();
            for (actions, answer) in &pair.cells {
                let cells = actions.intersection(mask).len();
                match answer.verdict {
                    Standing::Never => continue,
                    Standing::Always => counts.always += cells,
                    Standing::Conditional => counts.conditional += cells,
                    Standing::Unknown { .. } => counts.unknown += cells,
                }
                if cells > 0 {
                    counts.missing.extend(answer.missing.iter().cloned());
                    counts.open.extend(&answer.open);
                    counts.undecided |= answer.undecided;
                }
            }
            counts.pairs += usize::from(counts.reaching() > before);
        }
        if view.matrix.is_listed(row) {
            let all = if view.is_home(row) { possible.of_all } else { possible.of_accounts };
            counts.never = all.saturating_sub(counts.reaching());
        } else if view.matrix.is_apart(row) {
            let keys = view.columns().flatten().filter(|key| view.takes(row, Some(*key)));
            let cells =
                |key: usize| view.matrix.denied_apart(row, key).intersection(view.mask(Some(key)));
            counts.never = keys.map(|key| cells(key).len()).sum();
        }
        counts
    }

    fn reaching(&self) -> usize {
        self.always + self.conditional + self.unknown
    }

    fn with(mut self, other: Self) -> Self {
        self.pairs += other.pairs;
        self.always += other.always;
        self.conditional += other.conditional;
        self.unknown += other.unknown;
        self.never += other.never;
        self.undecided |= other.undecided;
        self.missing.extend(other.missing);
        self.open.extend(other.open);
        self
    }
}

/// How many cells a row has.
struct Possible {
    /// One whose own account is looked at.
    of_all: usize,
    /// One of another account: keys of the accounts that are looked at.
    of_accounts: usize,
}

impl Possible {
    fn of(view: &View<'_>) -> Self {
        let (mut of_all, mut of_accounts) = (0, 0);
        for column in view.columns() {
            let cells = view.mask(column).len();
            of_all += cells;
            if view.key(column).is_some_and(|key| view.is_owner(&key.arn)) {
                of_accounts += cells;
            }
        }
        Self { of_all, of_accounts }
    }
}
