//! What infrastructure code says of keys that stand there already, and of templates and policies that it names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/code.rs"]
mod code;
mod support;

use code::{checked, messages, policy_for, unknown};
use serde_json::{Value, json};
use support::command::{Folder, keyreach};

/// The keys that the findings of `public-key-access` are about.
fn public_keys(folder: &Folder) -> Vec<String> {
    let report = checked(folder, &[]);
    let all = report["findings"].as_array().unwrap().iter();
    let of_rule = all.filter(|finding| finding["rule"] == "public-key-access");
    let mut keys: Vec<String> =
        of_rule.map(|it| it["key"].as_str().unwrap_or_default().to_owned()).collect();
    keys.iter_mut().for_each(|key| *key = key.rsplit("key/").next().unwrap().to_owned());
    keys.sort();
    keys
}

#[test]
fn what_is_looked_up_is_none_of_the_declared_keys() {
    let keys: String = (1..4)
        .map(|n| format!("resource \"aws_kms_key\" \"k{n}\" {{ enable_key_rotation = true }}\n"))
        .collect();
    let of_alias = "resource \"aws_kms_alias\" \"a\" {\n  name = \"alias/y\"\n  \
                    target_key_id = aws_kms_key.k2.id\n}\n\
                    data \"aws_kms_alias\" \"y\" { name = \"alias/y\" }\n\
                    data \"aws_kms_key\" \"x\" { key_id = \"alias/x\" }\n";
    for (key, meant) in [
        ("data.aws_kms_alias.a.target_key_arn", "data.alias/x"),
        ("data.aws_kms_key.x.id", "data.alias/x"),
        ("data.aws_kms_key.x.arn", "data.alias/x"),
        ("data.aws_kms_alias.y.target_key_id", "aws_kms_key.k2"),
    ] {
        let folder = Folder::new("open-key-of-another");
        folder.put("main.tf", format!("{keys}{of_alias}{}", policy_for(key)));
        assert_eq!(public_keys(&folder), [meant], "{key}");
    }
}

#[test]
fn what_a_stack_gives_its_template_holds_and_what_fills_it_in_stays_open() {
    let statement = |who: &str| {
        format!(
            "{{Effect: Allow, Principal: {{AWS: {who}}}, Action: 'kms:Decrypt', Resource: '*'}}"
        )
    };
    let template = |first: &str, second: &str| {
        format!(
            "Parameters:\n  P: {{Type: String}}\nResources:\n  K:\n    Type: AWS::KMS::Key\n    \
             Properties:\n      KeyPolicy:\n        Statement:\n          - {}\n          - {}\n",
            statement(first),
            statement(second)
        )
    };
    let folder = Folder::new("open-stack-of-file");
    folder.put("t.yaml", template("!Ref P", "'111122223333'"));
    let stack = |of: &str, body: &str, more: &str| {
        format!(
            "variable \"who\" {{}}\nresource \"{of}\" \"s\" {{\n  name = \"s\"\n  template_body = {body}\n{more}}}\n"
        )
    };
    let given = "  parameters = { P = \"*\" }\n";
    folder.put("main.tf", stack("aws_cloudformation_stack", "file(\"t.yaml\")", given));
    assert_eq!(public_keys(&folder), ["K"]);
    for of in ["aws_cloudformation_stack", "aws_cloudformation_stack_set"] {
        let folder = Folder::new("open-stack-of-heredoc");
        let body = template("'${var.who}'", "'*'").replace('\n', "\n    ");
        let body = format!("<<-EOT\n    {}EOT", body.trim_end_matches(' '));
        folder.put("main.tf", stack(of, &body, ""));
        assert_eq!(public_keys(&folder), ["K"], "{of}");
        let report = checked(&folder, &[]);
        let findings = report["findings"].as_array().unwrap().iter();
        let lines: Vec<&Value> = findings
            .filter(|it| it["rule"] == "public-key-access")
            .map(|it| &it["locations"][0]["line"])
            .collect();
        assert_eq!(lines, [&json!(14)], "{report}");
        assert_eq!(unknown(&report), ["var.who"], "{of}");
    }
}

