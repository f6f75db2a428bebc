//! The JSON Schemas of the outputs lie here; each is made from its type and compared by a test.

/// The schemas by name; sorted.
pub const SCHEMAS: [(&str, &str); 5] = [
    ("check", include_str!("check.schema.json")),
    ("matrix", include_str!("matrix.schema.json")),
    ("matrix-about", include_str!("matrix-about.schema.json")),
    ("matrix-line", include_str!("matrix-line.schema.json")),
    ("why", include_str!("why.schema.json")),
];

#[cfg(test)]
use schemars::JsonSchema;

#[cfg(test)]
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
