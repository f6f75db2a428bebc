//! The key policy lets a principal of an account in that nobody declared.

use std::collections::BTreeMap;

use crate::aws::{AccountId, ActionSet};
use crate::decision::{Allowing, Fate, Request};

use super::controllers::list;
use super::outsiders::{allowed_abroad, may_be_own, perhaps_outsiders, whose};
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
            for (outsider, who) in perhaps_outsiders(scope, statement) {
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
            let is_open = may_be_own(scope, account);
            let (which, help) = match is_open {
                true => (
                    "which may be another than its own",
                    "say by --account, or `account` in keyreach.yaml, to which account it belongs: if \
                     to another, take this one out, or declare it as trusted with a reason",
                ),
                false => {
                    (whose(scope), "declare the account as trusted with a reason, or take it out")
                }
            };
            let (name, actions) = (scope.name(), list(&names));
            let message = format!("account {account}, {which}, can use {name} for {actions}");
            let is_one = access.statements.len() == 1;
            let mut statements = access.statements.into_iter();
            let Some(first) = statements.next() else { continue };
            let mut report = sink
                .report(format!("{} {account}", scope.key.arn), message)
                .key(&scope.key.arn)
                .statement(document, first, "lets the other account in")
                .with_others(!is_one)
                .principals(access.principals)
                .witness(access.witness.as_deref())
                .help(help);
            if is_open {
                report = report.unsure();
            }
            for index in statements.take(2) {
                let span = document.policy().statements.get(index).map(|it| it.span);
                report = report.beside(document.place, span, "and this one");
            }
            report.done();
        }
    }
}
