//! Random small worlds: accounts that trust each other too much and too little, as a model that can be
//! edited and written in several ways.
//!
//! [`World::random`] makes one from a seed. [`render`] writes it as a scenario, as the canonical export,
//! and as the outputs of single calls; all of them say the same.
#![allow(clippy::explicit_auto_deref, reason = "the dereference decides the type that is picked")]
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails, and each that includes this module uses a part of it"
)]

mod administered;
pub mod control;
pub mod escalation;
mod holes;
mod keys;
mod likened;
mod organization;
pub mod render;
pub mod requests;
mod statements;

use serde_json::{Value, json};

use super::seeds::Random;
pub use holes::Hole;
use organization::organization;
use statements::Vocabulary;
pub use statements::{PolicyOf, deny_everything};

/// A world that can be edited and written down.
#[derive(Clone, Debug)]
pub struct World {
    /// The accounts, the first of which owns most.
    pub accounts: Vec<Account>,
    /// The organization, where there is one.
    pub organization: Option<Organization>,
    /// Policies of VPC endpoints by endpoint id.
    pub endpoints: Vec<(String, Policy)>,
}

/// A policy document.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// `2012-10-17`, or `2008-10-17`.
    pub version: &'static str,
    /// Its statements.
    pub statements: Vec<Value>,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: &'static str,
    /// Users and roles.
    pub identities: Vec<Identity>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Managed policies.
    pub managed: Vec<Managed>,
    /// Keys.
    pub keys: Vec<Key>,
}

/// A user or role.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whether it is a role.
    pub is_role: bool,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: &'static str,
    /// Its ARN.
    pub arn: String,
    /// `AIDA...`, `AROA...`.
    pub unique_id: String,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Inline policies.
    pub inline: Vec<Policy>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// Names of its groups.
    pub groups: Vec<String>,
    /// ARN of its boundary.
    pub boundary: Option<String>,
    /// The trust policy of a role.
    pub trust: Policy,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Inline policies.
    pub inline: Vec<Policy>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
}

/// A managed policy.
#[derive(Clone, Debug)]
pub struct Managed {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its default version.
    pub policy: Policy,
    /// A version that is not in force.
    pub old: Option<Policy>,
}

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its Region.
    pub region: &'static str,
    /// Its ARN.
    pub arn: String,
    /// Its policy.
    pub policy: Policy,
    /// Names of its aliases.
    pub aliases: Vec<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Its spec and usage.
    pub spec: (&'static str, &'static str),
    /// `AWS_KMS` or `EXTERNAL`.
    pub origin: &'static str,
    /// `Enabled`, `Disabled`, `PendingDeletion`.
    pub state: &'static str,
    /// Whether AWS manages it.
    pub is_aws_managed: bool,
    /// Whether it is a multi-Region primary.
    pub is_primary: bool,
    /// Its grants.
    pub grants: Vec<Grant>,
}

/// A grant.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// To whom, an ARN or a service principal.
    pub grantee: String,
    /// Who may retire it.
    pub retiring: Option<String>,
    /// The operations.
    pub operations: Vec<&'static str>,
    /// `EncryptionContextEquals`.
    pub equals: Option<Vec<(String, String)>>,
    /// `EncryptionContextSubset`.
    pub subset: Option<Vec<(String, String)>>,
    /// `SourceArn`.
    pub source_arn: Option<String>,
}

/// An organization: its root and its units, each a level, and its accounts.
#[derive(Clone, Debug)]
pub struct Organization {
    /// The management account.
    pub management: &'static str,
    /// The root first, then units; an account is a level too.
    pub levels: Vec<Level>,
}

/// A root, a unit or an account of an organization.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its id.
    pub id: String,
    /// The level above; none for the root.
    pub above: Option<usize>,
    /// Whether FullAWSAccess is attached.
    pub full_access: bool,
    /// SCPs.
    pub scps: Vec<Policy>,
    /// RCPs.
    pub rcps: Vec<Policy>,
}

