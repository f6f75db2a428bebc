//! Sets of small numbers, in words.

use smallvec::{SmallVec, smallvec};

/// A set of numbers below a length that its maker knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Bits(SmallVec<[u64; 2]>);

impl Bits {
    /// The empty set, with room for the numbers below `length`.
    pub(super) fn none(length: usize) -> Self {
        Self(smallvec![0; length.div_ceil(64)])
    }

    /// The numbers below `length`.
    pub(super) fn all(length: usize) -> Self {
        (0..length).fold(Self::none(length), |mut all, number| {
            all.add(number);
            all
        })
    }

    /// Those numbers below `length` that `has` says.
    pub(super) fn of(length: usize, has: impl Fn(usize) -> bool) -> Self {
        let mut bits = Self::none(length);
        (0..length).filter(|number| has(*number)).for_each(|number| bits.add(number));
        bits
    }

    /// Adds a number below the length.
    pub(super) fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Whether a number is in it.
    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// The least number in it.
    pub(super) fn first(&self) -> Option<usize> {
        let at = self.0.iter().position(|word| *word != 0)?;
        Some(at * 64 + self.0.get(at)?.trailing_zeros() as usize)
    }

    /// Whether the two share a number.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    /// Whether all its numbers are in `other`.
    pub(super) fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one & !other == 0)
    }

    /// Keeps the numbers that `other` has.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, other)| *one &= other);
    }

    /// Adds the numbers that `other` has.
    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, other)| *one |= other);
    }

    /// Takes out the numbers that `other` has.
    pub(super) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, other)| *one &= !other);
    }

    /// Every number one higher.
    pub(super) fn shift(&mut self) {
        let mut carry = 0;
        for word in &mut self.0 {
            let out = *word >> 63;
            *word = *word << 1 | carry;
            carry = out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_several_words() {
        let mut bits = Bits::of(130, |number| number % 63 == 0);
        assert!(bits.has(0) && bits.has(63) && bits.has(126) && !bits.has(64));
        bits.shift();
        assert!(bits.has(1) && bits.has(64) && bits.has(127) && !bits.has(63));
        assert_eq!(bits.first(), Some(1));
        assert!(bits.within(&Bits::all(130)) && !Bits::all(130).within(&bits));
        bits.remove(&Bits::all(130));
        assert!(bits.is_empty() && !bits.meets(&Bits::all(130)));
    }
}
