//! The edges that documents state by themselves, whoever asks: memberships, attachments, boundaries,
//! trust, delegation, grants.
//!
//! They say what stands there, not what holds: no Deny, boundary or organization policy is weighed. Edges
//! point the way access goes: from a user to its group, from a principal to its policies, from whoever a
//! trust policy admits to the role, from an account's IAM to the key that delegates to it, from a grantee
//! to the grant, and from the grant to its key.

use std::collections::BTreeSet;

use crate::access::Access;
use crate::aws::{AccountId, ActionSet, ControlAction, ControlSet, KmsAction};
use crate::decision::{Allowing, Caller, Cell, Citation, Cited, Condition, Fate, Why, Words};
use crate::inventory::{
    Account, AttachedPolicy, Grant, Grantee, Identity, Inventory, Key, NamedPolicy,
};
use crate::policy::{
    AtMost, Element, Polarity, PolicyDocument, Principal, PrincipalElement, Standing, Statement,
    Value,
};

use super::{Edge, EdgeKind, Node, Sketch};

/// The actions by which somebody becomes a role.
const ASSUME: [ControlAction; 3] = [
    ControlAction::STS_ASSUME_ROLE,
    ControlAction::STS_ASSUME_ROLE_WITH_SAML,
    ControlAction::STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
];

/// Adds what the documents of the world of `access` state. Costs a look at each of them.
pub(super) fn state(sketch: &mut Sketch, access: &Access<'_>) {
    let world = access.inventory();
    for account in world.accounts.values() {
        for identity in account.identities.values() {
            of_identity(sketch, access, account, identity);
        }
        for group in account.groups.values() {
            let node = || Node::Group(group.arn.clone());
            sketch.node(node());
            policies(sketch, &node, &group.arn, &group.attached, &group.inline);
        }
    }
    for key in world.keys.values() {
        sketch.node(Node::Key(key.arn.clone()));
        delegations(sketch, access, key);
        key.grants.iter().for_each(|grant| of_grant(sketch, world, key, grant));
    }
}

fn of_identity(sketch: &mut Sketch, access: &Access<'_>, account: &Account, identity: &Identity) {
    let Some(caller) = Caller::parse(&identity.arn) else {
        return;
    };
    let node = || Node::Principal(caller.clone());
    sketch.node(node());
    for name in &identity.groups {
        let mut edge = plain(EdgeKind::MemberOf);
        let group = match account.groups.get(name) {
            Some(group) => group.arn.clone(),
            None => {
                let what = format!("group {name} of account {}", account.id);
                edge.doubts.insert(Why::Missing(what));
                format!("arn:{}:iam::{}:group/{name}", caller.partition(), account.id).into()
            }
        };
        sketch.edge(node(), Node::Group(group), edge);
    }
    policies(sketch, &node, &identity.arn, &identity.attached, &identity.inline);
    if let Some(boundary) = &identity.boundary {
        sketch.edge(node(), Node::Policy(boundary.arn.clone()), plain(EdgeKind::Bounds));
    }
    // Rule E44: a service-linked role is the service's alone.
    if !identity.is_service_linked() {
        trust(sketch, access, identity, &node);
    }
}

/// An edge that nothing is called for.
fn plain(kind: EdgeKind) -> Edge {
    Edge {
        kind,
        actions: Vec::new(),
        condition: None,
        because: Vec::new(),
        doubts: BTreeSet::new(),
    }
}

fn policies(
    sketch: &mut Sketch,
    holder: &dyn Fn() -> Node,
    arn: &str,
    attached: &[AttachedPolicy],
    inline: &[NamedPolicy],
) {
    let attached = attached.iter().map(|policy| policy.arn.clone());
    let inline = inline.iter().map(|policy| match policy.is_managed() {
        true => policy.name.clone(),
        false => format!("{arn}/inline/{}", policy.name).into(),
    });
    for policy in attached.chain(inline) {
        sketch.edge(holder(), Node::Policy(policy), plain(EdgeKind::Attached));
    }
}

