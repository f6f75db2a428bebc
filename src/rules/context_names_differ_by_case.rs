//! Constraints of grants write one name of an encryption context in spellings that differ by case.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::Grant;

use super::controllers::list;
use super::grants::{grantee, is_of_service, written};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ContextNamesDifferByCase;

impl Rule for ContextNamesDifferByCase {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let grants: Vec<&Grant> =
            written(scope).filter(|grant| !is_of_service(&grant.grantee)).collect();
        let mut spellings: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for name in grants.iter().flat_map(|grant| names(grant)) {
            spellings.entry(name.to_ascii_lowercase()).or_default().insert(name);
        }
        spellings.retain(|_, spellings| spellings.len() > 1);
        let written: Vec<String> = spellings
            .values()
            .map(|names| list(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()))
            .collect();
        let is_among = |name: &str| spellings.contains_key(&name.to_ascii_lowercase());
        let concerned: Vec<&Grant> =
            grants.into_iter().filter(|grant| names(grant).any(is_among)).collect();
        let Some((first, rest)) = concerned.split_first() else { return };
        let what = if written.len() == 1 { "one name" } else { "names" };
        let message = format!(
            "grants on {} write {what} of the encryption context as {}",
            scope.name(),
            written.join(", and ")
        );
        let mut report = sink
            .report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(first.place, None, "this grant")
            .with_others(!rest.is_empty())
            .principals(concerned.iter().map(|grant| match grantee(scope, grant) {
                Some(caller) => caller.to_string(),
                None => grant.grantee.text().to_owned(),
            }))
            .help(
                "create them anew with the spelling that callers send, and revoke the others: AWS's \
                 pages disagree on whether case counts here",
            );
        for grant in rest.iter().take(2) {
            report = report.beside(grant.place, None, "and this one");
        }
        report.done();
    }
}

/// The names of the pairs that a grant asks for.
fn names(grant: &Grant) -> impl Iterator<Item = &str> {
    let constraints = &grant.constraints;
    let pairs = constraints.equals.iter().chain(&constraints.subset);
    pairs.flat_map(|pairs| pairs.keys()).map(|name| &**name)
}
