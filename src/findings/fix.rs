//! What mends a finding, in the text that it stands in. Where that is in bytes of a file is told elsewhere.

use crate::source::{Place, Span};

/// What mends a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fix {
    /// What it does: `write kms:Decrypt`.
    pub title: String,
    /// What becomes of access by it.
    pub access: Access,
    /// What is written otherwise; no two places touch.
    pub changes: Vec<Change>,
}

/// What becomes of access by a fix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// It stays, whatever the rest of the world is: what is taken out means nobody.
    Stays,
    /// The matrix of the world tells.
    Decided,
    /// It may change in ways that the matrix does not show: another service, a policy that nobody in the
    /// input has.
    MayChange,
}

/// One place that is written otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The text that it stands in.
    pub place: Place,
    /// The range of that text.
    pub span: Span,
    /// What is done there.
    pub what: What,
}

/// What is done in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A text within the range is replaced.
    Replace {
        /// What stands there.
        old: String,
        /// What is to stand there.
        new: String,
    },
    /// The range, an item of a list, is taken out with what parts it from its neighbours.
    TakeOut,
    /// The range, a comment, is taken out with the line that it has for itself.
    Comment,
}
