//! The shape of an organisation: every name is a pure function of the seed and an index.

use super::Shape;
use super::random::{Random, hash};

/// Regions with keys, by weight.
pub const REGIONS: [(&str, usize); 3] = [("us-east-1", 60), ("eu-west-1", 25), ("us-west-2", 15)];
/// Teams, which name and tag most things.
pub const TEAMS: [&str; 16] = [
    "payments", "orders", "identity", "search", "billing", "ledger", "catalog", "media", "fraud",
    "notify", "risk", "data", "ml", "edge", "audit", "growth",
];
/// Stages of an application.
pub const STAGES: [&str; 4] = ["prod", "stage", "dev", "test"];
/// Kinds of applications.
pub const APPS: [&str; 10] =
    ["api", "worker", "etl", "web", "batch", "stream", "cron", "ingest", "export", "gateway"];
/// Services that use keys for a caller: the name in `kms:ViaService` and in `alias/aws/`.
pub const VIA: [(&str, &str); 10] = [
    ("s3", "s3"),
    ("ec2", "ebs"),
    ("rds", "rds"),
    ("dynamodb", "dynamodb"),
    ("secretsmanager", "secretsmanager"),
    ("sqs", "sqs"),
    ("sns", "sns"),
    ("lambda", "lambda"),
    ("ssm", "ssm"),
    ("elasticfilesystem", "elasticfilesystem"),
];
/// The root (first) and the organizational units, each with the index of its parent.
pub const UNITS: [(&str, Option<usize>); 8] = [
    ("Root", None),
    ("Security", Some(0)),
    ("Infrastructure", Some(0)),
    ("Workloads", Some(0)),
    ("Prod", Some(3)),
    ("NonProd", Some(3)),
    ("Sandbox", Some(0)),
    ("Suspended", Some(0)),
];
/// Index of the unit whose path key policies name.
pub const WORKLOADS: usize = 3;
/// Roles that a landing zone puts into every account; a name that ends in `_` gets a suffix.
pub const BASE_ROLES: [(&str, &str); 8] = [
    ("/", "OrganizationAccountAccessRole"),
    ("/", "KeyAdministrator"),
    ("/", "BreakGlassAdmin"),
    ("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_AdministratorAccess_"),
    ("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_ReadOnly_"),
    ("/aws-service-role/autoscaling.amazonaws.com/", "AWSServiceRoleForAutoScaling"),
    ("/", "stacksets-exec"),
    ("/audit/", "SecurityAuditor"),
];
/// Index of the service-linked role in [`BASE_ROLES`].
pub const SERVICE_LINKED: usize = 5;
/// The first customer managed policies of an account are its permissions boundaries.
pub const BOUNDARIES: usize = 3;

/// An organisation; its first account is the management account.
pub struct World {
    /// What every choice follows from.
    pub seed: u64,
    /// `o-...`
    pub organization: String,
    /// Its accounts, in the order they joined.
    pub accounts: Vec<Account>,
}

/// How much one account holds.
pub struct Account {
    /// Twelve digits.
    pub id: String,
    /// Index into [`UNITS`].
    pub unit: usize,
    /// IAM users.
    pub users: usize,
    /// Roles, the landing zone's included.
    pub roles: usize,
    /// Groups.
    pub groups: usize,
    /// Customer managed policies.
    pub policies: usize,
    /// Keys, replicas not counted.
    pub keys: usize,
    /// Grants of each key: a third of the keys hold them all.
    pub grants: Vec<usize>,
}

/// What names a key.
pub struct KeyName {
    /// Its Region, for a multi-Region key that of the primary.
    pub region: &'static str,
    /// `mrk-...` or a UUID.
    pub id: String,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
}

impl World {
    /// Spreads the totals of a shape over its accounts.
    pub fn new(shape: &Shape) -> Self {
        let weights: Vec<usize> = (0..shape.accounts)
            .map(|index| match index {
                _ if index % 7 == 0 => 3,
                _ if index % 3 == 0 => 2,
                _ => 1,
            })
            .collect();
        let spread = |total| split(total, &weights);
        let (users, roles, groups) =
            (spread(shape.users), spread(shape.roles), spread(shape.groups));
        let (policies, keys, grants) =
            (spread(shape.policies), spread(shape.keys), spread(shape.grants));
        let base = hash(shape.seed, "account", &[]) % 600_000_000_000;
        let accounts = (0..shape.accounts).map(|index| Account {
            id: (200_000_000_000 + (base + index as u64 * 7_368_787_013) % 700_000_000_000)
                .to_string(),
            unit: unit_of(shape.seed, index),
            users: users[index],
            roles: roles[index],
            groups: groups[index],
            policies: policies[index],
            keys: keys[index],
            grants: grants_by_key(shape.seed, index, keys[index], grants[index]),
        });
        let organization =
            format!("o-{:010x}", hash(shape.seed, "organization", &[]) & 0xff_ffff_ffff);
        Self { seed: shape.seed, organization, accounts: accounts.collect() }
    }

