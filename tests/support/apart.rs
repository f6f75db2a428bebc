//! Worlds of one key, and what the rows of those outside the export say of `kms:Decrypt`: what each proves is held
//! against the reference evaluator.

use std::sync::Arc;

use keyreach::access::{Access, Matrix};
use keyreach::aws::{ActionSet, KmsAction};
use keyreach::decision::{Bound, CallerKind, CellAnswer, Request};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load_tree;
use keyreach::inventory::Inventory;
use keyreach::source::FileId;
use keyreach::syntax::yaml;

use crate::support::matrix::now;

/// An account outside the export.
pub(crate) const PARTNER: &str = "444455556666";

const ORGANIZATION: &str = "organization: { id: o-own, management: \"999999999999\", accounts: [\"999999999999\", \"111122223333\"] }\n";

/// A world of one key with these statements, its account in an organization.
pub(crate) fn world(statements: &[String]) -> String {
    let statements: String =
        statements.iter().map(|it| format!("          - {{ {it} }}\n")).collect();
    format!(
        "keyreach: scenario/1\n{ORGANIZATION}accounts:\n  \"111122223333\":\n    users: {{ bob: {{}} }}\n    keys:\n      \
         k:\n        policy:\n          - {{ allow: \"kms:Put*\", to: account }}\n{statements}"
    )
}

/// The world of a text.
pub(crate) fn inventory(text: &str) -> Inventory {
    let (documents, problems) = yaml::parse(text);
    assert_eq!(problems, [], "{text}");
    let scenario = load_tree(&documents[0].root, FileId(0));
    assert_eq!(scenario.problems, [], "{text}");
    scenario.inventory
}

/// The same with who asks in the export, where its account lets it do everything.
fn with_caller(text: &str, request: &Request) -> String {
    let caller = &request.caller;
    let name = caller.text.rsplit('/').next().unwrap();
    let (kind, name) = match &caller.kind {
        CallerKind::User | CallerKind::FederatedUser { .. } => ("users", name),
        CallerKind::Role => ("roles", name),
        CallerKind::AssumedRole { role, .. } => ("roles", &**role),
        _ => return text.to_owned(),
    };
    let account = caller.account.unwrap();
    format!(
        "{text}  \"{account}\":\n    {kind}: {{ \"{name}\": {{ policies: [{{ allow: \"kms:*\" }}] }} }}\n"
    )
}

/// What the rows of outsiders say of `kms:Decrypt`, by row: those that are told with `all`.
pub(crate) fn decrypt(text: &str) -> Vec<(String, Arc<CellAnswer>)> {
    let told = inventory(text);
    let access = Access::new(&told, now());
    let matrix = Matrix::new(&access);
    let mut found = Vec::new();
    for (row, known) in matrix.rows().iter().enumerate().filter(|(_, row)| !row.is_listed()) {
        for (key, pair) in matrix.row(row, ActionSet::of(KmsAction::DECRYPT), true) {
            let answer = pair.cells.iter().find(|(of, _)| of.contains(KmsAction::DECRYPT));
            let Some((_, answer)) = answer else { continue };
            let is_never = answer.verdict.at_most() == Bound::Never;
            if is_never && !matrix.told(row, key).contains(KmsAction::DECRYPT) {
                continue;
            }
            let proofs = [(&answer.witness, true), (&answer.counter, false)];
            for (context, expected) in proofs.into_iter().filter(|_| answer.missing.is_empty()) {
                let Some(context) = context else { continue };
                let request = matrix.request(row, key, KmsAction::DECRYPT, context).unwrap();
                let truth = inventory(&with_caller(text, &request));
                let decision = Reference::new(&truth).evaluate(&request);
                assert_eq!(decision.is_allowed(), expected, "{text}\n{request:?}");
            }
            found.push((known.name.to_string(), Arc::clone(answer)));
        }
    }
    found
}

/// Checks what outsiders can do: `row verdict`, line by line.
#[track_caller]
pub(crate) fn check(statements: &[String], expected: &[&str]) {
    let text = world(statements);
    let found = decrypt(&text);
    let found: Vec<String> =
        found.iter().map(|(row, answer)| format!("{row} {}", answer.verdict.name())).collect();
    assert_eq!(found, expected, "{text}");
}

/// An Allow, or where `effect` says so a Deny, of `kms:Decrypt` for `to`, with a condition where there is one.
pub(crate) fn statement(effect: &str, to: &str, condition: &str) -> String {
    let condition = match condition {
        "" => String::new(),
        condition => format!(", when: {{ {condition} }}"),
    };
    format!("{effect}: kms:Decrypt, to: \"{to}\"{condition}")
}

/// The ARN of somebody of that account.
pub(crate) fn iam(name: &str) -> String {
    format!("arn:aws:iam::{PARTNER}:{name}")
}
