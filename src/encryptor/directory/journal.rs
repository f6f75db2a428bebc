//! The journal: changes in their order, each a record with checksums.
//!
//! ```text
//! "keyreach journal 1\n"
//! record: u32 length of the payload, u64 number of the record, 8 bytes of SHA-256 over both
//!         the payload, 32 bytes of SHA-256 over number and payload
//! payload: for each document: u32 length and name; u64 length and bytes, or u64::MAX where it goes
//! ```
//! Numbers are little-endian. The head of a record has a checksum of its own, so that a damaged length is
//! told from a record that was torn off.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::snapshot::digest;
use super::{StateError, Writes, file};

pub(super) const NAME: &str = "journal";
const MAGIC: &[u8] = b"keyreach journal 1\n";
const HEAD: usize = 4 + 8 + 8;
const GONE: u64 = u64::MAX;

/// Makes the names in a directory last.
pub(super) type SyncNames = fn(&Path) -> std::io::Result<()>;

/// The open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    length: u64,
    number: u64,
}

impl Journal {
    /// Writes an empty one.
    pub(super) fn create(root: &Path) -> Result<(), StateError> {
        file::put_synced(root, NAME, Some(MAGIC))
    }

    /// Reads what it holds, and where its last whole record ends. Changes nothing.
    pub(super) fn read(root: &Path) -> Result<(End, Writes), StateError> {
        let bytes = file::get(root, NAME).map_err(StateError::io("read", root, NAME))?;
        let damaged = |what: String| StateError::damaged(root, NAME, what);
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return Err(damaged("it begins as no journal does".to_owned()));
        };
        let mut changed = Writes::new();
        let mut number = 0;
        while !rest.is_empty() {
            match record(rest, number) {
                Record::Whole(payload, behind) => {
                    let writes = decode(payload)
                        .ok_or_else(|| damaged(format!("record {number} cannot be read")))?;
                    changed.extend(writes);
                    rest = behind;
                    number += 1;
                }
                Record::Torn => break,
                Record::Damaged => {
                    return Err(damaged(format!("record {number} does not match its checksum")));
                }
            }
        }
        let length = (bytes.len() - rest.len()) as u64;
        Ok((End { length, number }, changed))
    }

    /// Opens it behind its last whole record; what was torn off there is cut away.
    pub(super) fn open(root: &Path, end: End) -> Result<Self, StateError> {
        let End { length, number } = end;
        let told = |cause| StateError::io("write", root, NAME)(cause);
        let file = file::opened(OpenOptions::new().write(true), &root.join(NAME)).map_err(told)?;
        let mut journal = Self { file, length, number };
        journal.cut().map_err(StateError::io("write", root, NAME))?;
        Ok(journal)
    }

    /// Forgets what stands behind the last whole record.
    fn cut(&mut self) -> std::io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(())
    }

    /// Appends a change and syncs it.
    pub(super) fn append(&mut self, writes: &Writes) -> Result<(), StateError> {
        let bytes = encode(writes, self.number);
        if let Err(error) = self.file.write_all(&bytes) {
            // Half a record goes again, or nothing can be appended any more.
            self.cut().map_err(|_| StateError::Broken)?;
            return Err(StateError::NotWritten(error));
        }
        self.file.sync_data().map_err(|_| StateError::Broken)?;
        self.length += bytes.len() as u64;
        self.number += 1;
        Ok(())
    }

    /// Begins a new one: a snapshot has all of the old. Where the new one cannot be written the old one goes
    /// on; it is never appended to once the new one has its name. `sync` makes that name last.
    pub(super) fn restart(&mut self, root: &Path, sync: SyncNames) -> Result<(), StateError> {
        let file = file::made(root, NAME, MAGIC, File::sync_all);
        let file = file.map_err(StateError::io("write", root, NAME))?;
        *self = Self { file, length: MAGIC.len() as u64, number: 0 };
        // Before that a crash could bring the old one back, which would lack what is appended now.
        sync(root).map_err(|_| StateError::Broken)
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.number == 0
    }
}

/// Where the last whole record of a journal ends.
pub(super) struct End {
    length: u64,
    /// How many records stand before.
    number: u64,
}

enum Record<'b> {
    /// The payload, and what follows.
    Whole(&'b [u8], &'b [u8]),
    /// The file ends inside of it.
    Torn,
    /// It is there and not what was written.
    Damaged,
}

fn record(bytes: &[u8], number: u64) -> Record<'_> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
        return Record::Torn;
    };
    // A file that grew before its bytes were written, when the machine went down.
    if bytes.iter().all(|byte| *byte == 0) {
        return Record::Torn;
    }
    let length = head.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if head_of(length, number) != head {
        return Record::Damaged;
    }
    let Some((payload, rest)) = rest.split_at_checked(length as usize) else {
        return Record::Torn;
    };
    match rest.split_at_checked(32) {
        None => Record::Torn,
        Some((checksum, behind)) if checksum_of(number, payload) == checksum => {
            Record::Whole(payload, behind)
        }
        Some(_) => Record::Damaged,
    }
}

fn head_of(length: u32, number: u64) -> Vec<u8> {
    let mut head = [&length.to_le_bytes()[..], &number.to_le_bytes()[..]].concat();
    let checksum = digest(&head);
    head.extend(checksum.iter().take(8));
    head
}

fn checksum_of(number: u64, payload: &[u8]) -> [u8; 32] {
    digest(&[&number.to_le_bytes()[..], payload].concat())
}

fn encode(writes: &Writes, number: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, bytes) in writes {
        payload.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
        payload.extend_from_slice(name.as_bytes());
        let length = bytes.as_ref().map_or(GONE, |bytes| bytes.len() as u64);
        payload.extend_from_slice(&length.to_le_bytes());
        payload.extend_from_slice(bytes.as_deref().unwrap_or_default());
    }
    let mut record = head_of(u32::try_from(payload.len()).unwrap_or(u32::MAX), number);
    record.extend_from_slice(&payload);
    record.extend_from_slice(&checksum_of(number, &payload));
    record
}

fn decode(mut payload: &[u8]) -> Option<Writes> {
    let mut writes = Writes::new();
    while !payload.is_empty() {
        let (length, rest) = payload.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let (length, rest) = rest.split_first_chunk()?;
        let name = str::from_utf8(name).ok()?.to_owned();
        let (bytes, rest) = match u64::from_le_bytes(*length) {
            GONE => (None, rest),
            length => {
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(bytes.to_vec()), rest)
            }
        };
        writes.insert(name, bytes);
        payload = rest;
    }
    Some(writes)
}
