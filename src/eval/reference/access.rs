//! The order of evaluation (section 3.2 of the semantics): from explicit denies to the paths of rule E20.
//!
//! Statements that deny are looked at first, and by themselves: where one applies for certain, nothing that
//! allows changes the answer, and most requests of a large organization that are denied are denied so.

use std::collections::BTreeSet;

use crate::aws::KmsAction;
use crate::decision::{CallerKind, Gate, Outcome, Path, Reading, Target};

use super::asking::What;
use super::certainty::certain;
use super::compare::truth_value;
use super::control;
use super::grants::{self, Retiring, Way};
use super::participants::{Bounds, Level, Participants, Taking, note_key_gap, only_narrowing};
use super::paths::{Offer, choose};
use super::principals::Class;
use super::scene::Scene;
use super::statements::{Applied, allowing, denying, note_unreadable};
use super::told::{Cite, Decided, Told, deciding, step};

/// What one level of an organization says.
struct LevelSays<'a> {
    id: &'a str,
    applied: Applied<'a>,
}

/// What allows the request, gate by gate.
pub(super) struct Gates<'a> {
    scp: Result<Vec<LevelSays<'a>>, &'static str>,
    /// Why no RCP binds, where none does: what one allows is never asked for (rule E12).
    rcp: Result<(), &'static str>,
    endpoint: Option<Applied<'a>>,
    key: Option<Applied<'a>>,
    trust: Option<Applied<'a>>,
    /// The caller's identity policies.
    pub(super) identity: Applied<'a>,
    /// The permissions boundary, where there is one.
    pub(super) boundary: Option<Applied<'a>>,
    /// The session policies, where there are any.
    pub(super) session: Option<Applied<'a>>,
}

impl<'a> Gates<'a> {
    fn of(scene: &Scene<'_, '_>, participants: &Participants<'a>) -> Self {
        let say = |level: &Level<'a>| LevelSays {
            applied: allowing(scene, &level.policies),
            id: level.id,
        };
        let levels = |bounds: &Bounds<'a>| -> Result<Vec<LevelSays<'a>>, &'static str> {
            let levels = bounds.levels.as_ref();
            levels.map(|levels| levels.iter().map(say).collect()).map_err(|why| *why)
        };
        let set = |set: &Option<Vec<_>>| set.as_ref().map(|set| allowing(scene, set));
        // What cannot be read may deny.
        let rcp = participants.rcp.levels.as_ref();
        rcp.into_iter().flatten().for_each(|level| note_unreadable(scene, &level.policies));
        Self {
            scp: levels(&participants.scp),
            rcp: rcp.map(drop).map_err(|why| *why),
            endpoint: set(&participants.endpoint),
            key: set(&participants.key),
            trust: set(&participants.trust),
            identity: allowing(scene, &participants.identity),
            boundary: set(&participants.boundary),
            session: set(&participants.session),
        }
    }
}

/// The decision on the request of `scene`, without the open points.
pub(super) fn decide<'a>(scene: &Scene<'a, '_>) -> Decided<'a> {
    decide_among(scene, &Participants::of(scene))
}

/// The same, where it is known who takes part.
pub(super) fn decide_among<'a>(
    scene: &Scene<'a, '_>,
    participants: &Participants<'a>,
) -> Decided<'a> {
    let mut trace = Vec::new();
    let denied = explicit_deny(scene, participants, &mut trace);
    // Nothing that is missing lifts a Deny that applies for certain.
    if let Some(outcome) = denied
        && certain(scene, &trace)
    {
        return Decided { outcome, trace, missing: BTreeSet::new() };
    }
    let gates = Gates::of(scene, participants);
    let outcome = denied
        .or_else(|| refused(scene, &mut trace))
        .or_else(|| limits(scene, &gates, &mut trace))
        .unwrap_or_else(|| granted(scene, &gates, &mut trace));
    if matches!(outcome, Outcome::ImplicitDeny(_))
        && scene.request.info().is_some_and(|info| info.grantable)
    {
        note_key_gap(scene, "grants");
    }
    let mut missing = scene.missing();
    if !matches!(outcome, Outcome::Allowed(_)) {
        // Rule U7: what could only deny more turns no denial.
        let narrowing = only_narrowing(scene);
        missing.retain(|what| !narrowing.contains(what));
    }
    Decided { outcome, trace, missing }
}

