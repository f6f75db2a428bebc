//! What two worlds allow differently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::access::Matrix;
use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{CellAnswer, Pair, Standing};

/// How two matrices compare.
#[derive(Debug)]
pub struct Compared {
    /// What differs, by principal and key.
    pub differences: Vec<Difference>,
    /// Whether some cell is not decided in one of them.
    pub undecided: bool,
}

/// Actions of one principal on one key that are allowed differently.
#[derive(Debug)]
pub struct Difference {
    /// The principal, as its row is called.
    pub principal: Box<str>,
    /// The key; none for what needs no key.
    pub key: Option<KeyArn>,
    /// The actions.
    pub actions: ActionSet,
    /// What held; nothing where it was never allowed.
    pub before: Option<Arc<CellAnswer>>,
    /// What holds.
    pub after: Option<Arc<CellAnswer>>,
}

/// The pairs of a row, by key.
type Pairs<'m> = BTreeMap<Option<&'m KeyArn>, Arc<Pair>>;

/// Compares every cell that is not never on both sides.
pub(super) fn compare(before: &Matrix<'_>, after: &Matrix<'_>) -> Compared {
    let rows = |matrix: &Matrix<'_>| -> BTreeMap<Box<str>, usize> {
        matrix.rows().iter().enumerate().map(|(at, row)| (row.name.clone(), at)).collect()
    };
    let (of_before, of_after) = (rows(before), rows(after));
    let names: BTreeSet<&Box<str>> = of_before.keys().chain(of_after.keys()).collect();
    let names: Vec<&Box<str>> = names.into_iter().collect();
    let compared = names.par_chunks(64).map(|names| {
        // Equal answers are one value in each matrix, so that a pair of values is compared once.
        let mut known: FxHashMap<(usize, usize), bool> = FxHashMap::default();
        let (mut differences, mut undecided) = (Vec::new(), false);
        for name in names {
            let (was, is) =
                (pairs(before, of_before.get(*name)), pairs(after, of_after.get(*name)));
            let all = was.values().chain(is.values());
            undecided |= all.flat_map(|pair| &pair.cells).any(|(_, it)| is_unknown(it));
            let keys: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            for key in keys {
                let (was, is) = (was.get(key), is.get(key));
                let place =
                    |pair: Option<&Arc<Pair>>| pair.map_or(0, |pair| Arc::as_ptr(pair) as usize);
                let same = known.entry((place(was), place(is))).or_insert_with(|| {
                    of_pairs(was.map(|it| &**it), is.map(|it| &**it)).is_empty()
                });
                if !*same {
                    let found = of_pairs(was.map(|it| &**it), is.map(|it| &**it));
                    differences.extend(found.into_iter().map(|(actions, before, after)| {
                        let (principal, key) = ((*name).clone(), key.cloned());
                        Difference { principal, key, actions, before, after }
                    }));
                }
            }
        }
        Compared { differences, undecided }
    });
    let none = || Compared { differences: Vec::new(), undecided: false };
    compared.reduce(none, |mut one, other| {
        one.differences.extend(other.differences);
        one.undecided |= other.undecided;
        one
    })
}

fn pairs<'m>(matrix: &'m Matrix<'_>, row: Option<&usize>) -> Pairs<'m> {
    let pairs = row.into_iter().flat_map(|row| matrix.row(*row, ActionSet::ALL, false));
    let arn = |key: Option<usize>| key.and_then(|key| matrix.keys().get(key).copied());
    pairs.map(|(key, pair)| (arn(key), pair)).collect()
}

fn is_unknown(answer: &CellAnswer) -> bool {
    matches!(answer.verdict, Standing::Unknown { .. })
}

/// Actions with what held and what holds of them.
type Changed = (ActionSet, Option<Arc<CellAnswer>>, Option<Arc<CellAnswer>>);

fn of_pairs(before: Option<&Pair>, after: Option<&Pair>) -> Vec<Changed> {
    let mut found: Vec<Changed> = Vec::new();
    for action in KmsAction::all() {
        let of = |pair: Option<&Pair>| -> Option<Arc<CellAnswer>> {
            let cells = pair.into_iter().flat_map(|pair| &pair.cells);
            let mut cells = cells.filter(|(actions, _)| actions.contains(action));
            let answer = cells.next().map(|(_, answer)| Arc::clone(answer))?;
            (answer.verdict != Standing::Never).then_some(answer)
        };
        let (was, is) = (of(before), of(after));
        if says(was.as_deref()) == says(is.as_deref()) {
            continue;
        }
        let same = |known: &&mut Changed| {
            says(known.1.as_deref()) == says(was.as_deref())
                && says(known.2.as_deref()) == says(is.as_deref())
        };
        match found.iter_mut().find(same) {
            Some((actions, ..)) => actions.insert(action),
            None => found.push((action.into(), was, is)),
        }
    }
    found
}

/// What counts of an answer: the verdict, and when it is allowed.
fn says(answer: Option<&CellAnswer>) -> Option<(Standing, Option<String>, &BTreeSet<String>)> {
    answer.map(|answer| {
        let condition = answer.condition.as_ref().map(ToString::to_string);
        (answer.verdict, condition, &answer.assumes)
    })
}
