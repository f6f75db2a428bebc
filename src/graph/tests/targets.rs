//! Tags of users and roles that others call on (rule T34), boundaries and tags of what is made (rule T35).

use serde_json::json;

use super::{of_bob, of_bob_as_rules, params_of_bob};

/// User bob with some statements, user ann and role app, who can decrypt, and more of ann.
fn others(bob: &str, ann: &str) -> String {
    let text = "accounts: { 111122223333: {
           users: { bob: { tags: { team: x }, policies: [{ Version: '2012-10-17', Statement: [BOB] }] },
             ann: { ANN policies: [{ allow: kms:Decrypt }] } },
           roles: { app: { trust: account, policies: [{ allow: kms:Decrypt }] },
             run: { trust: service:lambda.amazonaws.com, policies: [{ allow: kms:Decrypt }] } },
           keys: { k: { policy: default } } } }";
    text.replace("BOB", bob).replace("ANN", ann)
}

/// Bob may take one action where the target has a tag, and another one anyhow.
fn tagged(action: &str, family: &str, value: &str, tagging: &str) -> Vec<&'static str> {
    let bob = format!(
        "{{ allow: {action}, on: '*', when: {{ StringEquals: {{ '{family}:ResourceTag/team': '{value}' }} }} }},
             {{ allow: {tagging}, on: '*' }}"
    );
    of_bob_as_rules(&others(&bob, ""))
}

#[test]
fn t34_whoever_tags_others_calls_on_them_as_policies_want() {
    for family in ["aws", "iam"] {
        assert_eq!(tagged("sts:AssumeRole", family, "red", "iam:TagRole"), ["T34", "edge"]);
        assert_eq!(tagged("iam:CreateAccessKey", family, "red", "iam:TagUser"), ["T34", "T26"]);
        assert_eq!(tagged("iam:PutUserPolicy", family, "red", "iam:TagUser"), ["T34", "T20"]);
    }
    let launch = "[lambda:CreateFunction, lambda:InvokeFunction, iam:TagRole]";
    assert_eq!(tagged("iam:PassRole", "iam", "red", launch), ["T34", "T28"]);
    // The tag of another kind of resource, or no tag at all.
    assert!(tagged("sts:AssumeRole", "aws", "red", "iam:TagUser").is_empty());
    assert!(tagged("iam:CreateAccessKey", "aws", "red", "iam:TagRole").is_empty());
    assert!(tagged("iam:PutUserPolicy", "aws", "red", "iam:UntagUser").is_empty());
}

#[test]
fn t34_tags_of_others_are_made_alike_ones_own() {
    let alike = "${aws:PrincipalTag/team}";
    assert_eq!(tagged("sts:AssumeRole", "aws", alike, "iam:TagRole"), ["T34", "edge"]);
    assert!(tagged("sts:AssumeRole", "aws", alike, "iam:UntagRole").is_empty());
    let unknown = "${aws:PrincipalTag/stage}";
    assert!(tagged("sts:AssumeRole", "aws", unknown, "iam:TagRole").is_empty());
}

#[test]
fn t34_tags_that_guard_somebody_go_or_get_another_value() {
    let calls = |tagging: &str| {
        let bob = format!(
            "{{ allow: [iam:CreateAccessKey, {tagging}], on: '*' }},
             {{ deny: iam:CreateAccessKey, on: '*', when: {{ StringEquals: {{ 'iam:ResourceTag/guarded': 'yes' }} }} }}"
        );
        of_bob_as_rules(&others(&bob, "tags: { guarded: 'yes' },"))
    };
    assert_eq!(calls("iam:UntagUser"), ["T34", "T26"]);
    assert_eq!(calls("iam:TagUser"), ["T34", "T26"]);
    assert!(calls("iam:TagRole").is_empty());
}

/// User bob with some statements, and a key of some policy.
fn making(bob: &str, key: &str) -> String {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [BOB] } },
           policies: { Fence: [{ allow: ['kms:*', 'iam:*'] }], Other: [{ allow: 's3:*' }] },
           keys: { k: { policy: KEY } } } }";
    text.replace("BOB", bob).replace("KEY", key)
}

#[test]
fn t35_what_is_made_has_the_boundary_that_policies_want() {
    let text = |boundary: &str| {
        let bob = format!(
            "{{ allow: iam:CreateRole, when: {{ ArnLike: {{ 'iam:PermissionsBoundary': 'arn:aws:iam::*:policy/{boundary}' }} }} }},
             {{ allow: iam:PutRolePolicy, on: 'arn:aws:iam::*:role/*' }}"
        );
        making(&bob, "default")
    };
    let params = params_of_bob(&text("Fence"), 0);
    assert_eq!(params["PermissionsBoundary"], "arn:aws:iam::111122223333:policy/Fence");
    // One that leaves nothing, and one that is not there.
    assert!(of_bob(&text("Other")).is_none());
    assert!(of_bob(&text("Nothing")).is_none());
}

#[test]
fn t35_what_is_made_has_the_tags_that_policies_want() {
    let red = json!([{ "Key": "team", "Value": "red" }]);
    let given = |when: &str, allowed: &str| {
        let bob = format!(
            "{{ allow: iam:CreateRole {when} }}, {{ allow: [{allowed}], on: 'arn:aws:iam::*:role/*' }}"
        );
        making(&bob, "default")
    };
    let when = ", when: { StringEquals: { 'aws:RequestTag/team': red } }";
    let text = given(when, "iam:TagRole, iam:PutRolePolicy");
    assert_eq!(params_of_bob(&text, 0)["Tags"], red);
    // Tags are a permission of their own.
    assert!(of_bob(&given(when, "iam:PutRolePolicy")).is_none());
    // Those that whoever is made is to have later.
    let bob = "{ allow: [iam:CreateRole, iam:TagRole, iam:PutRolePolicy] }";
    let key = "[{ allow: 'kms:*', to: account, when: { StringEquals: { 'aws:PrincipalTag/team': red } } }]";
    let text = making(bob, key);
    assert_eq!(params_of_bob(&text, 0)["Tags"], red);
    // Who may not give them lets what is made tag itself (rule T34).
    let text = making(&bob.replace("iam:TagRole, ", ""), key);
    assert_eq!(params_of_bob(&text, 0)["Tags"], serde_json::Value::Null);
    assert!(of_bob_as_rules(&text).contains(&"T34"));
    // Those by which it is called on later.
    let bob = "{ allow: [iam:CreateRole, iam:TagRole] },
             { allow: iam:PutRolePolicy, when: { StringEquals: { 'aws:ResourceTag/team': red } } }";
    let text = making(bob, "default");
    assert_eq!(params_of_bob(&text, 0)["Tags"], red);
    assert!(of_bob(&making(&bob.replace(", iam:TagRole", ""), "default")).is_none());
}

#[test]
fn t31_what_denies_is_taken_away_once_nothing_else_of_it_is_needed() {
    // One policy lets bob write and denies; without it he could not write any more.
    let text = "accounts: { 111122223333: { users: { bob: { policies: [
           { allow: [iam:PutUserPolicy, iam:DeleteUserPolicy] }, { deny: 'kms:*' }] } },
           keys: { k: { policy: default } } } }";
    assert_eq!(of_bob_as_rules(text), ["T20", "T31"]);
}
