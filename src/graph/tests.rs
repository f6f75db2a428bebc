//! The search by the worked cases of the semantics.

mod administrators;
mod classes;
mod devices;
mod grants;
mod made;
mod organized;
mod outsiders;
mod services;
mod tags;
mod targets;

use jiff::Timestamp;

use crate::access::Access;
use crate::inventory::{Inventory, Tags};
use crate::source::FileId;

use super::{Call, EdgeKind, Graph, Hop, Path, Wanted};

fn world(text: &str) -> Inventory {
    let lines = text.lines().map(|line| line.strip_prefix("         ").unwrap_or(line));
    let text = lines.fold("keyreach: scenario/1".to_owned(), |all, line| all + "\n" + line);
    let scenario = crate::ingest::scenario::load(&text, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

/// The shortest way of each principal of account A to each key.
fn paths(text: &str) -> Vec<Path> {
    paths_wanted(text, &Wanted::default())
}

fn paths_wanted(text: &str, wanted: &Wanted) -> Vec<Path> {
    let world = world(text);
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a date");
    let access = Access::new(&world, now);
    let found = Graph::new(&access).paths(wanted);
    assert!(found.broken.is_empty(), "{:?}\n{text}", found.broken);
    found.paths
}

/// The way of user bob to the one key; nothing where there is none.
fn of_bob(text: &str) -> Option<Path> {
    paths(text).into_iter().find(|path| path.from.text.ends_with(":user/bob"))
}

/// The parameters of a call of the way of user bob, as the API names them.
#[track_caller]
fn params_of_bob(text: &str, nth: usize) -> serde_json::Value {
    let path = of_bob(text).unwrap_or_else(|| panic!("no path: {text}"));
    let hop = path.hops.get(nth).expect("a call");
    hop.call.params(&hop.context)
}

/// The same as rules of primitives and `edge`.
fn found(text: &str) -> Vec<String> {
    let row = |path: &Path| {
        let steps = path.hops.iter().map(|hop| match hop.edge {
            EdgeKind::EscalatesBy(rule) => rule,
            _ => "edge",
        });
        let from = path.from.text.rsplit(':').next().unwrap_or_default();
        format!("{from} {} {}", path.key.id(), steps.collect::<Vec<_>>().join(" "))
    };
    paths(text).iter().map(row).collect()
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
fn t28_the_service_must_be_let_in_for_the_account_of_the_launch() {
    let of = |account: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [iam:PassRole, lambda:CreateFunction, lambda:InvokeFunction] }] } },
           roles: { app: { policies: [{ allow: kms:Decrypt }], trust: [{ allow: sts:AssumeRole,
             to: 'service:lambda.amazonaws.com', when: { StringEquals: { 'aws:SourceAccount': 'ACCOUNT' } } }] } },
           keys: { k: { policy: default } } } }";
        of_bob_as_rules(&text.replace("ACCOUNT", account))
    };
    assert_eq!(of("111122223333"), ["T28"]);
    assert!(of("999999999999").is_empty());
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

#[test]
fn t6_sessions_have_the_names_that_policies_want() {
    let named = |name: &str, of_key: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { app: { trust: { Version: '2012-10-17', Statement: [{ allow: sts:AssumeRole, to: user/bob,
             when: { StringLike: { 'sts:RoleSessionName': 'NAME' } } }] } } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: OF_KEY }] } } } }";
        let params = params_of_bob(&text.replace("NAME", name).replace("OF_KEY", of_key), 0);
        params["RoleSessionName"].as_str().map(str::to_owned)
    };
    assert_eq!(named("${aws:username}", "role/app").as_deref(), Some("bob"));
    assert_eq!(named("s1", "role/app").as_deref(), Some("s1"));
    assert_eq!(named("*", "role/app").as_deref(), Some("keyreach"));
    assert_eq!(named("s*", "session/app/s1").as_deref(), Some("s1"));
    assert_eq!(named("*", "session/app/s1").as_deref(), Some("s1"));
}

#[test]
fn t6_a_session_has_the_one_name_that_it_was_made_under() {
    let of = |names: &str, of_bob: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [OF_BOB] } },
           roles: { app: { trust: [{ allow: sts:AssumeRole, to: user/bob,
             when: { StringEquals: { 'sts:RoleSessionName': NAMES } } }] } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: session/app/s2 }] } } } }";
        of_bob_as_rules(&text.replace("NAMES", names).replace("OF_BOB", of_bob))
    };
    assert_eq!(of("[s1, s2]", ""), ["edge"]);
    assert!(of("[s1]", "").is_empty());
    // Whoever writes the trust policy fixes no name.
    assert_eq!(of("[s1]", "{ allow: iam:UpdateAssumeRolePolicy }"), ["T25", "edge"]);
    let denied = "{ allow: iam:UpdateAssumeRolePolicy }, { deny: sts:AssumeRole,
             when: { StringEquals: { 'sts:RoleSessionName': s2 } } }";
    // Nor does a Deny on bob bind the session that he takes on first.
    assert_eq!(of("[s1]", denied), ["edge", "T25", "edge"]);
}

