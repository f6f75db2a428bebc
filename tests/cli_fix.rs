//! `keyreach check --fix` and `--unsafe-fixes`: what is written, and what it does to access.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::command::{Folder, ROOT, Run, keyreach};

fn run(folder: &Folder, args: &[&str]) -> Run {
    let args = [&args[..1], &["--now", "2026-01-15"], &args[1..]].concat();
    keyreach(&args).within(folder.path()).run()
}

fn findings(folder: &Folder) -> Vec<Value> {
    let args = ["check", "--persona", "auditor", "--no-config", "--format", "json", "."];
    let answer: Value = serde_json::from_str(&run(folder, &args).stdout).unwrap();
    answer["findings"].as_array().unwrap().clone()
}

/// Every cell that is not never, with its verdict and its condition; by which policy is another matter.
fn matrix(folder: &Folder) -> Vec<String> {
    let run = run(folder, &["matrix", "--format", "jsonl", "."]);
    assert!([0, 2].contains(&run.code), "{}", run.stderr);
    let cell = |line: &str| {
        let cell: Value = serde_json::from_str(line).unwrap();
        let said = ["principal", "key", "action", "verdict", "condition", "assumes", "missing"];
        said.map(|name| cell[name].to_string()).join(" ")
    };
    run.stdout.lines().map(cell).collect()
}

fn fix(folder: &Folder, option: &str) -> Run {
    run(folder, &["check", option, "--persona", "auditor", "--no-config", "."])
}

/// What a run says on stderr, its lines joined.
fn words(run: &Run) -> String {
    let words = run.stderr.split_whitespace().filter(|word| *word != "|");
    words.collect::<Vec<_>>().join(" ")
}

fn read(folder: &Folder, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

fn copy(from: &Path, to: &Folder, at: &str) {
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name());
        let at = format!("{at}{}", name.to_str().unwrap());
        if path.is_dir() {
            copy(&path, to, &format!("{at}/"));
        } else {
            to.put(&at, fs::read(path).unwrap());
        }
    }
}

/// A misspelt action in a policy that gives nothing beside what another one gives, and one that does.
const WORLD: &str = r#"keyreach: scenario/1
accounts:
  "111122223333":
    users:
      # Alice can do it in any case.
      alice: { policies: [{ allow: ["kms:Decript", "kms:*"], on: [orders] }] }   # here
      bob: { policies: [{ allow: 'kms:Encryptt', on: [orders] }] }
    keys:
      orders: { aliases: [alias/orders] }
"#;

#[test]
fn a_fix_that_changes_no_access_is_made_and_another_is_not() {
    let folder = Folder::new("fix-both");
    folder.put("world.yaml", WORLD);
    let before = matrix(&folder);
    let run = fix(&folder, "--fix");
    assert!(run.stderr.contains("fixed 1 finding in 1 file"), "{}", run.stderr);
    let told = words(&run);
    assert!(
        told.contains("world.yaml:6:") && told.contains("write `kms:Decrypt` (unknown-action)")
    );
    assert!(told.contains("1 fix left that may change access"), "{told}");
    assert_eq!(read(&folder, "world.yaml"), WORLD.replace("Decript", "Decrypt"));
    assert_eq!(matrix(&folder), before);
    assert_eq!(run.code, 1, "bob's is still found");
    let run = fix(&folder, "--unsafe-fixes");
    let told = words(&run);
    assert!(told.contains("the matrix changes in 1 place"), "{told}");
    let change = "user/bob on alias/orders (orders): kms:Encrypt: never -> always";
    assert!(told.contains(change), "{told}");
    let whole = WORLD.replace("Decript", "Decrypt").replace("Encryptt", "Encrypt");
    assert_eq!(read(&folder, "world.yaml"), whole);
    let run = fix(&folder, "--unsafe-fixes");
    assert!(!run.stderr.contains("fix"), "nothing is left: {}", run.stderr);
}

#[test]
fn fixes_that_open_access_together_are_not_made() {
    // Each alone gives nothing: the key policy has to name bob's account, and bob has to be allowed.
    let world = r#"keyreach: scenario/1
accounts:
  "111122223333":
    users: { bob: { policies: [{ allow: "kms:Decript", on: [orders] }] } }
    keys:
      orders:
        policy:
          - { allow: ["kms:PutKeyPolicy", "kms:Decryp"], to: account }
"#;
    let folder = Folder::new("fix-together");
    folder.put("world.yaml", world);
    let before = matrix(&folder);
    fix(&folder, "--fix");
    assert_eq!(matrix(&folder), before);
    let now = read(&folder, "world.yaml");
    assert!(now == world || now.matches("kms:Decrypt").count() == 1, "{now}");
}

