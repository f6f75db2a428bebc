//! Calls about large organizations (rule T37) and about IAM Identity Center (rule T42).

use jiff::Timestamp;

use crate::access::Access;
use crate::decision::Caller;

use super::super::{Found, Graph, Wanted};
use super::{paths, world};

/// An account below seventy units that deny what is wanted, and one that does not; user ann has a statement.
fn crowded(ann: &str) -> Found {
    let text = "accounts:
           111122223333:
             keys: { k: { policy: [{ allow: 'kms:*', to: 444455556666 }] } }
             users: { ann: { policies: [ANN] } }
           444455556666:
             users: { eve: { policies: [{ allow: [kms:Decrypt, 'organizations:MoveAccount'] }] } }
         organization:
           id: o-1
           management: 444455556666
           units:
             shut: { accounts: [111122223333], rcps: [{ deny: kms:Decrypt }], units: { SHUT } }
             zopen: { accounts: [] }";
    let shut: Vec<String> = (0..70).map(|number| format!("u{number}: {{}}")).collect();
    let world = world(&text.replace("ANN", ann).replace("SHUT", &shut.join(", ")));
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a date");
    let access = Access::new(&world, now);
    let found = Graph::new(&access).paths(&Wanted::default());
    assert!(found.broken.is_empty(), "{:?}", found.broken);
    found
}

/// The calls of user eve.
fn of_eve(found: &Found) -> Vec<&'static str> {
    let path = found.paths.iter().find(|path| path.from.text.ends_with(":user/eve"));
    path.iter().flat_map(|path| &path.hops).map(|hop| hop.call.name()).collect()
}

#[test]
fn t37_units_under_the_same_policies_are_one_place() {
    let found = crowded("{ allow: 's3:*' }");
    assert_eq!(of_eve(&found), ["organizations:MoveAccount"]);
    assert!(!found.capped);
}

#[test]
fn t37_what_is_not_looked_at_is_told() {
    // Where a policy asks for places each of them counts, and those are too many.
    let asking = "{ deny: 's3:*', when: { StringLike: { 'aws:PrincipalOrgPaths': 'o-1/*' } } }";
    assert!(crowded(asking).capped);
}

/// The calls of role app, and who takes the action in the end: it may make passwords for users of its account,
/// to whom its organization denies what a statement of the key's policy allows.
fn of_app(users: &str, statement: &str) -> (Vec<String>, String) {
    let found = paths(&format!(
        "accounts:
           111122223333:
             keys: {{ k: {{ policy: [{{ allow: kms:Decrypt, {statement} }}] }} }}
             users: {{ {users} }}
             roles: {{ app: {{ policies: [{{ allow: iam:CreateLoginProfile }}] }} }}
         organization:
           id: o-1
           management: 999999999999
           units: {{ shut: {{ accounts: [111122223333], rcps: [{{ deny: kms:Decrypt }}] }} }}"
    ));
    let Some(path) = found.iter().find(|path| path.from.text.ends_with(":role/app")) else {
        return Default::default();
    };
    let name = |caller: &Caller| caller.text.rsplit(':').next().unwrap_or_default().to_owned();
    let hops = path.hops.iter();
    let calls = hops.map(|hop| format!("{}: {}", name(&hop.caller), hop.call.name()));
    (calls.collect(), name(&path.goal_as))
}

#[test]
fn t37_whom_a_key_tells_apart_leaves_itself_though_an_administrator_could() {
    let leaves = |who: &str| {
        let calls = [
            "role/app: iam:CreateLoginProfile".to_owned(),
            format!("user/{who}: organizations:LeaveOrganization"),
        ];
        (calls.to_vec(), format!("user/{who}"))
    };
    let both = "ann: { policies: [{ allow: '*' }] }, bob: { policies: [{ allow: '*' }] }";
    let own = "when: { ArnLike: { aws:PrincipalArn: 'arn:aws:iam::111122223333:user/bob' } }";
    assert_eq!(of_app(both, "to: user/bob"), leaves("bob"));
    assert_eq!(of_app(both, &format!("to: '*', {own}")), leaves("bob"));
    // Nobody else is let in, whoever leaves.
    assert_eq!(of_app(both, "to: 444455556666"), Default::default());
    // Of many who are alike, too.
    let many = ["ann", "ben", "cid", "dan", "eva"].map(|name| {
        format!("{name}: {{ policies: [{{ allow: organizations:LeaveOrganization }}] }}")
    });
    for name in ["ann", "eva"] {
        assert_eq!(of_app(&many.join(", "), &format!("to: user/{name}")), leaves(name));
    }
}

