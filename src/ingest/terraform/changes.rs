//! What the changes of a plan come to.

use std::collections::BTreeMap;

use crate::syntax::{Kind, Node};

use super::super::declared::named;
use super::plan::items;
use super::world::is_key_type;

/// Whether it is not one that its successor took the place of, and that only waits to be destroyed.
pub(super) fn is_current(object: &&Node<'_>) -> bool {
    ["deposed", "deposed_key"].iter().all(|name| object.get(name).is_none())
}

/// A change, what it comes to, and what of that is not known.
pub(super) type Change<'n> = (&'n Node<'n>, &'n Node<'n>, Option<&'n Node<'n>>);

/// Changes by address.
pub(super) type Changes<'n> = BTreeMap<&'n str, Change<'n>>;

/// What a change comes to. What goes, and what goes behind its successor, says nothing of what will be
/// there.
pub(super) fn after<'n>(change: &'n Node<'n>) -> Option<(&'n str, Change<'n>)> {
    let of = change.get("change")?;
    let after = of.get("after").filter(|after| !matches!(after.kind, Kind::Null))?;
    Some((change.get("address")?.as_str()?, (change, after, of.get("after_unknown"))))
}

/// Whether Terraform only forgets what the change is of: it stays as it is.
pub(super) fn is_forgotten(change: &&Node<'_>) -> bool {
    let actions = change.get("change").and_then(|of| of.get("actions"));
    items(actions).any(|action| action.as_str() == Some("forget"))
}

/// The address of a key that a change deletes, and that has no successor.
pub(super) fn deleted(change: &Node<'_>) -> Option<Box<str>> {
    let actions = change.get("change").and_then(|of| of.get("actions"));
    let mut actions = items(actions);
    let is_gone = actions.next()?.as_str() == Some("delete") && actions.next().is_none();
    let is_key = change.get("type").and_then(Node::as_str).is_some_and(is_key_type);
    Some(change.get("address")?.as_str()?.into()).filter(|_| is_gone && is_key)
}

/// That a plan deletes some keys, in words.
pub(super) fn deletes(keys: &[Box<str>]) -> Option<Box<str>> {
    let count = match keys.len() {
        0 => return None,
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    Some(format!("the plan deletes {count} ({})", named(keys)).into())
}
