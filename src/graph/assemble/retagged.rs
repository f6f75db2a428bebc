//! Users and roles that are given the tags back that a way takes from them (rule T34).

use super::super::cast::Ix;
use super::super::moves::Move;
use super::super::plan::{Doing, Plan, Step};
use super::super::tagging::Tag;
use super::{Assembler, End};

impl Assembler<'_, '_> {
    /// The same plan where whoever gets other tags by one step has its own again before a later one, or in the end:
    /// those of them that lead there, whatever the limits.
    pub(in crate::graph) fn retagging(&self, end: End, plan: &Plan) -> Vec<Plan> {
        let steps = plan.steps.iter().enumerate();
        let each = steps.flat_map(|(nth, step)| {
            let back = self.back(step);
            let places = if back.is_empty() { 0..0 } else { nth + 2..plan.steps.len() + 1 };
            places.map(move |at| {
                let mut steps = plan.steps.clone();
                steps.splice(at..at, back.iter().cloned());
                Plan { steps, ..plan.clone() }
            })
        });
        each.filter(|plan| self.executed(end, plan).is_ok()).collect()
    }

    /// The calls that undo a change of tags.
    fn back(&self, step: &Step) -> Vec<Step> {
        let (at, names): (Ix, Vec<&str>) = match &step.what {
            Doing::Move(Move::Tag(at, set)) => (*at, set.iter().map(|(name, _)| &**name).collect()),
            Doing::Move(Move::Untag(at, names)) => {
                (*at, names.iter().map(|name| &**name).collect())
            }
            _ => return Vec::new(),
        };
        let own = |name: &str| self.cast.identity(at)?.tags.get(name).cloned();
        let had = names.iter().filter_map(|name| Some((Box::from(*name), own(name)?)));
        let had: Box<[Tag]> = had.collect();
        let lacked = names.iter().filter(|name| own(name).is_none());
        let lacked: Box<[Box<str>]> = lacked.map(|name| Box::from(*name)).collect();
        let tag = (!had.is_empty()).then_some(Move::Tag(at, had));
        let untag = (!lacked.is_empty()).then_some(Move::Untag(at, lacked));
        let calls = tag.into_iter().chain(untag);
        calls.map(|what| Step { by: step.by, what: Doing::Move(what) }).collect()
    }
}
