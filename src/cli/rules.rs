//! `keyreach rules`: the rules, as a list and one by one.

use crate::report::rules as report;
use crate::rules::{self, Registered};

use super::output::Output;
use super::terminal::Terminal;
use super::{Fault, Outcome};

/// List the rules, or explain one.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyreach rules
  keyreach rules missing-root-statement")]
pub(super) struct Args {
    /// The rule to explain.
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let mut output = Output::open(None)?;
    match &args.rule {
        Some(name) => report::page(&mut output, &named(name)?.metadata)?,
        None => report::list(&mut output, rules::all(), &terminal.stdout(false))?,
    }
    output.finish()?;
    Ok(Outcome::Clean)
}

/// The rule called `name`.
pub(super) fn named(name: &str) -> Result<&'static Registered, Fault> {
    rules::named(name).ok_or_else(|| Fault::Usage(rules::unknown(name)))
}
