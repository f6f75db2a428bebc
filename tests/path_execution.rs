//! Paths are executed: for each call that takes another identity on a world in which it leads to the key,
//! and one in which one fact stops it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::sync::Arc;

use keyreach::aws::{ControlAction, KmsAction};
use keyreach::decision::Why;
use keyreach::graph::{Call, execute};
use keyreach::inventory::{Inventory, OrgPolicyKind};
use support::paths::executed::{DENIED_BY_IAM, assume, attach, check, delegated, fate, put_policy};
use support::paths::{
    A, arn, caller, context, grant, hop, hop_with, key, launch, path, tags, world,
};

#[test]
fn t3_a_role_is_assumed_where_its_trust_admits_it() {
    let text = |trust: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}} }},
               roles: {{ app: {{ trust: {trust}, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
        )
    };
    let hops = || vec![hop("user/bob", assume("role/app"))];
    check(&text("user/bob"), "user/bob", hops(), "role/app", "ok");
    check(&text("user/bob"), "user/bob", hops(), "session/app/any", "ok");
    check(&text("account"), "user/bob", hops(), "role/app", "implicit-deny by identity-policy");
    check(&text("user/bob"), "user/bob", vec![], "role/app", "nobody has become");
    check(&text("user/bob"), "user/bob", hops(), "user/bob", "the goal: kms:Decrypt");
}

#[test]
fn t5_a_session_goes_on_to_the_next_role() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}} }}, roles: {{
           one: {{ trust: user/bob }},
           two: {{ trust: session/one/x, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
    );
    let named =
        |name: &str| hop_with("user/bob", assume("role/one"), &[("sts:RoleSessionName", name)]);
    let on = |session: &str| hop(session, assume("role/two"));
    let free = vec![hop("user/bob", assume("role/one")), on("session/one/x")];
    check(&text, "user/bob", free, "role/two", "ok");
    check(&text, "user/bob", vec![named("x"), on("session/one/x")], "role/two", "ok");
    let other = vec![named("y"), on("session/one/x")];
    check(&text, "user/bob", other, "role/two", "nobody has become");
    check(&text, "role/one", vec![on("session/one/x")], "role/two", "ok");
    check(&text, "session/one/y", vec![on("session/one/x")], "role/two", "nobody has become");
}

#[test]
fn t6_conditions_of_the_trust_policy_are_in_the_context() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}} }}, roles: {{
           app: {{ policies: [{{ allow: kms:Decrypt }}], trust: [{{ allow: sts:AssumeRole, to: user/bob,
             when: {{ StringEquals: {{ 'sts:ExternalId': x }} }} }}] }} }} }} }}"
    );
    let by = |id: &str| vec![hop_with("user/bob", assume("role/app"), &[("sts:ExternalId", id)])];
    check(&text, "user/bob", by("x"), "role/app", "ok");
    check(&text, "user/bob", by("y"), "role/app", "hop 1: sts:AssumeRole");
    let call = assume("role/app");
    let params = call.params(&context(&[("sts:ExternalId", "x")]));
    assert_eq!(params["ExternalId"], "x");
    assert_eq!(params["RoleSessionName"], "keyreach");
}

#[test]
fn t7_t34_tags_of_a_session_need_their_permission_and_stay_with_it() {
    let text = |action: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{}} }}, roles: {{
               app: {{ trust: [{{ allow: {action}, to: user/bob }}], policies: [{{ allow: kms:Decrypt,
                 when: {{ StringEquals: {{ 'aws:PrincipalTag/team': red }} }} }}] }} }} }} }}"
        )
    };
    let tagged = |value: &str| {
        let tags = tags(&[("team", value)]);
        vec![hop("user/bob", Call::AssumeRole { role: arn("role/app").into(), tags })]
    };
    let both = text("[sts:AssumeRole, sts:TagSession]");
    check(&both, "user/bob", tagged("red"), "role/app", "ok");
    check(&both, "user/bob", tagged("blue"), "role/app", "the goal: kms:Decrypt");
    check(&text("sts:AssumeRole"), "user/bob", tagged("red"), "role/app", "hop 1: sts:TagSession");
    // The request for the goal cannot claim what the session was not given.
    let mut claims = path("user/bob", tagged("blue"), "role/app", "key/K");
    claims.context = context(&[("aws:PrincipalTag/team", "red")]);
    assert!(fate(&world(&both), &claims).contains("`aws:PrincipalTag/team` is another one"));
    claims.context = context(&[("aws:PrincipalTag/team", "blue")]);
    assert!(fate(&world(&both), &claims).contains("the goal: kms:Decrypt"));
    // Any session of a role may have been given tags.
    claims = path("role/app", vec![], "role/app", "key/K");
    claims.context = context(&[("aws:PrincipalTag/team", "red")]);
    assert_eq!(fate(&world(&both), &claims), "ok");
}

