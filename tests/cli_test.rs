//! `keyreach test`: assertions, and what they count.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::Value;
use support::command::{Folder, Run, keyreach};

/// A key of one account, what its policy says beside its root statement, and further roles.
fn world(statements: &str, roles: &str) -> String {
    format!(
        "keyreach: scenario/1\nregion: eu-west-1\naccounts:\n  \"111122223333\":\n    roles:\n      \
         app: {{ policies: [{{ allow: \"kms:Decrypt\", on: [k] }}] }}\n      idle: {{}}\n{roles}    keys:\n      \
         k:\n        aliases: [alias/k]\n        tags: {{ data: personal }}\n        policy:\n          \
         - {{ allow: \"kms:*\", to: account }}\n{statements}"
    )
}

fn folder(name: &str, world: &str, assertions: &str) -> Folder {
    let folder = Folder::new(&format!("test-{name}"));
    folder.put("world.yaml", world).put("a.assert.yaml", assertions);
    folder
}

fn test(folder: &Folder, args: &[&str]) -> Run {
    keyreach(&[&["test", "--now", "2026-01-15"], args].concat()).within(folder.path()).run()
}

fn answer(folder: &Folder, args: &[&str]) -> Value {
    let run = test(folder, &[&["--format", "json"], args].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr))
}

/// An assertion as a file.
fn one(entry: &str) -> String {
    format!("assertions:\n  - {{ {entry}, message: m }}\n")
}

/// Who contradicts an assertion with which verdict; nothing where it holds.
fn against(name: &str, world: &str, entry: &str) -> Vec<String> {
    let folder = folder(name, world, &one(entry));
    let answer = answer(&folder, &[]);
    let told = &answer["assertions"][0];
    assert_eq!(told["selects_nothing"], Value::Null, "{entry}");
    let failures = told["failures"].as_array().unwrap();
    assert_eq!(told["outcome"] == "passed", failures.is_empty(), "{entry}");
    let of = |failure: &Value| {
        let principal = failure["principal"].as_str().unwrap();
        let verdict = failure["verdict"].as_str().unwrap_or("a way");
        format!("{} {verdict}", principal.rsplit(':').next().unwrap())
    };
    failures.iter().map(of).collect()
}

/// Why an assertion selects nothing.
fn nothing(name: &str, world: &str, entry: &str) -> String {
    let folder = folder(name, world, &one(entry));
    let run = test(&folder, &[]);
    assert_eq!(run.code, 1, "{entry}: {}", run.stderr);
    let words: Vec<&str> = run.stdout.split_whitespace().collect();
    let told = words.join(" ");
    let (_, why) = told.split_once("it selects nothing: ").unwrap_or_else(|| panic!("{told}"));
    why.rsplit_once(" 1 assertion: ").unwrap().0.to_owned()
}

const DECRYPT: &str = "actions: [decrypt], keys: [alias/k]";

#[test]
fn forbid_is_for_every_row_that_is_named() {
    let plain = world("", "");
    let forbid = |who: &str| format!("forbid: {{ {who}{DECRYPT} }}");
    let of = |who: &str| against("forbid", &plain, &forbid(who));
    assert_eq!(of(""), ["role/app always", "root always"]);
    assert_eq!(of("principals: role/idle, "), Vec::<String>::new());
    assert_eq!(of("principals: [role/*], "), ["role/app always"]);
    let unless =
        "forbid: { actions: decrypt }, unless: { principals: [role/app, \"111122223333\"] }";
    assert_eq!(against("unless", &plain, unless), Vec::<String>::new());
    let unless = "forbid: { actions: use }, unless: [{ principals: role/app, actions: Decrypt }, \
                  { principals: \"*\", keys: alias/other }]";
    assert_eq!(against("unless-action", &plain, unless), ["root always"]);
}

