//! Verdicts by trying: the reference evaluator over candidate contexts.
//!
//! For each condition key that the statements in play mention, the probe tries it absent, every value (or
//! a member of its pattern), and one value outside them all, in every combination that AWS could send.
//! Where these candidates do not cover every class of contexts (two patterns on one key, too many
//! combinations, a variable over a request-time key) the verdict is unknown, with the bounds that the
//! tried requests prove. What a decision lists as missing or open makes the verdict unknown likewise.

mod candidates;
mod dimensions;
mod holders;
mod sendable;
mod values;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aws::{ActionSet, KeyArn, KeySpec, KmsAction};
use crate::decision::{
    Allowing, Bound, Caller, Cell, ControlRequest, Decision, FACTS, Fact, Fate, Fates, Gift,
    Holders, Holding, Meant, Outcome, Reach, Reading, Request, Surroundings, Target, Unknown,
    Verdict, Why, completed, is_possible_by, linked, whole_second,
};
use crate::inventory::{Edit, Inventory, Key};
use crate::policy::Element;

use super::reference::{Gaps, Reference, covered_actions};
use candidates::Holders as Lists;
use dimensions::Dimensions;

/// How many contexts are tried for one cell.
const CAP: usize = 2048;

/// [`Reach`] by the reference evaluator over candidate contexts.
pub struct Probe<'w> {
    world: Cow<'w, Inventory>,
    gaps: Arc<Gaps>,
    lists: Arc<Lists>,
    now: Timestamp,
    facts: &'w [Fact],
}

impl<'w> Probe<'w> {
    /// The probe over a world; requests happen from `now` on.
    pub fn new(world: &'w Inventory, now: Timestamp) -> Self {
        Self::with_facts(world, now, FACTS)
    }

    /// The probe with these facts about what AWS sends. Fewer can only make a verdict wider.
    pub fn with_facts(world: &'w Inventory, now: Timestamp, facts: &'w [Fact]) -> Self {
        Self {
            world: Cow::Borrowed(world),
            gaps: Arc::new(Gaps::of(world)),
            lists: Arc::new(Lists::new(world)),
            now,
            facts,
        }
    }

    fn reference(&self) -> Reference<'_> {
        Reference::with_gaps(&self.world, Arc::clone(&self.gaps))
    }

    /// At most `most` of the requests that are worth a try for a cell, spread over all of them from the
    /// one that `seed` says, and where there are more, as many that are drawn at random from what is worth
    /// a try for each condition key by itself. Each is one that AWS could send, with all that it sends.
    pub fn trials(&self, request: &Request, most: usize, seed: u64) -> [Vec<Request>; 2] {
        let reference = self.reference();
        let trials = Trials::of(&reference, request, self.now, self.facts);
        let dimensions = &trials.dimensions;
        let count = dimensions.count();
        let numbers = spread(count, most, seed).take(count.min(CAP));
        let spread = numbers.map(|number| dimensions.request(request, number));
        let spread = spread.filter_map(|request| trials.whole(request)).take(most).collect();
        let tries = if count <= most { 0 } else { 2 * most };
        let mut draw = seed;
        let mut next = |below: usize| {
            // SplitMix64: the same on every machine.
            draw = draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (draw ^ draw >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ mixed >> 31) % below.max(1) as u64) as usize
        };
        let drawn = (0..tries).map(|_| dimensions.drawn(request, &mut next));
        let drawn = drawn.filter_map(|request| trials.whole(request)).take(most).collect();
        [spread, drawn]
    }

    /// Tries requests until `enough` is known; whether it was, and all that was found out.
    fn tried(&self, request: &Request, enough: impl Fn(&Tried) -> bool) -> (bool, Tried) {
        let reference = self.reference();
        let trials = Trials::of(&reference, request, self.now, self.facts);
        let mut tried = Tried::new(trials.is_exact(), trials.dimensions.missing());
        for trial in trials.requests() {
            tried.take(reference.evaluate(&trial), trial);
            if enough(&tried) {
                return (true, tried);
            }
        }
        (false, tried)
    }
}

/// All numbers below `count`, each once: any `most` that follow each other are spread over all of them.
fn spread(count: usize, most: usize, seed: u64) -> impl Iterator<Item = usize> {
    let wide = |number: usize| number as u128;
    let is_step = |step: &usize| coprime(*step, count);
    let step = (count / most.max(1)..).find(is_step).unwrap_or(1);
    let start = u128::from(seed) % wide(count).max(1);
    (0..count).map(move |nth| ((start + wide(nth) * wide(step)) % wide(count)) as usize)
}

fn coprime(one: usize, other: usize) -> bool {
    let (mut one, mut other) = (one, other);
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one == 1
}

