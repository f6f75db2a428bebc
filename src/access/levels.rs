//! What the organization says of an account: SCPs and RCPs, level by level (rules E12, E13).

use crate::aws::{AccountId, ActionSet};
use crate::inventory::OrgPolicyKind;

use super::home::Together;
use super::library::World;
use super::masked::Masked;
use super::question::missing_deny;
use super::word::Word;

/// What the levels above an account say together.
#[derive(Clone)]
pub(super) struct Levels<S = ActionSet> {
    /// When every level allows.
    pub(super) allow: Masked<S>,
    /// When some policy denies.
    pub(super) deny: Masked<S>,
}

/// The policies of one kind that bind an account, level by level (rules E12, E13); nothing where none do.
pub(super) fn levels<S: Word>(
    world: &World<'_>,
    account: AccountId,
    kind: OrgPolicyKind,
) -> Option<Levels<S>> {
    let formulas = world.formulas;
    let Some(organization) = world.inventory.organization.as_deref() else {
        return declared_levels(world, account, kind);
    };
    let own = organization.accounts.get(&account)?;
    if organization.management_account == Some(account) {
        return None;
    }
    let undescribed =
        || organization.attachments.keys().any(|id| organization.undescribed(id).next().is_some());
    let enabled = organization.is_enabled(kind);
    if !enabled && (organization.enabled.is_some() || !undescribed()) {
        return None;
    }
    let mut all = Levels { allow: Masked::all(), deny: Masked::default() };
    let ids = organization.levels(account).unwrap_or_else(|| {
        // Rule U7: what stands above was not exported; it could only narrow.
        let what = format!("parents of account {account} in the organization");
        all.deny = Masked::of(S::ALL, missing_deny(formulas, what));
        vec![own.as_str()]
    });
    for id in ids {
        let mut level = Together::<S>::default();
        if kind == OrgPolicyKind::Scp && organization.attached(id, kind).next().is_none() {
            level.add_missing(world, &format!("SCPs attached to {id}"));
        }
        // What nothing describes can be of either kind.
        for unknown in organization.undescribed(id) {
            level.add_missing(world, &format!("document of organization policy {unknown}"));
        }
        for policy in organization.attached(id, kind) {
            match &policy.document {
                Some(document) => level.add(world, &S::compiled(world, document)),
                None => {
                    level.add_missing(world, &format!("document of {} {}", kind.name(), policy.id))
                }
            }
            level.add_conflicts(world, &policy.id);
        }
        all.allow = all.allow.and(formulas, &level.allow);
        all.deny = all.deny.or(formulas, &level.deny);
    }
    Some(all)
}

/// What code attaches to the account itself, where no organization was exported: each policy may be in force.
fn declared_levels<S: Word>(
    world: &World<'_>,
    account: AccountId,
    kind: OrgPolicyKind,
) -> Option<Levels<S>> {
    let mut level = Together::<S>::default();
    let mut policies = world.inventory.declared_limits(account, kind).peekable();
    policies.peek()?;
    for document in policies.filter_map(|policy| policy.document.as_ref()) {
        level.add(world, &S::compiled(world, document));
    }
    Some(Levels { allow: level.allow, deny: level.deny })
}
