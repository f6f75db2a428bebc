//! What `check` says of Terraform: each fault of the source once, whatever instances it has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::Value;
use support::command::{Folder, keyreach};

const PUBLIC: &str = r#"  enable_key_rotation = true
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:*", Resource = "*", Principal = { AWS = "*" } }] })
"#;

/// The findings of a check in the folder.
fn found(folder: &Folder, args: &[&str]) -> Vec<Value> {
    let args = [&["check", ".", "--format", "json", "--now", "2026-01-01"], args].concat();
    let run = keyreach(&args).within(folder.path()).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    report["findings"].as_array().unwrap().clone()
}

fn of_rule<'f>(found: &'f [Value], rule: &str) -> Vec<&'f Value> {
    found.iter().filter(|finding| finding["rule"] == rule).collect()
}

fn text<'f>(finding: &'f Value, member: &str) -> &'f str {
    finding[member].as_str().unwrap()
}

/// A key, made as `meta` says.
fn key(folder: &Folder, meta: &str) {
    folder.put("main.tf", format!("resource \"aws_kms_key\" \"k\" {{\n{meta}{PUBLIC}}}\n"));
}

#[test]
fn a_fault_of_a_block_is_told_once_with_its_instances() {
    let folder = Folder::new("terraform-instances");
    key(&folder, "  for_each = toset([\"a\", \"b\", \"c\"])\n");
    let all = found(&folder, &[]);
    let public = of_rule(&all, "public-key-access");
    assert_eq!(public.len(), 1, "{all:?}");
    let message = text(public[0], "message");
    let instances = r#"; the same for aws_kms_key.k["b"], aws_kms_key.k["c"]"#;
    assert!(message.contains(r#"aws_kms_key.k["a"] for"#), "{message}");
    assert!(message.ends_with(instances), "{message}");
}

#[test]
fn instances_of_modules_are_told_once_as_well() {
    let folder = Folder::new("terraform-module-instances");
    folder.put("m/main.tf", format!("resource \"aws_kms_key\" \"k\" {{\n{PUBLIC}}}\n"));
    let many = "module \"m\" {\n  source = \"./m\"\n  for_each = toset([\"a\", \"b\"])\n}\n";
    folder.put("main.tf", many);
    let all = found(&folder, &[]);
    assert_eq!(of_rule(&all, "public-key-access").len(), 1, "{all:?}");
}

#[test]
fn indices_do_not_bring_back_what_is_known() {
    let folder = Folder::new("terraform-baseline");
    key(&folder, "");
    let args = ["check", ".", "--now", "2026-01-01", "--write-baseline", "baseline.json"];
    keyreach(&args).within(folder.path()).run();
    let with = ["--persona", "auditor", "--baseline", "baseline.json"];
    for meta in ["", "  count = 2\n", "  for_each = toset([\"a\"])\n"] {
        key(&folder, meta);
        assert!(!found(&folder, &["--persona", "auditor"]).is_empty());
        let new = found(&folder, &with);
        assert!(of_rule(&new, "public-key-access").is_empty(), "{meta}: {new:?}");
    }
}

#[test]
fn what_is_not_known_is_told_once_for_all_its_uses() {
    let folder = Folder::new("terraform-uses");
    let policy = |name: &str, action: &str| {
        format!(
            "resource \"aws_iam_user_policy\" \"{name}\" {{\n  name   = \"{name}\"\n  user   = \
             aws_iam_user.u.name\n  policy = jsonencode({{ Version = \"2012-10-17\", Statement = [\n    {{ Effect = \
             \"Allow\", Action = \"{action}\", Resource = \"*\" }}] }})\n}}\n"
        )
    };
    let user = "variable \"verb\" {}\nresource \"aws_iam_user\" \"u\" { name = \"u\" }\n";
    let (one, two) = (policy("one", "kms:${var.verb}"), policy("two", "kms:${var.verb}"));
    let other = policy("other", "kms:Re${var.verb}");
    folder.put("iam.tf", format!("{user}{one}{two}{other}"));
    folder.put("key.tf", "resource \"aws_kms_key\" \"k\" {\n  enable_key_rotation = true\n}\n");
    let all = found(&folder, &["--select", "unresolved-reference"]);
    assert_eq!(all.len(), 2, "{all:?}");
    let told = all.iter().find(|it| text(it, "message").contains("`kms:${var.verb}`")).unwrap();
    assert!(text(told, "message").contains("; the same for "), "{told}");
    assert!(text(told, "message").ends_with("/inline/two"), "{told}");
    let lines = told["locations"].as_array().unwrap().iter().map(|at| at["line"].as_u64());
    assert_eq!(lines.collect::<Vec<_>>(), [Some(7), Some(13)], "{told}");
}

#[test]
fn what_is_open_in_each_instance_of_a_module_is_told_once() {
    let folder = Folder::new("terraform-open-instances");
    let key = "variable \"name\" {}\nresource \"aws_kms_key\" \"k\" {}\nresource \"aws_kms_alias\" \"a\" {\n  \
               name          = \"alias/${var.name}\"\n  target_key_id = aws_kms_key.k.key_id\n}\n";
    folder.put("m/main.tf", key);
    let call =
        |name: &str| format!("module \"{name}\" {{\n  source = \"./m\"\n  name   = var.name\n}}\n");
    folder.put("main.tf", format!("variable \"name\" {{}}\n{}{}", call("a"), call("b")));
    let args = ["check", ".", "--format", "json", "--now", "2026-01-01"];
    let run = keyreach(&args).within(folder.path()).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let open = report["summary"]["coverage"]["unresolved"].as_array().unwrap();
    let names: Vec<&str> = open.iter().filter_map(Value::as_str).collect();
    let told = "module.a.aws_kms_alias.a: its name and 1 more like it";
    assert!(names.contains(&told), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("module.b")), "{names:?}");
}

#[test]
fn a_module_that_is_not_here_is_told_once_for_all_its_calls() {
    let folder = Folder::new("terraform-absent");
    let call = |name: &str, source: &str| {
        format!("module \"{name}\" {{\n  source = \"org/{source}/aws\"\n}}\n")
    };
    let calls = [call("a", "kms"), call("b", "kms"), call("c", "vpc")].concat();
    let key = |name: &str| {
        format!("resource \"aws_kms_key\" \"{name}\" {{\n  count = var.is_made ? 1 : 0\n}}\n")
    };
    let keys = ["k", "l", "m"].map(key).concat();
    folder.put("main.tf", format!("variable \"is_made\" {{}}\n{keys}{calls}"));
    let args = ["check", ".", "--format", "json", "--now", "2026-01-01"];
    let run = keyreach(&args).within(folder.path()).run();
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let open = report["summary"]["coverage"]["unresolved"].as_array().unwrap();
    let names: Vec<&str> = open.iter().filter_map(Value::as_str).collect();
    assert!(names.contains(&"module.a: `org/kms/aws` is not here and 1 more like it"), "{names:?}");
    assert!(names.contains(&"module.c: `org/vpc/aws` is not here"), "{names:?}");
    let counted = "how many `aws_kms_key.k` there are: `var.is_made ? 1 : 0` and 2 more like it";
    assert!(names.contains(&counted), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("module.b")), "{names:?}");
}

