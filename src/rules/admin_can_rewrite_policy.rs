//! A principal that cannot use the key can give itself use by editing the key policy.

use crate::aws::KmsAction;
use crate::decision::Caller;
use crate::inventory::Edit;
use crate::policy::{PolicyDocument, PolicyKind};

use super::controllers::{Controller, gains, holds_none, own_principals, reveal, told};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct AdminCanRewritePolicy;

impl Rule for AdminCanRewritePolicy {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        if scope.readable_policy().is_none() {
            return;
        }
        let reveal = reveal(scope);
        let mut admins = Vec::new();
        for caller in own_principals(scope, KmsAction::PUT_KEY_POLICY) {
            let put = KmsAction::PUT_KEY_POLICY;
            if !scope.reaches(&caller, put) || !holds_none(scope, &caller, &reveal) {
                continue;
            }
            let edit =
                Edit::PutKeyPolicy { key: scope.key.arn.clone(), policy: opened(scope, &caller) };
            let after = scope.scope.reach.after(&edit);
            let gained = gains(scope, &*after, &caller, &reveal);
            if let Some((gained, witness)) = gained.zip(scope.verdict(&caller, put).witness()) {
                admins.push(Controller { caller, witness: Box::new(witness.clone()), gained });
            }
        }
        let how = "can rewrite its policy";
        if let Some(report) = told(scope, sink, &admins, how, "allows kms:PutKeyPolicy") {
            report
                .help(
                    "leave kms:PutKeyPolicy to a deployment role, or deny these principals the use of \
                     the key by SCP or RCP, which a key policy cannot lift",
                )
                .done();
        }
    }
}

/// The key policy that the principal would put: everything for itself.
fn opened(scope: &KeyScope<'_>, caller: &Caller) -> PolicyDocument {
    let statement = serde_json::json!({
        "Effect": "Allow", "Principal": { "AWS": &*caller.text }, "Action": "kms:*", "Resource": "*",
    });
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] });
    let place = scope.key.policy.as_ref().map_or(scope.key.place, |document| document.place);
    PolicyDocument::json(place, PolicyKind::Key, policy.to_string())
}
