//! Paths are executed: for each call that changes policies, tags or what else a world in which it leads to
//! the key, and one in which one fact stops it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::aws::KmsAction;
use keyreach::graph::{Call, Hop};
use keyreach::inventory::{OrgPolicyKind, Tags};
use keyreach::policy::PolicyKind;
use support::paths::executed::{DENIED_BY_IAM, assume, attach, check, delegated, fate, put_policy};
use support::paths::{
    A, alias, arn, caller, document, everything, grant, hop, key, path, tags, world,
};

#[test]
fn t16_the_key_policy_is_rewritten_unless_it_locks_out() {
    let text = |policy: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, policy: [{policy}] }} }}, users: {{ bob: {{}}, eve: {{}} }} }} }}"
        )
    };
    let put = |whom: &str| {
        let policy = everything(PolicyKind::Key, Some(&arn(whom)));
        vec![hop("user/bob", Call::PutKeyPolicy { key: key("key/K"), policy })]
    };
    let may = text("{ allow: 'kms:Put*', to: user/bob }");
    check(&may, "user/bob", put("user/bob"), "user/bob", "ok");
    check(&may, "user/bob", put("user/eve"), "user/bob", "lock the caller out");
    let other = text("{ allow: 'kms:Get*', to: user/bob }");
    check(&other, "user/bob", put("user/bob"), "user/bob", "hop 1: kms:PutKeyPolicy");
    let broken = document(PolicyKind::Key, "no policy");
    let call = Call::PutKeyPolicy { key: key("key/K"), policy: broken };
    check(&may, "user/bob", vec![hop("user/bob", call)], "user/bob", "cannot be read");
}

#[test]
fn t17_a_replica_has_a_policy_of_choice() {
    let text = |key: &str, user: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: mrk-1, {key},
               policy: [{{ allow: kms:ReplicateKey, to: user/bob }}] }} }}, users: {{ bob: {{ policies: [{user}] }} }} }} }}"
        )
    };
    let replicate = |region: &str| {
        let policy = everything(PolicyKind::Key, Some(&arn("user/bob")));
        let call = Call::ReplicateKey { key: key("key/mrk-1"), region: region.into(), policy };
        let mut path = path("user/bob", vec![hop("user/bob", call)], "user/bob", "key/mrk-1");
        path.goal_key =
            keyreach::aws::KeyArn::new("aws", region, caller("user/bob").account.unwrap(), "mrk-1")
                .unwrap();
        path
    };
    let (primary, creates) = ("multi_region: primary", "{ allow: kms:CreateKey }");
    let told = |text: String, region| fate(&world(&text), &replicate(region));
    assert_eq!(told(text(primary, creates), "eu-west-1"), "ok");
    let fenced = "{ allow: kms:CreateKey }, { deny: kms:CreateKey, when: { StringEquals: { 'aws:RequestedRegion': eu-west-1 } } }";
    assert!(told(text(primary, fenced), "eu-west-1").starts_with("hop 1: kms:CreateKey"));
    assert_eq!(told(text(primary, fenced), "us-west-2"), "ok");
    assert!(told(text(primary, creates), "us-east-1").contains("stands in us-east-1 already"));
    let single = "multi_region: replica";
    assert!(told(text(single, creates), "eu-west-1").contains("is no primary"));
}

