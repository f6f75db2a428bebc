//! What the owner of the audited accounts declares: whom they trust beside themselves.

use std::collections::BTreeSet;

use crate::aws::AccountId;

/// What rules take as intended. The default declares nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Accounts of others that may reach keys.
    pub trusted_accounts: BTreeSet<AccountId>,
    /// Organizations of others (`o-...`) that may reach keys.
    pub trusted_organizations: BTreeSet<Box<str>>,
}
