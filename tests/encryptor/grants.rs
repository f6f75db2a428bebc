//! Whom a grant can name, and what is told of it.

use serde_json::{Value, json};

use super::*;

const INVALID: &str = "InvalidArnException";
const VALIDATION: &str = "ValidationException";
const GIVER: &str = "user/giver";

fn here() -> Encryptor {
    let text = format!(
        "accounts: {{ {A}: {{
           keys: {{ K: {{ id: K }}, R: {{ id: R, spec: RSA_2048, usage: ENCRYPT_DECRYPT }},
             W: {{ id: W, policy: [{{ allow: 'kms:*', to: '*' }}] }} }},
           roles: {{ app: {{}} }},
           users: {{ admin: {{ policies: [{{ allow: 'kms:*' }}] }}, bob: {{}},
             giver: {{ policies: [{{ allow: kms:CreateGrant,
               when: {{ StringEquals: {{ 'kms:GranteePrincipal': 'arn:aws:iam::{A}:root' }} }} }}] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now))
}

fn to(grantee: &str) -> Value {
    json!({ "KeyId": "K", "GranteePrincipal": grantee, "Operations": ["Encrypt"] })
}

#[test]
fn g53_nobody_lists_or_revokes_for_a_service() {
    let of = |value: bool| format!("{{ Bool: {{ 'kms:GrantIsForAWSResource': {value} }} }}");
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}},
           admin: {{ policies: [{{ allow: [kms:CreateGrant, kms:ListGrants, kms:RevokeGrant],
             when: {} }}] }},
           maker: {{ policies: [{{ allow: [kms:ListGrants, kms:RevokeGrant], when: {} }}] }} }} }} }}",
        of(false),
        of(true)
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    let made = did(&kms, ADMIN, "CreateGrant", to(&arn("user/bob")));
    let (list, mut revoke) = (json!({ "KeyId": "K" }), json!({ "KeyId": "K" }));
    revoke["GrantId"] = made["GrantId"].clone();
    let denied = "AccessDeniedException";
    fails(&kms, "user/maker", "ListGrants", list.clone(), denied, "");
    fails(&kms, "user/maker", "RevokeGrant", revoke.clone(), denied, "");
    did(&kms, ADMIN, "ListGrants", list);
    did(&kms, ADMIN, "RevokeGrant", revoke);
}

#[test]
fn c52_whoever_retires_is_held_to_the_constraints_of_the_grant() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}},
           admin: {{ policies: [{{ allow: kms:CreateGrant }},
             {{ allow: kms:RetireGrant,
                when: {{ StringEquals: {{ 'kms:EncryptionContext:app': a,
                                          'kms:GrantConstraintType': EncryptionContextEquals }} }} }}] }} }} }} }}"
    );
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let kms = Encryptor::in_memory(world(&text), MasterSecret::from_bytes([7; 32]), Clock::At(now));
    let retire = |constraints: Value| {
        let body = with(to(&arn("user/bob")), "Constraints", constraints);
        let made = did(&kms, ADMIN, "CreateGrant", body);
        let body = json!({ "KeyId": "K", "GrantId": made["GrantId"] });
        ask(&kms, ADMIN, "RetireGrant", body).map_err(|error| error.name)
    };
    let denied = Err("AccessDeniedException");
    assert_eq!(retire(json!({ "EncryptionContextEquals": { "app": "b" } })), denied);
    assert_eq!(retire(json!({ "EncryptionContextSubset": { "app": "a" } })), denied);
    assert_eq!(retire(json!({})), denied);
    assert_eq!(retire(json!({ "EncryptionContextEquals": { "app": "a" } })), Ok(json!({})));
}

fn with(mut body: Value, name: &str, value: impl Into<Value>) -> Value {
    body[name] = value.into();
    body
}

