//! The API calls that paths are made of, as values (section 5 of the semantics): what each is called,
//! which permissions it needs, what it changes and whom it lets the caller be.

mod action;
mod asks;
mod effects;
mod grants;
mod params;

pub(super) use action::is_saml;
pub use asks::Ask;
pub(super) use asks::{direct, is_alike_for_all, is_of_services};
pub(super) use grants::{grant_pair_keys, grant_term_keys};

use crate::aws::{AccountId, AliasArn, KeyArn};
use crate::inventory::{Grant, OrgPolicyKind, Tags};
use crate::policy::PolicyDocument;

use super::{Center, Gives, Launch};

/// One API call of a path: what is called, and with which parameters. Who calls, and in which context,
/// stands beside it in a [`Hop`](super::Hop).
#[derive(Clone, Debug)]
pub enum Call {
    /// sts:AssumeRole (rules T3 to T5). External id, source identity and the like are in the context.
    AssumeRole {
        /// ARN of the role.
        role: Box<str>,
        /// Session tags that go with it; they need sts:TagSession too (rule T7).
        tags: Tags,
    },
    /// sts:AssumeRoleWithSAML (rule T8): whoever the provider vouches for.
    AssumeRoleWithSaml {
        /// ARN of the role.
        role: Box<str>,
        /// ARN of the provider.
        provider: Box<str>,
    },
    /// sts:AssumeRoleWithWebIdentity (rule T8).
    AssumeRoleWithWebIdentity {
        /// ARN of the role.
        role: Box<str>,
        /// ARN or host of the provider, as the trust policy names it.
        provider: Box<str>,
    },
    /// sts:GetFederationToken without a session policy (rule T12).
    GetFederationToken {
        /// ARN of the session.
        session: Box<str>,
        /// Session tags that go with it; they need sts:TagSession too (rule T7).
        tags: Tags,
    },
    /// iam:CreateAccessKey (rule T26).
    CreateAccessKey {
        /// ARN of the user.
        user: Box<str>,
    },
    /// iam:CreateLoginProfile or iam:UpdateLoginProfile (rule T27).
    LoginProfile {
        /// ARN of the user.
        user: Box<str>,
        /// Whether an old profile is changed.
        update: bool,
    },
    /// iam:CreateVirtualMFADevice: a device of the caller's, called as the user is (rule T43).
    CreateMfaDevice {
        /// ARN of the user.
        user: Box<str>,
    },
    /// iam:EnableMFADevice of that device, with which the user takes sts:GetSessionToken, which needs no
    /// permission (rule T43).
    EnableMfaDevice {
        /// ARN of the user.
        user: Box<str>,
    },
    /// iam:PassRole with the launch actions of a service (rules T28, T50, T51), or a change of code that
    /// runs under the role already (rule T29).
    Launch {
        /// How.
        launch: &'static Launch,
        /// ARN of the role.
        role: Box<str>,
        /// The Region it is launched in.
        region: Box<str>,
        /// What each action of the launch is taken on, in their order: an ARN, or `*` where it has no
        /// resource.
        resources: Vec<Box<str>>,
    },
    /// A call about IAM Identity Center, or calls that go together, towards the role of a permission set
    /// (rule T42).
    Center {
        /// How.
        center: &'static Center,
        /// ARN of the role.
        role: Box<str>,
        /// The Region of the instance.
        region: Box<str>,
        /// What each action is taken on, in their order: an ARN, or `*`.
        resources: Vec<Box<str>>,
    },
    /// iam:PutUserPolicy, iam:PutRolePolicy or iam:PutGroupPolicy (rule T20).
    PutPolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// The policy's name.
        name: Box<str>,
        /// The policy.
        document: PolicyDocument,
    },
    /// iam:AttachUserPolicy, iam:AttachRolePolicy or iam:AttachGroupPolicy (rule T21).
    AttachPolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// ARN of the managed policy.
        policy: Box<str>,
    },
    /// iam:CreatePolicyVersion with `SetAsDefault` (rule T22).
    CreatePolicyVersion {
        /// ARN of the customer managed policy.
        policy: Box<str>,
        /// The new version.
        document: PolicyDocument,
    },
    /// iam:SetDefaultPolicyVersion (rule T23).
    SetDefaultPolicyVersion {
        /// ARN of the customer managed policy.
        policy: Box<str>,
        /// `v1`, `v2`, ...
        version: Box<str>,
    },
    /// iam:AddUserToGroup (rule T24).
    AddUserToGroup {
        /// ARN of the user.
        user: Box<str>,
        /// ARN of the group.
        group: Box<str>,
    },
    /// iam:UpdateAssumeRolePolicy (rule T25).
    UpdateAssumeRolePolicy {
        /// ARN of the role.
        role: Box<str>,
        /// The new trust policy.
        document: PolicyDocument,
    },
    /// iam:DeleteUserPermissionsBoundary or iam:DeleteRolePermissionsBoundary (rule T30).
    DeleteBoundary {
        /// ARN of the user or role.
        holder: Box<str>,
    },
    /// iam:PutUserPermissionsBoundary or iam:PutRolePermissionsBoundary (rule T30).
    PutBoundary {
        /// ARN of the user or role.
        holder: Box<str>,
        /// ARN of the managed policy that takes the old one's place.
        policy: Box<str>,
    },
    /// iam:DetachUserPolicy, iam:DetachRolePolicy or iam:DetachGroupPolicy (rule T31).
    DetachPolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// ARN of the managed policy.
        policy: Box<str>,
    },
    /// iam:DeleteUserPolicy, iam:DeleteRolePolicy or iam:DeleteGroupPolicy (rule T31).
    DeletePolicy {
        /// ARN of the user, role or group.
        holder: Box<str>,
        /// The inline policy's name.
        name: Box<str>,
    },
    /// iam:RemoveUserFromGroup (rule T31).
    RemoveUserFromGroup {
        /// ARN of the user.
        user: Box<str>,
        /// ARN of the group.
        group: Box<str>,
    },
    /// iam:TagUser or iam:TagRole (rule T34).
    TagIdentity {
        /// ARN of the user or role.
        holder: Box<str>,
        /// Tags that are added, or get another value.
        tags: Tags,
    },
    /// iam:UntagUser or iam:UntagRole (rule T34).
    UntagIdentity {
        /// ARN of the user or role.
        holder: Box<str>,
        /// Keys of the tags that go.
        keys: Vec<Box<str>>,
    },
    /// iam:CreateUser (rule T35).
    CreateUser {
        /// ARN it will have.
        user: Box<str>,
        /// ARN of the permissions boundary that it gets.
        boundary: Option<Box<str>>,
        /// Its tags; they need iam:TagUser too.
        tags: Tags,
    },
    /// iam:CreateRole (rule T35).
    CreateRole {
        /// ARN it will have.
        role: Box<str>,
        /// Its trust policy.
        trust: PolicyDocument,
        /// ARN of the permissions boundary that it gets.
        boundary: Option<Box<str>>,
        /// Its tags; they need iam:TagRole too.
        tags: Tags,
    },
    /// iam:CreateGroup (rule T35).
    CreateGroup {
        /// ARN it will have.
        group: Box<str>,
    },
    /// iam:CreatePolicy, of a policy that is then attached (rule T21).
    CreatePolicy {
        /// ARN it will have.
        policy: Box<str>,
        /// Its text.
        document: PolicyDocument,
    },
    /// iam:UpdateSAMLProvider: what the provider vouches for is of the caller's making (rule T41).
    UpdateSamlProvider {
        /// ARN of the provider.
        provider: Box<str>,
    },
    /// iam:CreateSAMLProvider or iam:CreateOpenIDConnectProvider, under a name that a role trusts already
    /// (rule T41).
    CreateProvider {
        /// ARN it will have.
        provider: Box<str>,
    },
    /// iam:AddClientIDToOpenIDConnectProvider: the provider's tokens for the caller's own application are
    /// let in (rule T41).
    AddClientId {
        /// ARN of the provider.
        provider: Box<str>,
        /// The application.
        client: Box<str>,
    },
    /// kms:PutKeyPolicy (rule T16).
    PutKeyPolicy {
        /// The key.
        key: KeyArn,
        /// Its new policy.
        policy: PolicyDocument,
    },
    /// kms:ReplicateKey with a policy of the caller's choice (rule T17).
    ReplicateKey {
        /// The primary.
        key: KeyArn,
        /// Where the replica will stand.
        region: Box<str>,
        /// The replica's policy.
        policy: PolicyDocument,
    },
    /// kms:CreateGrant (rules T18, T19).
    CreateGrant {
        /// The key.
        key: KeyArn,
        /// The new grant.
        grant: Box<Grant>,
    },
    /// kms:TagResource (rule T32).
    TagKey {
        /// The key.
        key: KeyArn,
        /// Tags that are added, or get another value.
        tags: Tags,
    },
    /// kms:UntagResource (rule T32).
    UntagKey {
        /// The key.
        key: KeyArn,
        /// Keys of the tags that go.
        keys: Vec<Box<str>>,
    },
    /// kms:CreateAlias (rule T33).
    CreateAlias {
        /// The new alias.
        alias: AliasArn,
        /// The key it will point to.
        key: KeyArn,
    },
    /// kms:UpdateAlias (rule T33).
    UpdateAlias {
        /// The alias.
        alias: AliasArn,
        /// The key it will point to.
        key: KeyArn,
    },
    /// kms:DeleteAlias (rule T33).
    DeleteAlias {
        /// The alias.
        alias: AliasArn,
    },
    /// organizations:DetachPolicy (rule T37).
    DetachOrgPolicy {
        /// `p-...`.
        policy: Box<str>,
        /// Id of the root, unit or account it is attached to.
        target: Box<str>,
    },
    /// organizations:UpdatePolicy (rule T37).
    UpdateOrgPolicy {
        /// `p-...`.
        policy: Box<str>,
        /// Its new text.
        document: PolicyDocument,
    },
    /// organizations:DisablePolicyType (rule T37).
    DisablePolicyType {
        /// Id of the root.
        root: Box<str>,
        /// Which policies stop binding anybody.
        kind: OrgPolicyKind,
    },
    /// organizations:MoveAccount (rule T37).
    MoveAccount {
        /// The account.
        account: AccountId,
        /// Id of the root or unit it stands under.
        from: Box<str>,
        /// Id of the root or unit it will stand under.
        to: Box<str>,
    },
    /// organizations:LeaveOrganization, called in the account itself (rule T37).
    LeaveOrganization,
}
