//! Why a request is denied, for the log and for the message of an answer.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::audit::{self, Texts};
use crate::decision::{ControlRequest, Decision, Gate, Outcome, Request};
use crate::diag::{Look, Renderer};
use crate::encryptor::{Without, reason};
use crate::ingest::Disk;
use crate::inventory::Inventory;
use crate::report::why;

/// What follows `is not authorized to perform: ... on resource: ...` in the texts of STS and IAM.
pub(super) fn because(decision: &Decision, action: &str) -> String {
    match decision.outcome {
        // STS says no more.
        Outcome::ImplicitDeny(Gate::TrustPolicy) => String::new(),
        _ => reason(decision, action),
    }
}

/// A denied request to KMS as `keyreach why` explains it, in the world that decided it.
pub(super) fn kms(
    world: &Inventory,
    request: &Request,
    without: Option<&Without>,
    now: Timestamp,
) -> String {
    let world = without.map_or(world, |without| &without.world);
    let story = audit::why(world, request.clone(), now);
    let texts = Texts::new(&Disk, world);
    let mut out = Vec::new();
    // A vector takes whatever is written.
    let _ = why::human(&mut out, &Renderer::new(Look::PLAIN), world, &texts, &story);
    let mut out = String::from_utf8_lossy(&out).into_owned();
    for grant in without.iter().flat_map(|without| &without.grants) {
        // A string takes whatever is written.
        let _ = writeln!(out, "Left out: grant {grant}, which does not count for this request.");
    }
    out
}

/// A denied request to STS or IAM: the gate, and the statements that it rests on.
pub(super) fn control(world: &Inventory, request: &ControlRequest, decision: &Decision) -> String {
    let ControlRequest { caller, action, resource, .. } = request;
    let reason = decision.outcome.reason().name();
    let gate = decision.outcome.denied_by().map_or("", Gate::name);
    // A string takes whatever is written.
    let mut out = format!("{caller} may not {action} on {resource}: {reason} by {gate}\n");
    for citation in decision.matched() {
        let (place, _) = citation.at();
        let line = citation.line().map(|line| format!(":{line}")).unwrap_or_default();
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        let sid = sid.map(|sid| format!(" statement `{}`", sid.value)).unwrap_or_default();
        let path = world.sources.path(place.file);
        let _ = writeln!(out, "  {}{sid} ({path}{line})", citation.policy);
    }
    for missing in &decision.missing {
        let _ = writeln!(out, "  not in the export: {missing}");
    }
    out
}
