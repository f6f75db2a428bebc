//! The state directory and the credentials file, from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::server::{Server, refused, scratch, signal};
use crate::signer::AccessKey;

const COURSE: &str = "testdata/course";

pub fn create_user(server: &Server, name: &str) -> u16 {
    let form = [("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", name)];
    server.query("root", "iam", &form).status
}

pub fn whoami(server: &Server, key: &AccessKey) -> Option<String> {
    let form = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
    server.send(&crate::signer::Draft::query("sts", &form), key).element("Arn")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_credentials_are_the_same_after_a_restart_and_others_in_another_state() {
    let folder = scratch("credentials");
    let (one, other) = (folder.join("one"), folder.join("other"));
    let server = Server::start(COURSE, &one, &[]);
    let first = fs::read_to_string(one.join("credentials")).unwrap();
    assert_eq!(mode(&one.join("credentials")), 0o600);
    assert_eq!(mode(&one), 0o700);
    server.kill();
    let _server = Server::start(COURSE, &one, &[]);
    assert_eq!(fs::read_to_string(one.join("credentials")).unwrap(), first);
    let file = folder.join("elsewhere.ini");
    let _other = Server::start(COURSE, &other, &["--credentials-file", file.to_str().unwrap()]);
    assert_ne!(fs::read_to_string(&file).unwrap(), first);
    assert_eq!(mode(&file), 0o600);
    assert!(!other.join("credentials").exists());
}

#[test]
fn a_second_process_on_the_same_state_is_refused() {
    let state = scratch("in-use");
    let server = Server::start(COURSE, &state, &[]);
    let (code, said) = refused(COURSE, &state, &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("in use by another process"), "{said}");
    drop(server);
    Server::start(COURSE, &state, &[]);
}

#[test]
fn damaged_state_refuses_to_start() {
    let state = scratch("damaged");
    let server = Server::start(COURSE, &state, &[]);
    assert_eq!(create_user(&server, "eve"), 200);
    server.kill();
    let mut journal = fs::read(state.join("journal")).unwrap();
    let middle = journal.len() / 2;
    journal[middle] ^= 1;
    fs::write(state.join("journal"), &journal).unwrap();
    let (code, said) = refused(COURSE, &state, &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("damaged") && said.contains("nothing was changed"), "{said}");
    assert_eq!(fs::read(state.join("journal")).unwrap(), journal);
}

#[test]
fn a_state_inside_the_export_is_refused() {
    let folder = scratch("inside");
    fs::create_dir_all(folder.join("export")).unwrap();
    let export = folder.join("export");
    let (code, said) = refused(export.to_str().unwrap(), &export.join("state"), &[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("name one outside"), "{said}");
}

#[test]
fn the_export_is_read_again_at_a_hangup_and_changes_stay_on_top() {
    let folder = scratch("reload");
    let export = folder.join("world.yaml");
    let world = |users: &str| {
        let text = format!("keyreach: scenario/1\naccounts:\n  111122223333:\n    users:\n{users}");
        fs::write(&export, text).unwrap();
    };
    world("      alice: {}\n");
    let server = Server::start(export.to_str().unwrap(), &folder.join("state"), &[]);
    assert!(!server.keys().contains_key("carol"));
    fs::write(&export, "keyreach: scenario/1\naccounts: [").unwrap();
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: the export cannot be used"));
    let alice = server.key("alice");
    assert!(whoami(&server, &alice).is_some());
    world("      carol: {}\n");
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: done"));
    let carol = server.key("carol");
    let arn = "arn:aws:iam::111122223333:user/carol";
    assert_eq!(whoami(&server, &carol).as_deref(), Some(arn));
    assert_eq!(whoami(&server, &alice), None);
}

#[test]
fn what_clients_did_not_change_is_as_the_export_says_by_now() {
    let folder = scratch("parts");
    let (export, state) = (folder.join("world.yaml"), folder.join("state"));
    let world = |bob: &str, more: &str, others: &str| {
        let text = format!(
            "keyreach: scenario/1\nregion: us-east-1\naccounts:\n  111122223333:\n    users:\n      \
             admin: {{ policies: [{{ allow: 'kms:*' }}] }}\n      bob: {bob}\n    keys:\n      \
             orders: {{ policy: [{{ allow: 'kms:*', to: account }}{more}] }}\n{others}"
        );
        fs::write(&export, text).unwrap();
    };
    world("{}", "", "      spare: {}\n");
    let server = Server::start(export.to_str().unwrap(), &state, &[]);
    let tags = json!({ "KeyId": "orders", "Tags": [{ "TagKey": "a", "TagValue": "b" }] });
    assert_eq!(server.kms("admin", "TagResource", &tags).status, 200);
    assert_eq!(create_user(&server, "eve"), 200);
    let named = json!({ "KeyId": "orders" });
    let encrypt = json!({ "KeyId": "orders", "Plaintext": "eA==" });
    assert_eq!(server.kms("bob", "Encrypt", &encrypt).status, 400);
    assert_eq!(server.kms("admin", "DescribeKey", &named).status, 200);
    // The policies of the key and of bob are others; the tag and eve are the clients'.
    let deny = ", { deny: kms:DescribeKey, to: user/admin }";
    world("{ policies: [{ allow: kms:Encrypt }] }", deny, "");
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: done"));
    let spare = "reload: arn:aws:kms:us-east-1:111122223333:key/spare is not exported any more";
    assert!(server.log().contains(spare), "{}", server.log());
    let is_so = |server: &Server| {
        assert_eq!(server.kms("bob", "Encrypt", &encrypt).status, 200);
        assert_eq!(server.kms("admin", "DescribeKey", &named).status, 400);
        let tags = server.kms("admin", "ListResourceTags", &named).body;
        assert!(tags.contains("TagKey"), "{tags}");
        assert_eq!(create_user(server, "eve"), 409);
    };
    is_so(&server);
    server.kill();
    let server = Server::start(export.to_str().unwrap(), &state, &[]);
    is_so(&server);
    // A policy that a client put stays, whatever the export says.
    let statement = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": { "AWS": "arn:aws:iam::111122223333:user/admin" } });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = json!({ "KeyId": "orders", "Policy": policy });
    assert_eq!(server.kms("admin", "PutKeyPolicy", &put).status, 200);
    signal(server.id(), "HUP");
    wait(|| server.log().contains("reload: done"));
    assert_eq!(server.kms("admin", "DescribeKey", &named).status, 200);
    assert_eq!(server.kms("bob", "Encrypt", &encrypt).status, 400);
}

#[test]
fn grants_and_aliases_stay_where_the_export_lists_none() {
    let folder = scratch("unlisted");
    let (export, state) = (folder.join("export"), folder.join("state"));
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let place = export.join(format!("111122223333/us-east-1/kms/{id}"));
    fs::create_dir_all(&place).unwrap();
    let statement = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": { "AWS": "arn:aws:iam::111122223333:root" } });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let document = json!({ "Policy": policy, "PolicyName": "default" });
    fs::write(place.join("get-key-policy.json"), document.to_string()).unwrap();
    let nobody = json!({ "UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [],
        "Policies": [], "IsTruncated": false });
    let iam = export.join("111122223333/iam");
    fs::create_dir_all(&iam).unwrap();
    fs::write(iam.join("account-authorization-details.json"), nobody.to_string()).unwrap();
    let named = json!({ "KeyId": id });
    let grant = json!({ "KeyId": id, "Operations": ["Encrypt"],
        "GranteePrincipal": "arn:aws:iam::444455556666:root" });
    let alias = json!({ "AliasName": "alias/new", "TargetKeyId": id });
    let server = Server::start(export.to_str().unwrap(), &state, &[]);
    assert_eq!(server.kms("root", "CreateGrant", &grant).status, 200);
    assert_eq!(server.kms("root", "CreateAlias", &alias).status, 200);
    server.kill();
    let server = Server::start(export.to_str().unwrap(), &state, &[]);
    let grants = server.kms("root", "ListGrants", &named).ok();
    assert_eq!(grants["Grants"].as_array().unwrap().len(), 1, "{grants}");
    let aliases = server.kms("root", "ListAliases", &named).ok();
    assert_eq!(aliases["Aliases"][0]["AliasName"], "alias/new", "{aliases}");
}

/// Waits for what comes soon: lines of the log are read beside the answers.
pub fn wait(until: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !until() {
        assert!(begun.elapsed().as_secs() < 30, "it does not come");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
