//! The schema of scenarios against what is read.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::*;

#[test]
fn the_schema_has_the_members_that_are_read() {
    let schema: Json = serde_json::from_str(SCHEMA).expect("json");
    let check = |definition: &Json, expected: &[&str]| {
        let properties = definition["properties"].as_object().expect("properties");
        let found: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(found, expected.iter().copied().collect());
        assert_eq!(definition["additionalProperties"], Json::Bool(false));
        assert!(definition["description"].is_string());
        for (name, property) in properties {
            let described = property["description"].is_string() || property["$ref"].is_string();
            assert!(described || name == "keyreach", "{name}");
        }
    };
    check(&schema, SCENARIO);
    let definition = |name: &str| &schema["$defs"][name];
    let mut known = BTreeSet::new();
    for (name, members) in [
        ("account", identities::ACCOUNT),
        ("user", identities::USER),
        ("group", identities::GROUP),
        ("role", identities::ROLE),
        ("key", keys::KEY),
        ("grant", keys::GRANT),
        ("organization", organization::ORGANIZATION),
        ("unit", organization::UNIT),
        ("member_account", organization::MEMBER_ACCOUNT),
        ("short_statement", policies::STATEMENT),
    ] {
        check(definition(name), members);
        known.insert(name);
    }
    let versions = definition("versions")["properties"].as_object().expect("properties");
    assert!(policies::VERSIONS.iter().all(|name| versions.contains_key(*name)));
    check_references(&schema, &schema);
}

/// Every reference of the schema leads somewhere.
fn check_references(schema: &Json, node: &Json) {
    match node {
        Json::Object(members) => {
            if let Some(Json::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').expect("inside the schema");
                assert!(schema.pointer(pointer).is_some(), "{reference}");
            }
            members.values().for_each(|member| check_references(schema, member));
        }
        Json::Array(items) => items.iter().for_each(|item| check_references(schema, item)),
        _ => {}
    }
}
