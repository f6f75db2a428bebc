//! What the export knows of a caller (rules A32 to A35, A42, C44 to C46, E44).

use std::borrow::Cow;

use crate::aws::{AccountId, Identity as ArnIdentity, identity};
use crate::decision::{Caller, CallerKind, Context};
use crate::inventory::{Identity, Inventory};

/// A caller with the identity behind it.
#[derive(Clone)]
pub(super) struct CallerFacts<'a, 'w: 'a> {
    /// The home account; none for a service.
    pub(super) account: Option<AccountId>,
    /// The user, or the session's role, where the export has it; for a federated-user session the user
    /// that made it, found by the session's name.
    pub(super) identity: Option<&'w Identity>,
    /// `aws:PrincipalArn` (rule C46).
    principal_arn: Option<Cow<'a, str>>,
    /// The role's ARN for a role session, where it is known with its path.
    role_arn: Option<Cow<'a, str>>,
    /// The role's name for a session that has a name.
    role_name: Option<&'a str>,
    is_service_linked: bool,
}

impl<'a, 'w: 'a> CallerFacts<'a, 'w> {
    /// Of a caller whose requests have this context.
    pub(super) fn new(world: &'w Inventory, caller: &'a Caller, context: &Context) -> Self {
        let account = caller.account;
        let found = caller.identity_in(world);
        let partition = caller.partition();
        let (role_arn, role_name) = match &caller.kind {
            CallerKind::Role => (Some(Cow::Borrowed(&*caller.text)), None),
            CallerKind::AssumedRole { role, .. } => {
                (found.map(|role| Cow::Borrowed(&*role.arn)), Some(&**role))
            }
            _ => (None, None),
        };
        let principal_arn = match &caller.kind {
            CallerKind::Root
            | CallerKind::User
            | CallerKind::Role
            | CallerKind::FederatedUser { .. } => Some(Cow::Borrowed(&*caller.text)),
            CallerKind::AssumedRole { role, .. } => role_arn.clone().or_else(|| {
                account.map(|account| format!("arn:{partition}:iam::{account}:role/{role}").into())
            }),
            CallerKind::Service | CallerKind::Provider => None,
        };
        // The ARN of a session lacks the path of its role, which the request can tell.
        let given = context.get("aws:PrincipalArn").and_then(|entry| entry.value.values().first());
        let is_own = |arn: &&str| role_name.is_some_and(|name| is_role(arn, account, name));
        let given = given.map(|arn| &**arn).filter(is_own);
        let linked = given.or(role_arn.as_deref());
        let is_service_linked = linked.is_some_and(|arn| arn.contains(":role/aws-service-role/"));
        Self { account, identity: found, principal_arn, role_arn, role_name, is_service_linked }
    }

    /// Rule C46; absent for service calls.
    pub(super) fn principal_arn(&self) -> Option<&str> {
        self.principal_arn.as_deref()
    }

    /// Whether the caller is a session of the role with this ARN (rules A33, A42). A role that is not in
    /// the export is told by its name, which is all that its session's ARN says.
    pub(super) fn is_session_of(&self, role: &str) -> bool {
        match (&self.role_arn, self.role_name) {
            (Some(arn), _) => arn == role,
            (None, Some(name)) => is_role(role, self.account, name),
            _ => false,
        }
    }

    /// Rule E44.
    pub(super) fn is_service_linked(&self) -> bool {
        self.is_service_linked
    }
}

/// Whether an ARN is that of a role of this account and name, whatever its path (rule A42).
fn is_role(arn: &str, account: Option<AccountId>, own: &str) -> bool {
    match identity(arn) {
        Some(ArnIdentity::Role { account: home, name, .. }) => {
            Some(home) == account && name.eq_ignore_ascii_case(own)
        }
        _ => false,
    }
}
