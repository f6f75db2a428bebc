//! What is made on the way: users, groups, policies (rules T21, T35, T52).

use super::{of_bob, of_bob_as_rules, params_of_bob};

#[test]
fn t52_what_is_written_for_one_who_is_made_is_a_part_of_making_it() {
    let text = |actions: &str| {
        let text = "accounts: { 111122223333: { users: { bob: { policies: [{ allow: [ACTIONS],
             on: 'arn:aws:iam::*:user/dev-*' }] } }, keys: { k: { policy: default } } } }";
        text.replace("ACTIONS", actions)
    };
    for write in ["iam:PutUserPolicy", "iam:AttachUserPolicy"] {
        let mut calls =
            of_bob_as_rules(&text(&format!("iam:CreateUser, {write}, iam:CreateAccessKey")));
        calls.sort_unstable();
        let rule = if write == "iam:PutUserPolicy" { "T20" } else { "T21" };
        assert_eq!(calls, [rule, "T26", "T35"]);
        assert!(of_bob(&text(&format!("iam:CreateUser, {write}"))).is_none());
    }
    assert!(of_bob(&text("iam:CreateUser, iam:CreateAccessKey")).is_none());
}

/// User bob with statements on whatever there is, and a key that leaves it to IAM.
fn bob(statements: &str) -> String {
    let text = "accounts: { 111122223333: { users: { bob: { policies: [STATEMENTS] } }, keys: { k: { policy: default } } } }";
    text.replace("STATEMENTS", statements)
}

#[test]
fn t35_a_group_is_made_opened_and_joined() {
    let allow = |actions: &str| bob(&format!("{{ allow: [{actions}] }}"));
    let both = "iam:CreateGroup, iam:AddUserToGroup";
    for (write, rule) in [("iam:PutGroupPolicy", "T20"), ("iam:AttachGroupPolicy", "T21")] {
        let text = allow(&format!("{both}, {write}"));
        let mut calls = of_bob_as_rules(&text);
        assert_eq!(calls.first(), Some(&"T35"));
        calls.sort_unstable();
        assert_eq!(calls, [rule, "T24", "T35"]);
        let params = params_of_bob(&text, 0);
        assert_eq!(params, serde_json::json!({ "GroupName": "keyreach", "Path": "/" }));
        assert!(of_bob(&allow(&format!("iam:AddUserToGroup, {write}"))).is_none());
        assert!(of_bob(&allow(&format!("iam:CreateGroup, {write}"))).is_none());
    }
    assert!(of_bob(&allow(both)).is_none());
    // Under a name that all three calls are allowed on.
    let named = |on: &str| {
        let on = format!("on: 'arn:aws:iam::*:group/{on}'");
        bob(&format!(
            "{{ allow: [iam:CreateGroup, iam:AddUserToGroup] }}, {{ allow: iam:PutGroupPolicy, {on} }}"
        ))
    };
    assert_eq!(params_of_bob(&named("dev-*"), 0)["GroupName"], "dev-x");
    let denied = format!("{{ allow: [{both}, iam:PutGroupPolicy] }}, {{ deny: 'kms:*' }}");
    assert!(of_bob(&bob(&denied)).is_none());
}

#[test]
fn t35_users_are_made_under_names_that_may_be_written() {
    let text = bob(
        "{ allow: iam:CreateUser }, { allow: [iam:PutUserPolicy, iam:CreateAccessKey], on: 'arn:aws:iam::*:user/dev-*' }",
    );
    let mut calls = of_bob_as_rules(&text);
    calls.sort_unstable();
    assert_eq!(calls, ["T20", "T26", "T35"]);
}

