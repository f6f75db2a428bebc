//! Nodes by the names that people know them by.

use crate::aws::{AccountId, Arn};
use crate::decision::{Caller, CallerKind};
use crate::graph::Node;
use crate::inventory::{Inventory, policy_name};

/// A short name: `role/app`, `alias/orders`, `lambda.amazonaws.com`. Not unique, not even in an account.
pub fn short(world: &Inventory, node: &Node) -> String {
    match node {
        Node::Principal(caller) => of_caller(caller),
        Node::External(caller) => of_external(caller),
        Node::Group(arn) => format!("group/{}", last(arn)),
        Node::Policy(arn) => match arn.split_once("/inline/") {
            Some((holder, name)) => format!("inline policy {name} of {}", last(holder)),
            None => format!("policy/{}", policy_name(arn)),
        },
        Node::Key(arn) => {
            let alias = world.key(arn).and_then(|key| world.aliases_of(key).next());
            alias.map_or_else(|| format!("key/{}", arn.id()), |alias| alias.arn.name().to_owned())
        }
        Node::Alias(alias) => alias.name().to_owned(),
        Node::Grant(_, id) => format!("grant {}", id.get(..8).unwrap_or(id)),
        Node::Iam(_) => "IAM".to_owned(),
        Node::Targets(pattern) => {
            let resource = Arn::parse(pattern).map(|arn| arn.resource);
            resource.unwrap_or(pattern).to_owned()
        }
    }
}

/// An account by its name and id, or its id alone.
pub fn account(world: &Inventory, account: AccountId) -> String {
    match world.account(account).and_then(|known| known.name.as_deref()) {
        Some(name) => format!("{name} ({account})"),
        None => account.to_string(),
    }
}

fn of_caller(caller: &Caller) -> String {
    match &caller.kind {
        CallerKind::Root => "root user".to_owned(),
        CallerKind::User => format!("user/{}", last(&caller.text)),
        CallerKind::Role => format!("role/{}", last(&caller.text)),
        CallerKind::AssumedRole { role, session } => format!("session {role}/{session}"),
        CallerKind::FederatedUser { name } => format!("federated user {name}"),
        CallerKind::Service | CallerKind::Provider => caller.text.to_string(),
    }
}

fn of_external(caller: &Caller) -> String {
    match &caller.kind {
        CallerKind::Provider if &*caller.text == "*" => "anyone".to_owned(),
        // The id of an organization, as a condition names it.
        CallerKind::Provider if caller.text.starts_with("o-") => {
            format!("organization {}", caller.text)
        }
        CallerKind::Provider => match Arn::parse(&caller.text) {
            Some(arn) => {
                let name = arn.resource.split_once('/').map_or(arn.resource, |(_, name)| name);
                format!("subjects of {name}")
            }
            None => format!("subjects of {}", caller.text),
        },
        CallerKind::Root => "the account".to_owned(),
        _ => of_caller(caller),
    }
}

fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
