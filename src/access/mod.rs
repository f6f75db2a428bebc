//! The matrix engine: every principal, key and action at once, decided exactly.
//!
//! It shares parsed policies, the inventory and the words of an answer with the reference evaluator, and
//! nothing else: no matcher, no operator, no choice of which policies take part.

mod caller;
mod formula;
mod frame;
mod interner;
mod owner;
mod test;
