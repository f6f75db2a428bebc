//! Nobody, the root user included, can change the key policy.

use std::collections::BTreeSet;

use crate::aws::KmsAction;
use crate::decision::{CallerKind, Gate};
use crate::policy::{Polarity, Policy};

use super::controllers::{Managers, alike, list, managers};
use super::grants::{is_gone, with_path};
use super::outsiders::lets_manage;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct KeyUnmanageable;

impl Rule for KeyUnmanageable {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let (Managers::Nobody(live), Some(document)) = (managers(scope), scope.readable_policy())
        else {
            return;
        };
        let first = document.policy().statements.first().map(|statement| statement.span);
        let gone = gone(scope, document.policy());
        let why = match gone.len() {
            0 => String::new(),
            1 => format!(": {}, which it names, does not exist", list(&gone)),
            _ => format!(": {}, which it names, do not exist", list(&gone)),
        };
        let message = format!("nobody can change the key policy of {}{why}", scope.name());
        let put = KmsAction::PUT_KEY_POLICY;
        let layers: Vec<&str> = alike(scope, &live)
            .iter()
            .filter_map(|callers| {
                let request = scope.cell(callers.first()?, put).plain_request();
                scope.scope.reach.decide(&request).outcome.denied_by()
            })
            .collect::<BTreeSet<Gate>>()
            .into_iter()
            .map(Gate::name)
            .collect();
        let others = live.iter().filter(|caller| caller.kind != CallerKind::Root).count();
        let meant = match others {
            0 => "the root user, and nobody else of the account could be meant".to_owned(),
            1 => {
                "the root user and the one principal of the account that could be meant".to_owned()
            }
            _ => {
                format!("the root user and {others} principals of the account that could be meant")
            }
        };
        let label = format!("stopped at {}: {meant}", layers.join(", "));
        sink.report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(document.place, first, label)
            .help(format!(
                "before this policy is applied, add the account statement; for a key that has it \
                 already, only AWS Support can help{}",
                meant_instead(scope, &gone)
            ))
            .explains(&["missing-root-statement"])
            .explains(if gone.is_empty() {
                &[]
            } else {
                &["unknown-principal", "deleted-principal"]
            })
            .principals(gone)
            .done();
    }
}

/// Whom the policy names for managing the key, and who does not exist.
fn gone(scope: &KeyScope<'_>, policy: &Policy) -> Vec<String> {
    let managing = policy.statements.iter().filter(|statement| lets_manage(scope, statement));
    let named = managing.flat_map(|statement| &statement.principal);
    let named = named.filter(|element| element.polarity == Polarity::Is);
    let gone = named.flat_map(|element| &element.entries).map(|entry| &entry.value);
    let gone = gone.filter(|principal| is_gone(scope.scope, principal));
    let names: BTreeSet<String> = gone.map(|principal| principal.text().to_owned()).collect();
    names.into_iter().collect()
}

/// Who may be meant by those that do not exist, to be put behind a help.
fn meant_instead(scope: &KeyScope<'_>, gone: &[String]) -> String {
    let known: Vec<String> = gone.iter().filter_map(|name| with_path(scope, name)).collect();
    match known.is_empty() {
        true => String::new(),
        false => format!("; {} may be meant", list(&known)),
    }
}
