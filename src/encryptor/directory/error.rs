//! Why a state directory cannot be opened, or a change cannot be kept.

use std::io;
use std::path::Path;

/// Why the state cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process serves it.
    #[error("{0}: in use by another process")]
    InUse(String),
    /// It was changed by somebody else, or by a disk that fails. Nothing is touched.
    #[error(
        "{path}: damaged: {what}; nothing was changed: restore the directory, or take a new one"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// It holds files, and no state.
    #[error(
        "{0}: holds other files and no state: name an empty directory, or one that is not there"
    )]
    NotState(String),
    /// Others than its owner may read it.
    #[error("{0}: open to others than its owner: `chmod 700` it")]
    Open(String),
    /// What the system says.
    #[error("cannot {what} {path}: {cause}")]
    Io {
        /// `read`, `write`, ...
        what: &'static str,
        /// The file.
        path: String,
        /// The system's word.
        cause: io::Error,
    },
    /// A change was refused as a whole: most often a full disk.
    #[error("the change cannot be written: {0}")]
    NotWritten(io::Error),
    /// A document whose path would lead elsewhere: a key of the export has an id that AWS does not give.
    #[error("`{0}` cannot be the name of a document: the ARN it is made of is none that AWS gives")]
    BadName(String),
    /// Whether an earlier change reached the disk is not known.
    #[error("an earlier change could not be synced to the disk: restart")]
    Broken,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl StateError {
    /// A closure for `map_err` over a file of the directory.
    pub(super) fn io(
        what: &'static str,
        root: &Path,
        name: &str,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = root.join(name).display().to_string();
        move |cause| Self::Io { what, path, cause }
    }

    pub(super) fn damaged(root: &Path, name: &str, what: impl Into<String>) -> Self {
        Self::Damaged { path: root.join(name).display().to_string(), what: what.into() }
    }
}
