//! The permissions each call needs, every one with the condition keys that the call fixes.

use crate::aws::{AccountId, Action, Arn, ControlAction as C, KeyArn, KmsAction as K, carried};
use crate::decision::{Caller, CallerKind, Context, ContextValue, ControlRequest, Request, Target};
use crate::inventory::{Alias, Inventory, OrgPolicyKind, Tags};

use super::grants::grant_keys;
use super::params::{device_of, policy_type, said, session_name};
use super::{Call, Launch};

/// One permission that a call needs.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Of KMS.
    Kms(Request),
    /// Of another service.
    Control(ControlRequest),
}

/// What a call says of a condition key; nothing where the request surely lacks it.
pub(super) type Fixed = Vec<(Box<str>, Option<ContextValue>)>;

impl Call {
    /// The permissions that it needs in `world`, all of them. `context` is what its requests bring beside
    /// the parameters; each permission gets the keys of it that its action carries, and where both speak
    /// of a key the parameters win. Calls are direct: no service makes them on the caller's behalf
    /// (rule U4).
    pub fn asks(&self, caller: &Caller, world: &Inventory, context: &Context) -> Vec<Ask> {
        let mut asks = Asks { caller, world, context, all: Vec::new() };
        match self {
            Self::AssumeRole { role, tags } => asks.assume_role(role, tags),
            Self::GetFederationToken { session, tags } => asks.federate(session, tags),
            Self::AssumeRoleWithSaml { role, .. } => {
                asks.control(C::STS_ASSUME_ROLE_WITH_SAML, role, Vec::new());
            }
            Self::AssumeRoleWithWebIdentity { role, .. } => {
                let name = one("sts:RoleSessionName", session_name(context));
                asks.control(C::STS_ASSUME_ROLE_WITH_WEB_IDENTITY, role, vec![name]);
            }
            Self::Launch { launch, role, region, resources } => {
                asks.launch(launch, role, region, resources);
            }
            Self::Center { center, region, resources, .. } => {
                asks.together(center.actions, region, resources);
            }
            Self::CreateAlias { alias, key } => {
                asks.alias_half(K::CREATE_ALIAS, alias.as_str());
                asks.kms(K::CREATE_ALIAS, key, Vec::new());
            }
            Self::UpdateAlias { alias, key } => {
                asks.alias_half(K::UPDATE_ALIAS, alias.as_str());
                let present = world.alias(alias).and_then(Alias::key);
                present.iter().for_each(|key| asks.kms(K::UPDATE_ALIAS, key, Vec::new()));
                asks.kms(K::UPDATE_ALIAS, key, Vec::new());
            }
            Self::DeleteAlias { alias } => {
                asks.alias_half(K::DELETE_ALIAS, alias.as_str());
                let present = world.alias(alias).and_then(Alias::key);
                present.iter().for_each(|key| asks.kms(K::DELETE_ALIAS, key, Vec::new()));
            }
            Self::CreateMfaDevice { user } => {
                asks.control(
                    C::IAM_CREATE_VIRTUAL_MFA_DEVICE,
                    &device_of(user),
                    tag_keys(&Tags::new()),
                );
            }
            Self::EnableMfaDevice { user } => {
                asks.control(C::IAM_ENABLE_MFA_DEVICE, user, Vec::new());
            }
            Self::PutKeyPolicy { key, .. } => {
                asks.kms(K::PUT_KEY_POLICY, key, vec![one("kms:PolicyName", "default")]);
            }
            Self::ReplicateKey { key, region, .. } => asks.replicate(key, region),
            Self::CreateGrant { key, grant } => {
                asks.kms(K::CREATE_GRANT, key, grant_keys(grant, key.partition()));
            }
            Self::TagKey { key, tags } => asks.kms(K::TAG_RESOURCE, key, tag_keys(tags)),
            Self::UntagKey { key, keys } => {
                asks.kms(K::UNTAG_RESOURCE, key, vec![many("aws:TagKeys", keys.clone())]);
            }
            _ => asks.one_of_iam(self),
        }
        // Tags of what is made are a permission of their own (IAM user guide, Tags for IAM resources).
        match self {
            Self::CreateUser { user, tags, .. } if !tags.is_empty() => {
                asks.control(C::IAM_TAG_USER, user, tag_keys(tags));
            }
            Self::CreateRole { role, tags, .. } if !tags.is_empty() => {
                asks.control(C::IAM_TAG_ROLE, role, tag_keys(tags));
            }
            _ => {}
        }
        asks.all
    }

