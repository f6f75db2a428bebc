//! keyreach
#![allow(missing_docs, reason = "tmp")]
pub mod aws;
pub mod decision;
pub mod diag;
pub mod eval;
pub mod findings;
pub mod ingest;
pub mod inventory;
pub mod policy;
pub mod rules;
pub mod source;
pub mod syntax;
