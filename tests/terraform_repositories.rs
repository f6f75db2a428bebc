//! Terraform as public repositories write it: what is easily taken for something else there.
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

use std::collections::BTreeSet;

use command::{Folder, keyreach};
use declared::{ALWAYS, ANYTHING, NEVER, bounds, bounds_of, bounds_on, loaded, loaded_as, pinned};
use keyreach::aws::KmsAction;
use keyreach::ingest::Loaded;

/// A policy of statements, in JSON as Terraform writes it.
fn policy(statements: &str) -> String {
    format!(r#"jsonencode({{ Version = "2012-10-17", Statement = {statements} }})"#)
}

/// A role, and what its policies allow.
fn role(name: &str, more: &str) -> String {
    format!(
        "resource \"aws_iam_role\" \"{name}\" {{\n  name = \"{name}\"\n  assume_role_policy = {}\n{more}\n}}\n",
        policy("[]")
    )
}

/// The accounts of all keys.
fn accounts(loaded: &Loaded) -> BTreeSet<String> {
    loaded.inventory.keys.values().map(|key| key.arn.account().to_string()).collect()
}

#[test]
fn providers_that_assume_a_role_of_one_account_are_of_one_account() {
    let provider = |name: &str, role: &str| {
        format!(
            "provider \"aws\" {{\n  alias = \"{name}\"\n  region = \"eu-west-1\"\n  assume_role {{\n    role_arn = {role}\n  }}\n}}\n\
             resource \"aws_kms_key\" \"{name}\" {{\n  provider = aws.{name}\n}}\n"
        )
    };
    let variables: String =
        ["a", "b", "c", "d", "ids"].map(|name| format!("variable \"{name}\" {{}}\n")).concat();
    for (one, other, count) in [
        (r#""arn:aws:iam::${var.ids["a"]}:role/x""#, r#""arn:aws:iam::${var.ids["a"]}:role/x""#, 1),
        (r#""arn:aws:iam::${var.ids["a"]}:role/x""#, r#""arn:aws:iam::${var.ids["b"]}:role/x""#, 2),
        (r#""arn:aws:iam::${var.a}:role/x""#, r#""arn:aws:iam::${var.a}:role/y""#, 1),
        ("var.a", "var.a", 1),
        ("var.a", "var.b", 2),
        // Both hang on one condition, and on nothing else that is the same.
        (
            r#""arn:aws:iam::${var.ids ? var.a : var.b}:role/x""#,
            r#""arn:aws:iam::${var.ids ? var.c : var.d}:role/x""#,
            2,
        ),
    ] {
        let code = variables.clone() + &provider("first", one) + &provider("second", other);
        let loaded = loaded(&[("main.tf", &code)]);
        assert_eq!(loaded.inventory.keys.len(), 2);
        assert_eq!(accounts(&loaded).len(), count, "{one} {other}");
    }
}

#[test]
fn what_a_provider_calls_its_account_is_that_account_and_a_replica_lies_in_that_of_its_primary() {
    let code = r#"
data "aws_organizations_organization" "all" {}
locals {
  shared = [for a in data.aws_organizations_organization.all.accounts : a if a.name == "shared"][0]
}
provider "aws" {
  alias  = "shared"
  region = "eu-west-2"
  assume_role {
    role_arn = "arn:aws:iam::${local.shared.id}:role/deploy"
  }
}
provider "aws" {
  alias  = "replica"
  region = "eu-west-1"
  assume_role {
    role_arn = "arn:aws:iam::${local.REPLICA}:role/deploy"
  }
}
resource "aws_kms_key" "key" {
  provider     = aws.shared
  multi_region = true
  policy       = POLICY
}
resource "aws_kms_replica_key" "key" {
  provider        = aws.replica
  primary_key_arn = aws_kms_key.key.arn
}
"#;
    let statements = r#"[{ Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = local.shared.id } }]"#;
    let code = code.replace("POLICY", &policy(statements));
    for other in ["shared.id", "elsewhere.id"] {
        let code = code.replace("REPLICA", other);
        let loaded = loaded(&[("main.tf", &code)]);
        assert_eq!(accounts(&loaded), BTreeSet::from(["this-shared-".to_owned()]), "{other}");
        let ids: BTreeSet<&str> = loaded.inventory.keys.values().map(|it| it.arn.id()).collect();
        assert_eq!(ids.len(), 1);
        let primary = "arn:aws:kms:eu-west-2:this-shared-:key/mrk-aws_kms_key.key";
        for (caller, expected) in [("this-shared-", ALWAYS), ("444455556666", NEVER)] {
            let caller = format!("arn:aws:iam::{caller}:root");
            assert_eq!(bounds_on(&loaded, &caller, KmsAction::DECRYPT, primary), expected);
        }
    }
}

#[test]
fn a_document_that_is_known_in_part_is_no_empty_text() {
    let code = r#"
data "aws_caller_identity" "me" {}
variable "policy" {
  default = null
}
data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::111122223333:role/app", data.aws_caller_identity.me.arn]
    }
  }
}
resource "aws_kms_key" "key" {
  policy = coalesce(var.policy, data.aws_iam_policy_document.key.json)
}
"#;
    let code = code.to_owned() + &role("app", "") + &role("other", "");
    let loaded = loaded_as(&[("main.tf", &code)], &pinned());
    // Who runs Terraform is somebody of the account that it runs in.
    for (caller, expected) in [
        ("111122223333:role/app", ALWAYS),
        ("111122223333:role/other", ANYTHING),
        ("444455556666:role/other", NEVER),
    ] {
        let caller = format!("arn:aws:iam::{caller}");
        assert_eq!(bounds_of(&loaded, &caller, KmsAction::DECRYPT), expected, "{caller}");
    }
}

#[test]
fn statements_for_each_item_of_an_unknown_list_take_nothing_from_those_beside() {
    let statement = |principal: &str, effect: &str| {
        format!(
            r#"{{ Effect = "{effect}", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = {principal} }} }}"#
        )
    };
    let app = statement(r#""arn:aws:iam::111122223333:role/app""#, "Allow");
    for (effect, of_app, of_other) in [("Allow", ALWAYS, ANYTHING), ("Deny", ANYTHING, NEVER)] {
        let admins = statement("admin", effect);
        let all = format!("concat([{app}], [for admin in var.admins : {admins}])");
        let code = format!(
            "variable \"admins\" {{}}\nresource \"aws_kms_key\" \"key\" {{\n  policy = {}\n}}\n",
            policy(&all)
        );
        let code = code + &role("app", "") + &role("other", "");
        let loaded = loaded_as(&[("main.tf", &code)], &pinned());
        for (name, expected) in [("app", of_app), ("other", of_other)] {
            let caller = format!("arn:aws:iam::111122223333:role/{name}");
            assert_eq!(
                bounds_of(&loaded, &caller, KmsAction::DECRYPT),
                expected,
                "{effect} {name}"
            );
        }
    }
}

#[test]
fn an_empty_permissions_boundary_is_none() {
    let statements = r#"[{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }]"#;
    let inline =
        format!("inline_policy {{\n  name = \"use\"\n  policy = {}\n}}", policy(statements));
    for (boundary, expected) in [
        ("\"\"", ALWAYS),
        ("null", ALWAYS),
        ("\"arn:aws:iam::111122223333:policy/limits\"", ANYTHING),
    ] {
        let variable = format!("variable \"boundary\" {{\n  default = {boundary}\n}}\n");
        let more = format!("permissions_boundary = var.boundary\n{inline}");
        let code = variable + "resource \"aws_kms_key\" \"key\" {}\n" + &role("app", &more);
        let loaded = loaded(&[("main.tf", &code)]);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), expected, "{boundary}");
    }
}

