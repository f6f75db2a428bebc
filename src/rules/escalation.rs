//! Who lacks a key and could not simply take it: asked by the rules about ways around.
//!
//! Whoever may put a key policy or grant itself use needs no other way, and is left to the rules about
//! administrators.

use std::collections::BTreeMap;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, ContextValue, Gift, Holders, Holding, Request};
use crate::inventory::Edit;

use super::KeyScope;
use super::asked::names_tags;
use super::controllers::{by_cause, deciding_statements, each, list, short, without_use};
use super::granting::{grants_itself, is_of_service};
use super::report::{Report, Sink};

/// The groups of the key's own account that may hold some of `held`, hold none of `goal`, and cannot give
/// themselves any of it by a key policy or a grant; each with those of its members who exist and count.
/// Nobody but a service acts by the roles that it owns.
pub(super) fn without_way(
    scope: &KeyScope<'_>,
    held: ActionSet,
    goal: ActionSet,
    counts: &dyn Fn(&Caller) -> bool,
) -> Vec<(Holders, Vec<Caller>)> {
    let groups = without_use(scope, held, goal).into_iter();
    let helpless = groups.map(|group| {
        let members = each(scope, &group, KmsAction::CREATE_GRANT).into_iter();
        let members = members.map(|member| member.caller);
        let members = members.filter(|it| !is_of_service(&it.text) && counts(it)).collect();
        let members = helpless(scope, &group, members, goal);
        (group, members)
    });
    helpless.filter(|(_, members)| !members.is_empty()).collect()
}

/// Those members of a group who cannot give themselves any of `goal`.
fn helpless(
    scope: &KeyScope<'_>,
    group: &Holders,
    mut members: Vec<Caller>,
    goal: ActionSet,
) -> Vec<Caller> {
    if members.is_empty() {
        return members;
    }
    let (reach, first) = (scope.scope.reach, group.who.first());
    let create = KmsAction::CREATE_GRANT;
    // One speaks for all, unless a policy asks for whom the grant is.
    let is_granting = scope.holding(first, create.into()).sure.contains(create);
    if is_granting && reach.hangs_on(&scope.cell(first, create), "kms:GranteePrincipal") {
        members.retain(|caller| !could_help_itself(scope, caller, goal));
    } else if could_help_itself(scope, first, goal) {
        members.clear();
    }
    members
}

/// Whether the caller may put a key policy, or make a grant, that gives it some of `goal`.
pub(super) fn could_help_itself(scope: &KeyScope<'_>, caller: &Caller, goal: ActionSet) -> bool {
    let (put, create) = (KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT);
    let holds = scope.holding(caller, ActionSet::from(put).union(create.into())).sure;
    let reach = scope.scope.reach;
    let by_policy = || reach.would_hold(caller, &scope.key.arn, Gift::Policy, goal).sure;
    (holds.contains(put) && !by_policy().is_empty())
        || (holds.contains(create)
            && goal.iter().any(|goal| grants_itself(scope, caller, goal).is_some()))
}

/// What somebody could do about a key, and what it gains by that.
pub(super) struct Way {
    /// Who.
    pub(super) caller: Caller,
    /// What it does.
    pub(super) edit: Edit,
    /// The same in words: `tag it team=pay`.
    pub(super) words: String,
    /// The request with which it begins, where that is one to KMS.
    pub(super) request: Option<Request>,
    /// What it gains.
    pub(super) gained: KmsAction,
}

/// A change of a key, and with which request a caller makes it.
pub(super) struct Change<'a> {
    /// What changes.
    pub(super) edit: Edit,
    /// The same in words.
    pub(super) words: String,
    /// The request of a caller, where some such request is allowed.
    pub(super) request: &'a dyn Fn(&Caller) -> Option<Request>,
}

/// The ways that a change opens to members of some groups: a permission of `wanted` that they lack.
pub(super) fn ways(
    scope: &KeyScope<'_>,
    groups: &[(Holders, Vec<Caller>)],
    change: &Change<'_>,
    wanted: ActionSet,
) -> Vec<Way> {
    let mut makers: BTreeMap<&Caller, Request> = BTreeMap::new();
    for caller in groups.iter().flat_map(|(_, members)| members) {
        if let Some(request) = (change.request)(caller) {
            makers.insert(caller, request);
        }
    }
    let callers: Vec<Caller> = makers.keys().map(|caller| (*caller).clone()).collect();
    if callers.is_empty() {
        return Vec::new();
    }
    let (reach, key) = (scope.scope.reach, &scope.key.arn);
    let after = reach.holding_after(&change.edit, key, &callers, wanted);
    let way = |((caller, request), held): ((&Caller, Request), Holding)| {
        let lacked = |held: ActionSet| held.minus(scope.holding(caller, wanted).possible);
        let gained = lacked(Some(held.sure).filter(|sure| !sure.is_empty())?).iter().next()?;
        let (edit, words) = (change.edit.clone(), change.words.clone());
        Some(Way { caller: caller.clone(), edit, words, request: Some(request), gained })
    };
    makers.into_iter().zip(after).filter_map(way).collect()
}

/// Tells the ways to one key: one of each caller, in the order in which they were found. `begin` shows
/// what lets the first set out.
pub(super) fn told<'s>(
    scope: &KeyScope<'_>,
    sink: &'s mut Sink<'_>,
    ways: Vec<Way>,
    begin: impl FnOnce(Report<'s>, &Way) -> Option<Report<'s>>,
) -> Option<Report<'s>> {
    let mut by_caller: BTreeMap<Caller, Way> = BTreeMap::new();
    for way in ways {
        by_caller.entry(way.caller.clone()).or_insert(way);
    }
    let first = by_caller.values().next()?;
    let names: Vec<String> = by_caller.keys().map(|caller| short(caller).to_owned()).collect();
    let message = format!(
        "{} cannot use {}, but can {} and gain {}",
        list(&names),
        scope.name(),
        first.words,
        first.gained
    );
    let report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .principals(by_caller.keys().map(ToString::to_string))
        .steps();
    Some(beside_allowing(scope, begin(report, first)?, first))
}

/// Shows the statements that allow the request to KMS with which a way begins. Where an identity policy is
/// among them, its statement is the cause, whatever the key.
pub(super) fn begun<'s>(
    scope: &KeyScope<'_>,
    report: Report<'s>,
    way: &Way,
    label: &str,
) -> Option<Report<'s>> {
    let verdict = scope.scope.reach.verdict_of(way.request.as_ref()?);
    by_cause(scope, report, verdict.witness()?, label)
}

/// Shows the statement that allows what is gained then, where it does so for a condition or a tag of the caller.
fn beside_allowing<'s>(scope: &KeyScope<'_>, report: Report<'s>, way: &Way) -> Report<'s> {
    let after = scope.scope.reach.after(&way.edit);
    let verdict = after.verdict(&scope.cell(&way.caller, way.gained));
    let Some(witness) = verdict.witness() else { return report };
    let allowing = deciding_statements(&*after, witness).into_iter().find(|(document, index)| {
        let statement = document.policy().statements.get(*index);
        statement.is_some_and(|one| one.allows() && (!one.conditions.is_empty() || names_tags(one)))
    });
    let Some((document, index)) = allowing else { return report };
    let span = document.policy().statements.get(index).map(|statement| statement.span);
    report.beside(document.place, span, format!("then this allows {}", way.gained))
}

/// The request, where some request that agrees with it is allowed for certain.
pub(super) fn allowed(scope: &KeyScope<'_>, request: Request) -> Option<Request> {
    scope.scope.reach.reaches(&request).then_some(request)
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
