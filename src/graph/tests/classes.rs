//! What one state can do that another of its account, which was reached as soon, cannot.

use super::{of_bob, of_bob_as_rules};

/// The ARN of the role that bob takes on first.
fn first_role(text: &str) -> Option<String> {
    let path = of_bob(text)?;
    let role = path.hops.first()?.call.params(&path.hops.first()?.context)["RoleArn"].clone();
    role.as_str().map(|arn| arn.rsplit('/').next().unwrap_or(arn).to_owned())
}

/// Bob takes on two roles of these policies; the key has this policy beside the default one.
fn world(of_a: &str, of_z: &str, key: &str) -> String {
    let text = "accounts: { 111122223333: {
           users: { bob: {}, x: {}, y: { policies: [{ allow: kms:Decrypt }] } },
           roles: { a: { trust: [{ allow: sts:AssumeRole, to: user/bob }], policies: [OF_A] },
             z: { trust: [{ allow: sts:AssumeRole, to: user/bob }], policies: [OF_Z] } },
           keys: { k: { policy: [{ allow: 'kms:*', to: account } KEY] } } } }";
    text.replace("OF_A", of_a).replace("OF_Z", of_z).replace("KEY", key)
}

#[test]
fn keys_that_tell_two_roles_apart_are_used_by_both() {
    let decrypts = "{ allow: kms:Decrypt }";
    let of = |key: &str| first_role(&world(decrypts, decrypts, key));
    assert_eq!(of("").as_deref(), Some("a"));
    for (denied, left) in [("role/a", "z"), ("role/z", "a")] {
        let deny = format!(", {{ deny: kms:Decrypt, to: {denied} }}");
        assert_eq!(of(&deny).as_deref(), Some(left));
    }
}

#[test]
fn moves_that_no_other_role_has_are_followed() {
    let takes = |user: &str| format!("{{ allow: iam:CreateAccessKey, on: user/{user} }}");
    let of = |a: &str, z: &str| first_role(&world(&takes(a), &takes(z), ""));
    assert_eq!(of("x", "y").as_deref(), Some("z"));
    assert_eq!(of("y", "x").as_deref(), Some("a"));
    assert_eq!(of("x", "x"), None);
    // One that can do more stands for both, but where what it may write is limited.
    let limited = |a: &str| first_role(&world(a, &takes("y"), ""));
    let all = "{ allow: 'iam:CreateAccessKey', on: '*' }";
    assert_eq!(limited(all).as_deref(), Some("a"));
    let but_one = format!("{all}, {{ deny: iam:CreateAccessKey, on: user/y }}");
    assert_eq!(limited(&but_one).as_deref(), Some("z"));
}

#[test]
fn administrators_do_not_stand_for_whom_a_key_names() {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [iam:AttachUserPolicy, iam:CreateAccessKey] }] }, x: {} },
           keys: { k: { policy: [{ allow: 'kms:*', to: account,
             when: { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:user/NAME' } } }] } } } }";
    let rules = |name: &str| {
        let mut rules = of_bob_as_rules(&text.replace("NAME", name));
        rules.sort_unstable();
        rules
    };
    assert_eq!(rules("bob"), ["T21"]);
    assert_eq!(rules("x"), ["T21", "T26"]);
}

#[test]
fn what_allows_less_is_done_where_nothing_wider_may_be_written() {
    let text = "accounts: { 111122223333: {
           groups: { g: { policies: [{ allow: kms:Decrypt }] } },
           users: { bob: { policies: [{ allow: [iam:AddUserToGroup, iam:PutUserPolicy] } BUT] } },
           keys: { k: { policy: [{ allow: 'kms:*', to: account }] } } } }";
    let rules = |but: &str| of_bob_as_rules(&text.replace("BUT", but));
    assert_eq!(rules(", { deny: iam:PutUserPolicy, on: user/bob }"), ["T24"]);
    assert_eq!(rules(""), ["T20"]);
}
