//! Parts of a policy that nobody knows: of the verdicts on a key those are open that hang on them, and no others.
//! What the values of Terraform come to, where they are known, is asked in `terraform_values.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ALWAYS, ANYTHING, NEVER, bounds_of, loaded_as, pinned};
use keyreach::aws::KmsAction;
use keyreach::decision::Bound;
use keyreach::ingest::{Loaded, load_deployed};
use keyreach::source::Memory;

/// Statements of a heredoc behind the one for the account.
fn heredoc(statements: &str) -> Loaded {
    let code = format!(
        r#"
variable "x" {{}}
variable "names" {{ type = list(string) }}
data "aws_caller_identity" "current" {{}}
resource "aws_kms_key" "key" {{
  policy = <<EOF
{{ "Version": "2012-10-17",
  "Statement": [
    {{ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
      "Principal": {{ "AWS": "arn:aws:iam::${{data.aws_caller_identity.current.account_id}}:root" }} }}{statements}
  ]
}}
EOF
}}
"#
    );
    loaded_as(&[("main.tf", &code)], &pinned())
}

const SERVICE: &str = "sns.amazonaws.com";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const OUTSIDER: &str = "arn:aws:iam::444455556666:role/x";

/// A key whose policy has these statements behind the one for its account.
fn key(statements: &str) -> Loaded {
    let code = format!(
        r#"
variable "x" {{}}
variable "names" {{ type = list(string) }}
data "aws_caller_identity" "current" {{}}
resource "aws_kms_key" "key" {{
  policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [
      {{ Effect = "Allow", Action = "kms:*", Resource = "*",
        Principal = {{ AWS = "arn:aws:iam::${{data.aws_caller_identity.current.account_id}}:root" }} }},
      {statements}
    ]
  }})
}}
"#
    );
    loaded_as(&[("main.tf", &code)], &pinned())
}

/// Rules C10 to C19, C30, C32, C33.
#[test]
fn what_a_condition_compares_with_does_not_matter_where_the_key_is_missing() {
    for (operator, expected) in [
        ("StringEquals", NEVER),
        ("StringNotEquals", ALWAYS),
        ("StringEqualsIfExists", ALWAYS),
        ("StringNotEqualsIfExists", ALWAYS),
        ("ForAnyValue:StringNotEquals", NEVER),
        ("ForAllValues:StringEquals", ALWAYS),
        ("DateLessThan", NEVER),
        ("NumericNotEquals", ALWAYS),
        ("Null", ANYTHING),
    ] {
        // No request of a service carries it.
        let statement = format!(
            r#"{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ Service = "{SERVICE}" }},
                 Condition = {{ "{operator}" = {{ "aws:PrincipalOrgID" = var.x }} }} }},"#
        );
        let found = bounds_of(&key(&statement), SERVICE, KmsAction::DECRYPT);
        assert_eq!(found, expected, "{operator}");
    }
    // Some requests carry it, and some do not.
    for (operator, expected) in [
        ("StringEquals", (Bound::Never, Bound::Conditional)),
        ("StringNotEqualsIfExists", (Bound::Conditional, Bound::Always)),
    ] {
        let statement = format!(
            r#"{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ Service = "{SERVICE}" }},
                 Condition = {{ {operator} = {{ "kms:EncryptionContext:app" = var.x }} }} }},"#
        );
        let found = bounds_of(&key(&statement), SERVICE, KmsAction::DECRYPT);
        assert_eq!(found, expected, "{operator}");
    }
}

#[test]
fn an_effect_that_is_not_known_leaves_open_what_the_statement_is_about() {
    let statement = r#"{ Effect = var.x, Action = "kms:Decrypt", Resource = "*",
        Principal = { AWS = "arn:aws:iam::444455556666:root" } },"#;
    let document = r#"
variable "x" {}
data "aws_caller_identity" "current" {}
data "aws_iam_policy_document" "key" {
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
  statement {
    effect    = "${var.x}"
    actions   = ["kms:Decrypt"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::444455556666:root"]
    }
  }
}
resource "aws_kms_key" "key" { policy = data.aws_iam_policy_document.key.json }
"#;
    for loaded in [key(statement), loaded_as(&[("main.tf", document)], &pinned())] {
        assert_eq!(bounds_of(&loaded, ROOT, KmsAction::DECRYPT), ALWAYS);
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::DECRYPT), ANYTHING);
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::ENCRYPT), NEVER);
    }
}

