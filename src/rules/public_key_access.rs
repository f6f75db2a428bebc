//! Any AWS account can do something with the key.

use crate::decision::{Allowing, Caller, Fate};
use crate::policy::PolicyDocument;

use super::audience::strangers;
use super::controllers::list;
use super::outsiders::{allowed_abroad, means_everyone, tells};
use super::report::Sink;
use super::what_if::narrowed;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct PublicKeyAccess;

impl Rule for PublicKeyAccess {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        for (index, statement) in document.policy().statements.iter().enumerate() {
            if means_everyone(statement) {
                let actions = allowed_abroad(scope, statement);
                let allowing = Allowing::Statement(document, index);
                let open = |it: &Caller| !scope.fates(it, allowing, actions).free.is_empty();
                for stranger in strangers(scope, statement).into_iter().filter(open) {
                    if tell(scope, sink, (document, index), &stranger) {
                        break;
                    }
                }
            }
        }
    }
}

/// Tells what a stranger does by calls of its own, where it does something; what strangers do through a
/// service alone is told by `via-service-without-caller-account`.
fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    (document, index): (&PolicyDocument, usize),
    stranger: &Caller,
) -> bool {
    let Some(statement) = document.policy().statements.get(index) else { return false };
    let direct = narrowed(document, index, &[("Null", "kms:ViaService", &["true"])]);
    let allowing = Allowing::Statement(&direct, index);
    let free = scope.fates(stranger, allowing, allowed_abroad(scope, statement)).free;
    // What matters most is told first.
    let (other, told) = (free.minus(tells()), free.intersection(tells()));
    let Some(action) = other.iter().chain(told.iter()).next() else { return false };
    let Fate::Free(witness) = scope.fate(stranger, action, allowing) else { return false };
    let names: Vec<String> =
        other.iter().chain(told.iter()).map(|action| action.to_string()).collect();
    let message = format!("any AWS account can use {} for {}", scope.name(), list(&names));
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(document, index, "a principal of any account meets this Allow")
        .witness(Some(&witness))
        .help(
            "name the principals, or add a condition that pins kms:CallerAccount or \
             aws:PrincipalOrgID",
        );
    if other.is_empty() {
        report = report.facet("metadata");
    }
    report.done();
    true
}
