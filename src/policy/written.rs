//! A policy as JSON text.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};

use super::{
    Condition, Element, Polarity, PolicyDocument, Principal, PrincipalElement, Statement, Value,
    Version,
};

impl PolicyDocument {
    /// The policy as JSON: its text, or, where it was lowered when it was read (from YAML), one that
    /// says the same. An expression that was not resolved is written as its text.
    pub fn written(&self) -> Cow<'_, str> {
        match self.text() {
            "" => Cow::Owned(written(self).to_string()),
            text => Cow::Borrowed(text),
        }
    }
}

fn written(document: &PolicyDocument) -> Json {
    let policy = document.policy();
    let version = match policy.version {
        Version::V2008 => "2008-10-17",
        Version::V2012 => "2012-10-17",
    };
    let mut out = Map::from_iter([("Version".to_owned(), Json::from(version))]);
    if let Some(id) = &policy.id {
        out.insert("Id".to_owned(), Json::from(&*id.value));
    }
    out.insert("Statement".to_owned(), policy.statements.iter().map(statement).collect());
    Json::Object(out)
}

fn statement(statement: &Statement) -> Json {
    let mut out = Map::new();
    if let Some(sid) = &statement.sid {
        out.insert("Sid".to_owned(), Json::from(&*sid.value));
    }
    if let Some(effect) = &statement.effect {
        out.insert("Effect".to_owned(), Json::from(effect.value.name()));
    }
    if let Some(element) = &statement.principal {
        out.insert(named("Principal", element.polarity), principal(element));
    }
    let elements = [("Action", &statement.action), ("Resource", &statement.resource)];
    for (name, element) in elements {
        if let Some(element) = element {
            out.insert(named(name, element.polarity), values(element));
        }
    }
    if !statement.conditions.is_empty() {
        out.insert("Condition".to_owned(), conditions(&statement.conditions));
    }
    Json::Object(out)
}

fn named(name: &str, polarity: Polarity) -> String {
    match polarity {
        Polarity::Is => name.to_owned(),
        Polarity::IsNot => format!("Not{name}"),
    }
}

fn values(element: &Element) -> Json {
    element.values.iter().map(|value| text(&value.value)).collect()
}

fn text(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(&**text),
        Value::Unresolved(of) => Json::from(&*of.expression),
    }
}

fn principal(element: &PrincipalElement) -> Json {
    let mut out: Map<String, Json> = Map::new();
    for entry in &element.entries {
        let kind = match &entry.value {
            Principal::Service(_) => "Service",
            Principal::Federated(_) => "Federated",
            Principal::CanonicalUser(_) => "CanonicalUser",
            _ => "AWS",
        };
        let text = match &entry.value {
            Principal::Account { account, partition: Some(partition) } => {
                format!("arn:{partition}:iam::{account}:root")
            }
            other => other.text().to_owned(),
        };
        if let Some(all) = out.entry(kind).or_insert_with(|| json!([])).as_array_mut() {
            all.push(Json::from(text));
        }
    }
    Json::Object(out)
}

/// Operators with their keys; ArnEquals is written as ArnLike, which is the same (rule C20).
fn conditions(all: &[Condition]) -> Json {
    let mut out: Map<String, Json> = Map::new();
    for condition in all {
        let values: Json = condition.values.iter().map(|value| text(&value.value)).collect();
        let block = out.entry(condition.operator.value.name()).or_insert_with(|| json!({}));
        if let Some(block) = block.as_object_mut() {
            block.insert(condition.key.value.to_string(), values);
        }
    }
    Json::Object(out)
}
