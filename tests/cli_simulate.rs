//! The batch contract of `keyreach simulate`, member by member.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::command::{Folder, Run, keyreach};

const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";
const BOB: &str = "arn:aws:iam::111122223333:user/Bob";
const KEY_B: &str = "arn:aws:kms:us-east-1:111122223333:key/0b0b0b0b-2222-4b4b-8b8b-bbbbbbbbbbbb";
const KEY_C: &str = "arn:aws:kms:us-east-1:111122223333:key/0c0c0c0c-3333-4c4c-8c8c-cccccccccccc";

/// The course answers these lines.
fn simulate(requests: impl Into<Vec<u8>>) -> Run {
    keyreach(&["simulate", "testdata/course", "--requests", "-"]).stdin(requests).run()
}

fn request(id: impl Into<Value>) -> Value {
    json!({"id": id.into(), "principal": BOB, "action": "kms:Decrypt", "resource": KEY_B})
}

fn with(member: &str, value: impl Into<Value>) -> String {
    let mut request = request("x");
    request[member] = value.into();
    request.to_string()
}

/// The whole answer to one line that is well-formed.
fn answer(line: &str) -> Value {
    let run = simulate(line);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{line}: {}", run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

/// What is said of a malformed line.
fn error(line: &str) -> String {
    let run = simulate(line);
    assert_eq!((run.code, run.stderr.as_str()), (2, ""), "{line}");
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    answer["error"].as_str().unwrap_or_else(|| panic!("{line}: {answer}")).to_owned()
}

#[test]
fn an_answer_has_these_members_in_this_order() {
    let run = simulate(request("1").to_string());
    let expected = concat!(
        r#"{"id":"1","decision":"allowed","reason":"allowed-by-key-policy","#,
        r#""matched":[{"policy":"key policy of alias/CMK-B","sid":"Allow Bob and Charlie full access","#,
        r#""file":"testdata/course/111122223333/us-east-1/kms/"#,
        r#"0b0b0b0b-2222-4b4b-8b8b-bbbbbbbbbbbb/get-key-policy.json","line":2,"effect":"Allow"}],"#,
        r#""denied_by":null,"missing":[],"open_points":[]}"#,
        "\n",
    );
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, expected, ""));
}

#[test]
fn a_denied_request_names_its_gate_and_is_no_failure() {
    let mut denied = request(1);
    denied["resource"] = KEY_C.into();
    let denied = answer(&denied.to_string());
    assert_eq!(denied["decision"], "denied");
    assert_eq!(denied["reason"], "explicit-deny");
    assert_eq!(denied["denied_by"], "key-policy");
    assert_eq!(denied["matched"][0]["effect"], "Deny");
    let mut silent = request(2);
    silent["principal"] = ALICE.into();
    let silent = answer(&silent.to_string());
    assert_eq!(
        (&silent["reason"], &silent["denied_by"]),
        (&json!("implicit-deny"), &json!("key-policy"))
    );
    assert_eq!(silent["matched"], json!([]));
}

