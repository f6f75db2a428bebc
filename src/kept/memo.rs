//! Values that are made once; shared by all threads.

use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// How many locks the values are spread over.
const SHARDS: usize = 32;

/// Values by what they were made for.
pub(crate) struct Memo<K, V> {
    shards: [Mutex<HashTable<(K, V)>>; SHARDS],
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// The value of `key`, made where it is asked for the first time; no lock is held meanwhile. Two
    /// threads may both make it: the first stays.
    pub(crate) fn get(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        let hash = FxBuildHasher.hash_one(&key);
        if let Some(known) = self.found(hash, &key) {
            return known;
        }
        let made = make(&key);
        let mut shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        let of = |(key, _): &(K, V)| FxBuildHasher.hash_one(key);
        let entry = shard.entry(hash, |(known, _)| *known == key, of).or_insert((key, made));
        entry.get().1.clone()
    }

    /// The value of `key`, where it was made.
    pub(crate) fn known(&self, key: &K) -> Option<V> {
        self.found(FxBuildHasher.hash_one(key), key)
    }

    /// What `pick` takes of all that were made, in no order.
    pub(crate) fn picked<T>(&self, pick: impl Fn(&K, &V) -> Option<T>) -> Vec<T> {
        let mut picked = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            picked.extend(shard.iter().filter_map(|(key, value)| pick(key, value)));
        }
        picked
    }

    fn found(&self, hash: u64, key: &K) -> Option<V> {
        let shard = self.shard(hash).lock().unwrap_or_else(PoisonError::into_inner);
        shard.find(hash, |(known, _)| known == key).map(|(_, value)| value.clone())
    }

    fn shard(&self, hash: u64) -> &Mutex<HashTable<(K, V)>> {
        // The table takes the highest bits and the lowest.
        self.shards.get((hash >> 32) as usize % SHARDS).unwrap_or(&self.shards[0])
    }
}
