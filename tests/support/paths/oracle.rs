//! The search that executes everything: every call of section 5, as every identity that is held, in every
//! context, up to so many calls. It is slow and obviously right, and knows nothing of how paths are found
//! elsewhere.
//!
//! What is left out could not make a difference: a call that changes nothing or takes on what is held;
//! more about a key that is reached already; as the last call one that bears on nobody who is held.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use keyreach::aws::{KeyArn, KmsAction};
use keyreach::decision::{Caller, CallerKind, Context, Request, Target};
use keyreach::eval::reference::{Reference, lockout_check};
use keyreach::graph::{Ask, Call, EdgeKind, Hop, Path};
use keyreach::inventory::{Identity, Inventory, Key, OrgPolicyKind, Tags};
use keyreach::policy::{PolicyDocument, Value};

use super::calls::{Candidate, candidates};
use super::heard::{Heard, selections};

/// How far it goes.
pub struct Oracle<'w> {
    world: &'w Inventory,
    reference: Reference<'w>,
    heard: Heard,
    contexts: Vec<Context>,
    /// The most calls.
    pub calls: usize,
    /// The most primitives among them (rule T52).
    pub primitives: usize,
    /// Rules of primitives that are not tried.
    pub without: Vec<&'static str>,
    /// What is gained.
    pub goal: KmsAction,
}

/// An identity that is held, and the tags of its session where it cannot have any others.
#[derive(Clone, PartialEq, Debug)]
struct Held {
    caller: Caller,
    tags: Option<Tags>,
}

/// A world on the way.
#[derive(Clone)]
struct State {
    world: Inventory,
    held: Vec<Held>,
    hops: Vec<Hop>,
    primitives: usize,
    /// What was done to each thing, in order.
    done: BTreeMap<String, Vec<String>>,
    /// What the last call bears on.
    bears: Bears,
}

/// What a call bears on.
#[derive(Clone, PartialEq, Debug)]
enum Bears {
    /// Everything.
    All,
    /// An identity that was taken on.
    Gained,
    /// These keys.
    Keys(Vec<KeyArn>),
}

impl<'w> Oracle<'w> {
    /// Up to `calls` calls with two primitives to kms:Decrypt.
    pub fn new(world: &'w Inventory, calls: usize) -> Self {
        let heard = Heard::of(world);
        let contexts = heard.contexts();
        let (primitives, without, goal) = (2, Vec::new(), KmsAction::DECRYPT);
        let reference = Reference::new(world);
        Self { world, reference, heard, contexts, calls, primitives, without, goal }
    }

    /// Who sets out: users, roles, and whom providers vouch for.
    pub fn starts(&self) -> Vec<Caller> {
        let accounts = self.world.accounts.values();
        let arns = accounts.flat_map(|account| account.identities.keys());
        let providers = self.heard.providers.iter().map(|it| Caller::of_provider(it));
        arns.filter_map(Caller::parse).chain(providers).collect()
    }

    /// The shortest way of `start` to each key that it gets to; no call where it may already.
    pub fn paths(&self, start: &Caller) -> BTreeMap<KeyArn, Path> {
        let tags = match start.kind {
            CallerKind::Role if self.has_open_tags(start) => None,
            _ => Some(Tags::default()),
        };
        let mut found = BTreeMap::new();
        let mut level = vec![State {
            world: self.world.clone(),
            held: vec![Held { caller: start.clone(), tags }],
            hops: Vec::new(),
            primitives: 0,
            done: BTreeMap::new(),
            bears: Bears::All,
        }];
        let mut seen = HashMap::new();
        for depth in 0..=self.calls {
            for state in &level {
                self.arrive(start, state, &mut found);
            }
            if depth == self.calls || found.len() == self.world.keys.len() {
                break;
            }
            let is_last = depth + 1 == self.calls;
            let mut next = Vec::new();
            for state in &level {
                for made in self.after(state, &found, is_last) {
                    let known = seen.entry(made.name()).or_insert(usize::MAX);
                    if made.primitives < *known {
                        *known = made.primitives;
                        next.push(made);
                    }
                }
            }
            level = next;
        }
        found
    }

