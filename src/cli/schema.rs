//! `keyreach schema`: the JSON Schemas of what is read and written.

use std::io::Write as _;

use crate::aws::suggest;
use crate::config;
use crate::ingest::scenario;
use crate::report::SCHEMAS;

use super::output::Output;
use super::{Fault, Outcome};

/// List the JSON Schemas, or print one.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  keyreach schema
  keyreach schema matrix-line | head -n 3")]
pub(super) struct Args {
    /// The schema to print.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Fault> {
    let mut all = SCHEMAS.to_vec();
    all.extend([("config", config::SCHEMA), ("scenario", scenario::SCHEMA)]);
    let mut output = Output::open(None)?;
    match &args.name {
        None => all.iter().try_for_each(|(name, _)| writeln!(output, "{name}"))?,
        Some(wanted) => {
            let found = all.iter().find(|(name, _)| name == wanted);
            let (_, text) = found.ok_or_else(|| unknown(wanted, &all))?;
            output.write_all(text.as_bytes())?;
        }
    }
    output.finish()?;
    Ok(Outcome::Clean)
}

fn unknown(wanted: &str, all: &[(&str, &str)]) -> Fault {
    let near = suggest::nearest(wanted, all.iter().map(|(name, _)| *name));
    let meant = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Fault::Usage(format!("there is no schema `{wanted}`: {meant}`keyreach schema` lists them"))
}
