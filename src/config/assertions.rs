//! Entries of `assertions`.

use crate::audit::assertions::{Assertion, Claim, Selection};
use crate::audit::matrix::actions_named;
use crate::aws::ActionSet;
use crate::syntax::{Kind, Node};

use super::reader::Reader;

/// The members of an entry.
pub(super) const MEMBERS: [&str; 6] =
    ["forbid", "require", "only", "unless", "transitive", "message"];

/// The members of a selection.
pub(super) const SELECTION: [&str; 4] = ["principals", "actions", "keys", "tags"];

/// The members of what is required.
pub(super) const REQUIRED: [&str; 5] = ["principals", "actions", "keys", "tags", "always"];

/// Reads the entries.
pub(super) fn read(reader: &mut Reader, node: &Node<'_>) -> Vec<Assertion> {
    match node.kind {
        Kind::Null => Vec::new(),
        _ => node.one_or_many().iter().filter_map(|entry| one(reader, entry)).collect(),
    }
}

/// Reads one entry; nothing where a fault leaves open what it means.
fn one(reader: &mut Reader, node: &Node<'_>) -> Option<Assertion> {
    let (mut said, mut unless, mut transitive) = (Vec::new(), Vec::new(), false);
    let mut message = None;
    for (name, value) in reader.members(node, "an assertion", &MEMBERS) {
        match name {
            "forbid" => said.push((Claim::Forbid, value)),
            "require" => said.push((Claim::Require { always: false }, value)),
            "only" => said.push((Claim::Only, value)),
            "unless" => {
                let parts = value.one_or_many().iter();
                unless = parts.filter_map(|part| exception(reader, part)).collect();
            }
            "transitive" => transitive = truth(reader, value).unwrap_or_default(),
            "message" => message = reader.text(value, "a message"),
            _ => {}
        }
    }
    if node.get("message").is_none() {
        let help = "add `message:` with what is meant: it is shown where the assertion fails";
        reader.fault(node.span, "an assertion without a message", help);
    }
    let [(claim, value)] = said.as_slice() else {
        let help = "say one of `forbid`, `require` and `only`";
        let message = match said.len() {
            0 => "an assertion that says nothing",
            _ => "an assertion that says two things",
        };
        reader.fault(node.span, message, help);
        return None;
    };
    let (claim, of) = claimed(reader, *claim, value)?;
    if transitive && matches!(claim, Claim::Require { .. }) {
        let help = "leave it out: what is required has to be there today";
        reader.fault(node.span, "`transitive` beside `require`", help);
    }
    let (place, span) = (reader.place, node.span);
    Some(Assertion { claim, of, unless, transitive, message: message?, place, span })
}

/// What an assertion says, and of which cells.
fn claimed(reader: &mut Reader, claim: Claim, node: &Node<'_>) -> Option<(Claim, Selection)> {
    let known: &[&str] = match claim {
        Claim::Require { .. } => &REQUIRED,
        Claim::Forbid | Claim::Only => &SELECTION,
    };
    let what = format!("`{}`", claim.name());
    let of = selection(reader, node, &what, known);
    let always = node.get("always").filter(|_| matches!(claim, Claim::Require { .. }));
    let always = always.and_then(|value| truth(reader, value)).unwrap_or_default();
    if node.get("actions").is_none() {
        let help = "add `actions:` with names, patterns or capabilities; \"*\" for all";
        reader.fault(node.span, format!("{what} without `actions`"), help);
    }
    if !matches!(claim, Claim::Forbid) && node.get("principals").is_none() {
        let help = "add `principals:` with those who may; `forbid` is for nobody";
        reader.fault(node.span, format!("{what} without `principals`"), help);
    }
    let claim = match claim {
        Claim::Require { .. } => Claim::Require { always },
        other => other,
    };
    of.map(|of| (claim, of))
}

fn exception(reader: &mut Reader, node: &Node<'_>) -> Option<Selection> {
    if node.members().is_empty() {
        let help = "name `principals`, `actions`, `keys` or `tags` that are left out";
        reader.fault(node.span, "an exception for nothing", help);
        return None;
    }
    selection(reader, node, "an entry of `unless`", &SELECTION)
}

fn selection(
    reader: &mut Reader,
    node: &Node<'_>,
    what: &str,
    known: &[&'static str],
) -> Option<Selection> {
    let mut selection = Selection {
        principals: Vec::new(),
        actions: ActionSet::ALL,
        keys: Vec::new(),
        tags: Vec::new(),
    };
    let before = reader.faults.len();
    for (name, value) in reader.members(node, what, known) {
        match name {
            "principals" => selection.principals = names(reader, value, "a principal"),
            "keys" => selection.keys = names(reader, value, "a key"),
            "tags" => selection.tags = names(reader, value, "a tag"),
            "actions" => selection.actions = actions(reader, value),
            _ => {}
        }
    }
    (reader.faults.len() == before).then_some(selection)
}

/// Names, of which there is at least one: a list of none would read as all.
fn names(reader: &mut Reader, value: &Node<'_>, what: &str) -> Vec<String> {
    let found: Vec<String> = reader.texts(value, what).into_iter().map(|(text, _)| text).collect();
    if value.one_or_many().is_empty() {
        let help = "name some, or leave the member out";
        reader.fault(value.span, format!("an empty list where {what} is wanted"), help);
    }
    found
}

fn actions(reader: &mut Reader, value: &Node<'_>) -> ActionSet {
    let mut found = ActionSet::EMPTY;
    if value.one_or_many().is_empty() {
        let help = "name some, or \"*\" for all";
        reader.fault(value.span, "an empty list where an action is wanted", help);
    }
    for (text, span) in reader.texts(value, "an action") {
        match actions_named(&text) {
            Ok(actions) => found = found.union(actions),
            Err(error) => {
                let help = "an action, a pattern, or administer, use, encrypt, decrypt, sign, mac, \
                            grant, read, destroy, service";
                reader.fault(span, error.cause(), help);
            }
        }
    }
    found
}

fn truth(reader: &mut Reader, value: &Node<'_>) -> Option<bool> {
    match value.kind {
        Kind::Bool(truth) => Some(truth),
        _ => {
            let message = format!("{} where true or false is wanted", value.kind_name());
            reader.fault(value.span, message, "");
            None
        }
    }
}
