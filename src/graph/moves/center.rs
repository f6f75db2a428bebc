//! What whoever manages IAM Identity Center does (rule T42).

use crate::decision::{Chance, Context};

use super::super::asker::site;
use super::super::cast::Ix;
use super::super::center::{CENTERS, Center, Gives, is_of_center, manages};
use super::super::change::Change;
use super::{Gain, Move, Moves};

impl Moves<'_, '_> {
    /// Rule T42: the roles of permission sets, in whatever account. Which permission sets, users and groups
    /// there are was not exported.
    pub(super) fn center(&mut self) {
        let caller = &self.asker.member().caller;
        if !manages(self.asker.access.inventory(), caller) {
            return;
        }
        let open: Vec<(usize, Chance)> = CENTERS
            .iter()
            .enumerate()
            .filter(|(_, way)| way.actions.iter().all(|action| self.can(*action)))
            .map(|(nth, way)| (nth, self.managed(way)))
            .filter(|(_, chance)| *chance > Chance::No)
            .collect();
        if open.is_empty() {
            return;
        }
        let roles = self.cast.accounts.values().flat_map(|it| it.roles.iter().copied());
        let is_it = |at: &Ix| self.cast.arn(*at).is_some_and(is_of_center);
        for role in roles.filter(is_it).collect::<Vec<Ix>>() {
            for (nth, chance) in &open {
                let gives = CENTERS.get(*nth).map(|way| way.gives);
                let gain = match gives {
                    Some(Gives::Role) => Gain::Held(role),
                    _ => Gain::Changed(Change::Everything(role)),
                };
                self.add(Move::Center(*nth, role), gain, (*chance).min(Chance::AsTold));
            }
        }
    }

    /// Whether all actions of a way are allowed somewhere.
    fn managed(&self, way: &Center) -> Chance {
        let caller = &self.asker.member().caller;
        let Some(account) = caller.account else { return Chance::No };
        let side = |context: &Context| self.asker.side(context);
        let regions = self.cast.regions_of(account, caller.partition());
        site(side, caller, way.actions, regions).map_or(Chance::No, |site| site.chance)
    }
}
