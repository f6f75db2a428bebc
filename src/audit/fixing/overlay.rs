//! Edits laid over files.

use std::collections::BTreeMap;
use std::io;

use crate::source::{Files, Listed};

use super::Candidate;
use super::bytes::{ByteEdit, edited};

/// Files as they are after fixes.
pub struct Overlay<'f> {
    under: &'f dyn Files,
    files: BTreeMap<String, Vec<u8>>,
}

impl<'f> Overlay<'f> {
    /// `under` with the edits of `candidates`; nothing where a file is gone or is no plain text.
    pub fn new(under: &'f dyn Files, candidates: &[&Candidate]) -> Option<Self> {
        let mut by_file: BTreeMap<&str, Vec<&ByteEdit>> = BTreeMap::new();
        for edit in candidates.iter().flat_map(|candidate| &candidate.edits) {
            by_file.entry(&edit.path).or_default().push(edit);
        }
        let mut files = BTreeMap::new();
        for (path, edits) in by_file {
            let bytes = under.read(path).ok()?;
            files.insert(path.to_owned(), edited(&bytes, &edits)?);
        }
        Some(Self { under, files })
    }

    /// The files that are different, with their bytes.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

impl Files for Overlay<'_> {
    fn list(&self, root: &str) -> Vec<Listed> {
        self.under.list(root)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.under.read(path),
        }
    }
}