#[test]
fn only_the_bytes_that_differ_are_touched_in_every_form() {
    let policy = "{\r\n  \"Version\": \"2012-10-17\",\r\n\t\"Statement\": [{ \"Effect\": \"Allow\",\
                  \"Principal\": {\"AWS\": \"arn:aws:iam::111122223333:root\"},\
                  \"Action\": [ \"kms:*\" ,\"kms:Decript\" ],  \"Resource\": \"*\" }] }\r\n";
    let escaped = serde_json::to_string(policy).unwrap();
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let folder = Folder::new("fix-forms");
    let key = format!("111122223333/us-east-1/kms/{id}/get-key-policy.json");
    let describe = format!("111122223333/us-east-1/kms/{id}/describe-key.json");
    let fixture =
        "testdata/rules/missing-input/fire-grants-not-exported/111122223333/us-east-1/kms";
    let metadata = fs::read(format!("{ROOT}/{fixture}/{id}/describe-key.json")).unwrap();
    let output = format!("\u{feff}{{ \"PolicyName\": \"default\",\n \"Policy\": {escaped} }}\n");
    let grants = format!("111122223333/us-east-1/kms/{id}/list-grants.json");
    folder.put(&key, &output).put(&describe, metadata).put(&grants, "{\"Grants\": []}");
    let encoded: String = policy
        .replace("\"Principal\": {\"AWS\": \"arn:aws:iam::111122223333:root\"},", "")
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let details = format!(
        "{{\"UserDetailList\": [{{ \"UserName\": \"alice\", \"Path\": \"/\", \"UserId\": \
         \"AIDAMAENJAJTLJEXAMPLE\", \"Arn\": \"arn:aws:iam::111122223333:user/alice\", \
         \"GroupList\": [], \"AttachedManagedPolicies\": [], \"UserPolicyList\": [{{ \"PolicyName\": \
         \"p\", \"PolicyDocument\": \"{encoded}\" }}]}}], \"GroupDetailList\": [], \"RoleDetailList\": [], \
         \"Policies\": []}}"
    );
    let iam = "111122223333/iam/account-authorization-details.json";
    folder.put(iam, &details);
    let before = matrix(&folder);
    let run = fix(&folder, "--fix");
    assert!(run.stderr.contains("fixed 2 findings in 2 files"), "{}", run.stderr);
    assert_eq!(read(&folder, &key), output.replace("Decript", "Decrypt"));
    assert_eq!(read(&folder, iam), details.replace("Decript", "Decrypt"));
    assert_eq!(matrix(&folder), before);
}

#[test]
fn an_id_that_nobody_has_is_taken_out_of_lists() {
    let world = |to: &str| {
        format!(
            "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    users: {{ alice: {{}} }}\n    keys:\n      \
             k:\n        policy:\n          - {{ allow: \"kms:*\", to: account }}\n          \
             - allow: \"kms:Decrypt\"\n            to:{to}\n"
        )
    };
    let (first, second) = ("AROAEXAMPLEID23456789", "AIDAEXAMPLEID23456789");
    for (name, before, after) in [
        ("flow", format!(" [{first}, user/alice]"), " [user/alice]".to_owned()),
        ("both", format!(" [{first}, {second}, user/alice]"), " [user/alice]".to_owned()),
        (
            "block",
            format!("\n              - user/alice\n              - {first}  # gone\n"),
            "\n              - user/alice\n".to_owned(),
        ),
        ("alone", format!(" {first}"), format!(" {first}")),
        ("none", format!(" [{first}, {second}]"), format!(" [{first}, {second}]")),
    ] {
        let folder = Folder::new(&format!("fix-ids-{name}"));
        folder.put("world.yaml", world(&before));
        let access = matrix(&folder);
        let run = fix(&folder, "--fix");
        assert_eq!(read(&folder, "world.yaml"), world(&after), "{name}: {}", run.stderr);
        assert_eq!(matrix(&folder), access, "{name}");
    }
}

#[test]
fn a_policy_that_nobody_has_is_fixed_by_those_alone_who_say_so() {
    let policy = |action: &str| {
        format!(
            "{{\"Version\": \"2012-10-17\", \"Statement\": [{{\"Effect\": \"Allow\", \"Action\": \
             [\"kms:*\", \"{action}\"], \"Resource\": \"*\"}}]}}\n"
        )
    };
    let folder = Folder::new("fix-loose");
    folder.put("policy.json", policy("kms:Decript"));
    let told = words(&fix(&folder, "--fix"));
    assert!(told.contains("1 fix left that may change access"), "{told}");
    assert_eq!(read(&folder, "policy.json"), policy("kms:Decript"));
    fix(&folder, "--unsafe-fixes");
    assert_eq!(read(&folder, "policy.json"), policy("kms:Decrypt"));
}

