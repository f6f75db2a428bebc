//! `keyreach matrix`, `who-can`, `what-can` and `schema`: whole outputs, filters, and what programs rely on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use support::command::{Folder, Run, golden, keyreach};

/// A key with a tag and a condition, and a disabled one.
const WORLD: &str = r#"
keyreach: scenario/1
region: eu-west-1
accounts:
  "111122223333":
    users:
      alice: { policies: [{ allow: "kms:*", on: "*" }] }
      bob: {}
      carol: {}
    keys:
      orders:
        tags: { team: payments }
        policy:
          - { allow: "kms:*", to: [account] }
          - { allow: "kms:Decrypt", to: [user/bob, user/carol], when: { StringEquals: { "kms:ViaService": "s3.eu-west-1.amazonaws.com" } } }
      old:
        state: Disabled
        policy:
          - { allow: "kms:*", to: [account] }
"#;

fn run(args: &str) -> Run {
    let args: Vec<&str> = args.split_whitespace().collect();
    keyreach(&args).run()
}

fn shown(args: &str) -> String {
    let run = run(&format!("{args} --now 2026-01-01"));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args}");
    run.stdout
}

fn world(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.put("world.yaml", WORLD);
    folder
}

fn within(folder: &Folder, args: &str) -> String {
    let args: Vec<&str> = args.split_whitespace().chain(["--now", "2026-01-01"]).collect();
    let run = keyreach(&args).within(folder.path()).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_format_is_as_it_was() {
    for format in ["human", "csv", "json", "jsonl", "markdown", "summary"] {
        let command = format!("matrix --action use --format {format} testdata/course");
        golden(&format!("matrix/course.{format}.txt"), &shown(&command));
    }
    let all = shown("matrix --key alias/CMK-C --all testdata/course");
    golden("matrix/all.txt", &all);
    golden("matrix/by-key.txt", &shown("matrix --group-by key testdata/course"));
    golden("matrix/by-account.txt", &shown("matrix --group-by account testdata/course"));
    let who = "who-can --action Decrypt --key alias/CMK-C testdata/course";
    golden("matrix/who-can.txt", &shown(who));
    golden("matrix/what-can.txt", &shown("what-can --principal Alice testdata/course"));
}

#[test]
fn conditions_and_states_are_told() {
    let folder = world("matrix-conditions");
    golden("matrix/conditions.txt", &within(&folder, "matrix ."));
}

#[test]
fn verdicts_are_coloured_where_there_are_colours() {
    let folder = world("matrix-colours");
    folder.put(
        "other.yaml",
        WORLD
            .replace("111122223333", "444455556666")
            .replace("alice: {", "alice: { boundary: \"arn:aws:iam::444455556666:policy/gone\","),
    );
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let args = [&["matrix", "--all", "--now", "2026-01-01", "."], args].concat();
        let command = keyreach(&args).within(folder.path());
        variables.iter().fold(command, |command, (name, value)| command.env(name, value)).run()
    };
    let piped = run(&[], &[]).stdout;
    assert!(!piped.contains('\u{1b}'), "{piped}");
    for (args, variables) in
        [(&["--color", "never"][..], &[][..]), (&["--color", "auto"], &[("NO_COLOR", "1")])]
    {
        assert_eq!(run(args, variables).stdout, piped);
    }
    for columns in ["40", "100"] {
        let narrow = [("COLUMNS", columns)];
        let plain = run(&[], &narrow).stdout;
        let mut shown = run(&["--color", "always"], &narrow).stdout;
        for (word, code) in [
            ("always", "\u{1b}[32m"),
            ("if", "\u{1b}[33m"),
            ("unknown", "\u{1b}[1;97;41m"),
            ("never", "\u{1b}[2m"),
        ] {
            let painted = format!("{code}{word}\u{1b}[0m");
            assert!(shown.contains(&painted), "{word}: {shown}");
            shown = shown.replace(&painted, word);
        }
        assert_eq!(shown, plain);
    }
}

