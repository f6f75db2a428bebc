//! A principal as it is after some changes, and what it can do then; kept for all who get to be it.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use crate::access::{Access, ControlClass, KeySideClass, Opening};
use crate::aws::{ControlAction, KmsAction};
use crate::decision::{Chance, Context};
use crate::inventory::IdentityKind;

use super::asker::Asker;
use super::cast::{Cast, Ix, KeyIx};
use super::change::{Change, changed};
use super::key_moves::KeyMove;
use super::keys::{Held, Keys};
use super::moves::{Moves, Open};

/// A principal and what was changed about it, in order.
pub(super) type StateName = (Ix, Vec<Change>);

/// A class of states, by number.
pub(super) type ClassIx = u32;

/// What a principal can do in one state.
pub(super) struct State {
    /// States of one class answer alike where nothing tells them apart by name.
    pub(super) class: ClassIx,
    /// Whether its own policies allow everything and deny nothing.
    pub(super) unlimited: bool,
    /// Whether its side asks for tags of keys.
    pub(super) asks_for_tags: bool,
    /// Whether its side asks for aliases of keys.
    pub(super) asks_for_aliases: bool,
    moves: OfClass,
    assumes: OnceLock<Vec<Open>>,
    keys: OnceLock<Vec<Held>>,
}

/// Values by name; made outside the lock, so that two threads may both make one: the first stays.
struct Kept<K, V>(Mutex<FxHashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        known.unwrap_or_else(|| {
            let made = make();
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(key).or_insert(made).clone()
        })
    }
}

type Class = (ControlClass, KeySideClass);

/// The moves of a class, once somebody asked.
type OfClass = Arc<OnceLock<Vec<Open>>>;

/// Calls about a key, and whether they are allowed.
pub(super) type KeyMoves = Arc<Vec<(KeyMove, Chance)>>;

/// States by name.
pub(super) struct States<'c, 'w> {
    pub(super) cast: &'c Cast<'w>,
    pub(super) access: &'c Access<'c>,
    pub(super) keys: &'c Keys<'c, 'w>,
    known: Kept<StateName, Arc<State>>,
    classes: Mutex<FxHashMap<Class, (ClassIx, OfClass)>>,
    touched: Kept<Change, Arc<[Ix]>>,
    entering: Kept<(ClassIx, Ix), Chance>,
    key_moves: Kept<(StateName, KeyIx, KmsAction), KeyMoves>,
    opened: Kept<(StateName, KeyMove), Chance>,
}

impl<'c, 'w> States<'c, 'w> {
    /// None yet.
    pub(super) fn new(cast: &'c Cast<'w>, access: &'c Access<'c>, keys: &'c Keys<'c, 'w>) -> Self {
        Self {
            cast,
            access,
            keys,
            known: Kept::new(),
            classes: Mutex::default(),
            touched: Kept::new(),
            entering: Kept::new(),
            key_moves: Kept::new(),
            opened: Kept::new(),
        }
    }

    /// The state of this name.
    pub(super) fn get(&self, name: &StateName) -> Arc<State> {
        self.known.get(name.clone(), || Arc::new(self.make(name)))
    }

    fn make(&self, name: &StateName) -> State {
        let asker = self.asker(name);
        let nothing = Context::default();
        let key_side = asker.key_side(&nothing);
        let class = (asker.side(&nothing).class(), key_side.class());
        let asks_for_tags = key_side.asks_for_tags();
        let asks_for_aliases = key_side.asks_for_aliases();
        let unlimited = class.0.is_unlimited() && class.1.is_unlimited();
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = classes.len() as ClassIx;
        let (class, moves) = classes.entry(class).or_insert((next, Arc::default())).clone();
        State {
            class,
            unlimited,
            asks_for_tags,
            asks_for_aliases,
            moves,
            assumes: OnceLock::new(),
            keys: OnceLock::new(),
        }
    }

    /// Who asks in a state.
    pub(super) fn asker(&self, (at, changes): &StateName) -> Asker<'c, 'w> {
        let open_tags = changes.iter().any(|it| matches!(it, Change::SessionTags(_)));
        let member = self.cast.member_or_first(*at);
        let is_itself = match &**changes {
            [] => !self.takes_tags(*at),
            [Change::SessionTags(_)] => true,
            _ => false,
        };
        let identity = match (is_itself, &**changes) {
            (true, _) => None,
            (false, []) => member.identity.map(Cow::Borrowed),
            (false, changes) => changed(self.cast, *at, changes).map(Cow::Owned),
        };
        Asker { cast: self.cast, access: self.access, at: *at, identity, open_tags }
    }

    /// Whether it matters that sessions of a role may bring tags (rule T7).
    pub(super) fn takes_tags(&self, at: Ix) -> bool {
        let identity = self.cast.identity(at).filter(|it| it.kind == IdentityKind::Role);
        !self.cast.principal_tag_keys.is_empty()
            && identity.is_some_and(|it| self.access.takes_session_tags(it))
    }

    /// What a state can do about principals, taking on roles aside: the same for all of its class.
    pub(super) fn moves<'s>(&self, name: &StateName, state: &'s State) -> &'s [Open] {
        state.moves.get_or_init(|| Moves::of(self.cast, &self.asker(name)))
    }

    /// The roles that a state can take on.
    pub(super) fn assumes<'s>(&self, name: &StateName, state: &'s State) -> &'s [Open] {
        state.assumes.get_or_init(|| {
            Moves::assumed(self.cast, &self.asker(name), |role| self.takes_tags(role))
        })
    }

    /// What a state can do with keys.
    pub(super) fn keys<'s>(&self, name: &StateName, state: &'s State) -> &'s [Held] {
        state.keys.get_or_init(|| {
            let asker = self.asker(name);
            self.keys.held(&asker, &asker.key_side(&Context::default()), state.class)
        })
    }

    /// Those whom a change touches by itself, sessions of roles aside.
    pub(super) fn touched(&self, change: &Change) -> Arc<[Ix]> {
        if let Some(at) = change.whose() {
            return Arc::from([at]);
        }
        self.touched.get(change.clone(), || {
            let household = change.account().and_then(|account| self.cast.accounts.get(&account));
            let members = household.into_iter().flat_map(|it| it.users.iter().chain(&it.roles));
            members.copied().filter(|at| change.touches(self.cast, *at, &[])).collect()
        })
    }

    /// Whether a state may take on a role whose trust policy lets everyone in (rule T25).
    pub(super) fn enters(&self, name: &StateName, role: Ix) -> Chance {
        let state = self.get(name);
        self.entering.get((state.class, role), || {
            let Some(arn) = self.cast.arn(role) else { return Chance::No };
            let asker = self.asker(name);
            match asker.assume_action() {
                ControlAction::STS_ASSUME_ROLE => asker.side(&Context::default()).entering(arn),
                _ => Chance::No,
            }
        })
    }

    /// The moves that a permission on a key as it is is good for; kept.
    pub(super) fn kept_key_moves(
        &self,
        name: &StateName,
        key: KeyIx,
        action: KmsAction,
    ) -> KeyMoves {
        self.key_moves
            .get((name.clone(), key, action), || Arc::new(self.key_moves(name, key, action, &[])))
    }

    /// Whether a state gets to the goal of a key that a move opened; kept.
    pub(super) fn kept_opened(
        &self,
        name: &StateName,
        key: KeyIx,
        what: &KeyMove,
        opening: Opening,
    ) -> Chance {
        self.opened.get((name.clone(), what.clone()), || self.opened(name, key, what, opening))
    }
}
