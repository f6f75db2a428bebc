//! Infrastructure code, read as what it will deploy: the binary on whole directories of templates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/command.rs"]
mod command;
#[path = "support/declared.rs"]
mod declared;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use command::{Folder, ROOT, Run, golden, keyreach};

/// Where the templates lie.
const TEMPLATES: &str = "testdata/infrastructure/cloudformation";

/// The account and the Region of what is compared with an export.
const PINNED: [&str; 4] = ["--account", "111122223333", "--region", "eu-central-1"];

fn matrix(path: &str, more: &[&str]) -> Run {
    let args = [&["matrix", "--format", "jsonl", path], more].concat();
    let run = keyreach(&args).run();
    assert_eq!((run.code, &*run.stderr), (0, ""), "{path}");
    run
}

#[test]
fn the_same_infrastructure_as_a_template_and_as_an_export_gives_the_same_matrix() {
    let same = "testdata/infrastructure/same";
    let declared = matrix(&format!("{same}/cloudformation.yaml"), &PINNED).stdout;
    let exported = matrix(&format!("{same}/export"), &[]).stdout;
    assert!(declared.lines().count() > 10, "{declared}");
    assert_eq!(declared, exported);
}

#[test]
fn every_construct_has_its_rows() {
    for name in ["constructs", "nested", "serverless", "cdk.out"] {
        let path = format!("{TEMPLATES}/{name}");
        let run = keyreach(&["matrix", "--format", "csv", &path]).run();
        assert_eq!((run.code, &*run.stderr), (0, ""), "{name}");
        golden(&format!("infrastructure/{name}.csv"), &run.stdout);
    }
}

#[test]
fn what_is_pinned_is_known() {
    let path = format!("{TEMPLATES}/constructs");
    let mut args = vec!["matrix", "--format", "csv", &path];
    args.extend(PINNED);
    args.extend(["--var", "Environment=prod", "--var", "Team=pay"]);
    let run = keyreach(&args).run();
    golden("infrastructure/constructs-pinned.csv", &run.stdout);
    assert!(run.stdout.contains("arn:aws:iam::111122223333:role/pay-app"), "{}", run.stdout);
    assert!(!run.stdout.contains("this-account"), "{}", run.stdout);
    assert!(!run.stdout.contains("777788889999"), "{}", run.stdout);
}

#[test]
fn findings_point_at_the_element_in_the_template() {
    let mut told = String::new();
    for path in ["testdata/infrastructure/same/cloudformation.yaml", TEMPLATES] {
        let args = ["check", "--format", "json", "--now", "2026-01-15", path];
        let run = keyreach(&args).run();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        for finding in report["findings"].as_array().unwrap() {
            let rule = finding["rule"].as_str().unwrap();
            assert_ne!(rule, "missing-input", "{finding}");
            let place = &finding["locations"][0];
            let file = place["file"].as_str().unwrap();
            let text = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
            let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
            let shown = text.lines().nth(line - 1).unwrap().trim();
            writeln!(told, "{rule} {file}:{line}: {shown}").unwrap();
        }
        writeln!(told, "{}", report["summary"]["coverage"]).unwrap();
    }
    golden("infrastructure/findings.txt", &told);
}

#[test]
fn templates_of_an_account_that_is_not_pinned_are_not_judged_beside_exports() {
    let folder = Folder::new("mixed");
    let read = |path: &str| fs::read(Path::new(ROOT).join(path)).unwrap();
    let same = "testdata/infrastructure/same";
    folder.put("template.yaml", read(&format!("{same}/cloudformation.yaml")));
    for name in ["describe-key", "get-key-policy", "list-grants", "list-aliases"] {
        folder.put(&format!("{name}.json"), read(&format!("{same}/export/{name}.json")));
    }
    let run = keyreach(&["check", "."]).within(folder.path()).run();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("--account ID"), "{}", run.stderr);
    assert!(!run.stdout.contains("this-account"), "{}", run.stdout);
    let run = keyreach(&["check", ".", "--account", "444455556666"]).within(folder.path()).run();
    assert_ne!(run.code, 2, "{run:?}");
}

#[test]
fn what_is_not_resolved_fails_a_strict_check() {
    let folder = Folder::new("strict");
    let template = "Parameters: { Who: { Type: String } }\nResources:\n  Key:\n    Type: AWS::KMS::Key\n    \
                    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        Statement:\n          \
                    - { Effect: Allow, Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root' }, \
                    Action: kms:*, Resource: '*' }\n          - { Effect: Allow, Principal: { AWS: !Ref Who }, \
                    Action: kms:Decrypt, Resource: '*' }\n";
    folder.put("template.yaml", template);
    let check = |more: &[&str]| {
        let args = [&["check", ".", "--select", "unresolved-reference"], more].concat();
        keyreach(&args).within(folder.path()).run()
    };
    let (lax, strict) = (check(&[]), check(&["--strict"]));
    assert_eq!((lax.code, strict.code), (0, 1), "{lax:?}\n{strict:?}");
    assert!(lax.stdout.contains("--var Who=VALUE"), "{}", lax.stdout);
    let given = check(&["--strict", "--var", "Who=arn:aws:iam::444455556666:root"]);
    assert_eq!(given.code, 0, "{given:?}");
}

