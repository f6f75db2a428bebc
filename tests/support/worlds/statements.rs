//! Random statements of every kind of policy, and random conditions of every family of operators.

use serde_json::{Map, Value, json};

use super::keys::{KEYS, ODD, Row, conditions, conditions_on, one_or_many, request_keys};
use super::{ACCOUNTS, Account, Grant, Policy};
use crate::support::seeds::Random;

/// What a policy is attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyOf {
    /// A key.
    Key,
    /// A user, role or group; a boundary.
    Identity,
    /// A session.
    Session,
    /// A level of an organization, for its principals.
    Scp,
    /// A level of an organization, for its keys.
    Rcp,
    /// A VPC endpoint.
    Endpoint,
    /// A role, for who may assume it.
    Trust,
}

/// An identity provider that key policies and trust policies name.
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/corp";

/// The names that statements speak of.
#[derive(Debug)]
pub struct Vocabulary {
    principals: Vec<String>,
    keys: Vec<String>,
    aliases: Vec<String>,
}

/// What an account, its users, roles and keys are called in policies.
impl Vocabulary {
    /// The names of these accounts, and of strangers.
    pub fn of(accounts: &[Account]) -> Self {
        let mut principals = vec![
            "*".to_owned(),
            format!("arn:aws:iam::{}:root", ACCOUNTS[3]),
            format!("arn:aws:iam::{}:role/stranger", ACCOUNTS[3]),
        ];
        let (mut keys, mut aliases) = (Vec::new(), Vec::new());
        for account in accounts {
            let id = account.id;
            principals.push(format!("arn:aws:iam::{id}:root"));
            principals.push(id.to_owned());
            principals.push(format!("arn:aws:sts::{id}:federated-user/ann"));
            for identity in &account.identities {
                principals.push(identity.arn.clone());
                if identity.is_role {
                    let session = format!("arn:aws:sts::{id}:assumed-role/{}/s1", identity.name);
                    principals.push(session);
                }
                principals.push(identity.unique_id.clone());
            }
            for key in &account.keys {
                keys.push(key.arn.clone());
                let prefix = format!("arn:aws:kms:{}:{id}:", key.region);
                aliases.extend(key.aliases.iter().map(|name| format!("{prefix}{name}")));
            }
        }
        Self { principals, keys, aliases }
    }

    /// A policy with `low` to `high` statements.
    pub fn policy(&self, random: &mut Random, of: PolicyOf, low: usize, high: usize) -> Policy {
        let count = low + random.below(high - low + 1);
        let statements = (0..count).map(|nth| self.statement(random, of, nth)).collect();
        Policy { version: version(random), statements }
    }

    /// A key policy; most delegate to their account.
    pub fn key_policy(&self, random: &mut Random, account: &str) -> Policy {
        let mut policy = self.policy(random, PolicyOf::Key, 0, 4);
        if random.chance(65) {
            let root = format!("arn:aws:iam::{account}:root");
            let delegation = json!({ "Sid": "Delegate", "Effect": "Allow",
                "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*" });
            let at = random.below(policy.statements.len() + 1);
            policy.statements.insert(at, delegation);
        }
        policy
    }

    /// One statement.
    pub fn statement(&self, random: &mut Random, of: PolicyOf, nth: usize) -> Value {
        let denies = match of {
            PolicyOf::Rcp => true,
            PolicyOf::Scp => random.chance(60),
            PolicyOf::Trust => false,
            _ => random.chance(30),
        };
        let mut statement = Map::new();
        if random.chance(50) {
            statement.insert("Sid".into(), format!("S{nth}").into());
        }
        statement.insert("Effect".into(), if denies { "Deny" } else { "Allow" }.into());
        if matches!(of, PolicyOf::Key | PolicyOf::Rcp | PolicyOf::Endpoint | PolicyOf::Trust) {
            let (member, value) = self.principal(random, of, denies);
            statement.insert(member.into(), value);
        }
        if of == PolicyOf::Trust {
            let actions = [
                "sts:AssumeRole",
                "sts:AssumeRole",
                "sts:AssumeRoleWithSAML",
                "sts:*",
                "sts:TagSession",
            ];
            let action = *random.pick(&actions);
            statement.insert("Action".into(), action.into());
        } else {
            let not = random.chance(8) && (denies || of != PolicyOf::Scp);
            let member = if not { "NotAction" } else { "Action" };
            statement.insert(member.into(), actions(random, denies));
            let not = random.chance(6) && of != PolicyOf::Key;
            let member = if not { "NotResource" } else { "Resource" };
            statement.insert(member.into(), self.resources(random, of));
        }
        if random.chance(45) {
            statement.insert("Condition".into(), conditions(random));
        }
        Value::Object(statement)
    }

    fn principal(&self, random: &mut Random, of: PolicyOf, denies: bool) -> (&'static str, Value) {
        if of == PolicyOf::Rcp || random.chance(12) {
            return ("Principal", "*".into());
        }
        let mut element = Map::new();
        if random.chance(12) {
            let service = *random.pick(&["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"]);
            element.insert("Service".into(), service.into());
        }
        if element.is_empty() || random.chance(50) {
            let names = random.some(&self.principals, 1, 3);
            element.insert("AWS".into(), one_or_many(random, names));
        }
        if random.chance(6) && matches!(of, PolicyOf::Key | PolicyOf::Trust) {
            element.insert("Federated".into(), PROVIDER.into());
        }
        let not = of == PolicyOf::Key && random.chance(if denies { 25 } else { 4 });
        (if not { "NotPrincipal" } else { "Principal" }, Value::Object(element))
    }

