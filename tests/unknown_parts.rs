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
use keyreach::ingest::Loaded;

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
            r#"{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = "{OUTSIDER}" }},
                 Condition = {{ {operator} = {{ "aws:SourceVpce" = var.x }} }} }},"#
        );
        let found = bounds_of(&key(&statement), OUTSIDER, KmsAction::DECRYPT);
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
