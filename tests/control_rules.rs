//! Actions outside KMS by the rules of section 5: each row is put to the reference evaluator, and the
//! matrix engine must give the verdict that fits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use jiff::Timestamp;
use keyreach::access::Access;
use keyreach::aws::{ControlAction, ControlSet};
use keyreach::decision::{
    Bound, Caller, Condition, ContextValue, ControlRequest, Decision, Standing,
};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load;
use keyreach::inventory::Inventory;
use keyreach::policy::{PolicyDocument, PolicyKind};
use keyreach::source::{FileId, Place, Span};

const A: &str = "111122223333";
const B: &str = "444455556666";

fn world(text: &str) -> Inventory {
    // The lines stand as deep as the code around them.
    let lines = text.lines().map(|line| line.strip_prefix("         ").unwrap_or(line));
    let text = lines.fold("keyreach: scenario/1".to_owned(), |all, line| all + "\n" + line);
    let scenario = load(&text, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// `user/bob` and the like are of account A; `B:user/eve` of account B.
fn arn(name: &str) -> String {
    let (account, name) = match name.strip_prefix("B:") {
        Some(name) => (B, name),
        None => (A, name),
    };
    match name.split_once('/') {
        Some(("session", rest)) => format!("arn:aws:sts::{account}:assumed-role/{rest}"),
        Some(("federated", rest)) => format!("arn:aws:sts::{account}:federated-user/{rest}"),
        Some(("user" | "role" | "group" | "policy" | "oidc-provider" | "saml-provider", _)) => {
            format!("arn:aws:iam::{account}:{name}")
        }
        _ if name == "root" => format!("arn:aws:iam::{account}:root"),
        _ => name.to_owned(),
    }
}

fn caller(name: &str) -> Caller {
    match name.strip_prefix("provider:") {
        Some(provider) => Caller::of_provider(&arn(provider)),
        None => Caller::parse(&arn(name)).unwrap_or_else(|| panic!("{name}")),
    }
}

/// What a row expects of the reference: `allowed-by-... `, or `explicit-deny` and `implicit-deny` with
/// their gate.
fn told(decision: &Decision) -> String {
    let reason = decision.outcome.reason().name();
    match decision.outcome.denied_by() {
        Some(gate) => format!("{reason} {}", gate.name()),
        None => reason.to_owned(),
    }
}

/// Asks both engines; `context` decides nothing for the second, which says what holds over all.
#[track_caller]
fn check_in(
    world: &Inventory,
    (who, action, on): (&str, &str, &str),
    context: &[(&str, &str)],
    expected: &str,
) {
    let action = ControlAction::parse(action).unwrap_or_else(|| panic!("{action}"));
    let mut request = ControlRequest::plain(caller(who), action, &arn(on));
    for (key, value) in context {
        request.context.set(key, ContextValue::One((*value).into()));
    }
    let decision = Reference::new(world).evaluate_control(&request);
    assert_eq!(told(&decision), expected, "{who} {action} {on}: {:?}", decision.trace);
    let access = Access::new(world, now());
    let whole = access.control(&request.caller).answer(action, &request.resource);
    let (least, most) = (whole.verdict.at_least(), whole.verdict.at_most());
    match decision.is_allowed() {
        true => assert!(most > Bound::Never, "{who} {action} {on}: {whole:?}"),
        false => assert!(least < Bound::Always, "{who} {action} {on}: {whole:?}"),
    }
    let answer = access.control_answer(&request);
    let (least, most) = (answer.verdict.at_least(), answer.verdict.at_most());
    if decision.is_allowed() {
        assert!(most > Bound::Never, "{who} {action} {on}: {answer:?}");
    } else if decision.missing.is_empty() {
        assert!(least < Bound::Always, "{who} {action} {on}: {answer:?}");
    }
    // Where nothing is left to the request, both say the same, for the same reason.
    if matches!(answer.verdict, Standing::Always | Standing::Never) {
        assert_eq!(answer.verdict == Standing::Always, decision.is_allowed(), "{answer:?}");
        let gate = answer.denied_by.map(|gate| format!(" {}", gate.name())).unwrap_or_default();
        let gate = if decision.is_allowed() { String::new() } else { gate };
        // Where a boundary is silent and an identity policy would do as well, either may be named.
        let either = expected.replace("permissions-boundary", "identity-policy");
        let said = format!("{}{gate}", answer.reason.name());
        assert!(said == expected || said == either, "{who} {action} {on}: {said}, not {expected}");
    }
}

#[track_caller]
fn check(world: &Inventory, question: (&str, &str, &str), expected: &str) {
    check_in(world, question, &[], expected);
}

const ASSUME: &str = "sts:AssumeRole";
const BY_TRUST: &str = "allowed-by-trust-policy";
const BY_IAM: &str = "allowed-by-iam-policy";
const NO_TRUST: &str = "implicit-deny trust-policy";
const NO_IAM: &str = "implicit-deny identity-policy";

#[test]
fn t2_identity_policies_suffice_where_no_policy_stands_on_the_resource() {
    let world = world(
        "accounts: { 111122223333: {
           users: {
             bob: { policies: [{ allow: iam:PutUserPolicy, on: user/bob }] },
             eve: { policies: [{ allow: 'iam:*' }, { deny: 'iam:Put*', on: user/eve }] },
             max: { policies: [{ allow: 'iam:*' }], boundary: Fence } },
           groups: { ops: {} },
           policies: { Fence: [{ allow: ['kms:*', iam:PassRole] }] } } }",
    );
    let put = "iam:PutUserPolicy";
    check(&world, ("user/bob", put, "user/bob"), BY_IAM);
    check(&world, ("user/bob", put, "user/eve"), NO_IAM);
    check(&world, ("user/bob", "iam:AttachUserPolicy", "user/bob"), NO_IAM);
    check(&world, ("user/eve", put, "user/bob"), BY_IAM);
    check(&world, ("user/eve", put, "user/eve"), "explicit-deny identity-policy");
    check(&world, ("user/max", put, "user/max"), "implicit-deny permissions-boundary");
    check(&world, ("user/max", "iam:PassRole", "role/x"), BY_IAM);
}

