//! A grant that a person, a workload or an account may pass on.

use std::collections::BTreeMap;

use crate::aws::KmsAction;
use crate::decision::{Allowing, Caller, Fate};
use crate::inventory::{Grant, Grantee};
use crate::policy::Principal;

use super::controllers::{list, short};
use super::granting::is_of_service;
use super::grants::{is_gone, written};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct GrantAllowsRedelegation;

impl Rule for GrantAllowsRedelegation {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() {
            return;
        }
        let may_pass_on = |grant: &&Grant| grant.operations.contains(KmsAction::CREATE_GRANT);
        let grants = written(scope).filter(may_pass_on);
        let mut all: BTreeMap<Option<String>, Vec<(&Grant, Caller)>> = BTreeMap::new();
        for grant in grants {
            let Some(caller) = passes_on(scope, grant) else { continue };
            let apart = apart(scope, grant, &caller);
            all.entry(apart).or_default().push((grant, caller));
        }
        for (apart, passing) in all {
            tell(scope, sink, apart, &passing);
        }
    }
}

/// The grantee, where it is no service nor acts for one, and no Deny stops the grant throughout.
fn passes_on(scope: &KeyScope<'_>, grant: &Grant) -> Option<Caller> {
    let Grantee::Principal(principal) = &grant.grantee else { return None };
    let caller = match principal {
        Principal::Account { account, partition } => {
            let partition = partition.as_deref().unwrap_or_else(|| scope.key.arn.partition());
            Caller::parse(&format!("arn:{partition}:iam::{account}:root"))?
        }
        Principal::User(arn) | Principal::Role(arn) | Principal::AssumedRole(arn) => {
            Caller::parse(arn).filter(|_| !is_of_service(arn))?
        }
        _ => return None,
    };
    let fates = scope.fates(&caller, Allowing::Grant(grant), KmsAction::CREATE_GRANT.into());
    (!fates.free.is_empty()).then_some(caller)
}

/// What sets a grantee apart that another rule tells of: that it is of an account outside, or is gone.
fn apart(scope: &KeyScope<'_>, grant: &Grant, caller: &Caller) -> Option<String> {
    let outside = caller.account.filter(|account| !scope.scope.is_trusted(*account));
    let is_gone = matches!(&grant.grantee, Grantee::Principal(it) if is_gone(scope.scope, it));
    outside.map(|account| account.to_string()).or_else(|| is_gone.then(|| caller.to_string()))
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    apart: Option<String>,
    passing: &[(&Grant, Caller)],
) {
    let Some((first, caller)) = passing.first() else { return };
    let mut names: Vec<String> =
        passing.iter().map(|(_, caller)| short(caller).to_owned()).collect();
    names.dedup();
    let message = match passing.len() {
        1 => format!("grant {} on {} lets {} pass it on", first.id, scope.name(), list(&names)),
        count => format!("{count} grants on {} let {} pass them on", scope.name(), list(&names)),
    };
    let witness = scope.fate(caller, KmsAction::CREATE_GRANT, Allowing::Grant(first));
    let Fate::Free(witness) = witness else { return };
    let subject = match apart {
        Some(apart) => format!("{} {apart}", scope.key.arn),
        None => scope.key.arn.to_string(),
    };
    let mut report = sink
        .report(subject, message)
        .key(&scope.key.arn)
        .principals(passing.iter().map(|(_, caller)| caller.to_string()))
        .witness(Some(&witness))
        .at(first.place, None, "its operations include CreateGrant")
        .help(
            "create the grant anew without CreateGrant and revoke this one; a child grant, to any \
             grantee, has to be revoked as well",
        );
    for (grant, _) in passing.iter().skip(1).take(3) {
        report = report.beside(grant.place, None, "and this one");
    }
    report.done();
}
