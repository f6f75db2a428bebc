//! How many principals can really reveal data with a key, where they are many.

use crate::aws::ActionSet;
use crate::decision::Caller;

use super::controllers::{deciding_statements, reveal};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct WideReachKey;

/// So many are told of.
const MANY: usize = 25;

impl Rule for WideReachKey {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() {
            return;
        }
        let wanted: ActionSet = reveal(scope).into_iter().collect();
        let holders = scope.holders(wanted);
        let holding = holders.iter().filter(|group| !group.holds.sure.is_empty());
        let lives = |caller: &&Caller| scope.identity(caller).is_some();
        let all: Vec<(&Caller, ActionSet)> = holding
            .flat_map(|group| group.who.iter().map(|caller| (caller, group.holds.sure)))
            .filter(|(caller, _)| lives(caller))
            .collect();
        let Some((first, held)) = all.first().filter(|_| all.len() > MANY) else { return };
        let Some(action) = held.iter().next() else { return };
        let verdict = scope.verdict(first, action);
        let Some(witness) = verdict.witness() else { return };
        let message =
            format!("{} users and roles can use {} for {action}", all.len(), scope.name());
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(scope.key.place, None, "this key")
            .principals(all.iter().map(|(caller, _)| caller.to_string()))
            .witness(Some(witness))
            .help("narrow what the account statement delegates, or give each workload its own key");
        for (document, index) in deciding_statements(scope.scope.reach, witness).into_iter().take(2)
        {
            let span = document.policy().statements.get(index).map(|it| it.span);
            report = report.beside(document.place, span, "lets the first of them");
        }
        report.done();
    }
}
