//! Damaged files: nothing panics, what the other files say is still known, and every place that is
//! named lies inside its file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use jiff::Timestamp;
use keyreach::audit::{self, CheckOptions, Control, Texts};
use keyreach::diag::{Look, Persona, Renderer, Severity};
use keyreach::ingest::{Disk, Loaded, load, read_text};
use keyreach::inventory::{Gap, GapKind, Inventory};
use keyreach::report::check::{self as report, CheckReport, Show};
use keyreach::rules;
use keyreach::source::{Files as _, Listed, Memory, Place, Span};
use support::seeds::{Random, for_each_seed};
use support::worlds::World;
use support::worlds::render::{self, Tree, memory};

/// The files of a fixture.
fn fixture(name: &str) -> Tree {
    let root = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    let listed = Disk.list(&root).into_iter();
    listed
        .map(|listed| match listed {
            Listed::File(path) => {
                let bytes = Disk.read(&path).unwrap();
                (format!("{name}{}", path.strip_prefix(&root).unwrap()), bytes)
            }
            Listed::Outside(path) => panic!("{path}: a link out of the tree"),
            Listed::Fault(path, error) => panic!("{path}: {error}"),
        })
        .collect()
}

/// The parts of an organisation that one account and its organization are made of.
fn small_organisation() -> Tree {
    let wanted = ["organisation/organizations/", "organisation/555555555555/"];
    let all = fixture("organisation");
    all.into_iter().filter(|(path, _)| wanted.iter().any(|it| path.starts_with(it))).collect()
}

/// Bytes that mean something in JSON or YAML, or in no text at all.
const BYTES: &[u8] = b"{}[]\",:\\ \n\t-*%&|>#'!?0aA\x00\x80\xc3\xff\xfe";

/// Damages `bytes` in one to three places.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let mut done = Vec::new();
    for _ in 0..1 + random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        let end = (at + 1 + random.below(40)).min(bytes.len());
        match random.below(7) {
            0 => {
                bytes[at] ^= 1 << random.below(8);
                done.push(format!("a bit of byte {at}"));
            }
            1 => {
                bytes[at] = *random.pick(BYTES);
                done.push(format!("another byte {at}"));
            }
            2 => {
                bytes.insert(at, *random.pick(BYTES));
                done.push(format!("a byte more at {at}"));
            }
            3 => {
                bytes.drain(at..end);
                done.push(format!("without {at}..{end}"));
            }
            4 => {
                bytes.truncate(at);
                done.push(format!("ends at {at}"));
            }
            5 => {
                let range = bytes[at..end].to_vec();
                bytes.splice(at..at, range);
                done.push(format!("{at}..{end} twice"));
            }
            _ => {
                let to = random.below(bytes.len());
                let range = bytes[at..end].to_vec();
                bytes.splice(to..to, range);
                done.push(format!("{at}..{end} again at {to}"));
            }
        }
    }
    done.join(", ")
}

/// What a world knows: keys, their policies and grants, users, roles, groups and their policies.
fn facts(world: &Inventory) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    for key in world.keys.values() {
        let arn = &key.arn;
        facts.insert(format!("key {arn}"));
        facts.extend(key.policy.iter().map(|_| format!("policy of {arn}")));
        facts.extend(key.grants.iter().map(|grant| format!("grant {} of {arn}", grant.id)));
    }
    for account in world.accounts.values() {
        for identity in account.identities.values() {
            let arn = &identity.arn;
            facts.insert(format!("identity {arn}"));
            let names = identity.inline.iter().map(|policy| &policy.name);
            facts.extend(names.map(|name| format!("inline policy {name} of {arn}")));
        }
        facts.extend(account.groups.values().map(|group| format!("group {}", group.arn)));
        facts.extend(account.policies.keys().map(|arn| format!("managed policy {arn}")));
    }
    let organization = world.organization.iter();
    facts.extend(organization.flat_map(|it| it.policies.keys()).map(|id| format!("policy {id}")));
    facts
}

fn options() -> CheckOptions<'static> {
    CheckOptions {
        rules: rules::all().iter().collect(),
        persona: Persona::Auditor,
        min_severity: Severity::Info,
        now: "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap(),
        control: Control::default(),
        base: None,
    }
}

/// Loads and checks files, writes both reports, and looks at every place that is named.
fn checked(files: &Memory, what: &str) -> Inventory {
    let Loaded { inventory, problems, read, skipped, .. } = load(files, &[".".to_owned()]);
    for problem in &problems {
        if let Some(span) = problem.span {
            let is_inside = match read_text(files, &problem.path) {
                Ok(text) => span.slice(&text).is_some(),
                // What is no text is told in bytes.
                Err(_) => span.range().end <= files.read(&problem.path).unwrap().len(),
            };
            assert!(is_inside && span.start <= span.end, "{what}: {problem:?}");
        }
    }
    let texts = Texts::new(files, &inventory);
    let checked = audit::check(&inventory, &texts, &options());
    let in_file = |place: Place, span: Option<Span>| {
        let text = read_text(files, inventory.sources.path(place.file)).unwrap();
        let located = span.map_or(place.span, |span| place.locate(&text, span));
        place.span.slice(&text).is_some() && located.slice(&text).is_some()
    };
    for finding in &checked.findings {
        assert!(!finding.labels.is_empty(), "{what}: {finding:?}");
        for label in &finding.labels {
            assert!(in_file(label.place, label.span), "{what}: {} {label:?}", finding.rule);
        }
    }
    let report = CheckReport {
        checked: &checked,
        problems: &problems,
        files: read,
        skipped,
        texts: &texts,
        fail_on: None,
        folders: &[],
    };
    let mut bytes = Vec::new();
    let show = Show { snippets: true, summary: true };
    report::human(&mut bytes, &report, &Renderer::new(Look::PLAIN), show).unwrap();
    assert!(!bytes.is_empty(), "{what}");
    bytes.clear();
    report::json(&mut bytes, &report).unwrap();
    serde_json::from_slice::<serde_json::Value>(&bytes)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    inventory
}

