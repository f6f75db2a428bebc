//! Every rule end to end: its page, its module, and its cases under `testdata/rules`, with nothing extra
//! and nothing missing. A `fire-` case must fire its rule, a `quiet-` case must not; what a fire case
//! finds is compared with the `.expected` file beside it, which `KEYREACH_BLESS=1` writes anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/both.rs"]
mod both;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use both::{Both, Difference};
use keyreach::access::Access;
use keyreach::audit::{self, CheckOptions, Control, Engine, Texts, inline_suppressions};
use keyreach::config;
use keyreach::decision::Reach;
use keyreach::diag::{Persona, Severity};
use keyreach::eval::probe::Probe;
use keyreach::findings::{Base, Finding, Label, Role, merged};
use keyreach::graph::Graph;
use keyreach::ingest::{Disk, Loaded, load, load_deployed, read_text};
use keyreach::inventory::{Gap, GapKind, Inventory, Key};
use keyreach::rules::{Input, Metadata, Registered, Scope, Settings, all, check, named};
use keyreach::source::{FileId, LineIndex, Place, Sources, Span};

/// Where the cases lie, one directory for each rule.
const CASES: &str = "testdata/rules";

/// The clock of every case.
const NOW: &str = "2026-01-15T12:00:00Z";

/// The names in a directory, a directory's with `/` behind it.
fn names(directory: impl AsRef<Path>) -> BTreeSet<String> {
    let directory = directory.as_ref();
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{directory:?}: {error}"));
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() { name + "/" } else { name }
        })
        .collect()
}

fn slugs() -> impl Iterator<Item = &'static str> {
    all().iter().map(|rule| rule.metadata.slug)
}

#[test]
fn every_rule_has_its_page_and_no_page_is_extra() {
    let expected: BTreeSet<String> = slugs().map(|slug| format!("{slug}.md")).collect();
    assert_eq!(names("rules"), expected);
    for Registered { metadata, .. } in all() {
        let Metadata { slug, front, text } = metadata;
        assert!(!front.title.is_empty() && !front.title.ends_with('.'), "{slug}: its title");
        assert!(!front.spec.is_empty(), "{slug}: the rules of the semantics it rests on");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        let expected = [
            "## What it checks",
            "## Why it matters",
            "## How keyreach decides",
            "## When it stays silent",
            "## How to fix",
            "## Example",
        ];
        assert_eq!(headings, expected, "{slug}");
    }
}

#[test]
fn every_rule_has_its_module_and_no_module_is_extra() {
    let table = fs::read_to_string("src/rules/mod.rs").unwrap();
    let helpers = table.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    let modules = slugs().map(|slug| slug.replace('-', "_"));
    let mut expected: BTreeSet<String> =
        helpers.map(str::to_owned).chain(modules).map(|module| module + ".rs").collect();
    expected.insert("mod.rs".to_owned());
    assert_eq!(names("src/rules"), expected);
}

#[test]
fn every_rule_has_cases_and_no_case_is_extra() {
    let expected: BTreeSet<String> = slugs().map(|slug| format!("{slug}/")).collect();
    assert_eq!(names(CASES), expected);
    for Registered { metadata, .. } in all() {
        let slug = metadata.slug;
        let found = names(format!("{CASES}/{slug}"));
        let has = |prefix: &str| found.iter().any(|name| name.starts_with(prefix));
        assert!(has("fire-") && has("quiet-"), "{slug}: a case that fires and one that does not");
        for facet in metadata.front.facets.keys() {
            assert!(has(&format!("fire-{facet}-")), "{slug}: a case that fires {facet}");
        }
        for name in &found {
            let is_case =
                name.ends_with('/') && (name.starts_with("fire-") || name.starts_with("quiet-"));
            let of_case = name.strip_suffix(".expected").map(|case| format!("{case}/"));
            let is_snapshot =
                of_case.is_some_and(|case| case.starts_with("fire-") && found.contains(&case));
            assert!(is_case || is_snapshot, "{slug}/{name}");
        }
    }
}