#[test]
fn t2_scps_bind_and_spare_the_management_account_and_service_linked_roles() {
    let world = world(
        "accounts:
           111122223333:
             users: { bob: { policies: [{ allow: '*' }] } }
             roles:
               AWSServiceRoleForX:
                 { path: /aws-service-role/x.amazonaws.com/, policies: [{ allow: 'iam:*' }] }
           444455556666: { users: { eve: { policies: [{ allow: '*' }] } } }
         organization:
           id: o-1
           management: 444455556666
           scps: [{ deny: iam:CreateAccessKey }]
           units: { prod: { accounts: [111122223333], full_access: false, scps: [{ allow: 'iam:*' }] } }",
    );
    check(&world, ("user/bob", "iam:CreateAccessKey", "user/bob"), "explicit-deny scp");
    check(&world, ("user/bob", "iam:CreateUser", "user/new"), BY_IAM);
    check(&world, ("user/bob", "lambda:CreateFunction", "*"), "implicit-deny scp");
    check(&world, ("root", "iam:CreateAccessKey", "user/bob"), "explicit-deny scp");
    check(&world, ("B:user/eve", "iam:CreateAccessKey", "B:user/eve"), BY_IAM);
    let linked = "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    check(&world, (linked, "iam:CreateAccessKey", "user/bob"), BY_IAM);
}

#[test]
fn t2_a_session_policy_binds() {
    let world =
        world("accounts: { 111122223333: { roles: { app: { policies: [{ allow: 'iam:*' }] } } } }");
    let action = ControlAction::IAM_PUT_ROLE_POLICY;
    let mut request = ControlRequest::plain(caller("session/app/s"), action, &arn("role/app"));
    let place = Place::plain(FileId(0), Span::default());
    for (text, allowed) in [("iam:GetRole", false), ("iam:Put*", true)] {
        let text = format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "{text}", "Resource": "*"}}}}"#
        );
        request.session_policies = vec![PolicyDocument::json(place, PolicyKind::Session, text)];
        let decision = Reference::new(&world).evaluate_control(&request);
        assert_eq!(decision.is_allowed(), allowed, "{decision:?}");
        let answer = Access::new(&world, now()).control_answer(&request);
        let expected = if allowed { Standing::Always } else { Standing::Never };
        assert_eq!(answer.verdict, expected);
    }
}

