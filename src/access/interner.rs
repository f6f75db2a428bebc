//! Values that are kept once and named by small numbers; shared by all threads.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};

/// How many locks the values are spread over.
const SHARDS: usize = 32;

/// How many values the first block of slots holds; each block holds twice as many as the one before.
const FIRST: usize = 1024;

/// Slots that are filled one by one.
type Block<T> = Box<[OnceLock<Arc<T>>]>;

/// Equal values get equal numbers. Reading takes no lock; values live as long as the interner.
pub(super) struct Interner<T> {
    shards: [Mutex<FxHashMap<Arc<T>, u32>>; SHARDS],
    blocks: [OnceLock<Block<T>>; 22],
    next: AtomicU32,
}

impl<T: Eq + Hash> Interner<T> {
    /// Without values.
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            blocks: std::array::from_fn(|_| OnceLock::new()),
            next: AtomicU32::new(0),
        }
    }

    /// The number of `value`. Numbers depend on who comes first: never show them, never sort by them.
    pub(super) fn intern(&self, value: T) -> u32 {
        let shard = self.shards.get(shard(&value)).unwrap_or(&self.shards[0]);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = shard.get(&value) {
            return *number;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let value = Arc::new(value);
        let (block, at) = place(number);
        if let Some(slots) = self.blocks.get(block) {
            let slots = slots.get_or_init(|| {
                std::iter::repeat_with(OnceLock::new).take(FIRST << block).collect()
            });
            if let Some(slot) = slots.get(at) {
                let _ = slot.set(Arc::clone(&value));
            }
        }
        shard.insert(value, number);
        number
    }

    /// The value with this number.
    #[expect(clippy::expect_used, reason = "numbers are made by `intern` alone")]
    pub(super) fn get(&self, number: u32) -> &T {
        let (block, at) = place(number);
        let slots = self.blocks.get(block).and_then(OnceLock::get);
        let slot = slots.and_then(|slots| slots.get(at)).and_then(OnceLock::get);
        slot.expect("a number that was given out")
    }

    /// How many values there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.next.load(Ordering::Relaxed) as usize
    }
}

fn shard<T: Hash>(value: &T) -> usize {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    (hasher.finish() >> 48) as usize % SHARDS
}

/// The block and the slot of a number: block n begins at FIRST * (2^n - 1).
fn place(number: u32) -> (usize, usize) {
    let position = number as usize + FIRST;
    let block = (position / FIRST).ilog2() as usize;
    (block, position - (FIRST << block))
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
}
