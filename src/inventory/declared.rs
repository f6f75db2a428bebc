//! What infrastructure code leaves open.

use std::collections::BTreeSet;

use crate::source::FileId;

use super::Stated;

/// What is said of infrastructure code as a whole, beside the entities that it declares.
#[derive(Clone, Default, Debug)]
pub struct Declared {
    /// The files it stands in: what they do not say, nobody could have exported.
    pub files: BTreeSet<FileId>,
    /// Whole things that could not be resolved, in words, in the order of their places.
    pub unresolved: Vec<Stated<Box<str>>>,
    /// What was taken for granted, in words.
    pub assumed: BTreeSet<Box<str>>,
    /// Who is given a policy that could use keys, and may be anybody, in words.
    pub strangers: BTreeSet<Box<str>>,
}