/// The calls of the way of user bob, as rules of primitives and `edge`; none where there is no way.
fn of_bob_as_rules(text: &str) -> Vec<&'static str> {
    let hops = of_bob(text).map(|path| path.hops).unwrap_or_default();
    let rule = |hop: &Hop| match hop.edge {
        EdgeKind::EscalatesBy(rule) => rule,
        _ => "edge",
    };
    hops.iter().map(rule).collect()
}

/// The session tags that user bob gives in the first call.
#[track_caller]
fn session_tags(text: &str) -> Tags {
    let path = of_bob(text).unwrap_or_else(|| panic!("no path: {text}"));
    match path.hops.first().map(|hop| &hop.call) {
        Some(Call::AssumeRole { tags, .. }) => tags.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn t7_sessions_bring_the_tags_that_trust_policies_want() {
    let text = "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { app: { trust: [{ allow: [sts:AssumeRole, sts:TagSession], to: user/bob,
             when: { StringEquals: { 'aws:RequestTag/t': x } } }] } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: role/app }] } } } }";
    assert_eq!(session_tags(text), Tags::from_iter([("t".into(), "x".into())]));
    // Without sts:TagSession nobody gives any.
    assert!(of_bob(&text.replace(", sts:TagSession", "")).is_none());
}

#[test]
fn t7_sessions_bring_the_tags_that_variables_and_other_roles_want() {
    let alike = "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { app: { trust: [{ allow: [sts:AssumeRole, sts:TagSession], to: user/bob }],
             policies: [{ Version: '2012-10-17', Statement: [{ allow: kms:Decrypt, on: '*',
               when: { StringEquals: { 'aws:ResourceTag/team': '${aws:PrincipalTag/team}' } } }] }] } },
           keys: { k: { tags: { team: x }, policy: default } } } }";
    assert_eq!(session_tags(alike), Tags::from_iter([("team".into(), "x".into())]));
    let chain = "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { one: { trust: [{ allow: [sts:AssumeRole, sts:TagSession], to: user/bob }] },
             two: { trust: [{ allow: sts:AssumeRole, to: role/one,
               when: { StringEquals: { 'aws:PrincipalTag/team': red } } }] } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: role/two }] } } } }";
    assert_eq!(session_tags(chain), Tags::from_iter([("team".into(), "red".into())]));
}

#[test]
fn t12_w92_users_make_the_federated_sessions_that_keys_name() {
    let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: sts:GetFederationToken }] } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: federated/bob }] } } } }";
    let params = params_of_bob(text, 0);
    assert_eq!(params["Name"], "bob");
    let path = of_bob(text).expect("a path");
    assert_eq!(&*path.goal_as.text, "arn:aws:sts::111122223333:federated-user/bob");
    assert!(of_bob(&text.replace("sts:GetFederationToken", "sts:AssumeRole")).is_none());
    // It has the tags of the user.
    let tagged = text.replace("bob: {", "bob: { tags: { team: x },").replace(
        "to: federated/bob",
        "to: federated/bob, when: { StringEquals: { 'aws:PrincipalTag/team': x } }",
    );
    assert!(of_bob(&tagged).is_some());
    // Another is brought along, which is a permission of its own (rule T7).
    let other = tagged.replace("'aws:PrincipalTag/team': x", "'aws:PrincipalTag/team': y");
    assert!(of_bob(&other).is_none());
    let may = other.replace("sts:GetFederationToken", "[sts:GetFederationToken, sts:TagSession]");
    let tags = serde_json::json!([{ "Key": "team", "Value": "y" }]);
    assert_eq!(params_of_bob(&may, 0)["Tags"], tags);
    // It has none of its own where no user has its name.
    let nobody = text.replace("bob: {", "bob: { tags: { team: x },").replace(
        "federated/bob",
        "federated/eve, when: { StringEquals: { 'aws:PrincipalTag/team': x } }",
    );
    assert!(of_bob(&nobody).is_none());
}

