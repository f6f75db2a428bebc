//! Infrastructure code beside exports, and code of several accounts and Regions: where the two may be one,
//! no verdict says `never`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ALWAYS, ANYTHING, NEVER, bounds_on, loaded_as};
use keyreach::aws::{AccountId, KmsAction};
use keyreach::decision::Bound;
use keyreach::ingest::{Deployment, Loaded};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const EXPORTED: &str =
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn pinned() -> Deployment {
    Deployment { account: AccountId::parse(ACCOUNT).unwrap(), ..Deployment::default() }
}

fn statement(principal: &str, action: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": action, "Resource": "*" })
}

/// An export of one key with this policy and these grants.
fn export(statements: &[Value], grants: &Value) -> [(&'static str, String); 3] {
    let metadata = json!({ "KeyMetadata": {
        "Arn": EXPORTED, "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "AWSAccountId": ACCOUNT,
        "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER", "KeyState": "Enabled", "MultiRegion": false
    } });
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    let policy = json!({ "Policy": policy.to_string(), "PolicyName": "default" });
    let grants = json!({ "Grants": grants, "Truncated": false });
    [
        ("kms/describe-key.json", metadata.to_string()),
        ("kms/get-key-policy.json", policy.to_string()),
        ("kms/list-grants.json", grants.to_string()),
    ]
}

/// A role whose name is not known, that may do this with some keys.
fn role(resource: &str) -> String {
    format!(
        r#"
data "aws_caller_identity" "me" {{}}
data "aws_region" "here" {{}}
resource "aws_iam_role" "app" {{
  name_prefix        = "app-"
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [] }})
}}
resource "aws_iam_role_policy" "app" {{
  name   = "app"
  role   = aws_iam_role.app.name
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "{resource}" }}]
  }})
}}
"#
    )
}

fn beside(code: &str, export: &[(&'static str, String)]) -> Loaded {
    let mut files: Vec<(&str, &str)> = vec![("main.tf", code)];
    files.extend(export.iter().map(|(path, text)| (*path, text.as_str())));
    loaded_as(&files, &pinned())
}

const SYMBOL: &str = "arn:aws:iam::111122223333:role/aws_iam_role.app";

#[test]
fn an_exported_key_policy_may_name_a_role_that_has_no_name_yet() {
    let root = statement("arn:aws:iam::111122223333:root", "kms:PutKeyPolicy");
    for (named, expected) in [("app-20260101", ANYTHING), ("other", NEVER)] {
        let principal = format!("arn:aws:iam::{ACCOUNT}:role/{named}");
        let export = export(&[root.clone(), statement(&principal, "kms:Decrypt")], &json!([]));
        let loaded = beside(&role("arn:aws:kms:us-east-1:444455556666:key/x"), &export);
        assert_eq!(bounds_on(&loaded, SYMBOL, KmsAction::DECRYPT, EXPORTED), expected, "{named}");
        // Whom the policy names it names all the same: what is not exported could only narrow that.
        assert_eq!(bounds_on(&loaded, &principal, KmsAction::DECRYPT, EXPORTED).1, Bound::Always);
    }
}

#[test]
fn an_exported_grant_may_be_for_a_role_that_has_no_name_yet() {
    let root = statement("arn:aws:iam::111122223333:root", "kms:PutKeyPolicy");
    for (named, expected) in [("app-20260101", ANYTHING), ("other", NEVER)] {
        let grants = json!([{
            "KeyId": EXPORTED, "GrantId": "g1", "Operations": ["Decrypt"],
            "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:role/{named}"),
        }]);
        let export = export(std::slice::from_ref(&root), &grants);
        let loaded = beside(&role("arn:aws:kms:us-east-1:444455556666:key/x"), &export);
        assert_eq!(bounds_on(&loaded, SYMBOL, KmsAction::DECRYPT, EXPORTED), expected, "{named}");
    }
}

#[test]
fn an_identity_policy_of_the_region_that_is_deployed_to_may_mean_an_exported_key() {
    let root = statement("arn:aws:iam::111122223333:root", "kms:*");
    let account = "${data.aws_caller_identity.me.account_id}";
    for (region, expected) in [
        ("${data.aws_region.here.name}", ANYTHING),
        ("*", ALWAYS),
        ("eu-west-1", ALWAYS),
        ("us-east-1", NEVER),
    ] {
        let code = role(&format!("arn:aws:kms:{region}:{account}:key/*"));
        let loaded = beside(&code, &export(std::slice::from_ref(&root), &json!([])));
        assert_eq!(bounds_on(&loaded, SYMBOL, KmsAction::DECRYPT, EXPORTED), expected, "{region}");
    }
}

#[test]
fn a_declared_key_policy_may_mean_an_exported_role() {
    let trust = json!({ "Version": "2012-10-17", "Statement": [] });
    let exported = |name: &str| {
        json!({ "Path": "/", "RoleName": name, "RoleId": "AROA1", "Arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            "AssumeRolePolicyDocument": trust, "RolePolicyList": [], "AttachedManagedPolicies": [] })
    };
    let details = json!({ "UserDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": false,
        "RoleDetailList": [exported("app-1"), exported("other")] });
    let key = r#"
resource "aws_kms_key" "key" {
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = { AWS = aws_iam_role.app.arn } }]
  })
}
"#;
    let code = role("arn:aws:kms:us-east-1:444455556666:key/x") + key;
    let loaded = beside(&code, &[("iam/account-authorization-details.json", details.to_string())]);
    let declared = loaded.inventory.keys.values().next().unwrap().arn.to_string();
    let of = |name: &str| {
        let caller = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        bounds_on(&loaded, &caller, KmsAction::DECRYPT, &declared)
    };
    assert_eq!(of("aws_iam_role.app"), ALWAYS);
    assert_eq!(of("app-1"), ANYTHING);
    assert_eq!(of("other"), NEVER);
}

