//! The key policy lets a principal of an account in that nobody declared.

use std::collections::BTreeMap;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Allowing, Fate, Request};

use super::controllers::list;
use super::outsiders::{allowed_abroad, outsiders, whose};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ExternalAccountAccess;

/// What one account is let do.
#[derive(Default)]
struct Access {
    actions: ActionSet,
    /// The statements that let it, each once.
    statements: Vec<usize>,
    /// Whom it lets, in words.
    principals: Vec<String>,
    witness: Option<Box<Request>>,
}

impl Rule for ExternalAccountAccess {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let mut all: BTreeMap<AccountId, Access> = BTreeMap::new();
        for (index, statement) in document.policy().statements.iter().enumerate() {
            if !statement.allows() {
                continue;
            }
            let actions = allowed_abroad(scope, statement);
            let allowing = Allowing::Statement(document, index);
            for (outsider, who) in outsiders(scope, statement) {
                let free = scope.fates(&outsider, allowing, actions).free;
                let Some((account, first)) = outsider.account.zip(free.iter().next()) else {
                    continue;
                };
                let access = all.entry(account).or_default();
                access.actions = access.actions.union(free);
                if !access.statements.contains(&index) {
                    access.statements.push(index);
                }
                if access.witness.is_none()
                    && let Fate::Free(request) = scope.fate(&outsider, first, allowing)
                {
                    access.witness = Some(request);
                }
                access.principals.push(who);
            }
        }
        for (account, access) in all {
            let names: Vec<String> = access.actions.iter().map(|it| it.to_string()).collect();
            let message = format!(
                "account {account}, {}, can use {} for {}",
                whose(scope),
                scope.name(),
                list(&names)
            );
            let mut statements = access.statements.into_iter();
            let Some(first) = statements.next() else { continue };
            let mut report = sink
                .report(format!("{} {account}", scope.key.arn), message)
                .key(&scope.key.arn)
                .statement(document, first, "lets the other account in")
                .principals(access.principals)
                .witness(access.witness.as_deref())
                .help("declare the account as trusted with a reason, or take it out");
            for index in statements.take(2) {
                let span = document.policy().statements.get(index).map(|it| it.span);
                report = report.beside(document.place, span, "and this one");
            }
            report.done();
        }
    }
}
