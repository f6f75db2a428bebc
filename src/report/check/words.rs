//! What several formats say of a run in the same words.

use std::collections::BTreeSet;

use crate::findings::Finding;
use crate::report::basis::{covered, plural};
use crate::source::{FileProblem, ProblemKind};

use super::{CheckReport, Spot};

/// `4 findings: 1 high, 3 medium`, or `no findings`.
pub(super) fn found(report: &CheckReport<'_>) -> String {
    let parts: Vec<String> = report
        .by_severity()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.name()))
        .collect();
    match parts.is_empty() {
        true => "no findings".to_owned(),
        false => {
            format!("{}: {}", plural(report.checked.findings.len(), "finding"), parts.join(", "))
        }
    }
}

/// `19 files (1 skipped): 1 account, ...; 1 file could not be used`; a file counts once, and one whose comments
/// are at fault was used.
pub(super) fn looked_at(report: &CheckReport<'_>) -> String {
    let counts = report.checked.counts;
    let skipped = match report.skipped {
        0 => String::new(),
        count => format!(" ({count} skipped)"),
    };
    let (comments, files): (Vec<&FileProblem>, Vec<&FileProblem>) =
        report.problems.iter().partition(|problem| problem.kind == ProblemKind::Suppression);
    let files: BTreeSet<&str> = files.iter().map(|problem| problem.path.as_str()).collect();
    let problems: String = [(files.len(), "file"), (comments.len(), "suppression")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("; {} could not be used", plural(count, what)))
        .collect();
    format!(
        "{}{skipped}: {}, {}, {}, {}, {}{problems}",
        plural(report.files, "file"),
        plural(counts.accounts, "account"),
        plural(counts.principals, "principal"),
        plural(counts.keys, "key"),
        plural(counts.grants, "grant"),
        match counts.policies {
            1 => "1 policy".to_owned(),
            count => format!("{count} policies"),
        },
    )
}

/// What is not shown though it is there, and what is assumed: `; 2 suppressed, 1 in the baseline; assumed: a is
/// b`, and how much of infrastructure code is known; empty where nothing is.
pub(super) fn aside(report: &CheckReport<'_>) -> String {
    let aside = report.checked.aside;
    let parts = [(aside.suppressed, "suppressed"), (aside.baselined, "in the baseline")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
    let parts = if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) };
    let parts = match report.checked.assumed.as_slice() {
        [] => parts,
        assumed => format!("{parts}; assumed: {}", assumed.join(", ")),
    };
    match &report.checked.coverage {
        Some(coverage) => format!("{parts}; {}", covered(coverage)),
        None => parts,
    }
}

/// The rule, and its facet where it has several: `unknown-action/in-deny`.
pub(super) fn rule(finding: &Finding) -> String {
    match finding.facet {
        Some(facet) => format!("{}/{facet}", finding.rule),
        None => finding.rule.to_owned(),
    }
}

/// `also explains 2 findings (key-unmanageable, missing-root-statement)`; nothing where it explains none.
pub(super) fn explains(finding: &Finding) -> Option<String> {
    let count = finding.explained.values().sum();
    let rules: Vec<&str> = finding.explained.keys().copied().collect();
    (count > 0)
        .then(|| format!("also explains {} ({})", plural(count, "finding"), rules.join(", ")))
}

/// `path:line:column`; the path alone where the file is gone.
pub(super) fn at(spot: &Spot<'_>) -> String {
    match spot.range {
        Some((start, _)) => format!("{}:{}:{}", spot.file, start.line, start.column),
        None => spot.file.to_owned(),
    }
}