#[test]
fn t2_the_account_form_stands_for_actions_without_a_resource() {
    let world = world(
        "accounts: { 111122223333: { users: {
           all: { policies: [{ allow: ec2:RunInstances }] },
           one: { policies: [{ allow: 'ec2:RunInstances', on: 'arn:aws:ec2:*:*:instance/*' }] },
           form: { policies: [{ allow: 'sts:*', on: 'arn:aws:sts:*:111122223333:*' }] },
           some: { policies: [{ allow: 'ec2:*', on: 'arn:aws:ec2:eu-west-1:*:*' }] } } } }",
    );
    check(&world, ("user/all", "ec2:RunInstances", "*"), BY_IAM);
    check(&world, ("user/one", "ec2:RunInstances", "*"), NO_IAM);
    let instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1";
    check(&world, ("user/one", "ec2:RunInstances", instance), BY_IAM);
    check(&world, ("user/form", "sts:GetSessionToken", "*"), BY_IAM);
    let region = |region| [("aws:RequestedRegion", region)];
    let question = ("user/some", "ec2:RunInstances", "*");
    check_in(&world, question, &region("eu-west-1"), BY_IAM);
    check_in(&world, question, &region("us-east-1"), NO_IAM);
}

#[test]
fn t3_a_trust_policy_that_names_the_caller_needs_no_identity_policy() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: {}, eve: {}, max: { boundary: Fence }, ann: { policies: [{ deny: 'sts:*' }] } },
           policies: { Fence: [{ allow: 'kms:*' }] },
           roles: {
             r: { trust: [user/bob, user/max, user/ann, session/app/s, role/ci, role/fenced] },
             open: { trust: '*' },
             app: {}, ci: {}, fenced: { boundary: Fence } } } }",
    );
    check(&world, ("user/bob", ASSUME, "role/r"), BY_TRUST);
    check(&world, ("user/eve", ASSUME, "role/r"), NO_TRUST);
    // By the user's ARN the boundary's silence does not matter; a Deny does.
    check(&world, ("user/max", ASSUME, "role/r"), BY_TRUST);
    check(&world, ("user/ann", ASSUME, "role/r"), "explicit-deny identity-policy");
    check(&world, ("session/app/s", ASSUME, "role/r"), BY_TRUST);
    check(&world, ("session/app/t", ASSUME, "role/r"), NO_TRUST);
    check(&world, ("role/ci", ASSUME, "role/r"), BY_TRUST);
    check(&world, ("role/fenced", ASSUME, "role/r"), "implicit-deny permissions-boundary");
    check(&world, ("user/eve", ASSUME, "role/open"), BY_TRUST);
    check(&world, ("role/fenced", ASSUME, "role/open"), BY_TRUST);
}

#[test]
fn t3_trust_in_the_account_needs_an_identity_policy() {
    let world = world(
        "accounts: { 111122223333: {
           users: {
             bob: { policies: [{ allow: sts:AssumeRole, on: role/r }] },
             eve: { policies: [{ allow: sts:AssumeRole, on: role/other }] },
             max: { policies: [{ allow: 'sts:*' }], boundary: Fence } },
           policies: { Fence: [{ allow: 'kms:*' }] },
           roles: { r: { trust: account }, other: {} } } }",
    );
    check(&world, ("user/bob", ASSUME, "role/r"), BY_IAM);
    check(&world, ("user/eve", ASSUME, "role/r"), NO_IAM);
    check(&world, ("user/max", ASSUME, "role/r"), "implicit-deny permissions-boundary");
    check(&world, ("root", ASSUME, "role/r"), BY_TRUST);
    // An identity policy alone opens no role.
    check(&world, ("user/eve", ASSUME, "role/other"), NO_TRUST);
}

#[test]
fn t4_across_accounts_both_sides_must_allow() {
    let world = world(
        "accounts:
           111122223333:
             roles:
               named: { trust: 444455556666/user/eve }
               delegated: { trust: 444455556666 }
               closed: { trust: account }
           444455556666:
             users:
               eve: { policies: [{ allow: sts:AssumeRole }] }
               max: {}",
    );
    check(&world, ("B:user/eve", ASSUME, "role/named"), BY_TRUST);
    check(&world, ("B:user/eve", ASSUME, "role/delegated"), BY_IAM);
    check(&world, ("B:user/eve", ASSUME, "role/closed"), NO_TRUST);
    check(&world, ("B:user/max", ASSUME, "role/delegated"), NO_IAM);
    check(&world, ("B:user/eve", "iam:PutRolePolicy", "role/named"), "implicit-deny cross-account");
}

