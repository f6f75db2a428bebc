//! The world that PATHs hold.

use crate::ingest::{Disk, Loaded, load};

use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Loads what is at and below `paths` and tells what is wrong with files on stderr.
pub(super) fn loaded(paths: &[String], terminal: Terminal) -> Result<(Loaded, Outcome), Fault> {
    let loaded = load(&Disk, paths);
    terminal.stderr().problems(&loaded.problems)?;
    let outcome = match (loaded.problems.is_empty(), loaded.used) {
        (false, _) => Outcome::Problem,
        (true, 0) => Outcome::Nothing,
        (true, _) => Outcome::Clean,
    };
    Ok((loaded, outcome))
}
