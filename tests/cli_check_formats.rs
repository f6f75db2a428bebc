//! `keyreach check --format`: what programs read, by the rules of those programs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use support::command::{Folder, Run, keyreach};

const FORMATS: [&str; 9] =
    ["human", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown", "csv"];

/// Worlds with findings of many kinds.
const WORLDS: [&str; 3] = ["testdata/course", "testdata/organisation", "testdata/rules"];

fn check(args: &[&str]) -> Run {
    keyreach(&[&["check", "--now", "2026-01-01"], args].concat()).run()
}

fn everything(format: &str, path: &str) -> String {
    // Templates stand beside exports of accounts: they need one, too.
    let account = ["--account", "222233334444"];
    let run = check(&[&["--persona", "auditor", "--format", format, path], &account[..]].concat());
    assert!([1, 2].contains(&run.code), "{format}: {}", run.stderr);
    run.stdout
}

fn told(path: &str, member: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(&everything("json", path)).unwrap();
    answer[member].as_array().unwrap().clone()
}

fn findings(path: &str) -> Vec<Value> {
    told(path, "findings")
}

/// How many files could not be used: some formats tell of them before all findings.
fn problems(path: &str) -> usize {
    told(path, "problems").len()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What of `value` does not fit the schema.
fn misfits(schema: &str, value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let told =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path()));
    told.collect()
}

/// Policies with `files` times `statements` faults, one finding each.
fn faulty(name: &str, files: usize, statements: usize) -> Folder {
    let folder = Folder::new(&format!("formats-{name}"));
    for file in 0..files {
        let statement = |nth: usize| {
            json!({
                "Sid": format!("S{nth}"),
                "Effect": if nth.is_multiple_of(100) { "Deny" } else { "Allow" },
                "Action": format!("kms:NoAction{nth}"),
                "Resource": "*",
            })
        };
        let all: Vec<Value> = (0..statements).map(statement).collect();
        let policy = json!({ "Version": "2012-10-17", "Statement": all });
        folder.put(&format!("p{file}.json"), serde_json::to_string_pretty(&policy).unwrap());
    }
    folder
}

#[test]
fn the_exit_status_is_the_same_in_every_format() {
    let folder = Folder::new("formats-empty");
    let empty = folder.path().to_str().unwrap();
    for format in FORMATS {
        let code = |args: &[&str]| check(&[&["--format", format], args].concat()).code;
        assert_eq!(code(&["testdata/course"]), 1, "{format}");
        assert_eq!(code(&["--fail-on", "critical", "testdata/course"]), 0, "{format}");
        assert_eq!(code(&["testdata/course", "no-such-path"]), 2, "{format}");
        assert_eq!(code(&[empty]), 3, "{format}");
    }
}

#[test]
fn sarif_fits_the_official_schema() {
    let schema = include_str!("../testdata/sarif-schema-2.1.0.json");
    for world in WORLDS {
        let log: Value = serde_json::from_str(&everything("sarif", world)).unwrap();
        assert_eq!(misfits(schema, &log), Vec::<String>::new(), "{world}");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let results = run["results"].as_array().unwrap();
        let expected = findings(world);
        assert!(!expected.is_empty() && results.len() == expected.len(), "{world}");
        for (result, finding) in results.iter().zip(&expected) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert_eq!(result["partialFingerprints"]["keyreach/v1"], finding["fingerprint"]);
            let place = &result["locations"][0]["physicalLocation"];
            let (region, location) = (&place["region"], &finding["locations"][0]);
            assert_eq!(region["startLine"], location["line"], "{result}");
            assert_eq!(region["endColumn"], location["end_column"], "{result}");
            assert_eq!(place["artifactLocation"]["uri"], location["file"]);
        }
    }
    let broken = json!({ "version": "2.1.0", "runs": [{ "tool": {} }] });
    assert_ne!(misfits(schema, &broken), Vec::<String>::new());
}

