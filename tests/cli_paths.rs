//! `keyreach paths` as users and programs get it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::command::{Folder, Run, golden, keyreach};

const WORLD: &str = "testdata/paths.yaml";

fn paths(args: &str) -> Run {
    let args: Vec<&str> =
        ["paths", "--now", "2026-01-01"].into_iter().chain(args.split_whitespace()).collect();
    keyreach(&args).run()
}

fn lines(args: &str) -> Vec<Value> {
    let run = paths(&format!("--format jsonl {args}"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args}");
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn calls(line: &Value) -> Vec<&str> {
    line["hops"].as_array().unwrap().iter().map(|hop| hop["call"].as_str().unwrap()).collect()
}

#[test]
fn paths_read_as_steps() {
    let run = paths(WORLD);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    golden("paths/steps.txt", &format!("$ keyreach paths {WORLD}\n{}", run.stdout));
}

#[test]
fn a_line_has_the_members_that_programs_rely_on() {
    let found = lines(&format!("--key alias/orders --principal user/eve {WORLD}"));
    assert_eq!(found.len(), 1, "{found:?}");
    let line = &found[0];
    assert_eq!(line["from"], "arn:aws:iam::111122223333:user/eve");
    assert_eq!(line["goal"], "kms:Decrypt");
    assert_eq!(line["goal_as"], line["from"]);
    assert_eq!(calls(line), ["iam:PutUserPolicy"]);
    let hop = &line["hops"][0];
    assert_eq!(hop["as"], line["from"]);
    assert_eq!(hop["edge"], "escalates-by T20");
    assert_eq!(hop["params"]["UserName"], "eve");
    assert_eq!(hop["because"][0]["file"], WORLD);
    assert!(hop["because"][0]["line"].is_u64(), "{hop}");
    let policy: Value =
        serde_json::from_str(hop["params"]["PolicyDocument"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Effect"], "Allow");
}

#[test]
fn t55_a_written_policy_reaches_whom_the_key_names() {
    let found = lines(&format!("--key alias/vault --principal user/eve {WORLD}"));
    assert_eq!(calls(&found[0]), ["iam:PutUserPolicy", "iam:CreateAccessKey"]);
    assert_eq!(found[0]["goal_as"], "arn:aws:iam::111122223333:user/alice");
    let one = lines(&format!("--max-primitives 1 --key alias/vault --principal user/eve {WORLD}"));
    assert!(one.is_empty(), "{one:?}");
}

#[test]
fn chains_are_followed_as_far_as_they_may_go() {
    let found = lines(&format!("--key alias/orders --principal role/ci {WORLD}"));
    assert_eq!(calls(&found[0]), ["sts:AssumeRole", "sts:AssumeRole"]);
    assert!(lines(&format!("--max-hops 1 --principal role/ci {WORLD}")).is_empty());
}

#[test]
fn another_goal_is_another_question() {
    let found = lines(&format!("--to destroy --key alias/orders --principal user/eve {WORLD}"));
    assert_eq!(found[0]["goal"], "kms:ScheduleKeyDeletion");
}

#[test]
fn json_says_what_it_stands_on() {
    let run = paths(&format!("--format json {WORLD}"));
    let all: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(all["schema"], "keyreach/paths/1");
    assert_eq!(all["about"]["date"], "2026-01-01");
    assert_eq!(all["broken"].as_array().unwrap().len(), 0);
    assert!(!all["paths"].as_array().unwrap().is_empty());
}

#[test]
fn a_summary_counts_the_same_paths() {
    let run = paths(&format!("--format summary {WORLD}"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    golden(
        "paths/summary.txt",
        &format!("$ keyreach paths --format summary {WORLD}\n{}", run.stdout),
    );
    let mut by_calls: BTreeMap<usize, usize> = BTreeMap::new();
    for line in lines(WORLD) {
        *by_calls.entry(line["hops"].as_array().unwrap().len()).or_default() += 1;
    }
    let further = run.stdout.lines().filter(|line| line.starts_with("In "));
    let counted = further.map(|line| {
        let numbers: Vec<usize> =
            line.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect();
        (numbers[0], numbers[1])
    });
    assert_eq!(by_calls, counted.collect::<BTreeMap<_, _>>());
}

#[test]
fn bad_filters_and_empty_input_are_told() {
    let run = paths(&format!("--key alias/order {WORLD}"));
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("alias/orders"), "{}", run.stderr);
    assert_eq!(paths("no/such/place").code, 2);
    let folder = Folder::new("cli_paths_empty");
    assert_eq!(keyreach(&["paths", folder.path().to_str().unwrap()]).run().code, 3);
}

/// A role whose managed policy nobody exported, and a user who may take it on.
const HALF_TOLD: &str = "keyreach: scenario/1
accounts:
  111122223333:
    users: { bob: { policies: [{ allow: sts:AssumeRole }] } }
    roles:
      app: { trust: account, policies: ['arn:aws:iam::111122223333:policy/Lost'] }
    keys: { k: { aliases: [alias/k], policy: default } }
";

#[test]
fn what_hangs_on_what_is_missing_is_told_and_marked() {
    let folder = Folder::new("what_hangs_on_what_is_missing");
    folder.put("world.yaml", HALF_TOLD);
    let run = |args: &[&str]| {
        let args = [&["paths", "--principal", "user/bob", "world.yaml"], args].concat();
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let read = |args: &[&str]| run(args).split_whitespace().collect::<Vec<_>>().join(" ");
    let told = read(&[]);
    assert!(told.contains("Found: nobody who can get there for certain."), "{told}");
    assert!(told.contains("1 more way, where what is not known says so: --unknown"), "{told}");
    let told = read(&["--unknown"]);
    assert!(told.contains("1. it: sts:AssumeRole"), "{told}");
    assert!(told.contains("Not certain: document of managed policy"), "{told}");
    assert_eq!(run(&["--format", "jsonl"]), "");
    let line: Value =
        serde_json::from_str(&run(&["--format", "jsonl", "--unknown"])).expect("one line");
    assert_eq!((&line["unknown"], calls(&line)), (&Value::Bool(true), vec!["sts:AssumeRole"]));
    assert_eq!(line["missing"].as_array().unwrap().len(), 1);
    let all: Value = serde_json::from_str(&run(&["--format", "json"])).unwrap();
    assert_eq!((all["paths"].as_array().unwrap().len(), &all["unknown"][0]), (0, &line));
}

/// A role that trusts another account, and one that asks for a name of it.
const TRUSTING: &str = "keyreach: scenario/1
accounts:
  111122223333:
    roles:
      app: { trust: '444455556666', policies: [{ allow: kms:Decrypt }] }
      other:
        trust: [{ allow: sts:AssumeRole, to: '444455556666', when: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::444455556666:role/q' } } }]
    keys: { k: { aliases: [alias/k], policy: default } }
";

#[test]
fn one_name_stands_for_an_account_outside_the_export() {
    let folder = Folder::new("one_name_stands_for_an_account");
    folder.put("world.yaml", TRUSTING);
    let run = |format: &str| {
        let run =
            keyreach(&["paths", "--format", format, "world.yaml"]).within(folder.path()).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let from = run("jsonl")
        .lines()
        .map(|line| line.contains("444455556666:role/"))
        .filter(|it| *it)
        .count();
    assert_eq!(from, 2, "one line for each principal");
    let told = run("human");
    assert!(told.contains("444455556666:role/any (any"), "{told}");
    assert!(!told.contains("role/q"), "{told}");
}

/// bob needs to be blue for the key and red for the SCP: with PutKeyPolicy as blue he would have to be red again.
const RED_AND_BLUE: &str = "
keyreach: scenario/1
accounts:
  111122223333:
    users: { bob: { tags: { team: red }, policies: [{ allow: '*' }] } }
    keys:
      k:
        policy:
          - { allow: 'kms:*', to: 'arn:aws:iam::111122223333:root', when: { StringEquals: { 'aws:PrincipalTag/team': blue } } }
organization:
  id: o-1
  management: 999999999999
  units:
    shut:
      accounts: [111122223333]
      scps: [{ deny: kms:Decrypt, when: { StringNotEquals: { 'aws:PrincipalTag/team': red } } }]
";

#[test]
fn t34_t37_a_way_that_tags_shut_hides_none_past_the_organization() {
    let folder = Folder::new("red_and_blue");
    folder.put("world.yaml", RED_AND_BLUE);
    let run = |format: &str| {
        let args = ["paths", "--max-hops", "2", "--format", format, "world.yaml"];
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        run.stdout
    };
    let told = run("jsonl");
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let bob = "arn:aws:iam::111122223333:user/bob";
    let of_bob = told.iter().find(|line| line["from"] == bob).unwrap_or_else(|| panic!("{told:?}"));
    assert_eq!(calls(of_bob), ["organizations:LeaveOrganization", "iam:TagUser"]);
    assert!(run("summary").contains("In 2 calls: 1 pair of 1 principal and 1 key"));
}
