//! Related multi-Region keys do not grant the same access.

use std::collections::BTreeMap;

use crate::aws::{ActionSet, KeyArn};
use crate::decision::{Caller, Cited, Holding};
use crate::inventory::{Key, MultiRegionRole};
use crate::policy::PolicyDocument;
use crate::source::Place;

use super::controllers::{list, reveal, short};
use super::outsiders::{is_told_of, uses};
use super::report::{Report, Sink};
use super::wide::controls;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ReplicaPolicyDrift;

impl Rule for ReplicaPolicyDrift {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(primary) = primary(scope) else { return };
        let before = KeyScope::new(scope.scope, primary);
        let wanted = uses().union(controls()).intersection(scope.possible());
        let (mut there, mut here) = (held(&before, wanted), held(scope, wanted));
        // What everyone can do other rules tell.
        let is_ours = |caller: &Caller| caller.account.is_none_or(|it| scope.scope.is_trusted(it));
        let is_named = |caller: &Caller| {
            is_ours(caller) || is_told_of(scope, caller) || is_told_of(&before, caller)
        };
        there.retain(|caller, _| is_named(caller));
        here.retain(|caller, _| is_named(caller));
        let (wider, narrower) = (difference(&here, &there), difference(&there, &here));
        if !wider.is_empty() || !narrower.is_empty() {
            tell(scope, &before, sink, &wider, &narrower);
        }
    }
}

/// The primary of a replica, where both are loaded with their policies.
fn primary<'a>(scope: &KeyScope<'a>) -> Option<&'a Key> {
    let part = scope.key.metadata.as_ref()?.multi_region.as_ref()?;
    let arn = KeyArn::parse(part.primary.as_deref()?)?;
    let is_replica = part.role == MultiRegionRole::Replica && arn != scope.key.arn;
    let primary = scope.world().key(&arn).filter(|_| is_replica)?;
    let known = |key: &Key| key.policy.is_some() && key.grants_listed;
    (known(primary) && known(scope.key)).then_some(primary)
}

/// What everyone who exists holds of `wanted`; who is not there holds nothing of it for certain.
fn held(scope: &KeyScope<'_>, wanted: ActionSet) -> BTreeMap<Caller, Holding> {
    let holders = scope.holders(wanted);
    let all = holders.iter().flat_map(|group| group.who.iter().map(|it| (it.clone(), group.holds)));
    all.collect()
}

/// What callers hold on one key for certain, and surely not on the other.
fn difference(
    one: &BTreeMap<Caller, Holding>,
    other: &BTreeMap<Caller, Holding>,
) -> BTreeMap<Caller, ActionSet> {
    let gain = |(caller, has): (&Caller, &Holding)| {
        let had = other.get(caller).copied().unwrap_or_default();
        let more = has.sure.minus(had.possible);
        (!more.is_empty()).then(|| (caller.clone(), more))
    };
    one.iter().filter_map(gain).collect()
}

/// The grant by which the first of those holds more who hold more on this key than on the other.
fn giving(scope: &KeyScope<'_>, more: &BTreeMap<Caller, ActionSet>) -> Option<Place> {
    let (caller, actions) = more.first_key_value()?;
    let verdict = scope.verdict(caller, actions.iter().next()?);
    let decision = scope.scope.reach.decide(verdict.witness()?);
    let mut matched = decision.matched();
    matched.find_map(|citation| match &citation.cited {
        Cited::Grant { place, .. } => Some(*place),
        Cited::Statement { .. } => None,
    })
}

fn tell(
    scope: &KeyScope<'_>,
    before: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    wider: &BTreeMap<Caller, ActionSet>,
    narrower: &BTreeMap<Caller, ActionSet>,
) {
    let grave: ActionSet = reveal(scope).into_iter().collect::<ActionSet>().union(controls());
    let is_grave = wider.values().any(|actions| actions.intersects(grave));
    let (side, than) = if wider.is_empty() { (narrower, "less") } else { (wider, "more") };
    let names: Vec<String> = side.keys().map(|caller| short(caller).to_owned()).collect();
    let actions = side.values().fold(ActionSet::EMPTY, |all, actions| all.union(*actions));
    let actions: Vec<String> = actions.iter().map(|action| action.to_string()).collect();
    let message = format!(
        "replica {} gives {than} than its primary in {} to {}: {}",
        scope.name(),
        before.key.arn.region(),
        list(&names),
        list(&actions)
    );
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .principals(side.keys().map(|it| it.to_string()))
        .help(
            "put one policy on all related keys: they open the same ciphertexts, and KMS never copies \
             policies or grants",
        );
    report = placed(report, scope, before, &[wider, narrower]);
    if is_grave {
        report = report.facet("replica-is-wider");
    }
    report.done();
}

/// Where it stands: the grant and the policy that lacks it, or both policies.
fn placed<'r>(
    report: Report<'r>,
    scope: &KeyScope<'_>,
    before: &KeyScope<'_>,
    [wider, narrower]: &[&BTreeMap<Caller, ActionSet>; 2],
) -> Report<'r> {
    let place = |key: &Key| key.policy.as_ref().map_or(key.place, PolicyDocument::whole);
    let here = (place(scope.key), "the replica's policy");
    let there = (place(before.key), "the primary's policy");
    let (grant, lacks) = match wider.is_empty() {
        true => (giving(before, narrower), here),
        false => (giving(scope, wider), there),
    };
    let (report, (other, says)) = match grant {
        Some(grant) => (report.at(grant, None, "this grant gives it"), lacks),
        None => (report.at(here.0, None, here.1), there),
    };
    match grant.is_none() && here.0 == there.0 {
        true => report,
        false => report.beside(other, None, says),
    }
}
