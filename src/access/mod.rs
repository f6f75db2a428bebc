//! The matrix engine: every principal, key and action at once, decided exactly.
//!
//! It shares parsed policies, the inventory and the words of an answer with the reference evaluator, and
//! nothing else: no matcher, no operator, no choice of which policies take part.
#![allow(dead_code)]

mod asked;
mod compare;
mod entry;
mod formula;
mod frame;
mod gaps;
mod glob;
mod grants;
mod home;
mod interner;
mod library;
mod masked;
mod owner;
mod question;
mod statement;
mod subject;
mod test;
mod values;
