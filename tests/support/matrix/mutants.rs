//! Edits of a world that stand for faults of an engine: an engine that answers rightly for the edited
//! world ignores, or misreads, what the edit takes away.

use serde_json::{Map, Value, json};

use crate::support::seeds::Random;
use crate::support::worlds::{Account, Grant, Identity, Policy, PolicyOf, World};

/// A fault that an engine could have.
pub struct Mutant {
    /// What it ignores or misreads.
    pub fault: &'static str,
    /// Edits the world that the engine is told.
    pub edit: fn(&mut World, &mut Random),
}

macro_rules! mutants {
    ($($fault:literal => $edit:expr,)*) => {
        &[$(Mutant { fault: $fault, edit: $edit }),*]
    };
}

/// Faults that the net must find.
pub const MUTANTS: &[Mutant] = mutants! {
    "boundaries" => |world, _| identities(world, |it| it.boundary = None),
    "RCPs" => |world, _| levels(world, |it| it.rcps.clear()),
    "SCPs" => |world, _| levels(world, |it| {
        it.scps.clear();
        it.full_access = true;
    }),
    "levels without an SCP that allows" => |world, _| levels(world, |it| it.full_access = true),
    "that SCPs do not bind the management account" => |world, _| {
        world.organization.iter_mut().for_each(|it| it.management = "888888888888");
    },
    "endpoint policies" => |world, _| world.endpoints.clear(),
    "policies of groups" => |world, _| groups_of(world),
    "one Deny statement" => one_deny,
    "Deny statements of key policies" => |world, _| of_kind(world, PolicyOf::Key, |policy| {
        policy.statements.retain(|statement| statement["Effect"] != "Deny");
    }),
    "the set in ForAllValues" => |world, _| operators(world, |name| strip(name, "ForAllValues:")),
    "that ForAllValues holds of nothing" => |world, _| operators(world, |name| {
        name.replace("ForAllValues:", "ForAnyValue:")
    }),
    "that ForAnyValue wants a value" => |world, _| operators(world, |name| {
        name.replace("ForAnyValue:", "ForAllValues:")
    }),
    "IfExists" => |world, _| operators(world, |name| strip(name, "IfExists")),
    "that a missing key fails" => |world, _| operators(world, |name| match name {
        "Null" => name.to_owned(),
        name if name.ends_with("IfExists") => name.to_owned(),
        name => format!("{name}IfExists"),
    }),
    "IgnoreCase" => |world, _| operators(world, |name| strip(name, "IgnoreCase")),
    "that Arn patterns end at colons" => |world, _| operators(world, |name| {
        name.replace("ArnLike", "StringLike").replace("ArnEquals", "StringLike")
    }),
    "patterns" => |world, _| operators(world, |name| name.replace("StringLike", "StringEquals")),
    "the difference of < and <=" => |world, _| operators(world, |name| match name {
        name if name.ends_with("Than") => format!("{name}Equals"),
        name => name.to_owned(),
    }),
    "Null" => |world, _| operators(world, |name| match name {
        "Null" => "StringNotEqualsIfExists".to_owned(),
        name => name.to_owned(),
    }),
    "conditions of Allow statements" => |world, _| conditions_of(world, "Allow"),
    "conditions of Deny statements" => |world, _| conditions_of(world, "Deny"),
    "that an account is no direct principal" => |world, _| delegation(world),
    "that an account must allow too" => |world, _| cross_account(world),
    "grants" => |world, _| keys(world, |account| {
        account.keys.iter_mut().for_each(|key| key.grants.clear());
    }),
    "constraints of grants" => |world, _| grants(world, |grant| {
        (grant.equals, grant.subset, grant.source_arn) = (None, None, None);
    }),
    "that Equals wants no other pair" => |world, _| grants(world, |grant| {
        let equals = grant.equals.take();
        grant.subset = grant.subset.take().or(equals);
    }),
    "sources of grants" => |world, _| grants(world, |grant| grant.source_arn = None),
    "grants that allow grants" => |world, _| grants(world, |grant| {
        grant.operations.retain(|name| *name != "CreateGrant");
        if grant.operations.is_empty() {
            grant.operations.push("GetPublicKey");
        }
    }),
    "retiring principals" => |world, _| grants(world, |grant| grant.retiring = None),
    "tags of principals" => |world, _| identities(world, |it| it.tags.clear()),
    "tags of sessions" => |world, _| identities(world, |it| it.trust.statements.clear()),
    "tags of keys" => |world, _| keys(world, |account| {
        account.keys.iter_mut().for_each(|key| key.tags.clear());
    }),
    "variables" => |world, _| texts(world, |text| text.replace("${", "$")),
    "the older version" => |world, _| policies(world, |policy| policy.version = "2012-10-17"),
    "that one version of a policy counts" => |world, _| keys(world, |account| {
        for managed in &mut account.managed {
            let old = managed.old.take().into_iter().flat_map(|old| old.statements);
            managed.policy.statements.extend(old);
        }
    }),
    "that NotPrincipal wants the account listed" => |world, _| not_principals(world),
    "NotPrincipal of a Deny" => |world, _| statements(world, |statement| {
        if statement["Effect"] == "Deny" && statement.contains_key("NotPrincipal") {
            statement.remove("NotAction");
            statement.insert("Action".into(), "kms:Nothing".into());
        }
    }),
    "NotResource" => |world, _| statements(world, |statement| {
        if statement.remove("NotResource").is_some() {
            statement.insert("Resource".into(), "*".into());
        }
    }),
    "resources" => |world, _| statements(world, |statement| {
        if statement.contains_key("Resource") {
            statement.insert("Resource".into(), "*".into());
        }
    }),
    "what AWS managed keys refuse" => |world, _| keys(world, |account| {
        account.keys.iter_mut().for_each(|key| key.is_aws_managed = false);
    }),
    "the organization" => |world, _| world.organization = None,
};

