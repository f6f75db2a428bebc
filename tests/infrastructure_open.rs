//! What infrastructure code leaves open: it is judged as far as it is known, and the rest is told.
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

use std::fs;

use code::{PUBLIC, checked, messages, policy_for, unknown};
use serde_json::{Value, json};
use support::command::{Folder, Run, keyreach};

/// What `check` says of a folder, in words.
fn words(folder: &Folder, more: &[&str]) -> Run {
    let args = [&["check", ".", "--now", "2026-01-01"], more].concat();
    keyreach(&args).within(folder.path()).run()
}

const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

#[test]
fn the_policy_of_a_key_that_is_declared_elsewhere_is_judged() {
    let other = "arn:aws:kms:eu-west-1:111122223333:key/x";
    let literals = [format!("{ID:?}"), format!("{other:?}")];
    for (key, arn) in [
        (&*literals[0], format!("arn:aws:kms:this-region:this-account:key/{ID}")),
        (&literals[1], other.to_owned()),
        ("var.key", "arn:aws:kms:this-region:this-account:key/var.key".to_owned()),
        (
            "data.aws_kms_alias.a.target_key_id",
            "arn:aws:kms:this-region:this-account:key/data.alias/x".to_owned(),
        ),
    ] {
        let folder = Folder::new("open-key-policy");
        folder.put("main.tf", policy_for(key));
        let report = checked(&folder, &[]);
        let public = messages(&report, "public-key-access");
        assert_eq!(public.len(), 1, "{key}: {report}");
        assert!(public[0].contains(&arn), "{key}: {public:?}");
        assert_eq!(unknown(&report), ["aws_kms_key_policy.p: its key is not declared here"]);
        assert_eq!(messages(&report, "missing-input"), Vec::<String>::new());
        assert_eq!(messages(&checked(&folder, &["--strict"]), "unresolved-reference").len(), 1);
    }
}

#[test]
fn a_key_of_its_own_is_made_where_another_may_be_meant_and_not_where_one_is() {
    let key = "resource \"aws_kms_key\" \"k\" { enable_key_rotation = true }\n";
    for (of, own) in [
        ("var.key", true),
        ("data.aws_kms_alias.a.target_key_id", true),
        ("aws_kms_key.k.key_id", false),
        ("one(aws_kms_key.many[*].id)", false),
    ] {
        let folder = Folder::new("open-key-beside");
        let many = "variable \"many\" {}\nresource \"aws_kms_key\" \"many\" {\n  count = var.many\n  \
                    enable_key_rotation = true\n}\n";
        folder.put("main.tf", format!("{key}{many}{}", policy_for(of)));
        let report = checked(&folder, &[]);
        // Whichever key it is for, it is told once.
        let public = messages(&report, "public-key-access");
        assert_eq!(public.len(), 1, "{of}: {report}");
        assert_eq!(!public[0].contains("key/aws_kms_key."), own, "{of}: {public:?}");
    }
    // Two roots that call a key alike may mean two keys.
    let folder = Folder::new("open-keys-of-roots");
    folder.put("a/main.tf", policy_for("var.key"));
    folder.put("b/main.tf", policy_for("var.key").replace("kms:*", "kms:Decrypt"));
    let report = checked(&folder, &[]);
    assert_eq!(report["summary"]["keys"], 2, "{report}");
    assert_eq!(messages(&report, "conflicting-duplicates"), Vec::<String>::new());
    // A literal in a policy of an identity may name it.
    let folder = Folder::new("open-key-of-a-literal");
    let user = format!(
        "resource \"aws_iam_user\" \"u\" {{ name = \"u\" }}\nresource \"aws_iam_user_policy\" \"p\" {{\n  \
         user = aws_iam_user.u.name\n  policy = jsonencode({{ Statement = [{{ Effect = \"Allow\", Action = \"kms:Decrypt\", \
         Resource = \"arn:aws:kms:eu-west-1:111122223333:key/{ID}\" }}] }})\n}}\n"
    );
    let root = policy_for("var.key").replace("AWS = \"*\"", "AWS = \"111122223333\"");
    folder.put("main.tf", format!("{root}{user}"));
    let args = ["who-can", "--action", "Decrypt", "--key", "var.key", ".", "--format", "csv"];
    let pinned = ["--account", "111122223333", "--region", "eu-west-1"];
    let run = keyreach(&[&args[..], &pinned].concat()).within(folder.path()).run();
    let row = run.stdout.lines().find(|row| row.contains("user/u"));
    assert!(row.is_some_and(|row| row.contains("unknown")), "{run:?}");
    // In one root it is one.
    let folder = Folder::new("open-key-once");
    let grant = "resource \"aws_kms_grant\" \"g\" {\n  key_id = var.key\n  \
                 grantee_principal = \"arn:aws:iam::444455556666:role/x\"\n  operations = [\"Decrypt\"]\n}\n";
    folder.put("main.tf", format!("{}{grant}", policy_for("var.key")));
    let report = checked(&folder, &[]);
    assert_eq!((&report["summary"]["keys"], &report["summary"]["grants"]), (&json!(1), &json!(1)));
}

