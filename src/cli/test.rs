//! `keyreach test`: the assertions alone.

use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::access::Access;
use crate::audit::assertions::judge;
use crate::audit::{Basis, Texts};
use crate::ingest::Disk;
use crate::report::test::{self as report, TestReport};

use super::control::{self, ConfigChoice};
use super::deploy::Deploy;
use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome};

/// Hold the assertions of keyreach.yaml and of *.assert.yaml files against who can do what.
#[derive(clap::Args)]
#[command(after_help = "\
`forbid`: no selected principal may, in any request. `require`: each selected principal can, in
some request; with `always: true`, in every one. `only`: nobody may but the named. What is not
known never speaks in favour, and an assertion that selects nothing fails.

Exit status: 0 all hold; 1 some do not; 2 wrong usage, a faulty assertion, or a file could not be
used (the rest is looked at all the same); 3 no assertion, or nothing to audit found.

Examples:
  keyreach test testdata/assertions/orders
  keyreach test --format junit testdata/assertions/orders")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigChoice,
    #[command(flatten)]
    assume: super::assumptions::Assume,
    /// The day from which on requests happen.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
    /// How to print it.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write there instead of stdout: complete, or not at all.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit with 0, not 3, where there is no assertion or nothing to audit.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    deploy: Deploy,
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Junit,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let now = now(&args.now)?;
    let deployment = args.deploy.beside(&args.config, &args.paths, terminal)?;
    let (loaded, outcome) = world::loaded_digested(&args.paths, &deployment, terminal)?;
    // The process ends behind this: the system takes a world back faster than a walk over it.
    let mut loaded = ManuallyDrop::new(loaded);
    let (config, _) = args.config.config(&args.paths, &mut loaded.inventory.sources, terminal)?;
    let assumptions = args.assume.beside(config.assumptions)?;
    let mut assertions = config.assertions;
    assertions.extend(control::assertions(&loaded.inventory.sources, terminal)?);
    let empty = if args.allow_empty { Outcome::Clean } else { Outcome::Nothing };
    let outcome = if outcome == Outcome::Nothing { empty } else { outcome };
    // A report of nothing would read as if all held.
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome.max(empty));
    }
    if assertions.is_empty() {
        terminal.stderr().no_assertions(&args.paths)?;
        return Ok(outcome.max(empty));
    }
    let world = &loaded.inventory;
    let access = ManuallyDrop::new(Access::new(world, now).assuming(&assumptions));
    let judged = judge(&access, &assumptions, &assertions);
    let mut basis = Basis::new(world, Vec::new(), &assumptions, now);
    world::fill_in(&mut basis, &loaded);
    let texts = Texts::new(&Disk, world);
    let report = TestReport {
        world,
        texts: &texts,
        basis: &basis,
        assertions: &assertions,
        judged: &judged,
        problems: &loaded.problems,
    };
    let mut output = Output::open(args.output.as_deref())?;
    match args.format {
        Format::Human => {
            report::human(&mut output, &report, &terminal.stdout(args.output.is_some()))?;
        }
        Format::Json => report::json(&mut output, &report)?,
        Format::Junit => report::junit(&mut output, &report)?,
    }
    output.finish()?;
    let holds = judged.iter().all(|judged| judged.holds());
    Ok(outcome.max(if holds { Outcome::Clean } else { Outcome::Findings }))
}
