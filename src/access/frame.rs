//! What is fixed while a formula is decided.

use std::sync::Arc;

use crate::aws::Action;
use crate::decision::CallerKind;

/// Whose request it is, for which action, and what the request-time keys can hold beside what their types
/// and the linking facts say. Formulas are decided once for each frame.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Frame {
    /// The kind of caller, names left out.
    pub(super) caller: Who,
    /// The action: which keys it carries.
    pub(super) action: Action,
    /// Limits of single keys, by key in lower case; sorted. `kms:encryptioncontext` limits all pairs.
    pub(super) limits: KeyLimits,
}

/// Limits of condition keys, by key in lower case; sorted.
pub(super) type KeyLimits = Arc<[(Box<str>, Limit)]>;

/// What a condition key can hold for one caller and key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Limit {
    /// The request never carries it.
    Absent,
    /// It is absent or one of these; for a multi-valued key, a set of these.
    OneOf(Box<[Box<str>]>),
    /// It is always there.
    Present,
    /// It is one of these; for a multi-valued key, a set of these.
    Among(Box<[Box<str>]>),
    /// It is a text that this pattern (`*`, `?`) takes.
    PresentLike(Box<str>),
    /// It is a text that each of these patterns takes.
    PresentLikeAll(Box<[Box<str>]>),
    /// It is a text that this pattern takes, and none of these.
    PresentLikeBut(Box<str>, Box<[Box<str>]>),
    /// It is whatever it is; of texts that nothing tells apart, these are taken first.
    Rather(Box<[Box<str>]>),
    /// It has exactly this value: the question gave it.
    Given(Box<[Box<str>]>),
}

impl Limit {
    /// Whether every request carries the key.
    pub(super) fn is_always_there(&self) -> bool {
        matches!(
            self,
            Self::Present
                | Self::Among(_)
                | Self::PresentLike(_)
                | Self::PresentLikeAll(_)
                | Self::PresentLikeBut(..)
        )
    }
}

/// The kinds of callers that facts tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Who {
    /// A root user.
    Root,
    /// A user.
    User,
    /// A session of a role.
    Session,
    /// A federated-user session.
    Federated,
    /// A service.
    Service,
    /// Somebody whom an identity provider vouches for.
    Provider,
    /// A principal of some account of which nothing more is known: of any of the first four kinds.
    Unnamed,
}

impl From<&CallerKind> for Who {
    fn from(kind: &CallerKind) -> Self {
        match kind {
            CallerKind::Root => Self::Root,
            CallerKind::User => Self::User,
            CallerKind::Role | CallerKind::AssumedRole { .. } => Self::Session,
            CallerKind::FederatedUser { .. } => Self::Federated,
            CallerKind::Service => Self::Service,
            CallerKind::Provider => Self::Provider,
        }
    }
}
