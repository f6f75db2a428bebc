//! The organisations that other tests and the benches run on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::organisation::{self, Shape};

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (first, second) = (Folder::new("same-first"), Folder::new("same-second"));
    let shape = Shape { accounts: 3, ..Shape::s1() };
    let summary = organisation::write(&shape, &first.0).unwrap();
    assert_eq!(organisation::write(&shape, &second.0).unwrap(), summary);
    let files = files(&first.0);
    assert_eq!(files.len(), summary.files);
    assert_eq!(files.values().map(Vec::len).sum::<usize>(), summary.bytes);
    assert!(files == self::files(&second.0), "two runs differ");
    assert_eq!(organisation::requests(&shape, 50), organisation::requests(&shape, 50));
}

#[test]
fn another_seed_gives_other_bytes() {
    let (first, second) = (Folder::new("other-first"), Folder::new("other-second"));
    let (one, two) = (Shape::s1(), Shape { seed: 2, ..Shape::s1() });
    organisation::write(&one, &first.0).unwrap();
    organisation::write(&two, &second.0).unwrap();
    let second = files(&second.0);
    let shared = files(&first.0).into_iter().filter(|(path, _)| second.contains_key(path));
    let names: Vec<String> = shared.map(|(path, _)| path).collect();
    assert!(
        names.iter().all(|name| name.starts_with("organizations/")),
        "accounts of two seeds share {names:?}"
    );
    assert_ne!(organisation::requests(&one, 20), organisation::requests(&two, 20));
}

#[test]
fn s1_is_as_large_as_it_says() {
    let folder = Folder::new("s1");
    let shape = Shape::s1();
    let summary = organisation::write(&shape, &folder.0).unwrap();
    assert_eq!((summary.accounts, summary.principals), (1, 100));
    assert_eq!((summary.keys - summary.replicas, summary.grants), (50, 30));
    let exported = Export::read(&folder.0);
    assert_eq!(exported.count("account-authorization-details.json", "/UserDetailList"), 50);
    assert_eq!(exported.count("account-authorization-details.json", "/RoleDetailList"), 50);
    assert_eq!(exported.count("account-authorization-details.json", "/GroupDetailList"), 8);
    assert_eq!(exported.count("list-grants.json", "/Grants"), 30);
    assert_eq!(exported.count("list-accounts.json", "/Accounts"), 1);
    assert_eq!(exported.named("describe-key.json").count(), summary.keys);
    assert_eq!(exported.named("get-key-policy.json").count(), summary.keys);
}

#[test]
fn generated_references_lead_somewhere() {
    let folder = Folder::new("references");
    organisation::write(&Shape::m5(), &folder.0).unwrap();
    Export::read(&folder.0).check_references();
}

#[test]
fn an_account_may_hold_next_to_nothing() {
    let folder = Folder::new("empty");
    let shape =
        Shape { users: 0, roles: 0, groups: 0, keys: 1, policies: 0, grants: 2, ..Shape::s1() };
    let summary = organisation::write(&shape, &folder.0).unwrap();
    assert_eq!((summary.principals, summary.grants), (0, 2));
    Export::read(&folder.0).check_references();
    assert_eq!(organisation::requests(&shape, 50).len(), 50);
}

#[test]
fn requests_have_the_shape_of_a_line() {
    let requests = organisation::requests(&Shape::m5(), 500);
    assert_eq!(requests.len(), 500);
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request["id"], number.to_string());
        let resource = request["resource"].as_str().unwrap();
        assert!(resource == "*" || resource.starts_with("arn:aws:kms:"), "{resource}");
        assert!(request["principal"].is_string() && request["context"].is_object(), "{request}");
        assert!(request["action"].as_str().unwrap().starts_with("kms:"), "{request}");
    }
}

#[test]
fn the_committed_organisation_parses_and_its_references_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/organisation");
    let exported = Export::read(&root);
    assert_eq!(exported.count("list-accounts.json", "/Accounts"), 5);
    exported.check_references();
}

/// Every file of an export, parsed, and every policy that stands in one.
struct Export {
    files: BTreeMap<String, Value>,
    /// The accounts of the organization.
    accounts: Vec<String>,
}

impl Export {
    fn read(root: &Path) -> Self {
        let files = files(root).into_iter().map(|(path, bytes)| {
            let json = serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{path}: {e}"));
            (path, json)
        });
        let mut export = Self { files: files.collect(), accounts: Vec::new() };
        let lists =
            export.named("list-accounts.json").flat_map(|(_, json)| list(json, "/Accounts"));
        export.accounts = lists.map(|it| it["Id"].as_str().unwrap().to_owned()).collect();
        export.check_policies();
        export
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.files.iter().filter(move |(path, _)| path.rsplit('/').next() == Some(name))
    }

    /// How many items the lists at `pointer` in all files of that name hold together.
    fn count(&self, name: &str, pointer: &str) -> usize {
        self.named(name).map(|(_, json)| list(json, pointer).len()).sum()
    }