#[test]
fn nothing_to_answer_from_is_no_table_of_nobody() {
    let folder = Folder::new("matrix-nobody");
    folder.put("notes.txt", "nothing").put("broken/get-key-policy.json", "{");
    let commands = [
        "matrix",
        "who-can --action Decrypt --key alias/x",
        "what-can --principal alice",
        "why --principal alice --action Decrypt --key alias/x",
    ];
    for command in commands {
        let within = |path: &str| {
            let args: Vec<&str> = command.split_whitespace().chain([path]).collect();
            keyreach(&args).within(folder.path()).run()
        };
        for (path, code, told) in [
            ("nowhere", 2, "nowhere: "),
            ("broken", 2, "get-key-policy.json"),
            ("notes.txt", 3, "nothing to audit found in notes.txt"),
        ] {
            let run = within(path);
            assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{command} {path}");
            assert!(run.stderr.contains(told), "{command}: {}", run.stderr);
            let faults = run.stderr.lines().filter(|line| line.starts_with("  !"));
            assert_eq!(faults.count(), 1, "{command}: {}", run.stderr);
        }
    }
    // An empty directory is where the command looks by default.
    let empty = Folder::new("matrix-nobody-empty");
    let run = keyreach(&["matrix", "--format", "json"]).within(empty.path()).run();
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.stderr);
}

