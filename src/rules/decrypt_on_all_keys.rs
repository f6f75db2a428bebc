//! An identity can decrypt with every key.

use crate::aws::{ActionSet, KmsAction};

use super::controllers::list;
use super::report::Sink;
use super::wide::{Breadth, reached, wide_but_for_full};
use super::{Documented, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct DecryptOnAllKeys;

impl Rule for DecryptOnAllKeys {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let wanted: ActionSet =
            [KmsAction::DECRYPT, KmsAction::RE_ENCRYPT_FROM].into_iter().collect();
        for wide in wide_but_for_full(scope, document, wanted) {
            let reached = reached(scope, document.document, &wide, wanted);
            let Some(holder) = reached.holders.first().filter(|_| !reached.keys.is_empty()) else {
                continue;
            };
            let names: Vec<String> = reached.holders.iter().map(|it| short_name(it)).collect();
            let where_ = match wide.breadth {
                Breadth::All => "with every key",
                Breadth::Regions => "with every key of some Regions",
                Breadth::Region => "with every key of a Region",
            };
            let message = format!(
                "{} lets {} decrypt {where_}: {} of the {} keys known of account {}",
                document.name,
                list(&names),
                reached.keys.len(),
                scope.keys_of(holder.account).len(),
                holder.account
            );
            let mut report = sink
                .report(document.subject.as_str(), message)
                .statement(document.document, wide.index, "its resources are all keys")
                .principals(reached.holders.iter().map(|it| it.arn.to_string()))
                .help(
                    "name the keys by their ARNs, or add a condition on aws:ResourceTag or \
                     kms:ResourceAliases; `*` also takes keys of other accounts that let these in",
                );
            if wide.breadth != Breadth::All {
                report = report.facet("one-region");
            }
            report.done();
        }
    }
}
