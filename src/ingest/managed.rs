//! AWS managed policies that nobody exported, and that are known all the same: the document that stands for
//! each says what it allows of what is looked at here.

use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::managed::{Allowed, allowed};
use crate::inventory::{Account, AttachedPolicy, Inventory, ManagedPolicy, PolicyVersion};
use crate::policy::{self, Policy, PolicyDocument, PolicyKind, Statement, Version};
use crate::source::{Place, Span};
use crate::syntax::{Kind, Node};

use super::declared::{object_at, text_at};

/// Gives each account those that its principals and groups hold, where it has no document of them.
pub(super) fn add(inventory: &mut Inventory) {
    inventory.accounts.par_iter_mut().for_each(|(_, account)| {
        for (policy, allowed) in held(account) {
            Arc::make_mut(account).policies.insert(&*policy.arn.clone(), stand_in(policy, allowed));
        }
    });
}

/// A policy that is known without a document.
pub(super) fn known(policy: &AttachedPolicy) -> Option<ManagedPolicy> {
    Some(stand_in(policy.clone(), allowed(&policy.arn)?))
}

/// What a known policy allows.
type Statements = &'static [Allowed];

fn held(account: &Account) -> Vec<(AttachedPolicy, Statements)> {
    let is_open = |policy: &&AttachedPolicy| {
        let known = account.policies.get(&policy.arn);
        known.is_none_or(|known| known.document().is_none())
    };
    let open = account.attached_policies().filter(is_open);
    open.filter_map(|policy| Some((policy.clone(), allowed(&policy.arn)?))).collect()
}

fn stand_in(AttachedPolicy { arn, place }: AttachedPolicy, allowed: Statements) -> ManagedPolicy {
    let policy = Policy {
        version: Version::V2012,
        id: None,
        statements: allowed.iter().flat_map(|allowed| allowing(*allowed, place)).collect(),
        faults: Vec::new(),
        readable: true,
    };
    let document = PolicyDocument::lowered(place, PolicyKind::Identity, policy);
    let version = PolicyVersion { id: "v1".into(), document };
    ManagedPolicy { default_version: Some("v1".into()), versions: vec![version], place, arn }
}

/// The statement that allows something; it stands where the policy is attached.
fn allowing(allowed: Allowed, place: Place) -> Vec<Statement> {
    let span = Span { start: 0, end: place.span.end.saturating_sub(place.span.start) };
    let text = |text: &str| text_at(span, text.to_owned());
    let actions = allowed.actions.iter().map(|action| text(action)).collect();
    let actions = Node { span, tag: None, kind: Kind::Array(actions) };
    let element = if allowed.is_all_but { "NotAction" } else { "Action" };
    let resource = text(allowed.resource);
    let members = vec![("Effect", text("Allow")), (element, actions), ("Resource", resource)];
    let tree = object_at(span, vec![("Statement", object_at(span, members))]);
    policy::lower(&tree, PolicyKind::Identity).statements
}
