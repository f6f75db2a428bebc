//! Bytes to one located tree, whatever the format. Knows nothing of AWS.
//!
//! Parsing never panics and never gives up on other documents: it returns what could be read plus the
//! [`Problem`]s met, each with its span. A document is at most 128 levels deep, so that whoever walks
//! a tree may recurse.
//!
//! - [`json`] reads one document strictly, or splits a text of several.
//! - [`yaml`] reads a stream of documents, their tags and their comments.

pub mod json;
mod node;
mod scalar;
pub mod yaml;

pub use node::{
    BROKEN, Kind, LIMITS, Member, Node, Problem, Unresolved, WHETHER, is_of_deployment,
    without_deployment,
};
