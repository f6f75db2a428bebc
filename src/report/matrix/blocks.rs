//! Classes: what reads the same is told once.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::audit::matrix::{Access, Kind, View};

use super::GroupBy;

/// Rows that are looked up together.
const CHUNK: usize = 256;

/// A part of a table under one heading.
pub(super) struct Section {
    /// The account, where the table is by accounts.
    pub(super) heading: Option<String>,
    /// Its blocks.
    pub(super) blocks: Vec<Block>,
    /// The sets of multi-Region keys, where the table is by keys.
    pub(super) sets: Vec<SetBlock>,
}

impl Section {
    /// Whether nothing stands under its heading.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.sets.is_empty()
    }
}

/// A set of multi-Region keys, and who can do what with some member of it.
pub(super) struct SetBlock {
    /// The set.
    pub(super) set: usize,
    /// Principals of whom the same holds: for each the accesses to the members.
    pub(super) entries: Vec<Vec<Vec<Access>>>,
}

impl SetBlock {
    fn of(view: &View<'_>, set: usize) -> Option<Self> {
        let mut places: FxHashMap<Signature, usize> = FxHashMap::default();
        let mut entries: Vec<Vec<Vec<Access>>> = Vec::new();
        for members in view.of_set(view.sets.get(set)?) {
            let kinds = members.iter().map(|access| (access.key, view.kind(access)));
            let place = *places.entry(kinds.collect()).or_insert(entries.len());
            match entries.get_mut(place) {
                Some(entry) => entry.push(members),
                None => entries.push(vec![members]),
            }
        }
        (!entries.is_empty()).then_some(Self { set, entries })
    }
}

/// Principals that can do the same with the same keys; or keys with which the same can do the same.
pub(super) struct Block {
    /// Who or what is one class: one access of each.
    pub(super) subjects: Vec<Access>,
    /// What holds of the class.
    pub(super) entries: Vec<Entry>,
    /// The sets of multi-Region keys among them, each with the first subject's accesses to its members.
    pub(super) sets: Vec<(usize, Vec<Access>)>,
}

/// What holds of several keys, or of several principals, alike.
pub(super) struct Entry {
    /// One access for each of them, of the first subject.
    pub(super) accesses: Vec<Access>,
}

impl Entry {
    /// One that stands for all.
    pub(super) fn first(&self) -> Option<&Access> {
        self.accesses.first()
    }
}

/// The table in sections and blocks, in order of their first subjects.
pub(super) fn sections(view: &View<'_>, group_by: GroupBy) -> Vec<Section> {
    match group_by {
        GroupBy::Principal => {
            let mut blocks = Blocks::default();
            each_row(view, |accesses| blocks.add(view, accesses, group_by));
            vec![Section { heading: None, blocks: blocks.blocks, sets: Vec::new() }]
        }
        GroupBy::Key => {
            let mut blocks = Blocks::default();
            let columns: Vec<Option<usize>> = view.columns().collect();
            for chunk in columns.chunks(CHUNK) {
                let found: Vec<_> = chunk.par_iter().map(|key| view.of_key(*key)).collect();
                found.into_iter().for_each(|accesses| blocks.add(view, accesses, group_by));
            }
            let sets = columns.iter().filter_map(|key| view.key(*key)?.set);
            let sets: BTreeSet<usize> = sets.collect();
            let sets = sets.into_iter().filter_map(|set| SetBlock::of(view, set)).collect();
            vec![Section { heading: None, blocks: blocks.blocks, sets }]
        }
        GroupBy::Account => by_account(view),
    }
}

fn each_row(view: &View<'_>, mut take: impl FnMut(Vec<Access>)) {
    for chunk in view.rows().chunks(CHUNK) {
        let found: Vec<_> = chunk.par_iter().map(|row| view.of_row(*row)).collect();
        found.into_iter().for_each(&mut take);
    }
}

fn by_account(view: &View<'_>) -> Vec<Section> {
    let mut sections: BTreeMap<String, Blocks> = BTreeMap::new();
    each_row(view, |accesses| {
        let mut parts: BTreeMap<String, Vec<Access>> = BTreeMap::new();
        for access in accesses {
            let owner = view.key(access.key).map(|key| key.arn.account());
            let heading = match owner {
                Some(account) => format!("account {account}"),
                None => "*".to_owned(),
            };
            parts.entry(heading).or_default().push(access);
        }
        for (heading, accesses) in parts {
            sections.entry(heading).or_default().add(view, accesses, GroupBy::Principal);
        }
    });
    let section = |(heading, blocks): (String, Blocks)| {
        let heading = if heading == "*" { "without a key".to_owned() } else { heading };
        Section { heading: Some(heading), blocks: blocks.blocks, sets: Vec::new() }
    };
    sections.into_iter().map(section).collect()
}

/// What makes two subjects one class: what reads the same with the same others. The blocks keep the
/// pairs.
type Signature = Vec<(Option<usize>, Kind)>;

#[derive(Default)]
struct Blocks {
    blocks: Vec<Block>,
    known: FxHashMap<Signature, usize>,
}

impl Blocks {
    /// Adds a subject with all its accesses.
    fn add(&mut self, view: &View<'_>, accesses: Vec<Access>, group_by: GroupBy) {
        let Some(subject) = accesses.first().cloned() else {
            return;
        };
        let part = |access: &Access| {
            let other = if group_by == GroupBy::Key { Some(access.row) } else { access.key };
            (other, view.kind(access))
        };
        // Of a set also what the filters hide counts.
        let sets = match group_by {
            GroupBy::Key => Vec::new(),
            GroupBy::Principal | GroupBy::Account => view.of_sets(subject.row, &accesses),
        };
        let of_sets = sets.iter().flat_map(|(_, members)| members);
        let signature: Signature = accesses.iter().chain(of_sets).map(part).collect();
        let known = self.known.get(&signature).and_then(|at| self.blocks.get_mut(*at));
        if let Some(block) = known {
            block.subjects.push(subject);
            return;
        }
        self.known.insert(signature, self.blocks.len());
        self.blocks.push(Block { subjects: vec![subject], entries: entries(view, accesses), sets });
    }
}

fn entries(view: &View<'_>, accesses: Vec<Access>) -> Vec<Entry> {
    let mut places: FxHashMap<Kind, usize> = FxHashMap::default();
    let mut entries: Vec<Entry> = Vec::new();
    for access in accesses {
        let place = *places.entry(view.kind(&access)).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(entry) => entry.accesses.push(access),
            None => entries.push(Entry { accesses: vec![access] }),
        }
    }
    entries
}
