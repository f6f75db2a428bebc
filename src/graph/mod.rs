//! The principal-key graph: who could get to a key, and by which steps.
//!
//! It asks both engines and neither knows it: the matrix engine says which steps are possible for whole
//! classes, the reference evaluator executes what is found, call by call, in a copy of the world.

mod call;
mod launch;
mod network;
mod path;
mod placeholder;
mod sketch;
mod stated;
pub mod view;

pub use call::Call;
pub use launch::Launch;
pub use network::{Edge, Network, Node};
pub use path::{EdgeKind, Hop, Path};
pub use placeholder::{Found, Goal, Graph, Wanted};
pub use sketch::Sketch;
pub use stated::state;