#[test]
fn t18_t19_grants_are_made_within_policies_and_parents() {
    let text = |grants: &str, policy: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, policy: [{policy}], grants: [{grants}] }} }},
               users: {{ bob: {{}}, ann: {{}} }} }} }}"
        )
    };
    let make = |operations: &[KmsAction]| {
        let grant = Box::new(grant("user/bob", operations));
        vec![hop("user/bob", Call::CreateGrant { key: key("key/K"), grant })]
    };
    let by_policy = text("", "{ allow: kms:CreateGrant, to: user/bob }");
    check(&by_policy, "user/bob", make(&[KmsAction::DECRYPT]), "user/bob", "ok");
    check(&by_policy, "user/bob", make(&[KmsAction::ENCRYPT]), "user/bob", "the goal: kms:Decrypt");
    let for_aws = "{ allow: kms:CreateGrant, to: user/bob, when: { Bool: { 'kms:GrantIsForAWSResource': true } } }";
    check(
        &text("", for_aws),
        "user/bob",
        make(&[KmsAction::DECRYPT]),
        "user/bob",
        "hop 1: kms:CreateGrant",
    );
    let some = "{ allow: kms:CreateGrant, to: user/bob, when: { StringEquals: { 'kms:GranteePrincipal': 'arn:aws:iam::111122223333:user/ann' } } }";
    check(
        &text("", some),
        "user/bob",
        make(&[KmsAction::DECRYPT]),
        "user/bob",
        "hop 1: kms:CreateGrant",
    );
    let parent = |operations: &str| {
        let grant = format!("{{ to: user/bob, operations: [{operations}] }}");
        text(&grant, "{ allow: kms:CreateGrant, to: user/ann }")
    };
    // Rule G31: within the parent's operations.
    let within = parent("CreateGrant, Decrypt");
    let plain = "{ to: user/bob, operations: [CreateGrant] }";
    check(&within, "user/bob", make(&[KmsAction::DECRYPT]), "user/bob", "ok");
    let beyond = make(&[KmsAction::DECRYPT, KmsAction::ENCRYPT]);
    check(&within, "user/bob", beyond, "user/bob", "hop 1: kms:CreateGrant");
    let policy = "{ allow: kms:CreateGrant, to: user/ann }";
    check(
        &text(plain, policy),
        "user/bob",
        make(&[KmsAction::DECRYPT]),
        "user/bob",
        "hop 1: kms:CreateGrant",
    );
}

#[test]
fn t20_policies_are_written_for_users_roles_and_groups() {
    for (holder, action) in [("user/bob", "iam:PutUserPolicy"), ("group/all", "iam:PutGroupPolicy")]
    {
        let text = |action: &str, on: &str| {
            let bob = format!(
                "bob: {{ groups: [all], policies: [{{ allow: {action}, on: {on} }}] }}, eve: {{}}"
            );
            delegated(&bob, "groups: { all: {} }")
        };
        let hops = || vec![hop("user/bob", put_policy(holder))];
        check(&text(action, holder), "user/bob", hops(), "user/bob", "ok");
        check(&text(action, "user/eve"), "user/bob", hops(), "user/bob", DENIED_BY_IAM);
    }
    let text = |extra: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }}, users: {{}}, roles: {{
               ci: {{ policies: [{{ allow: iam:PutRolePolicy, on: role/ci }}{extra}] }} }} }} }}"
        )
    };
    let hops = || vec![hop("role/ci", put_policy("role/ci"))];
    check(&text(""), "role/ci", hops(), "role/ci", "ok");
    check(&text(", { deny: 'kms:*' }"), "role/ci", hops(), "role/ci", "the goal: kms:Decrypt");
    // Rule T55: what nobody delegates to IAM stays shut.
    let named = format!(
        "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, policy: [{{ allow: 'kms:*', to: user/ann }}] }} }}, users: {{
           ann: {{}}, bob: {{ policies: [{{ allow: iam:PutUserPolicy }}] }} }} }} }}"
    );
    let hops = || vec![hop("user/bob", put_policy("user/bob"))];
    check(&named, "user/bob", hops(), "user/bob", "the goal: kms:Decrypt");
    let mut longer = hops();
    longer.push(hop("user/bob", Call::CreateAccessKey { user: arn("user/ann").into() }));
    check(&named, "user/bob", longer, "user/ann", "ok");
}

