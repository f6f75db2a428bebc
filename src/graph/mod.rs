//! The principal-key graph: who could get to a key, and by which steps.
//!
//! It asks both engines and neither knows it: the matrix engine says which steps are possible for whole
//! classes, the reference evaluator executes what is found, call by call, in a copy of the world.

mod asked;
mod call;
mod cast;
mod change;
mod execute;
mod key_moves;
mod keys;
mod launch;
mod moves;
mod network;
mod path;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod wanted;

pub use call::{Ask, Call};
pub use execute::{Executed, Failure, Obstacle, Proof, execute, worlds};
pub use launch::{LAUNCHES, Launch};
pub use network::{Edge, Network, Node};
pub use path::{EdgeKind, Hop, Path};
pub use wanted::{Goal, Wanted};

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::access::Access;
use crate::decision::Chance;
use cast::{Cast, Ix, KeyIx};
use keys::Keys;
use search::{Limits, Plan, Search};
use state::States;

/// The ways from everybody who is wanted, in numbers.
fn plans(
    access: &Access<'_>,
    cast: &Cast<'_>,
    wanted: &Wanted,
) -> Vec<(Ix, BTreeMap<KeyIx, Vec<Plan>>)> {
    let keys = Keys::of(cast, access, |key| wanted.goal.action(key));
    let states = States::new(cast, access, &keys);
    let is_wanted: Vec<bool> = cast
        .keys
        .iter()
        .map(|key| wanted.keys.as_ref().is_none_or(|keys| keys.contains(&key.arn)))
        .collect();
    let limits = Limits {
        hops: wanted.max_hops.unwrap_or(usize::MAX),
        primitives: wanted.max_primitives,
        least: Chance::AsTold,
    };
    let starts = (0..cast.members.len() as Ix).into_par_iter();
    let starts = starts.filter(|at| {
        let member = cast.member(*at);
        let is_asked = |arn: &str| wanted.principals.as_ref().is_none_or(|it| it.contains(arn));
        member.is_some_and(|it| is_asked(&it.caller.text) && (it.outside || !wanted.external_only))
    });
    let found = starts.map(|start| (start, Search::from(&states, start, &is_wanted, limits)));
    found.filter(|(_, plans)| !plans.is_empty()).collect()
}
