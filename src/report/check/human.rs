//! What `check` found, for people: each finding with its statements underlined, a summary at the end.

use std::io::{self, Write};

use crate::diag::{self, Diagnostic, Renderer};
use crate::findings::{Finding, Role};
use crate::report::{excerpt, request_line};
use crate::source::{Place, Span};

use super::CheckReport;

/// Principals that are named one by one.
const NAMED: usize = 4;

/// Writes the findings and the summary.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &CheckReport<'_>, renderer: &Renderer) -> io::Result<()> {
    for finding in &report.checked.findings {
        renderer.render(out, &diagnostic(report, finding))?;
        writeln!(out)?;
    }
    renderer.paragraph(out, &summary(report), "")
}

fn diagnostic(report: &CheckReport<'_>, finding: &Finding) -> Diagnostic {
    let code = match finding.facet {
        Some(facet) => format!("{} {facet}", finding.rule),
        None => finding.rule.to_owned(),
    };
    let mut diagnostic = Diagnostic::new(finding.severity, &finding.message).code(code);
    if !finding.help.is_empty() {
        diagnostic = diagnostic.help(&finding.help);
    }
    if let Some(note) = note(finding) {
        diagnostic = diagnostic.note(note);
    }
    for (place, labels) in by_place(finding) {
        if let Some(snippet) = excerpt(report.texts, place, labels) {
            diagnostic = diagnostic.snippet(snippet);
        }
    }
    diagnostic
}

/// The labels of each text, the primary's text first.
fn by_place(finding: &Finding) -> Vec<(Place, Vec<diag::Label>)> {
    let mut places: Vec<(Place, Vec<diag::Label>)> = Vec::new();
    for label in &finding.labels {
        let span = label.span.unwrap_or_else(|| Span::new(0, label.place.span.range().len()));
        let shown = match label.role {
            Role::Primary => diag::Label::primary(span, &label.text),
            Role::Related => diag::Label::related(span, &label.text),
        };
        match places.iter_mut().find(|(place, _)| *place == label.place) {
            Some((_, labels)) => labels.push(shown),
            None => places.push((label.place, vec![shown])),
        }
    }
    places
}

/// Whom it concerns, and a request that shows it.
fn note(finding: &Finding) -> Option<String> {
    let mut parts = Vec::new();
    let (named, rest) = finding.principals.split_at(finding.principals.len().min(NAMED));
    if !named.is_empty() {
        let more =
            if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        parts.push(format!("concerns {}{more}", named.join(", ")));
    }
    if let Some(witness) = &finding.witness {
        let request = request_line::write(&finding.fingerprint(), witness);
        parts.push(format!("shown by {request}"));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn summary(report: &CheckReport<'_>) -> String {
    let counts = report.checked.counts;
    let found: Vec<String> = report
        .by_severity()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.name()))
        .collect();
    let found = match found.is_empty() {
        true => "no findings".to_owned(),
        false => {
            format!("{}: {}", plural(report.checked.findings.len(), "finding"), found.join(", "))
        }
    };
    let problems = match report.problems.len() {
        0 => String::new(),
        count => format!("; {} could not be used", plural(count, "file")),
    };
    let skipped = match report.skipped {
        0 => String::new(),
        count => format!(" ({count} skipped)"),
    };
    format!(
        "{found} in {}{skipped}: {}, {}, {}, {}, {}{problems}",
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

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