#[test]
fn a_policy_of_which_nothing_is_known_fails_a_strict_check() {
    let folder = Folder::new("strict-whole");
    let template = "Parameters: { P: { Type: String } }\nResources:\n  Key:\n    Type: AWS::KMS::Key\n    \
                    Properties: { KeyPolicy: !Ref P }\n";
    let module =
        "variable \"policy\" {}\nresource \"aws_kms_key\" \"k\" {\n  policy = var.policy\n}\n";
    for (file, text, what) in [("t.yaml", template, "${P}"), ("main.tf", module, "var.policy")] {
        folder.put(&format!("{file}-of/{file}"), text);
        let path = format!("{file}-of");
        let check = |more: &[&str]| {
            let select = "unresolved-reference";
            let args = [&["check", &path, "--select", select, "--format", "json"], more].concat();
            keyreach(&args).within(folder.path()).run()
        };
        let (lax, strict) = (check(&[]), check(&["--strict"]));
        assert_eq!((lax.code, strict.code), (0, 1), "{lax:?}\n{strict:?}");
        assert!(lax.stdout.contains(&format!("hangs on `{what}`")), "{}", lax.stdout);
    }
}

#[test]
fn what_leads_to_no_key_need_not_be_resolved() {
    let folder = Folder::new("strict-elsewhere");
    let module = |action: &str| {
        format!(
            "variable \"where\" {{}}\nresource \"aws_kms_key\" \"k\" {{}}\nresource \"aws_iam_user\" \"u\" \
             {{ name = \"u\" }}\nresource \"aws_iam_user_policy\" \"p\" {{\n  name = \"p\"\n  user = \
             aws_iam_user.u.name\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \
             \"Allow\", Action = \"{action}\", Resource = var.where }}] }})\n}}\n"
        )
    };
    for (action, codes) in
        [("s3:GetObject", [0, 0]), ("iam:PassRole", [0, 1]), ("kms:Decrypt", [0, 1])]
    {
        folder.put("main.tf", module(action));
        let check = |more: &[&str]| {
            let select = "unresolved-reference";
            let args = [&["check", ".", "--select", select, "--format", "json"], more].concat();
            keyreach(&args).within(folder.path()).run()
        };
        let (lax, strict) = (check(&[]), check(&["--strict"]));
        assert_eq!([lax.code, strict.code], codes, "{action}: {lax:?}\n{strict:?}");
        let told = lax.stdout.contains("hangs on `var.where`");
        assert_eq!(told, action == "kms:Decrypt", "{}", lax.stdout);
        let report: serde_json::Value = serde_json::from_str(&lax.stdout).unwrap();
        let resolved = &report["summary"]["coverage"]["principals"]["fully"];
        assert_eq!(resolved.as_u64(), Some(u64::from(action == "s3:GetObject")), "{action}");
    }
}

/// A key of a module whose policy has these statements, behind the one for its account.
fn key_of_module(name: &str, arguments: &str, statements: &str) -> String {
    format!(
        "data \"aws_caller_identity\" \"c\" {{}}\nresource \"aws_kms_key\" \"{name}\" {{\n  {arguments}\n  policy = \
         jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:*\", Resource = \"*\", \
         Principal = {{ AWS = \"arn:aws:iam::${{data.aws_caller_identity.c.account_id}}:root\" }} }}{statements}] }})\n}}\n"
    )
}

/// How many findings of one rule a module has.
fn findings_of(rule: &str, module: &str) -> usize {
    let folder = Folder::new(rule);
    folder.put("main.tf", module);
    let args = ["check", ".", "--format", "json", "--select", rule];
    let run = keyreach(&args).within(folder.path()).run();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    report["findings"].as_array().unwrap().len()
}

#[test]
fn a_condition_on_what_is_not_known_can_be_met() {
    for (source, expected) in [
        ("aws_sns_topic.t.arn", 0),
        // No ARN reads so.
        ("\"x\"", 1),
    ] {
        let statement = format!(
            ", {{ Effect = \"Allow\", Action = \"kms:Decrypt\", Resource = \"*\", Principal = {{ Service = \
             \"s3.amazonaws.com\" }}, Condition = {{ StringEquals = {{ \"aws:SourceAccount\" = \"111122223333\" }}, \
             ArnLike = {{ \"aws:SourceArn\" = {source} }} }} }}"
        );
        let module = "resource \"aws_sns_topic\" \"t\" {}\n".to_owned();
        let module = module + &key_of_module("k", "", &statement);
        assert_eq!(findings_of("unsatisfiable-condition", &module), expected, "{source}");
    }
}