#[test]
fn t20_writes_carry_the_boundary_of_whom_they_change() {
    let text = |boundary: &str| {
        let bob = format!(
            "bob: {{ boundary: {boundary}, policies: [{{ allow: iam:PutUserPolicy, when: {{ StringEquals: {{
               'iam:PermissionsBoundary': 'arn:aws:iam::{A}:policy/Fence' }} }} }}] }}"
        );
        delegated(&bob, "policies: { Fence: [{ allow: '*' }], Other: [{ allow: '*' }] }")
    };
    let hops = || vec![hop("user/bob", put_policy("user/bob"))];
    check(&text("Fence"), "user/bob", hops(), "user/bob", "ok");
    check(&text("Other"), "user/bob", hops(), "user/bob", DENIED_BY_IAM);
}

#[test]
fn t21_administrator_access_is_attached_though_nobody_exported_it() {
    let text = |condition: &str| {
        delegated(
            &format!("bob: {{ policies: [{{ allow: iam:AttachUserPolicy{condition} }}] }}"),
            "policies: { Read: [{ allow: kms:Decrypt }], dev-1: [{ allow: 's3:*' }] }",
        )
    };
    let hops = |policy: &str| vec![hop("user/bob", attach("user/bob", policy))];
    check(&text(""), "user/bob", hops("AdministratorAccess"), "user/bob", "ok");
    check(&text(""), "user/bob", hops("policy/Read"), "user/bob", "ok");
    check(&text(""), "user/bob", hops("policy/Nothing"), "user/bob", "is not in the export");
    let some = ", when: { ArnLike: { 'iam:PolicyARN': 'arn:aws:iam::*:policy/dev-*' } }";
    check(&text(some), "user/bob", hops("AdministratorAccess"), "user/bob", DENIED_BY_IAM);
    check(&text(some), "user/bob", hops("policy/dev-1"), "user/bob", "the goal: kms:Decrypt");
    // To a group.
    let group = "bob: { groups: [all], policies: [{ allow: iam:AttachGroupPolicy }] }";
    let text = delegated(group, "groups: { all: {} }");
    let hops = vec![hop("user/bob", attach("group/all", "AdministratorAccess"))];
    check(&text, "user/bob", hops, "user/bob", "ok");
}

#[test]
fn t22_t23_policies_get_new_versions_or_old_ones_back() {
    let text = |action: &str| {
        delegated(
            &format!("bob: {{ policies: [Own, {{ allow: {action} }}] }}"),
            "policies: { Own: { default: v2, versions: {
               v1: [{ allow: kms:Decrypt }], v2: [{ allow: 's3:*' }], v3: [{ allow: 's3:*' }] } } }",
        )
    };
    let policy: Box<str> = arn("policy/Own").into();
    let document = everything(PolicyKind::Identity, None);
    let create = Call::CreatePolicyVersion { policy: policy.clone(), document };
    let set = |version: &str| Call::SetDefaultPolicyVersion {
        policy: policy.clone(),
        version: version.into(),
    };
    let may = text("iam:CreatePolicyVersion");
    check(&may, "user/bob", vec![hop("user/bob", create.clone())], "user/bob", "ok");
    let may = text("iam:SetDefaultPolicyVersion");
    check(&may, "user/bob", vec![hop("user/bob", create)], "user/bob", DENIED_BY_IAM);
    check(&may, "user/bob", vec![hop("user/bob", set("v1"))], "user/bob", "ok");
    let other = vec![hop("user/bob", set("v3"))];
    check(&may, "user/bob", other, "user/bob", "the goal: kms:Decrypt");
    check(&may, "user/bob", vec![hop("user/bob", set("v9"))], "user/bob", "has no version v9");
}

