//! What a request gives by name, with the set of the names under a condition key of its own: the pairs of the
//! encryption context (rule C52), and tags (IAM user guide, global condition keys: aws:TagKeys).

use crate::aws::{Action, carried};
use crate::decision::{Context, ContextValue};

use super::domain::limit;
use super::frame::{Frame, Limit};
use super::pairs::{NAMES, PREFIX};
use super::spellings::{Spellings, written};

/// What the condition keys of tags begin with, in lower case.
const TAG: &str = "aws:requesttag/";

/// The condition key of their keys, in lower case.
const TAG_KEYS: &str = "aws:tagkeys";

/// The condition key of some tag: actions carry those of all tags or of none.
const SOME_TAG: &str = "aws:requesttag/x";

/// What is given by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Names {
    /// The pairs of the encryption context.
    Pairs,
    /// The tags of a request to KMS: other services say in their own pages which tags of a request count.
    Tags,
}

impl Names {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Pairs, Self::Tags];

    /// The condition keys of some tag, and of the set.
    pub(super) const OF_TAGS: [&str; 2] = [SOME_TAG, TAG_KEYS];

    /// What a condition key (in lower case, but for the names) is of.
    pub(super) fn of(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|names| key == names.set() || key.starts_with(names.prefix()))
    }

    /// Whether a condition key, in lower case, is that of a set.
    pub(super) fn is_set(key: &str) -> bool {
        Self::ALL.iter().any(|names| names.set() == key)
    }

    /// What the condition keys of single ones begin with, in lower case.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Pairs => PREFIX,
            Self::Tags => TAG,
        }
    }

    /// The condition key of the set of the names, in lower case.
    pub(super) fn set(self) -> &'static str {
        match self {
            Self::Pairs => NAMES,
            Self::Tags => TAG_KEYS,
        }
    }

    /// The name in a condition key, as it is spelled there.
    pub(super) fn named(key: &str) -> Option<&str> {
        Self::ALL.iter().find_map(|names| key.strip_prefix(names.prefix()))
    }

    /// The condition key of a name, as requests write it.
    pub(super) fn written(self, name: &str) -> Box<str> {
        written(&format!("{}{name}", self.prefix())).into()
    }

    /// Whether requests of the frame tell each of them in both ways: those that take tags away tell their keys
    /// alone.
    pub(super) fn go_together(self, frame: &Frame) -> bool {
        match self {
            Self::Pairs => true,
            Self::Tags => {
                let carries = |key: &&str| carried(frame.action, key);
                matches!(frame.action, Action::Kms(_)) && Self::OF_TAGS.iter().all(carries)
            }
        }
    }

    /// The limit of the set, where the frame rules out all that is not given and says nothing of the set.
    pub(super) fn without_others(self, frame: &Frame) -> Option<(Box<str>, Limit)> {
        let family = format!("{}*", self.prefix());
        let is_ruled_out = limit(&frame.limits, &family) == Some(&Limit::Absent);
        let is_open = limit(&frame.limits, self.set()).is_none();
        if !is_ruled_out || !is_open || !self.go_together(frame) {
            return None;
        }
        let given: Box<[Box<str>]> = self.given(frame).map(Into::into).collect();
        let limit = if given.is_empty() { Limit::Absent } else { Limit::Given(given) };
        Some((self.set().into(), limit))
    }

    /// The names that the question gives.
    fn given(self, frame: &Frame) -> impl Iterator<Item = &str> {
        let given = frame.limits.iter().filter(|(_, limit)| matches!(limit, Limit::Given(_)));
        given.filter_map(move |(key, _)| key.strip_prefix(self.prefix()))
    }

    /// Adds the set of the names to a request that nothing asked for it.
    pub(super) fn complete(self, context: &mut Context, frame: &Frame) {
        let is_told =
            context.get(self.set()).is_some() || limit(&frame.limits, self.set()).is_some();
        if is_told || !self.go_together(frame) {
            return;
        }
        let given: Vec<&str> = self.given(frame).collect();
        let is_given = |name: &str| given.iter().any(|given| given.eq_ignore_ascii_case(name));
        let found = context.with_prefix(self.prefix()).map(|(name, _)| name);
        let names = found.filter(|name| !is_given(name)).chain(given.iter().copied());
        let mut names: Vec<Box<str>> = names.map(Into::into).collect();
        if !names.is_empty() {
            names.sort();
            let set = Spellings::default().spelled(self.set());
            context.set(&set, ContextValue::Many(names));
        }
    }
}
