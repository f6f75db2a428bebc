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
        // A grant names the one whom it is for; tags and aliases may have to be like the caller's own tags.
        let any = |is_so: fn(&Asked) -> bool| {
            let account = self.cast.key(key).map(|key| key.arn.account());
            account.into_iter().flat_map(|account| self.cast.asked_in(account)).any(is_so)
        };
        let of_callers = match permission.action {
            KmsAction::CREATE_GRANT => true,
            KmsAction::TAG_RESOURCE => any(Asked::is_of_callers),
            KmsAction::CREATE_ALIAS | KmsAction::UPDATE_ALIAS => {
                any(Asked::names_aliases_for_callers)
            }
            _ => false,
        };
        let who = match of_callers {
            true => Whoever::State(name.clone()),
            false => self.whoever(name, key),
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
