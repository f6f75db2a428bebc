//! The engines put together: verdicts by the matrix, decisions with their traces by the reference.

use jiff::Timestamp;
use rayon::prelude::*;

use crate::access::Access;
use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{
    Allowing, Bound, Caller, Cell, Decision, Fact, Fate, Reach, Request, Verdict,
};
use crate::eval::reference::Reference;
use crate::inventory::{Edit, Inventory};
use crate::policy::{Element, PolicyDocument};

/// [`Reach`] for the rules: the matrix answers for cells, the reference for single requests.
pub struct Engine<'w> {
    access: Access<'w>,
}

impl<'w> Engine<'w> {
    /// The engine over a world; requests happen from `now` on.
    pub fn new(world: &'w Inventory, now: Timestamp) -> Self {
        Self { access: Access::new(world, now) }
    }

    /// Lets the engine hear how these policies and all grants spell condition keys, so that answers do not
    /// hang on which question is asked first.
    pub(super) fn hear<'d>(&self, policies: impl ParallelIterator<Item = &'d PolicyDocument>) {
        policies.for_each(|document| self.access.hear_policy(document.policy()));
        let keys = self.access.inventory().keys.values();
        keys.flat_map(|key| &key.grants).for_each(|grant| self.access.hear_grant(grant));
    }

    /// The engine that believes these facts alone about what AWS sends.
    pub fn with_facts(world: &'w Inventory, now: Timestamp, facts: &[Fact]) -> Self {
        Self { access: Access::with_facts(world, now, facts) }
    }
}

impl Reach for Engine<'_> {
    fn world(&self) -> &Inventory {
        self.access.inventory()
    }

    fn verdict_of(&self, request: &Request) -> Verdict {
        self.access.verdict_of(request)
    }

    fn reaches(&self, request: &Request) -> bool {
        self.access.bounds_of(request).0 > Bound::Never
    }

    fn could_reach(&self, request: &Request) -> bool {
        self.access.bounds_of(request).1 > Bound::Never
    }

    fn decide(&self, request: &Request) -> Decision {
        Reference::new(self.world()).evaluate(request)
    }

    fn fate(&self, cell: &Cell, allowing: Allowing<'_>) -> Fate {
        self.access.fate(cell, allowing)
    }

    fn actions(&self, element: &Element) -> ActionSet {
        self.access.actions(element)
    }

    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller> {
        self.access.candidates(key, action)
    }

    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_> {
        Box::new(Engine { access: self.access.after(edit) })
    }
}
