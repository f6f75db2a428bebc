//! `keyreach check` under control: `keyreach.yaml`, comments, baselines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::command::{Folder, Run, keyreach};

/// A world with an action that does not exist, for alice; and one in a Deny, for bob.
const WORLD: &str = r#"keyreach: scenario/1
accounts:
  "111122223333":
    users:
      alice: { policies: [{ allow: "kms:Decript", on: [orders] }] }
      bob: { policies: [{ deny: "kms:Encripted", on: [orders] }] }
    keys:
      orders: { aliases: [alias/orders] }
"#;

fn world(name: &str) -> Folder {
    let folder = Folder::new(&format!("control-{name}"));
    folder.put("world/world.yaml", WORLD);
    folder
}

fn check(folder: &Folder, args: &[&str]) -> Run {
    let args = [&["check", "--now", "2026-01-15"], args].concat();
    keyreach(&args).within(folder.path()).run()
}

/// The rules that speak with their severities, and how many findings are aside.
fn told(folder: &Folder, args: &[&str]) -> (Vec<String>, u64, u64) {
    let run = check(folder, &[&["--format", "json"], args].concat());
    let answer: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let of = |finding: &Value| {
        format!("{} {}", finding["severity"].as_str().unwrap(), finding["rule"].as_str().unwrap())
    };
    let findings = answer["findings"].as_array().unwrap().iter().map(of).collect();
    let count = |name: &str| answer["summary"][name].as_u64().unwrap();
    (findings, count("suppressed"), count("baselined"))
}

/// What a run that is refused says, its lines joined.
fn refused(folder: &Folder, args: &[&str]) -> String {
    let run = check(folder, args);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    let words = run.stderr.split_whitespace().filter(|word| *word != "|");
    words.collect::<Vec<_>>().join(" ")
}

const BOTH: [&str; 2] = ["medium unknown-action", "high unknown-action"];

#[test]
fn a_configuration_is_found_above_what_is_checked() {
    let folder = world("found");
    assert_eq!(told(&folder, &["world"]).0, BOTH);
    folder.put("keyreach.yaml", "rules: { unknown-action: low }\n");
    let low = ["low unknown-action", "low unknown-action"];
    assert_eq!(told(&folder, &["world"]).0, low);
    assert_eq!(told(&folder, &["world/world.yaml"]).0, low);
    assert_eq!(told(&folder, &["--no-config", "world"]).0, BOTH);
    folder.put("world/keyreach.yaml", "rules: { unknown-action: off }\n");
    assert_eq!(told(&folder, &["world"]).0, Vec::<String>::new(), "the nearest counts");
    assert_eq!(told(&folder, &["--config", "keyreach.yaml", "world"]).0, low);
    assert_eq!(told(&folder, &["--select", "unknown-action", "world"]).0, BOTH);
}

#[test]
fn the_root_of_a_work_tree_is_as_far_as_one_looks() {
    let folder = world("root");
    folder.put("keyreach.yaml", "rules: { unknown-action: off }\n");
    folder.put("world/.git/HEAD", "ref: refs/heads/main\n");
    assert_eq!(told(&folder, &["world"]).0, BOTH);
}

#[test]
fn severities_and_files_are_chosen_and_the_exit_status_follows() {
    let folder = world("paths");
    folder.put(
        "keyreach.yaml",
        "paths:\n  - files: [\"world/**\"]\n    rules: { unknown-action: info }\n",
    );
    assert_eq!(told(&folder, &["world"]).0, ["info unknown-action", "info unknown-action"]);
    assert_eq!(check(&folder, &["world"]).code, 0);
    assert_eq!(check(&folder, &["--fail-on", "info", "world"]).code, 1);
    folder.put(
        "keyreach.yaml",
        "paths:\n  - files: [\"other/**\"]\n    rules: { unknown-action: off }\n",
    );
    assert_eq!(told(&folder, &["world"]).0, BOTH);
}

