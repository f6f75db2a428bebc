//! What the input was: a digest that `sha256sum` can check.

use std::sync::OnceLock;

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::source::{FileId, Sources};

/// The digests of files, taken while they are read.
pub(super) struct Digests(Vec<OnceLock<[u8; 32]>>);

impl Digests {
    /// For this many files, of which none was read.
    pub(super) fn new(files: usize) -> Self {
        Self(vec![OnceLock::new(); files])
    }

    /// Takes the digest of a file.
    pub(super) fn take(&self, file: FileId, bytes: &[u8]) {
        if let Some(slot) = self.0.get(file.0 as usize) {
            slot.get_or_init(|| Sha256::digest(bytes).into());
        }
    }

    /// One digest of all files of `sources` that were read below `roots`, in hexadecimal digits.
    ///
    /// It is SHA-256 over the lines that `sha256sum` prints for the files, their paths relative to the
    /// root they were found below, sorted:
    /// `(cd DIR && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum) | sha256sum`.
    /// Neither where the input lies nor the order of reading changes it.
    pub(super) fn of_all(&self, roots: &[String], sources: &Sources) -> String {
        let read = (0..)
            .map(FileId)
            .zip(&self.0)
            .filter_map(|(file, slot)| Some((relative(roots, sources.path(file)), slot.get()?)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(root: &str, files: &[(&str, &str)]) -> String {
        let (digests, mut sources) = (Digests::new(files.len()), Sources::default());
        for (path, text) in files {
            digests.take(sources.add((*path).to_owned()), text.as_bytes());
        }
        digests.of_all(&[root.to_owned()], &sources)
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
