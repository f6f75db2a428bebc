//! Findings in their final order, each cause told once.

use std::collections::BTreeSet;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aws::KeyArn;

use super::Finding;

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

/// Hides what another finding on the same key explains. Whoever suppresses findings does so before: one
/// that is suppressed is not there, and gives back what it explained.
pub fn without_explained(findings: &mut Vec<Finding>) {
    let mut hidden = hidden(findings).into_iter();
    findings.retain(|_| !hidden.next().unwrap_or_default());
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

/// Which findings another explains. Only those of one key are held against each other.
fn hidden(findings: &[Finding]) -> Vec<bool> {
    let mut explaining: FxHashMap<&KeyArn, Vec<&Finding>> = FxHashMap::default();
    for finding in findings.iter().filter(|finding| !finding.explains.is_empty()) {
        if let Some(key) = &finding.key {
            explaining.entry(key).or_default().push(finding);
        }
    }
    let of_key = |key: &KeyArn| explaining.get(key).map_or(&[][..], Vec::as_slice);
    let is_hidden = |finding: &Finding| {
        let others = finding.key.as_ref().map_or(&[][..], of_key);
        others.iter().any(|other| explains(other, finding))
    };
    findings.iter().map(is_hidden).collect()
}

/// Whether `other` is the cause of `finding` on the same key: nobody is concerned whom it leaves out.
fn explains(other: &Finding, finding: &Finding) -> bool {
    let is_named = |one: &String| other.principals.binary_search(one).is_ok();
    other.explains.contains(&finding.rule)
        && (other.principals.is_empty() || finding.principals.iter().all(is_named))
}

/// File, place, rule, and what is left to make the order total.
fn order(finding: &Finding) -> impl Ord + '_ {
    let primary = finding.labels.first();
    let place = primary.map(|label| (label.place.file, label.place.span, label.span));
    (place, finding.rule, finding.facet, &finding.subject, &finding.message)
}