#[test]
fn findings_are_ignored_by_rule_key_principal_file_and_fingerprint() {
    let folder = world("ignored");
    let run = check(&folder, &["--format", "json", "world"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let fingerprint = answer["findings"][0]["fingerprint"].as_str().unwrap().to_owned();
    let ignoring = |entry: &str| {
        folder.put("keyreach.yaml", format!("ignore:\n  - {{ {entry}, reason: known }}\n"));
        let (findings, suppressed, _) = told(&folder, &["world"]);
        (findings.len(), suppressed)
    };
    assert_eq!(ignoring("rule: unknown-action"), (0, 2));
    assert_eq!(ignoring(&format!("fingerprint: \"{fingerprint}\"")), (1, 1));
    assert_eq!(ignoring("rule: unknown-action, files: world/*.yaml"), (0, 2));
    assert_eq!(ignoring("rule: unknown-action, files: \"*.yaml\""), (2, 0));
    // These findings are about policies and name no key; one of the policies is alice's.
    assert_eq!(ignoring("rule: unknown-action, key: alias/orders"), (2, 0));
    assert_eq!(ignoring("rule: unknown-action, principal: user/alice"), (1, 1));
    assert_eq!(ignoring("rule: unknown-action, until: 2026-01-15"), (0, 2));
    folder.put(
        "keyreach.yaml",
        "ignore:\n  - { rule: unknown-action, reason: known, until: 2026-01-14 }\n",
    );
    let (findings, suppressed, _) = told(&folder, &["world"]);
    assert_eq!((findings.len(), suppressed), (3, 0), "{findings:?}");
    assert_eq!(findings[2], "medium unused-suppression");
}

#[test]
fn what_is_wrong_with_an_inline_policy_is_ignored_for_whose_it_is() {
    let folder = world("owner");
    let ignoring = |principal: &str| {
        let text = format!(
            "ignore:\n  - {{ rule: unknown-action, principal: \"{principal}\", reason: known }}\n"
        );
        folder.put("keyreach.yaml", text);
        told(&folder, &["world"])
    };
    assert_eq!(ignoring("user/alice"), (vec![BOTH[1].to_owned()], 1, 0));
    assert_eq!(ignoring("user/*"), (vec![], 2, 0));
    assert_eq!(ignoring("user/carol").0, BOTH);
}

/// A key that nobody can manage because a Deny has the only one; it explains that the root is missing.
const LOCKED: &str = r#"keyreach: scenario/1
accounts:
  "111122223333":
    roles:
      ops: { trust: account, policies: [{ allow: "kms:*" }] }
    keys:
      orders:
        aliases: [alias/orders]
        policy:
          - { allow: "kms:*", to: [role/ops] }
          - { deny: "kms:PutKeyPolicy", to: ["*"] }
"#;

#[test]
fn what_a_suppressed_finding_explained_is_given_back() {
    let folder = Folder::new("control-explained");
    folder.put("world.yaml", LOCKED);
    let (before, _, _) = told(&folder, &["world.yaml"]);
    assert!(before.contains(&"critical deny-locks-out-everyone".to_owned()), "{before:?}");
    let all = |given: &[String]| given.iter().any(|one| one.ends_with("missing-root-statement"));
    assert!(!all(&before), "{before:?}");
    folder.put("keyreach.yaml", "ignore:\n  - rule: [deny-locks-out-everyone, key-unmanageable]\n    key: alias/ord*\n    reason: frozen\n");
    let (after, suppressed, _) = told(&folder, &["world.yaml"]);
    assert!(all(&after) && suppressed == 2, "{after:?} {suppressed}");
}

#[test]
fn what_explains_something_says_so_in_every_format_that_has_room() {
    let folder = Folder::new("control-explains");
    folder.put("world.yaml", LOCKED);
    let run = check(&folder, &["--format", "json", "world.yaml"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    let finding = |rule: &str| {
        answer["findings"].as_array().unwrap().iter().find(|one| one["rule"] == rule).unwrap()
    };
    let both = json!({ "key-unmanageable": 1, "missing-root-statement": 1 });
    assert_eq!(finding("deny-locks-out-everyone")["explains"], both);
    assert_eq!(finding("unconstrained-create-grant")["explains"], json!({}));
    let told = "also explains 2 findings (key-unmanageable, missing-root-statement)";
    for format in ["human", "markdown", "junit"] {
        let run = check(&folder, &["--format", format, "world.yaml"]);
        let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.matches(told).count(), 1, "{format}: {text}");
    }
}

#[test]
fn where_the_pages_of_the_rules_are_is_told_where_there_are_findings() {
    let folder = Folder::new("control-pages");
    folder.put("world.yaml", LOCKED);
    let tells = |args: &[&str]| check(&folder, args).stdout.contains("`keyreach rules RULE`");
    assert!(tells(&["world.yaml"]));
    assert!(!tells(&["--quiet", "world.yaml"]));
    assert!(!tells(&["--select", "unknown-action", "world.yaml"]));
}

/// A key that is public because a condition holds without its key.
const OPENED: &str = r#"keyreach: scenario/1
accounts:
  "111122223333":
    roles:
      ops: { trust: account, policies: [{ allow: "kms:*" }] }
    keys:
      orders:
        policy:
          - { allow: "kms:*", to: [account] }
          - { allow: "kms:Decrypt", to: ["*"], when: { StringEqualsIfExists: { "aws:PrincipalOrgID": o-exampleorg } } }
"#;

#[test]
fn what_explains_something_is_as_severe_and_gives_it_back_as_it_was() {
    let folder = Folder::new("control-explained-there");
    folder.put("world.yaml", OPENED);
    let (before, _, _) = told(&folder, &["--min-severity", "critical", "world.yaml"]);
    assert_eq!(before, ["critical if-exists-opens-allow"]);
    folder.put(
        "keyreach.yaml",
        "ignore:\n  - rule: if-exists-opens-allow\n    reason: to be rewritten\n",
    );
    let (after, suppressed, _) = told(&folder, &["--min-severity", "critical", "world.yaml"]);
    assert_eq!((after, suppressed), (vec!["critical public-key-access".to_owned()], 0));
}

#[test]
fn fingerprints_do_not_hang_on_letter_case_or_on_order() {
    let folder = Folder::new("control-spelling");
    let fingerprints = |statements: &[&str]| {
        let lines: String = statements.iter().map(|one| format!("          - {one}\n")).collect();
        let world = "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles: { app: {} }\n    keys:\n      k:\n        policy:\n";
        folder.put("world.yaml", format!("{world}{lines}"));
        let run = check(&folder, &["--format", "json", "world.yaml"]);
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = answer["findings"].as_array().unwrap().clone();
        let mut all: Vec<String> = findings
            .iter()
            .map(|it| format!("{} {}", it["rule"].as_str().unwrap(), it["fingerprint"]))
            .collect();
        all.sort();
        all
    };
    let account = r#"{ allow: "kms:*", to: [account] }"#;
    let partner = r#"{ allow: "kms:Decrypt", to: ["444455556666"] }"#;
    let grants = r#"{ allow: "kms:CreateGrant", to: ["444455556666"], when: { Bool: { "kms:GrantIsForAWSResource": "true" } } }"#;
    let typo = r#"{ allow: "kms:Decript", to: [role/app] }"#;
    let key = r#"{ allow: "kms:Decrypt", to: [role/app], when: { StringEquals: { "kms:CallerAcount": "1" } } }"#;
    let pattern = r#"{ deny: "kms:DisableKey", to: ["*"], when: { StringNotEquals: { "aws:PrincipalArn": "arn:aws:iam::111122223333:role/a*" } } }"#;
    let service = r#"{ allow: "kms:Decrypt", to: ["service:sns.amazonaws.com"], when: { StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" } } }"#;
    let never = r#"{ allow: "kms:Decrypt", to: ["*"], when: { StringEquals: { "kms:CallerAccount": "me" } } }"#;
    let all = [account, partner, grants, typo, key, pattern, service, never];
    let before = fingerprints(&all);
    assert_eq!(before.len(), 6, "{before:?}");
    let mut turned: Vec<String> = all
        .iter()
        .map(|one| {
            let one = one.replace("kms:Dec", "KMS:DEC").replace("kms:Caller", "KMS:CALLER");
            one.replace("aws:Principal", "AWS:principal").replace("kms:Via", "KMS:VIA")
        })
        .collect();
    turned.reverse();
    let turned: Vec<&str> = turned.iter().map(String::as_str).collect();
    assert_eq!(fingerprints(&turned), before);
}

/// What is found lies within the statement; the comment stands where that begins, and not at other lines of it.
#[test]
fn a_comment_suppresses_what_is_found_within_the_statement_that_begins_there() {
    let folder = Folder::new("control-blocks");
    let told = |[above, behind, within]: [&str; 3]| {
        let resource = "resource \"aws_kms_key\" \"k\" {\n  enable_key_rotation = true\n";
        let document = "  policy = data.aws_iam_policy_document.d.json\n}\ndata \"aws_iam_policy_document\" \"d\" {\n";
        let statement = format!(
            "{above}\n  statement {{ {behind}\n    actions = [\"kms:*\"] {within}\n    resources = [\"*\"]\n    \
             principals {{\n      type = \"AWS\"\n      identifiers = [\"*\"]\n    }}\n    condition {{\n      \
             test = \"StringEqualsIfExists\"\n      variable = \"aws:PrincipalOrgID\"\n      \
             values = [\"o-exampleorg\"]\n    }}\n  }}\n}}\n"
        );
        folder.put("main.tf", format!("{resource}{document}{statement}"));
        let (findings, suppressed, _) = told(&folder, &["."]);
        (findings.iter().any(|one| one.ends_with("if-exists-opens-allow")), suppressed)
    };
    let comment = "# keyreach: ignore[if-exists-opens-allow, public-key-access] open to all";
    assert_eq!(told(["", "", ""]), (true, 0));
    assert_eq!(told([comment, "", ""]), (false, 2));
    assert_eq!(told(["", comment, ""]), (false, 2));
    assert!(told(["", "", comment]).0);
}

#[test]
fn a_comment_within_a_resource_of_a_template_suppresses_what_is_said_of_the_whole() {
    let folder = Folder::new("control-resources");
    let told = |[above, behind, within, last]: [&str; 4]| {
        let template = format!(
            "Resources:\n  {above}\n  A: {behind}\n    Type: AWS::KMS::Key\n    Properties:\n      \
             EnableKeyRotation: false {within}\n  B:\n    Type: AWS::KMS::Key {last}\n"
        );
        folder.put("template.yaml", template);
        let (findings, suppressed, _) = told(&folder, &["."]);
        let of_rule = findings.iter().filter(|one| one.ends_with("rotation-disabled"));
        (of_rule.count(), suppressed)
    };
    let comment = "# keyreach: ignore[rotation-disabled] replaced by hand";
    assert_eq!(told(["", "", "", ""]), (2, 0));
    assert_eq!(told([comment, "", "", ""]), (1, 1));
    assert_eq!(told(["", comment, "", ""]), (1, 1));
    assert_eq!(told(["", "", comment, ""]), (1, 1));
    assert_eq!(told(["", "", comment, comment]), (0, 2));
}

#[test]
fn a_comment_behind_a_dash_speaks_of_the_item_below_it() {
    let folder = Folder::new("control-dash");
    let statement = "Effect: Allow, Principal: \"*\", Action: \"kms:Decrypt\", Resource: \"*\"";
    folder.put(
        "template.yaml",
        format!(
            "Resources:\n  A:\n    Type: AWS::KMS::Key\n    Properties:\n      EnableKeyRotation: true\n      \
             KeyPolicy:\n        Statement:\n          - # keyreach: ignore[public-key-access] a demonstration\n            \
             {}\n",
            statement.replace(", ", "\n            ")
        ),
    );
    let (findings, suppressed, _) = told(&folder, &["."]);
    assert!(!findings.iter().any(|one| one.ends_with("public-key-access")), "{findings:?}");
    assert_eq!(suppressed, 1);
}

#[test]
fn a_comment_suppresses_what_stands_on_its_line_or_below_it() {
    let folder = Folder::new("control-comments");
    let lines = |alice: &str, above_bob: &str| {
        let world = WORLD
            .replace(
                "on: [orders] }] }\n      bob",
                &format!("on: [orders] }}] }} {alice}\n      bob"),
            )
            .replace("      bob", &format!("{above_bob}      bob"));
        folder.put("world.yaml", world);
        told(&folder, &["world.yaml"])
    };
    let behind = "# keyreach: ignore[unknown-action] taken over from the exam";
    assert_eq!(lines(behind, ""), (vec![BOTH[1].to_owned()], 1, 0));
    let above = "      # keyreach: ignore[unknown-action] -- known\n      # and more\n\n";
    assert_eq!(lines("", above), (vec![BOTH[0].to_owned()], 1, 0));
    assert_eq!(lines(behind, above), (vec![], 2, 0));
    let close = "#keyreach:ignore[unknown-action] taken over from the exam";
    assert_eq!(lines(close, ""), (vec![BOTH[1].to_owned()], 1, 0));
    assert_eq!(lines("# keyreach: ignore[missing-input] no", "").0, BOTH);
    for (comment, message) in [
        ("# keyreach: ignore[unknown-action]", "a suppression without a reason"),
        ("# keyreach: ignore unknown-action", "a suppression names its rules in brackets"),
        ("# keyreach: ignore[unknown-acton] x", "did you mean unknown-action?"),
    ] {
        folder.put(
            "world.yaml",
            WORLD.replace("keyreach: scenario/1\n", &format!("keyreach: scenario/1 {comment}\n")),
        );
        let run = check(&folder, &["world.yaml"]);
        assert_eq!(run.code, 2);
        let told = run.stderr.replace("\n  | ", " ");
        assert!(told.contains("world.yaml:1:22") && told.contains(message), "{told}");
    }
}

#[test]
fn a_faulty_configuration_is_refused_with_the_place() {
    let folder = world("faulty");
    let refusing = |text: &str| {
        folder.put("keyreach.yaml", text);
        refused(&folder, &["world"])
    };
    let told = refusing("rules:\n  unknown-acton: off\n");
    assert!(
        told.contains("did you mean unknown-action?") && told.contains("keyreach.yaml:2:3"),
        "{told}"
    );
    let told = refusing("ignore:\n  - rule: unknown-action\n");
    assert!(told.contains("a suppression without a reason"), "{told}");
    assert!(told.contains("cannot use keyreach.yaml: 1 fault"), "{told}");
    let told = refusing("rule: {}\npersona: strict\n");
    assert!(told.contains("did you mean `rules`?") && told.contains("2 faults"), "{told}");
    let told = refusing("rules: [\n");
    assert!(told.contains("cannot use keyreach.yaml"), "{told}");
    let told = refused(&folder, &["--config", "no-such.yaml", "world"]);
    assert!(told.contains("cannot read no-such.yaml"), "{told}");
}

#[test]
fn two_configurations_are_refused() {
    let folder = world("two");
    folder.put("a/keyreach.yaml", "").put("a/world.yaml", WORLD);
    folder.put("b/keyreach.yaml", "").put("b/world.yaml", WORLD);
    let told = refused(&folder, &["a", "b"]);
    assert!(told.contains("two configurations: a/keyreach.yaml and b/keyreach.yaml"), "{told}");
    assert_eq!(check(&folder, &["--config", "a/keyreach.yaml", "a", "b"]).code, 1);
    folder.put("a/keyreach.yml", "");
    assert!(refused(&folder, &["a"]).contains("a/keyreach.yaml and a/keyreach.yml"));
}

#[test]
fn patterns_of_a_configuration_outside_the_tree_are_refused() {
    let folder = world("outside");
    folder.put(
        "elsewhere/keyreach.yaml",
        "ignore: [{ rule: unknown-action, files: \"*\", reason: x }]",
    );
    let told = refused(&folder, &["--config", "elsewhere/keyreach.yaml", "world"]);
    assert!(told.contains("no file that is checked lies in"), "{told}");
    folder.put("elsewhere/keyreach.yaml", "rules: { unknown-action: low }");
    let run = check(&folder, &["--config", "elsewhere/keyreach.yaml", "world"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_baseline_leaves_out_what_it_knows_and_nothing_else() {
    let folder = world("baseline");
    let run = check(&folder, &["--write-baseline", "baseline.json", "world"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(
        run.stdout.contains("no findings") && run.stdout.contains("; 2\nin the baseline"),
        "{}",
        run.stdout
    );
    let with = ["--baseline", "baseline.json", "world"];
    assert_eq!(told(&folder, &with), (vec![], 0, 2));
    // Moved lines and another spelling of the world change nothing.
    folder.put("world/world.yaml", WORLD.replace("    users:", "    # moved\n\n    users:"));
    assert_eq!(told(&folder, &with), (vec![], 0, 2));
    folder.put("world/world.yaml", WORLD.replace("kms:Encripted", "kms:Encriptet"));
    let (findings, _, baselined) = told(&folder, &with);
    assert_eq!((findings, baselined), (vec![BOTH[1].to_owned()], 1));
    let stale = ["--persona", "pedantic", "--baseline", "baseline.json", "world"];
    let (findings, _, _) = told(&folder, &stale);
    assert!(findings.contains(&"low unused-suppression".to_owned()), "{findings:?}");
    let written = fs::read_to_string(folder.path().join("baseline.json")).unwrap();
    folder.put("baseline.json", written.replace("baseline/1", "baseline/7"));
    let told = refused(&folder, &with);
    assert!(
        told.contains("a baseline of version 7") && told.contains("baseline.json:2:"),
        "{told}"
    );
}

#[test]
fn a_principal_that_is_new_in_a_known_finding_is_told_alone() {
    let folder = Folder::new("control-principals");
    let world = |users: &[&str]| {
        let users: Vec<String> =
            users.iter().map(|user| format!("      {user}: {{ policies: [Use] }}\n")).collect();
        folder.put(
            "world.yaml",
            format!(
                "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    users:\n{}    policies:\n      \
                 Use: [{{ allow: \"kms:*\", on: [orders] }}]\n    keys:\n      orders:\n        policy: \
                 [{{ allow: \"kms:*\", to: [account] }}, {{ deny: \"kms:*\", not_to: [account] }}]\n",
                users.concat()
            ),
        );
    };
    world(&["ada", "ben"]);
    let principals = |args: &[&str]| -> Value {
        let run = check(&folder, &[&["--format", "json"], args, &["world.yaml"]].concat());
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        let found = answer["findings"].as_array().unwrap();
        found.iter().map(|one| one["principals"].clone()).collect()
    };
    let before = principals(&[]);
    assert!(
        before.as_array().unwrap().iter().any(|one| one.as_array().unwrap().len() == 2),
        "{before}"
    );
    check(&folder, &["--write-baseline", "baseline.json", "world.yaml"]);
    let with = ["--baseline", "baseline.json"];
    assert_eq!(principals(&with), json!([]));
    world(&["ada", "ben", "eve"]);
    let after = principals(&with);
    let all: Vec<&Value> = after.as_array().unwrap().iter().collect();
    assert!(!all.is_empty(), "{after}");
    for one in all {
        assert_eq!(*one, json!(["arn:aws:iam::111122223333:user/eve"]));
    }
    let told = check(&folder, &[&with[..], &["--format", "json", "world.yaml"]].concat()).stdout;
    let new = "; only arn:aws:iam::111122223333:user/eve is not in the baseline";
    assert!(told.contains(new), "{told}");
    // A suppression that names principals leaves the finding to the others in the same way.
    folder.put("keyreach.yaml", "ignore:\n  - rule: [allow-fully-denied, deny-not-principal]\n    principal: [user/ada, user/b*]\n    reason: known\n");
    assert_eq!(principals(&[]), json!([["arn:aws:iam::111122223333:user/eve"]]));
}

/// A key of which the roles `by` create grants, and whose statements for the roles `misspelt` have a typo.
fn granted(folder: &Folder, by: &str, misspelt: &[&str]) {
    let misspelt: Vec<String> = misspelt
        .iter()
        .map(|role| format!("          - {{ allow: \"kms:Encripted\", to: [{role}] }}\n"))
        .collect();
    folder.put(
        "world.yaml",
        format!(
            "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    roles: {{ a: {{}}, b: {{}}, c: {{}} }}\n    \
             keys:\n      orders:\n        policy:\n          - {{ allow: \"kms:*\", to: [account] }}\n          \
             - {{ allow: [\"kms:Decrypt\", \"kms:CreateGrant\"], to: [{by}] }}\n{}",
            misspelt.concat()
        ),
    );
}

#[test]
fn whom_a_statement_names_does_not_bring_back_what_is_known_of_it() {
    let folder = Folder::new("control-statement");
    let select = "--select=unconstrained-create-grant,unknown-action,unused-suppression";
    let all = |args: &[&str]| -> Value {
        let run = check(&folder, &[&[select, "--format", "json"], args, &["world.yaml"]].concat());
        let answer: Value = serde_json::from_str(&run.stdout).unwrap();
        let found = answer["findings"].as_array().unwrap();
        found.iter().map(|one| json!([one["rule"], one["principals"]])).collect()
    };
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let (grants, typo) = ("unconstrained-create-grant", json!(["unknown-action", []]));
    granted(&folder, "role/a, role/b", &["role/a"]);
    assert_eq!(all(&[]), json!([[grants, [role("a"), role("b")]], typo]));
    check(&folder, &[select, "--write-baseline", "baseline.json", "world.yaml"]);
    let with = ["--baseline", "baseline.json"];
    granted(&folder, "role/a, role/b, role/c", &["role/c"]);
    assert_eq!(all(&with), json!([[grants, [role("c")]]]));
    granted(&folder, "role/b", &["role/a"]);
    assert_eq!(all(&[&with[..], &["--persona", "pedantic"]].concat()), json!([]));
    // One more statement of the same form is new.
    granted(&folder, "role/a, role/b", &["role/a", "role/b"]);
    assert_eq!(all(&with), json!([typo]));
}

#[test]
fn entries_of_a_baseline_that_are_gone_are_told_together() {
    let folder = Folder::new("control-entries");
    granted(&folder, "role/a", &["role/a"]);
    check(&folder, &["--write-baseline", "baseline.json", "world.yaml"]);
    folder.put("world.yaml", "keyreach: scenario/1\naccounts:\n  \"111122223333\":\n    keys:\n      orders:\n        policy: [{ allow: \"kms:*\", to: [account] }]\n");
    let with = ["--persona", "pedantic", "--baseline", "baseline.json", "world.yaml"];
    let run = check(&folder, &[&["--format", "json"], &with[..]].concat());
    assert!(
        run.stdout.contains("2 entries of the baseline meet no finding any more"),
        "{}",
        run.stdout
    );
}

#[test]
fn every_format_counts_what_is_aside() {
    let folder = world("counts");
    check(&folder, &["--write-baseline", "baseline.json", "world"]);
    let baseline = fs::read_to_string(folder.path().join("baseline.json")).unwrap();
    let mut known: Value = serde_json::from_str(&baseline).unwrap();
    known["findings"].as_array_mut().unwrap().truncate(1);
    folder.put("baseline.json", known.to_string());
    let other = WORLD.replace("users:", "users:\n      cleo: { policies: [{ allow: \"kms:Sing\" }] } # keyreach: ignore[unknown-action] typo");
    folder.put("world/world.yaml", other);
    for format in ["human", "github", "junit", "markdown"] {
        let run = check(&folder, &["--format", format, "--baseline", "baseline.json", "world"]);
        let told = run.stdout.replace('\n', " ");
        assert!(told.contains("1 suppressed, 1 in the baseline"), "{format}: {told}");
    }
    for format in ["csv", "gitlab"] {
        let run = check(&folder, &["--format", format, "--baseline", "baseline.json", "world"]);
        assert!(run.stderr.contains("1 suppressed, 1 in the baseline"), "{format}: {}", run.stderr);
    }
    for format in ["json", "jsonl", "sarif"] {
        let run = check(&folder, &["--format", format, "--baseline", "baseline.json", "world"]);
        let told = run.stdout.replace(' ', "");
        assert!(told.contains("\"suppressed\":1") && told.contains("\"baselined\":1"), "{told}");
    }
}

#[test]
fn the_schema_takes_what_is_taken() {
    let run = keyreach(&["schema", "config"]).run();
    let schema: Value = serde_json::from_str(&run.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let fits = |value: Value| validator.is_valid(&value);
    assert!(fits(json!({
        "persona": "pedantic",
        "trusted_accounts": ["111122223333"],
        "trusted_organizations": "o-abc",
        "rules": { "unknown-action": "off" },
        "paths": [{ "files": "legacy/**", "rules": { "unknown-action": "low" } }],
        "ignore": [{ "rule": "unknown-action", "reason": "x", "until": "2026-12-31" }],
    })));
    assert!(fits(json!(null)));
    assert!(!fits(json!({ "rule": {} })));
    assert!(!fits(json!({ "ignore": [{ "rule": "unknown-action" }] })));
    assert!(!fits(json!({ "rules": { "unknown-action": "hihg" } })));
}