#[test]
fn what_a_directive_may_add_to_a_list_leaves_the_rest_as_it_is() {
    let of = |who: &str, action: &str| {
        format!(
            r#"{{ "Effect": "Allow", "Action": "kms:{action}", "Resource": "*", "Principal": {{ "AWS": {who} }} }}"#
        )
    };
    let each = of(r#""arn:aws:iam::${name}:root""#, "Decrypt");
    let partner = of("\"444455556666\"", "Decrypt");
    let last = of(&format!("\"{SERVICE}\""), "Sign").replace("AWS", "Service");
    let either = format!("%{{ if var.x }}{partner}%{{ else }}{each}%{{ endif }}")
        .replace("${name}", "000011112222");
    let among = |part: &str| of(&format!(r#"["777788889999"{part}]"#), "Decrypt");
    for statements in [
        format!("%{{ for name in var.names }},{each}%{{ endfor }}"),
        format!(",%{{ for name in var.names ~}}\n{each},\n%{{ endfor ~}}\n{last}"),
        format!("%{{ for i, name in var.names }}%{{ if i >= 0 }},%{{ endif }}{each}%{{ endfor }}"),
        format!(", {last}%{{ if var.x }}, {partner}%{{ endif }}"),
        format!(", {either}, {last}"),
        format!(", {either} , %{{ if var.x }}{last},%{{ endif }}{last}"),
        format!(
            ", {}",
            among(r#"%{ for name in var.names }, "arn:aws:iam::${name}:root"%{ endfor }"#)
        ),
        format!(
            ", {}",
            among(r#"%{ if var.x }, "444455556666", "arn:aws:iam::000011112222:root"%{ endif }"#)
        ),
        format!(
            ", {}",
            of(r#"%{ if var.x }"444455556666"%{ else }["000011112222"]%{ endif }"#, "Decrypt")
        ),
    ] {
        let loaded = heredoc(&statements);
        assert_eq!(bounds_of(&loaded, ROOT, KmsAction::DECRYPT), ALWAYS, "{statements}");
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::DECRYPT), ANYTHING, "{statements}");
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::ENCRYPT), NEVER, "{statements}");
        let expected = if statements.contains("kms:Sign") { ALWAYS } else { NEVER };
        assert_eq!(bounds_of(&loaded, SERVICE, KmsAction::SIGN), expected, "{statements}");
    }
}

#[test]
fn what_a_directive_may_add_that_is_no_part_of_a_list_leaves_all_open() {
    let statement = r#", { "Effect": "Allow", "Action": ["kms:Decrypt%{ if var.x }", "kms:Sign%{ endif }"], "Resource": "*",
                     "Principal": { "AWS": "444455556666" } }"#;
    let closed = r#"%{ if var.x }], "Id": "x", "Statement": [%{ endif }"#;
    let polarity = r#", { "Effect": "Allow", "Resource": "*", "Principal": { "AWS": "444455556666" },
                     %{ if var.x }"Action": "kms:Verify"%{ else }"NotAction": "kms:Verify"%{ endif } }"#;
    let name = r#", { "Effect": "Allow", "Action": "kms:Sign", "Resource": "*", "Principal": { "AWS": "444455556666" }
                 %{ if var.x }, "${var.names[0]}": {}%{ endif } }"#;
    let twice = r#", { "Effect": "Allow", "Action": "kms:Sign", "Resource": "*", "Principal": { "AWS": "444455556666" }
                  %{ if var.x }, "Action": "kms:Verify"%{ endif } }"#;
    for statements in [statement, closed, polarity, name, twice] {
        let found = bounds_of(&heredoc(statements), OUTSIDER, KmsAction::SIGN);
        assert_eq!(found, ANYTHING, "{statements}");
    }
}