/// Damages a file of a fixture again and again.
fn damaged(files: &Tree, times: usize, random: &mut Random) {
    let paths: Vec<&String> = files.keys().collect();
    let mut known: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    for _ in 0..times {
        let path = *random.pick(&paths);
        let mut bytes = files[path].clone();
        let what = format!("{path}: {}", damage(&mut bytes, random));
        let others = known.entry(path).or_insert_with(|| {
            let mut others = files.clone();
            others.remove(path);
            facts(&load(&memory(&others), &[".".to_owned()]).inventory)
        });
        let mut changed = memory(files);
        changed.put(path.clone(), bytes.clone());
        let run = std::panic::AssertUnwindSafe(|| {
            let world = checked(&changed, &what);
            let found = facts(&world);
            // Of two that differ the first by path counts, and where two have one name nobody knows
            // whose policy it is: the conflict or the gap says so.
            let is_told = |fact: &&String| {
                let is_missing = |gap: &Gap| matches!(&gap.kind, GapKind::IdentityPart { arn, .. } if fact.ends_with(&**arn));
                let conflicts = world.conflicts.iter();
                conflicts.map(|it| &*it.subject).any(|subject| fact.ends_with(subject))
                    || world.gaps.iter().any(is_missing)
            };
            // A listing of names says which inline policies are in force.
            let is_listed =
                |fact: &&String| path.contains("-policies.") && fact.starts_with("inline policy");
            // Two templates that differ and call something alike are two stacks, which say so in its name.
            let is_apart = |fact: &&String| {
                let Some((before, name)) = fact.rsplit_once('/') else { return false };
                let named = format!(".{name}");
                found.iter().any(|it| it.starts_with(before) && it.ends_with(&named))
            };
            let is_explained = |fact: &&String| is_told(fact) || is_listed(fact) || is_apart(fact);
            let lost = others.difference(&found);
            let lost: Vec<_> = lost.filter(|fact| !is_explained(fact)).collect();
            assert!(lost.is_empty(), "{what}: {lost:?} are lost");
        });
        if let Err(panic) = std::panic::catch_unwind(run) {
            let kept = std::env::temp_dir().join("keyreach-damaged");
            let told = std::fs::write(&kept, &bytes).map(|()| kept.display().to_string());
            let _ = writeln!(std::io::stderr(), "{what}; the file is kept as {told:?}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn fixtures() {
    let fixtures = [
        (fixture("course"), 120),
        (small_organisation(), 80),
        (fixture("policy-examples"), 80),
        (fixture("policy-examples-variants"), 80),
        (fixture("course-scenario"), 80),
    ];
    for_each_seed("damage::fixtures", "damage", |seed| {
        for (part, (files, times)) in (0..).zip(&fixtures) {
            assert!(!files.is_empty());
            damaged(files, *times, &mut Random::new(seed, part));
        }
    });
}

#[test]
fn the_cases_of_the_rules() {
    let all = fixture("rules");
    let mut cases: BTreeMap<&str, Tree> = BTreeMap::new();
    for (path, bytes) in &all {
        let end = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at);
        cases.entry(&path[..end]).or_default().insert(path.clone(), bytes.clone());
    }
    let cases: Vec<Tree> = cases.into_values().collect();
    assert!(cases.len() > 20);
    for_each_seed("damage::the_cases_of_the_rules", "damage", |seed| {
        let random = &mut Random::new(seed, 100);
        for _ in 0..300 {
            let files = random.pick(&cases);
            damaged(files, 1, random);
        }
    });
}

#[test]
fn random_worlds() {
    for_each_seed("damage::random_worlds", "damage", |seed| {
        for number in 0..30 {
            let random = &mut Random::new(seed, 200 + number);
            let world = World::random(random);
            let files = match number % 3 {
                0 => render::canonical(&world),
                1 => render::single_calls(&world),
                _ => Tree::from([("w.yaml".to_owned(), render::block_scenario(&world).into())]),
            };
            damaged(&files, 10, random);
        }
    });
}

#[test]
fn modules_of_terraform() {
    let mut modules: BTreeMap<String, Tree> = BTreeMap::new();
    for (path, bytes) in fixture("infrastructure") {
        let parts: Vec<&str> = path.split('/').collect();
        if path.ends_with(".expected") || !path.contains("terraform") {
            continue;
        }
        let rest = parts[3..].join("/");
        modules.entry(parts[..3].join("/")).or_default().insert(rest, bytes);
    }
    let modules: Vec<Tree> = modules.into_values().collect();
    assert!(modules.len() > 10);
    for_each_seed("damage::modules_of_terraform", "damage", |seed| {
        let random = &mut Random::new(seed, 300);
        for _ in 0..400 {
            let files = random.pick(&modules);
            let paths: Vec<&String> = files.keys().collect();
            let path = *random.pick(&paths);
            let mut bytes = files[path].clone();
            let what = format!("{path}: {}", damage(&mut bytes, random));
            let mut changed = memory(files);
            changed.put(path.clone(), bytes);
            checked(&changed, &what);
        }
    });
}