#[test]
fn sarif_tells_what_code_scanning_asks_of_rules() {
    let log: Value = serde_json::from_str(&everything("sarif", "testdata/course")).unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    assert!(ids.contains("unknown-action") && ids.contains("unknown-action/in-deny"), "{ids:?}");
    for rule in rules {
        let score: f64 = rule["properties"]["security-severity"].as_str().unwrap().parse().unwrap();
        assert!(score > 0.0 && score <= 10.0);
        assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 20);
        assert!(rule["help"]["markdown"].as_str().unwrap().starts_with("## What it checks"));
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
    }
    let public = rules.iter().find(|rule| rule["id"] == "public-key-access").unwrap();
    let tags = public["properties"]["tags"].as_array().unwrap();
    assert!(tags.contains(&"external/cwe/cwe-732".into()), "{tags:?}");
}

#[test]
fn fingerprints_survive_moved_lines_other_spelling_and_line_ends() {
    let statement = r#"{"Effect":"Allow","Action":["kms:Decript","kms:Encrypt"],"Resource":"*"}"#;
    let other =
        r#"{"Resource":["*"],"Sid":"x","Action":["kms:Encrypt","kms:Decript"],"Effect":"Allow"}"#;
    let texts = [
        format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
        format!("\u{feff}{{\r\n\r\n\"Statement\":\r\n{other},\r\n\"Version\":\"2012-10-17\"}}"),
    ];
    let fingerprints = texts.map(|text| {
        let folder = Folder::new("formats-fingerprints");
        folder.put("policy.json", text);
        let run =
            keyreach(&["check", "--format", "json", "policy.json"]).within(folder.path()).run();
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        answer["findings"][0]["fingerprint"].as_str().unwrap().to_owned()
    });
    assert_eq!(fingerprints[0], fingerprints[1]);
}

#[test]
fn jsonl_has_a_line_for_each_finding_and_a_summary() {
    let schema = include_str!("../src/report/schemas/check-line.schema.json");
    for world in WORLDS {
        let all = lines(&everything("jsonl", world));
        for line in &all {
            assert_eq!(misfits(schema, line), Vec::<String>::new(), "{line}");
        }
        let of = |kind: &str| all.iter().filter(|line| line["kind"] == kind).count();
        let found: Vec<&Value> =
            all.iter().map(|line| &line["finding"]).filter(|one| !one.is_null()).collect();
        assert_eq!(found, findings(world).iter().collect::<Vec<_>>(), "{world}");
        assert_eq!((of("summary"), &all[all.len() - 1]["kind"]), (1, &json!("summary")));
    }
}

fn github_level(finding: &Value) -> &'static str {
    match finding["severity"].as_str().unwrap() {
        "critical" | "high" => "::error ",
        "medium" => "::warning ",
        _ => "::notice ",
    }
}

#[test]
fn github_gets_a_command_for_each_finding_that_it_shows_the_worst_first() {
    const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];
    for world in WORLDS {
        let printed = everything("github", world);
        let mut found = findings(world);
        let rank = |one: &Value| SEVERITIES.iter().position(|name| one["severity"] == *name);
        found.sort_by_key(rank);
        let all: Vec<&str> = printed.lines().collect();
        for level in ["::error ", "::warning ", "::notice "] {
            let count = all.iter().filter(|line| line.starts_with(level)).count();
            assert!(count <= 10, "{world}: {count} of {level}");
        }
        // Of the worlds, one has problems with files.
        let (shown, counts) = all.split_at(all.len() - 1);
        let is_problem =
            |line: &&&str| SEVERITIES.iter().all(|it| !line.contains(&format!("({it})")));
        let told: Vec<&str> = shown.iter().filter(|line| !is_problem(line)).copied().collect();
        let files = shown.len() - told.len();
        assert!(files <= problems(world));
        let mut room = BTreeMap::from([("::error ", 10), ("::warning ", 10), ("::notice ", 9)]);
        let fits = |finding: &&Value| {
            // Behind what is critical, files come before the others.
            let level = github_level(finding);
            let critical = finding["severity"] == "critical";
            let places = room.get_mut(level).unwrap();
            let kept = if level == "::error " && !critical { files } else { 0 };
            let fits = *places > kept;
            *places -= usize::from(fits);
            fits
        };
        let expected: Vec<&Value> = found.iter().filter(fits).collect();
        assert_eq!(told.len(), expected.len(), "{world}");
        assert_eq!(counts[0].contains("left out are"), shown.len() < found.len() + problems(world));
        for (line, finding) in told.iter().zip(expected) {
            let level = github_level(finding);
            let (properties, message) = line.strip_prefix(level).unwrap().split_once("::").unwrap();
            let message = message.replace("%0A", "\n").replace("%25", "%");
            let help = finding["help"].as_str().unwrap();
            let expected = format!("{}\n{help}", finding["message"].as_str().unwrap());
            assert_eq!(message, expected.trim_end());
            let at = format!(",line={},", finding["locations"][0]["line"]);
            assert!(properties.contains(&at), "{properties}");
        }
    }
}