#[test]
fn strangers_services_and_anyone_count() {
    let open = world(
        "          - { allow: \"kms:Decrypt\", to: [\"444455556666\", \"service:s3.amazonaws.com\"] }\n          \
         - { allow: \"kms:Encrypt\", to: \"*\", when: { StringEquals: { aws:PrincipalOrgID: o-abc } } }\n",
        "",
    );
    let only = |names: &str, actions: &str| {
        format!("only: {{ principals: [{names}], actions: [{actions}], keys: [alias/k] }}")
    };
    let own = "role/app, \"111122223333\"";
    let of = |names: &str, actions: &str| against("strangers", &open, &only(names, actions));
    assert_eq!(of(own, "Decrypt"), ["root always", "s3.amazonaws.com always"]);
    // A principal of another account does not exempt its account.
    let named = format!("{own}, \"arn:aws:iam::444455556666:role/partner\", s3.amazonaws.com");
    assert_eq!(of(&named, "Decrypt"), ["root always"]);
    let account = format!("{own}, \"444455556666\", \"*.amazonaws.com\"");
    assert_eq!(of(&account, "Decrypt"), Vec::<String>::new());
    assert!(of(own, "Encrypt").iter().any(|told| told.starts_with("o-abc ")));
    // Who has no row of its own is looked for among those that stand for it.
    let forbid =
        format!("forbid: {{ principals: \"arn:aws:iam::444455556666:role/x\", {DECRYPT} }}");
    assert_eq!(against("stranger", &open, &forbid), ["root always"]);
    let public = world("          - { allow: \"kms:Decrypt\", to: \"*\" }\n", "");
    let forbid = format!("forbid: {{ principals: \"*\", {DECRYPT} }}");
    assert!(against("public", &public, &forbid).contains(&"* always".to_owned()));
    let forbid =
        format!("forbid: {{ principals: \"arn:aws:iam::999988887777:user/x\", {DECRYPT} }}");
    assert_eq!(against("anybody", &public, &forbid), ["* always"]);
}

#[test]
fn sessions_go_with_their_role() {
    let session = "arn:aws:sts::111122223333:assumed-role/idle/night";
    let world =
        world(&format!("          - {{ allow: \"kms:Decrypt\", to: \"{session}\" }}\n"), "");
    let forbid = format!("forbid: {{ principals: role/idle, {DECRYPT} }}");
    assert_eq!(against("session", &world, &forbid), ["assumed-role/idle/night always"]);
    let only =
        |names: &str| format!("only: {{ principals: [{names}, \"111122223333\"], {DECRYPT} }}");
    let session = "assumed-role/idle/night always";
    assert_eq!(against("session-named", &world, &only("role/app")), [session]);
    let both = only("role/app, role/idle");
    assert_eq!(against("session-named", &world, &both), Vec::<String>::new());
}

#[test]
fn require_asks_the_least() {
    let via = world(
        "",
        "      via: { policies: [{ allow: \"kms:Decrypt\", on: [k], when: { StringEquals: \
         { kms:ViaService: s3.eu-west-1.amazonaws.com } } }] }\n",
    );
    let require = |who: &str, more: &str| {
        format!("require: {{ principals: [{who}], actions: Decrypt, keys: alias/k{more} }}")
    };
    let of = |who: &str, more: &str| against("require", &via, &require(who, more));
    assert_eq!(of("role/app", ", always: true"), Vec::<String>::new());
    assert_eq!(of("role/via", ""), Vec::<String>::new());
    assert_eq!(of("role/via", ", always: true"), ["role/via conditional"]);
    assert_eq!(of("role/idle", ""), ["role/idle never"]);
    assert_eq!(of("role/app, role/idle", ""), ["role/idle never"]);
}

#[test]
fn a_failure_shows_a_request_that_simulate_answers_alike() {
    let denying =
        world("          - { deny: \"kms:Decrypt\", to: role/late }\n", "      late: {}\n");
    let entries = [
        (format!("forbid: {{ principals: role/app, {DECRYPT} }}"), "allowed"),
        (
            "require: { principals: role/late, actions: Decrypt, keys: alias/k }".to_owned(),
            "denied",
        ),
    ];
    for (entry, expected) in entries {
        let folder = folder("witness", &denying, &one(&entry));
        let witness = answer(&folder, &[])["assertions"][0]["failures"][0]["witness"].clone();
        let run = keyreach(&["simulate", "world.yaml", "--requests", "-"])
            .within(folder.path())
            .stdin(format!("{witness}\n"))
            .run();
        let decided: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(decided["decision"], expected, "{witness}");
    }
}

