//! What an answer stands on, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::matrix::About;
use crate::diag::Renderer;
use crate::report::basis::{Grounds, Point, opening, plural, some};
use crate::report::why::question;

use super::{MatrixReport, further};

/// What an answer stands on.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Evidence<'a> {
    /// What any answer stands on.
    #[serde(flatten)]
    grounds: Grounds<'a>,
    /// How much there is of what the question asks for, whether shown or not.
    counts: Counted,
    /// What was not exported and could change a verdict.
    missing: Vec<&'a str>,
    /// Points that AWS leaves open and that could change a verdict.
    open: Vec<Point>,
}

/// How many there are.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Counted {
    /// Principals.
    principals: usize,
    /// Keys.
    keys: usize,
    /// Pairs of a principal and a key with a cell that is not never.
    pairs: usize,
    /// Cells that are always allowed.
    always: usize,
    /// Cells that are allowed under a condition.
    conditional: usize,
    /// Cells that are not decidable.
    unknown: usize,
    /// Cells that are never allowed.
    never: usize,
    /// Whether a cap kept the engine from deciding some cell.
    undecided: bool,
}

impl<'a> Evidence<'a> {
    /// What `about` says.
    pub(super) fn of(about: &'a About) -> Self {
        let counts = &about.counts;
        Self {
            grounds: Grounds::of(&about.basis),
            counts: Counted {
                principals: counts.principals,
                keys: counts.keys,
                pairs: counts.pairs,
                always: counts.always,
                conditional: counts.conditional,
                unknown: counts.unknown,
                never: counts.never,
                undecided: counts.undecided,
            },
            missing: counts.missing.iter().map(String::as_str).collect(),
            open: counts.open.iter().map(|point| Point::of(*point)).collect(),
        }
    }
}

/// A file beside a table that has no room for it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Beside<'a> {
    /// `keyreach/matrix-about/1`.
    schema: &'static str,
    /// What the table stands on.
    #[serde(flatten)]
    about: Evidence<'a>,
}

/// Writes what a table stands on as one JSON object: `keyreach/matrix-about/1`.
///
/// # Errors
/// What `out` says.
pub fn evidence(out: &mut dyn Write, about: &About) -> io::Result<()> {
    let beside = Beside { schema: "keyreach/matrix-about/1", about: Evidence::of(about) };
    serde_json::to_writer_pretty(&mut *out, &beside)?;
    out.write_all(b"\n")
}

/// Writes what a table stands on, as the lines that open it.
///
/// # Errors
/// What `out` says.
pub fn summary(
    out: &mut dyn Write,
    report: &MatrixReport<'_>,
    renderer: &Renderer,
) -> io::Result<()> {
    let further = report.further.map(further::heading);
    paragraphs(report.about)
        .iter()
        .chain(&further)
        .try_for_each(|line| renderer.paragraph(out, line, "  "))
}

/// Why a table is empty.
pub(super) fn nothing(about: &About) -> &'static str {
    let counts = &about.counts;
    let asks = |option: &str| about.basis.question.iter().any(|it| it.starts_with(option));
    if counts.principals == 0 && asks("--principal") {
        return "Nothing to show: who is asked about is not in the export, and no key there lets them in.";
    }
    if counts.always + counts.conditional + counts.unknown + counts.never == 0 {
        if asks("--effective-now") {
            return "Nothing to show: there are no such cells, or the states of the keys rule them out now.";
        }
        return "Nothing to show: there are no such cells. A key has those of what it can ever perform.";
    }
    match asks("--verdict") {
        true => "Nothing to show: no cell has this verdict.",
        false => "Nothing to show: nobody has this access; --all adds why.",
    }
}

/// The lines, each a heading and what it says.
pub(super) fn paragraphs(about: &About) -> Vec<String> {
    let counts = &about.counts;
    let mut lines = opening(&about.basis, "access to KMS keys");
    lines.push(format!(
        "Found: {}, {}, {} with access",
        plural(counts.principals, "principal"),
        plural(counts.keys, "key"),
        plural(counts.pairs, "pair")
    ));
    lines.push(format!(
        "Cells: {} always, {} conditional, {} unknown, {} never",
        counts.always, counts.conditional, counts.unknown, counts.never
    ));
    lines.push(format!("Missing: {}", missing(about)));
    let open: Vec<String> =
        counts.open.iter().map(|it| format!("{} ({})", question(*it), it.name())).collect();
    lines.push(match open.is_empty() {
        true => "Open: nothing that could change a verdict".to_owned(),
        false => format!("Open: {}", open.join("; ")),
    });
    if counts.undecided {
        lines.push("Undecided: some cells have too many contexts to decide".to_owned());
    }
    lines
}

fn missing(about: &About) -> String {
    match some(about.counts.missing.iter().map(String::as_str)) {
        none if none.is_empty() => "nothing that could change a verdict".to_owned(),
        some => some,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<super::Beside<'_>>("matrix-about");
    }
}
