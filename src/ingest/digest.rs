//! What the input was: a digest that `sha256sum` can check.

use std::io;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};

use crate::source::{Files, Listed};

/// Where the relative part of a path begins, and the digest of what was read there.
type Known = (usize, Option<[u8; 32]>);

/// Files that take a digest of what is read of them.
///
/// [`Digested::digest`] is SHA-256 over the lines that `sha256sum` prints for the files, their paths
/// relative to the root they were found below, sorted:
/// `(cd DIR && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum) | sha256sum`.
/// Neither where the input lies nor the order of reading changes it.
pub struct Digested<'f> {
    files: &'f dyn Files,
    /// The paths that were listed, each with the digest of its bytes once it is read.
    known: Mutex<FxHashMap<String, Known>>,
}

impl<'f> Digested<'f> {
    /// The same files, digested while they are read.
    pub fn new(files: &'f dyn Files) -> Self {
        Self { files, known: Mutex::default() }
    }

    /// The digest of all that was read, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let read = known.iter().filter_map(|(path, (start, digest))| {
            Some((path.get(*start..).unwrap_or(path), digest.as_ref()?))
        });
        let mut lines: Vec<(&str, &[u8; 32])> = read.collect();
        lines.par_sort_unstable();
        let mut all = Sha256::new();
        for (path, digest) in lines {
            all.update(hexadecimal(digest));
            all.update("  ");
            all.update(path);
            all.update("\n");
        }
        hexadecimal(&all.finalize())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Where `path` goes on behind `root`; its name where it is the root.
fn relative(root: &str, path: &str) -> usize {
    let below = path.strip_prefix(root).map(|rest| rest.trim_start_matches('/'));
    let name = || path.rsplit_once('/').map_or(path, |(_, name)| name);
    let part = below.map_or(path, |rest| if rest.is_empty() { name() } else { rest });
    path.len() - part.len()
}

impl Files for Digested<'_> {
    fn list(&self, root: &str) -> Vec<Listed> {
        let listed = self.files.list(root);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for listed in &listed {
            if let Listed::File(path) = listed {
                known.entry(path.clone()).or_insert_with(|| (relative(root, path), None));
            }
        }
        listed
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(path)?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, kept)) = known.get_mut(path) {
            *kept = Some(digest);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use crate::source::Memory;

    use super::*;

    fn digest(root: &str, files: &[(&str, &str)]) -> String {
        let mut memory = Memory::default();
        files.iter().for_each(|(path, text)| memory.put(*path, *text));
        let digested = Digested::new(&memory);
        for listed in digested.list(root) {
            if let Listed::File(path) = listed {
                digested.read(&path).expect("it is there");
            }
        }
        digested.digest()
    }

    #[test]
    fn it_is_what_coreutils_say() {
        // (cd x && printf one > a.json && mkdir b && printf two > b/c.json && ...)
        let expected = "4ee29e8572f2a26c4e5eefd48ec76c8118e3e63ff6c0b5ed614265f004adf479";
        let found = digest("x", &[("x/b/c.json", "two"), ("x/a.json", "one")]);
        assert_eq!(found, expected);
        assert_eq!(digest("y/z", &[("y/z/a.json", "one"), ("y/z/b/c.json", "two")]), expected);
        assert_ne!(digest("x", &[("x/b/c.json", "one"), ("x/a.json", "two")]), expected);
    }
}
