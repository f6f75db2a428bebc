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
