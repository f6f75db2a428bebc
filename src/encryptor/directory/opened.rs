//! An encryptor over a state directory: what was exported, with what clients changed laid over it.
//!
//! The directory holds whole keys and whole accounts, so that it reads like an export, and beside them which
//! of their parts clients changed: the others are the export's, whatever it says by now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aws::{AccountId, KeyArn};
use crate::encryptor::{
    Clock, Encryptor, KeyRecord, KmsError, MasterSecret, State, Store, Touched,
};
use crate::ingest::{Deployment, load_behind};
use crate::inventory::{Alias, Inventory};

use super::documents::{self, ALIASES};
use super::{Directory, StateError, Writes, changed};

/// The name of a key's record among its documents; a text that ingest takes for none of its own.
const RECORD: &str = "record.json";
/// Where generated key pairs are.
const PAIRS: &str = "pairs";

/// What clients changed of an account; a text that ingest takes for none of its own.
const CHANGES: &str = "changes.json";

/// A record with the key that it is of.
#[derive(Serialize, Deserialize)]
struct Kept {
    key: String,
    record: KeyRecord,
    /// The documents of the key that clients changed; nothing where all of it is theirs.
    #[serde(default)]
    changed: Option<BTreeSet<String>>,
}

/// The users, roles, groups and policies of an account that clients changed, by their ARNs.
#[derive(Serialize, Deserialize)]
struct Changes {
    account: String,
    changed: BTreeSet<String>,
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
    fn commit(&self, before: &State, after: &State, touched: &[Touched]) -> Result<(), KmsError> {
        let mut writes = Writes::new();
        for one in touched {
            writes.extend(match one {
                Touched::Key(arn) => self.of_key(before, after, arn)?,
                // The keys that it points to, before and after, are touched with it.
                Touched::Alias(_) => Writes::new(),
                Touched::Account(id) => self.of_account(&before.world, &after.world, *id)?,
            });
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

impl Directory {
    /// A key that was changed. The record of one that is gone stays: an export may go on to have it.
    fn of_key(&self, before: &State, after: &State, arn: &KeyArn) -> Result<Writes, KmsError> {
        let documents = |state: &State| match state.world.key(arn) {
            Some(key) => documents::of_key(&state.world, key),
            None => documents::of_no_key(arn),
        };
        let mut writes = documents(after);
        let known = self.kept(&documents::name(arn, RECORD)).map_err(|error| internal(&error))?;
        let known = match known {
            Some(kept) => kept.changed,
            None => before.world.key(arn).map(|_| BTreeSet::new()),
        };
        let changed = known.map(|mut changed| {
            let was = documents(before);
            let names = writes.iter().filter(|(name, bytes)| was.get(*name) != Some(*bytes));
            changed.extend(names.filter_map(|(name, _)| Some(name.rsplit_once('/')?.1.to_owned())));
            changed
        });
        let kept = Kept { key: arn.to_string(), record: after.record(arn), changed };
        let bytes = serde_json::to_vec(&kept).map_err(|error| internal(&error))?;
        writes.insert(documents::name(arn, RECORD), Some(bytes));
        Ok(writes)
    }

    /// An account that was changed.
    fn of_account(
        &self,
        before: &Inventory,
        after: &Inventory,
        id: AccountId,
    ) -> Result<Writes, KmsError> {
        let Some(account) = after.account(id) else { return Ok(Writes::new()) };
        let mut writes = documents::of_account(account);
        let has_some = |name: &String| self.names().contains(name);
        let changes = self.changes(id).map_err(|error| internal(&error))?;
        // Where nothing says what clients changed, all of it is theirs.
        if changes.is_none() && (before.account(id).is_none() || writes.keys().any(has_some)) {
            return Ok(writes);
        }
        let mut changed = changes.unwrap_or_default();
        changed.extend(changed::of_account(before.account(id), account));
        let bytes = serde_json::to_vec(&Changes { account: id.to_string(), changed });
        writes.insert(changes_of(id), Some(bytes.map_err(|error| internal(&error))?));
        Ok(writes)
    }

    /// What clients changed of an account, where anything says so.
    fn changes(&self, id: AccountId) -> Result<Option<BTreeSet<String>>, StateError> {
        let name = changes_of(id);
        let Some(text) = self.text(&name)? else { return Ok(None) };
        let changes: Result<Changes, _> = serde_json::from_str(&text);
        match changes {
            Ok(changes) if changes.account == id.as_str() => Ok(Some(changes.changed)),
            _ => Err(self.damaged(&name, "it does not say what was changed")),
        }
    }

    /// The record of a key, by the name of the document.
    fn kept(&self, name: &str) -> Result<Option<Kept>, StateError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let kept = serde_json::from_str(&text);
        kept.map(Some).map_err(|_| self.damaged(name, "it is no record of a key"))
    }

    /// The records of all keys, by the keys.
    fn all_kept(&self) -> Result<BTreeMap<KeyArn, Kept>, StateError> {
        let mut all = BTreeMap::new();
        let names = self.names();
        for name in names.iter().filter(|name| name.ends_with(&format!("/{RECORD}"))) {
            let unreadable = || self.damaged(name, "it is no record of a key");
            let kept = self.kept(name)?.ok_or_else(unreadable)?;
            all.insert(KeyArn::parse(&kept.key).ok_or_else(unreadable)?, kept);
        }
        Ok(all)
    }
}

fn changes_of(id: AccountId) -> String {
    format!("{id}/iam/{CHANGES}")
}

fn internal(error: &dyn std::fmt::Display) -> KmsError {
    KmsError::internal(error.to_string())
}

fn records(directory: &Directory) -> Result<BTreeMap<KeyArn, Arc<KeyRecord>>, StateError> {
    let all = directory.all_kept()?.into_iter();
    Ok(all.map(|(key, kept)| (key, Arc::new(kept.record))).collect())
}

/// What clients changed takes the place of what is exported.
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
        if let Some(known) = world.accounts.get_mut(&id)
            && let Some(changed) = directory.changes(id)?
        {
            changed::lay_over(Arc::make_mut(known), &account, &changed);
            continue;
        }
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
    let all_kept = directory.all_kept()?;
    let parts = |arn: &KeyArn| all_kept.get(arn).and_then(|kept| kept.changed.as_ref());
    // Keys whose aliases are as clients left them.
    let is_theirs = |arn: &KeyArn| {
        kept.keys.contains_key(arn)
            && (exported.key(arn).is_none()
                || parts(arn).is_none_or(|parts| parts.contains(ALIASES)))
    };
    let stays = |(_, alias): &(_, Alias)| alias.key().is_none_or(|it| !is_theirs(&it));
    let listed = world.aliases.iter().map(|(arn, alias)| (arn.clone(), alias.clone()));
    let theirs = kept.aliases.iter().map(|(arn, alias)| (arn.clone(), alias.clone()));
    let theirs: Vec<_> = theirs.filter(|alias| !stays(alias)).collect();
    let moved: BTreeSet<_> = theirs.iter().map(|(arn, _)| arn.clone()).collect();
    world.aliases = listed.filter(&stays).chain(theirs).collect();
    for (arn, key) in kept.keys.iter() {
        let key = match (exported.key(arn), parts(arn)) {
            (Some(known), Some(parts)) => Arc::new(changed::key(known, key, parts)),
            _ => Arc::clone(key),
        };
        world.keys.insert(arn.clone(), key);
    }
    // An alias that was pointed to another key has left the one that the export shows it at.
    let left =
        |key: &crate::inventory::Key| !is_theirs(&key.arn) && !key.aliases.is_disjoint(&moved);
    let stale = world.keys.values().filter(|key| left(key)).map(|key| key.arn.clone());
    for arn in stale.collect::<Vec<KeyArn>>() {
        if let Some(key) = world.keys.get_mut(&arn) {
            Arc::make_mut(key).aliases.retain(|alias| !moved.contains(alias));
        }
    }
    world.sources = kept.sources;
    Ok(world)
}
