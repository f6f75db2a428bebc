//! What the order of evaluation tells of itself, gate by gate; put into words where somebody asks for them.

use std::collections::BTreeSet;

use crate::decision::{Citation, Cited, Decision, Gate, Outcome, Reading, Step};
use crate::inventory::Grant;
use crate::policy::Statement;

use super::statements::Applying;

/// A statement or a grant that a gate rests on.
#[derive(Clone, Copy)]
pub(super) enum Cite<'a> {
    /// A statement.
    Statement(Applying<'a>),
    /// A grant.
    Grant(&'a Grant),
}

impl<'a> Cite<'a> {
    /// The statement, where it is one.
    pub(super) fn statement(self) -> Option<&'a Statement> {
        match self {
            Self::Statement(applying) => applying.statement(),
            Self::Grant(_) => None,
        }
    }

    /// Whether both are the same.
    pub(super) fn is(self, other: Cite<'_>) -> bool {
        match (self, other) {
            (Self::Statement(one), Cite::Statement(other)) => one.is(other),
            (Self::Grant(one), Cite::Grant(other)) => one.id == other.id,
            _ => false,
        }
    }

    /// The same in words.
    fn citation(self) -> Citation {
        match self {
            Self::Statement(applying) => applying.citation(),
            Self::Grant(grant) => {
                let cited = Cited::Grant { id: grant.id.clone(), place: grant.place };
                Citation { policy: format!("grant {}", grant.id), cited }
            }
        }
    }
}

/// A step of the trace, not in words yet.
pub(super) struct Told<'a> {
    /// The gate.
    pub(super) gate: Gate,
    /// How it answered.
    pub(super) reading: Reading,
    /// Whether the answer follows from this step.
    pub(super) decides: bool,
    /// What it rests on.
    pub(super) cited: Vec<Cite<'a>>,
    /// The rules it follows.
    pub(super) rules: &'static [&'static str],
}

/// A step that does not decide by itself.
pub(super) fn step<'a>(
    gate: Gate,
    reading: Reading,
    cited: Vec<Cite<'a>>,
    rules: &'static [&'static str],
) -> Told<'a> {
    Told { gate, reading, decides: false, cited, rules }
}

/// A step that decides.
pub(super) fn deciding(mut told: Told<'_>) -> Told<'_> {
    told.decides = true;
    told
}

/// A decision, the steps not in words yet.
pub(super) struct Decided<'a> {
    /// How it is allowed, or how it is denied.
    pub(super) outcome: Outcome,
    /// The gates in the order they were asked.
    pub(super) trace: Vec<Told<'a>>,
    /// What was named but not exported, and could change the answer.
    pub(super) missing: BTreeSet<String>,
}

impl Decided<'_> {
    /// Whether the request is allowed.
    pub(super) fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed(_))
    }

    /// The same in words; the steps that do not decide are left out where a `brief` answer will do.
    pub(super) fn in_words(self, brief: bool) -> Decision {
        let in_words = |told: Told<'_>| Step {
            gate: told.gate,
            reading: told.reading,
            decides: told.decides,
            cited: told.cited.into_iter().map(Cite::citation).collect(),
            rules: told.rules,
        };
        let told = self.trace.into_iter().filter(|told| told.decides || !brief);
        Decision {
            outcome: self.outcome,
            trace: told.map(in_words).collect(),
            missing: self.missing,
            open_points: BTreeSet::new(),
        }
    }
}
