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
use keyreach::aws::KmsAction;
use keyreach::decision::{CellAnswer, Request, Standing, completed};
use keyreach::eval::reference::Reference;
use keyreach::inventory::Inventory;
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
    for_each_seed("every_cell_of_random_matrices_is_told_as_the_reference_tells_it", |seed| {
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
