//! A statement asks for an encryption context, and whom it means needs none.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Allowing, Caller, Cell, Reach, Request};
use crate::policy::Condition;

use super::controllers::{deciding_statements, list, short};
use super::optional_conditions::{Optional, conditions};
use super::report::Sink;
use super::trust::performed;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct EncryptionContextOptional;

impl Rule for EncryptionContextOptional {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let mut asking: Vec<Optional<'_>> = conditions(scope, is_of_context);
        asking.dedup_by_key(|it| it.index);
        let mut callers: BTreeSet<Caller> = BTreeSet::new();
        let mut first: Option<(Optional<'_>, Box<Request>)> = None;
        for optional in asking {
            let wanted = performed(scope, optional.actions(scope)).intersection(reveals());
            if wanted.is_empty() {
                continue;
            }
            let allowing = Allowing::Statement(optional.document, optional.index);
            for group in scope.meant(allowing, wanted) {
                let held = scope.holding(group.who.first(), group.fates.free).sure;
                let Some(request) = without_context(scope, group.who.first(), held) else {
                    continue;
                };
                callers.extend(group.who.iter().cloned());
                first.get_or_insert((optional, request));
            }
        }
        let Some((optional, request)) = first else { return };
        let mut names: Vec<String> = callers.iter().map(|it| short(it).to_owned()).collect();
        names.sort();
        names.dedup();
        let message = format!(
            "{} can use {} for {} without the encryption context that the key policy asks for",
            list(&names),
            scope.name(),
            request.action
        );
        let place = optional.document.place;
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .of_statement(optional.document, optional.statement)
            .at(place, Some(optional.condition.span), "asks for an encryption context")
            .principals(callers.iter().map(|it| it.to_string()))
            .help(
                "ask for a pair with `StringEquals` kms:EncryptionContext:... wherever decryption is \
                 allowed, or deny it where the pair is missing",
            );
        for (document, index) in
            deciding_statements(scope.scope.reach, &request).into_iter().take(2)
        {
            let span = document.policy().statements.get(index).map(|it| it.span);
            report = report.beside(document.place, span, "allows it without");
        }
        report.witness(Some(&request)).done();
    }
}

/// What reveals the data that the encryption context is bound to.
pub(super) fn reveals() -> ActionSet {
    [KmsAction::DECRYPT, KmsAction::RE_ENCRYPT_FROM].into_iter().collect()
}

fn is_of_context(condition: &Condition) -> bool {
    condition.key.value.to_ascii_lowercase().starts_with("kms:encryptioncontext")
}

/// A request without encryption context that is allowed for certain.
fn without_context(
    scope: &KeyScope<'_>,
    caller: &Caller,
    wanted: ActionSet,
) -> Option<Box<Request>> {
    let reach = scope.scope.reach;
    let allowed = contextless(reach, (caller, &scope.key.arn), wanted);
    let mut witnesses =
        allowed.filter_map(|it| reach.verdict_of(&it).witness().cloned().map(Box::new));
    witnesses.next()
}

/// Whether the caller needs no encryption context for some of these actions on a key, for certain.
pub(super) fn needs_no_context(
    reach: &dyn Reach,
    on: (&Caller, &KeyArn),
    wanted: ActionSet,
) -> bool {
    contextless(reach, on, wanted).next().is_some()
}

/// For each of these actions that is allowed for certain without encryption context, what is asked.
fn contextless<'r>(
    reach: &'r dyn Reach,
    (caller, key): (&'r Caller, &'r KeyArn),
    wanted: ActionSet,
) -> impl Iterator<Item = Request> + 'r {
    let request = move |action| {
        let cell = Cell { principal: caller.clone(), key: key.clone(), action };
        let mut request = cell.plain_request();
        request.context.set_absent("kms:EncryptionContext:*");
        request.context.set_absent("kms:EncryptionContextKeys");
        request
    };
    wanted.iter().map(request).filter(move |request| reach.reaches(request))
}
