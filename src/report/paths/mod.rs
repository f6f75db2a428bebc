//! Paths for people and for programs.

mod human;
mod json;
mod line;
mod summary;

use crate::audit::{Basis, Texts};
use crate::graph::{Found, Goal};
use crate::inventory::Inventory;

pub(super) use line::Line;

pub use human::{Shown, write as human};
pub use json::{lines, write as json};
pub use summary::{SummaryReport, summary};

/// What is told where a cap was hit (rule T37).
pub const CAPPED: &str = "Not looked at: more calls about the organization could be made than were tried, \
     so that paths past such calls may be missing";

/// Everything that is told of paths.
pub struct PathsReport<'a> {
    /// The world.
    pub world: &'a Inventory,
    /// Its texts.
    pub texts: &'a Texts<'a>,
    /// What was found.
    pub found: &'a Found,
    /// What was to be gained.
    pub goal: Goal,
    /// The most primitives of a path.
    pub max_primitives: usize,
    /// What it stands on.
    pub basis: &'a Basis,
}
