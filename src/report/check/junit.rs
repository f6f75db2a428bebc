//! The findings as a JUnit report, which every continuous integration reads: a suite for each rule, a
//! test case for each finding, and one that passed for each rule that found nothing; it is skipped where the
//! rule was not run.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::findings::Finding;
use crate::report::escape::xml;
use crate::rules;

use super::CheckReport;
use super::words::{aside, at, explains, found, looked_at, rule};

/// Writes the report. A finding that does not make the run fail is a skipped test case, a problem with a
/// file an error.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let mut of_rule: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.checked.findings {
        of_rule.entry(finding.rule).or_default().push(finding);
    }
    let failures = report.checked.findings.iter().filter(|one| report.fails(one)).count();
    let silent = rules::all().iter().filter(|one| !of_rule.contains_key(one.metadata.slug)).count();
    let (findings, errors) = (report.checked.findings.len(), report.problems.len());
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="keyreach" tests="{}" failures="{failures}" errors="{errors}">"#,
        findings + silent + errors
    )?;
    if errors > 0 {
        suite(out, "files", (errors, 0, errors, 0))?;
        for problem in report.problems {
            let (kind, path) = (problem.kind.name(), xml(report.inside(&problem.path)));
            let (message, help) = (xml(&problem.message), xml(&problem.help));
            writeln!(out, r#"    <testcase classname="files" name="{path}" file="{path}">"#)?;
            writeln!(out, r#"      <error type="{kind}" message="{message}">{help}</error>"#)?;
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    for registered in rules::all() {
        let metadata = &registered.metadata;
        let found = of_rule.get(metadata.slug).map(Vec::as_slice).unwrap_or_default();
        let failing = found.iter().filter(|one| report.fails(one)).count();
        let silent = report.checked.silent.get(metadata.slug).filter(|_| found.is_empty());
        let skipped = found.len() - failing + usize::from(silent.is_some());
        suite(out, metadata.slug, (found.len().max(1), failing, 0, skipped))?;
        if found.is_empty() {
            let title = xml(&metadata.front.title);
            write!(out, r#"    <testcase classname="{}" name="{title}""#, metadata.slug)?;
            match silent {
                Some(why) => {
                    writeln!(out, ">\n      <skipped message=\"not run: {}\"/>", xml(why))?;
                    writeln!(out, "    </testcase>")?;
                }
                None => writeln!(out, "/>")?,
            }
        }
        found.iter().try_for_each(|finding| case(out, report, finding))?;
        writeln!(out, "  </testsuite>")?;
    }
    let counts = xml(&format!("{} in {}{}", found(report), looked_at(report), aside(report)));
    writeln!(out, "  <!-- {} -->", counts.replace("--", "- -"))?;
    writeln!(out, "</testsuites>")
}

/// Opens a suite of so many tests, failures, errors and skipped ones.
fn suite(
    out: &mut dyn Write,
    name: &str,
    (tests, failures, errors, skipped): (usize, usize, usize, usize),
) -> io::Result<()> {
    writeln!(
        out,
        r#"  <testsuite name="{name}" tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}">"#
    )
}

fn case(out: &mut dyn Write, report: &CheckReport<'_>, finding: &Finding) -> io::Result<()> {
    let message = xml(&finding.message);
    let (file, line, place) = match report.primary(finding) {
        Some(spot) => {
            let line = spot.range.map_or(1, |(start, _)| start.line);
            (xml(report.inside(spot.file)), line, xml(report.inside(&at(&spot))))
        }
        None => (String::new(), 1, String::new()),
    };
    let (rule, severity) = (rule(finding), finding.severity.name());
    writeln!(
        out,
        r#"    <testcase classname="{rule}" name="{message}" file="{file}" line="{line}">"#
    )?;
    match report.fails(finding) {
        true => {
            let help = [finding.help.clone()].into_iter().chain(explains(finding));
            let help = xml(&help.collect::<Vec<_>>().join("\n"));
            writeln!(
                out,
                r#"      <failure type="{severity}" message="{message}">{place}&#10;{help}</failure>"#
            )?;
        }
        false => writeln!(out, r#"      <skipped message="{severity}: {place}"/>"#)?,
    }
    writeln!(out, "    </testcase>")
}
