//! Every call of section 5 that somebody could make in a world, whether it is allowed or not.

use keyreach::aws::{AccountId, AliasArn, Identity as Named, KeyArn, KmsAction, identity};
use keyreach::decision::{Caller, CallerKind};
use keyreach::graph::{Call, LAUNCHES, Launch};
use keyreach::inventory::{
    Account, AttachedPolicy, Grantee, Group, Identity, IdentityKind, Inventory, MultiRegionRole,
    NamedPolicy, OrgPolicyKind, Tags,
};
use keyreach::policy::{PolicyKind, Principal};

use super::everything;
use super::heard::Heard;

/// A call, and the rule of its primitive; none where it follows an edge.
pub struct Candidate {
    pub call: Call,
    pub rule: Option<&'static str>,
}

/// Every call that `caller` could make in `world`.
pub fn candidates(heard: &Heard, world: &Inventory, caller: &Caller) -> Vec<Candidate> {
    let mut calls = Calls { heard, world, caller, all: Vec::new() };
    calls.sessions();
    if let Some(account) = caller.account.and_then(|id| world.account(id)) {
        calls.identities(account);
        calls.groups(account);
        calls.policies(account);
        calls.made(account);
    }
    if caller.account.is_some() {
        calls.keys();
        calls.organization();
    }
    calls.all
}

struct Calls<'a> {
    heard: &'a Heard,
    world: &'a Inventory,
    caller: &'a Caller,
    all: Vec<Candidate>,
}

/// Where launches and replicas stand.
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

