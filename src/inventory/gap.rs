//! What is not known: pages and documents that are missing, and facts that contradict each other.

use std::fmt;

use crate::aws::{AccountId, KeyArn};
use crate::source::Place;

/// The part of a user, role or group that is whether it is there at all (see [`GapKind::IdentityPart`]).
pub const EXISTENCE: &str = "existence";

/// Something that was not exported though something that was exported speaks of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// What is missing.
    pub kind: GapKind,
    /// Where its absence shows.
    pub place: Place,
}

/// What is missing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GapKind {
    /// A managed policy that a principal, a group or a boundary names has no document.
    PolicyDocument {
        /// The account whose principals it concerns.
        account: AccountId,
        /// The policy's ARN.
        policy: Box<str>,
    },
    /// A part of a user, role or group: `inline policies`, `attached policies`, `memberships`, [`EXISTENCE`].
    IdentityPart {
        /// Its account.
        account: AccountId,
        /// Its ARN.
        arn: Box<str>,
        /// Which part.
        part: &'static str,
    },
    /// A user's group is not described.
    Group {
        /// Its account.
        account: AccountId,
        /// Its name.
        name: Box<str>,
    },
    /// A listing of an account's identities stops before its end, or was never made.
    Identities {
        /// The account.
        account: AccountId,
        /// Whether a listing was begun.
        truncated: bool,
    },
    /// A part of a key: `key policy`, `grants`, `aliases`, `tags`, `metadata`.
    KeyPart {
        /// The key.
        key: KeyArn,
        /// Which part.
        part: &'static str,
        /// Whether a listing was begun.
        truncated: bool,
    },
    /// A listing of keys or aliases of a whole account and Region stops before its end.
    Listing {
        /// What is listed: `keys`, `aliases`.
        what: &'static str,
    },
    /// A part of the organization: a parent, a policy's document, its targets.
    Organization {
        /// What is missing, in words.
        what: Box<str>,
    },
    /// A file whose subject could not be found out: which key, user or policy it describes.
    Subject {
        /// What the file holds, in the words of the CLI: `get-key-policy`.
        command: &'static str,
    },
}

impl GapKind {
    /// The account whose identities, groups or policies it concerns.
    pub fn of_account(&self) -> Option<AccountId> {
        match self {
            Self::PolicyDocument { account, .. }
            | Self::IdentityPart { account, .. }
            | Self::Group { account, .. }
            | Self::Identities { account, .. } => Some(*account),
            _ => None,
        }
    }

    /// The key it concerns.
    pub fn of_key(&self) -> Option<&KeyArn> {
        match self {
            Self::KeyPart { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Whether a page of a listing is missing, not a document (`truncated-export`, not `missing-input`).
    pub fn is_truncation(&self) -> bool {
        matches!(
            self,
            Self::Identities { truncated: true, .. }
                | Self::KeyPart { truncated: true, .. }
                | Self::Listing { .. }
        )
    }
}

impl fmt::Display for GapKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PolicyDocument { policy, .. } => {
                write!(out, "document of managed policy {policy}")
            }
            Self::IdentityPart { arn, part, .. } => write!(out, "{part} of {arn}"),
            Self::Group { account, name } => write!(out, "group {name} of account {account}"),
            Self::Identities { account, truncated: true } => {
                write!(out, "further pages of the identities of account {account}")
            }
            Self::Identities { account, truncated: false } => {
                write!(out, "identities of account {account}")
            }
            Self::KeyPart { key, part, truncated: true } => {
                write!(out, "further pages of the {part} of {key}")
            }
            Self::KeyPart { key, part, truncated: false } => write!(out, "{part} of {key}"),
            Self::Listing { what } => write!(out, "further pages of a listing of {what}"),
            Self::Organization { what } => write!(out, "{what}"),
            Self::Subject { command } => write!(out, "what the {command} output describes"),
        }
    }
}

/// Two places that state different things of one entity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// The entity and the fact, such as `key policy of arn:aws:kms:...`.
    pub what: Box<str>,
    /// ARN or id of the entity, for whoever asks about it.
    pub subject: Box<str>,
    /// The place whose statement counts: the first by path.
    pub kept: Place,
    /// The place that says otherwise.
    pub other: Place,
}

/// Which way a missing fact could change an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effects {
    /// It could only allow more.
    MoreAllowed,
    /// It could only deny more.
    MoreDenied,
    /// It could do either.
    Either,
}

impl GapKind {
    /// Which way it could change an answer.
    pub fn effects(&self) -> Effects {
        match self {
            Self::KeyPart { part: "grants", .. } => Effects::MoreAllowed,
            // Rule E20: a boundary is no path, whatever it says.
            Self::Organization { .. }
            | Self::IdentityPart { part: EXISTENCE | "permissions boundary", .. } => {
                Effects::MoreDenied
            }
            _ => Effects::Either,
        }
    }
}
