//! What has no name yet, or an id that nobody knows before it is made, may be what a literal names: no
//! verdict says `never` there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ALWAYS, ANYTHING, NEVER, bounds, bounds_on, loaded};
use keyreach::audit::Coverage;
use keyreach::aws::KmsAction;

/// A key policy that names a role, and nothing else.
fn key(principal: &str) -> String {
    format!(
        r#"
resource "aws_kms_key" "key" {{
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*", Principal = {{ AWS = "{principal}" }} }}]
  }})
}}
"#
    )
}

/// A role with these arguments.
fn role(arguments: &str) -> String {
    format!(
        "variable \"v\" {{}}\nresource \"aws_iam_role\" \"app\" {{\n  {arguments}\n  \
         assume_role_policy = jsonencode({{ Version = \"2012-10-17\", Statement = [] }})\n}}\n"
    )
}

const ACCOUNT: &str = "111122223333";

#[test]
fn a_role_without_a_known_name_may_be_the_one_that_a_key_policy_names() {
    let symbol = "role/aws_iam_role.app";
    for (arguments, caller, named, expected) in [
        ("name = var.v", symbol, "role/app", ANYTHING),
        ("name = \"${var.v}-app\"", symbol, "role/dev-app", ANYTHING),
        ("name = \"${var.v}-app\"", symbol, "role/dev-other", NEVER),
        ("name_prefix = \"app-\"", symbol, "role/app-1", ANYTHING),
        ("name_prefix = \"app-\"", symbol, "role/other", NEVER),
        ("", symbol, "role/terraform-2026", ANYTHING),
        ("name = \"\"", symbol, "role/terraform-2026", ANYTHING),
        (
            "name = \"app\"\n  path = var.v",
            "role/aws_iam_role.app.path/app",
            "role/x/app",
            ANYTHING,
        ),
        ("name = \"app\"\n  path = \"/y/\"", "role/y/app", "role/x/app", NEVER),
        ("name = \"app\"", "role/app", "role/app", ANYTHING),
    ] {
        let text = role(arguments) + &key(&format!("arn:aws:iam::{ACCOUNT}:{named}"));
        let found = bounds(&loaded(&[("main.tf", &text)]), caller, KmsAction::DECRYPT);
        assert_eq!(found, expected, "{arguments} {named}");
    }
}

#[test]
fn a_policy_of_one_root_or_language_may_name_a_role_of_another() {
    let policy = key(&format!("arn:aws:iam::{ACCOUNT}:role/app"));
    let roots = [("a/main.tf", role("name = var.v")), ("b/main.tf", policy.clone())];
    let template = "Parameters: { Name: { Type: String } }\nResources:\n  App:\n    \
                    Type: AWS::IAM::Role\n    Properties:\n      RoleName: !Ref Name\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n";
    let languages = [("template.yaml", template.to_owned()), ("main.tf", policy)];
    for (files, caller) in [(roots, "role/aws_iam_role.app"), (languages, "role/<Name>")] {
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let found = bounds(&loaded(&files), caller, KmsAction::DECRYPT);
        assert_eq!(found, ANYTHING, "{caller}");
    }
}

#[test]
fn a_name_known_in_part_beside_another_account_may_name_a_role_of_this_one() {
    let template = "Parameters: { Env: { Type: String } }\nResources:\n  App:\n    Type: AWS::IAM::Role\n    \
                    Properties:\n      RoleName: dev-app\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n  Key:\n    \
                    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        Version: 2012-10-17\n        \
                    Statement:\n          - Effect: Allow\n            Action: kms:Decrypt\n            \
                    Resource: '*'\n            Principal: { AWS: !Sub 'arn:aws:iam::111122223333:role/${Env}-app' }\n";
    let found = bounds(&loaded(&[("t.yaml", template)]), "role/dev-app", KmsAction::DECRYPT);
    assert_eq!(found, ANYTHING);
}

#[test]
fn a_policy_for_a_role_that_is_named_by_a_literal_may_be_for_one_without_a_name() {
    let delegating = "resource \"aws_kms_key\" \"key\" {}\n";
    let given = |role: &str| {
        format!(
            "resource \"aws_iam_role_policy\" \"p\" {{\n  role = {role}\n  policy = jsonencode({{ Version = \
             \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:Decrypt\", Resource = \
             aws_kms_key.key.arn }}] }})\n}}\n"
        )
    };
    for (name, given_to, expected) in [
        ("name = var.v", "\"app\"", ANYTHING),
        ("name = \"${var.v}-app\"", "\"dev-other\"", NEVER),
        ("name = \"${var.v}-app\"", "\"${var.v}-other\"", NEVER),
        ("name = \"${var.v}-app\"", "\"dev-${var.v}\"", ANYTHING),
    ] {
        let text = role(name) + delegating + &given(given_to);
        let loaded = loaded(&[("main.tf", &text)]);
        let found = bounds(&loaded, "role/aws_iam_role.app", KmsAction::DECRYPT);
        assert_eq!(found, expected, "{name} {given_to}");
    }
}

