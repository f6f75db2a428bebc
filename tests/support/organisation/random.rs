//! Numbers that look random and are a pure function of a seed, a label and a place.

/// Mixes a seed, a label and indexes into one number.
pub fn hash(seed: u64, label: &str, at: &[usize]) -> u64 {
    let labelled = label
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |state, byte| step(state ^ u64::from(byte)));
    at.iter().fold(labelled, |state, &index| step(state ^ index as u64))
}

/// One step of splitmix64, which is enough to spread small seeds and indexes.
fn step(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A stream of choices.
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of one thing: the same seed, label and place always give the same choices.
    pub fn of(seed: u64, label: &str, at: &[usize]) -> Self {
        Self { state: hash(seed, label, at) }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        step(self.state)
    }

    /// A number below `bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() >> 16) as usize % bound.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// A number below `bound`, small ones far more often: few policies are attached to many.
    pub fn skewed(&mut self, bound: usize) -> usize {
        let upper = self.below(bound) + 1;
        self.below(upper)
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of the items.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// One of the items, by weight.
    pub fn weighted<T: Copy>(&mut self, items: &[(T, usize)]) -> T {
        let total = items.iter().map(|&(_, weight)| weight).sum();
        let mut left = self.below(total);
        for &(item, weight) in items {
            if left < weight {
                return item;
            }
            left -= weight;
        }
        items[0].0
    }

    /// `count` different items (all, where there are fewer) in their order.
    pub fn sample<T: Copy>(&mut self, items: &[T], count: usize) -> Vec<T> {
        let mut wanted = count.min(items.len());
        let mut left = items.len();
        let mut taken = Vec::with_capacity(wanted);
        for &item in items {
            if self.below(left) < wanted {
                taken.push(item);
                wanted -= 1;
            }
            left -= 1;
        }
        taken
    }

    /// `digits` hexadecimal digits.
    pub fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            text.push_str(&format!("{:016x}", self.bits()));
        }
        text.truncate(digits);
        text
    }
}
