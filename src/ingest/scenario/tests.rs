mod schema;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::aws::{ActionSet, KmsAction};
use crate::inventory::{GapKind, Grantee, Key, OrgPolicyKind};
use crate::policy::{Polarity, Principal, Standing, Value, Version};

const FILE: FileId = FileId(0);
const ARN: &str = "arn:aws:iam::111122223333";

/// The example of the module's documentation.
fn example() -> String {
    let docs = include_str!("mod.rs").lines().map_while(|line| line.strip_prefix("//!"));
    let lines = docs.skip_while(|line| line.trim() != "```yaml").skip(1);
    let text: Vec<&str> = lines
        .take_while(|line| line.trim() != "```")
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    text.join("\n") + "\n"
}

fn sound(text: &str) -> Scenario {
    let scenario = load(text, FILE);
    assert_eq!(scenario.problems, [], "{text}");
    scenario
}

/// The scenario with one account whose members are `account`, in flow style.
fn account(account: &str) -> String {
    format!("keyreach: scenario/1\naccounts: {{ 111122223333: {{ {account} }} }}\n")
}

fn key<'s>(scenario: &'s Scenario, name: &str) -> &'s Key {
    let arn = scenario.names.target(name).expect("a name");
    scenario.inventory.keys.values().find(|key| key.arn.as_str() == arn).expect("a key")
}

/// The principals and resources of the only statement of the policy of key `K`.
fn named(text: &str) -> (Vec<Principal>, Vec<String>) {
    let scenario = sound(text);
    let policy = key(&scenario, "K").policy.as_ref().expect("a policy").policy();
    assert_eq!(policy.faults, [], "{text}");
    let [statement] = policy.statements.as_slice() else { panic!("one statement: {policy:?}") };
    let principal = statement.principal.as_ref().expect("a principal");
    let resource = statement.resource.as_ref().expect("a resource");
    let text_of = |value: &Value| value.text().expect("text").to_owned();
    (
        principal.entries.iter().map(|entry| entry.value.clone()).collect(),
        resource.values.iter().map(|value| text_of(&value.value)).collect(),
    )
}

#[test]
fn a_scenario_is_of_the_partition_of_its_region() {
    for (region, partition) in [("eu-west-1", "aws"), ("eusc-de-east-1", "aws-eusc")] {
        let text = account("users: { ann: {} }, keys: { K: {} }") + &format!("region: {region}\n");
        let scenario = sound(&text);
        let ann = format!("arn:{partition}:iam::111122223333:user/ann");
        assert_eq!(scenario.names.caller("user/ann"), Some(ann));
        assert_eq!(key(&scenario, "K").arn.partition(), partition);
    }
}

#[test]
fn the_example_of_the_documentation_is_a_scenario() {
    let scenario = sound(&example());
    let world = &scenario.inventory;
    assert_eq!((world.accounts.len(), world.keys.len(), world.principal_count()), (1, 2, 3));
    assert_eq!((world.grant_count(), world.gaps.len()), (1, 0));
    let documents = yaml::parse("keyreach: scenario/2\n").0;
    assert!(is_scenario(&documents[0].root));
    // Members have no order.
    assert!(is_scenario(&yaml::parse("accounts:\nkeyreach: scenario/1\n").0[0].root));
    for other in ["a: { keyreach: scenario/1 }\n", "keyreach: config/1\n", "[]\n", ""] {
        assert!(
            !yaml::parse(other).0.iter().any(|document| is_scenario(&document.root)),
            "{other}"
        );
    }
}

#[test]
fn a_scenario_is_complete() {
    let scenario = sound(&account("users: { bob: }, roles: { app: {} }, keys: { K: }"));
    let world = &scenario.inventory;
    assert!(world.is_complete(scenario.names.home().expect("an account")));
    let key = key(&scenario, "K");
    assert!(key.grants_listed && key.aliases_listed && key.tags.is_some());
    let policy = key.policy.as_ref().expect("the default policy").policy();
    assert_eq!(
        (policy.version, policy.statements.len(), policy.faults.len()),
        (Version::V2012, 1, 0)
    );
    let metadata = key.metadata.as_ref().expect("metadata");
    assert_eq!(metadata.spec.as_deref(), Some("SYMMETRIC_DEFAULT"));
    assert_eq!(metadata.usage.as_deref(), Some("ENCRYPT_DECRYPT"));
    assert_eq!(metadata.state.as_deref(), Some("Enabled"));
    let role = world.identity(&format!("{ARN}:role/app")).expect("the role");
    assert_eq!(role.trust.as_ref().expect("nobody").policy().statements.len(), 0);
}

