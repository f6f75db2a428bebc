//! What tests and benches share.

pub mod organisation;
pub mod seeds;
pub mod worlds;
