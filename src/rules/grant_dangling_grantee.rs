//! A grant for an identity that does not exist.

use std::collections::BTreeMap;

use crate::inventory::{Grant, Grantee};
use crate::policy::Principal;

use super::grants::{is_gone, revocation, written};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct GrantDanglingGrantee;

impl Rule for GrantDanglingGrantee {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let mut gone: BTreeMap<&Principal, Vec<(&Grant, &'static str)>> = BTreeMap::new();
        for grant in written(scope) {
            let retiring = grant.retiring.as_ref().map(|it| (it, "may be retired by it"));
            for (named, how) in [(&grant.grantee, "is for it")].into_iter().chain(retiring) {
                if let Grantee::Principal(principal) = named
                    && is_gone(scope.scope, principal)
                {
                    gone.entry(principal).or_default().push((grant, how));
                }
            }
        }
        for (principal, grants) in gone {
            tell(scope, sink, principal, &grants);
        }
    }
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    principal: &Principal,
    grants: &[(&Grant, &'static str)],
) {
    let Some((first, how)) = grants.first() else { return };
    let name = principal.text();
    let message =
        format!("{name} does not exist, and grant {} on {} {how}", first.id, scope.name());
    let mut report = sink
        .report(format!("{} {name}", scope.key.arn), message)
        .key(&scope.key.arn)
        .at(first.place, None, format!("this grant {how}"))
        .principals([name.to_owned()])
        .help(revocation(scope, first))
        .explains(&["grant-allows-redelegation", "grant-too-wide"]);
    for (grant, how) in grants.iter().skip(1).take(2) {
        report = report.beside(grant.place, None, format!("this grant {how}, too"));
    }
    report.done();
}
