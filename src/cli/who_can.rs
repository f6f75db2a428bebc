//! `keyreach who-can`: the matrix from the side of a key.

use crate::audit::matrix::Question;
use crate::report::matrix::GroupBy;

use super::matrix::Show;
use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Print who can do something with a key.
#[derive(clap::Args)]
#[command(after_help = "\
Exit status: 0 printed; 2 a name means nothing, or a file cannot be used; 3 nothing to audit found.

Examples:
  keyreach who-can --action Decrypt --key alias/CMK-C testdata/course
  keyreach who-can --action administer --key 'alias/CMK-*' --format csv testdata/course")]
pub(super) struct Args {
    /// What: actions, patterns, and capabilities such as `use` or `administer`.
    #[arg(long, value_name = "A", required = true, value_delimiter = ',')]
    action: Vec<String>,
    /// With which keys: ids, ARNs, aliases, patterns.
    #[arg(long, value_name = "K", required = true)]
    key: Vec<String>,
    #[command(flatten)]
    show: Show,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let (keys, actions) = (args.key.clone(), args.action.clone());
    let question = Question { keys, actions, ..Question::default() };
    args.show.run(question, GroupBy::Key, terminal)
}
