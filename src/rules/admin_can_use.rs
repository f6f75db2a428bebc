//! One principal both controls a key and uses it.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, CallerKind, Holders};

use super::controllers::{by_cause, exists, list, reveal, short};
use super::granting::{granting_any, is_by_grant, is_of_service};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct AdminCanUse;

impl Rule for AdminCanUse {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() || scope.key.policy.is_none() {
            return;
        }
        let goal: ActionSet = reveal(scope).into_iter().collect();
        let (put, create) = (KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT);
        let control = ActionSet::from(put).union(create.into());
        let holders = scope.holders(goal.union(control));
        let mut found: Vec<(Caller, KmsAction, KmsAction)> = Vec::new();
        for group in holders.iter() {
            let used = group.holds.sure.intersection(goal).iter().next();
            let members = used.map(|_| members(scope, group)).unwrap_or_default();
            let controlled = || control_of(scope, group);
            let Some((used, control)) = used.filter(|_| !members.is_empty()).zip(controlled())
            else {
                continue;
            };
            found.extend(members.into_iter().map(|caller| (caller, control, used)));
        }
        found.sort();
        let Some((first, control, used)) = found.first() else { return };
        let names: Vec<String> = found.iter().map(|(it, ..)| short(it).to_owned()).collect();
        let message = format!(
            "{} may control {} by {control} and use it by {used}",
            list(&names),
            scope.name()
        );
        let verdict = scope.verdict(first, *control);
        let report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .principals(found.iter().map(|(caller, ..)| caller.to_string()));
        let Some(witness) = verdict.witness() else { return };
        let label = format!("allows {control}");
        if let Some(report) = by_cause(scope, report, witness, &label) {
            report.help("give control and use to two roles, in two statements").done();
        }
    }
}

/// Those of a group of the key's account who exist and are no administrators of the account.
fn members(scope: &KeyScope<'_>, group: &Holders) -> Vec<Caller> {
    let first = group.who.first();
    if first.account != Some(scope.key.arn.account()) || first.kind == CallerKind::Root {
        return Vec::new();
    }
    let is_plain = |caller: &&Caller| {
        let identity = scope.identity(caller);
        let is_person = exists(scope, caller) && !is_of_service(&caller.text);
        is_person && identity.is_none_or(|it| !scope.scope.is_administrator(it))
    };
    group.who.iter().filter(is_plain).cloned().collect()
}

/// By what the group controls the key: its policy, or grants that it may make itself.
fn control_of(scope: &KeyScope<'_>, group: &Holders) -> Option<KmsAction> {
    let (put, create) = (KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT);
    if group.holds.sure.contains(put) {
        return Some(put);
    }
    let first = group.who.first();
    let grants = || {
        let request = granting_any(scope, first, &first.text);
        scope.scope.reach.reaches(&request) && !is_by_grant(scope, &request)
    };
    (group.holds.sure.contains(create) && grants()).then_some(create)
}
