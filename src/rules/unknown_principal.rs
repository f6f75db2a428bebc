//! A key policy names a principal that does not exist.

use crate::policy::Principal;

use super::controllers::list;
use super::grants::{is_gone, with_path};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct UnknownPrincipal;

impl Rule for UnknownPrincipal {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let document = scope.key.policy.as_ref().filter(|_| !scope.key.is_aws_managed());
        let Some(document) = document else { return };
        let mut gone = Vec::new();
        for statement in &document.policy().statements {
            for entry in statement.principal.iter().flat_map(|element| &element.entries) {
                let is_id = matches!(entry.value, Principal::UniqueId(_));
                if !is_id && is_gone(scope.scope, &entry.value) {
                    gone.push((statement, entry));
                }
            }
        }
        let mut gone = gone.into_iter();
        let Some((statement, entry)) = gone.next() else { return };
        let rest: Vec<_> = gone.collect();
        let others = rest.iter().any(|(other, _)| other.span != statement.span);
        let rest: Vec<_> = rest.into_iter().map(|(_, entry)| entry).collect();
        let mut names = vec![entry.value.text().to_owned()];
        names.extend(rest.iter().map(|entry| entry.value.text().to_owned()));
        names.sort();
        names.dedup();
        let verb = if names.len() == 1 { "does" } else { "do" };
        let message = format!(
            "the key policy of {} names {}, which {verb} not exist",
            scope.name(),
            list(&names)
        );
        let known = with_path(scope, entry.value.text());
        let known = known.map(|arn| format!(": is {arn} meant?")).unwrap_or_default();
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .of_statement(document, statement)
            .with_others(others)
            .at(document.place, Some(entry.span), "the complete export of its account lacks it")
            .principals(names)
            .help(format!(
                "correct the name, or take it out; KMS refuses to store it, and whoever creates it \
                 gets what stands here{known}"
            ));
        for entry in rest.into_iter().take(3) {
            report = report.beside(document.place, Some(entry.span), "nor this one");
        }
        report.done();
    }
}
