//! What an engine says of whole classes of cells: verdict, exact condition, witness, reasons.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::aws::ActionSet;

use super::{Bound, Context, Gate, OpenPoint, Reason};

/// The answer for every action of one (principal, key).
#[derive(Clone, Default, Debug)]
pub struct Pair {
    /// Disjoint sets of actions, each with what holds of its cells; in order of the lowest action.
    /// Actions in no set are no cells: the key can never perform them (rule S5).
    pub cells: Vec<(ActionSet, Arc<CellAnswer>)>,
}

/// What holds of a cell. One value serves every cell of the same classes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CellAnswer {
    /// The verdict.
    pub verdict: Standing,
    /// `allowed-by-*` where some request is allowed, `explicit-deny` or `implicit-deny` where none is.
    pub reason: Reason,
    /// The gate that denies the counter-witness, where there is one.
    pub denied_by: Option<Gate>,
    /// When it is allowed, exactly; for a conditional verdict only.
    pub condition: Option<Condition>,
    /// The context of a request that is allowed.
    pub witness: Option<Context>,
    /// The context of a request that is denied.
    pub counter: Option<Context>,
    /// What was not exported and could change the verdict; sorted.
    pub missing: BTreeSet<String>,
    /// Points that AWS leaves open and that could change the verdict (rule U8).
    pub open: BTreeSet<OpenPoint>,
    /// Whether a cap kept the engine from deciding.
    pub undecided: bool,
    /// What else must hold for the witness: an outside principal's own account, session tags.
    pub assumes: BTreeSet<String>,
}

/// A verdict as a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// Every request is allowed.
    Always,
    /// Some are, and the condition says which.
    Conditional,
    /// None is.
    Never,
    /// Not decidable; the bounds hold whatever the truth is.
    Unknown {
        /// The least it can be.
        at_least: Bound,
        /// The most it can be.
        at_most: Bound,
    },
}

impl Standing {
    /// `always`, `conditional`, `never` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Conditional => "conditional",
            Self::Never => "never",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// The least it can be.
    pub fn at_least(self) -> Bound {
        match self {
            Self::Always => Bound::Always,
            Self::Conditional => Bound::Conditional,
            Self::Never => Bound::Never,
            Self::Unknown { at_least, .. } => at_least,
        }
    }

    /// The most it can be.
    pub fn at_most(self) -> Bound {
        match self {
            Self::Always => Bound::Always,
            Self::Conditional => Bound::Conditional,
            Self::Never => Bound::Never,
            Self::Unknown { at_most, .. } => at_most,
        }
    }
}

/// When a conditional cell is allowed: equal to its formula, and without a part that could be dropped.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Condition {
    /// All of them hold; at least two.
    All(Vec<Condition>),
    /// One of them holds; at least two.
    Any(Vec<Condition>),
    /// One test of a condition key.
    Test(Words),
}

impl fmt::Display for Condition {
    /// One line: `a is x and (b matches y or c is absent)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, word) = match self {
            Self::All(parts) => (parts, " and "),
            Self::Any(parts) => (parts, " or "),
            Self::Test(words) => return words.fmt(out),
        };
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                out.write_str(word)?;
            }
            match part {
                Self::Test(words) => words.fmt(out)?,
                Self::All(_) | Self::Any(_) => write!(out, "({part})")?,
            }
        }
        Ok(())
    }
}

/// One test of a condition key, in words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Words {
    /// The condition key as AWS or the policy spells it.
    pub key: Box<str>,
    /// `is`, `is not`, `matches`, `is in`, `is absent`, `has some value that is`, ...
    pub relation: Box<str>,
    /// What it is compared with; none for presence.
    pub values: Vec<Box<str>>,
}

impl fmt::Display for Words {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.key, self.relation)?;
        match &*self.values {
            [] => Ok(()),
            [only] => write!(out, " {only}"),
            several => write!(out, " [{}]", several.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_line() {
        let test = |key: &str, relation: &str, values: &[&str]| {
            let values = values.iter().map(|value| (*value).into()).collect();
            Condition::Test(Words { key: key.into(), relation: relation.into(), values })
        };
        let either = vec![test("b", "is in", &["y", "z"]), test("c", "is absent", &[])];
        let condition = Condition::All(vec![test("a", "is", &["x"]), Condition::Any(either)]);
        assert_eq!(condition.to_string(), "a is x and (b is in [y, z] or c is absent)");
    }
}