#[test]
fn t17_replicas_stand_where_policies_let_them() {
    let region = |of_bob: &str, of_key: &str| {
        let text = "accounts: { 111122223333: { users: { bob: { policies: [OF_BOB] } },
           keys: { k: { multi_region: primary, policy: [{ allow: kms:ReplicateKey, to: user/bob OF_KEY }] } } } }";
        let params = params_of_bob(&text.replace("OF_BOB", of_bob).replace("OF_KEY", of_key), 0);
        params["ReplicaRegion"].as_str().map(str::to_owned).unwrap_or_default()
    };
    let create = "{ allow: kms:CreateKey }";
    let only =
        "{ allow: kms:CreateKey, when: { StringEquals: { 'aws:RequestedRegion': eu-central-1 } } }";
    assert_eq!(region(only, ""), "eu-central-1");
    let to = ", when: { StringEquals: { 'kms:ReplicaRegion': eu-west-3 } }";
    assert_eq!(region(create, to), "eu-west-3");
    let like = "{ allow: kms:CreateKey, when: { StringLike: { 'aws:RequestedRegion': 'ap-*' } } }";
    assert!(region(like, "").starts_with("ap-"));
    let denied = "{ deny: kms:CreateKey, when: { StringNotEquals: { 'aws:RequestedRegion': [us-east-1, sa-east-1] } } }";
    let denied = region(&format!("{create}, {denied}"), "");
    assert!(["us-east-1", "sa-east-1"].contains(&&*denied), "{denied}");
    let usual = "{ deny: kms:CreateKey, when: { StringEquals: { 'aws:RequestedRegion':
             [eu-west-1, us-east-1, us-east-2, us-west-2] } } }";
    assert!(!region(&format!("{create}, {usual}"), "").is_empty());
}

#[test]
fn t35_roles_and_users_are_made_under_the_names_that_keys_let_in() {
    let text = |actions: &str, pattern: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: [ACTIONS] }] } },
           keys: { k: { policy: [{ allow: kms:Decrypt, to: '*',
             when: { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:PATTERN' } } }] } } } }";
        text.replace("ACTIONS", actions).replace("PATTERN", pattern)
    };
    let calls = |actions: &str, pattern: &str| of_bob_as_rules(&text(actions, pattern));
    assert_eq!(calls("iam:CreateRole", "role/app-*"), ["T35", "edge"]);
    assert_eq!(params_of_bob(&text("iam:CreateRole", "role/app-*"), 0)["RoleName"], "app-x");
    let user = "iam:CreateUser, iam:CreateAccessKey";
    assert_eq!(calls(user, "user/app-*"), ["T35", "T26"]);
    assert_eq!(calls("iam:CreateUser, iam:CreateLoginProfile", "user/app-*"), ["T35", "T27"]);
    assert!(calls("iam:CreateUser", "user/app-*").is_empty());
    assert!(calls("iam:CreateRole", "user/app-*").is_empty());
    assert!(calls("iam:PutRolePolicy", "role/app-*").is_empty());
}

#[test]
fn t35_a_role_is_made_and_given_what_the_key_delegates() {
    let text = |on: &str, policy: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: iam:CreateRole, on: 'arn:aws:iam::*:role/dev-*' },
             { allow: iam:PutRolePolicy, on: 'arn:aws:iam::*:role/ON' }] } },
           roles: { ops: {} },
           keys: { k: { policy: POLICY } } } }";
        text.replace("ON", on).replace("POLICY", policy)
    };
    let mut calls = of_bob_as_rules(&text("dev-*", "default"));
    calls.sort_unstable();
    assert_eq!(calls, ["T20", "T35", "edge"]);
    assert!(of_bob(&text("ops-*", "default")).is_none());
    // What is made may be what writes the trust policy of the one who is named (rules T25, T55).
    let mut calls = of_bob_as_rules(&text("dev-*", "[{ allow: 'kms:*', to: role/ops }]"));
    calls.sort_unstable();
    assert_eq!(calls, ["T20", "T25", "T35", "edge", "edge"]);
    let elsewhere = "[{ allow: 'kms:*', to: 'arn:aws:iam::444455556666:role/ops' }]";
    assert!(of_bob(&text("dev-*", elsewhere)).is_none());
}

