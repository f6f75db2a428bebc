//! What code gives to something that another root, the other language or an export beside it has: a policy,
//! a group, a grant or an alias. Where it is certain to whom, he has it; else nobody knows whether he does.
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
use keyreach::aws::{AccountId, KeyArn, KmsAction};
use keyreach::ingest::{Deployment, Loaded};
use serde_json::{Value, json};

const EXPORTED: &str =
    "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// What could not be resolved as a whole.
fn unresolved(loaded: &Loaded) -> Vec<&str> {
    let declared = loaded.inventory.declared.as_ref().unwrap();
    declared.unresolved.iter().map(|stated| &*stated.value).collect()
}

fn pinned() -> Deployment {
    let account = AccountId::parse("111122223333").unwrap();
    let mut deployment = Deployment { account, ..Deployment::default() };
    deployment.in_region("eu-west-1");
    deployment
}

/// An export of one key that leaves all to IAM, and of two roles that may do nothing.
fn beside_files() -> [(&'static str, String); 4] {
    let role = |name: &str| {
        json!({ "Path": "/", "RoleName": name, "RoleId": "AROA1", "RolePolicyList": [], "AttachedManagedPolicies": [],
            "Arn": format!("arn:aws:iam::111122223333:role/{name}"),
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [] } })
    };
    let details = json!({ "UserDetailList": [], "GroupDetailList": [], "Policies": [], "IsTruncated": false,
        "RoleDetailList": [role("app"), role("other")] });
    let metadata = json!({ "KeyMetadata": {
        "Arn": EXPORTED, "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "AWSAccountId": "111122223333",
        "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER", "KeyState": "Enabled", "MultiRegion": false
    } });
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": { "AWS": "arn:aws:iam::111122223333:root" } }] });
    let policy = json!({ "Policy": policy.to_string(), "PolicyName": "default" });
    [
        ("iam/account-authorization-details.json", details.to_string()),
        ("kms/describe-key.json", metadata.to_string()),
        ("kms/get-key-policy.json", policy.to_string()),
        ("kms/list-grants.json", json!({ "Grants": [], "Truncated": false }).to_string()),
    ]
}

/// The same, and code beside it.
fn beside(path: &str, code: &str) -> Loaded {
    let export = beside_files();
    let mut files: Vec<(&str, &str)> = export.iter().map(|(path, text)| (*path, &**text)).collect();
    files.push((path, code));
    loaded_as(&files, &pinned())
}

/// What the two roles may do with the exported key.
fn of_roles(
    loaded: &Loaded,
    action: KmsAction,
) -> [(keyreach::decision::Bound, keyreach::decision::Bound); 2] {
    ["app", "other"].map(|name| {
        let role = format!("arn:aws:iam::111122223333:role/{name}");
        bounds_on(loaded, &role, action, EXPORTED)
    })
}

/// A policy for a role, in Terraform.
fn role_policy(arguments: &str) -> String {
    format!(
        r#"
variable "v" {{}}
resource "aws_iam_role_policy" "given" {{
  name   = "given"
  {arguments}
  policy = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }}] }})
}}
"#
    )
}

/// A policy of this type for a role, in CloudFormation.
fn template_policy(of_type: &str, role: &str) -> String {
    let name = if of_type == "Policy" { "      PolicyName: given\n" } else { "" };
    format!(
        "Parameters: {{ V: {{ Type: String }} }}\nConditions:\n  IsX: !Equals [!Ref V, x]\nResources:\n  Given:\n    Type: AWS::IAM::{of_type}\n    \
         Properties:\n{name}      Roles: [{role}]\n      PolicyDocument:\n        Version: 2012-10-17\n        \
         Statement: [{{ Effect: Allow, Action: 'kms:Decrypt', Resource: '*' }}]\n"
    )
}

