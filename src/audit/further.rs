//! Who lacks an action on a key today and can get it: what `--transitive` puts beside the matrix.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::aws::{KeyArn, KmsAction};
use crate::decision::Caller;
use crate::graph::{Goal, Graph, Path, Supposed, Wanted};

use super::matrix::View;

/// The paths to what a part of the matrix shows, as numbers of calls.
#[derive(Clone, Default, Debug)]
pub struct Further {
    /// By key, action, and who sets out.
    pub pairs: Vec<Pair>,
    /// Ways that should lead to a key and did not when executed: faults of keyreach.
    pub broken: usize,
}

/// A principal that lacks an action on a key, and can get it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// Who sets out.
    pub from: Caller,
    /// Its row; nothing for a provider's subject, who has none.
    pub row: Option<usize>,
    /// The key, by its place.
    pub key: usize,
    /// What it can get: what reveals or forges with the key, its key policy, its deletion.
    pub action: KmsAction,
    /// In so many calls.
    pub hops: usize,
    /// Whether a call's effect lies outside KMS, IAM and STS and is taken at its word.
    pub modelled: bool,
    /// Whether nothing that is missing, open or undecided could close the path.
    pub certain: bool,
}

impl Further {
    /// What leads further for the principals, keys and actions of `view`. Costs a search for each goal
    /// among the actions.
    pub fn of(access: &Access<'_>, view: &View<'_>) -> Self {
        let graph = Graph::new(access);
        // By whom a row asks as: one role stands for all of an account outside the export.
        let rows = view.rows().iter().filter_map(|at| Some((&*view.row(*at)?.caller.text, *at)));
        let rows: BTreeMap<&str, usize> = rows.collect();
        let whole = view.rows().len() == view.matrix.rows().len();
        let mut further = Self::default();
        for goal in [Goal::Use, Goal::Administer, Goal::Destroy] {
            let keys = keys(access, view, goal);
            if keys.is_empty() {
                continue;
            }
            let callers = || {
                let rows = view.rows().iter().filter_map(|at| view.row(*at));
                rows.map(|row| row.caller.clone()).collect::<BTreeSet<Caller>>()
            };
            let wanted = Wanted {
                keys: Some(keys.keys().map(|arn| (*arn).clone()).collect()),
                principals: (!whole).then(callers),
                goal,
                supposed: Supposed::Left,
                ..Wanted::default()
            };
            let found = graph.paths(&wanted);
            further.broken += found.broken.len();
            let pair = |path: &Path| {
                let key = *keys.get(&path.key)?;
                let row = rows.get(&*path.from.text).copied();
                let is_shown = match row {
                    Some(row) => view.takes(row, Some(key)),
                    None => whole && view.is_owner(&path.key),
                };
                is_shown.then(|| Pair {
                    from: path.from.clone(),
                    row,
                    key,
                    action: path.goal,
                    hops: path.hops.len(),
                    modelled: path.is_modelled(),
                    certain: path.doubts.is_empty(),
                })
            };
            further.pairs.extend(found.paths.iter().filter_map(pair));
        }
        let order = |pair: &Pair| (pair.key, pair.action, pair.hops);
        further.pairs.sort_by(|one, other| {
            order(one).cmp(&order(other)).then_with(|| one.from.text.cmp(&other.from.text))
        });
        further
    }

    /// In how many calls a row can get an action that it lacks.
    pub fn hops(&self, row: usize, key: Option<usize>, action: KmsAction) -> Option<usize> {
        let key = key?;
        let first = self.pairs.partition_point(|pair| (pair.key, pair.action) < (key, action));
        let same = self.pairs.get(first..)?.iter();
        let mut same = same.take_while(|pair| (pair.key, pair.action) == (key, action));
        same.find(|pair| pair.row == Some(row)).map(|pair| pair.hops)
    }
}

/// The keys on which the goal's action is looked at, with their places.
fn keys<'v>(access: &Access<'_>, view: &'v View<'_>, goal: Goal) -> BTreeMap<&'v KeyArn, usize> {
    let world = access.inventory();
    let asked = view.columns().flatten().filter_map(|at| {
        let arn = &view.key(Some(at))?.arn;
        let action = goal.action(world.key(arn)?)?;
        view.mask(Some(at)).contains(action).then_some((arn, at))
    });
    asked.collect()
}
