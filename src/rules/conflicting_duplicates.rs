//! Two files describe one entity differently.

use crate::aws::KeyArn;

use super::report::Sink;
use super::{Rule, Scope};

/// See the rule's page.
pub(super) struct ConflictingDuplicates;

impl Rule for ConflictingDuplicates {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        for conflict in &scope.world.conflicts {
            let kept = scope.world.sources.path(conflict.kept.file);
            let message =
                format!("{} is stated in two ways: the one in {kept} was used", conflict.what);
            let mut report = sink
                .report(&*conflict.what, message)
                .at(conflict.other, None, "this one was not used")
                .beside(conflict.kept, None, "it says something else here, and this counts")
                .help(
                    "audit one state at a time: remove the older export, or name one directory; \
                     `keyreach diff` compares two",
                );
            if let Some(key) = KeyArn::parse(&conflict.subject) {
                report = report.key(&key);
            }
            report.done();
        }
    }
}
