//! Which policies take part in a decision (section 3.1 of the semantics).

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::aws::{AccountId, KmsAction};
use crate::decision::{CallerKind, OpenPoint, Target};
use crate::inventory::{
    AttachedPolicy, Effects, GapKind, Inventory, Key, NamedPolicy, OrgPolicy, OrgPolicyKind,
    Organization, policy_name,
};
use crate::policy::PolicyDocument;

use super::Reference;
use super::control;
use super::scene::Scene;

/// What a policy is of, put into words only where it is cited.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    /// An SCP or RCP at the root, unit or account with this id.
    Organization(&'a OrgPolicy, &'a str),
    /// An inline policy, and the ARN of the user, role or group that holds it.
    Inline(&'a str, &'a str),
    /// A managed policy by its ARN.
    Managed(&'a str),
    /// A session policy.
    Session,
    /// The policy of a VPC endpoint by its id.
    Endpoint(&'a str),
    /// The policy of a key of this world.
    Key(&'a Inventory, &'a Key),
    /// The policy that AWS_RAM writes, likewise.
    Ram(&'a Inventory, &'a Key),
    /// The trust policy of a role by its ARN.
    Trust(&'a str),
}

impl Name<'_> {
    /// The name as a text; most are longer than what a text begins with.
    pub(super) fn words(self) -> String {
        let mut words = String::with_capacity(112);
        // Writing to a string never fails.
        let _ = write!(words, "{self}");
        words
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(policy, id) => {
                write!(out, "{} {} ({}) at {id}", policy.kind.name(), policy.name, policy.id)
            }
            Self::Inline(name, of) => out.write_str(&NamedPolicy::words(name, of)),
            Self::Managed(arn) => write!(out, "managed policy {}", policy_name(arn)),
            Self::Session => out.write_str("session policy"),
            Self::Endpoint(id) => write!(out, "policy of VPC endpoint {id}"),
            Self::Key(world, key) => write!(out, "key policy of {}", world.name_of(key)),
            Self::Trust(arn) => write!(out, "trust policy of {arn}"),
            Self::Ram(world, key) => write!(out, "AWS_RAM policy of {}", world.name_of(key)),
        }
    }
}

/// A policy that takes part.
pub(super) struct Taking<'a> {
    /// As people name it.
    pub(super) name: Name<'a>,
    /// The policy.
    pub(super) document: &'a PolicyDocument,
}

/// One level of an organization.
pub(super) struct Level<'a> {
    /// Root, unit or account id.
    pub(super) id: &'a str,
    /// The policies attached there.
    pub(super) policies: Vec<Taking<'a>>,
}

/// The policies of one kind that bind a request, level by level.
pub(super) struct Bounds<'a> {
    /// The levels, or why none bind it.
    pub(super) levels: Result<Vec<Level<'a>>, &'static str>,
    /// What is missing of them.
    missing: Vec<String>,
}

impl Bounds<'_> {
    /// No level binds the request.
    fn none(why: &'static str) -> Arc<Self> {
        Arc::new(Self { levels: Err(why), missing: Vec::new() })
    }
}

/// Everything that takes part in one decision.
pub(super) struct Participants<'a> {
    /// The SCPs that bind the caller.
    pub(super) scp: Arc<Bounds<'a>>,
    /// The RCPs that bind the key or the role.
    pub(super) rcp: Arc<Bounds<'a>>,
    /// The VPC endpoint's policy, where the request came through one.
    pub(super) endpoint: Option<Vec<Taking<'a>>>,
    /// The key policies, where a key is involved.
    pub(super) key: Option<Vec<Taking<'a>>>,
    /// The trust policy, where a role is asked for (rules T3, T4).
    pub(super) trust: Option<Vec<Taking<'a>>>,
    /// The caller's identity policies.
    pub(super) identity: Vec<Taking<'a>>,
    /// The permissions boundary, where the caller has one; empty where its document is missing.
    pub(super) boundary: Option<Vec<Taking<'a>>>,
    /// Session policies, where the session was given any.
    pub(super) session: Option<Vec<Taking<'a>>>,
}

impl<'a> Participants<'a> {
    /// Who takes part in the request of `scene`.
    pub(super) fn of(scene: &Scene<'a, '_>) -> Self {
        Self {
            scp: scps(scene),
            rcp: rcps(scene),
            endpoint: endpoint(scene),
            key: scene.needs_key().then(|| key_policies(scene)),
            trust: control::trust_policy(scene),
            identity: identity_policies(scene),
            boundary: boundary(scene),
            session: session_policies(scene),
        }
    }

    /// The same for a request that differs in its context alone, which decides about the VPC endpoint.
    pub(super) fn look_at(&mut self, scene: &Scene<'a, '_>) {
        self.endpoint = endpoint(scene);
    }

