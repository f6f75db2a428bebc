//! What formulas ask about a caller.

/// A question about the caller.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum CallerQuestion {}