/// A key of the default provider, and a role of another account whose number is not known.
fn two_accounts(named: &str) -> String {
    format!(
        r#"
variable "role" {{}}
provider "aws" {{
  region = "eu-west-1"
}}
provider "aws" {{
  alias  = "audit"
  region = "eu-west-1"
  assume_role {{
    role_arn = var.role
  }}
}}
resource "aws_kms_key" "key" {{
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = "{named}" }} }}]
  }})
}}
resource "aws_iam_role" "auditor" {{
  provider           = aws.audit
  name               = "auditor"
  assume_role_policy = jsonencode({{ Version = "2012-10-17", Statement = [] }})
  inline_policy {{
    name   = "all"
    policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "kms:*", Resource = "*" }}] }})
  }}
}}
"#
    )
}

#[test]
fn an_account_with_a_number_may_be_that_of_another_provider() {
    let auditor = "arn:aws:iam::this-audit--:role/auditor";
    for deployment in [Deployment::default(), pinned()] {
        for (named, expected) in [
            ("arn:aws:iam::444455556666:root", ANYTHING),
            ("444455556666", ANYTHING),
            ("arn:aws:iam::444455556666:role/auditor", ANYTHING),
            ("arn:aws:iam::444455556666:role/other", NEVER),
        ] {
            let loaded = loaded_as(&[("main.tf", &two_accounts(named))], &deployment);
            let key = loaded.inventory.keys.values().next().unwrap().arn.to_string();
            let found = bounds_on(&loaded, auditor, KmsAction::DECRYPT, &key);
            assert_eq!(found, expected, "{named} {deployment:?}");
        }
        // Once its number is known, another account is another.
        let mut deployment = deployment.clone();
        deployment.variables.insert("role".into(), "arn:aws:iam::777788889999:role/deploy".into());
        let code = two_accounts("arn:aws:iam::444455556666:root");
        let loaded = loaded_as(&[("main.tf", &code)], &deployment);
        let key = loaded.inventory.keys.values().next().unwrap().arn.to_string();
        let auditor = "arn:aws:iam::777788889999:role/auditor";
        assert_eq!(bounds_on(&loaded, auditor, KmsAction::DECRYPT, &key), NEVER);
    }
}

#[test]
fn the_region_that_is_deployed_to_may_be_that_of_another_provider() {
    let code = r#"
provider "aws" {}
provider "aws" {
  alias  = "virginia"
  region = "us-east-1"
}
data "aws_region" "here" {}
resource "aws_kms_key" "key" {
  provider = aws.virginia
}
resource "aws_iam_user" "app" {
  name = "app"
}
resource "aws_iam_user_policy" "app" {
  name   = "app"
  user   = aws_iam_user.app.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "arn:aws:kms:REGION:*:key/*" }]
  })
}
"#;
    for (region, expected) in
        [("${data.aws_region.here.name}", ANYTHING), ("us-east-1", ALWAYS), ("eu-west-1", NEVER)]
    {
        let code = code.replace("REGION", region);
        let loaded = loaded_as(&[("main.tf", &code)], &Deployment::default());
        let key = loaded.inventory.keys.values().next().unwrap().arn.to_string();
        let user = "arn:aws:iam::this-account:user/app";
        assert_eq!(bounds_on(&loaded, user, KmsAction::DECRYPT, &key), expected, "{region}");
    }
}

#[test]
fn code_whose_names_are_open_is_not_judged_beside_a_scenario() {
    let scenario =
        "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles:\n      app-1: {}\n";
    let files = [("main.tf", role("*")), ("world.yaml", scenario.to_owned())];
    let mut memory = keyreach::source::Memory::default();
    files.iter().for_each(|(path, text)| memory.put(*path, text.as_str()));
    let loaded = keyreach::ingest::load_deployed(&memory, &[".".to_owned()], &pinned());
    let told: Vec<&str> = loaded.problems.iter().map(|problem| &*problem.message).collect();
    assert!(told.iter().any(|message| message.contains("a scenario stands beside it")), "{told:?}");
}