    /// All of them, whatever their part.
    pub(super) fn all(&self) -> impl Iterator<Item = &Taking<'a>> {
        let bounds = [&self.scp, &self.rcp].into_iter();
        let levels = bounds.flat_map(|bounds| bounds.levels.iter().flatten());
        let sets = [&self.endpoint, &self.key, &self.trust, &self.boundary, &self.session];
        let of_sets = sets.into_iter().flatten().flatten();
        levels.flat_map(|level| &level.policies).chain(of_sets).chain(&self.identity)
    }
}

/// The SCPs that bind the caller, by level; nothing where none do (rules E13, E34, E44).
fn scps<'w>(scene: &Scene<'_, 'w>) -> Arc<Bounds<'w>> {
    match scene.request.caller.kind {
        CallerKind::Service => return Bounds::none("SCPs do not bind service calls"),
        CallerKind::Provider => return Bounds::none("SCPs do not bind who is of no account"),
        _ if scene.caller.is_service_linked() => {
            return Bounds::none("SCPs do not bind service-linked roles");
        }
        _ => {}
    }
    match scene.caller.account {
        Some(home) => bounds(scene, home, OrgPolicyKind::Scp),
        None => Bounds::none("the caller has no account"),
    }
}

/// The RCPs that bind the key, or the role, by level (rules E12, G42, X2).
fn rcps<'w>(scene: &Scene<'_, 'w>) -> Arc<Bounds<'w>> {
    let owner = match scene.request.target() {
        Some(Target::Key(arn)) => arn.account(),
        Some(Target::Alias(_)) if scene.is_alias_half() => {
            return Bounds::none("RCPs speak of keys");
        }
        Some(Target::Alias(arn)) => arn.account(),
        Some(_) => return Bounds::none("no key is involved"),
        // RCPs speak of STS, not of IAM (section 3.1).
        None => match control::trusting_role(scene).and_then(control::owner) {
            Some(account) => account,
            None => return Bounds::none("no role is asked for"),
        },
    };
    if scene.caller.is_service_linked() {
        return Bounds::none("RCPs do not bind service-linked roles");
    }
    if scene.request.is(KmsAction::RETIRE_GRANT) {
        return Bounds::none("RCPs have no say in RetireGrant");
    }
    if scene.key.is_some_and(Key::is_aws_managed) {
        return Bounds::none("RCPs do not bind AWS managed keys");
    }
    bounds(scene, owner, OrgPolicyKind::Rcp)
}

/// The policies of one kind that bind an account; put together once.
fn bounds<'w>(scene: &Scene<'_, 'w>, account: AccountId, kind: OrgPolicyKind) -> Arc<Bounds<'w>> {
    let reference = scene.reference;
    let made = |_: &_| {
        let mut missing = Vec::new();
        let levels = levels(reference, account, kind, &mut missing);
        Arc::new(Bounds { levels, missing })
    };
    let bounds = reference.bounds.get((account, kind), made);
    bounds.missing.iter().for_each(|what| scene.note_missing(what));
    bounds
}

fn levels<'w>(
    reference: &Reference<'w>,
    account: AccountId,
    kind: OrgPolicyKind,
    missing: &mut Vec<String>,
) -> Result<Vec<Level<'w>>, &'static str> {
    let Some(organization) = reference.world.organization.as_deref() else {
        return declared_level(reference, account, kind).ok_or("no organization was exported");
    };
    let Some(own) = organization.accounts.get(&account) else {
        return Err("the account belongs to no organization that was exported");
    };
    if organization.management_account == Some(account) {
        return Err("the management account is bound by no organization policy");
    }
    if !organization.is_enabled(kind) {
        return Err("the organization does not use this kind of policy");
    }
    let ids = organization.levels(account).unwrap_or_else(|| {
        // Rule U7: the way up is not exported; what is attached to the account itself still counts.
        missing.push(format!("parents of account {account} in the organization"));
        vec![own.as_str()]
    });
    let level =
        |id| Level { id, policies: attached_to(reference, organization, id, kind, missing) };
    Ok(ids.into_iter().map(level).collect())
}

/// What code attaches to the account itself, where no organization was exported: each policy may be in force.
fn declared_level<'w>(
    reference: &Reference<'w>,
    account: AccountId,
    kind: OrgPolicyKind,
) -> Option<Vec<Level<'w>>> {
    let declared = reference.world.declared.as_deref()?;
    let (account, _) = declared.limits.get_key_value(&account)?;
    let policies = reference.world.declared_limits(*account, kind);
    let taking = |policy: &'w OrgPolicy| {
        let document = policy.document.as_ref()?;
        Some(Taking { name: Name::Organization(policy, account.as_str()), document })
    };
    let policies: Vec<Taking<'w>> = policies.filter_map(taking).collect();
    (!policies.is_empty()).then(|| vec![Level { id: account.as_str(), policies }])
}

