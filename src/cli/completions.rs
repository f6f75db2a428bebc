//! `keyreach completions`: completions for a shell.

use std::io::Write;

use clap_complete::Shell;

use super::output::Output;
use super::{Fault, Outcome};

/// Print completions for a shell.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyreach completions bash > ~/.local/share/bash-completion/completions/keyreach
  keyreach completions fish | head -n 3")]
pub(super) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, command: &mut clap::Command) -> Result<Outcome, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "keyreach", &mut script);
    let mut output = Output::open(None)?;
    output.write_all(&script)?;
    output.finish()?;
    Ok(Outcome::Clean)
}
