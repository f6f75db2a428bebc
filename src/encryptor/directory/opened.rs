//! An encryptor over a state directory: what was exported, with the keys and accounts that clients changed
//! laid over it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aws::KeyArn;
use crate::encryptor::{
    Clock, Encryptor, KeyRecord, KmsError, MasterSecret, State, Store, Touched,
};
use crate::ingest::{Deployment, load_behind};
use crate::inventory::{Alias, Inventory};

use super::{Directory, StateError, Writes, documents};

/// The name of a key's record among its documents; a text that ingest takes for none of its own.
const RECORD: &str = "record.json";
/// Where generated key pairs are.
const PAIRS: &str = "pairs";

/// A record with the key that it is of.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    record: KeyRecord,
}

impl Encryptor {
    /// An encryptor over an export that keeps its changes in `directory`.
    ///
    /// # Errors
    /// A document of the directory cannot be used.
    pub fn open(
        exported: &Inventory,
        directory: &Arc<Directory>,
        clock: Clock,
    ) -> Result<Self, StateError> {
        let state = State::new(laid_over(exported, directory)?, records(directory)?);
        let secret = MasterSecret::from_bytes(*directory.secret());
        let store: Arc<dyn Store> = Arc::<Directory>::clone(directory);
        Ok(Self::with_store(state, secret, clock, store))
    }

    /// Takes another export below what clients changed.
    ///
    /// # Errors
    /// A document of the directory cannot be used; the world stays as it is.
    pub fn reload(&self, exported: &Inventory, directory: &Directory) -> Result<(), StateError> {
        let mut fault = None;
        let changed = self.change(&[], |state| match laid_over(exported, directory) {
            Ok(world) => *state = State::new(world, state.records().clone()),
            Err(error) => fault = Some(error),
        });
        match (fault, changed) {
            (Some(error), _) => Err(error),
            (None, Err(_)) => Err(StateError::Broken),
            (None, Ok(())) => Ok(()),
        }
    }
}

impl Store for Directory {
    fn commit(&self, after: &State, touched: &[Touched]) -> Result<(), KmsError> {
        let world = &after.world;
        let mut writes = Writes::new();
        for one in touched {
            match one {
                Touched::Key(arn) => {
                    // The record of a key that is gone stays: an export may go on to have it.
                    writes.extend(match world.key(arn) {
                        Some(key) => documents::of_key(world, key),
                        None => documents::of_no_key(arn),
                    });
                    let kept = Kept { key: arn.to_string(), record: after.record(arn) };
                    let bytes = serde_json::to_vec(&kept).map_err(|error| internal(&error))?;
                    writes.insert(documents::name(arn, RECORD), Some(bytes));
                }
                // The keys that it points to, before and after, are touched with it.
                Touched::Alias(_) => {}
                Touched::Account(id) => {
                    writes
                        .extend(world.account(*id).map(documents::of_account).unwrap_or_default());
                }
            }
        }
        self.write(&writes).map_err(|error| internal(&error))
    }

    fn keep_pair(&self, name: &str, material: &[u8]) -> Result<(), KmsError> {
        let writes = Writes::from([(format!("{PAIRS}/{name}"), Some(material.to_vec()))]);
        self.write(&writes).map_err(|error| internal(&error))
    }

    fn pair(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        let bytes = self.read(&format!("{PAIRS}/{name}")).map_err(|error| internal(&error))?;
        Ok(bytes.map(Zeroizing::new))
    }
}

fn internal(error: &dyn std::fmt::Display) -> KmsError {
    KmsError::internal(error.to_string())
}

fn records(directory: &Directory) -> Result<BTreeMap<KeyArn, Arc<KeyRecord>>, StateError> {
    let mut records = BTreeMap::new();
    let names = directory.names();
    for name in names.iter().filter(|name| name.ends_with(&format!("/{RECORD}"))) {
        let unreadable = || directory.damaged(name, "it is no record of a key");
        let text = directory.text(name)?.ok_or_else(unreadable)?;
        let kept: Kept = serde_json::from_str(&text).map_err(|_| unreadable())?;
        let key = KeyArn::parse(&kept.key).ok_or_else(unreadable)?;
        records.insert(key, Arc::new(kept.record));
    }
    Ok(records)
}

/// Whole keys and whole accounts of the directory take the place of the exported ones.
fn laid_over(exported: &Inventory, directory: &Directory) -> Result<Inventory, StateError> {
    let paths = [directory.shown()];
    let kept = load_behind(directory, &paths, &exported.sources, &Deployment::default());
    if let Some(problem) = kept.problems.first() {
        let (path, what) = (problem.path.clone(), problem.message.clone());
        return Err(StateError::Damaged { path, what });
    }
    let kept = kept.inventory;
    let mut world = exported.clone();
    for (id, mut account) in kept.accounts {
        // The organization names it; its own documents do not.
        if let Some(name) = world.accounts.get(&id).and_then(|known| known.name.clone()) {
            Arc::make_mut(&mut account).name = Some(name);
        }
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
    let moved: BTreeSet<_> = kept.aliases.keys().cloned().collect();
    let exported = world.aliases.iter().map(|(arn, alias)| (arn.clone(), alias.clone()));
    let stays = |(_, alias): &(_, Alias)| alias.key().is_none_or(|it| !kept.keys.contains_key(&it));
    let kept_aliases = kept.aliases.iter().map(|(arn, alias)| (arn.clone(), alias.clone()));
    world.aliases = exported.filter(stays).chain(kept_aliases).collect();
    for (arn, key) in kept.keys.iter() {
        world.keys.insert(arn.clone(), Arc::clone(key));
    }
    // An alias that was pointed to another key has left the one that the export shows it at.
    let left = |key: &crate::inventory::Key| {
        !kept.keys.contains_key(&key.arn) && !key.aliases.is_disjoint(&moved)
    };
    let stale = world.keys.values().filter(|key| left(key)).map(|key| key.arn.clone());
    for arn in stale.collect::<Vec<KeyArn>>() {
        if let Some(key) = world.keys.get_mut(&arn) {
            Arc::make_mut(key).aliases.retain(|alias| !moved.contains(alias));
        }
    }
    world.sources = kept.sources;
    Ok(world)
}
