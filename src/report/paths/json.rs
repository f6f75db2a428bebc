//! `paths --format json` and `--format jsonl`.

use std::io::{self, Write};

use serde::Serialize;

use crate::graph::Path;

use super::super::basis::Grounds;
use super::PathsReport;
use super::line::Line;

/// All paths, and what they stand on.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct All<'a> {
    /// `keyreach/paths/1`.
    schema: &'static str,
    /// What the paths stand on.
    about: Grounds<'a>,
    /// The paths, by who sets out and by key; each was executed.
    paths: Vec<Line<'a>>,
    /// Ways that hang on what is not known, for principals and keys without a path; not executed.
    unknown: Vec<Line<'a>>,
    /// Ways that should lead to a key and did not when they were executed: faults of keyreach.
    broken: Vec<Broken<'a>>,
}

/// A way that should lead to a key and does not.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Broken<'a> {
    /// Who sets out.
    from: &'a str,
    /// The key.
    key: &'a str,
    /// Where it ends.
    failure: Option<String>,
}

/// Writes all paths as one object.
///
/// # Errors
/// What `out` says.
pub fn write(out: &mut dyn Write, report: &PathsReport<'_>) -> io::Result<()> {
    let broken = report.found.broken.iter().map(|broken| Broken {
        from: &broken.from.text,
        key: broken.key.as_str(),
        failure: broken.failure.as_ref().map(ToString::to_string),
    });
    let all = All {
        schema: "keyreach/paths/1",
        about: Grounds::of(report.basis),
        paths: lines_of(report, &report.found.paths, false),
        unknown: lines_of(report, &report.found.unknown, true),
        broken: broken.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

fn lines_of<'a>(report: &'a PathsReport<'_>, paths: &'a [Path], unknown: bool) -> Vec<Line<'a>> {
    paths.iter().map(|path| Line::of(report.texts, path, unknown)).collect()
}

/// Writes a line for each path, then, where `unknown` says so, for each way that hangs on what is not known.
///
/// # Errors
/// What `out` says.
pub fn lines(out: &mut dyn Write, report: &PathsReport<'_>, unknown: bool) -> io::Result<()> {
    let supposed = report.found.unknown.iter().filter(|_| unknown).map(|path| (path, true));
    for (path, unknown) in report.found.paths.iter().map(|path| (path, false)).chain(supposed) {
        serde_json::to_writer(&mut *out, &Line::of(report.texts, path, unknown))?;
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::schemas::compare;
    use super::*;

    #[test]
    fn the_schemas_are_those_of_the_types() {
        compare::<All<'_>>("paths");
        compare::<Line<'_>>("paths-line");
    }
}
