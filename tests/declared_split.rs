//! One world, exported as a whole or split at random between an export, two roots of Terraform and a template
//! of CloudFormation: what is said of the parts holds for the whole.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;
#[path = "support/seeds.rs"]
mod seeds;

use declared::{bounds_on, loaded_as};
use keyreach::aws::{AccountId, KmsAction};
use keyreach::decision::Bound;
use keyreach::ingest::Deployment;
use rayon::prelude::*;
use seeds::{Random, for_each_seed};
use serde_json::{Map, Value, json};

/// Worlds of a seed.
const WORLDS: u64 = 150;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROLES: [&str; 3] = ["app", "ops", "dev"];
const ACTIONS: [KmsAction; 4] =
    [KmsAction::DECRYPT, KmsAction::ENCRYPT, KmsAction::PUT_KEY_POLICY, KmsAction::DESCRIBE_KEY];

/// Where a part of the world is stated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Export,
    Terraform(usize),
    Template,
}

impl At {
    fn random(random: &mut Random) -> Self {
        *random.pick(&[
            Self::Export,
            Self::Export,
            Self::Terraform(0),
            Self::Terraform(1),
            Self::Template,
        ])
    }

    /// One of those outside the export.
    fn code(random: &mut Random) -> Self {
        *random.pick(&[Self::Terraform(0), Self::Terraform(1), Self::Template])
    }
}

/// How code names what it speaks of, where the whole knows the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Plainly,
    /// By a variable without a value.
    ByVariable,
    /// By its name, and a variable decides whether it is there: it is, or is not.
    Perhaps(bool),
}

impl Said {
    fn random(random: &mut Random) -> Self {
        match random.below(8) {
            0 => Self::ByVariable,
            1 => Self::Perhaps(random.chance(50)),
            _ => Self::Plainly,
        }
    }

    fn is_there(self) -> bool {
        self != Self::Perhaps(false)
    }
}

struct Role {
    name: &'static str,
    at: At,
    /// Inline policies.
    policies: Vec<(Value, At, Said)>,
    /// Managed policies, by their numbers.
    attached: Vec<(usize, At, Said)>,
}

struct World {
    roles: Vec<Role>,
    managed: Vec<(Value, At)>,
    /// Grants: to whom, of which operation.
    grants: Vec<(&'static str, &'static str, At, Said)>,
    key_policy: Value,
}

fn arn(role: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{role}")
}

fn managed_arn(nth: usize) -> String {
    format!("arn:aws:iam::111122223333:policy/m{nth}")
}

fn statement(random: &mut Random) -> Value {
    let effect = if random.chance(75) { "Allow" } else { "Deny" };
    let action =
        *random.pick(&["kms:Decrypt", "kms:*", "kms:Encrypt", "kms:Describe*", "kms:Put*"]);
    let other = "arn:aws:kms:us-east-1:444455556666:key/x";
    let resource = *random.pick(&["*", KEY, "arn:aws:kms:eu-west-1:111122223333:key/*", other]);
    let mut made = json!({ "Effect": effect, "Action": action, "Resource": resource });
    match random.below(6) {
        0 => {
            made["Condition"] =
                json!({ "StringEquals": { "aws:PrincipalAccount": "111122223333" } })
        }
        1 => made["Condition"] = json!({ "Bool": { "aws:SecureTransport": "true" } }),
        _ => {}
    }
    made
}

