//! `keyreach/test/1`. Members may be added, none removed or changed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::audit::assertions::{Assertion, Breach, How, Judged};
use crate::aws::KmsAction;
use crate::decision::{CellAnswer, Standing};
use crate::report::basis::Grounds;
use crate::report::matrix::words::{bound, condition};
use crate::report::paths::Line;
use crate::report::request_line;
use crate::source::FileProblem;

use super::TestReport;

/// Answers that are listed of an assertion; the rest is counted.
const LISTED: usize = 10_000;

/// The whole answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Report<'a> {
    /// `keyreach/test/1`.
    schema: &'static str,
    /// What the answers stand on.
    about: Grounds<'a>,
    /// How many assertions there are, and how many of them hold.
    summary: Summary,
    /// What is wrong with files.
    problems: Vec<Problem<'a>>,
    /// The assertions, those of the configuration first, then by file and place.
    assertions: Vec<Tested<'a>>,
}

/// How many assertions there are, and how many of them hold.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Summary {
    /// All.
    assertions: usize,
    /// Those that hold.
    passed: usize,
    /// Those that do not.
    failed: usize,
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
    /// What to do about it.
    help: &'a str,
}

/// An assertion, and what became of it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Tested<'a> {
    /// `forbid`, `require` or `only`.
    claim: &'static str,
    /// What is meant.
    message: &'a str,
    /// The file that it is written in, as it was given.
    file: &'a str,
    /// The line, from 1.
    line: u32,
    /// The column in characters, from 1.
    column: u32,
    /// `passed` or `failed`.
    outcome: &'static str,
    /// How many principals were looked at.
    principals: usize,
    /// How many keys; `*`, for what needs no key, is one.
    keys: usize,
    /// Why it selects nothing, where it does not hold for that.
    selects_nothing: Option<&'a str>,
    /// What contradicts it, by key and principal.
    failures: Vec<Failure<'a>>,
    /// How many more there are.
    left_out: usize,
}

/// Cells of one principal and one key that do not hold, for one reason.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Failure<'a> {
    /// The principal: an ARN, a service, an organization's id, `*` for anyone.
    principal: &'a str,
    /// Whom it stands for, where that is more than one principal of the export.
    stands_for: Option<&'a str>,
    /// The key's ARN; `*` for operations without a key.
    key: &'a str,
    /// What was not exported of the key, so that it may be none of those that are meant.
    could_be_meant: Option<&'static str>,
    /// The actions: `kms:Decrypt`, ...
    actions: Vec<&'static str>,
    /// The verdict: `always`, `conditional`, `never`, `unknown`; null for a way to get there.
    verdict: Option<&'static str>,
    /// The least an unknown verdict can be.
    at_least: Option<&'static str>,
    /// The most an unknown verdict can be.
    at_most: Option<&'static str>,
    /// When a conditional cell is allowed, exactly.
    condition: Option<String>,
    /// `allowed-by-key-policy`, ..., `explicit-deny`, `implicit-deny`.
    reason: Option<&'static str>,
    /// The gate that denies, where it does.
    denied_by: Option<&'static str>,
    /// A request that shows it, as `simulate` takes it: allowed, or denied where access is required.
    witness: Option<Value>,
    /// What was not exported and could change the verdict.
    missing: Vec<&'a str>,
    /// Points that AWS leaves open and that could change the verdict.
    open: Vec<&'static str>,
    /// Whether a cap kept the engine from deciding.
    undecided: bool,
    /// What else must hold for the witness.
    assumes: Vec<&'a str>,
    /// The way to get there by further calls.
    path: Option<Line<'a>>,
    /// Whether a way should lead there and did not when executed: a fault of keyreach.
    broken: bool,
}

/// Writes the answer as one JSON document.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &TestReport<'_>) -> io::Result<()> {
    let (all, failed) = (report.assertions.len(), report.failed());
    let answer = Report {
        schema: "keyreach/test/1",
        about: Grounds::of(report.basis),
        summary: Summary { assertions: all, passed: all - failed, failed },
        problems: report.problems.iter().map(problem).collect(),
        assertions: report.each().map(|(one, judged)| tested(report, one, judged)).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &answer)?;
    writeln!(out)
}

fn problem(problem: &FileProblem) -> Problem<'_> {
    Problem {
        kind: problem.kind.name(),
        message: &problem.message,
        file: &problem.path,
        help: &problem.help,
    }
}

fn tested<'a>(
    report: &'a TestReport<'_>,
    assertion: &'a Assertion,
    judged: &'a Judged,
) -> Tested<'a> {
    let (file, line, column) = report.at(assertion);
    let (principals, keys) = judged.looked_at;
    let listed = judged.breaches.iter().take(LISTED);
    Tested {
        claim: assertion.claim.name(),
        message: &assertion.message,
        file,
        line,
        column,
        outcome: if judged.holds() { "passed" } else { "failed" },
        principals,
        keys,
        selects_nothing: judged.nothing.as_deref(),
        failures: listed.map(|breach| failure(report, breach)).collect(),
        left_out: judged.left_out + judged.breaches.len().saturating_sub(LISTED),
    }
}

fn failure<'a>(report: &'a TestReport<'_>, breach: &'a Breach) -> Failure<'a> {
    let (answer, request) = match &breach.how {
        How::Cell { answer, request } => (Some(&**answer), request.as_deref()),
        How::Way { .. } | How::Broken => (None, None),
    };
    let verdict = answer.map(|answer| answer.verdict);
    let bounds = verdict.and_then(|verdict| match verdict {
        Standing::Unknown { at_least, at_most } => Some((bound(at_least), bound(at_most))),
        _ => None,
    });
    let of_answer = |texts: fn(&CellAnswer) -> &std::collections::BTreeSet<String>| {
        answer.into_iter().flat_map(texts).map(String::as_str).collect()
    };
    let path = match &breach.how {
        How::Way { path, executed } => Some(Line::of(report.texts, path, !executed)),
        How::Cell { .. } | How::Broken => None,
    };
    Failure {
        principal: &breach.principal,
        stands_for: breach.stands_for.as_deref(),
        key: breach.key.as_ref().map_or("*", |key| key.as_str()),
        could_be_meant: breach.could_be_meant,
        actions: breach.actions.iter().map(KmsAction::as_str).collect(),
        verdict: verdict.map(Standing::name),
        at_least: bounds.map(|(least, _)| least),
        at_most: bounds.map(|(_, most)| most),
        condition: answer.and_then(|answer| answer.condition.as_ref()).map(condition),
        reason: answer.map(|answer| answer.reason.name()),
        denied_by: answer.and_then(|answer| answer.denied_by).map(crate::decision::Gate::name),
        witness: request.map(|request| request_line::write("1", request)),
        missing: of_answer(|answer| &answer.missing),
        open: answer.into_iter().flat_map(|it| &it.open).map(|point| point.name()).collect(),
        undecided: answer.is_some_and(|answer| answer.undecided),
        assumes: of_answer(|answer| &answer.assumes),
        path,
        broken: matches!(breach.how, How::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn the_schema_in_the_repository_is_that_of_the_code() {
        crate::report::schemas::compare::<Report<'static>>("test");
    }
}
