//! How something was gained: the calls that lead there, in an order in which they can be made.

use smallvec::SmallVec;

use crate::decision::Chance;

use super::cast::Ix;
use super::state::DoingIx;

/// A call, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Act {
    /// Who calls.
    pub(super) by: Ix,
    /// What.
    pub(super) what: DoingIx,
    /// Whether it is a primitive, and no edge.
    pub(super) primitive: bool,
}

/// The calls that lead to a fact, each once.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// In order.
    pub(super) acts: SmallVec<[Act; 3]>,
    /// How many of them are primitives.
    pub(super) primitives: usize,
    /// How sure all of them are together.
    pub(super) chance: Chance,
}

/// How many labels of a fact are kept that do nothing alike.
const MANY: usize = 4;

impl Label {
    /// Nothing needs to be called.
    pub(super) fn nothing() -> Self {
        Self { acts: SmallVec::new(), primitives: 0, chance: Chance::Sure }
    }

    /// Whether it does nothing that `other` does not do as well.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let known = |what: DoingIx| other.acts.iter().any(|act| act.what == what);
        self.chance >= other.chance
            && self.acts.len() <= other.acts.len()
            && self.acts.iter().all(|act| known(act.what))
    }

    /// With one more call.
    pub(super) fn then(&self, act: Act, chance: Chance) -> Self {
        let mut label = self.clone();
        label.chance = label.chance.min(chance);
        label.add(act);
        label
    }

    /// The calls of both, each once.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut label = self.clone();
        label.chance = label.chance.min(other.chance);
        other.acts.iter().for_each(|act| label.add(*act));
        label
    }

    fn add(&mut self, act: Act) {
        if !self.acts.contains(&act) {
            self.primitives += usize::from(act.primitive);
            self.acts.push(act);
        }
    }

    /// How many calls and primitives both make together.
    pub(super) fn with(&self, other: &Self) -> (usize, usize) {
        let more = other.acts.iter().filter(|act| !self.acts.contains(act));
        more.fold((self.acts.len(), self.primitives), |(calls, primitives), act| {
            (calls + 1, primitives + usize::from(act.primitive))
        })
    }
}

/// The labels of a fact.
#[derive(Default, Debug)]
pub(super) struct Labels(SmallVec<[Label; 1]>);

impl Labels {
    /// Whether one more would bring nothing: it does what another does and more, or many are as short.
    pub(super) fn are_enough(&self, label: &Label) -> bool {
        self.cover(label) || self.are_many(label.acts.len(), label.primitives, label.chance)
    }

    /// Whether one of them does nothing that `label` does not do as well.
    pub(super) fn cover(&self, label: &Label) -> bool {
        self.0.iter().any(|known| known.covers(label))
    }

    /// Whether many of them need no more calls and primitives than these, and are as sure.
    pub(super) fn are_many(&self, calls: usize, primitives: usize, chance: Chance) -> bool {
        let is_as_good = |known: &&Label| {
            known.acts.len() <= calls && known.primitives <= primitives && known.chance >= chance
        };
        self.0.len() >= MANY && self.0.iter().filter(is_as_good).count() >= MANY
    }

    /// Whether one of them has no call that is not in `label`.
    pub(super) fn are_within(&self, label: &Label) -> bool {
        self.0.iter().any(|known| known.acts.iter().all(|act| label.acts.contains(act)))
    }

    /// Whether `label` with one more call brings nothing.
    pub(super) fn are_enough_with(&self, label: &Label, act: Act, chance: Chance) -> bool {
        let chance = label.chance.min(chance);
        let calls = label.acts.len() + 1;
        let primitives = label.primitives + usize::from(act.primitive);
        let does =
            |what: DoingIx| what == act.what || label.acts.iter().any(|other| other.what == what);
        let covers = |known: &Label| {
            known.chance >= chance
                && known.acts.len() <= calls
                && known.acts.iter().all(|act| does(act.what))
        };
        self.0.iter().any(covers) || self.are_many(calls, primitives, chance)
    }

    /// Adds one.
    pub(super) fn push(&mut self, label: Label) {
        self.0.push(label);
    }
}
