//! A disk that is full, and a state directory that cannot be written.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::server::{Server, command, on_small_disk, refused_by, scratch};
use crate::state::{create_user, wait, whoami};

const COURSE: &str = "testdata/course";

#[test]
fn on_a_full_disk_changes_fail_cleanly_and_reads_go_on() {
    let state = scratch("full-disk");
    let server = Server::start_on_small_disk(COURSE, &state, "128");
    let made: Vec<u16> =
        (0..40).map(|number| create_user(&server, &format!("user-{number}"))).collect();
    assert_eq!(made.first(), Some(&200));
    assert_eq!(made.last(), Some(&500));
    let kept = made.iter().filter(|status| **status == 200).count();
    assert!(whoami(&server, &server.key("Alice")).is_some());
    server.kill();
    let server = Server::start(COURSE, &state, &[]);
    let users = server.keys().into_keys().filter(|name| name.starts_with("user-")).count();
    assert_eq!(users, kept);
    assert_eq!(create_user(&server, "after"), 200);
}

/// Lets the files of a process grow no more, or again as they like.
fn limit(server: &Server, most: &str) {
    let (pid, limit) = (server.id().to_string(), format!("--fsize={most}:unlimited"));
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(status.unwrap().success());
}

#[test]
fn what_cannot_be_kept_is_refused_with_why_in_the_log_and_goes_on_once_there_is_room() {
    let state = scratch("no-room");
    let server = Server::start_on_small_disk(COURSE, &state, "unlimited");
    let text = json!({ "KeyId": "alias/CMK-A", "Plaintext": "eA==" });
    let blob = server.kms("Alice", "Encrypt", &text).ok()["CiphertextBlob"].clone();
    let made =
        |description: &str| server.kms("root", "CreateKey", &json!({ "Description": description }));
    let first = made("first").ok()["KeyMetadata"]["Arn"].clone();
    limit(&server, "0");
    assert_eq!(create_user(&server, "refused"), 500);
    let refused = made("refused");
    assert_eq!((refused.status, refused.fault().as_deref()), (500, Some("KMSInternalException")));
    assert!(refused.message().contains("the change cannot be written"), "{}", refused.message());
    let told = || server.log().matches("the change cannot be written: File too large").count();
    wait(|| told() >= 2);
    assert_eq!(told(), 2, "{}", server.log());
    // What changes nothing goes on.
    let open = json!({ "CiphertextBlob": blob });
    assert_eq!(server.kms("Alice", "Decrypt", &open).ok()["Plaintext"], "eA==");
    server.kms("Alice", "Encrypt", &text).ok();
    let keys = || server.kms("root", "ListKeys", &json!({})).ok()["Keys"].as_array().unwrap().len();
    assert_eq!(keys(), 4);
    assert!(whoami(&server, &server.key("Alice")).is_some());
    limit(&server, "unlimited");
    let last = made("last").ok()["KeyMetadata"]["Arn"].clone();
    server.kill();
    let server = Server::start(COURSE, &state, &[]);
    for key in [first, last] {
        server.kms("root", "DescribeKey", &json!({ "KeyId": key })).ok();
    }
    assert_eq!(
        server.kms("root", "ListKeys", &json!({})).ok()["Keys"].as_array().unwrap().len(),
        5
    );
    assert!(!server.keys().contains_key("refused"));
}

#[test]
fn nothing_is_served_where_there_is_no_room_to_begin() {
    let state = scratch("no-beginning");
    let (code, said) = refused_by(on_small_disk(COURSE, &state.join("state"), "0"));
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot write") && said.contains("too large"), "{said}");
}

/// A user whom permissions hold back: root is held back by none.
const NOBODY: u32 = 65534;

/// A place that this user can reach, with a small export; gone with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("keyreach-read-only-{}", std::process::id()));
        fs::create_dir_all(root.join("state")).unwrap();
        let world = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: { ann: {} }\n";
        fs::write(root.join("world.yaml"), world).unwrap();
        let place = Self(root);
        if place.is_roots() {
            fs::copy(env!("CARGO_BIN_EXE_keyreach"), place.0.join("keyreach")).unwrap();
            std::os::unix::fs::chown(place.state(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        place.set(0o700, 0o600);
        place
    }

    fn is_roots(&self) -> bool {
        fs::metadata(&self.0).unwrap().uid() == 0
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Gives directories and files of the state these modes.
    fn set(&self, directories: u32, files: u32) {
        for entry in walkdir::WalkDir::new(self.state()) {
            let entry = entry.unwrap();
            let mode = if entry.file_type().is_dir() { directories } else { files };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    fn serve(&self) -> Command {
        let export = self.0.join("world.yaml");
        let plain = command(export.to_str().unwrap(), &self.state(), &[]);
        if !self.is_roots() {
            return plain;
        }
        let user = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.arg(self.0.join("keyreach")).args(plain.get_args()).current_dir(&self.0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Every file below with its bytes.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    let files = entries.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(|file| (file.path().to_owned(), fs::read(file.path()).unwrap())).collect()
}

#[test]
fn a_state_that_cannot_be_written_refuses_to_start_and_while_it_is_served_loses_nothing() {
    let place = Place::new();
    let server = Server::by(place.serve(), &place.state());
    assert_eq!(create_user(&server, "before"), 200);
    // The journal is open; documents follow at the next start.
    place.set(0o500, 0o400);
    assert_eq!(create_user(&server, "meanwhile"), 200);
    assert!(whoami(&server, &server.key("ann")).is_some());
    server.kill();
    let before = files(&place.state());
    let (code, said) = refused_by(place.serve());
    assert_eq!(code, Some(2));
    assert!(said.contains("cannot lock") && said.contains("denied"), "{said}");
    assert_eq!(files(&place.state()), before);
    place.set(0o700, 0o600);
    let server = Server::by(place.serve(), &place.state());
    let there = server.keys();
    assert!(there.contains_key("before") && there.contains_key("meanwhile"));
}
