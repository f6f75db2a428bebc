//! README's commands print what README says. `KEYREACH_BLESS=1` writes their output into it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// What a command line prints on stdout, run from the root of the repository.
fn output(line: &str) -> String {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("keyreach"), "{line}");
    let done = Command::new(env!("CARGO_BIN_EXE_keyreach"))
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .output()
        .unwrap();
    String::from_utf8(done.stdout).unwrap()
}

/// The text with every `console` block made anew: each `$` line with what it prints.
fn renewed(text: &str) -> (String, usize) {
    let (mut made, mut commands, mut inside) = (String::new(), 0, false);
    for line in text.lines() {
        let fence = line.starts_with("```");
        if fence {
            inside = !inside && line == "```console";
        }
        if !inside || fence {
            made.push_str(line);
            made.push('\n');
        } else if let Some(command) = line.strip_prefix("$ ") {
            commands += 1;
            let printed = output(command);
            made.push_str(&format!("$ {command}\n{}\n", printed.trim_end()));
        }
    }
    (made, commands)
}

#[test]
fn the_commands_print_what_the_readme_says() {
    let text = fs::read_to_string(readme()).unwrap();
    let (made, commands) = renewed(&text);
    assert!(commands >= 2, "README shows commands with their output");
    if std::env::var_os("KEYREACH_BLESS").is_some() {
        fs::write(readme(), &made).unwrap();
        return;
    }
    for (number, (kept, made)) in text.lines().zip(made.lines()).enumerate() {
        assert_eq!(kept, made, "README.md:{}", number + 1);
    }
    assert_eq!(text.lines().count(), made.lines().count());
}

#[test]
fn the_main_job_finds_four_faults_and_three_keys_that_do_not_rotate() {
    let printed = output("keyreach check testdata/course");
    assert!(printed.contains("7 findings: 1 high, 3 medium, 3 low in 19 files"), "{printed}");
}

#[test]
fn the_scenario_of_the_readme_is_one() {
    let text = fs::read_to_string(readme()).unwrap();
    let (_, rest) = text.split_once("```yaml\n").unwrap();
    let (scenario, _) = rest.split_once("```").unwrap();
    let mut files = keyreach::source::Memory::default();
    files.put("scenario.yaml", scenario);
    let loaded = keyreach::ingest::load(&files, &["scenario.yaml".to_owned()]);
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    assert_eq!((loaded.inventory.keys.len(), loaded.inventory.principal_count()), (1, 2));
}

#[test]
fn the_examples_of_the_readme_are_there() {
    let text = fs::read_to_string(readme()).unwrap();
    let paths: Vec<&str> = text
        .split('`')
        .filter(|part| part.starts_with("testdata/") || part.starts_with("src/"))
        .collect();
    assert!(paths.len() > 6);
    for path in paths {
        let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists();
        assert!(there, "{path}");
    }
}
