//! An action of KMS, or one of those outside it that lead to a key.

use std::fmt;

use super::{ControlAction, KmsAction};

/// An action of either table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// One of KMS.
    Kms(KmsAction),
    /// One of another service.
    Control(ControlAction),
}

impl Action {
    /// The KMS action, where it is one.
    pub const fn kms(self) -> Option<KmsAction> {
        match self {
            Self::Kms(action) => Some(action),
            Self::Control(_) => None,
        }
    }

    /// The name as policies write it: `kms:Decrypt`, `iam:PassRole`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kms(action) => action.as_str(),
            Self::Control(action) => action.as_str(),
        }
    }
}

impl From<KmsAction> for Action {
    fn from(action: KmsAction) -> Self {
        Self::Kms(action)
    }
}

impl From<ControlAction> for Action {
    fn from(action: ControlAction) -> Self {
        Self::Control(action)
    }
}

impl PartialEq<KmsAction> for Action {
    fn eq(&self, other: &KmsAction) -> bool {
        *self == Self::Kms(*other)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