#[test]
fn a_policy_in_code_is_given_to_the_exported_role_that_it_names() {
    let told = "aws_iam_role_policy.given: its role is not declared here";
    for (arguments, expected, open) in [
        ("role = \"app\"", [ALWAYS, NEVER], false),
        ("role = \"app\"\n  count = var.v", [ANYTHING, NEVER], false),
        ("role = var.v", [ANYTHING, ANYTHING], true),
        ("role = \"${var.v}p\"", [ANYTHING, NEVER], true),
        ("role = \"none\"", [NEVER, NEVER], true),
    ] {
        let loaded = beside("main.tf", &role_policy(arguments));
        assert_eq!(of_roles(&loaded, KmsAction::DECRYPT), expected, "{arguments}");
        assert_eq!(of_roles(&loaded, KmsAction::ENCRYPT), [NEVER, NEVER], "{arguments}");
        assert_eq!(unresolved(&loaded).contains(&told), open, "{arguments}");
    }
    for (role, expected, open, loose) in [
        ("app", [ALWAYS, NEVER], false, 0),
        ("!Ref V", [ANYTHING, ANYTHING], true, 0),
        ("!If [IsX, app, none]", [ANYTHING, NEVER], true, 0),
        ("none", [NEVER, NEVER], true, 1),
    ] {
        for of_type in ["Policy", "ManagedPolicy"] {
            let loaded = beside("t.yaml", &template_policy(of_type, role));
            assert_eq!(of_roles(&loaded, KmsAction::DECRYPT), expected, "{of_type} {role}");
            let told = "Given: its role is not declared here";
            assert_eq!(unresolved(&loaded).contains(&told), open, "{of_type} {role}");
            // What nobody has is looked at all the same.
            let left = if of_type == "Policy" { loose } else { 0 };
            assert_eq!(loaded.inventory.loose.len(), left, "{of_type} {role}");
        }
    }
}

#[test]
fn a_policy_that_is_attached_in_code_is_attached_to_the_exported_role() {
    let code = |policy: &str| {
        format!(
            "variable \"v\" {{}}\nresource \"aws_iam_policy\" \"use\" {{\n  name = \"use\"\n  policy = jsonencode({{ \
             Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:Decrypt\", Resource = \"*\" \
             }}] }})\n}}\nresource \"aws_iam_role_policy_attachment\" \"a\" {{\n  role = \"app\"\n  \
             policy_arn = {policy}\n}}\n"
        )
    };
    for (policy, expected) in [
        ("aws_iam_policy.use.arn", ALWAYS),
        ("var.v", ANYTHING),
        ("\"arn:aws:iam::111122223333:policy/elsewhere\"", ANYTHING),
        ("\"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore\"", NEVER),
    ] {
        let loaded = beside("main.tf", &code(policy));
        assert_eq!(of_roles(&loaded, KmsAction::DECRYPT), [expected, NEVER], "{policy}");
    }
}

#[test]
fn code_without_a_word_of_kms_matters_for_exported_keys() {
    let code = "resource \"aws_iam_role_policy\" \"all\" {\n  name = \"all\"\n  role = \"app\"\n  policy = jsonencode({ \
                Version = \"2012-10-17\", Statement = [{ Effect = \"Allow\", Action = \"*\", Resource = \"*\" }] })\n}\n";
    let loaded = beside("main.tf", code);
    assert_eq!(of_roles(&loaded, KmsAction::DECRYPT), [ALWAYS, NEVER]);
}