#[test]
fn t24_a_user_joins_a_group() {
    let text = |on: &str| {
        delegated(
            &format!("bob: {{ policies: [{{ allow: iam:AddUserToGroup, on: {on} }}] }}"),
            "groups: { readers: { policies: [{ allow: kms:Decrypt }] }, others: {} }",
        )
    };
    let join = |group: &str| {
        let (user, group) = (arn("user/bob").into(), arn(group).into());
        vec![hop("user/bob", Call::AddUserToGroup { user, group })]
    };
    check(&text("group/readers"), "user/bob", join("group/readers"), "user/bob", "ok");
    check(&text("group/others"), "user/bob", join("group/readers"), "user/bob", DENIED_BY_IAM);
    let others = join("group/others");
    check(&text("group/others"), "user/bob", others, "user/bob", "the goal: kms:Decrypt");
    check(&text("'*'"), "user/bob", join("group/none"), "user/bob", "is not in the export");
}

#[test]
fn t25_a_trust_policy_is_rewritten_but_not_that_of_a_service() {
    let text = |path: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K }} }},
               users: {{ bob: {{ policies: [{{ allow: iam:UpdateAssumeRolePolicy }}] }} }},
               roles: {{ app: {{ path: {path}, policies: [{{ allow: kms:Decrypt }}] }} }} }} }}"
        )
    };
    let hops = |role: &str, whom: &str| {
        let document = everything(PolicyKind::Trust, Some(&arn(whom)));
        let update = Call::UpdateAssumeRolePolicy { role: arn(role).into(), document };
        vec![hop("user/bob", update), hop("user/bob", assume(role))]
    };
    check(&text("/"), "user/bob", hops("role/app", "user/bob"), "role/app", "ok");
    let others = hops("role/app", "B:user/eve");
    check(&text("/"), "user/bob", others, "role/app", "hop 2: sts:AssumeRole");
    let linked = "role/aws-service-role/x.amazonaws.com/app";
    let text = text("/aws-service-role/x.amazonaws.com/");
    check(&text, "user/bob", hops(linked, "user/bob"), linked, "implicit-deny by operation");
}

#[test]
fn t30_a_boundary_goes_or_gives_way() {
    let text = |action: &str, condition: &str| {
        delegated(
            &format!(
                "bob: {{ boundary: Fence, policies: [{{ allow: kms:Decrypt }}, {{ allow: {action}{condition} }}] }}"
            ),
            "policies: { Fence: [{ allow: 'iam:*' }] }",
        )
    };
    let holder: Box<str> = arn("user/bob").into();
    let delete = || vec![hop("user/bob", Call::DeleteBoundary { holder: holder.clone() })];
    let put = |policy: &str| {
        let (holder, policy) = (holder.clone(), arn(policy).into());
        vec![hop("user/bob", Call::PutBoundary { holder, policy })]
    };
    check(&text("iam:DeleteUserPermissionsBoundary", ""), "user/bob", delete(), "user/bob", "ok");
    check(
        &text("iam:DeleteRolePermissionsBoundary", ""),
        "user/bob",
        delete(),
        "user/bob",
        DENIED_BY_IAM,
    );
    let may = text("iam:PutUserPermissionsBoundary", "");
    check(&may, "user/bob", put("AdministratorAccess"), "user/bob", "ok");
    check(&may, "user/bob", put("policy/Fence"), "user/bob", "the goal: kms:Decrypt");
    // The condition key is the boundary that is put.
    let only = format!(
        ", when: {{ StringEquals: {{ 'iam:PermissionsBoundary': 'arn:aws:iam::{A}:policy/Fence' }} }}"
    );
    let may = text("iam:PutUserPermissionsBoundary", &only);
    check(&may, "user/bob", put("AdministratorAccess"), "user/bob", DENIED_BY_IAM);
}

