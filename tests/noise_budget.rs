//! What the policies that AWS writes, or asks for, are told by all rules together: whoever starts with them
//! has to be able to keep the linter switched on. Exact lists under each persona.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops where it fails")]

use keyreach::audit::{self, CheckOptions, Control, Texts};
use keyreach::diag::{Persona, Severity};
use keyreach::ingest::{Disk, load};
use keyreach::rules::all;

/// What all rules find in a world, as `severity rule`, for each persona in order of what it wants to hear.
fn check(world: &str, [regular, pedantic, auditor]: [&[&str]; 3]) {
    let loaded = load(&Disk, &[format!("testdata/noise-budget/{world}")]);
    assert!(loaded.problems.is_empty() && loaded.used > 0, "{world}: {:?}", loaded.problems);
    let texts = Texts::new(&Disk, &loaded.inventory);
    let personas =
        [(Persona::Regular, regular), (Persona::Pedantic, pedantic), (Persona::Auditor, auditor)];
    for (persona, expected) in personas {
        let options = CheckOptions {
            rules: all().iter().collect(),
            persona,
            min_severity: Severity::Info,
            now: "2026-01-15T12:00:00Z".parse().unwrap(),
            control: Control::default(),
            base: None,
        };
        let found = audit::check(&loaded.inventory, &texts, &options).findings;
        let told: Vec<String> =
            found.iter().map(|one| format!("{} {}", one.severity.name(), one.rule)).collect();
        assert_eq!(told, expected, "{world} for {persona:?}");
    }
}

#[test]
fn the_policy_of_the_programmatic_default_is_silent() {
    check("programmatic-default", [&[], &[], &[]]);
}

#[test]
fn the_policy_of_the_console_is_one_finding() {
    const ONE: &str = "high admin-can-self-grant";
    // Nothing in the account keeps the administrator from switching the check of KMS off.
    const NOTE: &str = "low lockout-check-bypassed";
    check("console-default", [&[ONE], &[ONE, NOTE], &[ONE, NOTE]]);
}

#[test]
fn the_policy_of_cloudtrail_is_silent() {
    // The account's root user needs no encryption context, and two of its statements say the same.
    const NOTES: [&str; 2] = ["medium encryption-context-optional", "info redundant-statement"];
    check("cloudtrail", [&[], &NOTES, &NOTES]);
}

#[test]
fn the_policy_for_cloudwatch_logs_is_silent() {
    check("cloudwatch-logs", [&[], &[], &[]]);
}

#[test]
fn the_policy_for_dnssec_of_route_53_is_silent() {
    // For whom the service makes its grants AWS does not say.
    check("route53-dnssec", [&[], &[], &["medium service-principal-unscoped"]]);
}

#[test]
fn the_policy_of_an_aws_managed_key_is_silent() {
    check("aws-managed-key", [&[], &[], &[]]);
}