#[test]
fn a_grant_on_a_key_that_is_declared_elsewhere_is_judged() {
    let folder = Folder::new("open-grant");
    folder.put(
        "main.tf",
        format!(
            "resource \"aws_kms_grant\" \"g\" {{\n  key_id = \"arn:aws:kms:us-east-1:111122223333:key/{ID}\"\n  \
             grantee_principal = \"arn:aws:iam::444455556666:role/x\"\n  operations = [\"Decrypt\"]\n}}\n"
        ),
    );
    let report = checked(&folder, &["--account", "111122223333", "--region", "us-east-1"]);
    let external = messages(&report, "external-grantee");
    assert_eq!(external.len(), 1, "{report}");
    assert_eq!(messages(&report, "missing-input"), Vec::<String>::new());
}

#[test]
fn a_grantee_that_is_not_known_is_told_and_strictly_fails() {
    let folder = Folder::new("open-grantee");
    folder.put(
        "main.tf",
        "resource \"aws_kms_key\" \"k\" { enable_key_rotation = true }\nvariable \"g\" {}\n\
         resource \"aws_kms_grant\" \"i\" {\n  key_id = aws_kms_key.k.key_id\n  grantee_principal = var.g\n  \
         operations = [\"Decrypt\"]\n}\n",
    );
    assert_eq!(unknown(&checked(&folder, &[])), ["aws_kms_grant.i: who gets it: `var.g`"]);
    let strict = checked(&folder, &["--strict"]);
    let told = messages(&strict, "unresolved-reference");
    assert_eq!(told, ["not resolved: aws_kms_grant.i: who gets it: `var.g`"]);
    assert!(flat(&words(&folder, &["--strict"]).stdout).contains("--var g=VALUE"));
    let known = ["--strict", "--var", "g=arn:aws:iam::111122223333:role/x"];
    let report = checked(&folder, &[&known[..], &["--account", "111122223333"]].concat());
    assert_eq!(messages(&report, "unresolved-reference"), Vec::<String>::new());
}

#[test]
fn managed_policies_that_are_not_known_strictly_fail() {
    let folder = Folder::new("open-managed");
    let attached = |name: &str| {
        format!(
            "resource \"aws_kms_key\" \"k\" {{ enable_key_rotation = true }}\nresource \"aws_iam_user\" \"u\" {{ name = \"u\" }}\n\
             resource \"aws_iam_user_policy_attachment\" \"a\" {{\n  user = aws_iam_user.u.name\n  \
             policy_arn = \"arn:aws:iam::aws:policy/{name}\"\n}}\n"
        )
    };
    for (name, told) in [
        ("NoSuchPolicy", 1),
        ("PowerUserAccess", 0),
        ("AWSKeyManagementServicePowerUser", 0),
        ("SecretsManagerReadWrite", 0),
    ] {
        folder.put("main.tf", attached(name));
        let found = messages(&checked(&folder, &["--strict"]), "unresolved-reference");
        assert_eq!(found.len(), told, "{name}: {found:?}");
        let report = checked(&folder, &[]);
        assert_eq!(messages(&report, "unresolved-reference"), Vec::<String>::new());
        let resolved = &report["summary"]["coverage"]["principals"];
        assert_eq!((&resolved["fully"], &resolved["partly"]), (&json!(1 - told), &json!(told)));
    }
    let cells = |name: &str| {
        folder.put("main.tf", attached(name));
        let args = ["matrix", ".", "--format", "jsonl", "--now", "2026-01-01"];
        let run = keyreach(&args).within(folder.path()).run();
        let verdict = |action: &str| {
            let action = format!("\"{action}\"");
            let row = run.stdout.lines().find(|it| it.contains("user/u") && it.contains(&action));
            let row: Value =
                serde_json::from_str(row.unwrap_or_else(|| panic!("{run:?}"))).unwrap();
            row["verdict"].as_str().unwrap().to_owned()
        };
        ["kms:Decrypt", "kms:DescribeKey"].map(verdict)
    };
    assert_eq!(cells("PowerUserAccess"), ["always", "always"]);
}

