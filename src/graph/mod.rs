//! The principal-key graph: who could get to a key, and by which steps.
//!
//! It asks both engines and neither knows it: the matrix engine says which steps are possible for whole
//! classes, the reference evaluator executes what is found, call by call, in a copy of the world.

mod asked;
mod asker;
mod assemble;
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
use crate::aws::KeyArn;
use crate::decision::{Caller, Chance};
use assemble::Assembler;
use cast::{Cast, Ix, KeyIx};
use keys::Keys;
use search::{Limits, Plan, Search};
use state::States;

/// The paths that were found.
#[derive(Default, Debug)]
pub struct Found {
    /// One for each principal and key, the shortest; by the names of both.
    pub paths: Vec<Path>,
    /// Ways that classes allow, and no request does: faults of the engine.
    pub broken: Vec<(Caller, KeyArn)>,
}

/// The shortest path of everybody who is wanted to each key that it lacks.
pub fn paths(access: &Access<'_>, wanted: &Wanted) -> Found {
    let cast = Cast::of(access.inventory());
    let assembler = Assembler { cast: &cast, access };
    let mut ways: Vec<(Ix, KeyIx, Vec<Plan>)> = Vec::new();
    for (start, plans) in plans(access, &cast, wanted) {
        ways.extend(plans.into_iter().map(|(key, plans)| (start, key, plans)));
    }
    let made = ways.par_iter().filter_map(|(start, key, plans)| {
        let goal = wanted.goal.action(cast.key(*key)?)?;
        let path = plans.iter().find_map(|plan| assembler.path(*start, *key, goal, plan));
        let ends = (cast.member(*start)?.caller.clone(), cast.key(*key)?.arn.clone());
        Some(path.ok_or(ends))
    });
    let mut found = Found::default();
    for made in made.collect::<Vec<_>>() {
        match made {
            Ok(path) => found.paths.push(path),
            Err(ends) => found.broken.push(ends),
        }
    }
    found.paths.sort_by(|one, other| (&one.from, &one.key).cmp(&(&other.from, &other.key)));
    found.broken.sort();
    found
}

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
        kept: 1,
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