/// Rules T3, T4, T8, T9: whom the trust policy's Allow statements admit.
fn trust(sketch: &mut Sketch, access: &Access<'_>, role: &Identity, node: &dyn Fn() -> Node) {
    let Some(document) = &role.trust else {
        return;
    };
    let policy = format!("trust policy of {}", role.arn);
    for (index, statement) in allows(document) {
        let Some((action, principal)) = statement.action.as_ref().zip(statement.principal.as_ref())
        else {
            continue;
        };
        let assumes: ControlSet = ASSUME.into_iter().collect();
        let covered = access.control_actions(action).intersection(assumes);
        let doubts = unresolved(action);
        if covered.is_empty() && doubts.is_empty() {
            continue;
        }
        let actions = covered.iter().map(|action| action.as_str().into()).collect();
        let because = vec![cited(policy.clone(), document, index)];
        let (kind, condition) = (EdgeKind::Trusts, condition(statement));
        let edge = Edge { kind, actions, condition, because, doubts };
        for (who, edge) in admitted(access.inventory(), principal, &edge) {
            sketch.edge(who, node(), edge);
        }
    }
}

/// Rule P6: the accounts that Allow statements of the key policy leave it to.
fn delegations(sketch: &mut Sketch, access: &Access<'_>, key: &Key) {
    let Some(document) = &key.policy else {
        return;
    };
    let world = access.inventory();
    let policy = format!("key policy of {}", world.shown_key(key));
    for (index, statement) in allows(document) {
        let Some((action, principal)) = statement.action.as_ref().zip(statement.principal.as_ref())
        else {
            continue;
        };
        let (covered, doubts) = (access.actions(action), unresolved(action));
        for entry in &principal.entries {
            let Principal::Account { account, .. } = entry.value else {
                continue;
            };
            let applies = doubts.is_empty().then_some(covered).is_none_or(|covered| {
                covered
                    .iter()
                    .next()
                    .is_some_and(|first| applies(access, key, document, index, account, first))
            });
            if principal.polarity == Polarity::IsNot || !applies {
                continue;
            }
            let edge = Edge {
                kind: EdgeKind::Delegates,
                actions: names(covered),
                condition: condition(statement),
                because: vec![cited(policy.clone(), document, index)],
                doubts: doubts.clone(),
            };
            sketch.edge(of_account(world, account), Node::Key(key.arn.clone()), edge);
        }
    }
}

/// Whether a statement applies to some request of an account on this key: its `Resource` may be another.
fn applies(
    access: &Access<'_>,
    key: &Key,
    document: &PolicyDocument,
    index: usize,
    account: AccountId,
    action: KmsAction,
) -> bool {
    let root = format!("arn:{}:iam::{account}:root", key.arn.partition());
    let Some(principal) = Caller::parse(&root) else {
        return false;
    };
    let cell = Cell { principal, key: key.arn.clone(), action };
    !matches!(access.fate(&cell, Allowing::Statement(document, index)), Fate::NeverApplies)
}

fn of_grant(sketch: &mut Sketch, world: &Inventory, key: &Key, grant: &Grant) {
    let node = || Node::Grant(key.arn.clone(), grant.id.clone());
    let cited = Cited::Grant { id: grant.id.clone(), place: grant.place };
    let citation = Citation { policy: format!("grant {}", grant.id), cited };
    let unknown = grant.unknown_operations.iter().map(|name| format!("kms:{name}").into());
    let mut actions: Vec<Box<str>> =
        grant.operations.iter().map(|action| action.as_str().into()).chain(unknown).collect();
    actions.sort_unstable();
    let edge = |kind, actions| Edge { actions, because: vec![citation.clone()], ..plain(kind) };
    sketch.edge(node(), Node::Key(key.arn.clone()), edge(EdgeKind::Uses, actions));
    let named = |grantee: &Grantee| match grantee {
        Grantee::Principal(principal) => who(world, principal),
        Grantee::Service(name) => Caller::parse(name).map(Node::External),
    };
    let grantee = named(&grant.grantee).map(|who| (who, EdgeKind::HoldsGrant, Vec::new()));
    let retires = || vec![KmsAction::RETIRE_GRANT.as_str().into()];
    let retiring = grant.retiring.as_ref().and_then(named);
    let retiring = retiring.map(|who| (who, EdgeKind::Retires, retires()));
    for (who, kind, actions) in grantee.into_iter().chain(retiring) {
        sketch.edge(who, node(), edge(kind, actions));
    }
}

/// The Allow statements that can have an effect, with their places in the policy.
fn allows(document: &PolicyDocument) -> impl Iterator<Item = (usize, &Statement)> {
    let all = document.policy().statements.iter().enumerate();
    let has_effect = |it: &Statement| matches!(it.standing, Standing::Sound | Standing::Unwritten);
    all.filter(move |(_, statement)| statement.allows() && has_effect(statement))
}

