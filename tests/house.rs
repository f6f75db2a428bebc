//! The house stands as its map says: each module of `src` knows only the floors below it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up, each with the modules on it.
const FLOORS: [&[&str]; 12] = [
    &["source", "diag", "kept"],
    &["aws", "syntax"],
    &["policy"],
    &["inventory"],
    &["decision"],
    &["ingest", "eval", "access"],
    &["graph"],
    &["encryptor", "findings"],
    &["rules"],
    &["audit", "report", "config"],
    &["serve"],
    &["cli"],
];

/// Who may know a sibling on the same floor.
const SIBLINGS: [(&str, &str); 3] = [("diag", "source"), ("report", "audit"), ("config", "audit")];

/// Who may not know a lower floor, though it lies below.
const FORBIDDEN: [(&str, &str); 8] = [
    ("rules", "access"),
    ("findings", "access"),
    ("rules", "eval"),
    ("rules", "ingest"),
    ("report", "eval"),
    ("report", "ingest"),
    ("findings", "eval"),
    ("findings", "ingest"),
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules that a file names by `crate::`, comments left out.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| {
        line.split("crate::").skip(1).map(|rest| {
            rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap().to_owned()
        })
    })
    .filter(|module| !module.is_empty())
    .collect()
}

#[test]
fn modules_know_only_the_floors_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let floors: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(floor, modules)| modules.iter().map(move |module| (*module, floor)))
        .collect();
    let mut paths = Vec::new();
    files(&root, &mut paths);
    let mut faults = Vec::new();
    for path in paths {
        let inside = path.strip_prefix(&root).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let Some(floor) = floors.get(module) else {
            assert!(matches!(module, "lib.rs" | "main.rs"), "{module} stands on no floor");
            continue;
        };
        for other in named(&fs::read_to_string(&path).unwrap()) {
            let below = floors.get(other.as_str()).is_some_and(|lower| lower < floor);
            let pair = (module, other.as_str());
            let allowed = other == module || below || SIBLINGS.contains(&pair);
            if !allowed || FORBIDDEN.contains(&pair) {
                faults.push(format!("{} knows {other}", inside.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_the_doors_touch_the_disk_and_the_terminal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    for path in paths {
        let inside = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let touches =
            text.contains("std::fs") || text.contains("fs::read") || text.contains("File::");
        let may =
            ["ingest/", "cli/", "main.rs", "report/schemas/", "serve/", "encryptor/directory/"]
                .iter()
                .any(|door| inside.starts_with(door));
        assert!(!touches || may, "{inside} touches the disk");
    }
}
