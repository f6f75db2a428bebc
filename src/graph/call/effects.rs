//! What each call changes, and whom it lets the caller be.

use crate::decision::Caller;
use crate::inventory::{Edit, Grant, NamedPolicy, Tags};

use super::super::change::{administrator_access, everything};
use super::{Call, Center, Gives};

impl Call {
    /// What it changes about a world; nothing for one that only takes an identity on. A grant belongs to
    /// the account of whoever creates it (rule G1).
    pub fn edits(&self, caller: &Caller) -> Vec<Edit> {
        let made_with = |holder: &str, boundary: Option<Box<str>>, tags: Tags| {
            let holder = || Box::<str>::from(holder);
            let bounds = boundary.map(|policy| Edit::PutBoundary { holder: holder(), policy });
            let tags = Some(tags).filter(|tags| !tags.is_empty());
            bounds.into_iter().chain(tags.map(|tags| Edit::TagIdentity { holder: holder(), tags }))
        };
        let edit = match self.clone() {
            Self::AssumeRole { .. }
            | Self::AssumeRoleWithSaml { .. }
            | Self::AssumeRoleWithWebIdentity { .. }
            | Self::GetFederationToken { .. }
            | Self::CreateAccessKey { .. }
            | Self::LoginProfile { .. }
            | Self::CreateMfaDevice { .. }
            | Self::EnableMfaDevice { .. }
            | Self::Launch { .. }
            | Self::UpdateSamlProvider { .. }
            | Self::CreateProvider { .. }
            | Self::AddClientId { .. } => return Vec::new(),
            Self::Center { center, role, .. } => match center.gives {
                Gives::Role => return Vec::new(),
                Gives::Inline => {
                    let (name, document) = ("AwsSSOInlinePolicy".into(), everything());
                    Edit::PutInlinePolicy { holder: role, policy: NamedPolicy { name, document } }
                }
                Gives::Managed => {
                    let partition = caller.partition();
                    let policy = administrator_access(partition).into();
                    Edit::AttachPolicy { holder: role, policy }
                }
            },
            Self::PutPolicy { holder, name, document } => {
                Edit::PutInlinePolicy { holder, policy: NamedPolicy { name, document } }
            }
            Self::DeletePolicy { holder, name } => Edit::DeleteInlinePolicy { holder, name },
            Self::AttachPolicy { holder, policy } => Edit::AttachPolicy { holder, policy },
            Self::DetachPolicy { holder, policy } => Edit::DetachPolicy { holder, policy },
            Self::CreatePolicyVersion { policy, document } => {
                Edit::CreatePolicyVersion { policy, document }
            }
            Self::SetDefaultPolicyVersion { policy, version } => {
                Edit::SetDefaultPolicyVersion { policy, version }
            }
            Self::AddUserToGroup { user, group } => Edit::AddUserToGroup { user, group },
            Self::RemoveUserFromGroup { user, group } => Edit::RemoveUserFromGroup { user, group },
            Self::UpdateAssumeRolePolicy { role, document } => Edit::PutTrust { role, document },
            Self::DeleteBoundary { holder } => Edit::DeleteBoundary { holder },
            Self::PutBoundary { holder, policy } => Edit::PutBoundary { holder, policy },
            Self::TagIdentity { holder, tags } => Edit::TagIdentity { holder, tags },
            Self::UntagIdentity { holder, keys } => Edit::UntagIdentity { holder, keys },
            Self::CreateUser { user, boundary, tags } => {
                let with: Vec<Edit> = made_with(&user, boundary, tags).collect();
                return [Edit::CreateUser { user }].into_iter().chain(with).collect();
            }
            Self::CreateRole { role, trust, boundary, tags } => {
                let with: Vec<Edit> = made_with(&role, boundary, tags).collect();
                return [Edit::CreateRole { role, trust }].into_iter().chain(with).collect();
            }
            Self::CreateGroup { group } => Edit::CreateGroup { group },
            Self::CreatePolicy { policy, document } => Edit::CreatePolicy { policy, document },
            Self::PutKeyPolicy { key, policy } => Edit::PutKeyPolicy { key, policy },
            Self::ReplicateKey { key, region, policy } => {
                Edit::ReplicateKey { key, region, policy }
            }
            Self::CreateGrant { key, grant } => {
                let issuing_account = grant.issuing_account.or(caller.account);
                Edit::CreateGrant { key, grant: Box::new(Grant { issuing_account, ..*grant }) }
            }
            Self::TagKey { key, tags } => Edit::TagKey { key, tags },
            Self::UntagKey { key, keys } => Edit::UntagKey { key, keys },
            Self::CreateAlias { alias, key } | Self::UpdateAlias { alias, key } => {
                Edit::PointAlias { alias, key }
            }
            Self::DeleteAlias { alias } => Edit::DeleteAlias { alias },
            Self::DetachOrgPolicy { policy, target } => Edit::DetachOrgPolicy { policy, target },
            Self::UpdateOrgPolicy { policy, document } => {
                Edit::UpdateOrgPolicy { policy, document }
            }
            Self::DisablePolicyType { kind, .. } => Edit::DisablePolicyType { kind },
            Self::MoveAccount { account, to, .. } => Edit::MoveAccount { account, parent: to },
            Self::LeaveOrganization => {
                let leave = caller.account.map(|account| Edit::LeaveOrganization { account });
                return leave.into_iter().collect();
            }
        };
        vec![edit]
    }

    /// Whom the caller can be from then on: any session of a role (rules T3 to T8, T28, T29), a user
    /// (rules T26, T27), a federated session (rule T12), the subject of a provider (rule T41).
    pub fn gained(&self) -> Option<Caller> {
        match self {
            Self::AssumeRole { role, .. }
            | Self::AssumeRoleWithSaml { role, .. }
            | Self::AssumeRoleWithWebIdentity { role, .. }
            | Self::Launch { role, .. }
            | Self::Center { center: Center { gives: Gives::Role, .. }, role, .. } => {
                Caller::parse(role)
            }
            Self::GetFederationToken { session, .. } => Caller::parse(session),
            Self::CreateAccessKey { user } | Self::LoginProfile { user, .. } => Caller::parse(user),
            Self::UpdateSamlProvider { provider }
            | Self::CreateProvider { provider }
            | Self::AddClientId { provider, .. } => Some(Caller::of_provider(provider)),
            _ => None,
        }
    }
}
