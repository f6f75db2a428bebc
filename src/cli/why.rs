//! `keyreach why`: one question, its answer, and the reasons.

use crate::audit::{self, Texts};
use crate::aws::KmsAction;
use crate::decision::{Context, Request, Target};
use crate::ingest::Disk;
use crate::report::{request_line, why};
use clap::ValueEnum;

use super::deploy::Deploy;
use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome};

/// Tell why a principal may, or may not, do something with a key.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 answered; 1 --expect is not met; 2 a name means nothing, or a file cannot be used;
3 nothing to audit found.

Examples:
  keyreach why --principal alice --action Decrypt --key alias/CMK-B testdata/course
  keyreach why --principal Bob --action Encrypt --key alias/CMK-C --expect denied testdata/course")]
pub(super) struct Args {
    /// Who: an ARN, account id or service, or a name: `alice`, `user/alice`, `role/app/session`.
    #[arg(long, value_name = "P")]
    principal: String,
    /// What: `kms:Decrypt`, or `decrypt`.
    #[arg(long, value_name = "A")]
    action: String,
    /// On which key: its id or ARN, `alias/NAME`, an alias's ARN, or `*` for no key.
    #[arg(long, value_name = "K")]
    key: String,
    /// A condition key of the request; the same key again adds a value.
    #[arg(long, value_name = "KEY=VALUE")]
    context: Vec<String>,
    /// Exit with 1 when the answer is the other one.
    #[arg(long, value_name = "ANSWER", value_enum)]
    expect: Option<Expected>,
    /// How to print it.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// The day from which on other requests are tried.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
    #[command(flatten)]
    deploy: Deploy,
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Expected {
    Allowed,
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let action = action(&args.action).map_err(|error| Fault::argument("--action", &error))?;
    let context = context(&args.context)?;
    let now = now(&args.now)?;
    let deployment = args.deploy.read(&args.paths, terminal)?;
    let (loaded, outcome) = world::loaded(&args.paths, &deployment, terminal)?;
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome);
    }
    let world = &loaded.inventory;
    let caller = audit::principal(world, &args.principal)
        .map_err(|error| Fault::argument("--principal", &error))?;
    let target = target(audit::key(world, &args.key), action)
        .map_err(|error| Fault::argument("--key", &error))?;
    let request = Request { caller, action, target, context, session_policies: Vec::new() };
    let story = audit::why(world, request, now);
    let texts = Texts::new(&Disk, world);
    let mut output = Output::open(None)?;
    match args.format {
        Format::Human => {
            why::human(&mut output, &terminal.stdout(false), world, &texts, &story)?;
        }
        Format::Json => why::json(&mut output, world, &texts, &story)?,
    }
    output.finish()?;
    let allowed = story.decision.is_allowed();
    let met = args.expect.is_none_or(|expected| (expected == Expected::Allowed) == allowed);
    Ok(outcome.max(if met { Outcome::Clean } else { Outcome::Findings }))
}

/// An action with or without its prefix, in any case.
fn action(text: &str) -> Result<KmsAction, String> {
    let whole = if text.contains(':') { text.to_owned() } else { format!("kms:{text}") };
    request_line::action(&whole)
}

fn target(found: Result<Target, audit::NameError>, action: KmsAction) -> Result<Target, String> {
    let target = found.map_err(|error| error.to_string())?;
    request_line::fits(&target, action)?;
    Ok(target)
}

fn context(given: &[String]) -> Result<Context, Fault> {
    let mut context = Context::default();
    for pair in given {
        let (key, value) =
            pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
                Fault::argument("--context", &format_args!("`{pair}` is not KEY=VALUE"))
            })?;
        context.add(key, value);
    }
    // Section 2.5: KMS speaks TLS only, and many policies insist on it.
    if context.get("aws:SecureTransport").is_none() {
        context.set_one("aws:SecureTransport", "true");
    }
    Ok(context)
}
