//! A key policy allows everyone but those it lists.

use crate::decision::{Allowing, Fate, Request};
use crate::policy::{Polarity, PolicyKind, Principal, PrincipalElement, Statement};
use crate::syntax::is_of_deployment;

use super::audience::stranger;
use super::controllers::list;
use super::outsiders::{allowed_abroad, means_everyone, of_stranger};
use super::report::Sink;
use super::{Documented, KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct AllowNotPrincipal;

impl Rule for AllowNotPrincipal {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.document.kind != PolicyKind::Key || document.is_written_by_aws() {
            return;
        }
        for (index, statement) in document.document.policy().statements.iter().enumerate() {
            let element = statement.principal.as_ref().filter(|_| statement.allows());
            if let Some(element) = element.filter(|one| one.polarity == Polarity::IsNot) {
                tell(scope, document, (index, statement, element), sink);
            }
        }
    }
}

fn tell(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    (index, statement, element): (usize, &Statement, &PrincipalElement),
    sink: &mut Sink<'_>,
) {
    let on_key = document.key.map(|key| KeyScope::new(scope, key));
    let witness = on_key.as_ref().and_then(|on_key| of_a_stranger(on_key, document, index));
    // Who else somebody may be is not written there.
    let is_written = |principal: &Principal| match principal {
        Principal::Unresolved(of) => !is_of_deployment(&of.expression),
        _ => true,
    };
    let listed = element.entries.iter().map(|entry| &entry.value).filter(|it| is_written(it));
    let listed: Vec<String> = listed.map(|it| it.text().to_owned()).collect();
    let who = match witness {
        Some(_) => "any AWS account",
        None => "everyone",
    };
    let but = if listed.is_empty() { String::new() } else { format!(" but {}", list(&listed)) };
    let message = format!("{} allows {who}{but} by NotPrincipal", document.name);
    let mut report = sink
        .report(document.subject.as_str(), message)
        .of_statement(document.document, statement)
        .at(document.document.place, Some(element.span), "everyone who is not listed here")
        .witness(witness.as_deref())
        .help(
            "name in Principal who may; to keep somebody out who is let in elsewhere, write a Deny \
             that names him",
        );
    if let Some(on_key) = &on_key {
        report = report.key(&on_key.key.arn);
        if witness.is_some() {
            report = report.facet("strangers");
            // No other statement is public: it is the same cause.
            if !is_public_otherwise(on_key, document, index) {
                report = report.explains(&["public-key-access"]);
            }
        }
    }
    report.done();
}

/// A request of a stranger that the statement allows.
fn of_a_stranger(
    scope: &KeyScope<'_>,
    document: &Documented<'_>,
    index: usize,
) -> Option<Box<Request>> {
    let statement = document.document.policy().statements.get(index)?;
    let wanted = allowed_abroad(scope, statement);
    let action = of_stranger(scope, document.document, index, wanted).free.iter().next()?;
    let allowing = Allowing::Statement(document.document, index);
    match scope.fate(&stranger(scope)?, action, allowing) {
        Fate::Free(request) => Some(request),
        _ => None,
    }
}

fn is_public_otherwise(scope: &KeyScope<'_>, document: &Documented<'_>, index: usize) -> bool {
    let statements = document.document.policy().statements.iter().enumerate();
    let mut others = statements.filter(|(other, one)| *other != index && means_everyone(one));
    others.any(|(other, statement)| {
        let wanted = allowed_abroad(scope, statement);
        !of_stranger(scope, document.document, other, wanted).free.is_empty()
    })
}
