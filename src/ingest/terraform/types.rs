//! Types of variables: what they make of values, such as what `optional` adds to an object.

use std::rc::Rc;

use hcl_edit::expr::{Expression, Object as ObjectExpression, ObjectKey};

use super::evaluator::{Evaluator, Scope};
use super::functions;
use super::value::{Data, Member, Value};

/// A value as its variable's type makes it.
pub(super) fn converted(
    evaluator: &Evaluator<'_>,
    value: Value,
    of_type: &Expression,
    scope: &Scope,
) -> Value {
    let call = match of_type {
        Expression::Variable(name) => return scalar(value, name.as_str()),
        Expression::FuncCall(call) => call,
        _ => return value,
    };
    let Some(inner) = call.args.iter().next() else { return value };
    let at = value.at;
    match (call.name.name.as_str(), &value.data, inner) {
        (_, Data::OneOf(expression, branches), _) => {
            let branches = branches.iter().cloned();
            let branches = branches.map(|branch| converted(evaluator, branch, of_type, scope));
            Value::one_of(at, Rc::clone(expression), branches.collect())
        }
        ("optional", ..) => converted(evaluator, value, inner, scope),
        (kind @ ("list" | "set"), Data::List(list), _) => {
            let items = list.items.iter().cloned();
            let items = items.map(|item| converted(evaluator, item, inner, scope)).collect();
            let made = Value::open_list(at, items, list.is_open);
            let set = (kind == "set").then(|| functions::set(&made, at)).flatten();
            set.unwrap_or(made)
        }
        ("map", Data::Object(object), _) => {
            let mut object = (**object).clone();
            for member in &mut object.members {
                member.value = converted(evaluator, member.value.clone(), inner, scope);
            }
            Value::new(at, Data::Object(Rc::new(object)))
        }
        ("object", Data::Object(object), Expression::Object(fields)) => {
            let mut object = (**object).clone();
            for (key, field) in fields.iter() {
                let name = match key {
                    ObjectKey::Ident(name) => name.as_str(),
                    ObjectKey::Expression(Expression::String(name)) => name.as_str(),
                    ObjectKey::Expression(_) => continue,
                };
                let known = object.get(name).filter(|known| !known.is_null()).cloned();
                let default = || {
                    let Expression::FuncCall(call) = field.expr() else { return None };
                    if call.name.name.as_str() != "optional" || object.rest.is_some() {
                        return None;
                    }
                    let default = call.args.iter().nth(1);
                    Some(default.map_or_else(
                        || Value::null(at),
                        |default| evaluator.evaluate(default, scope).moved(at),
                    ))
                };
                // One that may be null may be its default.
                let filled = |value: Value| match &value.data {
                    Data::OneOf(expression, branches) if branches.iter().any(Value::is_null) => {
                        let branch = |branch: &Value| match branch.is_null() {
                            true => default().unwrap_or_else(|| branch.clone()),
                            false => branch.clone(),
                        };
                        let branches = branches.iter().map(branch).collect();
                        Value::one_of(value.at, Rc::clone(expression), branches)
                    }
                    _ => value,
                };
                if let Some(value) = known.map(filled).or_else(default) {
                    let value = converted(evaluator, value, field.expr(), scope);
                    object.set(Member { name: name.into(), at, value });
                }
            }
            if let Some(declared) = names(fields) {
                object.members.retain(|member| declared.contains(&&*member.name));
            }
            Value::new(at, Data::Object(Rc::new(object)))
        }
        _ => value,
    }
}

/// The names that an object type declares; nothing where one of them is no plain name.
fn names(fields: &ObjectExpression) -> Option<Vec<&str>> {
    fields
        .iter()
        .map(|(key, _)| match key {
            ObjectKey::Ident(name) => Some(name.as_str()),
            ObjectKey::Expression(Expression::String(name)) => Some(name.as_str()),
            ObjectKey::Expression(_) => None,
        })
        .collect()
}

/// A scalar that is known as another type has it; what that type cannot hold stays as it is.
pub(super) fn scalar(value: Value, of_type: &str) -> Value {
    let at = value.at;
    if let (Data::OneOf(expression, branches), "string" | "number" | "bool") =
        (&value.data, of_type)
    {
        let branches = branches.iter().cloned().map(|branch| scalar(branch, of_type)).collect();
        return Value::one_of(at, Rc::clone(expression), branches);
    }
    match (of_type, &value.data, value.known()) {
        ("string", Data::Bool(_) | Data::Number(_), Some(text)) => Value::text(at, text),
        ("number", Data::Text(_), Some(text)) if text.parse::<f64>().is_ok() => {
            Value::number(at, text)
        }
        ("bool", Data::Text(_), Some(text)) if matches!(&*text, "true" | "false") => {
            Value::bool(at, &*text == "true")
        }
        _ => value,
    }
}
