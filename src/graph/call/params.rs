//! The parameters of each call, named and shaped as the API takes them.

use serde_json::{Map, Value, json};

use crate::aws::{KeyArn, KmsAction};
use crate::decision::Context;
use crate::inventory::{Grant, Grantee, OrgPolicyKind, Tags, policy_name};

use super::super::change::everything;
use super::action::{HolderKind, is_saml};
use super::{Call, Gives};

/// The session's name where the context does not fix one.
pub(super) const SESSION: &str = "keyreach";

/// What a context says of a key that holds one value.
pub(super) fn said<'c>(context: &'c Context, key: &str) -> Option<&'c str> {
    context.get(key)?.value.values().first().map(AsRef::as_ref)
}

impl Call {
    /// Its parameters by their names in the API. What a condition of `context` asks of a parameter is
    /// among them (`ExternalId`, `RoleSessionName`, `SourceIdentity`); what the caller is free to choose,
    /// such as a password or a provider's metadata, is not. A launch is several calls and names the role.
    pub fn params(&self, context: &Context) -> Value {
        match self {
            Self::AssumeRole { role, tags } => assume_role(role, tags, context),
            Self::AssumeRoleWithSaml { role, provider } => {
                json!({ "RoleArn": role, "PrincipalArn": provider })
            }
            Self::AssumeRoleWithWebIdentity { role, .. } => {
                json!({ "RoleArn": role, "RoleSessionName": session_name(context) })
            }
            Self::GetFederationToken { session, tags } => {
                let mut params = json!({ "Name": name(session) });
                if !tags.is_empty() {
                    put(&mut params, "Tags", pairs(tags, "Key", "Value"));
                }
                params
            }
            Self::CreateAccessKey { user } | Self::LoginProfile { user, .. } => {
                json!({ "UserName": name(user) })
            }
            Self::CreateMfaDevice { user } => json!({ "VirtualMFADeviceName": name(user) }),
            Self::EnableMfaDevice { user } => {
                json!({ "UserName": name(user), "SerialNumber": device_of(user) })
            }
            Self::Launch { launch, role, region, resources } => {
                let actions: Vec<&str> = launch.actions.iter().map(|it| it.as_str()).collect();
                let mut params = json!({ "RoleArn": role, "Service": launch.service,
                    "Region": region, "Actions": actions, "Resources": resources });
                if launch.passes {
                    put(&mut params, "PassedToService", launch.service);
                }
                params
            }
            Self::Center { center, role, region, resources } => {
                let actions: Vec<&str> = center.actions.iter().map(|it| it.as_str()).collect();
                let mut params = json!({ "RoleArn": role, "Region": region,
                    "Actions": actions, "Resources": resources });
                if center.gives == Gives::Inline {
                    put(&mut params, "InlinePolicy", everything().text());
                }
                params
            }
            Self::PutPolicy { holder, name, document } => {
                of_holder(holder, json!({ "PolicyName": name, "PolicyDocument": document.text() }))
            }
            Self::DeletePolicy { holder, name } => of_holder(holder, json!({ "PolicyName": name })),
            Self::AttachPolicy { holder, policy } | Self::DetachPolicy { holder, policy } => {
                of_holder(holder, json!({ "PolicyArn": policy }))
            }
            Self::CreatePolicyVersion { policy, document } => json!({ "PolicyArn": policy,
                "PolicyDocument": document.text(), "SetAsDefault": true }),
            Self::SetDefaultPolicyVersion { policy, version } => {
                json!({ "PolicyArn": policy, "VersionId": version })
            }
            Self::AddUserToGroup { user, group } | Self::RemoveUserFromGroup { user, group } => {
                json!({ "UserName": name(user), "GroupName": name(group) })
            }
            Self::UpdateAssumeRolePolicy { role, document } => {
                json!({ "RoleName": name(role), "PolicyDocument": document.text() })
            }
            Self::DeleteBoundary { holder } => of_holder(holder, json!({})),
            Self::PutBoundary { holder, policy } => {
                of_holder(holder, json!({ "PermissionsBoundary": policy }))
            }
            Self::TagIdentity { holder, tags } => {
                of_holder(holder, json!({ "Tags": pairs(tags, "Key", "Value") }))
            }
            Self::UntagIdentity { holder, keys } => of_holder(holder, json!({ "TagKeys": keys })),
            Self::CreateUser { user, boundary, tags } => {
                created(user, boundary.as_deref(), tags, json!({}))
            }
            Self::CreateRole { role, trust, boundary, tags } => {
                let trust = json!({ "AssumeRolePolicyDocument": trust.text() });
                created(role, boundary.as_deref(), tags, trust)
            }
            Self::CreateGroup { group } => created(group, None, &Tags::new(), json!({})),
            Self::CreatePolicy { policy, document } => {
                let params =
                    json!({ "PolicyName": name(policy), "PolicyDocument": document.text() });
                with_path(policy, params)
            }
            Self::UpdateSamlProvider { provider } => json!({ "SAMLProviderArn": provider }),
            Self::CreateProvider { provider } if is_saml(provider) => {
                json!({ "Name": policy_name(provider) })
            }
            Self::CreateProvider { provider } => {
                json!({ "Url": format!("https://{}", host(provider)) })
            }
            Self::AddClientId { provider, client } => {
                json!({ "OpenIDConnectProviderArn": provider, "ClientID": client })
            }
            Self::PutKeyPolicy { key, policy } => {
                let params = json!({ "KeyId": key.as_str(), "PolicyName": "default",
                    "Policy": policy.text() });
                unchecked(params, context)
            }
            Self::ReplicateKey { key, region, policy } => {
                let params = json!({ "KeyId": key.as_str(), "ReplicaRegion": region,
                    "Policy": policy.text() });
                unchecked(params, context)
            }
            Self::CreateGrant { key, grant } => grant_params(key, grant),
            Self::TagKey { key, tags } => {
                json!({ "KeyId": key.as_str(), "Tags": pairs(tags, "TagKey", "TagValue") })
            }
            Self::UntagKey { key, keys } => json!({ "KeyId": key.as_str(), "TagKeys": keys }),
            Self::CreateAlias { alias, key } | Self::UpdateAlias { alias, key } => {
                json!({ "AliasName": alias.name(), "TargetKeyId": key.as_str() })
            }
            Self::DeleteAlias { alias } => json!({ "AliasName": alias.name() }),
            Self::DetachOrgPolicy { policy, target } => {
                json!({ "PolicyId": policy, "TargetId": target })
            }
            Self::UpdateOrgPolicy { policy, document } => {
                json!({ "PolicyId": policy, "Content": document.text() })
            }
            Self::DisablePolicyType { root, kind } => {
                json!({ "RootId": root, "PolicyType": policy_type(*kind) })
            }
            Self::MoveAccount { account, from, to } => json!({ "AccountId": account.as_str(),
                "SourceParentId": from, "DestinationParentId": to }),
            Self::LeaveOrganization => json!({}),
        }
    }
}