#[test]
fn t4_who_comes_from_outside_the_export_is_taken_to_be_let_by_its_own_account() {
    let world = world("accounts: { 111122223333: { roles: { r: { trust: 444455556666 } } } }");
    let access = Access::new(&world, now());
    let outside = caller("B:role/any");
    let known = access.control(&outside).answer(ControlAction::STS_ASSUME_ROLE, &arn("role/r"));
    let expected = Standing::Unknown { at_least: Bound::Never, at_most: Bound::Always };
    assert_eq!(known.verdict, expected);
    assert!(known.missing.contains("identities of account 444455556666"), "{known:?}");
    let taken = access.control_from_outside(&outside);
    let taken = taken.answer(ControlAction::STS_ASSUME_ROLE, &arn("role/r"));
    assert_eq!(taken.verdict, Standing::Always);
    assert_eq!(taken.assumes.len(), 1, "{taken:?}");
}

#[test]
fn t4_a_role_of_an_account_that_was_not_exported_may_trust_anyone() {
    let world =
        world("accounts: { 111122223333: { users: { bob: { policies: [{ allow: 'sts:*' }] } } } }");
    let request =
        ControlRequest::plain(caller("user/bob"), ControlAction::STS_ASSUME_ROLE, &arn("B:role/r"));
    let decision = Reference::new(&world).evaluate_control(&request);
    assert_eq!(told(&decision), NO_TRUST);
    assert!(decision.missing.contains("identities of account 444455556666"), "{decision:?}");
    let answer = Access::new(&world, now()).control_answer(&request);
    assert_eq!(answer.verdict.at_most(), Bound::Always);
    assert_eq!(answer.verdict.at_least(), Bound::Never);
    // One of an exported account that is not there trusts nobody.
    check(&world, ("user/bob", ASSUME, "role/nobody"), NO_TRUST);
}

#[test]
fn t5_a_session_assumes_the_next_role_by_its_roles_name() {
    let world = world(
        "accounts: { 111122223333: { roles: {
           first: { trust: user/bob, policies: [{ allow: sts:AssumeRole, on: role/third }] },
           second: { trust: role/first }, third: { trust: account } }, users: { bob: {} } } }",
    );
    for first in ["role/first", "session/first/s"] {
        check(&world, (first, ASSUME, "role/second"), BY_TRUST);
        check(&world, (first, ASSUME, "role/third"), BY_IAM);
        check(&world, (first, ASSUME, "role/first"), NO_TRUST);
    }
}

#[test]
fn t6_conditions_of_a_trust_policy_stay_with_the_edge() {
    let world = world(
        "accounts:
           111122223333:
             users: { bob: {} }
             roles:
               r:
                 trust:
                   - allow: sts:AssumeRole
                     to: user/bob
                     when: { StringEquals: { 'sts:ExternalId': x }, Bool: { 'aws:MultiFactorAuthPresent': true } }
                   - allow: sts:AssumeRole
                     to: user/bob
                     when: { StringEquals: { 'aws:PrincipalAccount': '444455556666' } }",
    );
    check(&world, ("user/bob", ASSUME, "role/r"), NO_TRUST);
    let both = [("sts:ExternalId", "x"), ("aws:MultiFactorAuthPresent", "true")];
    check_in(&world, ("user/bob", ASSUME, "role/r"), &both, BY_TRUST);
    let access = Access::new(&world, now());
    let side = access.control(&caller("user/bob"));
    let answer = side.answer(ControlAction::STS_ASSUME_ROLE, &arn("role/r"));
    assert_eq!(answer.verdict, Standing::Conditional);
    let condition = answer.condition.as_ref().map(Condition::to_string).unwrap();
    assert_eq!(condition, "aws:MultiFactorAuthPresent is true and sts:ExternalId is x");
    // The witness proves it.
    let mut witness =
        ControlRequest::plain(caller("user/bob"), ControlAction::STS_ASSUME_ROLE, &arn("role/r"));
    witness.context = answer.witness.unwrap();
    assert!(Reference::new(&world).evaluate_control(&witness).is_allowed());
}

