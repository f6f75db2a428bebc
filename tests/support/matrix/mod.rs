//! The net that holds an engine for cells against the reference evaluator.
//!
//! An engine that answers for cells is one line in [`ENGINES`]. [`net`] checks what it says of the cells
//! of a world, [`shrink`] makes a world that fails smaller, [`mutants`] shows that the net has no holes.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails, and each that includes this module uses a part of it"
)]

pub mod mutants;
pub mod net;
pub mod shrink;

use jiff::Timestamp;
use keyreach::access::Access;
use keyreach::decision::{Condition, FACTS, Fact, Reach, Request};
use keyreach::eval::probe::Probe;
use keyreach::inventory::Inventory;

/// An engine that answers for cells.
#[derive(Clone, Copy)]
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// Makes it for a world, the first instant of requests, and the facts about what AWS sends.
    pub make: for<'w> fn(&'w Inventory, Timestamp, &'w [Fact]) -> Box<dyn Reach + 'w>,
    /// Whether its bounds promise to hold where something is not told.
    pub told_everything: bool,
    /// Which readings of open points its bounds promise to hold for.
    pub promise: Promise,
    /// What it states of conditional cells, where it states conditions; made like the engine itself.
    pub stated: Option<MakeStated>,
}

/// See [`Engine::stated`].
pub type MakeStated = for<'w> fn(&'w Inventory, Timestamp, &'w [Fact]) -> Stated<'w>;

/// The condition of a conditional cell; nothing where none is found.
pub type Stated<'w> = Box<dyn Fn(&Request) -> Option<Condition> + 'w>;

/// Readings of the points that AWS leaves open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// One point read the other way at a time.
    EachPoint,
    /// Any of them, together.
    EveryCombination,
}

/// The engines that are held against the reference.
pub const ENGINES: &[Engine] = &[
    Engine {
        name: "matrix",
        make: |world, now, facts| Box::new(keyreach::audit::Engine::with_facts(world, now, facts)),
        told_everything: false,
        promise: Promise::EveryCombination,
        stated: Some(|world, now, facts| {
            let access = Access::with_facts(world, now, facts);
            // What is missing could move the condition without moving the verdict.
            Box::new(move |cell| {
                let answer = access.answer_of(cell);
                answer.condition.filter(|_| answer.missing.is_empty())
            })
        }),
    },
    Engine {
        name: "probe",
        make: |world, now, facts| Box::new(Probe::with_facts(world, now, facts)),
        told_everything: true,
        promise: Promise::EachPoint,
        stated: None,
    },
];

impl Engine {
    /// The engine with all facts.
    pub fn over<'w>(&self, world: &'w Inventory) -> Box<dyn Reach + 'w> {
        (self.make)(world, now(), FACTS)
    }
}

/// When the first request happens.
pub fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}
