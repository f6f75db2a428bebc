//! `keyreach matrix`, and what `who-can` and `what-can` share with it.

use std::mem::ManuallyDrop;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::audit::Further;
use crate::audit::matrix::{About, Engine, Matrix, Question, View, Word};
use crate::report::matrix::{self as report, GroupBy, MatrixReport};

use super::assumptions::Assume;
use super::deploy::Rest;
use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome};

/// Print who can do what with which key: always, under which condition, or not decidably.
#[derive(clap::Args)]
#[command(after_help = "\
Filters take names, aliases, ARNs and patterns (`*`, `?`), and can be given several times.
Actions are `Decrypt`, `kms:Get*`, or capabilities: administer, use (use:encrypt, use:decrypt,
use:sign, use:mac), grant, read, destroy, and service for what needs no key.

Exit status: 0 printed; 2 a filter means nothing, or a file cannot be used (the rest, where there
is any, is printed all the same); 3 nothing to audit found.

Examples:
  keyreach matrix --key alias/CMK-C testdata/course
  keyreach matrix --action use --format csv testdata/course > matrix.csv")]
pub(super) struct Args {
    /// Principals: ARNs, `alice`, `role/app-*`, account ids, services.
    #[arg(long, value_name = "P")]
    principal: Vec<String>,
    /// Keys: ids, ARNs, aliases; `*` for all, and what needs no key.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Actions and capabilities.
    #[arg(long, value_name = "A", value_delimiter = ',')]
    action: Vec<String>,
    /// What comes first in the table.
    #[arg(long, value_name = "SIDE", value_enum, default_value = "principal")]
    group_by: Side,
    #[command(flatten)]
    show: Show,
}

/// The options of every command that prints a part of the matrix.
#[derive(clap::Args)]
pub(super) struct Show {
    /// Accounts, by id or name, whose principals or keys are meant. A
    /// single id is also where infrastructure code is deployed to.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// Keys with this tag.
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
    /// Verdicts to show.
    #[arg(long, value_name = "VERDICT", value_enum, value_delimiter = ',')]
    verdict: Vec<Verdict>,
    /// Show what is never allowed, too, with the reason.
    #[arg(long)]
    all: bool,
    /// Show single actions in place of capabilities.
    #[arg(long)]
    actions: bool,
    /// Show who lacks an action today and can get it by further calls, and by how many.
    #[arg(long)]
    transitive: bool,
    /// Leave out what the state of a key rules out now.
    #[arg(long)]
    effective_now: bool,
    #[command(flatten)]
    assume: Assume,
    /// The day from which on requests happen.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
    /// How to print it.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write what the table stands on there, as JSON.
    #[arg(long, value_name = "FILE")]
    about: Option<PathBuf>,
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
enum Side {
    Principal,
    Key,
    Account,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verdict {
    Always,
    Conditional,
    Unknown,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Csv,
    Json,
    Jsonl,
    Markdown,
    Summary,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let question = Question {
        principals: args.principal.clone(),
        keys: args.key.clone(),
        actions: args.action.clone(),
        ..Question::default()
    };
    let group_by = match args.group_by {
        Side::Principal => GroupBy::Principal,
        Side::Key => GroupBy::Key,
        Side::Account => GroupBy::Account,
    };
    args.show.run(question, group_by, terminal)
}

impl Show {
    /// Answers `question`, to which these options add.
    pub(super) fn run(
        &self,
        question: Question,
        group_by: GroupBy,
        terminal: Terminal,
    ) -> Result<Outcome, Fault> {
        let question = self.question(question);
        question.actions().map_err(|error| Fault::Usage(error.to_string()))?;
        if self.about.is_some() && self.about == self.output {
            let what = "the table is written there, too (--output)";
            return Err(Fault::argument("--about", &what));
        }
        let (assumptions, now) = (self.assume.read()?, now(&self.now)?);
        let deployment = self.deploy.read(&self.account, &self.paths, terminal)?;
        let (loaded, outcome) = match self.tells_digest() {
            true => world::loaded_digested(&self.paths, &deployment, terminal)?,
            false => world::loaded(&self.paths, &deployment, terminal)?,
        };
        // A table of nothing would read as if nobody had access.
        if world::holds_nothing(&loaded, &self.paths, terminal)? {
            return Ok(outcome);
        }
        // The process ends behind this: the system takes a world back faster than a walk over it.
        let loaded = ManuallyDrop::new(loaded);
        let world = &loaded.inventory;
        let engine = ManuallyDrop::new(Engine::new(world, now).assuming(&assumptions));
        let matrix = ManuallyDrop::new(Matrix::telling(&engine, question.services()));
        let view = View::new(&matrix, world, &question, &assumptions)
            .map_err(|error| Fault::Usage(error.to_string()))?;
        let mut about = About::new(world, &question, &assumptions, now);
        about.basis.assumptions.extend(view.sessions_apart());
        if self.tells_digest() {
            about.counts = view.counts();
        }
        world::fill_in(&mut about.basis, &loaded);
        let further = self.transitive.then(|| Further::of(&engine, &view));
        let report = MatrixReport {
            view: &view,
            about: &about,
            group_by,
            actions: self.actions,
            further: further.as_ref(),
        };
        self.write(&report, terminal)?;
        Ok(outcome)
    }

    fn question(&self, mut question: Question) -> Question {
        question.accounts.clone_from(&self.account);
        question.tags.clone_from(&self.tag);
        question.verdicts = self.verdict.iter().map(|verdict| word(*verdict)).collect();
        question.all = self.all;
        question.effective_now = self.effective_now;
        question
    }

    /// Whether anything that is written names the digest, which costs a look at every byte.
    fn tells_digest(&self) -> bool {
        self.about.is_some() || !matches!(self.format, Format::Csv | Format::Jsonl)
    }

    fn write(&self, report: &MatrixReport<'_>, terminal: Terminal) -> Result<(), Fault> {
        if let Some(path) = &self.about {
            let mut beside = Output::open(Some(path))?;
            report::evidence(&mut beside, report.about)?;
            beside.finish()?;
        }
        let mut output = Output::open(self.output.as_deref())?;
        let renderer = || terminal.stdout(self.output.is_some());
        match self.format {
            Format::Human => report::human(&mut output, report, &renderer())?,
            Format::Csv => report::csv(&mut output, report)?,
            Format::Json => report::json(&mut output, report)?,
            Format::Jsonl => report::lines(&mut output, report)?,
            Format::Markdown => report::markdown(&mut output, report)?,
            Format::Summary => report::summary(&mut output, report, &renderer())?,
        }
        output.finish()
    }
}

fn word(verdict: Verdict) -> Word {
    match verdict {
        Verdict::Always => Word::Always,
        Verdict::Conditional => Word::Conditional,
        Verdict::Unknown => Word::Unknown,
        Verdict::Never => Word::Never,
    }
}
