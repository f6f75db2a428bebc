//! Somebody may switch off the check that keeps an author from shutting himself out.

use std::collections::BTreeSet;

use crate::aws::{AccountId, KmsAction};
use crate::decision::{Caller, CallerKind, Request};
use crate::inventory::Key;

use super::controllers::{decided, list, short};
use super::report::Sink;
use super::{KeyScope, Rule, Scope};

/// See the rule's page.
pub(super) struct LockoutCheckBypassed;

impl Rule for LockoutCheckBypassed {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(place) = scope.key.lockout_check_bypassed else { return };
        let name = scope.name();
        let message =
            format!("{name} is deployed without the check that its policy can be changed again");
        sink.report(scope.key.arn.as_str(), message)
            .facet("declared")
            .key(&scope.key.arn)
            .at(place, None, "KMS then takes a policy that shuts its author out")
            .help(
                "leave it out: what is deployed with it today is deployed without it as well, \
                   unless it locks its author out",
            )
            .done();
    }

    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        let owners: BTreeSet<AccountId> =
            scope.world.keys.keys().map(|arn| arn.account()).collect();
        for account in owners {
            let mut keys = scope.keys_of(account).iter().filter(|key| !key.is_aws_managed());
            if let Some((key, who, request)) = keys.find_map(|key| bypass(scope, key)) {
                tell(&KeyScope::new(scope, key), &who, &request, sink);
            }
        }
    }
}

/// Who may switch the check off on a key, and a request that does.
fn bypass<'a>(scope: &Scope<'a>, key: &'a Key) -> Option<(&'a Key, BTreeSet<Caller>, Request)> {
    let put = KmsAction::PUT_KEY_POLICY;
    let on_key = KeyScope::new(scope, key);
    let mut found: BTreeSet<Caller> = BTreeSet::new();
    let mut witness = None;
    for group in on_key.holders(put.into()).iter().filter(|group| group.holds.sure.contains(put)) {
        let mut members = group.who.iter().filter(|caller| is_one(scope, caller));
        let Some(first) = members.next() else { continue };
        let request = bypassing(&on_key, first);
        if scope.reach.reaches(&request) {
            witness.get_or_insert(request);
            found.insert(first.clone());
            found.extend(members.cloned());
        }
    }
    Some((key, found, witness?))
}

/// Whether it is a user or a role of the export that is no administrator of its account anyway.
fn is_one(scope: &Scope<'_>, caller: &Caller) -> bool {
    let identity = scope.world.identity(&caller.text);
    matches!(caller.kind, CallerKind::User | CallerKind::Role)
        && identity.is_some_and(|identity| !scope.is_administrator(identity))
}

fn bypassing(scope: &KeyScope<'_>, caller: &Caller) -> Request {
    let mut request = scope.cell(caller, KmsAction::PUT_KEY_POLICY).plain_request();
    request.context.set_one("kms:BypassPolicyLockoutSafetyCheck", "true");
    request
}

fn tell(scope: &KeyScope<'_>, who: &BTreeSet<Caller>, request: &Request, sink: &mut Sink<'_>) {
    let names: Vec<String> = who.iter().map(|caller| short(caller).to_owned()).collect();
    let account = scope.key.arn.account();
    let message = format!(
        "in account {account} KMS can be told not to check whether a key stays manageable: {} may do \
         so on {}",
        list(&names),
        scope.name()
    );
    let report = sink
        .report(account.to_string(), message)
        .principals(who.iter().map(|caller| caller.to_string()))
        .help(
            "deny kms:PutKeyPolicy and kms:CreateKey by an SCP where `Bool` \
             kms:BypassPolicyLockoutSafetyCheck is `true`",
        );
    let label = "allows it with the check switched off";
    if let Some(report) = decided(scope.scope.reach, report, request, label) {
        report.done();
    }
}