    /// The stream of one thing of this organisation.
    pub fn random(&self, label: &str, at: &[usize]) -> Random {
        Random::of(self.seed, label, at)
    }

    /// The id of the root (`r-...`) or of a unit (`ou-...`).
    pub fn unit_id(&self, unit: usize) -> String {
        let root = hash(self.seed, "root", &[]) & 0xffff;
        match unit {
            0 => format!("r-{root:04x}"),
            _ => format!("ou-{root:04x}-{:08x}", hash(self.seed, "unit", &[unit]) & 0xffff_ffff),
        }
    }

    /// The path of a unit, as `aws:PrincipalOrgPaths` has it.
    pub fn unit_path(&self, unit: usize) -> String {
        let above = match UNITS[unit].1 {
            Some(parent) => self.unit_path(parent),
            None => format!("{}/", self.organization),
        };
        format!("{above}{}/", self.unit_id(unit))
    }

    /// `arn:aws:iam::ID:KIND`.
    pub fn iam_arn(&self, account: usize, resource: &str) -> String {
        format!("arn:aws:iam::{}:{resource}", self.accounts[account].id)
    }

    /// The account principal.
    pub fn root_arn(&self, account: usize) -> String {
        self.iam_arn(account, "root")
    }

    /// Path and name of a user.
    pub fn user(&self, account: usize, index: usize) -> (String, String) {
        const NAMES: [&str; 10] =
            ["alex", "sam", "kim", "lee", "max", "noa", "ira", "jo", "bo", "uma"];
        let mut random = self.random("user-name", &[account, index]);
        let team = random.pick(&TEAMS);
        let path = random.weighted(&[("/", 80), ("/staff/", 14), ("/teams/", 6)]);
        let path = if path == "/teams/" { format!("{path}{team}/") } else { path.to_owned() };
        (path, format!("{}.{team}{index}", random.pick(&NAMES)))
    }

    /// The ARN of a user.
    pub fn user_arn(&self, account: usize, index: usize) -> String {
        let (path, name) = self.user(account, index);
        self.iam_arn(account, &format!("user{path}{name}"))
    }

    /// Path and name of a role.
    pub fn role(&self, account: usize, index: usize) -> (String, String) {
        let mut random = self.random("role-name", &[account, index]);
        if let Some(&(path, name)) = BASE_ROLES.get(index) {
            let suffix = if name.ends_with('_') { random.hex(16) } else { String::new() };
            return (path.to_owned(), format!("{name}{suffix}"));
        }
        let team = random.pick(&TEAMS);
        let path = random.weighted(&[("/", 70), ("/service-role/", 15), ("/app/", 15)]);
        let path = if path == "/app/" { format!("{path}{team}/") } else { path.to_owned() };
        let name = format!("{team}-{}-{}-{index}", random.pick(&APPS), random.pick(&STAGES));
        (path, name)
    }

    /// The ARN of a role.
    pub fn role_arn(&self, account: usize, index: usize) -> String {
        let (path, name) = self.role(account, index);
        self.iam_arn(account, &format!("role{path}{name}"))
    }

    /// The name of a group.
    pub fn group(&self, account: usize, index: usize) -> String {
        let mut random = self.random("group-name", &[account, index]);
        let kind = random.pick(&["devs", "ops", "leads", "analysts", "ro"]);
        format!("{}-{kind}-{index}", random.pick(&TEAMS))
    }

    /// Path and name of a customer managed policy.
    pub fn policy(&self, account: usize, index: usize) -> (&'static str, String) {
        let mut random = self.random("policy-name", &[account, index]);
        let path = random.weighted(&[("/", 85), ("/managed/", 15)]);
        (path, format!("{}-{}-policy-{index}", random.pick(&TEAMS), random.pick(&APPS)))
    }

    /// The ARN of a customer managed policy.
    pub fn policy_arn(&self, account: usize, index: usize) -> String {
        let (path, name) = self.policy(account, index);
        self.iam_arn(account, &format!("policy{path}{name}"))
    }