    /// What a call of IAM or Organizations, which need one permission each, is made on.
    fn resource(&self, world: &Inventory) -> Box<str> {
        let of_organization = |tail: &dyn Fn(&str) -> String| {
            organization_arn(world, tail).map_or_else(|| "*".into(), Into::into)
        };
        match self {
            Self::CreateAccessKey { user }
            | Self::LoginProfile { user, .. }
            | Self::CreateUser { user, .. } => user.clone(),
            Self::PutPolicy { holder, .. }
            | Self::DeletePolicy { holder, .. }
            | Self::AttachPolicy { holder, .. }
            | Self::DetachPolicy { holder, .. }
            | Self::DeleteBoundary { holder }
            | Self::PutBoundary { holder, .. }
            | Self::TagIdentity { holder, .. }
            | Self::UntagIdentity { holder, .. } => holder.clone(),
            Self::CreatePolicy { policy, .. }
            | Self::CreatePolicyVersion { policy, .. }
            | Self::SetDefaultPolicyVersion { policy, .. } => policy.clone(),
            Self::AddUserToGroup { group, .. }
            | Self::RemoveUserFromGroup { group, .. }
            | Self::CreateGroup { group } => group.clone(),
            Self::UpdateAssumeRolePolicy { role, .. } | Self::CreateRole { role, .. } => {
                role.clone()
            }
            Self::UpdateSamlProvider { provider }
            | Self::CreateProvider { provider }
            | Self::AddClientId { provider, .. } => provider.clone(),
            Self::DetachOrgPolicy { policy, .. } | Self::UpdateOrgPolicy { policy, .. } => {
                let kind = kind_of(world, policy).map_or("", policy_type).to_ascii_lowercase();
                of_organization(&|id| format!("policy/{id}/{kind}/{policy}"))
            }
            Self::DisablePolicyType { root, .. } => {
                of_organization(&|id| format!("root/{id}/{root}"))
            }
            Self::MoveAccount { account, .. } => {
                of_organization(&|id| format!("account/{id}/{account}"))
            }
            _ => "*".into(),
        }
    }

    /// The condition keys that such a call fixes.
    fn keys(&self, world: &Inventory) -> Fixed {
        let policy_kind = |kind: OrgPolicyKind| one("organizations:PolicyType", policy_type(kind));
        match self {
            // Rule T30: the keys tell the boundary that is put, and elsewhere the one that stands.
            Self::PutBoundary { policy, .. } => vec![one("iam:PermissionsBoundary", policy)],
            Self::CreateUser { boundary, tags, .. } | Self::CreateRole { boundary, tags, .. } => {
                let boundary = boundary.as_deref().map(|policy| ContextValue::One(policy.into()));
                let mut fixed = tag_keys(tags);
                fixed.push(("iam:PermissionsBoundary".into(), boundary));
                fixed
            }
            Self::PutPolicy { holder, .. }
            | Self::DeletePolicy { holder, .. }
            | Self::DeleteBoundary { holder } => vec![standing_boundary(world, holder)],
            Self::UpdateAssumeRolePolicy { role, .. } => vec![standing_boundary(world, role)],
            Self::AttachPolicy { holder, policy } | Self::DetachPolicy { holder, policy } => {
                vec![standing_boundary(world, holder), one("iam:PolicyARN", policy)]
            }
            Self::TagIdentity { tags, .. } => tag_keys(tags),
            Self::CreatePolicy { .. } => tag_keys(&Tags::new()),
            Self::UntagIdentity { keys, .. } => vec![many("aws:TagKeys", keys.clone())],
            Self::DetachOrgPolicy { policy, .. } | Self::UpdateOrgPolicy { policy, .. } => {
                kind_of(world, policy).map(policy_kind).into_iter().collect()
            }
            Self::DisablePolicyType { kind, .. } => vec![policy_kind(*kind)],
            _ => Vec::new(),
        }
    }
}

/// The permissions of one call, as they are found.
struct Asks<'a> {
    caller: &'a Caller,
    world: &'a Inventory,
    context: &'a Context,
    all: Vec<Ask>,
}