#[test]
fn what_nobody_knows_the_type_of_is_told() {
    let folder = Folder::new("open-type");
    folder.put(
        "main.tf",
        "resource \"aws_kms_key\" \"k\" { enable_key_rotation = true }\nvariable \"t\" {}\n\
         resource \"aws_cloudcontrolapi_resource\" \"c\" {\n  type_name = var.t\n  desired_state = \"{}\"\n}\n\
         resource \"aws_cloudformation_stack_set\" \"s\" {\n  name = \"s\"\n  template_body = var.t\n}\n",
    );
    let told = messages(&checked(&folder, &["--strict"]), "unresolved-reference");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_macro_of_all_resources_can_add_to_them() {
    let resources = "  K: {Type: AWS::KMS::Key, Properties: {EnableKeyRotation: true}}\n  R:\n    \
                     Type: AWS::IAM::Role\n    Properties:\n      RoleName: r\n      AssumeRolePolicyDocument: \
                     {Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]}\n";
    let include = "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://x/y.json}}\n";
    for (template, verdict) in [
        (format!("Resources:\n{resources}"), "never"),
        (format!("Resources:\n{include}{resources}"), "unknown"),
        (format!("Transform: Own\nResources:\n{resources}"), "unknown"),
    ] {
        let folder = Folder::new("open-macro");
        folder.put("t.yaml", &template);
        let args = ["matrix", ".", "--format", "jsonl", "--now", "2026-01-01"];
        let run = keyreach(&args).within(folder.path()).run();
        let is_cell = |line: &&str| line.contains("role/r\"") && line.contains("\"kms:Decrypt\"");
        let cell = run.stdout.lines().find(is_cell).map_or(Value::Null, |line| {
            serde_json::from_str::<Value>(line).unwrap()["verdict"].clone()
        });
        // What is `never` may be left out.
        let told = cell.as_str().unwrap_or("never").to_owned();
        assert_eq!(told, verdict, "{template}: {run:?}");
    }
}

#[test]
fn a_managed_policy_is_found_by_its_name() {
    let folder = Folder::new("open-managed");
    folder.put(
        "main.tf",
        "resource \"aws_kms_key\" \"k\" { enable_key_rotation = true }\n\
         data \"aws_iam_policy\" \"p\" { name = \"PowerUserAccess\" }\n\
         resource \"aws_iam_user\" \"u\" { name = \"u\" }\n\
         resource \"aws_iam_user_policy_attachment\" \"a\" {\n  user = aws_iam_user.u.name\n  \
         policy_arn = data.aws_iam_policy.p.arn\n}\n",
    );
    let report = checked(&folder, &["--strict"]);
    assert_eq!(unknown(&report), Vec::<String>::new());
    assert_eq!(messages(&report, "unresolved-reference"), Vec::<String>::new());
}

#[test]
fn a_module_that_is_not_here_is_told_once() {
    let folder = Folder::new("open-module");
    let module = "module \"m\" { source = \"somebody/kms/aws\" }\n";
    folder.put("main.tf", format!("{module}{}", policy_for("module.m.key_id")));
    assert_eq!(unknown(&checked(&folder, &[])), ["module.m: `somebody/kms/aws` is not here"]);
}

#[test]
fn a_plan_calls_a_key_that_is_not_known_as_the_source_does() {
    let folder = Folder::new("open-plan");
    let policy = json!({ "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*" }] })
    .to_string();
    let with = |more: Value| {
        let mut one = json!({ "address": "aws_kms_key_policy.p", "mode": "managed",
            "type": "aws_kms_key_policy", "name": "p",
            "provider_name": "registry.terraform.io/hashicorp/aws" });
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let change = json!({ "actions": ["create"], "before": null, "after": { "policy": policy },
        "after_unknown": { "key_id": true } });
    let references = json!({ "key_id": { "references": ["data.x.y.id", "data.x.y"] } });
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.0",
        "planned_values": { "root_module": { "resources": [with(json!({ "values": { "policy": policy } }))] } },
        "resource_changes": [with(json!({ "change": change }))],
        "configuration": { "root_module": { "resources": [with(json!({ "expressions": references }))] } },
    });
    folder.put("plan.json", plan.to_string());
    assert_eq!(public_keys(&folder), ["data.x.y.id"]);
}

const MODULE: &str = r#"
variable "who" {}
resource "aws_kms_key" "k" {
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:role/admin" }, Action = "kms:*", Resource = "*" },
    { Effect = "Allow", Principal = { AWS = var.who }, Action = "kms:Decrypt", Resource = "*" },
  ] })
}
"#;

