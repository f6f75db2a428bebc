//! Sets of actions in one machine word.

/// Declares a set of actions: a bit of `$Word` for each row of the table of `$Action`, row 0 lowest.
macro_rules! action_set {
    ($(#[$doc:meta])* $Set:ident of $Action:ident in $Word:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $Set($Word);

        impl $Set {
            /// No action.
            pub const EMPTY: Self = Self(0);

            /// Every action of the table.
            pub const ALL: Self = Self($Word::MAX >> ($Word::BITS as usize - $Action::COUNT));

            /// The set of one action.
            pub const fn of(action: $Action) -> Self {
                Self(1 << action.index())
            }

            /// The bits, row 0 of the table lowest.
            pub const fn bits(self) -> $Word {
                self.0
            }

            /// The set with these bits; bits without an action are dropped.
            pub const fn from_bits(bits: $Word) -> Self {
                Self(bits & Self::ALL.0)
            }

            /// Adds an action.
            pub const fn insert(&mut self, action: $Action) {
                self.0 |= Self::of(action).0;
            }

            /// Takes an action out.
            pub const fn remove(&mut self, action: $Action) {
                self.0 &= !Self::of(action).0;
            }

            /// Whether the action is in the set.
            pub const fn contains(self, action: $Action) -> bool {
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
            pub fn iter(self) -> impl Iterator<Item = $Action> + Clone {
                let without_lowest = |bits: &$Word| Some(bits & (bits - 1)).filter(|rest| *rest != 0);
                std::iter::successors(Some(self.0).filter(|bits| *bits != 0), without_lowest)
                    .filter_map(|bits| $Action::from_index(bits.trailing_zeros() as usize))
            }
        }

        impl From<$Action> for $Set {
            fn from(action: $Action) -> Self {
                Self::of(action)
            }
        }

        impl FromIterator<$Action> for $Set {
            fn from_iter<I: IntoIterator<Item = $Action>>(actions: I) -> Self {
                let mut set = Self::EMPTY;
                set.extend(actions);
                set
            }
        }

        impl Extend<$Action> for $Set {
            fn extend<I: IntoIterator<Item = $Action>>(&mut self, actions: I) {
                actions.into_iter().for_each(|action| self.insert(action));
            }
        }

        /// Writes the names, in table order.
        impl std::fmt::Debug for $Set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_set().entries(self.iter()).finish()
            }
        }
    };
}

pub(super) use action_set;
