//! The search by the worked cases of the semantics.

use jiff::Timestamp;

use crate::access::Access;
use crate::inventory::Inventory;
use crate::source::FileId;

use super::{EdgeKind, Graph, Path, Wanted};

fn world(text: &str) -> Inventory {
    let lines = text.lines().map(|line| line.strip_prefix("         ").unwrap_or(line));
    let text = lines.fold("keyreach: scenario/1".to_owned(), |all, line| all + "\n" + line);
    let scenario = crate::ingest::scenario::load(&text, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

/// The shortest way of each principal of account A to each key, as rules of primitives and `edge`.
fn found(text: &str) -> Vec<String> {
    let world = world(text);
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a date");
    let access = Access::new(&world, now);
    let found = Graph::new(&access).paths(&Wanted::default());
    assert!(found.broken.is_empty(), "{:?}", found.broken);
    let row = |path: &Path| {
        let steps = path.hops.iter().map(|hop| match hop.edge {
            EdgeKind::EscalatesBy(rule) => rule,
            _ => "edge",
        });
        let from = path.from.text.rsplit(':').next().unwrap_or_default();
        format!("{from} {} {}", path.key.id(), steps.collect::<Vec<_>>().join(" "))
    };
    found.paths.iter().map(row).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    // Root users own their accounts' IAM (rule T11); rows speak of the others.
    let found = found(text).into_iter().filter(|row| !row.starts_with("root "));
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn w133_who_writes_the_key_policy_controls_the_key() {
    check(
        "accounts: { 111122223333: { roles: { adm: {} },
           keys: { k: { policy: [{ allow: 'kms:Put*', to: role/adm }] } } } }",
        &["role/adm k T16"],
    );
}

#[test]
fn w134_writing_ones_own_policy_reaches_what_the_key_delegates() {
    check(
        "accounts: { 111122223333: {
           users: { eve: { policies: [{ allow: iam:PutUserPolicy, on: user/eve }] } },
           keys: { k: { policy: default } } } }",
        &["user/eve k T20"],
    );
}

#[test]
fn w135_a_boundary_leaves_nothing_to_write() {
    check(
        "accounts: { 111122223333: {
           users: { alice: {},
             eve: { policies: [{ allow: iam:PutUserPolicy, on: user/eve }], boundary: Fence } },
           policies: { Fence: [{ allow: ['kms:*', iam:PutUserPolicy] }] },
           keys: { k: { policy: [{ allow: 'kms:*', to: user/alice }] } } } }",
        &[],
    );
}

#[test]
fn w136_passing_a_role_without_a_launch_is_no_access() {
    check(
        "accounts: { 111122223333: {
           users: { eve: { policies: [{ allow: iam:PassRole, on: role/r }] } },
           roles: { r: { trust: service:lambda.amazonaws.com, policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }",
        &[],
    );
}

#[test]
fn w137_who_tags_the_key_decides_who_uses_it() {
    check(
        "accounts: { 111122223333: {
           users: { eve: { policies: [{ allow: kms:TagResource },
             { allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/team': red } } }] } },
           keys: { k: { policy: default } } } }",
        &["user/eve k T32"],
    );
}

#[test]
fn w141_a_written_policy_reaches_whom_the_key_names() {
    check(
        "accounts: { 111122223333: {
           users: { alice: {}, eve: { policies: [{ allow: iam:PutUserPolicy, on: user/eve }] } },
           keys: { k: { policy: [{ allow: 'kms:*', to: user/alice }] } } } }",
        &["user/eve k T20 T26"],
    );
}

#[test]
fn w142_nobody_of_the_account_is_named() {
    check(
        "accounts:
           111122223333: { users: { eve: { policies: [{ allow: iam:PutUserPolicy, on: user/eve }] } },
             keys: { k: { policy: [{ allow: 'kms:*', to: 444455556666/role/app }] } } }
           444455556666: { roles: { app: { trust: account, policies: [{ allow: kms:Decrypt }] } } }",
        &[],
    );
}

#[test]
fn t5_chains_of_roles_are_followed() {
    check(
        "accounts: { 111122223333: {
           users: { eve: { policies: [{ allow: sts:AssumeRole, on: role/first }] } },
           roles: { first: { trust: account }, second: { trust: role/first },
             third: { trust: [role/second, role/third], policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }",
        &["role/first k edge edge", "role/second k edge", "user/eve k edge edge edge"],
    );
}

#[test]
fn t41_who_makes_a_provider_is_whom_it_vouches_for() {
    let provider = "provider:arn:aws:iam::111122223333:saml-provider/sso";
    let account = |allowed: &str| {
        format!(
            "accounts: {{ 111122223333: {{
               users: {{ eve: {{ policies: [{{ allow: '{allowed}' }}] }} }},
               roles: {{ app: {{ trust: [{{ allow: 'sts:AssumeRoleWithSAML', to: '{provider}' }}],
                 policies: [{{ allow: kms:Decrypt }}] }} }},
               keys: {{ k: {{ policy: default }} }} }} }}"
        )
    };
    let by = |allowed: &str| {
        let found = found(&account(allowed)).into_iter();
        found.filter(|row| row.starts_with("user/eve")).collect::<Vec<_>>()
    };
    assert_eq!(by("iam:UpdateSAMLProvider"), ["user/eve k T41 edge"]);
    assert_eq!(by("iam:CreateSAMLProvider"), ["user/eve k T41 edge"]);
    assert!(by("iam:CreateOpenIDConnectProvider").is_empty());
}