/// Rule E10. Every gate whose Deny applies is told; the first in the order of section 7 is the answer.
fn explicit_deny<'a>(
    scene: &Scene<'_, '_>,
    participants: &Participants<'a>,
    trace: &mut Vec<Told<'a>>,
) -> Option<Outcome> {
    let of = |policies: &[Taking<'a>]| -> Vec<Cite<'a>> {
        denying(scene, policies).into_iter().map(Cite::Statement).collect()
    };
    let of_levels = |bounds: &Bounds<'a>| -> Vec<Cite<'a>> {
        bounds.levels.iter().flatten().flat_map(|level| of(&level.policies)).collect()
    };
    let of_set = |set: Option<&Vec<Taking<'a>>>| set.map_or_else(Vec::new, |set| of(set));
    // Rule K7: a key policy has no say in RetireGrant.
    let key = participants.key.as_ref().filter(|_| !scene.request.is(KmsAction::RETIRE_GRANT));
    let denies = [
        (Gate::Scp, of_levels(&participants.scp)),
        (Gate::Rcp, of_levels(&participants.rcp)),
        (Gate::VpcEndpointPolicy, of_set(participants.endpoint.as_ref())),
        (Gate::KeyPolicy, of_set(key)),
        (Gate::TrustPolicy, of_set(participants.trust.as_ref())),
        (Gate::IdentityPolicy, of(&participants.identity)),
        (Gate::PermissionsBoundary, of_set(participants.boundary.as_ref())),
        (Gate::SessionPolicy, of_set(participants.session.as_ref())),
    ];
    let (mut explicit, mut perhaps) = (None, None);
    for (gate, cited) in denies.into_iter().filter(|(_, cited)| !cited.is_empty()) {
        let (written, unwritten): (Vec<_>, Vec<_>) = cited.into_iter().partition(is_written);
        if written.is_empty() {
            // Rule U7: what is not known may deny, and nobody says that it does.
            trace.push(deciding(step(gate, Reading::MayDeny, unwritten, &["U7"])));
            perhaps = perhaps.or(Some(Outcome::ImplicitDeny(gate)));
        } else {
            trace.push(deciding(step(gate, Reading::Denies, written, &["E10"])));
            explicit = explicit.or(Some(Outcome::ExplicitDeny(gate)));
        }
    }
    explicit.or(perhaps)
}

/// Whether somebody wrote what is cited.
fn is_written(cite: &Cite<'_>) -> bool {
    !matches!(cite, Cite::Statement(applying) if !applying.is_written())
}

/// What refuses, by its gate, whatever policies say, and the rules that say so.
pub(super) type Refusal = (Gate, &'static str, &'static [&'static str]);

/// What is refused whatever policies say (rules L5, K15, X11), and what another account never may (rules
/// E11, X2). Both gates are told where both refuse; the first is the answer.
fn refused(scene: &Scene<'_, '_>, trace: &mut Vec<Told<'_>>) -> Option<Outcome> {
    let refusals = match scene.request.what {
        What::Kms(action, target) => [operation(scene, target), crossing(scene, action, target)],
        What::Control(..) => [control::refusal(scene), None],
    };
    let mut first = None;
    for (gate, why, rules) in refusals.into_iter().flatten() {
        trace.push(deciding(step(gate, Reading::Refuses(why), Vec::new(), rules)));
        first = first.or(Some(Outcome::ImplicitDeny(gate)));
    }
    first
}

/// What nobody may.
fn operation(scene: &Scene<'_, '_>, target: &Target) -> Option<Refusal> {
    if let Target::Alias(arn) = target
        && scene.is_alias_half()
        && arn.name().starts_with("alias/aws/")
    {
        return Some((Gate::Operation, "aliases under alias/aws/ belong to AWS", &["L5"]));
    }
    let fixed = scene.request.info().is_some_and(|info| info.fixed_on_aws_managed_keys);
    let is_fixed = fixed && scene.needs_key() && is_aws_managed(scene);
    is_fixed.then_some((Gate::Operation, "AWS managed keys cannot be changed", &["K15"]))
}

/// What nobody of another account may.
fn crossing(scene: &Scene<'_, '_>, action: KmsAction, target: &Target) -> Option<Refusal> {
    let (owner, partition) = match target {
        Target::Key(arn) => (arn.account(), arn.partition()),
        Target::Alias(arn) => (arn.account(), arn.partition()),
        _ => return None,
    };
    let home = scene.caller.account?;
    let (why, rules): (_, &[_]) = if scene.request.caller.partition() != partition {
        ("no request crosses partitions", &["X11"])
    } else if home == owner {
        return None;
    } else if !action.info().cross_account || scene.is_alias_half() {
        ("other accounts never may, whatever policies say", &["E11"])
    } else if is_aws_managed(scene) {
        ("AWS managed keys serve their own account only", &["X2"])
    } else {
        return None;
    };
    Some((Gate::CrossAccount, why, rules))
}

fn is_aws_managed(scene: &Scene<'_, '_>) -> bool {
    scene.key.is_some_and(crate::inventory::Key::is_aws_managed)
}

/// The gates that every request passes: RCP, SCP at each level, the VPC endpoint (rules E12 to E14).
fn limits<'a>(
    scene: &Scene<'_, '_>,
    gates: &Gates<'a>,
    trace: &mut Vec<Told<'a>>,
) -> Option<Outcome> {
    match &gates.rcp {
        // Rule E12: RCPFullAWSAccess is attached everywhere, so only Deny matters.
        Ok(_) => trace.push(step(Gate::Rcp, Reading::Allows(None), Vec::new(), &["E12"])),
        Err(why) => trace.push(step(Gate::Rcp, Reading::NotAsked(why), Vec::new(), &["E12"])),
    }
    match &gates.scp {
        Err(why) => trace.push(step(Gate::Scp, Reading::NotAsked(why), Vec::new(), &["E13"])),
        Ok(levels) => {
            // Rule E13: each level must allow.
            if let Some(level) = levels.iter().find(|level| level.applied.allows.is_empty()) {
                let reading = Reading::Silent(Some(level.id.into()));
                trace.push(deciding(step(Gate::Scp, reading, Vec::new(), &["E13"])));
                return Some(Outcome::ImplicitDeny(Gate::Scp));
            }
            let cited = levels.iter().flat_map(|level| level.applied.cites()).collect();
            trace.push(step(Gate::Scp, Reading::Allows(None), cited, &["E13"]));
        }
    }
    if let Some(endpoint) = &gates.endpoint {
        if endpoint.allows.is_empty() {
            let silent = step(Gate::VpcEndpointPolicy, Reading::Silent(None), Vec::new(), &["E14"]);
            trace.push(deciding(silent));
            return Some(Outcome::ImplicitDeny(Gate::VpcEndpointPolicy));
        }
        let cited = endpoint.cites().collect();
        trace.push(step(Gate::VpcEndpointPolicy, Reading::Allows(None), cited, &["E14"]));
    }
    // Rule E27: the task policies of AssumeRoot sessions hold no KMS action.
    let assumed = scene.request.context.get("aws:AssumedRoot").map(|entry| entry.value.values());
    if scene.request.caller.kind == CallerKind::Root
        && matches!(assumed, Some([value]) if truth_value(value) == Some(true))
    {
        let why = "sessions of AssumeRoot are limited to tasks outside KMS";
        trace.push(deciding(step(
            Gate::SessionPolicy,
            Reading::Refuses(why),
            Vec::new(),
            &["E27"],
        )));
        return Some(Outcome::ImplicitDeny(Gate::SessionPolicy));
    }
    None
}

/// Rule E15: which table answers.
fn granted<'a>(scene: &Scene<'a, '_>, gates: &Gates<'a>, trace: &mut Vec<Told<'a>>) -> Outcome {
    if let Some(trust) = &gates.trust {
        return with_trust(scene, gates, trust, trace);
    }
    match &gates.key {
        None => without_key(scene, gates, trace),
        Some(_) if scene.request.is(KmsAction::RETIRE_GRANT) => retire(scene, gates, trace),
        Some(key) => {
            let mut offers = offers(scene, Gate::KeyPolicy, key, trace);
            offers.extend(granted_ways(scene, trace));
            choose(scene, gates, Gate::KeyPolicy, offers, trace)
        }
    }
}

/// Rules E50 to E52, T2: identity policies of the home account decide.
fn without_key<'a>(scene: &Scene<'_, '_>, gates: &Gates<'a>, trace: &mut Vec<Told<'a>>) -> Outcome {
    if scene.request.kms().is_none() && !control::has_identity_side(scene) {
        let silent = step(Gate::IdentityPolicy, Reading::Silent(None), Vec::new(), &["E40", "T2"]);
        trace.push(deciding(silent));
        return Outcome::ImplicitDeny(Gate::IdentityPolicy);
    }
    if scene.request.caller.kind == CallerKind::Root {
        let allows = Reading::Allows(Some(Path::RootNoKey));
        trace.push(deciding(step(Gate::IdentityPolicy, allows, Vec::new(), &["E51"])));
        return Outcome::Allowed(Path::RootNoKey);
    }
    let offer = Offer { path: Path::NoKey, cite: None, external: false };
    choose(scene, gates, Gate::KeyPolicy, vec![offer], trace)
}

