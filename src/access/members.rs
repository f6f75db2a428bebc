//! Accounts of the export's own organization whose principals the export does not tell.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::inventory::{GapKind, Inventory, Organization};

use super::range::Form;

/// The members that some of these patterns take.
pub(super) fn like<'w>(
    world: &'w Inventory,
    patterns: &'w BTreeSet<Box<str>>,
) -> impl Iterator<Item = AccountId> + 'w {
    let forms: Vec<Form> = patterns.iter().map(|pattern| Form::like(pattern)).collect();
    let members = world.organization.iter().flat_map(|own| own.accounts.iter().copied());
    members.filter(move |account| forms.iter().any(|form| form.has(account.as_str())))
}

/// Where members can be of whom nothing else is told, as `aws:PrincipalOrgPaths` has it: no place where they
/// can be anywhere; nothing where all are told of.
pub(super) fn places(
    world: &Inventory,
    organization: &Organization,
    is_told: impl Fn(AccountId) -> bool,
) -> Option<Box<[Box<str>]>> {
    // Rule U7: what was not exported can be a member.
    let is_cut = |kind: &GapKind| matches!(kind, GapKind::Organization { .. });
    if organization.accounts.is_empty() || world.gaps.iter().any(|gap| is_cut(&gap.kind)) {
        return Some(Box::default());
    }
    let all = organization.accounts.iter().copied().chain(organization.management_account);
    let others: BTreeSet<AccountId> = all.filter(|account| !is_told(*account)).collect();
    let paths = others.iter().map(|account| organization.path(*account).map(Into::into));
    let paths: Option<BTreeSet<Box<str>>> = paths.collect();
    (!others.is_empty()).then(|| paths.unwrap_or_default().into_iter().collect())
}