impl Asks<'_> {
    fn one_of_iam(&mut self, call: &Call) {
        if let Action::Control(action) = call.action() {
            self.control(action, &call.resource(self.world), call.keys(self.world));
        }
    }

    fn control(&mut self, action: C, resource: &str, fixed: Fixed) {
        let mut request = ControlRequest::plain(self.caller.clone(), action, resource);
        request.context = self.context_of(action.into(), fixed);
        self.all.push(Ask::Control(request));
    }

    fn kms(&mut self, action: K, key: &KeyArn, fixed: Fixed) {
        self.on(action, Target::Key(key.clone()), fixed);
    }

    fn on(&mut self, action: K, target: Target, fixed: Fixed) {
        let mut request = Request::plain(self.caller.clone(), action, target);
        request.context = self.context_of(action.into(), fixed);
        self.all.push(Ask::Kms(request));
    }

    /// Rule L4: neither keys of KMS nor tags of a resource on the alias's half.
    fn alias_half(&mut self, action: K, alias: &str) {
        let lacks = |family: &str| (family.into(), None);
        if let Some(target) = Target::parse(alias) {
            self.on(action, target, vec![lacks("kms:*"), lacks("aws:ResourceTag/*")]);
        }
    }

    /// The keys of the context that an action carries, and what the call fixes (rules C6, U4).
    fn context_of(&self, action: Action, fixed: Fixed) -> Context {
        let mut context = Context::default();
        self.context.absent().for_each(|name| context.set_absent(name));
        for entry in self.context.entries().filter(|entry| carried(action, &entry.name)) {
            context.set(&entry.name, entry.value.clone());
        }
        let mut all: Fixed = SERVICES.iter().map(|name| ((*name).into(), None)).collect();
        all.push(one(VIA_SERVICE, "false"));
        all.extend(fixed);
        // Two pairs whose names differ by case are two (rule C5): both are given once neither is there.
        all.iter().for_each(|(name, _)| context.set_absent(name));
        let given = all.into_iter().filter(|(name, _)| carried(action, name));
        given.for_each(|(name, value)| value.into_iter().for_each(|it| context.set(&name, it)));
        context
    }

    /// Rules T3 to T7: tags and a source identity are permissions of their own.
    fn assume_role(&mut self, role: &str, tags: &Tags) {
        let mut fixed = tag_keys(tags);
        fixed.push(one("sts:RoleSessionName", session_name(self.context)));
        self.control(C::STS_ASSUME_ROLE, role, fixed.clone());
        if !tags.is_empty() {
            self.control(C::STS_TAG_SESSION, role, fixed.clone());
        }
        if said(self.context, "sts:SourceIdentity").is_some() {
            self.control(C::STS_SET_SOURCE_IDENTITY, role, fixed);
        }
    }

    /// Rules T7, T12: tags are a permission of their own, on the session.
    fn federate(&mut self, session: &str, tags: &Tags) {
        self.control(C::STS_GET_FEDERATION_TOKEN, session, tag_keys(tags));
        if !tags.is_empty() {
            self.control(C::STS_TAG_SESSION, session, tag_keys(tags));
        }
    }

    /// Rules T9, T28, T29, T50: the role is passed and trusts the service, and every action is allowed.
    fn launch(&mut self, launch: &Launch, role: &str, region: &str, resources: &[Box<str>]) {
        if launch.passes {
            let service = one("iam:PassedToService", launch.service);
            self.control(C::IAM_PASS_ROLE, role, vec![service]);
        }
        self.together(launch.actions, region, resources);
        let (text, account, kind) = (launch.service.into(), None, CallerKind::Service);
        let service = Caller { text, account, kind };
        let mut request = ControlRequest::plain(service, C::STS_ASSUME_ROLE, role);
        // A service names whose resource it acts for (rule E41).
        if let Some(account) = self.caller.account {
            request.context.set_one("aws:SourceAccount", account.as_str());
        }
        let named = resources.iter().find(|arn| Arn::parse(arn).is_some());
        if let Some(arn) = named {
            request.context.set_one("aws:SourceArn", arn);
        }
        self.all.push(Ask::Control(request));
    }

    /// Actions in a Region that go together, each on its resource.
    fn together(&mut self, actions: &[C], region: &str, resources: &[Box<str>]) {
        let each = resources.iter().map(AsRef::as_ref).chain(std::iter::repeat("*"));
        for (action, resource) in actions.iter().zip(each) {
            let fixed = match action.service() {
                "iam" => Vec::new(),
                _ => vec![one("aws:RequestedRegion", region)],
            };
            self.control(*action, resource, fixed);
        }
    }

    /// Rule L8. The new key has the primary's properties.
    fn replicate(&mut self, key: &KeyArn, region: &str) {
        let in_region = |region: &str| one("aws:RequestedRegion", region);
        let fixed = vec![one("kms:ReplicaRegion", region), in_region(key.region())];
        self.kms(K::REPLICATE_KEY, key, fixed);
        let mut fixed = vec![in_region(region), one("kms:MultiRegion", "true")];
        fixed.push(one("kms:MultiRegionKeyType", "REPLICA"));
        if let Some(known) = self.world.key(key).and_then(|key| key.metadata.as_ref()) {
            let texts = [
                ("kms:KeySpec", &known.spec),
                ("kms:CustomerMasterKeySpec", &known.spec),
                ("kms:KeyUsage", &known.usage),
                ("kms:CustomerMasterKeyUsage", &known.usage),
                ("kms:KeyOrigin", &known.origin),
            ];
            let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)));
            fixed.extend(texts.map(|(name, text)| one(name, text)));
        }
        self.on(K::CREATE_KEY, Target::Account, fixed);
    }
}