#[test]
fn t35_what_is_made_has_the_name_of_whoever_makes_it() {
    let statement = |actions: &str, on: &str| {
        bob(&format!("{{ allow: [{actions}], on: 'arn:aws:iam::*:{on}' }}"))
    };
    let user = "iam:CreateUser, iam:PutUserPolicy, iam:CreateAccessKey";
    let params = params_of_bob(&statement(user, "user/${aws:username}-*"), 0);
    assert_eq!(params["UserName"], "bob-x");
    assert!(of_bob(&statement(user, "user/${aws:PrincipalTag/team}-*")).is_none(), "it has none");
    let group = "iam:CreateGroup, iam:PutGroupPolicy, iam:AddUserToGroup";
    let params = params_of_bob(&statement(group, "group/of-${aws:username}"), 0);
    assert_eq!(params["GroupName"], "of-bob");
    let own = "{ allow: iam:CreatePolicy }, { allow: iam:AttachUserPolicy, when: {
        ArnLike: { 'iam:PolicyARN': 'arn:aws:iam::*:policy/${aws:username}' } } }";
    assert_eq!(params_of_bob(&bob(own), 0)["PolicyName"], "bob");
}

#[test]
fn t21_a_policy_is_made_where_others_may_not_be_attached() {
    let own = "when: { ArnLike: { 'iam:PolicyARN': 'arn:aws:iam::111122223333:policy/POLICY' } }";
    let text = |create: &str, policy: &str| {
        let own = own.replace("POLICY", policy);
        bob(&format!("{{ allow: [{create}] }}, {{ allow: iam:AttachUserPolicy, {own} }}"))
    };
    assert_eq!(of_bob_as_rules(&text("iam:CreatePolicy", "*")), ["T21", "T21"]);
    let params = params_of_bob(&text("iam:CreatePolicy", "team/*"), 0);
    assert_eq!((&params["PolicyName"], &params["Path"]), (&"x".into(), &"/team/".into()));
    assert!(of_bob(&text("'s3:*'", "*")).is_none());
    // Making it and attaching it is one primitive (rule T52).
    let user = "iam:CreatePolicy, iam:CreateUser, iam:CreateAccessKey";
    let text = text(user, "*")
        .replace("iam:AttachUserPolicy,", "iam:AttachUserPolicy, on: 'arn:aws:iam::*:user/dev-*',");
    assert_eq!(of_bob_as_rules(&text).len(), 4);
}

#[test]
fn t55_whoever_writes_its_own_policy_makes_another() {
    // What is denied to bob is not denied to a role of its making.
    let denied = "{ allow: iam:PutUserPolicy }, { deny: ['kms:*', 'iam:Delete*'] }";
    assert_eq!(of_bob_as_rules(&bob(denied))[..2], ["T20", "T35"]);
    let none = "{ allow: iam:PutUserPolicy }, { deny: ['kms:*', 'iam:Delete*', 'iam:Create*'] }";
    assert!(of_bob(&bob(none)).is_none());
}

#[test]
fn t30_a_policy_is_made_that_limits_nothing() {
    let text = "accounts: { 111122223333: {
           users: { bob: { boundary: Fence, policies: [{ allow: [kms:Decrypt, iam:CreatePolicy] },
             { allow: iam:PutUserPermissionsBoundary, when: { ArnLike: { 'iam:PermissionsBoundary': 'arn:aws:iam::111122223333:policy/dev-*' } } }] } },
           policies: { Fence: [{ allow: 'iam:*' }] }, keys: { k: { policy: default } } } }";
    assert_eq!(of_bob_as_rules(text), ["T21", "T30"]);
    assert!(of_bob(&text.replace("iam:CreatePolicy", "iam:TagUser")).is_none());
}

#[test]
fn t21_a_policy_is_made_for_a_group() {
    let text = "accounts: { 111122223333: {
           users: { bob: { groups: [g], policies: [{ allow: iam:CreatePolicy },
             { allow: iam:AttachGroupPolicy, when: { ArnLike: { 'iam:PolicyARN': 'arn:aws:iam::111122223333:policy/*' } } }] } },
           groups: { g: {} }, keys: { k: { policy: default } } } }";
    assert_eq!(of_bob_as_rules(text), ["T21", "T21"]);
    assert!(of_bob(&text.replace("iam:CreatePolicy", "iam:TagUser")).is_none());
}
