//! Who controls a key without using it, and whether anybody can manage it at all: asked by several rules.

use std::collections::BTreeMap;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, CallerKind, Citation, Cited, Decision, Holders, Reach, Request};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::Place;

use super::KeyScope;
use super::report::{Report, Sink};

/// The actions that expose plaintext or make signatures and secrets.
pub(super) const REVEAL: [KmsAction; 5] = [
    KmsAction::DECRYPT,
    KmsAction::RE_ENCRYPT_FROM,
    KmsAction::DERIVE_SHARED_SECRET,
    KmsAction::SIGN,
    KmsAction::GENERATE_MAC,
];

/// The reveal actions that the key can perform.
pub(super) fn reveal(scope: &KeyScope<'_>) -> Vec<KmsAction> {
    scope.performable(&REVEAL)
}

/// Whether a caller is of the key's own account, its root user aside, and exists: a role or user that the
/// export of a whole account lacks does not.
fn is_own(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let owner = scope.key.arn.account();
    caller.account == Some(owner) && caller.kind != CallerKind::Root && exists(scope, caller)
}

/// Whether a role or user exists, as far as the export of the key's account tells.
pub(super) fn exists(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    scope.identity(caller).is_some() || !scope.world().is_complete(scope.key.arn.account())
}

/// The principals of the key's own account, its root user aside, whom names and action lists leave as
/// holders of `action`.
fn own_principals(scope: &KeyScope<'_>, action: KmsAction) -> Vec<Caller> {
    let candidates = scope.candidates(action);
    candidates.iter().filter(|caller| is_own(scope, caller)).cloned().collect()
}

/// The groups of the key's own account, its root user aside, that may hold some of `held` and surely hold
/// none of `lacked` today.
pub(super) fn without_use(
    scope: &KeyScope<'_>,
    held: ActionSet,
    lacked: ActionSet,
) -> Vec<Holders> {
    let owner = scope.key.arn.account();
    let wanted = lacked.union(held);
    let holders = scope.near_holders(wanted);
    let is_one = |group: &&Holders| {
        let first = group.who.first();
        let is_near = first.account == Some(owner) && first.kind != CallerKind::Root;
        let possible = group.holds.possible;
        is_near && possible.intersects(held) && !possible.intersects(lacked)
    };
    let within = |group: &Holders| {
        let (who, holds) = (group.who.clone(), group.holds.within(wanted));
        Holders { who, holds }
    };
    holders.iter().filter(is_one).map(within).collect()
}

/// A principal that cannot use the key, and what it can give itself.
pub(super) struct Controller {
    /// The principal.
    pub(super) caller: Caller,
    /// What it gains.
    pub(super) gained: KmsAction,
}

/// The members of a group, each of which gains the same.
pub(super) fn each(scope: &KeyScope<'_>, group: &Holders, gained: KmsAction) -> Vec<Controller> {
    let members = group.who.iter().filter(|caller| is_own(scope, caller)).cloned();
    members.map(|caller| Controller { caller, gained }).collect()
}

/// Begins the finding of a key's controllers, in order of their names: the statements that let the first
/// of them are shown, and the request with which it begins. `how` says what the first does.
pub(super) fn told<'s>(
    scope: &KeyScope<'_>,
    sink: &'s mut Sink<'_>,
    mut controllers: Vec<Controller>,
    begins: impl Fn(&Controller) -> Option<Box<Request>>,
    how: impl Fn(&Controller) -> String,
    label: &str,
) -> Option<Report<'s>> {
    controllers.sort_by(|one, other| one.caller.cmp(&other.caller));
    let first = controllers.first()?;
    let (witness, how) = (begins(first)?, how(first));
    let names: Vec<String> = controllers.iter().map(|one| short(&one.caller).to_owned()).collect();
    let message = format!("{} cannot use {}, but can {how}", list(&names), scope.name());
    let report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .principals(controllers.iter().map(|one| one.caller.to_string()));
    by_cause(scope, report, &witness, label)
}

/// Shows the statements that decide a request, up to three, and the request; nothing where no statement
/// does.
pub(super) fn decided<'s>(
    reach: &dyn Reach,
    report: Report<'s>,
    witness: &Request,
    label: &str,
) -> Option<Report<'s>> {
    let statements = deciding_statements(reach, witness);
    let ((document, index), others) = statements.split_first()?;
    let report = report.statement(document, *index, label).witness(Some(witness));
    Some(beside(report, others))
}

/// The same, an identity policy's statement first where one is among them: it is the cause, whatever the key.
pub(super) fn by_cause<'s>(
    scope: &KeyScope<'_>,
    report: Report<'s>,
    witness: &Request,
    label: &str,
) -> Option<Report<'s>> {
    let mut statements = deciding_statements(scope.scope.reach, witness);
    let is_cause = |(document, _): &(PolicyDocument, usize)| document.kind == PolicyKind::Identity;
    if let Some(at) = statements.iter().position(is_cause) {
        statements.swap(0, at);
    }
    let ((document, index), others) = statements.split_first()?;
    let report = caused(scope, report.statement(document, *index, label), document);
    Some(beside(report.witness(Some(witness)), others))
}