#[test]
fn gitlab_takes_no_two_findings_for_one() {
    for world in WORLDS {
        let report: Value = serde_json::from_str(&everything("gitlab", world)).unwrap();
        let entries = report.as_array().unwrap();
        assert_eq!(entries.len(), problems(world) + findings(world).len());
        let mut fingerprints = BTreeSet::new();
        for entry in entries {
            let text = |member: &str| entry[member].as_str().unwrap();
            assert!(!text("description").is_empty() && !text("check_name").is_empty());
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&text("severity")));
            assert!(fingerprints.insert(text("fingerprint")), "{entry}");
            let lines = &entry["location"]["lines"];
            assert!(lines["begin"].as_u64().unwrap() >= 1, "{entry}");
            assert!(!entry["location"]["path"].as_str().unwrap().starts_with("./"));
        }
    }
}

#[test]
fn paths_that_a_repository_is_asked_for_count_from_where_keyreach_runs() {
    let folder = Folder::new("formats-absolute");
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decript", "Resource": "*"}}"#;
    folder.put("a/app.json", policy);
    let root = folder.path().canonicalize().unwrap();
    let absolute = root.join("a");
    let told = |format: &str, within: &Path| {
        let args = ["check", "--format", format, absolute.to_str().unwrap()];
        keyreach(&args).within(within).run().stdout
    };
    for format in ["gitlab", "github", "sarif", "junit"] {
        let inside = told(format, folder.path());
        assert!(inside.contains("a/app.json"), "{format}: {inside}");
        assert!(!inside.contains(root.to_str().unwrap()), "{format}: {inside}");
    }
    let elsewhere = Folder::new("formats-elsewhere");
    // Both lie in one work tree.
    let outside = told("gitlab", elsewhere.path());
    assert!(!outside.contains("\"path\": \"a/app.json\""), "{outside}");
    assert!(outside.contains("/a/app.json\""), "{outside}");
    // For people paths are as they were given.
    assert!(told("json", folder.path()).contains(absolute.to_str().unwrap()));
}

#[test]
fn junit_fails_for_what_fails_the_run() {
    for (fail_on, fails) in [("medium", ["critical", "high", "medium"].as_slice()), ("never", &[])]
    {
        let args = ["--fail-on", fail_on, "--format", "junit", "testdata/organisation"];
        let printed = check(&args).stdout;
        let document = roxmltree::Document::parse(&printed).unwrap();
        let root = document.root_element();
        let count = |name: &str| root.descendants().filter(|node| node.has_tag_name(name)).count();
        let found: Value =
            serde_json::from_str(&check(&["--format", "json", "testdata/organisation"]).stdout)
                .unwrap();
        let found = found["findings"].as_array().unwrap();
        let failing = found.iter().filter(|one| fails.contains(&one["severity"].as_str().unwrap()));
        assert_eq!(count("failure"), failing.count(), "{fail_on}");
        let is_not_run = |node: &roxmltree::Node<'_, '_>| {
            node.has_tag_name("skipped")
                && node.attribute("message").unwrap().starts_with("not run: ")
        };
        let not_run = root.descendants().filter(is_not_run).count();
        assert_eq!(count("failure") + count("skipped"), found.len() + not_run);
        let attribute = |name: &str| root.attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!(attribute("tests"), count("testcase"));
        assert_eq!(attribute("failures"), count("failure"));
        for suite in root.children().filter(|node| node.has_tag_name("testsuite")) {
            let cases = suite.children().filter(|node| node.has_tag_name("testcase")).count();
            assert_eq!(suite.attribute("tests").unwrap(), cases.to_string());
        }
    }
}

