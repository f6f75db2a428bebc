//! Formulas for every action at once.

use smallvec::{SmallVec, smallvec};

use crate::aws::ActionSet;

use super::formula::{Atom, Formula, Formulas, Kinds};
use super::question::Question;
use super::word::Word;

/// A formula for each action; actions that agree share one entry. Where no entry speaks of an action, it
/// is false.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Masked<S = ActionSet> {
    /// Disjoint sets with formulas that are not false, each formula once, in order of the lowest action.
    pieces: SmallVec<[(S, Formula); 1]>,
}

impl<S> Default for Masked<S> {
    fn default() -> Self {
        Self { pieces: SmallVec::new() }
    }
}

impl<S: Word> Masked<S> {
    /// The same formula for all of `actions`, false for the others.
    pub(super) fn of(actions: S, formula: Formula) -> Self {
        if actions == S::EMPTY || formula == Formula::FALSE {
            return Self::default();
        }
        Self { pieces: smallvec![(actions, formula)] }
    }

    /// True for every action.
    pub(super) fn all() -> Self {
        Self::of(S::ALL, Formula::TRUE)
    }

    /// Whether it is false for every action.
    pub(super) fn is_never(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether one of its formulas has atoms of these kinds.
    pub(super) fn has(&self, formulas: &Formulas, kinds: Kinds) -> bool {
        self.pieces.iter().any(|(_, formula)| formulas.kinds(*formula).has(kinds))
    }

    /// Whether one of its formulas asks for such a condition key (in lower case), or has it as a variable.
    pub(super) fn asks_for(&self, formulas: &Formulas, is_it: &dyn Fn(&str) -> bool) -> bool {
        let mut has = false;
        for (_, formula) in &self.pieces {
            formulas.each_atom(*formula, &mut |atom| match atom {
                Atom::Key(Question::Test { test, .. })
                | Atom::Caller(Question::Test { test, .. })
                | Atom::Request(test) => {
                    has |= test.variables().chain([&*test.key]).any(is_it);
                }
                _ => {}
            });
        }
        has
    }

    /// The sets with their formulas.
    pub(super) fn pieces(&self) -> &[(S, Formula)] {
        &self.pieces
    }

    /// The actions for which it is not surely false.
    pub(super) fn possible(&self) -> S {
        self.pieces.iter().fold(S::EMPTY, |all, (actions, _)| all.or(*actions))
    }

    /// The formula of one action.
    pub(super) fn at(&self, action: S::Action) -> Formula {
        let found = self.pieces.iter().find(|(actions, _)| actions.has(action));
        found.map_or(Formula::FALSE, |(_, formula)| *formula)
    }

    /// Either holds.
    pub(super) fn or(&self, formulas: &Formulas, other: &Self) -> Self {
        match (self.pieces.len(), other.pieces.len()) {
            (_, 0) => self.clone(),
            (0, _) => other.clone(),
            _ => self.joined(other, |one, other| formulas.or([one, other])),
        }
    }

    /// Both hold.
    pub(super) fn and(&self, formulas: &Formulas, other: &Self) -> Self {
        if *self.pieces == [(S::ALL, Formula::TRUE)] {
            return other.clone();
        }
        if *other.pieces == [(S::ALL, Formula::TRUE)] {
            return self.clone();
        }
        self.joined(other, |one, other| formulas.and([one, other]))
    }

    /// It does not hold.
    pub(super) fn not(&self, formulas: &Formulas) -> Self {
        let others = S::ALL.without(self.possible());
        let negated = self.pieces.iter().map(|(actions, it)| (*actions, formulas.not(*it)));
        Self::collected(negated.chain([(others, Formula::TRUE)]))
    }

    /// For these actions only.
    pub(super) fn within(&self, actions: S) -> Self {
        let pieces = self.pieces.iter().map(|(of, formula)| (of.and(actions), *formula));
        Self::collected(pieces)
    }

    /// Each formula changed by `change`.
    pub(super) fn mapped(&self, mut change: impl FnMut(Formula) -> Formula) -> Self {
        let changed: SmallVec<[(S, Formula); 4]> =
            self.pieces.iter().map(|(actions, formula)| (*actions, change(*formula))).collect();
        if *changed == *self.pieces { self.clone() } else { Self::collected(changed) }
    }

    fn joined(&self, other: &Self, join: impl Fn(Formula, Formula) -> Formula) -> Self {
        let rest = |pieces: &Self| (S::ALL.without(pieces.possible()), Formula::FALSE);
        let mut pieces = SmallVec::<[(S, Formula); 8]>::new();
        for (actions, formula) in self.pieces.iter().copied().chain([rest(self)]) {
            for (others, other) in other.pieces.iter().copied().chain([rest(other)]) {
                let both = actions.and(others);
                if both != S::EMPTY {
                    pieces.push((both, join(formula, other)));
                }
            }
        }
        Self::collected(pieces)
    }

    /// Disjoint pieces in any order, made canonical.
    fn collected(pieces: impl IntoIterator<Item = (S, Formula)>) -> Self {
        let mut all = SmallVec::<[(S, Formula); 8]>::new();
        for (actions, formula) in pieces {
            if actions == S::EMPTY || formula == Formula::FALSE {
                continue;
            }
            match all.iter_mut().find(|(_, known)| *known == formula) {
                Some((known, _)) => *known = known.or(actions),
                None => all.push((actions, formula)),
            }
        }
        all.sort_unstable_by_key(|(actions, _)| actions.first());
        Self { pieces: SmallVec::from_slice(&all) }
    }
}
