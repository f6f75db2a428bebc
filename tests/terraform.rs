//! Terraform: what modules declare, without running Terraform. Each directory of
//! `testdata/infrastructure/terraform/` is compared with its `.expected` file, which `KEYREACH_BLESS=1`
//! writes anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where it fails"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use keyreach::ingest::{Deployment, Loaded, load_deployed, read_text};
use keyreach::inventory::{AttachedPolicy, Grant, NamedPolicy};
use keyreach::policy::PolicyDocument;
use keyreach::source::{Files, LineIndex, Memory};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/infrastructure/terraform");

/// The files below a directory, by their paths from there.
fn files(directory: &Path) -> Memory {
    fn add(root: &Path, directory: &Path, into: &mut Memory) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                add(root, &path, into);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                into.put(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut memory = Memory::default();
    add(directory, directory, &mut memory);
    memory
}

fn loaded(files: &Memory, deployment: &Deployment) -> Loaded {
    load_deployed(files, &[".".to_owned()], deployment)
}

/// One module in one file.
fn module(text: &str) -> Memory {
    let mut memory = Memory::default();
    memory.put("main.tf", text);
    memory
}

/// What was loaded, in words.
fn described(files: &Memory, loaded: &Loaded) -> String {
    let teller = Teller { files, loaded };
    let mut out = String::new();
    for account in loaded.inventory.accounts.values() {
        for identity in account.identities.values() {
            writeln!(out, "{} tags {:?}", identity.arn, identity.tags).unwrap();
            if let Some(trust) = &identity.trust {
                teller.policy(&mut out, "trust", trust);
            }
            if let Some(boundary) = &identity.boundary {
                writeln!(out, "  boundary {}", boundary.arn).unwrap();
            }
            for group in &identity.groups {
                writeln!(out, "  in group {group}").unwrap();
            }
            teller.policies(&mut out, &identity.inline, &identity.attached);
        }
        for group in account.groups.values() {
            writeln!(out, "{}", group.arn).unwrap();
            teller.policies(&mut out, &group.inline, &group.attached);
        }
        for policy in account.policies.values() {
            writeln!(out, "{}", policy.arn).unwrap();
            teller.policy(&mut out, "policy", policy.document().unwrap());
        }
    }
    for key in loaded.inventory.keys.values() {
        let metadata = key.metadata.as_ref().unwrap();
        writeln!(out, "{}", key.arn).unwrap();
        if let Some(description) = &metadata.description {
            writeln!(out, "  description {description}").unwrap();
        }
        let words = [&metadata.spec, &metadata.usage, &metadata.origin, &metadata.state];
        let words = words.map(|word| word.as_deref().unwrap_or("?"));
        writeln!(out, "  {} rotation {:?}", words.join(" "), key.rotation).unwrap();
        if let Some(of) = &metadata.multi_region {
            let primary = of.primary.as_deref().unwrap_or("?");
            writeln!(out, "  {} of {primary}, replicas {:?}", of.role.name(), of.replicas).unwrap();
        }
        if let Some(tags) = key.tags.as_ref().filter(|tags| !tags.is_empty()) {
            writeln!(out, "  tags {tags:?}").unwrap();
        }
        for alias in &key.aliases {
            writeln!(out, "  {}", alias.name()).unwrap();
        }
        teller.policy(&mut out, "policy", key.policy.as_ref().unwrap());
        for Grant { id, grantee, operations, constraints, .. } in &key.grants {
            let grantee = grantee.text();
            writeln!(out, "  grant {id} to {grantee}: {operations:?} {constraints:?}").unwrap();
        }
    }
    for gap in loaded.inventory.gaps.iter() {
        writeln!(out, "missing: {:?}", gap.kind).unwrap();
    }
    for problem in &loaded.problems {
        let line = problem.position.map(|position| position.line);
        writeln!(out, "{}:{line:?} {}", problem.path, problem.message).unwrap();
    }
    out
}

/// Tells policies, each statement with the line that it stands on.
struct Teller<'a> {
    files: &'a dyn Files,
    loaded: &'a Loaded,
}

