//! `check`: what the rules find, filtered and merged.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::aws::KeyArn;
use crate::diag::{Persona, Severity};
use crate::findings::{Finding, merged};
use crate::inventory::Inventory;
use crate::rules::{self, Registered, Scope, Settings};

use super::engine::Engine;

/// What the user wants to see.
pub struct CheckOptions {
    /// The rules to run.
    pub rules: Vec<&'static Registered>,
    /// The widest persona whose findings are shown.
    pub persona: Persona,
    /// The lowest severity that is shown.
    pub min_severity: Severity,
    /// Requests happen from then on.
    pub now: Timestamp,
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
}

/// Runs the rules over `world`. A finding that another explains is left out, unless that one is not
/// wanted itself.
pub fn check(world: &Inventory, options: &CheckOptions) -> Checked {
    let engine = Engine::new(world, options.now);
    let settings = Settings::default();
    let scope = Scope::new(&engine, &settings);
    engine.hear(scope.documents.par_iter().map(|document| document.document));
    let mut findings = rules::check(&scope, &options.rules);
    findings.retain(|finding| finding.persona <= options.persona);
    let mut findings = merged(findings);
    findings.retain(|finding| finding.severity >= options.min_severity);
    let counts = Counts {
        accounts: world.accounts.len(),
        principals: world.principal_count(),
        keys: world.keys.len(),
        grants: world.grant_count(),
        policies: scope.documents.len(),
    };
    let key_names = key_names(world, &findings);
    Checked { findings, key_names, counts }
}

fn key_names(world: &Inventory, findings: &[Finding]) -> BTreeMap<KeyArn, String> {
    let arns = findings.iter().filter_map(|finding| finding.key.as_ref());
    let name = |arn: &KeyArn| match world.keys.get(arn) {
        Some(key) => world.shown_key(key),
        None => arn.to_string(),
    };
    let mut names = BTreeMap::new();
    for arn in arns {
        if !names.contains_key(arn) {
            names.insert(arn.clone(), name(arn));
        }
    }
    names
}
