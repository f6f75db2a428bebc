//! The questions as functions: what the command line, an editor or another program calls.
//!
//! Each takes a loaded world and plain values and gives a value that `report` renders. Nothing here
//! knows an output format, or prints.

pub mod assertions;
mod bare;
mod basis;
mod check;
mod control;
mod coverage;
mod engine;
mod filter;
pub mod fixing;
mod further;
mod graph;
mod inline;
mod load;
pub mod matrix;
mod names;
mod paths;
mod simulate;
#[cfg(feature = "serve")]
pub mod verify;
mod why;

pub use crate::eval::reference::Ability;
pub use bare::asked_of;
pub use basis::Basis;
pub use check::{CheckOptions, Checked, Counts, check};
pub use control::{Aside, Control};
pub use coverage::{Coverage, Resolved};
pub use engine::Engine;
pub use filter::QuestionError;
pub use further::{Further, Pair as FurtherPair};
pub use graph::{Drawn, GraphQuestion, Networked};
pub use inline::inline_suppressions;
pub use load::{Texts, Whole};
pub use names::{NameError, key, near_principal, principal};
pub use paths::PathsQuestion;
pub use simulate::{Answer, Matched, Simulator};
pub use why::{Change, Holder, Overall, Story, Turn, why};
