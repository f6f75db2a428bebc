//! The hooks and the action that other tools read, as far as they can be tried without these tools.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::command::Folder;

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn both_hooks_judge_the_whole_tree() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().unwrap();
    let of = |member: &str| -> Vec<&str> {
        hooks.iter().map(|hook| hook[member].as_str().unwrap()).collect()
    };
    assert_eq!(of("id"), ["keyreach", "keyreach-system"]);
    assert_eq!(of("language"), ["rust", "system"]);
    assert_eq!(of("entry"), ["keyreach check", "keyreach check"]);
    assert!(hooks.iter().all(|hook| hook["pass_filenames"] == Value::Bool(false)), "{hooks:?}");
    // What `keyreach init` writes asks for a look at the same files.
    let written = yaml("src/cli/init/pre-commit-config.yaml");
    let written = written["repos"][0]["hooks"][0]["files"].as_str().unwrap();
    assert_eq!(of("files"), [written, written]);
}

/// Runs the step of the action that checks, and gives its outputs and what it prints.
fn checked(name: &str, fail_on: &str, arguments: &str) -> (String, String, String) {
    let action = yaml(".github/actions/keyreach/action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["id"] == "check").unwrap();
    let folder = Folder::new(name);
    let binary = Path::new(env!("CARGO_BIN_EXE_keyreach")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap();
    let path = [binary].into_iter().chain(std::env::split_paths(&path));
    let script = format!("set -eo pipefail\n{}", step["run"].as_str().unwrap());
    let run = Command::new("bash")
        .args(["--noprofile", "--norc", "-c", &script])
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("RUNNER_TEMP", folder.path())
        .env("GITHUB_OUTPUT", folder.path().join("output"))
        .env("CHECKED", "testdata/course")
        .env("FAIL_ON", fail_on)
        .env("ARGUMENTS", arguments)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap();
    (read("output"), read("keyreach.sarif"), String::from_utf8(run.stdout).unwrap())
}

#[test]
fn the_action_annotates_and_leaves_a_report() {
    let (output, sarif, annotations) = checked("action_fails", "medium", "");
    assert_eq!(output, "status=1\n");
    assert!(annotations.contains(",file=testdata/course/"), "{annotations}");
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 7);
}

#[test]
fn the_action_passes_arguments_on() {
    let (output, sarif, annotations) =
        checked("action_passes", "never", "--select rotation-disabled --quiet");
    assert_eq!(output, "status=0\n");
    assert!(!annotations.contains("missing-root-statement"), "{annotations}");
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 3);
}
