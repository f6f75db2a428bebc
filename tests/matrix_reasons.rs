//! The matrix solves alike cells once, and still tells of each what the reference says of it: whether its
//! witness is allowed, and why it is never. Tried on whole matrices of random worlds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use keyreach::access::{Access, Matrix};
use keyreach::aws::{ActionSet, KmsAction};
use keyreach::decision::{CellAnswer, Request, Standing, completed};
use keyreach::eval::reference::Reference;
use keyreach::ingest::scenario::load_tree;
use keyreach::inventory::Inventory;
use keyreach::source::FileId;
use keyreach::syntax::yaml;
use rayon::prelude::*;
use support::matrix::net::{inventory, surroundings};
use support::matrix::now;
use support::seeds::{Random, for_each_seed};
use support::worlds::World;

const WORLDS: u64 = 60;

/// What is wrong with a cell; nothing where all is as the reference says.
fn fault(truth: &Inventory, request: &Request, answer: &CellAnswer) -> Option<String> {
    let decision = Reference::new(truth).evaluate(request);
    let reason = decision.outcome.reason();
    let agrees = match answer.verdict {
        Standing::Never => answer.reason == reason,
        _ => decision.is_allowed(),
    };
    (!agrees).then(|| format!("{:?} {:?}, and {reason:?}", answer.reason, answer.denied_by))
}

/// The requests that prove a cell: of one that is always or conditional the witness, of one that is never
/// the counter-witness.
fn proof(
    matrix: &Matrix<'_>,
    (row, key, action): (usize, Option<usize>, KmsAction),
    answer: &CellAnswer,
) -> Option<Request> {
    let context = match answer.verdict {
        Standing::Never => answer.counter.as_ref(),
        Standing::Always | Standing::Conditional => answer.witness.as_ref(),
        Standing::Unknown { .. } => None,
    };
    matrix.request(row, key, action, context?)
}

#[test]
fn every_cell_of_random_matrices_is_told_as_the_reference_tells_it() {
    let test = "every_cell_of_random_matrices_is_told_as_the_reference_tells_it";
    for_each_seed(test, "reasons", |seed| {
        let tried = (0..WORLDS).into_par_iter().map(|number| {
            let world = World::random(&mut Random::new(seed, number));
            let truth = inventory(&world);
            let access = Access::new(&truth, now());
            let matrix = Matrix::new(&access);
            let mut tried = [0_usize; 2];
            for row in (0..matrix.rows().len()).filter(|row| matrix.is_listed(*row)) {
                for key in (0..matrix.keys().len()).map(Some).chain([None]) {
                    for (actions, answer) in &matrix.pair(row, key).cells {
                        for action in actions.iter() {
                            let Some(request) = proof(&matrix, (row, key, action), answer) else {
                                continue;
                            };
                            tried[usize::from(answer.verdict == Standing::Never)] += 1;
                            // As it is told, and with all that AWS sends besides.
                            let whole = completed(request.clone(), &surroundings(&truth, &request));
                            for request in [request, whole] {
                                if let Some(fault) = fault(&truth, &request, answer) {
                                    panic!("world {number}, {request:?}: {fault}");
                                }
                            }
                        }
                    }
                }
            }
            tried
        });
        let tried = tried.reduce(|| [0; 2], |one, other| [one[0] + other[0], one[1] + other[1]]);
        println!("allowed and refused: {tried:?}");
        assert!(tried.iter().all(|count| *count > 5000), "{tried:?}");
    });
}

/// Roles whose boundaries leave them nothing: meant by the key policy, by a grant, and by nobody.
const FENCED: &str = "
keyreach: scenario/1
accounts:
  \"111122223333\":
    policies: { fence: [{ allow: s3:* }] }
    users:
      ann: {}
    roles:
      app: { boundary: fence, trust: [account] }
      web: { boundary: fence, trust: [account] }
      job: { boundary: fence, trust: [account], policies: [{ allow: kms:* }] }
    keys:
      k:
        policy: [{ allow: kms:*, to: account }, { allow: kms:Decrypt, to: role/app }]
        grants: [{ to: user/ann, operations: [Encrypt, RetireGrant] }]
";

#[test]
fn e20_the_gate_that_lacks_an_allow_is_the_one_of_the_way_that_came_furthest() {
    let (documents, _) = yaml::parse(FENCED);
    let scenario = load_tree(&documents[0].root, FileId(0));
    assert_eq!(scenario.problems, []);
    let truth = scenario.inventory;
    let access = Access::new(&truth, now());
    let matrix = Matrix::new(&access);
    let reference = Reference::new(&truth);
    let mut told = Vec::new();
    for (row, known) in matrix.rows().iter().enumerate() {
        for (key, pair) in matrix.row(row, ActionSet::ALL, true) {
            for (actions, answer) in &pair.cells {
                let never = actions.iter().filter(|_| answer.verdict == Standing::Never);
                for action in never.filter(|_| key.is_some()) {
                    let request = proof(&matrix, (row, key, action), answer).unwrap();
                    let gate = reference.evaluate(&request).outcome.denied_by();
                    assert_eq!(answer.denied_by, gate, "{} {action}", known.name);
                    told.push((known.name.to_string(), action.name(), gate.unwrap().name()));
                }
            }
        }
    }
    for (name, action, gate) in [
        ("role/app", "Decrypt", "permissions-boundary"),
        ("role/app", "Encrypt", "identity-policy"),
        ("role/web", "Decrypt", "identity-policy"),
        ("role/job", "Decrypt", "permissions-boundary"),
        ("role/web", "RetireGrant", "key-policy"),
    ] {
        let found = told.iter().find(|(who, what, _)| who.ends_with(name) && *what == action);
        assert_eq!(found.map(|(_, _, gate)| *gate), Some(gate), "{name} {action}");
    }
}