    /// Notes the keys that are reached in `state`.
    fn arrive(&self, start: &Caller, state: &State, found: &mut BTreeMap<KeyArn, Path>) {
        let reference = self.reference.after(&state.world);
        let held = match &state.bears {
            Bears::Gained => &state.held[state.held.len() - 1..],
            _ => &state.held[..],
        };
        for goal_key in state.world.keys.keys() {
            let Some(key) = self.key_of(goal_key) else { continue };
            let is_other = |keys: &Vec<KeyArn>| !keys.contains(goal_key);
            let untouched = matches!(&state.bears, Bears::Keys(keys) if is_other(keys));
            if found.contains_key(&key) || untouched {
                continue;
            }
            let allowed = held.iter().find_map(|held| {
                let context = self.contexts_of(held).into_iter().find(|context| {
                    let target = Target::Key(goal_key.clone());
                    let mut request = Request::plain(held.caller.clone(), self.goal, target);
                    request.context = context.clone();
                    held.caller.account.is_some() && reference.evaluate(&request).is_allowed()
                });
                context.map(|context| (held, context))
            });
            if let Some((held, context)) = allowed {
                let path = Path {
                    from: start.clone(),
                    key: key.clone(),
                    goal: self.goal,
                    hops: state.hops.clone(),
                    goal_as: held.caller.clone(),
                    goal_key: goal_key.clone(),
                    context,
                    because: Vec::new(),
                    doubts: BTreeSet::new(),
                };
                found.insert(key, path);
            }
        }
    }

    /// The key of the export with the material of `arn`: itself, or the primary of a replica that was
    /// made (rule T17).
    fn key_of(&self, arn: &KeyArn) -> Option<KeyArn> {
        if self.world.keys.contains_key(arn) {
            return Some(arn.clone());
        }
        let primary = |key: &&KeyArn| key.id() == arn.id() && key.account() == arn.account();
        self.world.keys.keys().find(primary).cloned()
    }

    /// Every world that one call makes of `state`.
    fn after(&self, state: &State, found: &BTreeMap<KeyArn, Path>, is_last: bool) -> Vec<State> {
        let reference = self.reference.after(&state.world);
        let mut all = Vec::new();
        for held in &state.held {
            for candidate in candidates(&self.heard, &state.world, &held.caller) {
                let primitives = state.primitives + usize::from(self.counts(&candidate));
                let tried = candidate.rule.is_none_or(|rule| !self.without.contains(&rule));
                if primitives <= self.primitives
                    && tried
                    && self.matters(state, &candidate, found, is_last)
                    && let Some(context) = self.context_of(&reference, held, &candidate.call)
                {
                    all.push(self.made(state, held, candidate, context));
                }
            }
        }
        all
    }

    /// Rules T35, T52: whether a call counts as a primitive. What is written for one who was made on the way
    /// is a part of making it.
    fn counts(&self, candidate: &Candidate) -> bool {
        let is_there = |holder: &str| {
            self.world.identity(holder).is_some() || self.world.group(holder).is_some()
        };
        match &candidate.call {
            Call::PutPolicy { holder, .. } | Call::AttachPolicy { holder, .. } => is_there(holder),
            // What is attached then is.
            Call::CreatePolicy { .. } => false,
            _ => candidate.rule.is_some(),
        }
    }

    /// Whether a call could make a difference.
    fn matters(
        &self,
        state: &State,
        candidate: &Candidate,
        found: &BTreeMap<KeyArn, Path>,
        is_last: bool,
    ) -> bool {
        let is_held = |arn: &str| state.held.iter().any(|held| *held.caller.text == *arn);
        let identities = || {
            let held = state.held.iter();
            held.filter_map(|held| state.world.identity(&held.caller.text))
        };
        let counts = |holder: &str| match state.world.group(holder) {
            Some(group) => identities().any(|it| it.groups.contains(&group.name)),
            None => is_held(holder),
        };
        let uses = |policy: &str| identities().any(|it| has(&state.world, it, policy));
        let open = |keys: &[KeyArn]| {
            keys.iter().any(|key| self.key_of(key).is_none_or(|key| !found.contains_key(&key)))
        };
        let call = &candidate.call;
        if let Some(gained) = gained(call) {
            // The subject of a provider uses no key.
            let is_idle = is_last && gained.caller.account.is_none();
            return !is_idle && !state.held.contains(&gained);
        }
        match (call, keys_of(call, &state.world)) {
            (_, Some(keys)) => open(&keys),
            _ if !is_last => true,
            (Call::UpdateAssumeRolePolicy { .. }, _)
            | (Call::CreateUser { .. }, _)
            | (Call::CreateGroup { .. }, _)
            | (Call::CreatePolicy { .. }, _)
            | (Call::CreateRole { .. }, _) => false,
            (Call::CreatePolicyVersion { policy, .. }, _)
            | (Call::SetDefaultPolicyVersion { policy, .. }, _) => uses(policy),
            (Call::AddUserToGroup { user, .. }, _)
            | (Call::RemoveUserFromGroup { user, .. }, _) => is_held(user),
            (call, _) => holder_of(call).is_none_or(counts),
        }
    }

