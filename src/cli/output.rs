//! Where data goes: stdout, or a file that is complete or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use super::Fault;

/// A buffered place for data. [`Output::finish`] makes it count; dropped before, a file is not there.
pub(super) enum Output {
    /// Stdout.
    Stdout(BufWriter<Stdout>),
    /// A file, written beside its place and moved there at the end.
    File { writer: BufWriter<File>, path: PathBuf, unfinished: Unfinished },
}

/// A file that is removed unless it is moved to its place.
pub(super) struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // It may be gone already; there is nobody to tell.
            let _ = fs::remove_file(path);
        }
    }
}

impl Output {
    /// Opens `path`, or stdout where none is given or it is `-`.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Fault> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, io::stdout())));
        };
        let shown = path.display().to_string();
        // A link stays one; a pipe or a device is written as it is.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&path).is_ok_and(|known| !known.is_file()) {
            let file = File::options().write(true).open(&path).map_err(Fault::write(&shown))?;
            let writer = BufWriter::with_capacity(1 << 16, file);
            return Ok(Self::File { writer, path, unfinished: Unfinished(None) });
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let beside = path.with_file_name(name);
        let file = File::create_new(&beside).map_err(Fault::write(&shown))?;
        let unfinished = Unfinished(Some(beside));
        let writer = BufWriter::with_capacity(1 << 16, file);
        Ok(Self::File { writer, path, unfinished })
    }

    /// Writes what is left and puts a file in its place.
    ///
    /// # Errors
    /// The disk is full, the reader of a pipe is gone.
    pub(super) fn finish(self) -> Result<(), Fault> {
        match self {
            Self::Stdout(mut writer) => Ok(writer.flush()?),
            Self::File { writer, path, mut unfinished } => {
                let shown = path.display().to_string();
                let cause = |error: io::IntoInnerError<_>| error.into_error();
                let file = writer.into_inner().map_err(cause).map_err(Fault::write(&shown))?;
                if let Some(beside) = &unfinished.0 {
                    if let Ok(known) = fs::metadata(&path) {
                        let kept = file.set_permissions(known.permissions());
                        kept.map_err(Fault::write(&shown))?;
                    }
                    fs::rename(beside, &path).map_err(Fault::write(&shown))?;
                    unfinished.0 = None;
                }
                Ok(())
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(writer) => writer.write(bytes),
            Self::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(writer) => writer.flush(),
            Self::File { writer, .. } => writer.flush(),
        }
    }
}
