//! The key policy does not let its own account manage the key.

use crate::aws::KmsAction;

use super::outsiders::{lets_manage, may_let_manage};
use super::report::Sink;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct MissingRootStatement;

impl Rule for MissingRootStatement {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let (Some(document), Some(root)) = (scope.policy_of_open_account(), scope.root()) else {
            return;
        };
        let statements = &document.policy().statements;
        let is_let = match scope.readable_policy() {
            Some(_) => !scope.opened(&root, KmsAction::PUT_KEY_POLICY.into()).is_empty(),
            // A policy that lets nobody manage is none of a customer's: KMS takes none (rule K9).
            None => {
                statements.iter().any(|it| may_let_manage(scope, it, &root))
                    || !statements.iter().any(|it| lets_manage(scope, it))
            }
        };
        if is_let {
            return;
        }
        let account = scope.key.arn.account();
        let message = format!(
            "the key policy of {} does not let account {account} manage the key",
            scope.name()
        );
        let help = format!(
            "add a statement that allows `kms:*` to `{root}`, or `kms:PutKeyPolicy` and the other \
             management actions alone to keep IAM out of the data path"
        );
        let first = statements.first().map(|statement| statement.span);
        sink.report(scope.key.arn.as_str(), message)
            .key(&scope.key.arn)
            .at(document.place, first, "no statement here allows the account kms:PutKeyPolicy")
            .help(help)
            .done();
    }
}
