//! What the input was: a digest that `sha256sum` can check.

use std::io;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::source::{Files, Listed};

/// Files that take a digest of what is read of them.
///
/// [`Digested::digest`] is SHA-256 over the lines that `sha256sum` prints for the files, their paths
/// relative to the root they were found below, sorted:
/// `(cd DIR && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum) | sha256sum`.
/// Neither where the input lies nor the order of reading changes it.
pub struct Digested<'f> {
    files: &'f dyn Files,
    roots: Mutex<Vec<String>>,
    /// The paths that were read, each with the digest of its bytes.
    read: Mutex<Vec<(String, [u8; 32])>>,
}

impl<'f> Digested<'f> {
    /// The same files, digested while they are read.
    pub fn new(files: &'f dyn Files) -> Self {
        Self { files, roots: Mutex::default(), read: Mutex::default() }
    }

    /// The digest of all that was read, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let roots = self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let read = read.iter().map(|(path, digest)| (relative(&roots, path), digest));
        let mut lines: Vec<(&str, &[u8; 32])> = read.collect();
        lines.par_sort_unstable();
        lines.dedup();
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

/// `path` from the first root on that it is below; its name where it is the root.
fn relative<'p>(roots: &[String], path: &'p str) -> &'p str {
    let below = |root: &String| {
        let rest = path.strip_prefix(root.as_str())?;
        let below = rest.trim_start_matches('/');
        let is_below = below.len() < rest.len() || root.is_empty() || root.ends_with('/');
        match below.is_empty() {
            true => path.rsplit('/').next(),
            false => is_below.then_some(below),
        }
    };
    roots.iter().find_map(below).unwrap_or(path)
}

impl Files for Digested<'_> {
    fn list(&self, root: &str) -> Vec<Listed> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner).push(root.to_owned());
        self.files.list(root)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let bytes = self.files.read(path)?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push((path.to_owned(), digest));
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
    fn paths_go_on_behind_the_root_they_are_below() {
        let relative = |root: &str, path| relative(&[root.to_owned()], path).to_owned();
        assert_eq!(relative("x", "x/b/c.json"), "b/c.json");
        assert_eq!(relative("x/", "x/b/c.json"), "b/c.json");
        assert_eq!(relative("x/c.json", "x/c.json"), "c.json");
        assert_eq!(relative("x", "xy/c.json"), "xy/c.json");
        assert_eq!(relative(".", ".hidden/c.json"), ".hidden/c.json");
        assert_eq!(relative(".", "./c.json"), "c.json");
    }

    #[test]
    fn it_is_what_coreutils_say() {
        // (cd x && printf one > a.json && mkdir b && printf two > b/c.json && ...)
        let expected = "4ee29e8572f2a26c4e5eefd48ec76c8118e3e63ff6c0b5ed614265f004adf479";
        let found = digest("x", &[("x/b/c.json", "two"), ("x/a.json", "one")]);
        assert_eq!(found, expected);
        assert_eq!(digest("y/z", &[("y/z/a.json", "one"), ("y/z/b/c.json", "two")]), expected);
        let one = [("x/a.json", "one")];
        assert_eq!(digest("x/a.json", &one), digest("x", &one), "a file is known by its name");
        assert_ne!(digest("x", &[("x/b/c.json", "one"), ("x/a.json", "two")]), expected);
    }
}
