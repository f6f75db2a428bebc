//! What must hold of the verdict of a cell, whatever engine gives it.

use std::fmt::Write as _;
use std::ops::Add;

use keyreach::aws::KeySpec;
use keyreach::decision::{
    Bound, Caller, Condition, Context, FACTS, Fact, OpenPoint, Reach, Readings, Request,
    Surroundings, Target, Verdict, completed, is_possible,
};
use keyreach::eval::reference::Reference;
use keyreach::ingest::{Loaded, load};
use keyreach::inventory::Inventory;
use keyreach::report::request_line;

use super::{Engine, Promise, now};
use crate::support::seeds::Random;
use crate::support::worlds::render::{self, Tree};
use crate::support::worlds::{Hole, World, requests};

/// Worlds that may be true where parts of one are not told.
const COMPLETIONS: usize = 2;

/// How many requests are tried for a cell.
const CONTEXTS: usize = 10;

/// What a world, as the engine is told it, and the cells that are asked about.
pub struct Case<'c> {
    /// What the engine is told.
    pub told: &'c World,
    /// What it is not told of it.
    pub holes: &'c [Hole],
    /// What is true; a completion of `told` where parts are not told.
    pub truth: &'c World,
    /// The cells, as plain requests.
    pub cells: &'c [Request],
    /// Requests to try beside random ones.
    pub also: &'c [Request],
}

/// What a run looked at.
#[derive(Clone, Copy, Default, Debug)]
pub struct Seen {
    /// Cells that are always, conditional, never, unknown.
    pub verdicts: [usize; 4],
    /// Conditions that conditional cells state.
    pub conditions: usize,
    /// Requests that AWS could send.
    pub contexts: usize,
}

impl Seen {
    /// All cells.
    pub fn cells(&self) -> usize {
        self.verdicts.iter().sum()
    }
}

impl Add for Seen {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        for (one, more) in self.verdicts.iter_mut().zip(other.verdicts) {
            *one += more;
        }
        self.conditions += other.conditions;
        self.contexts += other.contexts;
        self
    }
}

/// Something that does not hold.
pub struct Fault {
    /// What.
    pub what: String,
    /// Of which cell.
    pub cell: Request,
    /// The request that shows it.
    pub request: Option<Request>,
    /// What the engine said.
    pub verdict: Verdict,
}

impl Fault {
    /// All of it, with the world.
    pub fn told(&self, world: &World, holes: &[Hole]) -> String {
        let mut text = format!("{}\ncell: {}\n", self.what, request_line::write("1", &self.cell));
        if let Some(request) = &self.request {
            writeln!(text, "request: {}", request_line::write("1", request)).unwrap();
        }
        let bounds = (self.verdict.at_least(), self.verdict.at_most());
        writeln!(text, "verdict: {} {bounds:?}", word(&self.verdict)).unwrap();
        if let Verdict::Unknown(unknown) = &self.verdict {
            writeln!(text, "why: {:?}", unknown.why).unwrap();
        }
        if !holes.is_empty() {
            writeln!(text, "not told: {holes:?}").unwrap();
        }
        text + &render::scenario(world)
    }
}

/// `always`, `conditional`, `never`, `unknown`.
pub fn word(verdict: &Verdict) -> &'static str {
    ["always", "conditional", "never", "unknown"][kind(verdict)]
}

fn kind(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Always { .. } => 0,
        Verdict::Conditional { .. } => 1,
        Verdict::Never { .. } => 2,
        Verdict::Unknown(_) => 3,
    }
}

/// What these files say; nothing may be wrong with them.
pub fn loaded(files: &Tree) -> Inventory {
    let Loaded { inventory, problems, .. } = load(&render::memory(files), &[".".to_owned()]);
    assert_eq!(problems, [], "{:?}", files.keys());
    inventory
}

/// What a world says, all of it.
pub fn inventory(world: &World) -> Inventory {
    loaded(&Tree::from([("world.yaml".to_owned(), render::scenario(world).into_bytes())]))
}

/// Checks everything that is told of the cells of a case.
pub fn check(engine: &Engine, case: &Case<'_>, random: &mut Random) -> Result<Seen, Box<Fault>> {
    check_with(engine, FACTS, case, random)
}

/// The same of an engine that knows these facts.
pub fn check_with(
    engine: &Engine,
    facts: &[Fact],
    case: &Case<'_>,
    random: &mut Random,
) -> Result<Seen, Box<Fault>> {
    let told = match case.holes {
        [] => inventory(case.told),
        holes => loaded(&case.told.export_without(holes)),
    };
    let truths: Vec<World> = match case.holes {
        [] => vec![case.truth.clone()],
        holes => (0..COMPLETIONS).map(|_| case.truth.completion(holes, random)).collect(),
    };
    let truths: Vec<(Inventory, &World)> =
        truths.iter().map(|world| (loaded(&render::canonical(world)), world)).collect();
    let reach = (engine.make)(&told, now(), facts);
    let stated = engine.stated.map(|make| make(&told, now(), facts));
    let mut seen = Seen::default();
    for cell in case.cells {
        let verdict = reach.verdict_of(cell);
        seen.verdicts[kind(&verdict)] += 1;
        let is_conditional = matches!(verdict, Verdict::Conditional { .. });
        let condition = stated.as_ref().filter(|_| is_conditional).and_then(|stated| stated(cell));
        seen.conditions += usize::from(condition.is_some());
        let mut one = OneCell { engine, cell, verdict, condition, contexts: 0 };
        for (truth, world) in &truths {
            one.witnesses(truth, case.holes.is_empty())?;
            for _ in 0..CONTEXTS {
                if let Some(request) = requests::possible(world, random, cell) {
                    one.request(truth, &request, random)?;
                }
            }
            for request in case.also {
                one.request(truth, request, random)?;
            }
        }
        seen.contexts += one.contexts;
    }
    Ok(seen)
}

