//! Paths that are long, go round, or start from very many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;

use support::command::{Folder, keyreach};

const HEAD: &str = "keyreach: scenario/1\naccounts:\n  111122223333:\n";

/// How many calls everybody is away from `alias/k` in a world, by the names that stand in ARNs.
fn hops(name: &str, world: &str) -> BTreeMap<String, usize> {
    let folder = Folder::new(name);
    folder.put("world.yaml", format!("{HEAD}{world}"));
    let run = keyreach(&["paths", "--format", "jsonl", "world.yaml"]).within(folder.path()).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (_, name) = line["from"].as_str().unwrap().rsplit_once(':').unwrap();
        (name.to_owned(), line["hops"].as_array().unwrap().len())
    };
    run.stdout.lines().map(line).collect()
}

#[test]
fn a_chain_of_200_roles_is_followed_to_its_end() {
    let trust = |at: usize| match at {
        0 => "user/start".to_owned(),
        at => format!("role/r{}", at - 1),
    };
    let roles: String =
        (0..200).map(|at| format!("      r{at}: {{ trust: {} }}\n", trust(at))).collect();
    let found = hops(
        "chain",
        &format!(
            "    users: {{ start: {{}} }}\n    roles:\n{roles}    keys:\n      k: {{ aliases: [alias/k], policy: \
         [{{ allow: kms:Decrypt, to: role/r199 }}] }}\n"
        ),
    );
    let mut expected: BTreeMap<String, usize> =
        (0..199).map(|at| (format!("role/r{at}"), 199 - at)).collect();
    // The root user rewrites a trust policy, and assumes the role.
    expected.extend([("user/start".to_owned(), 200), ("root".to_owned(), 2)]);
    assert_eq!(found, expected);
}

#[test]
fn roles_that_assume_each_other_in_a_circle_come_to_an_end() {
    const AROUND: usize = 20;
    let beside = |at: usize| [(at + AROUND - 1) % AROUND, (at + 1) % AROUND];
    let roles: String = (0..AROUND)
        .map(|at| {
            let [before, behind] = beside(at);
            format!("      r{at}: {{ trust: [role/r{before}, role/r{behind}] }}\n")
        })
        .collect();
    let found = hops(
        "circle",
        &format!(
            "    users: {{}}\n    roles:\n{roles}    keys:\n      k: {{ aliases: [alias/k], policy: \
         [{{ allow: kms:Decrypt, to: role/r0 }}] }}\n"
        ),
    );
    let mut expected: BTreeMap<String, usize> =
        (1..AROUND).map(|at| (format!("role/r{at}"), at.min(AROUND - at))).collect();
    expected.insert("root".to_owned(), 2);
    assert_eq!(found, expected);
}

#[test]
fn each_of_10_000_members_of_a_group_can_open_it() {
    const MEMBERS: usize = 10_000;
    let users: String =
        (0..MEMBERS).map(|at| format!("      u{at}: {{ groups: [all] }}\n")).collect();
    let found = hops(
        "group",
        &format!(
            "    groups: {{ all: {{ policies: [{{ allow: iam:PutGroupPolicy, on: '*' }}] }} }}\n    users:\n{users}    \
         roles: {{}}\n    keys:\n      k: {{ aliases: [alias/k], policy: default }}\n"
        ),
    );
    assert_eq!(found.len(), MEMBERS);
    assert!(found.values().all(|hops| *hops == 1));
}
