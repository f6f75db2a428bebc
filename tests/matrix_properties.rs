//! What holds of the verdict of every cell, whatever engine gives it, tried on random worlds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::decision::{Bound, FACTS, Fact, Request, Verdict};
use keyreach::eval::reference::Reference;
use rayon::prelude::*;
use support::matrix::net::{Case, Fault, Seen, check, inventory, word};
use support::matrix::shrink::shrink;
use support::matrix::{ENGINES, Engine, now};
use support::seeds::{Random, for_each_seed};
use support::worlds::{Hole, World, render, requests};

/// Worlds of a seed, and cells of a world: the fresh seed and the kept ones make 20,000 cells and more.
const WORLDS: u64 = 450;
const CELLS: usize = 12;

/// A world, what is not told of it, and the cells to ask about.
fn case(random: &mut Random, number: u64) -> (World, Vec<Hole>, Vec<Request>) {
    let world = match number % 3 {
        0 => World::narrow(random),
        _ => World::random(random),
    };
    let holes = if number % 3 == 1 { world.holes(random) } else { Vec::new() };
    let cells = cells(&world, random);
    (world, holes, cells)
}

/// Cells, most of which are allowed in some context: random ones are never, more often than not.
fn cells(world: &World, random: &mut Random) -> Vec<Request> {
    let truth = inventory(world);
    let reference = Reference::new(&truth);
    let (mut lively, mut others) = (Vec::new(), Vec::new());
    for _ in 0..CELLS * 3 {
        let cell = requests::cell(world, random);
        let request = requests::possible(world, random, &cell);
        let is_allowed = request.is_some_and(|it| reference.evaluate(&it).is_allowed());
        if is_allowed { &mut lively } else { &mut others }.push(cell);
    }
    lively.truncate(CELLS * 3 / 4);
    others.truncate(CELLS - lively.len());
    lively.into_iter().chain(others).collect()
}

fn checked(
    engine: &Engine,
    (world, holes): (&World, &[Hole]),
    cells: &[Request],
    also: &[Request],
    draws: &Random,
) -> Result<Seen, Box<Fault>> {
    let case = Case { told: world, holes, truth: world, cells, also };
    check(engine, &case, &mut draws.clone())
}

/// The fault in the smallest world that shows it.
fn smallest(engine: &Engine, world: &World, holes: &[Hole], fault: Box<Fault>) -> String {
    let (cells, also) = ([fault.cell.clone()], Vec::from_iter(fault.request.clone()));
    let fails = |world: &World| {
        let draws = Random::new(1, 1);
        checked(engine, (world, holes), &cells, &also, &draws).err()
    };
    let (world, fault) =
        shrink(world, fault, |it| format!("{} {}", it.cell.caller.text, it.cell.target), fails);
    fault.told(&world, holes)
}

#[test]
fn verdicts_hold_in_random_worlds() {
    for engine in ENGINES {
        for_each_seed("verdicts_hold_in_random_worlds", "verdicts", |seed| {
            let seen = (0..WORLDS).into_par_iter().map(|number| {
                let random = &mut Random::new(seed, number);
                let (world, mut holes, cells) = case(random, number);
                if engine.told_everything {
                    holes.clear();
                }
                checked(engine, (&world, &holes), &cells, &[], random).unwrap_or_else(|fault| {
                    let text = smallest(engine, &world, &holes, fault);
                    panic!("{}, world {number}: {text}", engine.name)
                })
            });
            let seen = seen.reduce(Seen::default, |one, other| one + other);
            println!("{}: {seen:?}", engine.name);
            assert!(seen.cells() > 5000 && seen.contexts > 30_000, "{seen:?}");
            assert!(seen.verdicts.iter().all(|count| *count > 150), "{seen:?}");
            assert!(engine.stated.is_none() || seen.conditions > 500, "{seen:?}");
        });
    }
}

#[test]
fn a_fact_less_makes_verdicts_wider_only() {
    for engine in ENGINES {
        for_each_seed("a_fact_less_makes_verdicts_wider_only", "verdicts", |seed| {
            (0..WORLDS / 3).into_par_iter().for_each(|number| {
                let random = &mut Random::new(seed, number);
                let (world, _, cells) = case(random, number * 3);
                let told = inventory(&world);
                let full = engine.over(&told);
                for cell in cells {
                    let gone = random.below(FACTS.len());
                    let kept = FACTS.iter().enumerate().filter(|(nth, _)| *nth != gone);
                    let kept: Vec<Fact> = kept.map(|(_, fact)| *fact).collect();
                    let (full, less) = (
                        full.verdict_of(&cell),
                        (engine.make)(&told, now(), &kept).verdict_of(&cell),
                    );
                    let was_possible = match less {
                        Verdict::Always { .. } => full.at_most() == Bound::Always,
                        Verdict::Never { .. } => full.at_least() == Bound::Never,
                        _ => true,
                    };
                    assert!(
                        was_possible,
                        "{} without {:?}: {} turns {}\n{cell:?}\n{}",
                        engine.name,
                        FACTS[gone],
                        word(&full),
                        word(&less),
                        render::scenario(&world),
                    );
                }
            });
        });
    }
}
