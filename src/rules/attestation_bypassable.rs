//! A key for attested callers can be used without attestation.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, CallerKind, Cited, Request};
use crate::policy::Condition;

use super::controllers::{list, short};
use super::optional_conditions::conditions;
use super::report::Sink;
use super::trust::performed;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct AttestationBypassable;

/// The condition keys of attestation documents, in lower case.
const ATTESTATION: &str = "kms:recipientattestation:";

impl Rule for AttestationBypassable {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let asking = conditions(scope, is_of_attestation);
        let Some(asking) = asking.first() else { return };
        let statements = asking.document.policy().statements.iter();
        let all = statements.flat_map(|statement| &statement.conditions);
        let keys: BTreeSet<&str> =
            all.filter(|it| is_of_attestation(it)).map(|it| &*it.key.value).collect();
        let all = [
            KmsAction::DECRYPT,
            KmsAction::GENERATE_DATA_KEY,
            KmsAction::GENERATE_DATA_KEY_PAIR,
            KmsAction::DERIVE_SHARED_SECRET,
        ];
        let wanted = performed(scope, all.into_iter().collect());
        let mut callers = BTreeSet::new();
        let mut first: Option<Box<Request>> = None;
        for group in scope.holders(wanted).iter() {
            let held = group.holds.sure;
            let Some(request) = unattested(scope, group.who.first(), held, &keys) else { continue };
            let exist = group.who.iter().filter(|it| exists(scope, it));
            let before = callers.len();
            callers.extend(exist.cloned());
            if callers.len() > before {
                first.get_or_insert(request);
            }
        }
        let Some(request) = first else { return };
        let mut names: Vec<String> = callers.iter().map(|it| short(it).to_owned()).collect();
        names.sort();
        let message = format!(
            "{} can use {} for {} without attestation",
            list(&names),
            scope.name(),
            request.action
        );
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .of_statement(asking.document, asking.statement)
            .at(asking.document.place, Some(asking.condition.span), "asks for an attestation")
            .principals(callers.iter().map(|it| it.to_string()))
            .witness(Some(&request))
            .help(
                "deny decryption and data keys where the attestation is missing or differs, and revoke \
                 grants without it",
            );
        let decision = scope.scope.reach.decide(&request);
        for citation in decision.matched().take(2) {
            let (place, span) = citation.at();
            let text = match &citation.cited {
                Cited::Statement { .. } => "this statement lets them",
                Cited::Grant { .. } => "this grant lets them",
            };
            report = report.beside(place, Some(span), text);
        }
        report.done();
    }
}

/// Whether a condition asks for an attestation document.
pub(super) fn is_of_attestation(condition: &Condition) -> bool {
    condition.key.value.to_ascii_lowercase().starts_with(ATTESTATION)
}

/// Whether a caller is somebody; a root user is whoever owns the account.
fn exists(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let world = scope.world();
    let is_listed = caller.account.is_some_and(|account| world.is_complete(account));
    caller.kind == CallerKind::Root || world.identity(&caller.text).is_some() || !is_listed
}

/// A request without attestation document that is allowed for certain: it has none of the `keys`, nor
/// another of them.
fn unattested(
    scope: &KeyScope<'_>,
    caller: &Caller,
    held: ActionSet,
    keys: &BTreeSet<&str>,
) -> Option<Box<Request>> {
    held.iter().find_map(|action| {
        let mut request = scope.cell(caller, action).plain_request();
        keys.iter().for_each(|key| request.context.set_absent(key));
        let reach = scope.scope.reach;
        let verdict = reach.reaches(&request).then(|| reach.verdict_of(&request))?;
        let found = verdict.witness().filter(|it| {
            let mut entries = it.context.entries();
            !entries.any(|entry| entry.name.to_ascii_lowercase().starts_with(ATTESTATION))
        });
        found.cloned().map(Box::new)
    })
}
