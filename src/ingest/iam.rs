//! The outputs of `aws iam` that speak of one user, role, group or managed policy, or list them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::inventory::{IdentityKind, NamedPolicy, PolicyVersion, policy_name};
use crate::policy::PolicyKind;

use super::authorization_details::{
    Attached, Detail, Entity, Managed, Version, account_of, attached, group, identity, managed,
};
use super::document::{Document, Read, Refusal, Text};
use super::facts::{
    Fact, IdentityFact, Listing, Names, Parts, Pending, PendingPart, PrincipalKind,
};

/// What a call about the policies of one kind of principal speaks of.
const ANY: &[PrincipalKind] = &[PrincipalKind::User, PrincipalKind::Role, PrincipalKind::Group];
const USERS: &[PrincipalKind] = &[PrincipalKind::User];
const ROLES: &[PrincipalKind] = &[PrincipalKind::Role];
const GROUPS: &[PrincipalKind] = &[PrincipalKind::Group];

/// `list-users`.
pub(super) fn list_users(document: &Document<'_, '_>) -> Read {
    list(document, "Users", IdentityKind::User)
}

/// `list-roles`.
pub(super) fn list_roles(document: &Document<'_, '_>) -> Read {
    list(document, "Roles", IdentityKind::Role)
}

fn list(document: &Document<'_, '_>, name: &str, kind: IdentityKind) -> Read {
    let (call, listing): (_, fn(_) -> Listing) = match kind {
        IdentityKind::User => ("list-users", Listing::Users),
        IdentityKind::Role => ("list-roles", Listing::Roles),
    };
    let (entities, refusal) = document.read_list::<Entity<'_>>(name)?;
    let mut listed = Listed::new(document, call, entities.is_empty(), refusal)?;
    for entity in entities {
        match identity(document, kind, entity, Detail::Listed) {
            Ok(fact) => {
                listed.account = listed.account.or(Some(fact.account));
                listed.facts.push(Fact::Identity(Box::new(fact)));
            }
            Err(refusal) => listed.refused(refusal)?,
        }
    }
    Ok(listed.finish(document, listing))
}

/// `list-groups`, or `list-groups-for-user`, which does not name the user: the path tells them apart.
pub(super) fn list_groups(document: &Document<'_, '_>) -> Read {
    let hint = &document.source.hint;
    let is_for_user = hint.command == Some("list-groups-for-user");
    let call = if is_for_user { "list-groups-for-user" } else { "list-groups" };
    let (entities, refusal) = document.read_list::<Entity<'_>>("Groups")?;
    let mut listed = Listed::new(document, call, entities.is_empty(), refusal)?;
    let mut names = BTreeSet::new();
    for entity in entities {
        match group(document, entity, Detail::Listed) {
            Ok(fact) => {
                names.insert(Box::from(policy_name(&fact.arn)));
                listed.account = listed.account.or(Some(fact.account));
                listed.facts.push(Fact::Group(Box::new(fact)));
            }
            Err(refusal) => listed.refused(refusal)?,
        }
    }
    if !is_for_user {
        return Ok(listed.finish(document, Listing::Groups));
    }
    let groups = PendingPart::Groups(document.page(names));
    listed.facts.push(pending(document, "list-groups-for-user", groups));
    Ok(listed.facts)
}

/// A listing of users, roles or groups while it is read.
struct Listed {
    facts: Vec<Fact>,
    account: Option<crate::aws::AccountId>,
    /// Whether some entry was sound: then a fault is told, else the document is something else.
    is_told: bool,
}

impl Listed {
    /// A list without entries is ours where its file is named for the call.
    fn new(
        document: &Document<'_, '_>,
        call: &str,
        is_empty: bool,
        refusal: Option<Refusal>,
    ) -> Result<Self, Refusal> {
        let hint = &document.source.hint;
        match refusal {
            Some(refusal) if is_empty => return Err(refusal),
            None if is_empty && hint.command != Some(call) => return Err(Refusal::Other),
            _ => {}
        }
        let mut listed = Self { facts: Vec::new(), account: None, is_told: !is_empty };
        if let Some(refusal) = refusal {
            listed.refused(refusal)?;
        }
        Ok(listed)
    }

    fn refused(&mut self, refusal: Refusal) -> Result<(), Refusal> {
        match refusal {
            Refusal::Unusable { span, message } if self.is_told => {
                self.facts.push(Fact::Fault { span, message });
                Ok(())
            }
            refusal => Err(refusal),
        }
    }

