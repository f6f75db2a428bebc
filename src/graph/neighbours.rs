//! Which accounts somebody may get into by taking on roles: whose keys it has nothing to do with, it need
//! not look for ways to.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::AccountId;

use super::cast::{Cast, Ix};
use super::center::is_of_center;

/// The accounts that each account leads to by trust policies and permission sets, whatever else these and other
/// policies say.
pub(super) struct Neighbours {
    of: BTreeMap<AccountId, BTreeSet<AccountId>>,
    /// The accounts of roles that trust everyone, and where these lead.
    of_anyone: BTreeSet<AccountId>,
}

impl Neighbours {
    /// Those of all accounts of the cast (rules T3 to T8, T42).
    pub(super) fn of(cast: &Cast<'_>) -> Self {
        let mut direct: BTreeMap<AccountId, BTreeSet<AccountId>> = BTreeMap::new();
        for (account, household) in &cast.accounts {
            let homes = accounts_of(cast, &household.trusted_by);
            direct.entry(*account).or_default().extend(homes);
        }
        for member in &cast.members {
            if let Some(account) = member.caller.account {
                direct.entry(account).or_default().extend(accounts_of(cast, &member.named_by));
            }
        }
        let management = cast.world.organization.as_ref().and_then(|it| it.management_account);
        if let Some(management) = management {
            direct.entry(management).or_default().extend(of_center(cast));
        }
        let closed = |first: BTreeSet<AccountId>| {
            let mut waiting: Vec<AccountId> = first.iter().copied().collect();
            let mut all = first;
            while let Some(next) = waiting.pop() {
                let more = direct.get(&next).into_iter().flatten();
                waiting.extend(more.copied().filter(|account| all.insert(*account)));
            }
            all
        };
        let of = direct.keys().map(|account| (*account, closed([*account].into()))).collect();
        Self { of, of_anyone: closed(accounts_of(cast, &cast.open_roles).collect()) }
    }

    /// The accounts that somebody may come to act in, its own first of all.
    pub(super) fn within_reach(&self, cast: &Cast<'_>, start: Ix) -> BTreeSet<AccountId> {
        let mut all = self.of_anyone.clone();
        let member = cast.member_or_first(start);
        let entered = accounts_of(cast, &member.named_by);
        for account in entered.chain(member.caller.account) {
            all.extend(self.of.get(&account).into_iter().flatten());
            all.insert(account);
        }
        all
    }
}

fn accounts_of<'c>(cast: &'c Cast<'_>, roles: &'c [Ix]) -> impl Iterator<Item = AccountId> + 'c {
    roles.iter().filter_map(|role| cast.member(*role)?.caller.account)
}

/// The accounts that permission sets of IAM Identity Center are given in.
fn of_center<'c>(cast: &'c Cast<'_>) -> impl Iterator<Item = AccountId> + 'c {
    let is_it = |role: &&Ix| cast.arn(**role).is_some_and(is_of_center);
    let homes = cast.accounts.iter();
    let homes = homes.filter(move |(_, household)| household.roles.iter().any(|it| is_it(&it)));
    homes.map(|(account, _)| *account)
}