#[test]
fn t8_a_provider_vouches_for_its_own_subjects() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, roles: {{
           web: {{ policies: [{{ allow: kms:Decrypt }}], trust: [{{ allow: sts:AssumeRoleWithWebIdentity,
             to: provider:accounts.google.com, when: {{ StringEquals: {{ 'accounts.google.com:sub': me }} }} }}] }},
           corp: {{ policies: [{{ allow: kms:Decrypt }}], trust: [{{ allow: sts:AssumeRoleWithSAML,
             to: 'provider:arn:aws:iam::{A}:saml-provider/corp' }}] }} }} }} }}"
    );
    let google = "provider:accounts.google.com";
    let web = |sub: &str| {
        let (role, provider) = (arn("role/web").into(), "accounts.google.com".into());
        let call = Call::AssumeRoleWithWebIdentity { role, provider };
        vec![hop_with(google, call, &[("accounts.google.com:sub", sub)])]
    };
    check(&text, google, web("me"), "role/web", "ok");
    check(&text, google, web("you"), "role/web", "hop 1: sts:AssumeRoleWithWebIdentity");
    let saml = |provider: &str| {
        let (role, provider) = (arn("role/corp").into(), arn(provider).into());
        Call::AssumeRoleWithSaml { role, provider }
    };
    let corp = "provider:saml-provider/corp";
    check(&text, corp, vec![hop(corp, saml("saml-provider/corp"))], "role/corp", "ok");
    let wrong = vec![hop(google, saml("saml-provider/corp"))];
    check(&text, google, wrong, "role/corp", "does not vouch for");
}

