//! Every cell of the matrix proves itself: its witnesses are answered so by `simulate`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::command::{Folder, Run, keyreach};

const DAY: &str = "--now 2026-01-01";

/// A key that a Deny, a condition and another account make interesting, and one that signs.
const SCENARIO: &str = r#"keyreach: scenario/1
accounts:
  111122223333:
    users:
      alice: { policies: [{ allow: ["kms:Decrypt", "kms:Encrypt"] }] }
      bob:
    keys:
      orders:
        aliases: [alias/orders]
        tags: { team: shop }
        policy:
          - { allow: "kms:*", to: account }
          - { allow: kms:Decrypt, to: 444455556666 }
          - { deny: kms:Decrypt, to: "*", when: { StringNotEquals: { "kms:ViaService": s3.us-east-1.amazonaws.com } } }
"#;

fn run(command: &str, args: &str) -> Run {
    let args: Vec<&str> = std::iter::once(command).chain(args.split_whitespace()).collect();
    keyreach(&args).run()
}

/// What a run prints that must go well.
fn printed(command: &str, args: &str) -> String {
    let run = run(command, args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{command} {args}");
    run.stdout
}

fn lines(args: &str) -> Vec<Value> {
    let text = printed("matrix", &format!("--format jsonl {args}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn scenario(name: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    folder.put("scenario.yaml", SCENARIO);
    let path = folder.path().join("scenario.yaml").display().to_string();
    (folder, path)
}

/// Asks `simulate` for every witness and counter-witness of cells that hang on nothing else.
fn witnesses_hold(options: &str, path: &str) -> usize {
    let mut requests = String::new();
    let mut expected = Vec::new();
    for line in lines(&format!("{DAY} {options} {path}")) {
        let on_alias = |it: &Value| it.as_str().unwrap().ends_with("on the alias, too");
        let assumed = line["assumes"].as_array().unwrap();
        let is_of_alias = line["action"].as_str().unwrap().ends_with("Alias");
        // Rules L1 to L3: a cell is the key's side of an alias's change, which simulate answers as well.
        let expected_on_alias =
            is_of_alias && line["at_most"] != "never" && line["verdict"] != "never";
        assert_eq!(assumed.iter().any(on_alias), expected_on_alias, "{line}");
        if !assumed.iter().all(on_alias) {
            continue;
        }
        for (member, decision) in [("witness", "allowed"), ("counter_witness", "denied")] {
            if !line[member].is_null() {
                requests.push_str(&format!("{}\n", line[member]));
                expected.push((decision, line.clone()));
            }
        }
        match line["verdict"].as_str().unwrap() {
            "always" => assert!(!line["witness"].is_null(), "{line}"),
            "never" => assert!(!line["counter_witness"].is_null(), "{line}"),
            "conditional" => {
                let both = [&line["witness"], &line["counter_witness"], &line["condition"]];
                assert!(both.iter().all(|member| !member.is_null()), "{line}");
            }
            _ => assert!(line["at_least"].is_string() && line["at_most"].is_string(), "{line}"),
        }
    }
    let answers = keyreach(&["simulate", "--requests", "-", path]).stdin(requests).run();
    assert_eq!(answers.code, 0, "{}", answers.stderr);
    let answers: Vec<Value> =
        answers.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), expected.len());
    for (answer, (decision, line)) in answers.iter().zip(&expected) {
        assert_eq!(answer["decision"], **decision, "{answer}\n{line}");
    }
    expected.len()
}

#[test]
fn every_witness_is_a_request_that_simulate_answers_so() {
    assert!(witnesses_hold("--all", "testdata/course") > 500);
    assert!(witnesses_hold("--all", "testdata/organisation") > 10_000);
    let (_folder, path) = scenario("matrix-witness");
    assert!(witnesses_hold("--all", &path) > 50);
    assert!(witnesses_hold("--direct", "testdata/organisation") > 1000);
    assert!(witnesses_hold("--via s3", "testdata/organisation") > 1000);
}

#[test]
fn cells_are_those_of_the_export_and_counts_count_them() {
    for path in ["testdata/course", "testdata/organisation"] {
        let folder = Folder::new("matrix-counts");
        let about = folder.path().join("about.json");
        let lines = lines(&format!("{DAY} --all --about {} {path}", about.display()));
        let about: Value = serde_json::from_slice(&std::fs::read(about).unwrap()).unwrap();
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for line in &lines {
            *found.entry(line["verdict"].as_str().unwrap()).or_default() += 1;
        }
        for verdict in ["always", "conditional", "unknown", "never"] {
            let number = found.get(verdict).copied().unwrap_or_default();
            assert_eq!(about["counts"][verdict].as_u64(), Some(number), "{path} {verdict}");
        }
        // The same, counted row by row.
        let filtered = format!("{DAY} --key * --format json");
        let all: Value =
            serde_json::from_str(&printed("matrix", &format!("{filtered} {path}"))).unwrap();
        assert_eq!(all["about"]["counts"]["always"], about["counts"]["always"], "{path}");
        assert_eq!(all["about"]["counts"]["never"], about["counts"]["never"], "{path}");
        let cells: BTreeSet<String> = lines
            .iter()
            .map(|line| format!("{} {} {}", line["principal"], line["key"], line["action"]))
            .collect();
        assert_eq!(cells.len(), lines.len(), "a cell is told once");
    }
}

#[test]
fn assumptions_narrow_the_answer() {
    let (_folder, path) = scenario("matrix-assume");
    let verdict = |options: &str| {
        let question = "--key alias/orders --principal alice --action Decrypt --all";
        let found = lines(&format!("{DAY} {question} {options} {path}"));
        found[0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(""), "conditional");
    assert_eq!(verdict("--direct"), "never");
    assert_eq!(verdict("--via s3"), "always");
    assert_eq!(verdict("--via ebs"), "never");
    assert_eq!(verdict("--assume kms:ViaService=s3.us-east-1.amazonaws.com"), "always");
    assert_eq!(verdict("--assume kms:ViaService=absent"), "never");
    // Rule C67: users say through a service whether MFA was used, so that no request of theirs is as is assumed.
    let question = "--key alias/orders --principal alice --action Decrypt --all";
    let through = "--assume kms:ViaService=s3.us-east-1.amazonaws.com";
    let without = "--assume aws:MultiFactorAuthPresent=absent";
    let found = lines(&format!("{DAY} {question} {through} {without} {path}"));
    assert_eq!(found[0]["verdict"], "unknown");
    for proof in ["witness", "counter_witness"] {
        assert_eq!(found[0][proof], Value::Null, "{}", found[0]);
    }
}

/// Key policies, and what the matrix says of the cells of `user/bob` or `role/app` on them.
const CELLS: [(&str, &str, &str, &str); 10] = [
    // Rules C40 to C42: the variable's own key has a form of its own.
    (
        "- { allow: kms:Decrypt, to: role/app, when: { StringEquals: { 'kms:EncryptionContext:u': '${aws:userid}' } } }",
        "role/app",
        "Decrypt",
        "conditional unknown",
    ),
    (
        "- { allow: kms:Encrypt, to: role/app }\n- { deny: kms:Encrypt, to: role/app, when: { StringEquals: { 'kms:EncryptionContext:u': '${aws:userid}' } } }",
        "role/app",
        "Encrypt",
        "conditional unknown",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob, when: { StringEquals: { 'kms:EncryptionContext:u': '${aws:SourceIp}' } } }",
        "user/bob",
        "Decrypt",
        "conditional",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob, when: { StringEquals: { 'kms:EncryptionContext:u': '${aws:CurrentTime}' } } }",
        "user/bob",
        "Decrypt",
        "conditional",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob, when: { StringEquals: { 'kms:EncryptionContext:u': '${aws:UserAgent}' } } }",
        "user/bob",
        "Decrypt",
        "conditional",
    ),
    // Rules A6, A20: a malformed Deny may deny.
    (
        "- { allow: kms:Decrypt, to: user/bob }\n- { Effect: Deny, Principal: '*', Action: kms:Decrypt, Resource: '*', Condition: { StringEquals: { 'aws:UserAgent': null } } }",
        "user/bob",
        "Decrypt",
        "unknown",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob }\n- { Effect: Deny, Action: kms:Decrypt, Resource: '*' }",
        "user/bob",
        "Decrypt",
        "unknown",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob }\n- { Effect: Deny, Principal: '*', Action: kms:Encrypt, NotAction: kms:Sign, Resource: '*' }",
        "user/bob",
        "Decrypt",
        "unknown",
    ),
    // Rule C53, O30: how the key ends in China.
    (
        "- { allow: kms:Decrypt, to: user/bob, when: { StringEquals: { 'kms:ViaService': s3.cn-north-1.amazonaws.com.cn } } }",
        "user/bob",
        "Decrypt",
        "unknown",
    ),
    (
        "- { allow: kms:Decrypt, to: user/bob, when: { StringEquals: { 'kms:ViaService': s3.cn-north-1.example } } }",
        "user/bob",
        "Decrypt",
        "never",
    ),
];

