//! `keyreach serve`: a local KMS of the export, for the AWS CLI and SDKs.

use std::path::PathBuf;

use super::deploy::Deploy;
use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Serve the export as a local KMS that enforces its policies.
///
/// The endpoint speaks KMS, and of STS and IAM what takes a caller to a key. It listens on 127.0.0.1
/// alone, prints its address as the first line on stdout, and ends at Ctrl-C. PATH is never written:
/// what clients change is kept in the state directory, which `keyreach check` reads like an export.
/// SIGHUP reads PATH again.
#[derive(clap::Args)]
#[command(after_help = "\
Clients find it and their access keys so:
  export AWS_ENDPOINT_URL=http://127.0.0.1:8080 AWS_SHARED_CREDENTIALS_FILE=target/kms/credentials
  aws kms encrypt --profile Alice --region us-east-1 --key-id alias/CMK-A --plaintext hello
Exit status: 0 ended as asked; 2 it cannot serve, or a file cannot be used; 3 nothing to serve found.

Examples:
  keyreach serve testdata/course --state-dir target/kms --port 8080
  keyreach serve testdata/course --state-dir target/kms --port 0 --explain")]
pub(super) struct Args {
    #[command(flatten)]
    deploy: Deploy,
    /// The export: files and directories, a scenario file, or infrastructure code.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
    /// The port; 0 takes any that is free.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// Where keys' material and what clients change is kept; made where it is not there.
    #[arg(long, value_name = "STATE")]
    state_dir: PathBuf,
    /// Where the access keys are written, a section for each principal; STATE/credentials by default.
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<PathBuf>,
    /// Say in the log why a request is denied: the gate and the statement.
    #[arg(long)]
    explain: bool,
    /// Say nothing of single requests, but why a change could not be kept.
    #[arg(long, conflicts_with = "explain")]
    quiet: bool,
    /// How long a new grant works with its token alone.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    grant_delay: u32,
    /// The instant at which the clock begins: of conditions, deletion, rotation, imported material.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
}

/// Says that this build cannot, and what to install.
#[cfg(not(feature = "serve"))]
pub(super) fn run(_args: &Args, _terminal: Terminal) -> Result<Outcome, Fault> {
    Err(Fault::Usage(
        "this build of keyreach has no encryptor: install it with the feature `serve`, which is a \
         default one (`cargo install keyreach`)"
            .to_owned(),
    ))
}

#[cfg(feature = "serve")]
pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    use std::sync::Arc;

    use crate::encryptor::directory::Directory;
    use crate::serve::{self, Options};

    use super::world::{self, now};

    apart(&args.paths, &args.state_dir)?;
    let shift = match &*args.now {
        "today" => jiff::SignedDuration::ZERO,
        date => now(date)?.duration_since(jiff::Timestamp::now()),
    };
    let deployment = args.deploy.read(&args.paths, terminal)?;
    let (loaded, outcome) = world::exported(&args.paths, &deployment, terminal)?;
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome);
    }
    let directory = Arc::new(Directory::open(&args.state_dir).map_err(usage)?);
    let options = Options {
        port: args.port,
        credentials: args
            .credentials_file
            .clone()
            .unwrap_or_else(|| args.state_dir.join("credentials")),
        log: args.log(),
        shift,
        grant_delay: args.grant_delay,
    };
    let paths = args.paths.clone();
    let reload = move || {
        let (loaded, outcome) = world::exported(&paths, &deployment, terminal).ok()?;
        (outcome == Outcome::Clean).then_some(loaded.inventory)
    };
    let exported = loaded.inventory;
    serve::run(exported, directory, &options, &mut std::io::stdout(), reload).map_err(usage)?;
    Ok(Outcome::Clean)
}

#[cfg(feature = "serve")]
impl Args {
    fn log(&self) -> crate::serve::LogLevel {
        use crate::serve::LogLevel;
        match (self.explain, self.quiet) {
            (true, _) => LogLevel::Explain,
            (_, true) => LogLevel::Quiet,
            _ => LogLevel::Requests,
        }
    }
}

#[cfg(feature = "serve")]
fn usage(error: impl std::fmt::Display) -> Fault {
    Fault::Usage(error.to_string())
}

/// That the state does not lie inside the export, where it would be read as a part of it.
#[cfg(feature = "serve")]
fn apart(paths: &[String], state: &std::path::Path) -> Result<(), Fault> {
    let whole = |path: &std::path::Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
    let state = whole(state);
    match paths.iter().find(|path| state.starts_with(whole(path.as_ref()))) {
        None => Ok(()),
        Some(path) => Err(Fault::argument(
            "--state-dir",
            &format_args!("it lies in {path}, which is read as the export: name one outside"),
        )),
    }
}
