//! A principal that cannot use the key can give itself use by editing the key policy.

use crate::aws::{ActionSet, KmsAction};
use crate::decision::Gift;

use super::controllers::{Controller, each, reveal, told, without_use};
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
        let wanted: ActionSet = reveal.iter().copied().collect();
        let put = KmsAction::PUT_KEY_POLICY;
        let mut admins = Vec::new();
        for group in without_use(scope, put.into(), wanted) {
            if !group.holds.sure.contains(put) {
                continue;
            }
            let (reach, key) = (scope.scope.reach, &scope.key.arn);
            let after = reach.would_hold(group.who.first(), key, Gift::Policy, wanted);
            let gained = reveal.iter().find(|action| after.sure.contains(**action));
            admins.extend(gained.into_iter().flat_map(|gained| each(scope, &group, *gained)));
        }
        let begins =
            |admin: &Controller| scope.verdict(&admin.caller, put).witness().cloned().map(Box::new);
        let how = |one: &Controller| format!("rewrite its policy and gain {}", one.gained);
        if let Some(report) = told(scope, sink, admins, begins, how, "allows kms:PutKeyPolicy") {
            report
                .help(
                    "leave kms:PutKeyPolicy to a deployment role, or deny these principals the use of \
                     the key by SCP or RCP, which a key policy cannot lift",
                )
                .done();
        }
    }
}