#[test]
fn a_narrow_terminal_has_no_longer_lines() {
    let folder = world("matrix-narrow");
    for columns in ["40", "60", "80", "120"] {
        let args = ["matrix", "--all", "--now", "2026-01-01", "."];
        let run = keyreach(&args).within(folder.path()).env("COLUMNS", columns).run();
        let width: usize = columns.parse().unwrap();
        // A digest, an ARN or an id that is too long for a line has it for itself, whole.
        let long =
            |line: &&str| line.chars().count() > width && line.split_whitespace().count() > 1;
        let long: Vec<&str> = run.stdout.lines().filter(long).collect();
        assert!(long.is_empty(), "{columns}: {long:?}");
        assert!(run.stdout.is_ascii());
    }
    // Below two columns no name is in two parts: the words are those of a wide terminal.
    let words = |columns: &str| {
        let args = ["matrix", "--all", "--now", "2026-01-01", "."];
        let run = keyreach(&args).within(folder.path()).env("COLUMNS", columns).run();
        let mut words: Vec<String> = run.stdout.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    assert_eq!(words("40"), words("1000"));
}

#[test]
fn each_line_is_a_cell_with_requests_that_simulate_answers() {
    let folder = world("matrix-witnesses");
    let cells = lines(&within(&folder, "matrix --all --format jsonl ."));
    let schema: Value =
        serde_json::from_str(include_str!("../src/report/schemas/matrix-line.schema.json"))
            .unwrap();
    let known = schema["properties"].as_object().unwrap().keys();
    // That one comes with --transitive alone.
    let known: BTreeSet<&String> = known.filter(|name| *name != "hops").collect();
    let mut requests = Vec::new();
    for cell in &cells {
        assert_eq!(cell.as_object().unwrap().keys().collect::<BTreeSet<_>>(), known);
        let expected: &[(&str, bool)] = match cell["verdict"].as_str().unwrap() {
            "always" => &[("witness", true)],
            "conditional" => &[("witness", true), ("counter_witness", false)],
            "never" => &[("counter_witness", false)],
            _ => &[],
        };
        assert_eq!(cell["condition"].is_string(), cell["verdict"] == "conditional", "{cell}");
        for (name, allowed) in expected {
            assert!(cell[name].is_object(), "{cell}");
            requests.push((cell[name].to_string(), *allowed));
        }
    }
    assert!(cells.iter().any(|cell| cell["verdict"] == "conditional"));
    let text: Vec<&str> = requests.iter().map(|(request, _)| request.as_str()).collect();
    let path = folder.path().to_str().unwrap();
    let answers = keyreach(&["simulate", path, "--requests", "-"]).stdin(text.join("\n")).run();
    assert_eq!(answers.stdout.lines().count(), requests.len());
    for (answer, (request, allowed)) in lines(&answers.stdout).iter().zip(&requests) {
        assert_eq!(answer["decision"] == "allowed", *allowed, "{request}");
    }
}

#[test]
fn cells_come_sorted_and_each_once() {
    let cells = lines(&shown("matrix --all --format jsonl testdata/course"));
    let name = |cell: &Value| {
        ["principal", "key", "action"].map(|name| cell[name].as_str().unwrap().to_owned())
    };
    let names: Vec<[String; 3]> = cells.iter().map(name).collect();
    assert!(names.is_sorted_by(|one, other| one < other));
    // Five principals, three symmetric keys, and what needs no key.
    let service = names.iter().filter(|name| name[1] == "*").count();
    assert_eq!((names.len() - service) % 15, 0);
    let rotation = names.iter().filter(|name| name[2] == "kms:EnableKeyRotation").count();
    assert_eq!(rotation, 15);
}

#[test]
fn filters_take_names_aliases_patterns_and_words() {
    let folder = world("matrix-filters");
    let count =
        |args: &str| lines(&within(&folder, &format!("matrix --format jsonl {args} ."))).len();
    let whole = count("");
    let with_keys = count("--key *:key/*");
    assert!(whole > with_keys && with_keys > 0);
    assert_eq!(count("--key *"), whole);
    assert_eq!(count("--key *orders --action Decrypt"), 4);
    assert_eq!(count("--key *orders --action kms:decrypt --principal user/bob"), 1);
    assert_eq!(count("--principal bob --principal carol"), 2);
    assert_eq!(count("--principal user/c* --principal ?ob"), 2);
    assert_eq!(count("--verdict conditional"), 2);
    assert_eq!(count("--tag team=pay* --action Decrypt"), 4);
    assert_eq!(count("--account 111122223333"), whole);
    assert_eq!(count("--action use:decrypt --principal alice"), 4);
    assert_eq!(count("--action ReEncrypt,Sign --principal alice --key *orders"), 2);
    assert!(count("--effective-now") < whole);
    assert_eq!(count("--direct --principal bob"), 0);
    assert_eq!(count("--via s3 --principal bob --verdict always"), 1);
    let via = "kms:ViaService=s3.eu-west-1.amazonaws.com";
    assert_eq!(count(&format!("--assume {via} --principal bob --verdict always")), 1);
    assert_eq!(count("--assume kms:ViaService=absent --principal bob"), 0);
}

#[test]
fn what_can_takes_keys_and_actions() {
    let course = "--format jsonl testdata/course";
    let told =
        |args: &str| lines(&shown(&format!("what-can --principal Charlie {args} {course}"))).len();
    assert_eq!(told("--action use:encrypt --key alias/CMK-A"), 1);
    assert_eq!(told("--key alias/CMK-C"), 0);
}

#[test]
fn a_role_does_not_stand_for_sessions_that_a_policy_names() {
    let told = "the row of a role is of its sessions that no policy names";
    let folder = Folder::new("matrix-sessions");
    let world = |to: &str| {
        format!(
            "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles: {{ app: {{}} }}\n    keys:\n      \
             k:\n        policy: [{{ allow: kms:Decrypt, to: role/app }}, {{ deny: kms:Decrypt, to: {to} }}]\n"
        )
    };
    folder.put("world.yaml", world("session/app/bad"));
    assert!(within(&folder, "matrix --format json .").contains(told));
    folder.put("world.yaml", world("account"));
    assert!(!within(&folder, "matrix --format json .").contains(told));
}

#[test]
fn an_empty_table_says_why() {
    let course = "testdata/course";
    for (args, expected) in [
        ("--action Sign", "Nothing to show: there are no such cells."),
        (
            "--principal Bob --key alias/CMK-A",
            "Nothing to show: nobody has this access; --all adds",
        ),
        ("--verdict unknown", "Nothing to show: no cell has this verdict."),
    ] {
        for format in ["human", "markdown"] {
            let told = shown(&format!("matrix --format {format} {args} {course}"));
            assert!(told.contains(expected), "{args}: {told}");
        }
    }
    assert!(!shown("matrix testdata/course").contains("Nothing to show"));
    // A disabled key can do much, and none of it now.
    let told = within(&world("matrix-empty"), "matrix --effective-now --key old --action use .");
    assert!(told.contains("there are no such cells, or the states of the keys"), "{told}");
}

#[test]
fn what_means_nothing_is_told_with_what_is_near() {
    let check = |args: &str, expected: &str| {
        let run = run(&format!("{args} testdata/course"));
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args}");
        let said = run.stderr.replace("\n  | ", " ");
        assert!(said.contains(expected), "{args}: {said}");
    };
    check("matrix --principal Alcie", "did you mean `Alice`?");
    check("matrix --principal user/Al*x", "`user/Al*x` takes no principal of the matrix");
    check("matrix --key alias/CMK-X", "did you mean `alias/CMK-A`?");
    check("matrix --key alias/X*", "`alias/X*` takes no key of the export");
    check("matrix --action decrpyt", "did you mean `Decrypt`?");
    check("matrix --action administr", "did you mean `administer`?");
    check("matrix --account 111122223334x", "is no account of the export");
    check("matrix --account 111122223334", "did you mean `111122223333`?");
    check("what-can --principal Alice --action decrpyt", "did you mean `Decrypt`?");
    check("matrix --about x --output x", "the table is written there, too");
    check("matrix --region Frankfurt", "`Frankfurt` is no Region");
    check("matrix --tag team", "is a tag of no key");
    check("matrix --assume kms:ViaServce=x", "did you mean kms:ViaService?");
    check("matrix --assume novalue", "`novalue` is not KEY=VALUE");
    check(
        "matrix --assume aws:MultiFactorAuthAge=5 --assume aws:MultiFactorAuthPresent=absent",
        "there is no request in which aws:MultiFactorAuthAge is 5 and",
    );
    check(
        "matrix --direct --assume aws:TokenIssueTime=absent --assume aws:MultiFactorAuthPresent=true",
        "and aws:TokenIssueTime is absent",
    );
    check(
        "matrix --assume kms:RotationPeriodInDays=4",
        "there is no request in which kms:RotationPeriodInDays is 4",
    );
    check(
        "matrix --assume kms:EncryptionContextKeys=a --assume kms:EncryptionContext:a=absent",
        "kms:EncryptionContext:a is absent",
    );
    check(
        "matrix --via s3 --assume aws:ViaAWSService=false",
        "in which aws:ViaAWSService is false",
    );
    check("who-can --key alias/CMK-A --action decrpyt", "did you mean `Decrypt`?");
    check("what-can --principal Alcie", "did you mean `Alice`?");
    check("matrix --direct --via s3", "cannot be used with");
}

