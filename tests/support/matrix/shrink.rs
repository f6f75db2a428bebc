//! Makes a world in which something fails as small as it stays failing.

use serde_json::Value;

use crate::support::worlds::{Account, Level, Policy, World};

/// How often a world is made smaller at most.
const STEPS: usize = 400;

/// The smallest world found in which `fails` still finds a fault, and the fault; what is named in the
/// text that `kept` makes of a fault stays in the world.
pub fn shrink<Fault>(
    world: &World,
    fault: Fault,
    kept: impl Fn(&Fault) -> String,
    fails: impl Fn(&World) -> Option<Fault>,
) -> (World, Fault) {
    let (mut world, mut fault) = (world.clone(), fault);
    for _ in 0..STEPS {
        let mut smaller = smaller(&world, &kept(&fault)).into_iter();
        let found = smaller.find_map(|smaller| fails(&smaller).map(|fault| (smaller, fault)));
        let Some(found) = found else { break };
        (world, fault) = found;
    }
    (world, fault)
}

/// Every world with one thing less; what the text names stays. Large things go first.
fn smaller(world: &World, text: &str) -> Vec<World> {
    let mut all = Vec::new();
    let mut add = |edit: &dyn Fn(&mut World)| {
        let mut edited = world.clone();
        edit(&mut edited);
        all.push(edited);
    };
    if world.organization.is_some() {
        add(&|world| world.organization = None);
    }
    if !world.endpoints.is_empty() {
        add(&|world| world.endpoints.clear());
    }
    for (nth, account) in world.accounts.iter().enumerate() {
        if !text.contains(account.id) && world.accounts.len() > 1 {
            add(&|world| {
                let gone = world.accounts.remove(nth).id;
                if let Some(organization) = &mut world.organization {
                    organization.levels.retain(|level| level.id != gone);
                }
            });
            continue;
        }
        parts_of_account(account, text, &mut |edit| add(&|world| edit(&mut world.accounts[nth])));
    }
    let levels = world.organization.iter().flat_map(|it| &it.levels).enumerate();
    for (at, level) in levels {
        for nth in 0..level.scps.len() {
            add(&|world| drop(level_mut(world, at).scps.remove(nth)));
        }
        for nth in 0..level.rcps.len() {
            add(&|world| drop(level_mut(world, at).rcps.remove(nth)));
        }
    }
    let policies = world.clone().policies_mut().len();
    for policy in 0..policies {
        let statements = world.clone().policies_mut()[policy].1.clone();
        for edited in smaller_policies(&statements) {
            add(&|world| *world.policies_mut()[policy].1 = edited.clone());
        }
    }
    all
}

/// Takes one thing from an account.
type Edit<'e> = &'e dyn Fn(&mut Account);

fn level_mut(world: &mut World, at: usize) -> &mut Level {
    &mut world.organization.as_mut().unwrap().levels[at]
}

fn parts_of_account(account: &Account, text: &str, add: &mut dyn FnMut(Edit<'_>)) {
    for (nth, identity) in account.identities.iter().enumerate() {
        if !text.contains(&identity.name) && account.identities.len() > 1 {
            add(&|account| drop(account.identities.remove(nth)));
            continue;
        }
        if identity.boundary.is_some() {
            add(&|account| account.identities[nth].boundary = None);
        }
        for which in 0..identity.inline.len() {
            add(&|account| drop(account.identities[nth].inline.remove(which)));
        }
        if !identity.attached.is_empty() {
            add(&|account| account.identities[nth].attached.clear());
        }
        if !identity.groups.is_empty() {
            add(&|account| account.identities[nth].groups.clear());
        }
        if !identity.tags.is_empty() {
            add(&|account| account.identities[nth].tags.clear());
        }
        for which in 0..identity.trust.statements.len() {
            add(&|account| drop(account.identities[nth].trust.statements.remove(which)));
        }
    }
    for nth in 0..account.groups.len() {
        add(&|account| {
            let gone = account.groups.remove(nth).name;
            account.identities.iter_mut().for_each(|it| it.groups.retain(|name| *name != gone));
        });
    }
    for nth in 0..account.managed.len() {
        add(&|account| {
            let gone = account.managed.remove(nth).arn;
            for identity in &mut account.identities {
                identity.attached.retain(|arn| *arn != gone);
                identity.boundary.take_if(|arn| *arn == gone);
            }
            account.groups.iter_mut().for_each(|it| it.attached.retain(|arn| *arn != gone));
        });
    }
    for (nth, key) in account.keys.iter().enumerate() {
        if !text.contains(&key.arn) && account.keys.len() > 1 {
            add(&|account| drop(account.keys.remove(nth)));
            continue;
        }
        for which in 0..key.grants.len() {
            add(&|account| drop(account.keys[nth].grants.remove(which)));
        }
        if !key.tags.is_empty() {
            add(&|account| account.keys[nth].tags.clear());
        }
    }
}

/// A policy with a statement, a condition, an operator, a key or a value less.
fn smaller_policies(policy: &Policy) -> Vec<Policy> {
    let mut all = Vec::new();
    for nth in 0..policy.statements.len() {
        let mut less = policy.clone();
        less.statements.remove(nth);
        all.push(less);
        for statement in smaller_values(&policy.statements[nth], 0) {
            let mut edited = policy.clone();
            edited.statements[nth] = statement;
            all.push(edited);
        }
    }
    all
}

/// A statement without its condition or with parts of it less, and lists with a value less.
fn smaller_values(value: &Value, depth: usize) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if depth > 0 && members.len() > 1 || name == "Condition" {
                    let mut less = members.clone();
                    less.remove(name);
                    all.push(less.into());
                }
                for smaller in smaller_values(member, depth + 1) {
                    let mut edited = members.clone();
                    edited.insert(name.clone(), smaller);
                    all.push(edited.into());
                }
            }
        }
        Value::Array(items) if items.len() > 1 => {
            for nth in 0..items.len() {
                let mut less = items.clone();
                less.remove(nth);
                all.push(less.into());
            }
        }
        _ => {}
    }
    all
}
