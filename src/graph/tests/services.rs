//! Calls that policies leave to services which make them on somebody's behalf (rule U4): paths are direct.

use super::of_bob;

/// Bob with a statement; a role that can decrypt trusts the account by another.
fn between(bob: &str, trust: &str) -> bool {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [BOB] } },
           roles: { app: { trust: [{ allow: sts:AssumeRole, to: account TRUST }], policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }";
    of_bob(&text.replace("BOB", bob).replace("TRUST", trust)).is_some()
}

/// Conditions that hold where a service is in between, and nowhere else.
const INDIRECT: [&str; 4] = [
    "Bool: { 'aws:ViaAWSService': true }",
    "'ForAnyValue:StringEquals': { 'aws:CalledVia': cloudformation.amazonaws.com }",
    "StringEquals: { 'aws:CalledViaFirst': cloudformation.amazonaws.com }",
    "Null: { 'aws:CalledViaLast': false }",
];

#[test]
fn u4_nobody_calls_what_is_for_services_in_between() {
    for action in ["iam:PutUserPolicy", "sts:AssumeRole"] {
        let may = |when: &str| between(&format!("{{ allow: {action}, when: {{ {when} }} }}"), "");
        for when in INDIRECT {
            assert!(!may(when), "{action} {when}");
        }
        assert!(may("Bool: { 'aws:ViaAWSService': false }"), "{action}");
    }
    let denied = "{ allow: iam:PutUserPolicy }, { deny: 'iam:*', when: { Bool: { 'aws:ViaAWSService': false } } }";
    assert!(!between(denied, ""));
}

#[test]
fn u4_trust_policies_let_direct_calls_in_alone() {
    let bob = "{ allow: sts:AssumeRole }";
    for when in INDIRECT {
        assert!(!between(bob, &format!(", when: {{ {when} }}")), "{when}");
    }
    assert!(between(bob, ", when: { Bool: { 'aws:ViaAWSService': false } }"));
}