#[test]
fn t4_an_outsider_is_let_by_its_own_account() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, roles: {{
           app: {{ trust: '444455556666', policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
    );
    for outsider in ["B:user/eve", "B:role/ops", "B:session/ops/x", "B:root"] {
        let hops = vec![hop(outsider, assume("role/app"))];
        check(&text, outsider, hops, "role/app", "ok");
    }
    // Who is not in an account that was exported is nobody.
    let hops = vec![hop("user/nobody", assume("role/app"))];
    check(&text, "user/nobody", hops, "role/app", "hop 1: sts:AssumeRole");
}

#[test]
fn t26_t27_credentials_of_a_user_are_made() {
    let text = |action: &str| {
        delegated(
            &format!(
                "ann: {{ policies: [{{ allow: kms:Decrypt }}] }}, bob: {{ policies: [{{ allow: {action} }}] }}"
            ),
            "",
        )
    };
    let user = || arn("user/ann").into();
    for (action, call) in [
        ("iam:CreateAccessKey", Call::CreateAccessKey { user: user() }),
        ("iam:CreateLoginProfile", Call::LoginProfile { user: user(), update: false }),
        ("iam:UpdateLoginProfile", Call::LoginProfile { user: user(), update: true }),
    ] {
        assert_eq!(call.name(), action);
        let hops = || vec![hop("user/bob", call.clone())];
        check(&text(action), "user/bob", hops(), "user/ann", "ok");
        check(&text("iam:CreateUser"), "user/bob", hops(), "user/ann", DENIED_BY_IAM);
    }
    let call = Call::CreateAccessKey { user: arn("user/none").into() };
    let hops = vec![hop("user/bob", call)];
    check(&text("'*'"), "user/bob", hops, "user/none", "is not in the export");
}

#[test]
fn t28_t50_a_launch_needs_the_role_its_service_and_every_action() {
    let text = |policies: &str, trust: &str, path: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{ policies: [{policies}] }} }},
               roles: {{ app: {{ path: {path}, trust: {trust}, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
        )
    };
    let actions = [ControlAction::LAMBDA_CREATE_FUNCTION, ControlAction::LAMBDA_INVOKE_FUNCTION];
    let hops = |role: &str| {
        let call = Call::Launch {
            launch: launch("lambda.amazonaws.com", &actions, true),
            role: arn(role).into(),
            region: "us-east-1".into(),
            resources: vec![arn("function/f").into(); 2],
        };
        assert_eq!(call.name(), "lambda:CreateFunction");
        assert_eq!(call.params(&context(&[]))["RoleArn"], arn(role));
        vec![hop("user/bob", call)]
    };
    let (lambda, all) = ("service:lambda.amazonaws.com", "{ allow: [iam:PassRole, 'lambda:*'] }");
    check(&text(all, lambda, "/"), "user/bob", hops("role/app"), "role/app", "ok");
    let pass = "{ allow: iam:PassRole }";
    check(
        &text(pass, lambda, "/"),
        "user/bob",
        hops("role/app"),
        "role/app",
        "hop 1: lambda:CreateFunction",
    );
    let run = "{ allow: 'lambda:*' }";
    check(&text(run, lambda, "/"), "user/bob", hops("role/app"), "role/app", "hop 1: iam:PassRole");
    let some = "{ allow: [iam:PassRole, lambda:CreateFunction] }";
    check(
        &text(some, lambda, "/"),
        "user/bob",
        hops("role/app"),
        "role/app",
        "hop 1: lambda:InvokeFunction",
    );
    let ec2 = "service:ec2.amazonaws.com";
    let untrusted = "sts:AssumeRole on arn:aws:iam::111122223333:role/app by lambda.amazonaws.com";
    check(&text(all, ec2, "/"), "user/bob", hops("role/app"), "role/app", untrusted);
    let to_ec2 = "{ allow: 'lambda:*' }, { allow: iam:PassRole, when: { StringEquals: { 'iam:PassedToService': ec2.amazonaws.com } } }";
    check(
        &text(to_ec2, lambda, "/"),
        "user/bob",
        hops("role/app"),
        "role/app",
        "hop 1: iam:PassRole",
    );
    let elsewhere =
        "{ allow: iam:PassRole }, { allow: 'lambda:*', on: 'arn:aws:lambda:*:*:function:other' }";
    check(
        &text(elsewhere, lambda, "/"),
        "user/bob",
        hops("role/app"),
        "role/app",
        "hop 1: lambda:CreateFunction",
    );
    let path = "/aws-service-role/lambda.amazonaws.com/";
    let linked = "role/aws-service-role/lambda.amazonaws.com/app";
    check(&text(all, lambda, path), "user/bob", hops(linked), linked, "obeys its service alone");
}

#[test]
fn t29_code_that_runs_under_a_role_is_changed() {
    let text = |action: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{ policies: [{{ allow: {action} }}] }} }},
               roles: {{ app: {{ trust: service:ec2.amazonaws.com, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
        )
    };
    let hops = || {
        vec![hop(
            "user/bob",
            Call::Launch {
                launch: launch("ec2.amazonaws.com", &[ControlAction::SSM_SEND_COMMAND], false),
                role: arn("role/app").into(),
                region: "us-east-1".into(),
                resources: vec!["arn:aws:ec2:us-east-1:111122223333:instance/i-1".into()],
            },
        )]
    };
    check(&text("ssm:SendCommand"), "user/bob", hops(), "role/app", "ok");
    check(&text("ssm:StartSession"), "user/bob", hops(), "role/app", "hop 1: ssm:SendCommand");
}

#[test]
fn t41_who_makes_the_assertions_is_whom_they_name() {
    let text = |action: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{ bob: {{ policies: [{{ allow: {action} }}] }} }},
               roles: {{ corp: {{ policies: [{{ allow: kms:Decrypt }}], trust: [
                 {{ allow: sts:AssumeRoleWithSAML, to: 'provider:arn:aws:iam::{A}:saml-provider/corp' }},
                 {{ allow: sts:AssumeRoleWithWebIdentity, to: 'provider:arn:aws:iam::{A}:oidc-provider/id.example' }}] }} }} }} }}"
        )
    };
    let provider = |name: &str| -> Box<str> { arn(name).into() };
    let (saml, oidc) = ("saml-provider/corp", "oidc-provider/id.example");
    let role: Box<str> = arn("role/corp").into();
    for (action, name, call) in [
        ("iam:UpdateSAMLProvider", saml, Call::UpdateSamlProvider { provider: provider(saml) }),
        ("iam:CreateSAMLProvider", saml, Call::CreateProvider { provider: provider(saml) }),
        (
            "iam:CreateOpenIDConnectProvider",
            oidc,
            Call::CreateProvider { provider: provider(oidc) },
        ),
        (
            "iam:AddClientIDToOpenIDConnectProvider",
            oidc,
            Call::AddClientId { provider: provider(oidc), client: "mine".into() },
        ),
    ] {
        assert_eq!(call.name(), action);
        let provider = provider(name);
        let take = match name == saml {
            true => Call::AssumeRoleWithSaml { role: role.clone(), provider },
            false => Call::AssumeRoleWithWebIdentity { role: role.clone(), provider },
        };
        let subject = format!("provider:{name}");
        let hops = || vec![hop("user/bob", call.clone()), hop(&subject, take.clone())];
        check(&text(action), "user/bob", hops(), "role/corp", "ok");
        check(&text("iam:CreateUser"), "user/bob", hops(), "role/corp", DENIED_BY_IAM);
        let alone = vec![hop(&subject, take.clone())];
        check(&text(action), "user/bob", alone, "role/corp", "nobody has become");
    }
}