#[test]
fn a_replica_of_which_nothing_is_known_is_not_said_to_differ() {
    let primary = key_of_module("k", "multi_region = true", "");
    let one = "jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"kms:Describe*\", \
               Resource = \"*\", Principal = { AWS = \"arn:aws:iam::${data.aws_caller_identity.c.account_id}:root\" } }] })";
    for (policy, expected) in [("var.extra", 0), (one, 1)] {
        let module = format!(
            "{primary}variable \"extra\" {{}}\nresource \"aws_kms_replica_key\" \"r\" {{\n  region = \
             \"eu-west-1\"\n  primary_key_arn = aws_kms_key.k.arn\n  policy = {policy}\n}}\n"
        );
        assert_eq!(findings_of("replica-policy-drift", &module), expected, "{policy}");
    }
}

#[test]
fn accounts_that_are_too_many_to_tell_apart_are_told_of() {
    let folder = Folder::new("many-accounts");
    for (accounts, is_told) in [(14, false), (42, true)] {
        let mut module = "variable \"ids\" {}\n".to_owned();
        for nth in 0..accounts {
            write!(
                module,
                "provider \"aws\" {{\n  alias = \"p{nth}\"\n  region = \"eu-west-2\"\n  assume_role {{ role_arn = \
                 \"arn:aws:iam::${{var.ids[\"p{nth}\"]}}:role/Deploy\" }}\n}}\nresource \"aws_kms_key\" \"k{nth}\" {{\n  \
                 provider = aws.p{nth}\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \
                 \"Allow\", Action = \"kms:*\", Resource = \"*\", Principal = {{ AWS = \
                 \"arn:aws:iam::111122223333:root\" }} }}] }})\n}}\n"
            )
            .unwrap();
        }
        folder.put("main.tf", module);
        let run = keyreach(&["check", ".", "--format", "json"]).within(folder.path()).run();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let open = report["summary"]["coverage"]["unresolved"].as_array().unwrap();
        let is_many =
            |open: &serde_json::Value| open.as_str().unwrap().contains("of many accounts");
        assert_eq!(open.iter().any(is_many), is_told, "{accounts}: {open:?}");
    }
}

#[test]
fn a_comment_beside_a_statement_of_a_template_suppresses() {
    let folder = Folder::new("suppressed");
    let template = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        \
                    Version: 2012-10-17\n        Statement:\n          \
                    - { Effect: Allow, Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root' }, \
                    Action: kms:*, Resource: '*' }\nCOMMENT          \
                    - { Effect: Allow, Principal: { AWS: 'arn:aws:iam::444455556666:root' }, \
                    Action: kms:Decrypt, Resource: '*' }\n";
    let check = |comment: &str| {
        folder.put("template.yaml", template.replace("COMMENT", comment));
        let args = ["check", ".", "--select", "external-account-access"];
        keyreach(&args).within(folder.path()).run()
    };
    assert!(check("").stdout.contains("444455556666"));
    let comment = "          # keyreach: ignore[external-account-access] our partner\n";
    let run = check(comment);
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains("no findings") && words.contains("1 suppressed"), "{run:?}");
}

#[test]
fn references_in_circles_end() {
    let folder = Folder::new("circles");
    let template = "Conditions:\n  A: !Not [!Condition B]\n  B: !Or [!Condition A, !Condition A]\n\
                    Resources:\n  One:\n    Type: AWS::IAM::Role\n    Properties:\n      \
                    RoleName: !Sub '${Two}${Two}'\n  Two:\n    Type: AWS::IAM::Role\n    Condition: A\n    \
                    Properties:\n      RoleName: !Sub '${One}${One}'\n  Self:\n    \
                    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: template.yaml\n  \
                    Key:\n    Type: AWS::KMS::Key\n";
    folder.put("template.yaml", template);
    let run = keyreach(&["check", ".", "--format", "json"]).within(folder.path()).run();
    assert!(run.code <= 1, "{run:?}");
}

