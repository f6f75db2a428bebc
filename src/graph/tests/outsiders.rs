//! Whom policies let in as principals of an account outside the export, or as anybody (rules T4, T8).

use super::{Path, paths};

/// Those outside account 111122223333 who get to the key, with the calls.
fn outside(text: &str) -> Vec<String> {
    let found = paths(text);
    let is_outside =
        |path: &&Path| path.from.account.is_some_and(|it| it.as_str() != "111122223333");
    let told = |path: &Path| {
        let calls: Vec<&str> = path.hops.iter().map(|hop| hop.call.name()).collect();
        format!("{} {}", path.from, calls.join(" "))
    };
    found.iter().filter(is_outside).map(told).collect()
}

/// A role of some trust policy that can decrypt with the key.
fn trusting(trust: &str) -> Vec<String> {
    let text = "accounts: { 111122223333: {
           users: { ann: {} }, roles: { app: { trust: TRUST, policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }";
    outside(&text.replace("TRUST", trust))
}

#[test]
fn t4_principals_of_a_trusted_account_take_on_the_role() {
    let any = "arn:aws:iam::444455556666:role/any sts:AssumeRole";
    assert_eq!(trusting("444455556666"), [any]);
    let external = "[{ allow: sts:AssumeRole, to: 444455556666, when: { StringEquals: { 'sts:ExternalId': x } } }]";
    assert_eq!(trusting(external), [any]);
    // One of another name is let in by its name alone.
    let named = "[{ allow: sts:AssumeRole, to: 444455556666,
             when: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::444455556666:role/deploy' } } }]";
    assert_eq!(trusting(named), ["arn:aws:iam::444455556666:role/deploy sts:AssumeRole"]);
    assert!(trusting("user/ann").is_empty());
    assert!(trusting("account").is_empty());
}

#[test]
fn t8_strangers_come_in_where_everyone_may() {
    let found = trusting("[{ allow: sts:AssumeRole, to: '*' }]");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with(":role/any sts:AssumeRole"), "{found:?}");
    let ours = "[{ allow: sts:AssumeRole, to: '*',
             when: { StringEquals: { 'aws:PrincipalAccount': 111122223333 } } }]";
    assert!(trusting(ours).is_empty());
}

#[test]
fn t6_whom_conditions_alone_let_in_comes_in() {
    let letting = |key: &str, value: &str| {
        let condition = format!("when: {{ ArnLike: {{ '{key}': '{value}' }} }}");
        let condition = match key {
            "aws:PrincipalArn" => condition,
            _ => condition.replace("ArnLike", "StringEquals"),
        };
        trusting(&format!("[{{ allow: sts:AssumeRole, to: '*', {condition} }}]"))
    };
    let theirs = letting("aws:PrincipalAccount", "444455556666");
    assert_eq!(theirs, ["arn:aws:iam::444455556666:role/any sts:AssumeRole"]);
    let named = letting("aws:PrincipalArn", "arn:aws:iam::444455556666:role/foo");
    assert_eq!(named, ["arn:aws:iam::444455556666:role/foo sts:AssumeRole"]);
    let vendor = letting("aws:PrincipalArn", "arn:aws:iam::*:role/vendor-*");
    assert!(
        vendor.len() == 1 && vendor[0].ends_with(":role/vendor-x sts:AssumeRole"),
        "{vendor:?}"
    );
}

#[test]
fn t18_strangers_make_grants_where_everyone_may() {
    let text = |action: &str| {
        let text =
            "accounts: { 111122223333: { keys: { k: { policy: [{ allow: ACTION, to: '*' }] } } } }";
        outside(&text.replace("ACTION", action))
    };
    let found = text("kms:CreateGrant");
    assert!(found.len() == 1 && found[0].ends_with(":role/any kms:CreateGrant"), "{found:?}");
    // Whoever has what is wanted needs no path, and this operation crosses no account.
    assert!(text("kms:Decrypt").is_empty());
    assert!(text("kms:PutKeyPolicy").is_empty());
}

#[test]
fn t4_users_come_in_where_roles_may_not() {
    let by_type = |operator: &str, kind: &str| {
        let when = format!("{{ {operator}: {{ 'aws:PrincipalType': {kind} }} }}");
        trusting(&format!("[{{ allow: sts:AssumeRole, to: 444455556666, when: {when} }}]"))
    };
    let way = |name: &str| vec![format!("arn:aws:iam::444455556666:{name} sts:AssumeRole")];
    assert_eq!(by_type("StringEquals", "User"), way("user/any"));
    // A root user takes no role on.
    assert!(by_type("StringEquals", "Account").is_empty());
    // Where the role gets in as well, it stands for all.
    assert_eq!(by_type("StringEquals", "[User, AssumedRole]"), way("role/any"));
    assert_eq!(by_type("StringEquals", "AssumedRole"), way("role/any"));
    assert_eq!(by_type("StringNotEquals", "AssumedRole"), way("user/any"));
    let named = "[{ allow: sts:AssumeRole, to: 444455556666, when: { StringLike: { 'aws:username': 'dep*' } } }]";
    assert_eq!(trusting(named), way("user/depx"));
}
