//! The assertions for people: those that hold in a line each, the others with what contradicts them.

use std::io::{self, Write};

use crate::audit::assertions::{Assertion, Breach, How, Judged};
use crate::diag::{Diagnostic, Label, Renderer, Severity};
use crate::report::basis::{opening, plural};
use crate::report::{excerpt, request_line};

use super::TestReport;
use super::words::{looked_at, sentence};

/// Cells that are shown of an assertion.
const SHOWN: usize = 5;

/// Writes what the answers stand on, and the answers in the order of the assertions.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &TestReport<'_>, renderer: &Renderer) -> io::Result<()> {
    for line in opening(report.basis, "assertions") {
        renderer.paragraph(out, &line, "  ")?;
    }
    writeln!(out)?;
    for (assertion, judged) in report.each() {
        match judged.holds() {
            true => {
                let (claim, at) = (assertion.claim.name(), looked_at(judged));
                let text = format!("holds: {} ({claim}; {at})", assertion.message);
                renderer.paragraph(out, &text, "  ")?;
            }
            false => {
                renderer.render(out, &failed(report, assertion, judged))?;
                writeln!(out)?;
            }
        }
    }
    let (all, failed) = (report.assertions.len(), report.failed());
    let told = match failed {
        0 => format!("{}: all of them hold", plural(all, "assertion")),
        _ => {
            let holding = all - failed;
            let verb = if holding == 1 { "holds" } else { "hold" };
            format!("{}: {holding} of them {verb}", plural(all, "assertion"))
        }
    };
    renderer.paragraph(out, &told, "")
}

fn failed(report: &TestReport<'_>, assertion: &Assertion, judged: &Judged) -> Diagnostic {
    let mut diagnostic =
        Diagnostic::new(Severity::High, format!("does not hold: {}", assertion.message))
            .code(assertion.claim.name());
    let label = Label::primary(assertion.span, "");
    if let Some(snippet) = excerpt(report.texts, assertion.place, vec![label]) {
        diagnostic = diagnostic.snippet(snippet);
    }
    if let Some(why) = &judged.nothing {
        return diagnostic.note(format!("it selects nothing: {why}"));
    }
    let mut lines: Vec<String> =
        judged.breaches.iter().take(SHOWN).map(|breach| line(report, assertion, breach)).collect();
    let more = judged.breaches.len().saturating_sub(SHOWN) + judged.left_out;
    if more > 0 {
        lines.push(format!("and {}; `--format json` lists them", plural(more, "more answer")));
    }
    diagnostic.note(lines.join("\n"))
}

fn line(report: &TestReport<'_>, assertion: &Assertion, breach: &Breach) -> String {
    let told = sentence(report.world, assertion.claim, breach);
    match &breach.how {
        How::Cell { request: Some(request), .. } => {
            format!("- {told}\n  shown by {}", request_line::write("1", request))
        }
        _ => format!("- {told}"),
    }
}
