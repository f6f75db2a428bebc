//! `paths --format summary`: how many get to how many keys, in how many calls.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::audit::Basis;
use crate::diag::Renderer;
use crate::graph::{Alike, Goal, Summary};

use super::super::basis::{opening, plural, some};
use super::CAPPED;
use super::human::bound;

/// Sets of principals that are listed before they are counted.
const LISTED: usize = 12;

/// Everything that is told of it.
#[derive(Debug)]
pub struct SummaryReport<'a> {
    /// What was counted.
    pub summary: &'a Summary,
    /// What was to be gained.
    pub goal: Goal,
    /// The most primitives of a path.
    pub max_primitives: usize,
    /// What it stands on.
    pub basis: &'a Basis,
}

/// Writes what the numbers stand on, and the numbers.
///
/// # Errors
/// What `out` says.
pub fn summary(
    out: &mut dyn Write,
    report: &SummaryReport<'_>,
    renderer: &Renderer,
) -> io::Result<()> {
    let summary = report.summary;
    let mut lines = opening(report.basis, "who could get to a key");
    lines.push(format!(
        "{}. Counted by classes, executed where tags are needed again",
        bound(report.max_primitives)
    ));
    lines.push(format!(
        "Goal: {}; {}, {}",
        goal(report.goal),
        plural(summary.principals, "principal"),
        plural(summary.keys, "key")
    ));
    for (calls, count) in &summary.by_calls {
        lines.push(format!(
            "{}: {} of {} and {}",
            when(*calls),
            plural(count.pairs, "pair"),
            plural(count.principals, "principal"),
            plural(count.keys, "key")
        ));
    }
    lines.push(format!("Unknown: {} beside these", plural(summary.unknown, "way")));
    lines.extend(summary.capped.then(|| CAPPED.to_owned()));
    lines.push(format!(
        "Graph: {}, {}; what can be done to many is one node",
        plural(summary.nodes, "node"),
        plural(summary.edges, "edge")
    ));
    lines.push(format!(
        "Sets: {} of principals that reach the same, {} of keys that the same reach",
        summary.alike.len(),
        summary.key_sets
    ));
    lines.extend(summary.alike.iter().take(LISTED).map(set));
    if let Some(more) = summary.alike.len().checked_sub(LISTED + 1) {
        lines.push(format!("- and {}", plural(more + 1, "more set")));
    }
    lines.iter().try_for_each(|line| renderer.paragraph(out, line, "  "))
}

fn goal(goal: Goal) -> &'static str {
    match goal {
        Goal::Use => "use",
        Goal::Administer => "administer",
        Goal::Destroy => "destroy",
    }
}

fn when(calls: usize) -> String {
    match calls {
        0 => "Now".to_owned(),
        calls => format!("In {}", plural(calls, "call")),
    }
}

fn set(alike: &Alike) -> String {
    let names: Vec<&str> = alike.who.iter().map(|who| &*who.text).collect();
    format!(
        "- {} of {}: {}",
        keys(&alike.keys),
        plural(names.len(), "principal"),
        some(names.into_iter())
    )
}

fn keys(by_calls: &BTreeMap<usize, usize>) -> String {
    let all: usize = by_calls.values().sum();
    let each: Vec<String> = by_calls
        .iter()
        .map(|(calls, keys)| format!("{keys} {}", when(*calls).to_lowercase()))
        .collect();
    format!("{} ({})", plural(all, "key"), each.join(", "))
}
