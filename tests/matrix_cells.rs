//! Cells that peers get wrong, as a table that every engine answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use keyreach::aws::KmsAction;
use keyreach::decision::{Caller, Request, Target, Verdict};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load_tree;
use keyreach::source::FileId;
use keyreach::syntax::{Node, yaml};
use support::matrix::ENGINES;
use support::matrix::net::word;

fn text<'n>(node: &'n Node<'_>, member: &str) -> &'n str {
    let found = node.get(member).and_then(Node::scalar);
    found.unwrap_or_else(|| panic!("no `{member}` in {node:?}"))
}

#[test]
fn cells_that_others_get_wrong() {
    let (documents, problems) =
        yaml::parse(include_str!("../testdata/cells-that-others-get-wrong.yaml"));
    assert_eq!(problems, []);
    let (mut faults, mut ids) = (String::new(), BTreeSet::new());
    for case in documents[0].root.one_or_many() {
        let (id, cell) = (text(case, "id"), case.get("cell").unwrap());
        assert!(ids.insert(id.to_owned()), "{id} stands twice");
        let scenario = load_tree(case.get("world").unwrap(), FileId(0));
        assert_eq!(scenario.problems, [], "{id}");
        let names = &scenario.names;
        let caller = names.caller(text(cell, "principal")).and_then(|arn| Caller::parse(&arn));
        let target = names.target(text(cell, "on")).and_then(|arn| Target::parse(&arn));
        let action = KmsAction::from_name(text(cell, "action")).expect(id);
        let request = Request::plain(caller.expect(id), action, target.expect(id));
        for engine in ENGINES {
            let verdict = engine.over(&scenario.inventory).verdict_of(&request);
            let expected = text(cell, "expect");
            if word(&verdict) != expected {
                writeln!(faults, "{}: {id}: {verdict:?}, not {expected}", engine.name).unwrap();
            }
            let reference = Reference::new(&scenario.inventory);
            let is_allowed = |request: &Request| reference.evaluate(request).is_allowed();
            assert!(verdict.witness().is_none_or(is_allowed), "{id}");
            if let Verdict::Conditional { counter, .. } | Verdict::Never { counter } = &verdict {
                assert!(!is_allowed(counter), "{id}");
            }
        }
    }
    assert!(faults.is_empty(), "\n{faults}");
    assert!(ids.len() > 45, "{}", ids.len());
}

/// The world in which ann may decrypt where the clock is past `instant`.
fn past(instant: &str) -> String {
    let after = format!("DateGreaterThan: {{ 'aws:CurrentTime': '{instant}' }}");
    let policy = format!("[{{ allow: kms:Decrypt, to: user/ann, when: {{ {after} }} }}]");
    format!(
        "keyreach: scenario/1\naccounts:\n  111122223333:\n    users: {{ ann: {{}} }}\n    keys: {{ k: {{ policy: {policy} }} }}\n"
    )
}

/// Rules C14 and C24: what is an instant at all, the engines and the evaluator say alike.
#[test]
fn c14_c24_dates_are_read_alike() {
    const READ: [&str; 13] = [
        "2020",
        "2020-01",
        "2020-01-01",
        "2020-01-01T00:00Z",
        "2020-01-01t00:00:00z",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00.5Z",
        "2020-01-01T00:00:00.1234567890123Z",
        "2020-01-01T00:00:00+01:00",
        "2020-01-01T00:00-23:59",
        "0000-01-01",
        "1577836800",
        "0000000000000000000000000000001577836800",
    ];
    const NOT_READ: [&str; 25] = [
        "",
        "soon",
        "-1",
        "+5",
        "1.5",
        "20200101T000000Z",
        "2020-1-1",
        "2020-13-01",
        "2021-02-29",
        "+002020-01-01",
        "-002020-01-01",
        "2020-01-01 00:00:00Z",
        "2020-01T00:00Z",
        "2020-01-01T",
        "2020-01-01TZ",
        "2020-01-01T00Z",
        "2020-01-01T24:00Z",
        "2020-01-01T00:00:60Z",
        "2020-01-01T00:00:00,5Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00.5Z",
        "2020-01-01T00:00:00Z[UTC]",
        "2020-01-01T00:00:00+0100",
        "2020-01-01T00:00:00+01",
        "2020-01-01T00:00:00+24:00",
    ];
    let read = READ.iter().map(|text| (*text, "always"));
    for (text, expected) in read.chain(NOT_READ.iter().map(|text| (*text, "never"))) {
        let world = past(text);
        let (documents, problems) = yaml::parse(&world);
        assert_eq!(problems, [], "{text}");
        let scenario = load_tree(&documents[0].root, FileId(0));
        assert_eq!(scenario.problems, [], "{text}");
        let names = &scenario.names;
        let caller = names.caller("user/ann").and_then(|arn| Caller::parse(&arn)).unwrap();
        let target = names.target("k").and_then(|arn| Target::parse(&arn)).unwrap();
        let plain = Request::plain(caller, KmsAction::DECRYPT, target);
        for engine in ENGINES {
            let verdict = engine.over(&scenario.inventory).verdict_of(&plain);
            assert_eq!(word(&verdict), expected, "{} reads `{text}`", engine.name);
        }
        let mut sent = plain;
        sent.context.set_one("aws:CurrentTime", "2026-01-01T00:00:00Z");
        let is_allowed = Reference::new(&scenario.inventory).evaluate(&sent).is_allowed();
        assert_eq!(is_allowed, expected == "always", "the evaluator reads `{text}`");
    }
}