#[test]
fn of_a_key_that_an_object_gives_twice_the_last_counts() {
    for object in [
        "{\n    role = \"none\"\n    role = \"app\"\n  }",
        "{ role = \"none\", other = { role = \"none\" }, role = \"app\" }",
        "{\n    role = \"none\" # this\n    other = \"{\"\n    role = <<-EOF\n      { none }\n    EOF\n    role = \"app\"\n  }",
        "{ role : \"none\" , \"a\" = 1, role : \"app\", \"a\" = 2 }",
    ] {
        let statements = r#"[{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = "arn:aws:iam::111122223333:role/${local.of.role}" } }]"#;
        let code = format!(
            "locals {{\n  of = {object}\n}}\nresource \"aws_kms_key\" \"key\" {{\n  policy = {}\n}}\n",
            policy(statements)
        );
        let code = code + &role("app", "");
        let loaded = loaded_as(&[("main.tf", &code)], &pinned());
        let app = "arn:aws:iam::111122223333:role/app";
        assert_eq!(bounds_of(&loaded, app, KmsAction::DECRYPT), ALWAYS, "{object}");
    }
}

#[test]
fn what_is_wrong_with_the_json_of_a_policy_is_told_where_it_stands() {
    let code = r#"resource "aws_kms_key" "key" {
  policy = <<-POLICY
    {
      "Version": "2012-10-17",
      "Statement": [ { "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*" }, ]
    }
  POLICY
}
"#;
    let loaded = loaded(&[("main.tf", code)]);
    let document = loaded.inventory.keys.values().next().unwrap().policy.as_ref().unwrap();
    let [fault] = &document.policy().faults[..] else { panic!("{:?}", document.policy().faults) };
    assert_eq!(fault.message, "no valid JSON: trailing comma");
    let at = document.place.locate(code, fault.span).start as usize;
    let statement = code.find("\"Statement\"").unwrap()..code.find("]\n").unwrap() + 1;
    assert!(statement.contains(&at), "{at} {statement:?}");
}

