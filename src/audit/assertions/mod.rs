//! What a team asserts of its keys, held against the matrix.
//!
//! `forbid`: no selected principal may, `only`: nobody but the named may; both ask the most that a verdict
//! can be. `require`: each selected principal can; it asks the least. So what is not known never speaks in
//! favour. Every row of the matrix counts: services, principals of other accounts, whoever is in an
//! organization, and `*` for anyone else.

pub(super) mod failures;
mod further;
mod judge;
mod select;

use std::sync::Arc;

use rayon::prelude::*;

use crate::access::{Access, Matrix};
use crate::aws::{ActionSet, KeyArn};
use crate::decision::{Assumptions, Bound, CellAnswer, Request};
use crate::graph::Path;
use crate::source::{Place, Span};

use super::matrix::Capability;

use judge::Judge;

/// What is said of the selected cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// None of them is ever allowed.
    Forbid,
    /// Each of them is allowed.
    Require {
        /// Whether in every request; else in some.
        always: bool,
    },
    /// None but those of the named principals is ever allowed.
    Only,
}

impl Claim {
    /// Its word in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forbid => "forbid",
            Self::Require { .. } => "require",
            Self::Only => "only",
        }
    }
}

/// A part of the matrix; what is not narrowed is everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// Principals as filters name them: ARNs, `role/app-*`, services, `*`.
    pub principals: Vec<String>,
    /// The actions.
    pub actions: ActionSet,
    /// Keys: ARNs, ids, aliases, patterns.
    pub keys: Vec<String>,
    /// Tags of keys: `KEY` or `KEY=VALUE`, patterns in both.
    pub tags: Vec<String>,
}

/// One assertion.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What is said.
    pub claim: Claim,
    /// Of which cells.
    pub of: Selection,
    /// Cells that are left out.
    pub unless: Vec<Selection>,
    /// Whether ways to get there by further calls count, too.
    pub transitive: bool,
    /// What is meant, in the words of the team.
    pub message: String,
    /// The file that it is written in.
    pub place: Place,
    /// The range that is it.
    pub span: Span,
}

impl Assertion {
    /// What it says, whatever its order of names and its layout.
    pub fn normal_form(&self) -> String {
        let of = self.of.normal_form();
        let mut unless: Vec<String> = self.unless.iter().map(Selection::normal_form).collect();
        unless.sort();
        let (claim, transitive) = (self.claim, self.transitive);
        format!("{claim:?} {of} unless {} transitive {transitive}", unless.join(" or "))
    }
}

impl Selection {
    fn normal_form(&self) -> String {
        let sorted = |texts: &[String]| {
            let mut texts = texts.to_vec();
            texts.sort();
            texts.join(",")
        };
        let actions: Vec<&str> = self.actions.iter().map(crate::aws::KmsAction::name).collect();
        let [principals, keys, tags] =
            [&self.principals, &self.keys, &self.tags].map(|it| sorted(it));
        format!("[{principals}] [{}] [{keys}] [{tags}]", actions.join(","))
    }
}

/// What became of an assertion.
#[derive(Debug)]
pub struct Judged {
    /// Why it selects nothing, and so fails.
    pub nothing: Option<String>,
    /// How many principals and keys were looked at; `*` is a key here.
    pub looked_at: (usize, usize),
    /// The cells that do not hold, by key and principal; not all of very many.
    pub breaches: Vec<Breach>,
    /// How many more there are.
    pub left_out: usize,
}

impl Judged {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.nothing.is_none() && self.breaches.is_empty()
    }

    fn nothing(why: String) -> Self {
        Self { nothing: Some(why), looked_at: (0, 0), breaches: Vec::new(), left_out: 0 }
    }
}

/// Cells of one principal and one key that do not hold, for one reason.
#[derive(Debug)]
pub struct Breach {
    /// The principal, as its row is called.
    pub principal: Box<str>,
    /// Whom it stands for, where that is more than one principal of the export.
    pub stands_for: Option<Box<str>>,
    /// The key; none for what needs no key.
    pub key: Option<KeyArn>,
    /// Why the key is looked at though its name or tags are not known.
    pub could_be_meant: Option<&'static str>,
    /// The actions.
    pub actions: ActionSet,
    /// The actions that the key can perform.
    pub possible: ActionSet,
    /// What contradicts.
    pub how: How,
}

impl Breach {
    /// What the principal can do about the actions, against what is claimed.
    pub fn can(&self, claim: Claim) -> &'static str {
        let bounds = match &self.how {
            How::Cell { answer, .. } => (answer.verdict.at_least(), answer.verdict.at_most()),
            How::Way { executed: true, .. } => return "can get to",
            How::Way { executed: false, .. } | How::Broken => return "may get to",
        };
        match (claim, bounds) {
            (Claim::Require { .. }, (_, Bound::Never)) => "cannot",
            (Claim::Require { .. }, (Bound::Conditional, Bound::Conditional)) => {
                "can not in every request"
            }
            (Claim::Require { .. }, _) => "may not be able to",
            (Claim::Forbid | Claim::Only, (Bound::Never, _)) => "may be able to",
            (Claim::Forbid | Claim::Only, _) => "can",
        }
    }

    /// The actions as capabilities, or by name.
    pub fn told_actions(&self) -> String {
        Capability::words(self.actions, self.possible).join(", ")
    }

    /// Whether nothing that is not known could make it hold.
    pub fn is_certain(&self, claim: Claim) -> bool {
        self.could_be_meant.is_none()
            && matches!(
                self.can(claim),
                "can" | "can get to" | "cannot" | "can not in every request"
            )
    }
}

/// What contradicts an assertion.
#[derive(Debug)]
pub enum How {
    /// A verdict.
    Cell {
        /// The verdict, and all that is said of it.
        answer: Arc<CellAnswer>,
        /// A request that shows it: one that is allowed, or denied where access is required.
        request: Option<Box<Request>>,
    },
    /// A way to get there.
    Way {
        /// The way.
        path: Box<Path>,
        /// Whether it was executed; else it hangs on what is not known.
        executed: bool,
    },
    /// Calls that should lead there, and did not when executed: nothing to rely on either way.
    Broken,
}

/// Holds assertions against the matrix of a world; the answers are in their order.
pub fn judge(
    access: &Access<'_>,
    assumptions: &Assumptions,
    assertions: &[Assertion],
) -> Vec<Judged> {
    if assertions.is_empty() {
        return Vec::new();
    }
    let matrix = Matrix::new(access);
    let one = |assertion: &Assertion| {
        let judge = Judge::new(access, &matrix, assumptions, assertion);
        judge.map_or_else(Judged::nothing, |judge| judge.judged())
    };
    assertions.par_iter().map(one).collect()
}
