//! The findings as workflow commands of GitHub Actions, which shows them beside the lines they name.
//!
//! GitHub Docs, "Workflow commands for GitHub Actions".

use std::io::{self, Write};

use crate::diag::{Severity, visible};
use crate::findings::Finding;

use super::CheckReport;
use super::words::{aside, found, looked_at, rule};

/// Writes a command for each problem and each finding, and one that counts them.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    for problem in report.problems {
        let file = property(report.inside(&problem.path));
        let place = problem
            .position
            .map(|at| format!(",line={},col={}", at.line, at.column))
            .unwrap_or_default();
        let message = data(&format!("{}\n{}", problem.message, problem.help));
        writeln!(out, "::error title={},file={file}{place}::{message}", problem.kind.name())?;
    }
    for finding in &report.checked.findings {
        command(out, report, finding)?;
    }
    let counts = data(&format!("{} in {}{}", found(report), looked_at(report), aside(report)));
    writeln!(out, "::notice title=keyreach::{counts}")
}

fn command(out: &mut dyn Write, report: &CheckReport<'_>, finding: &Finding) -> io::Result<()> {
    let level = match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    };
    let title = property(&format!("{} ({})", rule(finding), finding.severity.name()));
    write!(out, "::{level} title={title}")?;
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
