//! `keyreach paths`: who could get to a key, and by which steps.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::access::Access;
use crate::audit::{Basis, PathsQuestion, QuestionError, Texts};
use crate::graph::{Found, Summary, Supposed};
use crate::ingest::Disk;
use crate::inventory::Inventory;
use crate::report::paths::{self as report, PathsReport, Shown, SummaryReport};

use super::assumptions::Assume;
use super::deploy::Rest;
use super::goal::To;
use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome};

/// Print who could get to a key by changing policies, granting or assuming roles, and by which steps.
#[derive(clap::Args)]
#[command(after_help = "\
For each principal and key that lacks the goal and can get it, the shortest path: a list of calls
of the AWS API. Every path was executed in a copy of the exported world before it is printed.
A summary counts who gets to how many keys in how many calls, and executes nothing.
Filters take names, aliases, ARNs and patterns (`*`, `?`), and can be given several times.

Exit status: 0 printed, also when there are paths; 2 a filter means nothing, or a file cannot be
used; 3 nothing to audit found.

Examples:
  keyreach paths testdata/course
  keyreach paths --key alias/CMK-B --format jsonl testdata/course")]
pub(super) struct Args {
    /// Keys: ids, ARNs, aliases.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Who sets out: ARNs, `alice`, `role/app-*`, account ids.
    #[arg(long, value_name = "P")]
    principal: Vec<String>,
    /// Accounts, by id or name, whose keys are meant. A
    /// single id is also where infrastructure code is deployed to.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// What is to be gained: to decrypt (or sign, ...) with the key, to change its policy, to delete it.
    #[arg(long, value_name = "GOAL", value_enum, default_value = "use")]
    to: To,
    /// Who sets out: everybody, or those outside the export alone.
    #[arg(long, value_name = "WHO", value_enum, default_value = "anyone")]
    from: From,
    /// The most calls of a path.
    #[arg(long, value_name = "N")]
    max_hops: Option<usize>,
    /// The most calls of a path that change policies, identities or keys.
    #[arg(long, value_name = "N", default_value = "2")]
    max_primitives: usize,
    /// Underline the statements that allow each step.
    #[arg(long)]
    snippets: bool,
    /// Print ways, too, that hang on what is not known; these are not executed.
    #[arg(long)]
    unknown: bool,
    #[command(flatten)]
    assume: Assume,
    /// The day from which on requests happen.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
    /// How to print it.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write there instead of stdout: complete, or not at all.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    deploy: Rest,
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    Anyone,
    External,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Jsonl,
    /// How many, and no single path.
    Summary,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let (assumptions, now) = (args.assume.read()?, now(&args.now)?);
    let deployment = args.deploy.read(&args.account, &args.paths, terminal)?;
    let (loaded, outcome) = match args.format {
        Format::Jsonl => world::loaded(&args.paths, &deployment, terminal)?,
        Format::Human | Format::Json | Format::Summary => {
            world::loaded_digested(&args.paths, &deployment, terminal)?
        }
    };
    // No path in a world of nothing would read as if nobody could get there.
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome);
    }
    let world = &loaded.inventory;
    let access = Access::new(world, now).assuming(&assumptions);
    let question = args.question();
    let mut basis = Basis::new(world, args.asked(), &assumptions, now);
    world::fill_in(&mut basis, &loaded);
    let texts = Texts::new(&Disk, world);
    let told = Told { world, texts: &texts, question: &question, basis: &basis };
    let usage = |error: QuestionError| Fault::Usage(error.to_string());
    let found = || question.paths(&access).map_err(usage);
    let renderer = terminal.stdout(args.output.is_some());
    let mut output = Output::open(args.output.as_deref())?;
    match args.format {
        Format::Human => {
            let shown = Shown { snippets: args.snippets, unknown: args.unknown };
            report::human(&mut output, &told.of(&found()?), &renderer, shown)?;
        }
        Format::Json | Format::Jsonl => {
            let found = found()?;
            if found.capped {
                terminal.stderr().note(report::CAPPED)?;
            }
            match args.format {
                Format::Json => report::json(&mut output, &told.of(&found))?,
                _ => report::lines(&mut output, &told.of(&found), args.unknown)?,
            }
        }
        Format::Summary => {
            let summary = question.summary(&access).map_err(usage)?;
            report::summary(&mut output, &told.in_numbers(&summary), &renderer)?;
        }
    }
    output.finish()?;
    Ok(outcome)
}

/// What is told beside what was found.
struct Told<'a> {
    world: &'a Inventory,
    texts: &'a Texts<'a>,
    question: &'a PathsQuestion,
    basis: &'a Basis,
}

impl<'a> Told<'a> {
    fn of(&self, found: &'a Found) -> PathsReport<'a> {
        PathsReport {
            world: self.world,
            texts: self.texts,
            found,
            goal: self.question.goal,
            max_primitives: self.question.max_primitives,
            basis: self.basis,
        }
    }

    fn in_numbers(&self, summary: &'a Summary) -> SummaryReport<'a> {
        let (goal, max_primitives) = (self.question.goal, self.question.max_primitives);
        SummaryReport { summary, goal, max_primitives, basis: self.basis }
    }
}

impl Args {
    fn question(&self) -> PathsQuestion {
        PathsQuestion {
            principals: self.principal.clone(),
            keys: self.key.clone(),
            accounts: self.account.clone(),
            goal: self.to.goal(),
            max_hops: self.max_hops,
            max_primitives: self.max_primitives,
            external_only: self.from == From::External,
            supposed: match (self.format, self.unknown) {
                (Format::Json, _) | (_, true) => Supposed::Told,
                (Format::Jsonl, false) => Supposed::Left,
                (Format::Human | Format::Summary, false) => Supposed::Counted,
            },
        }
    }

    /// What is asked for, as options.
    fn asked(&self) -> Vec<String> {
        let lists =
            [("--key", &self.key), ("--principal", &self.principal), ("--account", &self.account)];
        let each = lists
            .iter()
            .flat_map(|(name, texts)| texts.iter().map(move |text| format!("{name} {text}")));
        let mut all: Vec<String> = each.collect();
        all.extend(self.to.told());
        all.extend((self.from == From::External).then(|| "--from external".to_owned()));
        all.extend(self.max_hops.map(|hops| format!("--max-hops {hops}")));
        all
    }
}