/// The condition keys that a service in between brings, but for the one that says whether there is any.
const SERVICES: [&str; 2] = ["kms:ViaService", "aws:CalledVia*"];

/// The condition key that says whether a service is in between.
const VIA_SERVICE: &str = "aws:ViaAWSService";

/// What the request of a call says that no service makes on the caller's behalf (rule U4).
pub(in crate::graph) fn direct() -> Context {
    let mut context = Context::default();
    SERVICES.iter().for_each(|name| context.set_absent(name));
    context.set_one(VIA_SERVICE, "false");
    context
}

/// Whether it is a condition key that a service in between brings.
pub(in crate::graph) fn is_of_services(key: &str) -> bool {
    let is_it = |name: &str| match name.strip_suffix('*') {
        Some(family) => begins(key, family),
        None => key.eq_ignore_ascii_case(name),
    };
    SERVICES.into_iter().chain([VIA_SERVICE]).any(is_it)
}

/// Condition keys, or how they begin, in lower case, that users and roles of an account hold alike, or that are
/// told by their names and tags (section 2.5).
const ALIKE: [&str; 23] = [
    "kms:",
    "iam:",
    "organizations:",
    "aws:principaltag/",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorg",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:resource",
    "aws:requesttag/",
    "aws:tagkeys",
    "aws:requestedregion",
    "aws:source",
    "aws:vpcsourceip",
    "aws:securetransport",
    "aws:useragent",
    "aws:referer",
    "aws:currenttime",
    "aws:epochtime",
    "aws:calledvia",
    "aws:viaawsservice",
    "sts:externalid",
];

/// Whether a condition key is no matter of how somebody is signed in.
pub(in crate::graph) fn is_alike_for_all(key: &str) -> bool {
    key != "aws:sourceidentity" && ALIKE.iter().any(|known| key.starts_with(known))
}

fn begins(key: &str, family: &str) -> bool {
    key.get(..family.len()).is_some_and(|head| head.eq_ignore_ascii_case(family))
}

/// A key with one value.
pub(super) fn one(name: &str, value: &str) -> (Box<str>, Option<ContextValue>) {
    (name.into(), Some(ContextValue::One(value.into())))
}

/// A key with several values.
pub(super) fn many(name: &str, values: Vec<Box<str>>) -> (Box<str>, Option<ContextValue>) {
    (name.into(), Some(ContextValue::Many(values)))
}

/// The tags of a request; none of another name.
fn tag_keys(tags: &Tags) -> Fixed {
    let mut fixed: Fixed = vec![("aws:RequestTag/*".into(), None), ("aws:TagKeys".into(), None)];
    fixed.extend(tags.iter().map(|(key, value)| one(&format!("aws:RequestTag/{key}"), value)));
    if !tags.is_empty() {
        fixed.push(many("aws:TagKeys", tags.keys().cloned().collect()));
    }
    fixed
}

/// `iam:PermissionsBoundary` where a user or role is changed that has one, or has none.
fn standing_boundary(world: &Inventory, holder: &str) -> (Box<str>, Option<ContextValue>) {
    let boundary = world.identity(holder).and_then(|identity| identity.boundary.as_ref());
    let boundary = boundary.map(|policy| ContextValue::One(policy.arn.clone()));
    ("iam:PermissionsBoundary".into(), boundary)
}

fn kind_of(world: &Inventory, policy: &str) -> Option<OrgPolicyKind> {
    world.organization.as_ref()?.policies.get(policy).map(|policy| policy.kind)
}

/// An ARN of Organizations, which are those of the management account; `tail` follows it, given the id of
/// the organization.
fn organization_arn(world: &Inventory, tail: &dyn Fn(&str) -> String) -> Option<String> {
    let organization = world.organization.as_ref()?;
    let account: AccountId = organization.management_account?;
    let known = world.accounts.values().flat_map(|account| account.identities.keys()).next();
    let partition = known.and_then(Arn::parse).map_or("aws", |arn| arn.partition);
    let tail = tail(organization.id.as_deref()?);
    Some(format!("arn:{partition}:organizations::{account}:{tail}"))
}
