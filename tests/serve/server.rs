//! `keyreach serve` as a process, and a client that speaks to it by hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::signer::{AccessKey, Draft};
use crate::wire::{Answer, Client};

/// A directory of its own for one test, empty.
pub fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// A running endpoint; ends with the test.
pub struct Server {
    child: Child,
    address: SocketAddr,
    state: PathBuf,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `export` with its state in `state`.
    pub fn start(export: &str, state: &Path, more: &[&str]) -> Self {
        Self::of(command(export, state, more), state)
    }

    /// Serves with files that cannot grow over so many blocks of 512 bytes, as on a disk that fills up.
    pub fn start_on_small_disk(export: &str, state: &Path, blocks: &str) -> Self {
        Self::of(on_small_disk(export, state, blocks), state)
    }

    /// Serves by a command of the test's own making.
    pub fn by(command: Command, state: &Path) -> Self {
        Self::of(command, state)
    }

    fn of(mut command: Command, state: &Path) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().unwrap();
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                let mut stderr = BufReader::new(stderr);
                let mut line = Vec::new();
                while stderr.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                    log.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                    line.clear();
                }
            }
        });
        let address = line.trim_end().strip_prefix("http://").and_then(|it| it.parse().ok());
        let address = address.unwrap_or_else(|| {
            let _ = child.wait();
            panic!("no address but {line:?}: {}", log.lock().unwrap())
        });
        Self { child, address, state: state.to_owned(), log, reader: Some(reader) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The access keys of the credentials file, by section.
    pub fn keys(&self) -> BTreeMap<String, AccessKey> {
        keys(&fs::read_to_string(self.state.join("credentials")).unwrap())
    }

    /// The access key of one section.
    pub fn key(&self, section: &str) -> AccessKey {
        self.keys().remove(section).unwrap_or_else(|| panic!("no section {section}"))
    }

    /// A new connection.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Sends one request on a connection of its own.
    pub fn send(&self, draft: &Draft, key: &AccessKey) -> Answer {
        self.client().send(&draft.signed(key, &self.address.to_string()))
    }

    /// One operation of KMS as `section`, in us-east-1.
    pub fn kms(&self, section: &str, operation: &str, body: &Value) -> Answer {
        self.send(&Draft::kms(operation, body), &self.key(section))
    }

    /// One operation of STS or IAM as `section`.
    pub fn query(&self, section: &str, service: &str, form: &[(&str, &str)]) -> Answer {
        self.send(&Draft::query(service, form), &self.key(section))
    }

    /// Ends the process as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has; its exit status and its log.
    pub fn end(mut self) -> (Option<i32>, String) {
        signal(self.id(), "TERM");
        let status = self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        (status.code(), self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(id: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status();
    assert!(status.unwrap().success());
}

/// A start that is refused: its exit status and what it says.
pub fn refused(export: &str, state: &Path, more: &[&str]) -> (Option<i32>, String) {
    refused_by(command(export, state, more))
}

/// The same by a command of the test's own making.
pub fn refused_by(mut command: Command) -> (Option<i32>, String) {
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

/// See [`Server::start_on_small_disk`].
pub fn on_small_disk(export: &str, state: &Path, blocks: &str) -> Command {
    let plain = command(export, state, &[]);
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited]).arg(plain.get_program()).args(plain.get_args());
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command that serves.
pub fn command(export: &str, state: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyreach"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_clear();
    command.args(["serve", export, "--port", "0", "--state-dir"]).arg(state).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads an AWS INI file.
pub fn keys(text: &str) -> BTreeMap<String, AccessKey> {
    let mut all = BTreeMap::new();
    for part in text.split("\n[").skip(1) {
        let (name, lines) = part.split_once("]\n").unwrap();
        let value = |name: &str| {
            let mut lines = lines.lines().filter_map(|line| line.split_once(" = "));
            lines.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        let key = AccessKey {
            id: value("aws_access_key_id").unwrap(),
            secret: value("aws_secret_access_key").unwrap(),
            token: value("aws_session_token"),
        };
        all.insert(name.to_owned(), key);
    }
    all
}
