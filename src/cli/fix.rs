//! `check --fix`: fixes written into the files, and what they change.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;

use crate::audit::Texts;
use crate::audit::fixing::{Candidate, Overlay, Trial, candidates};
use crate::findings::Finding;
use crate::ingest::{Disk, Loaded};
use crate::report::check as report;

use super::Fault;
use super::output::Output;
use super::terminal::Terminal;

/// The options that write fixes.
#[derive(clap::Args)]
pub(super) struct Fixes {
    /// Write the fixes that change nobody's access into the files; then check these.
    #[arg(long)]
    fix: bool,
    /// Write all fixes, and print what they change of the matrix.
    #[arg(long)]
    unsafe_fixes: bool,
}

/// How often files are fixed: a fix may touch another, or make one possible.
const ROUNDS: usize = 8;

/// Cells that are printed of a change.
const TOLD: usize = 50;

impl Fixes {
    /// How many rounds of fixes are wanted.
    pub(super) fn rounds(&self) -> usize {
        if self.fix || self.unsafe_fixes { ROUNDS } else { 0 }
    }

    /// Writes what can be written of the fixes of `findings`, and says so; whether anything was. Where nothing
    /// is, what stays is told.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn write(
        &self,
        (loaded, paths, now): (&Loaded, &[String], Timestamp),
        texts: &Texts<'_>,
        findings: &[Finding],
        terminal: Terminal,
    ) -> Result<bool, Fault> {
        let found = candidates(texts, findings);
        if found.is_empty() {
            return Ok(false);
        }
        let trial = Trial::new(&Disk, paths, loaded, now);
        let (same, other) = trial.settle(&found);
        let named = |of: &[usize]| -> Vec<&Candidate> {
            of.iter().filter_map(|at| found.get(*at)).collect()
        };
        let (same, other) = (named(&same), named(&other));
        let mut written = same;
        if self.unsafe_fixes {
            written.extend(&other);
        }
        if written.is_empty() {
            let (fixes, them) =
                (count(other.len(), "fix"), if other.len() == 1 { "it" } else { "them" });
            let text = format!(
                "{fixes} left that may change access: --unsafe-fixes makes {them} and prints what changes"
            );
            terminal.stderr().note(&text)?;
            return Ok(false);
        }
        let Some(overlay) = Overlay::new(&Disk, &written) else {
            terminal.stderr().note("no fix is made: a file has changed since it was read")?;
            return Ok(false);
        };
        let changed = if self.unsafe_fixes { trial.compare(&written) } else { None };
        if self.unsafe_fixes && changed.is_none() && !other.is_empty() {
            terminal.stderr().note("no fix is made: together they would break a file")?;
            return Ok(false);
        }
        for (path, bytes) in overlay.files() {
            let mut output = Output::open(Some(Path::new(path)))?;
            output.write_all(bytes).map_err(Fault::write(path))?;
            output.finish()?;
        }
        let files: BTreeSet<&str> = overlay.files().keys().map(String::as_str).collect();
        let mut lines = vec![format!(
            "fixed {} in {}",
            count(written.len(), "finding"),
            count(files.len(), "file")
        )];
        lines.extend(written.iter().map(|one| report::fixed(texts, one)));
        terminal.stderr().note(&lines.join("\n"))?;
        if let Some(changed) = changed {
            let text = report::changes(&loaded.inventory, &changed, TOLD).join("\n");
            terminal.stderr().note(&text)?;
        }
        Ok(true)
    }
}

fn count(count: usize, what: &str) -> String {
    match (count, what) {
        (1, _) => format!("1 {what}"),
        (_, "fix") => format!("{count} fixes"),
        _ => format!("{count} {what}s"),
    }
}
