//! Files and directories for their owner alone, and the lock.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use super::StateError;

pub(super) const LOCK: &str = "lock";

/// What stands at the top of a state directory.
const TOP: [&str; 3] = ["secret", "snapshot", "journal"];

/// Held as long as the process serves the directory; the system gives it back, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(root: &Path) -> Result<Self, StateError> {
        let refused = |cause| StateError::io("lock", root, LOCK)(cause);
        let file = opened(OpenOptions::new().write(true).create(true), &root.join(LOCK));
        let file = file.map_err(refused)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse(root.display().to_string())),
            Err(TryLockError::Error(cause)) => Err(StateError::io("lock", root, LOCK)(cause)),
        }
    }
}

/// Makes the directory where it is not there. Whether it holds no state yet.
pub(super) fn prepare(root: &Path) -> Result<bool, StateError> {
    let told = |what| StateError::io(what, root, "");
    if !root.exists() {
        directory(root).map_err(told("make"))?;
        return Ok(true);
    }
    let entries = fs::read_dir(root).map_err(told("read"))?;
    let names: Result<Vec<_>, io::Error> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let names = names.map_err(told("read"))?;
    let has = |name: &str| names.iter().any(|known| known == name);
    if has("secret") {
        return match is_private(root).map_err(told("read"))? {
            true => Ok(false),
            false => Err(StateError::Open(root.display().to_string())),
        };
    }
    // What an earlier start left that was killed before there was a secret.
    let unfinished = |name: &String| {
        let name = name.strip_suffix(PART).unwrap_or(name);
        name == LOCK || TOP.contains(&name)
    };
    if !names.iter().all(unfinished) {
        return Err(StateError::NotState(root.display().to_string()));
    }
    make_private(root).map_err(told("change"))?;
    Ok(true)
}

/// What a file is called until it is complete.
pub(super) const PART: &str = ".part";

/// Writes a document in one step, or removes it, without a sync.
pub(super) fn put(root: &Path, name: &str, bytes: Option<&[u8]>) -> io::Result<()> {
    write(root, name, bytes, |_| Ok(()))
}

/// Writes a document in one step, or removes it, for good.
pub(super) fn put_synced(root: &Path, name: &str, bytes: Option<&[u8]>) -> Result<(), StateError> {
    let written = write(root, name, bytes, File::sync_all);
    let path = root.join(name);
    let synced = written.and_then(|()| path.parent().map_or(Ok(()), sync_directory));
    synced.map_err(StateError::io("write", root, name))
}

fn write(
    root: &Path,
    name: &str,
    bytes: Option<&[u8]>,
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let path = root.join(name);
    let Some(bytes) = bytes else {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    if let Some(parent) = path.parent() {
        directory(parent)?;
    }
    made(root, name, bytes, sync).map(drop)
}

/// Writes a file in one step, and leaves it open: its end is behind what was written.
pub(super) fn made(
    root: &Path,
    name: &str,
    bytes: &[u8],
    sync: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<File> {
    let path = root.join(name);
    let part = root.join(format!("{name}{PART}"));
    let mut file = opened(OpenOptions::new().write(true).create(true).truncate(true), &part)?;
    let written = file.write_all(bytes).and_then(|()| sync(&file));
    let renamed = written.and_then(|()| fs::rename(&part, &path));
    if renamed.is_err() {
        // A full disk keeps no halves.
        let _ = fs::remove_file(&part);
    }
    renamed.map(|()| file)
}

/// Writes a file that its owner alone can read, in one step and synced.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    write(folder, &name, Some(bytes), File::sync_all)?;
    sync_directory(folder)
}

/// The bytes of a file.
pub(super) fn get(root: &Path, name: &str) -> io::Result<Vec<u8>> {
    fs::read(root.join(name))
}

/// Opens a file, which only its owner can read where it is made.
pub(super) fn opened(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

/// That what was renamed or made in the directory stays so.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn is_private(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 == 0)
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn is_private(_path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(not(unix))]
fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}