#[test]
fn a_grant_names_principals_that_there_are() {
    let kms = here();
    for name in [
        "user/nobody",
        "user/team/bob",
        "role/nobody",
        "session/nobody/one",
        "group/admins",
        "arn:aws-cn:iam::999999999999:user/eve",
        "arn:aws-cn:iam::999999999999:root",
        "AIDACKCEVSQ6C2EXAMPLE",
        "bob",
    ] {
        let name = arn(name);
        let text = format!("ARN does not refer to a valid principal: {name}");
        fails(&kms, ADMIN, "CreateGrant", to(&name), INVALID, &text);
        fails(&kms, ADMIN, "CreateGrant", with(to(&name), "DryRun", true), INVALID, &text);
        let retiring = with(to(&arn("user/bob")), "RetiringPrincipal", name.as_str());
        fails(&kms, ADMIN, "CreateGrant", retiring, INVALID, &text);
        // Whoever may not grant does not learn who is there.
        fails(&kms, "user/bob", "CreateGrant", to(&name), "AccessDeniedException", "");
    }
    // Those of accounts that were not exported may be there, and so may sessions of users.
    for name in [
        "user/bob",
        "role/app",
        "session/app/one",
        "root",
        A,
        "arn:aws:sts::111122223333:federated-user/any",
        "arn:aws:iam::999999999999:user/eve",
        "arn:aws:iam::999999999999:root",
        "arn:aws:sts::999999999999:assumed-role/nobody/one",
        "logs.us-east-1.amazonaws.com",
    ] {
        let body = with(to(&arn(name)), "RetiringPrincipal", arn(name));
        did(&kms, ADMIN, "CreateGrant", body);
    }
    fails(&kms, ADMIN, "CreateGrant", to("*"), VALIDATION, "'granteePrincipal' failed");
}

#[test]
fn whoever_calls_is_there() {
    let kms = here();
    let ghost = with(to(&arn("user/ghost")), "KeyId", "W");
    did(&kms, "user/ghost", "CreateGrant", ghost.clone());
    fails(&kms, ADMIN, "CreateGrant", ghost, INVALID, "");
}

#[test]
fn an_account_is_told_by_its_root_user() {
    let kms = here();
    let root = arn("root");
    for account in [A, &root] {
        let body = with(to(account), "RetiringPrincipal", account);
        let body = with(body, "Name", "one");
        did(&kms, ADMIN, "CreateGrant", body);
        did(&kms, GIVER, "CreateGrant", with(to(account), "Name", "two"));
    }
    fails(&kms, GIVER, "CreateGrant", to(&arn("user/bob")), "AccessDeniedException", "");
    let body = json!({ "KeyId": "K", "GranteePrincipal": root });
    let list = did(&kms, ADMIN, "ListGrants", body)["Grants"].clone();
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|one| &one["Name"]).collect();
    assert_eq!(names.len(), 2, "one text or the other, it is the same grant");
    assert!(list.as_array().unwrap().iter().all(|one| one["GranteePrincipal"] == root.as_str()));
    let retirable = did(&kms, ADMIN, "ListRetirableGrants", json!({ "RetiringPrincipal": root }));
    assert_eq!(retirable["Grants"].as_array().unwrap().len(), 1);
    assert_eq!(retirable["Grants"][0]["RetiringPrincipal"], root);
}

#[test]
fn what_a_grant_cannot_be_is_refused() {
    let kms = here();
    let bob = arn("user/bob");
    let refused = |body: Value, part: &str| {
        fails(&kms, ADMIN, "CreateGrant", body, VALIDATION, part);
    };
    refused(with(to(&bob), "Name", "a b"), "'name' failed");
    // Rule G22.
    let constraints = json!({ "EncryptionContextSubset": { "a": "b" } });
    let bound = with(to(&bob), "Constraints", constraints);
    refused(with(bound.clone(), "KeyId", "R"), "takes no constraint");
    did(&kms, ADMIN, "CreateGrant", bound);
    let both = json!({ "EncryptionContextSubset": { "a": "b" },
        "EncryptionContextEquals": { "a": "b" } });
    refused(with(to(&bob), "Constraints", both), "More than one constraint supplied");
    let alone = with(to(&bob), "Operations", json!(["CreateGrant"]));
    refused(alone, "Grants must not contain only the CreateGrant operation.");
    did(
        &kms,
        ADMIN,
        "CreateGrant",
        with(to(&bob), "Operations", json!(["CreateGrant", "Encrypt"])),
    );
    // Rules G1, G12.
    let service = "data.amazonaws.com";
    refused(
        with(to(&bob), "RetiringServicePrincipal", "other"),
        "'retiringServicePrincipal' failed",
    );
    refused(with(to(&bob), "GranteeServicePrincipal", service), "cannot both be set");
    let by_service = json!({ "KeyId": "K", "GranteeServicePrincipal": service,
        "Operations": ["Encrypt"] });
    refused(by_service.clone(), "SourceArn");
    let bound = json!({ "SourceArn": "arn:aws:data:us-east-1:111122223333:table/t" });
    let bound = with(by_service, "Constraints", bound);
    refused(bound.clone(), "retiring principal");
    did(&kms, ADMIN, "CreateGrant", with(bound, "RetiringServicePrincipal", service));
    let to_service = json!({ "KeyId": "K", "GranteeServicePrincipal": service });
    let list = did(&kms, ADMIN, "ListGrants", to_service)["Grants"].clone();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["GranteeServicePrincipal"], service);
}
