//! Whom grants name: asked by several rules.

use crate::aws::{Identity as Named, identity};
use crate::decision::Caller;
use crate::inventory::{Grant, Grantee};
use crate::policy::Principal;

use super::{KeyScope, Scope};

/// Whom the grant names: an identity, or an account by its root user; no service and none of the roles
/// under which services act.
pub(super) fn grantee(scope: &KeyScope<'_>, grant: &Grant) -> Option<Caller> {
    let Grantee::Principal(principal) = &grant.grantee else { return None };
    match principal {
        Principal::Account { account, .. } => {
            Caller::parse(&format!("arn:{}:iam::{account}:root", scope.key.arn.partition()))
        }
        _ if is_of_service(&grant.grantee) => None,
        Principal::User(arn)
        | Principal::Role(arn)
        | Principal::AssumedRole(arn)
        | Principal::FederatedUser(arn) => Caller::parse(arn),
        _ => None,
    }
}

/// Whether a grant names a service, or a role under which services act.
pub(super) fn is_of_service(grantee: &Grantee) -> bool {
    match grantee {
        Grantee::Service(_) => true,
        Grantee::Principal(Principal::AssumedRole(arn)) => arn.contains(":assumed-role/aws:"),
        Grantee::Principal(Principal::Role(arn)) => arn.contains(":role/aws-service-role/"),
        Grantee::Principal(_) => false,
    }
}

/// Whether a principal surely does not exist: it is a unique id that nobody has, or a name that the
/// complete export of its account lacks.
pub(super) fn is_gone(scope: &Scope<'_>, principal: &Principal) -> bool {
    let world = scope.world;
    let lacks = |arn: &str| {
        let account = Caller::parse(arn).and_then(|caller| caller.account);
        account.is_some_and(|account| world.is_complete(account))
    };
    match principal {
        Principal::UniqueId(id) => !has_id(scope, id),
        Principal::User(arn) => lacks(arn) && world.identity(arn).is_none(),
        Principal::Role(arn) => {
            let is_linked = arn.contains(":role/aws-service-role/");
            lacks(arn) && !is_linked && world.identity(arn).is_none()
        }
        Principal::AssumedRole(arn) => {
            let role = arn.split('/').nth(1).unwrap_or_default();
            let account = Caller::parse(arn).and_then(|caller| caller.account);
            let is_known = account.is_some_and(|it| world.role_by_name(it, role).is_some());
            lacks(arn)
                && !is_known
                && !arn.contains(":assumed-role/aws:")
                && !role.starts_with("AWSServiceRoleFor")
        }
        _ => false,
    }
}

/// The role or user of the same name that has another path.
pub(super) fn with_path(scope: &KeyScope<'_>, text: &str) -> Option<String> {
    let (account, name) = match identity(text)? {
        Named::Role { account, name, .. } | Named::User { account, name, .. } => (account, name),
        _ => return None,
    };
    let account = scope.world().account(account)?;
    let found = account.identities.values().find(|it| *it.name == *name);
    found.map(|it| it.arn.to_string())
}

/// Whether some user or role of the export has the unique id.
pub(super) fn has_id(scope: &Scope<'_>, id: &str) -> bool {
    let identities = scope.world.accounts.values().flat_map(|account| account.identities.values());
    identities.into_iter().any(|it| it.unique_id.as_deref() == Some(id))
}

/// The grants of the key as they are written: not what each may be besides, should an account or a name turn
/// out to be another.
pub(super) fn written<'a>(scope: &KeyScope<'a>) -> impl Iterator<Item = &'a Grant> + use<'a> {
    scope.key.grants.iter().filter(|grant| !grant.is_reading())
}

/// How a grant is taken back: one that code makes is taken out of the code.
pub(super) fn revocation(scope: &KeyScope<'_>, grant: &Grant) -> String {
    match scope.world().is_declared(grant.place) {
        true => format!("take {} out of the code", grant.id),
        false => format!(
            "revoke it (aws kms revoke-grant --key-id {} --grant-id {})",
            scope.key.arn, grant.id
        ),
    }
}
