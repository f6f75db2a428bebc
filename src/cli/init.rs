//! `keyreach init`: a configuration and a hook to begin with.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config;

use super::output::Output;
use super::{Fault, Outcome};

/// Write a commented keyreach.yaml and an entry for pre-commit; nothing that is there is touched.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 written, or there already; 2 a file cannot be written.

Examples:
  keyreach init --dry-run
  keyreach init --dry-run testdata/course")]
pub(super) struct Args {
    /// Say what would be written, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// The directory, usually the root of a repository.
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

/// The configuration, every choice in a comment.
const CONFIG: &str = include_str!("init/keyreach.yaml");

/// The entry for pre-commit.
const HOOK: &str = include_str!("init/pre-commit-config.yaml");

/// The file that pre-commit reads.
const HOOKS: &str = ".pre-commit-config.yaml";

pub(super) fn run(args: &Args) -> Result<Outcome, Fault> {
    let known = config::NAMES.iter().find(|name| args.directory.join(name).exists());
    let [usual, _] = config::NAMES;
    let (config, hooks) = (known.unwrap_or(&usual), args.directory.join(HOOKS));
    let wrote_config = args.write(&args.directory.join(config), CONFIG)?;
    let wrote_hooks = args.write(&hooks, HOOK)?;
    let mut output = Output::open(None)?;
    let told = |wrote: bool| match (wrote, args.dry_run) {
        (true, false) => "written",
        (true, true) => "would be written",
        (false, _) => "is there, and stays as it is",
    };
    let shown = |path: &Path| path.strip_prefix(".").unwrap_or(path).display().to_string();
    writeln!(output, "{}: {}", shown(&args.directory.join(config)), told(wrote_config))?;
    writeln!(output, "{}: {}", shown(&hooks), told(wrote_hooks))?;
    if !wrote_hooks {
        writeln!(output, "\nIf it has no hook for keyreach yet, add this to its `repos`:\n")?;
        HOOK.lines().skip(1).try_for_each(|line| writeln!(output, "{line}"))?;
    }
    output.write_all(NEXT.as_bytes())?;
    output.finish()?;
    Ok(Outcome::Clean)
}

/// What to do then.
const NEXT: &str = "
Next:
  keyreach check                                     look at what is found
  keyreach check --write-baseline keyreach-baseline.json
                                                     accept it, and hear of what is new:
                                                     keyreach check --baseline keyreach-baseline.json
  keyreach test                                      once assertions are written
  pre-commit install                                 run it before each commit
";

impl Args {
    /// Writes a file that is not there; whether it was not.
    fn write(&self, path: &Path, text: &str) -> Result<bool, Fault> {
        let shown = path.display().to_string();
        if self.dry_run {
            return Ok(!path.exists());
        }
        let mut file = match File::create_new(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(Fault::write(&shown)(error)),
        };
        file.write_all(text.as_bytes()).map_err(Fault::write(&shown))?;
        Ok(true)
    }
}
