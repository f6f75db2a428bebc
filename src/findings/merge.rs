//! Findings in their final order, each cause told once.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::aws::KeyArn;

use super::Finding;

/// Sorts findings by file, place and rule, drops exact repetitions, and hides a finding that another on
/// the same key explains (that one gives it back when it is suppressed itself).
pub fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let hidden = hidden(&findings);
    let mut hidden = hidden.into_iter();
    findings.retain(|_| !hidden.next().unwrap_or_default());
    findings.par_sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup_by(|one, other| {
        one.rule == other.rule && one.message == other.message && one.labels == other.labels
    });
    findings
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
