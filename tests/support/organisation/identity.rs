//! Identity policies: what users, groups and roles may do.

use super::json::{Json, object};
use super::policy::{Statement, allow, allow_all_but, deny, document, old_document};
use super::random::Random;
use super::world::{APPS, BOUNDARIES, REGIONS, STAGES, TEAMS, VIA, World};

/// Actions that use a symmetric key.
pub const USE: [&str; 5] =
    ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"];
/// Actions that the console gives to key administrators.
pub const ADMINISTER: [&str; 15] = [
    "kms:Create*",
    "kms:Describe*",
    "kms:Enable*",
    "kms:List*",
    "kms:Put*",
    "kms:Update*",
    "kms:Revoke*",
    "kms:Disable*",
    "kms:Get*",
    "kms:Delete*",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:ScheduleKeyDeletion",
    "kms:CancelKeyDeletion",
    "kms:RotateKeyOnDemand",
];
/// Actions that the console gives for resources that outlive the call.
pub const ATTACH: [&str; 3] = ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"];
/// Kinds of statements, by weight.
const KINDS: [(&str, usize); 26] = [
    ("s3", 170),
    ("ec2", 80),
    ("dynamodb", 90),
    ("logs", 90),
    ("sqs", 70),
    ("lambda", 60),
    ("assume", 50),
    ("secrets", 50),
    ("use-keys", 130),
    ("use-account", 22),
    ("use-all", 8),
    ("kms-all", 3),
    ("alias", 18),
    ("via", 22),
    ("abac", 14),
    ("context", 14),
    ("cross-account", 20),
    ("administer", 12),
    ("deny-destroy", 14),
    ("deny-elsewhere", 3),
    ("deny-no-mfa", 5),
    ("not-action", 3),
    ("grant", 14),
    ("odd", 8),
    ("address", 5),
    ("service-level", 6),
];

/// The principal, key or account a statement is about, and where its choices come from.
pub struct Author<'w> {
    /// The organisation.
    pub world: &'w World,
    /// The account whose policies are written.
    pub account: usize,
    /// The choices.
    pub random: Random,
}

impl<'w> Author<'w> {
    /// The author of the policies of one thing.
    pub fn of(world: &'w World, label: &str, account: usize, index: usize) -> Self {
        Self { world, account, random: world.random(label, &[account, index]) }
    }

    /// A document of `low` to `high` statements, now and then an old one.
    pub fn document(&mut self, low: usize, high: usize) -> Json {
        if self.random.percent(2) {
            return old_document(self.statement());
        }
        let count = self.random.between(low, high);
        let statements = (0..count).map(|index| {
            let statement = self.statement();
            if self.random.percent(60) { statement.sid(format!("S{index}")) } else { statement }
        });
        document(statements.collect())
    }

    /// One of the permissions boundaries of an account.
    pub fn boundary(index: usize) -> Json {
        const SERVICES: [&str; 10] = [
            "s3:*",
            "dynamodb:*",
            "logs:*",
            "sqs:*",
            "lambda:*",
            "kms:Decrypt",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
            "secretsmanager:*",
        ];
        const FORBIDDEN: [&str; 4] =
            ["iam:*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateGrant"];
        let regions = object! { "aws:RequestedRegion": ["us-east-1", "eu-west-1"] };
        match index {
            0 => document(vec![allow(SERVICES)]),
            1 => document(vec![allow("*"), deny(FORBIDDEN)]),
            _ => document(vec![allow(["s3:*", "kms:*"]).when(object! { "StringEquals": regions })]),
        }
    }

    /// The customer managed policies that something is attached to, most often the first ones.
    pub fn customer_policy(&mut self) -> Option<String> {
        let span = self.world.accounts[self.account].policies.saturating_sub(BOUNDARIES);
        let index = BOUNDARIES + self.random.skewed(span);
        (span > 0).then(|| self.world.policy_arn(self.account, index))
    }

    fn statement(&mut self) -> Statement {
        match self.random.weighted(&KINDS) {
            kind @ ("s3" | "ec2" | "dynamodb" | "logs" | "sqs" | "lambda" | "assume"
            | "secrets") => self.other_service(kind),
            kind @ ("use-keys" | "use-account" | "use-all" | "kms-all" | "cross-account"
            | "administer" | "odd" | "service-level") => self.keys(kind),
            kind @ ("alias" | "via" | "abac" | "context" | "grant" | "address") => {
                self.conditional(kind)
            }
            kind => self.restriction(kind),
        }
    }