#[test]
fn a_grant_or_key_policy_for_a_key_that_is_not_known_may_be_for_each_declared_key() {
    let base = "variable \"k\" {}\n".to_owned()
        + &role("name = \"app\"")
        + &key(&format!("arn:aws:iam::{ACCOUNT}:role/x"));
    let arn = "arn:aws:iam::${data.aws_caller_identity.c.account_id}:role/app";
    let grant = |key: &str| {
        format!(
            "data \"aws_caller_identity\" \"c\" {{}}\nresource \"aws_kms_grant\" \"g\" {{\n  key_id = {key}\n  \
             grantee_principal = \"{arn}\"\n  operations = [\"Encrypt\"]\n}}\n"
        )
    };
    let policy = |key: &str| {
        format!(
            "data \"aws_caller_identity\" \"c\" {{}}\nresource \"aws_kms_key_policy\" \"p\" {{\n  key_id = {key}\n  \
             policy = jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \
             \"kms:Encrypt\", Resource = \"*\", Principal = {{ AWS = \"{arn}\" }} }}] }})\n}}\n"
        )
    };
    let id = "\"1234abcd-12ab-34cd-56ef-1234567890ab\"";
    let multi_region = "\"mrk-1234abcd12ab34cd56ef1234567890ab\"";
    for (more, expected) in [
        (String::new(), NEVER),
        (grant("var.k"), ANYTHING),
        (policy("var.k"), ANYTHING),
        (grant(id), ANYTHING),
        (policy(id), ANYTHING),
        (grant(multi_region), NEVER),
        (policy(multi_region), NEVER),
        (grant("aws_kms_key.key.key_id"), ALWAYS),
    ] {
        let loaded = loaded(&[("main.tf", &(base.clone() + &more))]);
        // Beside it stands the key that is named so.
        let key = "arn:aws:kms:this-region:this-account:key/aws_kms_key.key";
        let of = |role: &str| {
            let role = format!("arn:aws:iam::this-account:role/{role}");
            bounds_on(&loaded, &role, KmsAction::ENCRYPT, key)
        };
        assert_eq!(of("app"), expected, "{more}");
        // Nobody else gets anything by it.
        assert_eq!(of("other"), NEVER, "{more}");
    }
}

#[test]
fn a_literal_key_in_an_iam_policy_may_be_a_declared_key() {
    let with = |resource: &str| {
        role("name = \"app\"")
            + "resource \"aws_kms_key\" \"key\" {}\n"
            + &format!(
                "resource \"aws_iam_role_policy\" \"p\" {{\n  role = aws_iam_role.app.name\n  policy = jsonencode({{ \
                 Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:Decrypt\", Resource = \
                 \"{resource}\" }}] }})\n}}\n"
            )
    };
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let template = |resource: &str| {
        format!(
            "Resources:\n  Key:\n    Type: AWS::KMS::Key\n  App:\n    Type: AWS::IAM::Role\n    Properties:\n      \
             RoleName: app\n      AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n      \
             Policies:\n        - PolicyName: p\n          PolicyDocument:\n            Version: 2012-10-17\n            \
             Statement: [{{ Effect: Allow, Action: kms:Decrypt, Resource: '{resource}' }}]\n"
        )
    };
    for (resource, expected) in [
        (format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/{id}"), ANYTHING),
        (
            format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-1234abcd12ab34cd56ef1234567890ab"),
            NEVER,
        ),
        (format!("arn:aws:kms:eu-west-1:{ACCOUNT}:alias/app"), NEVER),
        ("arn:aws:kms:*:*:key/*".to_owned(), ALWAYS),
    ] {
        let source = loaded(&[("main.tf", &with(&resource))]);
        assert_eq!(bounds(&source, "role/app", KmsAction::DECRYPT), expected, "{resource}");
        let written = loaded(&[("t.yaml", &template(&resource))]);
        assert_eq!(bounds(&written, "role/app", KmsAction::DECRYPT), expected, "{resource}");
    }
}

#[test]
fn managed_policies_that_allow_nothing_of_keys_or_everything_are_known() {
    let delegating = "resource \"aws_kms_key\" \"key\" {}\n";
    let attached = |arn: &str| {
        role("name = \"app\"")
            + delegating
            + &format!(
                "resource \"aws_iam_role_policy_attachment\" \"a\" {{\n  role = aws_iam_role.app.name\n  \
                 policy_arn = \"{arn}\"\n}}\n"
            )
    };
    for (arn, expected) in [
        ("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", NEVER),
        ("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", NEVER),
        ("arn:aws:iam::aws:policy/AmazonEC2FullAccess", ANYTHING),
        ("arn:aws:iam::aws:policy/PowerUserAccess", ALWAYS),
        ("arn:aws:iam::aws:policy/AdministratorAccess", ALWAYS),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", NEVER),
    ] {
        let loaded = loaded(&[("main.tf", &attached(arn))]);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), expected, "{arn}");
    }
    // What reads keys reads them, as far as it is known: that is told with its month.
    for (name, get) in [
        ("ReadOnlyAccess", ALWAYS),
        ("SecurityAudit", ALWAYS),
        ("job-function/ViewOnlyAccess", NEVER),
    ] {
        let loaded = loaded(&[("main.tf", &attached(&format!("arn:aws:iam::aws:policy/{name}")))]);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::GET_KEY_POLICY), get, "{name}");
        assert_eq!(bounds(&loaded, "role/app", KmsAction::LIST_RESOURCE_TAGS), ALWAYS, "{name}");
        let coverage = Coverage::of(&loaded.inventory).unwrap();
        let short = name.rsplit('/').next().unwrap();
        let is_told = |told: &String| told.contains(short) && told.contains("2026-03");
        assert!(coverage.assumed.iter().any(is_told), "{name}: {coverage:?}");
    }
    let serverless = "Transform: AWS::Serverless-2016-10-31\nResources:\n  Key:\n    Type: AWS::KMS::Key\n  F:\n    \
                      Type: AWS::Serverless::Function\n    Properties:\n      Policies: [AWSLambdaBasicExecutionRole]\n";
    let loaded = loaded(&[("t.yaml", serverless)]);
    let role = loaded.inventory.accounts.values().flat_map(|it| it.identities.values()).next();
    let name = role.unwrap().arn.rsplit_once(":").unwrap().1;
    assert_eq!(bounds(&loaded, name, KmsAction::DECRYPT), NEVER);
}
