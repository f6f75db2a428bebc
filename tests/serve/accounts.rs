//! STS and IAM.

use std::fs;

use serde_json::json;

use crate::server::{Server, scratch};
use crate::signer::{AccessKey, Draft};
use crate::wire::Answer;

const ROLES: &str = "\
keyreach: scenario/1
region: us-east-1
accounts:
  111122223333:
    users:
      alice: { policies: [{ allow: 'sts:*' }] }
      bob: {}
      admin: { policies: [{ allow: '*' }] }
    roles:
      app: { trust: user/bob, policies: [{ allow: 'kms:*' }] }
      delegated: { trust: account, max_session: 43200, policies: [{ allow: 'sts:AssumeRole' }] }
      chained: { trust: role/delegated }
    keys:
      orders: { aliases: [alias/orders], policy: default }
";

fn roles(name: &str) -> Server {
    let folder = scratch(name);
    let export = folder.join("world.yaml");
    fs::write(&export, ROLES).unwrap();
    Server::start(export.to_str().unwrap(), &folder.join("state"), &["--explain"])
}

fn assume(server: &Server, key: &AccessKey, role: &str, more: &[(&str, &str)]) -> Answer {
    let arn = format!("arn:aws:iam::111122223333:role/{role}");
    let mut form = vec![("Action", "AssumeRole"), ("Version", "2011-06-15")];
    form.extend([("RoleArn", arn.as_str()), ("RoleSessionName", "test")]);
    form.extend(more);
    server.send(&Draft::query("sts", &form), key)
}

fn session(answer: &Answer) -> AccessKey {
    let element = |name| answer.element(name).unwrap_or_else(|| panic!("{answer:?}"));
    AccessKey {
        id: element("AccessKeyId"),
        secret: element("SecretAccessKey"),
        token: Some(element("SessionToken")),
    }
}

fn whoami(server: &Server, key: &AccessKey) -> Answer {
    let form = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    server.send(&Draft::query("sts", &form), key)
}

#[test]
fn a_role_is_taken_by_whom_its_trust_policy_names() {
    let server = roles("trust");
    let answer = assume(&server, &server.key("bob"), "app", &[]);
    let key = session(&answer);
    assert!(key.id.starts_with("ASIA"));
    let arn = "arn:aws:sts::111122223333:assumed-role/app/test";
    assert_eq!(whoami(&server, &key).element("Arn").as_deref(), Some(arn));
    let denied = assume(&server, &server.key("alice"), "app", &[]);
    assert_eq!((denied.status, denied.fault().as_deref()), (403, Some("AccessDenied")));
    let message = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: \
                   sts:AssumeRole on resource: arn:aws:iam::111122223333:role/app";
    assert_eq!(denied.message(), message);
    // The account is trusted: its own policies decide.
    assert_eq!(assume(&server, &server.key("alice"), "delegated", &[]).status, 200);
    assert_eq!(assume(&server, &server.key("bob"), "delegated", &[]).status, 403);
    assert_eq!(assume(&server, &server.key("root"), "delegated", &[]).status, 403);
    assert_eq!(assume(&server, &server.key("alice"), "nobody", &[]).status, 403);
}

#[test]
fn a_session_can_take_another_role_and_hands_its_transitive_tags_on() {
    let server = roles("chain");
    let tags = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("TransitiveTagKeys.member.1", "team"),
        ("SourceIdentity", "alice"),
    ];
    // The trust policy lets nobody tag or name a source.
    assert_eq!(assume(&server, &server.key("alice"), "delegated", &tags).status, 403);
    let first = session(&assume(&server, &server.key("alice"), "delegated", &[]));
    let second = session(&assume(&server, &first, "chained", &[]));
    let arn = "arn:aws:sts::111122223333:assumed-role/chained/test";
    assert_eq!(whoami(&server, &second).element("Arn").as_deref(), Some(arn));
    assert_eq!(assume(&server, &second, "delegated", &[]).status, 403);
    let long = [("DurationSeconds", "7200")];
    let answer = assume(&server, &first, "chained", &long);
    assert_eq!(answer.fault().as_deref(), Some("ValidationError"));
    let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by \
                   role chaining.";
    assert_eq!(answer.message(), message);
    let hour = [("DurationSeconds", "3600")];
    assert_eq!(assume(&server, &first, "chained", &hour).status, 200);
    assert_eq!(assume(&server, &server.key("alice"), "delegated", &long).status, 200);
}

