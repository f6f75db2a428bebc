//! What edits change about the organization (rule T37).

use std::sync::Arc;

use crate::aws::AccountId;
use crate::inventory::{Inventory, OrgPolicyKind, Organization};

impl Inventory {
    pub(super) fn organization_mut(&mut self) -> Option<&mut Organization> {
        self.organization.as_mut().map(Arc::make_mut)
    }
}

impl Organization {
    /// Policies of `kind` bind nobody from now on.
    pub(super) fn disable(&mut self, kind: OrgPolicyKind) {
        let used = [OrgPolicyKind::Scp, OrgPolicyKind::Rcp].into_iter();
        let left = used.filter(|it| *it != kind && self.is_enabled(*it)).collect();
        self.enabled = Some(left);
    }

    /// The account stands alone from now on.
    pub(super) fn part_with(&mut self, account: AccountId) {
        self.accounts.remove(&account);
        self.parents.remove(account.as_str());
    }
}
