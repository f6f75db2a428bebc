//! What the arguments of a plan refer to: through outputs of modules, and what calls give to them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/declared.rs"]
mod declared;

use std::collections::BTreeMap;

use declared::{loaded_as, pinned};
use serde_json::{Value, json};

/// The names of the aliases of each key of a plan, by the key's id.
fn aliases(resources: &[Value], root: &Value) -> BTreeMap<String, Vec<String>> {
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.8",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": resources,
        "configuration": { "root_module": root },
    });
    let loaded = loaded_as(&[("plan.json", &plan.to_string())], &pinned());
    let of_key = |key: &std::sync::Arc<keyreach::inventory::Key>| {
        let names = loaded.inventory.aliases_of(key).map(|alias| alias.arn.name().to_owned());
        (key.arn.id().to_owned(), names.collect())
    };
    loaded.inventory.keys.values().map(of_key).collect()
}

fn resource(address: &str, values: Value, unknown: Value) -> Value {
    let mut parts = address.rsplit('.');
    let name = parts.next().unwrap().split('[').next().unwrap();
    let of_type = parts.next().unwrap();
    json!({ "address": address, "mode": "managed", "type": of_type, "name": name, "values": values,
        "change": { "actions": ["create"], "before": null, "after": values, "after_unknown": unknown } })
}

fn key(address: &str) -> Value {
    resource(address, json!({}), json!({ "arn": true, "key_id": true, "policy": true }))
}

fn alias(address: &str, name: &str) -> Value {
    resource(address, json!({ "name": format!("alias/{name}") }), json!({ "target_key_id": true }))
}

/// An alias in the configuration, whose target is made of these.
fn refers(name: &str, references: &[&str]) -> Value {
    json!({ "address": format!("aws_kms_alias.{name}"), "mode": "managed", "type": "aws_kms_alias", "name": name,
        "expressions": { "target_key_id": { "references": references } } })
}

/// A module whose output is one of two keys.
fn keys() -> Value {
    let of_type = |of_type: &str| json!({ "address": format!("{of_type}.k"), "mode": "managed", "type": of_type, "name": "k", "expressions": {} });
    json!({
        "resources": [of_type("aws_kms_key"), of_type("aws_kms_external_key")],
        "outputs": { "key_id": { "expression": { "references": [
            "aws_kms_key.k[0].key_id", "aws_kms_key.k[0]", "aws_kms_key.k",
            "aws_kms_external_key.k[0].id", "aws_kms_external_key.k[0]", "aws_kms_external_key.k",
        ] } } },
    })
}

#[test]
fn an_argument_is_what_the_output_of_an_instance_stands_for() {
    let root = json!({
        "module_calls": { "m": { "module": keys() } },
        "resources": [
            refers("one", &["module.m[\"one\"].key_id", "module.m[\"one\"]", "module.m"]),
            refers("two", &["module.m[\"two\"].key_id", "module.m[\"two\"]", "module.m"]),
            refers("any", &["module.m", "each.key"]),
        ],
    });
    let resources = [
        key("module.m[\"one\"].aws_kms_key.k[0]"),
        key("module.m[\"two\"].aws_kms_key.k[0]"),
        alias("aws_kms_alias.one", "one"),
        alias("aws_kms_alias.two", "two"),
    ];
    let found = aliases(&resources, &root);
    let names: Vec<&[String]> = found.values().map(Vec::as_slice).collect();
    assert_eq!(names, [["alias/one".to_owned()], ["alias/two".to_owned()]], "{found:?}");
}

#[test]
fn an_argument_is_what_a_call_gives_to_its_module() {
    let named = json!({ "resources": [refers("a", &["var.target"])] });
    let outer = json!({ "module_calls": { "names": {
        "expressions": { "target": { "references": ["var.key"] } }, "module": named } } });
    let root = json!({ "module_calls": {
        "keys": { "module": keys() },
        "outer": { "expressions": { "key": { "references": ["module.keys.key_id", "module.keys"] } },
            "module": outer },
    } });
    let resources = [
        key("module.keys.aws_kms_key.k[0]"),
        alias("module.outer.module.names.aws_kms_alias.a", "a"),
    ];
    let found = aliases(&resources, &root);
    assert_eq!(found.values().next().unwrap(), &["alias/a".to_owned()], "{found:?}");
}

#[test]
fn an_output_that_may_be_either_of_two_keys_is_neither() {
    let root = json!({
        "module_calls": { "m": { "module": keys() } },
        "resources": [refers("a", &["module.m.key_id", "module.m"])],
    });
    let resources = [
        key("module.m.aws_kms_key.k[0]"),
        key("module.m.aws_kms_external_key.k[0]"),
        alias("aws_kms_alias.a", "a"),
    ];
    let found = aliases(&resources, &root);
    assert_eq!(found.len(), 2);
    assert!(found.values().all(Vec::is_empty), "{found:?}");
}
