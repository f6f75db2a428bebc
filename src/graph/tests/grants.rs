//! Grants as policies want them.

use super::{of_bob, params_of_bob};

/// A key of which user bob may make grants under a condition.
fn grants(condition: &str, more: &str) -> String {
    let text = "accounts: { 111122223333: { users: { bob: {}, ann: {} },
           keys: { k: { policy: [{ allow: kms:CreateGrant, to: user/bob, when: { CONDITION } }MORE] } } } }";
    text.replace("CONDITION", condition).replace("MORE", more)
}

#[test]
fn g54_grants_have_the_constraints_that_policies_want() {
    let params = |condition: &str| params_of_bob(&grants(condition, ""), 0);
    let subset = params("StringEquals: { 'kms:GrantConstraintType': EncryptionContextSubset }");
    assert!(subset["Constraints"]["EncryptionContextSubset"].is_object(), "{subset}");
    let equals = params("StringEquals: { 'kms:GrantConstraintType': EncryptionContextEquals }");
    assert!(equals["Constraints"]["EncryptionContextEquals"].is_object(), "{equals}");
    let pair = params("StringEquals: { 'kms:EncryptionContext:app': x }");
    assert_eq!(pair["Constraints"]["EncryptionContextSubset"]["app"], "x");
    let keys = params("'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': app }");
    assert!(keys["Constraints"]["EncryptionContextSubset"]["app"].is_string(), "{keys}");
    let ann = "arn:aws:iam::111122223333:user/ann";
    let retiring = params(&format!("StringEquals: {{ 'kms:RetiringPrincipal': '{ann}' }}"));
    assert_eq!(retiring["RetiringPrincipal"], ann);
    let denied =
        ", { deny: kms:CreateGrant, to: '*', when: { Null: { 'kms:GrantConstraintType': true } } }";
    let direct = "Bool: { 'kms:GrantIsForAWSResource': false }";
    let denied = params_of_bob(&grants(direct, denied), 0);
    assert!(denied["Constraints"].is_object(), "{denied}");
    // The goal's request then has what the grant is bound to.
    let path = of_bob(&grants("StringEquals: { 'kms:EncryptionContext:app': x }", ""));
    let context = path.map(|path| path.context).unwrap_or_default();
    let pair = context.get("kms:EncryptionContext:app").map(|entry| entry.value.values());
    assert_eq!(pair.unwrap_or_default(), ["x".into()]);
}

#[test]
fn g13_grants_name_principals_that_are_there() {
    let arn = |name: &str| format!("arn:aws:iam::111122223333:{name}");
    let path = |condition: &str| of_bob(&grants(condition, ""));
    let retiring = |condition: &str| {
        let name = params_of_bob(&grants(condition, ""), 0)["RetiringPrincipal"].clone();
        name.as_str().map(str::to_owned).unwrap_or_default()
    };
    let like = |pattern: &str| format!("StringLike: {{ 'kms:RetiringPrincipal': '{pattern}' }}");
    assert_eq!(retiring(&like(&arn("user/a*"))), arn("user/ann"));
    // Whoever calls is there, too.
    assert_eq!(retiring("Null: { 'kms:RetiringPrincipal': false }"), arn("user/bob"));
    let other = format!(
        "{}, StringNotEquals: {{ 'kms:RetiringPrincipal': '{}' }}",
        like("*"),
        arn("user/bob")
    );
    assert_eq!(retiring(&other), arn("user/ann"));
    let by_service = "Null: { 'kms:RetiringServicePrincipal': false }";
    let by_service = params_of_bob(&grants(by_service, ""), 0)["RetiringServicePrincipal"].clone();
    assert_eq!(by_service, "s3.amazonaws.com");
    // Where nobody is, there is no way; whom the export does not know may be there.
    assert!(path(&like(&arn("role/a*"))).is_none());
    let outside = retiring(&like("arn:aws:iam::444455556666:role/a*"));
    assert!(outside.starts_with("arn:aws:iam::444455556666:role/a"), "{outside}");
}

#[test]
fn g54_grants_have_more_operations_where_policies_want_them() {
    let operations =
        |operator: &str| grants(&format!("'{operator}': {{ 'kms:GrantOperations': Encrypt }}"), "");
    let any = params_of_bob(&operations("ForAnyValue:StringEquals"), 0);
    assert_eq!(any["Operations"], serde_json::json!(["Decrypt", "Encrypt"]));
    assert!(of_bob(&operations("ForAllValues:StringEquals")).is_none());
}

#[test]
fn c5_two_spellings_of_a_name_are_two_pairs() {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ deny: kms:CreateGrant,
             when: { StringNotEquals: { 'kms:EncryptionContext:APP': y } } }] } },
           keys: { k: { policy: [{ allow: kms:CreateGrant, to: user/bob,
             when: { StringEquals: { 'kms:EncryptionContext:app': x } } }] } } } }";
    let pairs = params_of_bob(text, 0)["Constraints"]["EncryptionContextSubset"].clone();
    assert_eq!(pairs, serde_json::json!({ "APP": "y", "app": "x" }));
}

#[test]
fn t18_one_administrator_has_grants_made_to_another_whom_policies_name() {
    let grant = "allow: kms:CreateGrant";
    let to_admin =
        "StringEquals: { 'kms:GranteePrincipal': 'arn:aws:iam::111122223333:role/admin' }";
    let ann = "ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::111122223333:user/ann' }";
    let worlds = [
        (format!("{grant}, to: user/ann, when: {{ {to_admin} }}"), String::new()),
        (
            format!("{grant}, to: account, when: {{ {ann} }}"),
            format!("{{ {grant}, when: {{ {to_admin} }} }}"),
        ),
    ];
    for (of_key, of_user) in worlds {
        let path = of_bob(&format!(
            "accounts: {{ 111122223333: {{ keys: {{ k: {{ policy: [{{ {of_key} }}] }} }},
               roles: {{ admin: {{ trust: account, policies: [{{ allow: '*' }}] }} }},
               users: {{ bob: {{ policies: [{{ allow: '*' }}] }}, ann: {{ policies: [{of_user}] }} }} }} }}"
        ));
        let hops = path.map(|path| path.hops).unwrap_or_default();
        let calls: Vec<&str> = hops.iter().map(|hop| hop.call.name()).collect();
        assert_eq!(calls, ["iam:CreateAccessKey", "sts:AssumeRole", "kms:CreateGrant"], "{of_key}");
    }
}

#[test]
fn g30_one_account_has_grants_made_to_somebody_of_another_whom_policies_name() {
    let grant = "{ allow: kms:CreateGrant, when: { StringLike: { 'kms:GranteePrincipal': '*:user/ann' } } }";
    let world = format!(
        "accounts: {{
           111122223333: {{ keys: {{ k: {{ policy: [{{ allow: 'kms:*', to: account }}] }} }},
             roles: {{ app: {{ trust: [{{ allow: sts:AssumeRole, to: '444455556666' }}], policies: [{grant}] }} }} }},
           444455556666: {{ users: {{ bob: {{ policies: [{{ allow: '*' }}] }}, ann: {{}} }} }} }}"
    );
    let hops = of_bob(&world).map(|path| path.hops).unwrap_or_default();
    let mut calls: Vec<&str> = hops.iter().map(|hop| hop.call.name()).collect();
    calls.sort_unstable();
    assert_eq!(calls, ["iam:CreateAccessKey", "kms:CreateGrant", "sts:AssumeRole"]);
}
