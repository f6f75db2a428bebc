//! keyreach
#![allow(missing_docs, reason = "tmp")]
pub mod aws;
pub mod source;
pub mod syntax;
// policy