#[test]
fn what_a_directive_may_add_to_an_object_leaves_the_rest_as_it_is() {
    let condition = r#""Condition": { "Bool": { "aws:SecureTransport": "true" } }"#;
    let of = |members: &str| {
        format!(
            r#", {{ "Effect": "Allow", "Action": "kms:Sign", "Resource": "*" {members} "Principal": {{ "AWS": "444455556666" }} }}"#
        )
    };
    for statements in [
        of(&format!("%{{ if var.x }}, {condition}%{{ endif }},")),
        of(&format!(", %{{ if var.x ~}}\n {condition},\n%{{ endif ~}}\n")),
        of(&format!(
            ", %{{ if var.x }}{condition}%{{ else }}{}%{{ endif }},",
            condition.replace("true", "false")
        )),
        of(&format!(", %{{ if var.x }}{condition}, %{{ if var.names[0] }}\"Sid\": \"Own\",%{{ endif }}%{{ endif }}")),
        of(r#", "Condition": { %{ if var.x }"Bool": { "aws:SecureTransport": "true" }%{ endif } },"#),
        of(",").replace(
            r#""Principal": { "AWS": "444455556666" }"#,
            r#""Principal": { %{ if var.x }"AWS": "444455556666", %{ endif } "Service": "sns.amazonaws.com" }"#,
        ),
    ] {
        let loaded = heredoc(&statements);
        assert_eq!(bounds_of(&loaded, ROOT, KmsAction::DECRYPT), ALWAYS, "{statements}");
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::DECRYPT), NEVER, "{statements}");
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::SIGN), ANYTHING, "{statements}");
    }
}

#[test]
fn what_each_of_several_policies_says_stands_there_whichever_it_is() {
    let statement = |who: &str, action: &str| {
        format!(
            r#"{{ Effect = "Allow", Action = "kms:{action}", Resource = "*", Principal = {{ AWS = "{who}" }} }}"#
        )
    };
    let root = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root";
    let of = |otherwise: &str| {
        let policy = |statements: &str| {
            format!("jsonencode({{ Version = \"2012-10-17\", Statement = [{statements}] }})")
        };
        let first =
            policy(&format!("{}, {}", statement(root, "*"), statement("444455556666", "Sign")));
        let code = format!(
            "variable \"x\" {{}}\ndata \"aws_caller_identity\" \"current\" {{}}\nresource \"aws_kms_key\" \"key\" {{\n  \
             policy = var.x ? {first} : {}\n}}\n",
            policy(otherwise)
        );
        loaded_as(&[("main.tf", &code)], &pinned())
    };
    let same = of(&format!("{}, {}", statement("111122223333", "Verify"), statement(root, "*")));
    assert_eq!(bounds_of(&same, ROOT, KmsAction::DECRYPT), ALWAYS);
    assert_eq!(bounds_of(&same, OUTSIDER, KmsAction::SIGN), ANYTHING);
    assert_eq!(bounds_of(&same, OUTSIDER, KmsAction::DECRYPT), NEVER);
    let other = of(&statement(root, "Verify"));
    assert_eq!(bounds_of(&other, ROOT, KmsAction::DECRYPT), ANYTHING);
}

#[test]
fn a_string_that_may_end_where_a_quote_is_written_says_nothing_of_what_is_behind() {
    let of = |who: &str| {
        format!(
            r#", {{ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Principal": {{ "AWS": ["{who}"] }} }}"#
        )
    };
    for who in [
        r#"arn:aws:iam::777788889999:role/${join("\",\"arn:aws:iam::444455556666:role/", var.names)}"#,
        r#"arn:aws:iam::777788889999:role/a${var.x ? "\",\"*" : ""}"#,
        r#"${join("\",\"", var.names)}"#,
    ] {
        let loaded = heredoc(&of(who));
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::DECRYPT), ANYTHING, "{who}");
        assert_eq!(bounds_of(&loaded, OUTSIDER, KmsAction::ENCRYPT), NEVER, "{who}");
    }
    let pinned = of(r#"arn:aws:iam::777788889999:role/${join("/", var.names)}"#);
    assert_eq!(bounds_of(&heredoc(&pinned), OUTSIDER, KmsAction::DECRYPT), NEVER);
}

#[test]
fn a_template_of_a_policy_with_a_loop_is_read() {
    let mut files = Memory::default();
    files.put(
        "policy.json.tftpl",
        r#"{ "Version": "2012-10-17", "Statement": [
%{ for account in accounts ~}
{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::${account}:root" }, "Action": "kms:Decrypt", "Resource": "*" },
%{ endfor ~}
{ "Effect": "Allow", "Principal": "*", "Action": "kms:Sign", "Resource": "*" } ] }"#,
    );
    let loaded = load_deployed(&files, &[".".to_owned()], &pinned());
    let [policy] = loaded.inventory.loose.as_slice() else { panic!("{:?}", loaded.problems) };
    assert!(policy.document.written().contains("kms:Sign"));
}