    /// A context in which every permission of a call is allowed, and what AWS checks beside.
    fn context_of(&self, reference: &Reference<'_>, held: &Held, call: &Call) -> Option<Context> {
        let fits = |context: &Context| {
            let asks = call.asks(&held.caller, reference.world(), context);
            let allowed = asks.iter().all(|ask| match ask {
                Ask::Kms(request) => reference.evaluate(request).is_allowed(),
                Ask::Control(request) => reference.evaluate_control(request).is_allowed(),
            });
            allowed && is_kept(reference, held, call, &asks)
        };
        let possible = is_possible(call, &held.caller, reference.world());
        self.contexts_of(held).into_iter().filter(|_| possible).find(fits)
    }

    /// What requests of an identity can bring, and always bring.
    fn contexts_of(&self, held: &Held) -> Vec<Context> {
        let each = self.contexts.iter().map(|brought| {
            let mut context = always(&held.caller);
            context.lay_over(brought);
            context
        });
        let each: Vec<Context> = each.collect();
        let tagged = |tags: &Tags| {
            let with = |context: &Context| {
                let mut context = context.clone();
                for (key, value) in tags.iter() {
                    context.set_one(&format!("aws:PrincipalTag/{key}"), value);
                }
                context
            };
            each.iter().map(with).collect::<Vec<Context>>()
        };
        match &held.tags {
            Some(tags) => tagged(tags),
            None => {
                let each = selections(self.heard.principal_tags.iter());
                let tags = std::iter::once(Tags::default()).chain(each);
                tags.flat_map(|tags| tagged(&tags)).collect()
            }
        }
    }

    fn made(&self, state: &State, held: &Held, candidate: Candidate, context: Context) -> State {
        let counts = self.counts(&candidate);
        let Candidate { call, rule } = candidate;
        let mut next = state.clone();
        next.primitives += usize::from(counts);
        next.bears = match (gained(&call), keys_of(&call, &state.world)) {
            (Some(_), _) => Bears::Gained,
            (None, Some(keys)) => Bears::Keys(keys),
            (None, None) => Bears::All,
        };
        for edit in call.edits(&held.caller) {
            next.world = next.world.apply(&edit);
        }
        match gained(&call) {
            Some(gained) => next.held.push(gained),
            None => {
                let (subject, what) = effect(&call, &held.caller);
                next.done.entry(subject).or_default().push(what);
            }
        }
        next.hops.push(Hop {
            caller: held.caller.clone(),
            call,
            edge: rule.map_or(EdgeKind::Assumes, EdgeKind::EscalatesBy),
            because: Vec::new(),
            context,
            modelled: false,
        });
        next
    }

    /// Rule T7: whether sessions of a role may bring tags that nobody told.
    fn has_open_tags(&self, role: &Caller) -> bool {
        let trust = self.world.identity(&role.text).and_then(|role| role.trust.as_ref());
        let statements = trust.into_iter().flat_map(|trust| &trust.policy().statements);
        let mut actions = statements.filter_map(|it| it.action.as_ref()).flat_map(|it| &it.values);
        actions.any(|action| match &action.value {
            Value::Text(action) => ["*", "sts:*", "sts:TagSession"].contains(&&**action),
            Value::Unresolved(value) => panic!("{}", value.expression),
        })
    }
}

impl State {
    /// What tells it from others: what is changed, and who is held.
    fn name(&self) -> String {
        let mut held: Vec<String> =
            self.held.iter().map(|held| format!("{} {:?}", held.caller, held.tags)).collect();
        held.sort_unstable();
        format!("{:?} {held:?}", self.done)
    }
}

/// Whom a call lets the caller be; sessions have the tags that it gives, and no others.
fn gained(call: &Call) -> Option<Held> {
    let tags = match call {
        Call::AssumeRole { tags, .. } => tags.clone(),
        _ => Tags::default(),
    };
    Some(Held { caller: call.gained()?, tags: Some(tags) })
}

/// The condition keys that every request brings.
fn always(caller: &Caller) -> Context {
    let mut context = Context::default();
    context.set_one("aws:CurrentTime", "2026-01-01T00:00:00Z");
    context.set_one("aws:EpochTime", "1767225600");
    context.set_one("aws:SecureTransport", "true");
    context.set_one("aws:ViaAWSService", "false");
    context.set_one("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
    if matches!(caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. }) {
        context.set_one("aws:MultiFactorAuthPresent", "false");
    }
    context
}

