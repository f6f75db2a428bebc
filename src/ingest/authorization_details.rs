//! `aws iam get-account-authorization-details`: an account's users, groups, roles and managed policies.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::aws::{AccountId, Arn};
use crate::inventory::{AttachedPolicy, IdentityKind, NamedPolicy, PolicyVersion, Tags};
use crate::policy::PolicyKind;

use super::document::{Document, Read, Refusal, Text};
use super::facts::{
    Fact, GroupFact, IdentityFact, Listing, Names, Page, Parts, Pending, PendingPart, PolicyFact,
};

/// A user, role or group in any output of IAM; AWS Config begins the same names with a small letter.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Entity<'a> {
    #[serde(borrow, alias = "arn")]
    pub(super) arn: Text<'a>,
    #[serde(borrow, alias = "UserId", alias = "RoleId", alias = "userId", alias = "roleId")]
    pub(super) unique_id: Option<Text<'a>>,
    #[serde(borrow, alias = "UserPolicyList", alias = "RolePolicyList", alias = "GroupPolicyList")]
    #[serde(alias = "userPolicyList", alias = "rolePolicyList", alias = "groupPolicyList")]
    pub(super) inline: Option<Vec<Inline<'a>>>,
    #[serde(borrow, alias = "attachedManagedPolicies")]
    pub(super) attached_managed_policies: Option<Vec<Attached<'a>>>,
    #[serde(borrow, alias = "groupList")]
    pub(super) group_list: Option<Vec<Text<'a>>>,
    #[serde(borrow, alias = "permissionsBoundary")]
    pub(super) permissions_boundary: Option<Boundary<'a>>,
    #[serde(borrow, alias = "tags")]
    pub(super) tags: Option<Vec<Tag<'a>>>,
    #[serde(borrow, alias = "assumeRolePolicyDocument")]
    pub(super) assume_role_policy_document: Option<&'a RawValue>,
    #[serde(borrow, alias = "maxSessionDuration")]
    max_session_duration: Option<&'a RawValue>,
}

/// An inline policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inline<'a> {
    #[serde(borrow, alias = "policyName")]
    policy_name: Text<'a>,
    #[serde(borrow, alias = "policyDocument")]
    policy_document: &'a RawValue,
}

/// An attached managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attached<'a> {
    #[serde(borrow, alias = "policyArn")]
    pub(super) policy_arn: Text<'a>,
}

/// A permissions boundary.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Boundary<'a> {
    #[serde(borrow, alias = "permissionsBoundaryArn")]
    permissions_boundary_arn: Text<'a>,
}

/// A tag, as IAM or KMS spells its members.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag<'a> {
    #[serde(borrow, alias = "TagKey", alias = "tagKey", alias = "key")]
    key: Text<'a>,
    #[serde(borrow, alias = "TagValue", alias = "tagValue", alias = "value")]
    value: Text<'a>,
}

/// A managed policy in any output of IAM.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Managed<'a> {
    #[serde(borrow, alias = "arn")]
    pub(super) arn: Text<'a>,
    #[serde(borrow, alias = "defaultVersionId")]
    pub(super) default_version_id: Option<Text<'a>>,
    #[serde(borrow, alias = "policyVersionList")]
    pub(super) policy_version_list: Option<Vec<Version<'a>>>,
}

/// A version of a managed policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version<'a> {
    #[serde(borrow, alias = "versionId")]
    pub(super) version_id: Text<'a>,
    #[serde(alias = "isDefaultVersion")]
    pub(super) is_default_version: Option<bool>,
    #[serde(borrow, alias = "document")]
    pub(super) document: Option<&'a RawValue>,
}

