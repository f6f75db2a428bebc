//! What formulas ask about a key.

/// A question about the key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum KeyQuestion {}
