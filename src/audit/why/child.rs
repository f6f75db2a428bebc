//! The grant that a CreateGrant by a grant asks for where the request does not say: one like its parent (rule G31,
//! O32), of which policies see what it has.

use crate::aws::KmsAction;
use crate::decision::{Cited, Context, ContextValue, Decision, Outcome, Path, Request};
use crate::eval::reference::Reference;
use crate::inventory::{Grant, Inventory};

use super::super::names::resolved;

/// The condition keys that say which grant is asked for.
const OPERATIONS: &str = "kms:GrantOperations";
const KIND: &str = "kms:GrantConstraintType";
const SOURCE: &str = "kms:GrantConstraintSourceArn";
const PAIR: &str = "kms:EncryptionContext:";

/// The request for a child like its parent, where grants alone allow it as long as it says nothing of the
/// child, and none of them one like itself.
pub(super) fn refused(
    world: &Inventory,
    request: &Request,
    decision: &Decision,
) -> Option<Request> {
    let by_grant = matches!(decision.outcome, Outcome::Allowed(Path::P8 | Path::P9 | Path::P10));
    if request.action != KmsAction::CREATE_GRANT || !by_grant || says(&request.context) {
        return None;
    }
    let key = world.key(&resolved(world, &request.target)?)?;
    let parents = || {
        let all = key.grants.iter();
        all.filter(|grant| grant.operations.contains(KmsAction::CREATE_GRANT))
    };
    let like =
        |parent: &Grant| Request { context: child(parent, &request.context), ..request.clone() };
    let reference = Reference::new(world);
    if parents().map(like).any(|child| reference.evaluate(&child).is_allowed()) {
        return None;
    }
    let mut cited = decision.trace.iter().flat_map(|step| &step.cited);
    let id = cited.find_map(|citation| match &citation.cited {
        Cited::Grant { id, .. } => Some(id),
        Cited::Statement { .. } => None,
    });
    parents().find(|grant| Some(&grant.id) == id).map(like)
}

/// Whether a context says which grant is asked for.
fn says(context: &Context) -> bool {
    [OPERATIONS, KIND, SOURCE].iter().any(|key| context.get(key).is_some())
        || context.with_prefix(PAIR).next().is_some()
}

/// A context that asks for a grant like this one (rule G32).
fn child(parent: &Grant, context: &Context) -> Context {
    let mut context = context.clone();
    let names = parent.operations.iter().map(|operation| operation.name().into());
    context.set(OPERATIONS, ContextValue::Many(names.collect()));
    let constraints = &parent.constraints;
    let kind = match (&constraints.equals, &constraints.subset) {
        (Some(_), _) => Some("EncryptionContextEquals"),
        (None, Some(_)) => Some("EncryptionContextSubset"),
        (None, None) => None,
    };
    kind.into_iter().for_each(|kind| context.set_one(KIND, kind));
    for (name, value) in constraints.equals.iter().chain(&constraints.subset).flatten() {
        context.set_one(&format!("{PAIR}{name}"), value);
    }
    constraints.source_arn.iter().for_each(|arn| context.set_one(SOURCE, arn));
    context
}