#[test]
fn names_stand_for_principals() {
    let check = |name: &str, expected: Principal| {
        let rest = "users: { bob: { path: /team/ } }, roles: { app: { path: /svc/ } }";
        let policy = format!("keys: {{ K: {{ policy: [{{ allow: kms:*, to: {name} }}] }} }}");
        assert_eq!(named(&account(&format!("{rest}, {policy}"))).0, [expected], "{name}");
    };
    let user = |arn: &str| Principal::User(arn.into());
    check("user/bob", user(&format!("{ARN}:user/team/bob")));
    check("user/team/bob", user(&format!("{ARN}:user/team/bob")));
    check("role/app", Principal::Role(format!("{ARN}:role/svc/app").into()));
    let session = "arn:aws:sts::111122223333:assumed-role/app/s1";
    check("session/app/s1", Principal::AssumedRole(session.into()));
    let federated = "arn:aws:sts::111122223333:federated-user/eve";
    check("federated/eve", Principal::FederatedUser(federated.into()));
    check("444455556666/user/eve", user("arn:aws:iam::444455556666:user/eve"));
    check("arn:aws:iam::444455556666:user/eve", user("arn:aws:iam::444455556666:user/eve"));
    check("\"*\"", Principal::Anyone);
    check("service:logs.amazonaws.com", Principal::Service("logs.amazonaws.com".into()));
    check("provider:accounts.google.com", Principal::Federated("accounts.google.com".into()));
    check("AROAEXAMPLEEXAMPLEID1", Principal::UniqueId("AROAEXAMPLEEXAMPLEID1".into()));
    let id = AccountId::parse("444455556666").expect("an id");
    check("444455556666", Principal::Account { account: id, partition: None });
    let id = AccountId::parse("111122223333").expect("an id");
    check("account", Principal::Account { account: id, partition: Some("aws".into()) });
}

#[test]
fn names_stand_for_resources() {
    let check = |name: &str, expected: &str| {
        let keys = "K: { policy: [{ allow: kms:*, to: account, on: NAME }] }, \
                    L: { region: eu-west-1, id: 7777, aliases: [alias/l] }";
        let rest = "roles: { app: }, policies: { p: [] }";
        let text = account(&format!("{rest}, keys: {{ {} }}", keys.replace("NAME", name)));
        assert_eq!(named(&text).1, [expected], "{name}");
    };
    check("L", "arn:aws:kms:eu-west-1:111122223333:key/7777");
    check("K", "arn:aws:kms:us-east-1:111122223333:key/K");
    check("111122223333/L", "arn:aws:kms:eu-west-1:111122223333:key/7777");
    check("alias/l", "arn:aws:kms:eu-west-1:111122223333:alias/l");
    check("alias/other*", "arn:aws:kms:us-east-1:111122223333:alias/other*");
    check("role/app", "arn:aws:iam::111122223333:role/app");
    check("policy/p", "arn:aws:iam::111122223333:policy/p");
    check("arn:aws:kms:*:*:key/*", "arn:aws:kms:*:*:key/*");
}