#[test]
fn t7_tagging_a_session_is_an_action_of_its_own() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: 'sts:*' }] } },
           roles: {
             plain: { trust: [{ allow: sts:AssumeRole, to: account }] },
             tagged: { trust: [{ allow: [sts:AssumeRole, sts:TagSession], to: account }] } } } }",
    );
    check(&world, ("user/bob", "sts:TagSession", "role/plain"), NO_TRUST);
    check(&world, ("user/bob", "sts:TagSession", "role/tagged"), BY_IAM);
    check(&world, ("user/bob", "sts:SetSourceIdentity", "role/tagged"), NO_TRUST);
}

#[test]
fn t8_a_provider_vouches_for_who_has_no_credentials() {
    let world = world(
        "accounts:
           111122223333:
             users: { bob: { policies: [{ allow: '*' }] } }
             roles:
               web:
                 trust:
                   - allow: sts:AssumeRoleWithWebIdentity
                     to: provider:accounts.google.com
                     when: { StringEquals: { 'accounts.google.com:sub': me } }
               saml: { trust: [{ allow: sts:AssumeRoleWithSAML, to: 'provider:arn:aws:iam::111122223333:saml-provider/corp' }] }
               wrong: { trust: [{ allow: sts:AssumeRole, to: provider:accounts.google.com }] }
               any: { trust: [{ allow: 'sts:*', to: '*' }] }",
    );
    let (web, saml) = ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML");
    let google = "provider:accounts.google.com";
    check_in(&world, (google, web, "role/web"), &[("accounts.google.com:sub", "me")], BY_TRUST);
    check(&world, (google, web, "role/web"), NO_TRUST);
    check(&world, (google, web, "role/saml"), NO_TRUST);
    check(&world, ("provider:saml-provider/corp", saml, "role/saml"), BY_TRUST);
    check(&world, (google, ASSUME, "role/wrong"), "implicit-deny operation");
    check(&world, (google, "iam:PutRolePolicy", "role/web"), "implicit-deny operation");
    check(&world, ("user/bob", web, "role/any"), "implicit-deny operation");
    check(&world, (google, web, "role/any"), BY_TRUST);
}

#[test]
fn t9_a_service_takes_the_roles_that_trust_it() {
    let world = world(
        "accounts: { 111122223333: { roles: {
           fn: { trust: service:lambda.amazonaws.com },
           AWSServiceRoleForX: { path: /aws-service-role/x.amazonaws.com/, trust: service:x.amazonaws.com } } } }",
    );
    let linked = "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    check(&world, ("lambda.amazonaws.com", ASSUME, "role/fn"), BY_TRUST);
    check(&world, ("ec2.amazonaws.com", ASSUME, "role/fn"), NO_TRUST);
    check(&world, ("x.amazonaws.com", ASSUME, linked), BY_TRUST);
    check(&world, ("lambda.amazonaws.com", "iam:PassRole", "role/fn"), NO_IAM);
}

#[test]
fn t10_policies_of_a_group_count_for_its_members() {
    let world = world(
        "accounts: { 111122223333: {
           groups: { admins: { policies: [{ allow: iam:AddUserToGroup, on: group/admins }] } },
           users: { bob: { groups: [admins] }, eve: {} } } }",
    );
    check(&world, ("user/bob", "iam:AddUserToGroup", "group/admins"), BY_IAM);
    check(&world, ("user/bob", "iam:AddUserToGroup", "group/others"), NO_IAM);
    check(&world, ("user/eve", "iam:AddUserToGroup", "group/admins"), NO_IAM);
}

#[test]
fn t11_a_root_user_owns_the_primitives_of_its_account() {
    let world = world(
        "accounts: { 111122223333: { users: { bob: {} }, roles: { r: { trust: user/bob } } },
                     444455556666: { users: { eve: {} } } }",
    );
    check(&world, ("root", "iam:PutUserPolicy", "user/bob"), BY_IAM);
    check(&world, ("root", "iam:UpdateAssumeRolePolicy", "role/r"), BY_IAM);
    check(&world, ("root", ASSUME, "role/r"), NO_TRUST);
    check(&world, ("root", "iam:PutUserPolicy", "B:user/eve"), "implicit-deny cross-account");
    let access = Access::new(&world, now());
    let root = access.control(&caller("root"));
    assert_eq!(root.possible(), ControlSet::ALL);
    assert!(root.targets(ControlAction::IAM_PASS_ROLE).everything);
}