#[test]
fn what_a_table_stands_on_lies_beside_it() {
    let folder = Folder::new("matrix-about");
    let about = folder.path().join("about.json");
    let path = about.to_str().unwrap();
    let csv = shown(&format!("matrix --format csv --about {path} --direct testdata/course"));
    assert!(csv.starts_with("principal,"));
    let told: Value = serde_json::from_str(&fs::read_to_string(&about).unwrap()).unwrap();
    assert_eq!(told["schema"], "keyreach/matrix-about/1");
    assert_eq!(told["date"], "2026-01-01");
    assert_eq!(told["digest"].as_str().unwrap().len(), 64);
    assert!(told["assumptions"][0].as_str().unwrap().contains("--direct"));
    let json: Value =
        serde_json::from_str(&shown("matrix --format json --direct testdata/course")).unwrap();
    assert_eq!(json["schema"], "keyreach/matrix/1");
    assert_eq!(json["about"]["digest"], told["digest"]);
    assert_eq!(json["about"]["counts"], told["counts"]);
    let cells = lines(&shown("matrix --all --format jsonl --direct testdata/course"));
    for verdict in ["always", "conditional", "unknown", "never"] {
        let count = cells.iter().filter(|cell| cell["verdict"] == verdict).count();
        assert_eq!(told["counts"][verdict], count, "{verdict}");
    }
}

