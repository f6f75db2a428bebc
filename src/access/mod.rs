//! The matrix engine: every principal, key and action at once, decided exactly.
//!
//! It shares parsed policies, the inventory and the words of an answer with the reference evaluator, and
//! nothing else: no matcher, no operator, no choice of which policies take part.

#![allow(dead_code, reason = "the compiler of policies, which calls the solver, comes next")]

mod automaton;
mod axioms;
mod bits;
mod cache;
mod caller;
mod compare;
mod domain;
mod elements;
mod formula;
mod frame;
mod glob;
mod interner;
mod nice;
mod owner;
mod pairs;
mod problem;
mod range;
mod readable;
mod search;
mod solve;
mod test;
#[cfg(test)]
mod tests;
mod ties;
mod values;
mod words;
