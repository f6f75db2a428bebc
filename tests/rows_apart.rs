//! Rows of the matrix that stand for some of those outside the export and not for others: whom each is of, and
//! that what it proves holds of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

#[path = "support/apart.rs"]
mod apart;
mod support;

use apart::{PARTNER, check, decrypt, iam, statement, world};
use keyreach::decision::Bound;
use serde_json::Value;
use support::command::{Folder, Run, keyreach};

#[test]
fn a_row_of_an_account_stands_for_none_that_has_a_row_of_its_own() {
    let federated = format!("arn:aws:sts::{PARTNER}:federated-user/bob");
    for (who, others) in [
        (iam("role/q"), r#"ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/q" }"#),
        (iam("user/eve"), r#"StringNotEquals: { "aws:username": eve }"#),
        (federated, r#"StringNotEquals: { "aws:userid": "444455556666:bob" }"#),
    ] {
        let root = iam("root");
        let rows = [format!("{who} always"), format!("{root} always")];
        let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        rows.sort_unstable();
        check(&[statement("allow", &who, ""), statement("allow", PARTNER, others)], &rows);
        // Who is denied by name is none of them either, and is told to be.
        let statements = [statement("deny", &who, ""), statement("allow", PARTNER, "")];
        let rows = [format!("{who} never"), format!("{root} always")];
        let mut rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        rows.sort_unstable();
        check(&statements, &rows);
    }
    // A session of it that no policy names is one of them.
    let session = format!("arn:aws:sts::{PARTNER}:assumed-role/q/s");
    let others = r#"ArnNotLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/q" }"#;
    let rows = [format!("{} conditional", iam("root")), format!("{session} always")];
    check(
        &[statement("allow", &session, ""), statement("allow", PARTNER, others)],
        &[&rows[0], &rows[1]],
    );
}

#[test]
fn c46_the_path_of_a_role_whose_session_is_named_is_not_known() {
    let session = format!("arn:aws:sts::{PARTNER}:assumed-role/q/s");
    let row = |verdict: &str| format!("{session} {verdict}");
    for (operator, pattern, verdict) in [
        ("ArnLike", "role/team/q", "conditional"),
        ("ArnNotLike", "role/team/*", "conditional"),
        ("StringEquals", "role/q", "conditional"),
        ("ArnLike", "role/*", "always"),
        ("ArnNotLike", "role/team/other", "always"),
    ] {
        let when = format!(r#"{operator}: {{ "aws:PrincipalArn": "{}" }}"#, iam(pattern));
        check(&[statement("allow", &session, &when)], &[&row(verdict)]);
    }
    for (operator, pattern) in [("ArnLike", "role/*/other"), ("ArnNotLike", "role/*")] {
        let when = format!(r#"{operator}: {{ "aws:PrincipalArn": "{}" }}"#, iam(pattern));
        check(&[statement("allow", &session, &when)], &[]);
    }
}

#[test]
fn e44_the_request_tells_whether_the_role_of_a_session_is_service_linked() {
    const RCP: &str = r#"root: r-1, rcps: [{ deny: "kms:*", when: { StringNotEqualsIfExists: { "aws:PrincipalOrgID": o-own } } }], management"#;
    let session = format!("arn:aws:sts::{PARTNER}:assumed-role/linked/s");
    let text = world(&[statement("allow", &session, "")]).replacen("management", RCP, 1);
    let found = decrypt(&text);
    let [(row, answer)] = &found[..] else { panic!("{text}\n{found:?}") };
    assert_eq!((&**row, answer.verdict.name()), (&*session, "conditional"));
    let witness = answer.witness.as_ref().unwrap().get("aws:PrincipalArn").unwrap();
    let [arn] = witness.value.values() else { panic!("{witness:?}") };
    assert!(arn.contains(":role/aws-service-role/") && arn.ends_with("/linked"), "{arn}");
}

#[test]
fn who_stands_for_others_is_none_of_those_named() {
    let any = iam("role/any");
    let users = r#"StringEquals: { "aws:PrincipalType": User }"#;
    let rows = [format!("{any} always"), format!("{} conditional", iam("root"))];
    check(
        &[statement("allow", &any, ""), statement("allow", PARTNER, users)],
        &[&rows[0], &rows[1]],
    );
    let services = r#"Bool: { "aws:PrincipalIsAWSService": "true" }"#;
    check(
        &[statement("deny", "service:any.amazonaws.com", ""), statement("allow", "*", services)],
        &["*.amazonaws.com always"],
    );
}

#[test]
fn a46_a_deny_that_spares_an_account_spares_its_root_user() {
    let spares = format!("deny: kms:Decrypt, not_to: [\"{PARTNER}\"]");
    let found = decrypt(&world(&[statement("allow", PARTNER, ""), spares.clone()]));
    let [(row, answer)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(*row, iam("root"));
    // O5: some read it so that the others are spared, too.
    assert_eq!(
        (answer.verdict.at_least(), answer.verdict.at_most()),
        (Bound::Conditional, Bound::Always)
    );
    // None of those is spared who is not of the account.
    let found = decrypt(&world(&[statement("allow", "555555555555", ""), spares]));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn an_organization_has_one_row_however_it_is_written() {
    let of = |condition: &str| [statement("allow", "*", condition)];
    let own = r#"StringEqualsIgnoreCase: { "aws:PrincipalOrgID": O-OWN }"#;
    check(&of(own), &["o-own always"]);
    let paths = r#""ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-own/*" }"#;
    check(&of(paths), &["o-own always"]);
    // A pattern is those that it takes: the export's own, and any other.
    check(
        &of(r#"StringLike: { "aws:PrincipalOrgID": "o-ow*" }"#),
        &["o-ow* always", "o-own always"],
    );
    for all in ["o-*", "*"] {
        check(
            &of(&format!(r#"StringLike: {{ "aws:PrincipalOrgID": "{all}" }}"#)),
            &["o-any always", "o-own always"],
        );
    }
}

#[test]
fn whoever_is_denied_what_anyone_has_is_told_to_be() {
    let partner = r#"StringEquals: { "aws:PrincipalOrgID": o-partner }"#;
    check(
        &[statement("allow", "*", ""), statement("deny", "*", partner)],
        &["* always", "o-any always", "o-own always", "o-partner never"],
    );
    let member = r#"Null: { "aws:PrincipalOrgID": "false" }"#;
    check(
        &[statement("allow", "*", ""), statement("deny", "*", member)],
        &["* always", "o-any never", "o-own never"],
    );
    let pair = r#"StringEquals: { "kms:EncryptionContext:app": x }"#;
    check(
        &[
            statement("allow", "*", ""),
            statement("deny", PARTNER, ""),
            statement("deny", "555555555555", pair),
        ],
        &[
            "* always",
            &format!("{} never", iam("root")),
            "arn:aws:iam::555555555555:root conditional",
        ],
    );
    // Nobody is told of what nobody has.
    check(&[statement("allow", PARTNER, ""), statement("deny", "*", "")], &[]);
    let own = r#"StringNotEqualsIfExists: { "aws:PrincipalOrgID": o-own }"#;
    check(&[statement("allow", "*", ""), statement("deny", "*", own)], &["o-own always"]);
}

#[test]
fn whoever_is_denied_what_a_pattern_has_is_told_to_be() {
    let like = |key: &str, pattern: &str| format!(r#"StringLike: {{ "{key}": "{pattern}" }}"#);
    let of_ids = statement("allow", "*", &like("aws:PrincipalOrgID", "o-ab*"));
    for denied in [
        r#"StringEquals: { "aws:PrincipalOrgID": o-abc }"#,
        r#""ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-abc/*" }"#,
    ] {
        let rows = ["o-ab* always", "o-abc never"];
        check(&[of_ids.clone(), statement("deny", "*", denied)], &rows);
    }
    // So is an account, of which nobody tells the organization.
    let root = iam("root");
    let rows = [format!("{root} never"), "o-ab* always".to_owned()];
    check(&[of_ids, statement("deny", PARTNER, "")], &[&rows[0], &rows[1]]);
    let of_accounts = statement("allow", "*", &like("aws:PrincipalAccount", "4444*"));
    let rows = ["arn:aws:iam::4444*:root always".to_owned(), format!("{root} never")];
    check(&[of_accounts, statement("deny", PARTNER, "")], &[&rows[0], &rows[1]]);
}

#[test]
fn a_pattern_within_another_has_a_row_where_something_tells_it_apart() {
    let like = |patterns: &str| format!(r#"StringLike: {{ "aws:PrincipalOrgID": [{patterns}] }}"#);
    let both = statement("allow", "*", &like("'o-ab*', 'o-abc*'"));
    check(std::slice::from_ref(&both), &["o-ab* always"]);
    let denied = statement("deny", "*", &like("'o-abc*'"));
    check(&[both, denied], &["o-ab* always", "o-abc* never"]);
}

#[test]
fn an_assumed_organization_is_that_of_whoever_asks() {
    let id =
        |operator: &str, id: &str| format!(r#"{operator}: {{ "aws:PrincipalOrgID": "{id}" }}"#);
    let own_paths = r#""ForAnyValue:StringLike": { "aws:PrincipalOrgPaths": "o-own/*" }"#;
    let nowhere = r#""Null": { "aws:PrincipalOrgPaths": "true" }"#;
    for (assumed, when, expected) in [
        ("aws:PrincipalOrgID=o-x", &*id("StringNotEquals", "o-own"), &["*"][..]),
        ("aws:PrincipalOrgID=o-own", &id("StringNotEquals", "o-own"), &[]),
        ("aws:PrincipalOrgID=o-x", &id("StringEquals", "o-own"), &[]),
        ("aws:PrincipalOrgID=o-x", own_paths, &[]),
        ("aws:PrincipalOrgID=o-own", own_paths, &["*"]),
        ("aws:PrincipalOrgID=absent", nowhere, &["*"]),
        ("aws:PrincipalOrgPaths=o-x/r-1/", &id("StringEquals", "o-x"), &["*"]),
    ] {
        let args = format!("matrix --all --action Decrypt --assume {assumed} --format jsonl");
        let cells = lines(&run("assumed", &[statement("allow", "*", when)], &args));
        let of_others = cells.iter().filter(|cell| {
            let name = cell["principal"].as_str().unwrap();
            !name.starts_with("arn:aws:iam::111122223333:")
        });
        let rows: Vec<&str> =
            of_others.clone().map(|cell| cell["principal"].as_str().unwrap()).collect();
        assert_eq!(rows, expected, "{assumed} {when}");
        assert!(of_others.clone().all(|cell| cell["verdict"] == "always"), "{assumed} {when}");
    }
}

#[test]
fn a30_services_have_a_row_where_they_pass_for_what_they_lack() {
    let types =
        r#"StringNotEquals: { "aws:PrincipalType": [Account, User, AssumedRole, FederatedUser] }"#;
    check(&[statement("allow", "*", types)], &["*.amazonaws.com always"]);
    let ids = r#"StringNotLike: { "aws:userid": "*" }"#;
    check(&[statement("allow", "*", ids)], &["*.amazonaws.com always"]);
    let account = format!(r#"StringEqualsIfExists: {{ "aws:PrincipalAccount": "{PARTNER}" }}"#);
    let rows = ["*.amazonaws.com always".to_owned(), format!("{} always", iam("root"))];
    check(&[statement("allow", "*", &account)], &[&rows[0], &rows[1]]);
    // They have none where they are told from nobody.
    let others = format!(r#"StringNotEquals: {{ "aws:PrincipalAccount": "{PARTNER}" }}"#);
    let rows = ["* always".to_owned(), format!("{} never", iam("root"))];
    check(&[statement("allow", "*", &others)], &[&rows[0], &rows[1]]);
}

#[test]
fn a30_services_have_a_row_where_what_they_alone_send_is_asked_for() {
    let source = r#"StringEquals: { "aws:SourceAccount": "111122223333" }"#;
    check(&[statement("allow", "*", source)], &["*.amazonaws.com conditional"]);
    let none = r#"Null: { "aws:SourceArn": "true" }"#;
    check(
        &[statement("allow", "*", ""), statement("deny", "*", none)],
        &["*.amazonaws.com conditional"],
    );
    // What one service is asked for opens nothing to the others.
    let logs = "service:logs.amazonaws.com";
    check(&[statement("allow", logs, source)], &["logs.amazonaws.com conditional"]);
}

#[test]
fn what_has_no_name_is_no_principal() {
    // A user of the path `/:role/` has such an ARN, and nobody whose ARN ends with it.
    let roles = r#"StringLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/*" }"#;
    let users = r#"StringEquals: { "aws:PrincipalType": User }"#;
    let found = decrypt(&world(&[statement("allow", "*", roles), statement("deny", "*", users)]));
    let [(row, answer)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&**row, answer.verdict.name()), ("*", "conditional"));
    assert!(!answer.undecided && answer.condition.is_some(), "{answer:?}");
    // No ARN has a `*` in it (rule C21).
    let literal = r#"StringEquals: { "aws:PrincipalArn": "arn:aws:iam::444455556666:role/*" }"#;
    check(&[statement("allow", PARTNER, literal)], &[]);
}

#[test]
fn c44_names_in_two_keys_are_decided() {
    let federated = format!("arn:aws:sts::{PARTNER}:federated-user/f");
    for condition in [
        format!(
            r#"StringNotLike: {{ "aws:PrincipalArn": "{federated}", "aws:userid": "{PARTNER}:f" }}"#
        ),
        format!(
            r#"StringNotEquals: {{ "aws:PrincipalArn": "{}", "aws:username": eve }}"#,
            iam("user/eve")
        ),
    ] {
        let found = decrypt(&world(&[statement("allow", PARTNER, &condition)]));
        let [(row, answer)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&**row, answer.verdict.name()), (&*iam("root"), "conditional"));
        assert!(!answer.undecided && answer.condition.is_some(), "{condition} {answer:?}");
    }
}

fn run(name: &str, statements: &[String], args: &str) -> Run {
    let folder = Folder::new(&format!("rows-apart-{name}"));
    folder.put("world.yaml", world(statements));
    let args: Vec<&str> = args.split_whitespace().chain(["--now", "2026-01-01", "."]).collect();
    keyreach(&args).within(folder.path()).run()
}

fn lines(run: &Run) -> Vec<Value> {
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_told_to_be_never_is_counted() {
    let partner = r#"StringEquals: { "aws:PrincipalOrgID": o-partner }"#;
    let statements = [statement("allow", "*", ""), statement("deny", "*", partner)];
    for filter in ["", "--action Decrypt,Encrypt", "--principal o-partner"] {
        let args = |format: &str| format!("matrix --all {filter} --format {format}");
        let cells = lines(&run("counts", &statements, &args("jsonl")));
        let never = cells.iter().filter(|cell| cell["verdict"] == "never");
        let whole = run("counts", &statements, &args("json"));
        let whole: Value = serde_json::from_str(&whole.stdout).unwrap();
        assert_eq!(whole["about"]["counts"]["never"], never.count(), "{filter}");
        let told = cells.iter().filter(|cell| cell["principal"] == "o-partner");
        let told: Vec<[&Value; 2]> = told.map(|cell| [&cell["action"], &cell["verdict"]]).collect();
        assert_eq!(told, [[&Value::from("kms:Decrypt"), &Value::from("never")]], "{filter}");
    }
    let anyone = lines(&run("counts", &statements, "matrix --principal * --format jsonl"));
    let assumes = anyone[0]["assumes"][0].as_str().unwrap();
    assert!(assumes.contains("which is in no organization"), "{assumes}");
}

#[test]
fn what_can_somebody_do_who_is_not_named() {
    let role = iam("role/q");
    let statements = [statement("allow", &role, "")];
    let asked =
        |who: &str| run("what", &statements, &format!("what-can --format jsonl --principal {who}"));
    let names = |run: &Run| -> Vec<String> {
        lines(run).iter().map(|cell| cell["principal"].as_str().unwrap().to_owned()).collect()
    };
    // No key lets others of that account in, whoever is there.
    for who in ["role/z", "user/q"] {
        assert_eq!(names(&asked(&iam(who))), Vec::<String>::new(), "{who}");
    }
    // The account means its principals, a session its role.
    for who in [PARTNER, &role, &format!("arn:aws:sts::{PARTNER}:assumed-role/q/s")] {
        assert_eq!(names(&asked(who)), [&*role], "{who}");
    }
    // Whoever can be in an organization has what its members have.
    let partner = r#"StringEquals: { "aws:PrincipalOrgID": o-partner }"#;
    let told = run(
        "what",
        &[statement("allow", "*", partner)],
        &format!("what-can --format jsonl --principal {}", iam("role/z")),
    );
    assert_eq!(names(&told), ["o-partner"]);
}

#[test]
fn what_can_a_service_that_nothing_names() {
    let asked = |statements: &[String]| -> Vec<String> {
        let args = "what-can --format jsonl --action Decrypt --principal s3.amazonaws.com";
        let told = run("service", statements, args);
        assert_eq!(told.code, 0, "{}", told.stderr);
        let cells = lines(&told).into_iter();
        cells.map(|it| format!("{} {}", it["principal"], it["verdict"]).replace('"', "")).collect()
    };
    let anyone = |condition: &str| statement("allow", "*", condition);
    // Rule A30: services are among anyone.
    assert_eq!(asked(&[anyone("")]), ["s3.amazonaws.com always"]);
    let source = r#"StringEquals: { "aws:SourceAccount": "111122223333" }"#;
    assert_eq!(asked(&[anyone(source)]), ["s3.amazonaws.com conditional"]);
    // What others have alone is none of theirs: who is in an organization, or has an ARN.
    let partner = r#"StringEquals: { "aws:PrincipalOrgID": o-partner }"#;
    let others = r#"Null: { "aws:PrincipalArn": "false" }"#;
    assert!(asked(&[anyone(partner)]).is_empty());
    assert!(asked(&[anyone(others)]).is_empty());
    let denied = r#"StringEquals: { "aws:PrincipalServiceName": "s3.amazonaws.com" }"#;
    assert!(asked(&[anyone(""), statement("deny", "*", denied)]).is_empty());
}

#[test]
fn what_can_organizations_and_accounts_that_a_wider_pattern_takes() {
    let like = |key: &str, pattern: &str| format!(r#"StringLike: {{ "{key}": "{pattern}" }}"#);
    let of_ids = statement("allow", "*", &like("aws:PrincipalOrgID", "o-a*"));
    let denied = statement("deny", "*", &like("aws:PrincipalOrgID", "o-?b*"));
    let of_accounts = statement("allow", "*", &like("aws:PrincipalAccount", "44*"));
    let statements = [of_ids, denied, of_accounts];
    for (who, row) in [
        ("o-a*", Some("o-a*")),
        ("o-ac*", Some("o-a*")),
        ("o-acdefghijk", Some("o-a*")),
        ("o-ab*", None),
        ("o-z*", None),
        ("arn:aws:iam::444*:root", Some("arn:aws:iam::44*:root")),
    ] {
        let args = format!("what-can --format jsonl --action Decrypt --principal {who}");
        let told = run("wider", &statements, &args);
        let cells = lines(&told);
        let names: Vec<&str> =
            cells.iter().map(|cell| cell["principal"].as_str().unwrap()).collect();
        assert_eq!(names, row.into_iter().collect::<Vec<&str>>(), "{who}");
    }
}

#[test]
fn c5_a_pair_is_given_as_it_was_assumed() {
    let context = r#"StringEquals: { "kms:EncryptionContext:app": x }"#;
    let args =
        "matrix --principal * --action Decrypt --format jsonl --assume kms:EncryptionContext:App=x";
    let cells = lines(&run("pair", &[statement("allow", "*", context)], args));
    let given = cells[0]["witness"]["context"].as_object().unwrap();
    let pairs: Vec<&String> =
        given.keys().filter(|key| key.starts_with("kms:EncryptionContext:")).collect();
    assert_eq!(pairs, ["kms:EncryptionContext:App"]);
}