/// Why JUnit is told that a rule was not run, where it was not.
fn not_run(printed: &str, rule: &str) -> Option<String> {
    let document = roxmltree::Document::parse(printed).unwrap();
    let is_its = |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(rule);
    let suite = document.descendants().find(is_its).unwrap();
    assert_eq!(suite.attribute("tests"), Some("1"), "{printed}");
    let skipped = suite.descendants().find(|node| node.has_tag_name("skipped"))?;
    assert_eq!(suite.attribute("skipped"), Some("1"));
    Some(skipped.attribute("message").unwrap().to_owned())
}

#[test]
fn junit_does_not_pass_a_rule_that_was_not_run() {
    let folder = Folder::new("formats-not-run");
    let statement = json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    folder.put("policy.json", policy.to_string());
    let run = |args: &[&str]| {
        let all = [&["check", "--format", "junit", "policy.json"], args].concat();
        keyreach(&all).within(folder.path()).run().stdout
    };
    let usual = run(&[]);
    let of = |rule: &str| not_run(&usual, rule);
    assert_eq!(of("alias-retarget").unwrap(), "not run: it needs --base");
    assert_eq!(of("deployer-locked-out").unwrap(), "not run: it needs --deployer");
    assert_eq!(of("wide-reach-key").unwrap(), "not run: it is for --persona auditor");
    assert_eq!(of("unknown-action"), None);
    let some = run(&["--persona", "auditor", "--ignore", "unknown-action"]);
    assert_eq!(not_run(&some, "unknown-action").unwrap(), "not run: it is switched off");
    assert_eq!(not_run(&some, "wide-reach-key"), None);
}

#[test]
fn a_file_counts_once_and_one_whose_comments_are_at_fault_was_used() {
    let folder = Folder::new("formats-comments");
    let comments = "# keyreach: ignore[unknown-action]\n# keyreach: ignore[unknown-acton] typo\n";
    let world = "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles: { app: {} }\n";
    folder.put("world.yaml", format!("{comments}{world}"));
    folder.put("broken.yaml", "keyreach: scenario/1\naccounts: { \"1\": {}, \"2\": {} }\n");
    let run = keyreach(&["check", "."]).within(folder.path()).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let told = run.stdout.replace('\n', " ");
    let end = "; 1 file could not be used; 2 suppressions could not be used";
    assert!(told.contains(end), "{told}");
}

#[test]
fn a_file_that_cannot_be_used_is_told_in_every_format() {
    for format in FORMATS.into_iter().filter(|format| !["human", "csv"].contains(format)) {
        let run = check(&["--format", format, "testdata/course", "no/such, path"]);
        assert_eq!(run.code, 2);
        let shown = run.stdout.contains("no/such") || run.stdout.contains("no%2Fsuch");
        assert!(shown, "{format}: {}", run.stdout);
    }
}

#[test]
fn texts_of_policies_are_harmless() {
    let folder = Folder::new("formats-harmless");
    let action = "kms:=1+1,%0A::error::x|<b>`\u{1b}[31m\u{202e}]]>";
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" },
    });
    folder.put("=a, b%20|`.json", policy.to_string());
    for format in FORMATS {
        let args = ["check", "--format", format, "=a, b%20|`.json"];
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!(run.code, 1, "{format}: {}", run.stderr);
        // JSON escapes what a terminal would obey.
        assert!(
            !run.stdout.contains(['\u{1b}', '\u{202e}']) || format.starts_with("json"),
            "{format}"
        );
        match format {
            "github" => assert!(run.stdout.lines().all(|line| line.starts_with("::")), "{run:?}"),
            "junit" => assert!(roxmltree::Document::parse(&run.stdout).is_ok(), "{run:?}"),
            "csv" => {
                let cells = run.stdout.lines().flat_map(|line| line.split(','));
                assert!(!cells.into_iter().any(|cell| cell.trim_matches('"').starts_with('=')));
            }
            "markdown" => {
                let rows = run.stdout.lines().filter(|line| line.starts_with("| medium"));
                let cells: Vec<usize> =
                    rows.map(|row| row.replace("\\|", "").matches('|').count()).collect();
                assert_eq!(cells, [5], "{}", run.stdout);
                assert!(!run.stdout.contains("<b>"), "{}", run.stdout);
            }
            "sarif" => assert!(run.stdout.contains("\"uri\": \"%3Da%2C%20b%2520%7C%60.json\"")),
            _ => {}
        }
    }
}

