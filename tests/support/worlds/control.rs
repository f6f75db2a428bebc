//! Random steps outside KMS: what policies say of IAM, STS and launches, who trusts whom, and requests
//! about it.

use std::collections::BTreeSet;

use keyreach::aws::{ControlAction, carried};
use keyreach::decision::{
    Caller, CallerKind, ContextValue, ControlRequest, FACTS, Surroundings, completed, is_possible,
};
use serde_json::{Map, Value, json};

use super::keys::one_or_many;
use super::requests::user_id;
use super::statements::PolicyOf;
use super::{ACCOUNTS, Identity, Policy, World};
use crate::support::seeds::Random;

/// Patterns of actions, those that take many first.
const PATTERNS: [&str; 20] = [
    "*",
    "iam:*",
    "sts:*",
    "sts:AssumeRole",
    "sts:AssumeRole*",
    "IAM:put*policy",
    "iam:Attach*",
    "iam:AttachUserPolicy",
    "iam:PassRole",
    "iam:CreateAccessKey",
    "iam:UpdateAssumeRolePolicy",
    "iam:?agUser",
    "iam:AddUserToGroup",
    "iam:CreatePolicyVersion",
    "lambda:*Function",
    "lambda:CreateFunction",
    "ec2:RunInstances",
    "organizations:*",
    "sts:TagSession",
    "kms:*",
];

/// The actions that requests are for.
const ACTIONS: [&str; 18] = [
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:TagSession",
    "sts:GetSessionToken",
    "sts:GetFederationToken",
    "iam:PutUserPolicy",
    "iam:PutRolePolicy",
    "iam:AttachUserPolicy",
    "iam:PassRole",
    "iam:CreateAccessKey",
    "iam:UpdateAssumeRolePolicy",
    "iam:TagUser",
    "iam:AddUserToGroup",
    "lambda:CreateFunction",
    "organizations:DetachPolicy",
];

const SAML: &str = "arn:aws:iam::111122223333:saml-provider/corp";
const GOOGLE: &str = "accounts.google.com";

/// Keys that requests bring, with values that conditions and requests draw from.
const KEYS: [(&str, &[&str]); 14] = [
    ("sts:ExternalId", &["x", "y"]),
    ("sts:RoleSessionName", &["s1", "ann", "x"]),
    ("aws:MultiFactorAuthPresent", &["true", "false"]),
    (
        "iam:PolicyARN",
        &["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::111122223333:policy/Read"],
    ),
    ("iam:PassedToService", &["ec2.amazonaws.com", "lambda.amazonaws.com"]),
    ("iam:PermissionsBoundary", &["arn:aws:iam::111122223333:policy/Fence"]),
    ("aws:RequestTag/team", &["red", "blue"]),
    ("aws:RequestedRegion", &["us-east-1", "eu-west-1"]),
    ("aws:SourceIp", &["192.0.2.1", "10.0.0.1"]),
    ("aws:SourceVpce", &["vpce-1", "vpce-2"]),
    ("accounts.google.com:sub", &["me", "you"]),
    ("saml:aud", &["https://signin.aws.amazon.com/saml"]),
    ("aws:ViaAWSService", &["true", "false"]),
    ("lambda:VpcIds", &["vpc-1"]),
];

/// Keys that the export fixes, with values of conditions.
const FIXED: [(&str, &[&str]); 9] = [
    ("aws:PrincipalArn", &["arn:aws:iam::111122223333:role/app", "arn:aws:iam::*:user/*"]),
    ("aws:PrincipalAccount", &["111122223333", "444455556666"]),
    ("aws:PrincipalOrgID", &["o-a1b2c3d4e5"]),
    ("aws:ResourceAccount", &["111122223333", "${aws:PrincipalAccount}"]),
    ("aws:ResourceTag/team", &["red", "${aws:PrincipalTag/team}"]),
    ("iam:ResourceTag/Dept", &["red"]),
    ("aws:PrincipalTag/team", &["red", "blue"]),
    ("aws:username", &["ann", "bob"]),
    ("aws:PrincipalType", &["User", "AssumedRole"]),
];

impl World {
    /// A random world whose policies speak of the way to keys more than of keys.
    pub fn controlled(random: &mut Random) -> Self {
        let mut world = Self::random(random);
        let names = Names::of(&world);
        for (of, policy) in world.policies_mut() {
            if matches!(of, PolicyOf::Identity | PolicyOf::Scp | PolicyOf::Rcp) {
                for _ in 0..1 + random.below(2) {
                    policy.statements.push(names.statement(random, of));
                }
            }
        }
        for account in &mut world.accounts {
            for identity in &mut account.identities {
                if identity.inline.is_empty() && random.chance(60) {
                    let statements = vec![names.statement(random, PolicyOf::Identity)];
                    identity.inline.push(Policy { version: "2012-10-17", statements });
                }
                for _ in 0..random.below(3) {
                    identity.trust.statements.push(names.statement(random, PolicyOf::Trust));
                }
            }
        }
        world
    }

