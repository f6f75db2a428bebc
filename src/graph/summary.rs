//! How far everybody is from every key, in numbers: principals that reach the same as one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::decision::Caller;

use super::cast::{Cast, Ix, KeyIx};
use super::search::{Search, Way};
use super::{Graph, Quest, Searched, Wanted};

/// How far everybody is from every key. It is counted by what classes allow, but for ways on which somebody may
/// need its tags again, which are executed (rules T7, T34); that each of the others can be gone is for
/// [`Graph::paths`], which executes it, and gives users devices for MFA beside (rule T43).
#[derive(Default, Debug)]
pub struct Summary {
    /// Who sets out.
    pub principals: usize,
    /// Keys that are wanted and can perform the goal.
    pub keys: usize,
    /// Pairs, by the number of calls; 0 for those who need none.
    pub by_calls: BTreeMap<usize, Count>,
    /// Ways that hang on what is not known, for pairs without another.
    pub unknown: usize,
    /// Whether more could be done about the organization than was looked at (rule T37).
    pub capped: bool,
    /// Those who reach the same keys in as many calls; who reaches most stands first.
    pub alike: Vec<Alike>,
    /// How many sets of keys there are that the same principals reach in as many calls.
    pub key_sets: usize,
    /// Nodes of the graph.
    pub nodes: usize,
    /// What documents state between them; what can be done to many is one node.
    pub edges: usize,
}

/// How many there are.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// Pairs of a principal and a key.
    pub pairs: usize,
    /// Principals in them.
    pub principals: usize,
    /// Keys in them.
    pub keys: usize,
}

/// Principals that reach the same.
#[derive(Debug)]
pub struct Alike {
    /// Who; in order.
    pub who: Vec<Caller>,
    /// How many keys, by the number of calls.
    pub keys: BTreeMap<usize, usize>,
}

/// The keys that somebody reaches, in order, with the number of calls.
type Row = Box<[(KeyIx, u32)]>;

impl Graph<'_> {
    /// How far everybody who is wanted is from each key.
    pub fn summary(&self, wanted: &Wanted) -> Summary {
        let cast = Cast::with_made(self.access.inventory());
        let network = self.network();
        let (nodes, edges) = (network.node_count(), network.edge_count());
        drop(network);
        let summary = self.quest(&cast, wanted, |quest| quest.summary());
        Summary { nodes, edges, ..summary }
    }
}

impl Quest<'_, '_> {
    fn summary(&self) -> Summary {
        let starts: Vec<Ix> = self.starts().collect();
        let Searched { ways, unsure } = self.ways();
        let row = |start: &Ix| self.row(*start, ways.get(start));
        let rows: Vec<Row> = starts.par_iter().map(row).collect();
        let has_path = |start: Ix, key: KeyIx| {
            let at = starts.binary_search(&start).ok();
            let row = at.and_then(|at| rows.get(at));
            row.is_some_and(|row| row.binary_search_by_key(&key, |it| it.0).is_ok())
        };
        let unknown = self.supposed(&unsure, has_path).len();
        let mut alike: BTreeMap<Row, Vec<Ix>> = BTreeMap::new();
        for (start, row) in starts.iter().zip(rows) {
            alike.entry(row).or_default().push(*start);
        }
        let goals = &self.states.keys.goals;
        Summary {
            principals: starts.len(),
            keys: goals.iter().flatten().count(),
            by_calls: counts(&alike),
            unknown,
            capped: self.cast.capped.load(Ordering::Relaxed),
            key_sets: key_sets(&alike),
            alike: self.named(alike),
            ..Summary::default()
        }
    }

    fn row(&self, start: Ix, ways: Option<&BTreeMap<KeyIx, Vec<Way>>>) -> Row {
        let wanted = self.keys(start);
        let today = Search::today(&self.states, start, &wanted).into_iter().map(|key| (key, 0));
        let calls = ways
            .into_iter()
            .flatten()
            .filter_map(|(key, ways)| Some((*key, self.calls(start, *key, ways)?)));
        let mut row: Vec<(KeyIx, u32)> = today.chain(calls).collect();
        row.sort_unstable();
        row.dedup();
        row.into()
    }

    /// How many calls lead to a key.
    fn calls(&self, start: Ix, key: KeyIx, ways: &[Way]) -> Option<u32> {
        let first = ways.first()?;
        if !self.may_need_tags_again(start, first) {
            return Some(first.calls());
        }
        let path = self.made((start, key), ways, self.limits(1))?.ok()?;
        Some(path.hops.len() as u32)
    }

    fn named(&self, alike: BTreeMap<Row, Vec<Ix>>) -> Vec<Alike> {
        let named = alike.into_iter().filter(|(row, _)| !row.is_empty()).map(|(row, starts)| {
            let who = starts.iter().filter_map(|at| Some(self.cast.member(*at)?.caller.clone()));
            let mut who: Vec<Caller> = who.collect();
            who.sort();
            let mut keys = BTreeMap::new();
            row.iter().for_each(|(_, calls)| *keys.entry(*calls as usize).or_default() += 1);
            Alike { who, keys }
        });
        let mut named: Vec<Alike> = named.collect();
        let reached = |it: &Alike| std::cmp::Reverse(it.keys.values().sum::<usize>());
        named.sort_by(|one, other| {
            (reached(one), one.who.first()).cmp(&(reached(other), other.who.first()))
        });
        named
    }
}

fn counts(alike: &BTreeMap<Row, Vec<Ix>>) -> BTreeMap<usize, Count> {
    let mut counts: BTreeMap<usize, Count> = BTreeMap::new();
    let mut keys: BTreeMap<usize, BTreeSet<KeyIx>> = BTreeMap::new();
    for (row, starts) in alike {
        let mut met = BTreeSet::new();
        for (key, calls) in row {
            let count = counts.entry(*calls as usize).or_default();
            count.pairs += starts.len();
            if met.insert(*calls) {
                count.principals += starts.len();
            }
            keys.entry(*calls as usize).or_default().insert(*key);
        }
    }
    for (calls, keys) in keys {
        counts.entry(calls).or_default().keys = keys.len();
    }
    counts
}

/// How many sets of keys there are that the same principals reach in as many calls.
fn key_sets(alike: &BTreeMap<Row, Vec<Ix>>) -> usize {
    let mut columns: FxHashMap<KeyIx, Vec<(usize, u32)>> = FxHashMap::default();
    for (number, row) in alike.keys().enumerate() {
        for (key, calls) in row {
            columns.entry(*key).or_default().push((number, *calls));
        }
    }
    columns.into_values().collect::<BTreeSet<_>>().len()
}
