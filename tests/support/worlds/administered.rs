//! Random small worlds with somebody who may do everything: what others can do beside that must not be passed
//! over, where policies tell them from the administrator by name, tags or kind.

use serde_json::{Value, json};

use super::{Account, Organization, Policy, World};
use crate::support::seeds::Random;

impl World {
    /// An [escalating](World::escalating) world in which some users and roles may do everything, and policies
    /// speak of principals in other ways than by naming them.
    pub fn administered(random: &mut Random) -> Self {
        let mut world = Self::escalating(random);
        let all = world.accounts.iter().flat_map(|it| &it.identities);
        let names: Vec<String> = all.map(|identity| identity.arn.clone()).collect();
        let roots = world.accounts.iter().map(|it| format!("arn:aws:iam::{}:root", it.id));
        let roots: Vec<String> = roots.collect();
        for account in &mut world.accounts {
            administer(random, account);
            let roles = account.identities.iter_mut().filter(|identity| identity.is_role);
            for role in roles {
                role.trust.statements.extend(trust(random, &names, &roots));
            }
            for key in &mut account.keys {
                if random.chance(30) {
                    let root = format!("arn:aws:iam::{}:root", account.id);
                    key.policy.statements.clear();
                    key.policy.statements.push(json!({ "Effect": "Allow",
                        "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*",
                        "Condition": telling(random, &names, true) }));
                }
            }
        }
        if let Some(organization) = &mut world.organization {
            guard(random, organization, &names);
        }
        world
    }

    /// The same where accounts, of no organization, have several administrators, whom one may take on from the
    /// others: they are alike but for what tells them apart, and near.
    pub fn administered_by_many(random: &mut Random) -> Self {
        let mut world = Self::administered(random);
        world.organization = None;
        let roots = world.accounts.iter().map(|it| format!("arn:aws:iam::{}:root", it.id));
        let roots: Vec<String> = roots.collect();
        for account in &mut world.accounts {
            administer(random, account);
            for identity in account.identities.iter_mut().filter(|it| it.is_role) {
                if random.chance(50) {
                    let root = random.pick(&roots);
                    identity.trust.statements.push(json!({ "Effect": "Allow",
                        "Principal": { "AWS": root }, "Action": "sts:AssumeRole" }));
                }
            }
        }
        world
    }
}

/// Somebody of an account may do everything.
fn administer(random: &mut Random, account: &mut Account) {
    let at = random.below(account.identities.len());
    let all = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let administrator = &mut account.identities[at];
    administrator.boundary = None;
    administrator.inline = vec![Policy { version: "2012-10-17", statements: vec![all] }];
}

/// Who may take on a role: an account, another or everyone, where a condition or a Deny tells its principals
/// apart.
fn trust(random: &mut Random, names: &[String], roots: &[String]) -> Vec<Value> {
    let mut statements = Vec::new();
    if random.chance(60) {
        let principal = match random.chance(20) {
            true => "*".into(),
            false => json!({ "AWS": random.pick(roots) }),
        };
        let mut statement =
            json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        if random.chance(50) || principal == "*" {
            statement["Condition"] = telling(random, names, true);
        }
        statements.push(statement);
    }
    if random.chance(25) {
        let name = random.pick(names);
        statements.push(json!({ "Effect": "Deny", "Principal": { "AWS": name },
            "Action": "sts:AssumeRole" }));
    }
    statements
}

/// An SCP that spares some.
fn guard(random: &mut Random, organization: &mut Organization, names: &[String]) {
    let levels = organization.levels.iter_mut();
    for policy in levels.flat_map(|level| &mut level.scps) {
        for statement in &mut policy.statements {
            if random.chance(70) {
                statement["Condition"] = telling(random, names, false);
            }
        }
    }
}

/// What is true of some principals, or is not.
fn telling(random: &mut Random, names: &[String], is: bool) -> Value {
    let of = |operators: [&str; 2], key: &str, value: &str| {
        let operator = operators[usize::from(!is)];
        json!({ operator: { key: value } })
    };
    const TEXTS: [&str; 2] = ["StringEquals", "StringNotEquals"];
    const ARNS: [&str; 2] = ["ArnLike", "ArnNotLike"];
    match random.below(5) {
        0 | 1 => of(TEXTS, "aws:PrincipalTag/team", *random.pick::<&str>(&["red", "blue"])),
        2 => of(ARNS, "aws:PrincipalArn", random.pick::<String>(names)),
        3 => of(TEXTS, "aws:PrincipalType", *random.pick::<&str>(&["User", "AssumedRole"])),
        _ => of(TEXTS, "aws:username", *random.pick::<&str>(&["ann", "bob"])),
    }
}
