//! What `verify` proved, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::audit::Basis;
use crate::audit::verify::{Mismatch, PathsTried, Tried, Verified};
use crate::diag::Renderer;

use super::basis::{Grounds, opening, plural};
use super::request_line;

/// Everything that is told of a proof.
pub struct VerifyReport<'a> {
    /// What came out.
    pub verified: &'a Verified,
    /// What chose members, samples and contexts.
    pub seed: u64,
    /// What it stands on.
    pub basis: &'a Basis,
}

/// How many mismatches people are told.
const TOLD: usize = 50;

/// How many reasons people are told.
const WHYS: usize = 12;

/// A proof.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct All<'a> {
    /// `keyreach/verify/1`.
    schema: &'static str,
    /// What contradicts the matrix or a path; none where all is proven.
    mismatches: Vec<Line<'a>>,
    /// What it stands on.
    about: Grounds<'a>,
    /// What chose the members of classes, samples and contexts.
    seed: u64,
    /// The cells.
    cells: Cells<'a>,
    /// The paths.
    paths: Paths,
}

/// Something that does not hold.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Line<'a> {
    /// Who.
    principal: &'a str,
    /// The key's ARN, or `*`.
    key: &'a str,
    /// `kms:Decrypt`, ...
    action: &'a str,
    /// What was claimed: a verdict, or a path.
    claimed: &'a str,
    /// What happened.
    found: &'a str,
    /// The request that shows it, as `simulate` takes it.
    request: Option<Value>,
}

/// What was done with the cells of the pairs that were tried.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cells<'a> {
    /// Pairs of a principal and a key, or of a principal and `*`.
    pairs: u64,
    /// Classes of pairs with the same answers for the same reasons.
    classes: usize,
    /// Pairs that were tried: some of each class, all of a small world.
    tried_pairs: usize,
    /// Cells that are always allowed.
    always: u64,
    /// Cells that are allowed on a condition.
    conditional: u64,
    /// Cells that are never allowed.
    never: u64,
    /// Cells that are unknown, which prove nothing.
    unknown: u64,
    /// Witnesses that were real round trips: what was encrypted opened, what was signed verified.
    round_trips: u64,
    /// Witnesses of actions without cryptography: the permission was given.
    permitted: u64,
    /// Witnesses whose permission was given and whose cryptography was not to be had, by why.
    without_cryptography: &'a BTreeMap<String, u64>,
    /// Counter-witnesses that were refused; by the stated gate, where one is stated, whichever others refuse
    /// them as well.
    refused: u64,
    /// Counter-witnesses that another gate refused before the stated one was asked, which is not proven of these.
    refused_first: &'a BTreeMap<String, u64>,
    /// Other requests that cells stood, spread over all that are worth a try: conditional ones by their
    /// condition.
    contexts: u64,
    /// The same of requests that were drawn at random.
    drawn: u64,
    /// Unknown cells by why.
    unproven: &'a BTreeMap<String, u64>,
}

/// What was done with paths.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Paths {
    /// Paths that there are.
    found: usize,
    /// Paths that were walked.
    tried: usize,
    /// Paths at whose end a ciphertext opened, or a signature, a MAC or a secret was made.
    proven: usize,
    /// Paths among them with a step whose effect lies outside KMS, IAM and STS.
    modelled: usize,
    /// Paths at whose end the permission was given and whose cryptography was not to be had.
    without_cryptography: usize,
    /// Ways that hang on what is not known, and prove nothing.
    unknown: usize,
}

impl<'a> Line<'a> {
    fn of(mismatch: &'a Mismatch) -> Self {
        Self {
            principal: &mismatch.principal,
            key: &mismatch.key,
            action: &mismatch.action,
            claimed: &mismatch.claimed,
            found: &mismatch.found,
            request: mismatch.request.as_ref().map(|request| request_line::write("1", request)),
        }
    }
}