#[test]
fn t12_federation_tokens_are_for_users() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: 'sts:*' }] } },
           roles: { app: { policies: [{ allow: 'sts:*' }] } } } }",
    );
    let token = "arn:aws:sts::111122223333:federated-user/x";
    check(&world, ("user/bob", "sts:GetFederationToken", token), BY_IAM);
    check(&world, ("role/app", "sts:GetFederationToken", token), "implicit-deny operation");
    // Rule E29: what no session policy was given to may do nothing by itself.
    check(
        &world,
        ("federated/bob", "iam:PutUserPolicy", "user/bob"),
        "implicit-deny identity-policy",
    );
}

#[test]
fn t13_roles_of_identity_center_are_roles_with_saml_trust() {
    let name = "AWSReservedSSO_Admin_0123456789abcdef";
    let world = world(&format!(
        "accounts: {{ 111122223333: {{ users: {{ bob: {{ policies: [{{ allow: '*' }}] }} }},
           roles: {{ {name}: {{ path: /aws-reserved/sso.amazonaws.com/, trust: [{{ allow: sts:AssumeRoleWithSAML,
             to: 'provider:arn:aws:iam::111122223333:saml-provider/AWSSSO_x' }}] }} }} }} }}"
    ));
    let role = format!("role/aws-reserved/sso.amazonaws.com/{name}");
    let provider = "provider:saml-provider/AWSSSO_x";
    check(&world, (provider, "sts:AssumeRoleWithSAML", &role), BY_TRUST);
    check(&world, ("user/bob", ASSUME, &role), NO_TRUST);
}

#[test]
fn e12_an_rcp_denies_who_would_take_a_role() {
    let world = world(
        "accounts:
           111122223333:
             users: { bob: { policies: [{ allow: 'iam:*' }] } }
             roles: { r: { trust: ['*', account] } }
           444455556666: { users: { eve: { policies: [{ allow: '*' }] } } }
         organization:
           id: o-1
           management: 999999999999
           units:
             prod:
               accounts: [111122223333]
               rcps: [{ deny: '*', when: { StringNotEquals: { 'aws:PrincipalAccount': '111122223333' } } }]",
    );
    check(&world, ("user/bob", ASSUME, "role/r"), BY_TRUST);
    check(&world, ("B:user/eve", ASSUME, "role/r"), "explicit-deny rcp");
    check(&world, ("user/bob", "iam:PassRole", "role/r"), BY_IAM);
}

#[test]
fn e44_t25_service_linked_roles_obey_their_service_alone() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: '*' }] } },
           roles: { AWSServiceRoleForX: { path: /aws-service-role/x.amazonaws.com/, trust: ['*'] } } } }",
    );
    let linked = "role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    for action in [ASSUME, "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] {
        check(&world, ("user/bob", action, linked), "implicit-deny operation");
    }
    check(&world, ("user/bob", "iam:PassRole", linked), BY_IAM);
}

#[test]
fn t22_policies_that_aws_manages_cannot_be_changed() {
    let world =
        world("accounts: { 111122223333: { users: { bob: { policies: [{ allow: 'iam:*' }] } } } }");
    let action = "iam:CreatePolicyVersion";
    check(&world, ("user/bob", action, "policy/own"), BY_IAM);
    let of_aws = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    check(&world, ("user/bob", action, of_aws), "implicit-deny operation");
}

