//! Policies that a template gives as a JSON text, such as `!Sub '{ "Version": ... }'`: CloudFormation takes
//! one wherever it takes an object. What is not known of the text is not known of the tree.

use std::borrow::Cow;

use crate::source::{Located, Span};
use crate::syntax::{Kind, Member, Node, json};

use super::super::quotes::Quotes;
use super::evaluate::unknown;
use super::text::{self, Part};

/// A policy as a tree; a text that is known and no JSON stays a text.
pub(super) fn document<'n>(node: &'n Node<'static>) -> Cow<'n, Node<'static>> {
    let kind = match &node.kind {
        Kind::String(text) => {
            return match decoded(node.span, text) {
                Some(tree) => Cow::Owned(tree),
                None if text::is_known(text) => Cow::Borrowed(node),
                None => Cow::Owned(unknown(node.span, text)),
            };
        }
        Kind::OneOf { expression, branches } => Kind::OneOf {
            expression: expression.clone(),
            branches: branches.iter().map(|branch| document(branch).into_owned()).collect(),
        },
        _ => return Cow::Borrowed(node),
    };
    Cow::Owned(Node { kind, ..node.clone() })
}

/// The tree of a JSON text, all of it at `span`; nothing where it is none.
fn decoded(span: Span, text: &str) -> Option<Node<'static>> {
    let (mut whole, mut quotes) = (String::new(), Quotes::default());
    for part in text::parts(text) {
        let mark = match part {
            Part::Known(known) => {
                quotes.read(known);
                whole.push_str(known);
                continue;
            }
            Part::Symbol(symbol) => text::symbol(symbol),
            // A choice may be what a string holds, but no syntax.
            Part::Hole(name, choices) => {
                let is_plain = |choice: &&str| !choice.contains(['"', '\\']);
                match quotes.is_inside() && choices.iter().all(is_plain) {
                    true => text::choice(name, choices),
                    false => text::hole(name),
                }
            }
        };
        let escaped = serde_json::to_string(&mark).ok()?;
        whole.push_str(&quotes.fit(escaped.trim_matches('"')));
    }
    let tree = json::parse(&whole).ok()?;
    matches!(tree.kind, Kind::Object(_)).then(|| placed(span, &tree))
}

/// The tree, all of it at `span`; an object with a name that is not known is not known itself.
fn placed(span: Span, node: &Node<'_>) -> Node<'static> {
    let text = |text: &str| Cow::Owned(text.to_owned());
    let is_open = |name: &str| text::parts(name).iter().any(|part| matches!(part, Part::Hole(..)));
    let kind = match &node.kind {
        Kind::Object(members) => {
            if let Some(open) = members.iter().find(|member| is_open(&member.name.value)) {
                return unknown(span, &open.name.value);
            }
            let members = members.iter().map(|member| {
                let name = text::shape(&member.name.value).into();
                Member { name: Located::new(name, span), value: placed(span, &member.value) }
            });
            Kind::Object(members.collect())
        }
        Kind::Array(items) => Kind::Array(items.iter().map(|item| placed(span, item)).collect()),
        Kind::String(value) => Kind::String(text(value)),
        Kind::Number(value) => Kind::Number(text(value)),
        Kind::Bool(value) => Kind::Bool(*value),
        // No text reads as the others.
        Kind::Null | Kind::Unresolved(_) | Kind::OneOf { .. } => Kind::Null,
    };
    Node { span, tag: None, kind }
}