    fn other_service(&mut self, kind: &str) -> Statement {
        let (team, region) = (self.random.pick(&TEAMS), self.random.weighted(&REGIONS));
        let id = &self.world.accounts[self.account].id;
        match kind {
            "s3" => {
                let stage = self.random.pick(&STAGES);
                let bucket = format!("arn:aws:s3:::{team}-{stage}-{}", &id[8..]);
                let objects = self.random.pick(&["/*", "/${aws:username}/*", "/data/*"]);
                let statement = match self.random.below(3) {
                    0 => allow(["s3:GetObject", "s3:ListBucket"]),
                    1 => allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
                    _ => allow("s3:*"),
                };
                statement.on([bucket.clone(), format!("{bucket}{objects}")])
            }
            "ec2" => allow(["ec2:Describe*", "ec2:StartInstances", "ec2:StopInstances"])
                .when(object! { "StringEquals": object! { "aws:RequestedRegion": region } }),
            "dynamodb" => allow(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"])
                .on(format!("arn:aws:dynamodb:{region}:{id}:table/{team}-*")),
            "logs" => allow(["logs:CreateLogStream", "logs:PutLogEvents"])
                .on(format!("arn:aws:logs:{region}:{id}:log-group:/app/{team}/*")),
            "sqs" => allow(["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"])
                .on(format!("arn:aws:sqs:{region}:{id}:{team}-{}", self.random.pick(&APPS))),
            "lambda" => allow("lambda:InvokeFunction")
                .on(format!("arn:aws:lambda:{region}:{id}:function:{team}-*")),
            "assume" => {
                let other = self.world.other(&mut self.random, self.account);
                allow("sts:AssumeRole").on(self.world.any_role(&mut self.random, other))
            }
            _ => allow(["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"])
                .on(format!("arn:aws:secretsmanager:{region}:{id}:secret:{team}/*")),
        }
    }

    fn keys(&mut self, kind: &str) -> Statement {
        let region = self.random.weighted(&REGIONS);
        let id = &self.world.accounts[self.account].id;
        match kind {
            "use-keys" => {
                let count = self.random.between(1, 4);
                let keys = (0..count).map(|_| self.key()).collect::<Vec<_>>();
                let statement = match self.random.below(4) {
                    0 => allow(USE),
                    1 => allow("kms:Decrypt"),
                    2 => allow(["kms:Decrypt", "kms:GenerateDataKey"]),
                    _ => allow(["kms:Sign", "kms:Verify", "kms:GetPublicKey"]),
                };
                statement.on(Json::one_or_many(keys))
            }
            "use-account" => allow(["kms:Decrypt", "kms:GenerateDataKey*"])
                .on(format!("arn:aws:kms:{region}:{id}:key/*")),
            "use-all" => allow(USE),
            "kms-all" => allow("kms:*"),
            "cross-account" => {
                let other = self.world.other(&mut self.random, self.account);
                let key = self.world.any_key(&mut self.random, other);
                let id = &self.world.accounts[other].id;
                let mut keys = vec![key, format!("arn:aws:kms:{region}:{id}:key/*")];
                keys.truncate(self.random.between(1, 2));
                allow(["kms:Decrypt", "kms:DescribeKey"]).on(keys)
            }
            "administer" => allow(ADMINISTER).on(format!("arn:aws:kms:*:{id}:key/*")),
            "service-level" => allow([
                "kms:CreateKey",
                "kms:ListKeys",
                "kms:ListAliases",
                "kms:GenerateRandom",
                "kms:CreateAlias",
            ]),
            _ => {
                let actions = ["KMS:decrypt", "kms:Decryp?", "kms:*crypt", "kms:GenerateDataKey*"];
                allow(self.random.pick(&actions)).on(self.key())
            }
        }
    }

    fn conditional(&mut self, kind: &str) -> Statement {
        let (team, region) = (self.random.pick(&TEAMS), self.random.weighted(&REGIONS));
        let id = &self.world.accounts[self.account].id;
        match kind {
            "alias" => {
                let alias = format!("alias/{team}-{}*", self.random.pick(&STAGES));
                let condition = if self.random.percent(50) {
                    object! { "ForAnyValue:StringLike": object! { "kms:ResourceAliases": alias } }
                } else {
                    object! { "StringLike": object! { "kms:RequestAlias": alias } }
                };
                allow(["kms:Decrypt", "kms:Encrypt", "kms:DescribeKey"])
                    .on(format!("arn:aws:kms:*:{id}:key/*"))
                    .when(condition)
            }
            "via" => {
                let count = self.random.between(1, 3);
                let services: Vec<String> = self
                    .random
                    .sample(&VIA, count)
                    .iter()
                    .map(|(service, _)| format!("{service}.{region}.amazonaws.com"))
                    .collect();
                allow(["kms:Decrypt", "kms:GenerateDataKey"])
                    .when(object! { "StringEquals": object! { "kms:ViaService": services } })
            }
            "abac" => {
                let same = object! { "aws:ResourceTag/team": "${aws:PrincipalTag/team}" };
                allow(USE).when(object! { "StringEquals": same })
            }
            "context" => {
                let tenant = object! { "kms:EncryptionContext:tenant": team };
                allow("kms:Decrypt").on(self.key()).when(object! { "StringEquals": tenant })
            }
            "grant" => allow(ATTACH)
                .on(self.key())
                .when(object! { "Bool": object! { "kms:GrantIsForAWSResource": true } }),
            _ => {
                let networks = object! { "aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"] };
                allow(["kms:Decrypt", "s3:GetObject"]).when(object! { "IpAddress": networks })
            }
        }
    }

    fn restriction(&mut self, kind: &str) -> Statement {
        let id = &self.world.accounts[self.account].id;
        match kind {
            "deny-elsewhere" => {
                deny("kms:Decrypt").on_all_but([format!("arn:aws:kms:*:{id}:key/*")])
            }
            "deny-no-mfa" => deny(["kms:ScheduleKeyDeletion", "iam:*"]).when(object! {
                "BoolIfExists": object! { "aws:MultiFactorAuthPresent": "false" },
            }),
            "not-action" => allow_all_but(["iam:*", "organizations:*", "kms:ScheduleKeyDeletion"]),
            _ => deny(["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"]),
        }
    }

    fn key(&mut self) -> String {
        self.world.any_key(&mut self.random, self.account)
    }
}
