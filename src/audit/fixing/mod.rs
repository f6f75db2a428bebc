//! Fixes: what they are in bytes of files, what they do to access, and which of them change none.
//!
//! A fix changes no access where the matrix of the world after it is equal to that before it, cell by cell:
//! verdict and condition. That is found out, fix by fix, on a copy of the input that is edited in memory;
//! nothing is written here. Where some cell is not decided, before or after, only fixes that mean nobody
//! count, as equal doubts prove nothing.

mod bytes;
mod difference;
mod overlay;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::access::{Access as Engine, Matrix};
use crate::findings::{Access, Finding};
use crate::ingest::{self, Loaded};
use crate::inventory::Inventory;
use crate::rules::{Scope, Settings};
use crate::source::Files;

use super::Texts;
use super::bare::Bare;

pub use bytes::{ByteEdit, edited, resolve};
pub use difference::{Compared, Difference};
pub use overlay::Overlay;

/// A fix in bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The rule whose finding it mends.
    pub rule: &'static str,
    /// What it does.
    pub title: String,
    /// What becomes of access by it, as far as its rule knows.
    pub access: Access,
    /// The edits; no two touch.
    pub edits: Vec<ByteEdit>,
}

/// The fixes of `findings` that can be written, those first that come first. One that touches another that
/// is taken is left for the next time.
pub fn candidates(texts: &Texts<'_>, findings: &[Finding]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    // By path: where each edit begins and ends. No two of them touch.
    let mut taken: BTreeMap<String, BTreeMap<u32, u32>> = BTreeMap::new();
    for finding in findings {
        let Some(fix) = &finding.fix else { continue };
        let Some(edits) = resolve(texts, fix) else { continue };
        let touches = |edit: &ByteEdit| {
            let before =
                taken.get(&edit.path).and_then(|it| it.range(..=edit.span.end).next_back());
            before.is_some_and(|(_, end)| *end >= edit.span.start)
        };
        if edits.is_empty() || edits.iter().any(touches) {
            continue;
        }
        for edit in &edits {
            let of_file = taken.entry(edit.path.clone()).or_default();
            of_file.insert(edit.span.start, edit.span.end);
        }
        let (rule, title) = (finding.rule, fix.title.clone());
        found.push(Candidate { rule, title, access: fix.access, edits });
    }
    found
}

/// A world from which fixes are tried.
pub struct Trial<'t> {
    files: &'t dyn Files,
    paths: &'t [String],
    now: Timestamp,
    before: &'t Loaded,
    faults: usize,
}

impl<'t> Trial<'t> {
    /// The world that was loaded from `paths` of `files`; requests happen from `now` on.
    pub fn new(
        files: &'t dyn Files,
        paths: &'t [String],
        before: &'t Loaded,
        now: Timestamp,
    ) -> Self {
        let faults = faults(&before.inventory, now);
        Self { files, paths, now, before, faults }
    }

    /// Tells fixes that together change no access from the others, by their numbers. Costs a world for
    /// them together where none changes access, and some for each that does.
    pub fn settle(&self, candidates: &[Candidate]) -> (Vec<usize>, Vec<usize>) {
        let (mut same, mut other) = (Vec::new(), Vec::new());
        let may: Vec<usize> = (0..candidates.len())
            .filter(|at| {
                let changes = candidates.get(*at).is_none_or(|it| it.access == Access::MayChange);
                other.extend(changes.then_some(*at));
                !changes
            })
            .collect();
        self.split(candidates, &may, &mut same, &mut other);
        same.sort_unstable();
        other.sort_unstable();
        (same, other)
    }

    /// Adds those of `may` to `same` that change nothing beside what is there already.
    fn split(
        &self,
        candidates: &[Candidate],
        may: &[usize],
        same: &mut Vec<usize>,
        other: &mut Vec<usize>,
    ) {
        if may.is_empty() {
            return;
        }
        let together: Vec<&Candidate> =
            same.iter().chain(may).filter_map(|at| candidates.get(*at)).collect();
        if self.is_same(&together) {
            same.extend(may);
        } else if let [only] = may {
            other.push(*only);
        } else {
            let (first, second) = may.split_at(may.len() / 2);
            self.split(candidates, first, same, other);
            self.split(candidates, second, same, other);
        }
    }

    fn is_same(&self, candidates: &[&Candidate]) -> bool {
        let Some(compared) = self.compare(candidates) else { return false };
        let by_construction = candidates.iter().all(|one| one.access == Access::Stays);
        compared.differences.is_empty() && (by_construction || !compared.undecided)
    }

    /// What the fixes change together; nothing where they cannot be made, or break what was whole.
    pub fn compare(&self, candidates: &[&Candidate]) -> Option<Compared> {
        let overlay = Overlay::new(self.files, candidates)?;
        let after = ingest::load_deployed(&overlay, self.paths, &self.before.deployment);
        if after.problems.len() > self.before.problems.len()
            || faults(&after.inventory, self.now) > self.faults
        {
            return None;
        }
        let (before, after) = (&self.before.inventory, &after.inventory);
        let mut compared = self.compare_worlds(before, after);
        // The keys of bare policies are no part of either.
        let bare = (Bare::of(before), Bare::of(after));
        if bare.0.is_some() || bare.1.is_some() {
            let keys = |bare: Option<Bare>| bare.map(|it| it.keys).unwrap_or_default();
            let of_bare = self.compare_worlds(&keys(bare.0), &keys(bare.1));
            compared.differences.extend(of_bare.differences);
            compared.undecided |= of_bare.undecided;
        }
        Some(compared)
    }

    fn compare_worlds(&self, before: &Inventory, after: &Inventory) -> Compared {
        let engines = (Engine::new(before, self.now), Engine::new(after, self.now));
        let matrices = (Matrix::new(&engines.0), Matrix::new(&engines.1));
        let mut compared = difference::compare(&matrices.0, &matrices.1);
        compared.undecided |= !before.gaps.is_empty() || !after.gaps.is_empty();
        compared
    }
}

/// How many faults the policies of a world have.
fn faults(world: &Inventory, now: Timestamp) -> usize {
    let engine = super::Engine::new(world, now);
    let settings = Settings::default();
    let documents = Scope::new(&engine, &settings).documents;
    documents.iter().map(|document| document.document.policy().faults.len()).sum()
}
