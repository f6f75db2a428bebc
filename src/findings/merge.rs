//! Findings in their final order, each cause told once.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::aws::KeyArn;
use crate::diag::Severity;

use super::{Cause, Explains, Finding};

/// How many instances of a block of code are named beside the first.
const INSTANCES: usize = 3;

/// Findings in their order, each cause told once: [`sort`], [`without_explained`], [`once_a_cause`].
pub fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    sort(&mut findings);
    without_explained(&mut findings);
    once_a_cause(&mut findings);
    findings
}

/// Sorts findings by file, place and rule, and drops exact repetitions.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.par_sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup_by(|one, other| {
        one.rule == other.rule && one.message == other.message && one.labels == other.labels
    });
}

/// Hides what another finding explains, and gives that one the severity of the worst that follows from it.
/// Whoever suppresses findings does so before: one that is suppressed is not there, and gives back what it
/// explained.
pub fn without_explained(findings: &mut Vec<Finding>) {
    let mut hidden = hidden(findings);
    let is_hidden: FxHashSet<usize> = hidden.iter().map(|one| one.at).collect();
    // Of one that is hidden itself, what it explains was lent to it before it lends.
    hidden.sort_by_key(|one| Reverse(one.severity));
    for Hidden { at, lends_to, .. } in hidden {
        let severity = findings.get(at).map(|one| one.severity);
        for cause in lends_to {
            if let (Some(cause), Some(severity)) = (findings.get_mut(cause), severity) {
                cause.severity = cause.severity.max(severity);
            }
        }
    }
    let mut at = 0..;
    findings.retain(|_| at.next().is_some_and(|at| !is_hidden.contains(&at)));
}

/// Of findings whose cause speaks of many keys, or of many instances of one block of code, keeps the first:
/// with the principals of all, and of what it is true beside.
pub fn once_a_cause(findings: &mut Vec<Finding>) {
    let mut firsts: FxHashMap<String, usize> = FxHashMap::default();
    let mut kept: Vec<(Finding, Others)> = Vec::with_capacity(findings.len());
    for finding in findings.drain(..) {
        if finding.shares_cause || finding.instance.is_some() {
            let at = *firsts.entry(finding.fingerprint()).or_insert(kept.len());
            if let Some((first, others)) = kept.get_mut(at) {
                others.add(first, finding);
                continue;
            }
        }
        kept.push((finding, Others::default()));
    }
    findings.extend(kept.into_iter().map(|(mut finding, others)| {
        if let Some(told) = others.told() {
            finding.principals.sort();
            finding.principals.dedup();
            finding.message.push_str(&format!("; the same {told}"));
        }
        finding
    }));
}

/// What else a finding is true of.
#[derive(Default)]
struct Others {
    keys: usize,
    instances: BTreeSet<String>,
}

impl Others {
    fn add(&mut self, first: &mut Finding, other: Finding) {
        first.principals.extend(other.principals);
        match other.instance.filter(|instance| first.instance.as_ref() != Some(instance)) {
            Some(instance) => drop(self.instances.insert(instance)),
            None => self.keys += 1,
        }
    }

    fn told(&self) -> Option<String> {
        let named = self.instances.iter().take(INSTANCES).map(String::as_str);
        let named = named.collect::<Vec<_>>().join(", ");
        let more = self.instances.len().saturating_sub(INSTANCES);
        match (self.keys, more) {
            (0, _) if named.is_empty() => None,
            (1, _) if named.is_empty() => Some("with 1 more key".to_owned()),
            (keys, _) if named.is_empty() => Some(format!("with {keys} more keys")),
            (_, 0) => Some(format!("for {named}")),
            (_, more) => Some(format!("for {named} and {more} more")),
        }
    }
}

/// A finding that others explain.
struct Hidden {
    at: usize,
    severity: Severity,
    /// Those from which it follows.
    lends_to: Vec<usize>,
}

/// Findings with their numbers, by what others can share with them.
struct Explaining<'f> {
    by_key: FxHashMap<&'f KeyArn, Vec<(usize, &'f Finding)>>,
    by_cause: FxHashMap<Cause, Vec<(usize, &'f Finding)>>,
}

/// Which findings others explain, by their numbers.
fn hidden(findings: &[Finding]) -> Vec<Hidden> {
    let mut all = Explaining { by_key: FxHashMap::default(), by_cause: FxHashMap::default() };
    for (at, finding) in findings.iter().enumerate() {
        let Explains { on_key, there, refuted } = &finding.explains;
        if let Some(key) = finding.key.as_ref().filter(|_| !on_key.is_empty()) {
            all.by_key.entry(key).or_default().push((at, finding));
        }
        if let Some(cause) = finding.cause.filter(|_| !(there.is_empty() && refuted.is_empty())) {
            all.by_cause.entry(cause).or_default().push((at, finding));
        }
    }
    let numbered = findings.iter().enumerate();
    numbered.filter_map(|(at, finding)| all.hides(at, finding)).collect()
}

impl Explaining<'_> {
    /// By whom a finding is hidden, where it is: nobody is concerned whom those who explain it leave out.
    fn hides(&self, at: usize, finding: &Finding) -> Option<Hidden> {
        let on_key = finding.key.as_ref().and_then(|key| self.by_key.get(key));
        let there = finding.cause.as_ref().and_then(|cause| self.by_cause.get(cause));
        let on_key = on_key.into_iter().flatten();
        let on_key = on_key.filter(|(_, other)| other.explains.on_key.contains(&finding.rule));
        // A policy that is part of no key speaks of every key.
        let is_of_key = |other: &Finding| other.key.is_none() || other.key == finding.key;
        let there = there.into_iter().flatten().filter(|(_, other)| is_of_key(other));
        let refuting =
            there.clone().filter(|(_, other)| other.explains.refuted.contains(&finding.rule));
        let there = there.filter(|(_, other)| other.explains.there.contains(&finding.rule));
        let lending: Vec<&(usize, &Finding)> = on_key.chain(there).collect();
        let others: Vec<&Finding> =
            lending.iter().copied().chain(refuting).map(|(_, other)| *other).collect();
        let is_named =
            |one: &String| others.iter().any(|other| other.principals.binary_search(one).is_ok());
        let is_whole = others.iter().any(|other| other.principals.is_empty())
            || !others.is_empty() && finding.principals.iter().all(is_named);
        let lends_to = lending.iter().map(|(at, _)| *at).collect();
        is_whole.then_some(Hidden { at, severity: finding.severity, lends_to })
    }
}

/// File, place, rule, and what is left to make the order total.
fn order(finding: &Finding) -> impl Ord + '_ {
    let primary = finding.labels.first();
    let place = primary.map(|label| (label.place.file, label.place.span, label.span));
    (place, finding.rule, finding.facet, &finding.subject, &finding.message)
}