#[test]
fn what_makes_it_known_is_told_in_its_own_words() {
    let folder = Folder::new("terraform-remedies");
    let strict = ["--strict", "--select", "unresolved-reference"];
    folder.put("main.tf", "resource \"aws_kms_key\" \"k\" {}\n");
    folder.put("broken.tf", "resource \"aws_kms_key_policy\" \"k\" {\n  policy = jsonencode({\n");
    let broken = found(&folder, &strict);
    assert_eq!(broken.len(), 1, "{broken:?}");
    let message = text(&broken[0], "message");
    assert!(message.contains("hangs on what a broken file says of aws_kms_key.k"), "{message}");
    assert!(text(&broken[0], "help").starts_with("mend the broken file"), "{broken:?}");
    let guard = |target: &str| {
        format!(
            "resource \"aws_organizations_policy_attachment\" \"{target}\" {{\n  policy_id = \
             aws_organizations_policy.guard.id\n  target_id = \"ou-abcd-{target}\"\n}}\n"
        )
    };
    let policy = "resource \"aws_organizations_policy\" \"guard\" {\n  name    = \"guard\"\n  content = \
                  jsonencode({ Version = \"2012-10-17\", Statement = [{ Effect = \"Deny\", Action = \"kms:Decrypt\", \
                  Resource = \"*\" }] })\n}\n";
    folder.put("broken.tf", format!("{policy}{}{}", guard("one"), guard("two")));
    let limits = found(&folder, &strict);
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert_eq!(limits[0]["locations"].as_array().unwrap().len(), 2, "{limits:?}");
    assert!(text(&limits[0], "help").contains("`--account ID`"), "{limits:?}");
    assert!(!text(&limits[0], "message").contains("the same"), "{limits:?}");
}

const GRANTED: &str = r#"data "aws_caller_identity" "current" {}
resource "aws_kms_key" "k" {
  enable_key_rotation = true
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:*", Resource = "*",
      Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" } }] })
}
resource "aws_kms_grant" "g" {
  key_id            = aws_kms_key.k.key_id
  grantee_principal = "arn:aws:iam::444455556666:role/partner"
  operations        = ["Decrypt"]
}
"#;

