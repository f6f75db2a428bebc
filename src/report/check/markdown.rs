//! The findings as a comment on a pull request: the worst first, and under the length that GitHub takes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::findings::Finding;
use crate::report::basis::plural;
use crate::report::escape::markdown as escaped;

use super::CheckReport;
use super::words::{aside, at, explains, found, looked_at, rule};

/// Characters that a comment on GitHub may have; GitLab takes more.
const LENGTH: usize = 65_536;

/// What is kept of it for the lines at the end.
const KEPT: usize = 4_096;

/// Rules that are named with what is left out of them.
const NAMED: usize = 20;

/// Characters of a sentence of a finding.
const SENTENCE: usize = 600;

/// Writes the comment. Its first line is a mark by which a workflow finds its comment again.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>) -> io::Result<()> {
    let mut text = String::from("<!-- keyreach -->\n");
    text.push_str(&format!("## keyreach: {}\n", found(report)));
    if !report.problems.is_empty() {
        text.push_str("\nWhat could not be used:\n\n");
    }
    let mut left_out = 0;
    for problem in report.problems {
        let line =
            format!("- {}: {}\n", code(report.inside(&problem.path)), sentence(&problem.message));
        if text.len() + line.len() + 2 * KEPT < LENGTH {
            text.push_str(&line)
        } else {
            left_out += 1
        }
    }
    if left_out > 0 {
        text.push_str(&format!("- and {}\n", plural(left_out, "more problem")));
    }
    let mut findings: Vec<&Finding> = report.checked.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if !findings.is_empty() {
        text.push_str("\n| severity | rule | what | where |\n| --- | --- | --- | --- |\n");
    }
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        let row = row(report, finding);
        // What does not fit any more is not followed by something shorter: it is the worst first.
        if missing.is_empty() && text.len() + row.len() + KEPT < LENGTH {
            text.push_str(&row);
        } else {
            *missing.entry(finding.rule).or_default() += 1;
        }
    }
    if !missing.is_empty() {
        text.push_str(&format!("\n{}\n", left_out_of(&missing)));
    }
    text.push_str(&format!("\nLooked at {}{}.\n", looked_at(report), aside(report)));
    out.write_all(text.as_bytes())
}

fn left_out_of(missing: &BTreeMap<&str, usize>) -> String {
    let total: usize = missing.values().sum();
    let mut of_rules: Vec<(&str, usize)> = missing.iter().map(|(rule, n)| (*rule, *n)).collect();
    of_rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<String> =
        of_rules.iter().take(NAMED).map(|(rule, count)| format!("{count} of `{rule}`")).collect();
    let more = match of_rules.len().saturating_sub(NAMED) {
        0 => String::new(),
        others => format!(", and of {}", plural(others, "more rule")),
    };
    format!(
        "{} left out for the length of a comment: {}{more}.",
        plural(total, "finding"),
        named.join(", ")
    )
}

fn row(report: &CheckReport<'_>, finding: &Finding) -> String {
    let place =
        report.primary(finding).map(|spot| code(report.inside(&at(&spot)))).unwrap_or_default();
    let help = match finding.help.is_empty() {
        true => String::new(),
        false => format!("<br>_{}_", sentence(&finding.help)),
    };
    let explains = explains(finding).map(|it| format!("<br>{}", sentence(&it))).unwrap_or_default();
    let (severity, rule) = (finding.severity.name(), code(&rule(finding)));
    format!("| {severity} | {rule} | {}{help}{explains} | {place} |\n", sentence(&finding.message))
}

/// A text of bounded length.
fn sentence(text: &str) -> String {
    match text.char_indices().nth(SENTENCE) {
        Some((end, _)) => format!("{}…", escaped(text.get(..end).unwrap_or(text))),
        None => escaped(text),
    }
}

/// A name in the type of code; what would end it is shown as text.
fn code(text: &str) -> String {
    let is_plain = |one: char| one.is_ascii_graphic() && !matches!(one, '`' | '|' | '\\');
    if text.chars().all(is_plain) { format!("`{text}`") } else { escaped(text) }
}
