//! Words of the field: names that AWS gives, and the tables of what AWS documents. Rows, no code
//! that decides.
//!
//! Nothing here knows policies, who has access, or where a text was read from.

mod account;
mod arn;
mod identity;
mod kms_arn;
pub mod suggest;

pub use account::AccountId;
pub use arn::Arn;
pub use identity::{Identity, identity};
pub use kms_arn::{AliasArn, KeyArn};
