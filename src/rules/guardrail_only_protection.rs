//! Only a policy of the organization keeps outsiders from a key.

use std::collections::BTreeSet;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Allowing, Caller, Denials, Fates, Gate};
use crate::policy::PolicyDocument;
use crate::source::{Place, Span};

use super::audience::stranger;
use super::grants::grantee;
use super::outsiders::{abroad, allowed_abroad, means_everyone, outsiders};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct GuardrailOnlyProtection;

impl Rule for GuardrailOnlyProtection {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            if !statement.allows() {
                continue;
            }
            let everyone = stranger(scope).filter(|_| means_everyone(statement));
            let allowing = Allowing::Statement(document, index);
            let actions = allowed_abroad(scope, statement);
            for caller in everyone.into_iter().chain(outsiders(scope, statement).into_keys()) {
                if let Some(denials) = stopped(scope, &caller, allowing, actions) {
                    tell(scope, sink, &caller, At::Statement(document, index), &denials);
                    break;
                }
            }
        }
        for grant in &scope.key.grants {
            let outsider = grantee(scope, grant)
                .filter(|it| it.account.is_some_and(|it| !scope.scope.is_trusted(it)));
            let Some(caller) = outsider else { continue };
            let actions = abroad(scope, grant.operations);
            if let Some(denials) = stopped(scope, &caller, Allowing::Grant(grant), actions) {
                tell(scope, sink, &caller, At::Grant(grant.place, &grant.id), &denials);
            }
        }
    }
}

/// What lets outsiders in but for the guardrail.
#[derive(Clone, Copy)]
enum At<'a> {
    Statement(&'a PolicyDocument, usize),
    Grant(Place, &'a str),
}

/// What stops an outsider, where that is organization policies alone and nothing gets through.
fn stopped(
    scope: &KeyScope<'_>,
    caller: &Caller,
    allowing: Allowing<'_>,
    actions: ActionSet,
) -> Option<Denials> {
    let Fates { free, denied, unknown } = scope.fates(caller, allowing, actions);
    if denied.is_empty() || !free.is_empty() || !unknown.is_empty() {
        return None;
    }
    let denials = scope.scope.reach.denials(caller, &scope.key.arn, allowing, denied);
    let guardrails = [Gate::Rcp, Gate::Scp];
    let is_guarded =
        !denials.gates.is_empty() && denials.gates.iter().all(|it| guardrails.contains(it));
    is_guarded.then_some(denials)
}

fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, caller: &Caller, at: At<'_>, denials: &Denials) {
    let name = scope.name();
    let who = match caller.account.filter(|account| *account != AccountId::NOBODYS) {
        Some(account) => format!("account {account}"),
        None => "any AWS account".to_owned(),
    };
    let message = format!("only a policy of the organization keeps {who} from {name}");
    let subject = match at {
        At::Statement(..) => scope.key.arn.to_string(),
        At::Grant(_, id) => format!("{} {id}", scope.key.arn),
    };
    let report = sink.report(subject, message).key(&scope.key.arn).help(
        "repeat the limit in the key policy: organization policies change, and the account may move; \
         no SCP binds principals of other organizations, and no policy of it the management account",
    );
    let mut report = match at {
        At::Statement(document, index) => {
            report.statement(document, index, "lets them in but for the organization")
        }
        At::Grant(place, _) => report.at(place, None, "lets them in but for the organization"),
    };
    let places: BTreeSet<(Place, Span)> = denials.by.iter().map(|citation| citation.at()).collect();
    for (place, span) in places.into_iter().take(3) {
        report = report.beside(place, Some(span), "this Deny stops them");
    }
    report.done();
}
