//! What `check` found, for people and for programs.

mod baseline;
mod csv;
mod fixes;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod markdown;
mod sarif;
mod words;

use std::path::{Path, PathBuf};

use crate::audit::{Checked, Texts};
use crate::diag::Severity;
use crate::findings::{Finding, Label, Role};
use crate::source::{FileProblem, Position, Span};

pub use baseline::write as baseline;
pub use csv::write as csv;
pub use fixes::{changes, fixed};
pub use github::write as github;
pub use gitlab::write as gitlab;
pub use human::{Show, write as human};
pub use json::{lines, write as json};
pub use junit::write as junit;
pub use markdown::write as markdown;
pub use sarif::write as sarif;

/// Everything a report of `check` is made of.
pub struct CheckReport<'a> {
    /// What the rules found.
    pub checked: &'a Checked,
    /// What is wrong with files.
    pub problems: &'a [FileProblem],
    /// How many files were looked at.
    pub files: usize,
    /// How many of them are none of ours.
    pub skipped: usize,
    /// The texts that the places point into.
    pub texts: &'a Texts<'a>,
    /// The severity from which on a finding makes the run fail, where any does.
    pub fail_on: Option<Severity>,
    /// The directories that consumers take paths to count from, absolute: where keyreach runs, and the work
    /// tree that this lies in.
    pub folders: &'a [PathBuf],
}

/// A label with its place in its file.
struct Spot<'a> {
    /// The path as it was given.
    file: &'a str,
    /// First and last place; nothing where the file is gone.
    range: Option<(Position, Position)>,
    /// What is to be seen there.
    text: &'a str,
    /// Whether it is the place itself or one beside it.
    role: Role,
}

impl<'a> CheckReport<'a> {
    /// How many findings there are of each severity, the worst first.
    fn by_severity(&self) -> impl Iterator<Item = (Severity, usize)> + '_ {
        Severity::ALL.iter().map(|severity| {
            let same = self.checked.findings.iter().filter(|one| one.severity == *severity);
            (*severity, same.count())
        })
    }

    /// Where a label stands.
    fn spot(&self, label: &'a Label) -> Spot<'a> {
        let file = self.texts.path(label.place.file);
        Spot { file, range: self.located(label), text: &label.text, role: label.role }
    }

    /// Where a finding stands; each has a primary label, and it is the first.
    fn primary(&self, finding: &'a Finding) -> Option<Spot<'a>> {
        finding.labels.first().map(|label| self.spot(label))
    }

    /// Where a label stands in its file: first and last place; nothing where the file is gone.
    fn located(&self, label: &Label) -> Option<(Position, Position)> {
        let whole = self.texts.whole(label.place.file)?;
        let span = match label.span {
            Some(span) => label.place.locate(&whole.text, span),
            None => label.place.span,
        };
        let at = |offset| whole.lines.position(&whole.text, offset);
        let Span { start, end } = span;
        Some((at(start), at(end)))
    }

    /// A path as consumers that know a repository want it: counted from there, where it lies there.
    fn inside<'p>(&self, path: &'p str) -> &'p str {
        let within = |folder: &PathBuf| Path::new(path).strip_prefix(folder).ok()?.to_str();
        let within = self.folders.iter().find_map(within).filter(|rest| !rest.is_empty());
        within.unwrap_or_else(|| path.strip_prefix("./").unwrap_or(path))
    }

    /// Whether a finding makes the run fail.
    fn fails(&self, finding: &Finding) -> bool {
        self.fail_on.is_some_and(|from| finding.severity >= from)
    }

    /// The key a finding is about as people name it: its alias, with the id beside it.
    fn key_name(&self, finding: &Finding) -> Option<&'a str> {
        let key = finding.key.as_ref()?;
        Some(self.checked.key_names.get(key).map_or("", String::as_str))
    }
}
