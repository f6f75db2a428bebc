//! A set operator that is true of nothing lets requests in that leave the condition key out.

use crate::aws::{ActionSet, carrying, condition_key};
use crate::decision::{Allowing, Caller, Request};
use crate::policy::{Condition, PolicyDocument, Principal, Quantifier};

use super::audience::{is_about, stranger, strangers};
use super::controllers::{list, short};
use super::optional_conditions::{OPEN, Optional, conditions};
use super::outsiders::{abroad, is_told_of, means_everyone};
use super::presence::needs_key;
use super::report::Sink;
use super::trust::performed;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ForAllValuesAllow;

impl Rule for ForAllValuesAllow {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        for optional in conditions(scope, is_for_all) {
            // Of the others no request carries the key: leaving it out is nobody's choice (rule C6).
            let carried = carrying(&optional.condition.key.value);
            let actions = performed(scope, optional.actions(scope)).intersection(carried);
            let (callers, request) = of_the_account(scope, optional, actions);
            let by_stranger =
                stranger(scope).filter(|_| means_everyone(optional.statement)).and_then(|it| {
                    let request = optional.gained(scope, &it, abroad(scope, actions))?;
                    Some(request)
                });
            if let Some(request) = by_stranger.as_ref().or(request.as_ref()) {
                tell(scope, sink, optional, (by_stranger.is_some(), &callers), request);
            } else if is_always_there(scope, optional, actions) {
                tell_single(scope, sink, optional);
            }
        }
    }
}

/// `ForAllValues`, on a condition key whose absence is no mere empty list of the request.
fn is_for_all(condition: &Condition) -> bool {
    const LISTS: [&str; 2] = ["kms:EncryptionContextKeys", "aws:TagKeys"];
    condition.operator.value.quantifier == Some(Quantifier::ForAllValues)
        && !LISTS.iter().any(|name| condition.key.value.eq_ignore_ascii_case(name))
}

/// Who is let in, of those whom the key policy may mean, and a request of the first.
fn of_the_account(
    scope: &KeyScope<'_>,
    optional: Optional<'_>,
    actions: ActionSet,
) -> (Vec<Caller>, Option<Box<Request>>) {
    let absent = optional.absent();
    let (mut callers, mut first) = (Vec::new(), None);
    for group in scope.meant(Allowing::Statement(&absent, optional.index), actions) {
        let speaker: &Caller = group.who.first();
        if !is_told_of(scope, speaker) {
            continue;
        }
        // A statement for the account lets in whom an identity policy lets, too.
        let held = scope.holding(speaker, group.fates.free).sure;
        if let Some(request) = optional.gained(scope, speaker, held) {
            callers.extend(group.who.iter().cloned());
            first.get_or_insert(request);
        }
    }
    (callers, first)
}

/// Whether the condition key has one value, and each request that the statement means carries it.
fn is_always_there(scope: &KeyScope<'_>, optional: Optional<'_>, actions: ActionSet) -> bool {
    let name = &*optional.condition.key.value;
    let is_single = condition_key(name).is_some_and(|info| !info.multivalued);
    let mut entries = optional.statement.principal.iter().flat_map(|element| &element.entries);
    let means_services = entries.any(|entry| matches!(entry.value, Principal::Service(_)));
    let mut conditions = optional.statement.conditions.iter();
    let is_asked_for =
        conditions.any(|one| one.key.value.eq_ignore_ascii_case(name) && needs_key(one));
    if !is_single || means_services || is_asked_for || actions.is_empty() {
        return false;
    }
    let strangers = stranger(scope).filter(|_| means_everyone(optional.statement));
    let means_somebody = |document: &PolicyDocument| {
        let allowing = Allowing::Statement(document, optional.index);
        let applies = |it: &Caller| !scope.fates(it, allowing, actions).applies().is_empty();
        strangers.as_ref().is_some_and(applies) || !scope.meant(allowing, actions).is_empty()
    };
    means_somebody(optional.document) && !means_somebody(&optional.absent())
}

fn tell_single(scope: &KeyScope<'_>, sink: &mut Sink<'_>, optional: Optional<'_>) {
    let condition = optional.condition;
    let (operator, key) = (condition.operator.value.name(), &condition.key.value);
    let message = format!(
        "`{operator}` {key} in the key policy of {} asks for a set, and the condition key has one value",
        scope.name()
    );
    let place = optional.document.place;
    sink.report(scope.key.arn.as_str(), message)
        .facet("single-valued")
        .key(&scope.key.arn)
        .of_statement(optional.document, optional.statement)
        .at(place, Some(condition.span), "true of a request that leaves it out, if there was one")
        .help("drop `ForAllValues:`")
        .done();
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    optional: Optional<'_>,
    (any_account, callers): (bool, &[Caller]),
    request: &Request,
) {
    let condition = optional.condition;
    let (operator, key) = (condition.operator.value.name(), &condition.key.value);
    let any = any_account.then(|| "any AWS account".to_owned()).into_iter();
    let names = callers.iter().map(|it| short(it).to_owned());
    let message = format!(
        "`{operator}` {key} lets {} use {} without any {key}",
        list(&any.chain(names).collect::<Vec<String>>()),
        scope.name()
    );
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .of_statement(optional.document, optional.statement)
        .at(optional.document.place, Some(condition.span), "true of a request that leaves it out")
        .principals(callers.iter().map(|it| it.to_string()))
        .witness(Some(request))
        .help(format!(
            "drop `ForAllValues:`, or add `Null` {key} `false` so that the request has to carry it"
        ));
    let outside = strangers(scope, optional.statement);
    let wanted = abroad(scope, optional.actions(scope));
    if means_everyone(optional.statement) && optional.keeps_out(scope, &outside, wanted) {
        report = report.explains_there(&OPEN);
    }
    // It is meant to say for whose resources a service calls.
    if SOURCES.iter().any(|source| is_about(condition, source)) {
        report = report.explains_there(&["service-principal-unscoped"]);
    }
    report.done();
}

/// The condition keys of whose resources a service works for.
const SOURCES: [&str; 4] =
    ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"];
