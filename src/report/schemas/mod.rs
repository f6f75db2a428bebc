//! The JSON Schemas of the outputs lie here; each is made from its type and compared by a test.

use schemars::JsonSchema;

/// Compares `<name>.schema.json` with the schema of `T`; writes it where `KEYREACH_BLESS` is set.
pub(super) fn compare<T: JsonSchema>(name: &str) {
    let made = serde_json::to_string_pretty(&schemars::schema_for!(T)).expect("a schema is JSON");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/schemas");
    let path = format!("{root}/{name}.schema.json");
    if std::env::var_os("KEYREACH_BLESS").is_some() {
        std::fs::write(&path, format!("{made}\n")).expect("the schema can be written");
    }
    let kept = std::fs::read_to_string(&path).expect("the schema is there");
    assert_eq!(kept, format!("{made}\n"));
}