    fn finish(
        mut self,
        document: &Document<'_, '_>,
        listing: fn(crate::aws::AccountId) -> Listing,
    ) -> Vec<Fact> {
        if let Some(account) = self.account.or_else(|| document.source.hint.account()) {
            self.facts.push(Fact::Listing(listing(account), document.page(())));
        }
        self.facts
    }
}

/// `get-user`.
pub(super) fn get_user(document: &Document<'_, '_>) -> Read {
    get(document, "User", IdentityKind::User)
}

/// `get-role`.
pub(super) fn get_role(document: &Document<'_, '_>) -> Read {
    get(document, "Role", IdentityKind::Role)
}

fn get(document: &Document<'_, '_>, name: &str, kind: IdentityKind) -> Read {
    let Some(entity) = document.read::<Entity<'_>>(name)? else { return Err(Refusal::Other) };
    let fact = identity(document, kind, entity, Detail::Described)?;
    Ok(vec![Fact::Identity(Box::new(fact))])
}

/// `get-group`: a group and its members.
pub(super) fn get_group(document: &Document<'_, '_>) -> Read {
    let Some(entity) = document.read::<Entity<'_>>("Group")? else { return Err(Refusal::Other) };
    let mut fact = group(document, entity, Detail::Described)?;
    let name = Box::<str>::from(policy_name(&fact.arn));
    let (members, refusal) = document.read_list::<Entity<'_>>("Users")?;
    fact.members = document.get("Users").map(|_| document.page(()));
    let mut facts = vec![Fact::Group(Box::new(fact))];
    let mut fault = refusal;
    for member in members {
        match identity(document, IdentityKind::User, member, Detail::Listed) {
            Ok(user) => {
                let member_of = Some(name.clone());
                facts.push(Fact::Identity(Box::new(IdentityFact { member_of, ..user })));
            }
            Err(refusal) => fault = fault.or(Some(refusal)),
        }
    }
    if let Some(Refusal::Unusable { span, message }) = fault {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

/// `get-user-policy`, `get-role-policy`, `get-group-policy`: they name the principal, not its account.
pub(super) fn get_inline_policy(document: &Document<'_, '_>) -> Read {
    let calls: [(&str, &[PrincipalKind], _); 3] = [
        ("UserName", USERS, "get-user-policy"),
        ("RoleName", ROLES, "get-role-policy"),
        ("GroupName", GROUPS, "get-group-policy"),
    ];
    let found = calls.into_iter().find(|(member, ..)| document.get(member).is_some());
    let (Some((member, kinds, command)), Some(raw)) = (found, document.get("PolicyDocument"))
    else {
        return Err(Refusal::Other);
    };
    let principal = document.read::<Text<'_>>(member)?.ok_or(Refusal::Other)?;
    let name = document.read::<Text<'_>>("PolicyName")?.ok_or(Refusal::Other)?;
    let policy = document.policy(raw, PolicyKind::Identity);
    let policy = NamedPolicy { name: name.into(), document: policy };
    let parts = Parts { inline: vec![policy], ..Parts::default() };
    let name = Some(principal.into());
    Ok(vec![pending(document, command, PendingPart::Parts { kinds, name, parts })])
}

/// `list-attached-user-policies` and its siblings, which do not name the principal.
pub(super) fn list_attached_policies(document: &Document<'_, '_>) -> Read {
    let (command, kinds) = match document.source.hint.command {
        Some("list-attached-user-policies") => ("list-attached-user-policies", USERS),
        Some("list-attached-role-policies") => ("list-attached-role-policies", ROLES),
        Some("list-attached-group-policies") => ("list-attached-group-policies", GROUPS),
        _ => ("list-attached-policies", ANY),
    };
    let (policies, refusal) = document.read_list::<Attached<'_>>("AttachedPolicies")?;
    let policies = policies.iter().map(|policy| attached(document, &policy.policy_arn)).collect();
    let parts = Parts { attached: Some(document.page(policies)), ..Parts::default() };
    let part = PendingPart::Parts { kinds, name: None, parts };
    let mut facts = vec![pending(document, command, part)];
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

/// `list-user-policies` and its siblings, which do not name the principal. `aws kms list-key-policies`
/// looks the same.
pub(super) fn list_inline_policies(document: &Document<'_, '_>) -> Read {
    let hint = &document.source.hint;
    let (command, kinds) = match hint.command {
        Some("list-user-policies") => ("list-user-policies", USERS),
        Some("list-role-policies") => ("list-role-policies", ROLES),
        Some("list-group-policies") => ("list-group-policies", GROUPS),
        _ => ("list-policies of a principal", ANY),
    };
    let names = document.read::<Vec<Text<'_>>>("PolicyNames")?.unwrap_or_default();
    let is_of_key = names.iter().all(|name| matches!(&**name, "default" | "AWS_RAM"));
    if kinds.len() > 1 && (is_of_key || hint.key_by_directory().is_some()) {
        return Ok(Vec::new());
    }
    let names = names.into_iter().map(Into::into).collect();
    let inline_names = Names::Page(document.page(names));
    let parts = Parts { inline_names, ..Parts::default() };
    Ok(vec![pending(document, command, PendingPart::Parts { kinds, name: None, parts })])
}

/// `get-policy`.
pub(super) fn get_policy(document: &Document<'_, '_>) -> Read {
    if document.get("Policy").is_none_or(|raw| !raw.get().starts_with('{')) {
        return Err(Refusal::Other);
    }
    let Some(policy) = document.read::<Managed<'_>>("Policy")? else { return Err(Refusal::Other) };
    if !is_iam_policy(&policy.arn) {
        return Err(Refusal::Other);
    }
    let account = document.source.hint.account();
    Ok(vec![Fact::Policy(Box::new(managed(document, policy, account)))])
}

/// `list-policies`: which version of each policy is in force.
pub(super) fn list_policies(document: &Document<'_, '_>) -> Read {
    let (policies, refusal) = document.read_list::<Managed<'_>>("Policies")?;
    if policies.is_empty() || !policies.iter().all(|policy| is_iam_policy(&policy.arn)) {
        return Err(refusal.unwrap_or(Refusal::Other));
    }
    let account = policies.iter().find_map(|policy| account_of(&policy.arn));
    let account = account.or_else(|| document.source.hint.account());
    let facts = policies
        .into_iter()
        .map(|policy| Fact::Policy(Box::new(managed(document, policy, account))));
    let mut facts: Vec<Fact> = facts.collect();
    facts.push(Fact::Listing(
        Listing::Other("managed policies", account.as_ref().map_or("", |id| id.as_str()).into()),
        document.page(()),
    ));
    if let Some(Refusal::Unusable { span, message }) = refusal {
        facts.push(Fact::Fault { span, message });
    }
    Ok(facts)
}

/// `get-policy-version`, which does not name the policy.
pub(super) fn get_policy_version(document: &Document<'_, '_>) -> Read {
    let Some(version) = document.read::<Version<'_>>("PolicyVersion")? else {
        return Err(Refusal::Other);
    };
    let is_default = version.is_default_version == Some(true);
    let Some(raw) = version.document else { return Err(Refusal::Other) };
    let policy = document.policy(raw, PolicyKind::Identity);
    let version = PolicyVersion { id: version.version_id.into(), document: policy };
    let part = PendingPart::Version { version, is_default };
    Ok(vec![pending(document, "get-policy-version", part)])
}

/// `list-policy-versions`, which does not name the policy: which version is in force.
pub(super) fn list_policy_versions(document: &Document<'_, '_>) -> Read {
    let (versions, refusal) = document.read_list::<Version<'_>>("Versions")?;
    if versions.iter().all(|version| version.is_default_version.is_none()) {
        return Err(refusal.unwrap_or(Refusal::Other));
    }
    let default = versions.into_iter().find(|version| version.is_default_version == Some(true));
    let Some(default) = default else { return Ok(Vec::new()) };
    let part = PendingPart::DefaultVersion(default.version_id.into());
    Ok(vec![pending(document, "list-policy-versions", part)])
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Holder<'a> {
    #[serde(borrow, alias = "UserName", alias = "RoleName", alias = "GroupName")]
    name: Text<'a>,
}

/// `list-entities-for-policy`, which does not name the policy.
pub(super) fn list_entities_for_policy(document: &Document<'_, '_>) -> Read {
    let lists = [
        ("PolicyUsers", PrincipalKind::User),
        ("PolicyRoles", PrincipalKind::Role),
        ("PolicyGroups", PrincipalKind::Group),
    ];
    let mut entities = Vec::new();
    for (member, kind) in lists {
        let (holders, refusal) = document.read_list::<Holder<'_>>(member)?;
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        entities.extend(holders.into_iter().map(|holder| (kind, holder.name.into())));
    }
    let part = PendingPart::Entities(entities);
    Ok(vec![pending(document, "list-entities-for-policy", part)])
}

fn is_iam_policy(arn: &str) -> bool {
    let arn = crate::aws::Arn::parse(arn);
    arn.is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("policy/"))
}

fn pending(document: &Document<'_, '_>, command: &'static str, what: PendingPart) -> Fact {
    Fact::Pending(Box::new(Pending { command, place: document.place(), what }))
}