#[test]
fn what_cannot_be_written_is_left() {
    let folder = Folder::new("fix-left");
    folder.put("world.yaml", WORLD);
    // What is packed has no bytes of its own to write.
    let world = folder.path().join("world.yaml");
    let packed = std::process::Command::new("gzip").arg("-n").arg(&world).status().unwrap();
    assert!(packed.success());
    let bytes = fs::read(folder.path().join("world.yaml.gz")).unwrap();
    let run = fix(&folder, "--unsafe-fixes");
    assert!(run.stdout.contains("unknown-action"), "{}", run.stdout);
    assert_eq!(fs::read(folder.path().join("world.yaml.gz")).unwrap(), bytes);
}

#[test]
fn suppressed_findings_and_findings_of_other_rules_are_not_fixed() {
    let folder = Folder::new("fix-chosen");
    folder.put("world.yaml", WORLD);
    run(&folder, &["check", "--fix", "--select", "rotation-disabled", "."]);
    assert_eq!(read(&folder, "world.yaml"), WORLD);
    folder.put("keyreach.yaml", "ignore: [{ rule: unknown-action, reason: later }]\n");
    run(&folder, &["check", "--unsafe-fixes", "."]);
    assert_eq!(read(&folder, "world.yaml"), WORLD);
}

/// Suppressions that nothing meets, in the configuration and in a comment.
#[test]
fn a_suppression_that_does_nothing_is_deleted() {
    let folder = Folder::new("fix-suppressions");
    let world = |comment: &str| {
        format!(
            "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n{comment}    users: {{ alice: {{}} }}\n    keys:\n      \
             k: {{ aliases: [alias/k], rotation: true }}\n"
        )
    };
    folder.put("world.yaml", world("    # keyreach: ignore[unknown-action] spelt like this\n"));
    let entry = "  - rule: unknown-action\n    key: alias/k\n    reason: old\n";
    let expired =
        "  - rule: malformed-policy\n    reason: over\n    until: 2025-01-01 # decide anew\n";
    folder.put("keyreach.yaml", format!("ignore:\n{entry}{expired}"));
    let run = run(&folder, &["check", "--fix", "--persona", "pedantic", "."]);
    assert_eq!(read(&folder, "keyreach.yaml"), format!("ignore:\n{expired}"), "{}", run.stderr);
    assert_eq!(read(&folder, "world.yaml"), world(""), "{}", run.stderr);
    // Where the last is deleted the configuration can be read still.
    folder.put("keyreach.yaml", format!("ignore:\n{entry}"));
    let run = self::run(&folder, &["check", "--fix", "--persona", "pedantic", "."]);
    assert_eq!((run.code, &*read(&folder, "keyreach.yaml")), (0, "ignore:\n"), "{}", run.stderr);
}

/// Over every case of every rule: `--fix` leaves the matrix as it is, and `--unsafe-fixes` mends what it says.
#[test]
fn after_safe_fixes_every_case_of_every_rule_has_the_same_matrix() {
    let (mut mended, mut rules) = (0, std::collections::BTreeSet::new());
    for rule in fs::read_dir(Path::new(ROOT).join("testdata/rules")).unwrap() {
        for case in fs::read_dir(rule.unwrap().path()).unwrap() {
            let case = case.unwrap().path();
            let is_fire = case.file_name().unwrap().to_str().unwrap().starts_with("fire-");
            if !is_fire || !case.is_dir() {
                continue;
            }
            let folder =
                Folder::new(&format!("fix-{}", case.file_name().unwrap().to_str().unwrap()));
            copy(&case, &folder, "");
            let fixable: Vec<Value> =
                findings(&folder).into_iter().filter(|one| !one["fix"].is_null()).collect();
            if fixable.is_empty() {
                continue;
            }
            let before = matrix(&folder);
            fix(&folder, "--fix");
            assert_eq!(matrix(&folder), before, "{}", case.display());
            let run = fix(&folder, "--unsafe-fixes");
            let left = findings(&folder);
            for finding in fixable {
                let is_left = |other: &Value| other["fingerprint"] == finding["fingerprint"];
                assert!(
                    !left.iter().any(is_left),
                    "{}: {finding:#}\n{}",
                    case.display(),
                    run.stderr
                );
                mended += 1;
                rules.insert(finding["rule"].as_str().unwrap().to_owned());
            }
        }
    }
    assert!(mended >= 15 && rules.len() >= 6, "{mended} fixes of {rules:?}");
}

