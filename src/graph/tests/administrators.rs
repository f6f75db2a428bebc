//! An administrator on the way makes others of no use, but for what they alone can do: where policies tell
//! them from it by name, tags or kind.

use super::of_bob;

const ACCOUNT: &str = "111122223333";

/// What there is beside bob and the administrator m, whom he takes on.
#[derive(Default)]
struct World {
    /// The policy of the key, where it is no default one.
    key: &'static str,
    /// What role r of another account, which alone has the key, says of who takes it on.
    trust: &'static str,
    /// SCPs of bob's account, where there is an organization.
    scps: &'static str,
}

/// The calls by which bob gets to the key.
fn calls(of: &World) -> Option<Vec<&'static str>> {
    let key = match of.key {
        "" => "{ allow: 'kms:*', to: account }",
        key => key,
    };
    let key = format!("keys: {{ k: {{ policy: [{key}] }} }}");
    let (own, others) = match of.trust {
        "" => (format!("{key},"), String::new()),
        trust => {
            let role = format!("r: {{ trust: [{trust}], policies: [{{ allow: 'kms:*' }}] }}");
            (String::new(), format!(", 444455556666: {{ roles: {{ {role} }}, {key} }}"))
        }
    };
    let trust = "trust: [{ allow: sts:AssumeRole, to: user/bob }]";
    let organization = match of.scps {
        "" => String::new(),
        scps => format!(
            "\norganization: {{ id: o-1234567890, management: '999999999999', accounts: {{
               '999999999999': {{}}, '{ACCOUNT}': {{ scps: [{{ deny: 'organizations:*' }}, {scps}] }} }} }}"
        ),
    };
    let path = of_bob(&format!(
        "accounts: {{ {ACCOUNT}: {{ users: {{ bob: {{}} }}, {own}
           roles: {{ m: {{ {trust}, policies: [{{ allow: '*' }}] }},
             y: {{ {trust}, tags: {{ team: x }},
               policies: [{{ allow: [sts:AssumeRole, kms:Decrypt] }}] }} }} }}{others} }}{organization}"
    ))?;
    Some(path.hops.iter().map(|hop| hop.call.name()).collect())
}

const TWO_ROLES: [&str; 2] = ["sts:AssumeRole", "sts:AssumeRole"];

#[test]
fn t3_roles_that_trust_others_of_the_account_and_not_the_administrator_are_reached() {
    let when = |condition: &str| {
        format!("{{ allow: sts:AssumeRole, to: '{ACCOUNT}', when: {{ {condition} }} }}")
    };
    let own = "aws:PrincipalArn: 'arn:aws:iam::111122223333:role/y'";
    let trusts = [
        when(&format!("ArnLike: {{ {own} }}")),
        when("StringEquals: { aws:PrincipalTag/team: x }"),
        format!("{{ allow: sts:AssumeRole, to: '*', when: {{ ArnEquals: {{ {own} }} }} }}"),
        format!(
            "{{ allow: sts:AssumeRole, to: '{ACCOUNT}' }}, {{ deny: sts:AssumeRole, to: 'arn:aws:iam::{ACCOUNT}:role/m' }}"
        ),
    ];
    for trust in trusts {
        let world = World { trust: trust.leak(), ..World::default() };
        assert_eq!(calls(&world).as_deref(), Some(TWO_ROLES.as_slice()), "{}", world.trust);
    }
}

#[test]
fn t34_an_administrator_gives_itself_the_tags_that_are_asked_for() {
    let key =
        "{ allow: 'kms:*', to: account, when: { StringEquals: { aws:PrincipalTag/of: red } } }";
    let tagged = Some(vec!["sts:AssumeRole", "iam:TagRole"]);
    assert_eq!(calls(&World { key, ..World::default() }), tagged);
    let scps = "{ deny: 'kms:*', when: { StringNotEquals: { aws:PrincipalTag/of: red } } }";
    assert_eq!(calls(&World { scps, ..World::default() }), tagged);
    // Where it may not, a role is given them that it may tag.
    let scps = "{ deny: 'kms:*', when: { StringNotEquals: { aws:PrincipalTag/of: red } } },
      { deny: 'iam:Create*' }, { deny: 'iam:Tag*', on: 'arn:aws:iam::111122223333:role/m' }";
    let other = Some(vec!["sts:AssumeRole", "sts:AssumeRole", "iam:TagRole"]);
    let found = calls(&World { scps, ..World::default() });
    assert_eq!(found.map(sorted), other.map(sorted));
}

