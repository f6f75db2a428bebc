//! What rules find: a [`Finding`] with its places, its witness and its fingerprint, and the merging of
//! findings of one cause. Knows no rule and no output format.

mod finding;
mod fingerprint;
mod merge;

pub use finding::{Finding, Label, Role};
pub use merge::merged;