/// What the matrix says of the one cell of a principal on a key with this policy.
fn verdict_of(folder: &Folder, policy: &str, who: &str, action: &str) -> String {
    let lines: String = policy.lines().map(|line| format!("          {line}\n")).collect();
    folder.put(
        "world.yaml",
        format!(
            "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ bob: {{}} }}\n    \
             roles: {{ app: {{ id: AROAEXAMPLEAPP }} }}\n    keys:\n      k:\n        policy:\n{lines}"
        ),
    );
    let path = folder.path().join("world.yaml").display().to_string();
    let question = format!("--all --principal {who} --action {action}");
    let run = run("matrix", &format!("{DAY} --format jsonl {question} {path}"));
    let cells = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let verdicts: Vec<Value> = cells.map(|cell| cell["verdict"].clone()).collect();
    assert_eq!(verdicts.len(), 1, "{policy} {}", run.stderr);
    verdicts[0].as_str().unwrap().to_owned()
}

#[test]
fn nothing_that_may_be_is_told_as_impossible() {
    let folder = Folder::new("may-be");
    for (policy, who, action, expected) in &CELLS {
        let found = verdict_of(&folder, policy, who, action);
        assert!(expected.split(' ').any(|it| it == found), "{found}, not {expected}: {policy}");
    }
}

