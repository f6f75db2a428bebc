//! Whether an explicit deny stands whatever is missing.

use crate::decision::{CallerKind, Gate};

use super::scene::Scene;
use super::told::{Cite, Told};

/// Whether a Deny that decides is well-formed and resolved, and applies whatever is missing: one that asks
/// for tags of the key is not certain where those were not exported.
pub(super) fn certain(scene: &Scene<'_, '_>, trace: &[Told<'_>]) -> bool {
    // The ARN of a session lacks the path that tells a service-linked role, which these do not bind.
    let may_be_service_linked = scene.caller.identity.is_none()
        && matches!(scene.request.caller.kind, CallerKind::AssumedRole { .. });
    let binds =
        |step: &&Told<'_>| !(may_be_service_linked && matches!(step.gate, Gate::Scp | Gate::Rcp));
    let steps = trace.iter().filter(|step| step.decides).filter(binds);
    let mut cited = steps.flat_map(|step| &step.cited);
    cited.any(|cite| {
        cite.statement().is_some_and(|statement| {
            statement.standing == crate::policy::Standing::Sound
                && statement.unresolved().next().is_none()
        }) && !(scene.has_missing() && asks_for_missing(scene, *cite))
    })
}

/// Whether a statement was read with something that was not exported.
fn asks_for_missing(scene: &Scene<'_, '_>, cite: Cite<'_>) -> bool {
    let Cite::Statement(applying) = cite else {
        return false;
    };
    let alone = scene.afresh();
    applying.applies(&alone);
    alone.has_missing()
}
