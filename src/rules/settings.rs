//! What the owner of the audited accounts declares: whom they trust beside themselves, and who deploys.

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::aws::pattern::takes;
use crate::decision::{Caller, CallerKind};

/// What rules take as intended. The default declares nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Settings {
    /// Accounts of others that may reach keys.
    pub trusted_accounts: BTreeSet<AccountId>,
    /// Organizations of others (`o-...`) that may reach keys.
    pub trusted_organizations: BTreeSet<Box<str>>,
    /// Actions of KMS that are newer than the table, in lower case.
    pub known_actions: BTreeSet<Box<str>>,
    /// Condition keys that are newer than the table, in lower case; `*` at the end stands for a family.
    pub known_condition_keys: BTreeSet<Box<str>>,
    /// Who applies key policies.
    pub deployer: Option<Caller>,
    /// Whether everything of infrastructure code has to be resolved.
    pub strict: bool,
}

impl Settings {
    /// Whether an entry of Action names an action that is declared as newer than the table.
    pub fn knows_action(&self, entry: &str) -> bool {
        let entry = entry.to_ascii_lowercase();
        self.known_actions.iter().any(|known| takes(&entry, known))
    }

    /// Whether a condition key is declared as newer than the table.
    pub fn knows_condition_key(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.known_condition_keys.iter().any(|known| takes(known, &name))
    }
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
