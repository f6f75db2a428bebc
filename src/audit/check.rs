//! `check`: what the rules find, filtered and merged.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::aws::{AccountId, KeyArn};
use crate::decision::{Assumptions, Reach};
use crate::diag::{Persona, Severity};
use crate::findings::{Finding, once_a_block, once_a_cause, sort, without_explained};
use crate::graph::Graph;
use crate::inventory::Inventory;
use crate::rules::{self, Registered, Scope, Settings, failed_assertions, unused_suppressions};

use super::Coverage;
use super::Texts;
use super::assertions::failures;
use super::bare::Bare;
use super::control::{Aside, Control};
use super::engine::Engine;

/// What the user wants to see.
pub struct CheckOptions<'a> {
    /// The rules to run.
    pub rules: Vec<&'static Registered>,
    /// The widest persona whose findings are shown.
    pub persona: Persona,
    /// The lowest severity that is shown.
    pub min_severity: Severity,
    /// Requests happen from then on.
    pub now: Timestamp,
    /// What the user chose not to hear.
    pub control: Control,
    /// The world as it was before a change.
    pub base: Option<&'a Inventory>,
}

/// What a world holds, for a summary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Accounts that something is known of.
    pub accounts: usize,
    /// Users and roles.
    pub principals: usize,
    /// Keys.
    pub keys: usize,
    /// Grants.
    pub grants: usize,
    /// Policies of all kinds.
    pub policies: usize,
}

/// What the rules have to say of a world.
pub struct Checked {
    /// The findings, sorted by file, place and rule.
    pub findings: Vec<Finding>,
    /// The keys that findings are about, as people name them.
    pub key_names: BTreeMap<KeyArn, String>,
    /// What the world holds.
    pub counts: Counts,
    /// What is not shown, though it is there.
    pub aside: Aside,
    /// What every request is taken to carry, in words.
    pub assumed: Vec<String>,
    /// How much of infrastructure code is known, where there is some.
    pub coverage: Option<Coverage>,
    /// The rules that were not run, or whose findings nobody wants to see, with why.
    pub silent: BTreeMap<&'static str, String>,
}

/// Runs the rules over `world`. A finding that is suppressed is not there for those that it explains; one
/// that is in the baseline is.
pub fn check(world: &Inventory, texts: &Texts<'_>, options: &CheckOptions<'_>) -> Checked {
    let control = &options.control;
    let bare = Bare::of(world);
    let world = bare.as_ref().map_or(world, |bare| &bare.rest);
    let engine = Engine::assuming(world, options.now, &control.assumptions);
    let before = options.base.map(|base| heard(base, options.now, &control.assumptions));
    let before = before.as_ref().map(|engine| engine as &dyn Reach);
    let graph = Graph::new(engine.access());
    let scope = Scope::new(&engine, &control.settings).against(before).with_graph(&graph);
    engine.hear(scope.documents.par_iter().map(|document| document.document));
    engine.prepare();
    let can_run = |rule: &&&'static Registered| rule.can_run(&scope);
    let ran: Vec<&'static Registered> = options.rules.iter().filter(can_run).copied().collect();
    let mut findings = rules::check(&scope, &heard_of(options, &ran));
    findings.extend(bare.iter().flat_map(|bare| bare.check(options)));
    if options.rules.iter().any(|rule| rule.metadata.slug == "failed-assertion") {
        let only = bare.as_ref().and_then(Bare::only);
        let of_bare = only.map(|it| Engine::assuming(it, options.now, &control.assumptions));
        let asserted = of_bare.as_ref().unwrap_or(&engine);
        let failed = failures::of(asserted, &control.assumptions, &control.assertions);
        findings.extend(failed_assertions(&failed));
    }
    if !control.assumptions.is_empty() {
        for witness in findings.iter_mut().filter_map(|finding| finding.witness.as_mut()) {
            **witness = control.assumptions.under(witness);
        }
    }
    let policies = scope.documents.len() + bare.as_ref().map_or(0, Bare::count);
    drop(scope);
    // To take a large engine apart takes as long as all the rest.
    let (checked, ()) =
        rayon::join(|| chosen(world, texts, options, &ran, findings, policies), || drop(engine));
    checked
}

