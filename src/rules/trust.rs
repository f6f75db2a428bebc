//! Whether a key lets a principal's identity policies count at all: asked by several rules.

use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::Caller;
use crate::inventory::{Grantee, Identity, Key};
use crate::policy::{Polarity, Principal, Statement};

use super::KeyScope;

/// The actions on keys that key policies have a say in (rule K7 leaves RetireGrant out).
pub(super) fn on_keys() -> ActionSet {
    let counts =
        |action: &KmsAction| action.info().has_key_resource && *action != KmsAction::RETIRE_GRANT;
    KmsAction::all().filter(counts).collect()
}

/// Those of `actions` that the key policy has a say in and the key can perform.
pub(super) fn performed(scope: &KeyScope<'_>, actions: ActionSet) -> ActionSet {
    actions.intersection(on_keys()).intersection(scope.possible())
}

/// Whether some Allow statement of the key policy, or a grant, could mean the identity by any of its
/// names, its account included. What cannot be read or resolved could.
pub(super) fn names(key: &Key, identity: &Identity) -> bool {
    let Some(document) = &key.policy else {
        return true;
    };
    let policy = document.policy();
    let by_statement =
        policy.statements.iter().any(|statement| statement_names(statement, identity));
    let by_grant = key.grants.iter().any(|grant| match &grant.grantee {
        Grantee::Principal(principal) => could_mean(principal, identity),
        Grantee::Service(_) => false,
    });
    !policy.readable || key.ram_policy.is_some() || by_statement || by_grant
}

/// Whether an Allow statement could mean the identity.
pub(super) fn statement_names(statement: &Statement, identity: &Identity) -> bool {
    statement.allows()
        && statement.principal.as_ref().is_none_or(|element| {
            element.polarity == Polarity::IsNot
                || element.entries.iter().any(|entry| could_mean(&entry.value, identity))
        })
}

/// Whether somebody whom a statement names, and who is not known, may be the identity.
fn may_mean(statement: &Statement, identity: &Identity) -> bool {
    let mut entries = statement.principal.iter().flat_map(|element| &element.entries);
    entries.any(|entry| {
        matches!(entry.value, Principal::Unresolved(_)) && could_mean(&entry.value, identity)
    })
}

fn could_mean(principal: &Principal, identity: &Identity) -> bool {
    match principal.at_most() {
        Principal::Account { account, .. } => *account == identity.account,
        Principal::User(arn) | Principal::Role(arn) => *arn == identity.arn,
        // One session of the role.
        Principal::AssumedRole(arn) => session_of(arn, identity),
        Principal::UniqueId(id) => identity.unique_id.as_ref() == Some(id),
        Principal::FederatedUser(_)
        | Principal::Service(_)
        | Principal::CanonicalUser(_)
        | Principal::Invalid(_) => false,
        Principal::Anyone | Principal::Federated(_) | Principal::Unresolved(_) => true,
    }
}

fn session_of(arn: &str, identity: &Identity) -> bool {
    let mut parts = arn.split('/');
    let role = parts.nth(1).unwrap_or_default();
    let account = arn.split(':').nth(4).and_then(AccountId::parse);
    role.eq_ignore_ascii_case(&identity.name) && account == Some(identity.account)
}

/// Whether some Allow statement of the key policy applies to the principal for one of the actions, or means
/// somebody who is not known and may be it: then an identity policy may count, or is not needed.
pub(super) fn trusts(scope: &KeyScope<'_>, identity: &Identity, actions: ActionSet) -> bool {
    let caller = Caller::parse(&identity.arn);
    let Some((caller, document)) = caller.zip(scope.key.policy.as_ref()) else {
        return true;
    };
    let mut statements = document.policy().statements.iter();
    if statements.any(|statement| statement.allows() && may_mean(statement, identity)) {
        return true;
    }
    if !scope.opened(&caller, actions).is_empty() {
        return true;
    }
    let mut grants = scope.key.grants.iter();
    grants.any(|grant| grant.operations.intersects(actions)) && names(scope.key, identity)
}
