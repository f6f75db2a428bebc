//! What is said of a template before it is deployed holds for every deployment of it: tried on random
//! templates, each with one deployment in which nothing is open.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/templates/mod.rs"]
mod templates;

use jiff::Timestamp;
use keyreach::audit::Engine;
use keyreach::aws::{AccountId, KmsAction};
use keyreach::decision::{Bound, Caller, FACTS, Reach, Request, Target};
use keyreach::eval::reference::Reference;
use keyreach::ingest::{Deployment, load_deployed};
use keyreach::inventory::Inventory;
use keyreach::source::Memory;
use rayon::prelude::*;
use seeds::{Random, for_each_seed};
use templates::Case;

/// Templates of a seed.
const TEMPLATES: u64 = 300;

/// What is asked for of each principal.
const ACTIONS: [KmsAction; 4] =
    [KmsAction::DECRYPT, KmsAction::ENCRYPT, KmsAction::PUT_KEY_POLICY, KmsAction::DESCRIBE_KEY];

/// The world of a template.
fn world(template: &serde_json::Value, deployment: &Deployment) -> Inventory {
    let mut files = Memory::default();
    files.put("template.json", serde_json::to_vec(template).unwrap());
    let loaded = load_deployed(&files, &[".".to_owned()], deployment);
    assert_eq!(loaded.problems, []);
    loaded.inventory
}

/// How many verdicts were compared, and how many said something before the deployment.
#[derive(Clone, Copy, Default, Debug)]
struct Seen {
    cells: usize,
    told: usize,
    never: usize,
    always: usize,
}

impl Seen {
    fn with(self, other: Self) -> Self {
        Self {
            cells: self.cells + other.cells,
            told: self.told + other.told,
            never: self.never + other.never,
            always: self.always + other.always,
        }
    }
}

fn compared(case: &Case) -> Seen {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let before = world(&case.written, &Deployment::default());
    let account = AccountId::parse(&case.deployed.account).unwrap();
    let mut deployment = Deployment { account, ..Deployment::default() };
    deployment.in_region(&case.deployed.region);
    let after = world(&case.real, &deployment);
    let engines = [&before, &after].map(|world| Engine::with_facts(world, now, FACTS));
    let references = [&before, &after].map(Reference::new);
    let key = |world: &Inventory| world.keys.values().next().unwrap().arn.as_str().to_owned();
    let keys = [key(&before), key(&after)];
    let mut seen = Seen::default();
    for (symbol, real) in &case.callers {
        for action in ACTIONS {
            let request = |caller: &str, key: &str| {
                let caller = Caller::parse(caller).unwrap();
                Request::plain(caller, action, Target::parse(key).unwrap())
            };
            let [before, after] = [request(symbol, &keys[0]), request(real, &keys[1])];
            let verdicts = [engines[0].verdict_of(&before), engines[1].verdict_of(&after)];
            let [open, known] = &verdicts;
            let is_within =
                open.at_least() <= known.at_least() && known.at_most() <= open.at_most();
            assert!(
                is_within,
                "{symbol} {}: {open:?}\nbut deployed to {} as {real}: {known:?}\n{}\n{}",
                action.name(),
                case.deployed.account,
                serde_json::to_string_pretty(&case.written).unwrap(),
                serde_json::to_string_pretty(&case.real).unwrap(),
            );
            let decisions = [references[0].evaluate(&before), references[1].evaluate(&after)];
            let [open_decision, known_decision] = &decisions;
            if open_decision.missing.is_empty() {
                assert_eq!(
                    open_decision.is_allowed(),
                    known_decision.is_allowed(),
                    "{symbol} {}\n{}",
                    action.name(),
                    serde_json::to_string_pretty(&case.written).unwrap(),
                );
            }
            seen.cells += 1;
            seen.told += usize::from(open.at_least() == open.at_most());
            seen.never += usize::from(open.at_most() == Bound::Never);
            seen.always += usize::from(open.at_least() == Bound::Always);
        }
    }
    seen
}

#[test]
fn no_deployment_contradicts_what_is_said_before() {
    for_each_seed("no_deployment_contradicts_what_is_said_before", "code", |seed| {
        let seen = (0..TEMPLATES)
            .into_par_iter()
            .map(|number| compared(&Case::random(&mut Random::new(seed, number))));
        let seen = seen.reduce(Seen::default, Seen::with);
        println!("{seen:?}");
        assert!(seen.cells > 5000 && seen.told > 1000, "{seen:?}");
        assert!(seen.never > 300 && seen.always > 300, "{seen:?}");
    });
}
