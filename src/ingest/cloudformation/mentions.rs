//! Of which resources of its own stack a value can be made, whatever its conditions come to.

use std::collections::BTreeSet;

use crate::syntax::{Kind, Node};

use super::evaluate::function;
use super::names::entity_of;
use super::stacks::Stack;

/// The logical ids that a value names, and those that the resources behind them name in turn: a custom
/// resource may hand back what it was given. What an IAM entity is called hangs on nothing else.
pub(super) fn mentioned(stack: &Stack<'_>, value: &Node<'static>) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut next = Vec::new();
    names(value, &mut next);
    while let Some(name) = next.pop() {
        let found = stack.resources().iter().find(|member| member.name.value == *name);
        if !all.insert(name) {
            continue;
        }
        let of_type = |node: &Node<'static>| Some(entity_of(node.get("Type")?.as_str()?).is_some());
        if let Some(resource) = found.filter(|it| of_type(&it.value) != Some(true)) {
            names(&resource.value, &mut next);
        }
    }
    all
}

/// What stands in `Ref`, `GetAtt` and `Sub`, at any depth.
fn names(node: &Node<'static>, found: &mut Vec<String>) {
    if let Some((name, argument)) = function(node) {
        let text = argument.one_or_many().first().and_then(Node::scalar).unwrap_or_default();
        let until = |text: &str, ends: &[char]| {
            text.split(ends).next().unwrap_or_default().trim().to_owned()
        };
        match name {
            "Ref" => found.push(text.to_owned()),
            "GetAtt" => found.push(until(text, &['.'])),
            "Sub" => found.extend(text.split("${").skip(1).map(|rest| until(rest, &['.', '}']))),
            _ => {}
        }
        return names(&argument, found);
    }
    match &node.kind {
        Kind::Array(items) => items.iter().for_each(|item| names(item, found)),
        Kind::Object(members) => members.iter().for_each(|member| names(&member.value, found)),
        _ => {}
    }
}
