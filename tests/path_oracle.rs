//! The search that executes everything, by worlds whose answer is known: for each primitive one in which
//! it leads to the key, and one in which one fact stops it. What it finds in random worlds is executed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::graph::execute;
use rayon::prelude::*;
use support::matrix::net::inventory;
use support::paths::oracle::Oracle;
use support::paths::{A, caller, key, world};
use support::seeds::{Random, for_one_seed};
use support::worlds::{World, render};

/// The calls of the shortest way from somebody to key K, `already` or `none`.
fn told(text: &str, from: &str) -> String {
    let world = world(text);
    let mut oracle = Oracle::new(&world, 3);
    let path = oracle.paths(&caller(from)).remove(&key("key/K"));
    let Some(path) = path else { return "none".to_owned() };
    execute(&world, &path).unwrap_or_else(|failure| panic!("{failure}"));
    // One call less does not lead there.
    oracle.calls = path.hops.len().saturating_sub(1);
    let shorter = oracle.paths(&caller(from)).contains_key(&key("key/K"));
    assert_eq!(shorter, path.hops.is_empty());
    let calls: Vec<&str> = path.hops.iter().map(|hop| hop.call.name()).collect();
    if calls.is_empty() { "already".to_owned() } else { calls.join(" ") }
}

#[track_caller]
fn check(text: &str, from: &str, expected: &str) {
    assert_eq!(told(text, from), expected, "{text}");
}

/// Account A with a key K of this policy, or the default one, and what follows.
fn account(policy: &str, rest: &str) -> String {
    let policy = if policy.is_empty() { String::new() } else { format!(", policy: [{policy}]") };
    format!("accounts: {{ {A}: {{ keys: {{ K: {{ id: K{policy} }} }}, {rest} }} }}")
}

/// The same with one user, bob, of these policies.
fn bob(policies: &str, rest: &str) -> String {
    account("", &format!("users: {{ bob: {{ policies: [{policies}] }}, ann: {{}} }}, {rest}"))
}

#[test]
fn worked_cases() {
    // W133: who writes the key policy.
    let put = "{ allow: 'kms:Put*', to: role/adm }";
    check(&account(put, "roles: { adm: {} }"), "role/adm", "kms:PutKeyPolicy");
    // W134: who writes a policy for itself, where IAM decides.
    let own = "{ allow: iam:PutUserPolicy, on: user/bob }";
    check(&bob(own, ""), "user/bob", "iam:PutUserPolicy");
    // W135, W141: where it does not, the way goes over whom the key names, if the boundary lets it.
    let named = |boundary: &str| {
        let bob = format!("bob: {{ policies: [{own}]{boundary} }}");
        let rest = format!(
            "users: {{ {bob}, ann: {{}} }}, policies: {{ Fence: [{{ allow: ['kms:*', iam:PutUserPolicy] }}] }}"
        );
        account("{ allow: 'kms:*', to: user/ann }", &rest)
    };
    check(&named(""), "user/bob", "iam:PutUserPolicy iam:CreateAccessKey");
    check(&named(", boundary: Fence"), "user/bob", "none");
    // W136: passing a role launches nothing.
    let passes = |actions: &str| {
        let role = "roles: { app: { trust: service:lambda.amazonaws.com, policies: [{ allow: kms:Decrypt }] } }";
        bob(&format!("{{ allow: [{actions}] }}"), role)
    };
    check(&passes("iam:PassRole"), "user/bob", "none");
    let launch = "iam:PassRole, lambda:CreateFunction, lambda:InvokeFunction";
    check(&passes(launch), "user/bob", "lambda:CreateFunction");
    // W137: who tags the key.
    let tags = |action: &str| {
        let decrypt =
            "{ allow: kms:Decrypt, when: { StringEquals: { 'aws:ResourceTag/team': red } } }";
        bob(&format!("{{ allow: {action} }}, {decrypt}"), "")
    };
    check(&tags("kms:TagResource"), "user/bob", "kms:TagResource");
    check(&tags("kms:UntagResource"), "user/bob", "none");
    // W142: nobody of the account is named.
    let elsewhere = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, policy: [{{ allow: 'kms:*', to: 444455556666/role/app }}] }} }},
           users: {{ bob: {{ policies: [{own}] }} }} }},
           444455556666: {{ roles: {{ app: {{ trust: account, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
    );
    check(&elsewhere, "user/bob", "none");
}

#[test]
fn t3_to_t8_edges() {
    let chain = |second: &str| {
        account(
            "",
            &format!(
                "users: {{ bob: {{}} }}, roles: {{ one: {{ trust: user/bob }},
                   two: {{ trust: {second}, policies: [{{ allow: kms:Decrypt }}] }} }}"
            ),
        )
    };
    check(&chain("role/one"), "user/bob", "sts:AssumeRole sts:AssumeRole");
    check(&chain("user/bob"), "user/bob", "sts:AssumeRole");
    check(&chain("role/two"), "user/bob", "none");
    check(&chain("user/bob"), "role/two", "already");
    let web = |sub: &str| {
        account(
            "",
            &format!(
                "roles: {{ app: {{ policies: [{{ allow: kms:Decrypt }}], trust: [{{ allow: sts:AssumeRoleWithWebIdentity,
                   to: provider:accounts.google.com{sub} }}] }} }}"
            ),
        )
    };
    let google = "provider:accounts.google.com";
    let sub = ", when: { StringEquals: { 'accounts.google.com:sub': me } }";
    check(&web(""), google, "sts:AssumeRoleWithWebIdentity");
    check(&web(sub), google, "sts:AssumeRoleWithWebIdentity");
    let never = ", when: { StringEquals: { 'aws:PrincipalAccount': '444455556666' } }";
    check(&web(never), google, "none");
}

