//! What rules find: a [`Finding`] with its places, its witness and its fingerprint, what mends it ([`Fix`]),
//! and the merging of findings of one cause. Also what the user does not want to hear of them, as values:
//! choices, suppressions, a baseline. Knows no rule and no output format.

mod baseline;
mod finding;
mod fingerprint;
mod fix;
mod merge;
mod suppression;

pub use baseline::{Baseline, Known};
pub use finding::{Cause, Explains, Finding, Label, Role};
pub use fix::{Access, Change, Fix, What};
pub use merge::{merged, once_a_block, once_a_cause, sort, without_explained};
pub use suppression::{Base, Choice, FileGlobs, PathRules, Reach, Suppressed, Suppression};