#[test]
fn further_calls_count_where_they_are_asked_for() {
    let ops = world("", "      ops: { policies: [{ allow: \"kms:PutKeyPolicy\", on: [k] }] }\n");
    let forbid = |more: &str| {
        let unless = "unless: { principals: [role/app, \"111122223333\"] }";
        format!("forbid: {{ {DECRYPT} }}, {unless}{more}")
    };
    assert_eq!(against("direct", &ops, &forbid("")), Vec::<String>::new());
    let transitive = forbid(", transitive: true");
    assert_eq!(against("transitive", &ops, &transitive), ["role/ops a way"]);
    let exempt = "forbid: { actions: decrypt }, transitive: true, \
                  unless: { principals: [role/app, role/ops, \"111122223333\"] }";
    assert_eq!(against("exempt", &ops, exempt), Vec::<String>::new());
    let told = nothing("no-way", &ops, "forbid: { actions: Encrypt }, transitive: true");
    assert!(told.starts_with("`transitive` looks for ways to decrypt"), "{told}");
}

#[test]
fn what_is_not_known_never_speaks_in_favour() {
    let base = "testdata/rules/missing-input";
    for (case, who) in [
        ("fire-an-attached-policy-without-document", "alice"),
        ("fire-grants-not-exported", "arn:aws:iam::111122223333:root"),
    ] {
        let folder = Folder::new(&format!("test-unknown-{case}"));
        let world = support::command::ROOT.to_owned() + "/" + base + "/" + case;
        let entry = |claim: &str| {
            one(&format!("{claim}: {{ principals: \"{who}\", actions: [GenerateMac, Decrypt] }}"))
        };
        folder.put("f/a.assert.yaml", entry("forbid")).put("r/a.assert.yaml", entry("require"));
        for (name, path) in [("forbid", "f"), ("require", "r")] {
            // The root user can whatever grants say; what matters is that anyone may.
            let told = answer(&folder, &[path, &world]);
            let failures = told["assertions"][0]["failures"].as_array().unwrap().clone();
            let unknown = |failure: &&Value| failure["verdict"] == "unknown";
            let count = failures.iter().filter(unknown).count();
            let of_root = case == "fire-grants-not-exported" && name == "require";
            assert_eq!(count > 0, !of_root, "{case} {name}: {failures:?}");
        }
    }
}

#[test]
fn a_key_of_unknown_tags_may_be_the_one_that_is_meant() {
    let folder = Folder::new("test-tags");
    let export = "testdata/rules/missing-input/fire-grants-not-exported/111122223333";
    let key = format!("{export}/us-east-1/kms/1234abcd-12ab-34cd-56ef-1234567890ab");
    let at = |path: &str| std::fs::read(format!("{}/{path}", support::command::ROOT)).unwrap();
    let iam = "iam/account-authorization-details.json";
    folder.put(&format!("111122223333/{iam}"), at(&format!("{export}/{iam}")));
    for name in ["describe-key.json", "get-key-policy.json"] {
        let path = "111122223333/us-east-1/kms/1234abcd-12ab-34cd-56ef-1234567890ab";
        folder.put(&format!("{path}/{name}"), at(&format!("{key}/{name}")));
    }
    let entry = "forbid: { principals: \"111122223333\", actions: Decrypt, tags: data=personal }";
    folder.put("a.assert.yaml", one(entry));
    let told = answer(&folder, &["."]);
    assert_eq!(told["assertions"][0]["failures"][0]["could_be_meant"], "tags", "{told:#}");
}

