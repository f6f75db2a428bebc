//! `keyreach collect-script`: the script that makes an export.

use std::io::Write;

use super::output::Output;
use super::{Fault, Outcome};

/// The script; it is printed as it is, so that it can be read before it is run.
const SCRIPT: &str = include_str!("collect_script/collect.sh");

/// Print a POSIX script of aws CLI calls that makes the export.
#[derive(clap::Args)]
#[command(after_help = "\
The script only reads, and writes below a directory of its own; `sh collect.sh --help` has its options.

Examples:
  keyreach collect-script | less
  keyreach collect-script | sh -s -- --help")]
pub(super) struct Args {}

pub(super) fn run(_: &Args) -> Result<Outcome, Fault> {
    let mut output = Output::open(None)?;
    output.write_all(SCRIPT.as_bytes())?;
    output.finish()?;
    Ok(Outcome::Clean)
}