/// What a rule explains exists, and does not explain the rule in turn: both would be hidden.
#[test]
fn rules_explain_other_rules_and_not_each_other() {
    let (now, known): (Timestamp, BTreeSet<&str>) = (NOW.parse().unwrap(), slugs().collect());
    let every: Vec<&Registered> = all().iter().collect();
    let mut explained: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in cases() {
        let world = case.load().inventory;
        let (engine, settings) = (Engine::new(&world, now), Settings::default());
        for finding in check(&Scope::new(&engine, &settings), &every) {
            explained.entry(finding.rule).or_default().extend(finding.explains.rules());
        }
    }
    assert!(explained.values().filter(|rules| !rules.is_empty()).count() > 9, "{explained:?}");
    for rule in explained.keys() {
        let (mut seen, mut next) = (BTreeSet::new(), vec![*rule]);
        while let Some(one) = next.pop() {
            for other in explained.get(one).into_iter().flatten() {
                assert!(known.contains(other) && other != rule, "{rule}: {one} explains {other}");
                next.extend(seen.insert(*other).then_some(*other));
            }
        }
    }
}

#[test]
fn fire_cases_fire_and_quiet_cases_do_not() {
    let faults: Vec<String> = cases().par_iter().flat_map_iter(Case::faults).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Takes a part of an export away.
type Loss = fn(&mut Inventory);

/// The parts of an export that can be lost, each with how a world loses it.
const LOSSES: [(Input, Loss); 7] = [
    (Input::Identities, without_identities),
    (Input::KeyPolicy, |world| without_part(world, "key policy", |key| key.policy = None)),
    (Input::Grants, |world| without_part(world, "grants", |key| key.grants_listed = false)),
    (Input::Aliases, |world| {
        without_part(world, "aliases", |key| {
            key.aliases_listed = false;
            key.aliases.clear();
        });
    }),
    (Input::Tags, |world| without_part(world, "tags", |key| key.tags = None)),
    (Input::Metadata, |world| without_part(world, "metadata", |key| key.metadata = None)),
    (Input::Organization, |world| {
        if world.organization.take().is_some() {
            let kind = GapKind::Organization { what: "organization".into() };
            Arc::make_mut(&mut world.gaps).push(Gap { kind, place: nowhere() });
        }
    }),
];

fn nowhere() -> Place {
    Place::plain(FileId(0), Span::default())
}

fn without_identities(world: &mut Inventory) {
    for account in world.accounts.values_mut() {
        Arc::make_mut(account).identities_listed = false;
        let kind = GapKind::Identities { account: account.id, truncated: true };
        Arc::make_mut(&mut world.gaps).push(Gap { kind, place: nowhere() });
    }
}

fn without_part(world: &mut Inventory, part: &'static str, lose: fn(&mut Key)) {
    for key in world.keys.values_mut() {
        let key = Arc::make_mut(key);
        lose(key);
        let kind = GapKind::KeyPart { key: key.arn.clone(), part, truncated: false };
        Arc::make_mut(&mut world.gaps).push(Gap { kind, place: nowhere() });
    }
}

/// A rule that a loss silences, in any of its cases, says so on its page: `missing-input` tells it.
#[test]
fn the_pages_tell_without_which_input_a_rule_is_silent() {
    let now: Timestamp = NOW.parse().unwrap();
    let fires = |world: &Inventory, metadata: &Metadata| {
        let (engine, settings) = (Engine::new(world, now), Settings::default());
        let own: Vec<&Registered> = named(metadata.slug).into_iter().collect();
        let graph = Graph::new(engine.access());
        !check(&Scope::new(&engine, &settings).with_graph(&graph), &own).is_empty()
    };
    let silenced = |case: &Case| {
        let world = case.load().inventory;
        let says = |input: &Input| case.metadata.front.weaker_without.contains(input);
        let mut faults = Vec::new();
        if fires(&world, case.metadata) {
            for (input, lose) in LOSSES.iter().filter(|(input, _)| !says(input)) {
                let mut lesser = world.clone();
                lose(&mut lesser);
                if !fires(&lesser, case.metadata) {
                    faults.push(format!("{}: {input:?} by {}", case.metadata.slug, case.name));
                }
            }
        }
        faults
    };
    let firing: Vec<Case> =
        cases().into_iter().filter(|case| case.name.starts_with("fire-")).collect();
    let faults: Vec<String> = firing.par_iter().flat_map_iter(silenced).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Cases whose findings the probe does not make, and why: its verdict on a cell they rest on is unknown.
const BEYOND_THE_PROBE: &[(&str, &str)] = &[
    (
        "testdata/rules/allow-fully-denied/fire-the-deny-has-the-wider-pattern",
        "two patterns on one condition key: the probe knows no member of one that is not of the other",
    ),
    (
        "testdata/rules/unresolved-reference/fire-a-parameter-without-default",
        "the probe does not see that a role that is not known adds nothing for the root user",
    ),
    ("testdata/rules/unresolved-reference/fire-strict-a-parameter-without-default", "the same"),
    (
        "testdata/rules/unresolved-reference/fire-an-import-of-nothing-here",
        "the probe counts a cell to those that hang on the import that is never allowed in any case",
    ),
    (
        "testdata/rules/public-key-access/fire-all-but-an-account-that-is-not-known",
        "the probe does not see that a statement in doubt adds nothing for the root user",
    ),
    ("testdata/rules/external-account-access/fire-in-a-branch-an-account", "the same"),
    ("testdata/rules/external-account-access/quiet-in-a-branch-a-deny-stops-it", "the same"),
    ("testdata/rules/external-account-access/quiet-in-a-branch-it-may-ask-for-more", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-a-principal", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-a-statement", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-beside-a-deny-of-the-other", "the same"),
    ("testdata/rules/external-account-access/fire-in-a-branch-that-its-deny-is-not-in", "the same"),
    ("testdata/rules/external-account-access/quiet-in-a-branch-that-its-deny-is-in", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-a-deny-is-of-the-other", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-by-an-argument", "the same"),
    ("testdata/rules/public-key-access/fire-in-a-branch-by-two-choices", "the same"),
    ("testdata/rules/public-key-access/quiet-in-a-branch-by-an-argument", "the same"),
    ("testdata/rules/public-key-access/quiet-in-a-branch-by-two-choices", "the same"),
    ("testdata/rules/public-key-access/quiet-in-a-branch-a-deny-stops-strangers", "the same"),
    ("testdata/rules/public-key-access/quiet-in-a-branch-the-account-is-pinned", "the same"),
    (
        "testdata/rules/public-key-access/fire-beside-documents-that-are-not-known",
        "the probe counts a cell to those that hang on the documents that is never allowed in any case",
    ),
    (
        "testdata/rules/public-key-access/fire-limited-to-an-endpoint-that-is-not-known",
        "the probe knows no request that comes by an endpoint that is not known",
    ),
];

/// The rules ask both engines all their questions: the answers must be equal unless the probe says
/// `unknown`, and so must the findings of a case unless the probe said so and the case is listed.
#[test]
fn both_engines_give_the_rules_the_same_answers() {
    let listed: BTreeMap<&str, &str> = BEYOND_THE_PROBE.iter().copied().collect();
    let now: Timestamp = NOW.parse().unwrap();
    let compare = |case: &Case| {
        let loaded = case.load();
        let world = &loaded.inventory;
        let both = Both::new(world, now);
        let base = case.base();
        let before = base.as_ref().map(|base| Both::new(&base.inventory, now));
        found(&both, before.as_ref().map(|both| both as &dyn Reach));
        let of_base = before.iter().flat_map(|both| both.differences());
        let differences: Vec<Difference> = both.differences().into_iter().chain(of_base).collect();
        let is_known = |it: &&Difference| !it.unknown;
        let mut faults: Vec<String> =
            differences.iter().filter(is_known).map(|it| it.text.clone()).collect();
        let path = case.path();
        let shown = Shown::new(&path, &world.sources);
        let base = base.as_ref().map(|base| &base.inventory);
        let probes = base.map(|base| Probe::new(base, now));
        let engines = base.map(|base| Engine::new(base, now));
        let by = |reach: &dyn Reach, base| shown.all(&found(reach, base));
        let probe = by(&Probe::new(world, now), probes.as_ref().map(|it| it as &dyn Reach));
        let matrix = by(&Engine::new(world, now), engines.as_ref().map(|it| it as &dyn Reach));
        let may_differ = listed.contains_key(&*path) && differences.iter().any(|it| it.unknown);
        if (probe != matrix) != may_differ {
            faults.push(format!("listed: {may_differ}\n-- probe\n{probe}-- matrix\n{matrix}"));
        }
        faults.into_iter().map(|fault| format!("{path}: {fault}")).collect::<Vec<_>>()
    };
    let faults: Vec<String> = cases().par_iter().flat_map_iter(compare).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// One directory of a rule's cases.
struct Case {
    metadata: &'static Metadata,
    name: String,
}

fn cases() -> Vec<Case> {
    let of_rule = |rule: &'static Registered| {
        let metadata = &rule.metadata;
        let names = names(format!("{CASES}/{}", metadata.slug)).into_iter();
        let directories = names.filter_map(|name| name.strip_suffix('/').map(str::to_owned));
        directories.map(|name| Case { metadata, name }).collect::<Vec<_>>()
    };
    all().iter().flat_map(of_rule).collect()
}

impl Case {
    fn path(&self) -> String {
        format!("{CASES}/{}/{}", self.metadata.slug, self.name)
    }

    /// The facet that the case is named for: the longest that fits.
    fn facet(&self) -> Option<&'static str> {
        let rest = self.name.strip_prefix("fire-")?;
        let facets = self.metadata.front.facets.keys();
        let named = facets.filter(|facet| rest.starts_with(&format!("{facet}-")));
        named.max_by_key(|facet| facet.len()).map(String::as_str)
    }

    /// The world of the case: where it has a `base` beside, what is in `head`.
    fn load(&self) -> Loaded {
        let path = self.path();
        let head = self.base().is_some();
        // Where infrastructure code is deployed to the configuration of the case says.
        let config = fs::read_to_string(format!("{path}/keyreach.yaml")).unwrap_or_default();
        let (deployment, faults) = config::read_deployment(&config);
        assert_eq!(faults, [], "{path}");
        let path = if head { format!("{path}/head") } else { path };
        load_deployed(&Disk, &[path], &deployment)
    }

    /// The world as it was before a change, where the case has one.
    fn base(&self) -> Option<Loaded> {
        let path = format!("{}/base", self.path());
        let found = Path::new(&path).is_dir().then(|| load(&Disk, &[path]))?;
        assert!(found.problems.is_empty(), "{}", self.path());
        Some(found)
    }

    /// What is wrong with the case.
    fn faults(&self) -> Vec<String> {
        let mut loaded = self.load();
        let findings = findings(self, &mut loaded);
        let mut faults: Vec<String> =
            loaded.problems.iter().map(|problem| format!("problem: {}", problem.message)).collect();
        let path = self.path();
        let shown = Shown::new(&path, &loaded.inventory.sources);
        faults.extend(findings.iter().filter_map(|finding| shown.misplaced(finding)));
        if self.name.starts_with("quiet-") {
            let own = findings.iter().filter(|finding| finding.rule == self.metadata.slug);
            faults.extend(own.map(|finding| format!("fires: {}", finding.message)));
        } else {
            faults.extend(self.silence(&findings));
            faults.extend(self.compare(&shown.all(&findings)));
        }
        faults.into_iter().map(|fault| format!("{path}: {fault}")).collect()
    }

    /// That the rule does not fire as the case's name says, itself or explained by another.
    fn silence(&self, findings: &[Finding]) -> Option<String> {
        let slug = self.metadata.slug;
        let fires = |finding: &Finding| match self.facet() {
            Some(facet) => finding.rule == slug && finding.facet == Some(facet),
            None => finding.rule == slug || finding.explains.rules().any(|rule| rule == slug),
        };
        let told: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
        (!findings.iter().any(fires)).then(|| format!("does not fire, but {told:?}"))
    }

    /// How the findings differ from those that were accepted.
    fn compare(&self, found: &str) -> Option<String> {
        let path = format!("{}.expected", self.path());
        if std::env::var_os("KEYREACH_BLESS").is_some() {
            fs::write(path, found).unwrap();
            return None;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        (found != expected)
            .then(|| format!("differs from {path}\n-- expected\n{expected}-- found\n{found}"))
    }
}

fn findings(case: &Case, loaded: &mut Loaded) -> Vec<Finding> {
    let (path, now): (String, Timestamp) = (case.path(), NOW.parse().unwrap());
    let before = case.base();
    let name = format!("{path}/keyreach.yaml");
    let Ok(text) = fs::read_to_string(&name) else {
        let before = before.as_ref().map(|base| Engine::new(&base.inventory, now));
        let before = before.as_ref().map(|base| base as &dyn Reach);
        return found(&Engine::new(&loaded.inventory, now), before);
    };
    let sources = &loaded.inventory.sources;
    let file = FileId(u32::try_from(sources.paths().position(|one| one == name).unwrap()).unwrap());
    let base = Base { current: "/".into(), folder: format!("/{path}").into() };
    let (config, faults) = config::read(&text, file, Arc::new(base));
    assert_eq!(faults, [], "{name}");
    let texts = Texts::new(&Disk, &loaded.inventory);
    let (comments, problems) = inline_suppressions(sources, &texts);
    assert_eq!(problems, [], "{path}");
    let control = Control {
        settings: config.settings,
        rules: config.rules,
        paths: config.paths,
        suppressions: config.ignore.into_iter().chain(comments).collect(),
        assumptions: config.assumptions,
        assertions: config.assertions,
        baseline: None,
        complete: true,
    };
    let options = CheckOptions {
        rules: all().iter().collect(),
        persona: Persona::Auditor,
        min_severity: Severity::Info,
        now,
        control,
        base: before.as_ref().map(|base| &base.inventory),
    };
    audit::check(&loaded.inventory, &texts, &options).findings
}

/// What the rules find by an engine.
fn found(reach: &dyn Reach, base: Option<&dyn Reach>) -> Vec<Finding> {
    let every: Vec<&Registered> = all().iter().collect();
    let access = Access::new(reach.world(), NOW.parse().unwrap());
    let (settings, graph) = (Settings::default(), Graph::new(&access));
    merged(check(&Scope::new(reach, &settings).against(base).with_graph(&graph), &every))
}

/// How findings are written into snapshots: paths below the case, the underlined text beside each place.
struct Shown<'a> {
    case: &'a str,
    sources: &'a Sources,
    texts: BTreeMap<String, String>,
}

impl<'a> Shown<'a> {
    fn new(case: &'a str, sources: &'a Sources) -> Self {
        Self { case, sources, texts: texts(case) }
    }

    /// That a finding has no primary label, or that a label lies outside its file.
    fn misplaced(&self, finding: &Finding) -> Option<String> {
        let primary = finding.labels.first().is_some_and(|label| label.role == Role::Primary);
        let lies = |label: &Label| {
            self.texts.get(self.sources.path(label.place.file)).is_some_and(|text| {
                let place = label.place.span.slice(text);
                place.is_some() && self.underlined(label).is_some()
            })
        };
        let fine = primary && finding.labels.iter().all(lies);
        (!fine).then(|| format!("{} misplaces a label: {}", finding.rule, finding.message))
    }

    fn underlined(&self, label: &Label) -> Option<(String, String)> {
        let text = self.texts.get(self.sources.path(label.place.file))?;
        let span = match label.span {
            Some(inner) => label.place.locate(text, inner),
            None => label.place.span,
        };
        let position = LineIndex::new(text).position(text, span.start);
        let written = span.slice(text)?;
        let first: String = written.lines().next()?.chars().take(70).collect();
        let more = if first.len() < written.len() { "..." } else { "" };
        Some((format!("{}:{}", position.line, position.column), format!("{first}{more}")))
    }

    fn all(&self, findings: &[Finding]) -> String {
        let shown: Vec<String> = findings.iter().map(|finding| self.one(finding)).collect();
        shown.join("\n")
    }

    fn one(&self, finding: &Finding) -> String {
        let facet = finding.facet.map(|facet| format!(" ({facet})")).unwrap_or_default();
        let (severity, confidence) = (finding.severity.name(), finding.confidence.name());
        let mut out = format!("{severity} {}{facet}, confidence {confidence}\n", finding.rule);
        writeln!(out, "  {}", finding.message).unwrap();
        writeln!(out, "  help: {}", finding.help).unwrap();
        for label in &finding.labels {
            let path = self.sources.path(label.place.file);
            let path = path.strip_prefix(self.case).unwrap_or(path).trim_start_matches('/');
            let (position, written) = self.underlined(label).unwrap_or_default();
            writeln!(out, "  {path}:{position}: {}\n    {written}", label.text).unwrap();
        }
        out
    }
}

/// The texts of a case's files by path.
fn texts(path: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in names(path) {
        let path = format!("{path}/{}", name.trim_end_matches('/'));
        if name.ends_with('/') {
            found.append(&mut texts(&path));
        } else {
            let text = read_text(&Disk, &path).map_err(|problem| problem.message).unwrap();
            found.insert(path, text);
        }
    }
    found
}
