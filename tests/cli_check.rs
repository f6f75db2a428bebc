//! `keyreach check` and what people feed it: bad input becomes one message each, and the rest is audited.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops where it fails, and says what it could not try"
)]

mod support;

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use support::command::{Folder, ROOT};

const SCHEMA: &str = include_str!("../src/report/schemas/check.schema.json");

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyreach"));
    command.arg("check").args(args).args(["--now", "2026-01-01"]).current_dir(ROOT).env_clear();
    command
}

fn check(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The answer in JSON to a check of `path`, and the exit code. The answer fits its schema.
fn answer(args: &[&str]) -> (Value, i32) {
    let output = check(&[&["--format", "json"], args].concat());
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(misfits(&schema, &schema, &answer, ""), Vec::<String>::new());
    (answer, code(&output))
}

/// A copy of the course's export.
fn course(name: &str) -> Folder {
    let folder = Folder::new(&format!("check-{name}"));
    copy(&Path::new(ROOT).join("testdata/course"), folder.path());
    folder
}

fn shown(folder: &Folder) -> &str {
    folder.path().to_str().unwrap()
}

fn read(folder: &Folder, path: &str) -> Vec<u8> {
    fs::read(folder.path().join(path)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

/// What does not fit, by JSON pointer; of JSON Schema what schemars writes.
fn misfits(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    const KNOWN: [&str; 15] = [
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "additionalProperties",
        "format",
        "minimum",
        "default",
        "maximum",
    ];
    let mut found = Vec::new();
    let members = match schema {
        Value::Bool(fits) => {
            return if *fits { found } else { vec![format!("{at}: nothing may stand here")] };
        }
        Value::Object(members) => members,
        other => panic!("no schema: {other}"),
    };
    for name in members.keys() {
        assert!(KNOWN.contains(&name.as_str()), "this validator does not know `{name}`");
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        found.extend(misfits(root, root.pointer(pointer).unwrap(), value, at));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Null => Vec::new(),
        Value::Array(types) => types.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    if !types.is_empty() && !types.iter().any(|one| is_of_type(value, one)) {
        found.push(format!("{at}: {value} is none of {types:?}"));
    }
    if let (Some(minimum), Some(number)) = (schema["minimum"].as_f64(), value.as_f64())
        && number < minimum
    {
        found.push(format!("{at}: {number} is below {minimum}"));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = |choice: &Value| misfits(root, choice, value, at).is_empty();
        if !choices.iter().any(fits) {
            found.push(format!("{at}: {value} fits none of {choices:?}"));
        }
    }
    for (nth, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            found.extend(misfits(root, items, item, &format!("{at}/{nth}")));
        }
    }
    let Some(object) = value.as_object() else { return found };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in object {
        let known = schema["properties"].get(name);
        let at = format!("{at}/{name}");
        match known.or_else(|| schema.get("additionalProperties")) {
            Some(schema) => found.extend(misfits(root, schema, member, &at)),
            None if schema.get("properties").is_some() => {
                found.push(format!("{at}: the schema does not have it"));
            }
            None => {}
        }
    }
    found
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}

#[test]
fn the_validator_refuses_what_does_not_fit() {
    let (fit, _) = answer(&["testdata/course"]);
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let refuses = |pointer: &str, other: Value| {
        let mut broken = fit.clone();
        *broken.pointer_mut(pointer).unwrap() = other;
        assert_ne!(misfits(&schema, &schema, &broken, ""), Vec::<String>::new(), "{pointer}");
    };
    refuses("", json!([]));
    refuses("/summary/files", json!("1"));
    refuses("/summary/keys", json!(-1));
    refuses("/findings", json!(null));
    refuses("/findings/0", json!({ "rule": "x" }));
    refuses("/findings/0/locations/0/line", json!(1.5));
    refuses("/findings/0/principals", json!([1]));
}

#[test]
fn an_empty_directory_is_nothing_to_audit() {
    let folder = Folder::new("check-empty");
    let output = check(&[shown(&folder)]);
    assert_eq!(code(&output), 3);
    let told = stderr(&output);
    assert!(told.contains("nothing to audit found"), "{told}");
    assert!(told.contains("collect-script") && told.contains("export"), "{told}");
    assert_eq!(code(&check(&["--allow-empty", shown(&folder)])), 0);
    let (empty, found) = answer(&[shown(&folder)]);
    assert_eq!((found, empty["findings"].as_array().unwrap().len()), (3, 0));
    folder.put("notes/readme.md", "nothing of ours\n");
    folder.put("package.json", "{\"name\": \"x\", \"version\": \"1.0.0\"}");
    let (foreign, found) = answer(&[shown(&folder)]);
    assert_eq!((found, &foreign["summary"]["skipped"]), (3, &json!(2)));
}

#[test]
fn a_path_that_is_not_there_is_a_problem() {
    let (missing, found) = answer(&["testdata/no-such-directory"]);
    assert_eq!(found, 2);
    assert_eq!(missing["problems"][0]["kind"], "not-found");
    assert_eq!(missing["problems"][0]["file"], "testdata/no-such-directory");
    let (beside, found) = answer(&["testdata/no-such-directory", "testdata/course"]);
    let (alone, _) = answer(&["testdata/course"]);
    assert_eq!((found, beside["problems"].as_array().unwrap().len()), (2, 1));
    assert_eq!(beside["findings"], alone["findings"]);
    let told = stderr(&check(&["testdata/no-such-directory"]));
    assert!(told.contains("testdata/no-such-directory: not found"), "{told}");
}

/// Key A of the course.
const KEY: &str = "111122223333/us-east-1/kms/0a0a0a0a-1111-4a4a-8a8a-aaaaaaaaaaaa";

/// The findings and problems that name a file.
fn told_of<'a>(answer: &'a Value, file: &str) -> Vec<&'a Value> {
    let is_of = |place: &Value| place["file"].as_str().is_some_and(|path| path.ends_with(file));
    let problems = answer["problems"].as_array().unwrap().iter().filter(|one| is_of(one));
    let findings = answer["findings"].as_array().unwrap().iter();
    let findings = findings.filter(|one| is_of(&one["locations"][0]));
    problems.chain(findings).collect()
}

/// Damages one file of the course: it is told once, as a problem of this kind or a finding of this rule,
/// and nothing is said of the two other keys that was not said before.
fn damaged(name: &str, file: &str, kind: &str, damage: impl FnOnce(&[u8]) -> Vec<u8>) {
    let folder = course(name);
    let (before, _) = answer(&[shown(&folder)]);
    let bytes = damage(&read(&folder, file));
    folder.put(file, bytes);
    let (after, found) = answer(&[shown(&folder)]);
    let told = told_of(&after, file);
    assert_eq!(told.len(), 1, "{name}: {told:#?}");
    let found_kind = told[0].get("kind").or_else(|| told[0].get("rule")).unwrap();
    assert_eq!(found_kind, kind, "{name}");
    assert_eq!(found, if told[0].get("kind").is_some() { 2 } else { 1 }, "{name}");
    let others = |answer: &Value| -> Vec<Value> {
        let is_other =
            |one: &&Value| one["key"].as_str().is_some_and(|key| !key.contains("0a0a0a0a"));
        answer["findings"].as_array().unwrap().iter().filter(is_other).cloned().collect()
    };
    let summary = |answer: &Value| answer["summary"]["keys"].clone();
    assert_eq!(summary(&before), summary(&after), "{name}");
    assert!(!others(&before).is_empty());
    assert_eq!(others(&before), others(&after), "{name}");
}

#[test]
fn a_truncated_file_is_one_problem() {
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    damaged("truncated", &format!("{KEY}/describe-key.json"), "broken-syntax", half);
    damaged("truncated-policy", &format!("{KEY}/get-key-policy.json"), "broken-syntax", half);
    damaged("emptied", &format!("{KEY}/list-grants.json"), "unusable-export", |_| Vec::new());
}

#[test]
fn a_file_that_is_no_text_is_one_problem() {
    let file = format!("{KEY}/get-key-policy.json");
    let binary = |_: &[u8]| (0..=255).cycle().take(2000).collect();
    damaged("binary", &file, "not-text", binary);
    let latin = |bytes: &[u8]| [bytes, b"\xe9t\xe9"].concat();
    damaged("latin", &file, "not-text", latin);
    let gzip = |_: &[u8]| b"\x1f\x8b\x08\x00damaged".to_vec();
    damaged("gzip", &file, "not-text", gzip);
}

#[test]
fn utf_16_is_one_problem_or_read() {
    let folder = course("utf-16");
    let file = format!("{KEY}/get-key-policy.json");
    let (before, expected) = answer(&[shown(&folder)]);
    let text = String::from_utf8(read(&folder, &file)).unwrap();
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    folder.put(&file, units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let (after, found) = answer(&[shown(&folder)]);
    match told_of(&after, &file).iter().filter(|one| one.get("kind").is_some()).count() {
        // PowerShell writes UTF-16: read as it is meant, it says the same.
        0 => assert_eq!((found, &after["findings"]), (expected, &before["findings"])),
        count => assert_eq!((count, found), (1, 2)),
    }
}

#[test]
fn nesting_without_end_is_one_problem() {
    let deep = |_: &[u8]| {
        let (open, close) = ("{\"Policy\":[".repeat(100_000), "]}".repeat(100_000));
        format!("{open}{close}").into_bytes()
    };
    damaged("deep", &format!("{KEY}/get-key-policy.json"), "malformed-policy", deep);
    let deep = |_: &[u8]| format!("{{\"Grants\":{}", "[".repeat(200_000)).into_bytes();
    damaged("deep-list", &format!("{KEY}/list-grants.json"), "broken-syntax", deep);
    let deep_policy = |_: &[u8]| {
        let policy = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        json!({ "Policy": policy, "PolicyName": "default" }).to_string().into_bytes()
    };
    damaged("deep-policy", &format!("{KEY}/get-key-policy.json"), "malformed-policy", deep_policy);
}

#[test]
fn a_member_that_stands_twice_is_one_problem() {
    let twice = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replacen('{', "{ \"Policy\": \"{}\",", 1).into_bytes()
    };
    damaged("twice", &format!("{KEY}/get-key-policy.json"), "unusable-export", twice);
}

#[test]
fn a_page_of_a_proxy_is_one_problem() {
    let page = |_: &[u8]| b"<!DOCTYPE html><html><body>Sign in</body></html>".to_vec();
    damaged("html", &format!("{KEY}/get-key-policy.json"), "unusable-export", page);
}

#[test]
fn a_broken_file_that_is_not_ours_changes_nothing() {
    let folder = course("foreign");
    let (before, expected) = answer(&[shown(&folder)]);
    folder.put("notes.json", "{\"broken\": ");
    folder.put("photo.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00");
    folder.put("deploy/values.yaml", "a: [1, 2\nb: }");
    folder.put("latin.txt", b"caf\xe9");
    let (after, found) = answer(&[shown(&folder)]);
    assert_eq!(found, expected);
    assert_eq!((&after["findings"], &after["problems"]), (&before["findings"], &json!([])));
    assert_eq!(after["summary"]["skipped"], json!(4));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_one_problem() {
    let folder = course("circle");
    let (before, _) = answer(&[shown(&folder)]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    let (after, found) = answer(&[shown(&folder)]);
    assert_eq!(found, 2);
    let problems = after["problems"].as_array().unwrap();
    assert_eq!((problems.len(), &problems[0]["kind"]), (1, &json!("unreadable")));
    assert_eq!(after["findings"], before["findings"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_one_problem() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = course("unreadable");
    let file = format!("{KEY}/list-grants.json");
    let path = folder.path().join(&file);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        println!("not tried: this user may read every file");
        return;
    }
    let (after, found) = answer(&[shown(&folder)]);
    assert_eq!(found, 2);
    let told = told_of(&after, &file);
    assert_eq!((told.len(), &told[0]["kind"]), (1, &json!("unreadable")));
}

#[test]
fn a_rule_that_does_not_exist_is_wrong_usage() {
    for option in ["--select", "--ignore"] {
        let output = check(&[option, "missing-root-statment", "testdata/course"]);
        assert_eq!(code(&output), 2);
        let told = stderr(&output);
        let words: Vec<&str> = told.split_whitespace().filter(|word| *word != "|").collect();
        let told = words.join(" ");
        assert!(told.contains("did you mean missing-root-statement?"), "{told}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn fail_on_says_what_fails() {
    assert_eq!(code(&check(&["testdata/course"])), 1);
    assert_eq!(code(&check(&["--fail-on", "never", "testdata/course"])), 0);
    let (_, found) = answer(&["--fail-on", "never", "testdata/no-such-directory"]);
    assert_eq!(found, 2);
}

#[test]
fn every_fixture_gives_an_answer_that_fits_the_schema() {
    for world in ["course-demonstration-2", "policy-examples", "organisation", "worked-cases"] {
        answer(&["--persona", "auditor", &format!("testdata/{world}")]);
    }
}

#[test]
fn a_reader_who_leaves_is_no_fault() {
    for format in ["human", "json"] {
        let mut child =
            command(&["--format", format, "--persona", "auditor", "testdata/organisation"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let status = child.wait().unwrap();
        assert!(told.is_empty(), "{told}");
        assert_eq!(status.code(), Some(0), "{format}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for format in ["human", "json"] {
        let args = ["--format", format, "--persona", "auditor", "testdata/organisation"];
        let bytes = |threads: &str| {
            let output = command(&args).env("RAYON_NUM_THREADS", threads).output().unwrap();
            (output.stdout, output.stderr)
        };
        let first = bytes("2");
        assert!(!first.0.is_empty());
        assert_eq!(first, bytes("2"), "two runs differ");
        assert_eq!(first, bytes("1"), "another number of threads gives another answer");
    }
}

#[test]
fn an_output_file_is_complete_or_not_there() {
    let folder = Folder::new("check-output");
    let file = folder.path().join("findings.json");
    let path = file.to_str().unwrap();
    let args = ["--format", "json", "--output", path, "testdata/course"];
    let output = check(&args);
    assert_eq!((code(&output), output.stdout.as_slice()), (1, b"".as_slice()));
    let written = fs::read(&file).unwrap();
    let printed = check(&["--format", "json", "testdata/course"]).stdout;
    assert_eq!(written, printed);
    // Wrong usage leaves what stands there, and nothing beside it.
    let output = check(&["--select", "no-such-rule", "--output", path, "testdata/course"]);
    assert_eq!((code(&output), fs::read(&file).unwrap()), (2, printed));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let nowhere = folder.path().join("no/such/folder/findings.json");
    let output = check(&["--output", nowhere.to_str().unwrap(), "testdata/course"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("cannot write"), "{}", stderr(&output));
    assert!(!folder.path().join("no").exists());
}

#[test]
fn a_full_disk_leaves_no_file() {
    if !Path::new("/dev/full").exists() {
        println!("not tried: there is no /dev/full");
        return;
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&["testdata/course"]).stdout(Stdio::from(full)).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(!stderr(&output).is_empty());
}
