//! The matrix for people, for spreadsheets and for programs.
//!
//! What is read by people is told by classes: principals that can do the same are one block. What is
//! read by programs is written while it is expanded, cell by cell, in order.

mod about;
mod blocks;
mod csv;
mod further;
mod human;
mod json;
mod lines;
mod markdown;
mod stream;
pub(super) mod words;

use crate::audit::Further;
use crate::audit::matrix::{About, View};

pub use about::{evidence, summary};
pub use csv::write as csv;
pub use human::write as human;
pub use json::write as json;
pub use lines::write as lines;
pub use markdown::write as markdown;

/// Everything a table is made of.
pub struct MatrixReport<'a> {
    /// The part of the matrix that is shown.
    pub view: &'a View<'a>,
    /// What it stands on.
    pub about: &'a About,
    /// What comes first.
    pub group_by: GroupBy,
    /// Whether single actions are shown in place of capabilities.
    pub actions: bool,
    /// Who could get further, where that was asked for.
    pub further: Option<&'a Further>,
}

/// By what a table is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupBy {
    /// Each principal with its keys.
    Principal,
    /// Each key with its principals.
    Key,
    /// Each account with the principals that reach its keys.
    Account,
}
