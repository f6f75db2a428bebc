//! Findings in their final order, each cause told once.

use std::collections::BTreeSet;

use super::Finding;

/// Sorts findings by file, place and rule, drops exact repetitions, and hides a finding that another on
/// the same key explains (that one gives it back when it is suppressed itself).
pub fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let explained: BTreeSet<(&'static str, String)> = findings
        .iter()
        .flat_map(|finding| finding.explains.iter().map(|rule| (*rule, subject_of(finding))))
        .collect();
    findings.retain(|finding| !explained.contains(&(finding.rule, subject_of(finding))));
    findings.sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup_by(|one, other| {
        one.rule == other.rule && one.message == other.message && one.labels == other.labels
    });
    findings
}

fn subject_of(finding: &Finding) -> String {
    match &finding.key {
        Some(key) => key.as_str().to_owned(),
        None => finding.subject.clone(),
    }
}

/// File, place, rule, and what is left to make the order total.
fn order(finding: &Finding) -> impl Ord + '_ {
    let primary = finding.labels.first();
    let place = primary.map(|label| (label.place.file, label.place.span, label.span));
    (place, finding.rule, finding.facet, &finding.subject, &finding.message)
}
