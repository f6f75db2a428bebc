//! Sets of KMS actions in one machine word.

use std::{fmt, iter};

use super::KmsAction;

/// A set of KMS actions, a bit for each row of the action table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ActionSet(u64);

impl ActionSet {
    /// No action.
    pub const EMPTY: Self = Self(0);

    /// Every action of KMS, as `kms:*` means it.
    pub const ALL: Self = Self((1 << KmsAction::COUNT) - 1);

    /// The set of one action.
    pub const fn of(action: KmsAction) -> Self {
        Self(1 << action.index())
    }

    /// The bits, row 0 of the table lowest.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits; bits without an action are dropped.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Adds an action.
    pub const fn insert(&mut self, action: KmsAction) {
        self.0 |= Self::of(action).0;
    }

    /// Takes an action out.
    pub const fn remove(&mut self, action: KmsAction) {
        self.0 &= !Self::of(action).0;
    }

    /// Whether the action is in the set.
    pub const fn contains(self, action: KmsAction) -> bool {
        self.0 & Self::of(action).0 != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether some action is in both sets.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the other set has every action of this one.
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is no action in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many actions are in it.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The actions in table order.
    pub fn iter(self) -> impl Iterator<Item = KmsAction> + Clone {
        let without_lowest = |bits: &u64| Some(bits & (bits - 1)).filter(|rest| *rest != 0);
        iter::successors(Some(self.0).filter(|bits| *bits != 0), without_lowest)
            .filter_map(|bits| KmsAction::from_index(bits.trailing_zeros() as usize))
    }
}

impl From<KmsAction> for ActionSet {
    fn from(action: KmsAction) -> Self {
        Self::of(action)
    }
}

impl FromIterator<KmsAction> for ActionSet {
    fn from_iter<I: IntoIterator<Item = KmsAction>>(actions: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(actions);
        set
    }
}

impl Extend<KmsAction> for ActionSet {
    fn extend<I: IntoIterator<Item = KmsAction>>(&mut self, actions: I) {
        actions.into_iter().for_each(|action| self.insert(action));
    }
}

/// Writes the names, in table order.
impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_follow_their_algebra() {
        let reads = ActionSet::from_iter([KmsAction::DESCRIBE_KEY, KmsAction::GET_KEY_POLICY]);
        let mut both = ActionSet::of(KmsAction::DECRYPT).union(reads);
        assert_eq!((both.len(), reads.len()), (3, 2));
        assert!(reads.is_subset(both) && !both.is_subset(reads) && both.intersects(reads));
        assert_eq!(both.intersection(reads), reads);
        assert_eq!(both.minus(reads), KmsAction::DECRYPT.into());
        both.remove(KmsAction::DECRYPT);
        assert_eq!(both, reads);
        assert!(both.contains(KmsAction::GET_KEY_POLICY) && !both.contains(KmsAction::DECRYPT));
        assert!(both.minus(both).is_empty() && ActionSet::EMPTY == ActionSet::default());
    }

    #[test]
    fn iteration_is_in_table_order_and_complete() {
        assert!(ActionSet::ALL.iter().eq(KmsAction::all()));
        assert_eq!(ActionSet::EMPTY.iter().count(), 0);
        let set = ActionSet::from_iter([KmsAction::VERIFY_MAC, KmsAction::CANCEL_KEY_DELETION]);
        assert_eq!(format!("{set:?}"), "{kms:CancelKeyDeletion, kms:VerifyMac}");
    }

    #[test]
    fn bits_without_an_action_are_dropped() {
        assert_eq!(ActionSet::from_bits(u64::MAX), ActionSet::ALL);
        assert_eq!(ActionSet::from_bits(ActionSet::ALL.bits()), ActionSet::ALL);
    }
}
