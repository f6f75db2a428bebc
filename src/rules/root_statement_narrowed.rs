//! The account statement of a key policy delegates less than identity policies count on.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Caller, CallerKind, Gift};
use crate::policy::{Polarity, Principal, Statement};

use super::controllers::{exists, list, short};
use super::outsiders::uses;
use super::report::Sink;
use super::wide::controls;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct RootStatementNarrowed;

impl Rule for RootStatementNarrowed {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let (Some(document), Some(root)) = (scope.readable_policy(), scope.root()) else { return };
        let owner = scope.key.arn.account();
        let statements = &document.policy().statements;
        let Some(index) = statements.iter().position(|one| means_account(one, owner)) else {
            return;
        };
        let wanted = uses().union(controls()).intersection(scope.possible());
        let delegates = |one: &Statement| means_account(one, owner) && one.conditions.is_empty();
        let delegated =
            statements.iter().filter(|one| delegates(one)).fold(ActionSet::EMPTY, |all, one| {
                let element = one.action.as_ref();
                all.union(element.map_or(ActionSet::EMPTY, |it| scope.scope.reach.actions(it)))
            });
        let wanted = wanted.minus(delegated);
        if wanted.is_empty() {
            return;
        }
        let (callers, actions) = relying(scope, &root, wanted);
        let names: Vec<String> = callers.iter().map(|it| short(it).to_owned()).collect();
        if names.is_empty() {
            return;
        }
        let all: Vec<String> = actions.iter().map(|action| action.to_string()).collect();
        let message = format!(
            "the statement for account {owner} in the key policy of {} does not let IAM policies \
             give {}, which {} count on",
            scope.name(),
            list(&all),
            list(&names)
        );
        sink.report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .statement(document, index, "lets identity policies count for less than they say")
            .principals(callers.iter().map(ToString::to_string))
            .help(
                "name these principals in the key policy, widen the statement on purpose, or take the \
                 actions from their identity policies",
            )
            .done();
    }
}

/// Whether the statement allows the account something.
fn means_account(statement: &Statement, owner: AccountId) -> bool {
    let element = statement.principal.as_ref().filter(|it| it.polarity == Polarity::Is);
    let is_owner = |principal: &Principal| matches!(principal, Principal::Account { account, .. } if *account == owner);
    statement.allows()
        && element.is_some_and(|it| it.entries.iter().any(|entry| is_owner(&entry.value)))
}

/// Who of the account would hold actions of `wanted` if the key delegated all, is not meant for them by the
/// key, and is no administrator; with these actions.
fn relying(
    scope: &KeyScope<'_>,
    root: &Caller,
    wanted: ActionSet,
) -> (BTreeSet<Caller>, ActionSet) {
    let edit = Gift::Policy.edit(scope.key, root);
    let after = scope.scope.reach.holders_after(&edit, &scope.key.arn, wanted);
    let (mut callers, mut actions) = (BTreeSet::new(), ActionSet::EMPTY);
    for group in after.iter().filter(|group| !group.holds.sure.is_empty()) {
        let first = group.who.first();
        if first.account != root.account || first.kind == CallerKind::Root {
            continue;
        }
        for caller in group.who.iter() {
            let lost = group.holds.sure.minus(scope.opened(caller, wanted));
            let identity = scope.identity(caller);
            let counts = exists(scope, caller)
                && identity.is_some_and(|it| !scope.scope.is_administrator(it));
            if !lost.is_empty() && counts {
                callers.insert(caller.clone());
                actions = actions.union(lost);
            }
        }
    }
    (callers, actions)
}
