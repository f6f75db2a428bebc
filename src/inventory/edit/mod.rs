//! Edits of a world as values: API calls and what-ifs. The one place that changes an inventory.

mod identities;
mod keys;
mod organization;
mod without;

use std::sync::Arc;

use crate::aws::{AccountId, AliasArn, Arn, KeyArn};
use crate::policy::PolicyDocument;
use crate::source::{Place, Span};

use super::{Account, Grant, Identity, Inventory, Key, NamedPolicy, OrgPolicyKind, Tags};

/// One change of a world. One that speaks of what is not there changes nothing.
#[derive(Clone, Debug)]
pub enum Edit {
    /// PutKeyPolicy: the key's policy becomes this one.
    PutKeyPolicy {
        /// The key.
        key: KeyArn,
        /// Its new policy.
        policy: PolicyDocument,
    },
    /// ReplicateKey: a related key with a policy of its own, no grants, no aliases and no tags (rules
    /// K13, X4).
    ReplicateKey {
        /// The primary.
        key: KeyArn,
        /// Where the replica stands.
        region: Box<str>,
        /// The replica's policy.
        policy: PolicyDocument,
    },
    /// CreateGrant.
    CreateGrant {
        /// The key.
        key: KeyArn,
        /// The new grant.
        grant: Box<Grant>,
    },
    /// RevokeGrant.
    RevokeGrant {
        /// The key.
        key: KeyArn,
        /// The grant's id.
        grant: Box<str>,
    },
    /// TagResource.
    TagKey {
        /// The key.
        key: KeyArn,
        /// Tags that are added, or get another value.
        tags: Tags,
    },
    /// UntagResource.
    UntagKey {
        /// The key.
        key: KeyArn,
        /// Keys of the tags that go.
        keys: Vec<Box<str>>,
    },
    /// CreateKey, or a change of what DescribeKey says: the key as it is from now on.
    PutKey {
        /// The key.
        key: Box<Key>,
    },
    /// The end of a key whose deletion was scheduled: it goes with its aliases.
    DeleteKey {
        /// The key.
        key: KeyArn,
    },
    /// CreateAlias or UpdateAlias: the alias points to this key from now on.
    PointAlias {
        /// The alias.
        alias: AliasArn,
        /// The key, of the alias's account and Region.
        key: KeyArn,
    },
    /// DeleteAlias.
    DeleteAlias {
        /// The alias.
        alias: AliasArn,
    },
    /// PutUserPolicy, PutRolePolicy or PutGroupPolicy: a new inline policy, or another text for an old
    /// one.
    PutInlinePolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// The policy with its name.
        policy: NamedPolicy,
    },
    /// DeleteUserPolicy, DeleteRolePolicy or DeleteGroupPolicy.
    DeleteInlinePolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// The policy's name.
        name: Box<str>,
    },
    /// AttachUserPolicy, AttachRolePolicy or AttachGroupPolicy. AdministratorAccess brings its document
    /// along where no export has it.
    AttachPolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// ARN of the managed policy.
        policy: Box<str>,
    },
    /// DetachUserPolicy, DetachRolePolicy or DetachGroupPolicy.
    DetachPolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// ARN of the managed policy.
        policy: Box<str>,
    },
    /// CreatePolicyVersion with `SetAsDefault`.
    CreatePolicyVersion {
        /// ARN of the managed policy.
        policy: Box<str>,
        /// The new version.
        document: PolicyDocument,
    },
    /// SetDefaultPolicyVersion.
    SetDefaultPolicyVersion {
        /// ARN of the managed policy.
        policy: Box<str>,
        /// `v1`, `v2`, ...
        version: Box<str>,
    },
    /// AddUserToGroup.
    AddUserToGroup {
        /// ARN of the user.
        user: Box<str>,
        /// ARN of the group.
        group: Box<str>,
    },
    /// RemoveUserFromGroup.
    RemoveUserFromGroup {
        /// ARN of the user.
        user: Box<str>,
        /// ARN of the group.
        group: Box<str>,
    },
    /// UpdateAssumeRolePolicy.
    PutTrust {
        /// ARN of the role.
        role: Box<str>,
        /// Its new trust policy.
        document: PolicyDocument,
    },
    /// PutUserPermissionsBoundary or PutRolePermissionsBoundary; AdministratorAccess as in
    /// [`Edit::AttachPolicy`].
    PutBoundary {
        /// ARN of the user or role.
        holder: Box<str>,
        /// ARN of the managed policy.
        policy: Box<str>,
    },
    /// DeleteUserPermissionsBoundary or DeleteRolePermissionsBoundary.
    DeleteBoundary {
        /// ARN of the user or role.
        holder: Box<str>,
    },
    /// TagUser or TagRole.
    TagIdentity {
        /// ARN of the user or role.
        holder: Box<str>,
        /// Tags that are added, or get another value.
        tags: Tags,
    },
    /// UntagUser or UntagRole.
    UntagIdentity {
        /// ARN of the user or role.
        holder: Box<str>,
        /// Keys of the tags that go.
        keys: Vec<Box<str>>,
    },
    /// CreateUser.
    CreateUser {
        /// ARN it has.
        user: Box<str>,
    },
    /// CreateGroup: nobody is in it.
    CreateGroup {
        /// ARN it has.
        group: Box<str>,
    },
    /// CreatePolicy: a managed policy with one version, attached to nobody.
    CreatePolicy {
        /// ARN it has.
        policy: Box<str>,
        /// Its text.
        document: PolicyDocument,
    },
    /// CreateRole.
    CreateRole {
        /// ARN it has.
        role: Box<str>,
        /// Its trust policy.
        trust: PolicyDocument,
    },
    /// No call: somebody whose account was not exported, and lets them do everything (rule T8).
    AddOutsider {
        /// ARN of the user or role.
        identity: Box<str>,
    },
    /// Organizations' DetachPolicy.
    DetachOrgPolicy {
        /// `p-...`.
        policy: Box<str>,
        /// Id of the root, unit or account it is attached to.
        target: Box<str>,
    },
    /// Organizations' UpdatePolicy.
    UpdateOrgPolicy {
        /// `p-...`.
        policy: Box<str>,
        /// Its new text.
        document: PolicyDocument,
    },
    /// Organizations' DisablePolicyType.
    DisablePolicyType {
        /// Which policies stop binding anybody.
        kind: OrgPolicyKind,
    },
    /// Organizations' MoveAccount.
    MoveAccount {
        /// The account.
        account: AccountId,
        /// Id of the root or unit it stands under from now on.
        parent: Box<str>,
    },
    /// LeaveOrganization, or RemoveAccountFromOrganization.
    LeaveOrganization {
        /// The account.
        account: AccountId,
    },
    /// What if one statement were not there.
    WithoutStatement {
        /// The policy that holds it, by where it stands.
        policy: Place,
        /// The statement, by its range in the policy.
        statement: Span,
    },
}

