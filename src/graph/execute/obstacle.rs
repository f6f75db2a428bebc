//! What stops a call whoever makes it: things that are not there, or are there already.

use crate::aws::{AccountId, AliasArn, Arn, Identity as Named, KeyArn, identity};
use crate::decision::{Caller, CallerKind};
use crate::graph::Call;
use crate::graph::center::{is_of_center, is_reserved, manages};
use crate::inventory::{
    Grant, Grantee, Identity, IdentityKind, Inventory, MultiRegionRole, OrgPolicyKind,
};
use crate::policy::PolicyDocument;

/// Why `call` by `caller` cannot succeed in `world`, whatever policies say.
pub(in crate::graph) fn of(call: &Call, caller: &Caller, world: &Inventory) -> Option<Box<str>> {
    let scene = Obstacles { caller, world };
    let all = scene.of_text(call).or_else(|| scene.of_reserved(call));
    all.or_else(|| scene.of_call(call)).map(Into::into)
}

struct Obstacles<'a> {
    caller: &'a Caller,
    world: &'a Inventory,
}

impl Obstacles<'_> {
    /// A text that AWS would not store.
    fn of_text(&self, call: &Call) -> Option<String> {
        let document: &PolicyDocument = match call {
            Call::PutPolicy { document, .. }
            | Call::CreatePolicy { document, .. }
            | Call::CreatePolicyVersion { document, .. }
            | Call::UpdateAssumeRolePolicy { document, .. }
            | Call::UpdateOrgPolicy { document, .. } => document,
            Call::CreateRole { trust, .. } => trust,
            Call::PutKeyPolicy { policy, .. } | Call::ReplicateKey { policy, .. } => policy,
            _ => return None,
        };
        let readable = document.policy().readable;
        (!readable).then(|| format!("the {} cannot be read", document.kind.name()))
    }

    /// Roles that AWS keeps for itself.
    fn of_reserved(&self, call: &Call) -> Option<String> {
        let (Call::PutPolicy { holder: role, .. }
        | Call::DeletePolicy { holder: role, .. }
        | Call::AttachPolicy { holder: role, .. }
        | Call::DetachPolicy { holder: role, .. }
        | Call::DeleteBoundary { holder: role }
        | Call::PutBoundary { holder: role, .. }
        | Call::TagIdentity { holder: role, .. }
        | Call::UntagIdentity { holder: role, .. }
        | Call::UpdateAssumeRolePolicy { role, .. }
        | Call::CreateRole { role, .. }) = call
        else {
            return None;
        };
        is_reserved(role).then(|| format!("{role} is changed by AWS alone"))
    }

    fn of_call(&self, call: &Call) -> Option<String> {
        match call {
            // Trust policies tell whether a role is there; a session is there once it is made.
            Call::AssumeRole { .. } | Call::GetFederationToken { .. } => None,
            Call::AssumeRoleWithSaml { provider, .. }
            | Call::AssumeRoleWithWebIdentity { provider, .. } => self.vouches(provider),
            Call::Launch { role, .. } => self.launches(role),
            Call::Center { role, .. } => self.managed(role),
            Call::CreateAccessKey { user }
            | Call::LoginProfile { user, .. }
            | Call::CreateMfaDevice { user }
            | Call::EnableMfaDevice { user } => self.user(user),
            Call::PutPolicy { holder, .. } => self.holder(holder),
            Call::DeletePolicy { holder, name } => self.inline(holder, name),
            Call::AttachPolicy { holder, policy } => {
                self.holder(holder).or_else(|| self.policy(policy))
            }
            Call::DetachPolicy { holder, policy } => self.attached(holder, policy),
            Call::CreatePolicyVersion { policy, .. } => self.policy(policy),
            Call::SetDefaultPolicyVersion { policy, version } => self.version(policy, version),
            Call::AddUserToGroup { user, group } => self.user(user).or_else(|| self.group(group)),
            Call::RemoveUserFromGroup { user, group } => self.membership(user, group),
            Call::UpdateAssumeRolePolicy { role, .. } => self.role(role),
            Call::DeleteBoundary { holder }
            | Call::TagIdentity { holder, .. }
            | Call::UntagIdentity { holder, .. } => self.identity(holder),
            Call::PutBoundary { holder, policy } => {
                self.identity(holder).or_else(|| self.policy(policy))
            }
            Call::CreateUser { user, boundary, .. } => self.free(user, boundary.as_deref()),
            Call::CreateRole { role, boundary, .. } => self.free(role, boundary.as_deref()),
            Call::CreateGroup { group } => self.free_group(group),
            Call::CreatePolicy { policy, .. } => {
                self.policy(policy).is_none().then(|| format!("{policy} is there already"))
            }
            Call::UpdateSamlProvider { provider }
            | Call::CreateProvider { provider }
            | Call::AddClientId { provider, .. } => self.provider(provider),
            Call::CreateGrant { key, grant } => {
                self.key(key).or_else(|| self.parties(grant, key.partition()))
            }
            Call::PutKeyPolicy { key, .. }
            | Call::TagKey { key, .. }
            | Call::UntagKey { key, .. } => self.key(key),
            Call::ReplicateKey { key, region, .. } => self.replicable(key, region),
            Call::CreateAlias { alias, key } => match self.world.alias(alias) {
                Some(_) => Some(format!("{alias} is there already")),
                None => self.pointed(alias, key),
            },
            Call::UpdateAlias { alias, key } => {
                self.alias(alias).or_else(|| self.pointed(alias, key))
            }
            Call::DeleteAlias { alias } => self.alias(alias),
            Call::DetachOrgPolicy { .. }
            | Call::UpdateOrgPolicy { .. }
            | Call::DisablePolicyType { .. }
            | Call::MoveAccount { .. }
            | Call::LeaveOrganization => self.of_organization(call),
        }
    }

    /// Rule T8: a provider vouches for its own subjects.
    fn vouches(&self, provider: &str) -> Option<String> {
        let is_it = self.caller.kind == CallerKind::Provider && *self.caller.text == *provider;
        (!is_it).then(|| format!("{provider} does not vouch for {}", self.caller))
    }

    /// Rules E44, T25: a service-linked role runs nobody's code.
    fn launches(&self, role: &str) -> Option<String> {
        let linked = |role: &Identity| role.is_service_linked();
        match self.world.identity(role) {
            Some(found) if linked(found) => Some(format!("{role} obeys its service alone")),
            _ => self.role(role),
        }
    }

    /// Rule T42.
    fn managed(&self, role: &str) -> Option<String> {
        match manages(self.world, self.caller) {
            false => Some("the management account alone may change IAM Identity Center".into()),
            true if !is_of_center(role) => Some(format!("{role} is of no permission set")),
            true => self.role(role),
        }
    }

    fn known(&self, arn: &str, kind: Option<IdentityKind>) -> Option<String> {
        let found = self.world.identity(arn);
        let is_it = found.is_some_and(|it| kind.is_none_or(|kind| it.kind == kind));
        (!is_it).then(|| absent(arn))
    }

    fn user(&self, arn: &str) -> Option<String> {
        self.known(arn, Some(IdentityKind::User))
    }

    fn role(&self, arn: &str) -> Option<String> {
        self.known(arn, Some(IdentityKind::Role))
    }

    fn identity(&self, arn: &str) -> Option<String> {
        self.known(arn, None)
    }

    fn group(&self, arn: &str) -> Option<String> {
        self.world.group(arn).is_none().then(|| absent(arn))
    }

    fn holder(&self, arn: &str) -> Option<String> {
        match self.world.group(arn) {
            Some(_) => None,
            None => self.identity(arn),
        }
    }

    fn inline(&self, holder: &str, name: &str) -> Option<String> {
        let inline = match self.world.group(holder) {
            Some(group) => Some(&group.inline),
            None => self.world.identity(holder).map(|identity| &identity.inline),
        };
        let has = inline.is_some_and(|all| all.iter().any(|policy| *policy.name == *name));
        (!has).then(|| format!("{holder} has no inline policy {name}"))
    }

    fn attached(&self, holder: &str, policy: &str) -> Option<String> {
        let attached = match self.world.group(holder) {
            Some(group) => Some(&group.attached),
            None => self.world.identity(holder).map(|identity| &identity.attached),
        };
        let has = attached.is_some_and(|all| all.iter().any(|one| *one.arn == *policy));
        (!has).then(|| format!("{policy} is not attached to {holder}"))
    }

    fn membership(&self, user: &str, group: &str) -> Option<String> {
        let name = self.world.group(group).map(|group| &group.name);
        let user = self.world.identity(user);
        let is_in = user.zip(name).is_some_and(|(user, name)| user.groups.contains(name));
        (!is_in).then(|| format!("the user is no member of {group}"))
    }

    /// Rule T21: AdministratorAccess is there whether exported or not.
    fn policy(&self, arn: &str) -> Option<String> {
        let known = || self.caller.account.and_then(|it| self.world.managed_policy(it, arn));
        let is_there = arn.ends_with(":iam::aws:policy/AdministratorAccess") || known().is_some();
        (!is_there).then(|| absent(arn))
    }

    fn version(&self, policy: &str, version: &str) -> Option<String> {
        let found = self.caller.account.and_then(|it| self.world.managed_policy(it, policy));
        let has = found.is_some_and(|it| it.versions.iter().any(|one| *one.id == *version));
        (!has).then(|| format!("{policy} has no version {version}"))
    }

    /// Names of users, and of roles, are unique in an account, whatever their paths and case.
    fn free(&self, arn: &str, boundary: Option<&str>) -> Option<String> {
        let (kind, account, name) = match identity(arn) {
            Some(Named::User { account, name, .. }) => (IdentityKind::User, account, name),
            Some(Named::Role { account, name, .. }) => (IdentityKind::Role, account, name),
            _ => return Some(format!("{arn} names neither a user nor a role")),
        };
        let mut others =
            self.world.account(account).into_iter().flat_map(|it| it.identities.values());
        let taken = others.any(|it| it.kind == kind && it.name.eq_ignore_ascii_case(name));
        match taken {
            true => Some(format!("the name of {arn} is taken")),
            false => boundary.and_then(|policy| self.policy(policy)),
        }
    }

    /// The same of names of groups.
    fn free_group(&self, arn: &str) -> Option<String> {
        let Some(Named::Group { account, name, .. }) = identity(arn) else {
            return Some(format!("{arn} names no group"));
        };
        let mut groups = self.world.account(account).into_iter().flat_map(|it| it.groups.values());
        let taken = groups.any(|group| group.name.eq_ignore_ascii_case(name));
        taken.then(|| format!("the name of {arn} is taken"))
    }

    fn provider(&self, provider: &str) -> Option<String> {
        let account = Arn::parse(provider).and_then(|arn| AccountId::parse(arn.account));
        account.is_none().then(|| format!("{provider} belongs to no account"))
    }

    fn key(&self, key: &KeyArn) -> Option<String> {
        self.world.key(key).is_none().then(|| absent(key.as_str()))
    }

    /// Rule G13: a grant names principals that are there; whoever calls is.
    fn parties(&self, grant: &Grant, partition: &str) -> Option<String> {
        let is_nobody = |named: &&Grantee| {
            *self.caller.text != *named.text() && !self.world.is_grantable(named, partition)
        };
        let mut named = [Some(&grant.grantee), grant.retiring.as_ref()].into_iter().flatten();
        named.find(is_nobody).map(|named| absent(named.text()))
    }

    /// Rule T17.
    fn replicable(&self, key: &KeyArn, region: &str) -> Option<String> {
        let metadata = self.world.key(key).and_then(|key| key.metadata.as_ref());
        let related = metadata.and_then(|metadata| metadata.multi_region.as_ref());
        if related.is_none_or(|related| related.role != MultiRegionRole::Primary) {
            return Some(format!("{key} is no primary of multi-Region keys"));
        }
        let taken = region == key.region()
            || key.in_region(region).is_none_or(|it| self.world.keys.contains_key(&it))
            || related.is_some_and(|it| it.replicas.iter().any(|arn| region_of(arn) == region));
        taken.then(|| format!("{key} stands in {region} already"))
    }

    fn alias(&self, alias: &AliasArn) -> Option<String> {
        self.world.alias(alias).is_none().then(|| absent(alias.as_str()))
    }

    /// An alias points to a key of its own account and Region.
    fn pointed(&self, alias: &AliasArn, key: &KeyArn) -> Option<String> {
        let apart = alias.account() != key.account() || alias.region() != key.region();
        match apart {
            true => Some(format!("{alias} cannot point to {key}")),
            false => self.key(key),
        }
    }

    /// Rule T37.
    fn of_organization(&self, call: &Call) -> Option<String> {
        let Some(organization) = self.world.organization.as_deref() else {
            return Some("no organization was exported".into());
        };
        let management = organization.management_account;
        match call {
            Call::LeaveOrganization => {
                let is_member = |account: &AccountId| {
                    organization.accounts.contains(account) && management != Some(*account)
                };
                let leaves = self.caller.account.filter(is_member).is_some();
                (!leaves).then(|| "the account is no member that could leave".into())
            }
            _ if management.is_none() || management != self.caller.account => {
                Some("the management account alone may change the organization".into())
            }
            Call::DetachOrgPolicy { policy, target } => {
                let found = organization.policies.get(policy);
                let attached =
                    organization.attachments.get(target).is_some_and(|it| it.contains(policy));
                let kind = found.map(|policy| policy.kind);
                let is_last = kind == Some(OrgPolicyKind::Scp)
                    && organization.attached(target, OrgPolicyKind::Scp).count() < 2;
                match attached {
                    false => Some(format!("{policy} is not attached to {target}")),
                    true if is_last => Some(format!("{policy} is the last SCP of {target}")),
                    true if &**policy == "p-RCPFullAWSAccess" => {
                        Some(format!("{policy} cannot be detached"))
                    }
                    true => None,
                }
            }
            Call::UpdateOrgPolicy { policy, .. } => {
                let by_aws = ["p-FullAWSAccess", "p-RCPFullAWSAccess"].contains(&&**policy);
                let known = organization.policies.contains_key(policy);
                (by_aws || !known).then(|| format!("{policy} cannot be changed"))
            }
            Call::DisablePolicyType { root, kind } => {
                let known = root.starts_with("r-") && organization.units.contains_key(root);
                let in_use = known && organization.is_enabled(*kind);
                (!in_use).then(|| format!("{root} does not use {}s", kind.name()))
            }
            Call::MoveAccount { account, from, to } => {
                let stands = organization.parents.get(account.as_str()) == Some(from);
                let moves = stands && organization.units.contains_key(to);
                (!moves).then(|| format!("{account} cannot be moved from {from} to {to}"))
            }
            _ => None,
        }
    }
}

fn absent(what: &str) -> String {
    format!("{what} is not in the export")
}

fn region_of(arn: &str) -> &str {
    Arn::parse(arn).map_or("", |arn| arn.region)
}
