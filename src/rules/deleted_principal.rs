//! A unique id where a name stood: the identity is gone.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::findings::{Access, Change, Fix, What};
use crate::policy::{PolicyKind, Principal, Statement};
use crate::source::Span;

use super::audience::knows_all;
use super::controllers::list;
use super::grants::has_id;
use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct DeletedPrincipal;

impl Rule for DeletedPrincipal {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        if document.is_written_by_aws() {
            return;
        }
        let policy = document.document.policy();
        let mut all = policy.statements.iter().flat_map(|statement| {
            let ids = ids(scope, document, statement);
            ids.into_iter().map(move |(id, span)| (statement, id, span))
        });
        let is_refused = policy.statements.iter().any(|it| !in_principal(scope, it).is_empty());
        let Some((first, id, span)) = all.next() else { return };
        let rest: Vec<(&Statement, &str, Span)> = all.collect();
        let mut names: Vec<String> = vec![id.to_owned()];
        names.extend(rest.iter().map(|(_, id, _)| (*id).to_owned()));
        names.sort();
        names.dedup();
        let is = if names.len() == 1 { "an id" } else { "ids" };
        let message = format!("{} names {}, {is} that nobody has", document.name, list(&names));
        let place = document.document.place;
        let mut report = sink
            .report(document.subject.as_str(), message)
            .of_statement(document.document, first)
            .at(place, Some(span), "the id of an identity that was deleted")
            .principals(names)
            .help(match is_refused && document.document.kind == PolicyKind::Key {
                true => {
                    "take it out; KMS refuses a key policy that names it, and an identity of the same \
                     name gets another id"
                }
                false => "take it out; an identity of the same name gets another id",
            });
        if let Some(key) = document.key {
            report = report.key(&key.arn);
        }
        report = report.fix(fix(scope, document));
        for (_, _, span) in rest.into_iter().take(3) {
            report = report.beside(place, Some(span), "and this one");
        }
        report.done();
    }
}

/// Takes the ids out of lists in which others stand.
fn fix(scope: &Scope<'_>, document: &Documented<'_>) -> Option<Fix> {
    let place = document.document.place;
    let mut changes = Vec::new();
    for statement in &document.document.policy().statements {
        let gone: BTreeSet<Span> =
            ids(scope, document, statement).into_iter().map(|(_, span)| span).collect();
        let principals = statement.principal.iter().map(|element| {
            let of_aws = element.entries.iter().filter(|entry| {
                !matches!(entry.value, Principal::Service(_) | Principal::Federated(_))
            });
            of_aws.map(|entry| entry.span).collect::<Vec<Span>>()
        });
        let values = statement.conditions.iter().map(|condition| {
            condition.values.iter().map(|value| value.span).collect::<Vec<Span>>()
        });
        for list in principals.chain(values) {
            let is_left = list.iter().any(|span| !gone.contains(span));
            let taken = list.into_iter().filter(|span| is_left && gone.contains(span));
            changes.extend(taken.map(|span| Change { place, span, what: What::TakeOut }));
        }
    }
    let title = "take out the ids that nobody has".to_owned();
    (!changes.is_empty()).then_some(Fix { title, access: Access::Stays, changes })
}

/// The unique ids of a statement that nobody has, with where they stand.
fn ids<'s>(
    scope: &Scope<'_>,
    document: &Documented<'_>,
    statement: &'s Statement,
) -> Vec<(&'s str, Span)> {
    let mut found = in_principal(scope, statement);
    let of_users = statement
        .conditions
        .iter()
        .filter(|condition| condition.key.value.eq_ignore_ascii_case("aws:userid"));
    let values = of_users.flat_map(|condition| &condition.values);
    let values = values.filter_map(|value| Some((id_of(value.value.text()?)?, value.span)));
    // An id says nothing of its account: only where all are known is it nobody's.
    found.extend(values.filter(|(id, _)| !has_id(scope, id) && knows_all(scope.world, document)));
    found
}

/// The unique ids that nobody has in the principals of a statement.
fn in_principal<'s>(scope: &Scope<'_>, statement: &'s Statement) -> Vec<(&'s str, Span)> {
    let entries = statement.principal.iter().flat_map(|element| &element.entries);
    let named = entries.filter_map(|entry| match &entry.value {
        Principal::UniqueId(id) => Some((&**id, entry.span)),
        _ => None,
    });
    named.filter(|(id, _)| !has_id(scope, id)).collect()
}

/// The unique id in a value of `aws:userid`: alone, or before the name of a session.
fn id_of(text: &str) -> Option<&str> {
    let id = text.split(':').next()?;
    let is_id = matches!(Principal::aws(id), Principal::UniqueId(_));
    (is_id && AccountId::parse(id).is_none()).then_some(id)
}
