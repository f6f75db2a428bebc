//! Keys with everything that is exported of them.

use super::json::{Json, object};
use super::key_policy::{KeyPolicy, Place, aws_managed, customer_managed};
use super::random::Random;
use super::world::{BASE_ROLES, REGIONS, SERVICE_LINKED, STAGES, TEAMS, World, instant};

/// A key with its replica, if it has one; the same seed and place always make the same key.
pub struct Key {
    /// The account that owns it.
    pub account: usize,
    /// Its id.
    pub id: String,
    /// Its Regions, the primary's first.
    pub regions: Vec<&'static str>,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Its policy in the primary's Region.
    pub policy: KeyPolicy,
    /// Its grants in the primary's Region.
    pub grants: Vec<Json>,
    /// Who holds those.
    pub grantees: Vec<String>,
    spec: &'static Spec,
    state: &'static str,
    managed_by: &'static str,
    multi_region: bool,
    rotates: bool,
    tags: Vec<Json>,
    description: String,
    created: String,
    replica_policy: Option<Json>,
}

/// What a key of one specification can do.
struct Spec {
    name: &'static str,
    usage: &'static str,
    /// Member of the description, and what stands in it.
    algorithms: (&'static str, &'static [&'static str]),
    /// What a grant may allow.
    operations: &'static [&'static str],
}

/// Specifications by weight, the symmetric one first.
const SPECS: [(&Spec, usize); 6] = [
    (&SYMMETRIC, 86),
    (
        &Spec {
            name: "RSA_4096",
            usage: "ENCRYPT_DECRYPT",
            algorithms: ("EncryptionAlgorithms", &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
            operations: &["Decrypt", "Encrypt", "GetPublicKey", "DescribeKey", "CreateGrant"],
        },
        3,
    ),
    (
        &Spec {
            name: "RSA_2048",
            usage: "SIGN_VERIFY",
            algorithms: ("SigningAlgorithms", &["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"]),
            operations: &["Sign", "Verify", "GetPublicKey", "DescribeKey", "CreateGrant"],
        },
        4,
    ),
    (
        &Spec {
            name: "ECC_NIST_P256",
            usage: "SIGN_VERIFY",
            algorithms: ("SigningAlgorithms", &["ECDSA_SHA_256"]),
            operations: &["Sign", "Verify", "GetPublicKey", "DescribeKey"],
        },
        3,
    ),
    (
        &Spec {
            name: "ECC_NIST_P384",
            usage: "KEY_AGREEMENT",
            algorithms: ("KeyAgreementAlgorithms", &["ECDH"]),
            operations: &["DeriveSharedSecret", "GetPublicKey", "DescribeKey"],
        },
        1,
    ),
    (
        &Spec {
            name: "HMAC_256",
            usage: "GENERATE_VERIFY_MAC",
            algorithms: ("MacAlgorithms", &["HMAC_SHA_256"]),
            operations: &["GenerateMac", "VerifyMac", "DescribeKey"],
        },
        3,
    ),
];
const SYMMETRIC: Spec = Spec {
    name: "SYMMETRIC_DEFAULT",
    usage: "ENCRYPT_DECRYPT",
    algorithms: ("EncryptionAlgorithms", &["SYMMETRIC_DEFAULT"]),
    operations: &[
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
        "CreateGrant",
        "RetireGrant",
        "DescribeKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
    ],
};
const STATES: [(&str, usize); 4] =
    [("Enabled", 930), ("Disabled", 35), ("PendingDeletion", 28), ("PendingImport", 7)];

impl Key {
    /// The key with one index in an account.
    pub fn new(world: &World, account: usize, index: usize) -> Self {
        let name = world.key(account, index);
        let owner = world.key_owner(account, index);
        let at = [account, index];
        let mut random = world.random("key", &at);
        let mut place =
            Place { world, account, region: name.region, random: world.random("key-policy", &at) };
        let (policy, symmetric) = match owner {
            Some((service, alias)) => (aws_managed(&mut place, service, alias), true),
            None => customer_managed(&mut place),
        };
        let spec = if symmetric { &SYMMETRIC } else { random.weighted(&SPECS) };
        let mut regions = vec![name.region];
        let mut replica_policy = None;
        if name.multi_region && random.percent(70) {
            let others = REGIONS.iter().map(|&(region, _)| region);
            regions.extend(others.filter(|&region| region != name.region).take(1));
            if random.percent(40) {
                replica_policy = Some(customer_managed(&mut place).0.document);
            }
        }
        let team = random.pick(&TEAMS);
        let (grants, grantees) =
            grants(world, &at, &world.key_arn(account, index), spec.operations);
        Self {
            account,
            id: name.id,
            regions,
            aliases: aliases(&mut random, owner, team, index),
            policy,
            grants,
            grantees,
            spec,
            state: if owner.is_some() { "Enabled" } else { random.weighted(&STATES) },
            managed_by: if owner.is_some() { "AWS" } else { "CUSTOMER" },
            multi_region: name.multi_region,
            rotates: owner.is_some() || random.percent(50),
            tags: if owner.is_some() { Vec::new() } else { tags(&mut random, team) },
            description: if random.percent(40) { String::new() } else { format!("{team} key") },
            created: instant(&mut random),
            replica_policy,
        }
    }

    /// The ARN in one Region.
    pub fn arn(&self, world: &World, region: &str) -> String {
        format!("arn:aws:kms:{region}:{}:key/{}", world.accounts[self.account].id, self.id)
    }

    /// The files of the key in one Region, by name.
    pub fn files(&self, world: &World, region: &str) -> Vec<(&'static str, Json)> {
        let primary = region == self.regions[0];
        let policy = match &self.replica_policy {
            Some(policy) if !primary => policy,
            _ => &self.policy.document,
        };
        let grants = if primary { self.grants.clone() } else { Vec::new() };
        let mut files = vec![
            ("describe-key.json", object! { "KeyMetadata": self.metadata(world, region) }),
            (
                "get-key-policy.json",
                object! { "Policy": policy.key_policy(), "PolicyName": "default" },
            ),
            ("list-grants.json", object! { "Grants": grants, "Truncated": false }),
            ("list-resource-tags.json", object! { "Tags": self.tags.clone(), "Truncated": false }),
            ("list-aliases.json", object! { "Aliases": self.listed_aliases(world, region) }),
        ];
        if self.spec.name == SYMMETRIC.name && self.state != "PendingImport" {
            let mut status = object! {
                "KeyRotationEnabled": self.rotates,
                "KeyId": self.arn(world, region),
            };
            if self.rotates {
                status.push("RotationPeriodInDays", 365usize);
            }
            files.push(("get-key-rotation-status.json", status));
        }
        files
    }

    fn metadata(&self, world: &World, region: &str) -> Json {
        let mut metadata = object! {
            "AWSAccountId": &world.accounts[self.account].id,
            "KeyId": &self.id,
            "Arn": self.arn(world, region),
            "CreationDate": &self.created,
            "Enabled": self.state == "Enabled",
            "Description": &self.description,
            "KeyUsage": self.spec.usage,
            "KeyState": self.state,
        };
        if self.state == "PendingDeletion" {
            metadata.push("DeletionDate", "2026-12-31T00:00:00+00:00");
        }
        let imported = self.state == "PendingImport";
        metadata.push("Origin", if imported { "EXTERNAL" } else { "AWS_KMS" });
        metadata.push("KeyManager", self.managed_by);
        metadata.push("CustomerMasterKeySpec", self.spec.name);
        metadata.push("KeySpec", self.spec.name);
        let (member, algorithms) = self.spec.algorithms;
        metadata.push(member, algorithms);
        metadata.push("MultiRegion", self.multi_region);
        if self.multi_region {
            let mut members = self.regions.iter().map(|&place| {
                object! { "Arn": self.arn(world, place), "Region": place }
            });
            let primary = members.next().unwrap_or_else(|| object! {});
            let kind = if region == self.regions[0] { "PRIMARY" } else { "REPLICA" };
            let configuration = object! {
                "MultiRegionKeyType": kind,
                "PrimaryKey": primary,
                "ReplicaKeys": members.collect::<Vec<_>>(),
            };
            metadata.push("MultiRegionConfiguration", configuration);
        }
        metadata
    }

    fn listed_aliases(&self, world: &World, region: &str) -> Vec<Json> {
        let id = &world.accounts[self.account].id;
        let listed = self.aliases.iter().map(|alias| {
            object! {
                "AliasName": alias,
                "AliasArn": format!("arn:aws:kms:{region}:{id}:{alias}"),
                "TargetKeyId": &self.id,
                "CreationDate": &self.created,
                "LastUpdatedDate": &self.created,
            }
        });
        listed.collect()
    }
}

fn aliases(
    random: &mut Random,
    owner: Option<(&str, &str)>,
    team: &str,
    index: usize,
) -> Vec<String> {
    if let Some((_, alias)) = owner {
        return vec![format!("alias/aws/{alias}")];
    }
    let mut aliases = Vec::new();
    if random.percent(80) {
        aliases.push(format!("alias/{team}-{}-{index}", random.pick(&STAGES)));
        if random.percent(10) {
            aliases.push(format!("alias/{team}-legacy-{index}"));
        }
    }
    aliases
}

fn tags(random: &mut Random, team: &str) -> Vec<Json> {
    let mut tags = Vec::new();
    if random.percent(70) {
        tags.push(object! { "TagKey": "team", "TagValue": team });
        if random.percent(50) {
            tags.push(object! { "TagKey": "env", "TagValue": random.pick(&STAGES) });
        }
    }
    tags
}

/// The grants of a key and who holds them.
fn grants(
    world: &World,
    at: &[usize; 2],
    key: &str,
    operations: &[&'static str],
) -> (Vec<Json>, Vec<String>) {
    let [account, index] = *at;
    let mut random = world.random("key-grants", at);
    let mut parent: Option<(String, Vec<&'static str>)> = None;
    let (mut grants, mut grantees) = (Vec::new(), Vec::new());
    for _ in 0..world.accounts[account].grants[index] {
        let grantee = grantee(world, account, key, &mut random);
        let count = random.between(1, 4);
        let mut allowed = random.sample(operations, count);
        let mut issuer = world.accounts[account].id.clone();
        match &parent {
            // Passed on by the holder of an earlier grant, which must have these operations.
            Some((holder, may)) if random.percent(35) => {
                allowed.clone_from(may);
                issuer.clone_from(holder);
            }
            _ if operations.contains(&"CreateGrant") && random.percent(20) => {
                allowed.extend(["Decrypt", "CreateGrant"]);
                allowed.retain(|operation| operations.contains(operation));
                allowed.sort_unstable();
                allowed.dedup();
            }
            _ => {}
        }
        let id = random.hex(64);
        let named = random.percent(50).then(|| format!("{}-grant", random.pick(&TEAMS)));
        let mut grant = object! {
            "KeyId": key,
            "GrantId": id,
            "Name": named.unwrap_or_default(),
            "CreationDate": instant(&mut random),
            "GranteePrincipal": &grantee,
        };
        if random.percent(50) {
            grant.push("RetiringPrincipal", world.any_role(&mut random, account));
        }
        grant.push("IssuingAccount", format!("arn:aws:iam::{issuer}:root"));
        grant.push("Operations", allowed.clone());
        let mut constrained = false;
        if operations.len() == SYMMETRIC.operations.len() && random.percent(35) {
            grant.push("Constraints", constraint(&mut random));
            constrained = true;
        }
        if allowed.contains(&"CreateGrant") && !constrained {
            let holder = grantee.split(':').nth(4).filter(|id| !id.is_empty());
            let passed_on = allowed.iter().filter(|&&operation| operation != "CreateGrant");
            let passed_on: Vec<&str> = passed_on.copied().collect();
            if let (Some(holder), false) = (holder, passed_on.is_empty()) {
                parent = Some((holder.to_owned(), passed_on));
            }
        }
        grants.push(grant);
        grantees.push(grantee);
    }
    (grants, grantees)
}

fn grantee(world: &World, account: usize, key: &str, random: &mut Random) -> String {
    const KINDS: [(&str, usize); 7] = [
        ("role", 45),
        ("user", 8),
        ("foreign-role", 12),
        ("service-linked", 15),
        ("service", 10),
        ("account", 3),
        ("session", 7),
    ];
    match random.weighted(&KINDS) {
        "role" => world.any_role(random, account),
        "user" => world.any_user(random, account),
        "foreign-role" => {
            let other = world.other(random, account);
            world.any_role(random, other)
        }
        "service-linked" if world.accounts[account].roles > SERVICE_LINKED => {
            let (path, name) = BASE_ROLES[SERVICE_LINKED];
            world.iam_arn(account, &format!("role{path}{name}"))
        }
        "service" => {
            let region = key.split(':').nth(3).unwrap_or_default();
            let service = random.pick(&["rds", "dynamodb", "redshift"]);
            format!("{service}.{region}.amazonaws.com")
        }
        "session" => world.any_session(random, account),
        _ => world.root_arn(account),
    }
}

fn constraint(random: &mut Random) -> Json {
    let pairs = if random.percent(60) {
        object! { "tenant": random.pick(&TEAMS) }
    } else {
        object! { "aws:ebs:id": format!("vol-{}", random.hex(17)) }
    };
    if random.percent(50) {
        object! { "EncryptionContextSubset": pairs }
    } else {
        object! { "EncryptionContextEquals": pairs }
    }
}
