//! Findings in their final order, each cause told once.

use super::Finding;

/// Sorts findings by file, place and rule, drops exact repetitions, and hides a finding that another on
/// the same key explains (that one gives it back when it is suppressed itself).
pub fn merged(mut findings: Vec<Finding>) -> Vec<Finding> {
    let explaining: Vec<Finding> =
        findings.iter().filter(|finding| !finding.explains.is_empty()).cloned().collect();
    findings.retain(|finding| !explaining.iter().any(|other| explains(other, finding)));
    findings.sort_by(|one, other| order(one).cmp(&order(other)));
    findings.dedup_by(|one, other| {
        one.rule == other.rule && one.message == other.message && one.labels == other.labels
    });
    findings
}

/// Whether `other` is the cause of `finding`: the same key, and nobody concerned whom it leaves out.
fn explains(other: &Finding, finding: &Finding) -> bool {
    let same_key = other.key.is_some() && other.key == finding.key;
    let all_named = finding.principals.iter().all(|one| other.principals.contains(one));
    other.explains.contains(&finding.rule) && same_key && (all_named || other.principals.is_empty())
}

/// File, place, rule, and what is left to make the order total.
fn order(finding: &Finding) -> impl Ord + '_ {
    let primary = finding.labels.first();
    let place = primary.map(|label| (label.place.file, label.place.span, label.span));
    (place, finding.rule, finding.facet, &finding.subject, &finding.message)
}
