//! An identity that is no administrator of its account can take many keys away.

use crate::aws::{ActionSet, KmsAction};
use crate::inventory::Key;

use super::controllers::list;
use super::report::Sink;
use super::wide::{destroys, reached, wide_but_for_full};
use super::{Documented, Rule, Scope, short_name};

/// See the rule's page.
pub(super) struct WideDestructiveRights;

impl Rule for WideDestructiveRights {
    fn document(&self, scope: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let mut wanted = destroys();
        wanted.insert(KmsAction::PUT_KEY_POLICY);
        for wide in wide_but_for_full(scope, document, wanted) {
            let reached = reached(scope, document.document, &wide, wanted);
            let at_once = |(key, held): &(&Key, ActionSet)| {
                held.contains(KmsAction::DELETE_IMPORTED_KEY_MATERIAL) && is_imported(key)
            };
            if reached.keys.len() < 2 && !reached.keys.iter().any(at_once) {
                continue;
            }
            let names: Vec<String> = reached.holders.iter().map(|it| short_name(it)).collect();
            let all = reached.keys.iter().fold(ActionSet::EMPTY, |all, (_, held)| all.union(*held));
            let actions: Vec<String> = all.iter().map(|action| action.to_string()).collect();
            let keys: Vec<String> =
                reached.keys.iter().map(|(key, _)| scope.world.shown_key(key)).collect();
            let message = format!(
                "{} lets {} take away {}, by {}",
                document.name,
                list(&names),
                list(&keys),
                list(&actions)
            );
            sink.report(document.subject.as_str(), message)
                .statement(document.document, wide.index, "its resources are all keys")
                .principals(reached.holders.iter().map(|it| it.arn.to_string()))
                .help(
                    "name the keys by their ARNs, or deny these actions by an SCP that exempts one \
                     role",
                )
                .done();
        }
    }
}

/// Whether the material of the key was imported: it can be deleted without a waiting period.
fn is_imported(key: &Key) -> bool {
    key.metadata.as_ref().is_some_and(|it| it.origin.as_deref() == Some("EXTERNAL"))
}
