//! What the owner of the audited accounts declares: whom they trust beside themselves, and who deploys.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::decision::{Caller, CallerKind};

/// What rules take as intended. The default declares nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Accounts of others that may reach keys.
    pub trusted_accounts: BTreeSet<AccountId>,
    /// Organizations of others (`o-...`) that may reach keys.
    pub trusted_organizations: BTreeSet<Box<str>>,
    /// Who applies key policies.
    pub deployer: Option<Caller>,
}

/// Who may be named to apply key policies: a user, a role, a session or a root user.
pub fn deployer(arn: &str) -> Option<Caller> {
    let applies = |caller: &Caller| {
        matches!(
            caller.kind,
            CallerKind::User | CallerKind::Role | CallerKind::AssumedRole { .. } | CallerKind::Root
        )
    };
    Caller::parse(arn).filter(applies)
}