#[test]
fn parameters_are_named_as_the_api_names_them() {
    let told = |call: Call| (call.name(), call.params(&context(&[])).to_string());
    let tags = || tags(&[("team", "red")]);
    let (name, params) = told(Call::TagKey { key: key("key/K"), tags: tags() });
    let expected =
        format!(r#"{{"KeyId":"{}","Tags":[{{"TagKey":"team","TagValue":"red"}}]}}"#, arn("key/K"));
    assert_eq!((name, params), ("kms:TagResource", expected));
    let (name, params) = told(Call::TagIdentity { holder: arn("role/a/app").into(), tags: tags() });
    let expected = r#"{"RoleName":"app","Tags":[{"Key":"team","Value":"red"}]}"#;
    assert_eq!((name, &*params), ("iam:TagRole", expected));
    let mut made = grant("user/bob", &[KmsAction::DECRYPT]);
    made.constraints.subset = Some([("app".into(), "x".into())].into());
    let (_, params) = told(Call::CreateGrant { key: key("key/K"), grant: Box::new(made) });
    let expected = format!(
        r#"{{"Constraints":{{"EncryptionContextSubset":{{"app":"x"}}}},"GranteePrincipal":"{}","KeyId":"{}","Operations":["Decrypt"]}}"#,
        arn("user/bob"),
        arn("key/K")
    );
    assert_eq!(params, expected);
    let (name, params) = told(put_policy("group/all"));
    let expected = r#"{"GroupName":"all","PolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}","PolicyName":"made"}"#;
    assert_eq!((name, &*params), ("iam:PutGroupPolicy", expected));
    let kind = OrgPolicyKind::Rcp;
    let (name, params) = told(Call::DisablePolicyType { root: "r-1".into(), kind });
    let expected = r#"{"PolicyType":"RESOURCE_CONTROL_POLICY","RootId":"r-1"}"#;
    assert_eq!((name, &*params), ("organizations:DisablePolicyType", expected));
}

#[test]
fn an_edit_shares_what_it_does_not_touch() {
    let before = world(&format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }}, L: {{ id: L }} }}, users: {{ bob: {{}} }} }},
           444455556666: {{ users: {{ eve: {{}}, max: {{}} }} }} }}"
    ));
    let edits = attach("B:user/eve", "AdministratorAccess").edits(&caller("B:user/eve"));
    let after = before.apply(&edits[0]);
    let account =
        |world: &Inventory, name: &str| Arc::clone(&world.accounts[&caller(name).account.unwrap()]);
    assert!(Arc::ptr_eq(&account(&before, "user/bob"), &account(&after, "user/bob")));
    let of_key = |world: &Inventory, name: &str| Arc::clone(world.keys.get(&key(name)).unwrap());
    assert!(Arc::ptr_eq(&of_key(&before, "key/K"), &of_key(&after, "key/K")));
    let same = |name: &str| {
        std::ptr::eq(before.identity(&arn(name)).unwrap(), after.identity(&arn(name)).unwrap())
    };
    assert!(same("B:user/max") && !same("B:user/eve"));
    assert!(before.identity(&arn("B:user/eve")).unwrap().attached.is_empty());
    let edits = Call::TagKey { key: key("key/K"), tags: tags(&[("team", "red")]) };
    let after = before.apply(&edits.edits(&caller("user/bob"))[0]);
    assert!(Arc::ptr_eq(&of_key(&before, "key/L"), &of_key(&after, "key/L")));
    assert!(!Arc::ptr_eq(&of_key(&before, "key/K"), &of_key(&after, "key/K")));
}

#[test]
fn what_was_not_exported_and_what_aws_leaves_open_are_doubts() {
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, grants: [{{ to: 444455556666/user/eve, operations: [Decrypt] }}] }} }} }} }}"
    );
    let executed =
        execute(&world(&text), &path("B:user/eve", vec![], "B:user/eve", "key/K")).unwrap();
    assert!(executed.goal.doubts.is_empty(), "{:?}", executed.goal.doubts);
    let text = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{
           bob: {{ policies: [{{ allow: kms:Decrypt }}, 'arn:aws:iam::aws:policy/NobodyExportedThis'] }} }} }} }}"
    );
    let executed = execute(&world(&text), &path("user/bob", vec![], "user/bob", "key/K")).unwrap();
    let missing = "document of managed policy arn:aws:iam::aws:policy/NobodyExportedThis";
    assert!(executed.goal.doubts.contains(&Why::Missing(missing.to_owned())));
}
