//! What each call is named.

use crate::aws::{Action, ControlAction as C, Identity, KmsAction as K, identity};

use super::Call;

/// What can hold policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HolderKind {
    /// An IAM user.
    User,
    /// An IAM role.
    Role,
    /// A group of users.
    Group,
}

impl HolderKind {
    /// What an ARN names; a user where it names no holder.
    pub(super) fn of(arn: &str) -> Self {
        match identity(arn) {
            Some(Identity::Role { .. }) => Self::Role,
            Some(Identity::Group { .. }) => Self::Group,
            _ => Self::User,
        }
    }
}

impl Call {
    /// Its name: `kms:PutKeyPolicy`; a launch is called like its first action.
    pub fn name(&self) -> &'static str {
        self.action().as_str()
    }

    /// The action of the API; the first one of a launch.
    pub fn action(&self) -> Action {
        let control: C = match self {
            Self::PutKeyPolicy { .. } => return K::PUT_KEY_POLICY.into(),
            Self::ReplicateKey { .. } => return K::REPLICATE_KEY.into(),
            Self::CreateGrant { .. } => return K::CREATE_GRANT.into(),
            Self::TagKey { .. } => return K::TAG_RESOURCE.into(),
            Self::UntagKey { .. } => return K::UNTAG_RESOURCE.into(),
            Self::CreateAlias { .. } => return K::CREATE_ALIAS.into(),
            Self::UpdateAlias { .. } => return K::UPDATE_ALIAS.into(),
            Self::DeleteAlias { .. } => return K::DELETE_ALIAS.into(),
            Self::AssumeRole { .. } => C::STS_ASSUME_ROLE,
            Self::AssumeRoleWithSaml { .. } => C::STS_ASSUME_ROLE_WITH_SAML,
            Self::AssumeRoleWithWebIdentity { .. } => C::STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
            Self::GetFederationToken { .. } => C::STS_GET_FEDERATION_TOKEN,
            Self::Launch { launch, .. } => {
                launch.actions.first().copied().unwrap_or(C::IAM_PASS_ROLE)
            }
            Self::Center { center, .. } => {
                center.actions.first().copied().unwrap_or(C::SSO_CREATE_ACCOUNT_ASSIGNMENT)
            }
            Self::CreateAccessKey { .. } => C::IAM_CREATE_ACCESS_KEY,
            Self::LoginProfile { update: false, .. } => C::IAM_CREATE_LOGIN_PROFILE,
            Self::LoginProfile { update: true, .. } => C::IAM_UPDATE_LOGIN_PROFILE,
            Self::CreateMfaDevice { .. } => C::IAM_CREATE_VIRTUAL_MFA_DEVICE,
            Self::EnableMfaDevice { .. } => C::IAM_ENABLE_MFA_DEVICE,
            Self::CreatePolicyVersion { .. } => C::IAM_CREATE_POLICY_VERSION,
            Self::SetDefaultPolicyVersion { .. } => C::IAM_SET_DEFAULT_POLICY_VERSION,
            Self::AddUserToGroup { .. } => C::IAM_ADD_USER_TO_GROUP,
            Self::RemoveUserFromGroup { .. } => C::IAM_REMOVE_USER_FROM_GROUP,
            Self::UpdateAssumeRolePolicy { .. } => C::IAM_UPDATE_ASSUME_ROLE_POLICY,
            Self::CreateUser { .. } => C::IAM_CREATE_USER,
            Self::CreateRole { .. } => C::IAM_CREATE_ROLE,
            Self::CreateGroup { .. } => C::IAM_CREATE_GROUP,
            Self::CreatePolicy { .. } => C::IAM_CREATE_POLICY,
            Self::UpdateSamlProvider { .. } => C::IAM_UPDATE_SAML_PROVIDER,
            Self::CreateProvider { provider } if is_saml(provider) => C::IAM_CREATE_SAML_PROVIDER,
            Self::CreateProvider { .. } => C::IAM_CREATE_OPEN_ID_CONNECT_PROVIDER,
            Self::AddClientId { .. } => C::IAM_ADD_CLIENT_ID_TO_OPEN_ID_CONNECT_PROVIDER,
            Self::DetachOrgPolicy { .. } => C::ORGANIZATIONS_DETACH_POLICY,
            Self::UpdateOrgPolicy { .. } => C::ORGANIZATIONS_UPDATE_POLICY,
            Self::DisablePolicyType { .. } => C::ORGANIZATIONS_DISABLE_POLICY_TYPE,
            Self::MoveAccount { .. } => C::ORGANIZATIONS_MOVE_ACCOUNT,
            Self::LeaveOrganization => C::ORGANIZATIONS_LEAVE_ORGANIZATION,
            Self::PutPolicy { holder, .. } => match HolderKind::of(holder) {
                HolderKind::User => C::IAM_PUT_USER_POLICY,
                HolderKind::Role => C::IAM_PUT_ROLE_POLICY,
                HolderKind::Group => C::IAM_PUT_GROUP_POLICY,
            },
            Self::DeletePolicy { holder, .. } => match HolderKind::of(holder) {
                HolderKind::User => C::IAM_DELETE_USER_POLICY,
                HolderKind::Role => C::IAM_DELETE_ROLE_POLICY,
                HolderKind::Group => C::IAM_DELETE_GROUP_POLICY,
            },
            Self::AttachPolicy { holder, .. } => match HolderKind::of(holder) {
                HolderKind::User => C::IAM_ATTACH_USER_POLICY,
                HolderKind::Role => C::IAM_ATTACH_ROLE_POLICY,
                HolderKind::Group => C::IAM_ATTACH_GROUP_POLICY,
            },
            Self::DetachPolicy { holder, .. } => match HolderKind::of(holder) {
                HolderKind::User => C::IAM_DETACH_USER_POLICY,
                HolderKind::Role => C::IAM_DETACH_ROLE_POLICY,
                HolderKind::Group => C::IAM_DETACH_GROUP_POLICY,
            },
            // Groups have neither boundaries nor tags.
            Self::DeleteBoundary { holder } => match HolderKind::of(holder) {
                HolderKind::Role => C::IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY,
                _ => C::IAM_DELETE_USER_PERMISSIONS_BOUNDARY,
            },
            Self::PutBoundary { holder, .. } => match HolderKind::of(holder) {
                HolderKind::Role => C::IAM_PUT_ROLE_PERMISSIONS_BOUNDARY,
                _ => C::IAM_PUT_USER_PERMISSIONS_BOUNDARY,
            },
            Self::TagIdentity { holder, .. } => match HolderKind::of(holder) {
                HolderKind::Role => C::IAM_TAG_ROLE,
                _ => C::IAM_TAG_USER,
            },
            Self::UntagIdentity { holder, .. } => match HolderKind::of(holder) {
                HolderKind::Role => C::IAM_UNTAG_ROLE,
                _ => C::IAM_UNTAG_USER,
            },
        };
        control.into()
    }
}

/// Whether the ARN of a provider is that of a SAML provider.
pub(in crate::graph) fn is_saml(provider: &str) -> bool {
    provider.contains(":saml-provider/")
}