#[test]
fn code_says_how_long_sessions_of_a_role_may_last() {
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let template = |more: &str| {
        format!(
            "Parameters:\n  Open: {{ Type: Number }}\nResources:\n  Key: {{ Type: AWS::KMS::Key }}\n  Role:\n    Type: AWS::IAM::Role\n    \
             Properties:\n      RoleName: app\n      AssumeRolePolicyDocument: {trust}\n{more}"
        )
    };
    let module = |more: &str| {
        format!(
            "variable \"open\" {{}}\nresource \"aws_kms_key\" \"app\" {{}}\nresource \"aws_iam_role\" \"app\" {{\n  name = \"app\"\n  \
             assume_role_policy = jsonencode({{ Version = \"2012-10-17\", Statement = [] }})\n  {more}\n}}\n"
        )
    };
    let plan = |seconds: &str| {
        let values = format!(
            r#"{{ "name": "app", "path": "/", "assume_role_policy": "{{}}", "max_session_duration": {seconds} }}"#
        );
        format!(
            r#"{{ "format_version": "1.2", "terraform_version": "1.9.8", "planned_values": {{ "root_module": {{ "resources": [ {{ "address": "aws_iam_role.app", "mode": "managed", "type": "aws_iam_role", "name": "app", "values": {values} }}, {{ "address": "aws_kms_key.k", "mode": "managed", "type": "aws_kms_key", "name": "k", "values": {{}} }} ] }} }} }}"#
        )
    };
    for (path, text, expected) in [
        ("t.yaml", template(""), Some(3600)),
        ("t.yaml", template("      MaxSessionDuration: 7200\n"), Some(7200)),
        ("t.yaml", template("      MaxSessionDuration: !Ref Open\n"), None),
        ("main.tf", module(""), Some(3600)),
        ("main.tf", module("max_session_duration = 2 * 3600"), Some(7200)),
        ("main.tf", module("max_session_duration = null"), Some(3600)),
        ("main.tf", module("max_session_duration = var.open"), None),
        ("plan.json", plan("7200"), Some(7200)),
    ] {
        let loaded = declared::loaded(&[(path, &text)]);
        let roles = loaded.inventory.accounts.values().flat_map(|it| it.identities.values());
        let said: Vec<_> = roles.map(|role| (&*role.name, role.max_session)).collect();
        assert_eq!(said, [("app", expected)], "{text}");
    }
}

#[test]
fn templates_are_dismissed_where_nothing_has_to_do_with_keys() {
    let role = |name: &str, of_policy: &str| {
        format!(
            "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: {name}\n      \
             ManagedPolicyArns:\n        - !Sub 'arn:${{AWS::Partition}}:iam::aws:policy/AmazonS3FullAccess'\n      \
             Policies:\n        - PolicyName: p\n          PolicyDocument:\n            Statement:\n{of_policy}"
        )
    };
    let allow = |action: &str| {
        format!(
            "              - Effect: Allow\n                Action: {action}\n                Resource:\n                  - '*'\n"
        )
    };
    let check = |template: &str, is_dismissed: bool| {
        let folder = Folder::new("idle");
        folder.put("t.yaml", template);
        let run = keyreach(&["check", "."]).within(folder.path()).run();
        assert_eq!(run.code == 3, is_dismissed, "{template}: {}", run.stderr);
    };
    // One that reaches no key for certain.
    let idle = role("app", &allow("['s3:*', 'dynamodb:Get*']"));
    check(&idle, true);
    check(&idle.replace("Resource:", "Resource:  # all\n"), false);
    let of_alias = role("app", &allow("*all")).replace("RoleName:", "RoleName: &all");
    check(&of_alias, false);
    // What may let its role use keys, or may be more than it shows.
    for action in
        ["'*'", "'k*'", "'?ms:Decrypt'", "KMS:Decrypt", "['s3:Get*', '*']", "!Ref Some", "*all"]
    {
        check(&role("app", &allow(action)), false);
    }
    check(&idle.replace("Action", "NotAction"), false);
    // A managed policy that is not written out, or of an account, may allow everything.
    let of_aws = "!Sub 'arn:${AWS::Partition}:iam::aws:policy/AmazonS3FullAccess'";
    for policy in ["!Ref Policy", "!Sub '${Policy}'", "arn:aws:iam::111122223333:policy/use"] {
        check(&idle.replace(of_aws, policy), false);
    }
    check(&idle.replace("AmazonS3FullAccess", "AdministratorAccess"), false);
    check(&idle.replace("Resources:", "Transform: Macro\nResources:"), false);
    check(&format!("{idle}  S:\n    Type: AWS::CloudFormation::Stack\n"), false);
    // Beside a key, or beside what may reach one, it is read as ever: by what names the role, and whatever
    // language that is in.
    let key =
        "resource \"aws_kms_key\" \"k\" {}\nresource \"aws_iam_user\" \"u\" { name = \"u\" }\n";
    for (path, text) in [("a/main.tf", key.to_owned()), ("z.yaml", role("other", &allow("'*'")))] {
        let folder = Folder::new("idle-beside");
        folder.put("t.yaml", &idle);
        folder.put(path, text);
        let run = keyreach(&["check", ".", "--format", "json"]).within(folder.path()).run();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(report["summary"]["coverage"]["principals"]["fully"], 2, "{report}");
    }
}
