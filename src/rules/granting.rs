//! The request that creates a grant, and by what right: asked by several rules.

use crate::aws::KmsAction;
use crate::decision::{Caller, ContextValue, Outcome, Path, Request};

use super::KeyScope;

/// The request with which `caller` grants `wanted` to `grantee`: a direct call, no service stands between
/// (rule G53).
pub(super) fn granting(
    scope: &KeyScope<'_>,
    caller: &Caller,
    grantee: &str,
    wanted: KmsAction,
) -> Request {
    let mut request = scope.cell(caller, KmsAction::CREATE_GRANT).plain_request();
    let context = &mut request.context;
    context.set_absent("kms:ViaService");
    context.set_one("aws:ViaAWSService", "false");
    context.set_one("kms:GrantIsForAWSResource", "false");
    context.set_one("kms:GranteePrincipal", grantee);
    context.set("kms:GrantOperations", ContextValue::Many(vec![wanted.name().into()]));
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
