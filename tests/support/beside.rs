//! Rows of the matrix for principals outside the export, held against the reference evaluator.

use std::collections::BTreeMap;

use keyreach::access::{Access, Matrix};
use keyreach::aws::{ActionSet, KmsAction};
use keyreach::decision::{CallerKind, Request, Standing};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load_tree;
use keyreach::inventory::Inventory;
use keyreach::source::FileId;
use keyreach::syntax::yaml;

use crate::support::matrix::now;

/// The account of the key.
pub(crate) const LOCAL: &str = "111122223333";

/// What a scenario says; nothing may be wrong with it.
pub(crate) fn inventory(text: &str) -> Inventory {
    let (documents, problems) = yaml::parse(text);
    assert_eq!(problems, [], "{text}");
    let scenario = load_tree(&documents[0].root, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

/// A world of one key, whose statements these are beside the delegation to its account.
pub(crate) fn world(region: &str, statements: &str) -> String {
    format!(
        "keyreach: scenario/1\nregion: {region}\naccounts:\n  \"{LOCAL}\":\n    users: {{ bob: {{}} }}\n    keys:\n      \
         K:\n        policy:\n          Version: \"2012-10-17\"\n          Statement:\n            \
         - {{ allow: \"kms:*\", to: account }}\n{statements}"
    )
}

/// The same with who asks in the export, where its account lets it do everything.
fn with_caller(text: &str, request: &Request) -> String {
    let caller = &request.caller;
    let kind = match caller.kind {
        // A federated user is made by the user of its name.
        CallerKind::User | CallerKind::FederatedUser { .. } => "users",
        CallerKind::Role => "roles",
        _ => return text.to_owned(),
    };
    let account = caller.account.unwrap();
    let path = caller.text.split_once('/').unwrap().1;
    let (path, name) = path
        .rsplit_once('/')
        .map_or(("/".to_owned(), path), |(path, name)| (format!("/{path}/"), name));
    // Names are of the partition of the Region.
    let region = match caller.partition() {
        "aws-cn" if !text.contains("\nregion:") => "region: cn-north-1\n",
        _ => "",
    };
    format!(
        "{region}{text}  \"{account}\":\n    {kind}: {{ \"{name}\": {{ path: \"{path}\", policies: [{{ allow: \"kms:*\" }}] }} }}\n"
    )
}

/// What the rows of outsiders say, action by action; that their witnesses hold is checked.
pub(crate) fn outsiders(text: &str) -> BTreeMap<(String, &'static str), &'static str> {
    let told = inventory(text);
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let mut found = BTreeMap::new();
    for (row, known) in matrix.rows().iter().enumerate().filter(|(_, row)| !row.is_listed()) {
        for (key, pair) in matrix.row(row, ActionSet::ALL, false) {
            for (actions, answer) in &pair.cells {
                let verdict = match answer.verdict {
                    Standing::Always => "always",
                    Standing::Conditional => "conditional",
                    Standing::Never => continue,
                    Standing::Unknown { .. } => "unknown",
                };
                for action in actions.iter() {
                    let proof = |context: &Option<_>, expected: bool| {
                        let Some(context) = context else { return };
                        let request = matrix.request(row, key, action, context).unwrap();
                        let truth = inventory(&with_caller(text, &request));
                        let decision = Reference::new(&truth).evaluate(&request);
                        assert_eq!(decision.is_allowed(), expected, "{text}\n{request:?}");
                    };
                    if verdict != "unknown" {
                        assert!(answer.witness.is_some(), "{text}\n{}: {answer:?}", known.name);
                        proof(&answer.witness, true);
                        proof(&answer.counter, false);
                    }
                    found.insert((known.name.to_string(), name(action)), verdict);
                }
            }
        }
    }
    found
}

fn name(action: KmsAction) -> &'static str {
    action.info().name
}

/// Checks what outsiders can do: `row action verdict`, line by line.
#[track_caller]
pub(crate) fn check(text: &str, expected: &[&str]) {
    let found = outsiders(text);
    let found: Vec<String> =
        found.iter().map(|((row, action), verdict)| format!("{row} {action} {verdict}")).collect();
    assert_eq!(found, expected, "{text}");
}

/// The other account.
pub(crate) const PARTNER: &str = "444455556666";

/// An Allow, or where `effect` says so a Deny, of one action for `to`, with a condition where there is one.
pub(crate) fn statement(effect: &str, action: &str, to: &str, condition: &str) -> String {
    let condition = match condition {
        "" => String::new(),
        condition => format!(", when: {{ {condition} }}"),
    };
    format!("            - {{ {effect}: \"kms:{action}\", to: \"{to}\"{condition} }}\n")
}

/// What outsiders can do with a key of these statements.
#[track_caller]
pub(crate) fn check_statements(statements: &[(&str, &str, &str, &str)], expected: &[&str]) {
    let statements: String = statements
        .iter()
        .map(|(effect, action, to, condition)| statement(effect, action, to, condition))
        .collect();
    check(&world("us-west-2", &statements), expected);
}