impl Calls<'_> {
    fn add(&mut self, rule: &'static str, call: Call) {
        self.all.push(Candidate { call, rule: Some(rule) });
    }

    /// Rules T3 to T8.
    fn sessions(&mut self) {
        let world = self.world;
        let roles = world.accounts.values().flat_map(|account| account.identities.values());
        for role in roles.filter(|it| it.kind == IdentityKind::Role && !it.is_service_linked()) {
            let role = role.arn.clone();
            let provider = self.caller.text.clone();
            let calls: Vec<Call> = match self.caller.kind {
                CallerKind::Provider if provider.contains(":saml-provider/") => {
                    vec![Call::AssumeRoleWithSaml { role, provider }]
                }
                CallerKind::Provider => vec![Call::AssumeRoleWithWebIdentity { role, provider }],
                _ => {
                    let none = std::iter::once(Tags::default());
                    let each = self.heard.of_principals();
                    let call = |tags| Call::AssumeRole { role: role.clone(), tags };
                    none.chain(each).map(call).collect()
                }
            };
            self.all.extend(calls.into_iter().map(|call| Candidate { call, rule: None }));
        }
    }

    fn identities(&mut self, account: &Account) {
        for identity in account.identities.values().filter(|it| !it.is_service_linked()) {
            self.holder(&identity.arn, &identity.inline, &identity.attached, account);
            self.bounded(identity, account);
            self.tagged(identity);
            match identity.kind {
                IdentityKind::User => self.user(identity, account),
                IdentityKind::Role => self.role(identity, account.id),
            }
        }
    }

    /// Rules T20, T21, T31.
    fn holder(
        &mut self,
        arn: &str,
        inline: &[NamedPolicy],
        attached: &[AttachedPolicy],
        account: &Account,
    ) {
        let holder: Box<str> = arn.into();
        let document = everything(PolicyKind::Identity, None);
        let put = Call::PutPolicy { holder: holder.clone(), name: "made".into(), document };
        self.add("T20", put);
        for policy in policies(account) {
            if attached.iter().all(|one| one.arn != policy) {
                self.add("T21", Call::AttachPolicy { holder: holder.clone(), policy });
            }
        }
        for policy in inline {
            let (holder, name) = (holder.clone(), policy.name.clone());
            self.add("T31", Call::DeletePolicy { holder, name });
        }
        for policy in attached {
            let (holder, policy) = (holder.clone(), policy.arn.clone());
            self.add("T31", Call::DetachPolicy { holder, policy });
        }
    }

    /// Rule T30.
    fn bounded(&mut self, identity: &Identity, account: &Account) {
        let Some(boundary) = &identity.boundary else { return };
        let holder = || identity.arn.clone();
        self.add("T30", Call::DeleteBoundary { holder: holder() });
        for policy in policies(account).filter(|policy| *policy != boundary.arn) {
            self.add("T30", Call::PutBoundary { holder: holder(), policy });
        }
    }

    /// Rule T34.
    fn tagged(&mut self, identity: &Identity) {
        let holder = || identity.arn.clone();
        let lacks = |tags: &Tags| tags.iter().any(|(key, it)| identity.tags.get(key) != Some(it));
        for tags in self.heard.of_principals().into_iter().filter(lacks) {
            self.add("T34", Call::TagIdentity { holder: holder(), tags });
        }
        for keys in alone_or_all(&identity.tags) {
            self.add("T34", Call::UntagIdentity { holder: holder(), keys });
        }
    }

    /// Rules T24, T26, T27, T31.
    fn user(&mut self, user: &Identity, account: &Account) {
        let arn = || user.arn.clone();
        self.add("T26", Call::CreateAccessKey { user: arn() });
        for update in [false, true] {
            self.add("T27", Call::LoginProfile { user: arn(), update });
        }
        for group in account.groups.values() {
            let (user_arn, group_arn) = (arn(), group.arn.clone());
            match user.groups.contains(&group.name) {
                true => {
                    self.add("T31", Call::RemoveUserFromGroup { user: user_arn, group: group_arn })
                }
                false => {
                    self.add("T24", Call::AddUserToGroup { user: user_arn, group: group_arn });
                }
            }
        }
    }

    /// Rules T25, T28, T29.
    fn role(&mut self, role: &Identity, account: AccountId) {
        for principal in [&*self.caller.text, "*"] {
            let document = everything(PolicyKind::Trust, Some(principal));
            self.add("T25", Call::UpdateAssumeRolePolicy { role: role.arn.clone(), document });
        }
        for launch in LAUNCHES.iter().filter(|launch| names_service(role, launch.service)) {
            for region in REGIONS {
                let call = Call::Launch {
                    launch,
                    role: role.arn.clone(),
                    region: region.into(),
                    resources: resources(launch, region, account),
                };
                self.add(if launch.passes { "T28" } else { "T29" }, call);
            }
        }
    }

    fn groups(&mut self, account: &Account) {
        for Group { arn, inline, attached, .. } in account.groups.values() {
            self.holder(arn, inline, attached, account);
        }
    }

    /// Rules T22, T23.
    fn policies(&mut self, account: &Account) {
        for policy in account.policies.values().filter(|it| !it.arn.contains(":iam::aws:")) {
            let document = everything(PolicyKind::Identity, None);
            let arn = || policy.arn.clone();
            self.add("T22", Call::CreatePolicyVersion { policy: arn(), document });
            let others = policy.versions.iter().map(|version| &version.id);
            for version in others.filter(|id| Some(*id) != policy.default_version.as_ref()) {
                let version = version.clone();
                self.add("T23", Call::SetDefaultPolicyVersion { policy: arn(), version });
            }
        }
    }

    /// The boundaries and tags with which somebody can be made, as far as policies ask for any.
    fn makings(&self) -> Vec<(Option<Box<str>>, Tags)> {
        let wide = self.heard.boundaries.then(|| super::arn("AdministratorAccess").into());
        let tags = || std::iter::once(Tags::default()).chain(self.heard.of_principals());
        let boundaries = std::iter::once(None).chain(wide.map(Some));
        boundaries.flat_map(|boundary| tags().map(move |tags| (boundary.clone(), tags))).collect()
    }

    /// Rules T35, T41.
    fn made(&mut self, account: &Account) {
        let free = ["user", "role"].map(|kind| format!("arn:aws:iam::{}:{kind}/made", account.id));
        let free = free.map(Box::from);
        for name in self.heard.names.iter().chain(&free) {
            let arn = name.clone();
            for (boundary, tags) in self.makings() {
                match identity(name) {
                    _ if account.identities.contains_key(name) => {}
                    Some(Named::User { account: of, .. }) if of == account.id => {
                        let user = arn.clone();
                        self.add("T35", Call::CreateUser { user, boundary, tags });
                    }
                    Some(Named::Role { account: of, .. }) if of == account.id => {
                        for principal in [&*self.caller.text, "*"] {
                            let trust = everything(PolicyKind::Trust, Some(principal));
                            let (role, boundary, tags) =
                                (arn.clone(), boundary.clone(), tags.clone());
                            self.add("T35", Call::CreateRole { role, trust, boundary, tags });
                        }
                    }
                    _ => {}
                }
            }
        }
        let free = |kind: &str| Box::from(format!("arn:aws:iam::{}:{kind}/made", account.id));
        if !account.groups.contains_key("made") {
            self.add("T35", Call::CreateGroup { group: free("group") });
        }
        let policy: Box<str> = free("policy");
        if account.policies.get(&policy).is_none() {
            let document = everything(PolicyKind::Identity, None);
            self.add("T21", Call::CreatePolicy { policy, document });
        }
        let own = format!(":iam::{}:", account.id);
        for provider in self.heard.providers.iter().filter(|it| it.contains(&own)) {
            let provider = || provider.clone();
            let second = match provider().contains(":saml-provider/") {
                true => (Call::UpdateSamlProvider { provider: provider() }, "T41"),
                false => {
                    let client = "mine".into();
                    (Call::AddClientId { provider: provider(), client }, "T41 client")
                }
            };
            let both = [(Call::CreateProvider { provider: provider() }, "T41"), second];
            let made = both.into_iter().map(|(call, rule)| Candidate { call, rule: Some(rule) });
            self.all.extend(made);
        }
    }

    /// Rules T16 to T19, T32, T33.
    fn keys(&mut self) {
        let keys: Vec<KeyArn> = self.world.keys.keys().cloned().collect();
        for key in keys {
            self.key(&key);
        }
        for (alias, known) in self.world.aliases.iter() {
            if known.target.is_some() {
                self.add("T33", Call::DeleteAlias { alias: alias.clone() });
            }
        }
    }

    fn key(&mut self, key: &KeyArn) {
        let Some(known) = self.world.key(key) else { return };
        let policies = || {
            let principals = [&*self.caller.text, "*"];
            principals.map(|principal| everything(PolicyKind::Key, Some(principal)))
        };
        for policy in policies() {
            self.add("T16", Call::PutKeyPolicy { key: key.clone(), policy });
        }
        let related = known.metadata.as_ref().and_then(|it| it.multi_region.as_ref());
        if related.is_some_and(|related| related.role == MultiRegionRole::Primary) {
            let stands = |region: &&str| {
                let replica = KeyArn::new(key.partition(), region, key.account(), key.id());
                self.world.keys.contains_key(&replica.unwrap())
            };
            for region in REGIONS.into_iter().filter(|region| !stands(region)) {
                for policy in policies() {
                    let (key, region) = (key.clone(), region.into());
                    self.add("T17", Call::ReplicateKey { key, region, policy });
                }
            }
        }
        self.grants(key);
        let has = |tag: &str| known.tags.as_ref().and_then(|tags| tags.get(tag));
        let lacks = |tags: &Tags| tags.iter().any(|(tag, value)| has(tag) != Some(value));
        for tags in self.heard.of_keys().into_iter().filter(lacks) {
            self.add("T32", Call::TagKey { key: key.clone(), tags });
        }
        for keys in known.tags.iter().flat_map(alone_or_all) {
            self.add("T32", Call::UntagKey { key: key.clone(), keys });
        }
        for name in &self.heard.aliases {
            let alias = AliasArn::new(key.partition(), key.region(), key.account(), name).unwrap();
            let key = key.clone();
            let call = match self.world.alias(&alias) {
                None => Call::CreateAlias { alias, key },
                Some(found) if found.key().as_ref() != Some(&key) => {
                    Call::UpdateAlias { alias, key }
                }
                Some(_) => continue,
            };
            self.all.push(Candidate { call, rule: Some("T33") });
        }
    }

    /// Rules T18, T19: to the caller and to everybody else, as strict as each grant of the key.
    fn grants(&mut self, key: &KeyArn) {
        let identities = self.world.accounts.values().flat_map(|it| it.identities.keys());
        let mut grantees: Vec<&str> = identities.collect();
        grantees.push(&self.caller.text);
        grantees.sort_unstable();
        grantees.dedup();
        let known = self.world.key(key).map_or(&[][..], |key| &key.grants);
        let mut constraints = vec![Default::default()];
        for grant in known {
            if !constraints.contains(&grant.constraints) {
                constraints.push(grant.constraints.clone());
            }
        }
        for grantee in grantees {
            for constraints in &constraints {
                let mut grant = super::grant(grantee, &[KmsAction::DECRYPT]);
                grant.grantee = Grantee::principal(grantee);
                grant.constraints = constraints.clone();
                let call = Call::CreateGrant { key: key.clone(), grant: Box::new(grant) };
                self.all.push(Candidate { call, rule: Some("T18") });
            }
        }
    }

    /// Rule T37.
    fn organization(&mut self) {
        let Some(organization) = self.world.organization.clone() else { return };
        if organization.management_account != self.caller.account {
            self.add("T37", Call::LeaveOrganization);
            return;
        }
        for (target, policies) in &organization.attachments {
            for policy in policies {
                let (policy, target) = (policy.clone(), target.clone());
                self.add("T37", Call::DetachOrgPolicy { policy, target });
            }
        }
        for (policy, known) in &organization.policies {
            let kind = match known.kind {
                OrgPolicyKind::Scp => everything(PolicyKind::Scp, None),
                OrgPolicyKind::Rcp => everything(PolicyKind::Rcp, Some("*")),
            };
            self.add("T37", Call::UpdateOrgPolicy { policy: policy.clone(), document: kind });
        }
        let roots = organization.units.keys().filter(|id| id.starts_with("r-"));
        for root in roots {
            for kind in [OrgPolicyKind::Scp, OrgPolicyKind::Rcp] {
                self.add("T37", Call::DisablePolicyType { root: root.clone(), kind });
            }
        }
        for account in &organization.accounts {
            let Some(from) = organization.parents.get(account.as_str()) else { continue };
            for to in organization.units.keys().filter(|unit| *unit != from) {
                let (account, from, to) = (*account, from.clone(), to.clone());
                self.add("T37", Call::MoveAccount { account, from, to });
            }
        }
    }
}