#[test]
fn parameters_that_sts_would_not_take_are_refused() {
    let server = roles("parameters");
    let key = server.key("alice");
    let refused = |more: &[(&str, &str)], name: &str| {
        let answer = assume(&server, &key, "delegated", more);
        assert_eq!(answer.fault().as_deref(), Some(name), "{answer:?}");
    };
    refused(&[("RoleSessionName", "a b")], "ValidationError");
    refused(&[("RoleArn", "arn:aws:iam::111122223333:user/bob")], "ValidationError");
    refused(&[("DurationSeconds", "60")], "ValidationError");
    let told = |more: &[(&str, &str)], name: &str, value: &str, must: &str| {
        let expected = format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: \
             Member must {must}"
        );
        assert_eq!(assume(&server, &key, "delegated", more).message(), expected);
    };
    for (seconds, must) in [
        ("899", "have value greater than or equal to 900"),
        ("43201", "have value less than or equal to 43200"),
    ] {
        told(&[("DurationSeconds", seconds)], "durationSeconds", seconds, must);
    }
    for seconds in ["900", "43200"] {
        let answer = assume(&server, &key, "delegated", &[("DurationSeconds", seconds)]);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let long = "x".repeat(65);
    let must = "have length less than or equal to 64";
    told(&[("RoleSessionName", &long)], "roleSessionName", &long, must);
    let must = "satisfy regular expression pattern: [\\w+=,.@:/-]*";
    told(&[("ExternalId", "a b")], "externalId", "a b", must);
    refused(&[("Policy", "{")], "MalformedPolicyDocument");
    refused(&[("Policy", &" ".repeat(2049))], "PackedPolicyTooLarge");
    refused(&[("Tags.member.1.Key", "a")], "ValidationError");
    let form = [("Action", "AssumeRole"), ("Version", "2011-06-15")];
    let answer = server.send(&Draft::query("sts", &form), &key);
    assert_eq!(answer.fault().as_deref(), Some("ValidationError"));
}

#[test]
fn roles_of_the_credentials_file_are_sessions() {
    let server = roles("role-sections");
    let key = server.key("app");
    assert_eq!(key, server.key("arn:aws:iam::111122223333:role/app"));
    let answer = whoami(&server, &key);
    let arn = "arn:aws:sts::111122223333:assumed-role/app/keyreach";
    assert_eq!(answer.element("Arn").as_deref(), Some(arn));
    // Of a role for which nothing else is said sessions last an hour.
    let longer = assume(&server, &server.key("bob"), "app", &[("DurationSeconds", "3601")]);
    assert!(longer.message().contains("MaxSessionDuration set for this role"), "{longer:?}");
    let bare = AccessKey { token: None, ..key };
    let answer = whoami(&server, &bare);
    assert_eq!(answer.fault().as_deref(), Some("InvalidClientTokenId"));
}

