//! Three-valued truth: what hangs on a value that nobody knows is neither true nor false (rule U2).

use std::ops::Not;

/// False, unknown or true, in this order: "and" is the minimum, "or" the maximum (strong Kleene logic).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Truth {
    /// Does not hold.
    False,
    /// Hangs on something unknown.
    Unknown,
    /// Holds.
    True,
}

impl Truth {
    /// The maximum; false for none.
    pub(super) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().max().unwrap_or(Self::False)
    }

    /// The minimum; true for none.
    pub(super) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        truths.into_iter().min().unwrap_or(Self::True)
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}