/// The policies of one kind that are attached to a level.
fn attached_to<'w>(
    reference: &Reference<'w>,
    organization: &'w Organization,
    id: &'w str,
    kind: OrgPolicyKind,
    missing: &mut Vec<String>,
) -> Vec<Taking<'w>> {
    let mut policies = Vec::new();
    let mut is_bare = true;
    for policy_id in organization.attachments.get(id).into_iter().flatten() {
        let policy = match organization.policies.get(policy_id) {
            Some(policy) if policy.kind == kind => policy,
            Some(_) => continue,
            None => {
                // Rule U7: a policy that is not described may be of either kind.
                missing.push(format!("document of organization policy {policy_id}"));
                continue;
            }
        };
        is_bare = false;
        missing.extend(conflicts(reference, &policy.id));
        match &policy.document {
            Some(document) => {
                policies.push(Taking { name: Name::Organization(policy, id), document });
            }
            None => missing.push(format!("document of {} {}", kind.name(), policy.id)),
        }
    }
    if kind == OrgPolicyKind::Scp && is_bare {
        // Rule U7: a level has at least one SCP; the export does not say which.
        missing.push(format!("SCPs attached to {id}"));
    }
    policies
}

/// The caller's identity policies: its own, and those of the groups it is a direct member of (rule E1).
/// None for root users and services.
fn identity_policies<'a>(scene: &Scene<'a, '_>) -> Vec<Taking<'a>> {
    let Some(identity) = scene.caller.identity else {
        note_unknown_identity(scene);
        return Vec::new();
    };
    // Its own, and a few of its groups.
    let mut together = Vec::with_capacity(identity.inline.len() + identity.attached.len() + 4);
    note_identity_gaps(scene, identity.account, &identity.arn);
    note_conflicts(scene, &identity.arn);
    inline(&identity.inline, &identity.arn, &mut together);
    attached(scene, identity.account, &identity.attached, &mut together);
    let account = scene.world().account(identity.account);
    for name in &identity.groups {
        match account.and_then(|account| account.groups.get(name)) {
            Some(group) => {
                note_identity_gaps(scene, identity.account, &group.arn);
                note_conflicts(scene, &group.arn);
                inline(&group.inline, &group.arn, &mut together);
                attached(scene, identity.account, &group.attached, &mut together);
            }
            None => scene.note_missing(format!("group {name} of account {}", identity.account)),
        }
    }
    together
}

/// A user or role that the export does not have has no policies of its own; where its account was not
/// exported whole, that is worth a word.
pub(super) fn note_unknown_identity(scene: &Scene<'_, '_>) {
    let has_policies = scene.request.caller.kind != CallerKind::Root;
    let Some(account) = scene.caller.account.filter(|_| has_policies) else {
        return;
    };
    if !scene.world().account(account).is_some_and(|known| known.identities_listed) {
        scene.note_missing(format!("identities of account {account}"));
    }
}

/// Rule U7: notes the parts of a user, role or group that were not exported.
fn note_identity_gaps(scene: &Scene<'_, '_>, account: AccountId, of: &str) {
    for gap in scene.reference.gaps.of_account(account) {
        if matches!(gap, GapKind::IdentityPart { arn, .. } if **arn == *of) {
            scene.note_missing(gap.to_string());
        }
    }
}

/// The parts of the caller that were not exported and could only deny more, in words.
pub(super) fn only_narrowing(scene: &Scene<'_, '_>) -> Vec<String> {
    let identity = scene.caller.identity;
    let gaps = identity.map_or(&[][..], |it| scene.reference.gaps.of_account(it.account));
    let narrows = |gap: &&GapKind| {
        let is_own = matches!((gap, identity), (GapKind::IdentityPart { arn, .. }, Some(it)) if *arn == it.arn);
        is_own && gap.effects() == Effects::MoreDenied
    };
    gaps.iter().filter(narrows).map(ToString::to_string).collect()
}

/// Notes what two files state differently of `subject`.
pub(super) fn note_conflicts(scene: &Scene<'_, '_>, subject: &str) {
    conflicts(scene.reference, subject).for_each(|what| scene.note_missing(what));
}

/// What two files state differently of `subject`, in words.
fn conflicts(reference: &Reference<'_>, subject: &str) -> impl Iterator<Item = String> {
    let conflicts = reference.gaps.conflicts_of(subject).iter();
    conflicts.map(|what| format!("{what}: two files disagree, the first by path counts"))
}