#[test]
fn a_grant_or_key_policy_in_code_is_given_to_the_exported_key_that_it_names() {
    let grant = |key: &str| {
        format!(
            "variable \"v\" {{}}\nresource \"aws_kms_grant\" \"g\" {{\n  key_id = {key}\n  grantee_principal = \
             \"arn:aws:iam::111122223333:role/app\"\n  operations = [\"Encrypt\"]\n}}\n"
        )
    };
    let id = "\"1234abcd-12ab-34cd-56ef-1234567890ab\"";
    for (key, expected) in [
        (format!("\"{EXPORTED}\""), ALWAYS),
        (id.to_owned(), ALWAYS),
        ("var.v".to_owned(), ANYTHING),
        (id.replace("1234", "4321"), NEVER),
    ] {
        let loaded = beside("main.tf", &grant(&key));
        assert_eq!(of_roles(&loaded, KmsAction::ENCRYPT), [expected, NEVER], "{key}");
    }
    let policy = |key: &str, principal: &str| {
        format!(
            "variable \"v\" {{}}\nresource \"aws_kms_key_policy\" \"p\" {{\n  key_id = {key}\n  policy = jsonencode({{ \
             Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"kms:*\", Resource = \"*\", \
             Principal = {{ AWS = \"arn:aws:iam::111122223333:{principal}\" }} }}] }})\n}}\n"
        )
    };
    for (key, principal, expected, conflicts) in [
        // The export says what is in force, and code what will be.
        (id, "role/app", ANYTHING, 1),
        (id, "root", NEVER, 0),
        ("var.v", "role/app", ANYTHING, 0),
        ("var.v", "root", NEVER, 0),
    ] {
        let loaded = beside("main.tf", &policy(key, principal));
        let [app, _] = of_roles(&loaded, KmsAction::ENCRYPT);
        assert_eq!(app, expected, "{key} {principal}");
        assert_eq!(loaded.inventory.conflicts.len(), conflicts, "{key} {principal}");
    }
}

#[test]
fn an_alias_in_code_is_one_of_the_exported_key_that_it_points_to() {
    let alias = |key: &str| {
        format!(
            "variable \"v\" {{}}\nresource \"aws_kms_alias\" \"a\" {{\n  name = \"alias/app\"\n  target_key_id = {key}\n}}\n"
        )
    };
    let key = KeyArn::parse(EXPORTED).unwrap();
    for (target, count) in [(format!("\"{EXPORTED}\""), 1), ("var.v".to_owned(), 0)] {
        let loaded = beside("main.tf", &alias(&target));
        assert_eq!(loaded.inventory.key(&key).unwrap().aliases.len(), count, "{target}");
        assert_eq!(loaded.inventory.aliases.len(), count, "{target}");
    }
}

/// A role and a key, in Terraform.
const ROLE: &str = r#"
resource "aws_kms_key" "key" {}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#;

#[test]
fn a_policy_of_another_root_or_language_is_given_to_the_role_that_it_names() {
    let template = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n  App:\n    Type: AWS::IAM::Role\n    Properties:\n      \
                    RoleName: app\n      AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n";
    let audit =
        "provider \"aws\" {\n  alias = \"audit\"\n  assume_role {\n    role_arn = var.v\n  }\n}\n";
    for (role, arguments, expected) in [
        (("a/main.tf", ROLE), "role = \"app\"", ALWAYS),
        (("a/main.tf", ROLE), "role = \"${var.v}-app\"", NEVER),
        (("a/main.tf", ROLE), "role = var.v", ANYTHING),
        // Which account the provider has nobody knows.
        (("a/main.tf", ROLE), "provider = aws.audit\n  role = \"app\"", ANYTHING),
        (("a/main.tf", ROLE), "provider = aws.audit\n  role = \"other\"", NEVER),
        (("t.yaml", template), "role = \"app\"", ALWAYS),
        (("t.yaml", template), "role = \"other\"", NEVER),
    ] {
        let mut code = role_policy(arguments);
        if arguments.contains("audit") {
            code += audit;
        }
        let loaded = loaded(&[role, ("b/main.tf", &code)]);
        assert_eq!(
            bounds(&loaded, "role/app", KmsAction::DECRYPT),
            expected,
            "{role:?} {arguments}"
        );
    }
    for (of_type, role, expected) in [
        ("Policy", "app", ALWAYS),
        ("ManagedPolicy", "app", ALWAYS),
        ("Policy", "!Ref V", ANYTHING),
        ("Policy", "other", NEVER),
    ] {
        let loaded = loaded(&[("main.tf", ROLE), ("t.yaml", &template_policy(of_type, role))]);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), expected, "{of_type} {role}");
    }
}