#[test]
fn lines_are_those_of_the_file_as_it_is_printed() {
    let mut request = request("1");
    request["principal"] = ALICE.into();
    request["resource"] = KEY_C
        .replace("0c0c0c0c-3333-4c4c-8c8c-cccccccccccc", "0a0a0a0a-1111-4a4a-8a8a-aaaaaaaaaaaa")
        .into();
    let answer = answer(&request.to_string());
    let matched = answer["matched"].as_array().unwrap();
    assert_eq!(matched.len(), 2);
    let inline = matched.iter().find(|one| one["sid"].is_null()).unwrap();
    let text = fs::read_to_string(inline["file"].as_str().unwrap()).unwrap();
    let line = text.lines().nth(inline["line"].as_u64().unwrap() as usize - 1).unwrap();
    assert_eq!(line.trim(), "{");
    let next = text.lines().nth(inline["line"].as_u64().unwrap() as usize).unwrap();
    assert_eq!(next.trim(), r#""Effect": "Allow","#);
}

#[test]
fn answers_keep_the_order_and_the_ids_as_written() {
    let ids = [
        "\"a\"",
        "1",
        "1.50",
        "1e3",
        "null",
        "true",
        "[1, {\"b\": 2}]",
        "\"\\u00e9\"",
        "12345678901234567890123",
    ];
    let lines: Vec<String> = ids
        .iter()
        .map(|id| request("x").to_string().replace("\"id\":\"x\"", &format!("\"id\":{id}")))
        .collect();
    let run = simulate(lines.join("\n"));
    assert_eq!(run.code, 0);
    for (line, id) in run.stdout.lines().zip(ids) {
        assert!(line.starts_with(&format!("{{\"id\":{id},\"decision\":")), "{line}");
    }
    assert_eq!(run.stdout.lines().count(), ids.len());
}

#[test]
fn many_lines_are_answered_in_order() {
    let lines: String = (0..40_000).map(|id| format!("{}\n", request(id))).collect();
    let run = simulate(lines);
    assert_eq!(run.code, 0);
    for (number, line) in run.stdout.lines().enumerate() {
        assert!(line.starts_with(&format!("{{\"id\":{number},")), "{line}");
    }
    assert_eq!(run.stdout.lines().count(), 40_000);
}

#[test]
fn malformed_lines_are_answered_and_the_others_too() {
    let good = request("good");
    let run = simulate(format!("{{\"id\":\"bad\",\n{good}\n[]\n\n  \r\n{good}\r\n\u{7f}"));
    let answers: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(run.code, 2);
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [&json!("bad"), &json!("good"), &json!(null), &json!("good"), &json!(null)]);
    assert_eq!(answers[0]["error"], "EOF while parsing a value at column 12");
    assert_eq!(answers[1]["decision"], "allowed");
    assert!(answers[2]["error"].as_str().unwrap().contains("a request, which is an object"));
    assert!(answers[2].get("decision").is_none());
}

#[test]
fn what_is_wrong_with_a_line_is_said() {
    let check = |line: String, expected: &str| {
        let said = error(&line);
        assert!(said.contains(expected), "{line}: {said}");
    };
    check(with("action", "kms:Decrpyt"), "unknown action `kms:Decrpyt`: did you mean kms:Decrypt?");
    check(with("action", "Decrypt"), "did you mean kms:Decrypt?");
    check(with("action", "kms:*"), "unknown action `kms:*`: it is none of AWS KMS");
    check(with("action", "kms:ReEncrypt"), "kms:ReEncryptFrom and kms:ReEncryptTo");
    check(with("action", 1), "`action` is no string");
    check(with("acton", "x"), "unknown member `acton`: did you mean `action`?");
    check(with("colour", "x"), "a request has id, principal, action");
    check(with("principal", "bob"), "`bob` is no principal");
    check(with("principal", "*"), "`*` is no principal");
    check(with("principal", "arn:aws:iam::111122223333:group/g"), "is a group");
    check(with("resource", "0b0b0b0b"), "`0b0b0b0b` is no resource");
    check(with("resource", "*"), "kms:Decrypt is asked for on a key");
    check(with("context", json!([])), "`context` is no object");
    check(with("context", json!({"a": null})), "context key `a` is neither");
    check(with("context", json!({"a": {"b": 1}})), "context key `a` is neither");
    check(with("context", json!({"a": ["b", null]})), "context key `a` is neither");
    check(with("session_policies", json!({})), "`session_policies` is no list");
    check(with("session_policies", json!(["{}"])), "a session policy is an object");
    check(r#"{"id":1}"#.into(), "`principal` is missing");
    check(r#"{"id":1,"id":2}"#.into(), "`id` stands twice");
    check(format!("{} x", request(1)), "trailing characters");
}

#[test]
fn actions_without_a_key_are_asked_for_on_a_star() {
    let line = with("action", "kms:ListKeys").replace(KEY_B, "*");
    assert_eq!(answer(&line)["denied_by"], "identity-policy");
    assert!(error(&with("action", "kms:ListKeys")).contains("without a key: on `*`"));
    let retirable = with("action", "kms:ListRetirableGrants").replace(KEY_B, ALICE);
    assert_eq!(answer(&retirable)["decision"], "denied");
}

#[test]
fn case_of_actions_and_null_members_do_not_matter() {
    assert_eq!(answer(&with("action", "KMS:decrypt"))["decision"], "allowed");
    assert_eq!(answer(&with("context", Value::Null))["decision"], "allowed");
    assert_eq!(answer(&with("session_policies", Value::Null))["decision"], "allowed");
    let without_id = request("x").to_string().replace("\"id\":\"x\",", "");
    assert_eq!(answer(&without_id)["id"], Value::Null);
}

/// A key whose policy lets Bob decrypt under one condition, given in each form of value.
#[test]
fn context_values_are_texts_lists_and_scalars() {
    let folder = Folder::new("simulate-context");
    let check = |condition: Value, context: Value, expected: &str| {
        let policy = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": BOB}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": condition,
        }});
        let output = json!({"Policy": policy.to_string(), "PolicyName": "default"});
        let id = "0b0b0b0b-2222-4b4b-8b8b-bbbbbbbbbbbb";
        let path = format!("111122223333/us-east-1/kms/{id}/get-key-policy.json");
        folder.put(&path, output.to_string());
        let run = keyreach(&["simulate", ".", "--requests", "-"])
            .within(folder.path())
            .stdin(with("context", context.clone()))
            .run();
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(answer["decision"], expected, "{condition} {context}: {}", run.stderr);
    };
    let bool_condition = json!({"Bool": {"aws:MultiFactorAuthPresent": true}});
    check(bool_condition.clone(), json!({"aws:multifactorauthpresent": true}), "allowed");
    check(bool_condition.clone(), json!({"aws:MultiFactorAuthPresent": "true"}), "allowed");
    check(bool_condition, json!({"aws:MultiFactorAuthPresent": false}), "denied");
    let number = json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}});
    check(number.clone(), json!({"aws:MultiFactorAuthAge": 299.5}), "allowed");
    check(number, json!({"aws:MultiFactorAuthAge": 300}), "denied");
    let list = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "1"]}});
    check(list.clone(), json!({"aws:TagKeys": ["a", 1]}), "allowed");
    check(list, json!({"aws:TagKeys": ["a", "b"]}), "denied");
    let pair = json!({"StringEquals": {"kms:EncryptionContext:a:b": "c"}});
    check(pair, json!({"kms:EncryptionContext:a:b": "c"}), "allowed");
}

