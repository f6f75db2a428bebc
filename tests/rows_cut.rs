//! Rows of the matrix that patterns and facts tell apart: organizations and accounts that several patterns take
//! together, and services that nothing but what their requests hold lets through.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/apart.rs"]
mod apart;
mod support;

use apart::{PARTNER, check, decrypt, iam, inventory, statement, world};
use keyreach::access::{Access, Matrix};
use keyreach::aws::{ActionSet, KmsAction};
use support::matrix::now;

const ID: &str = "aws:PrincipalOrgID";
const ACCOUNT: &str = "aws:PrincipalAccount";

/// A test of a key against patterns.
fn like(operator: &str, key: &str, patterns: &str) -> String {
    format!(r#"{operator}: {{ "{key}": [{patterns}] }}"#)
}

/// Who is allowed, and who is denied.
fn both(allow: &str, deny: &str) -> [String; 2] {
    [statement("allow", "*", allow), statement("deny", "*", deny)]
}

#[test]
fn organizations_that_two_patterns_take_have_a_row() {
    let a = like("StringLike", ID, "'o-a*'");
    check(&both(&a, &like("StringNotLike", ID, "'o-?b*'")), &["o-?b*&o-a* always"]);
    check(&both(&a, &like("StringNotLike", ID, "'*z'")), &["*z&o-a* always"]);
    let rows = ["o-?b*&o-a* never", "o-a* always"];
    check(&both(&a, &like("StringLike", ID, "'o-?b*'")), &rows);
    let paths = r#"ForAnyValue:StringLike: { "aws:PrincipalOrgPaths": "o-?b*/r-1/*" }"#;
    check(&[statement("allow", "*", &format!("{a}, {paths}"))], &["o-?b*&o-a* conditional"]);
    // Those that no shorter id than the pattern is of.
    let rows = ["o-a* always", "o-a????????? never"];
    check(&both(&a, &like("StringLike", ID, "'o-a?????????'")), &rows);
    // Where one says what the other does, none is told apart.
    let either = like("StringLike", ID, "'o-a*', 'o-?b*'");
    check(&[statement("allow", "*", &either)], &["o-?b* always", "o-a* always"]);
}

#[test]
fn a_run_in_an_id_can_reach_beyond_it() {
    let paths = r#"ForAnyValue:StringLike: { "aws:PrincipalOrgPaths": "o-a*b*" }"#;
    check(&[statement("allow", "*", paths)], &["o-a* conditional", "o-a*b* always"]);
    // So can one in an ARN, and in the id of a federated user.
    for (key, pattern) in [("aws:PrincipalArn", "arn:aws:iam::44*role/x"), ("aws:userid", "44*bob")]
    {
        let statements =
            [statement("allow", "*", &like("StringLike", key, &format!("'{pattern}'")))];
        let text = world(&statements);
        let found = decrypt(&text);
        let of_accounts = found.iter().filter(|(row, _)| row.starts_with("arn:aws:iam::"));
        let verdicts: Vec<&str> = of_accounts.map(|(_, answer)| answer.verdict.name()).collect();
        assert_eq!(verdicts, ["conditional"], "{pattern} {found:?}");
    }
}

#[test]
fn accounts_that_two_patterns_take_have_a_row() {
    let four = like("StringLike", ACCOUNT, "'4*'");
    let not_six = like("StringNotLike", ACCOUNT, "'*6'");
    check(&both(&four, &not_six), &["arn:aws:iam::*6&4*:root always"]);
    let rows = ["arn:aws:iam::*6&4*:root never", "arn:aws:iam::4*:root always"];
    check(&both(&four, &like("StringLike", ACCOUNT, "'*6'")), &rows);
    // A character that is open is none of those that a run stands for.
    let five = like("StringLike", ACCOUNT, "'*5'");
    let statements = both(&five, &like("StringNotLike", ACCOUNT, "'?5*'"));
    check(&statements, &["arn:aws:iam::*5&?5*:root always"]);
    // One that both take may be the only one.
    let statements = both(
        &like("StringLike", ACCOUNT, "'44445555*'"),
        &like("StringNotLike", ACCOUNT, "'*6666'"),
    );
    check(&statements, &["arn:aws:iam::*6666&44445555*:root always"]);
    let either = like("StringLike", ACCOUNT, "'4*', '*6'");
    let rows = ["arn:aws:iam::*6:root always", "arn:aws:iam::4*:root always"];
    check(&[statement("allow", "*", &either)], &rows);
}

#[test]
fn too_many_patterns_leave_open_what_they_say() {
    // Each takes what has a certain character at a certain place.
    let crossing = |start: &str| -> String {
        let one = |at: usize| format!("'{start}{}7*'", "?".repeat(at));
        (1..=11).map(one).collect::<Vec<_>>().join(", ")
    };
    let statements =
        both(&like("StringLike", ID, "'o-a*'"), &like("StringLike", ID, &crossing("o-")));
    check(&statements, &["o-any unknown", "o-own never"]);
    let statements =
        both(&like("StringLike", ACCOUNT, "'4*'"), &like("StringLike", ACCOUNT, &crossing("")));
    check(&statements, &["arn:aws:iam::*:root unknown"]);
    let name = "aws:PrincipalServiceName";
    let statements =
        both(&like("StringLike", name, "'a*'"), &like("StringLike", name, &crossing("")));
    check(&statements, &["*.amazonaws.com unknown"]);
}

#[test]
fn what_too_many_patterns_leave_open_is_undecided_and_not_missing() {
    let one = |at: usize| format!("'{}7*'", "?".repeat(at));
    let crossing = (1..=11).map(one).collect::<Vec<_>>().join(", ");
    let account = |patterns: &str| like("StringLike", ACCOUNT, patterns);
    let found = decrypt(&world(&both(&account("'4*'"), &account(&crossing))));
    let [(_, answer)] = &found[..] else { panic!("{found:?}") };
    assert!(answer.undecided && answer.missing.is_empty(), "{answer:?}");
    // A test without a pattern is told all the same.
    let partner = like("StringNotEquals", ACCOUNT, &format!("'{PARTNER}'"));
    let found = decrypt(&world(&[
        statement("allow", "*", &partner),
        statement("deny", "555555555555", &account(&crossing)),
    ]));
    let found = found.iter().map(|(row, answer)| format!("{row} {}", answer.verdict.name()));
    let found: Vec<String> = found.collect();
    assert!(found.contains(&"arn:aws:iam::*:root always".to_owned()), "{found:?}");
}

#[test]
fn services_that_only_facts_let_through_have_a_row() {
    let services = ["*.amazonaws.com conditional"];
    // Section 2.5: whoever else has temporary credentials says whether MFA was used.
    let no_mfa = r#"Null: { "aws:MultiFactorAuthPresent": "true", "aws:TokenIssueTime": "false" }"#;
    check(&[statement("allow", "*", no_mfa)], &services);
    let statements = [
        statement("allow", "*", ""),
        statement("deny", "*", r#"Null: { "aws:MultiFactorAuthPresent": "false" }"#),
        statement("deny", "*", r#"Null: { "aws:TokenIssueTime": "true" }"#),
    ];
    check(&statements, &services);
    // They are told where they have less than the others, too.
    check(&both("", no_mfa), &["* always", services[0]]);
}

#[test]
fn services_have_no_row_where_facts_tell_nothing() {
    // Rule C53: no service calls so by its own principal.
    let via = r#"StringEquals: { "kms:ViaService": s3.us-east-1.amazonaws.com }"#;
    check(&[statement("allow", "*", via)], &["* conditional"]);
    // Rule C66: nor is its call one of a chain, and what calls on behalf of others says so.
    let called = r#"Null: { "aws:CalledVia": "false" }"#;
    check(&[statement("allow", "*", called)], &["* conditional"]);
    let itself = format!(r#"{called}, Bool: {{ "aws:ViaAWSService": "false" }}"#);
    check(&[statement("allow", "*", &itself)], &[]);
    check(&[statement("allow", "*", r#"Bool: { "aws:SecureTransport": "true" }"#)], &["* always"]);
    let pair = r#"StringEquals: { "kms:EncryptionContext:app": x }"#;
    check(&[statement("allow", "*", pair)], &["* conditional"]);
    // Rule C54: of the account of one nobody knows.
    let account = like("StringNotEquals", "kms:CallerAccount", &format!("'{PARTNER}'"));
    check(&[statement("allow", "*", &account)], &["* always", &format!("{} never", iam("root"))]);
}

#[test]
fn services_that_two_patterns_take_have_a_row() {
    let name = "aws:PrincipalServiceName";
    let logs = like("StringLike", name, "'logs.*.amazonaws.com'");
    let east = "'*.us-east-1.amazonaws.com'";
    let both_take = "*.us-east-1.amazonaws.com&logs.*.amazonaws.com";
    let rows = [format!("{both_take} always")];
    check(&both(&logs, &like("StringNotLike", name, east)), &[&rows[0]]);
    check(&both(&logs, &like("StringLike", name, east)), &["logs.*.amazonaws.com always"]);
    // What stands for all others is none that a pattern takes, whatever it is called.
    let others = format!(
        r#"Bool: {{ "aws:PrincipalIsAWSService": "true" }}, {}"#,
        like("StringNotLike", name, "'a*', 'o*'")
    );
    check(&[statement("allow", "*", &others)], &["*.amazonaws.com always"]);
}

#[test]
fn c13_accounts_can_be_compared_as_numbers() {
    let below = r#"NumericLessThan: { "aws:PrincipalAccount": 500000000000 }"#;
    let text = world(&[statement("allow", "*", below)]);
    check(
        &[statement("allow", "*", below)],
        &["* unknown", "arn:aws:iam::500000000000:root never"],
    );
    // Whoever is of the export is of one account, which need not be named.
    let role = "    roles: { x: { policies: [{ allow: \"kms:*\" }] } }";
    let told = inventory(&format!("{text}  \"{PARTNER}\":\n{role}\n"));
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let at = matrix.rows().iter().position(|row| *row.name == *iam("role/x")).unwrap();
    let pairs = matrix.row(at, ActionSet::of(KmsAction::DECRYPT), false);
    assert!(pairs.iter().any(|(key, _)| *key == Some(0)));
}
