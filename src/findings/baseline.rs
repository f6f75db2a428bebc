//! Findings that were there before: what a team accepted on the day it began.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::KeyArn;
use crate::source::{Place, Span};

use super::Finding;

/// Principals that a message names as new.
const NAMED: usize = 2;

/// Findings that are known, by fingerprint.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// The findings.
    pub known: BTreeMap<String, Known>,
    /// The file that it was read from.
    pub place: Place,
}

/// A finding that is known.
#[derive(Clone, Debug)]
pub struct Known {
    /// The rule.
    pub rule: String,
    /// The key that it is about.
    pub key: Option<KeyArn>,
    /// The principals that it concerned.
    pub principals: BTreeSet<String>,
    /// The range of the file that is it.
    pub span: Span,
}

impl Baseline {
    /// Takes what is known out of `findings`, and says how many findings that were. One that concerns
    /// principals that it did not concern before stays, for those alone. What concerns nobody by name is
    /// known as often as it is there: one more of the same form stays.
    pub fn apply(&self, findings: &mut Vec<Finding>) -> usize {
        let before = findings.len();
        findings.retain_mut(|finding| {
            let alike = finding.fingerprints_alike().map_while(|one| self.known.get(&one));
            let alike: Vec<&Known> = alike.collect();
            let is_known = |name: &str| alike.iter().any(|it| it.principals.contains(name));
            let had = finding.principals.len();
            finding.leave_out(is_known);
            if finding.principals.len() < had {
                finding.message.push_str(&new_alone(&finding.principals));
            }
            match had {
                0 => !self.known.contains_key(&finding.fingerprint()),
                _ => !finding.principals.is_empty(),
            }
        });
        before - findings.len()
    }
}

/// Says which of the principals that a finding names are new, to be put behind its message.
fn new_alone(new: &[String]) -> String {
    let (named, rest) = new.split_at(new.len().min(NAMED));
    let is = if new.len() == 1 { "is" } else { "are" };
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; only {}{more} {is} not in the baseline", named.join(", "))
}
