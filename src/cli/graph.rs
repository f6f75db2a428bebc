//! `keyreach graph`: the principal-key graph as a picture, or for programs.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::access::Access;
use crate::audit::{Basis, Drawn, GraphQuestion, QuestionError, Texts};
use crate::graph::view::Collapse;
use crate::ingest::Disk;
use crate::report::graph::{self as report, GraphReport};

use super::assumptions::Assume;
use super::deploy::Rest;
use super::goal::To;
use super::output::Output;
use super::terminal::Terminal;
use super::world::{self, now};
use super::{Fault, Outcome};

/// The most nodes of a picture that is not collapsed further.
const NODES: usize = 150;

/// Draw who can use which key, through what, and who could get there.
#[derive(clap::Args)]
#[command(after_help = "\
Edges point the way access goes. They are what documents state (memberships, attached policies,
trust, delegation to IAM, grants), who can use a key today, and the calls by which others can get
there. Filters take names, aliases, ARNs and patterns (`*`, `?`), and can be given several times;
with --principal and --key together, what lies between them is drawn.
A picture of more than 150 nodes is drawn coarser by itself, and says so; json and graphml are not.

Exit status: 0 drawn; 2 a filter means nothing, or a file cannot be used; 3 nothing to audit found.

Examples:
  keyreach graph --key alias/CMK-C testdata/course > graph.dot
  keyreach graph --principal user/Alice --format mermaid testdata/course")]
pub(super) struct Args {
    /// Keys whose neighbourhood is drawn: ids, ARNs, aliases.
    #[arg(long, value_name = "K")]
    key: Vec<String>,
    /// Principals whose ways are drawn: ARNs, `alice`, `role/app-*`.
    #[arg(long, value_name = "P")]
    principal: Vec<String>,
    /// Accounts, by id or name, that are drawn with what joins them. A
    /// single id is also where infrastructure code is deployed to.
    #[arg(long, value_name = "ACCOUNT")]
    account: Vec<String>,
    /// How many steps from keys and principals.
    #[arg(long, value_name = "N", default_value = "3")]
    depth: usize,
    /// What is drawn as one: users of the same groups; what is joined to the same, too; families of
    /// names, too; everything of one kind and account; whole accounts.
    #[arg(long, value_name = "WHAT", value_enum)]
    collapse: Option<By>,
    /// What using a key is: to decrypt (or sign, ...) with it, to change its policy, to delete it.
    #[arg(long, value_name = "GOAL", value_enum, default_value = "use")]
    to: To,
    #[command(flatten)]
    assume: Assume,
    /// The day from which on requests happen.
    #[arg(long, value_name = "DATE", default_value = "today")]
    now: String,
    /// How to write it.
    #[arg(long, value_enum, default_value = "dot")]
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
enum By {
    None,
    Group,
    Alike,
    Family,
    Kind,
    Account,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Dot,
    Mermaid,
    Graphml,
    Json,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Result<Outcome, Fault> {
    let (assumptions, now) = (args.assume.read()?, now(&args.now)?);
    let deployment = args.deploy.read(&args.account, &args.paths, terminal)?;
    let (loaded, outcome) = match args.format {
        Format::Json => world::loaded_digested(&args.paths, &deployment, terminal)?,
        Format::Dot | Format::Mermaid | Format::Graphml => {
            world::loaded(&args.paths, &deployment, terminal)?
        }
    };
    // An empty picture would read as if nobody had access.
    if world::holds_nothing(&loaded, &args.paths, terminal)? {
        return Ok(outcome);
    }
    let world = &loaded.inventory;
    let access = Access::new(world, now).assuming(&assumptions);
    let question = args.question();
    let fault = |error: QuestionError| Fault::Usage(error.to_string());
    let networked = question.network(&access).map_err(fault)?;
    let mut basis = Basis::new(world, args.asked(&question), &assumptions, now);
    world::fill_in(&mut basis, &loaded);
    let texts = Texts::new(&Disk, world);
    let (notes, texts, basis) = (&networked.notes, &texts, &basis);
    let fits = |drawn: &Drawn<'_>| args.fits(&GraphReport { world, texts, drawn, notes, basis });
    let drawn = question.draw(world, &networked.network, fits).map_err(fault)?;
    let notes: Vec<String> = notes.iter().cloned().chain(told(&drawn)).collect();
    notes.iter().try_for_each(|note| terminal.stderr().note(note))?;
    let mut output = Output::open(args.output.as_deref())?;
    let report = GraphReport { world, texts, drawn: &drawn, notes: &notes, basis };
    args.format.write(&mut output, &report)?;
    output.finish()?;
    Ok(outcome)
}

/// What has to be said of how a picture is drawn.
fn told(drawn: &Drawn<'_>) -> Option<String> {
    let count = drawn.picture.spots.len();
    let narrower = "--key, --principal, --account or --depth show less";
    if !drawn.fits {
        return Some(format!("Still {count} nodes, too many to be read: {narrower}"));
    }
    drawn.by_itself.then(|| {
        format!(
            "Too many nodes or edges to be read, so these are drawn as one: {}; --collapse none \
             draws each, and {narrower}",
            drawn.collapse.words()
        )
    })
}

impl Format {
    fn write(self, out: &mut dyn Write, report: &GraphReport<'_>) -> io::Result<()> {
        match self {
            Self::Dot => report::dot(out, report),
            Self::Mermaid => report::mermaid(out, report),
            Self::Graphml => report::graphml(out, report),
            Self::Json => report::json(out, report),
        }
    }
}

impl Args {
    /// What is asked for, as options.
    fn asked(&self, question: &GraphQuestion) -> Vec<String> {
        question.told().into_iter().chain(self.to.told()).collect()
    }

    fn question(&self) -> GraphQuestion {
        GraphQuestion {
            principals: self.principal.clone(),
            keys: self.key.clone(),
            accounts: self.account.clone(),
            depth: self.depth,
            collapse: match (self.collapse, self.format) {
                (Some(By::None), _) | (None, Format::Graphml | Format::Json) => {
                    Some(Collapse::Nothing)
                }
                (Some(By::Group), _) => Some(Collapse::Group),
                (Some(By::Family), _) => Some(Collapse::Family),
                (Some(By::Alike), _) => Some(Collapse::Alike),
                (Some(By::Kind), _) => Some(Collapse::Kind),
                (Some(By::Account), _) => Some(Collapse::Account),
                (None, Format::Dot | Format::Mermaid) => None,
            },
            goal: self.to.goal(),
        }
    }

    /// Whether a picture can be read, by people and by what draws it.
    fn fits(&self, report: &GraphReport<'_>) -> bool {
        let picture = &report.drawn.picture;
        match self.format {
            Format::Graphml | Format::Json => true,
            Format::Dot => picture.spots.len() <= NODES,
            Format::Mermaid => {
                let few = picture.spots.len() <= NODES && picture.lines.len() <= report::EDGES;
                few && {
                    let mut text = Vec::new();
                    let written = report::mermaid(&mut text, report);
                    written.is_ok() && text.len() <= report::TEXT
                }
            }
        }
    }
}