impl Level {
    /// Whether it is an account.
    pub fn is_account(&self) -> bool {
        self.id.starts_with(|first: char| first.is_ascii_digit())
    }
}

/// The id of the organization of every world that has one.
pub const ORGANIZATION_ID: &str = "o-a1b2c3d4e5";

/// The accounts of every world; the last stands outside.
pub const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "777788889999", "999999999999"];

/// The managed policy that is named and not written.
const UNWRITTEN: &str = "arn:aws:iam::aws:policy/NobodyExportedThis";

impl World {
    /// The world of these numbers.
    pub fn random(random: &mut Random) -> Self {
        let count = 1 + random.below(3);
        let mut accounts: Vec<Account> =
            ACCOUNTS.into_iter().take(count).map(|id| skeleton(random, id)).collect();
        let vocabulary = Vocabulary::of(&accounts);
        for account in &mut accounts {
            fill(random, account, &vocabulary);
        }
        let organization = random.chance(60).then(|| organization(random, &accounts, &vocabulary));
        let endpoint = |random: &mut Random| {
            let policy = vocabulary.policy(random, PolicyOf::Endpoint, 0, 2);
            ("vpce-1".to_owned(), policy)
        };
        let endpoints = if random.chance(25) { vec![endpoint(random)] } else { Vec::new() };
        Self { accounts, organization, endpoints }
    }

    /// A world of one account where every answer hangs on one or two condition keys.
    pub fn narrow(random: &mut Random) -> Self {
        let mut account = skeleton(random, ACCOUNTS[0]);
        for identity in &mut account.identities {
            let count = 1 + random.below(4);
            identity.inline = vec![statements::narrow(random, count)];
            if identity.is_role && random.chance(50) {
                let tags =
                    json!({ "Effect": "Allow", "Principal": "*", "Action": "sts:TagSession" });
                identity.trust.statements.push(tags);
            }
        }
        for key in &mut account.keys {
            let root = format!("arn:aws:iam::{}:root", account.id);
            let delegation = json!({ "Effect": "Allow", "Principal": { "AWS": root },
                "Action": "kms:*", "Resource": "*" });
            key.policy.statements.push(delegation);
        }
        Self { accounts: vec![account], organization: None, endpoints: Vec::new() }
    }

    /// Every policy that can take part, and what it is.
    pub fn policies_mut(&mut self) -> Vec<(PolicyOf, &mut Policy)> {
        let mut all = Vec::new();
        for account in &mut self.accounts {
            let inline = account.identities.iter_mut().flat_map(|identity| &mut identity.inline);
            let of_groups = account.groups.iter_mut().flat_map(|group| &mut group.inline);
            let managed = account.managed.iter_mut().map(|managed| &mut managed.policy);
            let identity = inline.chain(of_groups).chain(managed);
            all.extend(identity.map(|policy| (PolicyOf::Identity, policy)));
            all.extend(account.keys.iter_mut().map(|key| (PolicyOf::Key, &mut key.policy)));
        }
        for level in self.organization.iter_mut().flat_map(|it| &mut it.levels) {
            all.extend(level.scps.iter_mut().map(|policy| (PolicyOf::Scp, policy)));
            all.extend(level.rcps.iter_mut().map(|policy| (PolicyOf::Rcp, policy)));
        }
        all.extend(self.endpoints.iter_mut().map(|(_, policy)| (PolicyOf::Endpoint, policy)));
        all
    }

    /// The sets of policies that count together: one more document changes nothing by itself.
    pub fn sets_mut(&mut self) -> Vec<&mut Vec<Policy>> {
        let mut all = Vec::new();
        for account in &mut self.accounts {
            all.extend(account.identities.iter_mut().map(|identity| &mut identity.inline));
            all.extend(account.groups.iter_mut().map(|group| &mut group.inline));
        }
        for level in self.organization.iter_mut().flat_map(|it| &mut it.levels) {
            all.push(&mut level.scps);
            all.push(&mut level.rcps);
        }
        all
    }