#[test]
fn a_role_says_how_long_its_sessions_may_last() {
    let folder = scratch("maximum");
    let export = folder.join("export");
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
        "Principal": { "AWS": "111122223333" }, "Action": "sts:AssumeRole" }] });
    let role = |name: &str, seconds: u32| {
        json!({ "Path": "/", "RoleName": name, "RoleId": format!("AROA{name:A>17}"),
            "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
            "AssumeRolePolicyDocument": trust, "MaxSessionDuration": seconds,
            "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": [] })
    };
    let policy = json!({ "PolicyName": "all", "PolicyDocument": { "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }] } });
    let user = json!({ "Path": "/", "UserName": "alice", "UserId": "AIDAAAAAAAAAAAAAAAAAA",
        "Arn": "arn:aws:iam::111122223333:user/alice", "UserPolicyList": [policy],
        "AttachedManagedPolicies": [], "GroupList": [], "Tags": [] });
    let details = json!({ "UserDetailList": [user], "GroupDetailList": [], "Policies": [],
        "RoleDetailList": [role("SHORT", 3600), role("LONG", 7200)], "IsTruncated": false });
    let place = export.join("111122223333/iam");
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join("account-authorization-details.json"), details.to_string()).unwrap();
    let state = folder.join("state");
    let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    // A change of the account, and a restart, keep what the export said.
    for user in ["one", "two"] {
        let server = Server::start(export.to_str().unwrap(), &state, &[]);
        let alice = server.key("alice");
        let two_hours = [("DurationSeconds", "7200")];
        let answer = assume(&server, &alice, "SHORT", &two_hours);
        assert_eq!(answer.fault().as_deref(), Some("ValidationError"), "{answer:?}");
        assert_eq!(answer.message(), message);
        assert_eq!(assume(&server, &alice, "SHORT", &[]).status, 200);
        assert_eq!(assume(&server, &alice, "LONG", &two_hours).status, 200);
        let longer = [("DurationSeconds", "7201")];
        assert_eq!(assume(&server, &alice, "LONG", &longer).message(), message);
        let form = [("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", user)];
        assert_eq!(server.query("root", "iam", &form).status, 200);
        server.kill();
    }
}

#[test]
fn a_session_ends_by_the_clock_of_the_conditions() {
    let folder = scratch("ends");
    let (export, state) = (folder.join("world.yaml"), folder.join("state"));
    fs::write(&export, ROLES).unwrap();
    let export = export.to_str().unwrap();
    let server = Server::start(export, &state, &["--now", "2026-01-01"]);
    let quarter = [("DurationSeconds", "900")];
    let answer = assume(&server, &server.key("bob"), "app", &quarter);
    let end = answer.element("Expiration").unwrap();
    assert!(end.starts_with("2026-01-01T00:1"), "{end}");
    let session = session(&answer);
    assert_eq!(whoami(&server, &session).status, 200);
    server.kill();
    for (now, fault) in
        [("2026-01-01T00:05:00Z", None), ("2026-01-01T00:30:00Z", Some("ExpiredToken"))]
    {
        let server = Server::start(export, &state, &["--now", now]);
        assert_eq!(whoami(&server, &session).fault().as_deref(), fault, "{now}");
        let described = Draft::kms("DescribeKey", &json!({ "KeyId": "alias/orders" }));
        let fault = fault.map(|_| "ExpiredTokenException");
        assert_eq!(server.send(&described, &session).fault().as_deref(), fault, "{now}");
        // The credentials file goes on.
        assert_eq!(whoami(&server, &server.key("app")).status, 200);
        server.kill();
    }
}

#[test]
fn a_session_has_no_access_keys_of_its_own() {
    let server = roles("keys-of-sessions");
    // A session that is called as a user is.
    let called = [("RoleSessionName", "alice")];
    let arn = "arn:aws:iam::111122223333:role/app";
    let form = [("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", arn)];
    let answer = server.query("bob", "sts", &[&form[..], &called].concat());
    let key = session(&answer);
    let form = [("Action", "CreateAccessKey"), ("Version", "2010-05-08")];
    let answer = server.send(&Draft::query("iam", &form), &key);
    assert_eq!(answer.fault().as_deref(), Some("ValidationError"));
    let message = "Must specify userName when calling with non-User credentials";
    assert_eq!(answer.message(), message);
}

#[test]
fn users_groups_and_policies_are_made_and_stay_after_a_restart() {
    let folder = scratch("iam");
    let (export, state) = ("testdata/course", folder.join("state"));
    let server = Server::start(export, &state, &[]);
    let iam = |section: &str, form: &[(&str, &str)]| {
        let form = [&[("Version", "2010-05-08")], form].concat();
        server.query(section, "iam", &form)
    };
    let denied = iam("David", &[("Action", "CreateUser"), ("UserName", "eve")]);
    assert_eq!((denied.status, denied.fault().as_deref()), (403, Some("AccessDenied")));
    let message = "User: arn:aws:iam::111122223333:user/David is not authorized to perform: \
                   iam:CreateUser on resource: arn:aws:iam::111122223333:user/eve because no \
                   identity-based policy allows the iam:CreateUser action";
    assert_eq!(denied.message(), message);

    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    let made = [("Action", "CreatePolicy"), ("PolicyName", "all"), ("PolicyDocument", policy)];
    let arn = iam("root", &made).element("Arn").unwrap();
    assert_eq!(arn, "arn:aws:iam::111122223333:policy/all");
    assert_eq!(iam("root", &made).fault().as_deref(), Some("EntityAlreadyExists"));
    let broken = [("Action", "CreatePolicy"), ("PolicyName", "no"), ("PolicyDocument", "{")];
    assert_eq!(iam("root", &broken).fault().as_deref(), Some("MalformedPolicyDocument"));

    let group = [("Action", "CreateGroup"), ("GroupName", "crypters"), ("Path", "/team/")];
    let answer = iam("root", &group);
    let group_arn = "arn:aws:iam::111122223333:group/team/crypters";
    assert_eq!(answer.element("Arn").as_deref(), Some(group_arn));
    assert_eq!(answer.element("Path").as_deref(), Some("/team/"));
    assert_eq!(iam("root", &group).status, 409);
    let attach = [("Action", "AttachGroupPolicy"), ("GroupName", "crypters"), ("PolicyArn", &*arn)];
    assert_eq!(iam("root", &attach).status, 200);
    let missing = [("Action", "AttachGroupPolicy"), ("GroupName", "nobody"), ("PolicyArn", &*arn)];
    assert_eq!(iam("root", &missing).fault().as_deref(), Some("NoSuchEntity"));

    let user = iam("root", &[("Action", "CreateUser"), ("UserName", "eve")]);
    assert_eq!(user.element("Arn").as_deref(), Some("arn:aws:iam::111122223333:user/eve"));
    let key = [("Action", "CreateAccessKey"), ("UserName", "eve")];
    let answer = iam("root", &key);
    let element = |name| answer.element(name).unwrap();
    let (id, secret) = (element("AccessKeyId"), element("SecretAccessKey"));
    let eve = AccessKey { id, secret, token: None };
    assert_eq!(iam("root", &key).status, 200);
    assert_eq!(iam("root", &key).fault().as_deref(), Some("LimitExceeded"));
    let add = [("Action", "AddUserToGroup"), ("GroupName", "crypters"), ("UserName", "eve")];
    assert_eq!(iam("root", &add).status, 200);
    let nobody = [("Action", "AddUserToGroup"), ("GroupName", "crypters"), ("UserName", "none")];
    assert_eq!(iam("root", &nobody).fault().as_deref(), Some("NoSuchEntity"));
    server.kill();

    let server = Server::start(export, &state, &[]);
    let arn = whoami(&server, &eve).element("Arn");
    assert_eq!(arn.as_deref(), Some("arn:aws:iam::111122223333:user/eve"));
    assert!(server.keys().contains_key("eve") && server.keys().contains_key("Alice"));
    let details =
        fs::read_to_string(state.join("111122223333/iam/account-authorization-details.json"));
    let details: serde_json::Value = serde_json::from_str(&details.unwrap()).unwrap();
    let users = details["UserDetailList"].as_array().unwrap();
    let eve = users.iter().find(|user| user["UserName"] == "eve").unwrap();
    assert_eq!(eve["GroupList"], serde_json::json!(["crypters"]));
}

#[test]
fn iam_lets_there_be_so_many_and_no_more() {
    let server = roles("quotas");
    let iam = |form: &[(&str, &str)]| {
        let form = [&[("Version", "2010-05-08")], form].concat();
        server.query("root", "iam", &form)
    };
    let full = |answer: &Answer, text: &str| {
        assert_eq!(answer.fault().as_deref(), Some("LimitExceeded"), "{answer:?}");
        assert_eq!(answer.message(), format!("Cannot exceed quota for {text}"));
    };
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
    for number in 0..=10 {
        let (group, policy) = (format!("g{number}"), format!("p{number}"));
        assert_eq!(iam(&[("Action", "CreateGroup"), ("GroupName", &group)]).status, 200);
        let add = [("Action", "AddUserToGroup"), ("GroupName", &*group), ("UserName", "bob")];
        let make =
            [("Action", "CreatePolicy"), ("PolicyName", &*policy), ("PolicyDocument", document)];
        let arn = iam(&make).element("Arn").unwrap();
        let attach = [("Action", "AttachGroupPolicy"), ("GroupName", "g0"), ("PolicyArn", &*arn)];
        if number < 10 {
            assert_eq!((iam(&add).status, iam(&attach).status), (200, 200));
            // Once more changes nothing.
            assert_eq!((iam(&add).status, iam(&attach).status), (200, 200));
        } else {
            full(&iam(&add), "GroupsPerUser: 10");
            full(&iam(&attach), "PoliciesPerGroup: 10");
        }
    }
    // White space does not count.
    let long = |text: &str| document.replace("kms:*", &format!("kms:{text}"));
    let make = |document: &str| {
        let form =
            [("Action", "CreatePolicy"), ("PolicyName", "long"), ("PolicyDocument", document)];
        iam(&form)
    };
    full(&make(&long(&"x".repeat(6144))), "PolicySize: 6144");
    assert_eq!(make(&(document.to_owned() + &" ".repeat(6144))).status, 200);
}

#[test]
fn the_root_user_is_of_the_partition_of_its_account() {
    let folder = scratch("partition");
    let export = folder.join("world.yaml");
    let world = "keyreach: scenario/1
region: us-gov-west-1
accounts:
  111122223333:
    keys: { K: { aliases: [alias/k] } }
";
    fs::write(&export, world).unwrap();
    let server = Server::start(export.to_str().unwrap(), &folder.join("state"), &[]);
    let root = server.key("arn:aws-us-gov:iam::111122223333:root");
    let answer = whoami(&server, &root);
    assert_eq!(answer.element("Arn").as_deref(), Some("arn:aws-us-gov:iam::111122223333:root"));
    let draft = Draft::kms("Encrypt", &json!({ "KeyId": "alias/k", "Plaintext": "eA==" }));
    assert_eq!(server.send(&draft.in_region("us-gov-west-1"), &root).status, 200);
}
