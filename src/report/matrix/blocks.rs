//! Classes: what reads the same is told once.

use std::collections::BTreeMap;

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
}

/// Principals that can do the same with the same keys; or keys with which the same can do the same.
pub(super) struct Block {
    /// Who or what is one class: one access of each.
    pub(super) subjects: Vec<Access>,
    /// What holds of the class.
    pub(super) entries: Vec<Entry>,
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
            vec![Section { heading: None, blocks: blocks.blocks }]
        }
        GroupBy::Key => {
            let mut blocks = Blocks::default();
            let columns: Vec<Option<usize>> = view.columns().collect();
            for chunk in columns.chunks(CHUNK) {
                let found: Vec<_> = chunk.par_iter().map(|key| view.of_key(*key)).collect();
                found.into_iter().for_each(|accesses| blocks.add(view, accesses, group_by));
            }
            vec![Section { heading: None, blocks: blocks.blocks }]
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
        Section { heading: Some(heading), blocks: blocks.blocks }
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
        let signature: Signature = accesses.iter().map(part).collect();
        let known = self.known.get(&signature).and_then(|at| self.blocks.get_mut(*at));
        if let Some(block) = known {
            block.subjects.push(subject);
            return;
        }
        self.known.insert(signature, self.blocks.len());
        self.blocks.push(Block { subjects: vec![subject], entries: entries(view, accesses) });
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
