//! The answers that are known beforehand: `testdata/answers` through the binary, and the course, whose
//! export and whose scenario are one world.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use keyreach::aws::{KeyArn, KmsAction};
use keyreach::decision::{Caller, Request, Target};
use keyreach::eval::reference::Reference;
use keyreach::ingest::{Disk, Loaded, load};
use serde_json::Value;
use support::command::{ROOT, keyreach};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

/// The worlds that have answers: each with its name in `testdata/answers`.
fn worlds() -> Vec<String> {
    let entries = fs::read_dir(Path::new(ROOT).join("testdata/answers")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let worlds: BTreeSet<String> =
        names.map(|name| name.split('.').next().unwrap().to_owned()).collect();
    worlds.into_iter().collect()
}

/// The directory of a world: its name is its path with `-` between the parts.
fn directory(name: &str) -> PathBuf {
    let whole = format!("testdata/{name}");
    let inner = name.rsplit_once('-').map(|(outer, last)| format!("testdata/{outer}/{last}"));
    let paths = std::iter::once(whole).chain(inner).map(PathBuf::from);
    let mut found = paths.filter(|path| Path::new(ROOT).join(path).is_dir());
    found.next().unwrap_or_else(|| panic!("no world is called {name}"))
}

#[test]
fn every_known_answer_is_given() {
    let worlds = worlds();
    assert!(worlds.len() >= 9, "{worlds:?}");
    for name in worlds {
        let requests = format!("testdata/answers/{name}.requests.jsonl");
        let directory = directory(&name);
        let output =
            keyreach(&["simulate", directory.to_str().unwrap(), "--requests", &requests]).run();
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{name}");
        let answers = Path::new(ROOT).join(format!("testdata/answers/{name}.answers.jsonl"));
        let expected = lines(&fs::read_to_string(answers).unwrap());
        let found = lines(&output.stdout);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            for member in ["id", "decision", "reason", "denied_by"] {
                assert_eq!(found[member], expected[member], "{name}: {member} of {found}");
            }
        }
    }
}

/// The two ways in which the course is written down.
const COURSE: [&str; 2] = ["testdata/course", "testdata/course-scenario/course.yaml"];

fn course(path: &str) -> Loaded {
    let loaded = load(&Disk, &[format!("{ROOT}/{path}")]);
    assert_eq!(loaded.problems, [], "{path}");
    loaded
}

#[test]
fn the_course_gives_the_same_answers_as_export_and_as_scenario() {
    let [export, scenario] = COURSE.map(course);
    let keys = |loaded: &Loaded| loaded.inventory.keys.keys().cloned().collect::<Vec<KeyArn>>();
    assert_eq!(keys(&export), keys(&scenario));
    let (one, other) = (Reference::new(&export.inventory), Reference::new(&scenario.inventory));
    let names = ["user/Alice", "user/Bob", "user/Charlie", "user/David", "root"];
    let mut asked = 0;
    for name in names {
        let caller = Caller::parse(&format!("arn:aws:iam::111122223333:{name}")).unwrap();
        for key in keys(&export) {
            for action in KmsAction::all() {
                let target = match action.info().has_key_resource {
                    true => Target::Key(key.clone()),
                    false => Target::Account,
                };
                let request = Request::plain(caller.clone(), action, target);
                let (one, other) = (one.evaluate(&request), other.evaluate(&request));
                assert_eq!(one.outcome, other.outcome, "{name} {action} {key}");
                assert_eq!((one.missing.len(), other.missing.len()), (0, 0), "{name} {action}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 5 * 3 * 58);
}

#[test]
fn the_course_gives_the_same_findings_as_export_and_as_scenario() {
    let [export, scenario] = COURSE.map(findings);
    assert!(!export.is_empty());
    assert_eq!(export, scenario);
}

/// Rule, key and principals of each finding.
fn findings(path: &str) -> BTreeSet<String> {
    let args = ["check", "--format", "json", "--persona", "auditor", "--now", "2026-01-01", path];
    let output = keyreach(&args).run();
    let answer: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(answer["problems"], serde_json::json!([]), "{path}");
    let told = |finding: &Value| {
        format!("{} {} {}", finding["rule"], finding["key"], finding["principals"])
    };
    answer["findings"].as_array().unwrap().iter().map(told).collect()
}
