//! Values that are kept once and named by small numbers; shared by all threads.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// How many locks the values are spread over.
const SHARDS: usize = 32;

/// How many values there are before blocks grow.
const FIRST: usize = 1024;

/// Slots that are filled one by one.
type Block<T> = Box<[OnceLock<T>]>;

/// Equal values get equal numbers. Reading takes no lock; values live as long as the interner.
pub(crate) struct Interner<T> {
    /// The numbers by the hashes of their values.
    shards: [Mutex<HashTable<u32>>; SHARDS],
    blocks: [OnceLock<Block<T>>; 88],
    next: AtomicU32,
}

impl<T: Eq + Hash> Interner<T> {
    /// Without values.
    pub(crate) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            blocks: std::array::from_fn(|_| OnceLock::new()),
            next: AtomicU32::new(0),
        }
    }

    /// The number of `value`. Numbers depend on who comes first: never show them, never sort by them.
    pub(crate) fn intern(&self, value: T) -> u32 {
        let hash = FxBuildHasher.hash_one(&value);
        let shard = self.shards.get((hash >> 32) as usize % SHARDS).unwrap_or(&self.shards[0]);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = shard.find(hash, |number| *self.get(*number) == value) {
            return *number;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (block, at, size) = place(number);
        if let Some(slots) = self.blocks.get(block) {
            let slots =
                slots.get_or_init(|| std::iter::repeat_with(OnceLock::new).take(size).collect());
            if let Some(slot) = slots.get(at) {
                let _ = slot.set(value);
            }
        }
        shard.insert_unique(hash, number, |number| FxBuildHasher.hash_one(self.get(*number)));
        number
    }

    /// The value with this number.
    #[expect(clippy::expect_used, reason = "numbers are made by `intern` alone")]
    pub(crate) fn get(&self, number: u32) -> &T {
        let (block, at, _) = place(number);
        let slots = self.blocks.get(block).and_then(OnceLock::get);
        let slot = slots.and_then(|slots| slots.get(at)).and_then(OnceLock::get);
        slot.expect("a number that was given out")
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.next.load(Ordering::Relaxed) as usize
    }
}

/// The block of a number, its slot there, and how many slots the block has: four of a size, then four of
/// twice that, so that at most a fifth of all slots is empty.
fn place(number: u32) -> (usize, usize, usize) {
    let position = number as usize + FIRST;
    let doubled = (position / FIRST).ilog2();
    let size = (FIRST / 4) << doubled;
    let from_size = position / size;
    (doubled as usize * 4 + from_size - 4, position % size, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number_across_blocks() {
        let interner = Interner::new();
        let numbers: Vec<u32> = (0..10_000).map(|value: u64| interner.intern(value)).collect();
        let again: Vec<u32> = (0..10_000).map(|value: u64| interner.intern(value)).collect();
        assert_eq!(numbers, again);
        assert_eq!(interner.len(), 10_000);
        assert!(numbers.iter().zip(0..).all(|(number, value)| *interner.get(*number) == value));
    }

    #[test]
    fn blocks_follow_each_other_and_are_full() {
        let mut expected = (0, 0);
        for number in 0..100_000 {
            let (block, at, size) = place(number);
            assert_eq!((block, at), expected);
            expected = if at + 1 == size { (block + 1, 0) } else { (block, at + 1) };
        }
    }
}