#[test]
fn t16_to_t19_keys() {
    let fenced = |scp: &str| {
        let put = account("{ allow: 'kms:Put*', to: user/bob }", "users: { bob: {} }");
        format!(
            "{put}\norganization: {{ id: o-1, management: 999999999999, accounts: {{ '{A}': {{ scps: [{scp}] }} }} }}"
        )
    };
    check(&fenced("{ deny: 's3:*' }"), "user/bob", "kms:PutKeyPolicy");
    check(&fenced("{ deny: kms:Decrypt }"), "user/bob", "none");
    let primary = |actions: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, multi_region: primary }} }},
               users: {{ bob: {{ policies: [{{ allow: [{actions}] }}] }} }} }} }}"
        )
    };
    check(&primary("kms:ReplicateKey, kms:CreateKey"), "user/bob", "kms:ReplicateKey");
    check(&primary("kms:ReplicateKey"), "user/bob", "none");
    let grant = |condition: &str| {
        account(
            &format!("{{ allow: kms:CreateGrant, to: user/bob{condition} }}"),
            "users: { bob: {} }, roles: { app: { trust: user/bob } }",
        )
    };
    check(&grant(""), "user/bob", "kms:CreateGrant");
    let to_role = ", when: { StringLike: { 'kms:GranteePrincipal': '*:role/*' } }";
    let both = told(&grant(to_role), "user/bob");
    assert!(both == "sts:AssumeRole kms:CreateGrant" || both == "kms:CreateGrant sts:AssumeRole");
    let for_aws = ", when: { Bool: { 'kms:GrantIsForAWSResource': true } }";
    check(&grant(for_aws), "user/bob", "none");
    let parent = |operations: &str, constraint: &str| {
        format!(
            "accounts: {{ {A}: {{ users: {{ bob: {{}} }}, roles: {{ app: {{ trust: user/bob }} }}, keys: {{ K: {{ id: K,
               policy: [{{ allow: 'kms:Get*', to: account }}],
               grants: [{{ to: role/app, operations: [{operations}]{constraint} }}] }} }} }} }}"
        )
    };
    let constrained = ", context_subset: { app: x }";
    check(&parent("CreateGrant, Decrypt", ""), "user/bob", "sts:AssumeRole");
    check(&parent("CreateGrant, Decrypt", constrained), "role/app", "already");
    check(&parent("CreateGrant, Encrypt", ""), "role/app", "none");
}

#[test]
fn t20_to_t27_iam() {
    let own = |action: &str, on: &str| bob(&format!("{{ allow: {action}, on: {on} }}"), "");
    for (action, calls) in [
        ("iam:PutUserPolicy", "iam:PutUserPolicy"),
        ("iam:AttachUserPolicy", "iam:AttachUserPolicy"),
        ("iam:CreateAccessKey", "none"),
    ] {
        check(&own(action, "user/bob"), "user/bob", calls);
        check(&own(action, "user/ann"), "user/bob", "none");
    }
    let member = |action: &str, group: &str| {
        let rest = format!(
            "users: {{ bob: {{ groups: [{group}], policies: [{{ allow: {action}, on: group/all }}] }} }},
               groups: {{ all: {{}}, readers: {{ policies: [{{ allow: kms:Decrypt }}] }}, other: {{}} }}"
        );
        account("", &rest)
    };
    for action in ["iam:PutGroupPolicy", "iam:AttachGroupPolicy"] {
        check(&member(action, "all"), "user/bob", action);
        check(&member(action, "other"), "user/bob", "none");
    }
    check(&member("iam:AddUserToGroup", "other"), "user/bob", "none");
    let joins = member("iam:AddUserToGroup", "other").replace("group/all", "group/readers");
    check(&joins, "user/bob", "iam:AddUserToGroup");
    let versions = |action: &str, attached: &str| {
        let rest = "policies: { Own: { default: v2, versions: { v1: [{ allow: kms:Decrypt }], v2: [{ allow: 's3:*' }] } },
          Other: [{ allow: 's3:*' }] }";
        bob(&format!("{attached}, {{ allow: {action}, on: policy/Own }}"), rest)
    };
    for action in ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"] {
        check(&versions(action, "Own"), "user/bob", action);
        check(&versions(action, "Other"), "user/bob", "none");
    }
    let role = |path: &str, action: &str| {
        let role =
            format!("roles: {{ app: {{ path: {path}, policies: [{{ allow: kms:Decrypt }}] }} }}");
        bob(&format!("{{ allow: {action} }}"), &role)
    };
    let trust = "iam:UpdateAssumeRolePolicy";
    check(&role("/", trust), "user/bob", "iam:UpdateAssumeRolePolicy sts:AssumeRole");
    check(&role("/aws-service-role/x.amazonaws.com/", trust), "user/bob", "none");
    check(&role("/", "iam:PutRolePolicy"), "user/bob", "none");
    for action in ["iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"] {
        let users = |decrypts: &str| {
            account(
                "",
                &format!(
                    "users: {{ bob: {{ policies: [{{ allow: {action} }}] }}, ann: {{ policies: [{{ allow: {decrypts} }}] }} }}"
                ),
            )
        };
        check(&users("kms:Decrypt"), "user/bob", action);
        check(&users("kms:Encrypt"), "user/bob", "none");
    }
}

