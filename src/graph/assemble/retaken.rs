//! Sessions that are made again, with other tags (rule T7).

use std::collections::BTreeMap;

use crate::decision::{Caller, Context, Entry};

use super::super::moves::Move;
use super::super::plan::{Doing, Plan, Step};
use super::way::{AllNeeds, said_of_session};
use super::{Assembler, End, tags_of};

/// How many more sessions a plan may take.
const MORE: usize = 4;

impl Assembler<'_, '_> {
    /// The same plan where a session is made once more, with other tags, before each step that wants another
    /// value of one than an earlier step; nothing where none does.
    pub(in crate::graph) fn retaking(&self, end: End, plan: &Plan) -> Option<Plan> {
        let mut retaking = plan.clone();
        for _ in 0..MORE {
            match self.other_session(end, &retaking) {
                Some((nth, taking)) => retaking.steps.insert(nth, taking),
                None => break,
            }
        }
        (retaking != *plan).then_some(retaking)
    }

    /// The first step, or the goal, that wants another session than one before, and the call that makes it.
    fn other_session(&self, end: End, plan: &Plan) -> Option<(usize, Step)> {
        let path = self.path_with(end, plan, AllNeeds::new(), false).ok()?;
        let contexts = path.hops.iter().map(|hop| (&hop.caller, &hop.context));
        let contexts = contexts.chain([(&path.goal_as, &path.context)]);
        let mut wanted: BTreeMap<&str, Context> = BTreeMap::new();
        for (nth, (caller, context)) in contexts.enumerate() {
            if let Some(role) = self.session_of(caller, &path) {
                let of_session = wanted.entry(role).or_default();
                let said = claims(caller, context);
                let is_other = |entry: &Entry| {
                    of_session.get(&entry.name).is_some_and(|known| known.value != entry.value)
                };
                if said.entries().any(is_other) {
                    let before = plan.steps.get(..nth).unwrap_or_default();
                    let taking = before.iter().rfind(|step| self.taken(step) == Some(role));
                    return taking.map(|taking| (nth, taking.clone()));
                }
                of_session.lay_over(&said);
            }
            if let Some(taken) = plan.steps.get(nth).and_then(|step| self.taken(step)) {
                wanted.remove(taken);
            }
        }
        None
    }

    /// The role, or the federated user, of whom a call makes a session.
    pub(super) fn taken(&self, step: &Step) -> Option<&str> {
        let at = match &step.what {
            Doing::Move(
                Move::Assume(at)
                | Move::AssumeTagged(at)
                | Move::FederationToken(at)
                | Move::FederationTagged(at),
            ) => *at,
            _ => return None,
        };
        self.cast.arn(self.cast.role_of(at).unwrap_or(at))
    }
}

/// What the context of a request says of its session.
fn claims(caller: &Caller, context: &Context) -> Context {
    let mut claims = said_of_session(caller, context);
    for (tag, value) in tags_of(context).iter() {
        claims.set_one(&format!("aws:PrincipalTag/{tag}"), value);
    }
    claims
}
