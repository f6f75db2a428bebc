//! Operations without a key (rules E50, E51): identity policies of the caller's own account decide.

use std::sync::Arc;

use crate::aws::{ActionSet, KmsAction};
use crate::decision::Pair;

use super::asked::{Asked, account_form, asks_about_caller};
use super::cells::{Decided, Tally};
use super::classes::CallerIx;
use super::home::Home;
use super::masked::Masked;
use super::matrix::Matrix;
use super::owner::Owner;
use super::ways::Relation;

impl Matrix<'_> {
    /// What holds of a caller's operations without a key.
    pub(super) fn star(&self, caller: CallerIx) -> Arc<Pair> {
        self.without_key.get(caller, |_| {
            let mut all = Pair::default();
            for (home, owner) in self.star_sides(caller) {
                all.cells.extend(self.pair_of(&home, &owner, Relation::NoKey, true).cells);
            }
            all.cells.sort_by_key(|(actions, _)| actions.lowest());
            self.one(all)
        })
    }

    /// The verdicts of a caller's operations without a key.
    pub(super) fn star_tally(&self, caller: CallerIx) -> Tally {
        let number = self.counted_without_key.get(caller, |_| {
            let mut all = Tally::default();
            for (home, owner) in self.star_sides(caller) {
                let tally = self.tallied(&home, &owner, Relation::NoKey);
                all.possible = all.possible.union(tally.possible);
                all.always = all.always.union(tally.always);
                all.conditional = all.conditional.union(tally.conditional);
                all.unknown = all.unknown.union(tally.unknown);
            }
            self.same_tallies.intern(all)
        });
        *self.same_tallies.get(number)
    }

    /// What decides these cells of a caller's operations without a key.
    pub(super) fn star_deciding(&self, caller: CallerIx, actions: ActionSet) -> Vec<Decided> {
        if actions.is_empty() {
            return Vec::new();
        }
        let sides = self.star_sides(caller).into_iter();
        sides
            .flat_map(|(home, owner)| self.deciding(&home, &owner, Relation::NoKey, actions))
            .collect()
    }

    /// Both sides, apart for what asks about the caller (rule A68). None for strangers and services: what
    /// they do in their own accounts is not this world's.
    fn star_sides(&self, caller: CallerIx) -> Vec<(Home, Owner)> {
        let subject = self.table.subjects.get(caller as usize);
        let home = self.homes.get(caller as usize).map(|home| self.home_side(*home));
        let Some((subject, home)) = subject.zip(home) else {
            return Vec::new();
        };
        let Some(account) = subject.caller.account.filter(|_| subject.stranger.is_none()) else {
            return Vec::new();
        };
        let world = self.world();
        let (before, after) = account_form(subject.caller.partition(), account.as_str());
        let keyless = KmsAction::all().filter(|action| !action.info().has_key_resource);
        let (of_caller, others): (Vec<KmsAction>, Vec<KmsAction>) =
            keyless.partition(|action| asks_about_caller(*action));
        let parts = [
            (others, (before.as_str(), after.as_str())),
            (of_caller, (subject.principal_arn().unwrap_or_default(), "")),
        ];
        let sides = parts.into_iter().map(|(actions, resource)| {
            let asked = Asked::Nothing { resource };
            let actions: ActionSet = actions.into_iter().collect();
            let on = |masked: &Masked| {
                masked
                    .within(actions)
                    .mapped(|formula| world.with_caller(world.with_key(formula, asked), subject))
            };
            let owner = Owner::of_nothing(&world, asked, actions);
            (home.mapped(on), owner.mapped(on))
        });
        sides.collect()
    }
}