/// That the statement shown is the cause, where an identity policy has it; in each account anew where AWS writes
/// the policy, and people only attach it.
pub(super) fn caused<'s>(
    scope: &KeyScope<'_>,
    report: Report<'s>,
    document: &PolicyDocument,
) -> Report<'s> {
    match scope.scope.documented(document) {
        None => report,
        Some(_) if document.kind != PolicyKind::Identity => report,
        Some(found) if found.is_written_by_aws() => {
            report.caused_by(&format!("{} in {}", found.subject, scope.key.arn.account()))
        }
        Some(found) => report.caused_by(&found.subject),
    }
}

/// Shows up to two more statements that decide.
pub(super) fn beside<'s>(report: Report<'s>, others: &[(PolicyDocument, usize)]) -> Report<'s> {
    others.iter().take(2).fold(report, |report, (document, index)| {
        let span = document.policy().statements.get(*index).map(|statement| statement.span);
        report.beside(document.place, span, "and this one")
    })
}

/// Whether anybody can put a policy on the key.
pub(super) enum Managers {
    /// Somebody can, or it cannot be known.
    SomeoneOrUnknown,
    /// Nobody: not one of these, the root user among them.
    Nobody(Vec<Caller>),
}

/// Whether a caller can act: the root user, a user or role that exists, a session of such a role (rule
/// A34), and a federated-user session, which any user and the root user may give this name (rule A35).
pub(super) fn can_act(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    match &caller.kind {
        CallerKind::Root | CallerKind::FederatedUser { .. } => true,
        CallerKind::AssumedRole { .. } => caller.session_role_in(scope.world()).is_some(),
        _ => exists(scope, caller),
    }
}

/// Rule K11: everyone of a completely exported account, root user included, and the sessions that the
/// key policy names (rule P2).
pub(super) fn managers(scope: &KeyScope<'_>) -> Managers {
    let owner = scope.key.arn.account();
    if scope.readable_policy().is_none() || !scope.world().is_complete(owner) {
        return Managers::SomeoneOrUnknown;
    }
    let put = KmsAction::PUT_KEY_POLICY;
    let holders = scope.near_holders(put.into());
    let manages = |group: &Holders| {
        let is_near = || group.who.first().account == Some(owner);
        group.holds.possible.contains(put)
            && is_near()
            && group.who.iter().any(|caller| can_act(scope, caller))
    };
    if holders.iter().any(manages) {
        return Managers::SomeoneOrUnknown;
    }
    Managers::Nobody(scope.root().into_iter().chain(own_principals(scope, put)).collect())
}

/// `callers` in their order, those together that share every answer on the key.
pub(super) fn alike<'c>(scope: &KeyScope<'_>, callers: &'c [Caller]) -> Vec<Vec<&'c Caller>> {
    let numbers = scope.scope.reach.alike(&scope.key.arn, callers);
    let mut all: BTreeMap<usize, Vec<&Caller>> = BTreeMap::new();
    for (number, caller) in numbers.into_iter().zip(callers) {
        all.entry(number).or_default().push(caller);
    }
    all.into_values().collect()
}

/// The statements that decide a request, key policy first.
pub(super) fn deciding_statements(
    reach: &dyn Reach,
    request: &Request,
) -> Vec<(PolicyDocument, usize)> {
    cited(&reach.decide(request))
}

/// The statements that a decision rests on, those of one policy in an order that does not hang on where they stand
/// in it.
pub(super) fn cited(decision: &Decision) -> Vec<(PolicyDocument, usize)> {
    let cited: Vec<Citation> = decision.matched().cloned().collect();
    let mut found: Vec<(PolicyDocument, usize)> = cited
        .into_iter()
        .filter_map(|citation| match citation.cited {
            Cited::Statement { document, index } => Some((document, index)),
            Cited::Grant { .. } => None,
        })
        .collect();
    let places: Vec<Place> = found.iter().map(|(document, _)| document.place).collect();
    found.sort_by_cached_key(|(document, index)| {
        let statement = document.policy().statements.get(*index);
        let form = statement.map(|it| document.policy().form_without_principals(it));
        (places.iter().position(|place| *place == document.place), form)
    });
    found
}

/// `user/alice`, `role/app`, or the whole text for everything else.
pub(super) fn short(caller: &Caller) -> &str {
    match caller.kind {
        CallerKind::User | CallerKind::Role => {
            caller.text.splitn(6, ':').nth(5).unwrap_or(&caller.text)
        }
        _ => &caller.text,
    }
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [one, other, rest @ ..] => format!("{one}, {other} and {} more", rest.len()),
    }
}
