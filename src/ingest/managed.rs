//! AWS managed policies that nobody exported, and that are known all the same: they allow nothing of what
//! is looked at here, or everything, and so does the document that stands for each.

use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::managed::{allows_everything, is_without_keys};
use crate::inventory::{Account, AttachedPolicy, Inventory, ManagedPolicy, PolicyVersion};
use crate::policy::{self, Policy, PolicyDocument, PolicyKind, Statement, Version};
use crate::source::{Place, Span};

use super::declared::{object_at, text_at};

/// Gives each account those that its principals and groups hold, where it has no document of them.
pub(super) fn add(inventory: &mut Inventory) {
    inventory.accounts.par_iter_mut().for_each(|(_, account)| {
        for policy in held(account) {
            Arc::make_mut(account).policies.insert(&*policy.arn.clone(), stand_in(policy));
        }
    });
}

/// A policy that is known without a document.
pub(super) fn known(policy: &AttachedPolicy) -> Option<ManagedPolicy> {
    let is_known = is_without_keys(&policy.arn) || allows_everything(&policy.arn);
    is_known.then(|| stand_in(policy.clone()))
}

fn held(account: &Account) -> Vec<AttachedPolicy> {
    let is_open = |policy: &&AttachedPolicy| {
        let known = account.policies.get(&policy.arn);
        (is_without_keys(&policy.arn) || allows_everything(&policy.arn))
            && known.is_none_or(|known| known.document().is_none())
    };
    account.attached_policies().filter(is_open).cloned().collect()
}

fn stand_in(AttachedPolicy { arn, place }: AttachedPolicy) -> ManagedPolicy {
    let policy = Policy {
        version: Version::V2012,
        id: None,
        statements: if allows_everything(&arn) { everything(place) } else { Vec::new() },
        faults: Vec::new(),
        readable: true,
    };
    let document = PolicyDocument::lowered(place, PolicyKind::Identity, policy);
    let version = PolicyVersion { id: "v1".into(), document };
    ManagedPolicy { default_version: Some("v1".into()), versions: vec![version], place, arn }
}

/// The one statement of what allows everything; it stands where the policy is attached.
fn everything(place: Place) -> Vec<Statement> {
    let span = Span { start: 0, end: place.span.end.saturating_sub(place.span.start) };
    let members = [("Effect", "Allow"), ("Action", "*"), ("Resource", "*")];
    let members = members.map(|(name, value)| (name, text_at(span, value.to_owned())));
    let tree = object_at(span, vec![("Statement", object_at(span, members.into()))]);
    policy::lower(&tree, PolicyKind::Identity).statements
}
