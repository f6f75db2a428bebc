//! What an answer stands on, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::audit::matrix::About;
use crate::decision::OpenPoint;
use crate::diag::Renderer;
use crate::report::why::question;

/// How many names a line lists.
const NAMED: usize = 8;

/// What an answer stands on.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Evidence<'a> {
    /// The version of keyreach.
    version: &'static str,
    /// SHA-256 over the lines that `sha256sum` prints for the input, sorted by path.
    digest: Option<&'a str>,
    /// Files that were read.
    files: usize,
    /// Files among them that could not be used.
    problems: usize,
    /// The day from which on requests happen.
    date: &'a str,
    /// The options that chose a part of the matrix.
    question: &'a [String],
    /// What is taken for granted.
    assumptions: &'a [String],
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

/// A point that AWS leaves open.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Point {
    /// Its id: `O1`.
    point: &'static str,
    /// What it is about.
    text: &'static str,
}

impl<'a> Evidence<'a> {
    /// What `about` says.
    pub(super) fn of(about: &'a About) -> Self {
        let counts = &about.counts;
        let point = |point: &OpenPoint| Point { point: point.name(), text: question(*point) };
        Self {
            version: about.version,
            digest: about.digest.as_deref(),
            files: about.files,
            problems: about.problems,
            date: &about.date,
            question: &about.question,
            assumptions: &about.assumptions,
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
            open: counts.open.iter().map(point).collect(),
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
pub fn summary(out: &mut dyn Write, about: &About, renderer: &Renderer) -> io::Result<()> {
    paragraphs(about).iter().try_for_each(|line| renderer.paragraph(out, line, "  "))
}

/// The lines, each a heading and what it says.
pub(super) fn paragraphs(about: &About) -> Vec<String> {
    let counts = &about.counts;
    let problems = match about.problems {
        0 => String::new(),
        count => format!(", of which {count} could not be used"),
    };
    let digest = about.digest.as_ref().map(|digest| format!(", SHA-256 {digest}"));
    let mut lines = vec![
        format!("keyreach {}: access to KMS keys from {} on", about.version, about.date),
        format!("Input: {}{problems}{}", plural(about.files, "file"), digest.unwrap_or_default()),
    ];
    if !about.question.is_empty() {
        lines.push(format!("Asked for: {}", about.question.join(", ")));
    }
    lines.push(format!("Assumed: {}", about.assumptions.join("; ")));
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
    let missing = &about.counts.missing;
    let named: Vec<&str> = missing.iter().take(NAMED).map(String::as_str).collect();
    match missing.len() {
        0 => "nothing that could change a verdict".to_owned(),
        count if count > NAMED => format!("{}; and {} more", named.join("; "), count - NAMED),
        _ => named.join("; "),
    }
}

/// `1 file`, `2 files`.
pub(super) fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_schema_is_kept() {
        super::super::super::schemas::compare::<super::Beside<'_>>("matrix-about");
    }
}
