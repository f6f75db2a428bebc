//! A principal that cannot use the key can grant itself use.

use crate::aws::KmsAction;
use crate::decision::Caller;

use super::controllers::{Controller, each, reveal, told, without_use};
use super::granting::{granting, grants_itself};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct AdminCanSelfGrant;

impl Rule for AdminCanSelfGrant {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.key.is_aws_managed() || scope.key.policy.is_none() {
            return;
        }
        let reveal = reveal(scope);
        let create = KmsAction::CREATE_GRANT;
        let mut admins = Vec::new();
        for group in without_use(scope, create.into(), reveal.iter().copied().collect()) {
            let first = group.who.first();
            let gained = |caller: &Caller| {
                reveal.iter().copied().find(|wanted| grants_itself(scope, caller, *wanted))
            };
            let of_first = gained(first);
            // It speaks for all, unless a policy asks for whom the grant is.
            let cell = scope.cell(first, create);
            let is_one = group.who.iter().nth(1).is_none();
            if is_one || !scope.scope.reach.hangs_on(&cell, "kms:GranteePrincipal") {
                admins.extend(of_first.into_iter().flat_map(|gained| each(scope, &group, gained)));
                continue;
            }
            let members = each(scope, &group, create).into_iter();
            admins.extend(members.filter_map(|Controller { caller, .. }| {
                let gained = gained(&caller)?;
                Some(Controller { caller, gained })
            }));
        }
        let begins = |admin: &Controller| {
            let (caller, gained) = (&admin.caller, admin.gained);
            let request = granting(scope, caller, &caller.text, gained);
            let verdict = scope.scope.reach.verdict_of(&request);
            verdict.witness().cloned().map(Box::new)
        };
        let how = "can grant that to itself";
        let label = "allows kms:CreateGrant on a direct call";
        if let Some(report) = told(scope, sink, admins, begins, how, label) {
            report
                .explains(&["admin-can-rewrite-policy", "unconstrained-create-grant"])
                .help(
                    "replace `kms:Create*` by `kms:CreateAlias`, or allow kms:CreateGrant only with \
                     `Bool` kms:GrantIsForAWSResource `true`; the same principals may rewrite the key \
                     policy where they hold kms:PutKeyPolicy",
                )
                .done();
        }
    }
}