/// The managed policies that an account can attach.
fn policies(account: &Account) -> impl Iterator<Item = Box<str>> {
    let administrator: Box<str> = super::arn("AdministratorAccess").into();
    let own = account.policies.keys().map(Into::into);
    let own: Vec<Box<str>> = own.filter(|arn| *arn != administrator).collect();
    own.into_iter().chain([administrator])
}

/// Whether a role's trust policy speaks of a service.
fn names_service(role: &Identity, service: &str) -> bool {
    let statements = role.trust.iter().flat_map(|trust| &trust.policy().statements);
    let mut entries = statements.filter_map(|it| it.principal.as_ref()).flat_map(|it| &it.entries);
    entries.any(|entry| matches!(&entry.value, Principal::Service(name) if **name == *service))
}

/// Things of the caller's own naming.
fn resources(launch: &Launch, region: &str, account: AccountId) -> Vec<Box<str>> {
    let each = launch.actions.iter().map(|action| {
        let named = action.info().resource_named("aws", region, account, "made");
        named.map_or_else(|| "*".into(), Into::into)
    });
    each.collect()
}

/// The keys of some tags, each alone and all of them.
fn alone_or_all(tags: &Tags) -> Vec<Vec<Box<str>>> {
    let each = tags.keys().map(|key| vec![key.clone()]);
    each.chain((tags.len() > 1).then(|| tags.keys().cloned().collect())).collect()
}
