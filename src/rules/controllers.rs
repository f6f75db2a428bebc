//! Who controls a key without using it, and whether anybody can manage it at all: asked by several rules.

use crate::aws::KmsAction;
use crate::decision::{Caller, CallerKind, Citation, Cited, Reach, Request};
use crate::policy::PolicyDocument;

use super::KeyScope;
use super::report::{Report, Sink};

/// The actions that expose plaintext or make signatures and secrets.
const REVEAL: [KmsAction; 5] = [
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

/// The principals of the key's own account, its root user aside, that may hold `action`; a role or user
/// that the export of a whole account lacks does not exist.
pub(super) fn own_principals(scope: &KeyScope<'_>, action: KmsAction) -> Vec<Caller> {
    let owner = scope.key.arn.account();
    let whole = scope.world().is_complete(owner);
    let own = |caller: &&Caller| {
        let exists = !whole || scope.world().identity(&caller.text).is_some();
        caller.account == Some(owner) && caller.kind != CallerKind::Root && exists
    };
    scope.candidates(action).iter().filter(own).cloned().collect()
}

/// Whether the principal surely holds none of `actions` today.
pub(super) fn holds_none(scope: &KeyScope<'_>, principal: &Caller, actions: &[KmsAction]) -> bool {
    !actions.iter().any(|action| scope.could_reach(principal, *action))
}

/// The first of `actions` that the principal reaches in the world of `reach`.
pub(super) fn gains(
    scope: &KeyScope<'_>,
    reach: &dyn Reach,
    principal: &Caller,
    actions: &[KmsAction],
) -> Option<KmsAction> {
    let reaches =
        |action: &&KmsAction| reach.reaches(&scope.cell(principal, **action).plain_request());
    actions.iter().find(reaches).copied()
}

/// A principal that cannot use the key, and the request with which it begins to gain it.
pub(super) struct Controller {
    /// The principal.
    pub(super) caller: Caller,
    /// The request.
    pub(super) witness: Box<Request>,
    /// What it gains.
    pub(super) gained: KmsAction,
}

/// Begins the finding of a key's controllers: the statements that let the first of them are shown.
pub(super) fn told<'s>(
    scope: &KeyScope<'_>,
    sink: &'s mut Sink<'_>,
    controllers: &[Controller],
    how: &str,
    label: &str,
) -> Option<Report<'s>> {
    let Controller { witness, gained, .. } = controllers.first()?;
    let names: Vec<String> = controllers.iter().map(|one| short(&one.caller).to_owned()).collect();
    let message =
        format!("{} cannot use {}, but {how} and gain {gained}", list(&names), scope.name());
    let mut statements = deciding_statements(scope.scope.reach, witness).into_iter();
    let (document, index) = statements.next()?;
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(&document, index, label)
        .principals(controllers.iter().map(|one| one.caller.to_string()))
        .witness(Some(witness));
    for (document, index) in statements.take(2) {
        let span = document.policy().statements.get(index).map(|statement| statement.span);
        report = report.beside(document.place, span, "and this one");
    }
    Some(report)
}

/// Whether anybody can put a policy on the key.
pub(super) enum Managers {
    /// Somebody can, or it cannot be known.
    SomeoneOrUnknown,
    /// Nobody: not one of these, the root user among them.
    Nobody(Vec<Caller>),
}

/// Rule K11: everyone of a completely exported account, root user included.
pub(super) fn managers(scope: &KeyScope<'_>) -> Managers {
    let owner = scope.key.arn.account();
    if scope.readable_policy().is_none() || !scope.world().is_complete(owner) {
        return Managers::SomeoneOrUnknown;
    }
    let put = KmsAction::PUT_KEY_POLICY;
    let live: Vec<Caller> = scope.root().into_iter().chain(own_principals(scope, put)).collect();
    if live.iter().any(|caller| scope.could_reach(caller, put)) {
        Managers::SomeoneOrUnknown
    } else {
        Managers::Nobody(live)
    }
}

/// The statements that decide a request, key policy first.
pub(super) fn deciding_statements(
    reach: &dyn Reach,
    request: &Request,
) -> Vec<(PolicyDocument, usize)> {
    let decision = reach.decide(request);
    let cited: Vec<Citation> = decision.matched().cloned().collect();
    cited
        .into_iter()
        .filter_map(|citation| match citation.cited {
            Cited::Statement { document, index } => Some((document, index)),
            Cited::Grant { .. } => None,
        })
        .collect()
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
