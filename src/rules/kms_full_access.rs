//! An identity that is no administrator of its account holds all of KMS.

use super::controllers::list;
use super::report::Sink;
use super::wide::{full, wide};
use super::{Documented, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct KmsFullAccess;

impl Rule for KmsFullAccess {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        for wide in wide(scope, document) {
            let Some((reached, whole)) = full(scope, document.document, &wide) else { continue };
            let Some(holder) = reached.holders.first() else { continue };
            let names: Vec<String> = reached.holders.iter().map(|it| short_name(it)).collect();
            let message = format!(
                "{} lets {} use, control and destroy every key: {whole} of the {} keys known of \
                 account {}",
                document.name,
                list(&names),
                scope.keys_of(holder.account).len(),
                holder.account
            );
            sink.report(document.subject.as_str(), message)
                .statement(document.document, wide.index, "all of KMS on all keys")
                .principals(reached.holders.iter().map(|it| it.arn.to_string()))
                .help("give each task its own actions, and name the keys by their ARNs or tags")
                .done();
        }
    }
}