impl Teller<'_> {
    fn policies(&self, out: &mut String, inline: &[NamedPolicy], attached: &[AttachedPolicy]) {
        for policy in inline {
            self.policy(out, &format!("inline {}", policy.name), &policy.document);
        }
        for policy in attached {
            writeln!(out, "  attached {}", policy.arn).unwrap();
        }
    }

    fn policy(&self, out: &mut String, name: &str, document: &PolicyDocument) {
        let path = self.loaded.inventory.sources.path(document.place.file);
        let text = read_text(self.files, path).unwrap();
        let lines = LineIndex::new(&text);
        let policy = document.policy();
        writeln!(out, "  {name} in {path}").unwrap();
        let written: serde_json::Value = serde_json::from_str(&document.written()).unwrap();
        let written = written["Statement"].as_array().unwrap();
        for (statement, written) in policy.statements.iter().zip(written) {
            let span = document.place.locate(&text, statement.span);
            let line = lines.position(&text, span.start).line;
            let doubt = statement.doubt.as_ref().map(|doubt| format!(" if ({doubt})"));
            writeln!(out, "    {line}:{} {written}", doubt.unwrap_or_default()).unwrap();
        }
        for fault in &policy.faults {
            writeln!(out, "    fault: {}", fault.message).unwrap();
        }
    }
}

#[test]
fn modules_declare_what_is_expected() {
    let mut names: Vec<_> = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.is_dir());
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    let mut faults = Vec::new();
    for directory in names {
        let files = files(&directory);
        let found = described(&files, &loaded(&files, &Deployment::default()));
        let expected = directory.with_extension("expected");
        if std::env::var_os("KEYREACH_BLESS").is_some() {
            fs::write(&expected, &found).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != found {
            faults.push(format!("{}\n{found}", directory.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_deployment_pins_the_account_the_region_and_variables() {
    let files = files(&Path::new(FOLDER).join("variables"));
    let mut deployment = Deployment {
        account: keyreach::aws::AccountId::parse("111122223333").unwrap(),
        region: "eu-west-1".into(),
        ..Deployment::default()
    };
    deployment.variables.insert("given".into(), "pinned".into());
    deployment.variables.insert("settings".into(), "{ name = \"other\", actions = [] }".into());
    let loaded = loaded(&files, &deployment);
    let text = described(&files, &loaded);
    assert!(text.contains("arn:aws:kms:eu-west-1:111122223333:key/aws_kms_key.key"), "{text}");
    assert!(text.contains("default,pinned,auto,none"), "{text}");
    assert!(text.contains("arn:aws:iam::111122223333:role/other"), "{text}");
}

#[test]
fn two_roots_that_declare_the_same_are_two_accounts() {
    let mut files = Memory::default();
    let key = "resource \"aws_kms_key\" \"app\" {}\n";
    files.put("envs/dev/main.tf", key);
    files.put("envs/prod/main.tf", key);
    let loaded = loaded(&files, &Deployment::default());
    let keys: Vec<_> = loaded.inventory.keys.values().map(|key| key.arn.to_string()).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(loaded.inventory.conflicts.is_empty());
    assert!(keys.iter().any(|arn| arn.contains(":this-account:")), "{keys:?}");
    assert!(keys.iter().any(|arn| arn.contains(":this-prod---:")), "{keys:?}");
}

#[test]
fn a_directory_without_kms_says_nothing() {
    let files = module("resource \"aws_iam_role\" \"app\" { name = \"app\" }\n");
    let loaded = loaded(&files, &Deployment::default());
    assert!(loaded.inventory.accounts.is_empty());
    assert!(loaded.problems.is_empty());
}

#[test]
fn broken_hcl_is_told_at_its_place() {
    let mut files = module("resource \"aws_kms_key\" \"a\" {}\n");
    files.put("other.tf", "resource \"aws_kms_key\" \"b\" {\n  policy = \n}\n");
    let loaded = loaded(&files, &Deployment::default());
    assert_eq!(loaded.inventory.keys.values().count(), 1);
    let [problem] = loaded.problems.as_slice() else { panic!("{:?}", loaded.problems) };
    assert_eq!(problem.path, "other.tf");
    assert!(problem.message.starts_with("broken HCL"), "{}", problem.message);
}
