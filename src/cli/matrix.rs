//! `keyreach matrix`, and the same from either side: `who-can` and `what-can`.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::audit::matrix::{About, Engine, Matrix, Question, QuestionError, View, Word};
use crate::ingest::{Digested, Disk};
use crate::report::matrix::{self as report, GroupBy, MatrixReport};
use crate::source::Files;

use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome, assumptions};

/// Print who can do what with which key: always, conditionally, never, or unknown.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 answered; 2 a name means nothing, or a file could not be used (the rest is answered all
the same); 3 nothing to audit found.

Examples:
  keyreach matrix testdata/course
  keyreach matrix --key 'alias/CMK-*' --action decrypt --format csv testdata/course")]
pub(super) struct Args {
    #[command(flatten)]
    filters: Filters,
    /// Principals: ARNs, names, account ids, services, patterns such as `role/app-*`.
    #[arg(long, value_name = "P")]
    principal: Vec<String>,
    /// Keys: ids, ARNs, aliases, patterns; `*` for what needs no key.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Actions (`kms:Decrypt`, `Generate*`) and capabilities: administer, use, encrypt, decrypt, sign,
    /// mac, grant, read, destroy, service.
    #[arg(long, value_name = "A", value_delimiter = ',')]
    action: Vec<String>,
    /// What comes first.
    #[arg(long, value_name = "WHAT", value_enum, default_value = "principal")]
    group_by: GroupByArg,
    #[command(flatten)]
    common: Common,
}

/// Print who can do an action with a key.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 answered; 2 a name means nothing, or a file could not be used (the rest is answered all
the same); 3 nothing to audit found.

Examples:
  keyreach who-can --action Decrypt --key alias/CMK-C testdata/course
  keyreach who-can --action destroy --key 'alias/*' --format csv testdata/course")]
pub(super) struct WhoCan {
    /// Actions (`kms:Decrypt`, `Generate*`) and capabilities: administer, use, encrypt, decrypt, sign,
    /// mac, grant, read, destroy, service.
    #[arg(long, value_name = "A", value_delimiter = ',', required = true)]
    action: Vec<String>,
    /// Keys: ids, ARNs, aliases, patterns; `*` for what needs no key.
    #[arg(long, value_name = "K", required = true)]
    key: Vec<String>,
    /// Principals: ARNs, names, account ids, services, patterns such as `role/app-*`.
    #[arg(long, value_name = "P")]
    principal: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    common: Common,
}

/// Print what a principal can do with which key.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 answered; 2 a name means nothing, or a file could not be used (the rest is answered all
the same); 3 nothing to audit found.

Examples:
  keyreach what-can --principal Alice testdata/course
  keyreach what-can --principal user/Bob --actions testdata/course")]
pub(super) struct WhatCan {
    /// Principals: ARNs, names, account ids, services, patterns such as `role/app-*`; what anyone may
    /// do is told, too.
    #[arg(long, value_name = "P", required = true)]
    principal: Vec<String>,
    /// Keys: ids, ARNs, aliases, patterns; `*` for what needs no key.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Actions (`kms:Decrypt`, `Generate*`) and capabilities: administer, use, encrypt, decrypt, sign,
    /// mac, grant, read, destroy, service.
    #[arg(long, value_name = "A", value_delimiter = ',')]
    action: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    common: Common,
}

/// Filters that all three have.
#[derive(clap::Args)]
struct Filters {
    /// Accounts, by id, name or pattern, whose principals or keys are meant.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Keys with this tag: KEY or KEY=VALUE, patterns in both.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Show cells of these verdicts only.
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',')]
    verdict: Vec<VerdictArg>,
    /// Show cells that are never, too.
    #[arg(long)]
    all: bool,
    /// Leave out what the state of a key rules out now.
    #[arg(long)]
    effective_now: bool,
}

