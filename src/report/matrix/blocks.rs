//! Classes: what reads the same is told once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::audit::matrix::{Access, View};
use crate::decision::Pair;

use super::GroupBy;
use super::words::{Group, groups};

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

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Access> {
        self.accesses.iter()
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

/// What makes two subjects one class: the same to be read of the same others.
type Signature = Vec<(Option<usize>, u32)>;

#[derive(Default)]
struct Blocks {
    blocks: Vec<Block>,
    known: FxHashMap<Signature, usize>,
    readings: Readings,
}

impl Blocks {
    /// Adds a subject with all its accesses.
    fn add(&mut self, view: &View<'_>, accesses: Vec<Access>, group_by: GroupBy) {
        let Some(subject) = accesses.first().cloned() else {
            return;
        };
        let readings: Vec<u32> =
            accesses.iter().map(|access| self.readings.of(view, access)).collect();
        let other = |access: &Access| match group_by {
            GroupBy::Key => Some(access.row),
            GroupBy::Principal | GroupBy::Account => access.key,
        };
        let others = accesses.iter().map(other);
        let signature: Signature = others.zip(readings.iter().copied()).collect();
        let known = self.known.get(&signature).and_then(|at| self.blocks.get_mut(*at));
        if let Some(block) = known {
            block.subjects.push(subject);
            return;
        }
        self.known.insert(signature, self.blocks.len());
        let entries = entries(accesses.into_iter().zip(readings));
        self.blocks.push(Block { subjects: vec![subject], entries });
    }
}

/// A pair, and what of it is shown.
type Shown = (*const Pair, u64, u64);

/// Numbers for what is read of an access; equal numbers read alike.
#[derive(Default)]
struct Readings {
    /// Pairs that were read before; kept, so that their places name them.
    known: FxHashMap<Shown, (Arc<Pair>, u32)>,
    texts: FxHashMap<(u64, Vec<Group>), u32>,
}

impl Readings {
    fn of(&mut self, view: &View<'_>, access: &Access) -> u32 {
        let (mask, possible) = (view.mask(access.key).bits(), view.possible(access.key).bits());
        let shown = (Arc::as_ptr(&access.pair), mask, possible);
        if let Some((_, number)) = self.known.get(&shown) {
            return *number;
        }
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text = (possible, groups(view, access));
        let number = *self.texts.entry(text).or_insert(next);
        self.known.insert(shown, (Arc::clone(&access.pair), number));
        number
    }
}

fn entries(accesses: impl Iterator<Item = (Access, u32)>) -> Vec<Entry> {
    let mut places: FxHashMap<u32, usize> = FxHashMap::default();
    let mut entries: Vec<Entry> = Vec::new();
    for (access, reading) in accesses {
        let place = *places.entry(reading).or_insert(entries.len());
        match entries.get_mut(place) {
            Some(entry) => entry.accesses.push(access),
            None => entries.push(Entry { accesses: vec![access] }),
        }
    }
    entries
}
