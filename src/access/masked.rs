//! Formulas for every action at once.

use smallvec::{SmallVec, smallvec};

use crate::aws::{ActionSet, KmsAction};

use super::formula::{Formula, Formulas};

/// True for every action.
const ALL: [(ActionSet, Formula); 1] = [(ActionSet::ALL, Formula::TRUE)];

/// A formula for each action; actions that agree share one entry. Where no entry speaks of an action, it
/// is false.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Masked {
    /// Disjoint sets with formulas that are not false, each formula once, in order of the lowest action.
    pieces: SmallVec<[(ActionSet, Formula); 1]>,
}

impl Masked {
    /// The same formula for all of `actions`, false for the others.
    pub(super) fn of(actions: ActionSet, formula: Formula) -> Self {
        if actions.is_empty() || formula == Formula::FALSE {
            return Self::default();
        }
        Self { pieces: smallvec![(actions, formula)] }
    }

    /// True for every action.
    pub(super) fn all() -> Self {
        Self::of(ActionSet::ALL, Formula::TRUE)
    }

    /// Whether it is false for every action.
    pub(super) fn is_never(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The sets with their formulas.
    pub(super) fn pieces(&self) -> &[(ActionSet, Formula)] {
        &self.pieces
    }

    /// The actions for which it is not surely false.
    pub(super) fn possible(&self) -> ActionSet {
        self.pieces.iter().fold(ActionSet::EMPTY, |all, (actions, _)| all.union(*actions))
    }

    /// The formula of one action.
    pub(super) fn at(&self, action: KmsAction) -> Formula {
        let found = self.pieces.iter().find(|(actions, _)| actions.contains(action));
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
        if *self.pieces == ALL {
            return other.clone();
        }
        if *other.pieces == ALL {
            return self.clone();
        }
        self.joined(other, |one, other| formulas.and([one, other]))
    }

    /// It does not hold.
    pub(super) fn not(&self, formulas: &Formulas) -> Self {
        let others = ActionSet::ALL.minus(self.possible());
        let negated = self.pieces.iter().map(|(actions, it)| (*actions, formulas.not(*it)));
        Self::collected(negated.chain([(others, Formula::TRUE)]))
    }

    /// For these actions only.
    pub(super) fn within(&self, actions: ActionSet) -> Self {
        let pieces = self.pieces.iter().map(|(of, formula)| (of.intersection(actions), *formula));
        Self::collected(pieces)
    }

    /// Each formula changed by `change`.
    pub(super) fn mapped(&self, mut change: impl FnMut(Formula) -> Formula) -> Self {
        let changed: SmallVec<[(ActionSet, Formula); 4]> =
            self.pieces.iter().map(|(actions, formula)| (*actions, change(*formula))).collect();
        if *changed == *self.pieces { self.clone() } else { Self::collected(changed) }
    }

    fn joined(&self, other: &Self, join: impl Fn(Formula, Formula) -> Formula) -> Self {
        let rest = |pieces: &Self| (ActionSet::ALL.minus(pieces.possible()), Formula::FALSE);
        let mut pieces = SmallVec::<[(ActionSet, Formula); 8]>::new();
        for (actions, formula) in self.pieces.iter().copied().chain([rest(self)]) {
            for (others, other) in other.pieces.iter().copied().chain([rest(other)]) {
                let both = actions.intersection(others);
                if !both.is_empty() {
                    pieces.push((both, join(formula, other)));
                }
            }
        }
        Self::collected(pieces)
    }

    /// Disjoint pieces in any order, made canonical.
    fn collected(pieces: impl IntoIterator<Item = (ActionSet, Formula)>) -> Self {
        let mut all = SmallVec::<[(ActionSet, Formula); 8]>::new();
        for (actions, formula) in pieces {
            if actions.is_empty() || formula == Formula::FALSE {
                continue;
            }
            match all.iter_mut().find(|(_, known)| *known == formula) {
                Some((known, _)) => *known = known.union(actions),
                None => all.push((actions, formula)),
            }
        }
        all.sort_unstable_by_key(|(actions, _)| actions.bits().trailing_zeros());
        Self { pieces: SmallVec::from_slice(&all) }
    }
}