struct OneCell<'c> {
    engine: &'c Engine,
    cell: &'c Request,
    verdict: Verdict,
    condition: Option<Condition>,
    contexts: usize,
}

impl OneCell<'_> {
    fn fault(&self, what: &str, request: &Request) -> Box<Fault> {
        Box::new(Fault {
            what: what.to_owned(),
            cell: self.cell.clone(),
            request: Some(request.clone()),
            verdict: self.verdict.clone(),
        })
    }

    /// A witness is allowed and a counter-witness denied, as printed and as AWS would send it.
    fn witnesses(&self, truth: &Inventory, is_all_told: bool) -> Result<(), Box<Fault>> {
        let is_known = !matches!(self.verdict, Verdict::Unknown(_));
        if let Some(witness) = self.verdict.witness().filter(|_| is_known || is_all_told) {
            self.replay(truth, witness, true)?;
        }
        if let Verdict::Conditional { counter, .. } | Verdict::Never { counter } = &self.verdict {
            self.replay(truth, counter, false)?;
        }
        Ok(())
    }

    fn replay(
        &self,
        truth: &Inventory,
        request: &Request,
        expected: bool,
    ) -> Result<(), Box<Fault>> {
        let printed = requests::parsed(&request_line::write("1", request));
        let name = if expected { "witness" } else { "counter-witness" };
        let agrees =
            |request: &Request| Reference::new(truth).evaluate(request).is_allowed() == expected;
        if !agrees(&printed) {
            return Err(self.fault(&format!("the {name} does not prove the verdict"), request));
        }
        let mut whole = printed;
        whole.context = request.context.clone();
        let whole = completed(whole, &surroundings(truth, request));
        if !is_possible(&whole) {
            return Err(self.fault(&format!("AWS cannot send the {name}"), &whole));
        }
        if !agrees(&whole) {
            return Err(self.fault(&format!("the {name} as AWS sends it proves nothing"), &whole));
        }
        self.condition(truth, &whole)
    }

    /// A request that AWS could send contradicts neither bound, for any reading that the engine promises.
    fn request(
        &mut self,
        truth: &Inventory,
        request: &Request,
        random: &mut Random,
    ) -> Result<(), Box<Fault>> {
        self.contexts += 1;
        for readings in [Readings::default(), readings(self.engine.promise, random)] {
            let reference = Reference::with_readings(truth, readings);
            let is_allowed = reference.evaluate(request).is_allowed();
            let contradicts = match is_allowed {
                true => self.verdict.at_most() == Bound::Never,
                false => self.verdict.at_least() == Bound::Always,
            };
            if contradicts {
                let how = if is_allowed { "allowed" } else { "denied" };
                return Err(self.fault(&format!("a request is {how}, by {readings:?}"), request));
            }
        }
        self.condition(truth, request)
    }

    /// The condition of a conditional cell is true of the requests that are allowed, and of no others.
    fn condition(&self, truth: &Inventory, request: &Request) -> Result<(), Box<Fault>> {
        let Some(condition) = &self.condition else {
            return Ok(());
        };
        let is_allowed = Reference::new(truth).evaluate(request).is_allowed();
        let says = condition.is_met(&with_tags(truth, &request.caller, &request.context));
        match says == Some(is_allowed) {
            true => Ok(()),
            false => Err(self.fault(&format!("the condition says {says:?}: {condition}"), request)),
        }
    }
}

pub fn surroundings(world: &Inventory, request: &Request) -> Surroundings<'static> {
    let key = match &request.target {
        Target::Key(arn) => world.key(arn),
        _ => None,
    };
    let spec = key.and_then(|key| KeySpec::parse(key.metadata.as_ref()?.spec.as_deref()?));
    Surroundings { facts: FACTS, now: now(), spec }
}

/// The context with the tags of the caller's own that the request leaves out (rule T7).
pub fn with_tags(world: &Inventory, caller: &Caller, context: &Context) -> Context {
    let identity = caller.identity_in(world);
    let mut context = context.clone();
    for (tag, value) in identity.iter().flat_map(|identity| &identity.tags) {
        let key = format!("aws:PrincipalTag/{tag}");
        if context.get(&key).is_none() {
            context.set_one(&key, value);
        }
    }
    context
}

/// The open points that change a decision on a key.
const POINTS: [OpenPoint; 8] = [
    OpenPoint::O1,
    OpenPoint::O2,
    OpenPoint::O3,
    OpenPoint::O5,
    OpenPoint::O9,
    OpenPoint::O10,
    OpenPoint::O17,
    OpenPoint::O28,
];

fn readings(promise: Promise, random: &mut Random) -> Readings {
    let points = match promise {
        Promise::EachPoint => vec![*random.pick(&POINTS)],
        Promise::EveryCombination => random.some(&POINTS, 1, POINTS.len()),
    };
    points.into_iter().fold(Readings::default(), Readings::flipped)
}