/// Reads one page, or all of them as the CLI joins them.
pub(super) fn read(document: &Document<'_, '_>) -> Read {
    let mut facts = Vec::new();
    let mut fault = None;
    let mut account = None;
    let mut refused = |more: Option<Refusal>| fault = fault.take().or(more);

    let (users, refusal) = document.read_list::<Entity<'_>>("UserDetailList")?;
    refused(refusal);
    let (roles, refusal) = document.read_list::<Entity<'_>>("RoleDetailList")?;
    refused(refusal);
    let (groups, refusal) = document.read_list::<Entity<'_>>("GroupDetailList")?;
    refused(refusal);
    let (policies, refusal) = document.read_list::<Managed<'_>>("Policies")?;
    refused(refusal);

    facts.reserve(users.len() + roles.len() + groups.len() + policies.len() + 1);
    let kinds = [(IdentityKind::User, users), (IdentityKind::Role, roles)];
    for (kind, entities) in kinds {
        for entity in entities {
            match identity(document, kind, entity, Detail::Whole) {
                Ok(fact) => {
                    account = account.or(Some(fact.account));
                    facts.push(Fact::Identity(Box::new(fact)));
                }
                Err(refusal) => refused(Some(refusal)),
            }
        }
    }
    for entity in groups {
        match group(document, entity, Detail::Whole) {
            Ok(fact) => {
                account = account.or(Some(fact.account));
                facts.push(Fact::Group(Box::new(fact)));
            }
            Err(refusal) => refused(Some(refusal)),
        }
    }
    let account = account
        .or_else(|| policies.iter().find_map(|policy| account_of(&policy.arn)))
        .or_else(|| document.source.hint.account());
    for policy in policies {
        facts.push(Fact::Policy(Box::new(managed(document, policy, account))));
    }
    facts.push(match account {
        Some(account) => Fact::Listing(Listing::Authorization(account), document.page(())),
        None => Fact::Pending(Box::new(Pending {
            command: "get-account-authorization-details",
            place: document.place(),
            what: PendingPart::Authorization(document.page(())),
        })),
    });
    if let Some(Refusal::Unusable { span, message }) = fault {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

/// How much a document says of an entity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Everything: what is not there does not exist.
    Whole,
    /// What it is, its boundary and tags.
    Described,
    /// What it is.
    Listed,
}

/// What a document says of a user or role.
pub(super) fn identity(
    document: &Document<'_, '_>,
    kind: IdentityKind,
    entity: Entity<'_>,
    detail: Detail,
) -> Result<IdentityFact, Refusal> {
    let word = if kind == IdentityKind::User { "user" } else { "role" };
    let account = iam_account(document, &entity.arn, word)?;
    let mut fact = IdentityFact::new(kind, &*entity.arn, account, document.place_of(&entity.arn));
    fact.unique_id = entity.unique_id.map(Into::into);
    fact.trust = entity
        .assume_role_policy_document
        .filter(|_| kind == IdentityKind::Role)
        .map(|raw| document.policy(raw, PolicyKind::Trust));
    fact.max_session = entity.max_session_duration.and_then(|raw| raw.get().parse().ok());
    let boundary = entity
        .permissions_boundary
        .map(|boundary| attached(document, &boundary.permissions_boundary_arn));
    let tags = entity.tags.map(tags);
    if detail == Detail::Listed {
        fact.boundary = boundary.map(Some);
        fact.tags = tags;
    } else {
        fact.boundary = Some(boundary);
        fact.tags = Some(tags.unwrap_or_default());
    }
    if detail == Detail::Whole {
        fact.parts = parts(document, entity.inline, entity.attached_managed_policies);
        let groups = entity.group_list.unwrap_or_default();
        let groups: BTreeSet<Box<str>> = groups.into_iter().map(Into::into).collect();
        fact.groups = Some(Page { items: groups, place: fact.place, more: false });
    }
    Ok(fact)
}

/// What a document says of a group.
pub(super) fn group(
    document: &Document<'_, '_>,
    entity: Entity<'_>,
    detail: Detail,
) -> Result<GroupFact, Refusal> {
    let account = iam_account(document, &entity.arn, "group")?;
    let parts = match detail {
        Detail::Whole => parts(document, entity.inline, entity.attached_managed_policies),
        Detail::Described | Detail::Listed => Parts::default(),
    };
    let place = document.place_of(&entity.arn);
    Ok(GroupFact::new(entity.arn.into(), account, place, parts))
}

/// What a document says of a managed policy.
pub(super) fn managed(
    document: &Document<'_, '_>,
    policy: Managed<'_>,
    account: Option<AccountId>,
) -> PolicyFact {
    let place = document.place_of(&policy.arn);
    let mut default_version = policy.default_version_id.map(Box::<str>::from);
    let mut versions = Vec::new();
    for version in policy.policy_version_list.unwrap_or_default() {
        let id: Box<str> = version.version_id.into();
        if version.is_default_version == Some(true) {
            default_version = Some(id.clone());
        }
        if let Some(raw) = version.document {
            let document = document.policy(raw, PolicyKind::Identity);
            versions.push(PolicyVersion { id, document });
        }
    }
    let account = account_of(&policy.arn).or(account);
    PolicyFact { arn: policy.arn.into(), account, place, default_version, versions }
}

/// Tags by key; of a key that stands twice the last counts.
pub(super) fn tags(tags: Vec<Tag<'_>>) -> Tags {
    tags.into_iter().map(|tag| (tag.key.into(), tag.value.into())).collect()
}

/// A managed policy, named at `arn`.
pub(super) fn attached(document: &Document<'_, '_>, arn: &Text<'_>) -> AttachedPolicy {
    AttachedPolicy { arn: (**arn).into(), place: document.place_of(arn) }
}

/// The account in an ARN.
pub(super) fn account_of(arn: &str) -> Option<AccountId> {
    AccountId::parse(Arn::parse(arn)?.account)
}

/// The account of an IAM entity of the kind `word`.
fn iam_account(document: &Document<'_, '_>, arn: &str, word: &str) -> Result<AccountId, Refusal> {
    let account = Arn::parse(arn).filter(|arn| {
        let (kind, name) = arn.resource.split_once('/').unwrap_or_default();
        arn.service == "iam" && kind == word && !name.is_empty()
    });
    account.and_then(|arn| AccountId::parse(arn.account)).ok_or_else(|| Refusal::Unusable {
        span: document.source.span(arn),
        message: format!("`Arn` is not the ARN of a {word}"),
    })
}

fn parts(
    document: &Document<'_, '_>,
    inline: Option<Vec<Inline<'_>>>,
    attached_policies: Option<Vec<Attached<'_>>>,
) -> Parts {
    let inline = inline.unwrap_or_default().into_iter().map(|policy| NamedPolicy {
        name: policy.policy_name.into(),
        document: document.policy(policy.policy_document, PolicyKind::Identity),
    });
    let policies = attached_policies.unwrap_or_default();
    let policies = policies.iter().map(|policy| attached(document, &policy.policy_arn)).collect();
    Parts {
        inline: inline.collect(),
        inline_names: Names::All,
        attached: Some(Page { items: policies, place: document.place(), more: false }),
        also_attached: None,
    }
}
