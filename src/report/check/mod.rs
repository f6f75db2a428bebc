//! What `check` found, for people and for programs.

mod human;
mod json;

use crate::audit::{Checked, Texts};
use crate::diag::Severity;
use crate::findings::Label;
use crate::source::{FileProblem, Position, Span};

pub use human::write as human;
pub use json::write as json;

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
}

impl CheckReport<'_> {
    /// How many findings there are of each severity, the worst first.
    fn by_severity(&self) -> impl Iterator<Item = (Severity, usize)> + '_ {
        Severity::ALL.iter().map(|severity| {
            let same = self.checked.findings.iter().filter(|one| one.severity == *severity);
            (*severity, same.count())
        })
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
}
