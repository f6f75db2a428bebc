//! Terraform's values: what expressions, types, override files and plans come to where that is easily read
//! wrongly. What verdicts make of a part that is not known, in whatever language, is asked in `unknown_parts.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ALWAYS, ANYTHING, NEVER, bounds, bounds_of, bounds_on, loaded, loaded_as};
use keyreach::aws::{AccountId, KmsAction};
use keyreach::decision::Bound;
use keyreach::ingest::{Deployment, Loaded};
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
  by_env = {
    dev  = { readers = ["arn:aws:iam::this-account:role/dev"] }
    prod = { readers = ["arn:aws:iam::this-account:role/prod"] }
  }
}
variable "env" {}
variable "more" {}
"#;
    let account = "data.aws_caller_identity.me.account_id";
    for principal in [
        format!("lookup(local.roles, {account}, \"arn:aws:iam::777788889999:role/none\")"),
        format!("try(local.roles[{account}], \"arn:aws:iam::777788889999:role/none\")"),
        format!("local.roles[{account}]"),
        // So does any index that is not known.
        "local.roles[var.env]".to_owned(),
        "local.roles[terraform.workspace]".to_owned(),
        "local.by_env[var.env].readers[0]".to_owned(),
        "lookup(local.roles, var.env, \"arn:aws:iam::777788889999:role/none\")".to_owned(),
        "lookup(local.roles, var.env)".to_owned(),
        "try(local.roles[var.env], \"arn:aws:iam::777788889999:role/none\")".to_owned(),
        "[\"arn:aws:iam::this-account:role/dev\", \"arn:aws:iam::this-account:role/x\"][var.env]"
            .to_owned(),
    ] {
        let loaded = loaded(&[("main.tf", &(key(&principal) + map))]);
        assert_eq!(bounds(&loaded, "role/dev", KmsAction::DECRYPT), ANYTHING, "{principal}");
        assert_eq!(bounds(&loaded, "role/other", KmsAction::DECRYPT), NEVER, "{principal}");
    }
    // Of what is known in part nothing is left out.
    let open = "merge(local.roles, var.more)[var.env]";
    let loaded_open = loaded(&[("main.tf", &(key(open) + map))]);
    assert_eq!(bounds(&loaded_open, "role/other", KmsAction::DECRYPT), ANYTHING);
    let surely = "local.roles[\"444455556666\"]";
    let loaded = loaded(&[("main.tf", &(key(surely) + map))]);
    assert_eq!(bounds(&loaded, "role/dev", KmsAction::DECRYPT), NEVER);
}

#[test]
fn an_index_into_a_map_of_one_gives_that_one_or_fails() {
    let text = r#"
variable "env" {}
locals {
  accounts = { dev = "111122223333" }
}
resource "aws_kms_key" "key" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = "*"
      Action    = "kms:Decrypt"
      Resource  = "*"
      Condition = { StringEquals = { "kms:CallerAccount" = local.accounts[var.env] } }
    }]
  })
}
"#;
    let of = |text: &str| {
        let loaded = loaded(&[("main.tf", text)]);
        bounds_of(&loaded, "arn:aws:iam::999988887777:role/x", KmsAction::DECRYPT).1
    };
    assert_eq!(of(text), Bound::Never);
    // Where there may be no such key, anyone is let in.
    let perhaps =
        text.replace("local.accounts[var.env]", "var.env == \"x\" ? \"111122223333\" : null");
    assert_ne!(of(&perhaps), Bound::Never);
}

#[test]
fn a_boundary_that_is_not_known_allows_nothing() {
    let text = r#"
variable "boundary" {}
resource "aws_kms_key" "key" {}
resource "aws_iam_role" "app" {
  name                 = "app"
  permissions_boundary = var.boundary
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_iam_role_policy" "app" {
  role   = aws_iam_role.app.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }] })
}
"#;
    let loaded = loaded(&[("main.tf", text)]);
    assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), ANYTHING);
    assert_eq!(bounds(&loaded, "role/app", KmsAction::ENCRYPT), NEVER);
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

fn pinned() -> Deployment {
    Deployment { account: AccountId::parse("111122223333").unwrap(), ..Deployment::default() }
}

