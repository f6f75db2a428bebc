//! Whom findings concern: what is printed under `concerns`, in JSON and in baselines.
#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use keyreach::audit::{self, CheckOptions, Control, Texts};
use keyreach::diag::{Persona, Severity};
use keyreach::ingest::{Disk, load};
use keyreach::rules::named;

/// The principals of the only finding of a rule in one of its cases.
fn check(rule: &str, case: &str, expected: &[&str]) {
    let loaded = load(&Disk, &[format!("testdata/rules/{rule}/{case}")]);
    assert!(loaded.problems.is_empty() && loaded.used > 0, "{case}: {:?}", loaded.problems);
    let texts = Texts::new(&Disk, &loaded.inventory);
    let options = CheckOptions {
        rules: named(rule).into_iter().collect(),
        persona: Persona::Auditor,
        min_severity: Severity::Info,
        now: "2026-01-15T12:00:00Z".parse().unwrap(),
        control: Control::default(),
        base: None,
    };
    let found = audit::check(&loaded.inventory, &texts, &options).findings;
    let told: Vec<&Vec<String>> = found.iter().map(|one| &one.principals).collect();
    assert_eq!(told, [expected], "{rule}/{case}");
}

#[test]
fn whom_nobody_named_is_any_principal_of_its_account() {
    let rule = "external-account-access";
    let anyone = ["any principal of account 444455556666"];
    check(rule, "fire-an-unknown-account", &anyone);
    check(rule, "fire-an-account-in-a-condition", &anyone);
}

#[test]
fn whom_a_statement_names_is_told_as_it_names_it() {
    let rule = "external-account-access";
    check(rule, "fire-a-role-of-an-unknown-account", &["arn:aws:iam::444455556666:role/etl"]);
    check(rule, "fire-roles-by-a-pattern", &["arn:aws:iam::444455556666:role/etl-*"]);
}

#[test]
fn a_wider_replica_concerns_those_who_gain_by_it() {
    let rule = "replica-policy-drift";
    check(rule, "fire-replica-is-wider-for-another", &["arn:aws:iam::111122223333:role/ops"]);
}

#[test]
fn users_and_roles_are_told_by_their_arns() {
    let app = ["arn:aws:iam::111122223333:role/app"];
    check("forallvalues-allow", "fire-the-service-is-left-out", &app);
    check("network-condition-breaks-services", "fire-an-endpoint", &app);
}