    /// Every list whose order says nothing, in another order.
    pub fn shuffle(&mut self, random: &mut Random) {
        for (_, policy) in self.policies_mut() {
            random.shuffle(&mut policy.statements);
        }
        for set in self.sets_mut() {
            random.shuffle(set);
        }
        random.shuffle(&mut self.accounts);
        for account in &mut self.accounts {
            random.shuffle(&mut account.identities);
            random.shuffle(&mut account.groups);
            random.shuffle(&mut account.managed);
            random.shuffle(&mut account.keys);
            for identity in &mut account.identities {
                random.shuffle(&mut identity.attached);
                random.shuffle(&mut identity.groups);
            }
            for key in &mut account.keys {
                random.shuffle(&mut key.grants);
                random.shuffle(&mut key.aliases);
            }
        }
    }

    /// The same world with every policy of a set that has several statements in two documents.
    pub fn split(&mut self, random: &mut Random) {
        for set in self.sets_mut() {
            let mut made = Vec::new();
            for policy in set.iter_mut().filter(|policy| policy.statements.len() > 1) {
                let at = 1 + random.below(policy.statements.len() - 1);
                let statements = policy.statements.split_off(at);
                made.push(Policy { version: policy.version, statements });
            }
            set.extend(made);
        }
        for account in &mut self.accounts {
            let mut made = Vec::new();
            for managed in account.managed.iter_mut().filter(|it| it.policy.statements.len() > 1) {
                let boundaries = account.identities.iter().filter_map(|it| it.boundary.as_ref());
                if boundaries.into_iter().any(|arn| *arn == managed.arn) {
                    continue;
                }
                let statements = managed.policy.statements.split_off(1);
                let policy = Policy { version: managed.policy.version, statements };
                let (name, arn) = (format!("{}-2", managed.name), format!("{}-2", managed.arn));
                let holders = account.identities.iter_mut().map(|it| &mut it.attached);
                let of_groups = account.groups.iter_mut().map(|group| &mut group.attached);
                for attached in holders.chain(of_groups).filter(|it| it.contains(&managed.arn)) {
                    attached.push(arn.clone());
                }
                made.push(Managed { name, arn, policy, old: None });
            }
            account.managed.extend(made);
        }
    }
}

/// An account whose names are there and whose policies are not.
fn skeleton(random: &mut Random, id: &'static str) -> Account {
    let mut identities = Vec::new();
    for (is_role, names) in [(false, ["ann", "bob", "eve"]), (true, ["app", "ops", "ci"])] {
        for name in random.some(&names, 1, 3) {
            let path = if random.chance(25) { "/team/" } else { "/" };
            identities.push(identity(random, id, is_role, name, path));
        }
    }
    if random.chance(25) {
        let path = "/aws-service-role/autoscaling.amazonaws.com/";
        identities.push(identity(random, id, true, "AWSServiceRoleForAutoScaling", path));
    }
    let groups = random.some(&["readers", "admins"], 0, 2);
    let group = |name: &str| Group { name: name.to_owned(), inline: vec![], attached: vec![] };
    let empty = Policy { version: "2012-10-17", statements: Vec::new() };
    let managed = |name: &str| Managed {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{id}:policy/{name}"),
        policy: empty.clone(),
        old: None,
    };
    let names = random.some(&["Read", "Wide", "Fence"], 0, 3);
    let keys = (0..1 + random.below(2)).map(|index| key(random, id, index)).collect();
    Account {
        id,
        identities,
        groups: groups.into_iter().map(group).collect(),
        managed: names.into_iter().map(managed).collect(),
        keys,
    }
}

