//! Random statements of every kind of policy, and random conditions of every family of operators.

use serde_json::{Map, Value, json};

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

/// The names that statements speak of.
#[derive(Debug)]
pub struct Vocabulary {
    principals: Vec<String>,
    keys: Vec<String>,
    aliases: Vec<String>,
}

/// Condition keys with the values that conditions and requests give them, by the type of the values.
/// Which of them a request decides is the business of [`request_keys`].
const KEYS: [(&str, Type, &[&str]); 36] = [
    (
        "kms:ViaService",
        Type::Text,
        &["s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com", "s3.*.amazonaws.com"],
    ),
    ("kms:EncryptionContext:app", Type::Text, &["PAY", "pay", "p*", "px"]),
    ("kms:EncryptionContext:dept", Type::Text, &["it", "o*", "IT"]),
    ("kms:EncryptionContextKeys", Type::Set, &["app", "dept", "a*"]),
    ("kms:CallerAccount", Type::Text, &["111122223333", "444455556666"]),
    ("kms:RequestAlias", Type::Text, &["alias/k0-0", "alias/*"]),
    ("kms:ResourceAliases", Type::Set, &["alias/k0-0", "alias/k*"]),
    ("kms:KeySpec", Type::Text, &["SYMMETRIC_DEFAULT", "RSA_*"]),
    ("kms:MultiRegion", Type::Bool, &["true", "false"]),
    ("kms:GrantIsForAWSResource", Type::Bool, &["true", "false"]),
    ("kms:GrantOperations", Type::Set, &["Decrypt", "Encrypt", "GenerateDataKey"]),
    (
        "kms:GranteePrincipal",
        Type::Arn,
        &["arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:role/*"],
    ),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", Type::Number, &["7", "14", "30"]),
    ("kms:MessageType", Type::Text, &["RAW", "DIGEST"]),
    ("kms:EncryptionAlgorithm", Type::Text, &["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256"]),
    (
        "aws:PrincipalArn",
        Type::Arn,
        &[
            "arn:aws:iam::111122223333:user/ann",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:root",
        ],
    ),
    ("aws:PrincipalAccount", Type::Text, &["111122223333", "777788889999"]),
    ("aws:PrincipalOrgID", Type::Text, &["o-a1b2c3d4e5", "o-other"]),
    (
        "aws:PrincipalOrgPaths",
        Type::Set,
        &["o-a1b2c3d4e5/r-ab12/*", "o-a1b2c3d4e5/r-ab12/ou-ab12-00000000/*"],
    ),
    ("aws:PrincipalTag/team", Type::Text, &["red", "blue", "RED", "r*"]),
    ("aws:PrincipalType", Type::Text, &["User", "AssumedRole", "Account"]),
    ("aws:PrincipalIsAWSService", Type::Bool, &["true", "false"]),
    ("aws:ResourceTag/team", Type::Text, &["red", "Red", "${aws:PrincipalTag/team}"]),
    ("aws:ResourceAccount", Type::Text, &["111122223333", "${aws:PrincipalAccount}"]),
    ("aws:username", Type::Text, &["ann", "bob", "${aws:username}"]),
    ("aws:userid", Type::Text, &["AROAAPPAAAAAAAAAAAAA0:*", "*:s1", "111122223333"]),
    (
        "aws:SourceIp",
        Type::Address,
        &["203.0.113.0/24", "198.51.100.7", "2001:db8::/32", "10.0.0.0/8"],
    ),
    ("aws:SourceVpce", Type::Text, &["vpce-1", "vpce-*"]),
    ("aws:SourceAccount", Type::Text, &["111122223333", "444455556666"]),
    ("aws:SourceArn", Type::Arn, &["arn:aws:s3:::bucket", "arn:aws:s3:::*"]),
    ("aws:CalledVia", Type::Set, &["s3.amazonaws.com", "athena.amazonaws.com"]),
    ("aws:ViaAWSService", Type::Bool, &["true", "false"]),
    ("aws:SecureTransport", Type::Bool, &["true", "false"]),
    ("aws:MultiFactorAuthPresent", Type::Bool, &["true", "false"]),
    ("aws:MultiFactorAuthAge", Type::Number, &["300", "3600"]),
    ("aws:CurrentTime", Type::Date, &["2020-01-01T00:00:00Z", "2030-06-01T12:00:00Z"]),
];

/// Further keys, each for one operator.
const ODD: [(&str, Type, &[&str]); 4] = [
    ("kms:EncryptionContext:blob", Type::Bytes, &["QUJD", "eHl6"]),
    ("aws:EpochTime", Type::Date, &["1577836800", "1906545600"]),
    ("aws:RequestTag/team", Type::Text, &["red", "blue"]),
    ("aws:TagKeys", Type::Set, &["team", "Dept"]),
];

/// The types of condition values; each has operators of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Text,
    Set,
    Arn,
    Bool,
    Number,
    Date,
    Address,
    Bytes,
}

/// The operators by the type of the values they compare.
pub const OPERATORS: [&[&str]; 7] = [
    &[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
    ],
    &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "StringLike"],
    &["Bool"],
    &[
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
    ],
    &[
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ],
    &["IpAddress", "NotIpAddress"],
    &["BinaryEquals"],
];

impl Type {
    fn operators(self) -> &'static [&'static str] {
        OPERATORS[match self {
            Self::Text | Self::Set => 0,
            Self::Arn => 1,
            Self::Bool => 2,
            Self::Number => 3,
            Self::Date => 4,
            Self::Address => 5,
            Self::Bytes => 6,
        }]
    }
}

