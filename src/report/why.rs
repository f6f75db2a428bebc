//! The story of one answer.

mod human;
mod json;
mod words;

pub use human::human;
pub use json::json;
pub(in crate::report) use words::question;
