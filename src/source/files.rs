//! Bytes by path: the one way input comes in.

use std::collections::BTreeMap;
use std::io;

/// A path that a [`Files`] holds, or a fault met while looking for paths.
#[derive(Debug)]
pub enum Listed {
    /// A file that can be asked for.
    File(String),
    /// A link that leads out of what was asked for: it is not followed.
    Outside(String),
    /// A path that could not be walked, and why (not there, unreadable, a cycle of links).
    Fault(String, io::Error),
}

/// Where files come from: a disk, a git revision, or edits laid over either.
pub trait Files: Sync {
    /// The files at or below `root`, sorted by path; a file is listed itself.
    fn list(&self, root: &str) -> Vec<Listed>;

    /// The bytes of the file at `path`, a path that [`Files::list`] gave.
    ///
    /// # Errors
    /// What the system says: not there, not readable.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The same bytes in place of what `buffer` holds, whose room is used again where that saves time.
    ///
    /// # Errors
    /// Those of [`Files::read`]; what `buffer` holds then is nobody's.
    fn read_into(&self, path: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
        *buffer = self.read(path)?;
        Ok(())
    }
}

/// Files held in memory: tests, and edits that are not on a disk yet.
#[derive(Clone, Default, Debug)]
pub struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// Puts `bytes` at `path`, in place of what stood there.
    pub fn put(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), bytes.into());
    }
}

impl Files for Memory {
    fn list(&self, root: &str) -> Vec<Listed> {
        let folder = format!("{}/", root.trim_end_matches('/'));
        let below = |path: &&String| root == "." || *path == root || path.starts_with(&folder);
        let found: Vec<Listed> =
            self.files.keys().filter(below).map(|path| Listed::File(path.clone())).collect();
        if found.is_empty() && root != "." {
            return vec![Listed::Fault(root.to_owned(), io::ErrorKind::NotFound.into())];
        }
        found
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
