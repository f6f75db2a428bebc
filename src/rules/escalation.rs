//! Who lacks a key and could not simply take it: asked by the rules about ways around.
//!
//! Whoever may put a key policy or grant itself use needs no other way, and is left to the rules about
//! administrators.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, ContextValue, Gift, Holders, Request};

use super::KeyScope;
use super::controllers::{each, without_use};
use super::granting::grants_itself;

/// The groups of the key's own account that may hold some of `held`, hold none of `goal`, and cannot give
/// themselves any of it by a key policy or a grant; each with those of its members who exist.
pub(super) fn without_way(
    scope: &KeyScope<'_>,
    held: ActionSet,
    goal: ActionSet,
) -> Vec<(Holders, Vec<Caller>)> {
    let groups = without_use(scope, held, goal).into_iter();
    let helpless = groups.map(|group| {
        let members = helpless(scope, &group, goal);
        (group, members)
    });
    helpless.filter(|(_, members)| !members.is_empty()).collect()
}

/// The members of a group who cannot give themselves any of `goal`.
fn helpless(scope: &KeyScope<'_>, group: &Holders, goal: ActionSet) -> Vec<Caller> {
    let (reach, first) = (scope.scope.reach, group.who.first());
    let (put, create) = (KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT);
    let holds = scope.holding(first, ActionSet::from(put).union(create.into())).sure;
    let by_policy = || reach.would_hold(first, &scope.key.arn, Gift::Policy, goal).sure;
    if holds.contains(put) && !by_policy().is_empty() {
        return Vec::new();
    }
    let members = each(scope, group, put).into_iter().map(|member| member.caller);
    if !holds.contains(create) {
        return members.collect();
    }
    let can_grant = |caller: &Caller| goal.iter().any(|goal| grants_itself(scope, caller, goal));
    // One speaks for all, unless a policy asks for whom the grant is.
    if !reach.hangs_on(&scope.cell(first, create), "kms:GranteePrincipal") {
        return if can_grant(first) { Vec::new() } else { members.collect() };
    }
    members.filter(|caller| !can_grant(caller)).collect()
}

/// A request on the key that the caller makes itself, no service in between.
pub(super) fn direct(scope: &KeyScope<'_>, caller: &Caller, action: KmsAction) -> Request {
    let mut request = scope.cell(caller, action).plain_request();
    by_itself(&mut request);
    request
}

/// Says that no service makes the request on the caller's behalf.
pub(super) fn by_itself(request: &mut Request) {
    request.context.set_absent("kms:ViaService");
    request.context.set("aws:ViaAWSService", ContextValue::One("false".into()));
}
