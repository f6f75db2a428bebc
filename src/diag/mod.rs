//! Diagnostics: how bad, how sure, and what is underlined. Knows nothing of AWS.

mod axes;

pub use axes::{Confidence, Persona, Severity};
