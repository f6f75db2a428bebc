//! A grant gives more, or to more, than one use needs.

use crate::aws::{ActionSet, KmsAction};
use crate::inventory::{Grant, Grantee};
use crate::policy::Principal;

use super::grants::{grantee, is_of_service, written};
use super::outsiders::uses;
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct GrantTooWide;

impl Rule for GrantTooWide {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        for grant in written(scope).filter(|grant| !is_of_service(&grant.grantee)) {
            tell(scope, sink, grant);
        }
    }
}

fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, grant: &Grant) {
    let is_account = matches!(grant.grantee, Grantee::Principal(Principal::Account { .. }));
    let cryptography = scope.key.grant_operations().intersection(uses());
    let given = grant.operations.intersection(cryptography);
    let is_all = cryptography.len() > 1 && given == cryptography;
    let constraints = &grant.constraints;
    let is_bound = constraints.equals.is_some()
        || constraints.subset.is_some()
        || constraints.source_arn.is_some();
    let takes_context: ActionSet =
        given.iter().filter(|action| action.info().encryption_context).collect();
    let is_symmetric = scope.possible().contains(KmsAction::GENERATE_DATA_KEY);
    let mut faults = Vec::new();
    if is_account {
        faults.push("its grantee is a whole account");
    }
    if is_all {
        faults.push("it has every cryptographic operation of the key");
    }
    if is_symmetric && !is_bound && !takes_context.is_empty() {
        faults.push("no encryption context binds it");
    }
    if faults.is_empty() {
        return;
    }
    if grant.retiring.is_none() && !grant.operations.contains(KmsAction::RETIRE_GRANT) {
        faults.push("nobody is named to retire it");
    }
    let message = format!("grant {} on {} is wide: {}", grant.id, scope.name(), faults.join(", "));
    let caller = grantee(scope, grant).map(|caller| caller.to_string());
    let who = caller.unwrap_or_else(|| grant.grantee.text().to_owned());
    let mut report = sink
        .report(format!("{} {}", scope.key.arn, grant.id), message)
        .key(&scope.key.arn)
        .at(grant.place, None, "this grant")
        .principals([who])
        .help(
            "grant to the role that needs it, with the operations it needs, \
             EncryptionContextEquals, and a retiring principal",
        );
    if is_account {
        report = report.facet("whole-account");
    }
    report.done();
}