#[test]
fn t28_t29_launches() {
    let of = |actions: &str, service: &str| {
        let role = format!(
            "roles: {{ app: {{ trust: service:{service}, policies: [{{ allow: kms:Decrypt }}] }} }}"
        );
        bob(&format!("{{ allow: [{actions}] }}"), &role)
    };
    let run = "iam:PassRole, ec2:RunInstances";
    check(&of(run, "ec2.amazonaws.com"), "user/bob", "ec2:RunInstances");
    check(&of(run, "lambda.amazonaws.com"), "user/bob", "none");
    check(&of("ssm:SendCommand", "ec2.amazonaws.com"), "user/bob", "ssm:SendCommand");
    check(&of("ssm:SendCommand", "lambda.amazonaws.com"), "user/bob", "none");
}

#[test]
fn t30_t31_what_limits_is_taken_away() {
    let bounded = |action: &str| {
        account("", &format!(
            "users: {{ bob: {{ boundary: Fence, policies: [{{ allow: [kms:Decrypt, {action}] }}] }} }},
               policies: {{ Fence: [{{ allow: 'iam:*' }}] }}"
        ))
    };
    for action in ["iam:DeleteUserPermissionsBoundary", "iam:PutUserPermissionsBoundary"] {
        check(&bounded(action), "user/bob", action);
    }
    check(&bounded("iam:DeleteRolePermissionsBoundary"), "user/bob", "none");
    // Rule T30: or the boundary is rewritten.
    check(&bounded("iam:CreatePolicyVersion"), "user/bob", "iam:CreatePolicyVersion");
    let denied = |action: &str, deny: &str| {
        account("", &format!(
            "users: {{ bob: {{ groups: [shut], policies: [{{ allow: [kms:Decrypt, {action}] }}{deny}] }} }},
               policies: {{ Shut: [{{ deny: kms:Decrypt }}] }}, groups: {{ shut: {{ policies: [Shut] }} }}"
        ))
    };
    for action in ["iam:RemoveUserFromGroup", "iam:DetachGroupPolicy"] {
        check(&denied(action, ""), "user/bob", action);
        check(&denied(action, ", Shut"), "user/bob", "none");
    }
    check(&denied("iam:DetachUserPolicy", ""), "user/bob", "none");
}

#[test]
fn t32_to_t35_tags_aliases_and_names() {
    let when = |actions: &str, condition: &str| {
        bob(&format!("{{ allow: [{actions}] }}, {{ allow: kms:Decrypt, when: {condition} }}"), "")
    };
    let alias = "{ 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias/open } }";
    check(&when("kms:CreateAlias", alias), "user/bob", "kms:CreateAlias");
    check(&when("kms:UpdateAlias", alias), "user/bob", "none");
    let principal = "{ StringEquals: { 'aws:PrincipalTag/team': red } }";
    check(&when("iam:TagUser", principal), "user/bob", "iam:TagUser");
    check(&when("iam:TagRole", principal), "user/bob", "none");
    let session = |actions: &str| {
        account("", &format!(
            "users: {{ bob: {{}} }}, roles: {{ app: {{ trust: [{{ allow: [{actions}], to: user/bob }}],
               policies: [{{ allow: kms:Decrypt, when: {principal} }}] }} }}"
        ))
    };
    check(&session("sts:AssumeRole, sts:TagSession"), "user/bob", "sts:AssumeRole");
    check(&session("sts:AssumeRole"), "user/bob", "none");
    let named = |action: &str| {
        account(
            &format!(
                "{{ allow: kms:Decrypt, to: '*', when: {{ ArnLike: {{ 'aws:PrincipalArn': 'arn:aws:iam::{A}:role/app-*' }} }} }}"
            ),
            &format!("users: {{ bob: {{ policies: [{{ allow: {action} }}] }} }}"),
        )
    };
    check(&named("iam:CreateRole"), "user/bob", "iam:CreateRole sts:AssumeRole");
    check(&named("iam:CreateUser"), "user/bob", "none");
}

