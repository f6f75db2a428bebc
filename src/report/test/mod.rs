//! What became of assertions, for people and for programs.

mod human;
mod json;
mod junit;
mod words;

use crate::audit::assertions::{Assertion, Judged};
use crate::audit::{Basis, Texts};
use crate::inventory::Inventory;
use crate::source::FileProblem;

pub use human::write as human;
pub use json::write as json;
pub use junit::write as junit;

/// Everything a report of `test` is made of.
pub struct TestReport<'a> {
    /// The world.
    pub world: &'a Inventory,
    /// The texts that the places point into.
    pub texts: &'a Texts<'a>,
    /// What the answers stand on.
    pub basis: &'a Basis,
    /// The assertions.
    pub assertions: &'a [Assertion],
    /// What became of each.
    pub judged: &'a [Judged],
    /// What is wrong with files.
    pub problems: &'a [FileProblem],
}

impl<'a> TestReport<'a> {
    /// The assertions with what became of them.
    fn each(&self) -> impl Iterator<Item = (&'a Assertion, &'a Judged)> + use<'a> {
        self.assertions.iter().zip(self.judged)
    }

    /// How many do not hold.
    fn failed(&self) -> usize {
        self.judged.iter().filter(|judged| !judged.holds()).count()
    }

    /// Where an assertion is written: file, line, column.
    fn at(&self, assertion: &Assertion) -> (&'a str, u32, u32) {
        let position = self.texts.position(assertion.place, assertion.span);
        let (line, column) = position.map_or((1, 1), |position| (position.line, position.column));
        (self.texts.path(assertion.place.file), line, column)
    }
}