#[test]
fn c45_every_session_of_a_role_has_its_unique_id() {
    let folder = Folder::new("user-id");
    for (when, allowed, denied) in [
        ("StringLike: { 'aws:userid': 'AROAEXAMPLEAPP:*' }", "always", "never"),
        ("StringNotLike: { 'aws:userid': 'AROAEXAMPLEAPP:*' }", "never", "always"),
        ("StringLike: { 'aws:userid': 'AROAEXAMPLEAPP:s*' }", "conditional", "conditional"),
        ("StringLike: { 'aws:userid': 'AROAEXAMPLEOTHER:*' }", "never", "always"),
        ("'Null': { 'aws:userid': 'true' }", "never", "always"),
    ] {
        let allow = format!("- {{ allow: kms:Decrypt, to: role/app, when: {{ {when} }} }}");
        let deny = format!(
            "- {{ allow: kms:Decrypt, to: role/app }}\n\
             - {{ deny: kms:Decrypt, to: '*', when: {{ {when} }} }}"
        );
        for (policy, expected) in [(allow, allowed), (deny, denied)] {
            assert_eq!(verdict_of(&folder, &policy, "role/app", "Decrypt"), expected, "{policy}");
        }
    }
}

#[test]
fn every_session_of_a_role_tells_when_it_was_made() {
    let folder = Folder::new("token-issue-time");
    let found = |who: &str, absent: &str| {
        let when = format!("'Null': {{ 'aws:TokenIssueTime': '{absent}' }}");
        let policy = format!("- {{ allow: kms:Decrypt, to: {who}, when: {{ {when} }} }}");
        verdict_of(&folder, &policy, who, "Decrypt")
    };
    assert_eq!([found("role/app", "true"), found("role/app", "false")], ["never", "always"]);
    // A user signs with long-term keys, or in a session.
    assert_eq!([found("user/bob", "true"), found("user/bob", "false")], ["conditional"; 2]);
}

