//! The policy that a key has where its code gives none.

use std::rc::Rc;

use super::resource::Resource;
use super::value::{At, Data, Value};

/// Whether a policy is none: what is not given, and an empty text.
pub(super) fn is_none(policy: &Value) -> bool {
    policy.is_null() || policy.known().is_some_and(|text| text.is_empty())
}

/// The policy that a key has where none is declared, as a value.
pub(super) fn default_value(at: At, resource: &Resource<'_>) -> Value {
    let deployment = &resource.provider.deployment;
    let text = |text: &str| Value::text(at, text);
    let object = |members: Vec<(&str, Value)>| {
        let members = members.into_iter().map(|(name, value)| super::member(name, value));
        Value::object(at, members.collect())
    };
    let root = format!("arn:{}:iam::{}:root", deployment.partition, deployment.account);
    let statement = object(vec![
        ("Sid", text("Enable IAM User Permissions")),
        ("Effect", text("Allow")),
        ("Principal", object(vec![("AWS", text(&root))])),
        ("Action", text("kms:*")),
        ("Resource", text("*")),
    ]);
    let policy = object(vec![("Version", text("2012-10-17")), ("Statement", statement)]);
    Value::new(at, Data::Json(Rc::new(policy)))
}