#[test]
fn what_lifecycle_ignores_is_not_known() {
    let code = r#"
resource "aws_ssm_parameter" "partner" {
  name           = "partner"
  insecure_value = "444455556666"
  LIFECYCLE
}
resource "aws_kms_key" "key" {
  policy = POLICY
}
"#;
    let statements = r#"[{ Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "arn:aws:iam::${aws_ssm_parameter.partner.insecure_value}:root" } }]"#;
    let code = code.replace("POLICY", &policy(statements));
    for (lifecycle, expected) in [
        ("", NEVER),
        ("lifecycle {\n    ignore_changes = [tags]\n  }", NEVER),
        ("lifecycle {\n    ignore_changes = [insecure_value]\n  }", ANYTHING),
        ("lifecycle {\n    ignore_changes = [\"insecure_value\"]\n  }", ANYTHING),
        ("lifecycle {\n    ignore_changes = all\n  }", ANYTHING),
    ] {
        let code = code.replace("LIFECYCLE", lifecycle);
        let loaded = loaded_as(&[("main.tf", &code)], &pinned());
        let root = "arn:aws:iam::111122223333:root";
        assert_eq!(bounds_of(&loaded, root, KmsAction::DECRYPT), expected, "{lifecycle}");
    }
}

#[test]
fn a_policy_whose_changes_are_ignored_may_be_any() {
    let statements = r#"[{ Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "arn:aws:iam::111122223333:root" } }]"#;
    let inline = r#"[{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }]"#;
    let inline = format!("inline_policy {{\n  name = \"use\"\n  policy = {}\n}}", policy(inline));
    for (of_key, of_role, expected) in [
        ("description", "description", ALWAYS),
        ("policy", "description", ANYTHING),
        ("description", "inline_policy", ANYTHING),
    ] {
        let lifecycle = |name: &str| format!("lifecycle {{\n  ignore_changes = [{name}]\n}}");
        let key = format!(
            "resource \"aws_kms_key\" \"key\" {{\n  policy = {}\n{}\n}}\n",
            policy(statements),
            lifecycle(of_key)
        );
        let code = key + &role("app", &format!("{inline}\n{}", lifecycle(of_role)));
        let loaded = loaded_as(&[("main.tf", &code)], &pinned());
        let app = "arn:aws:iam::111122223333:role/app";
        assert_eq!(bounds_of(&loaded, app, KmsAction::DECRYPT), expected, "{of_key} {of_role}");
    }
}