fn sorted(mut calls: Vec<&'static str>) -> Vec<&'static str> {
    calls.sort_unstable();
    calls
}

#[test]
fn users_get_to_keys_that_ask_how_somebody_is_signed_in() {
    let written = Some(vec!["sts:AssumeRole", "iam:PutUserPolicy"]);
    let conditions = [
        "StringEquals: { aws:PrincipalType: User }",
        "'Null': { aws:TokenIssueTime: 'true' }",
        "StringEquals: { aws:username: bob }",
    ];
    for condition in conditions {
        let key = format!("{{ allow: kms:Decrypt, to: account, when: {{ {condition} }} }}");
        assert_eq!(calls(&World { key: key.leak(), ..World::default() }), written, "{condition}");
    }
    let scps = "{ deny: 'kms:*', when: { 'Null': { aws:TokenIssueTime: 'false' } } }";
    assert_eq!(calls(&World { scps, ..World::default() }), written);
}

#[test]
fn g31_others_make_grants_that_those_of_the_administrator_do_not_let_it_make() {
    let path = of_bob(
        "accounts: { 111122223333: {
           users: { bob: { policies: [{ allow: '*' }] }, ann: {} },
           keys: { k: { policy: [{ allow: kms:CreateGrant, to: user/ann }],
             grants: [{ id: g, to: 'arn:aws:iam::111122223333:user/bob',
               operations: [CreateGrant, Encrypt] }] } } } }",
    );
    let calls: Option<Vec<&str>> =
        path.map(|path| path.hops.iter().map(|hop| hop.call.name()).collect());
    assert_eq!(calls, Some(vec!["iam:CreateAccessKey", "kms:CreateGrant"]));
}

#[test]
fn administrators_who_are_alike_have_the_same_ways_but_for_keys_that_tell_them_apart() {
    let key = |name: &str, user: &str| {
        format!("{name}: {{ policy: [{{ allow: kms:CreateGrant, to: {user} }}] }}")
    };
    let admins = ["bob", "eve", "joe"];
    let users = admins.map(|name| format!("{name}: {{ policies: [{{ allow: '*' }}] }}")).join(", ");
    let keys =
        [key("own", "user/bob"), key("of-ann", "user/ann"), key("free", "account")].join(", ");
    let text = format!(
        "accounts: {{ {ACCOUNT}: {{ users: {{ ann: {{}}, {users} }}, keys: {{ {keys} }} }} }}"
    );
    let paths = super::paths(&text);
    let of = |name: &str, key: &str| -> Vec<&'static str> {
        let is_it = |path: &&super::Path| {
            path.from.text.ends_with(&format!(":user/{name}")) && path.key.id() == key
        };
        let path = paths.iter().find(is_it);
        path.into_iter().flat_map(|path| &path.hops).map(|hop| hop.call.name()).collect()
    };
    for name in admins {
        // To each a grant is made by itself, and not by or to another.
        assert_eq!(of(name, "free"), ["kms:CreateGrant"], "{name}");
        assert_eq!(of(name, "of-ann"), ["iam:CreateAccessKey", "kms:CreateGrant"], "{name}");
    }
    assert_eq!(of("bob", "own"), ["kms:CreateGrant"]);
    for name in ["eve", "joe"] {
        assert_eq!(of(name, "own"), ["iam:CreateAccessKey", "kms:CreateGrant"], "{name}");
    }
}
