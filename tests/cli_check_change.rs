//! `keyreach check` on a change: `--base` and `--deployer`, which some rules need.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::process::Command;

use serde_json::Value;
use support::command::{Folder, ROOT, keyreach};

const GRANT: &str = "testdata/rules/revoked-principal-keeps-grant/fire-the-grant-stays";
const LOCKED: &str = "testdata/rules/deployer-locked-out/quiet-no-deployer";

/// The exit code of a check, the rules of its findings, and what it says beside them.
fn check(args: &[&str]) -> (i32, Vec<String>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyreach"));
    command.arg("check").args(args).args(["--format", "json", "--now", "2026-01-01"]);
    let output = command.current_dir(ROOT).env_clear().output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let findings = answer["findings"].as_array().into_iter().flatten();
    let rules = findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect();
    (output.status.code().unwrap(), rules, String::from_utf8(output.stderr).unwrap())
}

fn head_and_base() -> (String, String) {
    (format!("{GRANT}/head"), format!("{GRANT}/base"))
}

#[test]
fn a_rule_on_a_change_speaks_with_a_base_alone() {
    let (head, base) = head_and_base();
    const RULE: &str = "revoked-principal-keeps-grant";
    let (code, rules, _) = check(&["--select", RULE, "--base", &base, &head]);
    assert_eq!((code, rules), (1, vec![RULE.to_owned()]));
    assert_eq!(check(&["--select", RULE, &head]), (0, Vec::new(), String::new()));
}

#[test]
fn faults_of_the_base_are_told_like_those_of_the_input() {
    let (head, _) = head_and_base();
    let (code, _, told) = check(&["--base", "testdata/nowhere", &head]);
    assert!(code == 2 && told.contains("testdata/nowhere"), "{code} {told}");
}

#[test]
fn the_first_keys_of_all_are_held_against_an_empty_base() {
    let (head, _) = head_and_base();
    let empty = Folder::new("check-base-empty");
    let path = empty.path().to_str().unwrap();
    let (code, _, told) = check(&["--fail-on", "never", "--base", path, &head]);
    assert!(code == 0 && told.contains("nothing to audit in --base"), "{code} {told}");
    let select = ["--select", "external-grantee,missing-root-statement,admin-can-use"];
    let plain = check(&[&select[..], &["--persona", "auditor", &head]].concat());
    let based = check(&[&select[..], &["--persona", "auditor", "--base", path, &head]].concat());
    assert_eq!((plain.0, plain.1), (based.0, based.1));
}

#[test]
fn the_deployer_of_the_command_line_is_asked() {
    let deployer =
        |arn: &str| check(&["--select", "deployer-locked-out", "--deployer", arn, LOCKED]);
    let (code, rules, _) = deployer("arn:aws:iam::111122223333:role/ci");
    assert_eq!((code, rules), (1, vec!["deployer-locked-out".to_owned()]));
    let (code, rules, _) = deployer("arn:aws:iam::111122223333:role/Admin");
    assert_eq!((code, rules), (0, Vec::new()));
    for nobody in ["role/ci", "arn:aws:iam::111122223333:group/staff", "s3.amazonaws.com"] {
        let (code, _, told) = deployer(nobody);
        assert!(code == 2 && told.contains("--deployer"), "{code} {told}");
    }
}

#[test]
fn a_deployer_is_asked_where_no_account_is_pinned() {
    let folder = Folder::new("check-deployer-symbol");
    let path = folder.path().to_str().unwrap();
    let template = |principal: &str| {
        let template = format!(
            "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        \
             Version: '2012-10-17'\n        Statement:\n          - Effect: Allow\n            Principal: \
             {{ AWS: !Sub '{principal}' }}\n            Action: kms:*\n            Resource: '*'\n"
        );
        folder.put("template.yaml", template);
        let deployer = "arn:aws:iam::111122223333:role/ci";
        check(&["--select", "deployer-locked-out", "--deployer", deployer, path]).1
    };
    let own = |name: &str| template(&format!("arn:aws:iam::${{AWS::AccountId}}:{name}"));
    assert_eq!(own("role/admin"), ["deployer-locked-out"]);
    assert_eq!(own("role/ci"), Vec::<String>::new());
    // Its own identity policies may let it.
    assert_eq!(own("root"), Vec::<String>::new());
    // Perhaps this is the deployer; the summary says what would tell.
    assert_eq!(template("arn:aws:iam::111122223333:role/ci"), Vec::<String>::new());
    let deployer = ["--select", "deployer-locked-out", "--deployer"];
    let args = [&deployer[..], &["arn:aws:iam::111122223333:role/ci", path]].concat();
    let human = [&["check"], &args[..], &["--format", "human"]].concat();
    let told = keyreach(&human).run().stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("(--account 111122223333)"), "{told}");
    let pinned = [&human[..], &["--account", "111122223333"]].concat();
    assert!(!keyreach(&pinned).run().stdout.contains("--account"), "{pinned:?}");
}

#[test]
fn the_command_line_wins_over_the_configuration() {
    let locked = "testdata/rules/deployer-locked-out/fire-only-the-administrator";
    let (_, rules, _) = check(&["--select", "deployer-locked-out", locked]);
    assert_eq!(rules, ["deployer-locked-out"]);
    let admin = "arn:aws:iam::111122223333:role/Admin";
    let args = ["--select", "deployer-locked-out", "--deployer", admin, locked];
    assert_eq!(check(&args).1, Vec::<String>::new());
}

#[test]
fn a_suppression_of_a_rule_that_was_not_run_is_not_unused() {
    let folder = Folder::new("check-not-run");
    let world = std::fs::read_to_string(format!("{ROOT}/{GRANT}/head/world.yaml")).unwrap();
    std::fs::write(folder.path().join("world.yaml"), world).unwrap();
    let ignore = "ignore:\n  - { rule: revoked-principal-keeps-grant, reason: known }\n";
    std::fs::write(folder.path().join("keyreach.yaml"), ignore).unwrap();
    let path = folder.path().to_str().unwrap();
    let args = ["--persona", "pedantic", "--select"];
    let rules = "unused-suppression,revoked-principal-keeps-grant";
    let told = |more: &[&str]| check(&[&args[..], &[rules], more, &[path]].concat()).1;
    assert_eq!(told(&[]), Vec::<String>::new());
    // Against itself the change is none: now it was run, and the entry does nothing.
    assert_eq!(told(&["--base", path]), ["unused-suppression"]);
}