#[test]
fn no_cell_of_a_table_is_a_formula() {
    let csv = shown("matrix --all --format csv testdata/organisation");
    for line in csv.lines() {
        assert!(line.split(',').all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{line}");
    }
}

#[test]
fn an_output_file_is_complete() {
    let folder = Folder::new("matrix-output");
    let path = folder.path().join("matrix.csv");
    let path = path.to_str().unwrap();
    let said = shown(&format!("matrix --format csv --output {path} testdata/course"));
    assert_eq!(said, "");
    let direct = shown("matrix --format csv testdata/course");
    assert_eq!(fs::read_to_string(path).unwrap(), direct);
}

#[test]
fn nothing_to_audit_is_status_3() {
    let folder = Folder::new("matrix-nothing");
    folder.put("notes.txt", "nothing");
    for args in ["matrix", "what-can --principal x", "who-can --action Decrypt --key x"] {
        let args: Vec<&str> = args.split_whitespace().collect();
        let run = keyreach(&args).within(folder.path()).run();
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}");
    }
}

#[test]
fn the_whole_answer_fits_its_schema() {
    let schema: Value = serde_json::from_str(&run("schema matrix").stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for options in ["", "--group-by key", "--actions", "--transitive", "--all"] {
        let asked = format!("matrix --now 2026-01-01 --format json {options} testdata/course");
        let told: Value = serde_json::from_str(&run(&asked).stdout).unwrap();
        let faults: Vec<String> =
            validator.iter_errors(&told).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, [""; 0], "{asked}");
    }
}

#[test]
fn schemas_are_printed() {
    let names = run("schema").stdout;
    assert_eq!(
        names,
        "baseline\ncheck\ncheck-line\ngraph\nmatrix\nmatrix-about\nmatrix-line\npaths\npaths-line\ntest\nverify\nwhy\nconfig\nscenario\n"
    );
    for name in names.lines() {
        let schema: Value = serde_json::from_str(&run(&format!("schema {name}")).stdout).unwrap();
        // A line may be of several kinds.
        let is_told = schema["properties"].is_object() || schema["oneOf"].is_array();
        assert!(is_told, "{name}: {schema}");
    }
    let unknown = run("schema matrx");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean matrix?"), "{}", unknown.stderr);
}

#[test]
fn multi_region_keys_are_a_set_too() {
    let folder = Folder::new("matrix-multi-region");
    let key = |allowed: &str| {
        let statement = |to: &str, action: &str| serde_json::json!({"Effect": "Allow", "Principal": {"AWS": to}, "Action": action, "Resource": "*"});
        let user = "arn:aws:iam::111122223333:user/eve";
        let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [
            statement("arn:aws:iam::111122223333:root", "kms:*"), statement(user, allowed)]});
        serde_json::json!({"Policy": policy.to_string(), "PolicyName": "default"}).to_string()
    };
    for (region, allowed) in [("eu-west-1", "kms:Encrypt"), ("us-east-1", "kms:Decrypt")] {
        folder.put(&format!("111122223333/{region}/kms/mrk-1/get-key-policy.json"), key(allowed));
    }
    let told = within(&folder, "what-can --principal arn:aws:iam::111122223333:user/eve .");
    assert!(told.contains("multi-Region key mrk-1 (eu-west-1, us-east-1)"), "{told}");
    let json: Value = serde_json::from_str(&within(&folder, "matrix --format json .")).unwrap();
    assert_eq!(json["multi_region_keys"][0]["members"].as_array().unwrap().len(), 2);
    let classes = json["classes"].as_array().unwrap();
    let eve = classes
        .iter()
        .find(|class| class["principals"][0]["name"].as_str().unwrap().ends_with("user/eve"));
    let united = &eve.unwrap()["multi_region_keys"][0]["cells"];
    let actions: BTreeSet<&str> = united
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|cell| cell["actions"].as_array().unwrap())
        .map(|action| action.as_str().unwrap())
        .collect();
    assert!(actions.is_superset(&["kms:Decrypt", "kms:Encrypt"].into()), "{actions:?}");
}

