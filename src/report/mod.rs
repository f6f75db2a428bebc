//! Answers as bytes: one value in, one file per format.
//!
//! What is written is the same on every machine: sorted, without a clock, with paths as they were
//! given. Nothing here decides anything, or reads a file.

mod basis;
pub mod check;
mod citing;
mod escape;
mod excerpt;
pub mod graph;
pub mod matrix;
pub mod paths;
pub mod request_line;
pub mod rules;
#[cfg(test)]
mod schemas;
pub mod simulate;
pub mod test;
#[cfg(feature = "serve")]
pub mod verify;
pub mod why;

pub use excerpt::excerpt;

/// The JSON Schemas of the outputs, by name.
pub const SCHEMAS: [(&str, &str); 12] = [
    ("baseline", include_str!("schemas/baseline.schema.json")),
    ("check", include_str!("schemas/check.schema.json")),
    ("check-line", include_str!("schemas/check-line.schema.json")),
    ("graph", include_str!("schemas/graph.schema.json")),
    ("matrix", include_str!("schemas/matrix.schema.json")),
    ("matrix-about", include_str!("schemas/matrix-about.schema.json")),
    ("matrix-line", include_str!("schemas/matrix-line.schema.json")),
    ("paths", include_str!("schemas/paths.schema.json")),
    ("paths-line", include_str!("schemas/paths-line.schema.json")),
    ("test", include_str!("schemas/test.schema.json")),
    ("verify", include_str!("schemas/verify.schema.json")),
    ("why", include_str!("schemas/why.schema.json")),
];
