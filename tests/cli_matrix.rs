//! The matrix as users and programs get it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::command::{Folder, Run, golden, keyreach};

const DAY: &str = "--now 2026-01-01";

/// A key that a Deny, a condition and another account make interesting, and one that signs.
const SCENARIO: &str = r#"keyreach: scenario/1
accounts:
  111122223333:
    users:
      alice: { policies: [{ allow: ["kms:Decrypt", "kms:Encrypt"] }] }
      bob:
    keys:
      orders:
        aliases: [alias/orders]
        tags: { team: shop }
        policy:
          - { allow: "kms:*", to: account }
          - { allow: kms:Decrypt, to: 444455556666 }
          - { deny: kms:Decrypt, to: "*", when: { StringNotEquals: { "kms:ViaService": s3.us-east-1.amazonaws.com } } }
"#;

fn run(command: &str, args: &str) -> Run {
    let args: Vec<&str> = std::iter::once(command).chain(args.split_whitespace()).collect();
    keyreach(&args).run()
}

/// What a run prints that must go well.
fn printed(command: &str, args: &str) -> String {
    let run = run(command, args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{command} {args}");
    run.stdout
}

fn kept(name: &str, command: &str, args: &str) {
    let text = format!("$ keyreach {command} {args}\n{}", printed(command, args));
    golden(&format!("matrix/{name}.txt"), &text);
}

fn lines(args: &str) -> Vec<Value> {
    let text = printed("matrix", &format!("--format jsonl {args}"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn scenario(name: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    folder.put("scenario.yaml", SCENARIO);
    let path = folder.path().join("scenario.yaml").display().to_string();
    (folder, path)
}

#[test]
fn the_course_in_every_format() {
    let of = |format: &str| format!("{DAY} --format {format} testdata/course");
    for format in ["human", "summary", "csv", "json", "markdown"] {
        kept(&format!("course-{format}"), "matrix", &of(format));
    }
    let few =
        format!("{DAY} --format jsonl --key alias/CMK-C --action use:decrypt testdata/course");
    kept("course-jsonl", "matrix", &few);
}

#[test]
fn the_organisation_for_people() {
    kept("organisation", "matrix", &format!("{DAY} testdata/organisation"));
    let by_key = format!("{DAY} --group-by key --action use --all testdata/organisation");
    kept("organisation-by-key", "matrix", &by_key);
    let by_account = format!("{DAY} --group-by account --actions testdata/organisation");
    kept("organisation-by-account", "matrix", &by_account);
}

#[test]
fn the_same_from_either_side() {
    let of_key = format!("{DAY} --action Decrypt --key alias/orders testdata/organisation");
    kept("who-can", "who-can", &of_key);
    kept("what-can", "what-can", &format!("{DAY} --principal alice testdata/organisation"));
}

/// Asks `simulate` for every witness and counter-witness of cells that hang on nothing else.
fn witnesses_hold(options: &str, path: &str) -> usize {
    let mut requests = String::new();
    let mut expected = Vec::new();
    for line in lines(&format!("{DAY} {options} {path}")) {
        if line["assumes"] != serde_json::json!([]) {
            continue;
        }
        for (member, decision) in [("witness", "allowed"), ("counter_witness", "denied")] {
            if !line[member].is_null() {
                requests.push_str(&format!("{}\n", line[member]));
                expected.push((decision, line.clone()));
            }
        }
        match line["verdict"].as_str().unwrap() {
            "always" => assert!(!line["witness"].is_null(), "{line}"),
            "never" => assert!(!line["counter_witness"].is_null(), "{line}"),
            "conditional" => {
                let both = [&line["witness"], &line["counter_witness"], &line["condition"]];
                assert!(both.iter().all(|member| !member.is_null()), "{line}");
            }
            _ => assert!(line["at_least"].is_string() && line["at_most"].is_string(), "{line}"),
        }
    }
    let answers = keyreach(&["simulate", "--requests", "-", path]).stdin(requests).run();
    assert_eq!(answers.code, 0, "{}", answers.stderr);
    let answers: Vec<Value> =
        answers.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), expected.len());
    for (answer, (decision, line)) in answers.iter().zip(&expected) {
        assert_eq!(answer["decision"], **decision, "{answer}\n{line}");
    }
    expected.len()
}

#[test]
fn every_witness_is_a_request_that_simulate_answers_so() {
    assert!(witnesses_hold("--all", "testdata/course") > 500);
    assert!(witnesses_hold("--all", "testdata/organisation") > 10_000);
    let (_folder, path) = scenario("matrix-witness");
    assert!(witnesses_hold("--all", &path) > 50);
    assert!(witnesses_hold("--direct", "testdata/organisation") > 1000);
    assert!(witnesses_hold("--via s3", "testdata/organisation") > 1000);
}

#[test]
fn cells_are_those_of_the_export_and_counts_count_them() {
    for path in ["testdata/course", "testdata/organisation"] {
        let folder = Folder::new("matrix-counts");
        let about = folder.path().join("about.json");
        let lines = lines(&format!("{DAY} --all --about {} {path}", about.display()));
        let about: Value = serde_json::from_slice(&std::fs::read(about).unwrap()).unwrap();
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for line in &lines {
            *found.entry(line["verdict"].as_str().unwrap()).or_default() += 1;
        }
        for verdict in ["always", "conditional", "unknown", "never"] {
            let number = found.get(verdict).copied().unwrap_or_default();
            assert_eq!(about["counts"][verdict].as_u64(), Some(number), "{path} {verdict}");
        }
        // The same, counted row by row.
        let filtered = format!("{DAY} --key * --format json");
        let all: Value =
            serde_json::from_str(&printed("matrix", &format!("{filtered} {path}"))).unwrap();
        assert_eq!(all["about"]["counts"]["always"], about["counts"]["always"], "{path}");
        assert_eq!(all["about"]["counts"]["never"], about["counts"]["never"], "{path}");
        let cells: BTreeSet<String> = lines
            .iter()
            .map(|line| format!("{} {} {}", line["principal"], line["key"], line["action"]))
            .collect();
        assert_eq!(cells.len(), lines.len(), "a cell is told once");
    }
}

#[test]
fn filters_take_names_aliases_patterns_and_words() {
    let count = |options: &str| lines(&format!("{DAY} {options} testdata/course")).len();
    assert_eq!(count("--key alias/CMK-C --principal Alice --action Decrypt"), 1);
    assert_eq!(count("--key alias/CMK-? --principal user/Al* --action kms:Decr*"), 2);
    assert_eq!(count("--key alias/CMK-C --principal Alice --action use:decrypt"), 2);
    assert_eq!(count("--principal Alice --action Decrypt --verdict conditional"), 0);
    assert_eq!(count("--principal Alice --action Decrypt --verdict never"), 1);
    assert_eq!(count("--account 111122223333"), count(""));
    let (_folder, path) = scenario("matrix-filters");
    let tagged = lines(&format!("{DAY} --tag team=sh* --principal alice {path}"));
    assert!(!tagged.is_empty());
}

#[test]
fn what_means_nothing_is_told_with_a_suggestion() {
    for (options, said) in [
        ("--principal Alise", "did you mean `Alice`?"),
        ("--key alias/CMK-X", "--key: "),
        ("--key alias/no*", "takes no key of the export"),
        ("--action Decript", "did you mean `Decrypt`?"),
        ("--account 99*", "is no account of the export"),
        ("--tag team", "is a tag of no key"),
        ("--assume kms:ViaServise=s3", "did you mean kms:ViaService?"),
    ] {
        let run = run("matrix", &format!("{options} testdata/course"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{options}");
        let words: Vec<&str> = run.stderr.split_whitespace().filter(|word| *word != "|").collect();
        assert!(words.join(" ").contains(said), "{options}: {}", run.stderr);
    }
}

#[test]
fn where_there_is_nothing_it_says_so() {
    let folder = Folder::new("matrix-empty");
    let run = run("matrix", &folder.path().display().to_string());
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("nothing to audit"), "{}", run.stderr);
}

#[test]
fn assumptions_narrow_the_answer() {
    let (_folder, path) = scenario("matrix-assume");
    let verdict = |options: &str| {
        let question = "--key alias/orders --principal alice --action Decrypt --all";
        let found = lines(&format!("{DAY} {question} {options} {path}"));
        found[0]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(""), "conditional");
    assert_eq!(verdict("--direct"), "never");
    assert_eq!(verdict("--via s3"), "always");
    assert_eq!(verdict("--via ebs"), "never");
    assert_eq!(verdict("--assume kms:ViaService=s3.us-east-1.amazonaws.com"), "always");
    assert_eq!(verdict("--assume kms:ViaService=absent"), "never");
}

#[test]
fn no_cell_of_a_spreadsheet_is_a_formula() {
    let hostile = SCENARIO.replace("alice:", "\"=cmd|calc\":").replace("bob:", "\"+1\":");
    let folder = Folder::new("matrix-csv");
    folder.put("scenario.yaml", hostile);
    let path = folder.path().display().to_string();
    for options in ["", "--actions", "--group-by key --all"] {
        let text = printed("matrix", &format!("{DAY} --format csv {options} {path}"));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            for cell in &record.unwrap() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            }
        }
    }
}

#[test]
fn it_fits_a_narrow_terminal() {
    let run = keyreach(&["matrix", "testdata/organisation"]).env("COLUMNS", "40").run();
    assert_eq!(run.code, 0);
    for line in run.stdout.lines() {
        let words = line.split_whitespace().count();
        let alone = words <= 1 || line.starts_with("SHA-256:");
        assert!(line.chars().count() <= 40 || alone, "{line}");
        assert_eq!(line, line.trim_end());
    }
    assert!(!run.stdout.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn a_file_is_complete_and_evidence_lies_beside_it() {
    let folder = Folder::new("matrix-output");
    let (file, about) = (folder.path().join("m.csv"), folder.path().join("about.json"));
    let options = format!("--output {} --about {}", file.display(), about.display());
    let text = printed("matrix", &format!("{DAY} --format csv {options} testdata/course"));
    assert_eq!(text, "");
    assert!(std::fs::read_to_string(file).unwrap().starts_with("principal,"));
    let about: Value = serde_json::from_slice(&std::fs::read(about).unwrap()).unwrap();
    assert_eq!(about["schema"], "keyreach/matrix-about/1");
    assert_eq!(about["input_sha256"].as_str().unwrap().len(), 64);
    assert_eq!((about["files"].as_u64(), about["date"].as_str()), (Some(19), Some("2026-01-01")));
}

#[test]
fn schemas_are_listed_and_printed() {
    let listed = printed("schema", "");
    assert!(listed.contains("matrix-line\n") && listed.contains("scenario\n"), "{listed}");
    for name in listed.lines() {
        let _: Value = serde_json::from_str(&printed("schema", name)).unwrap();
    }
    let unknown = run("schema", "matrix-lines");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean matrix-line?"), "{}", unknown.stderr);
}
