//! `keyreach/check/1`. Members may be added, none removed or changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::findings::{Finding, Label, Role};
use crate::report::basis::Covered;
use crate::report::request_line;

use crate::source::FileProblem;

use super::CheckReport;
use super::fixes::{self, Fixed};

/// The whole answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// `keyreach/check/1`.
    schema: &'static str,
    /// What was looked at, and how much was found.
    summary: Summary<'a>,
    /// What is wrong with files; what is wrong inside policies is a finding.
    problems: Vec<Problem<'a>>,
    /// What the rules found, sorted by file, place and rule.
    findings: Vec<Found<'a>>,
}

/// A line of `--format jsonl`, `keyreach/check-line/1`: the problems, the findings, and the summary last.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line<'a> {
    /// What is wrong with a file.
    Problem {
        /// The problem.
        problem: Problem<'a>,
    },
    /// What a rule found.
    Finding {
        /// The finding.
        finding: Box<Found<'a>>,
    },
    /// What was looked at, and how much was found.
    Summary {
        /// `keyreach/check-line/1`.
        schema: &'static str,
        /// The counts.
        summary: Summary<'a>,
    },
}

/// What was looked at, and how much was found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Summary<'a> {
    /// Files that were looked at.
    files: usize,
    /// Files among them that are no export and no policy.
    skipped: usize,
    /// Accounts that something is known of.
    accounts: usize,
    /// Users and roles.
    principals: usize,
    /// Keys.
    keys: usize,
    /// Grants.
    grants: usize,
    /// Policies of all kinds.
    policies: usize,
    /// How many findings there are of each severity.
    findings: BTreeMap<&'static str, usize>,
    /// Findings that the configuration or a comment suppresses; they are not listed.
    suppressed: usize,
    /// Findings that the baseline knows; they are not listed.
    baselined: usize,
    /// What every request is taken to carry, as the configuration says.
    assumptions: Vec<String>,
    /// How much of infrastructure code is known; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered<'a>>,
}

/// A file that could not be used, or not wholly.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Problem<'a> {
    /// What is wrong: `not-found`, `unreadable`, `broken-syntax`, ...
    kind: &'static str,
    /// In one line.
    message: &'a str,
    /// The path as it was given.
    file: &'a str,
    /// Line, from 1; null where the file as a whole is meant.
    line: Option<u32>,
    /// Column in characters, from 1.
    column: Option<u32>,
    /// What to do about it.
    help: &'a str,
}

/// A finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Found<'a> {
    /// The rule's slug.
    rule: &'static str,
    /// The rule's facet that speaks, where it has several.
    facet: Option<&'static str>,
    /// `critical`, `high`, `medium`, `low`, `info`.
    severity: &'static str,
    /// `high`, `medium`, `low`.
    confidence: &'static str,
    /// In one line.
    message: &'a str,
    /// What to edit.
    help: &'a str,
    /// The key's ARN, where it is about one.
    key: Option<&'a str>,
    /// ARNs of the principals it concerns.
    principals: &'a [String],
    /// Where, the primary place first.
    locations: Vec<Location<'a>>,
    /// Names the finding in baselines and suppressions; survives edits around it.
    fingerprint: String,
    /// A request that shows it, as `simulate` takes it.
    witness: Option<Value>,
    /// What mends it, where that can be written into the file.
    fix: Option<Fixed<'a>>,
    /// How many findings of which rules follow from it; those are not listed.
    explains: &'a BTreeMap<&'static str, usize>,
}

/// A place in a file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Location<'a> {
    /// The path as it was given.
    file: &'a str,
    /// First line, from 1; null where the file is gone.
    line: Option<u32>,
    /// First column in characters, from 1.
    column: Option<u32>,
    /// Last line.
    end_line: Option<u32>,
    /// Column behind the last character.
    end_column: Option<u32>,
    /// What is to be seen there.
    label: &'a str,
    /// Whether it is the place itself or one beside it.
    primary: bool,
}

/// Writes the answer as one JSON document.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let answer = Report {
        schema: "keyreach/check/1",
        summary: summary(report),
        problems: report.problems.iter().map(problem).collect(),
        findings: report.checked.findings.iter().map(|one| found(report, one)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    writeln!(out)
}

/// Writes a line for each problem and each finding, and one with the counts.
///
/// # Errors
/// What `out` says.
pub fn lines(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let problems = report.problems.iter().map(|one| Line::Problem { problem: problem(one) });
    let findings = report.checked.findings.iter();
    let findings = findings.map(|one| Line::Finding { finding: Box::new(found(report, one)) });
    let summary = Line::Summary { schema: "keyreach/check-line/1", summary: summary(report) };
    for line in problems.chain(findings).chain([summary]) {
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

fn summary<'a>(report: &'a CheckReport<'_>) -> Summary<'a> {
    let counts = report.checked.counts;
    Summary {
        files: report.files,
        skipped: report.skipped,
        accounts: counts.accounts,
        principals: counts.principals,
        keys: counts.keys,
        grants: counts.grants,
        policies: counts.policies,
        findings: report.by_severity().map(|(severity, count)| (severity.name(), count)).collect(),
        suppressed: report.checked.aside.suppressed,
        baselined: report.checked.aside.baselined,
        assumptions: report.checked.assumed.clone(),
        coverage: report.checked.coverage.as_ref().map(Covered::of),
    }
}

fn problem(problem: &FileProblem) -> Problem<'_> {
    Problem {
        kind: problem.kind.name(),
        message: &problem.message,
        file: &problem.path,
        line: problem.position.map(|position| position.line),
        column: problem.position.map(|position| position.column),
        help: &problem.help,
    }
}

fn found<'a>(report: &'a CheckReport<'_>, finding: &'a Finding) -> Found<'a> {
    let fingerprint = finding.fingerprint();
    Found {
        rule: finding.rule,
        facet: finding.facet,
        severity: finding.severity.name(),
        confidence: finding.confidence.name(),
        message: &finding.message,
        help: &finding.help,
        key: finding.key.as_ref().map(|key| key.as_str()),
        principals: &finding.principals,
        locations: finding.labels.iter().map(|label| location(report, label)).collect(),
        witness: finding
            .witness
            .as_deref()
            .map(|request| request_line::write(&fingerprint, request)),
        fix: fixes::of(report, finding),
        explains: &finding.explained,
        fingerprint,
    }
}

fn location<'a>(report: &'a CheckReport<'_>, label: &'a Label) -> Location<'a> {
    let spot = report.spot(label);
    let (start, end) = (spot.range.map(|(start, _)| start), spot.range.map(|(_, end)| end));
    Location {
        file: spot.file,
        line: start.map(|position| position.line),
        column: start.map(|position| position.column),
        end_line: end.map(|position| position.line),
        end_column: end.map(|position| position.column),
        label: spot.text,
        primary: spot.role == Role::Primary,
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Report};

    #[test]
    fn the_schemas_in_the_repository_are_those_of_the_code() {
        crate::report::schemas::compare::<Report<'static>>("check");
        crate::report::schemas::compare::<Line<'static>>("check-line");
    }
}
