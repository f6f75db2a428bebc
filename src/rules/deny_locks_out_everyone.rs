//! An explicit Deny overlaps every Allow that could manage the key, and spares nobody who exists.

use std::collections::BTreeMap;

use crate::aws::KmsAction;
use crate::decision::{Caller, Reach};
use crate::inventory::Edit;
use crate::policy::{PolicyDocument, PolicyKind};

use super::controllers::{Managers, alike, deciding_statements, managers};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DenyLocksOutEveryone;

/// A Deny statement, by its policy and index.
type Deny = (PolicyDocument, usize);

impl Rule for DenyLocksOutEveryone {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Managers::Nobody(live) = managers(scope) else {
            return;
        };
        // Nobody gains by the loss of a Deny whom nothing allows.
        let put = KmsAction::PUT_KEY_POLICY;
        let (reach, key) = (scope.scope.reach, &scope.key.arn);
        let is_opened = |caller: &&Caller| {
            !scope.opened(caller, put.into()).is_empty()
                && !reach.offered(caller, key, put.into()).is_empty()
        };
        let opened: Vec<Caller> = live.iter().filter(is_opened).cloned().collect();
        if opened.is_empty() {
            return;
        }
        let denies = denies(scope, &live);
        let Some((set, freed)) = smallest_set(scope, &opened, &denies) else {
            return;
        };
        let Some(((document, index), rest)) = set.split_first() else {
            return;
        };
        let message = format!(
            "a Deny keeps everyone from managing {}: {freed} could without it",
            scope.name()
        );
        let request = scope.cell(&freed, KmsAction::PUT_KEY_POLICY).plain_request();
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .statement(document, *index, "denies kms:PutKeyPolicy to everyone who exists")
            .with_others(!rest.is_empty())
            .help(help(set))
            .witness(Some(&request))
            .explains(&["key-unmanageable", "missing-root-statement"]);
        for (document, index) in rest {
            let span = document.policy().statements.get(*index).map(|statement| statement.span);
            report = report.beside(document.place, span, "and so does this one");
        }
        if document.kind != PolicyKind::Key
            && let Some(cause) = scope.scope.documented(document)
        {
            report = report.caused_by(&cause.subject);
        }
        let allow = without(scope.scope.reach, set, &|reach| deciding_statements(reach, &request));
        for (document, index) in allow.iter().take(2) {
            let span = document.policy().statements.get(*index).map(|statement| statement.span);
            report = report.beside(document.place, span, "this Allow is cancelled");
        }
        report.done();
    }
}

/// What to edit. Whoever manages the organization can still do that to its policies.
fn help(set: &[Deny]) -> &'static str {
    let is_of_organization =
        |(document, _): &Deny| matches!(document.kind, PolicyKind::Scp | PolicyKind::Rcp);
    match set.iter().any(is_of_organization) {
        true => {
            "let the management account, which can still change the organization's policy, take \
             kms:PutKeyPolicy out of the Deny, or exempt a break-glass role and the account with \
             `ArnNotLike` on aws:PrincipalArn"
        }
        false => {
            "exempt a break-glass role and the account with `ArnNotLike` on aws:PrincipalArn, or take \
             kms:PutKeyPolicy out of the Deny"
        }
    }
}

/// The Deny statements that stop the live principals, each once. Of those that share every answer one
/// speaks for all, unless a policy of its own stops it.
fn denies(scope: &KeyScope<'_>, live: &[Caller]) -> Vec<Deny> {
    let put = KmsAction::PUT_KEY_POLICY;
    let stopped = |caller: &Caller| {
        let request = scope.cell(caller, put).plain_request();
        let mut denies = deciding_statements(scope.scope.reach, &request);
        denies.retain(|(document, index)| {
            document.policy().statements.get(*index).is_some_and(|one| one.denies())
        });
        denies
    };
    let mut by_caller: BTreeMap<&Caller, Vec<Deny>> = BTreeMap::new();
    for callers in alike(scope, live) {
        let Some((first, others)) = callers.split_first() else { continue };
        let found = stopped(first);
        if found.iter().any(|(document, _)| document.kind == PolicyKind::Identity) {
            by_caller.extend(others.iter().map(|caller| (*caller, stopped(caller))));
        }
        by_caller.insert(first, found);
    }
    let mut found: Vec<Deny> = Vec::new();
    for (document, index) in live.iter().filter_map(|caller| by_caller.remove(caller)).flatten() {
        let known = found.iter().any(|(other, at)| other.place == document.place && *at == index);
        if !known {
            found.push((document, index));
        }
    }
    found
}

/// One Deny whose removal lets somebody manage the key, else all of them if that does.
fn smallest_set<'d>(
    scope: &KeyScope<'_>,
    opened: &[Caller],
    denies: &'d [Deny],
) -> Option<(&'d [Deny], Caller)> {
    let singles = denies.chunks(1);
    singles
        .chain(std::iter::once(denies))
        .find_map(|set| freed(scope, opened, set).map(|freed| (set, freed)))
}

/// The first who manages the key once the statements of `set` are gone.
fn freed(scope: &KeyScope<'_>, opened: &[Caller], set: &[Deny]) -> Option<Caller> {
    let put = KmsAction::PUT_KEY_POLICY;
    if let [(document, index)] = set
        && document.kind == PolicyKind::Key
    {
        let statement = document.policy().statements.get(*index)?.span;
        let edit = Edit::WithoutStatement { policy: document.place, statement };
        let (reach, key) = (scope.scope.reach, &scope.key.arn);
        let held = reach.holding_after(&edit, key, opened, put.into());
        let mut managing = opened.iter().zip(held).filter(|(_, held)| held.sure.contains(put));
        return managing.next().map(|(caller, _)| caller.clone());
    }
    without(scope.scope.reach, set, &|reach| {
        let manages = |caller: &&Caller| reach.reaches(&scope.cell(caller, put).plain_request());
        opened.iter().find(manages).cloned()
    })
}

/// Asks a question of the world without the statements of `set`.
fn without<T>(reach: &dyn Reach, set: &[Deny], question: &dyn Fn(&dyn Reach) -> T) -> T {
    let Some(((document, index), rest)) = set.split_first() else {
        return question(reach);
    };
    let (policy, statement) = (document.place, document.policy().statements.get(*index));
    match (statement.map(|one| one.span), document.kind) {
        (Some(statement), PolicyKind::Key) => {
            let edit = Edit::WithoutStatement { policy, statement };
            without(&*reach.after(&edit), rest, question)
        }
        (Some(statement), _) => without(&*reach.without(policy, statement), rest, question),
        (None, _) => without(reach, rest, question),
    }
}
