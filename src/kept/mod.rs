//! What is kept once and shared by all threads: values by number, and values by what they were made for.

mod interner;
mod memo;

pub(crate) use interner::Interner;
pub(crate) use memo::Memo;
