//! Both engines over steps outside KMS, tried on random worlds: no request that AWS could send
//! contradicts a verdict, witnesses prove it, and a condition is true of what is allowed alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::access::Access;
use keyreach::decision::{
    Bound, CellAnswer, Context, ControlRequest, FACTS, OpenPoint, Readings, Standing, Surroundings,
    completed, is_possible,
};
use keyreach::eval::reference::Reference;
use keyreach::inventory::Inventory;
use rayon::prelude::*;
use support::matrix::net::{inventory, loaded, with_tags};
use support::matrix::now;
use support::seeds::{Random, for_each_seed};
use support::worlds::control::{sent, step};
use support::worlds::{Hole, World, render};

/// Worlds of a seed, steps of a world, contexts of a step.
const WORLDS: u64 = 250;
const STEPS: usize = 16;
const CONTEXTS: usize = 6;

/// The open points that a step can hang on.
const POINTS: [OpenPoint; 2] = [OpenPoint::O5, OpenPoint::O28];

/// How many steps were always, conditionally, never allowed, or unknown; and how many conditions were
/// held against requests.
#[derive(Clone, Copy, Default, Debug)]
struct Seen {
    verdicts: [usize; 4],
    conditions: usize,
}

impl Seen {
    fn with(mut self, other: Self) -> Self {
        let pairs = self.verdicts.iter_mut().zip(other.verdicts);
        pairs.for_each(|(one, more)| *one += more);
        self.conditions += other.conditions;
        self
    }
}

/// A step, what the engine says of it, and the world it is true of.
struct Step<'s> {
    request: &'s ControlRequest,
    answer: &'s CellAnswer,
    truth: &'s Inventory,
    world: &'s World,
    holes: &'s [Hole],
}

impl Step<'_> {
    fn fails(&self, what: &str, request: &ControlRequest) -> ! {
        let ControlRequest { caller, action, resource, context, .. } = request;
        let decision = Reference::new(self.truth).evaluate_control(request);
        panic!(
            "{what}\n{caller} {action} {resource}\n{context:?}\n{:?}\n{:?}\nnot told: {:?}\n{}",
            self.answer,
            decision.trace,
            self.holes,
            render::scenario(self.world),
        )
    }

    /// A witness is allowed and a counter-witness denied, as it stands and as AWS sends it.
    fn witnesses(&self) {
        let is_known = !matches!(self.answer.verdict, Standing::Unknown { .. });
        let witness = self.answer.witness.iter().filter(|_| is_known || self.holes.is_empty());
        witness.for_each(|context| self.replay(context, true));
        let told = [Standing::Conditional, Standing::Never].contains(&self.answer.verdict);
        let counter = self.answer.counter.iter().filter(|_| told);
        counter.for_each(|context| self.replay(context, false));
    }

    fn replay(&self, context: &Context, expected: bool) {
        let mut request = self.request.clone();
        request.context = context.clone();
        let whole =
            completed(request.clone(), &Surroundings { facts: FACTS, now: now(), spec: None });
        if !is_possible(&whole) {
            self.fails("AWS cannot send the witness", &whole);
        }
        for request in [request, whole] {
            let decision = Reference::new(self.truth).evaluate_control(&request);
            if decision.is_allowed() != expected {
                self.fails(&format!("a witness of {expected} proves nothing"), &request);
            }
        }
    }

    fn request(&self, request: &ControlRequest, random: &mut Random) -> bool {
        let readings = random.some(&POINTS, 0, POINTS.len());
        let readings = readings.into_iter().fold(Readings::default(), Readings::flipped);
        for readings in [Readings::default(), readings] {
            let decision = Reference::with_readings(self.truth, readings).evaluate_control(request);
            let contradicts = match decision.is_allowed() {
                true => self.answer.verdict.at_most() == Bound::Never,
                false => self.answer.verdict.at_least() == Bound::Always,
            };
            if contradicts {
                self.fails(&format!("a request contradicts the verdict, by {readings:?}"), request);
            }
        }
        // What is missing could move the condition without moving the verdict.
        let is_told = self.answer.missing.is_empty() && self.holes.is_empty();
        let Some(condition) = self.answer.condition.as_ref().filter(|_| is_told) else {
            return false;
        };
        let is_allowed = Reference::new(self.truth).evaluate_control(request).is_allowed();
        let says = condition.is_met(&with_tags(self.truth, &request.caller, &request.context));
        if says != Some(is_allowed) {
            self.fails(&format!("the condition says {says:?}: {condition}"), request);
        }
        true
    }
}

/// Steps, most of which are allowed in some context: random ones are never, more often than not.
fn steps(world: &World, truth: &Inventory, random: &mut Random) -> Vec<ControlRequest> {
    let reference = Reference::new(truth);
    let (mut lively, mut others) = (Vec::new(), Vec::new());
    for _ in 0..STEPS * 3 {
        let step = step(world, random);
        let request = sent(world, random, &step);
        let is_allowed = request.is_some_and(|it| reference.evaluate_control(&it).is_allowed());
        if is_allowed { &mut lively } else { &mut others }.push(step);
    }
    lively.truncate(STEPS * 3 / 4);
    others.truncate(STEPS - lively.len());
    lively.into_iter().chain(others).collect()
}

fn checked(random: &mut Random, number: u64) -> Seen {
    let world = World::controlled(random);
    let holes = if number % 3 == 1 { world.holes(random) } else { Vec::new() };
    let told = match holes.is_empty() {
        true => inventory(&world),
        false => loaded(&world.export_without(&holes)),
    };
    let truth = world.completion(&holes, random);
    let truth = if holes.is_empty() { &world } else { &truth };
    let of_truth = loaded(&render::canonical(truth));
    let access = Access::new(&told, now());
    let mut seen = Seen::default();
    for request in steps(&world, &of_truth, random) {
        let side = access.control(&request.caller);
        let answer = side.answer(request.action, &request.resource);
        let bounds = (answer.verdict.at_least(), answer.verdict.at_most());
        assert_eq!(side.bounds(request.action, &request.resource), bounds);
        let by_identity = !request.action.info().by_trust;
        if by_identity && bounds.1 > Bound::Never {
            assert!(side.possible().contains(request.action), "{request:?}");
            assert!(side.could_target(request.action, &request.resource), "{request:?}");
        }
        let kind = match answer.verdict {
            Standing::Always => 0,
            Standing::Conditional => 1,
            Standing::Never => 2,
            Standing::Unknown { .. } => 3,
        };
        seen.verdicts[kind] += 1;
        let step = Step {
            request: &request,
            answer: &answer,
            truth: &of_truth,
            world: truth,
            holes: &holes,
        };
        step.witnesses();
        for _ in 0..CONTEXTS {
            if let Some(request) = sent(&world, random, &request) {
                seen.conditions += usize::from(step.request(&request, random));
            }
        }
    }
    seen
}

#[test]
fn no_request_contradicts_a_verdict_on_a_step() {
    for_each_seed("no_request_contradicts_a_verdict_on_a_step", "steps", |seed| {
        let seen = (0..WORLDS).into_par_iter();
        let seen = seen.map(|number| checked(&mut Random::new(seed, number), number));
        let seen = seen.reduce(Seen::default, Seen::with);
        println!("{seen:?}");
        assert!(seen.verdicts.iter().all(|count| *count > 60), "{seen:?}");
        assert!(seen.conditions > 200, "{seen:?}");
    });
}
