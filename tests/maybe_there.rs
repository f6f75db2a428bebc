//! What code may leave out: a role, user or group whose number or condition is not known before it is
//! deployed can do nothing where it is not there, and no more than it could where it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use declared::{ALWAYS, ANYTHING, NEVER, bounds, loaded_as};
use keyreach::aws::KmsAction;
use keyreach::ingest::Deployment;

fn with(name: &str, value: &str) -> Deployment {
    let mut deployment = Deployment::default();
    deployment.variables.insert(name.into(), value.into());
    deployment
}

#[test]
fn a_role_that_may_not_be_there_may_do_nothing_and_no_more_than_it_could() {
    let code = r#"
variable "create" { type = bool }
resource "aws_kms_key" "key" {}
resource "aws_iam_role" "app" {
  count              = var.create ? 1 : 0
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
  inline_policy {
    name   = "use"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Encrypt", Resource = "*" }] })
  }
}
"#;
    let template = "Parameters: { create: { Type: String } }\nConditions:\n  IsX: !Equals [!Ref create, 'true']\n\
                    Resources:\n  Key:\n    Type: AWS::KMS::Key\n  App:\n    Type: AWS::IAM::Role\n    \
                    Condition: IsX\n    Properties:\n      RoleName: app\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n      Policies:\n        \
                    - PolicyName: use\n          PolicyDocument:\n            Version: 2012-10-17\n            \
                    Statement: [{ Effect: Allow, Action: 'kms:Encrypt', Resource: '*' }]\n";
    for files in [[("main.tf", code)], [("t.yaml", template)]] {
        for (deployment, expected) in
            [(Deployment::default(), ANYTHING), (with("create", "true"), ALWAYS)]
        {
            let loaded = loaded_as(&files, &deployment);
            assert_eq!(bounds(&loaded, "role/app", KmsAction::ENCRYPT), expected, "{files:?}");
            assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), NEVER, "{files:?}");
        }
    }
}

#[test]
fn what_a_key_policy_gives_to_a_role_that_may_not_be_there_is_not_certain() {
    let template = "Parameters: { P: { Type: String } }\nConditions:\n  IsX: !Equals [!Ref P, x]\nResources:\n  \
                    Key:\n    Type: AWS::KMS::Key\n    Properties:\n      KeyPolicy:\n        \
                    Version: 2012-10-17\n        Statement:\n          - { Effect: Allow, Action: 'kms:Decrypt', \
                    Resource: '*', Principal: { AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:role/app' } }\n  App:\n    \
                    Type: AWS::IAM::Role\n    Condition: IsX\n    Properties:\n      RoleName: app\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n";
    for (deployment, expected) in [(Deployment::default(), ANYTHING), (with("P", "x"), ALWAYS)] {
        let loaded = loaded_as(&[("t.yaml", template)], &deployment);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), expected);
        assert_eq!(bounds(&loaded, "role/app", KmsAction::ENCRYPT), NEVER);
    }
}

#[test]
fn what_is_not_known_of_a_group_is_not_known_of_its_members() {
    let code = |group: &str, policy: &str| {
        format!(
            r#"
variable "open" {{}}
resource "aws_kms_key" "key" {{}}
resource "aws_iam_user" "app" {{
  name = "app"
}}
resource "aws_iam_user" "other" {{
  name = "other"
}}
resource "aws_iam_group" "team" {{
  {group}
  name = "team"
}}
resource "aws_iam_group_policy_attachment" "team" {{
  group      = "team"
  policy_arn = {policy}
}}
resource "aws_iam_user_group_membership" "app" {{
  user   = aws_iam_user.app.name
  groups = ["team"]
}}
"#
        )
    };
    let harmless = "\"arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore\"";
    for (group, policy, expected) in [
        ("", "var.open", ANYTHING),
        ("count = var.open", harmless, ANYTHING),
        ("", harmless, NEVER),
    ] {
        let text = code(group, policy);
        let loaded = loaded_as(&[("main.tf", &text)], &Deployment::default());
        assert_eq!(bounds(&loaded, "user/app", KmsAction::DECRYPT), expected, "{group} {policy}");
        assert_eq!(bounds(&loaded, "user/other", KmsAction::DECRYPT), NEVER, "{group} {policy}");
    }
}

