//! Verdicts and conditions in words.

use crate::audit::matrix::{Access, Capability, View};
use crate::aws::{ActionSet, KmsAction};
use crate::decision::{Bound, CellAnswer, Reason, Standing};

/// Cells that read the same.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Group {
    /// Their actions.
    pub(super) actions: ActionSet,
    /// The verdict's word.
    pub(super) verdict: &'static str,
    /// What else there is to be said: the condition, the reason, the bounds.
    pub(super) detail: String,
}

/// The cells of an access that are shown, those that read the same together.
pub(super) fn groups(view: &View<'_>, access: &Access) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (actions, answer) in view.cells(access) {
        let (verdict, detail) = (answer.verdict.name(), detail(answer));
        let is_same = |group: &&mut Group| group.verdict == verdict && group.detail == detail;
        match groups.iter_mut().find(is_same) {
            Some(group) => group.actions = group.actions.union(actions),
            None => groups.push(Group { actions, verdict, detail }),
        }
    }
    groups.sort_by_key(|group| rank(group.verdict));
    groups
}

/// The order in which verdicts are told; what is equal keeps its own.
fn rank(verdict: &str) -> u8 {
    match verdict {
        "always" => 0,
        "conditional" => 1,
        "unknown" => 2,
        _ => 3,
    }
}

/// Actions as capabilities, or by name.
pub(super) fn can(actions: ActionSet, possible: ActionSet, by_name: bool) -> String {
    match by_name {
        true => actions.iter().map(KmsAction::name).collect::<Vec<_>>().join(", "),
        false => Capability::words(actions, possible).join(", "),
    }
}

/// What is to be said of a cell beside its verdict.
fn detail(answer: &CellAnswer) -> String {
    let mut parts = Vec::new();
    match answer.verdict {
        Standing::Always => {}
        Standing::Conditional => {
            parts.extend(answer.condition.as_ref().map(|condition| format!("if {condition}")));
        }
        Standing::Never => parts.push(never(answer)),
        Standing::Unknown { at_least, at_most } => {
            parts.push(format!("between {} and {}", bound(at_least), bound(at_most)));
            parts.extend(why(answer));
        }
    }
    parts.extend(answer.assumes.iter().map(|assumed| format!("provided that {assumed}")));
    parts.join("; ")
}

fn never(answer: &CellAnswer) -> String {
    let denied = match answer.reason {
        Reason::ExplicitDeny => "a Deny",
        _ => "no Allow",
    };
    match answer.denied_by {
        Some(gate) => format!("{denied} ({})", gate.name()),
        None => denied.to_owned(),
    }
}

fn why(answer: &CellAnswer) -> Vec<String> {
    let mut parts = Vec::new();
    if !answer.missing.is_empty() {
        let missing: Vec<&str> = answer.missing.iter().map(String::as_str).collect();
        parts.push(format!("not exported: {}", missing.join(", ")));
    }
    if !answer.open.is_empty() {
        let open: Vec<&str> = answer.open.iter().map(|point| point.name()).collect();
        parts.push(format!("not documented by AWS: {}", open.join(", ")));
    }
    if answer.undecided {
        parts.push("too many contexts to decide".to_owned());
    }
    parts
}

/// A bound as a word.
pub(super) fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Never => "never",
        Bound::Conditional => "conditional",
        Bound::Always => "always",
    }
}
