//! Maps that most often hold a handful of small values: no allocation, no hashing, until they grow.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How many values are compared one by one.
const FEW: usize = 12;

/// What is known by small keys.
pub(super) struct SmallMap<K, V> {
    few: SmallVec<[(K, V); FEW]>,
    /// All, once there are more than a few.
    many: FxHashMap<K, V>,
}

/// A set of small values.
pub(super) type SmallSet<K> = SmallMap<K, ()>;

impl<K: Copy + Eq + Hash, V: Copy> SmallMap<K, V> {
    /// Empty.
    pub(super) fn new() -> Self {
        Self { few: SmallVec::new(), many: FxHashMap::default() }
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: K) -> Option<V> {
        match self.many.is_empty() {
            true => self.few.iter().find(|(known, _)| *known == key).map(|(_, value)| *value),
            false => self.many.get(&key).copied(),
        }
    }

    /// Keeps a value; whether there was none before. One that was there stays.
    pub(super) fn insert(&mut self, key: K, value: V) -> bool {
        if self.get(key).is_some() {
            return false;
        }
        if self.many.is_empty() && self.few.len() < FEW {
            self.few.push((key, value));
            return true;
        }
        self.many.extend(self.few.drain(..));
        self.many.insert(key, value);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_are_kept_once() {
        let mut map = SmallMap::new();
        for key in 0..3 * FEW {
            assert!(map.insert(key, key + 1) && !map.insert(key, 0));
            assert!((0..=key).all(|known| map.get(known) == Some(known + 1)));
            assert_eq!(map.get(key + 1), None);
        }
    }
}