#[test]
fn statements_are_those_of_aws() {
    let scenario = sound(
        "keyreach: scenario/1
accounts:
  111122223333:
    keys:
      K:
        policy:
          - { deny_except: [kms:Get*], not_to: [account], not_on: K, when: { Bool: { aws:ViaAWSService: true } }, sid: a b }
          - { Effect: Allow, Principal: { AWS: \"*\" }, Action: kms:*, Resource: \"*\" }
      L: { policy: { Statement: { allow: kms:*, to: account } } }
",
    );
    let policy = key(&scenario, "K").policy.as_ref().expect("a policy").policy();
    assert_eq!((policy.version, policy.faults.as_slice()), (Version::V2012, [].as_slice()));
    let [first, second] = policy.statements.as_slice() else { panic!("two statements") };
    assert!(first.denies() && second.allows());
    let polarity = |polarity: Option<Polarity>| assert_eq!(polarity, Some(Polarity::IsNot));
    polarity(first.principal.as_ref().map(|element| element.polarity));
    polarity(first.action.as_ref().map(|element| element.polarity));
    polarity(first.resource.as_ref().map(|element| element.polarity));
    assert_eq!(first.sid.as_ref().map(|sid| &*sid.value), Some("a b"));
    assert_eq!((first.conditions.len(), first.standing), (1, Standing::Sound));
    let document = key(&scenario, "L").policy.as_ref().expect("a policy").policy();
    assert_eq!((document.version, document.statements.len()), (Version::V2008, 1));
}

#[test]
fn policies_are_inline_attached_or_both() {
    let text = account(
        "policies: { read: [{ allow: kms:Get* }], old: { versions: { v1: [], v2: [] }, default: v1 } }, \
         users: { bob: { groups: [g], boundary: [{ allow: kms:* }], policies: \
           [read, { allow: kms:* }, AdministratorAccess, { deny: s3:* }, { Version: 2012-10-17, Statement: [] }] }, \
           eve: { policies: 'arn:aws:iam::aws:policy/ReadOnlyAccess' } }, \
         groups: { g: { policies: old }, h: { members: [bob, user/eve] } }",
    );
    let scenario = sound(&text);
    let home = scenario.names.home().expect("an account");
    let bob = scenario.inventory.identity(&format!("{ARN}:user/bob")).expect("bob");
    let inline: Vec<(&str, usize)> = bob
        .inline
        .iter()
        .map(|policy| (&*policy.name, policy.document.policy().statements.len()))
        .collect();
    assert_eq!(inline, [("inline", 2), ("inline-2", 0)]);
    let attached: Vec<&str> = bob.attached.iter().map(|policy| &*policy.arn).collect();
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(attached, [&format!("{ARN}:policy/read"), administrator]);
    assert!(scenario.inventory.managed_policy(home, administrator).is_some());
    assert_eq!(bob.groups, BTreeSet::from(["g".into(), "h".into()]));
    let boundary = &bob.boundary.as_ref().expect("a boundary").arn;
    assert_eq!(**boundary, *format!("{ARN}:policy/boundary-of-user-bob"));
    assert!(scenario.inventory.managed_policy(home, boundary).is_some());
    let old = scenario.inventory.managed_policy(home, &format!("{ARN}:policy/old")).expect("old");
    assert_eq!((old.default_version.as_deref(), old.versions.len()), (Some("v1"), 2));
    let gaps: Vec<&GapKind> = scenario.inventory.gaps.iter().map(|gap| &gap.kind).collect();
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess".into();
    assert_eq!(gaps, [&GapKind::PolicyDocument { account: home, policy }]);
}

#[test]
fn sessions_of_a_role_last_an_hour_where_nothing_is_said() {
    let max = |role: &str| {
        let scenario = sound(&account(&format!("roles: {{ app: {role} }}")));
        scenario.inventory.identity(&format!("{ARN}:role/app")).expect("a role").max_session
    };
    assert_eq!((max("{}"), max("{ max_session: 7200 }")), (Some(3600), Some(7200)));
}

#[test]
fn ids_are_made_up_the_same_way_each_time() {
    let text = account(
        "users: { alice: { id: AIDAEXAMPLEEXAMPLE123 }, bob: }, keys: { my key: , P: { multi_region: primary }, \
         R: { region: eu-west-1, primary: P } }",
    );
    let (one, other) = (sound(&text), sound(&text));
    let id = |scenario: &Scenario, name: &str| {
        let identity = scenario.inventory.identity(&format!("{ARN}:user/{name}"));
        identity.expect("a user").unique_id.clone().expect("an id")
    };
    assert_eq!(&*id(&one, "alice"), "AIDAEXAMPLEEXAMPLE123");
    assert_eq!(id(&one, "bob"), id(&other, "bob"));
    assert!(id(&one, "bob").starts_with("AIDABOB") && id(&one, "bob").len() == 21);
    assert!(matches!(Principal::aws(&id(&one, "bob")), Principal::UniqueId(_)));
    let arns: Vec<&str> = one.inventory.keys.keys().map(crate::aws::KeyArn::as_str).collect();
    assert_eq!(
        arns,
        [
            "arn:aws:kms:eu-west-1:111122223333:key/mrk-P",
            "arn:aws:kms:us-east-1:111122223333:key/mrk-P",
            "arn:aws:kms:us-east-1:111122223333:key/my-key",
        ]
    );
    for name in ["P", "R"] {
        let metadata = key(&one, name).metadata.as_ref().expect("metadata");
        let part = metadata.multi_region.as_ref().expect("a part");
        assert_eq!(part.primary.as_deref(), Some(arns[1]), "{name}");
        assert_eq!(part.replicas, BTreeSet::from([arns[0].into()]), "{name}");
    }
}

#[test]
fn grants_have_grantees_operations_and_constraints() {
    let text = account(
        "roles: { adm: }, keys: { K: { grants: [{ to: account, operations: [Decrypt, kms:Encrypt], retiring: role/adm, \
         context_equals: { a: 1 }, context_subset: { b: '' }, source_arn: 'arn:aws:s3:::b', issued_by: 444455556666, name: n }, \
         { to: service:s3.amazonaws.com }, { to: dynamodb.us-west-2.amazonaws.com, id: g }] } }",
    );
    let scenario = sound(&text);
    let [first, second, third] = key(&scenario, "K").grants.as_slice() else { panic!("three") };
    assert!(matches!(first.grantee, Grantee::Principal(Principal::Account { .. })));
    let expected = ActionSet::of(KmsAction::DECRYPT).union(ActionSet::of(KmsAction::ENCRYPT));
    assert_eq!(first.operations, expected);
    assert!(matches!(&first.retiring, Some(Grantee::Principal(Principal::Role(_)))));
    assert_eq!(first.constraints.equals.as_ref().map(|pairs| &*pairs["a"]), Some("1"));
    assert_eq!(first.constraints.subset.as_ref().map(|pairs| &*pairs["b"]), Some(""));
    assert_eq!(first.constraints.source_arn.as_deref(), Some("arn:aws:s3:::b"));
    assert_eq!(first.issuing_account, AccountId::parse("444455556666"));
    assert_eq!((first.name.as_deref(), &*first.id), (Some("n"), "K-grant-1"));
    assert_eq!(second.grantee, Grantee::Service("s3.amazonaws.com".into()));
    assert_eq!((third.grantee.text(), &*third.id), ("dynamodb.us-west-2.amazonaws.com", "g"));
}

#[test]
fn the_organization_has_levels() {
    let scenario = sound(
        "keyreach: scenario/1
organization:
  id: o-1
  management: 999999999999
  rcps: [{ deny: kms:Decrypt }]
  accounts: { 777788889999: { scps: [{ deny: s3:* }] } }
  units:
    prod:
      full_access: false
      scps: [{ allow: kms:* }, { Version: 2012-10-17, Statement: [{ allow: s3:* }] }]
      units: { eu: { id: ou-eu, accounts: [111122223333] } }
",
    );
    let organization = scenario.inventory.organization.as_ref().expect("an organization");
    let id = |text| AccountId::parse(text).expect("an id");
    let levels = organization.levels(id("111122223333")).expect("levels");
    assert_eq!(levels, ["r-root", "ou-prod", "ou-eu", "111122223333"]);
    assert_eq!(organization.path(id("999999999999")).as_deref(), Some("o-1/r-root/"));
    let attached = |level: &str, kind| -> Vec<&str> {
        organization.attached(level, kind).map(|policy| &*policy.name).collect()
    };
    assert_eq!(attached("r-root", OrgPolicyKind::Scp), ["FullAWSAccess"]);
    assert_eq!(attached("r-root", OrgPolicyKind::Rcp), ["rcp-root"]);
    assert_eq!(attached("ou-prod", OrgPolicyKind::Scp), ["scp-prod", "scp-prod-2"]);
    assert_eq!(attached("ou-eu", OrgPolicyKind::Scp), ["FullAWSAccess"]);
    let own = attached("777788889999", OrgPolicyKind::Scp);
    assert_eq!(own, ["FullAWSAccess", "scp-777788889999"]);
    for policy in organization.policies.values() {
        let document = policy.document.as_ref().expect("a document").policy();
        assert_eq!(document.faults, [], "{}", policy.name);
    }
}

#[test]
fn trust_is_a_list_of_names_or_a_policy() {
    let check = |trust: &str, expected: &[Principal]| {
        let scenario = sound(&account(&format!("roles: {{ app: {{ trust: {trust} }} }}")));
        let role = scenario.inventory.identity(&format!("{ARN}:role/app")).expect("the role");
        let policy = role.trust.as_ref().expect("trust").policy();
        assert_eq!(policy.faults, [], "{trust}");
        let principals: Vec<Principal> = policy
            .statements
            .iter()
            .flat_map(|statement| &statement.principal.as_ref().expect("principals").entries)
            .map(|entry| entry.value.clone())
            .collect();
        assert_eq!(principals, expected, "{trust}");
    };
    let ec2 = Principal::Service("ec2.amazonaws.com".into());
    let app = Principal::Role(format!("{ARN}:role/app").into());
    check("", &[]);
    check("service:ec2.amazonaws.com", std::slice::from_ref(&ec2));
    check("[service:ec2.amazonaws.com, role/app]", &[app, ec2.clone()]);
    check("[{ allow: sts:AssumeRole, to: service:ec2.amazonaws.com }]", &[ec2]);
}

/// Checks that each text gives one problem, at the part between the guillemets.
fn check_problem(marked: &str, message: &str) {
    let text = account(&marked.replace(['«', '»'], ""));
    let part = marked.split(['«', '»']).nth(1).expect("a marked part");
    let scenario = load(&text, FILE);
    let found: Vec<(Option<&str>, &str)> = scenario
        .problems
        .iter()
        .map(|problem| (problem.span.slice(&text), problem.message.as_str()))
        .collect();
    assert_eq!(found, [(Some(part), message)], "{marked}");
}

#[test]
fn problems_name_the_place_and_what_was_meant() {
    check_problem("«user»: {}", "unknown member `user` of an account, did you mean `users`?");
    check_problem(
        "users: { bob: { «polices»: [] } }",
        "unknown member `polices` of a user, did you mean `policies`?",
    );
    check_problem("users: { bob: {}, «bob»: {} }", "`bob` stands twice");
    check_problem("users: { «b*b»: {} }", "`b*b` is no name of a user");
    check_problem("users: { bob: { path: «team» } }", "a path begins and ends with a slash");
    check_problem("users: «[bob]»", "`users` is an object, this is a list");
    check_problem(
        "users: { bob: { groups: «ops» } }, groups: { oops: }",
        "no group `ops` in account 111122223333, did you mean `oops`?",
    );
    check_problem(
        "users: { bobby: }, groups: { g: { members: «boby» } }",
        "no user `boby` in account 111122223333, did you mean `bobby`?",
    );
    check_problem(
        "users: { bob: { policies: «ReadOnli» } }, policies: { ReadOnly: [] }",
        "no policy `ReadOnli` in account 111122223333, did you mean `ReadOnly`?",
    );
    check_problem(
        "users: { alice: }, keys: { K: { policy: [{ allow: kms:*, to: «user/alicia» }] } }",
        "no user `alicia` in account 111122223333, did you mean `alice`?",
    );
    check_problem(
        "users: { bob: { policies: [{ allow: kms:*, on: «CMK-B» }] } }, keys: { CMK-A: }",
        "`CMK-B` names no key, did you mean `CMK-A`?",
    );
    check_problem(
        "users: { bob: { policies: [{ «alow»: kms:* }] } }",
        "a statement says `allow`, `deny` or `Effect`, did you mean `allow`?",
    );
    check_problem(
        "users: { bob: { policies: [{ allow: kms:*, «Condition»: {} }] } }",
        "unknown member `Condition` of a short statement, here it is `when`",
    );
    check_problem(
        "users: { bob: { policies: [{ allow: kms:*, «deny»: s3:* }] } }",
        "a statement either allows or denies, once",
    );
    check_problem(
        "keys: { K: { spec: «RSA_2049» } }",
        "unknown word `RSA_2049`, did you mean `RSA_2048`?",
    );
    check_problem("keys: { K: { aliases: «a» } }", "`a` does not begin with `alias/`");
    check_problem(
        "keys: { «K»: { id: a b } }",
        "no ARN can be made of the id and the Region of `K`",
    );
    check_problem(
        "keys: { K: , «L»: { id: K } }",
        "a second key with the ARN arn:aws:kms:us-east-1:111122223333:key/K",
    );
    check_problem(
        "keys: { K: { multi_region: primary }, L: { id: x, primary: «K» } }",
        "a replica has the id of its primary, in another Region",
    );
    check_problem(
        "keys: { K: { grants: [{ to: account, operations: «Decript» }] } }",
        "unknown operation `Decript`, did you mean `Decrypt`?",
    );
    check_problem(
        "keys: { K: { grants: [«{ operations: Decrypt }»] } }",
        "a grant says whom it is given `to`",
    );
    check_problem(
        "keys: { «K»: { manager: aws } }",
        "the policy of an AWS managed key must be written: it differs by service",
    );
}

#[test]
fn what_is_unknown_never_allows_and_the_rest_counts() {
    let text = account(
        "users: { bob: }, keys: { K: { policy: [{ deny: kms:*, to: [user/bab, user/bob] }] } }",
    );
    let scenario = load(&text, FILE);
    assert_eq!(scenario.problems.len(), 1);
    let policy = key(&scenario, "K").policy.as_ref().expect("a policy").policy();
    let entries = &policy.statements[0].principal.as_ref().expect("principals").entries;
    assert!(matches!(entries[0].value, Principal::Unresolved(_)), "{entries:?}");
    assert_eq!(entries[1].value, Principal::User(format!("{ARN}:user/bob").into()));
    assert_eq!(policy.faults, []);
}

/// The texts that the statements of every policy were read from.
fn statements(scenario: &Scenario, text: &str) -> Vec<String> {
    let keys = scenario.inventory.keys.values().filter_map(|key| key.policy.as_ref());
    let users =
        scenario.inventory.accounts.values().flat_map(|account| account.identities.values());
    let inline = users.flat_map(|user| &user.inline).map(|policy| &policy.document);
    let spans = keys.chain(inline).flat_map(|document| {
        let statements = document.policy().statements.iter();
        statements.map(|statement| document.place.locate(text, statement.span))
    });
    spans.map(|span| span.slice(text).expect("in the file").to_owned()).collect()
}

#[test]
fn places_lead_to_what_is_written() {
    let text = "keyreach: scenario/1
accounts:
  111122223333:
    users: { bob: { policies: [read, &all { allow: kms:*, on: K }] }, eve: { policies: [*all, { deny: s3:* }] } }
    policies: { read: [] }
    keys: { K: { policy: [{ allow: kms:*, to: account }, *all] }, L: }
";
    let scenario = sound(text);
    let all = "{ allow: kms:*, on: K }";
    let expected = ["{ allow: kms:*, to: account }", all, "L", all, all, "{ deny: s3:* }"];
    assert_eq!(statements(&scenario, text), expected);
    let policy = key(&scenario, "K").policy.as_ref().expect("a policy");
    let element = policy.policy().statements[0].principal.as_ref().expect("a principal");
    let entry = policy.place.locate(text, element.entries[0].span);
    assert_eq!(entry.slice(text), Some("account"));
}

proptest! {
    #[test]
    fn edited_scenarios_never_panic_and_spans_lie_inside(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3), 1..6),
    ) {
        let inserts: Vec<char> = "{}[],:\"'&*-|>#! \nkusae1é😀".chars().collect();
        let mut text: Vec<char> = example().chars().collect();
        for (at, insert, kind) in edits {
            let at = at.index(text.len());
            match kind {
                0 => { text.remove(at); }
                1 => text.insert(at, inserts[insert.index(inserts.len())]),
                _ => text[at] = inserts[insert.index(inserts.len())],
            }
        }
        let text: String = text.into_iter().collect();
        let scenario = load(&text, FILE);
        for problem in &scenario.problems {
            prop_assert!(problem.span.slice(&text).is_some(), "{problem:?}");
        }
        statements(&scenario, &text);
    }
}
