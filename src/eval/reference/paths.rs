//! The paths of rule E20: what each still needs, which is complete, and what the others lack.

use crate::decision::{CallerKind, Gate, OpenPoint, Outcome, Path, Reading};

use super::access::Gates;
use super::scene::Scene;
use super::statements::Applied;
use super::told::{Cite, Told, deciding, step};

/// A path that the key's side opens; what the home side must add follows from it.
pub(super) struct Offer<'a> {
    /// The path.
    pub(super) path: Path,
    /// The statement or grant that opens it.
    pub(super) cite: Option<Cite<'a>>,
    /// Whether the caller is of another account than the key (rules E30, E33).
    pub(super) external: bool,
}

/// What a path still needs (the columns of rule E20).
struct Needs {
    identity: bool,
    boundary: bool,
    session: bool,
}

/// The columns of rule E20, and of rules E30 to E33 for other accounts.
fn needs(scene: &Scene<'_, '_>, offer: &Offer<'_>) -> Needs {
    let kind = &scene.request.caller.kind;
    // Rules E26, E32, E40: root users and services have no identity side.
    if matches!(kind, CallerKind::Root | CallerKind::Service | CallerKind::Provider) {
        return Needs { identity: false, boundary: false, session: false };
    }
    let is_grant = matches!(offer.path, Path::P8 | Path::P9 | Path::P10);
    // Rules E30, E31: naming an external caller does not replace the identity Allow at home.
    if offer.external && !is_grant {
        return Needs { identity: true, boundary: true, session: true };
    }
    let mut needs = match offer.path {
        Path::P1
        | Path::P2
        | Path::P3
        | Path::P7
        | Path::P8
        | Path::Service
        | Path::Retire
        | Path::Trust => Needs { identity: false, boundary: false, session: false },
        Path::P4 | Path::P5 | Path::P9 => Needs { identity: false, boundary: true, session: true },
        Path::P6 | Path::P10 | Path::NoKey | Path::RootNoKey => {
            Needs { identity: true, boundary: true, session: true }
        }
    };
    if is_grant {
        // O1: some ask an external grantee for an identity Allow.
        let external = offer.external && !needs.identity;
        needs.identity |= external && scene.reads_other(OpenPoint::O1, || external);
        // O3: some let grants pass boundary and session policies.
        let limited = needs.boundary || needs.session;
        if limited && scene.reads_other(OpenPoint::O3, || limited) {
            needs.boundary = false;
            needs.session = false;
        }
    }
    needs
}

/// The first path that is complete; where none is, what the one that came furthest lacks (section 7:
/// key side or trust policy, identity, boundary, session).
pub(super) fn choose<'a>(
    scene: &Scene<'_, '_>,
    gates: &Gates<'a>,
    side: Gate,
    offers: Vec<Offer<'a>>,
    trace: &mut Vec<Told<'a>>,
) -> Outcome {
    let mut furthest: Option<Gate> = None;
    for offer in offers {
        let needs = needs(scene, &offer);
        match lacks(scene, gates, &needs) {
            None => {
                tell(gates, side, &offer, &needs, trace);
                return Outcome::Allowed(offer.path);
            }
            Some(gate) => furthest = furthest.max(Some(gate)),
        }
    }
    match furthest {
        None => {
            mark(trace, side);
            Outcome::ImplicitDeny(side)
        }
        Some(gate) => {
            if gate > Gate::IdentityPolicy {
                let cited: Vec<Cite<'_>> = gates.identity.cites().collect();
                let reading =
                    if cited.is_empty() { Reading::Silent(None) } else { Reading::Allows(None) };
                trace.push(step(Gate::IdentityPolicy, reading, cited, &["E21"]));
            }
            trace.push(deciding(step(gate, Reading::Silent(None), Vec::new(), &["E20"])));
            Outcome::ImplicitDeny(gate)
        }
    }
}

/// The first gate that keeps a path from being complete; nothing where it is.
fn lacks(scene: &Scene<'_, '_>, gates: &Gates<'_>, needs: &Needs) -> Option<Gate> {
    let silent = |applied: Option<&Applied<'_>>| applied.is_some_and(|set| set.allows.is_empty());
    if needs.identity && gates.identity.allows.is_empty() {
        return Some(Gate::IdentityPolicy);
    }
    if needs.boundary && silent(gates.boundary.as_ref()) {
        return Some(Gate::PermissionsBoundary);
    }
    // Rule E29: a federated-user session that was given no session policy may do nothing by itself.
    let federated = matches!(scene.request.caller.kind, CallerKind::FederatedUser { .. });
    let without_policy = federated && gates.session.is_none();
    if needs.session && (without_policy || silent(gates.session.as_ref())) {
        return Some(Gate::SessionPolicy);
    }
    None
}

/// Tells the steps of the path that is complete, each of which decides.
fn tell<'a>(
    gates: &Gates<'a>,
    side: Gate,
    offer: &Offer<'a>,
    needs: &Needs,
    trace: &mut Vec<Told<'a>>,
) {
    if let Some(cite) = offer.cite {
        let gate = match cite {
            Cite::Statement(_) => side,
            Cite::Grant(_) => Gate::Grant,
        };
        for told in trace.iter_mut().filter(|told| told.gate == gate) {
            told.decides = true;
            told.cited.retain(|other| other.is(cite));
            told.reading = Reading::Allows(Some(offer.path));
        }
    }
    if needs.identity {
        let cited = gates.identity.cites().collect();
        let allows = Reading::Allows(None);
        trace.push(deciding(step(Gate::IdentityPolicy, allows, cited, &["E21"])));
    }
    let limits = [
        (Gate::PermissionsBoundary, gates.boundary.as_ref(), needs.boundary),
        (Gate::SessionPolicy, gates.session.as_ref(), needs.session),
    ];
    for (gate, applied, needed) in limits {
        match applied {
            Some(applied) if needed => {
                let cited = applied.cites().collect();
                trace.push(step(gate, Reading::Allows(None), cited, &["E20"]));
            }
            Some(_) => {
                let why = "does not limit this path";
                trace.push(step(gate, Reading::NotAsked(why), Vec::new(), &["E20"]));
            }
            None => {}
        }
    }
}

fn mark(trace: &mut [Told<'_>], gate: Gate) {
    for told in trace.iter_mut().filter(|told| told.gate == gate) {
        told.decides = true;
    }
}