#[test]
fn conditions_read_as_policies_spell_them() {
    let folder = Folder::new("matrix-spelled");
    // Rules C10, C26: a star that is meant is `${*}` where stars are wild, and a star elsewhere.
    let policy = |condition: &str| {
        format!(
            "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    users: {{ bob: {{}} }}\n    \
             keys:\n      k: {{ policy: [{{ allow: \"kms:Encrypt\", to: [user/bob], when: {condition} }}] }}\n"
        )
    };
    for (condition, expected) in [
        (
            r#"{ StringLike: { "kms:EncryptionContext:app": "${*}a*" } }"#,
            r#"kms:EncryptionContext:app matches "${*}a*""#,
        ),
        (r#"{ StringLike: { "aws:SourceVpc": "${*}a${?}" } }"#, "aws:SourceVpc is *a?"),
        (r#"{ StringEquals: { "aws:SourceVpc": "${*}a" } }"#, "aws:SourceVpc is *a"),
    ] {
        folder.put("world.yaml", policy(condition));
        let args = "who-can --action kms:Encrypt --key *key/k --format jsonl .";
        let cells = lines(&within(&folder, args));
        let told = cells.iter().find_map(|cell| cell["condition"].as_str());
        assert_eq!(told, Some(expected), "{condition}");
    }
}

/// A multi-Region key whose members have other policies, and states.
const RELATED: &str = r#"
keyreach: scenario/1
accounts:
  "111122223333":
    users: { eve: {}, sue: {} }
    keys:
      eu:
        id: mrk-1
        region: eu-west-1
        multi_region: primary
        state: Disabled
        policy:
          - { allow: "kms:Encrypt", to: [user/eve, user/sue] }
          - { allow: "kms:Decrypt", to: user/eve }
          - { allow: "kms:DescribeKey", to: user/eve }
      us:
        id: mrk-1
        region: us-east-1
        multi_region: replica
        primary: eu
        policy:
          - { allow: "kms:Decrypt", to: user/eve }
          - { allow: "kms:Decrypt", to: user/sue, when: { StringEquals: { "aws:SourceVpc": "vpc-1" } } }
"#;

/// What a table says below the line that begins with this.
fn below<'t>(told: &'t str, heading: &str) -> Vec<&'t str> {
    let lines = told.lines().skip_while(|line| !line.trim().starts_with(heading)).skip(1);
    lines.take_while(|line| line.starts_with("  ")).map(str::trim).collect()
}

#[test]
fn a_set_is_told_of_all_members_whatever_is_shown_of_them() {
    let folder = Folder::new("matrix-related");
    folder.put("world.yaml", RELATED);
    let set = "multi-Region key mrk-1 (eu-west-1, us-east-1)";
    // Rule S3: the first member is disabled, the second is not.
    let now = within(&folder, "what-can --principal eve --actions --effective-now .");
    assert_eq!(below(&now, set), ["Decrypt, DescribeKey  always"], "{now}");
    // Rule X4: who decrypts with one member decrypts what another has encrypted.
    let eu = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1";
    let one = within(&folder, &format!("what-can --principal sue --actions --key {eu} ."));
    let told = below(&one, set);
    assert_eq!(
        told,
        ["Decrypt           if aws:SourceVpc is vpc-1", "Encrypt           always"],
        "{one}"
    );
    let some = within(&folder, "what-can --principal sue --actions --verdict always .");
    assert_eq!(below(&some, set), ["Encrypt           always"], "{some}");
}