/// Writes a proof as one object.
///
/// # Errors
/// What `out` says.
pub fn json(out: &mut dyn Write, report: &VerifyReport<'_>) -> io::Result<()> {
    let (verified, tried) = (report.verified, &report.verified.counts);
    let cells = Cells {
        pairs: verified.pairs,
        classes: verified.classes,
        tried_pairs: verified.tried_pairs,
        always: tried.always,
        conditional: tried.conditional,
        never: tried.never,
        unknown: tried.unknown,
        round_trips: tried.round_trips,
        permitted: tried.permitted,
        without_cryptography: &tried.without_cryptography,
        refused: tried.refused,
        refused_first: &tried.refused_first,
        contexts: tried.contexts,
        drawn: tried.drawn,
        unproven: &tried.unproven,
    };
    let PathsTried { found, tried, proven, modelled, without_cryptography, unknown } =
        verified.paths;
    let all = All {
        schema: "keyreach/verify/1",
        mismatches: verified.mismatches.iter().map(Line::of).collect(),
        about: Grounds::of(report.basis),
        seed: report.seed,
        cells,
        paths: Paths { found, tried, proven, modelled, without_cryptography, unknown },
    };
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

/// Writes a proof for people, mismatches first.
///
/// # Errors
/// What `out` says.
pub fn human(
    out: &mut dyn Write,
    report: &VerifyReport<'_>,
    renderer: &Renderer,
) -> io::Result<()> {
    let verified = report.verified;
    for mismatch in verified.mismatches.iter().take(TOLD) {
        let Mismatch { principal, key, action, claimed, found, .. } = mismatch;
        writeln!(out, "MISMATCH {principal} {action} {key}")?;
        for line in [format!("  claimed: {claimed}"), format!("  found: {found}")] {
            renderer.paragraph(out, &line, "    ")?;
        }
        if let Some(request) = &mismatch.request {
            writeln!(out, "  request: {}", request_line::write("1", request))?;
        }
    }
    let more = verified.mismatches.len().saturating_sub(TOLD);
    if more > 0 {
        writeln!(out, "and {more} more")?;
    }
    if !verified.mismatches.is_empty() {
        writeln!(out)?;
    }
    for line in opening(report.basis, "the matrix and its paths, proven") {
        renderer.paragraph(out, &line, "  ")?;
    }
    writeln!(out, "Seed: {}\n", report.seed)?;
    for line in cells(verified, &verified.counts).into_iter().chain(paths(&verified.paths)) {
        renderer.paragraph(out, &line, "    ")?;
    }
    let ending = match verified.mismatches.len() {
        0 => "Nothing contradicts the matrix.".to_owned(),
        count => format!("{} contradict what is claimed.", plural(count, "request")),
    };
    writeln!(out, "\n{ending}")
}

fn cells(verified: &Verified, tried: &Tried) -> Vec<String> {
    let Verified { pairs, classes, tried_pairs, .. } = verified;
    let Tried { always, conditional, never, unknown, .. } = tried;
    let all = always + conditional + never + unknown;
    let mut lines = vec![
        format!(
            "Pairs of a principal and a key: {pairs}, in {classes} classes; {tried_pairs} pairs tried"
        ),
        format!(
            "Cells: {all}: {always} always, {conditional} conditional, {never} never, {unknown} unknown"
        ),
        format!(
            "  {} witnesses went round: encrypted and opened, signed and verified",
            tried.round_trips
        ),
        format!("  {} witnesses of actions without cryptography were permitted", tried.permitted),
        format!(
            "  {} counter-witnesses were refused, by the stated gate where one is stated",
            tried.refused
        ),
        format!("  {} other requests agreed, and {} at random", tried.contexts, tried.drawn),
    ];
    let first = "were refused before the stated gate was asked";
    lines.extend(reasons(first, &tried.refused_first));
    lines.extend(reasons("permitted, without the cryptography", &tried.without_cryptography));
    lines.extend(reasons("unproven", &tried.unproven));
    lines
}

fn reasons(what: &str, all: &BTreeMap<String, u64>) -> Vec<String> {
    let mut sorted: Vec<(&String, &u64)> = all.iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let told = sorted.iter().take(WHYS).map(|(why, count)| format!("  {count} {what}: {why}"));
    let more = sorted.len().saturating_sub(WHYS);
    let rest = (more > 0).then(|| format!("  and {more} reasons more"));
    told.chain(rest).collect()
}

fn paths(paths: &PathsTried) -> Vec<String> {
    let PathsTried { found, tried, proven, .. } = paths;
    let first = format!("Paths: {found}; {tried} walked, {proven} opened what was sealed before");
    let rest = [
        (paths.modelled, "of these take a step whose effect lies outside KMS, IAM and STS"),
        (paths.without_cryptography, "end with the permission alone"),
        (paths.unknown, "more ways hang on what is not known, and prove nothing"),
    ];
    let rest = rest.iter().filter(|(count, _)| *count > 0);
    [first].into_iter().chain(rest.map(|(count, what)| format!("  {count} {what}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::schemas::compare;
    use super::*;

    #[test]
    fn the_schema_is_that_of_the_type() {
        compare::<All<'_>>("verify");
    }
}