/// What was taken for granted.
fn assumed(loaded: &Loaded) -> Vec<&str> {
    let declared = loaded.inventory.declared.as_ref().unwrap();
    declared.assumed.iter().map(|it| &**it).collect()
}

#[test]
fn keys_that_defaults_switch_off_are_told() {
    let variable = |default: bool| {
        format!("variable \"create\" {{\n  type    = bool\n  default = {default}\n}}\n")
    };
    let key = "resource \"aws_kms_key\" \"key\" {\n  count = var.create ? 1 : 0\n}\n";
    let call = "module \"keys\" {\n  source = \"./keys\"\n  count  = var.create ? 1 : 0\n}\n";
    let inner = "resource \"aws_kms_key\" \"inner\" {}\n";
    let main = key.to_owned() + call;
    let off = loaded(&[("main.tf", &(variable(false) + &main)), ("keys/main.tf", inner)]);
    assert!(off.inventory.keys.is_empty());
    let told = "2 keys are declared but not made with these defaults (module.keys.aws_kms_key.inner, aws_kms_key.key)";
    assert_eq!(assumed(&off), [told]);
    let on = loaded(&[("main.tf", &(variable(true) + &main)), ("keys/main.tf", inner)]);
    assert_eq!((on.inventory.keys.len(), assumed(&on)), (2, Vec::new()));
    // What another root makes is made.
    let example = "module \"keys\" {\n  source = \"../keys\"\n}\n";
    let files = [("main.tf", variable(false) + call), ("example/main.tf", example.to_owned())];
    let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
    let both = loaded(&[files[0], files[1], ("keys/main.tf", inner)]);
    assert_eq!((both.inventory.keys.len(), assumed(&both)), (1, Vec::new()));
}

#[test]
fn keys_that_a_default_of_a_template_switches_off_are_told() {
    let template = "Parameters:\n  Make: { Type: String, Default: 'no', AllowedValues: ['yes', 'no'] }\n\
                    Conditions:\n  IsMade: !Equals [!Ref Make, 'yes']\n\
                    Resources:\n  Key:\n    Type: AWS::KMS::Key\n    Condition: IsMade\n";
    let off = loaded(&[("t.yaml", template)]);
    assert!(off.inventory.keys.is_empty());
    let told = "1 key is declared but not made with these defaults (Key)";
    assert_eq!(assumed(&off), [told, "Make of t.yaml has its default, `no`"]);
    let on = loaded(&[("t.yaml", &template.replace("'no', A", "'yes', A"))]);
    assert_eq!(on.inventory.keys.len(), 1);
    assert_eq!(assumed(&on), ["Make of t.yaml has its default, `yes`"]);
}

#[test]
fn what_an_alias_that_may_be_there_names_is_not_said_to_be_elsewhere() {
    let code = r#"
variable "enabled" {}
resource "aws_kms_key" "default" {
  count = var.enabled ? 1 : 0
}
resource "aws_kms_alias" "default" {
  count         = var.enabled ? 1 : 0
  name          = "alias/x"
  target_key_id = join("", aws_kms_key.default.*.id)
}
"#;
    let told = |code: &str| {
        let loaded = loaded(&[("main.tf", code)]);
        let declared = loaded.inventory.declared.as_ref().unwrap();
        let all = declared.unresolved.iter().map(|stated| stated.value.to_string());
        all.filter(|told| told.starts_with("aws_kms_alias")).collect::<Vec<_>>()
    };
    assert_eq!(told(code), ["aws_kms_alias.default[each]: which key it is for"]);
    let (_, alias) = code.split_once("}\nresource \"aws_kms_alias\"").unwrap();
    let alone = format!("variable \"enabled\" {{}}\nresource \"aws_kms_alias\"{alias}");
    let alone = alone.replace("join(\"\", aws_kms_key.default.*.id)", "\"1234abcd\"");
    assert_eq!(told(&alone), ["aws_kms_alias.default[each]: its key is not declared here"]);
}

