//! A random organization of the accounts of a world.

use super::statements::{PolicyOf, Vocabulary};
use super::{ACCOUNTS, Account, Level, Organization, Policy};
use crate::support::seeds::Random;

/// An organization of most of these accounts, its policies at every level.
pub(super) fn organization(
    random: &mut Random,
    accounts: &[Account],
    vocabulary: &Vocabulary,
) -> Organization {
    let mut levels: Vec<Level> = Vec::new();
    let mut add = |random: &mut Random, id: String, above: Option<usize>| {
        let policies = |random: &mut Random, of| -> Vec<Policy> {
            let count = usize::from(random.chance(30));
            (0..count).map(|_| vocabulary.policy(random, of, 1, 2)).collect()
        };
        let (scps, rcps) = (policies(random, PolicyOf::Scp), policies(random, PolicyOf::Rcp));
        let full_access = scps.is_empty() || random.chance(70);
        levels.push(Level { id, above, full_access, scps, rcps });
    };
    add(random, "r-ab12".to_owned(), None);
    let units = random.below(3);
    for unit in 0..units {
        let above = random.below(unit + 1);
        add(random, format!("ou-ab12-0000000{unit}"), Some(above));
    }
    for account in accounts {
        if random.chance(80) {
            let above = random.below(units + 1);
            add(random, account.id.to_owned(), Some(above));
        }
    }
    let management = match random.chance(20) {
        true => levels.iter().find(|level| level.is_account()).map(|level| level.id.clone()),
        false => None,
    };
    let known = ACCOUNTS.into_iter().find(|id| management.as_deref() == Some(id));
    Organization { management: known.unwrap_or("888888888888"), levels }
}
