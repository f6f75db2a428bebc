//! `keyreach man`: the manual pages.

use std::io::Write;

use super::output::Output;
use super::{Fault, Outcome};

/// Print the manual page, or that of a subcommand.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyreach man > keyreach.1
  keyreach man simulate | head -n 3")]
pub(super) struct Args {
    /// The subcommand.
    #[arg(value_name = "COMMAND")]
    subcommand: Option<String>,
}

pub(super) fn run(args: &Args, mut command: clap::Command) -> Result<Outcome, Fault> {
    command.build();
    let page = match &args.subcommand {
        Some(name) => {
            let unknown = || Fault::Usage(format!("there is no subcommand `{name}`"));
            let found = command.find_subcommand(name).ok_or_else(unknown)?.clone();
            clap_mangen::Man::new(found)
        }
        None => clap_mangen::Man::new(command),
    };
    let mut output = Output::open(None)?;
    page.render(&mut output)?;
    output.flush()?;
    output.finish()?;
    Ok(Outcome::Clean)
}