#[test]
fn a_role_that_a_module_elsewhere_makes_is_somebody() {
    let folder = Folder::new("stranger");
    let told = |action: &str| {
        let statements =
            format!(r#"[{{ Effect = "Allow", Action = "{action}", Resource = "*" }}]"#);
        let code = format!(
            "resource \"aws_kms_key\" \"key\" {{}}\n\
             module \"role\" {{\n  source = \"terraform-aws-modules/iam/aws//modules/iam-role\"\n}}\n\
             resource \"aws_iam_role_policy\" \"use\" {{\n  role   = module.role.name\n  policy = {}\n}}\n",
            policy(&statements)
        );
        folder.put("main.tf", code);
        let run = keyreach(&["matrix", "."]).within(folder.path()).run();
        run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let missing = "Missing: who module.role.name is (aws_iam_role_policy.use)";
    let use_key = told("kms:Decrypt");
    assert!(use_key.contains(missing), "{use_key}");
    let other = told("s3:GetObject");
    assert!(other.contains("Missing: nothing that could change a verdict"), "{other}");
}

/// What the symbols of accounts stand for.
fn symbols(loaded: &Loaded) -> Vec<String> {
    let declared = loaded.inventory.declared.as_ref().unwrap();
    declared.accounts.iter().map(|(account, what)| format!("{account} is {what}")).collect()
}

#[test]
fn what_a_symbol_of_an_account_stands_for_is_told() {
    let provider = |name: &str| {
        format!(
            "variable \"{name}\" {{}}\nprovider \"aws\" {{\n  alias = \"{name}\"\n  assume_role {{\n    role_arn = var.{name}\n  }}\n}}\n"
        )
    };
    let key = "resource \"aws_kms_key\" \"key\" {\n  provider = aws.first\n}\n";
    // The second has nothing.
    let code = provider("first") + &provider("second") + key;
    let one = loaded(&[("main.tf", &code)]);
    assert_eq!(symbols(&one), ["this-first-- is the account of the provider aws.first"]);
    let key = "resource \"aws_kms_key\" \"key\" {}\n";
    let two = loaded(&[("a/main.tf", key), ("envs/b/main.tf", key)]);
    assert_eq!(symbols(&two), ["this-b------ is the account that envs/b is deployed to"]);
}

#[test]
fn a_finding_says_what_the_symbols_of_accounts_in_it_stand_for() {
    let key = r#"resource "aws_kms_key" "key" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "kms:*", Resource = "*" }]
  })
}
"#;
    let folder = Folder::new("account-symbols");
    folder.put("a/main.tf", key);
    folder.put("envs/b/main.tf", key);
    let args = ["check", "--format", "json", "--select", "public-key-access", "."];
    let run = keyreach(&args).within(folder.path()).run();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let helps = report["findings"].as_array().unwrap().iter();
    let helps = helps.map(|finding| finding["help"].as_str().unwrap());
    let told = helps.filter(|help| help.contains("the account that envs/b is deployed to"));
    assert_eq!(told.count(), 1, "{}", run.stdout);
}

