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
    for text in ["", "# nothing yet\n", "rules:\n", "ignore:\n", "{}"] {
        let (config, faults) = config(text);
        assert!(faults.is_empty() && config.rules.is_empty(), "{text:?}: {faults:?}");
    }
}

#[test]
fn deployments_are_to_accounts_and_regions() {
    let (deployment, faults) = read_deployment("account: '111122223333'\nregion: us-gov-west-1");
    assert!(faults.is_empty(), "{faults:?}");
    let pinned = (deployment.account.as_str(), &*deployment.region, &*deployment.partition);
    assert_eq!(pinned, ("111122223333", "us-gov-west-1", "aws-us-gov"));
    let (_, faults) = read_deployment("account: 1234");
    assert_eq!(faults.first().map(|fault| &*fault.message), Some("`1234` is no account id"));
}

#[test]
fn a_region_is_one_to_editors_as_well() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let check = |region: &str, expected: &[String]| {
        let (_, faults) = read_deployment(&format!("region: {region}"));
        let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
        assert_eq!(told, expected, "{region}");
        let is_valid = schema.is_valid(&serde_json::json!({ "region": region }));
        assert_eq!(is_valid, expected.is_empty(), "{region}");
    };
    for region in ["eu-central-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1"] {
        check(region, &[]);
    }
    for region in ["Frankfurt", "eu-central", "eu_central_1", "EU-central-1", "eu-central-123"] {
        check(region, &[format!("`{region}` is no Region")]);
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
    faulty(
        "rules: { unknown-action: low, missing-input: off, unknown-action: off }",
        "unknown-action",
        "`unknown-action` stands twice",
    );
    faulty("[1, 2]", "[1, 2]", "a list where the configuration is wanted");
    faulty(
        "rules: { unknown-action: [high] }",
        "[high]",
        "a list where `off`, `on` or a severity is wanted",
    );
}

#[test]
fn assertions_say_one_thing_of_something() {
    let said = "message: m }]";
    let part = |entry: &str, underlined: &str, message: &str| {
        faulty(&format!("assertions: [{{ {entry}, {said}"), underlined, message);
    };
    part(
        "forbd: { actions: decrypt }, only: { actions: use, principals: a }",
        "forbd",
        "unknown member `forbd` of an assertion: did you mean `forbid`?",
    );
    part(
        "forbid: { actions: decript }",
        "decript",
        "`decript` is no action of AWS KMS, and no capability: did you mean `Decrypt`?",
    );
    part(
        "forbid: { principles: a, actions: use }",
        "principles",
        "unknown member `principles` of `forbid`: did you mean `principals`?",
    );
    part("forbid: { keys: a }", "{ keys: a }", "`forbid` without `actions`");
    part("only: { actions: use }", "{ actions: use }", "`only` without `principals`");
    part("forbid: { actions: use, keys: [] }", "[]", "an empty list where a key is wanted");
    part("forbid: { actions: use }, unless: {}", "{}", "an exception for nothing");
    part("forbid: { actions: use, always: true }", "always", "unknown member `always` of `forbid`");
    part(
        "require: { actions: use, principals: a, always: 1 }",
        "1",
        "a number where true or false is wanted",
    );
    let whole = |entry: &str, message: &str| {
        let text = format!("assertions: [{{ {entry}, {said}");
        let entry = format!("{{ {entry}, message: m }}");
        faulty(&text, &entry, message);
    };
    whole("transitive: true", "an assertion that says nothing");
    whole(
        "forbid: { actions: use }, only: { actions: use, principals: a }",
        "an assertion that says two things",
    );
    whole(
        "require: { actions: use, principals: a }, transitive: true",
        "`transitive` beside `require`",
    );
    let text = "assertions: [{ forbid: { actions: use } }]";
    faulty(text, "{ forbid: { actions: use } }", "an assertion without a message");
}

#[test]
fn a_file_of_assertions_holds_some_and_nothing_else() {
    let message = |text: &str| {
        let (found, faults) = read_assertions(text, FileId(0));
        (found.len(), faults.into_iter().map(|fault| fault.message).collect::<Vec<_>>())
    };
    let one = "assertions:\n- { forbid: { actions: use, keys: alias/a }, message: m }\n";
    assert_eq!(message(one), (1, Vec::new()));
    assert_eq!(message(&format!("{one}---\n{one}")), (2, Vec::new()));
    let none = vec!["a file of assertions without one".to_owned()];
    assert_eq!(message(""), (0, none.clone()));
    assert_eq!(message("assertions: []"), (0, none));
    let (_, faults) = message("rules: {}\n");
    assert_eq!(faults, ["unknown member `rules` of a file of assertions"]);
}

#[test]
fn newer_names_are_written_out() {
    let (config, faults) =
        config("known_actions: kms:NewThing\nknown_condition_keys: [kms:New, \"aws:NewTag/*\"]");
    assert_eq!(faults, []);
    assert!(config.settings.knows_action("KMS:new*") && !config.settings.knows_action("kms:newer"));
    let knows = |name: &str| config.settings.knows_condition_key(name);
    assert!(knows("aws:newtag/team") && knows("kms:new") && !knows("kms:newer"));
    faulty("known_actions: [s3:Get]", "s3:Get", "`s3:Get` is no action of KMS");
    faulty("known_actions: \"kms:*\"", "\"kms:*\"", "`kms:*` is no action of KMS");
    faulty("known_condition_keys: nonsense", "nonsense", "`nonsense` is no condition key");
    faulty("known_condition_keys: \"aws:*\"", "\"aws:*\"", "`aws:*` is no condition key");
}

#[test]
fn what_is_assumed_is_a_condition_key_with_a_value() {
    let (config, faults) =
        config("assume: { \"aws:SourceVpce\": absent, \"aws:TagKeys\": [x, y] }");
    assert_eq!(faults, []);
    assert!(config.assumptions.given.is_absent("aws:sourcevpce"));
    let words = ["aws:SourceVpce is absent (keyreach.yaml)", "aws:TagKeys is x, y (keyreach.yaml)"];
    assert_eq!(config.assumptions.words, words);
    faulty(
        "assume: { \"aws:SourceVpcee\": x }",
        "\"aws:SourceVpcee\"",
        "unknown condition key `aws:SourceVpcee`: did you mean aws:SourceVpce?",
    );
    faulty("assume: { \"aws:SourceVpce\": [] }", "[]", "an empty list where a value is wanted");
    faulty("assume: { \"a:b\": x, \"A:b\": y }", "\"A:b\"", "`A:b` stands twice");
    faulty(
        "assume: { \"aws:SourceIp\": 192.0.2.1, \"aws:SourceVpce\": vpce-1 }",
        "{ \"aws:SourceIp\": 192.0.2.1, \"aws:SourceVpce\": vpce-1 }",
        "there is no request in which aws:SourceIp is 192.0.2.1 and aws:SourceVpce is vpce-1",
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
    assert_eq!(names("/$defs/assertion/properties"), sorted(&assertions::MEMBERS));
    assert_eq!(names("/$defs/selection/properties"), sorted(&assertions::SELECTION));
    let required = "/$defs/assertion/properties/require/properties";
    assert_eq!(names(required), sorted(&assertions::REQUIRED));
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
