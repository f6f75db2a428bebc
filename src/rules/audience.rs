//! Whom a key policy statement means besides the users and roles that it names one by one.

use crate::decision::Caller;
use crate::inventory::{Account, Inventory};
use crate::policy::{Polarity, Principal, Statement};

use super::KeyScope;

/// An account that AWS gives to nobody.
const NOBODYS: &str = "000000000000";

/// Who is meant besides those named.
pub(super) enum Others {
    /// Nobody.
    Nobody,
    /// Everyone there is; one principal of an account nobody knows stands for all strangers.
    Everyone(Vec<Caller>),
    /// Some whom nobody can list.
    Unlisted,
}

/// Whom the statement means besides the users, roles and sessions that it names.
pub(super) fn others(scope: &KeyScope<'_>, statement: &Statement) -> Others {
    let Some(element) = &statement.principal else {
        return Others::Nobody;
    };
    let mut others = Others::Nobody;
    for entry in &element.entries {
        match &entry.value {
            Principal::User(_)
            | Principal::Role(_)
            | Principal::AssumedRole(_)
            | Principal::CanonicalUser(_)
            | Principal::Invalid(_) => {}
            Principal::Anyone if is_whole(scope.world()) => {
                others = Others::Everyone(everyone(scope));
            }
            _ => return Others::Unlisted,
        }
    }
    if element.polarity == Polarity::IsNot { Others::Unlisted } else { others }
}

/// Whether every user and role of every account that could matter is known.
fn is_whole(world: &Inventory) -> bool {
    let members = world.organization.iter().flat_map(|organization| &organization.accounts);
    world.accounts.keys().chain(members).all(|account| world.is_complete(*account))
}

fn everyone(scope: &KeyScope<'_>) -> Vec<Caller> {
    let identities = |account: &Account| -> Vec<Caller> {
        account.identities.keys().filter_map(Caller::parse).collect()
    };
    let partition = scope.key.arn.partition();
    let stranger = Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:role/stranger"));
    let known = scope.world().accounts.values().flat_map(|account| identities(account));
    scope.root().into_iter().chain(known).chain(stranger).collect()
}
