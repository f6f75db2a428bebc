//! Terraform's language as its JSON syntax: what a test compares with.

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::{Body, Structure};
use serde_json::{Map, Value, json};

/// The files of a module in JSON syntax: `main.tf` becomes `main.tf.json`.
pub(crate) fn of_module(text: &str) -> String {
    let body: Body = text.parse().unwrap();
    let mut root = Map::new();
    for structure in &body {
        let Structure::Block(block) = structure else { panic!("an attribute at the root") };
        let labels = block.labels.iter().map(|label| label.as_str());
        let kind = block.ident.as_str();
        let path: Vec<&str> = [kind].into_iter().chain(labels).collect();
        put(&mut root, &path, of_body(text, kind, &block.body));
    }
    serde_json::to_string_pretty(&root).unwrap()
}

/// Values of variables in JSON syntax: `terraform.tfvars` becomes `terraform.tfvars.json`.
pub(crate) fn of_values(text: &str) -> String {
    let body: Body = text.parse().unwrap();
    let values = body.attributes().map(|it| (it.key.to_string(), literal(&it.value)));
    Value::from(values.collect::<Map<_, _>>()).to_string()
}

/// Puts a body where its names lead; several of one name become a list.
fn put(into: &mut Map<String, Value>, path: &[&str], body: Value) {
    let (name, rest) = path.split_first().unwrap();
    if !rest.is_empty() {
        let inner = into.entry(*name).or_insert_with(|| json!({}));
        return put(inner.as_object_mut().unwrap(), rest, body);
    }
    match into.get_mut(*name) {
        None => drop(into.insert((*name).to_owned(), body)),
        Some(Value::Array(bodies)) => bodies.push(body),
        Some(one) => *one = json!([one.take(), body]),
    }
}

fn of_body(text: &str, kind: &str, body: &Body) -> Value {
    let mut made = Map::new();
    for structure in body {
        match structure {
            Structure::Attribute(it) => {
                let name = it.key.as_str();
                let value = match (kind, name) {
                    ("variable", "type") => json!(source(text, &it.value)),
                    ("variable", _) | ("module", "source") => literal(&it.value),
                    (_, "provider" | "iterator") => json!(source(text, &it.value)),
                    ("module", "providers") => {
                        let Expression::Object(providers) = &it.value else { panic!("no object") };
                        let named = providers.iter().map(|(key, value)| {
                            (name_of(key).unwrap(), json!(source(text, value.expr())))
                        });
                        Value::from(named.collect::<Map<_, _>>())
                    }
                    _ => value(text, &it.value),
                };
                made.insert(name.to_owned(), value);
            }
            Structure::Block(block) => {
                let labels = block.labels.iter().map(|label| label.as_str());
                let path: Vec<&str> = [block.ident.as_str()].into_iter().chain(labels).collect();
                put(&mut made, &path, of_body(text, block.ident.as_str(), &block.body));
            }
        }
    }
    made.into()
}

fn source<'t>(text: &'t str, expression: &Expression) -> &'t str {
    &text[expression.span().unwrap()]
}

fn name_of(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(_) => None,
    }
}

/// A text whose marks stand for themselves.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

/// A value as JSON, as far as JSON has a word for it; else as a template of one expression.
fn value(text: &str, of: &Expression) -> Value {
    match of {
        Expression::String(it) => json!(escaped(it)),
        Expression::Null(_) | Expression::Bool(_) | Expression::Number(_) => literal(of),
        Expression::Array(items) => items.iter().map(|item| value(text, item)).collect(),
        Expression::HeredocTemplate(heredoc) => {
            let written = source(text, of);
            let (first, rest) = written.split_once('\n').unwrap();
            let (lines, _) = rest.rsplit_once('\n').unwrap();
            let indent = match first.starts_with("<<-") {
                true => heredoc.indent().unwrap_or(0),
                false => 0,
            };
            let lines =
                lines.lines().map(|line| line.get(indent..).unwrap_or("").to_owned() + "\n");
            json!(lines.collect::<String>())
        }
        Expression::Object(object) => {
            let members =
                object.iter().map(|(key, it)| Some((name_of(key)?, value(text, it.expr()))));
            match members.collect::<Option<Map<_, _>>>() {
                Some(members) => members.into(),
                None => json!(format!("${{{}}}", source(text, of))),
            }
        }
        _ => json!(format!("${{{}}}", source(text, of))),
    }
}

/// A value without any expression.
fn literal(of: &Expression) -> Value {
    match of {
        Expression::String(it) => json!(it.as_str()),
        Expression::Null(_) => Value::Null,
        Expression::Bool(truth) => json!(truth.value()),
        Expression::Number(number) => serde_json::from_str(&number.value().to_string()).unwrap(),
        Expression::Array(items) => items.iter().map(literal).collect(),
        Expression::Object(object) => {
            let members =
                object.iter().map(|(key, it)| (name_of(key).unwrap(), literal(it.expr())));
            Value::from(members.collect::<Map<_, _>>())
        }
        _ => panic!("no literal: {of:?}"),
    }
}
