//! What an answer stands on: in words above a table, and as JSON beside one.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::matrix::{About, Counts};
use crate::decision::OpenPoint;
use crate::diag::Renderer;
use crate::report::why::question;

/// The evidence as JSON: the member `about`, and the file of `--about`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AboutJson<'a> {
    /// `keyreach/matrix-about/1`.
    schema: &'static str,
    /// The version of keyreach.
    version: &'a str,
    /// SHA-256 over the paths and bytes of the input.
    input_sha256: Option<&'a str>,
    /// How many files were read.
    files: usize,
    /// How many of them could not be used.
    problems: usize,
    /// The day from which on requests happen.
    date: &'a str,
    /// What is asked for, as options.
    question: &'a [String],
    /// What is taken for granted.
    assumptions: &'a [String],
    /// How much there is of what is looked at.
    counts: CountsJson,
    /// What was not exported and could change a verdict.
    missing: Vec<&'a str>,
    /// Points that AWS leaves open and that could change a verdict.
    open: Vec<&'a str>,
    /// Whether a cap kept the engine from deciding some cell.
    undecided: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct CountsJson {
    /// Rows.
    principals: usize,
    /// Keys.
    keys: usize,
    /// Pairs of a principal and a key, or `*`, with a cell that is not never.
    pairs: usize,
    /// Cells where every request is allowed.
    always: usize,
    /// Cells where some are.
    conditional: usize,
    /// Cells that are not decidable.
    unknown: usize,
    /// Cells of users, roles and roots of the export where none is.
    never: usize,
}

impl<'a> AboutJson<'a> {
    /// The evidence.
    pub(super) fn new(about: &'a About) -> Self {
        let counts = &about.counts;
        Self {
            schema: "keyreach/matrix-about/1",
            version: about.version,
            input_sha256: about.digest.as_deref(),
            files: about.files,
            problems: about.problems,
            date: &about.date,
            question: &about.question,
            assumptions: &about.assumptions,
            counts: CountsJson::new(counts),
            missing: counts.missing.iter().map(String::as_str).collect(),
            open: counts.open.iter().map(|point| point.name()).collect(),
            undecided: counts.undecided,
        }
    }
}

impl CountsJson {
    fn new(counts: &Counts) -> Self {
        Self {
            principals: counts.principals,
            keys: counts.keys,
            pairs: counts.pairs,
            always: counts.always,
            conditional: counts.conditional,
            unknown: counts.unknown,
            never: counts.never,
        }
    }
}

/// Writes the evidence as JSON, for a file beside the table.
///
/// # Errors
/// What `out` says.
pub fn evidence(out: &mut dyn Write, about: &About) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &AboutJson::new(about))?;
    writeln!(out)
}

/// Writes the counts and what they stand on, and nothing else.
///
/// # Errors
/// What `out` says.
pub fn summary(out: &mut dyn Write, renderer: &Renderer, about: &About) -> io::Result<()> {
    lines(about).iter().try_for_each(|(name, text)| {
        renderer.paragraph(out, &format!("{:<13}{text}", format!("{name}:")), &" ".repeat(13))
    })
}

/// The evidence as pairs of a name and a text, in their order.
pub(super) fn lines(about: &About) -> Vec<(&'static str, String)> {
    let counts = &about.counts;
    let mut lines = vec![
        ("keyreach", format!("{}, requests from {} on", about.version, about.date)),
        ("Input", input(about)),
    ];
    lines.extend(about.digest.iter().map(|digest| ("SHA-256", digest.clone())));
    if !about.question.is_empty() {
        lines.push(("Asked", about.question.join(" ")));
    }
    lines.extend(about.assumptions.iter().map(|text| ("Assumed", text.clone())));
    let size = format!(
        "{} and {}; {} with some access",
        plural(counts.principals, "principal"),
        plural(counts.keys, "key"),
        plural(counts.pairs, "pair"),
    );
    lines.push(("Looked at", size));
    let cells = format!(
        "{} always, {} conditional, {} unknown, {} never",
        counts.always, counts.conditional, counts.unknown, counts.never
    );
    lines.push(("Cells", cells));
    lines.extend(counts.missing.iter().map(|what| ("Missing", what.clone())));
    lines.extend(counts.open.iter().map(|point| ("Open", open(*point))));
    if counts.undecided {
        lines.push(("Undecided", "some cells have too many contexts to decide".to_owned()));
    }
    lines
}

fn open(point: OpenPoint) -> String {
    format!("{}: {}; AWS does not document it", point.name(), question(point))
}

fn input(about: &About) -> String {
    let mut text = plural(about.files, "file");
    if about.problems > 0 {
        text.push_str(&format!(" with {}", plural(about.problems, "problem")));
    }
    text
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<AboutJson<'_>>("matrix-about");
    }
}
