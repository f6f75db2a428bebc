//! The classes of cells, and the member of each that is tried.

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
    /// One member of each class, drawn by the seed; sorted.
    pub(super) members: Vec<Member>,
    /// How many pairs there are.
    pub(super) pairs: u64,
    seed: u64,
}

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
        let of_row = |mut all: Found, row: usize| {
            let listed = matrix.is_listed(row);
            for key in 0..matrix.keys().len() {
                if let Some(class) = matrix.class(row, key) {
                    all.add(Same::Pair(class, listed), Member { row, key: Some(key) }, seed);
                }
            }
            let known = matrix.rows().get(row).filter(|row| row.stands_for.is_none());
            if let Some(row_of) = known {
                let pair = matrix.pair(row, None);
                let same = Same::Star(Arc::as_ptr(&pair) as usize, row_of.caller.account, listed);
                all.add(same, Member { row, key: None }, seed);
            }
            all
        };
        let found = rows.into_par_iter().fold(Found::default, of_row);
        let found = found.reduce(Found::default, Found::plus);
        let mut members: Vec<Member> = found.drawn.into_values().map(|(_, one)| one).collect();
        members.sort();
        Self { members, pairs: found.pairs, seed }
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
    drawn: FxHashMap<Same, (u64, Member)>,
    pairs: u64,
}

impl Found {
    fn add(&mut self, same: Same, member: Member, seed: u64) {
        self.pairs += 1;
        self.draw(same, (rank(&member, seed), member));
    }

    fn draw(&mut self, same: Same, one: (u64, Member)) {
        let drawn = self.drawn.entry(same).or_insert(one);
        *drawn = one.min(*drawn);
    }

    #[expect(clippy::iter_over_hash_type, reason = "the smallest is drawn in any order")]
    fn plus(self, other: Self) -> Self {
        let (mut all, less) = match self.drawn.len() < other.drawn.len() {
            true => (other, self),
            false => (self, other),
        };
        all.pairs += less.pairs;
        for (same, one) in less.drawn {
            all.draw(same, one);
        }
        all
    }
}
