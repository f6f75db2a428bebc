//! A change takes a principal out of the policies, and a grant keeps it in.

use crate::aws::ActionSet;
use crate::decision::{Caller, Holding, Reach};
use crate::inventory::{Edit, Grant, Grantee, Key};
use crate::policy::PolicyDocument;

use super::controllers::{list, short};
use super::grants::{grantee, is_gone, revocation};
use super::outsiders::uses;
use super::report::Sink;
use super::what_if::after;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct RevokedPrincipalKeepsGrant;

impl Rule for RevokedPrincipalKeepsGrant {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(base) = scope.scope.base else { return };
        let Some(before) = base.world().key(&scope.key.arn) else { return };
        for grant in &scope.key.grants {
            let Some(caller) = grantee(scope, grant).filter(|_| !is_dangling(scope, grant)) else {
                continue;
            };
            let operations = grant.operations.intersection(uses());
            let kept = scope.holding(&caller, operations).sure;
            let was = base.holding(&caller, &scope.key.arn, kept).sure;
            if was.is_empty() {
                continue;
            }
            let had = by_policy(base, before, scope, &caller, was);
            let has = by_policy(scope.scope.reach, scope.key, scope, &caller, was);
            let kept = had.sure.minus(has.possible);
            if !kept.is_empty() {
                tell(scope, grant, &caller, kept, sink);
            }
        }
    }
}

fn is_dangling(scope: &KeyScope<'_>, grant: &Grant) -> bool {
    matches!(&grant.grantee, Grantee::Principal(one) if is_gone(scope.scope, one))
}

/// What the caller holds on the key without its grants: by policies alone.
fn by_policy(
    reach: &dyn Reach,
    key: &Key,
    scope: &KeyScope<'_>,
    caller: &Caller,
    wanted: ActionSet,
) -> Holding {
    let own = key.grants.iter().filter(|grant| grantee(scope, grant).as_ref() == Some(caller));
    let edits =
        own.map(|grant| Edit::RevokeGrant { key: key.arn.clone(), grant: grant.id.clone() });
    let mut holds = Holding::default();
    after(reach, &edits.collect::<Vec<_>>(), &mut |after| {
        holds = after.holding(caller, &key.arn, wanted);
    });
    holds
}

fn tell(
    scope: &KeyScope<'_>,
    grant: &Grant,
    caller: &Caller,
    kept: ActionSet,
    sink: &mut Sink<'_>,
) {
    let actions: Vec<String> = kept.iter().map(|action| action.to_string()).collect();
    let (who, what, name) = (short(caller), list(&actions), scope.name());
    let message = format!(
        "the policies no longer give {who} {what} on {name}, but grant {} still does",
        grant.id
    );
    let witness = kept.iter().next().map(|action| scope.verdict(caller, action));
    let place = scope.key.policy.as_ref().map_or(scope.key.place, PolicyDocument::whole);
    sink.report(format!("{} {}", scope.key.arn, grant.id), message)
        .key(&scope.key.arn)
        .at(grant.place, None, "this grant outlives the policy")
        .beside(place, None, "the key policy after the change")
        .principals([caller.to_string()])
        .witness(witness.as_ref().and_then(|verdict| verdict.witness()))
        .help(revocation(scope, grant))
        .done();
}