/// How all three are answered and printed.
#[derive(clap::Args)]
struct Common {
    /// Show single actions in place of capabilities.
    #[arg(long)]
    actions: bool,
    #[command(flatten)]
    assumptions: assumptions::Args,
    /// The day from which on requests happen.
    #[arg(long, value_name = "DATE", default_value = "today", help_heading = "Assumptions")]
    now: String,
    /// How to print it.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write there instead of stdout: complete, or not at all.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write what the table stands on there, as JSON: for csv and jsonl, which do not say it.
    #[arg(long, value_name = "FILE")]
    about: Option<PathBuf>,
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GroupByArg {
    Principal,
    Key,
    Account,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerdictArg {
    Always,
    Conditional,
    Never,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table that fits the terminal.
    Human,
    /// Counts only.
    Summary,
    /// A row for each principal, key, verdict and condition; with --actions one a cell.
    Csv,
    /// One document.
    Json,
    /// One line a cell.
    Jsonl,
    /// Tables for a document.
    Markdown,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let question = Question {
        principals: args.principal.clone(),
        keys: args.key.clone(),
        actions: args.action.clone(),
        ..args.filters.question()
    };
    let group_by = match args.group_by {
        GroupByArg::Principal => GroupBy::Principal,
        GroupByArg::Key => GroupBy::Key,
        GroupByArg::Account => GroupBy::Account,
    };
    answer(&question, group_by, &args.common, terminal)
}

pub(super) fn who_can(args: &WhoCan, terminal: Terminal) -> Result<Outcome, Fault> {
    let question = Question {
        principals: args.principal.clone(),
        keys: args.key.clone(),
        actions: args.action.clone(),
        ..args.filters.question()
    };
    answer(&question, GroupBy::Key, &args.common, terminal)
}

pub(super) fn what_can(args: &WhatCan, terminal: Terminal) -> Result<Outcome, Fault> {
    let question = Question {
        principals: args.principal.clone(),
        keys: args.key.clone(),
        actions: args.action.clone(),
        of_one: true,
        ..args.filters.question()
    };
    answer(&question, GroupBy::Principal, &args.common, terminal)
}

impl Filters {
    fn question(&self) -> Question {
        let word = |verdict: &VerdictArg| match verdict {
            VerdictArg::Always => Word::Always,
            VerdictArg::Conditional => Word::Conditional,
            VerdictArg::Never => Word::Never,
            VerdictArg::Unknown => Word::Unknown,
        };
        Question {
            accounts: self.account.clone(),
            tags: self.tag.clone(),
            verdicts: self.verdict.iter().map(word).collect(),
            all: self.all,
            effective_now: self.effective_now,
            ..Question::default()
        }
    }
}

fn answer(
    question: &Question,
    group_by: GroupBy,
    common: &Common,
    terminal: Terminal,
) -> Result<Outcome, Fault> {
    question.actions().map_err(fault)?;
    let assumptions = common.assumptions.read()?;
    let now = now(&common.now)?;
    let digested = common.needs_about().then(|| Digested::new(&Disk));
    let files: &dyn Files = digested.as_ref().map_or(&Disk, |files| files);
    let (loaded, outcome) = world::loaded_from(files, &common.paths, terminal)?;
    // The process ends behind this: the system takes a world back faster than a walk over it.
    let loaded = ManuallyDrop::new(loaded);
    if outcome == Outcome::Nothing {
        terminal.stderr().nothing(&common.paths, loaded.read)?;
        return Ok(outcome);
    }
    let world = &loaded.inventory;
    let engine = ManuallyDrop::new(Engine::new(world, now).assuming(&assumptions));
    let matrix = ManuallyDrop::new(Matrix::new(&engine));
    let view = View::new(&matrix, world, question, &assumptions).map_err(fault)?;
    let mut about = About::new(world, question, &assumptions, now);
    if let Some(digested) = &digested {
        about.counts = view.counts();
        about.digest = Some(digested.digest());
        (about.files, about.problems) = (loaded.read, loaded.problems.len());
    }
    let report = MatrixReport { view: &view, about: &about, group_by, actions: common.actions };
    print(&report, common, terminal)?;
    Ok(outcome)
}

impl Common {
    /// Whether something is printed of what the table stands on.
    fn needs_about(&self) -> bool {
        self.about.is_some() || !matches!(self.format, Format::Csv | Format::Jsonl)
    }
}

fn print(report: &MatrixReport<'_>, common: &Common, terminal: Terminal) -> Result<(), Fault> {
    let renderer = || terminal.stdout(common.output.is_some());
    let mut output = Output::open(common.output.as_deref())?;
    match common.format {
        Format::Human => report::human(&mut output, &renderer(), report)?,
        Format::Summary => report::summary(&mut output, &renderer(), report.about)?,
        Format::Csv => report::csv(&mut output, report)?,
        Format::Json => report::json(&mut output, report)?,
        Format::Jsonl => report::lines(&mut output, report)?,
        Format::Markdown => report::markdown(&mut output, report)?,
    }
    output.finish()?;
    evidence(report, common.about.as_deref())
}

fn evidence(report: &MatrixReport<'_>, path: Option<&Path>) -> Result<(), Fault> {
    let Some(path) = path else {
        return Ok(());
    };
    let mut output = Output::open(Some(path))?;
    report::evidence(&mut output, report.about)?;
    output.finish()
}

fn fault(error: QuestionError) -> Fault {
    Fault::Usage(error.to_string())
}
