//! Two grants that are the same in everything that matters.

use std::collections::BTreeMap;

use crate::inventory::Grant;

use super::grants::{is_of_service, written};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct DuplicateGrants;

impl Rule for DuplicateGrants {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let mut alike: BTreeMap<_, Vec<&Grant>> = BTreeMap::new();
        // A service stands for as many grantees as it has resources.
        for grant in written(scope).filter(|grant| !is_of_service(&grant.grantee)) {
            let constraints = &grant.constraints;
            let bound = (&constraints.equals, &constraints.subset, &constraints.source_arn);
            let operations = (grant.operations, &grant.unknown_operations);
            let same = (&grant.grantee, operations, bound, &grant.name);
            alike.entry(same).or_default().push(grant);
        }
        for grants in alike.into_values() {
            let [first, second, rest @ ..] = grants.as_slice() else { continue };
            let grantee = first.grantee.text();
            let message =
                format!("{} grants on {} give {grantee} the same", grants.len(), scope.name());
            let mut report = sink
                .report(format!("{} {}", scope.key.arn, first.id), message)
                .key(&scope.key.arn)
                .at(first.place, None, "this grant")
                .beside(second.place, None, "and this one")
                .principals([grantee.to_owned()])
                .help("revoke all but one; revoking a single one takes nothing away");
            if let Some(third) = rest.first() {
                report = report.beside(third.place, None, "and this one");
            }
            report.done();
        }
    }
}
