//! The findings as a code quality report of GitLab.
//!
//! GitLab Docs, "Code Quality report format".

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::diag::{Severity, visible};

use super::CheckReport;
use super::words::rule;

#[derive(Serialize)]
struct Entry<'a> {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

/// Writes the problems and findings as one array.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    // GitLab takes entries with one fingerprint for one.
    let mut alone = |fingerprint: String| {
        let count = known.entry(fingerprint.clone()).or_default();
        *count += 1;
        if *count == 1 { fingerprint } else { format!("{fingerprint}-{count}") }
    };
    let mut entries = Vec::new();
    for problem in report.problems {
        let line = problem.position.map_or(1, |at| at.line);
        entries.push(Entry {
            description: visible(&problem.message).into_owned(),
            check_name: problem.kind.name().to_owned(),
            fingerprint: alone(format!("{}:{}", problem.kind.name(), problem.path)),
            severity: "blocker",
            location: Location {
                path: report.inside(&problem.path),
                lines: Lines { begin: line, end: line },
            },
        });
    }
    for finding in &report.checked.findings {
        let Some(spot) = report.primary(finding) else {
            continue;
        };
        let (begin, end) = spot.range.map_or((1, 1), |(start, end)| (start.line, end.line));
        entries.push(Entry {
            description: visible(&finding.message).into_owned(),
            check_name: rule(finding),
            fingerprint: alone(finding.fingerprint()),
            severity: severity(finding.severity),
            location: Location { path: report.inside(spot.file), lines: Lines { begin, end } },
        });
    }
    serde_json::to_writer_pretty(&mut *out, &entries)?;
    writeln!(out)
}

/// GitLab's word.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}
