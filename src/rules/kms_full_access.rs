//! An identity that is no administrator of its account holds all of KMS.

use crate::aws::ActionSet;

use super::controllers::list;
use super::report::Sink;
use super::wide::{is_everything, reached, wide};
use super::{Documented, KeyScope, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct KmsFullAccess;

impl Rule for KmsFullAccess {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        for wide in wide(scope, document) {
            if !is_everything(wide.actions) {
                continue;
            }
            let reached = reached(scope, document.document, &wide, ActionSet::ALL);
            // Whole on some key: what a boundary or an SCP cuts is no full access.
            let is_whole = |key, held: ActionSet| {
                let possible = KeyScope::new(scope, key).possible();
                let lacks = ActionSet::ALL.minus(held).intersection(possible);
                !lacks.intersects(super::wide::controls().union(super::wide::destroys()))
                    && !lacks.intersects(super::outsiders::uses())
            };
            let whole = reached.keys.iter().filter(|(key, held)| is_whole(key, *held)).count();
            let Some(holder) = reached.holders.first().filter(|_| whole > 0) else { continue };
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
