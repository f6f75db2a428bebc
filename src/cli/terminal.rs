//! What stdout and stderr look like: terminals or pipes, colours, width.

use std::io::{self, IsTerminal};

use clap::ValueEnum;

use crate::audit::Coverage;
use crate::diag::{Diagnostic, Look, Renderer, Severity};
use crate::ingest::Loaded;
use crate::source::FileProblem;

use super::Fault;

/// When colours are used: on a terminal unless NO_COLOR is set, always (with box characters too), never.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// The two streams that are written to.
#[derive(Clone, Copy)]
pub(super) struct Terminal {
    color: ColorChoice,
}

/// How many things are named that were seen and not read.
const SEEN: usize = 8;

/// Columns that the number of a line takes, with what stands around it.
const NUMBER: usize = 8;

impl Terminal {
    pub(super) fn new(color: ColorChoice) -> Self {
        Self { color }
    }

    /// How data for people looks on stdout; in a file it looks as in a pipe.
    pub(super) fn stdout(self, into_file: bool) -> Renderer {
        let is_terminal = io::stdout().is_terminal() && !into_file;
        let links = is_terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
        Renderer::new(Look { links, ..self.look(is_terminal) })
    }

    /// What is said beside the data.
    pub(super) fn stderr(self) -> Messages {
        Messages { renderer: Renderer::new(self.look(io::stderr().is_terminal())) }
    }

    fn look(self, is_terminal: bool) -> Look {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !no_color,
        };
        let unicode = is_terminal || self.color == ColorChoice::Always;
        let columns = columns(is_terminal);
        Look { unicode, color, links: false, width: width(is_terminal), columns }
    }
}

/// Columns that a screen has for a line of a text, behind its number.
fn columns(is_terminal: bool) -> usize {
    let size = terminal_size::terminal_size().filter(|_| is_terminal);
    size.map_or(Look::PLAIN.columns, |(width, _)| usize::from(width.0).saturating_sub(NUMBER))
}

/// The width that COLUMNS or the terminal says, else that of plain text.
fn width(is_terminal: bool) -> usize {
    let given = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let found = || {
        let size = terminal_size::terminal_size().filter(|_| is_terminal);
        size.map(|(width, _)| usize::from(width.0))
    };
    given.or_else(found).unwrap_or(Look::PLAIN.width).min(120)
}

/// Messages on stderr.
pub(super) struct Messages {
    renderer: Renderer,
}

impl Messages {
    /// Tells a fault that ends the run.
    pub(super) fn fault(&self, fault: &Fault) -> io::Result<()> {
        self.tell(&Diagnostic::new(Severity::High, fault.to_string()))
    }

    /// Tells what is wrong with files.
    pub(super) fn problems(&self, problems: &[FileProblem]) -> io::Result<()> {
        problems.iter().try_for_each(|problem| {
            let place = problem
                .position
                .map(|position| format!(":{}:{}", position.line, position.column))
                .unwrap_or_default();
            let message = format!("{}{place}: {}", problem.path, problem.message);
            self.tell(&Diagnostic::new(Severity::Medium, message).help(problem.help.clone()))
        })
    }

    /// Tells that there is nothing to audit among the files that were looked at, and what of infrastructure
    /// code among them was seen and is not known.
    pub(super) fn nothing(&self, paths: &[String], loaded: &Loaded) -> io::Result<()> {
        self.problems(loaded.aside.as_slice())?;
        let files = match loaded.read {
            1 => "1 file".to_owned(),
            read => format!("{read} files"),
        };
        let message = format!(
            "nothing to audit found in {}: of {files}, none is an aws CLI output on keys, identities \
             or organizations, a policy document that speaks of KMS, a scenario, or infrastructure code \
             that declares keys",
            paths.join(", ")
        );
        let help = "`keyreach collect-script` prints a script that makes an export";
        self.tell(&Diagnostic::new(Severity::Medium, message).help(help))?;
        let seen = Coverage::of(&loaded.inventory).unwrap_or_default();
        let mut seen: Vec<String> = seen.unresolved.into_iter().chain(seen.assumed).collect();
        match seen.len().checked_sub(SEEN) {
            None if seen.is_empty() => return Ok(()),
            None | Some(0) => {}
            Some(more) => {
                seen.truncate(SEEN);
                seen.push(format!("{more} more"));
            }
        }
        self.note(&format!("seen in infrastructure code all the same: {}", seen.join("; ")))
    }

    /// Tells that nothing is asserted.
    pub(super) fn no_assertions(&self, paths: &[String]) -> io::Result<()> {
        let message = format!("no assertion found for {}", paths.join(", "));
        let help = "write `assertions:` in keyreach.yaml, or in files *.assert.yaml among what is \
                    read; `keyreach schema config` prints the form";
        self.tell(&Diagnostic::new(Severity::Medium, message).help(help))
    }

    /// Tells something beside the data that is no fault.
    pub(super) fn note(&self, text: &str) -> io::Result<()> {
        self.tell(&Diagnostic::new(Severity::Info, text))
    }

    /// Tells something with its place.
    pub(super) fn tell(&self, diagnostic: &Diagnostic) -> io::Result<()> {
        self.renderer.render(&mut io::stderr().lock(), diagnostic)
    }
}