#[test]
fn of_two_inline_policies_of_one_name_at_most_one_is_in_force() {
    let template = |of_one: &str, of_two: &str| {
        let role = |name: &str| {
            format!(
                "  {name}:\n    Type: AWS::IAM::Role\n    Properties:\n      \
                 AssumeRolePolicyDocument: {{ Version: 2012-10-17, Statement: [] }}\n"
            )
        };
        let policy = |name: &str, roles: &str, action: &str| {
            format!(
                "  {name}:\n    Type: AWS::IAM::Policy\n    Properties:\n      PolicyName: p\n      \
                 Roles: [{roles}]\n      PolicyDocument:\n        Version: 2012-10-17\n        \
                 Statement: [{{ Effect: Allow, Action: '{action}', Resource: '*' }}]\n"
            )
        };
        format!(
            "Parameters: {{ P: {{ Type: String }} }}\nConditions:\n  IsX: !Equals [!Ref P, x]\nResources:\n  \
             Key:\n    Type: AWS::KMS::Key\n{}{}{}{}",
            role("A"),
            role("B"),
            policy("One", of_one, "kms:Decrypt"),
            policy("Two", of_two, "kms:Encrypt"),
        )
    };
    let (either, other) = ("!If [IsX, !Ref A, !Ref B]", "!If [IsX, !Ref B, !Ref A]");
    // Decrypt and Encrypt of the one role, and of the other; and how many conflicts are noted.
    for (of_one, of_two, of_a, of_b, conflicts) in [
        (either, other, [ANYTHING, ANYTHING], [ANYTHING, ANYTHING], 0),
        ("!Ref A", either, [ANYTHING, ANYTHING], [NEVER, ANYTHING], 0),
        ("!Ref A", "!Ref B", [ALWAYS, NEVER], [NEVER, ALWAYS], 0),
        ("!Ref A", "!Ref A", [ANYTHING, ANYTHING], [NEVER, NEVER], 1),
    ] {
        let text = template(of_one, of_two);
        let loaded = loaded_as(&[("t.yaml", &text)], &Deployment::default());
        for (name, expected) in [("A", of_a), ("B", of_b)] {
            let role = format!("role/<StackName>-{name}-<{name}>");
            let found = [KmsAction::DECRYPT, KmsAction::ENCRYPT]
                .map(|action| bounds(&loaded, &role, action));
            assert_eq!(found, expected, "{name}: {of_one} {of_two}");
        }
        assert_eq!(loaded.inventory.conflicts.len(), conflicts, "{of_one} {of_two}");
    }
}

#[test]
fn a_state_is_read_as_what_the_source_beside_it_moves_and_removes() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let arn = format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
    let state = serde_json::json!({ "version": 4, "lineage": "x", "terraform_version": "1.9.0", "resources": [
        { "mode": "managed", "type": "aws_kms_key", "name": "old",
            "instances": [{ "attributes": { "arn": arn, "key_id": id, "id": id } }] }] })
    .to_string();
    let (own, other) = ("resource \"aws_kms_key\" \"new\" {}\n", "aws_kms_key.new");
    for (blocks, expected) in [
        ("moved {\n  from = aws_kms_key.old\n  to   = aws_kms_key.new\n}\n", vec![id]),
        ("removed {\n  from = aws_kms_key.old\n}\n", vec![other]),
        // It is still there.
        (
            "removed {\n  from = aws_kms_key.old\n  lifecycle {\n    destroy = false\n  }\n}\n",
            vec![id, other],
        ),
        ("", vec![id, other]),
    ] {
        let code = format!("{own}{blocks}");
        let files = [("main.tf", &*code), ("terraform.tfstate", &*state)];
        let loaded = loaded_as(&files, &Deployment::default());
        let mut found: Vec<&str> = loaded.inventory.keys.keys().map(|key| key.id()).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{blocks}");
    }
}

#[test]
fn a_policy_that_may_be_attached_allows_no_more_than_it_says() {
    let code = r#"
variable "create" { type = bool }
resource "aws_kms_key" "key" {}
resource "aws_iam_policy" "use" {
  name   = "use"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "kms:Encrypt", Resource = "*" }] })
}
resource "aws_iam_role" "app" {
  name               = "app"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
"#;
    let counted = "resource \"aws_iam_role_policy_attachment\" \"use\" {\n  count = var.create ? 1 : 0\n  \
                   role = aws_iam_role.app.name\n  policy_arn = aws_iam_policy.use.arn\n}\n";
    let chosen = "resource \"aws_iam_role_policy_attachment\" \"use\" {\n  role = aws_iam_role.app.name\n  \
                  policy_arn = var.create ? aws_iam_policy.use.arn : \"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\"\n}\n";
    let template = "Parameters: { create: { Type: String } }\nConditions:\n  IsX: !Equals [!Ref create, 'true']\n\
                    Resources:\n  Key:\n    Type: AWS::KMS::Key\n  Use:\n    Type: AWS::IAM::ManagedPolicy\n    \
                    Properties:\n      PolicyDocument:\n        Version: 2012-10-17\n        \
                    Statement: [{ Effect: Allow, Action: 'kms:Encrypt', Resource: '*' }]\n  App:\n    \
                    Type: AWS::IAM::Role\n    Properties:\n      RoleName: app\n      \
                    AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }\n      \
                    ManagedPolicyArns: [!If [IsX, !Ref Use, !Ref 'AWS::NoValue']]\n";
    for (path, text) in [
        ("main.tf", format!("{code}{counted}")),
        ("main.tf", format!("{code}{chosen}")),
        ("t.yaml", template.to_owned()),
    ] {
        for (deployment, expected) in
            [(Deployment::default(), ANYTHING), (with("create", "true"), ALWAYS)]
        {
            let loaded = loaded_as(&[(path, &text)], &deployment);
            assert_eq!(bounds(&loaded, "role/app", KmsAction::ENCRYPT), expected, "{text}");
            assert_eq!(bounds(&loaded, "role/app", KmsAction::DECRYPT), NEVER, "{text}");
            // Each is told, so that `--strict` does not pass over it.
            let declared = loaded.inventory.declared.as_ref().unwrap();
            assert_eq!(declared.unresolved.is_empty(), expected == ALWAYS, "{text}");
        }
    }
}