#[test]
fn t6_sessions_are_made_as_later_steps_want_them() {
    let text = |trust: &str, when: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: {} },
           roles: { app: { trust: [{ TRUST, to: user/bob NAMED }],
             policies: [{ allow: kms:Decrypt, when: { WHEN } }] } },
           keys: { k: { policy: default } } } }";
        let (actions, named) = trust.split_once('|').unwrap_or((trust, ""));
        text.replace("TRUST", actions).replace("NAMED", named).replace("WHEN", when)
    };
    let (takes, both) = ("allow: sts:AssumeRole", "allow: [sts:AssumeRole, sts:SetSourceIdentity]");
    let source = "StringEquals: { 'aws:SourceIdentity': max }";
    assert_eq!(params_of_bob(&text(both, source), 0)["SourceIdentity"], "max");
    assert!(of_bob(&text(takes, source)).is_none());
    let named = |name: &str| {
        format!("{takes}|, when: {{ StringEquals: {{ 'sts:RoleSessionName': {name} }} }}")
    };
    let id = "StringLike: { 'aws:userid': '*:eve' }";
    assert_eq!(params_of_bob(&text(takes, id), 0)["RoleSessionName"], "eve");
    assert_eq!(params_of_bob(&text(&named("[bob, eve]"), id), 0)["RoleSessionName"], "eve");
    assert!(of_bob(&text(&named("bob"), id)).is_none());
    // Any name will do.
    let any = "StringLike: { 'aws:userid': '*:*' }";
    assert_eq!(params_of_bob(&text(&named("bob"), any), 0)["RoleSessionName"], "bob");
}

#[test]
fn t30_boundaries_give_way_to_others_and_to_other_versions() {
    let text = |bob: &str, policies: &str| {
        let text = "accounts: { 111122223333: {
           users: { bob: { boundary: Fence, policies: [{ allow: kms:Decrypt }, BOB] } },
           policies: { POLICIES },
           keys: { k: { policy: default } } } }";
        of_bob_as_rules(&text.replace("BOB", bob).replace("POLICIES", policies))
    };
    let put = "{ allow: iam:PutUserPermissionsBoundary,
             when: { ArnLike: { 'iam:PermissionsBoundary': 'arn:aws:iam::*:policy/Wide' } } }";
    let wide =
        |allowed: &str| format!("Fence: [{{ allow: 'iam:*' }}], Wide: [{{ allow: {allowed} }}]");
    assert_eq!(text(put, &wide("['kms:*', 'iam:*']")), ["T30"]);
    assert!(text(put, &wide("'s3:*'")).is_empty());
    let set = "{ allow: iam:SetDefaultPolicyVersion }";
    let versions = |old: &str| {
        format!(
            "Fence: {{ default: v2, versions: {{ v1: [{{ allow: {old} }}], v2: [{{ allow: 'iam:*' }}] }} }}"
        )
    };
    assert_eq!(text(set, &versions("'*'")), ["T23"]);
    assert_eq!(text(set, &versions("kms:Decrypt")), ["T23"]);
    assert!(text(set, &versions("'s3:*'")).is_empty());
}

#[test]
fn t37_the_management_account_lifts_what_binds_the_key() {
    let of = |actions: &str, rcp: &str, scp: &str| {
        let text = "accounts:
           111122223333:
             keys: { k: { policy: [{ allow: 'kms:*', to: [user/bob, 444455556666] }] } }
             users: { bob: { policies: [{ allow: organizations:LeaveOrganization }] } }
           444455556666:
             users: { eve: { policies: [{ allow: [ACTIONS] }] } }
         organization:
           id: o-1
           management: 444455556666
           units:
             shut: { accounts: [111122223333] RCP SCP }
             open: { accounts: [] }";
        let text = text.replace("ACTIONS", actions).replace("RCP", rcp).replace("SCP", scp);
        let found = paths(&text);
        let calls = |name: &str| {
            let path = found.iter().find(|path| path.from.text.ends_with(name));
            let hops = path.map(|path| path.hops.as_slice()).unwrap_or_default();
            hops.iter().map(|hop| hop.call.name()).collect::<Vec<_>>()
        };
        (calls(":user/eve"), calls(":user/bob"))
    };
    let rcp = ", rcps: [{ deny: kms:Decrypt }]";
    for name in ["DetachPolicy", "UpdatePolicy", "DisablePolicyType", "MoveAccount"] {
        let call = format!("organizations:{name}");
        assert_eq!(of(&format!("kms:Decrypt, '{call}'"), rcp, "").0, [call.as_str()]);
        // Without a right of its own nobody is let by what is lifted.
        assert!(of(&format!("'{call}'"), rcp, "").0.is_empty());
    }
    assert!(of("kms:Decrypt, organizations:LeaveOrganization", rcp, "").0.is_empty());
    // A member leaves what binds it, unless that forbids to leave.
    let scp = ", scps: [{ deny: kms:Decrypt }]";
    assert_eq!(of("kms:Encrypt", "", scp).1, ["organizations:LeaveOrganization"]);
    let shut = ", scps: [{ deny: [kms:Decrypt, organizations:LeaveOrganization] }]";
    assert!(of("kms:Encrypt", "", shut).1.is_empty());
}