#[test]
fn t21_t51_keys_of_the_request_limit_what_is_attached_and_to_whom_a_role_is_passed() {
    let world = world(
        "accounts: { 111122223333: { users: { bob: { policies: [
           { allow: iam:AttachUserPolicy, when: { ArnEquals: { 'iam:PolicyARN': 'arn:aws:iam::*:policy/dev-*' } } },
           { allow: iam:PassRole, when: { StringEquals: { 'iam:PassedToService': ec2.amazonaws.com } } },
           { allow: iam:TagUser, when: { StringEquals: { 'iam:PassedToService': ec2.amazonaws.com } } } ] } } } }",
    );
    let policy = |arn| [("iam:PolicyARN", arn)];
    let attach = ("user/bob", "iam:AttachUserPolicy", "user/bob");
    check_in(&world, attach, &policy("arn:aws:iam::111122223333:policy/dev-1"), BY_IAM);
    check_in(&world, attach, &policy("arn:aws:iam::aws:policy/AdministratorAccess"), NO_IAM);
    let passed = |service| [("iam:PassedToService", service)];
    let pass = ("user/bob", "iam:PassRole", "role/r");
    check_in(&world, pass, &passed("ec2.amazonaws.com"), BY_IAM);
    check_in(&world, pass, &passed("lambda.amazonaws.com"), NO_IAM);
    // Rule C6: a key that the action does not carry is missing.
    let tag = ControlAction::IAM_TAG_USER;
    let access = Access::new(&world, now());
    let answer = access.control(&caller("user/bob")).answer(tag, &arn("user/bob"));
    assert_eq!(answer.verdict, Standing::Never);
}

#[test]
fn c6_tags_of_users_and_roles_are_known_and_others_missing() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: { tags: { team: red }, policies: [
             { allow: 'iam:*', when: { StringEquals: { 'aws:ResourceTag/team': red } } },
             { allow: 'lambda:*', when: { StringEquals: { 'aws:ResourceTag/team': red } } } ] }, eve: {} },
           roles: { red: { tags: { Team: red } }, blue: { tags: { team: blue } } } } }",
    );
    let put = "iam:PutRolePolicy";
    check(&world, ("user/bob", put, "role/red"), BY_IAM);
    check(&world, ("user/bob", put, "role/blue"), NO_IAM);
    check(&world, ("user/bob", "iam:CreateAccessKey", "user/bob"), BY_IAM);
    check(&world, ("user/bob", "iam:CreateAccessKey", "user/eve"), NO_IAM);
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:f";
    let action = ControlAction::LAMBDA_UPDATE_FUNCTION_CODE;
    let answer = Access::new(&world, now()).control(&caller("user/bob")).answer(action, function);
    let expected = Standing::Unknown { at_least: Bound::Never, at_most: Bound::Always };
    assert_eq!(answer.verdict, expected);
    assert!(answer.missing.contains(&format!("tags of {function}")), "{answer:?}");
    let request = ControlRequest::plain(caller("user/bob"), action, function);
    let decision = Reference::new(&world).evaluate_control(&request);
    assert!(decision.missing.contains(&format!("tags of {function}")), "{decision:?}");
}

#[test]
fn the_side_of_a_caller_tells_what_is_possible_and_where() {
    let world = world(
        "accounts: { 111122223333: {
           users: {
             bob: { policies: [
               { allow: iam:PassRole, on: ['arn:aws:iam::111122223333:role/app-*', 'arn:aws:iam::111122223333:role/${aws:username}'] },
               { allow: 'sts:*', not_on: 'arn:aws:iam::111122223333:role/admin' },
               { allow: ['iam:CreateUser', 'iam:TagUser'], when: { StringEquals: { 'aws:PrincipalAccount': '444455556666' } } },
               { deny: iam:PassRole, on: 'arn:aws:iam::111122223333:role/app-1' } ] },
             eve: { policies: [{ allow: 'iam:*' }, { deny: 'iam:*' }] },
             max: { policies: [{ allow: iam:PutUserPolicy }], boundary: Fence } },
           policies: { Fence: [{ allow: 'kms:*' }] } } }",
    );
    let access = Access::new(&world, now());
    let bob = access.control(&caller("user/bob"));
    let sts = ControlAction::all().filter(|action| action.service() == "sts");
    let mut expected: ControlSet = sts.collect();
    expected.insert(ControlAction::IAM_PASS_ROLE);
    assert_eq!(bob.possible(), expected);
    let passes = bob.targets(ControlAction::IAM_PASS_ROLE);
    assert!(!passes.everything);
    let patterns: Vec<&str> = passes.patterns.iter().map(|pattern| &**pattern).collect();
    assert_eq!(patterns, [&*arn("role/app-*"), &*arn("role/bob")]);
    assert!(bob.targets(ControlAction::STS_ASSUME_ROLE).everything);
    let could = |on: &str| bob.could_target(ControlAction::IAM_PASS_ROLE, &arn(on));
    assert!(could("role/app-2") && could("role/bob") && !could("role/ops"));
    assert!(!bob.could_target(ControlAction::STS_ASSUME_ROLE, &arn("role/admin")));
    assert_eq!(bob.targets(ControlAction::IAM_TAG_USER), Default::default());
    for name in ["user/eve", "user/max"] {
        assert_eq!(access.control(&caller(name)).possible(), ControlSet::EMPTY, "{name}");
    }
    assert_ne!(bob.class(), access.control(&caller("user/eve")).class());
    assert_eq!(bob.class(), access.control(&caller("user/bob")).class());
}

