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
    /// The clock alone does nothing to any key before this instant.
    pub(super) due: i64,
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
    /// From when on the days until the next automatic rotation count; nothing where nobody knows when the
    /// rotation was enabled.
    pub rotates_from: Option<i64>,
    /// When the first of its imported material expires.
    pub valid_to: Option<i64>,
    /// The material that was imported, in the order of its versions; each that is in use but for the first
    /// came by a rotation, and one more may wait for its own.
    pub imported: Vec<Imported>,
    /// Whether material that the key needs is to be imported, for the first time or again.
    pub awaits_import: bool,
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

/// Material that was imported.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Imported {
    /// `KeyMaterialId`: of the key and the bytes, so that other bytes are known when they come.
    pub id: String,
    /// The bytes, sealed under the master secret; nothing once they expired or were deleted.
    pub sealed: Option<String>,
    /// When it expires.
    pub valid_to: Option<i64>,
    /// `KeyMaterialDescription`.
    pub description: String,
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
    /// The version of the material that encrypts, from 1. Imported material begins at 2: an exported key
    /// whose material nobody has here has a stand-in, whose ciphertexts go on opening.
    pub fn version(&self) -> u32 {
        self.rotations.len() as u32 + 1 + u32::from(!self.imported.is_empty())
    }

    /// The material of a version that was imported.
    pub fn imported(&self, version: u32) -> Option<&Imported> {
        self.imported.get(usize::try_from(version.checked_sub(2)?).ok()?)
    }

    /// The imported material that no rotation has made the current one yet.
    pub fn waiting(&self) -> Option<&Imported> {
        self.imported.get(self.rotations.len() + 1)
    }

    /// Whether the material that waits for a rotation is there.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting().is_some_and(|one| one.sealed.is_some())
    }

    /// Takes over which material there is, in its order, from a related key; the bytes stay this key's own.
    pub(super) fn follow(&mut self, named: &[Imported]) {
        let own = |one: &Imported| self.imported.iter().find(|own| own.id == one.id);
        self.imported = named.iter().map(|one| own(one).unwrap_or(one).clone()).collect();
    }

    /// The imported material by its ids, without the bytes: what a replica is to be given.
    pub(super) fn named(&self) -> Vec<Imported> {
        let bare = |one: &Imported| Imported { sealed: None, valid_to: None, ..one.clone() };
        self.imported.iter().map(bare).collect()
    }

    /// Takes away what expired, and says anew when the next does and what is missing.
    pub(super) fn renew_import(&mut self, now: i64) {
        for one in &mut self.imported {
            if one.valid_to.is_some_and(|date| date <= now) {
                (one.sealed, one.valid_to) = (None, None);
            }
        }
        self.valid_to = self.imported.iter().filter_map(|one| one.valid_to).min();
        if !self.imported.is_empty() {
            let mut needed = self.imported.iter().take(self.rotations.len() + 1);
            self.awaits_import = needed.any(|one| one.sealed.is_none());
        }
    }
}

impl State {
    /// A world as it was exported.
    pub fn new(world: Inventory, records: BTreeMap<KeyArn, Arc<KeyRecord>>) -> Self {
        let gaps = Reference::new(&world).gaps();
        let mut state = Self { world, gaps, records: Arc::new(records), due: i64::MAX };
        state.due = state.next_due();
        state
    }

    /// The same records and gaps over another world.
    #[must_use]
    pub fn over(&self, world: Inventory) -> Self {
        Self { world, ..self.clone() }
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
        self.due = self.due.min(self.due_of(key, &record).unwrap_or(i64::MAX));
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

/// An instant as conditions have it.
pub(super) fn date_text(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}
