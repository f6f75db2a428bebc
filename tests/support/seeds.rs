//! Where randomness comes from: fresh seeds each run, and those that are kept in `testdata/seeds.txt`.
//!
//! `KEYREACH_SEED=...` runs one seed alone. A test that fails names the seed it ran with.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test stops where it fails, and each that includes this module uses a part of it"
)]

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers that look random and follow from a seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of `seed`, other ones for each `part` of a test.
    pub fn new(seed: u64, part: u64) -> Self {
        let mut random = Self(seed ^ part.wrapping_mul(0xd134_2543_de82_ef95));
        random.next();
        random
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// True `percent` times of a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `items`.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// From `low` to `high` of `items`, as many as there are, in a random order.
    pub fn some<T: Clone>(&mut self, items: &[T], low: usize, high: usize) -> Vec<T> {
        let count = low + self.below(high - low + 1);
        let mut items = items.to_vec();
        self.shuffle(&mut items);
        items.truncate(count);
        items
    }

    /// Puts `items` in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// What tests over random worlds are about: decisions on requests, infrastructure code of which not everything is
/// known, damaged files, paths to keys, who reaches what by classes, why a cell is as it is, places in files,
/// verdicts on actions outside KMS, and verdicts on cells.
const SUBJECTS: [&str; 9] =
    ["answers", "code", "damage", "paths", "reach", "reasons", "spans", "steps", "verdicts"];

/// How many seeds each test runs with at least: the kept ones, and as many fresh ones as it takes.
const LEAST: usize = 6;

/// Runs `check` with fresh seeds and with every one that is kept for tests about this subject, or with that of
/// `KEYREACH_SEED` alone.
pub fn for_each_seed(test: &str, about: &str, check: impl Fn(u64)) {
    for seed in seeds(test, about) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            // Not `eprintln!`, which the harness captures: the seed must be seen in any case.
            let _ = writeln!(std::io::stderr(), "{test} fails with KEYREACH_SEED={seed}");
            resume_unwind(panic);
        }
    }
}

/// Runs `check` with the first kept seed, or with that of `KEYREACH_SEED`: for what must be found within
/// so many steps.
pub fn for_one_seed(test: &str, check: impl Fn(u64)) {
    let given = std::env::var("KEYREACH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or(1);
    let _ = writeln!(std::io::stderr(), "{test}: KEYREACH_SEED={seed}");
    check(seed);
}

fn seeds(test: &str, about: &str) -> Vec<u64> {
    if let Ok(given) = std::env::var("KEYREACH_SEED") {
        return vec![given.parse().expect("KEYREACH_SEED is a number")];
    }
    let kept = kept(about);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut random = Random::new(now.as_nanos() as u64, u64::from(std::process::id()));
    let fresh = (0..LEAST.saturating_sub(kept.len()).max(1)).map(|_| random.next() >> 16);
    let fresh: Vec<u64> = fresh.collect();
    let named: Vec<String> = fresh.iter().map(|seed| format!("KEYREACH_SEED={seed}")).collect();
    let _ = writeln!(std::io::stderr(), "{test}: {} and the kept ones", named.join(", "));
    fresh.into_iter().chain(kept).collect()
}

/// The seeds that are kept for tests about a subject. A line has the seed, the subject of the tests that failed
/// with it or `all`, and why it is kept.
fn kept(about: &str) -> Vec<u64> {
    assert!(SUBJECTS.contains(&about), "no subject: {about}");
    let lines = include_str!("../../testdata/seeds.txt").lines();
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
    let seed_of = |line: &str| {
        let (seed, of) = line.split_once(' ').expect("a seed and a subject");
        assert!(of == "all" || SUBJECTS.contains(&of), "testdata/seeds.txt: no subject: {of}");
        let seed = seed.parse().expect("a seed is a number");
        (of == "all" || of == about).then_some(seed)
    };
    lines.filter(|line| !line.is_empty()).filter_map(seed_of).collect()
}
