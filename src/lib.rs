//! keyreach
#![allow(missing_docs, reason = "tmp")]
pub mod audit;
pub mod aws;
pub mod cli;
pub mod decision;
pub mod diag;
pub mod eval;
pub mod findings;
pub mod ingest;
pub mod inventory;
pub mod policy;
pub mod report;
pub mod rules;
pub mod source;
pub mod syntax;
