//! What tests and benches share.

pub mod organisation;
