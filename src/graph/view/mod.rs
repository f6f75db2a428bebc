//! Pictures of a network: a part of it, and nodes that are alike drawn as one, so that it stays legible.
//!
//! Pure functions from a [`Network`](super::Network) to a [`Picture`]; nothing here knows a format.

mod collapse;
mod names;
mod part;

pub use collapse::{Collapse, Line, Picture, Spot, picture};
pub use names::{account, short};
pub use part::{Part, between, leading_to, of_accounts, reached_from, whole};
