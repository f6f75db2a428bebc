//! Words of the field: names that AWS gives, and the tables of what AWS documents. Rows, no code
//! that decides.
//!
//! The tables are data files beside this module, embedded and read once, on first use; each says where
//! its rows come from and [`tables_date`] when they were compiled. A name that a table lacks is newer
//! than the table or misspelt: [`suggest::nearest`] finds what was meant. Nothing here knows
//! policies, who has access, or where a text was read from.

mod account;
mod action;
mod action_info;
mod action_set;
mod any_action;
mod arn;
pub mod condition_keys;
mod control;
mod control_info;
mod identity;
mod key_spec;
mod key_state;
mod kms_arn;
pub mod managed;
pub mod pattern;
pub mod region;
mod rows;
mod set;
pub mod suggest;
mod tables;
mod words;

pub use account::AccountId;
pub use action::KmsAction;
pub use action_info::{ActionInfo, Category};
pub use action_set::{ActionSet, ControlSet};
pub use any_action::Action;
pub use arn::Arn;
pub use condition_keys::{
    ConditionKeyInfo, Nature, ValueType, carried, carrying, carrying_control, condition_key,
};
pub use control::ControlAction;
pub use control_info::ControlActionInfo;
pub use identity::{Identity, identity, is_service};
pub use key_spec::{
    KeyOrigin, KeySpec, KeySpecInfo, KeyUsage, can_perform, grant_operations, key_spec,
    operations_for,
};
pub use key_state::{Exception, Footnote, FootnoteInfo, KeyState, StateAnswer, state_allows};
pub use kms_arn::{AliasArn, KeyArn};
pub use tables::tables_date;
