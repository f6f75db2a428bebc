//! The world that clients change: what was exported, with the keys and accounts of the state laid over it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::aws::{AccountId, KeyArn};
use crate::ingest::load_behind;
use crate::inventory::{Edit, Inventory};

use super::{StateError, Store, Writes, documents};

/// A world that is the same after a restart.
#[derive(Debug)]
pub struct KeptWorld {
    store: Arc<Store>,
    world: RwLock<Arc<Inventory>>,
    changing: Mutex<()>,
}

/// A change of the world.
#[derive(Debug, Default)]
pub struct Change {
    /// The world after it.
    pub world: Inventory,
    /// The keys that it touches.
    pub keys: BTreeSet<KeyArn>,
    /// The accounts whose identities it touches.
    pub accounts: BTreeSet<AccountId>,
    /// Documents beside those of keys and accounts.
    pub beside: Writes,
}

impl KeptWorld {
    /// The exported world, with what the store keeps laid over it.
    ///
    /// # Errors
    /// A document of the store cannot be used.
    pub fn new(exported: &Inventory, store: Arc<Store>) -> Result<Self, StateError> {
        let world = laid_over(exported, &store)?;
        Ok(Self { store, world: RwLock::new(Arc::new(world)), changing: Mutex::default() })
    }

    /// The world as it is now.
    pub fn now(&self) -> Arc<Inventory> {
        Arc::clone(&self.world.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes another export below what the store keeps.
    ///
    /// # Errors
    /// A document of the store cannot be used; the world stays as it is.
    pub fn reload(&self, exported: &Inventory) -> Result<(), StateError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.set(laid_over(exported, &self.store)?);
        Ok(())
    }

    /// Makes a change of the world as it is, for good; one change at a time. Others see the old world
    /// until the new one is kept.
    ///
    /// # Errors
    /// What `make` says, or that the change cannot be kept; the world stays as it is.
    pub fn change<T, E: From<StateError>>(
        &self,
        make: impl FnOnce(&Inventory) -> Result<(Change, T), E>,
    ) -> Result<T, E> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (Change { world, keys, accounts, beside }, made) = make(&self.now())?;
        let mut writes = beside;
        for key in keys.iter().filter_map(|arn| world.key(arn)) {
            writes.extend(documents::of_key(&world, key));
        }
        for account in accounts.iter().filter_map(|id| world.account(*id)) {
            writes.extend(documents::of_account(account));
        }
        self.store.commit(&writes)?;
        self.set(world);
        Ok(made)
    }

    /// Changes the identities of an account, for good.
    ///
    /// # Errors
    /// The change cannot be kept; the world stays as it is.
    pub fn edit(&self, account: AccountId, edits: &[Edit]) -> Result<(), StateError> {
        self.change(|world| {
            let world = edits.iter().fold(world.clone(), |world, edit| world.apply(edit));
            let accounts = BTreeSet::from([account]);
            Ok((Change { world, accounts, ..Change::default() }, ()))
        })
    }

    fn set(&self, world: Inventory) {
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(world);
    }
}

/// Whole keys and whole accounts of the store take the place of the exported ones.
fn laid_over(exported: &Inventory, store: &Store) -> Result<Inventory, StateError> {
    let root = store.shown();
    let kept = load_behind(store, &[root], &exported.sources);
    if let Some(problem) = kept.problems.first() {
        let (path, what) = (problem.path.clone(), problem.message.clone());
        return Err(StateError::Damaged { path, what });
    }
    let kept = kept.inventory;
    let mut world = exported.clone();
    world.sources = kept.sources;
    for (id, mut account) in kept.accounts {
        match world.accounts.get(&id) {
            // The documents of a key make an account known, and say nothing of its identities.
            Some(_) if !account.identities_listed => continue,
            // What was not exported stays unknown, whatever clients added.
            Some(known) if !known.identities_listed => {
                Arc::make_mut(&mut account).identities_listed = false;
            }
            _ => {}
        }
        world.accounts.insert(id, account);
    }
    let aliases = Arc::make_mut(&mut world.aliases);
    aliases.retain(|_, alias| alias.key().is_none_or(|key| !kept.keys.contains_key(&key)));
    let moved: BTreeSet<_> = kept.aliases.keys().cloned().collect();
    aliases.extend(kept.aliases.iter().map(|(arn, alias)| (arn.clone(), alias.clone())));
    for (arn, key) in kept.keys.iter() {
        world.keys.insert(arn.clone(), Arc::clone(key));
    }
    // An alias that was pointed to another key has left the one that the export shows it at.
    let stale: Vec<KeyArn> = world
        .keys
        .values()
        .filter(|key| !kept.keys.contains_key(&key.arn) && !key.aliases.is_disjoint(&moved))
        .map(|key| key.arn.clone())
        .collect();
    for arn in stale {
        if let Some(key) = world.keys.get_mut(&arn) {
            Arc::make_mut(key).aliases.retain(|alias| !moved.contains(alias));
        }
    }
    Ok(world)
}
