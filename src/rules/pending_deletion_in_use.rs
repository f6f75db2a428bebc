//! A key that is going to be deleted is still in use.

use crate::aws::KeyState;

use super::lifecycle::{in_use, state};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct PendingDeletionInUse;

impl Rule for PendingDeletionInUse {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let pending = [KeyState::PendingDeletion, KeyState::PendingReplicaDeletion];
        let Some(state) = state(scope).filter(|state| pending.contains(state)) else { return };
        let used = in_use(scope);
        let state = state.as_str();
        let name = scope.name();
        let (message, facet) = match (used.words.as_slice(), used.by_readers) {
            ([], _) => (format!("{name} is {state}, and nothing known uses it"), Some("unused")),
            (words, true) => {
                (format!("{name} is {state}, and {}", words.join(", ")), Some("with-readers"))
            }
            (words, false) => (format!("{name} is {state}, and {}", words.join(", ")), None),
        };
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(scope.key.place, None, "this key")
            .help(
                "cancel its deletion, or move what uses it first: deletion is final, and so is the \
                 loss of the data",
            );
        for grant in scope.key.grants.iter().take(3) {
            report = report.beside(grant.place, None, "this grant is alive");
        }
        if let Some(facet) = facet {
            report = report.facet(facet);
        }
        report.done();
    }
}