#[test]
fn a_grant_is_told_once_and_taken_back_in_the_code() {
    let folder = Folder::new("terraform-grant");
    folder.put("main.tf", GRANTED);
    let all = found(&folder, &["--persona", "auditor"]);
    assert_eq!(of_rule(&all, "grant-too-wide").len(), 0, "{all:?}");
    // What external-grantee explains is told without it.
    let without = found(&folder, &["--persona", "auditor", "--ignore", "external-grantee"]);
    let wide = of_rule(&without, "grant-too-wide");
    assert_eq!(wide.len(), 1, "{without:?}");
    assert_eq!(wide[0]["principals"][0], "arn:aws:iam::444455556666:role/partner");
    let external = of_rule(&all, "external-grantee");
    assert_eq!(external.len(), 1, "{all:?}");
    assert_eq!(external[0]["severity"], "high");
    let help = text(external[0], "help");
    assert!(help.starts_with("take aws_kms_grant.g out of the code"), "{help}");
}

const OWN: &str = r#"resource "aws_kms_key" "k" {
  enable_key_rotation = true
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "kms:*", Resource = "*",
      Principal = { AWS = "arn:aws:iam::111122223333:root" } },
    { Effect = "Allow", Action = ["kms:Encrypt", "kms:Decrypt"], Resource = "*",
      Principal = { AWS = "arn:aws:iam::111122223333:role/App" } }] })
}
"#;

#[test]
fn an_account_that_may_be_its_own_is_no_outsider() {
    let folder = Folder::new("terraform-own");
    folder.put("main.tf", OWN);
    let regular = found(&folder, &[]);
    assert!(regular.is_empty(), "{regular:?}");
    let all = found(&folder, &["--persona", "auditor"]);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (text(&all[0], "rule"), text(&all[0], "confidence")),
        ("external-account-access", "low")
    );
    assert!(text(&all[0], "help").contains("--account"), "{all:?}");
    // Where it belongs to another account, it is one.
    let pinned = found(&folder, &["--account", "444455556666"]);
    let granting = of_rule(&pinned, "unconstrained-create-grant");
    assert_eq!(granting.len(), 1, "{pinned:?}");
    assert_eq!(granting[0]["explains"]["external-account-access"], 1, "{pinned:?}");
    let own = found(&folder, &["--account", "111122223333"]);
    assert!(of_rule(&own, "external-account-access").is_empty(), "{own:?}");
}

#[test]
fn an_account_that_may_not_manage_the_key_is_not_its_own() {
    let folder = Folder::new("terraform-partner");
    let partner = r#"{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*",
      Principal = { AWS = "arn:aws:iam::444455556666:root" } }"#;
    folder.put("main.tf", OWN.replace("}] })", &format!("}}, {partner}] }})")));
    let regular = found(&folder, &[]);
    assert_eq!(regular.len(), 1, "{regular:?}");
    let message = text(&regular[0], "message");
    assert!(message.starts_with("account 444455556666, which nobody declared"), "{message}");
}

#[test]
fn what_one_directive_adds_to_a_list_stands_there_together() {
    let statement = |effect: &str| {
        format!(
            r#", {{"Effect": "{effect}", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}}"#
        )
    };
    let (allow, deny) = (statement("Allow"), statement("Deny"));
    let of = |text: &str| {
        let folder = Folder::new("terraform-directives");
        folder.put(
            "main.tf",
            format!(
                "variable \"x\" {{}}\nvariable \"more\" {{}}\nresource \"aws_kms_key\" \"k\" {{\n  policy = <<EOF\n\
                 {{\"Version\": \"2012-10-17\", \"Statement\": [\n{{\"Effect\": \"Allow\", \"Principal\": {{\"AWS\": \"111122223333\"}}, \
                 \"Action\": \"kms:*\", \"Resource\": \"*\"}}\n{text}\n]}}\nEOF\n}}\n"
            ),
        );
        let found = found(&folder, &[]);
        assert_eq!(of_rule(&found, "malformed-policy").len(), 0, "{text}: {found:?}");
        of_rule(&found, "public-key-access").len()
    };
    let (condition, list) = ("if var.x == \"y\"", "for it in concat([\"a\", \"b\"], var.more)");
    for directive in [condition, list] {
        let within = |added: &str| {
            let end = if directive == condition { "endif" } else { "endfor" };
            of(&format!("%{{ {directive} }}{added}%{{ {end} }}"))
        };
        assert_eq!(within(&allow), 1, "{directive}");
        assert_eq!(within(&format!("{allow}{deny}")), 0, "{directive}");
    }
    let both = |then: &str, otherwise: &str| {
        of(&format!("%{{ {condition} }}{then}%{{ else }}{otherwise}%{{ endif }}"))
    };
    assert_eq!(both(&allow, &deny), 1);
    assert_eq!(both(&format!("{allow}{deny}"), &deny), 0);
    assert_eq!(both("", &allow), 1);
    assert_eq!(both("", &format!("{allow}{deny}")), 0);
}
