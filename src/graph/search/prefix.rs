//! Calls that are made before a search sets out (rule T37).

use std::collections::BTreeSet;

use crate::decision::Chance;

use super::super::cast::{Ix, KeyIx};
use super::super::change::Change;
use super::super::label::{Act, Label};
use super::super::organize::OrgMove;
use super::super::plan::{Doing, Step};
use super::super::state::{States, Tags};
use super::{Fact, Organizing, Way};

/// The calls that lead to one about the organization, itself the last, and what they gain.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::graph) struct Prefix {
    /// What it is.
    pub(in crate::graph) what: OrgMove,
    /// The calls, in order.
    pub(in crate::graph) steps: Vec<Step>,
    /// Whether it is of use for who makes the last of them alone: others make it as soon.
    pub(in crate::graph) of_its_maker: bool,
    gained: BTreeSet<Gain>,
    chance: Chance,
}

/// What was gained, whatever the numbers of states.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Gain {
    Held(Ix, bool),
    Changed(Change),
    KeyChanged(KeyIx, Doing),
}

impl Prefix {
    /// The calls that lead to one about the organization, and the facts that they lead to.
    pub(super) fn of<'f>(
        states: &States<'_, '_>,
        (what, organizing): (&OrgMove, &Organizing),
        facts: impl Iterator<Item = &'f Fact>,
    ) -> Self {
        let label = &organizing.how;
        let steps = label.acts.iter().map(|act| step(states, act)).collect();
        let gained = facts.filter_map(|fact| match fact {
            Fact::Held(at, tags) => Some(Gain::Held(*at, *tags == Tags::Any)),
            Fact::Changed(change) => Some(Gain::Changed(states.changes.get(*change).clone())),
            Fact::KeyChanged(key, edit) => {
                Some(Gain::KeyChanged(*key, states.doings.get(*edit).clone()))
            }
            // It follows from the others, or is what the world is by then.
            Fact::State(_) | Fact::Organized(..) => None,
        });
        Self {
            what: what.clone(),
            steps,
            of_its_maker: organizing.maker.is_some(),
            gained: gained.collect(),
            chance: label.chance,
        }
    }

    /// The same as one of those that are of use for who makes them alone, where an earlier one is.
    pub(in crate::graph) fn counted_as(mut self, of_its_maker: bool) -> Self {
        self.of_its_maker |= of_its_maker;
        self
    }

    /// The same calls with one in the place of another; nothing where they are about either of them.
    pub(super) fn renamed(&self, (from, to): (Ix, Ix)) -> Option<Self> {
        let place = |at: Ix| if at == from { to } else { at };
        let steps = self.steps.iter().map(|step| {
            let is_about_both = step.what.is_about(from) || step.what.is_about(to) || step.by == to;
            (!is_about_both).then(|| Step { by: place(step.by), what: step.what.clone() })
        });
        let gained = self.gained.iter().map(|gain| match gain {
            Gain::Held(at, any) => (*at != to).then(|| Gain::Held(place(*at), *any)),
            Gain::Changed(change) => {
                let whose = change.whose();
                (whose != Some(from) && whose != Some(to)).then(|| gain.clone())
            }
            Gain::KeyChanged(_, doing) => {
                (!doing.is_about(from) && !doing.is_about(to)).then(|| gain.clone())
            }
        });
        let gained = gained.collect::<Option<_>>()?;
        Some(Self { steps: steps.collect::<Option<_>>()?, gained, ..self.clone() })
    }

    /// The same as a label in the numbers of other states.
    pub(super) fn label(&self, states: &States<'_, '_>) -> Label {
        let mut label = Label::nothing();
        for step in &self.steps {
            label = label.then(act(states, step), self.chance);
        }
        label
    }

    /// What was gained, in these numbers.
    pub(super) fn facts(&self, states: &States<'_, '_>) -> impl Iterator<Item = Fact> {
        self.gained.iter().map(|gain| match gain {
            Gain::Held(at, any) => Fact::Held(*at, if *any { Tags::Any } else { Tags::Own }),
            Gain::Changed(change) => Fact::Changed(states.changes.intern(change.clone())),
            Gain::KeyChanged(key, edit) => {
                Fact::KeyChanged(*key, states.doings.intern(edit.clone()))
            }
        })
    }
}

impl Way {
    /// The same way in the numbers of other states.
    pub(in crate::graph) fn numbered(&self, of: &States<'_, '_>, others: &States<'_, '_>) -> Self {
        let acts = self.acts.iter().map(|one| act(others, &step(of, one)));
        Self { acts: acts.collect(), ..self.clone() }
    }
}

fn step(states: &States<'_, '_>, act: &Act) -> Step {
    Step { by: act.by, what: states.doings.get(act.what).clone() }
}

fn act(states: &States<'_, '_>, step: &Step) -> Act {
    let primitive = step.what.is_counted(states.cast);
    Act { by: step.by, what: states.doings.intern(step.what.clone()), primitive }
}
