//! keyreach
#![allow(missing_docs, reason = "tmp")]
pub mod aws;
pub mod decision;
pub mod ingest;
pub mod inventory;
pub mod policy;
pub mod source;
pub mod syntax;
