//! The values that a plan or a state says, and what it does not know of them.

use std::rc::Rc;

use crate::source::FileId;
use crate::syntax::{Kind, Node};

use super::json as texts;
use super::value::{At, Data, Member, Object, Value};

/// A value of JSON as a variable's text.
pub(super) fn written(node: &Node<'_>) -> Option<Box<str>> {
    let escaped = |text: String| text.replace("${", "$${").replace("%{", "%%{");
    match &node.kind {
        Kind::Null => None,
        Kind::String(text) if !text.starts_with(['[', '{', '"']) => Some(text.as_ref().into()),
        _ => {
            let value = texts::of_node(node, FileId(0));
            texts::encode(&value).map(|text| escaped(text).into())
        }
    }
}

/// The values of a resource; what is not known before it is made is not known here.
pub(super) fn resolved(
    values: Option<&Node<'_>>,
    unknown: Option<&Node<'_>>,
    expression: &str,
    around: At,
    depth: usize,
) -> Value {
    let at = values.map_or(around, |values| At { span: values.span, ..around });
    if depth > 64 || matches!(unknown.map(|unknown| &unknown.kind), Some(Kind::Bool(true))) {
        return Value::unknown(at, expression);
    }
    let holds = |kind: &Kind<'_>| matches!(kind, Kind::Object(_) | Kind::Array(_));
    if unknown.is_none_or(|unknown| !holds(&unknown.kind)) && depth > 0 {
        return values.map_or_else(|| Value::null(at), |node| texts::of_node(node, at.file));
    }
    match values.map(|values| &values.kind) {
        Some(Kind::Array(items)) => {
            let unknown = |nth: usize| match &unknown?.kind {
                Kind::Array(unknown) => unknown.get(nth),
                _ => None,
            };
            let items = items
                .iter()
                .enumerate()
                .map(|(nth, item)| resolved(Some(item), unknown(nth), expression, at, depth + 1));
            Value::list(at, items.collect())
        }
        Some(Kind::Object(_)) | None => {
            let mut object = Object::default();
            for member in values.map(Node::members).unwrap_or_default() {
                let name = &*member.name.value;
                let unknown = unknown.and_then(|unknown| unknown.get(name));
                let expression = format!("{expression}.{name}");
                let value = resolved(Some(&member.value), unknown, &expression, at, depth + 1);
                let at = At { span: member.name.span, ..at };
                object.set(Member { name: name.into(), at, value });
            }
            for member in unknown.map(Node::members).unwrap_or_default() {
                let name = &*member.name.value;
                if object.get(name).is_none_or(Value::is_null) && has_unknown(&member.value, 0) {
                    let value = Value::unknown(at, format!("{expression}.{name}"));
                    object.set(Member { name: name.into(), at, value });
                }
            }
            Value::new(at, Data::Object(Rc::new(object)))
        }
        Some(_) => values.map_or_else(|| Value::null(at), |node| texts::of_node(node, at.file)),
    }
}

/// Whether something in a part of a plan is not known before it is made.
fn has_unknown(unknown: &Node<'_>, depth: usize) -> bool {
    match &unknown.kind {
        Kind::Bool(truth) => *truth,
        _ if depth > 64 => true,
        Kind::Array(items) => items.iter().any(|item| has_unknown(item, depth + 1)),
        Kind::Object(members) => members.iter().any(|it| has_unknown(&it.value, depth + 1)),
        _ => false,
    }
}
