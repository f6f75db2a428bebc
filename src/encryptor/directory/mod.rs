//! The state directory: what clients changed, kept so that an acknowledged change survives a kill.
//!
//! ```text
//! STATE/lock                      held by the one process that serves it
//! STATE/secret                    the master secret, with its checksum
//! STATE/snapshot                  the names of all documents with their SHA-256, at the last checkpoint
//! STATE/journal                   every change since, each a record with its checksum
//! STATE/<account>/...             the documents, in the layout of an export: `keyreach check STATE` reads them
//! ```
//!
//! A change is a set of documents that are written or removed together. [`Directory::write`] appends it to the
//! journal and syncs that before it returns; the documents follow without a sync. A checkpoint syncs them,
//! writes a new snapshot beside the old one, renames it, and begins a new journal.
//!
//! At the start the journal is read over the snapshot. A last record that was torn off is dropped: nobody
//! was told of it. All other damage (a record, the snapshot, the secret, or a document that no record
//! writes again) refuses to start, and leaves every file as it is.
//!
//! Directories are for their owner alone (0700), and so are files (0600). Only this module writes there.

mod changed;
pub mod documents;
mod error;
mod file;
mod journal;
mod opened;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::source::{Files, Listed};

pub use error::StateError;
pub use file::write_private;

use file::Lock;
use journal::{Journal, SyncNames};
use snapshot::Digests;

/// A journal beyond this many bytes is taken into a snapshot.
const CHECKPOINT: u64 = 16 << 20;

/// Documents by name, and what a change makes of each: its new bytes, or nothing where it goes.
pub type Writes = BTreeMap<String, Option<Vec<u8>>>;

/// An open state directory, locked against every other process.
pub struct Directory {
    root: PathBuf,
    secret: Zeroizing<[u8; 32]>,
    held: Mutex<Held>,
    _lock: Lock,
}

/// Secrets, and documents that may be secret, stay out of every log.
impl fmt::Debug for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Directory({})", self.root.display())
    }
}

/// What changes while the directory is open.
struct Held {
    journal: Journal,
    /// The documents of the last snapshot.
    digests: Digests,
    /// What was changed since.
    changed: Writes,
    /// A sync failed: what the disk holds is not known, and nothing is acknowledged any more.
    broken: bool,
    /// [`file::sync_directory`], but in a test of a disk that fails.
    sync: SyncNames,
}

impl Directory {
    /// Opens the directory, and makes it where it is not there.
    ///
    /// # Errors
    /// It is in use, it is damaged, it is something else, or the system refuses.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        let is_new = file::prepare(root)?;
        let lock = Lock::take(root)?;
        // Another process may have made it in between.
        let is_new = is_new && !root.join(SECRET).exists();
        let secret = match is_new {
            true => create(root)?,
            false => read_secret(root)?,
        };
        let digests = snapshot::read(root)?;
        let (end, changed) = Journal::read(root)?;
        intact(root, &digests, &changed)?;
        let journal = Journal::open(root, end)?;
        let sync = file::sync_directory;
        let held = Held { journal, digests, changed, broken: false, sync };
        let directory = Self { root: root.to_owned(), secret, held: Mutex::new(held), _lock: lock };
        directory.held().checkpoint(root)?;
        Ok(directory)
    }

    /// The secret that all others are derived from; made once, at random.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Makes a change: all of it, or nothing, and for good once this returns. The names of documents are
    /// relative paths, with `/` between parts.
    ///
    /// # Errors
    /// The disk is full or refuses; nothing is changed then.
    pub fn write(&self, writes: &Writes) -> Result<(), StateError> {
        if let Some(name) = writes.keys().find(|name| !is_name(name)) {
            return Err(StateError::BadName(name.clone()));
        }
        let mut held = self.held();
        if held.broken {
            return Err(StateError::Broken);
        }
        if let Err(error) = held.journal.append(writes) {
            held.broken = !matches!(error, StateError::NotWritten(_));
            return Err(error);
        }
        for (name, bytes) in writes {
            // The journal has it: a document that cannot follow now is written at the next checkpoint.
            let _ = file::put(&self.root, name, bytes.as_deref());
            held.changed.insert(name.clone(), bytes.clone());
        }
        if held.journal.length() > CHECKPOINT {
            // The change is safe in the journal, which merely goes on growing where this fails.
            let _ = held.checkpoint(&self.root);
        }
        Ok(())
    }

    /// Takes the journal into the documents and a new snapshot.
    ///
    /// # Errors
    /// The disk is full or refuses; what was committed is safe all the same.
    pub fn checkpoint(&self) -> Result<(), StateError> {
        self.held().checkpoint(&self.root)
    }

    /// The names of all documents, sorted.
    pub fn names(&self) -> BTreeSet<String> {
        let held = self.held();
        let kept = held.digests.keys().filter(|name| !held.changed.contains_key(*name));
        let written = held.changed.iter().filter(|(_, bytes)| bytes.is_some());
        kept.cloned().chain(written.map(|(name, _)| name.clone())).collect()
    }

    /// The bytes of a document; nothing where it is not there.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let held = self.held();
        match held.changed.get(name) {
            Some(bytes) => Ok(bytes.clone()),
            None if held.digests.contains_key(name) => file::get(&self.root, name).map(Some),
            None => Ok(None),
        }
    }

    /// The text of a document; nothing where it is not there.
    ///
    /// # Errors
    /// It cannot be read, or is no text.
    pub fn text(&self, name: &str) -> Result<Option<String>, StateError> {
        let bytes = self.read(name).map_err(StateError::io("read", &self.root, name))?;
        let text = bytes.map(String::from_utf8).transpose();
        text.map_err(|_| self.damaged(name, "it is no text"))
    }

    /// That a document is not what was written there.
    pub fn damaged(&self, name: &str, what: &str) -> StateError {
        StateError::damaged(&self.root, name, what)
    }

    /// The path of the directory as it is printed.
    pub(super) fn shown(&self) -> String {
        self.root.to_string_lossy().replace('\\', "/")
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn checkpoint(&mut self, root: &Path) -> Result<(), StateError> {
        if self.broken {
            return Err(StateError::Broken);
        }
        if self.changed.is_empty() && self.journal.is_empty() {
            return Ok(());
        }
        let mut digests = self.digests.clone();
        for (name, bytes) in &self.changed {
            file::put_synced(root, name, bytes.as_deref())?;
            match bytes {
                Some(bytes) => digests.insert(name.clone(), snapshot::digest(bytes)),
                None => digests.remove(name),
            };
        }
        snapshot::write(root, &digests)?;
        let begun = self.journal.restart(root, self.sync);
        self.broken = matches!(begun, Err(StateError::Broken));
        begun?;
        self.digests = digests;
        self.changed.clear();
        Ok(())
    }
}