#[test]
fn t31_policies_that_deny_are_taken_away() {
    let world_of = |actions: &str| {
        delegated(
            &format!(
                "bob: {{ groups: [shut], policies: [{{ allow: [kms:Decrypt, {actions}] }}, Shut] }}"
            ),
            "policies: { Shut: [{ deny: kms:Decrypt, on: 'arn:aws:kms:*:*:key/K' }] },
             groups: { shut: { policies: [{ deny: kms:Decrypt }, Shut] } }",
        )
    };
    let (user, group): (Box<str>, Box<str>) = (arn("user/bob").into(), arn("group/shut").into());
    let policy: Box<str> = arn("policy/Shut").into();
    let detach =
        |holder: &str| Call::DetachPolicy { holder: holder.into(), policy: policy.clone() };
    let leave = Call::RemoveUserFromGroup { user: user.clone(), group: group.clone() };
    let both = || vec![hop("user/bob", detach(&user)), hop("user/bob", leave.clone())];
    let may = world_of("iam:DetachUserPolicy, iam:RemoveUserFromGroup");
    check(&may, "user/bob", both(), "user/bob", "ok");
    let one = vec![hop("user/bob", leave.clone())];
    check(&may, "user/bob", one, "user/bob", "explicit-deny by identity-policy");
    check(
        &world_of("iam:DetachUserPolicy"),
        "user/bob",
        both(),
        "user/bob",
        "hop 2: iam:RemoveUserFromGroup",
    );
    let may = world_of("iam:DetachUserPolicy, iam:DetachGroupPolicy, iam:DeleteGroupPolicy");
    let name = world(&may).group(&group).unwrap().inline[0].name.clone();
    let delete = Call::DeletePolicy { holder: group.clone(), name };
    assert_eq!(delete.name(), "iam:DeleteGroupPolicy");
    let hops = || {
        let calls = [detach(&user), detach(&group), delete.clone()];
        calls.into_iter().map(|call| hop("user/bob", call)).collect::<Vec<Hop>>()
    };
    check(&may, "user/bob", hops(), "user/bob", "ok");
    let twice = vec![hop("user/bob", detach(&user)), hop("user/bob", detach(&user))];
    check(&may, "user/bob", twice, "user/bob", "is not attached to");
    let own = delegated("bob: { policies: [{ allow: ['kms:*', 'iam:*'] }] }", "");
    let name = world(&own).identity(&user).unwrap().inline[0].name.clone();
    let delete = |name: &str| Call::DeletePolicy { holder: user.clone(), name: name.into() };
    let gone = vec![hop("user/bob", delete(&name))];
    check(&own, "user/bob", gone, "user/bob", "the goal: kms:Decrypt");
    let other = vec![hop("user/bob", delete("none"))];
    check(&own, "user/bob", other, "user/bob", "has no inline policy none");
}

#[test]
fn t32_tags_of_a_key_open_it() {
    let text = |condition: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, tags: {{ shut: 'yes' }} }} }}, users: {{
               bob: {{ policies: [{{ allow: ['kms:TagResource', 'kms:UntagResource'], when: {condition} }},
                 {{ allow: kms:Decrypt, when: {{ StringEquals: {{ 'aws:ResourceTag/team': red }} }} }},
                 {{ allow: kms:Decrypt, when: {{ 'Null': {{ 'aws:ResourceTag/shut': true }} }} }}] }} }} }} }}"
        )
    };
    let free = text("{ StringLike: { 'aws:PrincipalArn': '*' } }");
    let tag = |value: &str| {
        vec![hop("user/bob", Call::TagKey { key: key("key/K"), tags: tags(&[("team", value)]) })]
    };
    check(&free, "user/bob", tag("red"), "user/bob", "ok");
    check(&free, "user/bob", tag("blue"), "user/bob", "the goal: kms:Decrypt");
    let untag = || {
        let call = Call::UntagKey { key: key("key/K"), keys: vec!["shut".into()] };
        vec![hop("user/bob", call)]
    };
    check(&free, "user/bob", untag(), "user/bob", "ok");
    let fenced = text("{ StringEquals: { 'aws:RequestTag/team': blue } }");
    check(&fenced, "user/bob", tag("red"), "user/bob", "hop 1: kms:TagResource");
    let fenced = text("{ 'ForAllValues:StringEquals': { 'aws:TagKeys': team } }");
    check(&fenced, "user/bob", untag(), "user/bob", "hop 1: kms:UntagResource");
}

