//! `keyreach graph` as users and programs get it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::Value;
use support::command::{Folder, Run, golden, keyreach};

fn graph(args: &str) -> Run {
    let args: Vec<&str> = std::iter::once("graph").chain(args.split_whitespace()).collect();
    keyreach(&args).run()
}

#[test]
fn pictures_are_kept_whole() {
    for format in ["dot", "mermaid", "graphml", "json"] {
        let run = graph(&format!("--now 2026-01-01 --format {format} testdata/paths.yaml"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{format}");
        golden(&format!("graph/paths.{format}"), &run.stdout);
    }
}

#[test]
fn json_names_its_schema() {
    let run = graph("--now 2026-01-01 --format json testdata/course");
    let all: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(all["schema"], "keyreach/graph/1");
}

#[test]
fn names_are_escaped_in_every_format() {
    let folder = Folder::new("graph_escapes");
    let scenario = "keyreach: scenario/1\nregion: us-east-1\naccounts: { 111122223333: { name: 'a<b>&\"c', \
                    users: { eve: { policies: [{ allow: 'kms:*' }] } }, keys: { k: { policy: default } } } }\n";
    folder.put("world.yaml", scenario);
    let path = folder.path().join("world.yaml");
    for format in ["dot", "mermaid", "graphml"] {
        let run = keyreach(&["graph", "--format", format, path.to_str().unwrap()]).run();
        assert_eq!(run.code, 0, "{format}: {}", run.stderr);
        assert!(!run.stdout.contains("a<b>&\"c"), "{format}: {}", run.stdout);
    }
}

#[test]
fn bad_filters_and_empty_input_are_told() {
    let run = graph("--format dot --key alias/CMK-X testdata/course");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let run = graph("--format dot --account 999988887777 testdata/course");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("`999988887777` is no account of the graph"), "{}", run.stderr);
    let folder = Folder::new("graph_empty");
    let run = keyreach(&["graph", "--format", "dot", folder.path().to_str().unwrap()]).run();
    assert_eq!(run.code, 3);
}
