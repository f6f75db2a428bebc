//! A way to a key in the numbers of the cast, before it is a path.

use super::cast::Ix;
use super::key_moves::KeyMove;
use super::moves::Move;

/// One call, in numbers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Step {
    /// Who calls.
    pub(super) by: Ix,
    /// What.
    pub(super) what: Doing,
}

/// What a call does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Doing {
    /// About principals.
    Move(Move),
    /// About a key.
    Key(KeyMove),
}

impl Doing {
    /// The rule of the primitive; nothing for an edge.
    pub(super) fn primitive(&self) -> Option<&'static str> {
        match self {
            Self::Move(what) => what.primitive(),
            Self::Key(what) => Some(what.primitive()),
        }
    }
}

/// A way to a goal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Plan {
    /// Who sets out.
    pub(super) start: Ix,
    /// The calls, in order.
    pub(super) steps: Vec<Step>,
    /// Who takes the action in the end.
    pub(super) goal_as: Ix,
}
