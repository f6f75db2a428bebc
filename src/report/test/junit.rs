//! The assertions as a JUnit report: a test case each.

use std::io::{self, Write};

use crate::audit::assertions::{Assertion, How, Judged};
use crate::report::basis::plural;
use crate::report::escape::xml;
use crate::report::request_line;

use super::TestReport;
use super::words::sentence;

/// Cells that are named of an assertion.
const NAMED: usize = 100;

/// Writes the report. A problem with a file is an error.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &TestReport<'_>) -> io::Result<()> {
    let (failures, errors) = (report.failed(), report.problems.len());
    let tests = report.assertions.len() + errors;
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    let counts = format!(r#"tests="{tests}" failures="{failures}" errors="{errors}""#);
    writeln!(out, r#"<testsuites name="keyreach" {counts}>"#)?;
    writeln!(out, r#"  <testsuite name="assertions" {counts} skipped="0">"#)?;
    for problem in report.problems {
        let (kind, path) = (problem.kind.name(), xml(&problem.path));
        let (message, help) = (xml(&problem.message), xml(&problem.help));
        writeln!(out, r#"    <testcase classname="files" name="{path}" file="{path}">"#)?;
        writeln!(out, r#"      <error type="{kind}" message="{message}">{help}</error>"#)?;
        writeln!(out, "    </testcase>")?;
    }
    for (assertion, judged) in report.each() {
        let (file, line, _) = report.at(assertion);
        let (claim, message) = (assertion.claim.name(), xml(&assertion.message));
        let file = xml(file.strip_prefix("./").unwrap_or(file));
        write!(
            out,
            r#"    <testcase classname="{claim}" name="{message}" file="{file}" line="{line}""#
        )?;
        match judged.holds() {
            true => writeln!(out, "/>")?,
            false => {
                let told = xml(&told(report, assertion, judged)).replace('\n', "&#10;");
                writeln!(out, ">")?;
                writeln!(
                    out,
                    r#"      <failure type="{claim}" message="{message}">{told}</failure>"#
                )?;
                writeln!(out, "    </testcase>")?;
            }
        }
    }
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

fn told(report: &TestReport<'_>, assertion: &Assertion, judged: &Judged) -> String {
    if let Some(why) = &judged.nothing {
        return format!("it selects nothing: {why}");
    }
    let line = |breach: &crate::audit::assertions::Breach| {
        let told = sentence(report.world, assertion.claim, breach);
        match &breach.how {
            How::Cell { request: Some(request), .. } => {
                format!("{told}\n  shown by {}", request_line::write("1", request))
            }
            _ => told,
        }
    };
    let mut lines: Vec<String> = judged.breaches.iter().take(NAMED).map(line).collect();
    let more = judged.breaches.len().saturating_sub(NAMED) + judged.left_out;
    if more > 0 {
        lines.push(format!("and {}", plural(more, "more answer")));
    }
    lines.join("\n")
}
