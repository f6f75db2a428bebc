//! The world that PATHs hold.

use std::collections::BTreeSet;
use std::mem;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::audit::{self, Basis};
use crate::ingest::{Deployment, Disk, Loaded, load_deployed, load_digested};

use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Loads what questions are asked of, at and below `paths`, and tells what is wrong with files on stderr.
pub(super) fn loaded(
    paths: &[String],
    deployment: &Deployment,
    terminal: Terminal,
) -> Result<(Loaded, Outcome), Fault> {
    asked(load_deployed(&Disk, paths, deployment), terminal)
}

/// Loads like [`loaded`] what requests are sent to: keys whose accounts are known.
pub(super) fn exported(
    paths: &[String],
    deployment: &Deployment,
    terminal: Terminal,
) -> Result<(Loaded, Outcome), Fault> {
    told(load_deployed(&Disk, paths, deployment), terminal)
}

/// Loads like [`loaded`], and takes the digest of what is read.
pub(super) fn loaded_digested(
    paths: &[String],
    deployment: &Deployment,
    terminal: Terminal,
) -> Result<(Loaded, Outcome), Fault> {
    asked(load_digested(&Disk, paths, deployment), terminal)
}

/// Bare key policies are asked where there is nothing else, and told where they are not.
fn asked(mut loaded: Loaded, terminal: Terminal) -> Result<(Loaded, Outcome), Fault> {
    let (world, left_out) = audit::asked_of(mem::take(&mut loaded.inventory));
    loaded.inventory = world;
    let (loaded, outcome) = told(loaded, terminal)?;
    if left_out > 0 {
        let text = match left_out {
            1 => "1 key policy does not say of which key it is, and is left out here: `keyreach check` looks \
                  at it, and given alone it is asked"
                .to_owned(),
            count => format!(
                "{count} key policies do not say of which keys they are, and are left out here: `keyreach \
                 check` looks at them, and given alone they are asked"
            ),
        };
        terminal.stderr().note(&text)?;
    }
    Ok((loaded, outcome))
}

fn told(loaded: Loaded, terminal: Terminal) -> Result<(Loaded, Outcome), Fault> {
    terminal.stderr().problems(&loaded.problems)?;
    let outcome = match (loaded.problems.is_empty(), loaded.used) {
        (false, _) => Outcome::Problem,
        (true, 0) => Outcome::Nothing,
        (true, _) => Outcome::Clean,
    };
    Ok((loaded, outcome))
}

/// Whether there is nothing to answer from; says so where no problem has said it.
pub(super) fn holds_nothing(
    loaded: &Loaded,
    paths: &[String],
    terminal: Terminal,
) -> Result<bool, Fault> {
    let nothing = loaded.used == 0;
    if nothing && loaded.problems.is_empty() {
        terminal.stderr().nothing(paths, loaded)?;
    }
    Ok(nothing)
}

/// Tells an answer what it was read from.
pub(super) fn fill_in(basis: &mut Basis, loaded: &Loaded) {
    basis.digest.clone_from(&loaded.digest);
    let problems: BTreeSet<&str> = loaded.problems.iter().map(|problem| &*problem.path).collect();
    (basis.files, basis.problems) = (loaded.read, problems.len());
}

/// The instant that `--now` names: `today`, a date or a time.
pub(super) fn now(text: &str) -> Result<Timestamp, Fault> {
    if text == "today" {
        return Ok(Timestamp::now());
    }
    let date = || text.parse::<Date>().and_then(|date| date.to_zoned(TimeZone::UTC));
    let instant = text.parse::<Timestamp>().or_else(|_| date().map(|day| day.timestamp()));
    instant.map_err(|_| {
        Fault::argument("--now", &format_args!("`{text}` is no date: write 2026-12-31"))
    })
}