fn policy(random: &mut Random) -> Value {
    let count = 1 + random.below(2);
    let statements: Vec<Value> = (0..count).map(|_| statement(random)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

impl World {
    fn random(random: &mut Random) -> Self {
        let managed = (0..2).map(|_| (policy(random), At::random(random))).collect();
        let role = |name, random: &mut Random| {
            let at = At::random(random);
            // The export says all of a role that it has, and nothing of another.
            let part = |random: &mut Random| match at {
                At::Export => At::random(random),
                _ => At::code(random),
            };
            let said = |random: &mut Random, at| match at {
                At::Terraform(_) => Said::random(random),
                _ => Said::Plainly,
            };
            let policies = (0..random.below(3)).map(|_| {
                let at = part(random);
                (policy(random), at, said(random, at))
            });
            let policies = policies.collect();
            let attached = (0..2).filter(|_| random.chance(40)).collect::<Vec<usize>>();
            let attached = attached.into_iter().map(|nth| {
                let at = match part(random) {
                    At::Template => At::Terraform(0),
                    at => at,
                };
                (nth, at, said(random, at))
            });
            let attached = attached.collect();
            Role { name, at, policies, attached }
        };
        let roles = ROLES.iter().map(|name| role(name, random)).collect();
        let grants = (0..random.below(3)).map(|_| {
            let at = match At::random(random) {
                At::Template => At::Export,
                at => at,
            };
            let said = if at == At::Export { Said::Plainly } else { Said::random(random) };
            (*random.pick(&ROLES), *random.pick(&["Decrypt", "Encrypt", "DescribeKey"]), at, said)
        });
        let grants = grants.collect();
        let mut own = vec![json!({ "Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": { "AWS": "arn:aws:iam::111122223333:root" } })];
        if random.chance(60) {
            let mut more = statement(random);
            more["Resource"] = json!("*");
            more["Principal"] = json!({ "AWS": arn(random.pick::<&str>(&ROLES)) });
            own.push(more);
        }
        let key_policy = json!({ "Version": "2012-10-17", "Statement": own });
        Self { roles, managed, grants, key_policy }
    }

    /// The files of the world: all of it as an export, or split.
    fn files(&self, is_split: bool) -> Vec<(String, String)> {
        let is_exported = |at: At, said: Said| match is_split {
            true => at == At::Export,
            false => said.is_there(),
        };
        let mut files = self.export(&is_exported);
        if is_split {
            for root in 0..2 {
                files.push((format!("root-{root}/main.tf.json"), self.terraform(root).to_string()));
            }
            files.push(("template.json".to_owned(), self.template().to_string()));
        }
        files
    }

    fn export(&self, is_exported: &dyn Fn(At, Said) -> bool) -> Vec<(String, String)> {
        let roles = self.roles.iter().filter(|role| is_exported(role.at, Said::Plainly));
        let roles = roles.map(|role| {
            let inline = role.policies.iter().enumerate();
            let inline = inline.filter(|(_, (_, at, said))| is_exported(*at, *said));
            let inline = inline.map(|(nth, (policy, ..))| {
                json!({ "PolicyName": format!("{}-{nth}", role.name), "PolicyDocument": policy })
            });
            let attached = role.attached.iter().filter(|(_, at, said)| is_exported(*at, *said));
            let attached = attached.map(|(nth, ..)| {
                json!({ "PolicyName": format!("m{nth}"), "PolicyArn": managed_arn(*nth) })
            });
            json!({ "Path": "/", "RoleName": role.name, "RoleId": format!("AROA{}", role.name),
                "Arn": arn(role.name), "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [] },
                "RolePolicyList": inline.collect::<Vec<_>>(),
                "AttachedManagedPolicies": attached.collect::<Vec<_>>() })
        });
        let managed = self.managed.iter().enumerate();
        let managed = managed.filter(|(_, (_, at))| is_exported(*at, Said::Plainly));
        let managed = managed.map(|(nth, (policy, _))| {
            json!({ "PolicyName": format!("m{nth}"), "PolicyId": format!("ANPA{nth}"), "Arn": managed_arn(nth),
                "DefaultVersionId": "v1",
                "PolicyVersionList": [{ "VersionId": "v1", "IsDefaultVersion": true, "Document": policy }] })
        });
        let details = json!({ "UserDetailList": [], "GroupDetailList": [], "IsTruncated": false,
            "RoleDetailList": roles.collect::<Vec<_>>(), "Policies": managed.collect::<Vec<_>>() });
        let metadata = json!({ "KeyMetadata": {
            "Arn": KEY, "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab", "AWSAccountId": "111122223333",
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "Origin": "AWS_KMS",
            "KeyManager": "CUSTOMER", "KeyState": "Enabled", "MultiRegion": false
        } });
        let policy = json!({ "Policy": self.key_policy.to_string(), "PolicyName": "default" });
        let grants = self.grants.iter().enumerate();
        let grants = grants.filter(|(_, (_, _, at, said))| is_exported(*at, *said));
        let grants = grants.map(|(nth, (role, operation, ..))| {
            json!({ "KeyId": KEY, "GrantId": format!("g{nth}"), "Operations": [operation],
                "GranteePrincipal": arn(role) })
        });
        let grants = json!({ "Grants": grants.collect::<Vec<_>>(), "Truncated": false });
        [
            ("111122223333/iam/account-authorization-details.json", details),
            ("kms/describe-key.json", metadata),
            ("kms/get-key-policy.json", policy),
            ("kms/list-grants.json", grants),
        ]
        .map(|(path, document)| (path.to_owned(), document.to_string()))
        .to_vec()
    }

    fn terraform(&self, root: usize) -> Value {
        let own = At::Terraform(root);
        let mut resources: Map<String, Value> = Map::new();
        let mut add = |of_type: &str, name: String, mut body: Value, said: Said, named: &str| {
            match said {
                Said::Plainly => {}
                Said::ByVariable => body[named] = json!("${var.open}"),
                Said::Perhaps(_) => body["count"] = json!("${var.open == \"x\" ? 1 : 0}"),
            }
            let all = resources.entry(of_type).or_insert_with(|| json!({}));
            all[name] = body;
        };
        let trust = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        for role in &self.roles {
            if role.at == own {
                let body = json!({ "name": role.name, "assume_role_policy": trust });
                add("aws_iam_role", role.name.to_owned(), body, Said::Plainly, "");
            }
            for (nth, (policy, at, said)) in role.policies.iter().enumerate() {
                let name = format!("{}-{nth}", role.name);
                if *at == own {
                    let body =
                        json!({ "name": name, "role": role.name, "policy": policy.to_string() });
                    add("aws_iam_role_policy", name, body, *said, "role");
                }
            }
            for (nth, at, said) in &role.attached {
                if *at == own {
                    let body = json!({ "role": role.name, "policy_arn": managed_arn(*nth) });
                    let name = format!("{}-{nth}", role.name);
                    add("aws_iam_role_policy_attachment", name, body, *said, "role");
                }
            }
        }
        for (nth, (policy, at)) in self.managed.iter().enumerate() {
            if *at == own {
                let body = json!({ "name": format!("m{nth}"), "policy": policy.to_string() });
                add("aws_iam_policy", format!("m{nth}"), body, Said::Plainly, "");
            }
        }
        for (nth, (role, operation, at, said)) in self.grants.iter().enumerate() {
            if *at == own {
                let body = json!({ "key_id": KEY, "grantee_principal": arn(role), "operations": [operation] });
                add("aws_kms_grant", format!("g{nth}"), body, *said, "key_id");
            }
        }
        json!({ "variable": { "open": {} }, "resource": resources })
    }

    fn template(&self) -> Value {
        let mut resources = Map::new();
        resources.insert("Unused".to_owned(), json!({ "Type": "AWS::KMS::Nothing" }));
        for role in &self.roles {
            if role.at == At::Template {
                let trust = json!({ "Version": "2012-10-17", "Statement": [] });
                let properties =
                    json!({ "RoleName": role.name, "AssumeRolePolicyDocument": trust });
                let made = json!({ "Type": "AWS::IAM::Role", "Properties": properties });
                resources.insert(format!("Role{}", role.name), made);
            }
            for (nth, (policy, at, _)) in role.policies.iter().enumerate() {
                if *at == At::Template {
                    let properties = json!({ "PolicyName": format!("{}-{nth}", role.name),
                        "Roles": [role.name], "PolicyDocument": policy });
                    let made = json!({ "Type": "AWS::IAM::Policy", "Properties": properties });
                    resources.insert(format!("Policy{}{nth}", role.name), made);
                }
            }
        }
        for (nth, (policy, at)) in self.managed.iter().enumerate() {
            if *at == At::Template {
                let properties =
                    json!({ "ManagedPolicyName": format!("m{nth}"), "PolicyDocument": policy });
                let made = json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": properties });
                resources.insert(format!("Managed{nth}"), made);
            }
        }
        json!({ "Resources": resources })
    }
}

/// How many cells were compared, how many are the same, and how many of these are certain either way.
#[derive(Clone, Copy, Default, Debug)]
struct Seen {
    cells: usize,
    same: usize,
    never: usize,
    always: usize,
}

impl Seen {
    fn with(self, other: Self) -> Self {
        Self {
            cells: self.cells + other.cells,
            same: self.same + other.same,
            never: self.never + other.never,
            always: self.always + other.always,
        }
    }
}

fn compared(world: &World) -> Seen {
    let account = AccountId::parse("111122223333").unwrap();
    let mut deployment = Deployment { account, ..Deployment::default() };
    deployment.in_region("eu-west-1");
    let [whole, split] = [false, true].map(|is_split| {
        let files = world.files(is_split);
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (&**path, &**text)).collect();
        loaded_as(&files, &deployment)
    });
    let mut seen = Seen::default();
    for role in ROLES {
        for action in ACTIONS {
            let [known, open] =
                [&whole, &split].map(|loaded| bounds_on(loaded, &arn(role), action, KEY));
            assert!(
                open.0 <= known.0 && known.1 <= open.1,
                "{role} {}: {open:?} of the parts, {known:?} of the whole\n{:#?}",
                action.name(),
                world.files(true)
            );
            seen.cells += 1;
            seen.same += usize::from(open == known);
            seen.never += usize::from(open.1 == Bound::Never);
            seen.always += usize::from(open.0 == Bound::Always);
        }
    }
    seen
}

#[test]
fn what_is_said_of_the_parts_holds_for_the_whole() {
    for_each_seed("what_is_said_of_the_parts_holds_for_the_whole", "code", |seed| {
        let seen = (0..WORLDS)
            .into_par_iter()
            .map(|number| compared(&World::random(&mut Random::new(seed, number))));
        let seen = seen.reduce(Seen::default, Seen::with);
        println!("{seen:?}");
        assert!(seen.cells == 1800 && seen.same > 900, "{seen:?}");
        assert!(seen.never > 100 && seen.always > 100, "{seen:?}");
    });
}
