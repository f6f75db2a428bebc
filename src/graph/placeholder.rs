//! PLACEHOLDER of the branch `pictures`: the graph search replaces this file. It knows the stated edges and
//! finds no path.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::access::Access;
use crate::aws::KeyArn;
use crate::decision::Caller;

use super::{Network, Path, Sketch, state};

/// The graph of a world.
pub struct Graph<'a> {
    access: &'a Access<'a>,
}

/// What is gained in the end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Goal {
    /// The action of the key that reveals most: kms:Decrypt, else kms:Sign, kms:GenerateMac, ...
    Use,
    /// kms:PutKeyPolicy.
    Administer,
    /// kms:ScheduleKeyDeletion.
    Destroy,
}

/// Which paths are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// To these keys; to all where none are named.
    pub keys: Option<BTreeSet<KeyArn>>,
    /// From these principals; from all where none are named.
    pub principals: Option<BTreeSet<Caller>>,
    /// What is gained.
    pub goal: Goal,
    /// At most so many calls.
    pub max_hops: Option<usize>,
    /// At most so many primitives in a row (rule T52).
    pub max_primitives: usize,
    /// Only those that begin outside the export.
    pub external_only: bool,
}

/// What the search found.
#[derive(Clone, Default, Debug)]
pub struct Found {
    /// The paths.
    pub paths: Vec<Path>,
    /// What was not looked at, in words; sorted.
    pub beyond: BTreeSet<String>,
}

impl<'a> Graph<'a> {
    /// The graph over the engine's world.
    pub fn new(access: &'a Access<'a>, _now: Timestamp) -> Self {
        Self { access }
    }

    /// All nodes and edges.
    pub fn network(&self) -> Network {
        let mut sketch = Sketch::default();
        state(&mut sketch, self.access);
        sketch.finish()
    }

    /// The paths that are wanted.
    pub fn paths(&self, _wanted: &Wanted) -> Found {
        Found::default()
    }
}