    fn resources(&self, random: &mut Random, of: PolicyOf) -> Value {
        if random.chance(55) || of == PolicyOf::Key && random.chance(70) {
            return "*".into();
        }
        let mut pool = self.keys.clone();
        pool.extend(self.aliases.iter().cloned());
        pool.extend([
            "arn:aws:kms:*:*:key/*".to_owned(),
            "arn:aws:kms:us-east-1:111122223333:key/*".to_owned(),
            "arn:aws:kms:*:${aws:PrincipalAccount}:key/*".to_owned(),
            "arn:aws:kms:*:*:key/${aws:PrincipalTag/key}".to_owned(),
            "arn:aws:kms:*:*:key/${aws:PrincipalTag/key, '00000000-1111-4444-8888-000000000001'}"
                .to_owned(),
            "arn:aws:kms:*:*:key/${aws:SourceAccount}*".to_owned(),
            "arn:aws:kms:*:*:key/0*".to_owned(),
            "arn:aws:kms:*:key/*".to_owned(),
            "arn:aws:kms:us-*".to_owned(),
            "arn:aws:s3:::bucket".to_owned(),
        ]);
        let chosen = random.some(&pool, 1, 2);
        one_or_many(random, chosen)
    }

    /// A grant of the key.
    pub fn grant(&self, random: &mut Random, key: &str, nth: usize) -> Grant {
        const OPERATIONS: [&str; 7] = [
            "Decrypt",
            "Encrypt",
            "GenerateDataKey",
            "ReEncryptFrom",
            "DescribeKey",
            "CreateGrant",
            "RetireGrant",
        ];
        let named: Vec<String> =
            self.principals.iter().filter(|name| name.starts_with("arn:")).cloned().collect();
        let services = ["s3.amazonaws.com", "dynamodb.us-west-2.amazonaws.com"];
        let grantee = match random.chance(20) {
            true => (*random.pick(&services)).to_owned(),
            false => random.pick(&named).clone(),
        };
        let pairs = |random: &mut Random| {
            let pair = |name: &&str, value: &&str| ((*name).to_owned(), (*value).to_owned());
            let app = pair(random.pick(&["app", "app", "App"]), random.pick(&["pay", "x"]));
            match random.chance(25) {
                true => vec![app, pair(&"dept", random.pick(&["it", "IT"]))],
                false => vec![app],
            }
        };
        let (equals, subset, source) = (random.chance(20), random.chance(20), random.chance(12));
        Grant {
            id: format!("{nth:04}{key}").replace('-', ""),
            grantee,
            retiring: random.chance(50).then(|| random.pick(&named).clone()),
            operations: random.some(&OPERATIONS, 1, 4),
            equals: equals.then(|| pairs(random)),
            subset: subset.then(|| pairs(random)),
            source_arn: source.then(|| "arn:aws:s3:::bucket".to_owned()),
        }
    }
}

/// Keys that come together or not at all, or never together.
const LINKED: [&str; 12] = [
    "kms:ViaService",
    "kms:GrantIsForAWSResource",
    "aws:ViaAWSService",
    "aws:CalledVia",
    "aws:SourceArn",
    "aws:SourceAccount",
    "aws:SourceIp",
    "aws:SourceVpce",
    "aws:SourceVpc",
    "aws:VpcSourceIp",
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
];

/// Keys that requests decide for some callers, or by other keys.
const OF_SESSIONS: [&str; 4] =
    ["kms:EncryptionContextKeys", "kms:RequestAlias", "aws:PrincipalTag/team", "aws:userid"];

/// Statements for everything, all of which hang on one or two condition keys that requests decide.
pub fn narrow(random: &mut Random, count: usize) -> Policy {
    let free: Vec<&str> = request_keys().into_iter().map(|(name, ..)| name).collect();
    let linked = random.chance(40);
    let is_free = |row: &&Row| match linked {
        true => LINKED.contains(&row.0),
        false => free.contains(&row.0) || OF_SESSIONS.contains(&row.0),
    };
    let pool: Vec<Row> = KEYS.iter().chain(ODD).filter(is_free).copied().collect();
    let pool = random.some(&pool, 1, 2);
    let statements = (0..count).map(|nth| {
        let effect = if nth > 0 && random.chance(50) { "Deny" } else { "Allow" };
        json!({ "Effect": effect, "Action": "kms:*", "Resource": "*",
            "Condition": conditions_on(random, &pool) })
    });
    Policy { version: "2012-10-17", statements: statements.collect() }
}

/// A statement that denies everyone everything.
pub fn deny_everything(of: PolicyOf) -> Value {
    match of {
        PolicyOf::Key | PolicyOf::Rcp | PolicyOf::Endpoint | PolicyOf::Trust => {
            json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" })
        }
        _ => json!({ "Effect": "Deny", "Action": "kms:*", "Resource": "*" }),
    }
}

fn version(random: &mut Random) -> &'static str {
    if random.chance(88) { "2012-10-17" } else { "2008-10-17" }
}

fn actions(random: &mut Random, denies: bool) -> Value {
    const ACTIONS: [&str; 17] = [
        "kms:*",
        "kms:*",
        "*",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:Describe*",
        "kms:d?crypt",
        "kms:Create*",
        "kms:List*",
        "kms:*Grant*",
        "kms:PutKeyPolicy",
        "kms:ReEncrypt*",
        "kms:Sign",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "s3:*",
    ];
    // A Deny of everything leaves little to look at.
    let pool = if denies { &ACTIONS[3..] } else { &ACTIONS[..] };
    let chosen = random.some(pool, 1, 3);
    one_or_many(random, chosen.into_iter().map(str::to_owned).collect())
}
