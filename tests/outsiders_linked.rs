//! Rows of the matrix for principals outside the export, where condition keys are tied to each other: what no
//! request of theirs has opens nothing to them, and what some request has does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/beside.rs"]
mod beside;
mod support;

use beside::{PARTNER, check, check_statements, inventory, statement, world};
use keyreach::access::{Access, Matrix};
use keyreach::aws::{ActionSet, KmsAction};
use support::matrix::now;

const ORGANIZATION: &str = r#"organization:
  id: o-own
  root: r-1
  management: "999999999999"
  accounts: ["111122223333", "999999999999"]
  units: { A: { id: ou-1-a, accounts: ["222222222222"] }, B: { id: ou-1-b, accounts: ["333333333333"] } }
accounts:"#;

/// One Allow of Decrypt for `to`, in an organization.
fn in_organization(to: &str, when: &str) -> String {
    world("us-west-2", &statement("allow", "Decrypt", to, when)).replacen(
        "accounts:",
        ORGANIZATION,
        1,
    )
}

const BOB: &str = "arn:aws:iam::444455556666:user/bob";
const APP: &str = "arn:aws:iam::444455556666:role/app";

#[test]
fn an_account_has_an_organization_and_a_place_in_it_or_neither() {
    let row = format!("arn:aws:iam::{PARTNER}:root Decrypt conditional");
    let other = r#"StringEquals: { "aws:PrincipalOrgID": "o-other" }"#;
    let within = r#""ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-other/*" }"#;
    let nowhere = r#""Null": { "aws:PrincipalOrgPaths": "true" }"#;
    let not_other = r#"StringNotEquals: { "aws:PrincipalOrgID": "o-other" }"#;
    for (one, two, expected) in [
        (other, nowhere, &[][..]),
        (within, not_other, &[]),
        (other, within, &[&*row]),
        (not_other, nowhere, &[&*row]),
    ] {
        check(&in_organization(PARTNER, &format!("{one}, {two}")), expected);
    }
}