fn identity(
    random: &mut Random,
    account: &str,
    is_role: bool,
    name: &str,
    path: &'static str,
) -> Identity {
    let (kind, prefix) = if is_role { ("role", "AROA") } else { ("user", "AIDA") };
    let number = ACCOUNTS.iter().position(|id| *id == account).unwrap();
    let id = format!("{prefix}{:A<16}{number}", name.to_uppercase().replace('-', ""));
    let tags = random.some(
        &[("team", "red"), ("Dept", "red"), ("key", "00000000-1111-4444-8888-000000000001")],
        0,
        2,
    );
    let tag = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Identity {
        is_role,
        name: name.to_owned(),
        path,
        arn: format!("arn:aws:iam::{account}:{kind}{path}{name}"),
        unique_id: id.chars().take(21).collect(),
        tags: tags.iter().map(tag).collect(),
        inline: Vec::new(),
        attached: Vec::new(),
        groups: Vec::new(),
        boundary: None,
        trust: Policy { version: "2012-10-17", statements: Vec::new() },
    }
}

fn key(random: &mut Random, account: &str, index: usize) -> Key {
    let region = *random.pick(&["us-east-1", "us-east-1", "eu-west-1"]);
    let is_aws_managed = index > 0 && random.chance(30);
    let is_primary = !is_aws_managed && random.chance(15);
    let number = ACCOUNTS.iter().position(|id| *id == account).unwrap();
    let id = match is_primary {
        true => format!("mrk-{:032x}", index * 16 + number + 1),
        false => format!("{:08x}-1111-4444-8888-{:012x}", index, number + 1),
    };
    let spec = match is_aws_managed || is_primary {
        true => ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
        false => *random.pick(&[
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
            ("RSA_2048", "SIGN_VERIFY"),
            ("HMAC_256", "GENERATE_VERIFY_MAC"),
        ]),
    };
    let aliases = match is_aws_managed {
        true => vec!["alias/aws/s3".to_owned()],
        false => (0..random.below(3)).map(|nth| format!("alias/k{index}-{nth}")).collect(),
    };
    let tagged = !is_aws_managed && random.chance(50);
    let color = (*random.pick(&["red", "Red", "blue"])).to_owned();
    Key {
        arn: format!("arn:aws:kms:{region}:{account}:key/{id}"),
        id,
        region,
        policy: Policy { version: "2012-10-17", statements: Vec::new() },
        aliases,
        tags: if tagged { vec![("team".to_owned(), color)] } else { Vec::new() },
        spec,
        origin: if is_aws_managed { "AWS_KMS" } else { *random.pick(&["AWS_KMS", "EXTERNAL"]) },
        state: *random.pick(&["Enabled", "Enabled", "Disabled", "PendingDeletion"]),
        is_aws_managed,
        is_primary,
        grants: Vec::new(),
    }
}

/// Gives an account its policies.
fn fill(random: &mut Random, account: &mut Account, vocabulary: &Vocabulary) {
    for managed in &mut account.managed {
        managed.policy = vocabulary.policy(random, PolicyOf::Identity, 1, 3);
        managed.old =
            random.chance(20).then(|| vocabulary.policy(random, PolicyOf::Identity, 1, 1));
    }
    let mut arns: Vec<String> = account.managed.iter().map(|managed| managed.arn.clone()).collect();
    let groups: Vec<String> = account.groups.iter().map(|group| group.name.clone()).collect();
    if random.chance(15) {
        arns.push(UNWRITTEN.to_owned());
    }
    for identity in &mut account.identities {
        let count = random.below(3);
        identity.inline =
            (0..count).map(|_| vocabulary.policy(random, PolicyOf::Identity, 1, 3)).collect();
        identity.attached = random.some(&arns, 0, 1);
        if !identity.is_role {
            identity.groups = random.some(&groups, 0, 2);
        }
        identity.boundary = random.chance(20).then(|| random.some(&arns, 1, 1).pop()).flatten();
        identity.trust = vocabulary.policy(random, PolicyOf::Trust, 0, 1);
    }
    for group in &mut account.groups {
        let count = random.below(2);
        group.inline =
            (0..count).map(|_| vocabulary.policy(random, PolicyOf::Identity, 1, 2)).collect();
        group.attached = random.some(&arns, 0, 1);
    }
    for key in &mut account.keys {
        key.policy = vocabulary.key_policy(random, account.id);
        let count = random.below(4);
        key.grants = (0..count).map(|nth| vocabulary.grant(random, &key.id, nth)).collect();
    }
}