/// Whether the caller is of another account than what is asked for (rules E30, T4).
fn is_external(scene: &Scene<'_, '_>) -> bool {
    scene.caller.account.is_some_and(|home| Some(home) != scene.owner())
}

/// Rules E20, E30, E40: the paths that the resource's policies open, in their order.
fn offers<'a>(
    scene: &Scene<'_, '_>,
    gate: Gate,
    policies: &Applied<'a>,
    trace: &mut Vec<Told<'a>>,
) -> Vec<Offer<'a>> {
    let external = is_external(scene);
    let mut offers: Vec<Offer<'_>> = Vec::new();
    for (applying, classes) in &policies.allows {
        for class in classes {
            offers.push(Offer {
                path: key_path(*class),
                cite: Some(Cite::Statement(*applying)),
                external,
            });
        }
    }
    // The order of the batch contract: by name, then by IAM, grants last.
    offers.sort_by_key(|offer| offer.path);
    let cited: Vec<Cite<'_>> = offers.iter().filter_map(|offer| offer.cite).collect();
    let reading = match offers.first() {
        Some(offer) => Reading::Allows(Some(offer.path)),
        None => Reading::Silent(None),
    };
    let rules: &[&str] = match (gate, external) {
        (Gate::TrustPolicy, false) => &["T3"],
        (Gate::TrustPolicy, true) => &["T4"],
        (_, false) => &["E20"],
        (_, true) => &["E30"],
    };
    trace.push(step(gate, reading, cited, rules));
    offers
}