#[test]
fn t33_aliases_open_a_key() {
    let text = |policies: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, aliases: alias/k }}, L: {{ id: L, aliases: alias/l }} }}, users: {{
               bob: {{ policies: [{policies},
                 {{ allow: kms:Decrypt, when: {{ 'ForAnyValue:StringEquals': {{ 'kms:ResourceAliases': [alias/open, alias/l] }} }} }},
                 {{ allow: kms:Decrypt, when: {{ 'Null': {{ 'kms:ResourceAliases': true }} }} }}] }} }} }} }}"
        )
    };
    let free = text("{ allow: 'kms:*Alias' }");
    let hops = |call: Call| vec![hop("user/bob", call)];
    let create = |name: &str| Call::CreateAlias { alias: alias(name), key: key("key/K") };
    let update = |name: &str| Call::UpdateAlias { alias: alias(name), key: key("key/K") };
    check(&free, "user/bob", hops(create("alias/open")), "user/bob", "ok");
    check(&free, "user/bob", hops(create("alias/l")), "user/bob", "is there already");
    check(&free, "user/bob", hops(update("alias/l")), "user/bob", "ok");
    check(&free, "user/bob", hops(update("alias/none")), "user/bob", "is not in the export");
    let gone = Call::DeleteAlias { alias: alias("alias/k") };
    check(&free, "user/bob", hops(gone.clone()), "user/bob", "ok");
    // Both halves, and of UpdateAlias all three, must be allowed (rules L1 to L3).
    let on = |keys: &str| text(&format!("{{ allow: 'kms:*Alias', on: ['{keys}'] }}"));
    let (key_half, alias_half) = ("arn:aws:kms:*:*:key/*", "arn:aws:kms:*:*:alias/*");
    for call in [create("alias/open"), update("alias/l"), gone] {
        let shut = "hop 1: kms:";
        check(&on(key_half), "user/bob", hops(call.clone()), "user/bob", shut);
        check(&on(alias_half), "user/bob", hops(call), "user/bob", shut);
    }
    let but_l = "{ allow: 'kms:*Alias' }, { deny: kms:UpdateAlias, on: 'arn:aws:kms:*:*:key/L' }";
    let told = "kms:UpdateAlias on arn:aws:kms:us-east-1:111122223333:key/L";
    check(&text(but_l), "user/bob", hops(update("alias/l")), "user/bob", told);
    // Rule L4: the alias has no key spec.
    let spec =
        "{ allow: 'kms:*Alias', when: { StringEquals: { 'kms:KeySpec': SYMMETRIC_DEFAULT } } }";
    let told = "kms:CreateAlias on arn:aws:kms:us-east-1:111122223333:alias/open";
    check(&text(spec), "user/bob", hops(create("alias/open")), "user/bob", told);
}

#[test]
fn t34_tags_of_a_principal_open_a_key() {
    let text = |action: &str| {
        delegated(
            &format!(
                "bob: {{ tags: {{ Team: blue, shut: 'yes' }}, policies: [{{ allow: {action} }},
                   {{ allow: kms:Decrypt, when: {{ StringEquals: {{ 'aws:PrincipalTag/team': red }} }} }},
                   {{ allow: kms:Decrypt, when: {{ 'Null': {{ 'aws:PrincipalTag/shut': true }} }} }}] }}"
            ),
            "",
        )
    };
    let holder: Box<str> = arn("user/bob").into();
    let tag = || {
        let (holder, tags) = (holder.clone(), tags(&[("team", "red")]));
        vec![hop("user/bob", Call::TagIdentity { holder, tags })]
    };
    let untag = || {
        let (holder, keys) = (holder.clone(), vec!["Shut".into()]);
        vec![hop("user/bob", Call::UntagIdentity { holder, keys })]
    };
    check(&text("iam:TagUser"), "user/bob", tag(), "user/bob", "ok");
    check(&text("iam:UntagUser"), "user/bob", tag(), "user/bob", DENIED_BY_IAM);
    check(&text("iam:UntagUser"), "user/bob", untag(), "user/bob", "ok");
    check(&text("iam:TagUser"), "user/bob", untag(), "user/bob", DENIED_BY_IAM);
}