    fn identities(&self) -> Vec<&Identity> {
        self.accounts.iter().flat_map(|account| &account.identities).collect()
    }
}

/// Who and what statements speak of.
struct Names {
    principals: Vec<String>,
    resources: Vec<String>,
}

impl Names {
    fn of(world: &World) -> Self {
        let mut principals = vec!["*".to_owned(), format!("arn:aws:iam::{}:root", ACCOUNTS[3])];
        let mut resources: Vec<String> = [
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::*:user/${aws:username}",
            "arn:aws:iam::${aws:PrincipalAccount}:*",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::*:*/${aws:PrincipalTag/team, 'app'}",
            "arn:aws:iam::*:role/a?p",
            "arn:aws:iam::aws:policy/*",
            "arn:aws:iam::*",
            "arn:aws:lambda:us-*:*:function:*",
            "arn:aws:sts::*:federated-user/*",
        ]
        .map(str::to_owned)
        .into();
        for account in &world.accounts {
            let delegation = format!("arn:aws:iam::{}:root", account.id);
            principals.extend([delegation.clone(), delegation]);
            for identity in &account.identities {
                principals.push(identity.arn.clone());
                resources.push(identity.arn.clone());
                if identity.is_role {
                    let (id, name) = (account.id, &identity.name);
                    principals.push(format!("arn:aws:sts::{id}:assumed-role/{name}/s1"));
                    principals.push(identity.unique_id.clone());
                }
            }
        }
        Self { principals, resources }
    }

    fn statement(&self, random: &mut Random, of: PolicyOf) -> Value {
        let denies = match of {
            PolicyOf::Rcp => true,
            PolicyOf::Trust => random.chance(15),
            _ => random.chance(25),
        };
        let mut statement = Map::new();
        statement.insert("Effect".into(), if denies { "Deny" } else { "Allow" }.into());
        if of == PolicyOf::Rcp {
            statement.insert("Principal".into(), "*".into());
        }
        if of == PolicyOf::Trust {
            let not = denies && random.chance(25);
            let member = if not { "NotPrincipal" } else { "Principal" };
            statement.insert(member.into(), self.principal(random));
        }
        let pool: Vec<&str> = match of {
            PolicyOf::Trust | PolicyOf::Rcp => {
                PATTERNS.into_iter().filter(|it| it.starts_with("sts:")).collect()
            }
            _ if denies => PATTERNS[3..].to_vec(),
            _ => PATTERNS.to_vec(),
        };
        let not = random.chance(6) && of != PolicyOf::Trust;
        let actions = random.some(&pool, 1, 3).into_iter().map(str::to_owned).collect();
        let member = if not { "NotAction" } else { "Action" };
        statement.insert(member.into(), one_or_many(random, actions));
        if of != PolicyOf::Trust {
            let member = if random.chance(6) { "NotResource" } else { "Resource" };
            let value = match random.chance(50) {
                true => "*".into(),
                false => {
                    let chosen = random.some(&self.resources, 1, 3);
                    one_or_many(random, chosen)
                }
            };
            statement.insert(member.into(), value);
        }
        if random.chance(35) {
            statement.insert("Condition".into(), condition(random));
        }
        Value::Object(statement)
    }

    fn principal(&self, random: &mut Random) -> Value {
        let mut element = Map::new();
        if random.chance(20) {
            element.insert("Federated".into(), (*random.pick(&[SAML, GOOGLE])).into());
        }
        if random.chance(12) {
            element.insert("Service".into(), "lambda.amazonaws.com".into());
        }
        if element.is_empty() || random.chance(40) {
            let names = random.some(&self.principals, 1, 3);
            element.insert("AWS".into(), one_or_many(random, names));
        }
        Value::Object(element)
    }
}

fn condition(random: &mut Random) -> Value {
    let mut block = Map::new();
    for _ in 0..1 + random.below(2) {
        let (key, values) = match random.chance(60) {
            true => *random.pick(&KEYS),
            false => *random.pick(&FIXED),
        };
        let operator = *random.pick(&[
            "StringEquals",
            "StringLike",
            "StringNotEquals",
            "StringEqualsIfExists",
            "StringNotLikeIfExists",
            "ArnLike",
            "Null",
        ]);
        let value: Value = match operator {
            "Null" => (*random.pick(&["true", "false"])).into(),
            _ => (*random.pick(values)).into(),
        };
        block.insert(operator.into(), json!({ key: value }));
    }
    Value::Object(block)
}