    /// The service that owns a key: the first keys of an account are AWS managed.
    pub fn key_owner(&self, account: usize, index: usize) -> Option<(&'static str, &'static str)> {
        let owned = self.accounts[account].keys / 20;
        if index < owned { VIA.get(index).copied() } else { None }
    }

    /// What names a key.
    pub fn key(&self, account: usize, index: usize) -> KeyName {
        let mut random = self.random("key-name", &[account, index]);
        if self.key_owner(account, index).is_some() {
            return KeyName { region: REGIONS[0].0, id: uuid(&mut random), multi_region: false };
        }
        let region = random.weighted(&REGIONS);
        let multi_region = random.percent(6);
        let id = if multi_region { format!("mrk-{}", random.hex(32)) } else { uuid(&mut random) };
        KeyName { region, id, multi_region }
    }

    /// The ARN of a key, for a multi-Region key that of the primary.
    pub fn key_arn(&self, account: usize, index: usize) -> String {
        let name = self.key(account, index);
        format!("arn:aws:kms:{}:{}:key/{}", name.region, self.accounts[account].id, name.id)
    }

    /// Some role of an account, or its root where it has none.
    pub fn any_role(&self, random: &mut Random, account: usize) -> String {
        match self.accounts[account].roles {
            0 => self.root_arn(account),
            roles => self.role_arn(account, random.below(roles)),
        }
    }

    /// Some user of an account, or a role where it has none.
    pub fn any_user(&self, random: &mut Random, account: usize) -> String {
        match self.accounts[account].users {
            0 => self.any_role(random, account),
            users => self.user_arn(account, random.below(users)),
        }
    }

    /// Some key of an account, or all of them where it has none.
    pub fn any_key(&self, random: &mut Random, account: usize) -> String {
        match self.accounts[account].keys {
            0 => format!("arn:aws:kms:us-east-1:{}:key/*", self.accounts[account].id),
            keys => self.key_arn(account, random.below(keys)),
        }
    }

    /// A session of some role.
    pub fn any_session(&self, random: &mut Random, account: usize) -> String {
        match self.accounts[account].roles {
            0 => self.root_arn(account),
            roles => {
                let (_, role) = self.role(account, random.below(roles));
                let id = &self.accounts[account].id;
                format!("arn:aws:sts::{id}:assumed-role/{role}/session{}", random.below(99))
            }
        }
    }

    /// Another account, or the same where there is only one.
    pub fn other(&self, random: &mut Random, account: usize) -> usize {
        let other = random.below(self.accounts.len().saturating_sub(1));
        if self.accounts.len() > 1 && other >= account { other + 1 } else { other }
    }
}

/// A unique id of IAM: a prefix and 17 characters.
pub fn unique_id(prefix: &str, seed: u64, at: &[usize]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = Random::of(seed, prefix, at);
    let letters = (0..17).map(|_| char::from(random.pick(ALPHABET)));
    prefix.chars().chain(letters).collect()
}

/// An instant of the years 2022 to 2024, as the aws CLI prints it.
pub fn instant(random: &mut Random) -> String {
    let (year, month, day) = (2022 + random.below(3), random.between(1, 12), random.between(1, 28));
    let (hour, minute, second) = (random.below(24), random.below(60), random.below(60));
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}

fn uuid(random: &mut Random) -> String {
    let hex = random.hex(32);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn split(total: usize, weights: &[usize]) -> Vec<usize> {
    let sum: usize = weights.iter().sum();
    let mut parts: Vec<usize> = weights.iter().map(|weight| total * weight / sum).collect();
    let rest = total - parts.iter().sum::<usize>();
    for part in parts.iter_mut().take(rest) {
        *part += 1;
    }
    parts
}

fn unit_of(seed: u64, account: usize) -> usize {
    match account {
        0 => 0,
        1 => 1,
        _ if account % 17 == 16 => 7,
        _ => {
            Random::of(seed, "unit-of", &[account]).weighted(&[(4, 45), (5, 30), (6, 12), (2, 13)])
        }
    }
}

fn grants_by_key(seed: u64, account: usize, keys: usize, grants: usize) -> Vec<usize> {
    let mut counts = vec![0; keys];
    let mut random = Random::of(seed, "grants", &[account]);
    for _ in 0..if keys == 0 { 0 } else { grants } {
        counts[random.skewed(keys.div_ceil(3))] += 1;
    }
    counts
}
