//! Random small worlds in which somebody may get to a key by calls: one has the permission and another
//! has not, by one fact.

use serde_json::{Map, Value, json};

use super::{ACCOUNTS, Account, Grant, Group, Key, Level, Managed, Organization, Policy, World};
use crate::support::seeds::Random;

/// What statements of users, roles and groups allow: actions that go together.
const GIVEN: [&[&str]; 44] = [
    &["sts:AssumeRole"],
    &["sts:AssumeRole"],
    &["sts:AssumeRole", "sts:TagSession"],
    &["iam:PutUserPolicy"],
    &["iam:PutRolePolicy"],
    &["iam:PutGroupPolicy"],
    &["iam:AttachUserPolicy"],
    &["iam:AttachRolePolicy"],
    &["iam:AttachGroupPolicy"],
    &["iam:CreatePolicyVersion"],
    &["iam:SetDefaultPolicyVersion"],
    &["iam:AddUserToGroup"],
    &["iam:UpdateAssumeRolePolicy"],
    &["iam:CreateAccessKey"],
    &["iam:CreateLoginProfile"],
    &["iam:UpdateLoginProfile"],
    &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"],
    &["iam:PassRole", "lambda:CreateFunction"],
    &["iam:PassRole", "ec2:RunInstances"],
    &["iam:PassRole"],
    &["lambda:UpdateFunctionCode"],
    &["ssm:SendCommand"],
    &["iam:DeleteUserPermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
    &["iam:PutUserPermissionsBoundary", "iam:PutRolePermissionsBoundary"],
    &["iam:DetachUserPolicy", "iam:DetachRolePolicy", "iam:DetachGroupPolicy"],
    &["iam:DeleteUserPolicy", "iam:DeleteRolePolicy", "iam:DeleteGroupPolicy"],
    &["iam:RemoveUserFromGroup"],
    &["iam:TagUser", "iam:TagRole"],
    &["iam:UntagUser", "iam:UntagRole"],
    &["kms:PutKeyPolicy"],
    &["kms:CreateGrant"],
    &["kms:ReplicateKey", "kms:CreateKey"],
    &["kms:ReplicateKey"],
    &["kms:TagResource"],
    &["kms:UntagResource"],
    &["kms:CreateAlias"],
    &["kms:UpdateAlias"],
    &["kms:DeleteAlias"],
    &["kms:Decrypt"],
    &["kms:Decrypt"],
    &["kms:Decrypt", "kms:TagResource"],
    &["kms:Decrypt", "kms:CreateAlias", "kms:UpdateAlias"],
    &["kms:Encrypt"],
    &["iam:CreateUser", "iam:CreateRole"],
];

/// What boundaries and SCPs leave.
const LEFT: [&[&str]; 5] =
    [&["kms:*"], &["iam:*"], &["kms:*", "iam:*"], &["kms:*", "sts:*"], &["kms:Encrypt", "iam:*"]];

/// What is denied.
const DENIED: [&[&str]; 6] = [
    &["kms:Decrypt"],
    &["kms:Decrypt"],
    &["kms:PutKeyPolicy", "kms:CreateGrant"],
    &["iam:*"],
    &["iam:CreateAccessKey", "sts:AssumeRole"],
    &["kms:*"],
];

/// Names that statements speak of, besides what is in the world.
struct Names {
    identities: Vec<String>,
    groups: Vec<String>,
    policies: Vec<String>,
    keys: Vec<String>,
}

impl World {
    /// A world of one or two accounts with few principals, keys and policies, every one of which leads
    /// somewhere or nearly does.
    pub fn escalating(random: &mut Random) -> Self {
        let count = if random.chance(30) { 2 } else { 1 };
        let mut accounts: Vec<Account> =
            ACCOUNTS.into_iter().take(count).map(|id| skeleton(random, id)).collect();
        let names = Names::of(&accounts);
        for account in &mut accounts {
            names.fill(random, account);
        }
        let organization = random.chance(30).then(|| organization(random, &accounts));
        Self { accounts, organization, endpoints: Vec::new() }
    }
}

fn skeleton(random: &mut Random, id: &'static str) -> Account {
    let mut identities = Vec::new();
    for (is_role, names) in [(false, ["ann", "bob"]), (true, ["app", "ops"])] {
        for name in random.some(&names, 1, 2) {
            let path = if random.chance(15) { "/team/" } else { "/" };
            let mut made = super::identity(random, id, is_role, name, path);
            made.tags.retain(|(key, _)| key == "team" && random.chance(60));
            identities.push(made);
        }
    }
    let groups = random.some(&["readers"], 0, 1);
    let group = |name: &str| Group { name: name.to_owned(), inline: vec![], attached: vec![] };
    let managed = |name: &str| Managed {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{id}:policy/{name}"),
        policy: policy(Vec::new()),
        old: None,
    };
    let names = random.some(&["Wide", "Fence"], 0, 2);
    let keys = 1 + usize::from(random.chance(30));
    Account {
        id,
        identities,
        groups: groups.into_iter().map(group).collect(),
        managed: names.into_iter().map(managed).collect(),
        keys: (0..keys).map(|index| key(random, id, index)).collect(),
    }
}

fn key(random: &mut Random, account: &str, index: usize) -> Key {
    let mut key = super::key(random, account, 0);
    let is_primary = random.chance(25);
    let number = ACCOUNTS.iter().position(|id| *id == account).unwrap() * 2 + index;
    key.id = if is_primary { format!("mrk-{number}") } else { format!("key-{number}") };
    key.region = "us-east-1";
    key.arn = format!("arn:aws:kms:us-east-1:{account}:key/{}", key.id);
    key.aliases = (0..random.below(2)).map(|_| format!("alias/k{number}")).collect();
    (key.spec, key.origin) = (("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), "AWS_KMS");
    (key.state, key.is_aws_managed, key.is_primary) = ("Enabled", false, is_primary);
    key
}

impl Names {
    fn of(accounts: &[Account]) -> Self {
        let each = || accounts.iter();
        let groups = each().flat_map(|account| {
            let arn = |group: &Group| format!("arn:aws:iam::{}:group/{}", account.id, group.name);
            account.groups.iter().map(arn)
        });
        Self {
            identities: each().flat_map(|it| &it.identities).map(|it| it.arn.clone()).collect(),
            groups: groups.collect(),
            policies: each().flat_map(|it| &it.managed).map(|it| it.arn.clone()).collect(),
            keys: each().flat_map(|it| &it.keys).map(|it| it.arn.clone()).collect(),
        }
    }

    fn fill(&self, random: &mut Random, account: &mut Account) {
        for managed in &mut account.managed {
            managed.policy = self.given(random, 1, 2);
            managed.old = random.chance(40).then(|| self.given(random, 1, 2));
        }
        let own: Vec<String> = account.managed.iter().map(|it| it.arn.clone()).collect();
        let groups: Vec<String> = account.groups.iter().map(|it| it.name.clone()).collect();
        for group in &mut account.groups {
            group.inline = vec![self.given(random, 1, 2)];
            group.attached = if random.chance(30) { random.some(&own, 0, 1) } else { vec![] };
        }
        let id = account.id;
        for identity in &mut account.identities {
            identity.inline = match random.chance(80) {
                true => vec![self.given(random, 1, 3)],
                false => Vec::new(),
            };
            if random.chance(15) {
                identity.inline.push(policy(vec![denial(random)]));
            }
            identity.attached = if random.chance(40) { random.some(&own, 0, 1) } else { vec![] };
            if !identity.is_role {
                identity.groups = if random.chance(40) { groups.clone() } else { vec![] };
            }
            if random.chance(15) {
                identity.boundary = random.some(&own, 0, 1).pop();
            }
            if identity.is_role {
                identity.trust = self.trust(random, id);
            }
        }
        // A boundary leaves something.
        let bounds: Vec<String> =
            account.identities.iter().filter_map(|it| it.boundary.clone()).collect();
        for managed in account.managed.iter_mut().filter(|it| bounds.contains(&it.arn)) {
            let actions = *random.pick(&LEFT);
            let left = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
            managed.policy.statements.push(left);
        }
        for key in &mut account.keys {
            key.policy = self.key_policy(random, id);
            if random.chance(20) {
                key.grants = vec![self.grant(random, &key.id)];
            }
        }
    }

    /// A policy of a user, role or group.
    fn given(&self, random: &mut Random, low: usize, high: usize) -> Policy {
        let count = low + random.below(high - low + 1);
        policy((0..count).map(|_| self.statement(random)).collect())
    }

    fn statement(&self, random: &mut Random) -> Value {
        let actions = *random.pick(&GIVEN);
        let mut statement = Map::new();
        statement.insert("Effect".into(), "Allow".into());
        statement.insert("Action".into(), actions.into());
        statement.insert("Resource".into(), self.resource(random, actions[0]).into());
        if random.chance(20)
            && let Some(condition) = condition(random, actions[0])
        {
            statement.insert("Condition".into(), condition);
        }
        Value::Object(statement)
    }

    fn resource(&self, random: &mut Random, action: &str) -> String {
        let pool = match action {
            _ if random.chance(65) => return "*".to_owned(),
            "iam:PassRole" | "iam:CreateUser" | "lambda:UpdateFunctionCode" | "ssm:SendCommand" => {
                return "*".to_owned();
            }
            "iam:PutGroupPolicy" | "iam:AttachGroupPolicy" | "iam:AddUserToGroup" => &self.groups,
            "iam:CreatePolicyVersion" | "iam:SetDefaultPolicyVersion" => &self.policies,
            "kms:ReplicateKey" | "kms:CreateAlias" | "kms:UpdateAlias" | "kms:DeleteAlias" => {
                return "*".to_owned();
            }
            _ if action.starts_with("kms:") => &self.keys,
            _ => &self.identities,
        };
        match pool.is_empty() {
            true => "*".to_owned(),
            false => random.pick(pool).clone(),
        }
    }

    fn trust(&self, random: &mut Random, account: &str) -> Policy {
        let mut statements = Vec::new();
        for _ in 0..1 + random.below(2) {
            let root = || format!("arn:aws:iam::{account}:root");
            let (principal, actions) = match random.below(10) {
                0 | 1 => (json!({ "AWS": random.pick(&self.identities) }), "sts:AssumeRole"),
                2 | 3 => (json!({ "AWS": root() }), "sts:AssumeRole"),
                4 => (json!({ "Service": "lambda.amazonaws.com" }), "sts:AssumeRole"),
                5 => (json!({ "Service": "ec2.amazonaws.com" }), "sts:AssumeRole"),
                6 => {
                    let saml = format!("arn:aws:iam::{account}:saml-provider/corp");
                    (json!({ "Federated": saml }), "sts:AssumeRoleWithSAML")
                }
                7 => {
                    (json!({ "Federated": "accounts.google.com" }), "sts:AssumeRoleWithWebIdentity")
                }
                8 => (json!({ "AWS": random.pick(&self.identities) }), "sts:TagSession"),
                _ => continue,
            };
            let mut statement =
                json!({ "Effect": "Allow", "Principal": principal, "Action": actions });
            if actions == "sts:TagSession" {
                statement["Action"] = json!(["sts:AssumeRole", "sts:TagSession"]);
            }
            let condition = match actions {
                "sts:AssumeRole" => json!({ "StringEquals": { "sts:ExternalId": "x" } }),
                "sts:AssumeRoleWithWebIdentity" => {
                    json!({ "StringEquals": { "accounts.google.com:sub": "me" } })
                }
                _ => Value::Null,
            };
            let is_service = statement["Principal"]["Service"].is_string();
            if random.chance(20) && !condition.is_null() && !is_service {
                statement["Condition"] = condition;
            }
            statements.push(statement);
        }
        policy(statements)
    }

    fn key_policy(&self, random: &mut Random, account: &str) -> Policy {
        let root = format!("arn:aws:iam::{account}:root");
        let mut statements = Vec::new();
        if random.chance(50) {
            statements.push(json!({ "Effect": "Allow", "Principal": { "AWS": root },
                "Action": "kms:*", "Resource": "*" }));
        }
        for _ in 0..1 + random.below(2) {
            let action = *random.pick(&[
                "kms:Decrypt",
                "kms:Decrypt",
                "kms:Put*",
                "kms:CreateGrant",
                "kms:ReplicateKey",
                "kms:Encrypt",
                "kms:*Alias",
            ]);
            let principal = random.pick(&self.identities);
            let mut statement = json!({ "Effect": "Allow", "Principal": { "AWS": principal },
                "Action": action, "Resource": "*" });
            if random.chance(15) {
                statement["Principal"] = "*".into();
                statement["Condition"] = match random.below(3) {
                    0 => json!({ "StringEquals": { "aws:PrincipalTag/team": "red" } }),
                    1 => json!({ "ArnLike": { "aws:PrincipalArn": principal } }),
                    _ => json!({ "StringEquals": { "aws:PrincipalAccount": account } }),
                };
            }
            statements.push(statement);
        }
        if random.chance(10) {
            let mut statement = denial(random);
            statement["Principal"] = "*".into();
            statement["Condition"] =
                json!({ "StringNotEquals": { "aws:PrincipalTag/team": "red" } });
            statements.push(statement);
        }
        policy(statements)
    }

    fn grant(&self, random: &mut Random, key: &str) -> Grant {
        let operations: &[&'static str] = match random.below(3) {
            0 => &["CreateGrant", "Decrypt"],
            1 => &["CreateGrant", "Encrypt"],
            _ => &["Decrypt"],
        };
        let is_constrained = random.chance(25);
        Grant {
            id: format!("grant-{key}"),
            grantee: random.pick(&self.identities).clone(),
            retiring: None,
            operations: operations.to_vec(),
            equals: None,
            subset: is_constrained.then(|| vec![("app".to_owned(), "x".to_owned())]),
            source_arn: None,
        }
    }
}

fn policy(statements: Vec<Value>) -> Policy {
    Policy { version: "2012-10-17", statements }
}

fn denial(random: &mut Random) -> Value {
    json!({ "Effect": "Deny", "Action": *random.pick(&DENIED), "Resource": "*" })
}

/// A condition that makes sense for an action.
fn condition(random: &mut Random, action: &str) -> Option<Value> {
    let equals = |key: &str, value: &str| json!({ "StringEquals": { key: value } });
    let color = *random.pick(&["red", "blue"]);
    let both = |family: &str, color: &str| json!({ "StringEquals": { format!("{family}/team"): color, format!("{family}/env"): "prod" } });
    Some(match action {
        "kms:Decrypt" => match random.below(8) {
            0 | 1 => equals("aws:ResourceTag/team", color),
            2 => equals("aws:PrincipalTag/team", color),
            6 => both("aws:ResourceTag", color),
            7 => both("aws:PrincipalTag", color),
            3 => json!({ "ForAnyValue:StringEquals": { "kms:ResourceAliases": "alias/open" } }),
            4 => json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }),
            _ => json!({ "Null": { "aws:ResourceTag/team": "true" } }),
        },
        "kms:TagResource" => match random.below(2) {
            0 => equals("aws:RequestTag/team", color),
            _ => both("aws:RequestTag", color),
        },
        "kms:CreateGrant" => match random.below(2) {
            0 => {
                json!({ "Bool": { "kms:GrantIsForAWSResource": *random.pick(&["true", "false"]) } })
            }
            _ => {
                json!({ "StringLike": { "kms:GranteePrincipal": *random.pick(&["*:user/*", "*:role/*"]) } })
            }
        },
        "iam:AttachUserPolicy" | "iam:AttachRolePolicy" | "iam:AttachGroupPolicy" => {
            json!({ "ArnLike": { "iam:PolicyARN": *random.pick(&["arn:aws:iam::*:policy/Wide", "arn:aws:iam::aws:policy/*"]) } })
        }
        "iam:PassRole" => json!({ "StringEqualsIfExists": {
            "iam:PassedToService": *random.pick(&["ec2.amazonaws.com", "lambda.amazonaws.com"]) } }),
        "iam:PutUserPolicy" | "iam:PutRolePolicy" => {
            json!({ "Null": { "iam:PermissionsBoundary": *random.pick(&["true", "false"]) } })
        }
        "sts:AssumeRole" | "iam:CreateAccessKey" => match random.below(2) {
            0 => json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }),
            _ => json!({ "IpAddress": { "aws:SourceIp": "192.0.2.1/32" } }),
        },
        _ => return None,
    })
}

/// An organization of all accounts; who manages it is one of them, or stands outside.
fn organization(random: &mut Random, accounts: &[Account]) -> Organization {
    let limits = |random: &mut Random, rcp: bool| {
        let mut statement = denial(random);
        if rcp {
            statement["Principal"] = "*".into();
            // RCPs speak of KMS and STS.
            statement["Action"] = (*random.pick(&["kms:Decrypt", "kms:PutKeyPolicy"])).into();
        }
        vec![policy(vec![statement])]
    };
    let level = |random: &mut Random, id: &str, above: Option<usize>| Level {
        id: id.to_owned(),
        above,
        full_access: true,
        scps: if random.chance(25) { limits(random, false) } else { Vec::new() },
        rcps: if random.chance(25) { limits(random, true) } else { Vec::new() },
    };
    let mut levels = vec![level(random, "r-ab12", None), level(random, "ou-ab12-1", Some(0))];
    for account in accounts {
        let above = random.below(2);
        levels.push(level(random, account.id, Some(above)));
    }
    let management = match random.chance(30) {
        true => accounts[accounts.len() - 1].id,
        false => ACCOUNTS[3],
    };
    Organization { management, levels }
}
