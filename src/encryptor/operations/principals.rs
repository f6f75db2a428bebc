//! Principals that a request names: whether there are such, as far as the export tells.

use crate::aws::{AccountId, Arn, Identity, identity};
use crate::encryptor::KmsError;
use crate::encryptor::work::Work;
use crate::inventory::{Grantee, Inventory};
use crate::policy::Principal;

/// Rule A22: nobody that there is, as far as the export is complete; whoever it does not know may exist.
pub(super) fn is_nobody(world: &Inventory, principal: &Principal, partition: &str) -> bool {
    match principal {
        Principal::Invalid(_) => true,
        Principal::Account { partition: Some(named), .. } => **named != *partition,
        Principal::User(arn) | Principal::Role(arn) => {
            is_abroad(arn, partition) || is_known(world, arn) && world.identity(arn).is_none()
        }
        Principal::AssumedRole(arn) | Principal::FederatedUser(arn) => is_abroad(arn, partition),
        _ => false,
    }
}

/// That a grant may name a principal (rule G13), and that there is one, as for [`is_nobody`]. Of a session
/// its role is asked for. Whoever calls is there.
pub(super) fn grantable(work: &Work<'_>, named: &Grantee, partition: &str) -> Result<(), KmsError> {
    let Grantee::Principal(principal) = named else {
        return Ok(());
    };
    let is_principal = match principal {
        Principal::AssumedRole(arn) => has_role(work.world(), arn),
        Principal::Account { .. }
        | Principal::User(_)
        | Principal::Role(_)
        | Principal::FederatedUser(_) => true,
        _ => false,
    };
    let text = named.text();
    let calls = work.asking().is_some_and(|(caller, _)| *caller.principal.text == *text);
    if calls || is_principal && !is_nobody(work.world(), principal, partition) {
        return Ok(());
    }
    Err(no_principal(&named.shown(partition)))
}

/// That a text is the ARN of no principal.
pub(super) fn no_principal(text: &str) -> KmsError {
    let text = format!("ARN does not refer to a valid principal: {text}");
    KmsError::new("InvalidArnException", text)
}

fn is_abroad(arn: &str, partition: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.partition != partition)
}

/// Whether all principals of the account are exported.
fn is_known(world: &Inventory, arn: &str) -> bool {
    let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
    account.is_some_and(|account| world.is_complete(account))
}

/// Whether the role of a session is there, or may be.
fn has_role(world: &Inventory, session: &str) -> bool {
    match identity(session) {
        Some(Identity::AssumedRole { account, role_name, .. }) => {
            !world.is_complete(account) || world.role_by_name(account, role_name).is_some()
        }
        _ => false,
    }
}