#[test]
fn t35_users_and_roles_of_a_fitting_name_are_made() {
    let text = |actions: &str| {
        format!(
            "accounts: {{ {A}: {{ keys: {{ K: {{ id: K, policy: [{{ allow: kms:Decrypt, to: '*',
               when: {{ ArnLike: {{ 'aws:PrincipalArn': 'arn:aws:iam::{A}:*/app-*' }} }} }}] }} }},
               users: {{ bob: {{ policies: [{{ allow: [{actions}] }}] }} }}, policies: {{ Fence: [{{ allow: '*' }}] }} }} }}"
        )
    };
    let user: Box<str> = arn("user/app-1").into();
    let create = |boundary: Option<&str>| Call::CreateUser {
        user: user.clone(),
        boundary: boundary.map(|name| arn(name).into()),
        tags: Tags::default(),
    };
    let hops = |call: Call| {
        let take = Call::CreateAccessKey { user: user.clone() };
        vec![hop("user/bob", call), hop("user/bob", take)]
    };
    let may = text("iam:CreateUser, iam:CreateAccessKey");
    check(&may, "user/bob", hops(create(None)), "user/app-1", "ok");
    check(&may, "user/bob", hops(create(Some("policy/Fence"))), "user/app-1", "ok");
    check(
        &may,
        "user/bob",
        hops(create(Some("policy/None"))),
        "user/app-1",
        "is not in the export",
    );
    check(
        &text("iam:CreateAccessKey"),
        "user/bob",
        hops(create(None)),
        "user/app-1",
        DENIED_BY_IAM,
    );
    let (taken, none) = (arn("user/team/BOB").into(), Tags::default());
    let taken = Call::CreateUser { user: taken, boundary: None, tags: none };
    check(&may, "user/bob", vec![hop("user/bob", taken)], "user/bob", "is taken");
    let role = |trust: &str| {
        let trust = everything(PolicyKind::Trust, Some(&arn(trust)));
        let (role, tags) = (arn("role/app-1").into(), Tags::default());
        let call = Call::CreateRole { role, trust, boundary: None, tags };
        vec![hop("user/bob", call), hop("user/bob", assume("role/app-1"))]
    };
    let may = text("iam:CreateRole");
    check(&may, "user/bob", role("user/bob"), "role/app-1", "ok");
    check(&may, "user/bob", role("B:user/eve"), "role/app-1", "hop 2: sts:AssumeRole");
}

