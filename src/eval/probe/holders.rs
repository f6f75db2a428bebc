//! Groups of callers by trying: each caller is a group of its own.

use std::collections::BTreeSet;

use crate::aws::{ActionSet, KeyArn, KeySpec, KeyUsage, KmsAction, can_perform};
use crate::decision::{
    Allowing, Caller, Cell, Crowd, Fact, Fate, Fates, Holders, Holding, Is, Meant, Reach, Test,
};

use super::{Probe, Trials};

/// Whoever may hold some of `wanted`; sorted.
fn callers(probe: &Probe<'_>, key: &KeyArn, wanted: ActionSet) -> BTreeSet<Caller> {
    wanted.iter().flat_map(|action| probe.candidates(key, action)).collect()
}

/// See [`Reach::holders`].
pub(super) fn holders(probe: &Probe<'_>, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
    if probe.world().key(key).is_none() {
        return Vec::new();
    }
    let all = callers(probe, key, wanted).into_iter().map(|caller| {
        let holds = holding(probe, &caller, key, wanted);
        Holders { who: Crowd::one(caller), holds }
    });
    all.filter(|it| !it.holds.possible.is_empty()).collect()
}

/// See [`Reach::holding`].
pub(super) fn holding(
    probe: &Probe<'_>,
    caller: &Caller,
    key: &KeyArn,
    wanted: ActionSet,
) -> Holding {
    let mut held = Holding::default();
    for action in wanted.intersection(possible(probe, key)).iter() {
        let cell = Cell { principal: caller.clone(), key: key.clone(), action };
        let verdict = probe.verdict(&cell);
        held.add(action, verdict.at_least(), verdict.at_most());
    }
    held
}

/// See [`Reach::opened`].
pub(super) fn opened(
    probe: &Probe<'_>,
    caller: &Caller,
    key: &KeyArn,
    wanted: ActionSet,
) -> ActionSet {
    let is_opened = |action: &KmsAction| {
        let cell = Cell { principal: caller.clone(), key: key.clone(), action: *action };
        is_opened(probe, &cell)
    };
    wanted.intersection(possible(probe, key)).iter().filter(is_opened).collect()
}

/// What the key can ever perform (rule S5).
fn possible(probe: &Probe<'_>, key: &KeyArn) -> ActionSet {
    let metadata = probe.world().key(key).and_then(|key| key.metadata.as_ref());
    let spec = metadata.and_then(|metadata| KeySpec::parse(metadata.spec.as_deref()?));
    let usage = metadata.and_then(|metadata| KeyUsage::parse(metadata.usage.as_deref()?));
    let performs = |action: &KmsAction| match (usage, spec) {
        (Some(usage), Some(spec)) => can_perform(usage, spec, *action),
        _ => true,
    };
    KmsAction::all().filter(|it| it.info().has_key_resource && performs(it)).collect()
}

/// Whether some Allow statement of the key policy, or some grant, applies.
fn is_opened(probe: &Probe<'_>, cell: &Cell) -> bool {
    let Some(key) = probe.world().key(&cell.key) else {
        return false;
    };
    let documents = key.policy.iter().chain(&key.ram_policy);
    let statements = documents.flat_map(|document| {
        let statements = document.policy().statements.iter().enumerate();
        let allowing = statements.filter(|(_, statement)| statement.allows());
        allowing.map(move |(index, _)| Allowing::Statement(document, index))
    });
    let mut all = statements.chain(key.grants.iter().map(Allowing::Grant));
    all.any(|allowing| !matches!(probe.fate(cell, allowing), Fate::NeverApplies))
}

/// See [`Reach::meant`].
pub(super) fn meant(
    probe: &Probe<'_>,
    key: &KeyArn,
    allowing: Allowing<'_>,
    wanted: ActionSet,
) -> Vec<Meant> {
    if probe.world().key(key).is_none() {
        return Vec::new();
    }
    let all = callers(probe, key, wanted).into_iter().map(|caller| {
        let fates = fates(probe, &caller, key, allowing, wanted);
        Meant { who: Crowd::one(caller), fates }
    });
    all.filter(|it| !it.fates.applies().is_empty()).collect()
}

/// See [`Reach::fates`].
pub(super) fn fates(
    probe: &Probe<'_>,
    caller: &Caller,
    key: &KeyArn,
    allowing: Allowing<'_>,
    wanted: ActionSet,
) -> Fates {
    let cell = |action| Cell { principal: caller.clone(), key: key.clone(), action };
    Fates::of_each(wanted, |action| probe.fate(&cell(action), allowing))
}

/// See [`Reach::hangs_on`].
pub(super) fn hangs_on(probe: &Probe<'_>, cell: &Cell, name: &str) -> bool {
    let (reference, plain) = (probe.reference(), cell.plain_request());
    let dimensions = Trials::of(&reference, &plain, probe.now, probe.facts).dimensions;
    // What a request says of one key may forbid it another that is asked for (section 2.5, C61).
    let forbids = |fact: &Fact| {
        let told = |when: &Test| when.is != Is::Absent && dimensions.has(when.key);
        fact.then.is == Is::Absent
            && fact.then.key.eq_ignore_ascii_case(name)
            && fact.when.iter().any(told)
    };
    dimensions.has(name) || probe.facts.iter().any(forbids)
}