fn cited(policy: String, document: &PolicyDocument, index: usize) -> Citation {
    Citation { policy, cited: Cited::Statement { document: document.clone(), index } }
}

/// The values of an element that nobody could resolve: it may cover more.
fn unresolved(element: &Element) -> BTreeSet<Why> {
    let expression = |value: &Value| match value {
        Value::Text(_) => None,
        Value::Unresolved(value) => Some(Why::Missing(value.expression.to_string())),
    };
    element.values.iter().filter_map(|value| expression(&value.value)).collect()
}

/// Whom an element means, each with the edge that it gets.
fn admitted(world: &Inventory, element: &PrincipalElement, edge: &Edge) -> Vec<(Node, Edge)> {
    let entries = element.entries.iter().map(|entry| &entry.value);
    if element.polarity == Polarity::IsNot {
        // Everyone but these.
        let values = entries.map(|entry| entry.text().into()).collect();
        let but = Words { key: "the principal".into(), relation: "is none of".into(), values };
        let parts = edge.condition.iter().cloned().chain([Condition::Test(but)]);
        let condition = all_of(parts.collect());
        return vec![(anyone(), Edge { condition, ..edge.clone() })];
    }
    let one = |entry: &Principal| {
        let mut edge = edge.clone();
        if let Principal::Unresolved(of) = entry {
            edge.doubts.insert(Why::Missing(of.expression.to_string()));
        }
        Some((who(world, entry)?, edge))
    };
    entries.filter_map(one).collect()
}

/// The node of whoever an entry means; nothing for what no request can come from (rules A38 to A40).
fn who(world: &Inventory, principal: &Principal) -> Option<Node> {
    match principal {
        Principal::Anyone => Some(anyone()),
        Principal::Account { account, .. } => Some(of_account(world, *account)),
        Principal::User(text) | Principal::Role(text) => {
            let caller = Caller::parse(text)?;
            let is_known = world.identity(text).is_some();
            Some(if is_known { Node::Principal(caller) } else { Node::External(caller) })
        }
        Principal::AssumedRole(text) | Principal::FederatedUser(text) => {
            let caller = Caller::parse(text)?;
            let is_known = caller.account.is_some_and(|account| world.account(account).is_some());
            Some(if is_known { Node::Principal(caller) } else { Node::External(caller) })
        }
        Principal::Service(text) => Caller::parse(text).map(Node::External),
        Principal::Federated(text) => Some(Node::External(Caller::of_provider(text))),
        Principal::Unresolved(of) => match &of.at_most {
            AtMost::Principal(principal) => who(world, principal),
            AtMost::Of(account) => Some(of_account(world, *account)),
            AtMost::Anyone | AtMost::Service => {
                Some(Node::External(Caller::of_provider(&of.expression)))
            }
        },
        Principal::CanonicalUser(_) | Principal::UniqueId(_) | Principal::Invalid(_) => None,
    }
}

/// Whoever is none of the others.
fn anyone() -> Node {
    Node::External(Caller::of_provider("*"))
}

/// The IAM of an account, which decides who of it is meant; its root where nothing of it was exported.
fn of_account(world: &Inventory, account: AccountId) -> Node {
    match world.account(account) {
        Some(known) if !known.identities.is_empty() || known.identities_listed => {
            Node::Iam(account)
        }
        _ => Caller::parse(account.as_str()).map_or(Node::Iam(account), Node::External),
    }
}

/// `kms:*` for all of them, else their names.
fn names(actions: ActionSet) -> Vec<Box<str>> {
    match actions == ActionSet::ALL {
        true => vec!["kms:*".into()],
        false => actions.iter().map(|action| action.as_str().into()).collect(),
    }
}

/// The condition block as the statement has it: operators by their names.
fn condition(statement: &Statement) -> Option<Condition> {
    let test = |condition: &crate::policy::Condition| {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            Value::Unresolved(value) => value.expression.clone(),
        };
        Condition::Test(Words {
            key: condition.key.value.clone(),
            relation: condition.operator.value.name().into(),
            values: condition.values.iter().map(|value| text(&value.value)).collect(),
        })
    };
    all_of(statement.conditions.iter().map(test).collect())
}

fn all_of(mut parts: Vec<Condition>) -> Option<Condition> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Condition::All(parts)),
    }
}
