//! Everybody may use the key through a service, whose resources strangers own too.

use crate::decision::{Allowing, Caller, Fate};
use crate::policy::PolicyDocument;

use super::audience::strangers;
use super::controllers::list;
use super::outsiders::{allowed_abroad, means_everyone};
use super::report::Sink;
use super::what_if::{DIRECT, narrowed};
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ViaServiceWithoutCallerAccount;

impl Rule for ViaServiceWithoutCallerAccount {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            if means_everyone(statement) {
                tell(scope, sink, document, index);
            }
        }
    }
}

/// Tells what strangers do through a service and no other way.
fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, document: &PolicyDocument, index: usize) {
    let Some(statement) = document.policy().statements.get(index) else { return };
    let actions = allowed_abroad(scope, statement);
    let direct = narrowed(document, index, &DIRECT);
    let fates = |of: &PolicyDocument, stranger: &Caller| {
        scope.fates(stranger, Allowing::Statement(of, index), actions)
    };
    let mut all = strangers(scope, statement).into_iter();
    let found = all.find_map(|it| {
        let through = fates(document, &it).free;
        Some((it, through.iter().next()?, through))
    });
    let Some((stranger, first, through)) = found else { return };
    let direct = fates(&direct, &stranger);
    if !direct.free.is_empty() || !direct.unknown.is_empty() {
        return;
    }
    let fate = scope.fate(&stranger, first, Allowing::Statement(document, index));
    let Fate::Free(witness) = fate else { return };
    let names: Vec<String> = through.iter().map(|action| action.to_string()).collect();
    let via = witness.context.get("kms:ViaService").and_then(|via| via.value.values().first());
    let via = via.map_or(String::new(), |via| format!(", such as {via}"));
    let message =
        format!("any AWS account can use {} through a service for {}", scope.name(), list(&names));
    sink.report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(document, index, format!("says through which service{via}, not for whom"))
        .witness(Some(&witness))
        .help(
            "add `StringEquals` kms:CallerAccount with the owner's account, or aws:PrincipalOrgID",
        )
        .done();
}