/// Section 2.5: the two keys of the instant are one instant in two forms.
fn tells_one_instant(request: &Request) -> bool {
    let told = |key: &str| {
        let entry = request.context.get(key)?;
        entry.value.values().first().and_then(|text| whole_second(text))
    };
    let both = told("aws:CurrentTime").zip(told("aws:EpochTime"));
    both.is_none_or(|(one, other)| one == other)
}

/// The requests worth trying for one question.
struct Trials<'r> {
    plain: &'r Request,
    dimensions: Dimensions,
    surroundings: Surroundings<'r>,
}

impl<'r> Trials<'r> {
    fn of(
        reference: &Reference<'_>,
        plain: &'r Request,
        now: Timestamp,
        facts: &'r [Fact],
    ) -> Self {
        let key = match &plain.target {
            Target::Key(arn) => reference.world().key(arn),
            _ => None,
        };
        let spec = key.and_then(|key| KeySpec::parse(key.metadata.as_ref()?.spec.as_deref()?));
        let dimensions = Dimensions::of(reference, plain, now, facts);
        Self { plain, dimensions, surroundings: Surroundings { facts, now, spec } }
    }

    /// Every request worth trying, the context that was asked about kept.
    fn requests(&self) -> impl Iterator<Item = Request> {
        self.dimensions.requests(self.plain).take(CAP).filter_map(|request| self.sent(request))
    }

    /// The request with what goes together, where AWS could send it. What no condition mentions and every
    /// request carries is left unsaid.
    fn sent(&self, request: Request) -> Option<Request> {
        let linked = linked(request, &self.surroundings);
        self.whole(linked.clone()).map(|_| linked)
    }

    /// The request with all that AWS sends, where AWS could send it.
    fn whole(&self, request: Request) -> Option<Request> {
        let whole = completed(request, &self.surroundings);
        let is_possible = is_possible_by(&whole, self.surroundings.facts);
        (is_possible && tells_one_instant(&whole)).then_some(whole)
    }

    /// Whether they cover every class of contexts.
    fn is_exact(&self) -> bool {
        self.dimensions.is_exact() && self.dimensions.count() <= CAP
    }
}

impl Reach for Probe<'_> {
    fn world(&self) -> &Inventory {
        &self.world
    }

    fn holders(&self, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        holders::holders(self, key, wanted)
    }

    fn alike(&self, _key: &KeyArn, callers: &[Caller]) -> Vec<usize> {
        (0..callers.len()).collect()
    }

    fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Holding {
        holders::holding(self, caller, key, wanted)
    }

    fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet {
        holders::opened(self, caller, key, wanted)
    }

    fn would_hold(&self, caller: &Caller, key: &KeyArn, gift: Gift, wanted: ActionSet) -> Holding {
        let known = self.world.key(key);
        let after =
            |key: &Key| self.after(&gift.edit(key, caller)).holding(caller, &key.arn, wanted);
        known.map(after).unwrap_or_default()
    }

    fn meant(&self, key: &KeyArn, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant> {
        holders::meant(self, key, allowing, wanted)
    }

    fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Fates {
        holders::fates(self, caller, key, allowing, wanted)
    }

    fn hangs_on(&self, cell: &Cell, name: &str) -> bool {
        holders::hangs_on(self, cell, name)
    }

    fn verdict_of(&self, request: &Request) -> Verdict {
        let (_, mut tried) = self.tried(request, |_| false);
        // Where nothing could allow, no context that was not tried does.
        tried.exact |= !self.reference().view(request).could_be_allowed();
        tried.verdict(request)
    }

    fn reaches(&self, request: &Request) -> bool {
        if !self.reference().view(request).could_be_allowed() {
            return false;
        }
        let (enough, tried) = self.tried(request, |tried| tried.allowed.sure.is_some());
        enough || tried.verdict(request).reaches()
    }

    fn could_reach(&self, request: &Request) -> bool {
        if !self.reference().view(request).could_be_allowed() {
            return false;
        }
        let (enough, tried) = self.tried(request, |tried| tried.allowed.any().is_some());
        enough || !tried.verdict(request).is_never()
    }

    fn decide(&self, request: &Request) -> Decision {
        self.reference().evaluate(request)
    }

    fn decide_control(&self, request: &ControlRequest) -> Decision {
        self.reference().evaluate_control(request)
    }

    fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate {
        let reference = self.reference();
        let plain = cell.plain_request();
        let is_abroad = cell.principal.is_abroad_to(&cell.key);
        if is_abroad || !reference.view(&plain).could_apply(allowing) {
            return Fate::NeverApplies;
        }
        let trials = Trials::of(&reference, &plain, self.now, self.facts);
        let (mut gates, mut by, mut denied) = (BTreeSet::new(), Vec::new(), None);
        let mut is_sure = trials.is_exact();
        for request in trials.requests() {
            if !reference.applies(&request, allowing) {
                continue;
            }
            let decision = reference.evaluate(&request);
            // Rule U7: what is missing may spare it.
            is_sure &= decision.missing.is_empty();
            let may_deny = decision.trace.iter().any(|step| step.reading == Reading::MayDeny);
            if !may_deny && !matches!(decision.outcome, Outcome::ExplicitDeny(_)) {
                return Fate::Free(Box::new(request));
            }
            let steps = decision.trace.iter().filter(|step| step.decides);
            gates.extend(steps.clone().map(|step| step.gate));
            by.extend(steps.flat_map(|step| step.cited.clone()));
            denied.get_or_insert(request);
        }
        match denied {
            _ if !is_sure => Fate::Unknown,
            Some(request) => Fate::Denied { request: Box::new(request), gates, by },
            None => Fate::NeverApplies,
        }
    }

    fn actions(&self, element: &Element) -> ActionSet {
        covered_actions(element)
    }

    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller> {
        self.lists.of(&self.world, key, action)
    }

    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_> {
        Box::new(Probe {
            world: Cow::Owned(self.world.apply(edit)),
            gaps: Arc::clone(&self.gaps),
            lists: Arc::clone(&self.lists),
            now: self.now,
            facts: self.facts,
        })
    }
}

