//! The classes of cells, and the members of each that are tried.
//!
//! Classes are the engine's own: one that took two principals for the same would hide behind the member
//! that it is right about. So several of each are tried, and all pairs of a small world.

use std::hash::Hash;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::access::{Matrix, PairClass};
use crate::aws::AccountId;

use super::mixed;

/// A pair of a principal and a key, or of a principal and `*`, that stands for its class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Member {
    pub(super) row: usize,
    pub(super) key: Option<usize>,
}

pub(super) struct Classes {
    /// How many there are.
    pub(super) count: usize,
    /// Some members of each class, drawn by the seed; sorted.
    pub(super) members: Vec<Member>,
    /// How many pairs there are.
    pub(super) pairs: u64,
    seed: u64,
}

/// A world of so many pairs has all of them tried.
const SMALL: usize = 10_000;

/// How many members of a class are tried elsewhere.
const MEMBERS: usize = 3;

/// What makes a class.
#[derive(PartialEq, Eq, Hash)]
enum Same {
    Pair(PairClass, bool),
    /// Of `*`: equal answers within an account.
    Star(usize, Option<AccountId>, bool),
}

impl Classes {
    pub(super) fn of(matrix: &Matrix<'_>, seed: u64) -> Self {
        let rows = 0..matrix.rows().len();
        let is_small = rows.len().saturating_mul(matrix.keys().len() + 1) <= SMALL;
        let most = if is_small { usize::MAX } else { MEMBERS };
        let of_row = |mut all: Found, row: usize| {
            let listed = matrix.is_listed(row);
            for key in 0..matrix.keys().len() {
                if let Some(class) = matrix.class(row, key) {
                    all.add(Same::Pair(class, listed), Member { row, key: Some(key) }, seed, most);
                }
            }
            let known = matrix.rows().get(row).filter(|row| row.stands_for.is_none());
            if let Some(row_of) = known {
                let pair = matrix.pair(row, None);
                let same = Same::Star(Arc::as_ptr(&pair) as usize, row_of.caller.account, listed);
                all.add(same, Member { row, key: None }, seed, most);
            }
            all
        };
        let found = rows.into_par_iter().fold(Found::default, of_row);
        let found = found.reduce(Found::default, |one, other| one.plus(other, most));
        let drawn = found.drawn.values().flatten();
        let mut members: Vec<Member> = drawn.map(|(_, one)| *one).collect();
        members.sort();
        Self { count: found.drawn.len(), members, pairs: found.pairs, seed }
    }

    /// All of them, or so many that the seed draws.
    pub(super) fn sample(&self, most: Option<usize>) -> Vec<Member> {
        let mut members = self.members.clone();
        if let Some(most) = most.filter(|most| *most < members.len()) {
            members.sort_by_key(|member| (rank(member, self.seed.rotate_left(17)), *member));
            members.truncate(most);
            members.sort();
        }
        members
    }
}

fn rank(member: &Member, seed: u64) -> u64 {
    mixed(seed, &[member.row as u64, member.key.map_or(u64::MAX, |key| key as u64)])
}

#[derive(Default)]
struct Found {
    /// The members that are drawn, with what the seed makes of them.
    drawn: FxHashMap<Same, Vec<(u64, Member)>>,
    pairs: u64,
}

impl Found {
    fn add(&mut self, same: Same, member: Member, seed: u64, most: usize) {
        self.pairs += 1;
        draw(self.drawn.entry(same).or_default(), (rank(&member, seed), member), most);
    }

    #[expect(clippy::iter_over_hash_type, reason = "the smallest are drawn in any order")]
    fn plus(self, other: Self, most: usize) -> Self {
        let (mut all, less) = match self.drawn.len() < other.drawn.len() {
            true => (other, self),
            false => (self, other),
        };
        all.pairs += less.pairs;
        for (same, some) in less.drawn {
            let drawn = all.drawn.entry(same).or_default();
            some.into_iter().for_each(|one| draw(drawn, one, most));
        }
        all
    }
}

/// Keeps the smallest.
fn draw(drawn: &mut Vec<(u64, Member)>, one: (u64, Member), most: usize) {
    drawn.push(one);
    if drawn.len() > most {
        drawn.sort_unstable();
        drawn.truncate(most);
    }
}
