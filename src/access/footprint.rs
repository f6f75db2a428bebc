//! What a formula can notice of the frame in which it is decided: equal parts of frames give equal answers.

use std::sync::Arc;

use crate::aws::{Action, ActionSet, carried};

use super::bits::Bits;
use super::domain::Limits;
use super::frame::{Frame, Who};
use super::kinds::PRINCIPAL_ARN;
use super::names::Names;
use super::solve::ALL_PAIRS;
use super::spellings::has_spellings;

/// The keys that a formula can notice, facts included, each with the actions that carry it; sorted.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Footprint {
    /// In lower case, as tests have them.
    pub(super) keys: Box<[(Arc<str>, ActionSet)]>,
    /// Whether it speaks of the encryption context.
    pub(super) pairs: bool,
    /// Whether it speaks of the tags of a request.
    pub(super) tags: bool,
    /// Whether it tells kinds of callers apart.
    pub(super) kinds: bool,
}

/// The part of a frame that a formula can notice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct View {
    who: Who,
    /// Which keys of the footprint the action carries.
    carried: Bits,
    limits: Box<Limits>,
}

/// Whether the action carries a key; of KMS, one of those in `by`.
fn carries(key: &str, by: ActionSet, action: Action) -> bool {
    match action {
        Action::Kms(action) => by.contains(action),
        Action::Control(action) => carried(action, key),
    }
}

impl Footprint {
    /// Rule C4: what is fixed in one spelling is so in each.
    fn is_spelled(&self, key: &str) -> bool {
        has_spellings(key) && self.keys.iter().any(|(known, _)| known.eq_ignore_ascii_case(key))
    }

    /// What of a frame can be noticed.
    pub(super) fn view(&self, frame: &Frame) -> View {
        let carried =
            |at: usize| self.keys.get(at).is_some_and(|(key, by)| carries(key, *by, frame.action));
        let noticed = |key: &str| {
            let known = self.keys.binary_search_by(|(known, _)| (**known).cmp(key)).is_ok();
            let is_named = || match Names::of(key) {
                Some(Names::Pairs) => self.pairs,
                Some(Names::Tags) => self.tags && Names::Tags.go_together(frame),
                None => self.pairs && key == ALL_PAIRS,
            };
            known || is_named() || self.is_spelled(key)
        };
        // What is found for a stranger is of its account.
        let unnamed = self.kinds && frame.caller == Who::Unnamed;
        let noticed = |key: &str| noticed(key) || unnamed && key == PRINCIPAL_ARN;
        let limits = frame.limits.iter().filter(|(key, _)| noticed(key));
        View {
            who: frame.caller,
            carried: Bits::of(self.keys.len(), carried),
            limits: limits.cloned().collect(),
        }
    }
}