/// What the tried requests say together.
struct Tried {
    allowed: Sides,
    denied: Sides,
    why: BTreeSet<Why>,
    exact: bool,
}

/// The requests of one answer: those that nothing missing could turn, and the others.
#[derive(Default)]
struct Sides {
    sure: Option<Request>,
    unsure: Option<Request>,
    /// How far the counter-witness came: statements that match are worth more than silence.
    matched: usize,
}

impl Sides {
    fn any(&self) -> Option<&Request> {
        self.sure.as_ref().or(self.unsure.as_ref())
    }
}

impl Tried {
    fn new(exact: bool, missing: impl IntoIterator<Item = String>) -> Self {
        let why = missing.into_iter().map(Why::Missing).collect();
        Self { allowed: Sides::default(), denied: Sides::default(), why, exact }
    }

    fn take(&mut self, decision: Decision, request: Request) {
        let sure = decision.missing.is_empty() && decision.open_points.is_empty();
        let matched = decision.trace.iter().map(|step| step.cited.len()).sum();
        let side = if decision.is_allowed() { &mut self.allowed } else { &mut self.denied };
        match sure {
            true => {
                if side.sure.is_none() || matched > side.matched {
                    side.sure = Some(request);
                    side.matched = matched;
                }
            }
            false => {
                side.unsure.get_or_insert(request);
            }
        }
        self.why.extend(decision.missing.into_iter().map(Why::Missing));
        self.why.extend(decision.open_points.iter().map(|point| Why::Open(point.name())));
    }

    fn verdict(mut self, plain: &Request) -> Verdict {
        let known = self.exact && self.why.is_empty();
        let witness = self.allowed.any().cloned().map(Box::new);
        let counter = self.denied.any().cloned().map(Box::new);
        if known {
            return match (witness, counter) {
                (Some(witness), Some(counter)) => Verdict::Conditional { witness, counter },
                (Some(witness), None) => Verdict::Always { witness },
                (None, Some(counter)) => Verdict::Never { counter },
                (None, None) => Verdict::Never { counter: Box::new(plain.clone()) },
            };
        }
        // What is true of the requests that nothing can turn is true of the cell.
        let at_least = if self.allowed.sure.is_some() { Bound::Conditional } else { Bound::Never };
        let at_most = if self.denied.sure.is_some() { Bound::Conditional } else { Bound::Always };
        // Nothing allows anywhere, and nothing that is missing could: only the cap or a second pattern
        // keeps it from being never.
        if !self.exact {
            self.why.insert(Why::Undecided);
        }
        let only_denied = witness.is_none() && self.denied.unsure.is_none() && self.exact;
        let at_most = if only_denied { Bound::Never } else { at_most };
        let only_allowed = counter.is_none() && self.allowed.unsure.is_none() && self.exact;
        let at_least = if only_allowed { Bound::Always } else { at_least };
        Verdict::Unknown(Unknown { at_least, at_most, witness, why: self.why })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::spread;

    #[test]
    fn trials_are_spread_over_all_and_none_comes_twice() {
        for count in [1, 2, 23, 24, 25, 48, 360, 2048, 5040] {
            for seed in [0, 7, u64::MAX] {
                let all: Vec<usize> = spread(count, 24, seed).collect();
                assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count);
                assert!(all.iter().all(|number| *number < count));
                let halves: BTreeSet<bool> =
                    all.iter().take(24).map(|number| *number < count / 2).collect();
                assert_eq!(halves.len(), count.min(2), "{count}");
            }
        }
        let wide: Vec<usize> = spread(usize::MAX, 24, 1).take(24).collect();
        assert!(wide.windows(2).all(|two| two[0].abs_diff(two[1]) > usize::MAX / 50));
    }
}
