//! Actions as rows of a table.

/// Declares an action as an index into a table, with a constant for each row in the table's order, and
/// `NAMES` and `TEXTS` beside it: the names as listed, and with the prefix.
macro_rules! action_rows {
    (
        $(#[$doc:meta])*
        $Action:ident with $prefix:literal {
            $($constant:ident = $name:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Action(u8);

        /// The rows of the table, to number the constants.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "named as the constants")]
        #[repr(u8)]
        enum Row { $($constant,)+ }

        /// Names as listed, ascending without regard to case.
        const NAMES: &[&str] = &[$($name),+];

        /// Names with prefix, in the same order.
        const TEXTS: &[&str] = &[$(concat!($prefix, $name)),+];

        impl $Action {
            $(
                #[doc = concat!("`", $prefix, $name, "`.")]
                pub const $constant: Self = Self(Row::$constant as u8);
            )+

            /// How many actions there are.
            pub const COUNT: usize = NAMES.len();

            /// The action in row `index` of the table.
            pub fn from_index(index: usize) -> Option<Self> {
                u8::try_from(index).ok().filter(|_| index < Self::COUNT).map(Self)
            }

            /// The row of the table, below `COUNT`.
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The name as policies write it, with its service's prefix.
            #[expect(clippy::indexing_slicing, reason = "every index is made below the count")]
            pub const fn as_str(self) -> &'static str {
                TEXTS[self.index()]
            }

            /// All actions, by name.
            pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
                (0..NAMES.len()).filter_map(Self::from_index)
            }
        }

        impl std::fmt::Display for $Action {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::fmt::Debug for $Action {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        /// Each constant beside its own name, for the tests.
        #[cfg(test)]
        const CONSTANTS: &[(&str, $Action)] =
            &[$((stringify!($constant), $Action::$constant)),+];
    };
}

pub(super) use action_rows;
