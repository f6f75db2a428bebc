//! `keyreach check`: lint a world.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;

use crate::audit::{self, Aside, CheckOptions, Checked, Texts, inline_suppressions};
use crate::decision::Caller;
use crate::diag::{Persona, Severity};
use crate::findings::Choice;
use crate::ingest::{Deployment, Disk, Loaded, load_deployed};
use crate::report::check::{self as report, CheckReport, Show};
use crate::rules::{self, Registered};

use super::control::{self, Choices};
use super::deploy::Deploy;
use super::fix::Fixes;
use super::output::Output;
use super::rules::named;
use super::terminal::Terminal;
use super::world::{loaded, now};
use super::{Fault, Outcome};

/// Lint key policies, IAM policies, grants and organization policies.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 no findings at or above --fail-on; 1 findings; 2 wrong usage, or a file could not be
used (the rest is audited all the same); 3 nothing to audit found.

Examples:
  keyreach check testdata/organisation
  keyreach check --select missing-root-statement --format json testdata/organisation")]
pub(super) struct Args {
    /// Run these rules only.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Run all rules but these.
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Whose findings to show: `pedantic` adds what many intend, `auditor` the inventories.
    #[arg(long, value_enum)]
    persona: Option<PersonaArg>,
    /// Show findings from this severity on.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "info")]
    min_severity: SeverityArg,
    /// Exit with 1 for findings from this severity on.
    #[arg(long, value_name = "SEVERITY", value_enum, default_value = "medium")]
    fail_on: FailOn,
    /// Print the findings alone, without a summary.
    #[arg(long, short)]
    quiet: bool,
    /// Name the places of findings without showing the statements.
    #[arg(long)]
    no_snippets: bool,
    /// Exit with 0, not 3, where there is nothing to audit.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    fixes: Fixes,
    /// What was there before a change: rules on what the change does are run against it. Given again as
    /// PATH, a plan of Terraform is its own base: what stands there before it.
    #[arg(long, value_name = "DIR")]
    base: Option<String>,
    /// Who applies key policies: it has to be able to apply the next one, too.
    #[arg(long, value_name = "ARN")]
    deployer: Option<String>,
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
    deploy: Deploy,
    /// Let what is not resolved in infrastructure code fail the check.
    #[arg(long)]
    strict: bool,
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Jsonl,
    Sarif,
    Github,
    Gitlab,
    Junit,
    Markdown,
    Csv,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PersonaArg {
    Regular,
    Pedantic,
    Auditor,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SeverityArg {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Info,
    Low,
    Medium,
    High,
    Critical,
    Never,
}

/// A world, and what the rules have to say of it.
struct Judged {
    // The process ends behind these: the system takes a world back faster than a walk over it.
    loaded: ManuallyDrop<Loaded>,
    base: ManuallyDrop<Option<Loaded>>,
    texts: Texts<'static>,
    checked: Checked,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let (rules, now) = (selected(args)?, now(&args.now)?);
    for _ in 0..args.fixes.rounds() {
        let Judged { loaded, texts, checked, .. } = judge(args, &rules, now, (terminal, false))?;
        let from = (&*loaded, &*args.paths, now);
        if !args.fixes.write(from, &texts, &checked.findings, terminal)? {
            break;
        }
    }
    let Judged { loaded, base, texts, mut checked } = judge(args, &rules, now, (terminal, true))?;
    if let Some(path) = args.choices.write_baseline() {
        let mut output = Output::open(Some(path))?;
        report::baseline(&mut output, &checked.findings)?;
        output.finish()?;
        checked.aside.baselined = checked.findings.len();
        checked.findings.clear();
    }
    let report = CheckReport {
        checked: &checked,
        problems: &loaded.problems,
        files: loaded.read,
        skipped: loaded.skipped,
        texts: &texts,
        fail_on: args.fail_on.severity(),
        folders: &folders(),
    };
    let nothing = loaded.used == 0 && !args.allow_empty;
    if nothing && loaded.problems.is_empty() {
        terminal.stderr().nothing(&args.paths, &loaded)?;
    }
    write(args, &report, nothing, terminal)?;
    let fails = match (args.fail_on.severity(), worst(&checked)) {
        (Some(from), Some(worst)) => worst >= from,
        _ => false,
    };
    let problems = base.as_ref().map_or(0, |base| base.problems.len()) + loaded.problems.len();
    Ok(match (problems == 0, nothing) {
        (false, _) => Outcome::Problem,
        (true, true) => Outcome::Nothing,
        _ if fails => Outcome::Findings,
        _ => Outcome::Clean,
    })
}

/// Loads what is to be checked and runs the rules over it; what is wrong with its files is told where that is
/// wanted.
fn judge(
    args: &Args,
    rules: &[&'static Registered],
    now: Timestamp,
    (teller, tells): (Terminal, bool),
) -> Result<Judged, Fault> {
    let terminal = tells.then_some(teller);
    let deployment = args.deploy.beside(&args.choices.config, &args.paths, teller)?;
    let mut loaded = ManuallyDrop::new(load_deployed(&Disk, &args.paths, &deployment));
    let callers: Vec<Box<str>> = loaded.callers.iter().cloned().collect();
    let sources = &mut loaded.inventory.sources;
    let (config, folder) = args.choices.config.config(&args.paths, sources, teller)?;
    let baseline = args.choices.baseline(sources, teller)?;
    let texts = Texts::new(&Disk, &loaded.inventory);
    let (comments, faults) = inline_suppressions(&loaded.inventory.sources, &texts);
    loaded.problems.extend(faults);
    if let Some(terminal) = terminal {
        terminal.stderr().problems(&loaded.problems)?;
    }
    let base = ManuallyDrop::new(base(args, &deployment, terminal)?);
    let persona = args.persona.map(PersonaArg::persona).or(config.persona);
    let covers = control::covers(folder.as_deref(), &args.paths);
    let mut control = control::control(config, baseline, &loaded, covers);
    control.suppressions.extend(comments);
    control.assertions.extend(control::assertions(&loaded.inventory.sources, teller)?);
    control.settings.strict |= args.strict;
    if let Some(deployer) = deployer(args)? {
        control.settings.deployer = Some(deployer);
    }
    // Who ran Terraform applies what it planned.
    if let (None, [caller]) = (&control.settings.deployer, callers.as_slice()) {
        control.settings.deployer = rules::deployer(caller);
    }
    // A rule that is asked for by name speaks.
    if !args.select.is_empty() {
        control.rules.retain(|_, choice| *choice != Choice::Off);
    }
    let is_off = |rule: &Registered| control.rules.get(rule.metadata.slug) == Some(&Choice::Off);
    let rules = rules.iter().copied().filter(|rule| !is_off(rule)).collect();
    let options = CheckOptions {
        rules,
        persona: persona.unwrap_or(Persona::Regular),
        min_severity: args.min_severity.severity(),
        now,
        control,
        base: base.as_ref().map(|base| &base.inventory),
    };
    let checked = audit::check(&loaded.inventory, &texts, &options);
    drop(options);
    Ok(Judged { loaded, base, texts, checked })
}

/// What --base names, with its faults told where there is a terminal.
fn base(
    args: &Args,
    deployment: &Deployment,
    terminal: Option<Terminal>,
) -> Result<Option<Loaded>, Fault> {
    let Some(path) = &args.base else { return Ok(None) };
    let paths = [path.clone()];
    let deployment = &Deployment { is_before: args.paths == paths, ..deployment.clone() };
    let Some(terminal) = terminal else {
        return Ok(Some(load_deployed(&Disk, &paths, deployment)));
    };
    let (loaded, _) = loaded(&paths, deployment, terminal)?;
    // The change that adds the first keys has none before it.
    if loaded.used == 0 && loaded.problems.is_empty() {
        terminal.stderr().note(&format!("nothing to audit in --base {path}: all is new"))?;
    }
    Ok(Some(loaded))
}

/// The principal that --deployer names.
fn deployer(args: &Args) -> Result<Option<Caller>, Fault> {
    let Some(text) = &args.deployer else { return Ok(None) };
    let deployer = rules::deployer(text);
    let what = format!("`{text}` is no ARN of a user, a role, a session or a root user");
    deployer.map(Some).ok_or_else(|| Fault::argument("--deployer", &what))
}

fn write(
    args: &Args,
    report: &CheckReport<'_>,
    nothing: bool,
    terminal: Terminal,
) -> Result<(), Fault> {
    let mut output = Output::open(args.output.as_deref())?;
    match args.format {
        // A summary of nothing would read like a clean one.
        Format::Human if nothing => {}
        Format::Human => {
            let renderer = terminal.stdout(args.output.is_some());
            let show = Show { snippets: !args.no_snippets, summary: !args.quiet };
            report::human(&mut output, report, &renderer, show)?;
        }
        Format::Json => report::json(&mut output, report)?,
        Format::Jsonl => report::lines(&mut output, report)?,
        Format::Sarif => report::sarif(&mut output, report)?,
        Format::Github => report::github(&mut output, report)?,
        Format::Gitlab => report::gitlab(&mut output, report)?,
        Format::Junit => report::junit(&mut output, report)?,
        Format::Markdown => report::markdown(&mut output, report)?,
        Format::Csv => report::csv(&mut output, report)?,
    }
    output.finish()?;
    let Aside { suppressed, baselined } = report.checked.aside;
    // These two have no room for it.
    let is_narrow = matches!(args.format, Format::Gitlab | Format::Csv);
    if let Some(coverage) = report.checked.coverage.as_ref().filter(|_| is_narrow) {
        terminal.stderr().note(&coverage.words())?;
    }
    if is_narrow && suppressed + baselined > 0 {
        let text = format!("not listed: {suppressed} suppressed, {baselined} in the baseline");
        terminal.stderr().note(&text)?;
    }
    Ok(())
}

impl PersonaArg {
    fn persona(self) -> Persona {
        match self {
            Self::Regular => Persona::Regular,
            Self::Pedantic => Persona::Pedantic,
            Self::Auditor => Persona::Auditor,
        }
    }
}

impl SeverityArg {
    fn severity(self) -> Severity {
        match self {
            Self::Info => Severity::Info,
            Self::Low => Severity::Low,
            Self::Medium => Severity::Medium,
            Self::High => Severity::High,
            Self::Critical => Severity::Critical,
        }
    }
}

impl FailOn {
    /// The severity from which on the run fails.
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Info => Some(Severity::Info),
            Self::Low => Some(Severity::Low),
            Self::Medium => Some(Severity::Medium),
            Self::High => Some(Severity::High),
            Self::Critical => Some(Severity::Critical),
            Self::Never => None,
        }
    }
}

/// Where keyreach runs, and the git work tree that this lies in.
fn folders() -> Vec<PathBuf> {
    let Ok(current) = std::env::current_dir() else { return Vec::new() };
    let root = current.ancestors().find(|folder| folder.join(".git").exists());
    let root = root.map(Path::to_path_buf);
    [current].into_iter().chain(root).collect()
}

fn worst(checked: &Checked) -> Option<Severity> {
    checked.findings.iter().map(|finding| finding.severity).max()
}

/// The rules that are wanted, in their order.
fn selected(args: &Args) -> Result<Vec<&'static Registered>, Fault> {
    let known = |names: &[String]| -> Result<Vec<&'static str>, Fault> {
        names.iter().map(|name| named(name).map(|rule| rule.metadata.slug)).collect()
    };
    let (select, ignore) = (known(&args.select)?, known(&args.ignore)?);
    let wanted = |rule: &&Registered| {
        let slug = rule.metadata.slug;
        (select.is_empty() || select.contains(&slug)) && !ignore.contains(&slug)
    };
    Ok(rules::all().iter().filter(wanted).collect())
}
