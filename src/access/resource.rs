//! What a request outside KMS is made on: an ARN, and what the export knows of it.

use crate::aws::{AccountId, Arn, Identity as Named, identity};
use crate::decision::ContextValue;
use crate::inventory::{Identity, Inventory};

use super::caller_values::{organization_id, organization_path};
use super::gaps::Gaps;
use super::question::Known;

/// A resource that is no key.
#[derive(Clone, Copy)]
pub(super) struct Resource<'w> {
    /// Its ARN.
    pub(super) arn: &'w str,
    /// The user or role that it is, where the export has it.
    pub(super) identity: Option<&'w Identity>,
    /// Its account, where its ARN names one.
    pub(super) account: Option<AccountId>,
    /// The account, where it is a user or role that nobody listed.
    pub(super) unlisted: Option<AccountId>,
}

impl<'w> Resource<'w> {
    /// The resource in its world.
    pub(super) fn of(world: &'w Inventory, arn: &'w str) -> Self {
        let named = Self::named(arn);
        let identity = world.identity(arn);
        let unlisted = named.account.filter(|account| {
            is_identity(arn) && identity.is_none() && !Gaps::lists(world, *account)
        });
        Self { identity, unlisted, ..named }
    }

    /// What its ARN says alone.
    pub(super) fn named(arn: &'w str) -> Self {
        let account = Arn::parse(arn).and_then(|arn| AccountId::parse(arn.account));
        Self { arn, identity: None, account, unlisted: None }
    }

    /// Whether it is a role.
    pub(super) fn is_role(&self) -> bool {
        matches!(identity(self.arn), Some(Named::Role { .. }))
    }

    /// What is known of a condition key of the resource (section 2.5).
    pub(super) fn known(&self, world: &Inventory, name: &str) -> Known {
        let one = |text: &str| Known::Value(Some(ContextValue::One(text.into())));
        let absent = || Known::Value(None);
        let tags = ["aws:resourcetag/", "iam:resourcetag/"];
        if let Some(tag) = tags.iter().find_map(|prefix| name.strip_prefix(prefix)) {
            return self.tag(tag);
        }
        match (name, self.account) {
            ("aws:requestedregion", _) => match Arn::parse(self.arn) {
                Some(arn) if !arn.region.is_empty() => one(arn.region),
                _ => Known::OfRequest,
            },
            ("aws:resourceaccount", Some(account)) => one(account.as_str()),
            ("aws:resourceorgid", Some(account)) => organization_id(world, account),
            ("aws:resourceorgpaths", Some(account)) => organization_path(world, account),
            _ => absent(),
        }
    }

    /// Tags are exported of users and roles; one that is not there yet has none.
    fn tag(&self, tag: &str) -> Known {
        if !is_identity(self.arn) {
            return Known::missing(format!("tags of {}", self.arn));
        }
        if let Some(account) = self.unlisted {
            return Known::missing(format!("identities of account {account}"));
        }
        let tags = self.identity.into_iter().flat_map(|identity| &identity.tags);
        let mut found = tags.filter(|(key, _)| key.eq_ignore_ascii_case(tag));
        Known::Value(found.next().map(|(_, value)| ContextValue::One(value.clone())))
    }
}

fn is_identity(arn: &str) -> bool {
    matches!(identity(arn), Some(Named::User { .. } | Named::Role { .. }))
}
