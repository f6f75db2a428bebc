//! The executable specification of KMS authorization: plain, slow, obviously right.
//!
//! [`Reference::evaluate`] follows the order of section 3.2 of the semantics; every branch cites its
//! rule. It takes any context as given (rule U9), reads the points that AWS leaves open as section 10
//! chooses, and says when another reading would give the other answer (rule U8). Policies that are named
//! but not exported allow nothing and stand in [`Decision::missing`]. Costs some ten microseconds a
//! request, and the lowering of each policy at its first use.

mod access;
mod caller;
mod compare;
mod condition;
mod context;
mod grants;
mod matching;
mod operations;
mod participants;
mod principals;
mod scene;
mod statements;
mod text;
mod truth;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, KeyArn};
use crate::decision::{Decision, OpenPoint, Readings, Request};
use crate::inventory::{Gap, Inventory};

pub use operations::{NewKey, Operation, lockout_check};
pub use usage::{Ability, ability};

use scene::Scene;

/// The reference evaluator over one world.
pub struct Reference<'w> {
    world: &'w Inventory,
    readings: Readings,
    account_gaps: BTreeMap<AccountId, Vec<&'w Gap>>,
    key_gaps: BTreeMap<&'w KeyArn, Vec<&'w Gap>>,
}

impl<'w> Reference<'w> {
    /// The evaluator with the choices of section 10 (mode `choice` of rule U8).
    pub fn new(world: &'w Inventory) -> Self {
        Self::with_readings(world, Readings::default())
    }

    /// The evaluator with some open points read the other way.
    pub fn with_readings(world: &'w Inventory, readings: Readings) -> Self {
        let mut account_gaps: BTreeMap<AccountId, Vec<&Gap>> = BTreeMap::new();
        let mut key_gaps: BTreeMap<&KeyArn, Vec<&Gap>> = BTreeMap::new();
        for gap in &world.gaps {
            if let Some(account) = gap.kind.of_account() {
                account_gaps.entry(account).or_default().push(gap);
            }
            if let Some(key) = gap.kind.of_key() {
                key_gaps.entry(key).or_default().push(gap);
            }
        }
        Self { world, readings, account_gaps, key_gaps }
    }

    /// The world it answers for.
    pub fn world(&self) -> &'w Inventory {
        self.world
    }

    /// The decision on one request.
    pub fn evaluate(&self, request: &Request) -> Decision {
        let (mut decision, consulted) = self.decide(request, self.readings);
        decision.open_points = self.hinges(request, &decision, consulted);
        decision
    }

    /// What two files state differently of `subject`.
    fn conflicts_of(&self, subject: &str) -> impl Iterator<Item = &'w str> {
        let conflicts = self.world.conflicts.iter();
        conflicts
            .filter(move |conflict| *conflict.subject == *subject)
            .map(|conflict| &*conflict.what)
    }

    fn decide(&self, request: &Request, readings: Readings) -> (Decision, BTreeSet<OpenPoint>) {
        let scene = Scene::new(self, request, readings);
        let decision = access::decide(&scene);
        (decision, scene.consulted())
    }

    /// Rule U8: the points met on the way whose other reading gives the other answer.
    fn hinges(
        &self,
        request: &Request,
        decision: &Decision,
        consulted: BTreeSet<OpenPoint>,
    ) -> BTreeSet<OpenPoint> {
        let flips = |point: &OpenPoint| {
            let (other, _) = self.decide(request, self.readings.flipped(*point));
            other.is_allowed() != decision.is_allowed()
        };
        consulted.into_iter().filter(flips).collect()
    }
}
