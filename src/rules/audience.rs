//! Whom a key policy statement means besides the users and roles that it names one by one.

use crate::aws::{AccountId, identity};
use crate::decision::{Caller, CallerKind};
use crate::inventory::Inventory;
use crate::policy::{Polarity, PolicyDocument, PolicyKind, Principal, Statement};

use super::{Documented, KeyScope};

/// The account of strangers.
const NOBODYS: AccountId = AccountId::NOBODYS;

/// Who is meant besides those named.
pub(super) enum Others {
    /// Nobody.
    Nobody,
    /// Everyone there is.
    Everyone,
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

/// Whether every user and role is known that could meet a policy: those of every account that could
/// matter, and of those that its own Allow statements let in, or for an RCP the Allows of any key. Where no
/// account is known nothing is.
pub(super) fn knows_all(world: &Inventory, document: &Documented<'_>) -> bool {
    let is_known = |principal: &Principal| match principal {
        Principal::Account { account, .. } => world.is_complete(*account),
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => {
            identity(arn).is_none_or(|it| world.is_complete(it.account()))
        }
        Principal::Anyone | Principal::Unresolved(_) => false,
        // Services, providers and nobody have no ARN and no id.
        _ => true,
    };
    let lets_in_known = |policy: &PolicyDocument| {
        let statements = policy.policy().statements.iter().filter(|it| it.allows());
        let mut entries = statements.flat_map(|it| &it.principal).flat_map(|it| &it.entries);
        entries.all(|entry| is_known(entry.value.at_most()))
    };
    let of_keys = world.keys.values().filter(|_| document.document.kind == PolicyKind::Rcp);
    !world.accounts.is_empty()
        && is_whole(world)
        && lets_in_known(document.document)
        && of_keys.flat_map(|key| &key.policy).all(lets_in_known)
}

/// Whether a caller is one of everyone there is: a user or role of the world, or the key's own root user.
pub(super) fn is_of_everyone(scope: &KeyScope<'_>, caller: &Caller) -> bool {
    let own = scope.key.arn.account();
    let is_root = caller.kind == CallerKind::Root && caller.account == Some(own);
    is_root || scope.world().identity(&caller.text).is_some()
}

/// Principals of an account that nobody knows, who can do what any stranger can by a statement: of each
/// kind, and such as its conditions on ARNs name in any account.
pub(super) fn strangers(scope: &KeyScope<'_>, statement: &Statement) -> Vec<Caller> {
    let partition = scope.key.arn.partition();
    // Where nothing tells kinds apart, one speaks for all.
    let of_policy = scope.key.policy.iter().flat_map(|document| &document.policy().statements);
    let mut keys = of_policy.flat_map(|it| &it.conditions).map(|condition| &condition.key.value);
    let kinds = keys.any(|key| tells_users(key) || key.eq_ignore_ascii_case("aws:PrincipalArn"));
    let others = ["user/stranger", "root"].into_iter().filter(|_| kinds);
    let others =
        others.filter_map(|it| Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:{it}")));
    let values = statement.conditions.iter().flat_map(|condition| &condition.values);
    let named = values.filter_map(|value| named_anywhere(partition, value.value.text()?));
    stranger(scope).into_iter().chain(others).chain(named).collect()
}

/// A principal that a pattern of ARNs takes in the account that nobody knows, where it takes any account.
fn named_anywhere(partition: &str, pattern: &str) -> Option<Caller> {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [_, _, service @ ("iam" | "sts"), _, "*" | "????????????", resource] = *parts else {
        return None;
    };
    let name = resource.replace(['*', '?'], "x");
    Caller::parse(&format!("arn:{partition}:{service}::{NOBODYS}:{name}"))
}

/// Whether a condition key of a user holds something else than one of a role, the ARN aside.
pub(super) fn tells_users(key: &str) -> bool {
    const KEYS: [&str; 5] = [
        "aws:PrincipalType",
        "aws:username",
        "aws:userid",
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
    ];
    KEYS.iter().any(|own| own.eq_ignore_ascii_case(key))
}

/// A principal of an account that nobody knows, who stands for all strangers.
pub(super) fn stranger(scope: &KeyScope<'_>) -> Option<Caller> {
    let partition = scope.key.arn.partition();
    Caller::parse(&format!("arn:{partition}:iam::{NOBODYS}:role/stranger"))
}