/// Whom a key names by an expression in which `ROLE` begins the ARN of a role.
fn by(expression: &str, more: &[(&str, &str)]) -> (Loaded, Vec<String>) {
    let in_full = |text: &str| text.replace("ROLE", "arn:aws:iam::111122223333:role/");
    let main = key(&in_full(expression)) + APP;
    let more: Vec<(&str, String)> = more.iter().map(|(path, it)| (*path, in_full(it))).collect();
    let mut files = vec![("main.tf", main.as_str())];
    files.extend(more.iter().map(|(path, text)| (*path, text.as_str())));
    let loaded = loaded_as(&files, &pinned());
    let named = named(&loaded);
    (loaded, named)
}

/// A role whose name is known, and a variable that nobody sets.
const APP: &str = r#"
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
variable "unknown" {}
"#;

/// What is true of a role of the account and decryption with the key.
fn of_role(loaded: &Loaded, name: &str) -> (Bound, Bound) {
    bounds_of(loaded, &format!("arn:aws:iam::111122223333:role/{name}"), KmsAction::DECRYPT)
}

#[test]
fn the_items_of_a_set_are_its_keys_once_each_and_in_order() {
    let variables = r#"
variable "set" {
  type    = set(string)
  default = ["ROLEb", "ROLEa", "ROLEb"]
}
variable "numbers" {
  type    = set(number)
  default = [10, 9, 10]
}
data "aws_iam_policy_document" "dynamic" {
  statement {
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    dynamic "principals" {
      for_each = toset(["ROLEa"])
      content {
        type        = "AWS"
        identifiers = [principals.key]
      }
    }
  }
}
"#;
    let document =
        "jsondecode(data.aws_iam_policy_document.dynamic.json).Statement[0].Principal.AWS";
    for (expression, expected) in [
        (r#"[for k, v in toset(["ROLEa"]) : k]"#, "a"),
        (r#"[for k, v in setunion(["ROLEa"], ["ROLEa"]) : k]"#, "a"),
        (r#"[for k, v in setsubtract(["ROLEa", "ROLEb"], ["ROLEb"]) : k]"#, "a"),
        (r#"[for k, v in tolist(toset(["x"])) : "ROLE${k}"]"#, "0"),
        ("tolist(var.set)[0]", "a"),
        ("\"ROLE${length(var.set)}\"", "2"),
        ("\"ROLE${join(\"-\", var.numbers)}\"", "9-10"),
        (r#"try(toset(["ROLEa"])[0], "ROLEnone")"#, "none"),
        (document, "a"),
    ] {
        let (_, named) = by(expression, &[("variables.tf", variables)]);
        assert_eq!(named, [format!("arn:aws:iam::111122223333:role/{expected}")], "{expression}");
    }
    // What is not known stays an item that may be anything.
    let (loaded, _) = by(r#"[for k, v in toset(["ROLEapp", var.unknown]) : k]"#, &[]);
    assert_eq!(of_role(&loaded, "app"), ALWAYS);
    assert_eq!(of_role(&loaded, "other"), ANYTHING);
}

#[test]
fn what_fails_in_a_part_fails_as_a_whole() {
    let settings = "variable \"settings\" {\n  type    = any\n  default = {}\n}\n";
    for expression in [
        r#"try("ROLE${var.settings.x}", "ROLEapp")"#,
        r#"try("%{ if var.settings.x }ROLEa%{ else }ROLEb%{ endif }", "ROLEapp")"#,
        r#"try(join("", ["ROLE", var.settings.x]), "ROLEapp")"#,
        r#"try(format("ROLE%s", var.settings.x), "ROLEapp")"#,
        r#"try(lower(var.settings.x), "ROLEapp")"#,
        r#"try(var.settings.x ? "ROLEa" : "ROLEb", "ROLEapp")"#,
        r#"try(["ROLEa", var.settings.x], ["ROLEapp"])"#,
        r#"try({ "a" = "ROLEa", "b" = var.settings.x }, { "a" = "ROLEapp" }).a"#,
        r#"try([for v in var.settings.x : v], ["ROLEapp"])"#,
        r#"can([local.missing.x]) ? "ROLEa" : "ROLEapp""#,
        r#"can("ROLE${var.settings.x}") ? "ROLEa" : "ROLEapp""#,
    ] {
        let (_, named) = by(expression, &[("settings.tf", settings)]);
        assert_eq!(named, ["arn:aws:iam::111122223333:role/app"], "{expression}");
    }
    // What is only not known does not fail.
    let (loaded, _) = by(r#"try("ROLE${var.unknown}", "ROLEapp")"#, &[]);
    assert_eq!(of_role(&loaded, "other"), ANYTHING);
}

#[test]
fn what_an_open_list_gives_may_be_there_or_not() {
    let policy = |statements: &str| {
        let text = format!(
            r#"
resource "aws_kms_key" "key" {{
  policy = jsonencode({{ Version = "2012-10-17", Statement = {statements} }})
}}
"#
        );
        text.replace("ROLE", "arn:aws:iam::111122223333:role/") + APP
    };
    let allow = r#"{ Effect = "Allow", Principal = { AWS = "ROLEapp" }, Action = "kms:Decrypt", Resource = "*" }"#;
    let deny = r#"{ Effect = "Deny", Principal = "*", Action = "kms:Decrypt", Resource = "*" }"#;
    for (statements, expected) in [
        (format!("concat([{allow}], [for v in compact([var.unknown]) : {deny}])"), ANYTHING),
        (format!("[for v in compact([var.unknown]) : {allow}]"), ANYTHING),
        (format!("[for v in flatten([[\"x\"], var.unknown]) : {allow}]"), ALWAYS),
        (format!("[for v in compact([\"x-${{var.unknown}}\"]) : {allow}]"), ALWAYS),
    ] {
        let loaded = loaded_as(&[("main.tf", &policy(&statements))], &pinned());
        assert_eq!(of_role(&loaded, "app"), expected, "{statements}");
    }
}

#[test]
fn memberships_and_attachments_by_open_lists_may_be_there_or_not() {
    let code = r#"
variable "unknown" {}
resource "aws_kms_key" "key" {}
resource "aws_iam_user" "one" { name = "one" }
resource "aws_iam_user" "two" { name = "two" }
resource "aws_iam_user" "three" { name = "three" }
resource "aws_iam_group" "use" { name = "use" }
resource "aws_iam_policy" "use" {
  name   = "use"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }] })
}
resource "aws_iam_group_policy_attachment" "use" {
  group      = aws_iam_group.use.name
  policy_arn = aws_iam_policy.use.arn
}
resource "aws_iam_user_group_membership" "one" {
  user   = aws_iam_user.one.name
  groups = [for v in compact([var.unknown]) : aws_iam_group.use.name]
}
resource "aws_iam_policy_attachment" "two" {
  name       = "two"
  policy_arn = aws_iam_policy.use.arn
  users      = [for v in compact([var.unknown]) : aws_iam_user.two.name]
}
resource "aws_iam_user_group_membership" "three" {
  user   = aws_iam_user.three.name
  groups = [for v in [var.unknown] : aws_iam_group.use.name]
}
"#;
    let loaded = loaded_as(&[("main.tf", code)], &pinned());
    for (name, expected) in [("one", ANYTHING), ("two", ANYTHING), ("three", ALWAYS)] {
        let user = format!("arn:aws:iam::111122223333:user/{name}");
        assert_eq!(bounds_of(&loaded, &user, KmsAction::DECRYPT), expected, "{name}");
    }
}

#[test]
fn what_is_of_two_types_is_not_the_same() {
    let flags = r#"
variable "text" {
  type    = string
  default = true
}
variable "flag" {
  type    = bool
  default = "true"
}
variable "number" {
  type    = number
  default = "5"
}
"#;
    for (condition, expected) in [
        (r#""true" == true"#, "no"),
        (r#""5" == 5"#, "no"),
        (r#"["a"] == "a""#, "no"),
        (r#"["a"] == ["a"]"#, "yes"),
        (r#"var.text == "true""#, "yes"),
        ("var.flag == true", "yes"),
        ("var.number == 5.0", "yes"),
        (r#"tostring(5) == "5""#, "yes"),
        (r#"tonumber("5") == 5"#, "yes"),
        (r#"tobool("true") == true"#, "yes"),
        ("true == 1", "no"),
    ] {
        let expression = format!("{condition} ? \"ROLEyes\" : \"ROLEno\"");
        let (_, named) = by(&expression, &[("flags.tf", flags)]);
        assert_eq!(named, [format!("arn:aws:iam::111122223333:role/{expected}")], "{condition}");
    }
    let (loaded, _) = by(r#"var.unknown == true ? "ROLEapp" : "ROLEother""#, &[]);
    assert_eq!(of_role(&loaded, "app"), ANYTHING);
}

#[test]
fn functions_of_lists_take_null_as_terraform_does() {
    let own = "[\"arn:aws:iam::this-account:role/own\"]";
    let other = "[\"arn:aws:iam::this-account:role/other\"]";
    for principal in [
        format!("coalescelist(null, {own})"),
        format!("coalescelist([], null, {own}, {other})"),
        format!("coalesce(null, {own}, {other})"),
        format!("try(coalescelist(null, []), {own})"),
        format!("try(concat(null, {other}), {own})"),
        format!("try(lookup({{ a = {other} }}, \"b\"), {own})"),
        format!("toset(null) == null ? {own} : {other}"),
        "[for name in setintersection([\"own\", \"other\"], [\"own\"]) : \
          \"arn:aws:iam::this-account:role/${name}\"]"
            .to_owned(),
        format!("[for nth in range(1, 2) : concat({other}, {own})[nth]]"),
        format!("[for nth in range(1, 0) : concat({other}, {own})[nth]]"),
        format!("[for row in setproduct([\"a\"], {own}, [\"b\"]) : row[1]]"),
    ] {
        let found = named(&loaded(&[("main.tf", &key(&principal))]));
        assert_eq!(found, ["arn:aws:iam::this-account:role/own"], "{principal}");
    }
    // What is not known may be null, and then the next one counts.
    let open =
        format!("variable \"given\" {{}}\n{}", key(&format!("coalescelist(var.given, {own})")));
    let loaded = loaded(&[("main.tf", &open)]);
    assert_eq!(bounds(&loaded, "role/own", KmsAction::DECRYPT), ANYTHING);
}

#[test]
fn an_object_type_drops_what_it_does_not_declare() {
    let variable = r#"
variable "of" {
  type    = object({ a = string })
  default = { a = "ROLEa", b = "ROLEb" }
}
"#;
    for (expression, expected) in
        [("var.of.a", "a"), (r#"try(var.of.b, "ROLEnone")"#, "none"), ("values(var.of)", "a")]
    {
        let (_, named) = by(expression, &[("variable.tf", variable)]);
        assert_eq!(named, [format!("arn:aws:iam::111122223333:role/{expected}")], "{expression}");
    }
}

#[test]
fn texts_of_a_list_that_is_not_known_are_any_number() {
    let one = r#"length(formatlist("ROLE%s", var.unknown)) == 1 ? "ROLEapp" : "ROLEother""#;
    let (loaded, _) = by(one, &[]);
    assert_eq!(of_role(&loaded, "app"), ANYTHING);
    assert_eq!(of_role(&loaded, "other"), ANYTHING);
    let (loaded, _) = by(r#"formatlist("ROLEx-%s", var.unknown)"#, &[]);
    assert_eq!(of_role(&loaded, "x-1"), ANYTHING);
}

#[test]
fn values_in_json_win_over_those_beside_and_automatic_ones_over_both() {
    let variable = ("variable.tf", "variable \"role\" {}\n");
    let plain = ("terraform.tfvars", "role = \"ROLEplain\"\n");
    let json = ("terraform.tfvars.json", "{ \"role\": \"ROLEjson\" }\n");
    let automatic = ("a.auto.tfvars", "role = \"ROLEautomatic\"\n");
    for (files, expected) in [
        (vec![variable, plain], "plain"),
        (vec![variable, plain, json], "json"),
        (vec![variable, plain, json, automatic], "automatic"),
    ] {
        let (_, named) = by("var.role", &files);
        assert_eq!(named, [format!("arn:aws:iam::111122223333:role/{expected}")]);
    }
}

#[test]
fn what_grows_without_bounds_is_not_known() {
    let mut lists =
        "locals {\n  l0 = [\"ROLEapp\"]\n  o0 = \"ROLEapp\"\n  j0 = \"ROLEapp\"\n".to_owned();
    for number in 1..=35 {
        let last = number - 1;
        lists += &format!("  l{number} = concat(local.l{last}, local.l{last})\n");
        lists += &format!("  o{number} = {{ x = local.o{last}, y = local.o{last} }}\n");
        lists += &format!("  j{number} = jsonencode([local.j{last}, local.j{last}])\n");
    }
    lists += "}\n";
    for expression in ["local.l35", "jsonencode(local.o35)", "local.j35"] {
        let (loaded, _) = by(expression, &[("locals.tf", &lists)]);
        assert_ne!(of_role(&loaded, "app"), NEVER, "{expression}");
        assert_eq!(of_role(&loaded, "other"), ANYTHING, "{expression}");
    }
    let (loaded, _) = by("local.l3", &[("locals.tf", &lists)]);
    assert_eq!((of_role(&loaded, "app"), of_role(&loaded, "other")), (ALWAYS, NEVER));
}

#[test]
fn what_code_leaves_open_of_a_key_is_no_truncated_list() {
    let code = r#"
variable "unknown" {}
resource "aws_kms_alias" "named" {
  name          = "alias/${var.unknown}"
  target_key_id = aws_kms_key.key.id
}
resource "aws_kms_alias" "counted" {
  count         = var.unknown
  name          = "alias/counted"
  target_key_id = aws_kms_key.key.id
}
resource "aws_kms_grant" "open" {
  key_id            = aws_kms_key.key.id
  grantee_principal = "arn:aws:iam::111122223333:role/granted"
  operations        = var.unknown
}
resource "aws_kms_grant" "known" {
  key_id            = aws_kms_key.key.id
  grantee_principal = "arn:aws:iam::111122223333:role/known"
  operations        = ["Decrypt"]
}
"#;
    let code = key("\"arn:aws:iam::111122223333:role/app\"") + code;
    let loaded = loaded_as(&[("main.tf", &code)], &pinned());
    let truncated = loaded.inventory.gaps.iter().filter(|gap| gap.kind.is_truncation()).count();
    assert_eq!(truncated, 0);
    let declared = loaded.inventory.declared.as_ref().unwrap();
    let told: Vec<&str> = declared.unresolved.iter().map(|stated| &*stated.value).collect();
    for expected in [
        "aws_kms_alias.named: its name",
        "how many `aws_kms_alias.counted` there are: `var.unknown`",
        "aws_kms_grant.open: what it allows",
    ] {
        assert!(told.contains(&expected), "{told:?}");
    }
    let key = loaded.inventory.keys.values().next().unwrap();
    assert!(!key.aliases_listed);
    assert_eq!(key.grants.len(), 1);
    assert_eq!(of_role(&loaded, "granted"), ANYTHING);
}

#[test]
fn a_replica_is_of_the_kind_of_its_primary() {
    let code = r#"
provider "aws" {
  region = "eu-west-1"
}
provider "aws" {
  alias  = "other"
  region = "us-east-1"
}
resource "aws_kms_key" "primary" {
  multi_region             = true
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
}
resource "aws_kms_replica_key" "replica" {
  provider        = aws.other
  primary_key_arn = aws_kms_key.primary.arn
}
resource "aws_kms_replica_key" "elsewhere" {
  provider        = aws.other
  primary_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"
}
"#;
    let loaded = loaded_as(&[("main.tf", code)], &pinned());
    let kinds = loaded.inventory.keys.values().map(|key| {
        let metadata = key.metadata.as_ref().unwrap();
        let kind = metadata.spec.as_deref().zip(metadata.usage.as_deref());
        (key.arn.region(), key.arn.id().contains("primary"), kind)
    });
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort();
    let sign = Some(("ECC_NIST_P256", "SIGN_VERIFY"));
    let expected =
        [("eu-west-1", true, sign), ("us-east-1", false, None), ("us-east-1", true, sign)];
    assert_eq!(kinds, expected);
}

#[test]
fn exclusive_attachments_attach() {
    let code = r#"
resource "aws_kms_key" "key" {}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_iam_user" "one" { name = "one" }
resource "aws_iam_user" "two" { name = "two" }
resource "aws_iam_group" "use" { name = "use" }
resource "aws_iam_user_group_membership" "two" {
  user   = aws_iam_user.two.name
  groups = [aws_iam_group.use.name]
}
resource "aws_iam_policy" "use" {
  name   = "use"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }] })
}
resource "aws_iam_role_policies_exclusive" "app" {
  role_name    = aws_iam_role.app.name
  policy_names = []
}
"#;
    let exclusive = |kind: &str, name: &str| {
        format!(
            "resource \"aws_iam_{kind}_policy_attachments_exclusive\" \"of\" {{\n  {kind}_name = {name}\n  policy_arns = [aws_iam_policy.use.arn]\n}}\n"
        )
    };
    let all = [
        ("role/app", exclusive("role", "aws_iam_role.app.name")),
        ("user/one", exclusive("user", "aws_iam_user.one.name")),
        ("user/two", exclusive("group", "aws_iam_group.use.name")),
    ];
    for (name, attachment) in &all {
        for (attachment, expected) in [("", NEVER), (attachment.as_str(), ALWAYS)] {
            let code = code.to_owned() + attachment;
            let loaded = loaded_as(&[("main.tf", &code)], &pinned());
            let caller = format!("arn:aws:iam::111122223333:{name}");
            assert_eq!(bounds_of(&loaded, &caller, KmsAction::DECRYPT), expected, "{name}");
        }
    }
}

#[test]
fn what_two_roots_of_one_account_declare_by_one_address_is_told_apart() {
    let root = |name: &str| {
        format!(
            r#"
resource "aws_kms_key" "this" {{
  description = "{name}"
}}
resource "aws_kms_alias" "this" {{
  name          = "alias/{name}"
  target_key_id = aws_kms_key.this.id
}}
resource "aws_iam_role" "this" {{
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [] }})
}}
"#
        )
    };
    let (data, logs) = (root("data"), root("logs"));
    let told = |files: &[(&str, &str)]| -> Vec<(String, String, Vec<String>)> {
        let loaded = loaded_as(files, &pinned());
        assert!(loaded.inventory.conflicts.is_empty());
        assert_eq!(loaded.inventory.principal_count(), files.len());
        let key = |key: &keyreach::inventory::Key| {
            let description = key.metadata.as_ref().unwrap().description.clone();
            let aliases = key.aliases.iter().map(|alias| alias.name().to_owned()).collect();
            (key.arn.id().to_owned(), description.unwrap_or_default().into(), aliases)
        };
        loaded.inventory.keys.values().map(|of| key(of)).collect()
    };
    let of = |id: &str, name: &str| (id.to_owned(), name.to_owned(), vec![format!("alias/{name}")]);
    let both = told(&[("data/main.tf", &data), ("envs/logs/main.tf", &logs)]);
    let expected = [of("aws_kms_key.this", "data"), of("envs.logs.aws_kms_key.this", "logs")];
    assert_eq!(both, expected);
    // Nothing changes where there is one.
    assert_eq!(told(&[("envs/logs/main.tf", &logs)]), [of("aws_kms_key.this", "logs")]);
}

#[test]
fn a_module_with_a_provider_of_its_own_is_where_that_works() {
    let main = r#"
provider "aws" {
  region = "eu-west-1"
}
variable "elsewhere" {}
module "of" {
  source = "./of"
  role   = "arn:aws:iam::444455556666:role/deploy"
}
"#;
    let child = |provider: &str| {
        format!(
            "variable \"role\" {{}}\nvariable \"open\" {{}}\nprovider \"aws\" {{\n{provider}\n}}\nresource \"aws_kms_key\" \"key\" {{}}\n"
        )
    };
    for (provider, account, region) in [
        ("", Some("111122223333"), "eu-west-1"),
        ("alias = \"proxy\"", Some("111122223333"), "eu-west-1"),
        ("region = \"us-east-1\"", Some("111122223333"), "us-east-1"),
        (
            "region = \"us-east-1\"\nassume_role {\nrole_arn = var.role\n}",
            Some("444455556666"),
            "us-east-1",
        ),
        ("region = \"us-east-1\"\nassume_role {\nrole_arn = var.open\n}", None, "us-east-1"),
        ("region = \"us-east-1\"\nprofile = \"other\"", None, "us-east-1"),
    ] {
        let loaded = loaded_as(&[("main.tf", main), ("of/main.tf", &child(provider))], &pinned());
        let arn = &loaded.inventory.keys.values().next().unwrap().arn;
        let known = Some(arn.account()).filter(|account| !account.is_symbol());
        assert_eq!(known.map(|known| known.to_string()).as_deref(), account, "{provider}");
        assert_eq!(arn.region(), region, "{provider}");
    }
}

/// A module may make a key or not: what is said of its first key is said of no other.
#[test]
fn an_index_into_a_block_whose_count_is_not_known_names_what_the_block_makes() {
    let code = r#"
variable "create" { type = bool }
data "aws_caller_identity" "me" {}
resource "aws_kms_key" "other" {}
resource "aws_kms_key" "this" {
  count = var.create ? 1 : 0
}
resource "aws_kms_key_policy" "this" {
  count  = var.create ? 1 : 0
  key_id = aws_kms_key.this[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:*", Resource = "*",
                   Principal = { AWS = "arn:aws:iam::444455556666:root" } }]
  })
}
resource "aws_kms_grant" "this" {
  count             = var.create ? 1 : 0
  key_id            = try(aws_kms_key.this[0].key_id, "")
  grantee_principal = "arn:aws:iam::444455556666:role/x"
  operations        = ["Encrypt"]
}
"#;
    let loaded = loaded_as(&[("main.tf", code)], &pinned());
    let on = |caller: &str, action, key: &str| {
        let key = format!("arn:aws:kms:this-region:111122223333:key/aws_kms_key.{key}");
        bounds_on(&loaded, caller, action, &key)
    };
    let (root, outsider) = ("arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:role/x");
    assert_eq!(on(root, KmsAction::DECRYPT, "other"), ALWAYS);
    assert_eq!(on(root, KmsAction::DECRYPT, "this[each]"), ANYTHING);
    for action in [KmsAction::DECRYPT, KmsAction::ENCRYPT] {
        assert_eq!(on(outsider, action, "other"), NEVER);
        assert_eq!(on(outsider, action, "this[each]"), ANYTHING);
    }
}

/// An index that is not there fails, and `try` goes on.
#[test]
fn what_try_goes_on_to_stays_possible_behind_an_index_that_may_not_be_there() {
    let of = |who: &str| {
        let code = format!(
            "variable \"n\" {{ type = number }}\nresource \"aws_iam_role\" \"app\" {{\n  count = var.n\n  \
             name = \"app\"\n  assume_role_policy = \"{{}}\"\n}}\n{}",
            key(who)
        );
        bounds(&loaded(&[("main.tf", &code)]), "role/ops", KmsAction::DECRYPT)
    };
    let other = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/ops";
    assert_eq!(of("aws_iam_role.app[0].arn"), NEVER);
    assert_eq!(of(&format!("try(aws_iam_role.app[0].arn, \"{other}\")")), ANYTHING);
}

#[test]
fn functions_of_the_provider_and_of_terraform_itself_are_known_by_their_whole_names() {
    for expression in [
        r#"provider::aws::arn_build("aws", "iam", "", "111122223333", "role/app")"#,
        r#"provider::aws::trim_iam_role_path("ROLEa/b/app")"#,
        r#""arn:aws:iam::${provider::aws::arn_parse("ROLEx").account_id}:role/app""#,
        r#"core::join("", ["ROLE", "app"])"#,
    ] {
        let (_, named) = by(expression, &[]);
        assert_eq!(named, ["arn:aws:iam::111122223333:role/app"], "{expression}");
    }
    // What is not known of an ARN stays open, and so does a function of another provider.
    for expression in [
        r#"provider::aws::arn_build("aws", "iam", "", "111122223333", "role/${var.unknown}")"#,
        r#"provider::other::arn_build("aws", "iam", "", "111122223333", "role/app")"#,
    ] {
        assert_eq!(of_role(&by(expression, &[]).0, "app"), ANYTHING, "{expression}");
    }
}
