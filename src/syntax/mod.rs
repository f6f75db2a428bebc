//! Bytes to one located tree, whatever the format. Knows nothing of AWS.
//!
//! Parsing never panics and never gives up on other documents: it returns what could be read plus the
//! [`Problem`]s met, each with its span.

mod node;

pub use node::{Kind, Member, Node, Problem};
