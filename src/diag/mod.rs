//! What is said to people about a text: a message, and the places it speaks of underlined.
//!
//! A [`Diagnostic`] is the one value that is handed to miette, and this module the one that knows it.
//! Its [`Snippet`]s are made fit to be shown when they are made: windows around the labels, lines of
//! bounded length, no control characters. Nothing here knows AWS, or where a text was read from.

mod axes;
mod diagnostic;
mod render;
mod snippet;
mod visible;

pub use axes::{Confidence, Persona, Severity};
pub use diagnostic::Diagnostic;
pub use render::{Look, Renderer, Tone};
pub use snippet::{Label, Snippet};
pub use visible::visible;
