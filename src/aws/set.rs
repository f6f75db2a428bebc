//! Sets of the actions of one table, a bit for each row.

/// Writes the set of an action type whose table has no more than 64 rows for each of `$words`.
macro_rules! action_set {
    ($(#[$doc:meta])* $Set:ident of $Action:ident in $words:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Set([u64; $words]);

        const _: () = assert!($Action::COUNT <= 64 * $words);

        impl $Set {
            /// No action.
            pub const EMPTY: Self = Self([0; $words]);

            /// Every action of the table.
            pub const ALL: Self = {
                let mut all = Self::EMPTY;
                let mut row = 0;
                while row < $Action::COUNT {
                    all.0[row / 64] |= 1 << (row % 64);
                    row += 1;
                }
                all
            };

            /// The set of one action.
            pub const fn of(action: $Action) -> Self {
                let mut set = Self::EMPTY;
                set.insert(action);
                set
            }

            /// Adds an action.
            #[expect(clippy::indexing_slicing, reason = "there is a bit for each row")]
            pub const fn insert(&mut self, action: $Action) {
                self.0[action.index() / 64] |= 1 << (action.index() % 64);
            }

            /// Takes an action out.
            #[expect(clippy::indexing_slicing, reason = "there is a bit for each row")]
            pub const fn remove(&mut self, action: $Action) {
                self.0[action.index() / 64] &= !(1 << (action.index() % 64));
            }

            /// Whether the action is in the set.
            #[expect(clippy::indexing_slicing, reason = "there is a bit for each row")]
            pub const fn contains(self, action: $Action) -> bool {
                self.0[action.index() / 64] >> (action.index() % 64) & 1 == 1
            }

            /// What is in either set.
            #[must_use]
            pub const fn union(mut self, other: Self) -> Self {
                let mut word = 0;
                while word < $words {
                    self.0[word] |= other.0[word];
                    word += 1;
                }
                self
            }

            /// What is in both sets.
            #[must_use]
            pub const fn intersection(mut self, other: Self) -> Self {
                let mut word = 0;
                while word < $words {
                    self.0[word] &= other.0[word];
                    word += 1;
                }
                self
            }

            /// What is in this set and not in the other.
            #[must_use]
            pub const fn minus(mut self, other: Self) -> Self {
                let mut word = 0;
                while word < $words {
                    self.0[word] &= !other.0[word];
                    word += 1;
                }
                self
            }

            /// Whether some action is in both sets.
            pub const fn intersects(self, other: Self) -> bool {
                !self.intersection(other).is_empty()
            }

            /// Whether the other set has every action of this one.
            pub const fn is_subset(self, other: Self) -> bool {
                self.minus(other).is_empty()
            }

            /// Whether there is no action in it.
            pub const fn is_empty(self) -> bool {
                let mut word = 0;
                while word < $words {
                    if self.0[word] != 0 {
                        return false;
                    }
                    word += 1;
                }
                true
            }

            /// How many actions are in it.
            pub fn len(self) -> usize {
                self.0.iter().map(|word| word.count_ones() as usize).sum()
            }

            /// The row of its first action; behind the table where it has none.
            pub fn lowest(self) -> usize {
                let rows = self.0.iter().zip((0..).step_by(64));
                let first = rows.filter(|(word, _)| **word != 0).map(|(word, at)| {
                    at + word.trailing_zeros() as usize
                });
                first.min().unwrap_or($Action::COUNT)
            }

            /// The actions in table order.
            pub fn iter(self) -> impl Iterator<Item = $Action> + Clone {
                let words = self.0.into_iter().zip((0..).step_by(64));
                let rows = words.flat_map(|(word, at)| {
                    let rest = |bits: &u64| Some(bits & (bits - 1)).filter(|rest| *rest != 0);
                    let all = std::iter::successors(Some(word).filter(|bits| *bits != 0), rest);
                    all.map(move |bits| at + bits.trailing_zeros() as usize)
                });
                rows.filter_map($Action::from_index)
            }
        }

        impl Default for $Set {
            fn default() -> Self {
                Self::EMPTY
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