/// The values that a request could carry for the keys that requests decide, patterns aside; `true` for
/// keys with several values.
pub fn request_keys() -> Vec<(&'static str, bool, Vec<&'static str>)> {
    const OF_THE_EXPORT: [&str; 15] = [
        "kms:EncryptionContextKeys",
        "kms:CallerAccount",
        "kms:RequestAlias",
        "kms:ResourceAliases",
        "kms:KeySpec",
        "kms:MultiRegion",
        "aws:PrincipalArn",
        "aws:PrincipalAccount",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalTag/team",
        "aws:PrincipalType",
        "aws:PrincipalIsAWSService",
        "aws:ResourceTag/team",
        "aws:ResourceAccount",
    ];
    let all = KEYS.iter().chain(&ODD);
    let free = all.filter(|(name, ..)| {
        !OF_THE_EXPORT.contains(name) && !matches!(*name, "aws:username" | "aws:userid")
    });
    free.map(|(name, kind, values)| {
        let sent = values.iter().copied().filter(|value| is_sent(*kind, value));
        let mut sent: Vec<&str> = sent.chain(between(*kind, name).iter().copied()).collect();
        if *kind == Type::Bool {
            sent = vec!["true", "false"];
        }
        (*name, *kind == Type::Set, sent)
    })
    .collect()
}

/// Whether a value of a condition is one that a request could carry: no pattern, no block of addresses.
fn is_sent(kind: Type, value: &str) -> bool {
    !(value.contains(['*', '$']) || (kind == Type::Address && value.contains('/')))
}

/// Values beside those that conditions speak of.
fn between(kind: Type, name: &str) -> &'static [&'static str] {
    match (kind, name) {
        (_, "kms:ViaService") => &["rds.us-east-1.amazonaws.com"],
        (_, "kms:EncryptionContext:app") => &["Pay", "p", "px"],
        (_, "kms:GrantOperations") => &["DescribeKey"],
        (_, "kms:GranteePrincipal") => {
            &["arn:aws:iam::111122223333:role/ops", "arn:aws:iam::444455556666:user/bob"]
        }
        (_, "kms:MessageType" | "kms:EncryptionAlgorithm") => &[],
        (_, "aws:SourceVpce") => &["vpce-2"],
        (_, "aws:SourceArn") => &["arn:aws:s3:::bucket", "arn:aws:s3:::other"],
        (Type::Number, "aws:MultiFactorAuthAge") => &["0", "301", "4000"],
        (Type::Number, _) => &["8", "29"],
        (Type::Date, "aws:CurrentTime") => &["2028-02-03T04:05:06Z", "2035-01-01T00:00:00Z"],
        (Type::Date, _) => &["1890000000", "2051222400"],
        (Type::Address, _) => {
            &["203.0.113.9", "192.0.2.1", "10.1.2.3", "2001:db8::7", "2001:db9::1"]
        }
        (Type::Bytes, _) => &["AAAA"],
        (Type::Set, _) => &["other"],
        _ => &["green"],
    }
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
                } else {
                    principals.push(identity.unique_id.clone());
                }
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
            let action = *random.pick(&["sts:AssumeRole", "sts:*", "sts:TagSession"]);
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
        let not = denies && random.chance(25) && of == PolicyOf::Key;
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
        let pair = |random: &mut Random| {
            let value = *random.pick(&["pay", "x"]);
            ("app".to_owned(), value.to_owned())
        };
        let constraint = random.below(5);
        Grant {
            id: format!("{nth:04}{key}").replace('-', ""),
            grantee,
            retiring: random.chance(50).then(|| random.pick(&named).clone()),
            operations: random.some(&OPERATIONS, 1, 4),
            equals: (constraint == 0).then(|| pair(random)),
            subset: (constraint == 1).then(|| pair(random)),
        }
    }
}

/// Statements for everything, all of which hang on one or two condition keys that requests decide.
pub fn narrow(random: &mut Random, count: usize) -> Policy {
    let free: Vec<&str> = request_keys().into_iter().map(|(name, ..)| name).collect();
    let is_free = |row: &&Row| free.contains(&row.0);
    let pool: Vec<Row> = KEYS.iter().chain(&ODD).filter(is_free).copied().collect();
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

fn one_or_many(random: &mut Random, mut values: Vec<String>) -> Value {
    match values.len() {
        1 if random.chance(70) => values.remove(0).into(),
        _ => values.into(),
    }
}

/// A row of [`KEYS`].
type Row = (&'static str, Type, &'static [&'static str]);

fn conditions(random: &mut Random) -> Value {
    let pool = if random.chance(8) { &ODD[..] } else { &KEYS[..] };
    conditions_on(random, pool)
}

fn conditions_on(random: &mut Random, pool: &[Row]) -> Value {
    let mut block = Map::new();
    for _ in 0..1 + random.below(2) {
        let (name, kind, values) = random.pick(pool);
        let name = if random.chance(10) { name.to_lowercase() } else { (*name).to_owned() };
        if random.chance(8) {
            let entry = json!({ name: random.pick(&["true", "false"]) });
            block.insert("Null".into(), entry);
            continue;
        }
        let mut operator = (*random.pick(kind.operators())).to_owned();
        if *kind == Type::Set || random.chance(4) {
            let set = random.pick(&["ForAnyValue", "ForAllValues"]);
            operator = format!("{set}:{operator}");
        }
        if random.chance(20) {
            operator.push_str("IfExists");
        }
        let chosen = random.some(values, 1, 2);
        let values = one_or_many(random, chosen.into_iter().map(str::to_owned).collect());
        let entry = block.entry(operator).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(entry) = entry {
            entry.insert(name, values);
        }
    }
    Value::Object(block)
}
