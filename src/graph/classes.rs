//! What states have in common: classes of them, and which can do all that another can.

use std::sync::{OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use crate::access::{ControlClass, KeyHome, KeySideClass};
use crate::aws::AccountId;

use super::keys::HeldByClass;
use super::state::{ClassMoves, OpenMove, State, States};

/// What is equal for all states of a class.
pub(super) type Class = (ControlClass, KeySideClass);

/// What states of a class have in common, once somebody asked.
pub(super) struct OfClass {
    pub(super) class: Class,
    pub(super) moves: OnceLock<ClassMoves>,
    pub(super) organizing: OnceLock<Vec<OpenMove>>,
    pub(super) keys: OnceLock<HeldByClass>,
    /// What their sides say of the alias half of calls about aliases.
    pub(super) alias_home: OnceLock<KeyHome>,
}

impl OfClass {
    /// Nobody asked yet.
    pub(super) fn of(class: Class) -> Self {
        Self {
            class,
            moves: OnceLock::new(),
            organizing: OnceLock::new(),
            keys: OnceLock::new(),
            alias_home: OnceLock::new(),
        }
    }
}

/// Walls, by number.
pub(super) type WallsIx = u32;

/// A class of each walls of an account, and their number.
pub(super) type Walls = FxHashMap<Option<AccountId>, Vec<(Class, WallsIx)>>;

impl States<'_, '_> {
    /// The walls of a class, by number.
    pub(super) fn walls(&self, account: Option<AccountId>, class: &Class) -> WallsIx {
        let mut walls = self.walls.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, walls) = &mut *walls;
        let of_account = walls.entry(account).or_default();
        let alike = |(known, _): &&(Class, WallsIx)| {
            known.0.is_bound_as(&class.0) && known.1.is_bound_as(&class.1)
        };
        if let Some((_, number)) = of_account.iter().find(alike) {
            return *number;
        }
        *next += 1;
        of_account.push((class.clone(), *next));
        *next
    }

    /// Whether the organization leaves somebody of an account whatever it leaves another one.
    pub(super) fn is_as_free(
        &self,
        account: Option<AccountId>,
        walls: WallsIx,
        others: WallsIx,
    ) -> bool {
        walls == others
            || self.freer.get((account, walls, others), |_| {
                let known = self.walls.lock().unwrap_or_else(PoisonError::into_inner);
                let of = |walls: WallsIx| {
                    let mut all = known.1.get(&account)?.iter();
                    all.find(|(_, number)| *number == walls).map(|(class, _)| class.clone())
                };
                let both = of(walls).zip(of(others));
                drop(known);
                both.is_some_and(|(own, other)| {
                    own.0.is_as_free_as(self.access, &other.0)
                        && own.1.is_as_free_as(self.access, &other.1)
                })
            })
    }

    /// Whether a state can do about principals all that another can, taking on roles aside.
    pub(super) fn surpasses(&self, state: &State, other: &State) -> bool {
        state.class == other.class
            || self.surpassed.get((state.class, other.class), |_| {
                let (own, others) = (&state.of_class.class, &other.of_class.class);
                own.0.does_all_of(self.access, &others.0)
            })
    }

    /// Whether a state can do with keys that tell neither apart all that another of its kind can.
    pub(super) fn outclasses(&self, state: &State, other: &State) -> bool {
        state.class == other.class
            || self.outclassed.get((state.class, other.class), |_| {
                let (own, others) = (&state.of_class.class, &other.of_class.class);
                own.1.does_all_of(self.access, &others.1)
            })
    }
}