/// What is told of all `findings` of the rules that ran.
fn chosen(
    world: &Inventory,
    texts: &Texts<'_>,
    options: &CheckOptions<'_>,
    ran: &[&'static Registered],
    mut findings: Vec<Finding>,
    policies: usize,
) -> Checked {
    let control = &options.control;
    control.choose(world, &mut findings);
    sort(&mut findings);
    let now = options.now.as_second();
    let (mut suppressed, met) = control.suppress(world, texts, now, &mut findings);
    let is_shown = |finding: &Finding| {
        finding.persona <= options.persona && finding.severity >= options.min_severity
    };
    let baseline = control.baseline.as_ref();
    let there = baseline.map(|_| findings.iter().chain(&suppressed).map(Finding::fingerprint));
    let there: BTreeSet<String> = there.into_iter().flatten().collect();
    findings.retain(|finding| finding.persona <= options.persona);
    without_explained(&mut findings);
    findings.retain(|finding| finding.severity >= options.min_severity);
    once_a_cause(&mut findings);
    let baselined = baseline.map_or(0, |baseline| baseline.apply(&mut findings));
    once_a_block(&mut findings);
    if options.rules.iter().any(|rule| rule.metadata.slug == "unused-suppression") {
        let mut stale = control.stale(world, ran, now, &met);
        stale.extend(control.stale_baseline(world, ran, &there));
        let mut unused = unused_suppressions(&stale);
        control.choose(world, &mut unused);
        findings.extend(unused.into_iter().filter(is_shown));
        sort(&mut findings);
    }
    suppressed.retain(is_shown);
    tell_accounts(world, &mut findings);
    let counts = Counts {
        accounts: world.accounts.len(),
        principals: world.principal_count(),
        keys: world.keys.len(),
        grants: world.grant_count(),
        policies,
    };
    let key_names = key_names(world, &findings);
    let aside = Aside { suppressed: suppressed.len(), baselined };
    let assumed = control.assumptions.words.clone();
    let coverage = Coverage::of(world).map(|mut coverage| {
        coverage.unresolved.extend(unjudged(world, options, ran));
        coverage
    });
    let silent = silent(options, ran);
    Checked { findings, key_names, counts, aside, assumed, coverage, silent }
}

/// That code does not say whether its account is that of who deploys it, where a rule asks.
fn unjudged(
    world: &Inventory,
    options: &CheckOptions<'_>,
    ran: &[&'static Registered],
) -> Option<String> {
    let deployer = options.control.settings.deployer.as_ref()?;
    let account = deployer.account.filter(|account| !account.is_symbol())?;
    let is_asked = ran.iter().any(|rule| rule.metadata.slug == "deployer-locked-out");
    let is_open = is_asked && world.keys.keys().any(|key| key.account() == AccountId::THIS);
    is_open.then(|| {
        format!("whether {deployer} is of the account that is deployed to (--account {account})")
    })
}

/// Says what the symbols of accounts stand for that findings speak of.
fn tell_accounts(world: &Inventory, findings: &mut [Finding]) {
    let Some(declared) = world.declared.as_deref() else { return };
    for finding in findings {
        let labels = finding.labels.iter().map(|label| label.text.as_str());
        let own = [finding.message.as_str(), finding.help.as_str()];
        let texts: Vec<&str> = labels.chain(own).collect();
        for told in declared.accounts_in(&texts) {
            finding.help.push_str("; ");
            finding.help.push_str(&told);
        }
    }
}

/// Those of the rules that can tell something: what only others than those who read want to see need not be
/// looked for, unless a suppression or a baseline could speak of it.
fn heard_of(options: &CheckOptions<'_>, ran: &[&'static Registered]) -> Vec<&'static Registered> {
    let control = &options.control;
    let is_spoken_of = !control.suppressions.is_empty() || control.baseline.is_some();
    let is_heard = |rule: &&&Registered| is_spoken_of || audience(rule) <= options.persona;
    ran.iter().filter(is_heard).copied().collect()
}

/// The narrowest persona to whom a rule can tell something.
fn audience(rule: &Registered) -> Persona {
    let front = &rule.metadata.front;
    front.facets.values().map(|facet| facet.persona).fold(front.persona, Ord::min)
}

/// The rules that say nothing whatever there is, with why.
fn silent(
    options: &CheckOptions<'_>,
    ran: &[&'static Registered],
) -> BTreeMap<&'static str, String> {
    let is_one = |all: &[&'static Registered], slug: &str| {
        all.iter().any(|other| other.metadata.slug == slug)
    };
    let why = |rule: &Registered| {
        let (slug, front) = (rule.metadata.slug, &rule.metadata.front);
        let persona = audience(rule);
        match front.needs.filter(|_| !is_one(ran, slug)) {
            _ if !is_one(&options.rules, slug) => Some("it is switched off".to_owned()),
            Some(need) => Some(format!("it needs {}", need.option())),
            None if persona > options.persona => {
                Some(format!("it is for --persona {}", persona.name()))
            }
            None => None,
        }
    };
    rules::all().iter().filter_map(|rule| Some((rule.metadata.slug, why(rule)?))).collect()
}

/// The engine over a world, which has heard all its policies.
fn heard<'w>(world: &'w Inventory, now: Timestamp, assumptions: &Assumptions) -> Engine<'w> {
    let engine = Engine::assuming(world, now, assumptions);
    let settings = Settings::default();
    let documents = Scope::new(&engine, &settings).documents;
    engine.hear(documents.par_iter().map(|document| document.document));
    drop(documents);
    engine
}

fn key_names(world: &Inventory, findings: &[Finding]) -> BTreeMap<KeyArn, String> {
    let arns = findings.iter().filter_map(|finding| finding.key.as_ref());
    let mut names = BTreeMap::new();
    for arn in arns {
        if !names.contains_key(arn) {
            names.insert(arn.clone(), world.shown_arn(arn));
        }
    }
    names
}
