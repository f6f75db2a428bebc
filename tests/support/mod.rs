//! What tests and benches share.

pub mod command;
pub mod matrix;
pub mod organisation;
pub mod paths;
pub mod seeds;
pub mod worlds;
