//! A grant lets in a principal of an account that nobody declared.

use std::collections::BTreeMap;

use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Allowing, Caller, Fate};
use crate::inventory::Grant;

use super::controllers::list;
use super::grants::{grantee, revocation};
use super::outsiders::{abroad, may_be_own, uses, whose};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ExternalGrantee;

impl Rule for ExternalGrantee {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let mut wanted = uses();
        wanted.insert(KmsAction::CREATE_GRANT);
        let mut all: BTreeMap<AccountId, Vec<(&Grant, Caller, ActionSet)>> = BTreeMap::new();
        for grant in &scope.key.grants {
            let caller = grantee(scope, grant);
            let outsider = caller.and_then(|it| Some((it.account?, it)));
            let Some((account, caller)) = outsider.filter(|it| !scope.scope.is_trusted(it.0))
            else {
                continue;
            };
            let operations = abroad(scope, grant.operations).intersection(wanted);
            let free = scope.fates(&caller, Allowing::Grant(grant), operations).free;
            if !free.is_empty() {
                all.entry(account).or_default().push((grant, caller, free));
            }
        }
        for (account, grants) in all {
            tell(scope, sink, account, &grants);
        }
    }
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    account: AccountId,
    grants: &[(&Grant, Caller, ActionSet)],
) {
    let Some((first, caller, free)) = grants.first() else { return };
    let all = grants.iter().fold(ActionSet::EMPTY, |all, (.., free)| all.union(*free));
    let names: Vec<String> = all.iter().map(|action| action.to_string()).collect();
    let is_open = may_be_own(scope, account);
    let which = match is_open {
        true => "which may be another than the key's own",
        false => whose(scope),
    };
    let (name, operations) = (scope.name(), list(&names));
    let message = format!("a grant lets account {account}, {which}, use {name} for {operations}");
    let fate = free.iter().next().map(|it| scope.fate(caller, it, Allowing::Grant(first)));
    let witness = match &fate {
        Some(Fate::Free(request)) => Some(&**request),
        _ => None,
    };
    let mut report = sink
        .report(format!("{} {account}", scope.key.arn), message)
        .key(&scope.key.arn)
        .at(first.place, None, "this grant")
        .principals(grants.iter().map(|(_, caller, _)| caller.to_string()))
        .witness(witness)
        .help(format!(
            "{}, or declare the account as trusted with a reason",
            revocation(scope, first)
        ))
        .explains(&["grant-allows-redelegation", "grant-too-wide"]);
    if is_open {
        report = report.unsure();
    }
    for (grant, ..) in grants.iter().skip(1).take(2) {
        report = report.beside(grant.place, None, "and this one");
    }
    report.done();
}
