//! An explicit Deny overlaps every Allow that could manage the key, and spares nobody who exists.

use crate::aws::KmsAction;
use crate::decision::{Caller, Reach};
use crate::inventory::Edit;
use crate::policy::PolicyDocument;

use super::controllers::{Managers, deciding_statements, managers};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DenyLocksOutEveryone;

/// A Deny statement, by its policy and index.
type Deny = (PolicyDocument, usize);

impl Rule for DenyLocksOutEveryone {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Managers::Nobody(live) = managers(scope) else {
            return;
        };
        let denies = denies(scope, &live);
        let Some((set, freed)) = smallest_set(scope, &live, &denies) else {
            return;
        };
        let Some(((document, index), rest)) = set.split_first() else {
            return;
        };
        let message = format!(
            "a Deny keeps everyone from managing {}: {freed} could without it",
            scope.name()
        );
        let request = scope.cell(&freed, KmsAction::PUT_KEY_POLICY).plain_request();
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .statement(document, *index, "denies kms:PutKeyPolicy to everyone who exists")
            .help(
                "exempt a break-glass role and the account with `ArnNotLike` on aws:PrincipalArn, or \
                 take kms:PutKeyPolicy out of the Deny",
            )
            .witness(Some(&request))
            .explains(&["key-unmanageable", "missing-root-statement"]);
        for (document, index) in rest {
            let span = document.policy().statements.get(*index).map(|statement| statement.span);
            report = report.beside(document.place, span, "and so does this one");
        }
        let allow = without(scope.scope.reach, set, &|reach| deciding_statements(reach, &request));
        for (document, index) in allow.iter().take(2) {
            let span = document.policy().statements.get(*index).map(|statement| statement.span);
            report = report.beside(document.place, span, "this Allow is cancelled");
        }
        report.done();
    }
}

/// The Deny statements that stop the live principals, each once.
fn denies(scope: &KeyScope<'_>, live: &[Caller]) -> Vec<Deny> {
    let mut found: Vec<Deny> = Vec::new();
    for caller in live {
        let request = scope.cell(caller, KmsAction::PUT_KEY_POLICY).plain_request();
        for (document, index) in deciding_statements(scope.scope.reach, &request) {
            let denies = document.policy().statements.get(index).is_some_and(|one| one.denies());
            let known =
                found.iter().any(|(other, at)| other.place == document.place && *at == index);
            if denies && !known {
                found.push((document, index));
            }
        }
    }
    found
}

/// One Deny whose removal lets somebody manage the key, else all of them if that does.
fn smallest_set<'d>(
    scope: &KeyScope<'_>,
    live: &[Caller],
    denies: &'d [Deny],
) -> Option<(&'d [Deny], Caller)> {
    let singles = denies.chunks(1);
    singles.chain(std::iter::once(denies)).find_map(|set| {
        let freed = without(scope.scope.reach, set, &|reach| {
            let manages = |caller: &&Caller| {
                reach.reaches(&scope.cell(caller, KmsAction::PUT_KEY_POLICY).plain_request())
            };
            live.iter().find(manages).cloned()
        })?;
        Some((set, freed))
    })
}

/// Asks a question of the world without the statements of `set`.
fn without<T>(reach: &dyn Reach, set: &[Deny], question: &dyn Fn(&dyn Reach) -> T) -> T {
    let Some(((document, index), rest)) = set.split_first() else {
        return question(reach);
    };
    match document.policy().statements.get(*index) {
        Some(statement) => {
            let edit = Edit::WithoutStatement { policy: document.place, statement: statement.span };
            without(&*reach.after(&edit), rest, question)
        }
        None => without(reach, rest, question),
    }
}
