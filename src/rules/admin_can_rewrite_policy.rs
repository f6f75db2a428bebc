//! A principal that cannot use the key can give itself use by editing the key policy.

use crate::aws::KmsAction;
use crate::decision::{Caller, Request};
use crate::inventory::Edit;
use crate::policy::{PolicyDocument, PolicyKind};

use super::controllers::{
    deciding_statements, gains, holds_none, list, own_principals, reveal, short,
};
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
        let mut admins: Vec<(Caller, Box<Request>, KmsAction)> = Vec::new();
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
                admins.push((caller, Box::new(witness.clone()), gained));
            }
        }
        tell(scope, sink, &admins);
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

fn tell(scope: &KeyScope<'_>, sink: &mut Sink<'_>, admins: &[(Caller, Box<Request>, KmsAction)]) {
    let Some((_, witness, gained)) = admins.first() else {
        return;
    };
    let names: Vec<String> = admins.iter().map(|(caller, ..)| short(caller).to_owned()).collect();
    let message = format!(
        "{} cannot use {}, but can rewrite its policy and gain {gained}",
        list(&names),
        scope.name()
    );
    let mut statements = deciding_statements(scope.scope.reach, witness).into_iter();
    let Some((document, index)) = statements.next() else {
        return;
    };
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .statement(&document, index, "allows kms:PutKeyPolicy")
        .principals(admins.iter().map(|(caller, ..)| caller.to_string()))
        .witness(Some(witness))
        .help(
            "leave kms:PutKeyPolicy to a deployment role, or deny these principals the use of the key \
             by SCP or RCP, which a key policy cannot lift",
        );
    for (document, index) in statements.take(2) {
        let span = document.policy().statements.get(index).map(|statement| statement.span);
        report = report.beside(document.place, span, "and this one");
    }
    report.done();
}