#[test]
fn c42_a_variable_of_a_key_that_must_be_there_is_decided() {
    let folder = Folder::new("variable-of-name");
    let when = "{ StringLikeIfExists: { 'kms:EncryptionContext:u': '${aws:username}' } }";
    folder.put(
        "scenario.yaml",
        format!(
            "keyreach: scenario/1\naccounts:\n  111122223333:\n    keys: {{ k: {{ policy: [{{ allow: kms:Encrypt, to: '*', when: {when} }}] }} }}\n"
        ),
    );
    let path = folder.path().join("scenario.yaml").display().to_string();
    let run = run("matrix", &format!("{DAY} --format jsonl --action Encrypt {path}"));
    let cells = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let anyone = cells.into_iter().find(|cell| cell["principal"] == "*").unwrap();
    assert_eq!(anyone["verdict"], "conditional");
    assert_eq!(anyone["undecided"], false);
    let condition = anyone["condition"].as_str().unwrap();
    assert!(condition.contains("${aws:username}"), "{condition}");
    assert!(condition.contains("kms:EncryptionContext:u is absent or"), "{condition}");
}

#[test]
fn c66_a_service_of_the_chain_is_in_it() {
    let folder = Folder::new("matrix-called-via");
    let athena = "{ 'ForAnyValue:StringEquals': { 'aws:CalledVia': athena.amazonaws.com } }";
    folder.put(
        "scenario.yaml",
        format!(
            "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ bob: {{}} }}\n    keys: {{ k: {{ policy: [{{ allow: kms:Decrypt, to: user/bob, when: {athena} }}] }} }}\n"
        ),
    );
    let path = folder.path().join("scenario.yaml").display().to_string();
    let verdict = |options: &str| {
        let question = "--principal user/bob --action Decrypt --all";
        let found = lines(&format!("{DAY} {question} {options} {path}"));
        found[0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict("--via athena"), "always");
    // Whether another service was called by one of the chain nobody knows.
    assert_eq!(verdict("--via s3"), "conditional");
    assert_eq!(verdict("--via dynamodb"), "never");
    assert_eq!(verdict("--via athena --assume aws:CalledVia=absent"), "never");
    assert_eq!(verdict("--direct"), "never");
    assert!(witnesses_hold("--all --via athena", &path) > 10);
}

#[test]
fn g3_operations_of_grants_are_those_that_the_key_performs() {
    for (spec, operation) in [("SYMMETRIC_DEFAULT", "Decrypt"), ("HMAC_256", "GenerateMac")] {
        let folder = Folder::new(&format!("matrix-grant-operations-{operation}"));
        folder.put(
            "scenario.yaml",
            format!(
                "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ bob: {{}} }}\n    keys:\n      k:\n        \
                 spec: {spec}\n        policy: [{{ allow: kms:Put*, to: account }}]\n        \
                 grants: [{{ to: user/bob, operations: [CreateGrant, {operation}] }}]\n"
            ),
        );
        let path = folder.path().join("scenario.yaml").display().to_string();
        let cells = lines(&format!("{DAY} --principal user/bob --action CreateGrant {path}"));
        assert_eq!(cells[0]["verdict"], "conditional", "{}", cells[0]);
        // Every key can be described.
        let asked = &cells[0]["counter_witness"]["context"]["kms:GrantOperations"];
        assert_eq!(*asked, serde_json::json!(["DescribeKey"]), "{spec}");
    }
}
