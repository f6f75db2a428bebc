//! What holds of every request that agrees with the one asked about.

use jiff::Timestamp;

use crate::access::Access;
use crate::decision::{CellAnswer, Context, Gate, Request};
use crate::eval::reference::Reference;
use crate::inventory::Inventory;

/// The verdict over all requests that AWS could send and that agree with the context of one; exact.
#[derive(Clone, Debug)]
pub struct Overall {
    /// The verdict, its condition and its reasons.
    pub answer: CellAnswer,
    /// One that is allowed; the reference confirms it.
    pub witness: Option<Request>,
    /// One that is denied, and the gate that denies it; the reference confirms it.
    pub counter: Option<(Request, Gate)>,
}

impl Overall {
    /// Asks the matrix, and the reference for the gate. Requests happen from `now` on.
    pub(super) fn of(world: &Inventory, request: &Request, now: Timestamp) -> Self {
        let answer = Access::new(world, now).answer_of(request);
        let reference = Reference::new(world);
        let gate = |other: &Request| reference.evaluate(other).outcome.denied_by();
        let other = |context: &Option<Context>| Some(within(request, context.as_ref()?));
        Self {
            witness: other(&answer.witness).filter(|other| gate(other).is_none()),
            counter: other(&answer.counter)
                .and_then(|other| gate(&other).map(|gate| (other, gate))),
            answer,
        }
    }

    /// A request that has the opposite answer.
    pub(super) fn opposite(&self, allowed: bool) -> Option<Request> {
        let counter = || Some(self.counter.as_ref()?.0.clone());
        if allowed { counter() } else { self.witness.clone() }
    }
}

/// The request in a context; what was asked about stays.
fn within(request: &Request, context: &Context) -> Request {
    let mut whole = context.clone();
    whole.lay_over(&request.context);
    Request { context: whole, ..request.clone() }
}
