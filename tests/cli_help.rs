//! Help: every subcommand ends it with two examples, and they run as they are printed.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::path::Path;
use std::process::Command;

use support::command::{Folder, ROOT, keyreach};

/// The subcommands that the help lists.
fn subcommands() -> Vec<String> {
    let help = keyreach(&["--help"]).run().stdout;
    let (_, listed) = help.split_once("\nCommands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

fn examples(subcommand: &str) -> Vec<String> {
    let run = keyreach(&[subcommand, "--help"]).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{subcommand}");
    let (_, examples) = run.stdout.split_once("\nExamples:\n").unwrap_or_else(|| {
        panic!("the help of {subcommand} has no examples:\n{}", run.stdout);
    });
    examples.lines().map(|line| line.strip_prefix("  ").unwrap().to_owned()).collect()
}

#[test]
fn every_example_runs_from_the_root_of_the_repository() {
    let folder = Folder::new("help-examples");
    let program = Path::new(env!("CARGO_BIN_EXE_keyreach"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let subcommands = subcommands();
    assert!(subcommands.contains(&"simulate".to_owned()), "{subcommands:?}");
    for subcommand in subcommands {
        let examples = examples(&subcommand);
        assert_eq!(examples.len(), 2, "{subcommand}: {examples:?}");
        for example in examples {
            // What an example writes, it writes elsewhere here.
            let mut script = example.clone();
            if let Some((command, file)) = example.rsplit_once(" > ") {
                let name = Path::new(file).file_name().unwrap();
                script = format!("{command} > {}", folder.path().join(name).display());
            }
            let mut script = script.replace("| less", "| cat");
            if subcommand == "serve" {
                // It ends when told.
                let state = folder.path().join("kms").display().to_string();
                let script_here = script.replace("target/kms", &state).replace("8080", "0");
                script = format!("timeout --preserve-status 3 {script_here}");
            }
            let shell = Command::new("sh")
                .args(["-c", &script])
                .env_clear()
                .env("PATH", &path)
                .current_dir(ROOT)
                .output()
                .unwrap();
            let stderr = String::from_utf8(shell.stderr).unwrap();
            // 1: what it checks has findings.
            assert!(matches!(shell.status.code(), Some(0 | 1)), "{example}: {stderr}");
            let said = !shell.stdout.is_empty() || !stderr.is_empty() || example.contains(" > ");
            assert!(said, "{example} says nothing");
        }
    }
}

#[test]
fn usage_errors_exit_with_2_and_say_what_is_meant() {
    let run = keyreach(&["simulat"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("'simulate'"), "{}", run.stderr);
    assert_eq!(keyreach(&[]).run().code, 2);
    assert_eq!(keyreach(&["simulate", "testdata/course"]).run().code, 2);
    let version = keyreach(&["--version"]).run();
    assert_eq!((version.code, version.stderr.as_str()), (0, ""));
    assert_eq!(version.stdout, format!("keyreach {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_and_manual_pages_name_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = keyreach(&["completions", shell]).run();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        for subcommand in subcommands() {
            assert!(run.stdout.contains(&subcommand), "{shell}: {subcommand}");
        }
    }
    let page = keyreach(&["man"]).run();
    for subcommand in subcommands() {
        assert!(page.stdout.contains(&subcommand.replace('-', "\\-")), "{subcommand}");
        assert_eq!(keyreach(&["man", &subcommand]).run().code, 0);
    }
    let unknown = keyreach(&["man", "simulat"]).run();
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no subcommand `simulat`"), "{}", unknown.stderr);
}

#[test]
fn the_script_is_printed_as_it_is() {
    let run = keyreach(&["collect-script"]).run();
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout, include_str!("../src/cli/collect_script/collect.sh"));
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let program = env!("CARGO_BIN_EXE_keyreach");
    let script = format!("{{ {program} collect-script; echo $? >&2; }} | head -n 1");
    for _ in 0..5 {
        let shell = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(shell.stderr).unwrap(), "0\n");
    }
}
