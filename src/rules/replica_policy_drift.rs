//! Related multi-Region keys do not grant the same access.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{ActionSet, KeyArn};
use crate::decision::Caller;
use crate::inventory::{Key, MultiRegionRole};

use super::controllers::{list, reveal, short};
use super::outsiders::uses;
use super::report::Sink;
use super::wide::controls;
use super::{KeyScope, Rule};

/// See the rule's page.
pub(super) struct ReplicaPolicyDrift;

impl Rule for ReplicaPolicyDrift {
    fn key(&self, scope: &KeyScope<'_>, sink: &mut Sink<'_>) {
        let Some(primary) = primary(scope) else { return };
        let before = KeyScope::new(scope.scope, primary);
        let wanted = uses().union(controls()).intersection(scope.possible());
        let (there, here) = (held(&before, wanted), held(scope, wanted));
        let none = ActionSet::EMPTY;
        let callers: BTreeSet<&Caller> = there.keys().chain(here.keys()).collect();
        let difference = |one: &BTreeMap<Caller, ActionSet>,
                          other: &BTreeMap<Caller, ActionSet>| {
            let gain = |caller: &&Caller| {
                let (has, had) = (one.get(*caller), other.get(*caller));
                let more = has.unwrap_or(&none).minus(*had.unwrap_or(&none));
                (!more.is_empty()).then(|| ((*caller).clone(), more))
            };
            callers.iter().filter_map(gain).collect::<BTreeMap<Caller, ActionSet>>()
        };
        let (wider, narrower) = (difference(&here, &there), difference(&there, &here));
        if !wider.is_empty() || !narrower.is_empty() {
            tell(scope, sink, primary, &wider, &narrower);
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

/// What everyone who exists holds of `wanted` for certain.
fn held(scope: &KeyScope<'_>, wanted: ActionSet) -> BTreeMap<Caller, ActionSet> {
    let holders = scope.holders(wanted);
    let holding = holders.iter().filter(|group| !group.holds.sure.is_empty());
    let all = holding.flat_map(|group| group.who.iter().map(|it| (it.clone(), group.holds.sure)));
    all.collect()
}

fn tell(
    scope: &KeyScope<'_>,
    sink: &mut Sink<'_>,
    primary: &Key,
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
        primary.arn.region(),
        list(&names),
        list(&actions)
    );
    let place = |key: &Key| key.policy.as_ref().map_or(key.place, |policy| policy.place);
    let mut report = sink
        .report(scope.key.arn.as_str(), message)
        .key(&scope.key.arn)
        .at(place(scope.key), None, "the replica's policy")
        .beside(place(primary), None, "the primary's policy")
        .principals(side.keys().map(|it| it.to_string()))
        .help(
            "put one policy on all related keys: they open the same ciphertexts, and KMS never copies \
             policies or grants",
        );
    if is_grave {
        report = report.facet("replica-is-wider");
    }
    report.done();
}
