//! The state directory and the credentials file, from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::server::{Server, refused, scratch, signal};
use crate::signer::AccessKey;

const COURSE: &str = "testdata/course";

pub fn create_user(server: &Server, name: &str) -> u16 {
    let form = [("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", name)];
    server.query("root", "iam", &form).status
}

pub fn whoami(server: &Server, key: &AccessKey) -> Option<String> {
    let form = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    server.send(&crate::signer::Draft::query("sts", &form), key).element("Arn")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_credentials_are_the_same_after_a_restart_and_others_in_another_state() {
    let folder = scratch("credentials");
    let (one, other) = (folder.join("one"), folder.join("other"));
    let server = Server::start(COURSE, &one, &[]);
    let first = fs::read_to_string(one.join("credentials")).unwrap();
    assert_eq!(mode(&one.join("credentials")), 0o600);
    assert_eq!(mode(&one), 0o700);
    server.kill();
    let _server = Server::start(COURSE, &one, &[]);
    assert_eq!(fs::read_to_string(one.join("credentials")).unwrap(), first);
    let file = folder.join("elsewhere.ini");
    let _other = Server::start(COURSE, &other, &["--credentials-file", file.to_str().unwrap()]);
    assert_ne!(fs::read_to_string(&file).unwrap(), first);
    assert_eq!(mode(&file), 0o600);
    assert!(!other.join("credentials").exists());
}

#[test]
fn a_second_process_on_the_same_state_is_refused() {
    let state = scratch("in-use");
    let server = Server::start(COURSE, &state, &[]);
    let (code, said) = refused(COURSE, &state, &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("in use by another process"), "{said}");
    drop(server);
    Server::start(COURSE, &state, &[]);
}

#[test]
fn damaged_state_refuses_to_start() {
    let state = scratch("damaged");
    let server = Server::start(COURSE, &state, &[]);
    assert_eq!(create_user(&server, "eve"), 200);
    server.kill();
    let mut journal = fs::read(state.join("journal")).unwrap();
    let middle = journal.len() / 2;
    journal[middle] ^= 1;
    fs::write(state.join("journal"), &journal).unwrap();
    let (code, said) = refused(COURSE, &state, &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("damaged") && said.contains("nothing was changed"), "{said}");
    assert_eq!(fs::read(state.join("journal")).unwrap(), journal);
}

#[test]
fn a_state_inside_the_export_is_refused() {
    let folder = scratch("inside");
    fs::create_dir_all(folder.join("export")).unwrap();
    let export = folder.join("export");
    let (code, said) = refused(export.to_str().unwrap(), &export.join("state"), &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("name one outside"), "{said}");
}

#[test]
fn the_export_is_read_again_at_a_hangup_and_changes_stay_on_top() {
    let folder = scratch("reload");
    let export = folder.join("world.yaml");
    let world = |users: &str| {
        let text = format!("keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n{users}");
        fs::write(&export, text).unwrap();
    };
    world("      alice: {}\n");
    let server = Server::start(export.to_str().unwrap(), &folder.join("state"), &[]);
    assert!(!server.keys().contains_key("carol"));
    fs::write(&export, "keyreach: scenario/1\naccounts: [").unwrap();
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: the export cannot be used"));
    let alice = server.key("alice");
    assert!(whoami(&server, &alice).is_some());
    world("      carol: {}\n");
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: done"));
    let carol = server.key("carol");
    let arn = "arn:aws:iam::111122223333:user/carol";
    assert_eq!(whoami(&server, &carol).as_deref(), Some(arn));
    assert_eq!(whoami(&server, &alice), None);
}

/// Waits for what comes soon: lines of the log are read beside the answers.
pub fn wait(until: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !until() {
        assert!(begun.elapsed().as_secs() < 30, "it does not come");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