#[test]
fn an_organization_stands_for_its_members_that_nothing_else_tells_of() {
    let own = r#""aws:PrincipalOrgID": "o-own""#;
    let but = |accounts: &str| {
        let others = format!(r#"StringNotEquals: {{ "aws:PrincipalAccount": [{accounts}] }}"#);
        format!("StringEquals: {{ {own} }}, {others}")
    };
    // All are told of.
    check(&in_organization("*", &but("'222222222222', '333333333333', '999999999999'")), &[]);
    check(&in_organization("*", &but("'222222222222', '999999999999'")), &["o-own Decrypt always"]);
    // What is left of it is at one place.
    let at = |unit: &str| {
        let paths = format!("o-own/r-1/{unit}/*");
        let paths =
            format!(r#""ForAnyValue:StringLike": {{ "aws:PrincipalOrgPaths": "{paths}" }}"#);
        in_organization("*", &format!("{}, {paths}", but("'222222222222', '999999999999'")))
    };
    check(&at("ou-1-b"), &["o-own Decrypt always"]);
    check(&at("ou-1-a"), &[]);
    // A member that a pattern takes has a row of its own.
    let like =
        format!(r#"StringEquals: {{ {own} }}, StringLike: {{ "aws:PrincipalAccount": "2222*" }}"#);
    check(&in_organization("*", &like), &["arn:aws:iam::222222222222:root Decrypt always"]);
}

#[test]
fn u4_services_have_a_row_where_it_is_asked_whose_resource_makes_them_call() {
    for when in [
        r#"StringEquals: { "aws:SourceAccount": "111122223333" }"#,
        r#"ArnLike: { "aws:SourceArn": "arn:aws:s3:::bucket" }"#,
        r#"StringEquals: { "aws:SourceOrgID": "o-own" }"#,
    ] {
        check_statements(
            &[("allow", "Decrypt", "*", when)],
            &["*.amazonaws.com Decrypt conditional"],
        );
    }
    // Nobody else lacks an ARN.
    let without = r#"Null: { "aws:PrincipalArn": "true" }"#;
    check_statements(&[("allow", "Decrypt", "*", without)], &["*.amazonaws.com Decrypt always"]);
    let nowhere = r#"StringEquals: { "aws:SourceOrgID": "o-own" }, "ForAllValues:StringNotLike": { "aws:SourceOrgPaths": "o-own/*" }"#;
    check_statements(&[("allow", "Decrypt", "*", nowhere)], &[]);
}

#[test]
fn c45_unique_ids_have_their_parts() {
    let with_ids = |to: &str, pattern: &str| {
        let when = format!(r#"StringLike: {{ "aws:userid": "{pattern}" }}"#);
        world("us-west-2", &statement("allow", "Decrypt", to, &when)).replace(
            "users: { bob: {} }",
            "users: { bob: { id: AIDATESTBOB } }\n    roles: { app: { id: AROATESTAPP } }",
        )
    };
    let [user, role] = [BOB, APP].map(|who| format!("{who} Decrypt conditional"));
    for (to, pattern, expected) in [
        // A user has no session, and nobody outside the id of a role of the export.
        (BOB, "*:s", &[][..]),
        (BOB, "*AROATESTAPP:s", &[]),
        (APP, "*AROATESTAPP:s", &[]),
        (PARTNER, "*AROATESTAPP:s", &[]),
        (APP, "*:s:t", &[]),
        (APP, "*:s", &[&*role]),
        // The name of a session can be what it likes.
        (APP, "*AIDATESTBOB", &[&*role]),
        (BOB, "*APP", &[&*user]),
    ] {
        check(&with_ids(to, pattern), expected);
    }
}

#[test]
fn e44_rcps_do_not_bind_service_linked_roles_of_other_accounts() {
    const RCP: &str = r#"rcps: [{ deny: "kms:*", when: { StringNotEqualsIfExists: { "aws:PrincipalOrgID": o-own } } }]"#;
    let bound =
        |to: &str| in_organization(to, "").replacen("root: r-1", &format!("root: r-1\n  {RCP}"), 1);
    let linked = format!("arn:aws:iam::{PARTNER}:role/aws-service-role/ec2.amazonaws.com/linked");
    check(&bound(&linked), &[&format!("{linked} Decrypt always")]);
    check(&bound(APP), &[]);
    // One of them can be any principal of an account.
    check(&bound(PARTNER), &[&format!("arn:aws:iam::{PARTNER}:root Decrypt conditional")]);
}

#[test]
fn a_scenario_without_an_organization_has_none() {
    let other = r#"StringNotEquals: { "aws:PrincipalOrgID": "o-other" }"#;
    let text = statement("allow", "Decrypt", "*", "") + &statement("deny", "Decrypt", "*", other);
    let text = world("us-west-2", &text);
    check(&text, &["o-other Decrypt always"]);
    let told = inventory(&text);
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let bob = matrix.rows().iter().position(|row| row.name.ends_with("user/bob")).unwrap();
    let pairs = matrix.row(bob, ActionSet::of(KmsAction::DECRYPT), true);
    let pair = pairs.iter().find_map(|(key, pair)| key.map(|_| pair)).unwrap();
    let cell = pair.cells.iter().find(|(actions, _)| actions.contains(KmsAction::DECRYPT)).unwrap();
    assert_eq!((cell.1.verdict.name(), cell.1.missing.len()), ("never", 0));
}

/// The condition of the one cell of outsiders that has one.
fn condition(text: &str) -> String {
    let told = inventory(text);
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let rows = matrix.rows().iter().enumerate().filter(|(_, row)| !row.is_listed());
    let pairs = rows.flat_map(|(row, _)| matrix.row(row, ActionSet::ALL, false));
    let mut found: Vec<String> = Vec::new();
    for (_, pair) in pairs {
        let conditions = pair.cells.iter().filter_map(|(_, answer)| answer.condition.as_ref());
        found.extend(conditions.map(ToString::to_string));
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.swap_remove(0)
}

#[test]
fn a_value_that_no_request_has_is_no_part_of_a_condition() {
    let deny = r#"StringNotLike: { "aws:userid": ["AROAPARTNER:*", "111122223333"] }"#;
    let text = statement("allow", "Decrypt", "*", "") + &statement("deny", "*", "*", deny);
    assert_eq!(condition(&world("us-west-2", &text)), "aws:userid matches AROAPARTNER:*");
    let paths = r#""ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": ["o-partner/*", "o-second/r-*/ou-pay/*"] }"#;
    assert_eq!(
        condition(&in_organization("*", paths)),
        "aws:PrincipalOrgPaths has a value that matches o-second/r-*/ou-pay/*"
    );
    // Nor is one that another part excludes.
    let one = r#"StringEquals: { "kms:ViaService": ["s3.us-west-2.amazonaws.com", "ec2.us-west-2.amazonaws.com"] }"#;
    let other = r#"StringEquals: { "kms:ViaService": "s3.us-west-2.amazonaws.com" }"#;
    let text =
        statement("allow", "Decrypt", PARTNER, one) + &statement("deny", "Decrypt", "*", other);
    assert_eq!(
        condition(&world("us-west-2", &text)),
        "kms:ViaService is ec2.us-west-2.amazonaws.com"
    );
}