/// The documents as files that ingest reads; paths begin with the directory's.
impl Files for Directory {
    fn list(&self, root: &str) -> Vec<Listed> {
        self.names().iter().map(|name| Listed::File(format!("{root}/{name}"))).collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let root = self.shown();
        let name = path.strip_prefix(&*root).and_then(|name| name.strip_prefix('/'));
        let found = name.map(|name| Self::read(self, name)).transpose()?.flatten();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Whether a name stays inside of the directory and is none of its own files: ids and Regions come from
/// an export, and could hold anything.
fn is_name(name: &str) -> bool {
    let known = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with(file::PART)
            && part.chars().all(known)
    };
    let is_ours = [SECRET, file::LOCK, snapshot::NAME, journal::NAME].contains(&name);
    !is_ours && name.split('/').all(is_part)
}

const SECRET: &str = "secret";

/// A new directory: an empty snapshot and journal, and last the secret, which says that it is complete.
fn create(root: &Path) -> Result<Zeroizing<[u8; 32]>, StateError> {
    let mut secret = Zeroizing::new([0; 32]);
    rand::fill(&mut *secret).map_err(|_| StateError::NoRandomness)?;
    snapshot::write(root, &Digests::new())?;
    Journal::create(root)?;
    let mut bytes = Zeroizing::new(secret.to_vec());
    bytes.extend_from_slice(&snapshot::digest(&*secret));
    file::put_synced(root, SECRET, Some(&bytes))?;
    Ok(secret)
}

fn read_secret(root: &Path) -> Result<Zeroizing<[u8; 32]>, StateError> {
    let bytes = file::get(root, SECRET).map_err(StateError::io("read", root, SECRET))?;
    let bytes = Zeroizing::new(bytes);
    let damaged = || StateError::damaged(root, SECRET, "it does not match its checksum");
    let (secret, checksum) = bytes.split_at_checked(32).ok_or_else(damaged)?;
    match snapshot::digest(secret) == checksum {
        true => secret.try_into().map(Zeroizing::new).map_err(|_| damaged()),
        false => Err(damaged()),
    }
}

/// That every document that the journal does not write again is the one of the snapshot.
fn intact(root: &Path, digests: &Digests, changed: &Writes) -> Result<(), StateError> {
    for (name, expected) in digests.iter().filter(|(name, _)| !changed.contains_key(*name)) {
        let bytes = file::get(root, name).map_err(StateError::io("read", root, name))?;
        if snapshot::digest(&bytes) != *expected {
            return Err(StateError::damaged(root, name, "it is not as it was written"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