const INCLUDE: &str =
    "Fn::Transform: {Name: 'AWS::Include', Parameters: {Location: 's3://x/y.json'}}";

#[test]
fn what_a_macro_adds_to_a_resource_or_a_template_is_not_known() {
    let folder = Folder::new("open-macro");
    folder.put("t.yaml", format!("Resources:\n  K:\n    Type: AWS::KMS::Key\n    {INCLUDE}\n"));
    let report = checked(&folder, &[]);
    assert_eq!(messages(&report, "unresolved-reference").len(), 1, "{report}");
    assert_eq!(messages(&report, "rotation-disabled"), Vec::<String>::new());
    assert!(unknown(&report).iter().any(|one| one == "K.KeyPolicy"), "{report}");
    let key = "  K:\n    Type: AWS::KMS::Key\n    Properties: {EnableKeyRotation: true}\n";
    folder.put("t.yaml", format!("{INCLUDE}\nResources:\n{key}"));
    let told = ["what the macro `AWS::Include` makes of the template"];
    assert_eq!(unknown(&checked(&folder, &[])), told);
}

#[test]
fn permission_sets_of_identity_center_are_told() {
    let folder = Folder::new("open-permission-set");
    let set = "  S:\n    Type: AWS::SSO::PermissionSet\n    Properties:\n      Name: s\n      \
               InlinePolicy: {Statement: [{Effect: Allow, Action: 'kms:*', Resource: '*'}]}\n";
    let key = "  K:\n    Type: AWS::KMS::Key\n    Properties: {EnableKeyRotation: true}\n";
    folder.put("t.yaml", format!("Resources:\n{key}{set}"));
    let told = ["who gets the permission set S, and its policy"];
    assert_eq!(unknown(&checked(&folder, &[])), told);
    let folder = Folder::new("open-ssoadmin");
    folder.put(
        "main.tf",
        "resource \"aws_kms_key\" \"k\" { enable_key_rotation = true }\n\
         resource \"aws_ssoadmin_permission_set_inline_policy\" \"p\" {\n  inline_policy = jsonencode({ Statement = [\n    \
         { Effect = \"Allow\", Action = \"kms:*\", Resource = \"*\" }] })\n}\n",
    );
    let told = ["aws_ssoadmin_permission_set_inline_policy.p: who gets it, and what it allows"];
    assert_eq!(unknown(&checked(&folder, &[])), told);
}

#[test]
fn a_policy_that_a_function_makes_a_text_of_is_read() {
    let folder = Folder::new("open-json-string");
    folder.put(
        "t.yaml",
        "Transform: AWS::LanguageExtensions\nParameters: {Who: {Type: String}}\nResources:\n  K:\n    Type: AWS::KMS::Key\n    \
         Properties:\n      EnableKeyRotation: true\n      KeyPolicy:\n        Fn::ToJsonString:\n          Statement:\n            \
         - {Effect: Allow, Principal: {AWS: !Ref Who}, Action: 'kms:*', Resource: '*'}\n",
    );
    let report = checked(&folder, &["--var", "Who=*"]);
    assert_eq!(messages(&report, "public-key-access").len(), 1, "{report}");
    assert_eq!(unknown(&checked(&folder, &[])), ["${Who}"]);
}

#[test]
fn templates_that_are_rendered_are_read() {
    let folder = Folder::new("open-template");
    let who = r#"{"Statement":[{"Effect":"Allow","Principal":"${who}","Action":"kms:*","Resource":"*"}]}"#;
    folder.put("p.json", who);
    let inline = who.replace('"', "\\\"").replace("${", "$${");
    let key = |policy: &str, data: &str| {
        format!(
            "variable \"x\" {{}}\nlocals {{ text = \"{inline}\" }}\nresource \"aws_kms_key\" \"k\" {{\n  \
             enable_key_rotation = true\n  policy = {policy}\n}}\n{data}"
        )
    };
    let of_data = |template: &str, who: &str| {
        let data = format!(
            "data \"template_file\" \"t\" {{\n  template = {template}\n  vars = {{ who = {who} }}\n}}\n"
        );
        key("data.template_file.t.rendered", &data)
    };
    let file = "file(\"${path.module}/p.json\")";
    for (code, public, open) in [
        (of_data(file, "\"*\""), 1, &[][..]),
        (of_data(file, "var.x"), 0, &["var.x"]),
        (of_data("local.text", "\"*\""), 1, &[]),
        (of_data("local.text", "var.x"), 0, &["data.template_file.t.rendered"]),
        (key("templatestring(local.text, { who = \"*\" })", ""), 1, &[]),
    ] {
        folder.put("main.tf", &code);
        let report = checked(&folder, &[]);
        assert_eq!(messages(&report, "public-key-access").len(), public, "{code}: {report}");
        // The file is a policy of its own where nothing renders it.
        if code.contains("p.json") {
            assert_eq!(unknown(&report), open, "{code}");
            assert_eq!(report["summary"]["policies"], 1, "{code}: {report}");
        }
    }
}

