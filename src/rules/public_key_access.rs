//! Any AWS account can do something with the key.

use crate::decision::{Allowing, Fate};
use crate::policy::PolicyDocument;

use super::audience::stranger;
use super::controllers::list;
use super::outsiders::{allowed_abroad, means_everyone, of_stranger, tells};
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
                if !of_stranger(scope, document, index, actions).free.is_empty() {
                    tell(scope, sink, document, index);
                }
            }
        }
    }
}

/// Tells what strangers do by calls of their own; what they do through a service alone is told by
/// `via-service-without-caller-account`.
fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, document: &PolicyDocument, index: usize) {
    let Some(statement) = document.policy().statements.get(index) else { return };
    let direct = narrowed(document, index, &[("Null", "kms:ViaService", &["true"])]);
    let free = of_stranger(scope, &direct, index, allowed_abroad(scope, statement)).free;
    // What matters most is told first.
    let (other, told) = (free.minus(tells()), free.intersection(tells()));
    let Some(action) = other.iter().chain(told.iter()).next() else { return };
    let Some(stranger) = stranger(scope) else { return };
    let fate = scope.fate(&stranger, action, Allowing::Statement(&direct, index));
    let Fate::Free(witness) = fate else { return };
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
}
