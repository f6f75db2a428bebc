//! `keyreach init`: what it writes, and what it leaves alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::sync::Arc;

use keyreach::config;
use keyreach::findings::Base;
use keyreach::source::FileId;
use support::command::{Folder, Run, keyreach};

const FILES: [&str; 2] = ["keyreach.yaml", ".pre-commit-config.yaml"];

const WORLD: &str = "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    keys: { k: {} }\n";

fn init(folder: &Folder, args: &[&str]) -> Run {
    keyreach(&[&["init"], args].concat()).within(folder.path()).run()
}

fn read(folder: &Folder, name: &str) -> Option<String> {
    fs::read_to_string(folder.path().join(name)).ok()
}

#[test]
fn both_files_are_written_and_say_what_is_next() {
    let folder = Folder::new("init-both");
    folder.put("world.yaml", WORLD);
    let run = init(&folder, &[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("keyreach.yaml: written\n"), "{}", run.stdout);
    assert!(run.stdout.contains("keyreach check --write-baseline"), "{}", run.stdout);
    assert!(FILES.iter().all(|name| read(&folder, name).is_some()));
    let check = keyreach(&["check", "."]).within(folder.path()).run();
    assert_eq!((check.code, check.stderr.as_str()), (0, ""), "a configuration without a choice");
}

#[test]
fn nothing_that_is_there_is_touched() {
    let folder = Folder::new("init-there");
    folder.put("keyreach.yml", "persona: auditor\n").put(FILES[1], "repos: []\n");
    let run = init(&folder, &[]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("keyreach.yml: is there, and stays as it is"), "{}", run.stdout);
    assert!(run.stdout.contains("entry: keyreach check"), "the entry to add: {}", run.stdout);
    assert_eq!(read(&folder, "keyreach.yml").as_deref(), Some("persona: auditor\n"));
    assert_eq!(read(&folder, FILES[1]).as_deref(), Some("repos: []\n"));
    assert_eq!(read(&folder, "keyreach.yaml"), None, "two would be refused");
}

#[test]
fn a_dry_run_writes_nothing_and_a_missing_directory_is_a_fault() {
    let folder = Folder::new("init-dry");
    let run = init(&folder, &["--dry-run"]);
    assert!(run.code == 0 && run.stdout.contains("would be written"), "{}", run.stdout);
    assert!(FILES.iter().all(|name| read(&folder, name).is_none()));
    let run = init(&folder, &["no-such"]);
    assert!(run.code == 2 && run.stderr.contains("cannot write no-such"), "{}", run.stderr);
}

#[test]
fn every_choice_in_its_comments_is_one() {
    let folder = Folder::new("init-choices");
    init(&folder, &[]);
    let text = read(&folder, FILES[0]).unwrap();
    assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')));
    let choices: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let base = Base { current: "/".into(), folder: "/".into() };
    let (config, faults) = config::read(&choices.join("\n"), FileId(0), Arc::new(base));
    assert_eq!(faults, []);
    assert_eq!((config.assertions.len(), config.ignore.len(), config.paths.len()), (3, 1, 1));
    let schema: serde_json::Value = serde_json::from_str(config::SCHEMA).unwrap();
    let members = schema["properties"].as_object().unwrap().keys();
    for member in members {
        assert!(choices.iter().any(|line| line.starts_with(&format!("{member}:"))), "{member}");
    }
}