#[test]
fn a_user_of_another_root_has_what_its_group_has() {
    let users = r#"
resource "aws_kms_key" "key" {}
resource "aws_iam_user" "app" {
  name = "app"
}
resource "aws_iam_group" "team" {
  name = "team"
}
resource "aws_iam_group_policy" "team" {
  name   = "use"
  group  = aws_iam_group.team.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Decrypt", Resource = "*" }] })
}
"#;
    for (user, expected) in [("\"app\"", ALWAYS), ("var.v", ANYTHING), ("\"other\"", NEVER)] {
        let code = format!(
            "variable \"v\" {{}}\nresource \"aws_iam_user_group_membership\" \"m\" {{\n  user   = {user}\n  \
             groups = [\"team\"]\n}}\n"
        );
        let loaded = loaded(&[("a/main.tf", users), ("b/main.tf", &code)]);
        assert_eq!(bounds(&loaded, "user/app", KmsAction::DECRYPT), expected, "{user}");
    }
}

/// An export of one account with a role and a key in an organization in which nothing is denied.
fn organization() -> Vec<(String, String)> {
    let export = beside_files();
    let mut files: Vec<(String, String)> =
        export.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
    let full = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let mut add = |path: &str, value: Value| {
        files.push((format!("organizations/{path}"), value.to_string()));
    };
    add(
        "describe-organization.json",
        json!({ "Organization": { "Id": "o-1234567890", "MasterAccountId": "444455556666", "FeatureSet": "ALL" } }),
    );
    add(
        "list-accounts.json",
        json!({ "Accounts": [{ "Id": "111122223333", "Name": "one" }, { "Id": "444455556666", "Name": "main" }] }),
    );
    add(
        "list-roots.json",
        json!({ "Roots": [{ "Id": "r-abcd", "Name": "Root",
            "PolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }] }] }),
    );
    add("list-organizational-units-for-parent.r-abcd.json", json!({ "OrganizationalUnits": [] }));
    add(
        "list-accounts-for-parent.r-abcd.json",
        json!({ "Accounts": [{ "Id": "111122223333", "Name": "one" }, { "Id": "444455556666", "Name": "main" }] }),
    );
    add(
        "policies/p-FullAWSAccess/describe-policy.json",
        json!({ "Policy": { "PolicySummary": { "Id": "p-FullAWSAccess", "Name": "FullAWSAccess",
            "Type": "SERVICE_CONTROL_POLICY" }, "Content": full.to_string() } }),
    );
    add(
        "policies/p-FullAWSAccess/list-targets-for-policy.json",
        json!({ "Targets": [{ "TargetId": "r-abcd", "Type": "ROOT" }, { "TargetId": "111122223333", "Type": "ACCOUNT" },
            { "TargetId": "444455556666", "Type": "ACCOUNT" }] }),
    );
    files
}

#[test]
fn a_policy_of_the_organization_in_code_limits_the_exported_accounts_that_it_is_attached_to() {
    let terraform = |target: &str| {
        format!(
            "variable \"v\" {{}}\nresource \"aws_organizations_policy\" \"scp\" {{\n  name = \"guard\"\n  content = \
             jsonencode({{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Deny\", Action = \"kms:Decrypt\", \
             Resource = \"*\" }}] }})\n}}\nresource \"aws_organizations_policy_attachment\" \"scp\" {{\n  \
             policy_id = aws_organizations_policy.scp.id\n  target_id = {target}\n}}\n"
        )
    };
    let template = |target: &str| {
        format!(
            "Parameters: {{ V: {{ Type: String }} }}\nResources:\n  Scp:\n    Type: AWS::Organizations::Policy\n    \
             Properties:\n      Name: guard\n      Type: SERVICE_CONTROL_POLICY\n      TargetIds: [{target}]\n      \
             Content:\n        Version: 2012-10-17\n        \
             Statement: [{{ Effect: Deny, Action: 'kms:Decrypt', Resource: '*' }}]\n"
        )
    };
    for (path, code, expected) in [
        ("main.tf", terraform("\"r-abcd\""), NEVER),
        ("main.tf", terraform("\"111122223333\""), NEVER),
        ("main.tf", terraform("\"444455556666\""), ALWAYS),
        ("main.tf", terraform("var.v"), ANYTHING),
        ("t.yaml", template("r-abcd"), NEVER),
        ("t.yaml", template("'444455556666'"), ALWAYS),
        ("t.yaml", template("!Ref V"), ANYTHING),
    ] {
        let files = organization();
        let mut files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (&**path, &**text)).collect();
        files.push((path, &code));
        let loaded = loaded_as(&files, &pinned());
        let root = "arn:aws:iam::111122223333:root";
        let found = |action| bounds_on(&loaded, root, action, EXPORTED);
        assert_eq!(found(KmsAction::DECRYPT), expected, "{code}");
        assert_eq!(found(KmsAction::ENCRYPT), ALWAYS, "{code}");
    }
}

#[test]
fn a_policy_of_an_organization_that_was_not_exported_may_limit_the_accounts_it_names() {
    let code = |of_type: &str, principal: &str, target: &str| {
        format!(
            r#"
variable "v" {{}}
data "aws_caller_identity" "current" {{}}
resource "aws_kms_key" "key" {{}}
resource "aws_organizations_policy" "guard" {{
  name    = "guard"
  type    = "{of_type}"
  content = jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Deny", {principal} Action = "kms:Decrypt", Resource = "*" }}] }})
}}
resource "aws_organizations_policy_attachment" "guard" {{
  policy_id = aws_organizations_policy.guard.id
  target_id = {target}
}}
"#
        )
    };
    let of_this = "data.aws_caller_identity.current.account_id";
    for (of_type, principal) in
        [("SERVICE_CONTROL_POLICY", ""), ("RESOURCE_CONTROL_POLICY", "Principal = \"*\",")]
    {
        for (target, expected) in [
            (of_this, ANYTHING),
            ("\"444455556666\"", ANYTHING),
            ("\"r-abcd\"", ANYTHING),
            ("\"ou-abcd-11112222\"", ANYTHING),
            ("\"nothing\"", ALWAYS),
            ("var.v", ANYTHING),
        ] {
            let code = code(of_type, principal, target);
            let loaded = loaded(&[("main.tf", &code)]);
            assert_eq!(bounds(&loaded, "root", KmsAction::DECRYPT), expected, "{code}");
            assert_eq!(bounds(&loaded, "root", KmsAction::ENCRYPT), ALWAYS, "{code}");
            let declared = loaded.inventory.declared.as_ref().unwrap();
            assert_eq!(declared.unresolved.len(), 1, "{code}");
        }
        // An account with a number is no other.
        for (target, expected) in [
            ("\"111122223333\"", ANYTHING),
            ("\"444455556666\"", ALWAYS),
            ("\"r-abcd\"", ANYTHING),
            ("var.v", ANYTHING),
        ] {
            let loaded = loaded_as(&[("main.tf", &code(of_type, principal, target))], &pinned());
            let root = "arn:aws:iam::111122223333:root";
            assert_eq!(bounds_of(&loaded, root, KmsAction::DECRYPT), expected, "{target}");
        }
    }
}

#[test]
fn what_terraform_makes_of_identities_counts_for_the_keys_of_templates() {
    let template = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n";
    let role = r#"
resource "aws_iam_role" "admin" {
  name               = "admin"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
  inline_policy {
    name   = "all"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }] })
  }
}
"#;
    let loaded = loaded(&[("key.yaml", template), ("main.tf", role)]);
    assert_eq!(bounds(&loaded, "role/admin", KmsAction::DECRYPT), ALWAYS);
}