fn strip(name: &str, part: &str) -> String {
    name.replace(part, "")
}

fn identities(world: &mut World, edit: impl Fn(&mut Identity)) {
    world.accounts.iter_mut().flat_map(|account| &mut account.identities).for_each(edit);
}

fn keys(world: &mut World, edit: impl Fn(&mut Account)) {
    world.accounts.iter_mut().for_each(edit);
}

fn grants(world: &mut World, edit: impl Fn(&mut Grant)) {
    let keys = world.accounts.iter_mut().flat_map(|account| &mut account.keys);
    keys.flat_map(|key| &mut key.grants).for_each(edit);
}

fn levels(world: &mut World, edit: impl Fn(&mut crate::support::worlds::Level)) {
    world.organization.iter_mut().flat_map(|it| &mut it.levels).for_each(edit);
}

fn policies(world: &mut World, edit: impl Fn(&mut Policy)) {
    world.policies_mut().into_iter().for_each(|(_, policy)| edit(policy));
}

fn of_kind(world: &mut World, kind: PolicyOf, edit: impl Fn(&mut Policy)) {
    let all = world.policies_mut().into_iter().filter(|(of, _)| *of == kind);
    all.for_each(|(_, policy)| edit(policy));
}

fn statements(world: &mut World, edit: impl Fn(&mut Map<String, Value>)) {
    policies(world, |policy| {
        policy.statements.iter_mut().filter_map(Value::as_object_mut).for_each(&edit);
    });
}

fn groups_of(world: &mut World) {
    identities(world, |identity| identity.groups.clear());
}

fn one_deny(world: &mut World, random: &mut Random) {
    let mut policies = world.policies_mut();
    random.shuffle(&mut policies);
    let denies = |statement: &Value| statement["Effect"] == "Deny";
    for (_, policy) in policies {
        if let Some(at) = policy.statements.iter().position(denies) {
            policy.statements.remove(at);
            return;
        }
    }
}

/// Renames the operators of all conditions; where two become one, their keys unite.
fn operators(world: &mut World, rename: impl Fn(&str) -> String) {
    statements(world, |statement| {
        let Some(Value::Object(block)) = statement.get_mut("Condition") else { return };
        let mut renamed = Map::new();
        for (name, keys) in std::mem::take(block) {
            let into = renamed.entry(rename(&name)).or_insert_with(|| json!({}));
            let keys = keys.as_object().cloned().unwrap_or_default();
            into.as_object_mut().unwrap().extend(keys);
        }
        *block = renamed;
    });
}

fn conditions_of(world: &mut World, effect: &str) {
    statements(world, |statement| {
        if statement["Effect"] == effect {
            statement.remove("Condition");
        }
    });
}

/// Every text of every policy.
fn texts(world: &mut World, edit: impl Fn(&str) -> String) {
    fn walk(value: &mut Value, edit: &dyn Fn(&str) -> String) {
        match value {
            Value::String(text) => *text = edit(text),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, edit)),
            Value::Object(members) => members.values_mut().for_each(|it| walk(it, edit)),
            _ => {}
        }
    }
    policies(world, |policy| policy.statements.iter_mut().for_each(|it| walk(it, &edit)));
}

/// The principals of an element, as a list.
fn named(element: &Value) -> Vec<String> {
    match &element["AWS"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// `arn:...:root` alone becomes everyone of the account, as if it named them.
fn delegation(world: &mut World) {
    of_kind(world, PolicyOf::Key, |policy| {
        for statement in policy.statements.iter_mut().filter_map(Value::as_object_mut) {
            let names = statement.get("Principal").map(named).unwrap_or_default();
            let [name] = names.as_slice() else { continue };
            let Some(account) = name.strip_suffix(":root").and_then(|it| it.rsplit(':').next())
            else {
                continue;
            };
            if statement["Effect"] != "Allow" || statement.contains_key("Condition") {
                continue;
            }
            let condition = json!({ "StringEquals": { "kms:CallerAccount": account } });
            statement.insert("Principal".into(), "*".into());
            statement.insert("Condition".into(), condition);
        }
    });
}

/// Everyone's own account allows what other accounts' keys allow.
fn cross_account(world: &mut World) {
    for account in &mut world.accounts {
        let own = format!("arn:aws:kms:*:{}:key/*", account.id);
        let allow = json!({ "Effect": "Allow", "Action": "kms:*", "NotResource": own });
        for identity in &mut account.identities {
            let statements = vec![allow.clone()];
            identity.inline.push(Policy { version: "2012-10-17", statements });
        }
    }
}

/// Whoever is listed brings the account, and a role its sessions.
fn not_principals(world: &mut World) {
    statements(world, |statement| {
        let Some(element) = statement.get_mut("NotPrincipal") else { return };
        let mut names = named(element);
        for name in names.clone() {
            if let Some(account) = name.split(':').nth(4) {
                names.push(format!("arn:aws:iam::{account}:root"));
                for role in ["app", "ops", "ci"].iter().filter(|role| name.ends_with(*role)) {
                    for session in ["s1", "s2"] {
                        names.push(format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"));
                    }
                }
            }
        }
        if !names.is_empty() {
            element["AWS"] = names.into();
        }
    });
}
