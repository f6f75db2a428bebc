//! Keys that nothing declares or exports, and that code gives a policy or grants to all the same: each is a
//! key of its own, of which no more is known than that.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::aws::KeyArn;
use crate::inventory::{Inventory, Key};
use crate::source::Place;

use super::super::gaps;
use super::super::given::{Gift, Named};
use super::super::merge::Notes;

/// What a giver declares, by ARNs: it is the same for all that one root gives.
type Own = Arc<BTreeSet<Box<str>>>;

/// The keys that were made.
#[derive(Default)]
pub(super) struct Alone {
    /// Whose code names each of them, as what, and what it is called.
    made: Vec<(Own, KeyArn, KeyArn)>,
}

impl Alone {
    /// The key that a name means which means nothing that is read for sure; nothing where what is given to it
    /// says nothing of a key by itself. It is in the inventory then.
    pub(super) fn key(
        &mut self,
        inventory: &mut Inventory,
        (named, gift): (&Named, &Gift),
        (own, place): (&Own, Place),
    ) -> Option<KeyArn> {
        let Named::Key { id, alone: Some(arn), .. } = named else { return None };
        if !matches!(gift, Gift::KeyPolicy { .. } | Gift::Grants(Some(_))) {
            return None;
        }
        // Two roots that call a key by the same expression may mean two keys.
        let is_same = |(by, named, _): &&(Own, KeyArn, KeyArn)| {
            named == arn && (id.is_known || Arc::ptr_eq(by, own))
        };
        if let Some((.., known)) = self.made.iter().find(is_same) {
            return Some(known.clone());
        }
        let numbered = |number: usize| {
            let id = format!("{}#{number}", arn.id());
            KeyArn::new(arn.partition(), arn.region(), arn.account(), &id)
        };
        let is_free = |arn: &KeyArn| id.is_known || !inventory.keys.contains_key(arn);
        let mut names = [arn.clone()].into_iter().chain((2..).map_while(numbered));
        let made = names.find(is_free)?;
        if !inventory.keys.contains_key(&made) {
            inventory.keys.insert(made.clone(), Arc::new(Key::new(made.clone(), place)));
        }
        self.made.push((Arc::clone(own), arn.clone(), made.clone()));
        Some(made)
    }

    /// Notes what is not known of those keys, once all is given.
    pub(super) fn note(self, inventory: &Inventory, notes: &mut Notes) {
        for (.., arn) in self.made {
            if let Some(key) = inventory.keys.get(&arn) {
                gaps::of_key_alone(key, inventory, notes);
            }
        }
    }
}
