//! The matrix: every principal, key and action with what holds of it, and the same from either side.
//!
//! [`Matrix`] answers for whole rows and columns; [`View`] is the part of it that a [`Question`] asks
//! for; [`About`] is what an answer stands on. Rows are expanded while they are written out, never all
//! at once.

mod about;
mod capability;
mod counts;
mod keys;
mod question;
mod union;
mod view;

pub use crate::access::{Access as Engine, Matrix, Row};
pub use about::About;
pub use capability::Capability;
pub use counts::Counts;
pub use keys::{KeyFacts, KeySet};
pub use question::{Question, Word, actions_named};
pub use view::{Access, Kind, United, View};
