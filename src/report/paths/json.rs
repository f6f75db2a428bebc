//! `paths --format json` and `--format jsonl`.

use std::io::{self, Write};

use serde::Serialize;

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
        paths: report.found.paths.iter().map(|path| Line::of(report.texts, path)).collect(),
        broken: broken.collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

/// Writes a line for each path.
///
/// # Errors
/// What `out` says.
pub fn lines(out: &mut dyn Write, report: &PathsReport<'_>) -> io::Result<()> {
    for path in &report.found.paths {
        serde_json::to_writer(&mut *out, &Line::of(report.texts, path))?;
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
