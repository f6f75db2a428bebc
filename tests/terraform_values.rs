//! Terraform's values: what expressions, types, override files and plans come to where that is easily read
//! wrongly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ANYTHING, NEVER, bounds, loaded};
use keyreach::aws::KmsAction;
use keyreach::ingest::Loaded;
use serde_json::{Value, json};

/// A key that one principal may use.
fn key(principal: &str) -> String {
    format!(
        r#"
data "aws_caller_identity" "me" {{}}
resource "aws_kms_key" "key" {{
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = {principal} }} }}]
  }})
}}
"#
    )
}

/// Whom the policy of the first key names.
fn named(loaded: &Loaded) -> Vec<String> {
    let key = loaded.inventory.keys.values().next().unwrap();
    let statements = &key.policy.as_ref().unwrap().policy().statements;
    let entries = statements.iter().flat_map(|one| &one.principal.as_ref().unwrap().entries);
    entries.map(|entry| entry.value.text().to_owned()).collect()
}

#[test]
fn an_index_behind_an_attribute_splat_is_of_the_list() {
    let roles = r#"
resource "aws_iam_role" "app" {
  count              = 2
  name               = "app-${count.index}"
  assume_role_policy = "{}"
}
"#;
    for principal in [
        "aws_iam_role.app.*.arn[1]",
        "aws_iam_role.app[*].arn[1]",
        "try(aws_iam_role.app.*.arn[1], \"arn:aws:iam::444455556666:role/none\")",
    ] {
        let found = named(&loaded(&[("main.tf", &(key(principal) + roles))]));
        let expected = "arn:aws:iam::this-account:role/app-1";
        if principal.contains("[*]") {
            // Behind `[*]` it is one of each item, and a text has none.
            assert_ne!(found, [expected], "{principal}");
        } else {
            assert_eq!(found, [expected], "{principal}");
        }
    }
}

#[test]
fn a_map_by_account_gives_any_of_its_values_where_the_account_is_not_known() {
    let map = r#"
locals {
  roles = {
    "111122223333" = "arn:aws:iam::this-account:role/dev"
    "444455556666" = "arn:aws:iam::this-account:role/prod"
  }
}
"#;
    let account = "data.aws_caller_identity.me.account_id";
    for principal in [
        format!("lookup(local.roles, {account}, \"arn:aws:iam::777788889999:role/none\")"),
        format!("try(local.roles[{account}], \"arn:aws:iam::777788889999:role/none\")"),
        format!("local.roles[{account}]"),
    ] {
        let loaded = loaded(&[("main.tf", &(key(&principal) + map))]);
        assert_eq!(bounds(&loaded, "role/dev", KmsAction::DECRYPT), ANYTHING, "{principal}");
    }
    let surely = "local.roles[\"444455556666\"]";
    let loaded = loaded(&[("main.tf", &(key(surely) + map))]);
    assert_eq!(bounds(&loaded, "role/dev", KmsAction::DECRYPT), NEVER);
}

#[test]
fn what_may_be_null_may_be_the_default_of_its_type() {
    let module = r#"
variable "given" {}
module "key" {
  source = "./key"
  key    = { role = var.given ? null : "arn:aws:iam::this-account:role/given" }
}
"#;
    let inner = r#"
variable "key" {
  type = object({ role = optional(string, "arn:aws:iam::this-account:role/default") })
}
"#;
    let inner = inner.to_owned() + &key("var.key.role");
    let loaded = loaded(&[("main.tf", module), ("key/main.tf", &inner)]);
    for (role, expected) in [("given", ANYTHING), ("default", ANYTHING), ("other", NEVER)] {
        let found = bounds(&loaded, &format!("role/{role}"), KmsAction::DECRYPT);
        assert_eq!(found, expected, "{role}");
    }
}

