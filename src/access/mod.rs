//! The matrix engine: every principal, key and action at once, decided exactly.
//!
//! It shares parsed policies, the inventory and the words of an answer with the reference evaluator, and
//! nothing else: no matcher, no operator, no choice of which policies take part.

mod caller;
mod compare;
mod formula;
mod frame;
mod glob;
mod interner;
mod owner;
mod test;
#[cfg(test)]
mod tests;
mod values;