#[test]
fn what_a_module_says_is_told_once_for_all_roots_that_call_it() {
    let folder = Folder::new("given-module-of-roots");
    let of = |roots: &[&str], more: &[&str]| {
        folder.put("modules/kms/main.tf", MODULE);
        for root in roots {
            folder.put(
                &format!("roots/{root}/main.tf"),
                "module \"k\" {\n  source = \"../../modules/kms\"\n  who = \"*\"\n}\n",
            );
        }
        checked(&folder, &[&["--account", "111122223333"], more].concat())
    };
    let told = |report: &Value, rule: &str| -> Vec<(String, String)> {
        let all = report["findings"].as_array().unwrap().iter();
        let of_rule = all.filter(|finding| finding["rule"] == rule);
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        of_rule.map(|it| (text(it, "fingerprint"), text(it, "message"))).collect()
    };
    let (one, three) = (of(&["dev"], &[]), of(&["dev", "prod", "test"], &[]));
    assert_eq!(three["summary"]["keys"], 3, "{three}");
    for rule in ["missing-root-statement", "public-key-access", "rotation-disabled"] {
        let (alone, together) = (told(&one, rule), told(&three, rule));
        let ([(own, _)], [(fingerprint, message)]) = (alone.as_slice(), together.as_slice()) else {
            panic!("{rule}: {one} {three}");
        };
        assert_eq!(own, fingerprint, "{rule}");
        for root in ["prod", "test"] {
            assert!(message.contains(&format!("roots.{root}.module.k")), "{rule}: {message}");
        }
    }
    // What is accepted of some roots is not accepted of another.
    of(&["dev", "prod", "test"], &["--write-baseline", "known.json"]);
    let known = of(&["dev", "prod", "test"], &["--baseline", "known.json"]);
    assert_eq!(told(&known, "public-key-access"), [], "{known}");
    let more = of(&["qa"], &["--baseline", "known.json"]);
    let [(_, message)] = &told(&more, "public-key-access")[..] else { panic!("{more}") };
    assert!(message.contains("roots.qa.module.k"), "{message}");
}

#[test]
fn an_argument_that_the_call_of_a_module_lacks_is_no_variable_of_the_user() {
    let folder = Folder::new("given-argument");
    folder.put("m/main.tf", MODULE);
    folder.put(
        "main.tf",
        "module \"a\" { source = \"./m\" }\nvariable \"who\" {}\n\
         module \"b\" {\n  source = \"./m\"\n  who = var.who\n}\n",
    );
    let report = checked(&folder, &[]);
    for open in ["module.a.var.who", "var.who"] {
        assert!(unknown(&report).iter().any(|it| it == open), "{open}: {report}");
    }
    let help = |report: &Value| -> Vec<String> {
        let all = report["findings"].as_array().unwrap().iter();
        let of_rule = all.filter(|finding| finding["rule"] == "unresolved-reference");
        of_rule.map(|it| it["help"].as_str().unwrap().to_owned()).collect()
    };
    let told = help(&report);
    assert_eq!(told.len(), 2, "{report}");
    assert_eq!(told.iter().filter(|it| it.contains("`--var who=VALUE`")).count(), 1, "{told:?}");
    // What the call does not give no option gives.
    let told = help(&checked(&folder, &["--var", "who=111122223333"]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("give it where the module is called"), "{told:?}");
}

#[test]
fn the_fault_of_the_only_file_is_told() {
    let folder = Folder::new("given-broken");
    folder.put("a.json", "{\"a\": [1,");
    let of = |path: &str| keyreach(&["check", path]).within(folder.path()).run();
    for path in ["a.json", "."] {
        let run = of(path);
        assert_eq!(run.code, 3, "{run:?}");
        assert!(run.stderr.contains("a.json:1:9: broken JSON"), "{run:?}");
        assert!(run.stderr.contains("nothing to audit found"), "{run:?}");
    }
    // Of several files that are none of ours none is spoken of.
    folder.put("b.json", "{\"b\": [1,");
    assert!(!of(".").stderr.contains("broken JSON"));
}

#[test]
fn the_fault_of_the_only_file_is_told_of_yaml_as_of_json() {
    for name in ["a.yaml", "a.yml", "a.template"] {
        let folder = Folder::new("given-broken-yaml");
        folder.put(name, "a:\n  b: [1,\nc: 2\n");
        for path in [name, "."] {
            let run = keyreach(&["check", path]).within(folder.path()).run();
            assert_eq!(run.code, 3, "{run:?}");
            assert!(run.stderr.contains(&format!("{name}:2:6: broken YAML")), "{run:?}");
            assert!(run.stderr.contains("nothing to audit found"), "{run:?}");
        }
        folder.put("b.yaml", "b: [1,\nc: 2\n");
        let run = keyreach(&["check", "."]).within(folder.path()).run();
        assert!(!run.stderr.contains("broken YAML"), "{run:?}");
    }
}