#[test]
fn t37_t41_the_organization_and_providers() {
    let rcp = |action: &str| {
        format!(
            "
            accounts:
              111122223333:
                keys: {{ K: {{ id: K, policy: [{{ allow: 'kms:*', to: 444455556666 }}] }} }}
              444455556666:
                users: {{ eve: {{ policies: [{{ allow: [kms:Decrypt, '{action}'] }}] }} }}
            organization:
              id: o-1
              management: 444455556666
              units: {{ shut: {{ accounts: [111122223333], rcps: [{{ deny: kms:Decrypt }}] }} }}"
        )
    };
    for action in ["DetachPolicy", "UpdatePolicy", "DisablePolicyType", "MoveAccount"] {
        let action = format!("organizations:{action}");
        check(&rcp(&action), "B:user/eve", &action);
    }
    check(&rcp("organizations:LeaveOrganization"), "B:user/eve", "none");
    let leaving = |scp: &str| {
        let bob = bob("{ allow: [kms:Decrypt, organizations:LeaveOrganization] }", "");
        format!(
            "{bob}\norganization: {{ id: o-1, management: 999999999999, accounts: {{ '{A}': {{ scps: [{{ deny: {scp} }}] }} }} }}"
        )
    };
    check(&leaving("kms:Decrypt"), "user/bob", "organizations:LeaveOrganization");
    check(&leaving("[kms:Decrypt, 'organizations:*']"), "user/bob", "none");
    let provider = |action: &str| {
        let role = format!(
            "roles: {{ app: {{ policies: [{{ allow: kms:Decrypt }}], trust: [{{ allow: sts:AssumeRoleWithSAML,
               to: 'provider:arn:aws:iam::{A}:saml-provider/corp' }}] }} }}"
        );
        bob(&format!("{{ allow: {action} }}"), &role)
    };
    let calls = "iam:UpdateSAMLProvider sts:AssumeRoleWithSAML";
    check(&provider("iam:UpdateSAMLProvider"), "user/bob", calls);
    check(&provider("iam:CreateOpenIDConnectProvider"), "user/bob", "none");
}

#[test]
fn t52_two_primitives_and_no_more() {
    let three = account(
        "",
        "users: {
           bob: { policies: [{ allow: iam:CreateAccessKey, on: user/ann }] },
           ann: { policies: [{ allow: iam:CreateAccessKey, on: user/eve }] },
           eve: { policies: [{ allow: iam:PutUserPolicy, on: user/eve }] } }",
    );
    check(&three, "user/ann", "iam:CreateAccessKey iam:PutUserPolicy");
    check(&three, "user/bob", "none");
    let world = world(&three);
    let mut oracle = Oracle::new(&world, 3);
    oracle.primitives = 3;
    assert_eq!(oracle.paths(&caller("user/bob"))[&key("key/K")].hops.len(), 3);
    oracle.without = vec!["T20"];
    assert!(!oracle.paths(&caller("user/bob")).contains_key(&key("key/K")));
}

/// What the property of `path_properties` stands on: random worlds lead somewhere often and often do not,
/// and what is found there can be executed.
#[test]
fn random_worlds_lead_to_their_keys_in_few_calls() {
    const WORLDS: u64 = 200;
    for_one_seed("random_worlds_lead_to_their_keys_in_few_calls", |seed| {
        let farthest = |number: u64| {
            let made = World::escalating(&mut Random::new(seed, number));
            let world = inventory(&made);
            let oracle = Oracle::new(&world, 3);
            let starts = oracle.starts();
            let paths = starts.iter().flat_map(|start| oracle.paths(start).into_values());
            let each = paths.map(|path| match execute(&world, &path) {
                Ok(_) => path.hops.len(),
                Err(failure) => panic!("{failure}\n{path:?}\n{}", render::scenario(&made)),
            });
            each.max().unwrap_or(0)
        };
        let farthest: Vec<usize> = (0..WORLDS).into_par_iter().map(farthest).collect();
        let of = |calls: usize| farthest.iter().filter(|it| **it == calls).count();
        let seen = [of(0), of(1), of(2), of(3)];
        assert!(seen[0] > 40 && seen[1] > 40 && seen[2] > 20 && seen[3] > 8, "{seen:?}");
    });
}
