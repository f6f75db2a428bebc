//! What states can do with keys, and with keys that somebody changed; kept for all of whom it is true.

use std::sync::Arc;

use crate::access::{Opening, Reached};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{CallerKind, Chance};
use crate::inventory::Key;

use super::asked::Asked;
use super::cast::{Ix, KeyIx};
use super::key_edits::KeyEdit;
use super::key_moves::{Ground, KeyMove, Permission};
use super::plan::Doing;
use super::state::{ClassIx, DoingIx, KeyOpen, StateName, States};

/// Whom an answer is of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Whoever {
    /// Everybody of a class; roles apart, as a grant to a role means its sessions by the role (rule P4).
    Class(ClassIx, bool),
    /// One state.
    State(StateName),
}

impl States<'_, '_> {
    /// Whom what a state can do with a key is true of: all of its class where the key does not tell them
    /// apart.
    fn whoever(&self, name: &StateName, key: KeyIx) -> Whoever {
        match self.keys.tells_apart(key, name.at) {
            true => Whoever::State(name.clone()),
            false => {
                let kind = &self.cast.member_or_first(name.at).caller.kind;
                Whoever::Class(self.get(name).class, *kind == CallerKind::Role)
            }
        }
    }

    /// The moves that a permission on a key, as it is or after an edit by its number, is good for; kept.
    pub(super) fn kept_key_moves(
        &self,
        name: &StateName,
        key: KeyIx,
        permission: Permission,
        edit: Option<(DoingIx, &KeyEdit)>,
    ) -> Arc<[KeyOpen]> {
        // A grant names the one whom it is for, and tags may have to be alike the caller's own.
        let of_callers = || {
            let account = self.cast.key(key).map(|key| key.arn.account());
            let mut asked = account.into_iter().flat_map(|account| self.cast.asked_in(account));
            asked.any(Asked::is_of_callers)
        };
        let who = match permission.action {
            KmsAction::CREATE_GRANT => Whoever::State(name.clone()),
            KmsAction::TAG_RESOURCE if of_callers() => Whoever::State(name.clone()),
            _ => self.whoever(name, key),
        };
        let (number, edit) = edit.unzip();
        self.key_moves.get((who, key, permission.action, number), |_| {
            let moves = self.key_moves(name, key, permission, edit).into_iter();
            let numbered = moves.map(|(what, chance)| {
                let doing = self.doings.intern(Doing::Key(what.clone()));
                KeyOpen { what, doing, chance }
            });
            numbered.collect()
        })
    }

    /// Whether a state may make a grant of a key as it is to somebody; kept.
    pub(super) fn kept_granting(&self, name: &StateName, key: KeyIx, grantee: Ix) -> Chance {
        let known = (name.clone(), key, grantee);
        self.granting.get(known, |_| self.granting(name, key, grantee, &Ground::AsItIs))
    }

    /// Whether a state gets to the goal of a key that a move opened; kept.
    pub(super) fn kept_opened(
        &self,
        name: &StateName,
        key: KeyIx,
        (what, doing): (&KeyMove, DoingIx),
        opening: Opening,
    ) -> Chance {
        let replica = matches!(what, KeyMove::Replicate(..)).then_some(doing);
        let who = self.whoever(name, key);
        self.opened.get((who, key, opening, replica), |_| self.opened(name, key, what, opening))
    }

    /// What a state can do with a key after an edit of it, by its number: the goal, and what opens the key; kept.
    pub(super) fn reached_after(
        &self,
        name: &StateName,
        at: KeyIx,
        (doing, edit): (DoingIx, &KeyEdit),
    ) -> Reached {
        self.after.get((self.whoever(name, at), at, doing), |_| match self.cast.key(at) {
            Some(key) => self.reached_as(name, at, &edit.applied(key)),
            None => Reached::default(),
        })
    }

    /// What of it a state could do if the key had other tags; kept.
    pub(super) fn could_tagged(&self, name: &StateName, at: KeyIx) -> ActionSet {
        self.tagged.get((self.whoever(name, at), at), |_| match self.cast.key(at) {
            Some(key) => self.reached_as(name, at, &Key { tags: None, ..key.clone() }).possible,
            None => ActionSet::EMPTY,
        })
    }
}
