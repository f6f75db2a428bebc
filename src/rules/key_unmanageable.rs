//! Nobody, the root user included, can change the key policy.

use crate::aws::KmsAction;
use crate::decision::{CallerKind, Gate};

use super::controllers::{Managers, alike, managers};
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
        let message = format!("nobody can change the key policy of {}", scope.name());
        let put = KmsAction::PUT_KEY_POLICY;
        let layers: Vec<&str> = alike(scope, &live)
            .iter()
            .filter_map(|callers| {
                let request = scope.cell(callers.first()?, put).plain_request();
                scope.scope.reach.decide(&request).outcome.denied_by()
            })
            .collect::<std::collections::BTreeSet<Gate>>()
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
            .help(
                "before this policy is applied, add the account statement; for a key that has it \
                 already, only AWS Support can help",
            )
            .explains(&["missing-root-statement"])
            .done();
    }
}