/// A misspelt action beside one that gives the same, in each of the ways in which code writes a policy.
const DECLARED: [(&str, &str); 5] = [
    (
        "template.yaml",
        "Resources:\n  Key: { Type: AWS::KMS::Key }\n  App:\n    Type: AWS::IAM::Role\n    Properties:\n      \
         RoleName: app\n      AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n      \
         Policies:\n        - PolicyName: p\n          PolicyDocument:\n            Version: 2012-10-17\n            \
         Statement:\n              - Effect: Allow # kept\n                Action: ['kms:Decript', \"kms:*\"]\n                \
         Resource: !GetAtt Key.Arn\n",
    ),
    (
        "template.json",
        r#"{ "Resources": { "Key": { "Type": "AWS::KMS::Key" }, "App": { "Type": "AWS::IAM::Policy",
  "Properties": { "PolicyName": "p", "Roles": ["app"], "PolicyDocument": { "Version": "2012-10-17",
    "Statement": { "Effect": "Allow", "Action": ["kms:Decript",   "kms:*"], "Resource": { "Fn::GetAtt": ["Key", "Arn"] } } } } } } }
"#,
    ),
    (
        "block.tf",
        "resource \"aws_kms_key\" \"key\" {}\n\ndata \"aws_iam_policy_document\" \"p\" {\n  statement { # kept\n    \
         actions   = [\"kms:Decript\",  \"kms:*\",]\n    resources = [aws_kms_key.key.arn]\n  }\n}\n\nresource \
         \"aws_iam_policy\" \"p\" {\n  name   = \"p\"\n  policy = data.aws_iam_policy_document.p.json\n}\n",
    ),
    (
        "encoded.tf",
        "resource \"aws_kms_key\" \"key\" {}\n\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = \
         jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [{ Effect = \"Allow\", Action = [\"kms:Decript\", \
         \"kms:*\"], Resource = aws_kms_key.key.arn }]\n  })\n}\n",
    ),
    (
        "heredoc.tf",
        "resource \"aws_kms_key\" \"key\" {}\n\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n  policy = \
         <<-EOT\n    { \"Version\": \"2012-10-17\", \"Statement\": [\n      { \"Effect\": \"Allow\", \"Action\": \
         [\"kms:Decript\", \"kms:*\"],\n        \"Resource\": \"${aws_kms_key.key.arn}\" } ] }\n  EOT\n}\n",
    ),
];

#[test]
fn literals_of_infrastructure_code_are_fixed_and_nothing_else_is_touched() {
    for (name, text) in DECLARED {
        let folder = Folder::new(&format!("fix-{}", name.replace('.', "-")));
        folder.put(name, text);
        // Who else there is in the account is not known, nor what a policy gives them.
        let run = fix(&folder, "--fix");
        assert!(words(&run).contains("1 fix left that may change access"), "{name}: {run:?}");
        assert_eq!(read(&folder, name), text, "{name}");
        let pinned = ["check", "--unsafe-fixes", "--account", "111122223333", "--no-config"];
        let run = self::run(&folder, &[&pinned[..], &["--persona", "auditor", "."]].concat());
        let told = words(&run);
        assert!(told.contains("fixed 1 finding in 1 file"), "{name}: {told}");
        assert!(told.contains("the matrix stays as it was"), "{name}: {told}");
        assert_eq!(read(&folder, name), text.replace("Decript", "Decrypt"), "{name}");
    }
}

#[test]
fn what_code_writes_elsewhere_is_not_fixed_where_it_is_used() {
    let [(_, template), _, (_, module), ..] = DECLARED;
    let template = template.replace("'kms:Decript'", "!Ref Act");
    let template =
        format!("Parameters: {{ Act: {{ Type: String, Default: 'kms:Decript' }} }}\n{template}");
    let module =
        module.replace("[\"kms:Decript\",", "[\"kms:${join(\"\", [\"Dec\", \"ript\"])}\",");
    for (name, text) in [("template.yaml", template), ("main.tf", module)] {
        let folder = Folder::new(&format!("fix-elsewhere-{}", name.replace('.', "-")));
        folder.put(name, &text);
        let run = fix(&folder, "--unsafe-fixes");
        assert!(run.stdout.contains("unknown-action"), "{name}: {run:?}");
        assert_eq!(read(&folder, name), text, "{name}");
    }
}

#[test]
fn what_changes_for_the_key_of_a_bare_policy_is_told() {
    let folder = Folder::new("fix-bare");
    let policy = |action: &str| {
        format!(
            r#"{{"Statement":[
 {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},"Action":"kms:*","Resource":"*"}},
 {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::444455556666:role/X"}},"Action":["{action}"],"Resource":"*"}}]}}
"#
        )
    };
    folder.put("policy.json", policy("kms:Decript"));
    let run = fix(&folder, "--fix");
    assert!(words(&run).contains("1 fix left that may change access"), "{run:?}");
    assert_eq!(read(&folder, "policy.json"), policy("kms:Decript"));
    let told = words(&fix(&folder, "--unsafe-fixes"));
    assert!(told.contains("arn:aws:iam::444455556666:role/X"), "{told}");
    assert!(told.contains("kms:Decrypt: never -> "), "{told}");
    assert_eq!(read(&folder, "policy.json"), policy("kms:Decrypt"));
}
