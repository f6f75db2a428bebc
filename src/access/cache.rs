//! Results that are kept, shared by all threads.

use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};

/// How many locks the results are spread over.
const SHARDS: usize = 32;

/// Results by what they were asked for. Two threads that ask at once may both work; both find the same.
pub(super) struct Cache<K, V> {
    shards: [Mutex<FxHashMap<K, V>>; SHARDS],
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Without results.
    pub(super) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()) }
    }

    /// What is known of `key`, or what `make` finds; no lock is held meanwhile.
    pub(super) fn get_or(&self, key: K, make: impl FnOnce(&K) -> V) -> V {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let at = (hasher.finish() >> 48) as usize % SHARDS;
        let shard = self.shards.get(at).unwrap_or(&self.shards[0]);
        if let Some(known) = shard.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let made = make(&key);
        shard.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        made
    }
}
