//! `keyreach what-can`: the matrix from the side of a principal.

use crate::audit::matrix::Question;
use crate::report::matrix::GroupBy;

use super::matrix::Show;
use super::terminal::Terminal;
use super::{Fault, Outcome};

/// Print what a principal can do with which keys.
#[derive(clap::Args)]
#[command(after_help = "\
What anyone may be able to do stands beside it where an export leaves that open.

Exit status: 0 printed; 2 a name means nothing, or a file cannot be used; 3 nothing to audit found.

Examples:
  keyreach what-can --principal Alice testdata/course
  keyreach what-can --principal user/Alice --actions --format csv testdata/course")]
pub(super) struct Args {
    /// Who: an ARN, an account id, a service, or a name: `alice`, `user/alice`, `role/app/session`.
    #[arg(long, value_name = "P", required = true)]
    principal: Vec<String>,
    /// With which keys: ids, ARNs, aliases, patterns; `*` for all, and what needs no key.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Actions and capabilities such as `use` or `administer`.
    #[arg(long, value_name = "A", value_delimiter = ',')]
    action: Vec<String>,
    #[command(flatten)]
    show: Show,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let (principals, keys) = (args.principal.clone(), args.key.clone());
    let actions = args.action.clone();
    let question = Question { principals, keys, actions, of_one: true, ..Question::default() };
    args.show.run(question, GroupBy::Principal, terminal)
}
