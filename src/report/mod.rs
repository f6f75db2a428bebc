//! Answers as bytes: one value in, one file per format.
//!
//! What is written is the same on every machine: sorted, without a clock, with paths as they were
//! given. Nothing here decides anything, or reads a file.

pub mod check;
mod excerpt;
pub mod matrix;
pub mod request_line;
pub mod rules;
mod schemas;
pub mod simulate;
pub mod why;

pub use excerpt::excerpt;
pub use schemas::SCHEMAS;
