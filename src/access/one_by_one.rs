//! What the groups are asked, action by action: for callers and keys without a row.

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{Allowing, Caller, Cell, Fates, Holding, Request, Target};

use super::Access;
use super::owner::possible;
use super::solve::Held;

impl Access<'_> {
    /// What a caller holds of `wanted` on a key, action by action: for callers and keys without a row.
    pub fn holding(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> Holding {
        let known = self.inventory.key(key);
        let mut held = Holding::default();
        for action in wanted.intersection(known.map_or(ActionSet::ALL, possible)).iter() {
            let target = Target::Key(key.clone());
            let request = Request::plain(caller.clone(), action, target);
            let posed = self.posed(&request, &self.given);
            let allowed = posed.ways.allowed(&self.core.formulas).at(action);
            let standing = posed.judge.standing(allowed, &posed.frame);
            held.add(action, standing.at_least(), standing.at_most());
        }
        held
    }

    /// For which of `wanted` the key's side means a caller, action by action.
    pub fn opened(&self, caller: &Caller, key: &KeyArn, wanted: ActionSet) -> ActionSet {
        let known = self.inventory.key(key);
        let wanted = wanted.intersection(known.map_or(ActionSet::ALL, possible));
        let is_opened = |action: &KmsAction| {
            let target = Target::Key(key.clone());
            let request = Request::plain(caller.clone(), *action, target);
            let posed = self.posed(&request, &self.given);
            let opened = posed.judge.as_decided(posed.ways.opened.at(*action));
            self.core.solver.holds(opened, &posed.frame) != Held::No
        };
        wanted.iter().filter(is_opened).collect()
    }

    /// What becomes of an Allow statement or a grant for a caller, action by action.
    pub fn fates(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Fates {
        let cell = |action| Cell { principal: caller.clone(), key: key.clone(), action };
        Fates::of_each(wanted, |action| self.fate(&cell(action), allowing))
    }
}