#[test]
fn override_files_give_modules_providers_and_counts() {
    let main = r#"
provider "aws" {
  alias  = "other"
  region = "eu-west-1"
}
module "key" {
  source = "./one"
  name   = "main"
}
resource "aws_iam_role" "none" {
  name               = "none"
  assume_role_policy = "{}"
}
"#;
    let overriding = r#"
provider "aws" {
  alias  = "other"
  region = "us-east-1"
}
module "key" {
  source    = "./two"
  name      = "override"
  providers = { aws = aws.other }
}
resource "aws_iam_role" "none" {
  count = 0
}
"#;
    let of = |word: &str| {
        format!(
            "variable \"name\" {{}}\nresource \"aws_kms_key\" \"key\" {{\n  description = \"{word} ${{var.name}}\"\n}}\n"
        )
    };
    let (one, two) = (of("one"), of("two"));
    let loaded = loaded(&[
        ("main.tf", main),
        ("main_override.tf", overriding),
        ("one/main.tf", &one),
        ("two/main.tf", &two),
    ]);
    let key = loaded
        .inventory
        .keys
        .values()
        .find(|key| key.arn.id().starts_with("module."))
        .expect("the module's key");
    let description = key.metadata.as_ref().unwrap().description.as_deref();
    assert_eq!(description, Some("two override"));
    assert_eq!(key.arn.region(), "us-east-1");
    assert_eq!(loaded.inventory.principal_count(), 0);
}

fn policy(role: &str) -> Value {
    let statement = json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Principal": { "AWS": format!("arn:aws:iam::444455556666:role/{role}") } });
    json!(json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string())
}

#[test]
fn a_deposed_object_is_not_the_one_that_stands_there() {
    let arn = |id: &str| format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
    let resource = |role: &str, id: &str| {
        json!({ "address": "aws_kms_key.key", "mode": "managed", "type": "aws_kms_key", "name": "key",
            "values": { "policy": policy(role), "arn": arn(id), "key_id": id, "id": id } })
    };
    let (current, mut deposed) = (resource("now", "a"), resource("gone", "b"));
    deposed["deposed_key"] = json!("0123abcd");
    for resources in [json!([current, deposed]), json!([deposed, current])] {
        let state = json!({ "format_version": "1.0", "terraform_version": "1.7.0",
            "values": { "root_module": { "resources": resources } } });
        let loaded = loaded(&[("state.json", &state.to_string())]);
        assert_eq!(named(&loaded), ["arn:aws:iam::444455556666:role/now"]);
    }
    let instance = |role: &str, id: &str| json!({ "attributes": { "policy": policy(role), "arn": arn(id), "key_id": id, "id": id } });
    let (current, mut deposed) = (instance("now", "a"), instance("gone", "b"));
    deposed["deposed"] = json!("0123abcd");
    let state = json!({ "version": 4, "lineage": "x", "terraform_version": "1.7.0", "resources": [
        { "mode": "managed", "type": "aws_kms_key", "name": "key", "instances": [current, deposed] }] });
    let loaded = loaded(&[("terraform.tfstate", &state.to_string())]);
    assert_eq!(named(&loaded), ["arn:aws:iam::444455556666:role/now"]);
}

#[test]
fn of_two_policies_of_one_key_either_may_be_in_force() {
    let code = r#"
resource "aws_kms_key" "key" {}
resource "aws_kms_key_policy" "one" {
  key_id = aws_kms_key.key.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = "arn:aws:iam::this-account:role/one" } }] })
}
resource "aws_kms_key_policy" "two" {
  key_id = aws_kms_key.key.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = "arn:aws:iam::this-account:role/two" } }] })
}
"#;
    let loaded = loaded(&[("main.tf", code)]);
    for (role, expected) in [("one", ANYTHING), ("two", ANYTHING), ("three", NEVER)] {
        let found = bounds(&loaded, &format!("role/{role}"), KmsAction::DECRYPT);
        assert_eq!(found, expected, "{role}");
    }
}
