//! Two files describe one entity differently.

use crate::aws::KeyArn;
use crate::inventory::Conflict;

use super::report::Sink;
use super::{Rule, Scope};

/// See the rule's page.
pub(super) struct ConflictingDuplicates;

const EXPORTED: &str = "audit one state at a time: remove the older export, or name one directory; \
                        `keyreach check --base` compares two";

const DECLARED: &str = "check one stack or root module at a time by naming its directory; verdicts that hang \
                        on it are unknown until then";

impl Rule for ConflictingDuplicates {
    fn world(&self, scope: &Scope<'_>, sink: &mut Sink<'_>) {
        for conflict in scope.world.conflicts.iter() {
            let kept = scope.world.sources.path(conflict.kept.file);
            let message =
                format!("{} is stated in two ways: the one in {kept} was used", conflict.what);
            let mut report = sink.report(&*conflict.what, message).help(EXPORTED);
            report = match conflict.kept == conflict.other {
                true => report.at(conflict.kept, None, "made here twice, each in its own way"),
                false => report.at(conflict.other, None, "this one was not used").beside(
                    conflict.kept,
                    None,
                    "it says something else here, and this counts",
                ),
            };
            if is_declared(scope, conflict) {
                report = report.facet("declared").help(DECLARED);
            }
            if let Some(key) = KeyArn::parse(&conflict.subject) {
                report = report.key(&key);
            }
            report.done();
        }
    }
}

/// Whether infrastructure code says both: two stacks that are never deployed to one account, or of which one
/// is deployed instead of the other, may use one name.
fn is_declared(scope: &Scope<'_>, conflict: &Conflict) -> bool {
    let files = scope.world.declared.as_ref().map(|declared| &declared.files);
    let places = [conflict.kept, conflict.other];
    files.is_some_and(|files| places.iter().all(|place| files.contains(&place.file)))
}
