//! Ground: texts, the places in them, and where their bytes come from. Knows nothing of AWS.
//!
//! A [`Span`] counts bytes in the text it belongs to. A policy that stands inside a JSON string is a
//! text of its own (the decoded one); its [`Place`] says in which file and how it is written there,
//! and leads every span of the decoded text back to the bytes of the file.

mod decoded;
mod files;
mod lines;
mod place;
mod problem;
mod span;

pub use decoded::Decoded;
pub use files::{Files, Listed, Memory};
pub use lines::{LineCount, LineIndex, Position, first_line};
pub use place::{Encoding, FileId, Place, SourceFile, Sources};
pub use problem::{FileProblem, ProblemKind};
pub use span::{Located, Span};