    fn check_policies(&self) {
        for (name, pointer) in
            [("get-key-policy.json", "/Policy"), ("describe-policy.json", "/Policy/Content")]
        {
            for (path, json) in self.named(name) {
                let text = json.pointer(pointer).and_then(Value::as_str).expect(path);
                let policy = serde_json::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}"));
                check_document(path, &policy);
            }
        }
        for (path, json) in self.named("account-authorization-details.json") {
            for (lists, policies, document) in [
                ("/UserDetailList", "/UserPolicyList", "/PolicyDocument"),
                ("/GroupDetailList", "/GroupPolicyList", "/PolicyDocument"),
                ("/RoleDetailList", "/RolePolicyList", "/PolicyDocument"),
                ("/Policies", "/PolicyVersionList", "/Document"),
            ] {
                for policy in list(json, lists).iter().flat_map(|it| list(it, policies)) {
                    check_document(path, policy.pointer(document).expect(path));
                }
            }
            for role in list(json, "/RoleDetailList") {
                check_document(path, &role["AssumeRolePolicyDocument"]);
            }
        }
    }

    /// Groups, policies and boundaries are there; so are the users and roles that key policies
    /// and grants name, the accounts of the organization, and where its policies are attached.
    fn check_references(&self) {
        let mut known = Vec::new();
        for (path, json) in self.named("account-authorization-details.json") {
            let all = ["/UserDetailList", "/GroupDetailList", "/RoleDetailList", "/Policies"];
            let arns = all.iter().flat_map(|pointer| list(json, pointer)).map(|it| &it["Arn"]);
            known.extend(arns.map(|arn| arn.as_str().expect(path).to_owned()));
        }
        known.sort_unstable();
        for pair in known.windows(2) {
            assert!(pair[0] != pair[1] || pair[0].contains("::aws:policy/"), "{} twice", pair[0]);
        }
        for (path, json) in &self.files {
            self.check_arns(path, json, &known);
        }
        for (path, json) in self.named("list-targets-for-policy.json") {
            for target in list(json, "/Targets") {
                let id = target["TargetId"].as_str().expect(path);
                assert!(self.has_target(id), "{path}: {id}");
            }
        }
        for (path, json) in self.named("account-authorization-details.json") {
            check_groups(path, json);
        }
    }

    fn has_account(&self, id: &str) -> bool {
        self.accounts.iter().any(|account| account == id)
    }

    fn has_target(&self, id: &str) -> bool {
        self.has_account(id)
            || self.files.contains_key(&format!("organizations/list-accounts-for-parent.{id}.json"))
    }

    /// Checks every ARN of a user, role, group or policy of the organization's accounts that
    /// stands in the value on its own, policies in strings included; patterns are no names.
    fn check_arns(&self, path: &str, json: &Value, known: &[String]) {
        match json {
            Value::Array(items) => {
                items.iter().for_each(|item| self.check_arns(path, item, known));
            }
            Value::Object(members) => {
                members.values().for_each(|item| self.check_arns(path, item, known));
            }
            Value::String(text) if text.starts_with('{') => {
                let policy = serde_json::from_str(text).expect(path);
                self.check_arns(path, &policy, known);
            }
            Value::String(text) => {
                let mut parts = text.splitn(6, ':').skip(2);
                let (service, _, account) = (parts.next(), parts.next(), parts.next());
                let resource = parts.next().unwrap_or_default();
                let kinds = ["user/", "role/", "group/", "policy/"];
                let names = service == Some("iam")
                    && kinds.iter().any(|kind| resource.starts_with(kind))
                    && !text.contains(['*', '$'])
                    && account.is_some_and(|id| id == "aws" || self.has_account(id));
                assert!(!names || known.binary_search(text).is_ok(), "{path}: {text} is nowhere");
            }
            _ => {}
        }
    }
}

fn check_groups(path: &str, json: &Value) {
    let groups: Vec<&Value> =
        list(json, "/GroupDetailList").iter().map(|group| &group["GroupName"]).collect();
    for user in list(json, "/UserDetailList") {
        for group in list(user, "/GroupList") {
            assert!(groups.contains(&group), "{path}: {group}");
        }
    }
}

fn check_document(path: &str, policy: &Value) {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    assert!(!statements.is_empty(), "{path}: {policy}");
    for statement in statements {
        let effect = statement["Effect"].as_str();
        assert!(matches!(effect, Some("Allow" | "Deny")), "{path}: {statement}");
        let actions = statement.get("Action").or_else(|| statement.get("NotAction"));
        assert!(actions.is_some(), "{path}: {statement}");
    }
}

/// The items of the list at `pointer`; none, where there is no such member.
fn list<'v>(json: &'v Value, pointer: &str) -> &'v [Value] {
    json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The bytes of every file below a folder, by path with `/` between parts.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap();
            let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
            (parts.join("/"), fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// An empty folder below the target directory, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("organisation-{name}"));
        if path.exists() {
            fs::remove_dir_all(&path).unwrap();
        }
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
