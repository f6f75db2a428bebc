//! The request that creates a grant, by what right, and who acts for services: asked by several rules.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Allowing, Caller, ContextValue, Gift, Holding, Outcome, Path, Request};

use super::KeyScope;

/// The requests with which `caller` may grant `wanted` to `grantee`: alone, or where a condition asks for the
/// operations also beside another, which can be what lets it pass (rule C33).
fn granting<'s>(
    scope: &'s KeyScope<'_>,
    caller: &'s Caller,
    grantee: &'s str,
    wanted: KmsAction,
) -> impl Iterator<Item = Request> + 's {
    let create = scope.cell(caller, KmsAction::CREATE_GRANT);
    let others = move || {
        let hangs = scope.scope.reach.hangs_on(&create, "kms:GrantOperations");
        let all = scope.key.grant_operations().intersection(scope.possible());
        let others = all.iter().filter(|one| hangs && *one != wanted);
        others.map(|other| vec![wanted, other]).collect::<Vec<_>>()
    };
    let alone = std::iter::once(vec![wanted]);
    let each = alone.chain(std::iter::once_with(others).flatten());
    each.map(move |operations| {
        let mut request = granting_any(scope, caller, grantee);
        let names = operations.iter().map(|one| one.name().into()).collect();
        request.context.set("kms:GrantOperations", ContextValue::Many(names));
        request
    })
}

/// The request with which `caller` surely grants `wanted` to `grantee` by policy, if there is one.
pub(super) fn granted(
    scope: &KeyScope<'_>,
    caller: &Caller,
    grantee: &str,
    wanted: KmsAction,
) -> Option<Request> {
    let mut all = granting(scope, caller, grantee, wanted);
    let mut by_grant = None;
    all.find(|it| {
        scope.scope.reach.reaches(it)
            && !(*by_grant.get_or_insert_with(|| may_be_by_grant(scope, caller))
                && is_by_grant(scope, it))
    })
}

/// The same of a caller whose own policies are not known and could allow it.
pub(super) fn could_be_granted(
    scope: &KeyScope<'_>,
    caller: &Caller,
    grantee: &str,
    wanted: KmsAction,
) -> Option<Request> {
    let mut all = granting(scope, caller, grantee, wanted);
    all.find(|it| scope.scope.reach.could_reach(it) && !is_by_grant(scope, it))
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

/// Whether some grant means the caller for CreateGrant.
fn may_be_by_grant(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let create = KmsAction::CREATE_GRANT;
    let mut grants = scope.key.grants.iter().filter(|grant| grant.operations.contains(create));
    grants.any(|grant| {
        let fates = scope.fates(caller, Allowing::Grant(grant), create.into());
        !fates.applies().is_empty()
    })
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

/// The request with which the caller grants `wanted` to itself by policy, if it gains by that.
pub(super) fn grants_itself(
    scope: &KeyScope<'_>,
    caller: &Caller,
    wanted: KmsAction,
) -> Option<Request> {
    let request = granted(scope, caller, &caller.text, wanted)?;
    let gains = !held_by_grant(scope, caller, wanted).sure.is_empty();
    gains.then_some(request)
}

/// What a grantee would hold of `wanted` by a grant of it.
pub(super) fn held_by_grant(scope: &KeyScope<'_>, grantee: &Caller, wanted: KmsAction) -> Holding {
    let gift = Gift::Grant(ActionSet::of(wanted));
    scope.scope.reach.would_hold(grantee, &scope.key.arn, gift, wanted.into())
}

/// A session in which infrastructure of a service acts, or a role that a service
/// owns (rule E44).
pub(super) fn is_of_service(arn: &str) -> bool {
    arn.contains(":assumed-role/aws:")
        || arn.contains(":role/aws-service-role/")
        || arn.contains(":assumed-role/AWSServiceRoleFor")
}
