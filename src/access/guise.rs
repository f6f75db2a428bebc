//! Somebody as it would be after changes of it.

use crate::decision::CallerKind;
use crate::inventory::Identity;
use crate::policy::PolicyDocument;

use super::subject::{Subject, takes_tags};

/// A user or role in the place of the one that the export has.
#[derive(Clone, Copy)]
pub struct Guise<'a> {
    /// The user or role.
    pub identity: &'a Identity,
    /// What the policy that is its permissions boundary says, where that is another version (rule T23).
    pub boundary: Option<&'a PolicyDocument>,
    /// Whether a session can bring tags of its own, where the role takes them (rule T7).
    pub open_tags: bool,
}

impl<'w> Subject<'w> {
    /// Makes the user, or the session's role, be another.
    pub(super) fn become_as(&mut self, guise: Guise<'w>) {
        self.identity = Some(guise.identity);
        self.boundary = guise.boundary;
        self.unlisted = None;
        match self.caller.kind {
            CallerKind::Role | CallerKind::AssumedRole { .. } => {
                self.tagged = guise.open_tags && takes_tags(guise.identity);
            }
            CallerKind::FederatedUser { .. } => self.tagged = guise.open_tags,
            _ => {}
        }
    }
}