/// The calls of whom `management` manages an organization with a role of a permission set: of user eve of
/// account 444455556666 and of user bob of the role's account.
fn center(management: &str, role: &str, eve: &str, bob: &str) -> [Vec<&'static str>; 2] {
    let text = "accounts:
           111122223333:
             keys: { k: { policy: default } }
             users: { bob: { policies: [{ allow: [BOB] }] } }
             roles: { AWSReservedSSO_Admin_1: { path: /aws-reserved/sso.amazonaws.com/, policies: [ROLE] } }
           444455556666:
             users: { eve: { policies: [{ allow: [EVE] }] } }
         organization:
           id: o-1
           management: MANAGEMENT
           units: { prod: { accounts: [111122223333] } }";
    let text = text.replace("BOB", bob).replace("ROLE", role).replace("EVE", eve);
    let found = paths(&text.replace("MANAGEMENT", management));
    [":user/eve", ":user/bob"].map(|name| {
        let path = found.iter().find(|path| path.from.text.ends_with(name));
        path.iter().flat_map(|path| &path.hops).map(|hop| hop.call.name()).collect()
    })
}

#[test]
fn t42_whoever_manages_the_identity_center_becomes_the_roles_of_permission_sets() {
    let (ours, theirs, decrypts) = ("444455556666", "999999999999", "{ allow: kms:Decrypt }");
    let of = |management: &str, role: &str, eve: &str| {
        center(management, role, eve, "'s3:*'")[0].clone()
    };
    let assign = "sso:CreateAccountAssignment";
    assert_eq!(of(ours, decrypts, assign), [assign]);
    let join = "identitystore:CreateGroupMembership";
    assert_eq!(of(ours, decrypts, join), [join]);
    assert!(of(theirs, decrypts, assign).is_empty());
    // What its permission set allows is written, and then provisioned.
    let none = "{ allow: 's3:*' }";
    assert!(of(ours, none, assign).is_empty());
    for write in ["PutInlinePolicyToPermissionSet", "AttachManagedPolicyToPermissionSet"] {
        let write = format!("sso:{write}");
        let both = format!("{assign}, {write}");
        let mut calls = of(ours, none, &format!("{both}, sso:ProvisionPermissionSet"));
        calls.sort_unstable();
        let mut expected = [assign, &write];
        expected.sort_unstable();
        assert_eq!(calls, expected);
        assert!(of(ours, none, &both).is_empty());
    }
}

#[test]
fn t42_roles_that_aws_keeps_are_not_changed_by_iam() {
    let found =
        center("999999999999", "{ allow: kms:Decrypt }", "'s3:*'", "iam:UpdateAssumeRolePolicy");
    assert!(found[1].is_empty(), "{found:?}");
}

#[test]
fn a_certain_way_is_told_before_one_of_as_many_calls_that_is_not() {
    let found = paths(
        "accounts:
           999999999999:
             users: { eve: { policies: [{ allow: [organizations:DetachPolicy, sts:AssumeRole] }] } }
           111122223333:
             roles: { app: { trust: 999999999999, policies: [{ allow: [kms:Decrypt, kms:CreateGrant] }] } }
             keys: { k: { policy: default } }
         organization:
           id: o-1
           management: 999999999999
           units: { prod: { accounts: [111122223333], scps: [{ deny: kms:Decrypt }] } }",
    );
    let path = found.iter().find(|path| path.from.text.ends_with(":user/eve")).expect("a path");
    let mut calls: Vec<&str> = path.hops.iter().map(|hop| hop.call.name()).collect();
    calls.sort_unstable();
    // A grant to eve, of another account, would hang on what AWS leaves open (O1).
    assert_eq!(calls, ["organizations:DetachPolicy", "sts:AssumeRole"]);
    assert!(path.doubts.is_empty(), "{:?}", path.doubts);
}
