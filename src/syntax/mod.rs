//! Bytes to one located tree, whatever the format. Knows nothing of AWS.
//!
//! Parsing never panics and never gives up on other documents: it returns what could be read plus the
//! [`Problem`]s met, each with its span. A document is at most 128 levels deep, so that whoever walks
//! a tree may recurse.
//!
//! - [`json`] reads one document strictly, or splits a text of several.

pub mod json;
mod node;

pub use node::{Kind, Member, Node, Problem};
