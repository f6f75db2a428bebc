//! Whoever may write the IAM of its account, short of administering it, and gets to keys by that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::aws::{AccountId, KeyArn};
use crate::decision::Caller;

use super::cast::{Cast, Household, Ix, KeyIx};
use super::change::Change;
use super::plan::Doing;
use super::search::{Limits, Search, Way};
use super::state::{Gained, State, StateName};
use super::{EdgeKind, Graph, Hop, Path, Quest, Wanted};

/// The most calls that such a way takes: what is written, two roles or credentials at most, and what it
/// is for. Longer ones are for `paths`.
const CALLS: usize = 3;

/// Somebody who gets to keys by writing IAM itself.
#[derive(Debug)]
pub struct Writer {
    /// A way to the first of the keys that could be executed.
    pub path: Path,
    /// The keys that ways lead to whose first write is of the same kind; in order.
    pub keys: Vec<KeyArn>,
}

impl Writer {
    /// The first call of its path that writes.
    pub fn write(&self) -> Option<&Hop> {
        self.path.hops.iter().find(|hop| matches!(hop.edge, EdgeKind::EscalatesBy(_)))
    }
}

/// Everybody who does.
#[derive(Default, Debug)]
pub struct Writers {
    /// By their names, and the rule of the first write.
    pub writers: Vec<Writer>,
    /// Who administers IAM throughout: it would be told of each key of the account.
    pub administrators: BTreeMap<AccountId, Vec<Caller>>,
}

impl Graph<'_> {
    /// Users and roles whose own write of IAM (rules T20 to T31) leads to keys of their account whose secrets
    /// they do not reach today, in three calls at most. Costs a short search for each that may write at all.
    pub fn writers(&self) -> Writers {
        let cast = Cast::of(self.access.inventory());
        let accounts: Vec<&Household<'_>> = cast.accounts.values().collect();
        let of_account = |household: &&Household<'_>| {
            let keys = household.keys.iter().filter_map(|at| cast.key(*at));
            let keys: BTreeSet<KeyArn> =
                keys.filter(|key| !key.is_aws_managed()).map(|key| key.arn.clone()).collect();
            (!keys.is_empty()).then(|| {
                let keys = Some(keys);
                let wanted = Wanted { keys, max_hops: Some(CALLS), ..Wanted::default() };
                self.quest(&cast, &wanted, |quest| quest.writers(household))
            })
        };
        let each: Vec<Writers> =
            accounts.into_par_iter().filter_map(|it| of_account(&it)).collect();
        let mut all = Writers::default();
        for writers in each {
            all.writers.extend(writers.writers);
            all.administrators.extend(writers.administrators);
        }
        all
    }
}

/// What somebody is to the IAM of its account.
enum Standing {
    Administrator,
    Writer(Vec<Writer>),
}

impl Quest<'_, '_> {
    /// Those of one account.
    fn writers(&self, household: &Household<'_>) -> Writers {
        let each = household.users.par_iter().chain(&household.roles);
        let each = each.filter_map(|at| Some((*at, self.standing(*at)?)));
        let mut all = Writers::default();
        for (at, standing) in each.collect::<Vec<_>>() {
            let Some(member) = self.cast.member(at) else { continue };
            match (standing, member.caller.account) {
                (Standing::Writer(writers), _) => all.writers.extend(writers),
                (Standing::Administrator, Some(account)) => {
                    all.administrators.entry(account).or_default().push(member.caller.clone());
                }
                (Standing::Administrator, None) => {}
            }
        }
        all.writers.sort_by(|one, other| one.path.from.cmp(&other.path.from));
        all.administrators.values_mut().for_each(|all| all.sort());
        all
    }

    fn standing(&self, at: Ix) -> Option<Standing> {
        let member = self.cast.member(at)?;
        if member.identity?.is_service_linked() {
            return None;
        }
        let name = StateName::of(at, []);
        let state = self.states.get(&name);
        let moves = &self.states.moves(&name, &state).best;
        if !moves.iter().any(|open| open.primitive) {
            return None;
        }
        if self.administers(at, &state, moves.iter().map(|open| open.gain)) {
            return Some(Standing::Administrator);
        }
        let limits = Limits { past_administrators: false, ..self.limits(1) };
        let ways = Search::from(&self.states, at, &self.keys(at), limits);
        let mut by_rule: BTreeMap<&'static str, Vec<(KeyIx, Vec<Way>)>> = BTreeMap::new();
        for (key, ways) in ways {
            let first = ways.first().and_then(Way::first_primitive).filter(|act| act.by == at);
            if let Some(Doing::Move(what)) = first.map(|act| self.states.doings.get(act.what))
                // Tags have a rule of their own.
                && let Some(rule) = what.primitive().filter(|rule| *rule != "T34")
            {
                by_rule.entry(rule).or_default().push((key, ways));
            }
        }
        let by_rule = by_rule.into_values();
        let writers = by_rule.filter_map(|ways| self.writer(at, &ways, limits)).collect();
        Some(Standing::Writer(writers))
    }

    fn writer(&self, at: Ix, ways: &[(KeyIx, Vec<Way>)], limits: Limits) -> Option<Writer> {
        let mut executed =
            ways.iter().filter_map(|(key, ways)| self.made((at, *key), ways, limits));
        let path = executed.find_map(Result::ok)?;
        let keys = ways.iter().filter_map(|(key, _)| Some(self.cast.key(*key)?.arn.clone()));
        Some(Writer { path, keys: keys.collect() })
    }

    /// Whether it may do everything, or write the identity policies of all users and roles of its account.
    fn administers(&self, at: Ix, state: &Arc<State>, gains: impl Iterator<Item = Gained>) -> bool {
        if state.unlimited {
            return true;
        }
        let Some(household) = self.cast.household(at) else { return false };
        let opened = gains.filter(|gain| match gain {
            Gained::Changed(change) => {
                matches!(self.states.changes.get(*change), Change::Everything(_))
            }
            Gained::Held(..) => false,
        });
        let is_written =
            |at: &&Ix| self.cast.identity(**at).is_some_and(|it| !it.is_service_linked());
        let all = household.users.iter().chain(&household.roles).filter(is_written).count();
        all > 1 && opened.count() == all
    }
}
