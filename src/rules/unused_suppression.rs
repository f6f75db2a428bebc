//! A suppression, or an entry of a baseline, does nothing any more.
//!
//! It is told by whoever applies suppressions, when all rules have run: no hook can know.

use crate::findings::{Access, Change, Finding, Fix, What};
use crate::source::{Place, Span};

use super::report::Sink;
use super::{Rule, all};

/// See the rule's page.
pub(super) struct UnusedSuppression;

impl Rule for UnusedSuppression {}

/// A suppression that does nothing.
pub struct Stale {
    /// The file that it is written in.
    pub place: Place,
    /// The range that is it.
    pub span: Option<Span>,
    /// What it is, in a sentence.
    pub what: String,
    /// Whether that is more than one.
    pub several: bool,
    /// The last day on which it counted, where that is over.
    pub expired: Option<String>,
    /// How it is taken out, where that mends it.
    pub taken_out: Option<What>,
}

/// The findings on suppressions that do nothing.
pub fn unused_suppressions(stale: &[Stale]) -> Vec<Finding> {
    let mut found = Vec::new();
    let own = all().iter().find(|rule| rule.metadata.slug == "unused-suppression");
    let Some(registered) = own else {
        return found;
    };
    let mut sink = Sink::new(&registered.metadata, &mut found);
    for one in stale {
        let (message, label) = match &one.expired {
            Some(day) => (format!("{} expired after {day}", one.what), "counts no more"),
            None => {
                let (meet, does) =
                    if one.several { ("meet", "do nothing") } else { ("meets", "does nothing") };
                (format!("{} {meet} no finding any more", one.what), does)
            }
        };
        let help = match &one.expired {
            Some(_) => "mend what it hid, or decide anew and set another date",
            None if one.several => {
                "write the baseline anew: the next finding that they fit would be hidden unseen"
            }
            None => "delete it: the next finding that it fits would be hidden unseen",
        };
        let report = sink
            .report(&*one.what, message)
            .at(one.place, one.span, label)
            .help(help)
            .fix(fix(one));
        match one.expired {
            Some(_) => report.facet("expired").done(),
            None => report.done(),
        }
    }
    found
}

/// Takes it out, where whoever knows how it is written says so.
fn fix(stale: &Stale) -> Option<Fix> {
    let (span, what) = stale.span.zip(stale.taken_out.clone())?;
    let change = Change { place: stale.place, span, what };
    let title = "delete the suppression".to_owned();
    Some(Fix { title, access: Access::Stays, changes: vec![change] })
}
