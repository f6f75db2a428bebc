//! What edits change about users, roles, groups and managed policies.

use std::sync::Arc;

use crate::aws::{AccountId, Arn, Identity as Named, identity};
use crate::inventory::{
    AttachedPolicy, Group, Identity, IdentityKind, Inventory, ManagedPolicy, NamedPolicy,
    PolicyVersion, Tags,
};
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

/// What allows everything, as AWS writes AdministratorAccess.
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The policies of a user, role or group.
pub(super) struct Holder<'w> {
    /// Its inline policies.
    pub(super) inline: &'w mut Vec<NamedPolicy>,
    /// The managed policies that are attached to it.
    pub(super) attached: &'w mut Vec<AttachedPolicy>,
}

impl Inventory {
    /// The policies of a user, role or group, to be changed.
    pub(super) fn holder_mut(&mut self, arn: &str) -> Option<Holder<'_>> {
        if let Some(name) = self.group_name(arn) {
            let account = AccountId::parse(Arn::parse(arn)?.account)?;
            let account = Arc::make_mut(self.accounts.get_mut(&account)?);
            let group = account.groups.get_mut(&name)?;
            return Some(Holder { inline: &mut group.inline, attached: &mut group.attached });
        }
        let identity = self.identity_mut(arn)?;
        Some(Holder { inline: &mut identity.inline, attached: &mut identity.attached })
    }

    /// The name of the group with this ARN, where it is known.
    pub(super) fn group_name(&self, arn: &str) -> Option<Box<str>> {
        self.group(arn).map(|group| group.name.clone())
    }

    pub(super) fn put_inline(&mut self, holder: &str, policy: &NamedPolicy) -> Option<()> {
        let inline = self.holder_mut(holder)?.inline;
        inline.retain(|one| one.name != policy.name);
        inline.push(policy.clone());
        Some(())
    }

    /// Rule T21.
    pub(super) fn attach(&mut self, holder: &str, policy: &str) -> Option<()> {
        let attached = self.holder_mut(holder)?.attached;
        if attached.iter().all(|one| *one.arn != *policy) {
            attached.push(AttachedPolicy { arn: policy.into(), place: nowhere() });
        }
        self.bring_along(holder, policy)
    }

    /// Rule T30.
    pub(super) fn put_boundary(&mut self, holder: &str, policy: &str) -> Option<()> {
        let boundary = AttachedPolicy { arn: policy.into(), place: nowhere() };
        self.identity_mut(holder)?.boundary = Some(boundary);
        self.bring_along(holder, policy)
    }

    /// Rule T21: AdministratorAccess is always there, whether exported or not.
    fn bring_along(&mut self, holder: &str, arn: &str) -> Option<()> {
        let account = AccountId::parse(Arn::parse(holder)?.account)?;
        let known = self.managed_policy(account, arn).and_then(ManagedPolicy::document);
        if known.is_none() && arn.ends_with(":iam::aws:policy/AdministratorAccess") {
            let id: Box<str> = "v1".into();
            let versions = vec![PolicyVersion { id: id.clone(), document: everything() }];
            let (default_version, place) = (Some(id), nowhere());
            let policy = ManagedPolicy { arn: arn.into(), default_version, versions, place };
            self.account_mut(account).policies.insert(arn, policy);
        }
        Some(())
    }

    /// The managed policy with this ARN in its own account, to be changed.
    pub(super) fn policy_mut(&mut self, arn: &str) -> Option<&mut ManagedPolicy> {
        let account = AccountId::parse(Arn::parse(arn)?.account)?;
        Arc::make_mut(self.accounts.get_mut(&account)?).policies.get_mut(arn)
    }

    /// Rule T22: the number of the new version follows the greatest that is known.
    pub(super) fn put_version(&mut self, arn: &str, document: &PolicyDocument) -> Option<()> {
        let policy = self.policy_mut(arn)?;
        let number = |version: &PolicyVersion| version.id.strip_prefix('v')?.parse::<u32>().ok();
        let last = policy.versions.iter().filter_map(number).max().unwrap_or(0);
        let id: Box<str> = format!("v{}", last.saturating_add(1)).into();
        policy.versions.push(PolicyVersion { id: id.clone(), document: document.clone() });
        policy.default_version = Some(id);
        Some(())
    }

    /// A user, or a role with its trust policy, that nothing else is said of (rule T35).
    pub(super) fn create(&mut self, arn: &str, trust: Option<&PolicyDocument>) -> Option<()> {
        let (kind, account) = match identity(arn)? {
            Named::User { account, .. } => (IdentityKind::User, account),
            Named::Role { account, .. } => (IdentityKind::Role, account),
            _ => return None,
        };
        let mut made = Identity::named(kind, arn, account, nowhere());
        made.trust = trust.cloned();
        self.account_mut(account).add_identity(made);
        Some(())
    }

    pub(super) fn create_group(&mut self, arn: &str) -> Option<()> {
        let Named::Group { account, name, .. } = identity(arn)? else {
            return None;
        };
        let (inline, attached, place) = (Vec::new(), Vec::new(), nowhere());
        let group = Group { name: name.into(), arn: arn.into(), inline, attached, place };
        self.account_mut(account).groups.insert(name, group);
        Some(())
    }

    pub(super) fn create_policy(&mut self, arn: &str, document: &PolicyDocument) -> Option<()> {
        let account = AccountId::parse(Arn::parse(arn)?.account)?;
        let id: Box<str> = "v1".into();
        let versions = vec![PolicyVersion { id: id.clone(), document: document.clone() }];
        let (default_version, place) = (Some(id), nowhere());
        let policy = ManagedPolicy { arn: arn.into(), default_version, versions, place };
        self.account_mut(account).policies.insert(arn, policy);
        Some(())
    }

    pub(super) fn add_outsider(&mut self, arn: &str) -> Option<()> {
        self.create(arn, None)?;
        let name = "Everything".into();
        self.put_inline(arn, &NamedPolicy { name, document: everything() })
    }
}

impl Identity {
    /// Keys of the tags of users and roles compare without case, and keep it (page "Tagging IAM
    /// resources").
    pub(super) fn tag(&mut self, tags: &Tags) {
        self.untag(tags.keys().map(|key| &**key));
        self.tags.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    pub(super) fn untag<'a>(&mut self, keys: impl Iterator<Item = &'a str>) {
        for key in keys {
            self.tags.retain(|known, _| !known.eq_ignore_ascii_case(key));
        }
    }
}

/// A policy that allows everything.
fn everything() -> PolicyDocument {
    PolicyDocument::json(nowhere(), PolicyKind::Identity, EVERYTHING)
}

/// The place of what no file says.
fn nowhere() -> Place {
    Place::plain(FileId(0), Span::default())
}