impl Inventory {
    /// This world after `edit`. Costs a copy of the key, account or organization it touches, no more.
    pub fn apply(&self, edit: &Edit) -> Self {
        let mut world = self.clone();
        world.change(edit);
        world
    }

    fn change(&mut self, edit: &Edit) -> Option<()> {
        match edit {
            Edit::PutKeyPolicy { key, .. }
            | Edit::CreateGrant { key, .. }
            | Edit::RevokeGrant { key, .. }
            | Edit::TagKey { key, .. }
            | Edit::UntagKey { key, .. } => edit.change_key(self.key_mut(key)?),
            Edit::PutKey { key } => {
                self.keys.insert(key.arn.clone(), Arc::new(Key::clone(key)));
            }
            Edit::DeleteKey { key } => self.delete_key(key)?,
            Edit::ReplicateKey { key, region, policy } => self.replicate(key, region, policy)?,
            Edit::PointAlias { alias, key } => self.point_alias(alias, key)?,
            Edit::DeleteAlias { alias } => self.delete_alias(alias)?,
            Edit::PutInlinePolicy { holder, policy } => self.put_inline(holder, policy)?,
            Edit::DeleteInlinePolicy { holder, name } => {
                self.holder_mut(holder)?.inline.retain(|one| one.name != *name);
            }
            Edit::AttachPolicy { holder, policy } => self.attach(holder, policy)?,
            Edit::DetachPolicy { holder, policy } => {
                self.holder_mut(holder)?.attached.retain(|one| one.arn != *policy);
            }
            Edit::CreatePolicyVersion { policy, document } => {
                self.put_version(policy, document)?;
            }
            Edit::SetDefaultPolicyVersion { policy, version } => {
                self.policy_mut(policy)?.default_version = Some(version.clone());
            }
            Edit::AddUserToGroup { user, group } => {
                let name = self.group_name(group)?;
                self.identity_mut(user)?.groups.insert(name);
            }
            Edit::RemoveUserFromGroup { user, group } => {
                let name = self.group_name(group)?;
                self.identity_mut(user)?.groups.remove(&name);
            }
            Edit::PutTrust { role, document } => {
                self.identity_mut(role)?.trust = Some(document.clone());
            }
            Edit::PutBoundary { holder, policy } => self.put_boundary(holder, policy)?,
            Edit::DeleteBoundary { holder } => self.identity_mut(holder)?.boundary = None,
            Edit::TagIdentity { holder, tags } => {
                self.identity_mut(holder)?.tag(tags);
            }
            Edit::UntagIdentity { holder, keys } => {
                self.identity_mut(holder)?.untag(keys.iter().map(|key| &**key));
            }
            Edit::CreateUser { user } => self.create(user, None)?,
            Edit::CreateGroup { group } => self.create_group(group)?,
            Edit::CreatePolicy { policy, document } => self.create_policy(policy, document)?,
            Edit::CreateRole { role, trust } => self.create(role, Some(trust))?,
            Edit::AddOutsider { identity } => self.add_outsider(identity)?,
            Edit::DetachOrgPolicy { policy, target } => {
                self.organization_mut()?.attachments.get_mut(target)?.remove(policy);
            }
            Edit::UpdateOrgPolicy { policy, document } => {
                let policy = self.organization_mut()?.policies.get_mut(policy)?;
                policy.document = Some(document.clone());
            }
            Edit::DisablePolicyType { kind } => self.organization_mut()?.disable(*kind),
            Edit::MoveAccount { account, parent } => {
                let parents = &mut self.organization_mut()?.parents;
                parents.insert(account.as_str().into(), parent.clone());
            }
            Edit::LeaveOrganization { account } => self.organization_mut()?.part_with(*account),
            Edit::WithoutStatement { policy, statement } => self.without(*policy, *statement),
        }
        Some(())
    }

    /// The key, to be changed.
    fn key_mut(&mut self, arn: &KeyArn) -> Option<&mut Key> {
        self.keys.get_mut(arn).map(Arc::make_mut)
    }

    /// The user or role with this ARN, to be changed.
    fn identity_mut(&mut self, arn: &str) -> Option<&mut Identity> {
        let account = AccountId::parse(Arn::parse(arn)?.account)?;
        let account = self.accounts.get_mut(&account)?;
        if !account.identities.contains_key(arn) {
            return None;
        }
        Arc::make_mut(account).identities.get_mut(arn)
    }

    /// The account, made where nothing is known of it yet.
    pub fn account_mut(&mut self, id: AccountId) -> &mut Account {
        let account = self.accounts.entry(id).or_insert_with(|| Arc::new(Account::new(id)));
        Arc::make_mut(account)
    }
}
