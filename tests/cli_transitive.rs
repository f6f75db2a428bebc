//! `--transitive`: who could get what the matrix says they lack, in every format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use serde_json::Value;
use support::command::{Folder, keyreach};

/// Eve becomes carol by a key of hers; mallory cannot do a thing.
const WORLD: &str = r#"
keyreach: scenario/1
region: eu-west-1
accounts:
  "111122223333":
    users:
      carol: {}
      eve: { policies: [{ allow: iam:CreateAccessKey, on: user/carol }] }
      mallory: {}
    keys:
      vault: { aliases: [alias/vault], policy: [{ allow: "kms:Decrypt", to: [user/carol] }] }
"#;

const EVE: &str = "arn:aws:iam::111122223333:user/eve";

fn shown(name: &str, args: &str) -> String {
    let folder = Folder::new(name);
    folder.put("world.yaml", WORLD);
    let args: Vec<&str> = args.split_whitespace().chain(["--now", "2026-01-01"]).collect();
    let run = keyreach(&args).within(folder.path()).run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

#[test]
fn people_read_who_could_get_there() {
    let human =
        shown("transitive-human", "who-can --action Decrypt --key alias/vault --transitive");
    assert!(human.contains("to be had by further calls: "), "{human}");
    assert!(human.contains("kms:Decrypt, in 1 call:"), "{human}");
    assert!(human.contains(EVE) && !human.contains("mallory"), "{human}");
    let plain = shown("transitive-plain", "who-can --action Decrypt --key alias/vault");
    assert!(!plain.contains("further calls"), "{plain}");
    let markdown = shown("transitive-markdown", "matrix --transitive --format markdown");
    assert!(
        markdown.contains("| kms:Decrypt | in 1 call | arn:aws:iam::111122223333:"),
        "{markdown}"
    );
}

#[test]
fn nobody_is_said_with_what_was_looked_for() {
    let human = shown(
        "transitive-nobody",
        "matrix --principal mallory --key alias/vault --action Decrypt --transitive",
    );
    assert!(human.contains("Nobody else can get there by calls of KMS, IAM"), "{human}");
}

#[test]
fn spreadsheets_get_a_column() {
    let table = shown("transitive-csv", "matrix --action Decrypt --transitive --format csv");
    let mut records = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(records.next().unwrap().last(), Some(&"hops"));
    let hops: Vec<(String, String, String)> = records
        .map(|cells| (cells[0].into(), cells[8].into(), (*cells.last().unwrap()).into()))
        .collect();
    let carol = "arn:aws:iam::111122223333:user/carol";
    assert!(hops.contains(&(carol.into(), "always".into(), "0".into())), "{hops:?}");
    assert!(hops.contains(&(EVE.into(), "never".into(), "1".into())), "{hops:?}");
    assert!(!hops.iter().any(|(name, ..)| name.ends_with("mallory")), "{hops:?}");
}

#[test]
fn programs_get_a_member_a_line() {
    let lines = |args: &str| -> Vec<Value> {
        let text =
            shown("transitive-jsonl", &format!("matrix --action Decrypt --format jsonl {args}"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let of_eve = |lines: &[Value]| -> Vec<Value> {
        lines.iter().filter(|line| line["principal"] == EVE).cloned().collect()
    };
    let short = of_eve(&lines("--transitive"));
    assert_eq!((short.len(), &short[0]["hops"]), (1, &Value::from(1)));
    assert_eq!(short[0]["verdict"], "never");
    // A line that the table has anyway is not written again.
    let all = lines("--transitive --all");
    let eve = of_eve(&all);
    assert_eq!((eve.len(), &eve[0]["hops"]), (1, &Value::from(1)));
    let mallory = all.iter().find(|line| line["principal"].as_str().unwrap().ends_with("mallory"));
    assert_eq!(mallory.unwrap()["hops"], Value::Null);
    assert!(lines("").iter().all(|line| line.get("hops").is_none()));
    let whole = shown("transitive-json", "matrix --action Decrypt --transitive --format json");
    let whole: Value = serde_json::from_str(&whole).unwrap();
    let further = whole["further"].as_array().unwrap();
    assert!(
        further.iter().any(|pair| pair["principal"] == EVE && pair["hops"] == 1),
        "{further:?}"
    );
}
