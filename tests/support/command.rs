//! The binary, run as a user runs it: in an environment with nothing else in it.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test that includes this module uses a part of it"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of `Cargo.toml`.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a run said.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A run of the binary in the making.
pub struct Keyreach {
    command: Command,
    stdin: Vec<u8>,
}

/// `keyreach` with these arguments, run from the repository's root.
pub fn keyreach(args: &[&str]) -> Keyreach {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyreach"));
    command.args(args).env_clear().current_dir(ROOT);
    Keyreach { command, stdin: Vec::new() }
}

impl Keyreach {
    /// The same with one more variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// The same in another directory.
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// The same with this on standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Run {
        let piped =
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = std::mem::take(&mut self.stdin);
        let feeder = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        // One that does not read its input closes it.
        let _ = feeder.join().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A folder of its own for one test, gone with it.
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    pub fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and the folders it needs.
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
        self
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Compares `actual` with the file `testdata/golden/<name>`, or writes it there where the variable
/// `KEYREACH_BLESS` is set.
pub fn golden(name: &str, actual: &str) {
    let path = Path::new(ROOT).join("testdata/golden").join(name);
    if std::env::var_os("KEYREACH_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{} differs from:\n{actual}", path.display());
}
