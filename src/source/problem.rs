//! What is wrong with files, as whoever reads them tells it.

use super::{Position, Span};

/// A file that could not be used, or not wholly.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileProblem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The path as it is printed.
    pub path: String,
    /// Where, in bytes of the file's text.
    pub span: Option<Span>,
    /// The same place in lines and columns.
    pub position: Option<Position>,
    /// One line, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// What is wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ProblemKind {
    /// It is not there.
    NotFound,
    /// The system does not let it be read, or a link leads nowhere or in a circle.
    Unreadable,
    /// More than is read.
    TooLarge,
    /// Binary, damaged gzip, or a text that is not UTF-8.
    NotText,
    /// An export that is no JSON, or no YAML.
    Broken,
    /// An export whose content is not what the call prints.
    Unusable,
    /// A comment that should suppress findings, and does not say which, or why.
    Suppression,
}

impl ProblemKind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Unreadable => "unreadable",
            Self::TooLarge => "too-large",
            Self::NotText => "not-text",
            Self::Broken => "broken-syntax",
            Self::Unusable => "unusable-export",
            Self::Suppression => "bad-suppression",
        }
    }
}