/// Rules E20, E33: the paths that grants open.
fn granted_ways<'a>(scene: &Scene<'a, '_>, trace: &mut Vec<Told<'a>>) -> Vec<Offer<'a>> {
    let external = is_external(scene);
    let ways = grants::ways(scene);
    if !ways.is_empty() {
        let cited = ways.iter().map(|way| Cite::Grant(way.grant)).collect();
        let first = ways.iter().map(|way| way.path).min();
        trace.push(step(Gate::Grant, Reading::Allows(first), cited, &["G4"]));
    }
    let offer = |Way { path, grant }| Offer { path, cite: Some(Cite::Grant(grant)), external };
    let mut ways: Vec<Offer<'_>> = ways.into_iter().map(offer).collect();
    ways.sort_by_key(|offer| offer.path);
    ways
}

/// Rules T3, T4, T8, T9: the table of rule E20 with the trust policy in the key policy's place.
fn with_trust<'a>(
    scene: &Scene<'_, '_>,
    gates: &Gates<'a>,
    trust: &Applied<'a>,
    trace: &mut Vec<Told<'a>>,
) -> Outcome {
    let offers = offers(scene, Gate::TrustPolicy, trust, trace);
    match choose(scene, gates, Gate::TrustPolicy, offers, trace) {
        // By the account principal, or from elsewhere, identity policies decide with it.
        Outcome::Allowed(path) if path != Path::P6 => Outcome::Allowed(Path::Trust),
        other => other,
    }
}

/// The path that a key policy statement opens, by the class in which it means the caller.
fn key_path(class: Class) -> Path {
    match class {
        Class::User => Path::P1,
        Class::Session => Path::P2,
        Class::Everyone => Path::P3,
        Class::ViaRole => Path::P4,
        Class::ViaUser => Path::P5,
        Class::Account => Path::P6,
        Class::Root => Path::P7,
        Class::Service => Path::Service,
        Class::Provider => Path::Trust,
    }
}

/// Rules G41, G42: RetireGrant has a table of its own; key policies have no say (rule K7).
fn retire<'a>(scene: &Scene<'a, '_>, gates: &Gates<'a>, trace: &mut Vec<Told<'a>>) -> Outcome {
    let mut direct = Vec::new();
    let mut by_identity = Vec::new();
    for retiring in grants::retirable(scene) {
        let (found, path, grant) = match retiring {
            Retiring::Directly(Way { path, grant }) => (&mut direct, path, grant),
            Retiring::ByIdentity(grant) => (&mut by_identity, Path::NoKey, grant),
        };
        found.push(Offer { path, cite: Some(Cite::Grant(grant)), external: false });
    }
    let cited: Vec<Cite<'_>> =
        direct.iter().chain(&by_identity).filter_map(|offer| offer.cite).collect();
    if cited.is_empty() {
        let silent = step(Gate::KeyPolicy, Reading::Silent(None), Vec::new(), &["G41", "G42"]);
        trace.push(deciding(silent));
        return Outcome::ImplicitDeny(Gate::KeyPolicy);
    }
    trace.push(step(Gate::Grant, Reading::Allows(Some(Path::Retire)), cited, &["G41"]));
    by_identity.extend(direct);
    match choose(scene, gates, Gate::KeyPolicy, by_identity, trace) {
        Outcome::Allowed(Path::P8 | Path::P9) => Outcome::Allowed(Path::Retire),
        // M18: a refusal to retire reads as one of the resource's side.
        Outcome::ImplicitDeny(Gate::IdentityPolicy) => Outcome::ImplicitDeny(Gate::KeyPolicy),
        other => other,
    }
}
