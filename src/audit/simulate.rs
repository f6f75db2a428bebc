//! Many requests, one answer each.

use std::collections::BTreeSet;

use crate::decision::{Citation, OpenPoint, Outcome, Request};
use crate::eval::reference::Reference;
use crate::inventory::Inventory;
use crate::policy::Effect;

use super::Texts;

/// Answers requests about one world, from any thread.
pub struct Simulator<'w> {
    reference: Reference<'w>,
    texts: &'w Texts<'w>,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it is allowed or denied.
    pub outcome: Outcome,
    /// The statements and grants that decide; sorted, each once.
    pub matched: Vec<Matched>,
    /// What was named but not exported, and could change the answer; sorted.
    pub missing: BTreeSet<String>,
    /// Points that AWS leaves open whose other reading gives the other answer.
    pub open_points: BTreeSet<OpenPoint>,
}

/// A statement or a grant that decides, and where it stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Matched {
    /// The policy as people name it, or the grant.
    pub policy: String,
    /// The path of the file as it is printed; absent for a session policy, which stands in none.
    pub file: Option<String>,
    /// The line of that file where the statement or grant begins, from 1.
    pub line: Option<u32>,
    /// The statement's `Sid`.
    pub sid: Option<Box<str>>,
    /// What it does.
    pub effect: Effect,
}

impl<'w> Simulator<'w> {
    /// Answers for `world`, whose files are found in `texts`.
    pub fn new(world: &'w Inventory, texts: &'w Texts<'w>) -> Self {
        Self { reference: Reference::new(world), texts }
    }

    /// The answer to `request`.
    pub fn answer(&self, request: &Request) -> Answer {
        let decision = self.reference.evaluate_briefly(request);
        let matched: BTreeSet<Matched> =
            decision.matched().map(|citation| self.matched(citation)).collect();
        Answer {
            outcome: decision.outcome,
            matched: matched.into_iter().collect(),
            missing: decision.missing,
            open_points: decision.open_points,
        }
    }

    fn matched(&self, citation: &Citation) -> Matched {
        let (place, span) = citation.at();
        let path = self.reference.world().sources.path(place.file);
        let read = || self.texts.position(place, span).map(|position| position.line);
        let sid = citation.statement().and_then(|statement| statement.sid.as_ref());
        Matched {
            policy: citation.policy.clone(),
            file: (!path.is_empty()).then(|| path.to_owned()),
            line: citation.line().or_else(read),
            sid: sid.map(|sid| sid.value.clone()),
            effect: citation.effect(),
        }
    }
}