#[test]
fn a_module_that_is_not_here_is_told_once_however_many_roots_call_it() {
    let example = "module \"keys\" {\n  source = \"../../keys\"\n}\n";
    let named = example.replace("\"keys\" {", "\"others\" {");
    let keys = "resource \"aws_kms_key\" \"key\" {}\nmodule \"inner\" {\n  source = \"org/inner/aws\"\n}\n";
    let files = [
        ("examples/a/main.tf", example),
        ("examples/b/main.tf", named.as_str()),
        ("keys/main.tf", keys),
    ];
    let loaded = loaded(&files);
    let declared = loaded.inventory.declared.as_ref().unwrap();
    let told: Vec<&str> = declared.unresolved.iter().map(|stated| &*stated.value).collect();
    assert_eq!(told, ["module.inner: `org/inner/aws` is not here"]);
}

#[test]
fn a_module_with_instances_is_a_collection() {
    let keys = "variable \"name\" {}\nresource \"aws_kms_key\" \"key\" {}\noutput \"arn\" {\n  value = aws_kms_key.key.arn\n}\n";
    let code = |keys: &str| {
        format!(
            r#"
module "keys" {{
  source   = "./keys"
  for_each = toset(["a", "b"])
  name     = each.key
}}
resource "aws_iam_role" "app" {{
  name               = "app"
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [] }})
}}
resource "aws_iam_role_policy" "use" {{
  role   = aws_iam_role.app.name
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = {keys} }}] }})
}}
"#
        )
    };
    for keys_of in [
        "values(module.keys)[*].arn",
        "[for key in module.keys : key.arn]",
        "[for name, key in module.keys : key.arn if name != \"c\"]",
    ] {
        let loaded = loaded(&[("main.tf", &code(keys_of)), ("keys/main.tf", keys)]);
        let declared = loaded.inventory.declared.as_ref().unwrap();
        assert_eq!(declared.unresolved.len(), 0, "{keys_of}");
        for name in ["a", "b"] {
            let key = format!(
                "arn:aws:kms:this-region:this-account:key/module.keys[\"{name}\"].aws_kms_key.key"
            );
            let role = "arn:aws:iam::this-account:role/app";
            assert_eq!(bounds_on(&loaded, role, KmsAction::DECRYPT, &key), ALWAYS, "{keys_of}");
        }
    }
    let aliases = "module \"keys\" {\n  source = \"./keys\"\n  for_each = toset([\"a\", \"b\"])\n  name = each.key\n}\n\
                   resource \"aws_kms_alias\" \"key\" {\n  for_each = module.keys\n  name = \"alias/${each.key}\"\n  \
                   target_key_id = each.value.arn\n}\n";
    let loaded = loaded(&[("main.tf", aliases), ("keys/main.tf", keys)]);
    let names: Vec<&str> = loaded.inventory.aliases.keys().map(|arn| arn.name()).collect();
    assert_eq!(names, ["alias/a", "alias/b"]);
}

#[test]
fn keys_that_are_not_read_are_told() {
    let code = r#"
variable "body" {}
resource "aws_cloudformation_stack" "one" {
  name          = "one"
  template_body = var.body
}
resource "aws_cloudformation_stack" "two" {
  name         = "two"
  template_url = "https://example.com/keys.yaml"
}
resource "aws_cloudformation_stack" "three" {
  name          = "three"
  template_body = jsonencode({ Resources = { Key = { Type = "AWS::KMS::Key" } } })
}
resource "aws_cloudformation_stack_set" "four" {
  name          = "four"
  template_body = var.body
}
"#;
    let loaded = loaded(&[("main.tf", code)]);
    let declared = loaded.inventory.declared.as_ref().unwrap();
    let told: Vec<&str> = declared.unresolved.iter().map(|stated| &*stated.value).collect();
    assert_eq!(
        told,
        [
            "aws_cloudformation_stack.one: the template that stands in it",
            "aws_cloudformation_stack.two: the template at its URL",
            "aws_cloudformation_stack_set.four: the template that stands in it",
        ]
    );
    assert_eq!(loaded.inventory.keys.len(), 1);
}