#[test]
fn t37_the_management_account_lifts_what_binds_the_others() {
    let text = |actions: &str, extra: &str| {
        format!(
            "
            accounts:
              111122223333:
                keys:
                  K: {{ id: K, policy: [{{ allow: 'kms:*', to: [user/bob, 444455556666] }}] }}
                users: {{ bob: {{ policies: [{{ allow: organizations:LeaveOrganization }}] }} }}
              444455556666:
                users: {{ eve: {{ policies: [{{ allow: [{actions}] }}] }} }}
            organization:
              id: o-1
              management: 444455556666
              units:
                shut: {{ accounts: [111122223333]{extra} }}
                open: {{ accounts: [] }}"
        )
    };
    let denying = ", scps: [{ deny: kms:Decrypt }]";
    let rcp = ", rcps: [{ deny: kms:Decrypt }]";
    let both = "organizations:DetachPolicy, kms:Decrypt";
    // Nothing binds the management account itself: the key's account is bound by its RCPs.
    let hops = |call: Call| vec![hop("B:user/eve", call)];
    let detach = |policy: &str| {
        let (policy, target) = (policy.into(), "ou-shut".into());
        hops(Call::DetachOrgPolicy { policy, target })
    };
    let told = "explicit-deny by rcp";
    check(&text(both, rcp), "B:user/eve", vec![], "B:user/eve", told);
    check(&text(both, rcp), "B:user/eve", detach("p-rcp-shut"), "B:user/eve", "ok");
    let other = "organizations:UpdatePolicy, kms:Decrypt";
    let no = "hop 1: organizations:DetachPolicy";
    check(&text(other, rcp), "B:user/eve", detach("p-rcp-shut"), "B:user/eve", no);
    let none = "is not attached to";
    check(&text(both, rcp), "B:user/eve", detach("p-scp-shut"), "B:user/eve", none);
    let full = text(both, rcp);
    check(&full, "B:user/eve", detach("p-FullAWSAccess"), "B:user/eve", "is the last SCP");
    let document = everything(PolicyKind::Rcp, Some("*"));
    let update =
        || hops(Call::UpdateOrgPolicy { policy: "p-rcp-shut".into(), document: document.clone() });
    check(&text(other, rcp), "B:user/eve", update(), "B:user/eve", "ok");
    check(
        &text(both, rcp),
        "B:user/eve",
        update(),
        "B:user/eve",
        "hop 1: organizations:UpdatePolicy",
    );
    let disable = |kind| hops(Call::DisablePolicyType { root: "r-root".into(), kind });
    let may = text("organizations:DisablePolicyType, kms:Decrypt", rcp);
    check(&may, "B:user/eve", disable(OrgPolicyKind::Rcp), "B:user/eve", "ok");
    check(&may, "B:user/eve", disable(OrgPolicyKind::Scp), "B:user/eve", told);
    let typed = |kind: &str| {
        let condition = format!(
            "organizations:DisablePolicyType, kms:Decrypt] }}, {{ deny: organizations:DisablePolicyType, when: {{ StringEquals: {{ 'organizations:PolicyType': {kind} }} }} }}, {{ allow: [kms:Encrypt"
        );
        text(&condition, rcp)
    };
    let no = "hop 1: organizations:DisablePolicyType";
    let rcps = || disable(OrgPolicyKind::Rcp);
    check(&typed("SERVICE_CONTROL_POLICY"), "B:user/eve", rcps(), "B:user/eve", "ok");
    check(&typed("RESOURCE_CONTROL_POLICY"), "B:user/eve", rcps(), "B:user/eve", no);
    let moves = |to: &str| {
        let account = caller("user/bob").account.unwrap();
        hops(Call::MoveAccount { account, from: "ou-shut".into(), to: to.into() })
    };
    let may = text("organizations:MoveAccount, kms:Decrypt", rcp);
    check(&may, "B:user/eve", moves("ou-open"), "B:user/eve", "ok");
    check(&may, "B:user/eve", moves("ou-none"), "B:user/eve", "cannot be moved");
    // A member lifts what binds it by leaving, and no other way.
    let bob = |call: Call| vec![hop("user/bob", call)];
    check(&text(both, denying), "user/bob", bob(Call::LeaveOrganization), "user/bob", "ok");
    let shut = ", scps: [{ deny: [kms:Decrypt, organizations:LeaveOrganization] }]";
    let no = "explicit-deny by scp";
    check(&text(both, shut), "user/bob", bob(Call::LeaveOrganization), "user/bob", no);
    let (policy, target) = ("p-scp-shut".into(), "ou-shut".into());
    let detach = bob(Call::DetachOrgPolicy { policy, target });
    check(&text(both, denying), "user/bob", detach, "user/bob", "the management account alone");
    let leave = vec![hop("B:user/eve", Call::LeaveOrganization)];
    check(&text("'*'", rcp), "B:user/eve", leave, "B:user/eve", "no member that could leave");
}
