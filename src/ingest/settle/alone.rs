//! Keys that nothing declares or exports, and that code gives a policy or grants to all the same: each is a
//! key of its own, of which no more is known than that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::aws::KeyArn;
use crate::aws::pattern::takes;
use crate::inventory::{Inventory, Key};
use crate::source::Place;

use super::super::declared::REGION;
use super::super::gaps;
use super::super::given::{Gift, Named};
use super::super::merge::Notes;
use super::super::symbols::KEY_ID;

/// What a giver declares, by ARNs: it is the same for all that one root gives.
type Own = Arc<BTreeSet<Box<str>>>;

/// The keys that were made.
#[derive(Default)]
pub(super) struct Alone {
    /// Each with whose code named it first.
    made: BTreeMap<KeyArn, Own>,
}

impl Alone {
    /// The key that a name means which means nothing that is read for sure, and whether that may be another
    /// one of the same name; nothing where what is given to it says nothing of a key by itself. It is in the
    /// inventory then.
    pub(super) fn key(
        &mut self,
        inventory: &mut Inventory,
        (named, gift): (&Named, &Gift),
        (own, place): (&Own, Place),
    ) -> Option<(KeyArn, bool)> {
        let Named::Key { id, alone: Some(arn), .. } = named else { return None };
        if !matches!(gift, Gift::KeyPolicy { .. } | Gift::Grants(Some(_))) {
            return None;
        }
        let arn = self.made.keys().find(|known| is_same(known, arn)).unwrap_or(arn).clone();
        if !inventory.keys.contains_key(&arn) {
            inventory.keys.insert(arn.clone(), Arc::new(Key::new(arn.clone(), place)));
        }
        // Two roots that call a key by the same expression may mean two keys.
        let first = self.made.entry(arn.clone()).or_insert_with(|| Arc::clone(own));
        Some((arn, !id.is_known && !Arc::ptr_eq(first, own)))
    }

    /// Notes what is not known of those keys, once all is given.
    pub(super) fn note(self, inventory: &Inventory, notes: &mut Notes) {
        for arn in self.made.into_keys() {
            if let Some(key) = inventory.keys.get(&arn) {
                gaps::of_key_alone(key, inventory, notes);
            }
        }
    }
}

/// Whether two ARNs are of one key: no two have the same id, but for the replicas of one of several Regions; the
/// account or Region of one may not be known.
fn is_same(one: &KeyArn, other: &KeyArn) -> bool {
    let is_open = |one: &KeyArn| one.account().is_symbol() || one.region() == REGION;
    one.id() == other.id() && takes(KEY_ID, one.id()) && (is_open(one) || is_open(other))
}