/// Cases of section 6 whose steps are decided here; whether they lead to a key is not.
#[test]
fn w134_w135_w141_w142_a_user_writes_itself_a_policy() {
    let text = |boundary: &str| {
        format!(
            "accounts: {{ 111122223333: {{
               users: {{ bob: {{ policies: [{{ allow: iam:PutUserPolicy, on: user/bob }}]{boundary} }}, alice: {{}} }},
               policies: {{ Fence: [{{ allow: ['kms:*', iam:PutUserPolicy] }}] }} }} }}"
        )
    };
    let free = world(&text(""));
    check(&free, ("user/bob", "iam:PutUserPolicy", "user/bob"), BY_IAM);
    check(&free, ("user/bob", "iam:CreateAccessKey", "user/alice"), NO_IAM);
    // What it then writes for itself.
    let written = world(
        "accounts: { 111122223333: { users: {
           bob: { policies: [{ allow: [iam:PutUserPolicy, iam:CreateAccessKey] }] }, alice: {} } } }",
    );
    check(&written, ("user/bob", "iam:CreateAccessKey", "user/alice"), BY_IAM);
    let fenced = world(&text(", boundary: Fence"));
    check(&fenced, ("user/bob", "iam:PutUserPolicy", "user/bob"), BY_IAM);
    let access = Access::new(&fenced, now());
    let expected = ControlSet::of(ControlAction::IAM_PUT_USER_POLICY);
    assert_eq!(access.control(&caller("user/bob")).possible(), expected);
}

#[test]
fn w136_passing_a_role_launches_nothing() {
    let world = world(
        "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: iam:PassRole, on: role/r }] } },
           roles: { r: { trust: service:lambda.amazonaws.com, policies: [{ allow: kms:Decrypt }] } } } }",
    );
    check(&world, ("user/bob", "iam:PassRole", "role/r"), BY_IAM);
    let function = "arn:aws:lambda:us-east-1:111122223333:function:f";
    check(&world, ("user/bob", "lambda:CreateFunction", function), NO_IAM);
    check(&world, ("user/bob", ASSUME, "role/r"), NO_TRUST);
    let access = Access::new(&world, now());
    let expected = ControlSet::of(ControlAction::IAM_PASS_ROLE);
    assert_eq!(access.control(&caller("user/bob")).possible(), expected);
}

#[test]
fn u7_what_was_not_exported_leaves_a_step_unknown() {
    let world = world(
        "accounts:
           111122223333:
             users:
               bob: { policies: ['arn:aws:iam::aws:policy/NobodyExportedThis'] }
               max: { policies: [{ allow: 'iam:*' }], boundary: 'arn:aws:iam::aws:policy/NobodyExportedThis' }",
    );
    let access = Access::new(&world, now());
    let action = ControlAction::IAM_CREATE_USER;
    for name in ["user/bob", "user/max"] {
        let side = access.control(&caller(name));
        let answer = side.answer(action, &arn("user/new"));
        let expected = Standing::Unknown { at_least: Bound::Never, at_most: Bound::Always };
        assert_eq!(answer.verdict, expected, "{name}");
        let what = "document of managed policy arn:aws:iam::aws:policy/NobodyExportedThis";
        assert!(answer.missing.contains(what), "{answer:?}");
        assert!(side.possible().contains(action));
        let request = ControlRequest::plain(caller(name), action, &arn("user/new"));
        let decision = Reference::new(&world).evaluate_control(&request);
        assert!(!decision.is_allowed() && decision.missing.contains(what), "{decision:?}");
    }
}
