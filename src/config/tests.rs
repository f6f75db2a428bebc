use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn config(text: &str) -> (Config, Vec<Fault>) {
    let base = Base { current: PathBuf::from("/repo"), folder: PathBuf::from("/repo") };
    read(text, FileId(0), Arc::new(base))
}

/// That a configuration has one fault, and what it underlines.
fn faulty(text: &str, underlined: &str, message: &str) {
    let (_, faults) = config(text);
    let told: Vec<(&str, &str)> = faults
        .iter()
        .map(|fault| (fault.span.slice(text).unwrap_or("outside"), &*fault.message))
        .collect();
    assert_eq!(told, [(underlined, message)], "{text}");
}

#[test]
fn everything_that_may_be_chosen_is_read() {
    let text = "\
persona: pedantic
trusted_accounts: [\"012345678901\", 444455556666]
trusted_organizations: o-abc
rules: { unknown-action: off, malformed-policy: low, missing-input: on }
paths:
  - files: [\"legacy/**\", \"*.yaml\"]
    rules: { unknown-action: high }
ignore:
  - { rule: [unknown-action], key: alias/*, principal: role/x, reason: old, until: 2026-12-31 }
  - { fingerprint: 00aaBB0000000001, files: a/*.json, reason: known }
";
    let (config, faults) = config(text);
    assert_eq!(faults, []);
    assert_eq!(config.persona, Some(Persona::Pedantic));
    assert_eq!(config.settings.trusted_accounts.len(), 2);
    assert_eq!(config.rules.get("unknown-action"), Some(&Choice::Off));
    assert_eq!(config.rules.get("malformed-policy"), Some(&Choice::Severity(Severity::Low)));
    assert_eq!(config.paths.len(), 1);
    assert!(config.paths.iter().all(|path| path.files.take("legacy/a/b.json")));
    assert!(
        config.paths.iter().all(|path| !path.files.take("a/b.yaml") && path.files.take("b.yaml"))
    );
    let untils: Vec<_> = config.ignore.iter().map(|one| one.until.clone()).collect();
    // 2027-01-01T00:00:00Z.
    assert_eq!(untils, [Some((1_798_761_600, "2026-12-31".to_owned())), None]);
}

#[test]
fn an_empty_configuration_chooses_nothing() {
    for text in ["", "# nothing yet\n", "rules:\n", "{}"] {
        let (config, faults) = config(text);
        assert!(faults.is_empty() && config.rules.is_empty(), "{text:?}: {faults:?}");
    }
}

#[test]
fn faults_stand_where_they_are_written() {
    faulty("persona: strict", "strict", "there is no persona `strict`");
    faulty(
        "personna: auditor",
        "personna",
        "unknown member `personna` of the configuration: did you mean `persona`?",
    );
    faulty(
        "rules: { unknown-action: hihg }",
        "hihg",
        "there is no severity `hihg`: did you mean `high`?",
    );
    faulty(
        "rules: { unknown-acton: high }",
        "unknown-acton",
        "there is no rule `unknown-acton`: did you mean unknown-action? `keyreach rules` lists them",
    );
    faulty("trusted_accounts: [1234]", "1234", "`1234` is no account id");
    faulty("trusted_organizations: r-1", "r-1", "`r-1` is no organization id");
    faulty(
        "ignore: [{ rule: unknown-action }]",
        "{ rule: unknown-action }",
        "a suppression without a reason",
    );
    faulty(
        "ignore: [{ key: alias/x, reason: y }]",
        "{ key: alias/x, reason: y }",
        "a suppression of neither one rule nor one finding",
    );
    faulty(
        "ignore: [{ rule: unknown-action, reason: y, until: tomorrow }]",
        "tomorrow",
        "`tomorrow` is no date",
    );
    faulty("ignore: [{ fingerprint: 12, reason: y }]", "12", "`12` is no fingerprint");
    faulty("persona: regular\npersona: auditor", "persona", "`persona` stands twice");
    faulty("[1, 2]", "[1, 2]", "a list where the configuration is wanted");
    faulty(
        "rules: { unknown-action: [high] }",
        "[high]",
        "a list where `off`, `on` or a severity is wanted",
    );
}

#[test]
fn the_schema_knows_the_same_members() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let names = |pointer: &str| -> Vec<String> {
        let members = schema.pointer(pointer).and_then(Value::as_object).expect("members");
        members.keys().cloned().collect()
    };
    let sorted = |known: &[&str]| {
        let mut known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
        known.sort();
        known
    };
    assert_eq!(names("/properties"), sorted(&MEMBERS));
    assert_eq!(names("/$defs/path/properties"), sorted(&PATH_MEMBERS));
    assert_eq!(names("/$defs/ignore/properties"), sorted(&ignore::MEMBERS));
}

#[test]
fn a_baseline_of_another_version_is_refused() {
    let of = |text: &str| read_baseline(text, FileId(0)).map(|baseline| baseline.known.len());
    let message = |text: &str| of(text).expect_err("a fault").remove(0).message;
    assert_eq!(of(r#"{"schema":"keyreach/baseline/1","findings":[]}"#), Ok(0));
    let newer = r#"{"schema":"keyreach/baseline/2","findings":[]}"#;
    assert_eq!(message(newer), "a baseline of version 2; this keyreach reads 1");
    assert!(message("{}").starts_with("no baseline"), "{}", message("{}"));
    assert!(message("[1").contains("expected"), "{}", message("[1"));
    let empty = r#"{"schema":"keyreach/baseline/1","findings":[{}]}"#;
    assert_eq!(message(empty), "an entry without `fingerprint` and `rule`");
}
