//! The request that creates a grant, by what right, and who acts for services: asked by several rules.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, ContextValue, Gift, Outcome, Path, Request};

use super::KeyScope;

/// The request with which `caller` grants `wanted` to `grantee`.
pub(super) fn granting(
    scope: &KeyScope<'_>,
    caller: &Caller,
    grantee: &str,
    wanted: KmsAction,
) -> Request {
    let mut request = granting_any(scope, caller, grantee);
    let operations = ContextValue::Many(vec![wanted.name().into()]);
    request.context.set("kms:GrantOperations", operations);
    request
}

/// The request with which `caller` grants something to `grantee`: a direct call, no service stands between
/// (rule G53).
pub(super) fn granting_any(scope: &KeyScope<'_>, caller: &Caller, grantee: &str) -> Request {
    let mut request = scope.cell(caller, KmsAction::CREATE_GRANT).plain_request();
    let context = &mut request.context;
    context.set_absent("kms:ViaService");
    context.set_one("aws:ViaAWSService", "false");
    context.set_one("kms:GrantIsForAWSResource", "false");
    context.set_one("kms:GranteePrincipal", grantee);
    request
}

/// Whether the request is allowed by a grant, which its holder cannot widen (rule G31).
pub(super) fn is_by_grant(scope: &KeyScope<'_>, request: &Request) -> bool {
    let mut grants = scope.key.grants.iter();
    if !grants.any(|grant| grant.operations.contains(KmsAction::CREATE_GRANT)) {
        return false;
    }
    let verdict = scope.scope.reach.verdict_of(request);
    verdict.witness().is_none_or(|witness| {
        let decision = scope.scope.reach.decide(witness);
        matches!(decision.outcome, Outcome::Allowed(Path::P8 | Path::P9 | Path::P10))
    })
}

/// Whether the caller may grant `wanted` to itself by policy, and gains by it.
pub(super) fn grants_itself(scope: &KeyScope<'_>, caller: &Caller, wanted: KmsAction) -> bool {
    let reach = scope.scope.reach;
    let request = granting(scope, caller, &caller.text, wanted);
    if !reach.reaches(&request) || is_by_grant(scope, &request) {
        return false;
    }
    let gift = Gift::Grant(ActionSet::of(wanted));
    !reach.would_hold(caller, &scope.key.arn, gift, wanted.into()).sure.is_empty()
}

/// A session in which infrastructure of a service acts, or a role that a service
/// owns (rule E44).
pub(super) fn is_of_service(arn: &str) -> bool {
    arn.contains(":assumed-role/aws:")
        || arn.contains(":role/aws-service-role/")
        || arn.contains(":assumed-role/AWSServiceRoleFor")
}
