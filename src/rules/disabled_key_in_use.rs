//! A key that is disabled, or has no material, has grants or users.

use crate::aws::KeyState;

use super::lifecycle::{in_use, state};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DisabledKeyInUse;

impl Rule for DisabledKeyInUse {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let idle = [KeyState::Disabled, KeyState::PendingImport];
        let Some(state) = state(scope).filter(|state| idle.contains(state)) else { return };
        let used = in_use(scope);
        if !used.by_readers && scope.key.grants.is_empty() {
            return;
        }
        let message =
            format!("{} is {}, and {}", scope.name(), state.as_str(), used.words.join(", "));
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(scope.key.place, None, "this key")
            .help("enable it or import its material, or take away what uses it and delete it");
        for grant in scope.key.grants.iter().take(3) {
            report = report.beside(grant.place, None, "this grant is alive");
        }
        report.done();
    }
}
