//! Calls about the organization that are met on the way (rule T37).
//!
//! Where several get to make one, the first of them count, whoever they are. Somebody whom a wanted key tells
//! apart, by its name or its tags, counts beside them: it is there itself in the world after the call.

use super::super::cast::KeyIx;
use super::super::change::Change;
use super::super::label::{Act, Label};
use super::super::moves::Moves;
use super::super::organize::OrgMove;
use super::super::state::{ChangeIx, Gained, OpenMove, State, StateName, States};
use super::{Fact, Prefix, Search};

/// A call about the organization that somebody gets to make.
pub(super) struct Organizing {
    pub(super) change: ChangeIx,
    /// Who makes it, where that counts.
    pub(super) maker: Option<StateName>,
    pub(super) how: Label,
}

impl Search<'_, '_, '_> {
    /// The calls about the organization that a state can make, one that is `followed` or whom a key tells apart.
    pub(super) fn organize(
        &mut self,
        name: &StateName,
        (state, followed): (&State, bool),
        label: &Label,
    ) {
        if !self.has_primitives(label) {
            return;
        }
        let moves = self.states.organizing(name, state);
        let maker = if moves.is_empty() { None } else { self.maker(name, label.acts.len() + 1) };
        let makers = followed.then_some(None).into_iter().chain(maker.map(Some));
        let makers: Vec<Option<StateName>> = makers.collect();
        for open in moves {
            let Gained::Changed(change) = open.gain else { continue };
            if !self.goes_on(open.chance) {
                continue;
            }
            let act = Act { by: name.at, what: open.what, primitive: open.primitive };
            let label = label.then(act, open.chance);
            // Whatever else leads to this one can be called after the other's call as well.
            let seen = self.seen.get(&Fact::Organized(change, None));
            if seen.is_some_and(|seen| seen.cover(&label)) {
                continue;
            }
            for maker in &makers {
                self.push(Fact::Organized(change, maker.clone()), label.clone());
            }
        }
    }

    /// The state as wanted keys tell it apart that have no way of so few calls: who it is, and its tags.
    fn maker(&self, name: &StateName, calls: usize) -> Option<StateName> {
        let states = self.states;
        let tags = name.changes.iter().filter(|it| states.changes.get(**it).is_tag());
        let maker = StateName::of(name.at, tags.copied());
        let asks = |key: KeyIx| !states.keys.principal_tags(key).is_empty();
        let is_open = |key: KeyIx| self.is_wanted(key) && !self.is_settled(key, calls);
        let is_told = states.told_apart(name.at).iter().any(|key| is_open(*key));
        let all = 0..self.wanted.len() as KeyIx;
        let is_tagged =
            || all.filter(|_| !maker.changes.is_empty()).any(|it| asks(it) && is_open(it));
        (self.limits.kept == 1 && (is_told || is_tagged())).then_some(maker)
    }

    /// The calls about the organization, with what leads to each.
    pub(super) fn prefixes(&self) -> Vec<Prefix> {
        let is_spared = |it: &Organizing| {
            let mut others = self.organized.iter().filter(|_| it.maker.is_some());
            others.any(|other| {
                other.maker.is_none() && other.change == it.change && other.how.covers(&it.how)
            })
        };
        let organized = self.organized.iter().filter(|it| !is_spared(it)).filter_map(|it| {
            let known = self.known.iter().filter(|(_, how)| how.are_within(&it.how));
            let facts = known.map(|(fact, _)| fact);
            Some(Prefix::of(self.states, (self.states.organized(it.change)?, it), facts))
        });
        organized.collect()
    }
}

impl States<'_, '_> {
    /// The calls about the organization that a state can make: the same for all of its class.
    fn organizing<'s>(&self, name: &StateName, state: &'s State) -> &'s [OpenMove] {
        state.of_class.organizing.get_or_init(|| {
            let found = Moves::organizing(self.cast, &self.asker(name)).into_iter();
            found.map(|open| self.numbered(open)).collect()
        })
    }

    fn organized(&self, change: ChangeIx) -> Option<&OrgMove> {
        match self.changes.get(change) {
            Change::Organized(what) => Some(what),
            _ => None,
        }
    }
}
