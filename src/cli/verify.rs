//! `keyreach verify`: the matrix and its paths, proven.

use std::path::PathBuf;

use clap::ValueEnum;

use super::deploy::Deploy;
use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Prove the matrix and every path with a KMS that really encrypts under the exported policies.
#[derive(clap::Args)]
#[command(after_help = "\
Some pairs of each class of principals and keys, and all of a small export, are replayed against a
reference encryptor in this process: the witness of an allowed cell really encrypts and decrypts,
signs and verifies; the counter-witness of a cell that is denied is refused, at the stated gate;
requests drawn at random from what the deciding policies speak of are decided as the verdict and its
condition say; each path is walked until what was sealed before its first step opens after its last.
Unknown cells prove nothing and are counted with why.

Every key is enabled in the copy of the world that this happens in. Nothing is read but the export,
nothing is sent anywhere.

Exit status: 0 proven; 1 something contradicts the matrix; 2 a file cannot be used; 3 nothing to
audit found.

Examples:
  keyreach verify testdata/course
  keyreach verify --sample 1000 --format json testdata/course > proof.json")]
pub(super) struct Args {
    /// Try this many pairs and paths at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
    /// Choose members of classes, samples and random requests by this number.
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
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
    /// Files and directories to read.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[cfg(not(feature = "serve"))]
pub(super) fn run(args: &Args, _: Terminal) -> Result<Outcome, Fault> {
    let Args { sample: _, seed: _, now: _, format: _, output: _, paths: _, deploy: _ } = args;
    let text = "this keyreach was built without cryptography and cannot prove anything: install it \
                with its default features, `cargo install keyreach`";
    Err(Fault::Usage(text.to_owned()))
}

#[cfg(feature = "serve")]
pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    use crate::access::Access;
    use crate::audit::Basis;
    use crate::audit::verify::{Claim, VerifyOptions, verify};
    use crate::decision::Assumptions;
    use crate::report::verify::{self as report, VerifyReport};

    use super::output::Output;
    use super::progress::Progress;
    use super::world;

    let now = world::now(&args.now)?;
    let deployment = args.deploy.read(&args.paths, terminal)?;
    let (loaded, outcome) = world::loaded_digested(&args.paths, &deployment, terminal)?;
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome);
    }
    let world = &loaded.inventory;
    let access = Access::new(world, now);
    let claim = Claim { truth: world, access: &access, now, alter: &|_, _, _, _| None };
    let options =
        VerifyOptions { sample: args.sample.map(|sample| sample as usize), seed: args.seed };
    let progress = Progress::new();
    let verified = verify(&claim, &options, &|what, done, all| progress.tell(what, done, all));
    progress.finish();
    let verified = verified
        .map_err(|error| Fault::Usage(error.message.unwrap_or_else(|| error.name.to_owned())))?;
    let question = args.sample.map(|sample| format!("--sample {sample}"));
    let question = question.into_iter().collect();
    let mut basis = Basis::new(world, question, &Assumptions::default(), now);
    basis.assumptions.push("every key is enabled".to_owned());
    world::fill_in(&mut basis, &loaded);
    let report = VerifyReport { verified: &verified, seed: args.seed, basis: &basis };
    let mut output = Output::open(args.output.as_deref())?;
    match args.format {
        Format::Human => {
            report::human(&mut output, &report, &terminal.stdout(args.output.is_some()))?;
        }
        Format::Json => report::json(&mut output, &report)?,
    }
    output.finish()?;
    let found = match verified.mismatches.is_empty() {
        true => Outcome::Clean,
        false => Outcome::Findings,
    };
    Ok(outcome.max(found))
}
