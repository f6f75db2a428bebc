//! What ends a run early.

use std::io;

/// Why a run ends without an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The user's arguments mean nothing.
    #[error("{0}")]
    Usage(String),
    /// A path that the user gave cannot be read or written.
    #[error("cannot {what} {path}: {cause}")]
    Path {
        /// `read` or `write`.
        what: &'static str,
        /// The path as given.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// Output cannot be written: a full disk, or a reader that is gone.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Fault {
    /// What was given for `option` means nothing.
    pub(super) fn argument(option: &str, error: &dyn std::fmt::Display) -> Self {
        Self::Usage(format!("{option}: {error}"))
    }

    /// A closure for `map_err` over a path that cannot be read.
    pub(super) fn read(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Path { what: "read", path, cause }
    }

    /// A closure for `map_err` over a path that cannot be written.
    pub(super) fn write(path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::Path { what: "write", path, cause }
    }
}
