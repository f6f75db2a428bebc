//! A path of so many calls is found exactly when the search that executes everything finds one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use keyreach::access::Access;
use keyreach::graph::{Call, Found, Graph, Path, Summary, Wanted, execute};
use keyreach::inventory::Inventory;
use rayon::prelude::*;
use support::matrix::net::inventory;
use support::matrix::now;
use support::matrix::shrink::shrink;
use support::paths::oracle::Oracle;
use support::seeds::{Random, for_each_seed};
use support::worlds::{World, render};

/// Primitives that paths do not know yet.
const UNKNOWN: [&str; 1] = ["T41 client"];

/// A difference: who sets out and to which key, and what both say.
struct Fault {
    of: String,
    told: String,
}

fn shown(path: Option<&Path>) -> String {
    let Some(path) = path else { return "  no way\n".to_owned() };
    let mut text = String::new();
    for hop in &path.hops {
        let (caller, call) = (&hop.caller, &hop.call);
        let params = call.params(&hop.context);
        writeln!(text, "  {caller}: {} {params}\n    {:?}", call.name(), hop.context).unwrap();
    }
    writeln!(text, "  {} on {}: {:?}", path.goal_as, path.goal_key, path.context).unwrap();
    text
}

/// How many calls a path takes, those aside that give devices for MFA: executing everything asks for none.
fn calls_of(path: &Path) -> usize {
    let is_device =
        |call: &Call| matches!(call, Call::CreateMfaDevice { .. } | Call::EnableMfaDevice { .. });
    path.hops.iter().filter(|hop| !is_device(&hop.call)).count()
}

fn found(world: &Inventory, calls: usize) -> (Found, Summary) {
    let access = Access::new(world, now());
    let wanted = Wanted { max_hops: Some(calls), ..Wanted::default() };
    let graph = Graph::new(&access);
    (graph.paths(&wanted), graph.summary(&wanted))
}

/// What the summary counts otherwise than there are paths.
fn miscounted(found: &Found, summary: &Summary) -> Option<Fault> {
    let mut calls: BTreeMap<usize, usize> = BTreeMap::new();
    found.paths.iter().for_each(|path| *calls.entry(calls_of(path)).or_default() += 1);
    let counted = summary.by_calls.iter().filter(|(calls, _)| **calls > 0);
    let counted: BTreeMap<usize, usize> = counted.map(|(at, count)| (*at, count.pairs)).collect();
    let told = format!("paths {calls:?} unknown {}\n{summary:#?}\n", found.unknown.len());
    let is_right = calls == counted && summary.unknown == found.unknown.len();
    (!is_right).then(|| Fault { of: "the summary".to_owned(), told })
}

/// What is told otherwise than executing everything tells it.
fn faults(made: &World, calls: usize) -> Vec<Fault> {
    let world = inventory(made);
    let mut oracle = Oracle::new(&world, calls);
    oracle.without = UNKNOWN.to_vec();
    let (found, summary) = found(&world, calls);
    let broken = found.broken.iter().map(|broken| {
        let failure = broken.failure.as_ref().map(ToString::to_string);
        let told = format!("a way that cannot be gone: {failure:?}\n");
        Fault { of: format!("{} {}", broken.from, broken.key), told }
    });
    let mut all: Vec<Fault> = broken.chain(miscounted(&found, &summary)).collect();
    for start in oracle.starts() {
        let expected = oracle.paths(&start);
        for key in world.keys.keys() {
            let is_it = |path: &&Path| path.from == start && path.key == *key;
            let told = found.paths.iter().find(is_it);
            let wanted = expected.get(key);
            let calls = |path: &Path| Some(calls_of(path)).filter(|calls| *calls > 0);
            let is_gone = told.is_none_or(|path| execute(&world, path).is_ok());
            // Executing everything writes no trust policy that lets sessions bring tags.
            let is_nearer = told.is_some_and(|path| {
                let nearer = wanted.is_none_or(|wanted| calls_of(path) < calls_of(wanted));
                nearer && is_gone && brings_tags_by_new_trust(path)
            });
            if (wanted.and_then(calls) != told.and_then(calls) && !is_nearer) || !is_gone {
                let told = format!("executing everything\n{}told\n{}", shown(wanted), shown(told));
                all.push(Fault { of: format!("{start} {key}"), told });
            }
        }
    }
    all
}

/// Whether a role is taken on with tags after its trust policy was written.
fn brings_tags_by_new_trust(path: &Path) -> bool {
    let written = path.hops.iter().filter_map(|hop| match &hop.call {
        Call::UpdateAssumeRolePolicy { role, .. } => Some(role),
        _ => None,
    });
    let written: Vec<&Box<str>> = written.collect();
    path.hops.iter().any(|hop| match &hop.call {
        Call::AssumeRole { role, tags } => !tags.is_empty() && written.contains(&role),
        _ => false,
    })
}

fn check(test: &str, calls: usize, worlds: u64) {
    check_in(test, World::escalating, calls, worlds);
}

fn check_in(test: &str, make: fn(&mut Random) -> World, calls: usize, worlds: u64) {
    for_each_seed(test, "paths", |seed| {
        (0..worlds).into_par_iter().for_each(|number| {
            let made = make(&mut Random::new(seed, number));
            let Some(fault) = faults(&made, calls).into_iter().next() else { return };
            let (of, kept) = (fault.of.clone(), |fault: &Fault| fault.of.clone());
            let fails = |world: &World| faults(world, calls).into_iter().find(|it| it.of == of);
            let (made, fault) = shrink(&made, fault, kept, fails);
            panic!("{}\n{}{}", fault.of, fault.told, render::scenario(&made));
        });
    });
}

#[test]
fn paths_of_two_calls_are_found_exactly_where_there_are_any() {
    check("paths_of_two_calls_are_found_exactly_where_there_are_any", 2, 150);
}

#[test]
fn paths_of_three_calls_are_found_exactly_where_there_are_any() {
    check("paths_of_three_calls_are_found_exactly_where_there_are_any", 3, 60);
}

#[test]
fn whoever_gives_what_must_be_alike_gets_there_in_two_calls() {
    let test = "whoever_gives_what_must_be_alike_gets_there_in_two_calls";
    check_in(test, World::likened, 2, 100);
}

#[test]
fn administrators_hide_no_path_of_two_calls() {
    check_in("administrators_hide_no_path_of_two_calls", World::administered, 2, 100);
}

#[test]
fn administrators_hide_no_path_of_three_calls() {
    check_in("administrators_hide_no_path_of_three_calls", World::administered, 3, 30);
}

#[test]
fn administrators_who_are_alike_or_near_hide_no_path_of_two_calls() {
    let test = "administrators_who_are_alike_or_near_hide_no_path_of_two_calls";
    check_in(test, World::administered_by_many, 2, 40);
}

#[test]
fn administrators_who_are_alike_or_near_hide_no_path_of_three_calls() {
    let test = "administrators_who_are_alike_or_near_hide_no_path_of_three_calls";
    check_in(test, World::administered_by_many, 3, 12);
}
