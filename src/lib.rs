//! keyreach audits access to AWS KMS keys, offline: it reads key policies, IAM policies, group memberships,
//! grants, permissions boundaries and organization policies, as they were exported or as infrastructure code
//! declares them, and answers who can do what with which key, why, and what is wrong with it.
//!
//! # The house
//!
//! Modules stand on floors. One may know only the floors below it; a test holds them to it.
//!
//! | floor | module | what it is |
//! | --- | --- | --- |
//! | 0 | [`source`] | texts, spans, decoded texts and their places in files; bytes by path |
//! | 0 | `kept` | values kept once and shared by all threads |
//! | 0 | [`diag`] | diagnostics for people; the one place that knows miette |
//! | 1 | [`aws`] | the words of the field: ARNs, accounts, the tables of actions, condition keys, key specs and states |
//! | 1 | [`syntax`] | bytes to one located tree: JSON, YAML; never fails |
//! | 2 | [`policy`] | documents, statements, elements, conditions; matches nothing |
//! | 3 | [`inventory`] | the world: accounts, principals, keys, grants, the organization; what is missing; edits |
//! | 4 | [`decision`] | request, decision with its trace, verdict with its bounds, the trait [`decision::Reach`] |
//! | 5 | [`ingest`] | files to an inventory, one file for each kind of document |
//! | 5 | [`eval`] | the reference evaluator, and the probe, which answers `Reach` by trying |
//! | 5 | [`access`] | the matrix engine: statements compiled once, conditions solved, classes |
//! | 6 | [`graph`] | the principal-key graph: nodes, edges, paths, and their execution |
//! | 7 | `encryptor` | the reference encryptor: AWS KMS in process, with real cryptography, and its state directory; feature `serve` |
//! | 7 | [`findings`] | a finding, its fingerprint, and merging |
//! | 8 | [`rules`] | one file and one page a rule |
//! | 9 | [`audit`] | the questions as functions |
//! | 9 | [`report`] | answers as bytes, one file for each format |
//! | 9 | [`config`] | `keyreach.yaml` and the baseline, every fault at its place |
//! | 10 | `serve` | the KMS endpoint: HTTP, signatures, credentials, STS and IAM; feature `serve` |
//! | 11 | [`cli`] | typed arguments to options; exit codes |
//!
//! bytes → located trees → policies and inventory → matrix engine and reference evaluator → graph → rules →
//! findings → report. Input never panics, and one bad file never hides the rest.
//!
//! # Where to add what
//!
//! - An input format: a file in `ingest` that turns documents into facts, and a line in its detection. Code
//!   whose files refer to each other is kept as a fact and evaluated behind the reading (`ingest::terraform`);
//!   what it leaves open has a symbol (`ingest::symbols`, `ingest::homes`).
//! - A rule: `rules/<slug>.md`, `src/rules/<slug>.rs`, fixtures in `testdata/rules/<slug>/`, and a line in
//!   the table of `src/rules/mod.rs`. Its page says which input it is weaker without; a test compares.
//! - A step of the evaluation: in both engines, each for itself. `eval::reference`, with its rule number,
//!   and a case in `testdata/worked-cases/`; `access`, in `ways` where it weighs both sides, in `home` or
//!   `owner` where it is of one. The random worlds of `tests/matrix_properties.rs` hold them together.
//! - A fact about what AWS sends together: a row of `decision::FACTS`, with its rule; where it ties the values
//!   of keys, `decision::agree`, and a variable of theirs in `access::domain`; what is but refused as an
//!   assumption, `decision::are_assumable`.
//! - A step on the way to a key: a variant of `graph::Call` (what it needs, changes and gives), a move in
//!   `graph::moves` or `graph::key_moves` that says for whom it is open, and what a plan calls for it in
//!   `graph::assemble::calls`; cases in `tests/path_execution.rs` where it takes another identity on, in
//!   `tests/path_changes.rs` where it changes something.
//! - An operation of KMS: a function in its family's file in `encryptor::operations`, and a line in the table
//!   there; tests in `tests/encryptor`.
//! - A fix: `rules::fixing` makes it a part of the finding; `audit::fixing` turns it into bytes, and finds out
//!   whether it changes access.
//! - An output format: a file in `report`.
//!
//! The rule numbers in these docs (A1, C10, E20, ...) are those of the semantics that
//! `testdata/rules-of-the-semantics.txt` lists.

pub mod access;
pub mod audit;
pub mod aws;
pub mod cli;
pub mod config;
pub mod decision;
pub mod diag;
#[cfg(feature = "serve")]
pub mod encryptor;
pub mod eval;
pub mod findings;
pub mod graph;
pub mod ingest;
pub mod inventory;
mod kept;
pub mod policy;
pub mod report;
pub mod rules;
#[cfg(feature = "serve")]
pub mod serve;
pub mod source;
pub mod syntax;