/// A plain request for a step.
pub fn step(world: &World, random: &mut Random) -> ControlRequest {
    let action = ControlAction::parse(*random.pick::<&str>(&ACTIONS)).unwrap();
    let asks_provider = action.name().starts_with("AssumeRoleWith");
    let caller = match random.below(20) {
        _ if asks_provider && random.chance(85) => {
            Caller::of_provider(*random.pick::<&str>(&[SAML, GOOGLE]))
        }
        0 => Caller::of_provider(SAML),
        1 => Caller::parse("lambda.amazonaws.com").unwrap(),
        _ => Caller::parse(&super::requests::principal(world, random)).unwrap(),
    };
    let resource = resource(world, random, action, &caller);
    ControlRequest::plain(caller, action, &resource)
}

fn resource(world: &World, random: &mut Random, action: ControlAction, caller: &Caller) -> String {
    let home = caller.account.map_or(ACCOUNTS[0].to_owned(), |account| account.to_string());
    if action.info().resource.is_none() || random.chance(5) {
        return "*".to_owned();
    }
    let named = |name: &str| {
        let account = keyreach::aws::AccountId::parse(&home).unwrap();
        action.info().resource_named("aws", "us-east-1", account, name).unwrap()
    };
    let identities = world.identities();
    let wanted: Vec<&&Identity> = match action.info().resource_kind() {
        Some("role") => identities.iter().filter(|it| it.is_role).collect(),
        Some("user") => identities.iter().filter(|it| !it.is_role).collect(),
        _ => Vec::new(),
    };
    let near: Vec<&&Identity> =
        wanted.iter().filter(|it| it.arn.contains(&format!("::{home}:"))).copied().collect();
    match random.below(20) {
        0 => format!("arn:aws:iam::{}:role/app", ACCOUNTS[3]),
        1 => named("app"),
        n if n < 12 && !near.is_empty() => random.pick(&near).arn.clone(),
        _ if !wanted.is_empty() => random.pick(&wanted).arn.clone(),
        _ => named(*random.pick::<&str>(&["app", "readers", "ann"])),
    }
}

/// `plain` with a context that AWS could send, from 2026 on.
pub fn sent(world: &World, random: &mut Random, plain: &ControlRequest) -> Option<ControlRequest> {
    let mut request = plain.clone();
    let count = random.below(6);
    let names = random.some(&KEYS, count, count);
    for (key, values) in names.into_iter().filter(|(key, _)| carried(plain.action, key)) {
        let is_fixed = key == "aws:RequestedRegion" && plain.resource.contains(":us-east-1:");
        if !is_fixed {
            let value = ContextValue::One((*random.pick(values)).into());
            request.context.set(key, value);
        }
    }
    if has_open_tags(world, plain) && random.chance(50) {
        let tag = *random.pick(&["red", "blue"]);
        request.context.set_one("aws:PrincipalTag/team", tag);
    }
    if let Some(id) = user_id(world, random, &request.caller) {
        request.context.set_one("aws:userid", &id);
    }
    request.context.set_one("aws:CurrentTime", "2030-06-01T12:00:00Z");
    request.context.set_one("aws:EpochTime", "1906545600");
    let now = "2030-06-01T12:00:00Z".parse().unwrap();
    let request = completed(request, &Surroundings { facts: FACTS, now, spec: None });
    is_possible(&request).then_some(request)
}

/// Rule T7: sessions may bring tags where the trust policy of their role admits it.
fn has_open_tags(world: &World, request: &ControlRequest) -> bool {
    let caller = &request.caller;
    let name = match &caller.kind {
        CallerKind::Role => caller.text.rsplit('/').next().map(str::to_owned),
        CallerKind::AssumedRole { role, .. } => Some(role.to_string()),
        _ => None,
    };
    let home = caller.account.map(|account| account.to_string()).unwrap_or_default();
    let mut roles = world.identities().into_iter().filter(|it| it.is_role);
    let role = roles.find(|it| Some(&it.name) == name.as_ref() && it.arn.contains(&home));
    let actions = |statement: &Value| -> BTreeSet<String> {
        let texts = match &statement["Action"] {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            one => Vec::from_iter(one.as_str()),
        };
        texts.into_iter().map(str::to_owned).collect()
    };
    role.is_some_and(|role| {
        let allows = role.trust.statements.iter().filter(|it| it["Effect"] == "Allow");
        allows.flat_map(actions).any(|action| ["*", "sts:*", "sts:TagSession"].contains(&&*action))
    })
}