#[test]
fn who_can_tells_of_a_set_who_has_any_member() {
    let folder = Folder::new("matrix-related-keys");
    folder.put("world.yaml", RELATED);
    let eu = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1";
    let args = format!("who-can --action Decrypt --key {eu} --actions");
    let told = within(&folder, &format!("{args} ."));
    let (eve, sue) = ("arn:aws:iam::111122223333:user/eve", "arn:aws:iam::111122223333:user/sue");
    let expected =
        [eve, "Decrypt           always", sue, "Decrypt           if aws:SourceVpc is vpc-1"];
    assert_eq!(below(&told, "multi-Region key mrk-1 (eu-west-1, us-east-1)"), expected, "{told}");
    // The member itself is eve's alone.
    assert_eq!(told.matches("user/sue").count(), 1, "{told}");
    let markdown = within(&folder, &format!("{args} --format markdown ."));
    assert!(markdown.contains("### multi-Region key mrk-1"), "{markdown}");
    let json = within(&folder, &format!("{args} --format json ."));
    let json: Value = serde_json::from_str(&json).unwrap();
    let access = json["multi_region_keys"][0]["access"].as_array().unwrap();
    let names: Vec<&str> =
        access.iter().map(|it| it["principals"][0]["name"].as_str().unwrap()).collect();
    assert_eq!(names, [eve, sue], "{json}");
}

#[test]
fn whom_no_key_lets_in_is_answered_with_nothing() {
    for who in [
        "logs.amazonaws.com",
        "444455556666",
        "arn:aws:iam::444455556666:root",
        "arn:aws:iam::444455556666:user/eve",
        "arn:aws:sts::444455556666:assumed-role/app/s1",
    ] {
        let told = shown(&format!("what-can --principal {who} testdata/course"));
        assert!(
            told.contains("Nothing to show: who is asked about is not in the export"),
            "{told}"
        );
        let lines =
            shown(&format!("what-can --principal {who} --all --format jsonl testdata/course"));
        assert_eq!(lines, "", "{who}");
    }
    // Of an account whose users the export has, a user it does not have is a slip of the pen.
    let slip = run("what-can --principal arn:aws:iam::111122223333:user/Alcie testdata/course");
    assert_eq!(slip.code, 2);
    assert!(slip.stderr.contains("did you mean"), "{}", slip.stderr);
}

#[test]
fn u6_what_a_role_can_is_told_with_its_sessions_that_a_policy_names() {
    let folder = Folder::new("matrix-named-sessions");
    folder.put(
        "world.yaml",
        "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles: { app: {}, other: {} }\n    keys:\n      \
         k:\n        policy: [{ allow: kms:Decrypt, to: [session/app/s1, session/other/s2] }]\n",
    );
    let told = within(&folder, "what-can --principal role/app --actions .");
    let session = "arn:aws:sts::111122223333:assumed-role/app/s1";
    assert!(told.contains(session) && !told.contains("other/s2"), "{told}");
    // A filter of the matrix takes the row that it names.
    assert!(!within(&folder, "matrix --principal role/app --actions .").contains(session));
}

#[test]
fn s3_a_state_that_is_not_known_rules_nothing_out_and_is_told() {
    let folder = Folder::new("matrix-states");
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:Decrypt","Resource":"*"}}"#;
    let policy = serde_json::json!({"Policy": policy, "PolicyName": "default"}).to_string();
    folder.put("111122223333/eu-west-1/kms/k/get-key-policy.json", policy.clone());
    folder.put("111122223333/eu-west-1/kms/off/get-key-policy.json", policy);
    // What a state rules out it rules out of every kind of key.
    let key = r#"{"KeyMetadata":{"KeyId":"off","Arn":"arn:aws:kms:eu-west-1:111122223333:key/off","KeyState":"Disabled"}}"#;
    folder.put("111122223333/eu-west-1/kms/off/describe-key.json", key);
    let now = within(&folder, "matrix --effective-now --action Decrypt --format json .");
    let now: Value = serde_json::from_str(&now).unwrap();
    let assumed = now["about"]["assumptions"].to_string();
    assert!(assumed.contains("of 1 of 2 keys no state is known, and nothing is left out"), "{now}");
    let classes = now["classes"].to_string();
    assert!(classes.contains("key/k") && !classes.contains("key/off"), "{classes}");
    assert!(!within(&folder, "matrix --format json .").contains("no state is known"));
}
