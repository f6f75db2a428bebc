//! Whom a key policy statement means besides the users and roles that it names one by one.

use crate::aws::AccountId;
use crate::decision::{Caller, CallerKind};
use crate::inventory::{Inventory, Organization};
use crate::policy::{Polarity, Principal, Statement};

use super::KeyScope;

/// An account that AWS gives to nobody.
pub(super) const NOBODYS: &str = "000000000000";

/// Who is meant besides those named.
pub(super) enum Others {
    /// Nobody.
    Nobody,
    /// Everyone there is.
    Everyone,
    /// Some whom nobody can list.
    Unlisted,
}

/// Whether an account is one of ours: its export is loaded, or it is a member of the organization.
pub(super) fn is_trusted(world: &Inventory, account: AccountId) -> bool {
    let is_loaded = world.account(account).is_some_and(|known| known.identities_listed);
    let is_member = |one: &Organization| one.accounts.contains(&account);
    let owns_keys = || world.keys.keys().any(|key| key.account() == account);
    is_loaded || world.organization.as_deref().is_some_and(is_member) || owns_keys()
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
                others = Others::Everyone;
            }
            _ => return Others::Unlisted,
        }
    }
    if element.polarity == Polarity::IsNot { Others::Unlisted } else { others }
}

/// Whether every user and role of every account that could matter is known.
pub(super) fn is_whole(world: &Inventory) -> bool {
    let members = world.organization.iter().flat_map(|organization| &organization.accounts);
    world.accounts.keys().chain(members).all(|account| world.is_complete(*account))
}

/// Whether a caller is one of everyone there is: a user or role of the world, or the key's own root user.
pub(super) fn is_of_everyone(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let own = scope.key.arn.account();
    let is_root = caller.kind == CallerKind::Root && caller.account == Some(own);
    is_root || scope.world().identity(&caller.text).is_some()
}

/// A principal of an account that nobody knows, who stands for all strangers.
pub(super) fn stranger(scope: &KeyScope<'_>) -> Option<Caller> {
    let partition = scope.key.arn.partition();
    Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:role/stranger"))
}
