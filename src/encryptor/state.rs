//! What operations read and change: the world, and what it does not hold of keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::{AccountId, AliasArn, KeyArn};
use crate::eval::reference::{Gaps, Reference};
use crate::inventory::{Edit, Inventory};

/// The world at one instant. A clone costs next to nothing.
#[derive(Clone)]
pub struct State {
    /// Accounts, keys, aliases, grants, policies.
    pub world: Inventory,
    gaps: Arc<Gaps>,
    records: Arc<BTreeMap<KeyArn, Arc<KeyRecord>>>,
}

/// What is known of a key beside what an export says of it. Times are seconds since 1970.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Debug)]
#[serde(default, deny_unknown_fields)]
pub struct KeyRecord {
    /// When it was made.
    pub created: i64,
    /// When it will be deleted, where that is scheduled.
    pub deletion: Option<i64>,
    /// How many days `deletion` lay ahead.
    pub window: Option<i64>,
    /// The rotations of its material, oldest first; each made another version.
    pub rotations: Vec<Rotation>,
    /// Days between automatic rotations.
    pub rotation_period: Option<i64>,
    /// When material that was imported expires.
    pub valid_to: Option<i64>,
    /// When grants were made, and from when on they count without their token, by id.
    pub grants: BTreeMap<String, GrantRecord>,
}

/// One rotation of a key's material.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// When.
    pub date: i64,
    /// Whether somebody asked for it.
    pub on_demand: bool,
}

/// What is known of a grant beside what an export says of it.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct GrantRecord {
    /// When it was made.
    pub created: i64,
    /// From when on it counts without its token.
    pub effective: i64,
}

/// Something that a change touched.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Touched {
    /// A key, its record included.
    Key(KeyArn),
    /// An alias.
    Alias(AliasArn),
    /// An account's users, roles, groups and policies.
    Account(AccountId),
}

impl KeyRecord {
    /// The version of the material that encrypts, from 1.
    pub fn version(&self) -> u32 {
        self.rotations.len() as u32 + 1
    }
}

impl State {
    /// A world as it was exported.
    pub fn new(world: Inventory, records: BTreeMap<KeyArn, Arc<KeyRecord>>) -> Self {
        let gaps = Reference::new(&world).gaps();
        Self { world, gaps, records: Arc::new(records) }
    }

    /// The same records and gaps over another world.
    #[must_use]
    pub fn over(&self, world: Inventory) -> Self {
        Self { world, gaps: Arc::clone(&self.gaps), records: Arc::clone(&self.records) }
    }

    /// The evaluator of this world.
    pub fn reference(&self) -> Reference<'_> {
        Reference::with_gaps(&self.world, Arc::clone(&self.gaps))
    }

    /// What is known of a key beside its export.
    pub fn record(&self, key: &KeyArn) -> KeyRecord {
        self.records.get(key).map(|record| KeyRecord::clone(record)).unwrap_or_default()
    }

    /// All records.
    pub fn records(&self) -> &BTreeMap<KeyArn, Arc<KeyRecord>> {
        &self.records
    }

    /// Changes a record.
    pub fn set_record(&mut self, key: &KeyArn, record: KeyRecord) {
        Arc::make_mut(&mut self.records).insert(key.clone(), Arc::new(record));
    }

    /// Forgets a record.
    pub fn drop_record(&mut self, key: &KeyArn) {
        Arc::make_mut(&mut self.records).remove(key);
    }

    /// Makes an edit.
    pub fn apply(&mut self, edit: &Edit) {
        self.world = self.world.apply(edit);
    }
}

/// An instant as the wire has it: seconds since 1970.
pub(super) fn seconds(instant: Timestamp) -> i64 {
    instant.as_second()
}
