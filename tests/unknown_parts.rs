//! A part of a policy that nobody knows leaves open what hangs on it, and nothing else.
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
    let member = r#", { "Effect": "Allow", "Action": "kms:Sign", "Resource": "*" %{ if var.x }, "Condition":
                  { "Bool": { "aws:SecureTransport": "true" } }%{ endif }, "Principal": { "AWS": "444455556666" } }"#;
    for statements in [statement, closed, member] {
        let found = bounds_of(&heredoc(statements), OUTSIDER, KmsAction::SIGN);
        assert_eq!(found, ANYTHING, "{statements}");
    }
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