#[test]
fn quiet_leaves_the_summary_out_and_snippets_can_be_left_out() {
    let whole = check(&["testdata/course"]).stdout;
    let quiet = check(&["--quiet", "testdata/course"]).stdout;
    assert!(whole.starts_with(&quiet) && !quiet.contains("7 findings"), "{quiet}");
    let bare = check(&["--no-snippets", "testdata/course"]).stdout;
    assert!(bare.contains("get-key-policy.json:4:19") || bare.contains(".json:2:"), "{bare}");
    assert!(!bare.contains("\"Effect\"") && bare.contains("7 findings"), "{bare}");
    assert!(bare.contains("\nalias/CMK-B (0b0b0b0b"), "{bare}");
}

#[test]
fn very_many_findings_stay_within_the_limits_of_their_readers() {
    let folder = faulty("many", 260, 100);
    let path = folder.path().to_str().unwrap();
    let total = 26_000;
    let human = check(&[path]).stdout;
    assert!(human.lines().count() < 200, "{} lines", human.lines().count());
    assert!(human.contains("of unknown-action)"), "{human}");
    assert!(human.contains("26000 findings"), "{human}");
    let sarif: Value = serde_json::from_str(&check(&["--format", "sarif", path]).stdout).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 25_000);
    assert_eq!(run["properties"]["leftOut"], json!(total - 25_000));
    let told = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str();
    assert!(told.unwrap().starts_with("1000 findings"), "{told:?}");
    let high = run["results"].as_array().unwrap().iter().filter(|one| one["level"] == "error");
    assert_eq!(high.count(), 260, "the worst are kept");
    let markdown = check(&["--format", "markdown", path]).stdout;
    assert!(markdown.len() > 50_000 && markdown.len() < 65_536, "{}", markdown.len());
    let rows = markdown.lines().filter(|line| line.starts_with("| ") && !line.contains("---"));
    let left_out = total - (rows.count() - 1);
    assert!(markdown.contains(&format!("{left_out} findings left out")), "{left_out}");
    assert_eq!(lines(&check(&["--format", "jsonl", path]).stdout).len(), total + 1);
}

#[test]
fn sarif_shows_ways_as_code_flows_and_fixes_as_replacements() {
    let world = r#"keyreach: scenario/1
accounts:
  "111122223333":
    users:
      alice: { policies: [{ allow: ["kms:*", "kms:Decript"], on: [k] }] }
    roles:
      vendor:
        trust: [{ allow: "sts:AssumeRole", to: ["444455556666"] }]
        policies: [{ allow: "kms:Decrypt", on: [k] }]
    keys: { k: { aliases: [alias/k] } }
"#;
    let folder = Folder::new("formats-flows");
    folder.put("world.yaml", world);
    let run = keyreach(&["check", "--now", "2026-01-01", "--format", "sarif", "."])
        .within(folder.path())
        .run();
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of = |rule: &str| {
        let is_it = |result: &&Value| result["ruleId"].as_str().unwrap().starts_with(rule);
        results.iter().find(is_it).unwrap_or_else(|| panic!("{rule}: {log:#}"))
    };
    let replacement = &of("unknown-action")["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "y");
    let region = &replacement["deletedRegion"];
    assert_eq!((&region["startLine"], &region["endLine"]), (&json!(5), &json!(5)));
    let line = world.lines().nth(4).unwrap();
    let start = region["startColumn"].as_u64().unwrap() as usize - 1;
    assert_eq!(line.get(start..start + 1), Some("i"));
    let way = &of("external-role-chain-to-key")["codeFlows"][0]["threadFlows"][0]["locations"];
    let lines: Vec<u64> = way
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["location"]["physicalLocation"]["region"]["startLine"])
        .map(|line| line.as_u64().unwrap())
        .collect();
    assert_eq!(lines, [8, 10, 9], "trusts, then the key's policy and the role's allow");
    assert!(of("unknown-action")["codeFlows"].is_null());
    let schema = include_str!("../testdata/sarif-schema-2.1.0.json");
    assert_eq!(misfits(schema, &log), Vec::<String>::new());
}
