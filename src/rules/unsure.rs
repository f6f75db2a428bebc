//! What is less sure because two files state it in two ways: which of the two counts is nobody's choice.

use rustc_hash::FxHashSet;

use crate::diag::{Confidence, Persona};
use crate::findings::Finding;
use crate::source::Place;

use super::Scope;

/// The rules that tell of the files themselves: what they say holds whichever counts.
const OF_FILES: [&str; 5] = [
    "conflicting-duplicates",
    "malformed-policy",
    "missing-input",
    "truncated-export",
    "unresolved-reference",
];

/// Takes confidence from findings about what is stated in two ways; what is left of low confidence only
/// auditors want to read.
pub(super) fn weaken(scope: &Scope<'_>, findings: &mut [Finding]) {
    let conflicts = &scope.world.conflicts;
    if conflicts.is_empty() {
        return;
    }
    let places: FxHashSet<Place> = conflicts.iter().map(|conflict| conflict.kept).collect();
    let subjects: FxHashSet<&str> = conflicts.iter().map(|conflict| &*conflict.subject).collect();
    for finding in findings.iter_mut().filter(|it| !OF_FILES.contains(&it.rule)) {
        let of_key = finding.key.as_ref().is_some_and(|key| subjects.contains(key.as_str()));
        if !of_key && !finding.labels.iter().any(|label| places.contains(&label.place)) {
            continue;
        }
        finding.confidence = match finding.confidence {
            Confidence::High => Confidence::Medium,
            Confidence::Medium | Confidence::Low => Confidence::Low,
        };
        if finding.confidence == Confidence::Low {
            finding.persona = Persona::Auditor;
        }
    }
}
