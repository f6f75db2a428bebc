//! The policy language: documents, statements and their elements, with every place kept. Matches nothing.
//!
//! [`lower()`] turns a located tree into a [`Policy`] and never fails: what is wrong with it becomes
//! [`Fault`]s, and each statement says with its [`Standing`] what is left of it (rules A1 to A24).
//! A [`PolicyDocument`] keeps a policy's text and lowers it when it is first asked for.

mod concern;
mod condition;
mod document;
mod lower;
mod normal;
mod pattern;
mod principal;
mod shared;
mod statement;
mod written;

pub use crate::syntax::Unresolved;
pub use condition::{Comparison, Condition, Operator, Quantifier};
pub use document::{PolicyDocument, PolicyKind, Reading};
pub use lower::lower;
pub(crate) use lower::too_long;
pub use pattern::{Part, Variables, parts};
pub use principal::{AtMost, Principal, PrincipalElement, UnresolvedPrincipal};
pub use shared::SharedPolicies;
pub use statement::{
    Alternative, Effect, Element, Fault, Gravity, Polarity, Policy, Standing, Statement, Value,
    Version,
};