#[test]
fn the_template_of_a_stack_is_read() {
    let yaml = r#"<<-YAML
    Parameters: {Who: {Type: String}, Other: {Type: String}}
    Resources:
      Key:
        Type: AWS::KMS::Key
        Properties:
          EnableKeyRotation: true
          KeyPolicy:
            Version: '2012-10-17'
            Statement:
              - {Effect: Allow, Principal: {AWS: !Ref Who}, Action: 'kms:*', Resource: '*'}
              - {Effect: Allow, Principal: {AWS: !Ref Other}, Action: 'kms:Decrypt', Resource: '*'}
    YAML"#;
    let json = format!(
        "jsonencode({{ Resources = {{ Key = {{ Type = \"AWS::KMS::Key\", Properties = {{ EnableKeyRotation = true, \
         KeyPolicy = {} }} }} }} }})",
        PUBLIC.trim_start_matches("jsonencode(").trim_end_matches(')')
    );
    let folder = Folder::new("open-stack");
    let stack = |body: &str| {
        format!(
            "variable \"other\" {{}}\nresource \"aws_cloudformation_stack\" \"s\" {{\n  name = \"s\"\n  template_body = {body}\n  \
             parameters = {{ Who = \"*\", Other = var.other }}\n}}\n"
        )
    };
    for (body, open) in [(yaml, &["var.other"][..]), (&json, &[])] {
        folder.put("main.tf", stack(body));
        let report = checked(&folder, &[]);
        let public = messages(&report, "public-key-access");
        assert_eq!(public.len(), 1, "{body}: {report}");
        assert!(public[0].contains("this-account:key/Key"), "{public:?}");
        assert_eq!(unknown(&report), open, "{body}");
    }
    // It is deployed to where its provider works.
    let provider = "provider \"aws\" { region = \"eu-west-1\" }\n";
    folder.put("main.tf", format!("{provider}{}", stack(&json)));
    let public = messages(&checked(&folder, &[]), "public-key-access");
    assert!(public[0].contains("arn:aws:kms:eu-west-1:this-account:key/Key"), "{public:?}");
    // What is filled in is read as it is then.
    let filled = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: true\n      \
                  KeyPolicy: {Statement: [{Effect: Allow, Principal: '${who}', Action: 'kms:*', Resource: '*'}]}\n";
    folder.put("s.yaml.tftpl", filled);
    let stack_of_file = stack("templatefile(\"s.yaml.tftpl\", { who = \"*\" })");
    folder.put("main.tf", format!("# A key of KMS.\n{stack_of_file}"));
    let report = checked(&folder, &[]);
    assert_eq!(messages(&report, "public-key-access").len(), 1, "{report}");
    assert_eq!(report["summary"]["keys"], 1, "{report}");
    // What is a file of its own is read once.
    folder.put("main.tf", stack("file(\"s.yaml\")"));
    let plain = yaml.replace("    YAML", "").replace("<<-YAML\n", "").replace("\n    ", "\n");
    folder.put("s.yaml", plain.trim_start());
    fs::remove_file(folder.path().join("s.yaml.tftpl")).unwrap();
    let report = checked(&folder, &["--var", "Who=*"]);
    assert_eq!(report["summary"]["keys"], 1, "{report}");
}