#[test]
fn what_selects_nothing_fails_and_says_why() {
    let plain = world("", "");
    let of = |entry: &str| nothing("nothing", &plain, entry);
    let role = of("forbid: { principals: role/ap, actions: use }");
    assert_eq!(role, "principal `role/ap` is not in the export: did you mean `role/app`?");
    let key = of("forbid: { actions: use, keys: [alias/k, alias/kk] }");
    assert!(key.starts_with("alias `alias/kk` is not in the export"), "{key}");
    let pattern = of("forbid: { principals: \"role/x-*\", actions: use }");
    assert_eq!(pattern, "`role/x-*` takes no principal of the matrix");
    let tag = of("forbid: { actions: use, tags: date=personal }");
    assert_eq!(tag, "`date=personal` is a tag of no key: did you mean `data`?");
    let never = of("forbid: { actions: Sign, keys: alias/k }");
    assert_eq!(never, "no key that it selects can ever perform one of its actions");
    let exempt =
        of("forbid: { principals: role/app, actions: use }, unless: { principals: role/* }");
    assert_eq!(exempt, "`unless` takes all that it selects");
    let whoever = of("forbid: { actions: use }, unless: { keys: [alias/k] }");
    assert_eq!(whoever, "`unless` takes all that it selects");
    let everybody = of("only: { principals: \"*\", actions: use, keys: alias/k }");
    assert_eq!(everybody, "`*` is everybody: nobody is left");
    let stranger =
        of("require: { principals: \"arn:aws:iam::444455556666:role/x\", actions: use }");
    assert!(stranger.contains("is not in the export"), "{stranger}");
}

#[test]
fn faults_are_shown_where_they_stand_and_end_the_run() {
    let folder = folder("faulty", &world("", ""), "assertions:\n  - forbd: {}\n    message: m\n");
    for command in ["test", "check"] {
        let run = keyreach(&[command, "."]).within(folder.path()).run();
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{command}");
        assert!(run.stderr.contains("a.assert.yaml:2:5") && run.stderr.contains("2 faults"));
        assert!(run.stderr.contains("`forbid`?"), "{}", run.stderr);
    }
    folder.put("a.assert.yaml", "");
    let run = test(&folder, &["."]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("a file of assertions without one"), "{}", run.stderr);
    folder.put("a.assert.yaml", "assertions: [\n");
    assert_eq!(test(&folder, &["."]).code, 2);
    folder.put("a.assert.yaml", b"\xff\xfe");
    assert_eq!(test(&folder, &["."]).code, 2);
}

