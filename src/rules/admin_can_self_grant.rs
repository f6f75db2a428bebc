//! A principal that cannot use the key can grant itself use.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Caller, ContextValue, Outcome, Path, Request};
use crate::inventory::{Constraints, Edit, Grant, Grantee};

use super::controllers::{Controller, gains, holds_none, own_principals, reveal, told};
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
        let mut admins = Vec::new();
        for caller in own_principals(scope, KmsAction::CREATE_GRANT) {
            if !holds_none(scope, &caller, &reveal) {
                continue;
            }
            let found = reveal.iter().find_map(|wanted| self_grant(scope, &caller, *wanted));
            admins.extend(found.map(|(witness, gained)| Controller { caller, witness, gained }));
        }
        let how = "can grant that to itself";
        if let Some(report) =
            told(scope, sink, &admins, how, "allows kms:CreateGrant on a direct call")
        {
            report
                .explains(&["admin-can-rewrite-policy"])
                .help(
                    "replace `kms:Create*` by `kms:CreateAlias`, or allow kms:CreateGrant only with \
                     `Bool` kms:GrantIsForAWSResource `true`; the same principals may rewrite the key \
                     policy where they hold kms:PutKeyPolicy",
                )
                .done();
        }
    }
}

/// A CreateGrant that the caller may send itself, by policy, and that gives it `wanted`.
fn self_grant(
    scope: &KeyScope<'_>,
    caller: &Caller,
    wanted: KmsAction,
) -> Option<(Box<Request>, KmsAction)> {
    let mut request = scope.cell(caller, KmsAction::CREATE_GRANT).plain_request();
    let context = &mut request.context;
    // A direct call: no service stands between (rule G53).
    context.set_absent("kms:ViaService");
    context.set_one("aws:ViaAWSService", "false");
    context.set_one("kms:GrantIsForAWSResource", "false");
    context.set_one("kms:GranteePrincipal", &caller.text);
    context.set("kms:GrantOperations", ContextValue::Many(vec![wanted.name().into()]));
    if !scope.scope.reach.reaches(&request) {
        return None;
    }
    let verdict = scope.scope.reach.verdict_of(&request);
    let witness = verdict.witness()?;
    // A grant cannot be widened by its holder (rule G31): only policies count.
    let decision = scope.scope.reach.decide(witness);
    if matches!(decision.outcome, Outcome::Allowed(Path::P8 | Path::P9 | Path::P10)) {
        return None;
    }
    let edit = Edit::CreateGrant {
        key: scope.key.arn.clone(),
        grant: Box::new(grant(scope, caller, wanted)),
    };
    let gained = gains(scope, &*scope.scope.reach.after(&edit), caller, &[wanted])?;
    Some((Box::new(witness.clone()), gained))
}

fn grant(scope: &KeyScope<'_>, caller: &Caller, operation: KmsAction) -> Grant {
    Grant {
        id: "self-grant".into(),
        name: None,
        grantee: Grantee::principal(&caller.text),
        retiring: None,
        issuing_account: caller.account,
        operations: ActionSet::of(operation),
        unknown_operations: Vec::new(),
        constraints: Constraints::default(),
        place: scope.key.place,
    }
}
