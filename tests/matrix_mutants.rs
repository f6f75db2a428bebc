//! The net has no holes: an engine that ignores or misreads one thing is caught within some worlds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fmt::Write as _;

use keyreach::decision::{Callers, Condition, FACTS, Fact, Is, Request, Test};
use rayon::prelude::*;
use support::matrix::mutants::{MUTANTS, Mutant};
use support::matrix::net::{Case, check, check_with};
use support::matrix::{ENGINES, Engine};
use support::seeds::{Random, for_one_seed};
use support::worlds::{World, render, requests};

/// Within how many worlds a fault must show, and how many cells of each are asked about.
const WORLDS: u64 = 4000;
const CELLS: usize = 16;

/// What AWS does not say, and an engine could take for a fact.
const UNTRUE: &[Fact] = &[
    untrue(Callers::NotServices, &[], "kms:ViaService", Is::Absent),
    untrue(Callers::NotServices, &[], "kms:ViaService", Is::Present),
    untrue(Callers::Everyone, &[], "aws:ViaAWSService", Is::False),
    untrue(Callers::Everyone, &[], "aws:SourceIp", Is::Absent),
    untrue(Callers::Everyone, &[], "aws:SourceIp", Is::Present),
    untrue(Callers::LongTerm, &[], "aws:MultiFactorAuthPresent", Is::Absent),
    untrue(Callers::LongTerm, &[], "aws:MultiFactorAuthPresent", Is::True),
    untrue(Callers::Sessions, &[], "aws:MultiFactorAuthPresent", Is::False),
    untrue(Callers::LongTerm, &[], "aws:TokenIssueTime", Is::Absent),
    untrue(Callers::Everyone, &[], "kms:GranteePrincipal", Is::Present),
    untrue(Callers::Everyone, &[present("aws:SourceVpce")], "aws:SourceVpc", Is::Absent),
];

const fn present(key: &'static str) -> Test {
    Test { key, is: Is::Present }
}

const fn untrue(callers: Callers, when: &'static [Test], key: &'static str, is: Is) -> Fact {
    Fact { rule: "none", callers, when, then: Test { key, is } }
}

fn world(random: &mut Random, number: u64) -> (World, Vec<Request>) {
    let world = match number % 3 {
        0 => World::narrow(random),
        _ => World::random(random),
    };
    let cells = (0..CELLS).map(|_| requests::cell(&world, random)).collect();
    (world, cells)
}

/// How many worlds it takes until the net finds that `engine` has this fault.
fn caught(engine: &Engine, mutant: &Mutant, seed: u64) -> Option<u64> {
    (0..WORLDS).into_par_iter().find_first(|number| {
        let random = &mut Random::new(seed, *number);
        let (truth, cells) = world(random, *number);
        let mut told = truth.clone();
        (mutant.edit)(&mut told, random);
        if render::scenario(&told) == render::scenario(&truth) {
            return false;
        }
        let case = Case { told: &told, holes: &[], truth: &truth, cells: &cells, also: &[] };
        check(engine, &case, random).is_err()
    })
}

#[test]
fn a_fault_of_an_engine_is_found() {
    let engine = &ENGINES[0];
    for_one_seed("a_fault_of_an_engine_is_found", |seed| {
        let (mut found, mut missed) = (String::new(), Vec::new());
        for mutant in MUTANTS {
            match caught(engine, mutant, seed) {
                Some(number) => write!(found, "{}: {number}; ", mutant.fault).unwrap(),
                None => missed.push(mutant.fault),
            }
        }
        println!("{found}");
        assert!(missed.is_empty(), "not found in {WORLDS} worlds: {missed:?}");
    });
}

/// A condition with a part less; one test alone stays.
fn without_a_part(condition: Condition) -> Condition {
    match condition {
        Condition::All(mut parts) | Condition::Any(mut parts) => parts.swap_remove(0),
        only @ Condition::Test(_) => only,
    }
}

#[test]
fn a_part_of_a_condition_dropped_is_found() {
    let engine = Engine {
        stated: Some(|world, now, facts| {
            let stated = ENGINES[0].stated.unwrap()(world, now, facts);
            Box::new(move |cell| stated(cell).map(without_a_part))
        }),
        ..ENGINES[0]
    };
    for_one_seed("a_part_of_a_condition_dropped_is_found", |seed| {
        let found = (0..WORLDS).into_par_iter().find_first(|number| {
            let random = &mut Random::new(seed, *number);
            let (world, cells) = world(random, *number);
            let case = Case { told: &world, holes: &[], truth: &world, cells: &cells, also: &[] };
            check(&engine, &case, random).is_err_and(|fault| fault.what.contains("condition"))
        });
        assert!(found.is_some(), "not found in {WORLDS} worlds");
    });
}

#[test]
fn a_fact_too_many_is_found() {
    for_one_seed("a_fact_too_many_is_found", |seed| {
        let mut missed = Vec::new();
        for untrue in UNTRUE {
            let facts: Vec<Fact> = FACTS.iter().chain([untrue]).copied().collect();
            let found = (0..WORLDS).into_par_iter().find_first(|number| {
                let random = &mut Random::new(seed, *number);
                let (world, cells) = world(random, *number);
                let case =
                    Case { told: &world, holes: &[], truth: &world, cells: &cells, also: &[] };
                check_with(&ENGINES[0], &facts, &case, random).is_err()
            });
            if found.is_none() {
                missed.push(untrue);
            }
        }
        assert!(missed.is_empty(), "not found in {WORLDS} worlds: {missed:?}");
    });
}
