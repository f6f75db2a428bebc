//! The functions of Terraform that occur around policies. Of a function that is not here nothing is known.

mod arns;
mod collections;
mod files;
mod texts;

use std::rc::Rc;

use super::evaluator::{Evaluator, Scope};
use super::expression::{BRANCHES, one_of};
use super::types;
use super::value::{At, Data, Value};

pub(super) use collections::set;
pub(super) use files::rendered;

/// Functions that take alternatives among their arguments as they are.
const OPEN: [&str; 8] =
    ["concat", "flatten", "compact", "distinct", "toset", "tolist", "try", "jsonencode"];

/// What stands before the names of the functions that the provider of AWS brings.
const OF_PROVIDER: &str = "provider::aws::";

/// What a call of `name` gives.
pub(super) fn call(
    evaluator: &Evaluator<'_>,
    name: &str,
    arguments: &[Value],
    at: At,
    scope: &Scope,
) -> Value {
    if !OPEN.contains(&name)
        && let Some((nth, expression, branches)) = alternatives(arguments)
    {
        let made = branches.iter().map(|branch| {
            let mut arguments = arguments.to_vec();
            if let Some(argument) = arguments.get_mut(nth) {
                *argument = branch.clone();
            }
            call(evaluator, name, &arguments, at, scope)
        });
        return one_of(at, &expression, made.collect());
    }
    let made = match (name, arguments) {
        ("jsonencode", [value]) => Some(Value::new(at, Data::Json(Rc::new(value.clone())))),
        ("jsondecode", [text]) => evaluator.json(text),
        ("yamldecode", [text]) => evaluator.yaml(text),
        ("try", arguments) => Some(attempt(arguments, at)),
        ("can", [value]) if value.fails() => Some(Value::bool(at, false)),
        ("can", [value]) if value.doubt().is_none() => Some(Value::bool(at, true)),
        ("nonsensitive" | "sensitive", [value]) => Some(value.clone()),
        ("tostring", [value]) => Some(types::scalar(value.clone(), "string")),
        ("tonumber", [value]) => Some(types::scalar(value.clone(), "number")),
        ("tobool", [value]) => Some(types::scalar(value.clone(), "bool")),
        ("templatestring", [template, values]) => match &values.data {
            Data::Object(values) => rendered(evaluator, template, values, (at, scope.instance)),
            _ => None,
        },
        ("file" | "templatefile", _) => files::call(evaluator, name, arguments, at, scope),
        _ => match name.strip_prefix(OF_PROVIDER) {
            Some(name) => arns::call(name, arguments, at),
            None => {
                collections::call(name, arguments, at).or_else(|| texts::call(name, arguments, at))
            }
        },
    };
    match name {
        "try" | "can" => made.unwrap_or_else(|| evaluator.open(at)),
        _ => made.unwrap_or_else(|| evaluator.open(at)).made_of(arguments),
    }
}

/// The first argument that is one of several; nothing where there are too many in all.
fn alternatives(arguments: &[Value]) -> Option<(usize, Rc<str>, Rc<[Value]>)> {
    let mut found =
        arguments.iter().enumerate().filter_map(|(nth, argument)| match &argument.data {
            Data::OneOf(expression, branches) => {
                Some((nth, Rc::clone(expression), Rc::clone(branches)))
            }
            _ => None,
        });
    let first = found.next()?;
    let all: usize = found.map(|(_, _, branches)| branches.len()).product();
    (first.2.len().saturating_mul(all) <= BRANCHES).then_some(first)
}

/// The first argument that does not fail; where that is not known, one of those that it can be.
fn attempt(arguments: &[Value], at: At) -> Value {
    let mut possible = Vec::new();
    for argument in arguments.iter().filter(|argument| !argument.fails()) {
        possible.push(argument.clone());
        if !matches!(argument.data, Data::Unknown(_) | Data::OneOf(..)) {
            break;
        }
    }
    match possible.as_slice() {
        [] => Value::failed(at, "try(...)"),
        [only] => only.clone(),
        [first, ..] => {
            let expression = first.doubt().unwrap_or_else(|| "try(...)".into());
            one_of(at, &expression, possible.clone())
        }
    }
}
