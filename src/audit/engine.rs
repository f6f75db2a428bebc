//! The engines put together: verdicts by the matrix, decisions with their traces by the reference.

use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::access::{Access, Census, verdict};
use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{
    Allowing, Assumptions, Bound, Caller, Cell, ControlRequest, Decision, Denials, Fact, Fate,
    Fates, Gift, Holders, Holding, Meant, Reach, Request, Verdict,
};
use crate::eval::reference::Reference;
use crate::inventory::{Edit, Inventory, Key};
use crate::kept::Memo;
use crate::policy::{Element, PolicyDocument};
use crate::source::{Place, Span};

/// [`Reach`] for the rules: the matrix answers for cells and groups, the reference for single requests.
pub struct Engine<'w> {
    parts: Parts<'w>,
    /// Whether its world is one that was edited to ask little of it.
    edited: bool,
    /// What every request is taken to carry.
    assumptions: Assumptions,
    /// Over the worlds without single statements.
    without: Memo<(Place, Span), Arc<Engine<'static>>>,
}

/// What is made of a world when somebody asks for it first.
#[derive(Default)]
struct Made<'a> {
    /// For questions about groups: it compiles every policy of the world.
    census: OnceLock<Census<'a>>,
    /// For single requests.
    reference: OnceLock<Reference<'a>>,
}

self_cell::self_cell!(
    struct Parts<'w> {
        owner: Access<'w>,
        #[not_covariant]
        dependent: Made,
    }
);

impl<'w> Engine<'w> {
    /// The engine over a world; requests happen from `now` on.
    pub fn new(world: &'w Inventory, now: Timestamp) -> Self {
        Self::over(Access::new(world, now))
    }

    /// The same under assumptions: every request agrees with them.
    pub fn assuming(world: &'w Inventory, now: Timestamp, assumptions: &Assumptions) -> Self {
        let over = Self::over(Access::new(world, now).assuming(assumptions));
        Self { assumptions: assumptions.clone(), ..over }
    }

