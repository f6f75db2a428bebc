//! The words of an answer: a request and its context, a decision with its trace, a verdict with its
//! bounds, and [`Reach`], the one trait through which rules ask. No engine lives here.

mod agree;
mod answer;
mod assumable;
mod assumptions;
mod context;
mod control;
mod facts;
mod holders;
mod instant;
mod likeness;
mod met;
mod possible;
mod reach;
mod request;
mod tags;
mod trace;

pub use agree::agree;
pub use answer::{CellAnswer, Condition, Pair, Standing, Words};
pub use assumable::are_assumable;
pub use assumptions::Assumptions;
pub use context::{Context, ContextValue, Entry};
pub use control::ControlRequest;
pub use facts::{Callers, FACTS, Fact, Is, LONGEST_SESSION, Test};
pub use holders::{Crowd, Denials, Fates, Gift, Holders, Holding, Meant, Members};
pub(crate) use instant::{w3c, whole_second};
pub use likeness::{
    Facet, Likened, PRINCIPAL_TAG, RESOURCE_TAG, TARGET_TAGS, Thing, has_variables, likened,
    tag_in, tags_in,
};
pub use possible::{
    Sent, Surroundings, companions, completed, is_always_sent, is_possible, is_possible_by, linked,
};
pub use reach::{Allowing, Bound, Cell, Chance, Fate, Reach, Unknown, Verdict, Why};
pub use request::{Caller, CallerKind, Request, Target};
pub use trace::{
    Citation, Cited, Decision, Gate, OpenPoint, Outcome, Path, Reading, Readings, Reason, Step,
};