/// The value of `PolicyType`, and of the condition key of that name.
pub(super) fn policy_type(kind: OrgPolicyKind) -> &'static str {
    match kind {
        OrgPolicyKind::Scp => "SERVICE_CONTROL_POLICY",
        OrgPolicyKind::Rcp => "RESOURCE_CONTROL_POLICY",
    }
}

/// `RoleSessionName`, which every request for a session has.
pub(super) fn session_name(context: &Context) -> &str {
    said(context, "sts:RoleSessionName").unwrap_or(SESSION)
}

fn assume_role(role: &str, tags: &Tags, context: &Context) -> Value {
    let mut params = json!({ "RoleArn": role, "RoleSessionName": session_name(context) });
    let of_context = [("ExternalId", "sts:ExternalId"), ("SourceIdentity", "sts:SourceIdentity")];
    for (param, key) in of_context {
        if let Some(value) = said(context, key) {
            put(&mut params, param, value);
        }
    }
    if !tags.is_empty() {
        put(&mut params, "Tags", pairs(tags, "Key", "Value"));
    }
    params
}

/// The name at the end of an ARN.
fn name(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The ARN of a device for MFA that is called as the user is: so that policies like to have it.
pub(super) fn device_of(user: &str) -> String {
    let account = user.split(":user/").next().unwrap_or(user);
    format!("{account}:mfa/{}", name(user))
}

/// What follows `oidc-provider/`, path included.
fn host(provider: &str) -> &str {
    provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host)
}

