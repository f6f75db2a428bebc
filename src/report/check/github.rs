//! The findings as workflow commands of GitHub Actions, which shows them beside the lines they name: the worst
//! first, and no more than it shows.
//!
//! GitHub Docs, "Workflow commands for GitHub Actions"; "Problem Matchers" of actions/toolkit, "Limitations".

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::diag::{Severity, visible};
use crate::findings::Finding;
use crate::report::basis::plural;
use crate::source::FileProblem;

use super::CheckReport;
use super::words::{aside, found, looked_at, rule};

/// How many annotations of one level GitHub shows for a step.
const SHOWN: usize = 10;

/// Writes a command for each problem and each finding as far as they are shown, and one that counts them and
/// what is left out. What is critical comes before the problems, all else behind them.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    // The notice at the end has its place.
    let mut room = Room { taken: BTreeMap::from([("notice", 1)]) };
    let mut left_out: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    let mut findings: Vec<&Finding> = report.checked.findings.iter().collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let critical = findings.partition_point(|finding| finding.severity == Severity::Critical);
    let (critical, others) = findings.split_at_checked(critical).unwrap_or_default();
    let mut told = |out: &mut dyn Write, findings: &[&Finding], room: &mut Room| {
        findings.iter().try_for_each(|finding| match room.has_some(level(finding.severity)) {
            true => command(out, report, finding),
            false => {
                *left_out.entry(Reverse(finding.severity)).or_default() += 1;
                Ok(())
            }
        })
    };
    told(out, critical, &mut room)?;
    let mut problems = 0;
    for one in report.problems {
        match room.has_some("error") {
            true => problem(out, report, one)?,
            false => problems += 1,
        }
    }
    told(out, others, &mut room)?;
    let mut left: Vec<String> =
        left_out.iter().map(|(severity, count)| format!("{count} {}", severity.0.name())).collect();
    if problems > 0 {
        left.push(plural(problems, "problem"));
    }
    let left = match left.as_slice() {
        [] => String::new(),
        left => format!(
            "; GitHub shows {SHOWN} annotations of a level, so left out are {}: other formats have all",
            left.join(", ")
        ),
    };
    let counts = format!("{} in {}{}{left}", found(report), looked_at(report), aside(report));
    writeln!(out, "::notice title=keyreach::{}", data(&counts))
}

/// The places for annotations.
struct Room {
    taken: BTreeMap<&'static str, usize>,
}

impl Room {
    /// Whether one more of the level is shown; then its place is taken.
    fn has_some(&mut self, level: &'static str) -> bool {
        let taken = self.taken.entry(level).or_default();
        let is_free = *taken < SHOWN;
        *taken += usize::from(is_free);
        is_free
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

fn problem(out: &mut dyn Write, report: &CheckReport<'_>, problem: &FileProblem) -> io::Result<()> {
    let file = property(report.inside(&problem.path));
    let place = problem
        .position
        .map(|at| format!(",line={},col={}", at.line, at.column))
        .unwrap_or_default();
    let message = data(&format!("{}\n{}", problem.message, problem.help));
    writeln!(out, "::error title={},file={file}{place}::{message}", problem.kind.name())
}

fn command(out: &mut dyn Write, report: &CheckReport<'_>, finding: &Finding) -> io::Result<()> {
    let title = property(&format!("{} ({})", rule(finding), finding.severity.name()));
    write!(out, "::{} title={title}", level(finding.severity))?;
    if let Some(spot) = report.primary(finding) {
        write!(out, ",file={}", property(report.inside(spot.file)))?;
        if let Some((start, end)) = spot.range {
            write!(out, ",line={},endLine={}", start.line, end.line)?;
            // Columns count within one line only.
            if start.line == end.line {
                write!(out, ",col={},endColumn={}", start.column, end.column)?;
            }
        }
    }
    writeln!(out, "::{}", data(&format!("{}\n{}", finding.message, finding.help)))
}

/// A text behind `::`.
fn data(text: &str) -> String {
    visible(text.trim_end()).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text between the commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_command_early() {
        assert_eq!(data("a%\nb::c\r"), "a%25%0Ab::c");
        assert_eq!(property("a,b:c\n%0A"), "a%2Cb%3Ac%0A%250A");
    }
}