    /// Lets the engine hear how these policies spell condition keys, so that answers do not
    /// hang on which question is asked first.
    pub(super) fn hear<'d>(&self, policies: impl ParallelIterator<Item = &'d PolicyDocument>) {
        policies.for_each(|document| self.access().hear_policy(document.policy()));
    }

    /// The engine that believes these facts alone about what AWS sends.
    pub fn with_facts(world: &'w Inventory, now: Timestamp, facts: &[Fact]) -> Self {
        Self::over(Access::with_facts(world, now, facts))
    }

    fn over(access: Access<'w>) -> Self {
        let parts = Parts::new(access, |_| Made::default());
        let without = Memo::new();
        Self { parts, edited: false, assumptions: Assumptions::default(), without }
    }

    /// The matrix engine.
    pub fn access(&self) -> &Access<'w> {
        self.parts.borrow_owner()
    }

    fn census<T>(&self, ask: impl FnOnce(&Census<'_>) -> T) -> T {
        // It is made on all threads, one of which may take up another question meanwhile: no lock is held.
        self.parts.with_dependent(|access, made| {
            let known = made.census.get();
            ask(known.unwrap_or_else(|| {
                let census = Census::new(access);
                made.census.get_or_init(|| census)
            }))
        })
    }

    /// Makes what answers questions about groups, so that those who ask at once do not each make it.
    pub(super) fn prepare(&self) {
        self.census(|_| ());
    }

    fn reference<T>(&self, ask: impl FnOnce(&Reference<'_>) -> T) -> T {
        self.parts.with_dependent(|access, made| {
            ask(made.reference.get_or_init(|| Reference::new(access.inventory())))
        })
    }

    fn edited(&self, edit: &Edit) -> Engine<'static> {
        let assumptions = self.assumptions.clone();
        Engine { edited: true, assumptions, ..Engine::over(self.access().after(edit)) }
    }

    /// What is known of each of some callers after an edit, in their order; the world after it is asked for the
    /// others.
    fn known_or<T: Copy>(
        &self,
        edit: &Edit,
        known: Option<Vec<Option<T>>>,
        callers: &[Caller],
        ask: impl Fn(&dyn Reach, &Caller) -> T,
    ) -> Vec<T> {
        let known = known.unwrap_or_else(|| vec![None; callers.len()]);
        let after = OnceCell::new();
        let after = || &**after.get_or_init(|| self.after(edit));
        let each = known.into_iter().zip(callers);
        each.map(|(known, caller)| known.unwrap_or_else(|| ask(after(), caller))).collect()
    }

    /// Asks for one caller: not worth compiling a whole world for, once it is edited.
    fn one<T>(&self, ask: impl FnOnce(&Census<'_>) -> Option<T>) -> Option<T> {
        match self.edited {
            true => None,
            false => self.census(ask),
        }
    }

    fn bounds(&self, request: &Request) -> (Bound, Bound) {
        let known = self.one(|census| census.bounds_of(request));
        known.unwrap_or_else(|| self.access().bounds_of(request))
    }
}

impl Reach for Engine<'_> {
    fn world(&self) -> &Inventory {
        self.access().inventory()
    }

    fn holds_all_at_once(&self) -> bool {
        true
    }

    fn holders(&self, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        self.census(|census| census.holders(key, wanted))
    }

    fn holders_after(&self, edit: &Edit, key: &KeyArn, wanted: ActionSet) -> Vec<Holders> {
        match self.world().key(key).and_then(|key| edit.on_key(key)) {
            Some(edited) => self.census(|census| census.holders_after(&edited, wanted)),
            None => self.after(edit).holders(key, wanted),
        }
    }

    fn holding_after(
        &self,
        edit: &Edit,
        key: &KeyArn,
        callers: &[Caller],
        wanted: ActionSet,
    ) -> Vec<Holding> {
        let edited = self.world().key(key).and_then(|key| edit.on_key(key));
        let known = edited.map(|it| self.census(|all| all.holding_after(&it, callers, wanted)));
        self.known_or(edit, known, callers, |after, caller| after.holding(caller, key, wanted))
    }

    fn alike(&self, key: &KeyArn, callers: &[Caller]) -> Vec<usize> {
        self.census(|census| census.alike(key, callers))
    }

    fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Holding {
        let known = self.one(|census| census.holding(caller, key, wanted));
        known.unwrap_or_else(|| self.access().holding(caller, key, wanted))
    }

    fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet {
        let known = self.one(|census| census.opened(caller, key, wanted));
        known.unwrap_or_else(|| self.access().opened(caller, key, wanted))
    }

    fn offered(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet {
        self.one(|census| census.offered(caller, key, wanted)).unwrap_or(wanted)
    }

    fn would_hold(&self, caller: &Caller, key: &KeyArn, gift: Gift, wanted: ActionSet) -> Holding {
        let known = self.one(|census| census.would_hold(caller, key, gift, wanted));
        let after = || {
            let key = self.world().key(key)?;
            let after = self.access().after(&gift.edit(key, caller));
            Some(after.holding(caller, &key.arn, wanted))
        };
        known.or_else(after).unwrap_or_default()
    }

    fn meant(&self, key: &KeyArn, allowing: Allowing<'_>, wanted: ActionSet) -> Vec<Meant> {
        let mut groups = self.census(|census| census.meant(key, allowing, wanted));
        // A group is of one partition.
        groups.retain(|group| !group.who.first().is_abroad_to(key));
        groups
    }

    fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Fates {
        if caller.is_abroad_to(key) {
            return Fates::default();
        }
        let known = self.one(|census| census.fates(caller, key, allowing, wanted));
        known.unwrap_or_else(|| self.access().fates(caller, key, allowing, wanted))
    }

    fn fates_after(
        &self,
        edit: &Edit,
        key: &KeyArn,
        callers: &[Caller],
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Vec<Fates> {
        // What a statement says of a key is asked of it as it is: with other tags or aliases it is another.
        let as_it_is = |known: &Key| {
            let edited = edit.on_key(known)?;
            (edited.tags == known.tags && edited.aliases == known.aliases).then_some(edited)
        };
        let edited = self.world().key(key).and_then(as_it_is);
        let edited = edited.filter(|_| !callers.iter().any(|caller| caller.is_abroad_to(key)));
        let known =
            edited.map(|it| self.census(|all| all.fates_after(&it, callers, allowing, wanted)));
        self.known_or(edit, known, callers, |after, caller| {
            after.fates(caller, key, allowing, wanted)
        })
    }

    fn denials(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Denials {
        if caller.is_abroad_to(key) {
            return Denials::default();
        }
        let known = self.one(|census| census.denials(caller, key, allowing, wanted));
        let cell = |action| Cell { principal: caller.clone(), key: key.clone(), action };
        let each = || Denials::of_each(wanted, |action| self.fate(&cell(action), allowing));
        known.unwrap_or_else(each)
    }

    fn hangs_on(&self, cell: &Cell, name: &str) -> bool {
        self.one(|census| census.hangs_on(cell, name)).unwrap_or(true)
    }

    fn verdict_of(&self, request: &Request) -> Verdict {
        match self.one(|census| census.answer_of(request)) {
            Some(answer) => verdict(request, answer),
            None => self.access().verdict_of(request),
        }
    }

    fn reaches(&self, request: &Request) -> bool {
        self.bounds(request).0 > Bound::Never
    }

    fn could_reach(&self, request: &Request) -> bool {
        self.bounds(request).1 > Bound::Never
    }

    fn decide(&self, request: &Request) -> Decision {
        self.reference(|reference| match self.assumptions.is_empty() {
            true => reference.evaluate(request),
            false => reference.evaluate(&self.assumptions.under(request)),
        })
    }

    fn decide_control(&self, request: &ControlRequest) -> Decision {
        self.reference(|reference| reference.evaluate_control(request))
    }

    fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate {
        match cell.principal.is_abroad_to(&cell.key) {
            true => Fate::NeverApplies,
            false => self.access().fate(cell, allowing),
        }
    }

    fn actions(&self, element: &Element) -> ActionSet {
        self.access().actions(element)
    }

    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller> {
        self.access().candidates(key, action)
    }

    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_> {
        Box::new(self.edited(edit))
    }

    fn without(&self, policy: Place, statement: Span) -> Arc<dyn Reach + '_> {
        let edit = Edit::WithoutStatement { policy, statement };
        self.without.get((policy, statement), |_| Arc::new(self.edited(&edit)))
    }
}
