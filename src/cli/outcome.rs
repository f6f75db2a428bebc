//! How a run went.

use std::process::ExitCode;

/// How a run went: the one table of exit codes, the same in every output format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// 0: done, and nothing to complain of.
    Clean,
    /// 1: findings, a failed assertion, a mismatch, or an expectation that is not met.
    Findings,
    /// 3: nothing to audit was found.
    Nothing,
    /// 2: wrong usage, or input that could not be used; wins over all others.
    Problem,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Findings => 1,
            Outcome::Problem => 2,
            Outcome::Nothing => 3,
        })
    }
}
