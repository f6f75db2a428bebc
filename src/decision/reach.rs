//! The one question of the rules: who can do what with which key, now or after an edit.

use std::collections::BTreeSet;

use crate::aws::{KeyArn, KmsAction};
use crate::inventory::{Edit, Inventory};

use super::{Caller, Request};

/// One (principal, key, permission).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cell {
    /// The principal; a role stands for any session of it (rule U6).
    pub principal: Caller,
    /// The key.
    pub key: KeyArn,
    /// The permission.
    pub action: KmsAction,
}

/// What holds for every request of a [`Cell`] that AWS could send.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Each is allowed.
    Always {
        /// One of them.
        witness: Box<Request>,
    },
    /// Some are allowed, some are not.
    Conditional {
        /// One that is allowed.
        witness: Box<Request>,
        /// One that is denied.
        counter: Box<Request>,
    },
    /// None is allowed.
    Never {
        /// One of them, chosen so that the allowing statements match where there are any.
        counter: Box<Request>,
    },
    /// Not decidable.
    Unknown(Unknown),
}

/// A verdict that is not known, with bounds that hold whatever the truth is.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// The least it can be.
    pub at_least: Bound,
    /// The most it can be.
    pub at_most: Bound,
    /// A request that is allowed as far as is known.
    pub witness: Option<Box<Request>>,
    /// Why it is not known.
    pub why: BTreeSet<Why>,
}

/// One of the three verdicts, in order of what they allow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Bound {
    /// No request is allowed.
    Never,
    /// Some requests are allowed.
    Conditional,
    /// Every request is allowed.
    Always,
}

/// Why a verdict is not known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Something was not exported; in the words of `missing`.
    Missing(String),
    /// A point that AWS leaves open: `O1`.
    Open(&'static str),
    /// The engine's cap was reached.
    Undecided,
}

impl Verdict {
    /// The least it can be.
    pub fn at_least(&self) -> Bound {
        match self {
            Self::Always { .. } => Bound::Always,
            Self::Conditional { .. } => Bound::Conditional,
            Self::Never { .. } => Bound::Never,
            Self::Unknown(unknown) => unknown.at_least,
        }
    }

    /// The most it can be.
    pub fn at_most(&self) -> Bound {
        match self {
            Self::Always { .. } => Bound::Always,
            Self::Conditional { .. } => Bound::Conditional,
            Self::Never { .. } => Bound::Never,
            Self::Unknown(unknown) => unknown.at_most,
        }
    }

    /// Whether some request is allowed for certain.
    pub fn reaches(&self) -> bool {
        self.at_least() > Bound::Never
    }

    /// Whether no request can be allowed, whatever is missing.
    pub fn is_never(&self) -> bool {
        self.at_most() == Bound::Never
    }

    /// A request that is allowed.
    pub fn witness(&self) -> Option<&Request> {
        match self {
            Self::Always { witness } | Self::Conditional { witness, .. } => Some(witness),
            Self::Never { .. } => None,
            Self::Unknown(unknown) => unknown.witness.as_deref(),
        }
    }
}

/// An engine that answers for cells. Rules ask it and never learn which engine it is.
pub trait Reach: Sync {
    /// The world it answers for.
    fn world(&self) -> &Inventory;

    /// The verdict of one cell.
    fn verdict(&self, cell: &Cell) -> Verdict;

    /// Everyone who might hold `action` on `key`: its root user, the principals of its account where the
    /// key policy delegates, and whoever the key policy and the grants name. Who is not there surely does
    /// not hold it, strangers aside. Sorted.
    fn candidates(&self, key: &KeyArn, action: KmsAction) -> Vec<Caller>;

    /// The same engine over the world after `edit`.
    fn after(&self, edit: &Edit) -> Box<dyn Reach + '_>;
}
