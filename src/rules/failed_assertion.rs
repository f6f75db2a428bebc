//! An assertion of the team does not hold.
//!
//! It is told by whoever holds assertions against the matrix: no hook knows them.

use crate::aws::KeyArn;
use crate::decision::{Citation, Request};
use crate::findings::Finding;
use crate::source::{Place, Span};

use super::report::Sink;
use super::{Rule, all};

/// See the rule's page.
pub(super) struct FailedAssertion;

impl Rule for FailedAssertion {}

/// An assertion that does not hold for a key, or at all.
pub struct Failed {
    /// The file that it is written in.
    pub place: Place,
    /// The range that is it.
    pub span: Span,
    /// What it says, whatever its layout.
    pub normal_form: String,
    /// In one line.
    pub message: String,
    /// What to do about it.
    pub help: &'static str,
    /// In which way it fails.
    pub way: Way,
}

/// How an assertion fails.
pub enum Way {
    /// It selects nothing.
    SelectsNothing,
    /// More cells than are told one by one contradict it.
    Rest,
    /// Cells contradict it.
    Cells {
        /// The key; none for what needs no key.
        key: Option<KeyArn>,
        /// The principals.
        principals: Vec<String>,
        /// A request that shows it.
        witness: Option<Box<Request>>,
        /// What decides that request.
        decided_by: Vec<Citation>,
        /// Whether that is by further calls, in the order of these.
        by_steps: bool,
        /// Whether nothing that is not known could make it hold.
        certain: bool,
    },
}

/// The findings on assertions that do not hold.
pub fn failed_assertions(failed: &[Failed]) -> Vec<Finding> {
    let mut found = Vec::new();
    let own = all().iter().find(|rule| rule.metadata.slug == "failed-assertion");
    let Some(registered) = own else {
        return found;
    };
    let mut sink = Sink::new(&registered.metadata, &mut found);
    for one in failed {
        let subject = match &one.way {
            Way::Cells { key: Some(key), .. } => key.as_str(),
            Way::Cells { key: None, .. } => "*",
            Way::SelectsNothing => "",
            Way::Rest => "...",
        };
        let mut report = sink
            .report(subject, &*one.message)
            .at(one.place, Some(one.span), "does not hold")
            .said(&one.normal_form)
            .help(one.help);
        match &one.way {
            Way::SelectsNothing => report = report.facet("selects-nothing"),
            Way::Rest => {}
            Way::Cells { key, principals, witness, decided_by, by_steps, certain } => {
                if *by_steps {
                    report = report.steps();
                }
                if !certain {
                    report = report.facet("not-known");
                }
                if let Some(key) = key {
                    report = report.key(key);
                }
                for citation in decided_by {
                    let (place, span) = citation.at();
                    let label =
                        if *by_steps { "allows a step of the way" } else { "decides the request" };
                    report = report.beside(place, Some(span), label);
                }
                report = report.principals(principals.iter().cloned());
                report = report.witness(witness.as_deref());
            }
        }
        report.done();
    }
    found
}
