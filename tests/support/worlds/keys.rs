//! Condition keys with the values that policies and requests give them, and random conditions.

use serde_json::{Map, Value, json};

use crate::support::seeds::Random;

/// Condition keys with the values that conditions and requests give them, by the type of the values.
/// Which of them a request decides is the business of [`request_keys`].
pub(super) const KEYS: &[Row] = &[
    (
        "kms:ViaService",
        Type::Text,
        &["s3.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com", "s3.*.amazonaws.com"],
    ),
    (
        "kms:EncryptionContext:app",
        Type::Text,
        &[
            "PAY",
            "pay",
            "p*",
            "px",
            "*a*",
            "${kms:EncryptionContext:dept}",
            "${aws:PrincipalTag/team, 'pay'}",
            "${aws:SourceAccount}",
        ],
    ),
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
        &[
            "arn:aws:iam::111122223333:role/app",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::*:*",
            "arn:*",
        ],
    ),
    (
        "kms:GrantConstraintType",
        Type::Text,
        &["EncryptionContextEquals", "EncryptionContextSubset"],
    ),
    ("kms:GrantConstraintSourceArn", Type::Arn, &["arn:aws:s3:::bucket", "arn:aws:s3:::b*"]),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", Type::Number, &["7", "14", "14.5", "30"]),
    ("kms:SigningAlgorithm", Type::Text, &["RSASSA_PSS_SHA_256", "RSASSA_*", "*_512"]),
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
    ("aws:PrincipalTag/team", Type::Text, &["red", "blue", "RED", "r*", "${aws:ResourceTag/team}"]),
    ("aws:PrincipalType", Type::Text, &["User", "AssumedRole", "Account"]),
    ("aws:PrincipalIsAWSService", Type::Bool, &["true", "false"]),
    ("aws:ResourceTag/team", Type::Text, &["red", "Red", "${aws:PrincipalTag/team}"]),
    ("aws:ResourceAccount", Type::Text, &["111122223333", "${aws:PrincipalAccount}"]),
    ("aws:username", Type::Text, &["ann", "bob", "${aws:username}"]),
    ("aws:userid", Type::Text, &["AROAAPPAAAAAAAAAAAAA0:*", "*:s1", "111122223333"]),
    (
        "aws:SourceIp",
        Type::Address,
        &[
            "203.0.113.0/24",
            "203.0.113.128/25",
            "198.51.100.7",
            "2001:db8::/32",
            "10.0.0.0/8",
            "0.0.0.0/0",
        ],
    ),
    ("aws:SourceVpce", Type::Text, &["vpce-1", "vpce-*"]),
    ("aws:SourceVpc", Type::Text, &["vpc-1", "vpc-2"]),
    ("aws:VpcSourceIp", Type::Address, &["10.0.0.0/8", "10.1.0.0/16"]),
    ("aws:SourceAccount", Type::Text, &["111122223333", "444455556666"]),
    ("aws:SourceArn", Type::Arn, &["arn:aws:s3:::bucket", "arn:aws:s3:::*", "arn:aws:*:b*"]),
    ("aws:CalledVia", Type::Set, &["s3.amazonaws.com", "athena.amazonaws.com"]),
    ("aws:ViaAWSService", Type::Bool, &["true", "false"]),
    ("aws:SecureTransport", Type::Bool, &["true", "false"]),
    ("aws:MultiFactorAuthPresent", Type::Bool, &["true", "false"]),
    ("aws:MultiFactorAuthAge", Type::Number, &["300", "3600"]),
    ("aws:TokenIssueTime", Type::Date, &["2026-11-30T12:00:00Z", "2030-06-01T06:00:00Z"]),
    ("aws:CurrentTime", Type::Date, &["2020-01-01T00:00:00Z", "2030-06-01T12:00:00Z"]),
];

/// Further keys, each for one operator.
pub(super) const ODD: &[Row] = &[
    ("kms:EncryptionContext:blob", Type::Bytes, &["QUJD", "eHl6"]),
    ("aws:EpochTime", Type::Date, &["1577836800", "1906545600"]),
    ("aws:RequestTag/team", Type::Text, &["red", "blue"]),
    ("aws:TagKeys", Type::Set, &["team", "Dept"]),
];

/// The types of condition values; each has operators of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
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
    &[
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "StringLike",
        "StringNotLike",
        "StringEquals",
        "StringEqualsIgnoreCase",
    ],
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
    const OF_THE_EXPORT: &[&str] = &[
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
    let all = KEYS.iter().chain(ODD);
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

/// Whether a value of a condition is one that a request could carry: no pattern, no block of addresses,
/// no fraction, since the numbers of requests are whole.
fn is_sent(kind: Type, value: &str) -> bool {
    match kind {
        Type::Address => !value.contains('/'),
        Type::Number => !value.contains('.'),
        _ => !value.contains(['*', '$']),
    }
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
        (_, "aws:SourceVpc") => &["vpc-3"],
        (_, "aws:VpcSourceIp") => &["10.1.2.3", "10.9.9.9", "192.168.0.1"],
        (_, "kms:SigningAlgorithm") => &["RSASSA_PSS_SHA_512", "RSASSA_PKCS1_V1_5_SHA_384"],
        (_, "kms:GrantConstraintType") => &[],
        (_, "aws:SourceArn") => &["arn:aws:s3:::bucket", "arn:aws:s3:::other"],
        (Type::Number, "aws:MultiFactorAuthAge") => &["0", "301", "4000"],
        (Type::Number, _) => &["8", "29"],
        (Type::Date, "aws:TokenIssueTime") => &["2030-06-01T11:00:00Z"],
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

/// A row of [`KEYS`].
pub(super) type Row = (&'static str, Type, &'static [&'static str]);

pub(super) fn conditions(random: &mut Random) -> Value {
    let pool = if random.chance(8) { ODD } else { KEYS };
    conditions_on(random, pool)
}

pub(super) fn conditions_on(random: &mut Random, pool: &[Row]) -> Value {
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
        if *kind == Type::Set || random.chance(8) {
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

/// A list, or its only value.
pub(super) fn one_or_many(random: &mut Random, mut values: Vec<String>) -> Value {
    match values.len() {
        1 if random.chance(70) => values.remove(0).into(),
        _ => values.into(),
    }
}