/// Rule K9.
fn is_kept(reference: &Reference<'_>, held: &Held, call: &Call, asks: &[Ask]) -> bool {
    let caller = &held.caller;
    let check = |ask: &Ask, key: &Key, policy: &PolicyDocument| match ask {
        Ask::Kms(request) => lockout_check(reference, request, key, policy),
        Ask::Control(_) => panic!("no permission of KMS: {call:?}"),
    };
    match call {
        Call::PutKeyPolicy { key, policy } => {
            let key = reference.world().key(key).unwrap();
            check(&asks[0], key, policy)
        }
        Call::ReplicateKey { key, region, policy } => {
            let arn = KeyArn::new(key.partition(), region, key.account(), key.id()).unwrap();
            let after = reference.world().apply(&call.edits(caller)[0]);
            let replica: Key = after.key(&arn).unwrap().clone();
            let put = Call::PutKeyPolicy { key: arn, policy: policy.clone() };
            let asks = put.asks(caller, reference.world(), asks[0].context());
            check(&asks[0], &replica, policy)
        }
        _ => true,
    }
}

/// What AWS refuses whatever policies say, of what is tried.
fn is_possible(call: &Call, caller: &Caller, world: &Inventory) -> bool {
    let Some(organization) = &world.organization else {
        return !matches!(call, Call::LeaveOrganization);
    };
    match call {
        Call::LeaveOrganization => {
            let is_member = |account| organization.accounts.contains(&account);
            caller.account.is_some_and(is_member)
        }
        Call::DetachOrgPolicy { policy, target } => {
            let kind = organization.policies[policy].kind;
            organization.attached(target, kind).count() > 1 || kind == OrgPolicyKind::Rcp
        }
        Call::UpdateOrgPolicy { policy, .. } => &**policy != "p-FullAWSAccess",
        Call::DisablePolicyType { kind, .. } => organization.is_enabled(*kind),
        _ => true,
    }
}

/// Whether a user or role has a managed policy, itself, by a group or as its boundary.
fn has(world: &Inventory, identity: &Identity, policy: &str) -> bool {
    let account = world.account(identity.account).unwrap();
    let groups = identity.groups.iter().filter_map(|name| account.groups.get(name));
    let mut attached = identity.attached.iter().chain(groups.flat_map(|group| &group.attached));
    attached.any(|one| *one.arn == *policy)
        || identity.boundary.as_ref().is_some_and(|boundary| *boundary.arn == *policy)
}

/// The keys that a call changes, where it changes keys alone.
fn keys_of(call: &Call, world: &Inventory) -> Option<Vec<KeyArn>> {
    let present = |alias| world.alias(alias).and_then(|alias| alias.key());
    Some(match call {
        Call::PutKeyPolicy { key, .. }
        | Call::CreateGrant { key, .. }
        | Call::TagKey { key, .. }
        | Call::UntagKey { key, .. }
        | Call::CreateAlias { key, .. } => vec![key.clone()],
        Call::ReplicateKey { key, region, .. } => {
            let replica = KeyArn::new(key.partition(), region, key.account(), key.id());
            vec![key.clone(), replica.unwrap()]
        }
        Call::UpdateAlias { alias, key } => {
            present(alias).into_iter().chain([key.clone()]).collect()
        }
        Call::DeleteAlias { alias } => present(alias).into_iter().collect(),
        _ => return None,
    })
}

/// The user, role or group that a call changes.
fn holder_of(call: &Call) -> Option<&str> {
    match call {
        Call::PutPolicy { holder, .. }
        | Call::DeletePolicy { holder, .. }
        | Call::AttachPolicy { holder, .. }
        | Call::DetachPolicy { holder, .. }
        | Call::DeleteBoundary { holder }
        | Call::PutBoundary { holder, .. }
        | Call::TagIdentity { holder, .. }
        | Call::UntagIdentity { holder, .. } => Some(holder),
        _ => None,
    }
}

/// What a call does to which thing; calls that make the same world say the same.
fn effect(call: &Call, caller: &Caller) -> (String, String) {
    let opened = || "allows everything".to_owned();
    match call {
        Call::PutPolicy { holder, .. } => (holder.to_string(), opened()),
        Call::AttachPolicy { holder, policy } if policy.ends_with("policy/AdministratorAccess") => {
            (holder.to_string(), opened())
        }
        _ => {
            let params = call.params(&Context::default());
            let subject = holder_of(call).map(str::to_owned);
            let of_params = ["KeyId", "TargetKeyId", "PolicyArn", "RoleName", "UserName"];
            let of_params = || of_params.iter().find_map(|name| params[name].as_str());
            // Names of IAM, and the organization that is left, are those of the caller's account.
            let account = caller.account.map(|account| account.to_string()).unwrap_or_default();
            let named = || format!("{account} {}", of_params().unwrap_or_default());
            let subject = subject.unwrap_or_else(named);
            (subject, format!("{} {params}", call.name()))
        }
    }
}