/// `params` with the name of the user, role or group.
fn of_holder(holder: &str, mut params: Value) -> Value {
    let member = match HolderKind::of(holder) {
        HolderKind::User => "UserName",
        HolderKind::Role => "RoleName",
        HolderKind::Group => "GroupName",
    };
    put(&mut params, member, name(holder));
    params
}

/// `params` with the path of what is made: all between the kind and the name.
fn with_path(arn: &str, mut params: Value) -> Value {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let path = resource.split_once('/').map(|(_, tail)| tail.rsplit_once('/'));
    let path = path.flatten().map_or_else(|| "/".to_owned(), |(path, _)| format!("/{path}/"));
    put(&mut params, "Path", path);
    params
}

fn created(arn: &str, boundary: Option<&str>, tags: &Tags, params: Value) -> Value {
    let mut params = with_path(arn, of_holder(arn, params));
    if let Some(boundary) = boundary {
        put(&mut params, "PermissionsBoundary", boundary);
    }
    if !tags.is_empty() {
        put(&mut params, "Tags", pairs(tags, "Key", "Value"));
    }
    params
}

/// IAM and STS spell the members of a tag otherwise than KMS.
fn pairs(tags: &Tags, key: &str, value: &str) -> Value {
    tags.iter().map(|(tag, text)| json!({ key: tag, value: text })).collect()
}

fn grant_params(key: &KeyArn, grant: &Grant) -> Value {
    let operations: Vec<&str> = grant.operations.iter().map(KmsAction::name).collect();
    let mut params = json!({ "KeyId": key.as_str(), "Operations": operations });
    let mut name_one = |grantee: &Grantee, principal: &str, service: &str| {
        let member = match grantee {
            Grantee::Principal(_) => principal,
            Grantee::Service(_) => service,
        };
        put(&mut params, member, &*grantee.shown(key.partition()));
    };
    name_one(&grant.grantee, "GranteePrincipal", "GranteeServicePrincipal");
    if let Some(retiring) = &grant.retiring {
        name_one(retiring, "RetiringPrincipal", "RetiringServicePrincipal");
    }
    if let Some(name) = &grant.name {
        put(&mut params, "Name", &**name);
    }
    let mut constraints = Map::new();
    if let Some(pairs) = &grant.constraints.equals {
        constraints.insert("EncryptionContextEquals".into(), json!(pairs));
    }
    if let Some(pairs) = &grant.constraints.subset {
        constraints.insert("EncryptionContextSubset".into(), json!(pairs));
    }
    if let Some(arn) = &grant.constraints.source_arn {
        constraints.insert("SourceArn".into(), (**arn).into());
    }
    if !constraints.is_empty() {
        put(&mut params, "Constraints", Value::Object(constraints));
    }
    params
}

/// With the parameter that spares a key policy the check of rule K9, where a condition asks for it; the
/// check is passed all the same.
fn unchecked(mut params: Value, context: &Context) -> Value {
    if said(context, "kms:BypassPolicyLockoutSafetyCheck") == Some("true") {
        put(&mut params, "BypassPolicyLockoutSafetyCheck", true);
    }
    params
}

/// Adds a parameter to those of a call.
fn put(params: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(params) = params.as_object_mut() {
        params.insert(name.to_owned(), value.into());
    }
}