#[test]
fn session_policies_deny_and_stand_in_no_file() {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "No", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"},
    ]});
    let line = with("session_policies", json!([policy]))
        .replace(BOB, "arn:aws:sts::111122223333:assumed-role/app/s");
    let answer = answer(&line);
    assert_eq!(answer["denied_by"], "session-policy");
    let expected = json!([
        {"policy": "session policy", "sid": "No", "file": null, "line": null, "effect": "Deny"},
    ]);
    assert_eq!(answer["matched"], expected);
}

#[test]
fn output_is_complete_or_not_there() {
    let folder = Folder::new("simulate-output");
    let out = folder.path().join("answers.jsonl");
    let run = |requests: &str, out: &str| {
        keyreach(&["simulate", "testdata/course", "--requests", requests, "--output", out]).run()
    };
    let good = run("testdata/requests.jsonl", out.to_str().unwrap());
    assert_eq!((good.code, good.stdout.as_str()), (0, ""));
    let written = fs::read_to_string(&out).unwrap();
    assert_eq!(written.lines().count(), 6);
    let gone = run("testdata/no-such.jsonl", out.to_str().unwrap());
    assert_eq!(gone.code, 2);
    assert!(gone.stderr.contains("cannot read testdata/no-such.jsonl"), "{}", gone.stderr);
    assert_eq!(fs::read_to_string(&out).unwrap(), written);
    let nowhere = folder.path().join("no/such/folder/x");
    assert_eq!(run("testdata/requests.jsonl", nowhere.to_str().unwrap()).code, 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_directory_that_is_not_there_is_a_problem_and_an_empty_one_is_not() {
    let run = keyreach(&["simulate", "testdata/no-such", "--requests", "-"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("cannot read testdata/no-such"), "{}", run.stderr);
    let folder = Folder::new("simulate-empty");
    let run = keyreach(&["simulate", ".", "--requests", "-"])
        .within(folder.path())
        .stdin(request("1").to_string())
        .run();
    assert_eq!(run.code, 0);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["decision"], "denied");
    assert_ne!(answer["missing"], json!([]));
}

#[test]
fn one_strange_file_is_told_and_ends_nothing() {
    let folder = Folder::new("simulate-strange");
    folder.put("111122223333/iam/account-authorization-details.json", "{\"UserDetailList\": [");
    let run = keyreach(&["simulate", ".", "--requests", "-"])
        .within(folder.path())
        .stdin(request("1").to_string())
        .run();
    assert_eq!(run.code, 0);
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(run.stderr.contains("account-authorization-details.json"), "{}", run.stderr);
}
