//! The matrix and its paths are proven by real cryptography, and what is wrong with them is found.
#![cfg(feature = "serve")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyreach::access::{Access, Matrix};
use keyreach::audit::verify::{Alter, Claim, Verified, VerifyOptions, verify};
use keyreach::aws::KmsAction;
use keyreach::decision::{CellAnswer, Condition, Gate, Reason, Standing};
use keyreach::ingest::{Disk, load};
use keyreach::inventory::{Edit, Inventory};
use serde_json::Value;
use support::command::{Folder, keyreach};

const DAY: &str = "2026-01-01";

fn world(path: &str) -> Inventory {
    load(&Disk, &[path.to_owned()]).inventory
}

fn proven(truth: &Inventory, access: &Access<'_>, alter: &Alter<'_>) -> Verified {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let claim = Claim { truth, access, now, alter };
    let options = VerifyOptions { sample: None, seed: 1 };
    verify(&claim, &options, &|_, _, _| ()).unwrap()
}

fn engine(world: &Inventory) -> Access<'_> {
    Access::new(world, "2026-01-01T00:00:00Z".parse().unwrap())
}

fn printed(args: &[&str]) -> Value {
    let run = keyreach(&[&["verify", "--now", DAY, "--format", "json"], args].concat()).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn the_matrix_and_the_paths_of_the_examples_are_proven() {
    let paths = [
        "testdata/course",
        "testdata/group-walkthrough",
        "testdata/course-demonstration-1",
        "testdata/course-demonstration-2",
        "testdata/organisation",
    ];
    for path in paths {
        let proof = printed(&[path]);
        assert_eq!(proof["schema"], "keyreach/verify/1");
        assert_eq!(proof["mismatches"], serde_json::json!([]), "{path}");
        let cells = &proof["cells"];
        assert!(cells["round_trips"].as_u64().unwrap() > 5, "{path} {cells}");
        assert!(cells["contexts"].as_u64().unwrap() > 0, "{path} {cells}");
        // What is all tried anyway is not drawn again.
        let has_conditions = path == "testdata/organisation";
        assert_eq!(cells["drawn"].as_u64().unwrap() > 0, has_conditions, "{path} {cells}");
        assert_eq!(proof["paths"]["found"], proof["paths"]["proven"], "{path} {}", proof["paths"]);
        assert_eq!(proof["about"]["digest"].as_str().unwrap().len(), 64);
    }
}

#[test]
fn every_kind_of_key_goes_round() {
    let specs = [
        ("RSA_2048", "ENCRYPT_DECRYPT"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "SIGN_VERIFY"),
        ("ECC_NIST_P384", "SIGN_VERIFY"),
        ("ECC_NIST_P521", "KEY_AGREEMENT"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
        ("HMAC_224", "GENERATE_VERIFY_MAC"),
        ("HMAC_512", "GENERATE_VERIFY_MAC"),
        ("ML_DSA_44", "SIGN_VERIFY"),
        ("ML_DSA_87", "SIGN_VERIFY"),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
    ];
    let keys = specs.iter().enumerate().map(|(number, (spec, usage))| {
        format!("      k{number}: {{ spec: {spec}, usage: {usage}, policy: [{{ allow: 'kms:*', to: account }}] }}\n")
    });
    let text = format!(
        "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      ann: {{ policies: [{{ allow: 'kms:*' }}] }}\n    keys:\n{}",
        keys.collect::<String>()
    );
    let folder = Folder::new("verify-specs");
    folder.put("scenario.yaml", &text);
    let proof = printed(&[folder.path().to_str().unwrap()]);
    assert_eq!(proof["mismatches"], serde_json::json!([]));
    assert_eq!(proof["cells"]["without_cryptography"], serde_json::json!({}), "{proof}");
    assert!(proof["cells"]["round_trips"].as_u64().unwrap() >= 50, "{}", proof["cells"]);
}

#[test]
fn what_aws_cannot_send_is_not_tried() {
    let conditions = [
        ("Decrypt", "NumericLessThan: { 'aws:EpochTime': '1577836800' }"),
        ("Encrypt", "StringLike: { 'aws:userid': 'AIDA*' }"),
        ("ReEncryptFrom", "NumericLessThan: { 'aws:MultiFactorAuthAge': '0' }"),
        ("GenerateDataKey", "NumericGreaterThan: { 'aws:CurrentTime': '5' }"),
        ("TagResource", "'ForAnyValue:StringEquals': { 'aws:TagKeys': '' }"),
        ("DescribeKey", "StringEquals: { 'aws:SourceAccount': 'ours' }"),
        ("GetKeyPolicy", "StringEquals: { 'aws:SourceIp': 'here' }"),
        ("ListGrants", "StringEquals: { 'kms:GrantIsForAWSResource': 'maybe' }"),
        ("CreateGrant", "'ForAnyValue:StringEquals': { 'kms:GrantOperations': 'kms:Encrypt' }"),
    ];
    let statements = conditions
        .map(|(action, when)| format!("{{ allow: 'kms:{action}', to: '*', when: {{ {when} }} }}"));
    let of_other = [
        "{ allow: kms:CreateGrant, to: '*', when: { StringEquals: { 'kms:GrantConstraintType': SourceArn } } }",
        "{ allow: kms:Decrypt, to: '*', when: { DateGreaterThan: { 'aws:CurrentTime': '2028-01-01T00:00:00Z' }, NumericLessThan: { 'aws:EpochTime': '1800000000' } } }",
    ];
    let text = format!(
        "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ ann: {{}} }}\n    roles: {{ app: {{}} }}\n    keys:\n      k: {{ policy: [{}] }}\n      l: {{ policy: [{}] }}\n",
        statements.join(", "),
        of_other.join(", ")
    );
    let folder = Folder::new("verify-impossible");
    folder.put("scenario.yaml", &text);
    let proof = printed(&[folder.path().to_str().unwrap()]);
    assert_eq!(proof["mismatches"], serde_json::json!([]));
    assert!(proof["cells"]["contexts"].as_u64().unwrap() > 0, "{}", proof["cells"]);
}

#[test]
fn conditions_on_spellings_and_on_unique_ids_are_proven() {
    let when = "when: { StringEquals: { 'kms:EncryptionContext:";
    let spelled = format!(
        "    users: {{ bob: {{ policies: [{{ allow: kms:Encrypt, {when}team': z }} }} }}, {{ deny: kms:Encrypt, {when}App': y }} }} }}] }} }}\n    \
         keys:\n      k: {{ policy: [{{ allow: 'kms:*', to: account }}], grants: [{{ to: user/bob, operations: [Encrypt], context_subset: {{ App: x }} }}] }}\n"
    );
    let role =
        "    roles: { r: { id: AROAEXAMPLEROLE000001, policies: [{ allow: kms:Encrypt }] } }\n";
    let unlike = "    keys:\n      k: { policy: [{ allow: kms:Encrypt, to: account, when: { StringNotLike: { 'aws:userid': 'AROAEXAMPLE*' } } }] }\n";
    for world in [spelled, format!("{role}{unlike}")] {
        let folder = Folder::new("verify-spelled");
        let text = format!("keyreach: scenario/1\naccounts:\n  111122223333:\n{world}");
        folder.put("scenario.yaml", text);
        let proof = printed(&[folder.path().to_str().unwrap()]);
        assert_eq!(proof["mismatches"], serde_json::json!([]), "{world}");
    }
}

#[test]
fn sm2_is_permitted_and_not_proven() {
    let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      ann: { policies: [{ allow: 'kms:*' }] }\n    keys:\n      k: { spec: SM2, usage: SIGN_VERIFY, policy: [{ allow: 'kms:*', to: account }] }\n";
    let folder = Folder::new("verify-sm2");
    folder.put("scenario.yaml", text);
    let proof = printed(&[folder.path().to_str().unwrap()]);
    assert_eq!(proof["mismatches"], serde_json::json!([]));
    let without = proof["cells"]["without_cryptography"].as_object().unwrap();
    assert!(without.keys().any(|why| why.contains("SM2")), "{without:?}");
}

/// The other way round, as far as a verdict can be: what it lacks is taken from what it has.
fn flipped(answer: &CellAnswer) -> Vec<CellAnswer> {
    let with = |verdict: Standing| {
        let mut other = answer.clone();
        other.verdict = verdict;
        let (witness, counter) = (answer.witness.clone(), answer.counter.clone());
        other.witness = witness.clone().or(counter.clone());
        other.counter = counter.or(witness);
        other
    };
    match answer.verdict {
        Standing::Always => vec![with(Standing::Never), with(Standing::Conditional)],
        Standing::Never => vec![with(Standing::Always), with(Standing::Conditional)],
        Standing::Conditional => vec![with(Standing::Always), with(Standing::Never)],
        Standing::Unknown { .. } => Vec::new(),
    }
}

#[test]
fn a_flipped_verdict_is_found() {
    let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      ann: { policies: [{ allow: 'kms:*' }] }\n      bob: { policies: [{ allow: kms:Decrypt, when: { StringEquals: { 'kms:EncryptionContext:team': red } } }] }\n    keys:\n      k: { policy: [{ allow: 'kms:*', to: account }] }\n";
    let folder = Folder::new("verify-flip");
    folder.put("scenario.yaml", text);
    let truth = world(folder.path().to_str().unwrap());
    let access = engine(&truth);
    let matrix = Matrix::new(&access);
    let mut tried = [0; 3];
    for (row, of_row) in matrix.rows().iter().enumerate() {
        let pair = matrix.pair(row, Some(0));
        for (actions, answer) in &pair.cells {
            // Cells with one answer are alike: the first and the last of them stand for all.
            let all: Vec<KmsAction> = actions.iter().collect();
            let ends = [all.first(), all.last()];
            for (action, other) in ends
                .into_iter()
                .flatten()
                .flat_map(|it| flipped(answer).into_iter().map(move |to| (*it, to)))
            {
                let altered = Arc::new(AtomicUsize::new(0));
                let (count, whose) = (Arc::clone(&altered), of_row.name.clone());
                let verdict = other.verdict;
                let alter = move |name: &str, key: &str, asked: KmsAction, _: &CellAnswer| {
                    let is_it = *whose == *name && key != "*" && asked == action;
                    count.fetch_add(usize::from(is_it), Ordering::Relaxed);
                    is_it.then(|| other.clone())
                };
                let verified = proven(&truth, &access, &alter);
                assert_eq!(altered.load(Ordering::Relaxed), 1);
                let found = verified.mismatches.iter().any(|it| it.action == action.as_str());
                assert!(found, "{} {action:?} {:?} to {:?}", of_row.name, answer.verdict, verdict);
                tried[match answer.verdict {
                    Standing::Always => 0,
                    Standing::Conditional => 1,
                    _ => 2,
                }] += 1;
            }
        }
    }
    assert!(tried.iter().all(|count| *count >= 2), "{tried:?}");
}

/// What the matrix says of every cell.
fn verdicts(access: &Access<'_>) -> Vec<String> {
    let matrix = Matrix::new(access);
    let mut all = Vec::new();
    for (row, of_row) in matrix.rows().iter().enumerate() {
        for key in (0..matrix.keys().len()).map(Some).chain([None]) {
            for (actions, answer) in &matrix.pair(row, key).cells {
                for action in actions.iter() {
                    let verdict = answer.verdict.name();
                    all.push(format!("{} {key:?} {} {verdict}", of_row.name, action.name()));
                }
            }
        }
    }
    all.sort();
    all
}

#[test]
fn an_ignored_statement_is_found() {
    let mut decided = 0;
    for path in ["testdata/course", "testdata/course-demonstration-1", "testdata/group-walkthrough"]
    {
        let truth = world(path);
        let whole = verdicts(&engine(&truth));
        let of_keys = truth.keys.values().flat_map(|key| key.policy.iter());
        let identities = truth.accounts.values().flat_map(|account| account.identities.values());
        let managed = truth.accounts.values().flat_map(|account| account.policies.values());
        let documents: Vec<_> = of_keys
            .chain(identities.flat_map(|it| it.inline.iter().map(|policy| &policy.document)))
            .chain(managed.filter_map(|policy| policy.document()))
            .cloned()
            .collect();
        for document in documents {
            for statement in &document.policy().statements {
                let edit =
                    Edit::WithoutStatement { policy: document.place, statement: statement.span };
                let told = truth.apply(&edit);
                let access = engine(&told);
                if verdicts(&access) == whole {
                    continue;
                }
                decided += 1;
                let verified = proven(&truth, &access, &|_, _, _, _| None);
                assert!(!verified.mismatches.is_empty(), "{path} {:?}", statement.sid);
            }
        }
    }
    assert!(decided >= 5, "{decided}");
}

#[test]
fn a_deny_of_another_gate_than_the_stated_one_is_found() {
    let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      ann: { policies: [{ allow: 'kms:*' }] }\n    keys:\n      k: { policy: [{ allow: 'kms:*', to: account }, { deny: kms:Decrypt, to: user/ann }] }\n";
    let folder = Folder::new("verify-gate");
    folder.put("scenario.yaml", text);
    let truth = world(folder.path().to_str().unwrap());
    let access = engine(&truth);
    let stated = |gate: Gate| {
        move |_: &str, key: &str, action: KmsAction, answer: &CellAnswer| {
            let is_it = answer.denied_by == Some(Gate::KeyPolicy)
                && answer.reason == Reason::ExplicitDeny
                && key != "*"
                && action == KmsAction::DECRYPT;
            is_it.then(|| CellAnswer { denied_by: Some(gate), ..answer.clone() })
        }
    };
    let verified = proven(&truth, &access, &stated(Gate::KeyPolicy));
    assert!(verified.mismatches.is_empty(), "{:?}", verified.mismatches);
    let verified = proven(&truth, &access, &stated(Gate::IdentityPolicy));
    let [mismatch] = &verified.mismatches[..] else { panic!("{:?}", verified.mismatches) };
    assert_eq!(mismatch.action, "kms:Decrypt");
    assert_eq!(mismatch.found, "it is refused, and no Deny of identity-policy applies");
}

#[test]
fn a_condition_that_says_something_else_is_found() {
    let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      bob: { policies: [{ allow: kms:Decrypt, when: { StringEquals: { 'kms:EncryptionContext:team': [red, blue] }, IpAddress: { aws:SourceIp: 192.0.2.0/24 } } }] }\n    keys:\n      k: { policy: [{ allow: 'kms:*', to: account }] }\n";
    let folder = Folder::new("verify-condition");
    folder.put("scenario.yaml", text);
    let truth = world(folder.path().to_str().unwrap());
    let access = engine(&truth);
    let verified = proven(&truth, &access, &|_, _, _, _| None);
    assert!(verified.mismatches.is_empty(), "{:?}", verified.mismatches);
    let said = |relation: &'static str, values: &'static [&'static str]| {
        move |_: &str, key: &str, action: KmsAction, answer: &CellAnswer| {
            let Some(Condition::All(parts)) = &answer.condition else { return None };
            let mut parts = parts.clone();
            for part in &mut parts {
                if let Condition::Test(words) = part
                    && words.key.contains("team")
                {
                    words.relation = relation.into();
                    words.values = values.iter().map(|value| (*value).into()).collect();
                }
            }
            let is_it = key != "*" && action == KmsAction::DECRYPT;
            let condition = Some(Condition::All(parts));
            is_it.then(|| CellAnswer { condition, ..answer.clone() })
        }
    };
    let verified = proven(&truth, &access, &said("is in", &["red", "blue"]));
    assert!(verified.mismatches.is_empty(), "{:?}", verified.mismatches);
    // Both agree with the witness and with the counter-witness that the matrix gives.
    for alter in [said("is in", &["red"]), said("is in", &["blue"]), said("is present", &[])] {
        let verified = proven(&truth, &access, &alter);
        let [mismatch] = &verified.mismatches[..] else { panic!("{:?}", verified.mismatches) };
        assert!(mismatch.found.contains("against the condition"), "{}", mismatch.found);
    }
}

#[test]
fn an_implicit_refusal_by_a_gate_that_lets_pass_is_found() {
    let text = "keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n      ann: {}\n      bob: { policies: [{ deny: kms:Decrypt }] }\n    keys:\n      k: { policy: [{ allow: 'kms:*', to: account }] }\n";
    let folder = Folder::new("verify-implicit");
    folder.put("scenario.yaml", text);
    let truth = world(folder.path().to_str().unwrap());
    let access = engine(&truth);
    let stated = |whose: &'static str, reason: Reason, gate: Gate| {
        move |row: &str, key: &str, action: KmsAction, answer: &CellAnswer| {
            let is_it = row.contains(whose) && key != "*" && action == KmsAction::DECRYPT;
            let denied_by = Some(gate);
            is_it.then(|| CellAnswer { reason, denied_by, ..answer.clone() })
        }
    };
    let verified =
        proven(&truth, &access, &stated("ann", Reason::ImplicitDeny, Gate::IdentityPolicy));
    assert!(verified.mismatches.is_empty(), "{:?}", verified.mismatches);
    let cases = [
        ("ann", Gate::KeyPolicy, "it is refused, and key-policy does not stand in its way"),
        ("bob", Gate::IdentityPolicy, "a Deny of identity-policy refuses it, and none is stated"),
    ];
    for (whose, gate, found) in cases {
        let verified = proven(&truth, &access, &stated(whose, Reason::ImplicitDeny, gate));
        let [mismatch] = &verified.mismatches[..] else { panic!("{:?}", verified.mismatches) };
        assert_eq!((&*mismatch.action, &*mismatch.found), ("kms:Decrypt", found));
    }
}

#[test]
fn mismatches_are_told_in_order() {
    let truth = world("testdata/course");
    let access = engine(&truth);
    let flip = |_: &str, key: &str, action: KmsAction, answer: &CellAnswer| {
        let is_it = key != "*" && action == KmsAction::DECRYPT;
        flipped(answer).into_iter().next().filter(|_| is_it)
    };
    let verified = proven(&truth, &access, &flip);
    assert!(!verified.mismatches.is_empty());
    let sorted = verified.mismatches.windows(2).all(|two| two[0].principal <= two[1].principal);
    assert!(sorted);
}

#[test]
fn a_sample_is_drawn_by_its_seed() {
    let small = printed(&["--sample", "3", "testdata/organisation"]);
    assert_eq!(small["cells"]["tried_pairs"], 3);
    assert_eq!(small["paths"]["tried"], 3);
    let again = printed(&["--sample", "3", "testdata/organisation"]);
    assert_eq!(small, again);
    let other = printed(&["--sample", "3", "--seed", "2", "testdata/organisation"]);
    assert_ne!(small["cells"], other["cells"]);
}

#[test]
fn nothing_to_prove_is_told() {
    let folder = Folder::new("verify-nothing");
    folder.put("notes.txt", "nothing");
    let run = keyreach(&["verify", folder.path().to_str().unwrap()]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
}

#[test]
fn a_sample_of_nothing_is_no_proof() {
    let run = keyreach(&["verify", "--sample", "0", "testdata/course"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
}

#[test]
fn what_people_read_is_wrapped() {
    let run = keyreach(&["verify", "--now", DAY, "testdata/noise-budget"]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let reason = run.stdout.lines().position(|line| line.contains("unproven: missing: key"));
    let reason = reason.unwrap_or_else(|| panic!("{}", run.stdout));
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[reason + 1].starts_with("    "), "{}", run.stdout);
    assert!(lines.iter().all(|line| line.len() <= 80), "{}", run.stdout);
}

/// An export without DescribeKey: the key may be of any kind.
#[test]
fn keys_of_a_kind_that_was_not_exported_are_proven_as_far_as_may_be() {
    let proof = printed(&["testdata/iam-collect"]);
    assert_eq!(proof["mismatches"], serde_json::json!([]));
    let cells = &proof["cells"];
    assert!(cells["round_trips"].as_u64().unwrap() > 5, "{cells}");
    assert!(!cells["without_cryptography"].as_object().unwrap().is_empty(), "{cells}");
}
