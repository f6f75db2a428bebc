//! The matrix and the paths, proven: every class of cells replayed against the reference encryptor, which
//! really encrypts, and every path walked until its ciphertext opens.
//!
//! What is claimed and what is true are two arguments: they are the matrix of a world and that world, and
//! a test hands in another matrix to see it caught.

mod classes;
mod paths;
mod proof;
mod scene;
mod trip;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;

use crate::access::{Access, Matrix};
use crate::aws::KmsAction;
use crate::decision::{CellAnswer, Request};
use crate::encryptor::KmsError;
use crate::graph::{Graph, Supposed, Wanted};
use crate::inventory::Inventory;

use classes::Classes;
use proof::Prover;
use scene::Scene;

/// What is to be proven.
pub struct Claim<'c> {
    /// The world as it is.
    pub truth: &'c Inventory,
    /// The engine whose matrix is put to the test.
    pub access: &'c Access<'c>,
    /// When requests happen.
    pub now: Timestamp,
    /// Changes what the matrix says of a cell, or nothing: how a test sees that a wrong verdict is caught.
    pub alter: &'c Alter<'c>,
}

/// See [`Claim::alter`]: of the row's name, the key's ARN or `*`, the action, and the answer.
pub type Alter<'c> = dyn Fn(&str, &str, KmsAction, &CellAnswer) -> Option<CellAnswer> + Sync + 'c;

/// How much of it is proven.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The most pairs, and the most paths, that are tried; all of them where nothing is said.
    pub sample: Option<usize>,
    /// Chooses members of classes, samples and contexts.
    pub seed: u64,
}

/// What came out.
#[derive(Clone, Default, Debug)]
pub struct Verified {
    /// What contradicts the matrix or the graph; sorted.
    pub mismatches: Vec<Mismatch>,
    /// What was done.
    pub counts: Tried,
    /// The classes that there are, each of pairs of a principal and a key with the same answers.
    pub classes: usize,
    /// The pairs that were tried: some of each class, all of a small world.
    pub tried_pairs: usize,
    /// Pairs of a principal and a key, or of a principal and `*`.
    pub pairs: u64,
    /// The paths.
    pub paths: PathsTried,
}

/// Something that does not hold.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Who.
    pub principal: String,
    /// The key's ARN, or `*`.
    pub key: String,
    /// `kms:Decrypt`, ...
    pub action: String,
    /// What was claimed.
    pub claimed: String,
    /// What happened.
    pub found: String,
    /// The request that shows it.
    pub request: Option<Request>,
}

impl Mismatch {
    fn told(&self) -> [&str; 5] {
        [&self.principal, &self.key, &self.action, &self.claimed, &self.found]
    }
}

/// How often what was tried, in the pairs that were.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Tried {
    /// Cells that are `always`.
    pub always: u64,
    /// Cells that are `conditional`.
    pub conditional: u64,
    /// Cells that are `never`.
    pub never: u64,
    /// Cells that are `unknown`, which prove nothing.
    pub unknown: u64,
    /// Witnesses that were real round trips: what was encrypted opened, what was signed verified.
    pub round_trips: u64,
    /// Witnesses of actions without cryptography: the permission was given.
    pub permitted: u64,
    /// Witnesses whose permission was given and whose cryptography was not to be had, by why.
    pub without_cryptography: BTreeMap<String, u64>,
    /// Counter-witnesses that were refused; where a gate is stated, by that one, whichever others refuse them as
    /// well: conditional cells state none.
    pub refused: u64,
    /// Counter-witnesses that were refused by another gate before the stated one was asked, by both: that this
    /// one refuses them as well is not proven. A stated gate that was asked and lets them pass is a mismatch.
    pub refused_first: BTreeMap<String, u64>,
    /// Other requests that cells stood, spread over all that are worth a try: conditional ones by their
    /// condition.
    pub contexts: u64,
    /// The same of requests that were drawn at random.
    pub drawn: u64,
    /// Cells that prove nothing, by why.
    pub unproven: BTreeMap<String, u64>,
}

/// The paths that were walked.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct PathsTried {
    /// Paths that the graph has.
    pub found: usize,
    /// Paths that were walked.
    pub tried: usize,
    /// Paths at whose end a ciphertext opened, a signature was made, a MAC or a secret.
    pub proven: usize,
    /// Paths among them with a step whose effect lies outside KMS, IAM and STS.
    pub modelled: usize,
    /// Paths at whose end the permission was given and whose cryptography was not to be had.
    pub without_cryptography: usize,
    /// Ways that hang on what is not known, and prove nothing.
    pub unknown: usize,
}

impl AddAssign for Tried {
    fn add_assign(&mut self, other: Self) {
        self.always += other.always;
        self.conditional += other.conditional;
        self.never += other.never;
        self.unknown += other.unknown;
        self.round_trips += other.round_trips;
        self.permitted += other.permitted;
        self.refused += other.refused;
        self.contexts += other.contexts;
        self.drawn += other.drawn;
        let add = |to: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            for (why, count) in from {
                *to.entry(why).or_default() += count;
            }
        };
        add(&mut self.without_cryptography, other.without_cryptography);
        add(&mut self.refused_first, other.refused_first);
        add(&mut self.unproven, other.unproven);
    }
}

/// Proves what is claimed. `progress` hears how much of how much is done, from any thread.
///
/// # Errors
/// The system has no randomness.
pub fn verify(
    claim: &Claim<'_>,
    options: &VerifyOptions,
    progress: &(dyn Fn(&str, usize, usize) + Sync),
) -> Result<Verified, KmsError> {
    let matrix = Matrix::new(claim.access);
    let scene = Scene::new(claim.truth, claim.now)?;
    let classes = Classes::of(&matrix, options.seed);
    let tried = classes.sample(options.sample);
    let prover = Prover { claim, matrix: &matrix, scene: &scene, seed: options.seed };
    let done = AtomicUsize::new(0);
    let proofs: Vec<(Tried, Vec<Mismatch>)> = tried
        .par_iter()
        .map(|member| {
            let proof = prover.prove(member);
            progress("pairs", done.fetch_add(1, Ordering::Relaxed) + 1, tried.len());
            proof
        })
        .collect();
    let mut verified = Verified {
        classes: classes.count,
        tried_pairs: tried.len(),
        pairs: classes.pairs,
        ..Verified::default()
    };
    let mut mismatches: Vec<Mismatch> = Vec::new();
    for (counts, found) in proofs {
        verified.counts += counts;
        mismatches.extend(found);
    }
    progress("looking for paths", 0, 0);
    let found = Graph::new(claim.access)
        .paths(&Wanted { supposed: Supposed::Counted, ..Wanted::default() });
    let found = (&found, claim.access.inventory());
    let (paths, broken) = paths::walk(found, &scene, options, progress);
    verified.paths = paths;
    mismatches.extend(broken);
    mismatches.sort_by(|one, other| one.told().cmp(&other.told()));
    verified.mismatches = mismatches;
    Ok(verified)
}

/// A number that depends on all of `parts`, the same on every machine.
fn mixed(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |hash, part| {
        let hash = (hash ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ hash >> 29).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ hash >> 32
    })
}

/// Who asked for what, for a mismatch.
fn told(request: &Request, claimed: &str, found: String) -> Mismatch {
    Mismatch {
        principal: request.caller.text.to_string(),
        key: request.target.to_string(),
        action: request.action.as_str().to_owned(),
        claimed: claimed.to_owned(),
        found,
        request: None,
    }
}