fn inline<'a>(policies: &'a [NamedPolicy], of: &'a str, together: &mut Vec<Taking<'a>>) {
    for policy in policies {
        let name = Name::Inline(&policy.name, of);
        together.push(Taking { name, document: &policy.document });
    }
}

fn attached<'a>(
    scene: &Scene<'a, '_>,
    account: AccountId,
    policies: &'a [AttachedPolicy],
    together: &mut Vec<Taking<'a>>,
) {
    for policy in policies {
        together.extend(managed(scene, account, policy));
    }
}

/// Rule A10: the default version; a policy that is named but not exported allows nothing.
fn managed<'a>(
    scene: &Scene<'a, '_>,
    account: AccountId,
    policy: &'a AttachedPolicy,
) -> Option<Taking<'a>> {
    let found = scene.world().managed_policy(account, &policy.arn);
    note_conflicts(scene, &policy.arn);
    match found.and_then(crate::inventory::ManagedPolicy::document) {
        Some(document) => Some(Taking { name: Name::Managed(&policy.arn), document }),
        None => {
            scene.note_missing(format!("document of managed policy {}", policy.arn));
            None
        }
    }
}

/// The permissions boundary; none for root users, services and service-linked roles.
fn boundary<'a>(scene: &Scene<'a, '_>) -> Option<Vec<Taking<'a>>> {
    let identity = scene.caller.identity.filter(|_| !scene.caller.is_service_linked());
    let identity = identity?;
    let policy = identity.boundary.as_ref()?;
    Some(managed(scene, identity.account, policy).into_iter().collect())
}

/// Session policies, which only sessions have (rules E2, E29).
fn session_policies<'a>(scene: &Scene<'a, '_>) -> Option<Vec<Taking<'a>>> {
    let is_session = matches!(
        scene.request.caller.kind,
        CallerKind::Role | CallerKind::AssumedRole { .. } | CallerKind::FederatedUser { .. }
    );
    let policies = scene.request.session_policies;
    if !is_session || policies.is_empty() {
        return None;
    }
    Some(policies.iter().map(|document| Taking { name: Name::Session, document }).collect())
}

/// The policy of the VPC endpoint that the request names; the service's own hop of a FAS call does not
/// come through it (rule E14).
fn endpoint<'a>(scene: &Scene<'a, '_>) -> Option<Vec<Taking<'a>>> {
    let context = scene.request.context;
    let given = context.get("aws:SourceVpce").map(|entry| entry.value.values());
    let Some([id]) = given.filter(|_| context.get("kms:ViaService").is_none()) else {
        return None;
    };
    let endpoints = &scene.world().endpoints;
    match endpoints.get(id) {
        Some(document) => Some(vec![Taking { name: Name::Endpoint(id), document }]),
        None => {
            if !endpoints.is_empty() {
                scene.note_missing(format!("policy of VPC endpoint {id}"));
            }
            None
        }
    }
}

/// Notes that a part of the key was not exported, where it was not.
pub(super) fn note_key_gap(scene: &Scene<'_, '_>, wanted: &str) {
    let Some(key) = scene.key else {
        return;
    };
    for gap in scene.reference.gaps.of_key(&key.arn) {
        if matches!(gap, GapKind::KeyPart { part, .. } if *part == wanted) {
            scene.note_missing(gap.to_string());
        }
    }
    // What no policy asks for is no gap of the export, and is missing where one does.
    let unlisted = match wanted {
        "tags" => Some("tags").filter(|_| key.tags.is_none()),
        "aliases" => Some("aliases").filter(|_| !key.aliases_listed),
        "metadata" => Some("metadata").filter(|_| key.metadata.is_none()),
        _ => None,
    };
    if let Some(part) = unlisted {
        let gap = GapKind::KeyPart { key: key.arn.clone(), part, truncated: false };
        scene.note_missing(gap.to_string());
    }
}

/// The key policy and the one that RAM writes, together (rules K1, K8).
fn key_policies<'a>(scene: &Scene<'a, '_>) -> Vec<Taking<'a>> {
    let mut together = Vec::new();
    let Some(key) = scene.key else {
        if let Some(target) = scene.request.target() {
            scene.note_missing(format!("key policy of {target}"));
        }
        return together;
    };
    note_key_gap(scene, "key policy");
    note_conflicts(scene, key.arn.as_str());
    if let Some(document) = &key.policy {
        together.push(Taking { name: Name::Key(scene.world(), key), document });
    }
    // Rule K8; O17 leaves it open whether the two unite.
    if let Some(document) = &key.ram_policy
        && !scene.reads_other(OpenPoint::O17, || true)
    {
        together.push(Taking { name: Name::Ram(scene.world(), key), document });
    }
    together
}