#[test]
fn what_cloud_control_makes_is_read() {
    let folder = Folder::new("open-cloud-control");
    let made = |state: &str| {
        format!(
            "variable \"s\" {{}}\nresource \"aws_cloudcontrolapi_resource\" \"k\" {{\n  type_name = \"AWS::KMS::Key\"\n  \
             desired_state = {state}\n}}\n"
        )
    };
    let policy = PUBLIC.trim_start_matches("jsonencode(").trim_end_matches(')');
    folder.put("main.tf", made(&format!("jsonencode({{ KeyPolicy = {policy} }})")));
    let report = checked(&folder, &[]);
    let public = messages(&report, "public-key-access");
    assert_eq!(public.len(), 1, "{report}");
    assert!(public[0].contains("key/aws_cloudcontrolapi_resource.k"), "{public:?}");
    folder.put("main.tf", made("var.s"));
    let run = words(&folder, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    let told = "aws_cloudcontrolapi_resource.k: what it makes, which is of type AWS::KMS::Key";
    assert!(flat(&run.stderr).contains(told), "{run:?}");
}

/// A text in one line.
fn flat(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| *word != "|");
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn where_nothing_is_found_what_was_seen_is_told() {
    let folder = Folder::new("open-nothing");
    folder.put(
        "main.tf",
        "module \"kms\" {\n  source = \"terraform-aws-modules/kms/aws\"\n  version = \"3.0\"\n}\n",
    );
    let run = words(&folder, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    let told = "seen in infrastructure code all the same: module.kms: `terraform-aws-modules/kms/aws` is not here";
    assert!(flat(&run.stderr).contains(told), "{run:?}");

    let folder = Folder::new("open-deleted");
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.0", "planned_values": { "root_module": {} },
        "resource_changes": [{ "address": "aws_kms_key.k", "mode": "managed", "type": "aws_kms_key", "name": "k",
            "change": { "actions": ["delete"], "before": { "enable_key_rotation": true }, "after": null } }],
    });
    folder.put("plan.json", plan.to_string());
    let run = words(&folder, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(flat(&run.stderr).contains("the plan deletes 1 key (aws_kms_key.k)"), "{run:?}");
}

#[test]
fn a_variable_that_is_named_alone_is_told_how_to_give() {
    let folder = Folder::new("open-variable");
    let key = |principal: &str| {
        format!(
            "variable \"x\" {{}}\nresource \"aws_kms_key\" \"k\" {{\n  enable_key_rotation = true\n  policy = jsonencode({{ \
             Statement = [{{ Effect = \"Allow\", Principal = {{ AWS = {principal} }}, Action = \"kms:*\", \
             Resource = \"*\" }}] }})\n}}\n"
        )
    };
    for principal in ["var.x", "var.x.arns[0]", "\"arn:aws:iam::${var.x}:root\"", "lower(var.x)"] {
        folder.put("main.tf", key(principal));
        let run = words(&folder, &[]);
        assert!(flat(&run.stdout).contains("pass `--var x=VALUE`"), "{principal}: {run:?}");
    }
    // What fills in a policy that stands alone is somebody else's.
    let folder = Folder::new("open-bare");
    let bare = r#"{"Statement":[{"Effect":"Allow","Principal":"${who}","Action":"kms:*","Resource":"*"}]}"#;
    for name in ["a policy.json", "p.json.tftpl"] {
        folder.put(name, bare);
        let run = words(&folder, &[]);
        assert!(run.stdout.contains("${who}") && !run.stdout.contains("--var"), "{name}: {run:?}");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let folder = Folder::new("open-condition");
    folder.put(
        "t.yaml",
        "Parameters:\n  Open: {Type: String}\nConditions:\n  IsOpen: !Equals [!Ref Open, 'yes']\nResources:\n  K:\n    \
         Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: true\n      KeyPolicy:\n        Statement:\n          \
         - {Effect: Allow, Principal: {AWS: !Ref AWS::AccountId}, Action: 'kms:*', Resource: '*'}\n          \
         - !If [IsOpen, {Effect: Allow, Principal: '*', Action: 'kms:Decrypt', Resource: '*'}, !Ref AWS::NoValue]\n",
    );
    let run = words(&folder, &[]);
    assert!(flat(&run.stdout).contains("pass `--var Open=VALUE`"), "{run:?}");
}

#[test]
fn a_policy_that_cannot_be_stored_is_no_resolved_one() {
    let folder = Folder::new("open-too-long");
    let of = |count: usize| {
        let one = r#"{ Effect = "Deny", Principal = { AWS = "arn:aws:iam::111122223333:role/x" }, Action = "kms:Encrypt", Resource = "*" }"#;
        let all = vec![one; count].join(", ");
        format!(
            "resource \"aws_kms_key\" \"k\" {{\n  enable_key_rotation = true\n  policy = jsonencode({{ Statement = [{all}] }})\n}}\n"
        )
    };
    folder.put("main.tf", of(400));
    let report = checked(&folder, &[]);
    let told = messages(&report, "malformed-policy");
    assert!(told.len() == 1 && told[0].contains("bytes at least"), "{told:?}");
    folder.put("main.tf", of(700));
    let report = checked(&folder, &[]);
    let policies = &report["summary"]["coverage"]["policies"];
    assert_eq!((&policies["fully"], &policies["partly"]), (&json!(0), &json!(1)), "{report}");
}
