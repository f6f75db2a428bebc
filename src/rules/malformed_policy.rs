//! A document is not a valid policy, or does not mean what it seems to say.

use crate::policy::{Fault, Gravity, Policy};

use super::report::Sink;
use super::{Documented, Rule, Scope};

/// See the rule's page.
pub(super) struct MalformedPolicy;

/// How many faults are shown beside the first.
const BESIDE: usize = 5;

impl Rule for MalformedPolicy {
    fn document(&self, _: &Scope<'_>, document: &Documented<'_>, sink: &mut Sink<'_>) {
        let policy = document.document.policy();
        let told = policy.faults.iter().filter(|fault| fault.gravity != Gravity::Harmless);
        let faults: Vec<&Fault> = told.collect();
        let Some((first, rest)) = faults.split_first() else {
            return;
        };
        let place = document.document.place;
        let mut report = sink
            .report(&*document.subject, message(document, first, rest.len()))
            .at(place, Some(first.span), &*first.message)
            .help(help(policy, &faults));
        if let Some(key) = document.key {
            report = report.key(&key.arn);
        }
        for fault in rest.iter().take(BESIDE) {
            report = report.beside(place, Some(fault.span), &*fault.message);
        }
        report.done();
    }
}

fn message(document: &Documented<'_>, first: &Fault, others: usize) -> String {
    let name = &document.name;
    match others {
        0 => format!("{name}: {}", first.message),
        1 => format!("{name}: {} (and 1 more fault)", first.message),
        _ => format!("{name}: {} (and {others} more faults)", first.message),
    }
}

/// What the faults do to the answers (rule A20), and how to end it.
fn help(policy: &Policy, faults: &[&Fault]) -> String {
    let is_malformed = faults.iter().any(|fault| fault.gravity == Gravity::Malformed);
    let until = match (is_malformed, policy.readable) {
        (true, false) => "what it could change is unknown",
        (true, true) if policy.statements.is_empty() => "it allows nothing",
        (true, true) => {
            "a statement with such a fault allows nothing, and whether it denies is unknown"
        }
        (false, _) => "its statements count as they are written",
    };
    format!("repair what is underlined; until then {until}")
}
