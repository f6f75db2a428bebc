//! What the groups are asked, action by action: for callers and keys without a row.

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{
    Allowing, Bound, Caller, Cell, Denials, Fate, Fates, Holding, Request, Target,
};

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
            let standing = posed.judge.judged(allowed, &posed.frame).standing;
            let add = |set: &mut ActionSet, holds: bool| {
                *set = if holds { set.union(action.into()) } else { *set };
            };
            add(&mut held.always, standing.at_least() == Bound::Always);
            add(&mut held.sure, standing.at_least() > Bound::Never);
            add(&mut held.possible, standing.at_most() > Bound::Never);
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
        let mut fates = Fates::default();
        for action in wanted.iter() {
            let cell = Cell { principal: caller.clone(), key: key.clone(), action };
            match self.fate(&cell, allowing) {
                Fate::NeverApplies => {}
                Fate::Free(_) => fates.free.insert(action),
                Fate::Denied { .. } => fates.denied.insert(action),
                Fate::Unknown => fates.unknown.insert(action),
            }
        }
        fates
    }

    /// The denies that stop an Allow statement or a grant for a caller, action by action.
    pub fn denials(
        &self,
        caller: &Caller,
        key: &KeyArn,
        allowing: Allowing<'_>,
        wanted: ActionSet,
    ) -> Denials {
        let mut all = Denials::default();
        for action in wanted.iter() {
            let cell = Cell { principal: caller.clone(), key: key.clone(), action };
            if let Fate::Denied { gates, by, .. } = self.fate(&cell, allowing) {
                all.gates.extend(gates);
                all.by.extend(by);
            }
        }
        all
    }
}