#[test]
fn two_configurations_are_refused() {
    let folder = Folder::new("test-two");
    for name in ["a", "b"] {
        folder.put(&format!("{name}/world.yaml"), world("", ""));
        folder.put(&format!("{name}/keyreach.yaml"), one("forbid: { actions: Sign }"));
    }
    let run = test(&folder, &["a", "b"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("two configurations"), "{}", run.stderr);
}

#[test]
fn the_exit_status_says_how_it_went() {
    let holding = one("forbid: { principals: role/idle, actions: use }");
    let folder = folder("status", &world("", ""), &holding);
    let run = test(&folder, &["."]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.ends_with("1 assertion: all of them hold\n"), "{}", run.stdout);
    let configured = one("forbid: { principals: role/app, actions: use }");
    folder.put("keyreach.yaml", &configured);
    let run = test(&folder, &["."]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.ends_with("2 assertions: 1 of them holds\n"), "{}", run.stdout);
    assert_eq!(test(&folder, &["--no-config", "."]).code, 0);
    assert_eq!(test(&folder, &[".", "no-such"]).code, 2, "a problem wins");
    folder.put("empty/keyreach.yaml", "");
    folder.put("empty/world.yaml", world("", ""));
    let run = test(&folder, &["empty"]);
    assert_eq!(run.code, 3);
    assert!(run.stderr.contains("no assertion found for empty"), "{}", run.stderr);
    assert_eq!(test(&folder, &["--allow-empty", "empty"]).code, 0);
    folder.put("bare/a.assert.yaml", &holding);
    assert_eq!(test(&folder, &["--no-config", "bare"]).code, 3, "nothing to audit");
}

#[test]
fn a_run_prints_what_it_assumes_and_options_win() {
    let conditional = world(
        "",
        "      vpc: { policies: [{ allow: \"kms:Decrypt\", on: [k], when: { StringEquals: \
         { aws:SourceVpce: vpce-1 } } }] }\n",
    );
    let entry = one(&format!("forbid: {{ principals: role/vpc, {DECRYPT} }}"));
    let folder = folder("assumed", &conditional, &entry);
    assert_eq!(test(&folder, &["."]).code, 1);
    folder.put("keyreach.yaml", "assume: { \"aws:SourceVpce\": absent }\n");
    let run = test(&folder, &["."]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("aws:SourceVpce is absent (keyreach.yaml)"), "{}", run.stdout);
    assert_eq!(test(&folder, &["--assume", "aws:SourceVpce=vpce-1", "."]).code, 1);
    folder.put("keyreach.yaml", "assume: { \"aws:SourceVpcee\": absent }\n");
    let run = test(&folder, &["."]);
    assert!(run.code == 2 && run.stderr.contains("aws:SourceVpce?"), "{}", run.stderr);
}

#[test]
fn json_fits_its_schema_and_junit_is_read() {
    let args = ["--now", "2026-01-01", "testdata/assertions/orders"];
    let json = keyreach(&[&["test", "--format", "json"], &args[..]].concat()).run();
    let schema = keyreach(&["schema", "test"]).run().stdout;
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let answer: Value = serde_json::from_str(&json.stdout).unwrap();
    let misfits: Vec<String> =
        validator.iter_errors(&answer).map(|error| error.to_string()).collect();
    assert_eq!(misfits, Vec::<String>::new());
    assert_eq!((json.code, &answer["schema"]), (1, &Value::from("keyreach/test/1")));
    assert_eq!(answer["summary"]["failed"], 2);
    let junit = keyreach(&[&["test", "--format", "junit"], &args[..]].concat()).run();
    assert_eq!(junit.code, 1);
    let document = roxmltree::Document::parse(&junit.stdout).unwrap();
    let root = document.root_element();
    let count = |name: &str| document.descendants().filter(|it| it.has_tag_name(name)).count();
    assert_eq!(root.attribute("tests"), Some("3"));
    assert_eq!(root.attribute("failures"), Some("2"));
    assert_eq!((count("testcase"), count("failure")), (3, 2));
    let cases = document.descendants().filter(|it| it.has_tag_name("testcase"));
    let lines: Vec<_> = cases.filter_map(|it| it.attribute("line")).collect();
    assert_eq!(lines, ["2", "4", "8"]);
}

#[test]
fn check_tells_failures_by_key_and_they_can_be_ignored_and_baselined() {
    let entry = one(&format!("forbid: {{ principals: [role/*], {DECRYPT} }}"));
    let folder = folder("checked", &world("", ""), &entry);
    let check = |args: &[&str]| {
        let args = [&["check", "--now", "2026-01-15", "--select", "failed-assertion"], args];
        keyreach(&args.concat()).within(folder.path()).run()
    };
    let run = check(&["--format", "json", "."]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let finding = &answer["findings"][0];
    assert_eq!((run.code, finding["rule"].as_str()), (1, Some("failed-assertion")));
    assert_eq!(finding["principals"][0], "arn:aws:iam::111122223333:role/app");
    assert!(finding["key"].as_str().unwrap().contains(":key/"));
    assert_eq!(finding["locations"][0]["file"], "a.assert.yaml");
    assert!(finding["locations"].as_array().unwrap().len() > 1, "what decides is shown");
    assert_eq!(check(&["--write-baseline", "b.json", "."]).code, 0);
    assert_eq!(check(&["--baseline", "b.json", "."]).code, 0);
    let roles = "      more: { policies: [{ allow: \"kms:Decrypt\", on: [k] }] }\n";
    folder.put("world.yaml", world("", roles));
    let run = check(&["--baseline", "b.json", "--format", "json", "."]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let named = &answer["findings"][0]["principals"];
    assert_eq!(*named, serde_json::json!(["arn:aws:iam::111122223333:role/more"]));
    folder.put(
        "keyreach.yaml",
        "ignore:\n  - { rule: failed-assertion, key: alias/k, reason: soon }\n",
    );
    assert_eq!(check(&["."]).code, 0);
    folder.put("keyreach.yaml", "rules: { failed-assertion: info }\n");
    assert_eq!(check(&["."]).code, 0);
    folder.put("keyreach.yaml", "rules: { failed-assertion: off }\n");
    let all = keyreach(&["check", "--now", "2026-01-15", "."]).within(folder.path()).run();
    assert!(!all.stdout.contains("failed-assertion"), "{}", all.stdout);
}
