//! The snapshot: which documents there are, and their digests.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use aws_lc_rs::digest as sha;

use super::{StateError, file};

pub(super) const NAME: &str = "snapshot";
const MAGIC: &str = "keyreach state 1";

/// The SHA-256 of each document by its name.
pub(super) type Digests = BTreeMap<String, [u8; 32]>;

/// SHA-256.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    let digest = sha::digest(&sha::SHA256, bytes);
    digest.as_ref().try_into().unwrap_or_default()
}

/// Writes the names and digests as `sha256sum` would, and last the digest of that; by a rename, and synced.
pub(super) fn write(root: &Path, digests: &Digests) -> Result<(), StateError> {
    let mut text = format!("{MAGIC}\n");
    for (name, digest) in digests {
        // A string takes whatever is written.
        let _ = writeln!(text, "{}  {name}", hex(digest));
    }
    let checksum = hex(&digest(text.as_bytes()));
    text.push_str(&checksum);
    text.push('\n');
    file::put_synced(root, NAME, Some(text.as_bytes()))
}

/// Reads them back.
pub(super) fn read(root: &Path) -> Result<Digests, StateError> {
    let bytes = file::get(root, NAME).map_err(StateError::io("read", root, NAME))?;
    let damaged = |what: &str| StateError::damaged(root, NAME, what);
    let text = str::from_utf8(&bytes).map_err(|_| damaged("it is no text"))?;
    let body = text.strip_suffix('\n').and_then(|text| text.rsplit_once('\n'));
    let (lines, checksum) = body.ok_or_else(|| damaged("it is cut off"))?;
    if hex(&digest(format!("{lines}\n").as_bytes())) != checksum {
        return Err(damaged("it does not match its checksum"));
    }
    let mut lines = lines.lines();
    if lines.next() != Some(MAGIC) {
        return Err(damaged("it was written by another version of keyreach"));
    }
    let entry = |line: &str| {
        let (digest, name) = line.split_once("  ")?;
        Some((name.to_owned(), unhex(digest)?))
    };
    lines.map(entry).collect::<Option<Digests>>().ok_or_else(|| damaged("a line cannot be read"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let bytes: Vec<u8> = digits?
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |all, digit| all << 4 | digit))
        .collect();
    bytes.try_into().ok()
}
