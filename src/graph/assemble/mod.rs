//! Paths from plans: what is called with which parameters, and in which context each step is allowed.

mod fitted;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::access::Access;
use crate::aws::{AliasArn, ControlAction, KeyArn, KmsAction};
use crate::decision::{Caller, CallerKind, CellAnswer, Context, Request, Target, Why};
use crate::eval::reference::Reference;
use crate::inventory::{Constraints, Edit, Grant, Grantee, IdentityKind, Tags};
use crate::policy::{PolicyDocument, PolicyKind};

use super::asker::site;
use super::call::{Ask, Call};
use super::cast::{Cast, Ix, KeyIx};
use super::change::{Carrier, WRITTEN, everything, nowhere};
use super::execute::{Failure, execute_by, outsider};
use super::key_moves::{KeyEdit, KeyMove};
use super::launch::LAUNCHES;
use super::moves::Move;
use super::path::{EdgeKind, Hop, Path};
use super::plan::{Doing, Plan, Step};

/// Who sets out, for which key, and what is wanted of it.
pub(super) type End = (Ix, KeyIx, KmsAction);

/// Makes paths of plans.
pub(super) struct Assembler<'c, 'w> {
    /// The cast.
    pub(super) cast: &'c Cast<'w>,
    /// The engine over the world as it is.
    pub(super) access: &'c Access<'c>,
    /// The evaluator of the same.
    pub(super) reference: Reference<'c>,
}

/// The world on the way, and what is known so far.
struct Way<'a> {
    access: &'a Access<'a>,
    edited: Option<Access<'static>>,
    doubts: BTreeSet<Why>,
    /// What later steps want of sessions, by the role.
    needs: BTreeMap<Box<str>, Needs>,
    /// The tags that they were given so far, by the role.
    brought: BTreeMap<Box<str>, Tags>,
    /// What the calls that made them said, by the role.
    sessions: BTreeMap<Box<str>, Context>,
    /// Whether steps that are not known to be possible are taken to be.
    supposing: bool,
}

/// What later steps want of the sessions of a role.
#[derive(Default)]
struct Needs {
    /// Session tags (rule T7).
    tags: Tags,
    /// What the call that makes one says of its name and the source identity (rule T6).
    said: Context,
}

/// Why a plan is no path.
pub(super) enum Miss {
    /// A step that classes allow has no request that is.
    NoRequest,
    /// A later step wants another name or source identity of a session than it can be made under.
    OtherSession,
    /// It ends somewhere when it is executed.
    Failed(Failure),
}

impl Way<'_> {
    /// The tags that sessions of a role bring.
    fn tags(&self, role: &str) -> Tags {
        self.needs.get(role).map(|needs| needs.tags.clone()).unwrap_or_default()
    }

    fn engine(&self) -> &Access<'_> {
        self.edited.as_ref().unwrap_or(self.access)
    }

    fn edit(&mut self, edit: &Edit) {
        self.edited = Some(self.engine().after(edit));
    }

    fn doubt(&mut self, answer: &CellAnswer) {
        self.doubts.extend(answer.missing.iter().cloned().map(Why::Missing));
        self.doubts.extend(answer.open.iter().map(|point| Why::Open(point.name())));
        self.doubts.extend(answer.undecided.then_some(Why::Undecided));
    }

    /// The context in which a step is allowed; nothing where there is none. What is open beside a witness
    /// is none of a path's business: executing it tells what the witness itself hangs on.
    fn witness(&mut self, ask: &Ask) -> Option<Context> {
        let answer = self.answer(ask);
        if answer.witness.is_none() {
            self.doubt(&answer);
        }
        let witness = answer.witness.map(|witness| self.as_made(ask, witness));
        witness.or_else(|| self.supposing.then(Context::default))
    }

    fn answer(&self, ask: &Ask) -> CellAnswer {
        match ask {
            Ask::Kms(request) => self.engine().answer_of(request),
            Ask::Control(request) => self.engine().control_answer(request),
        }
    }

    /// Rule T6: the context as the session was made that asks, where that serves as well.
    fn as_made(&self, ask: &Ask, witness: Context) -> Context {
        let caller = match ask {
            Ask::Kms(request) => &request.caller,
            Ask::Control(request) => &request.caller,
        };
        let Some(made) = self.sessions.get(&caller.text) else { return witness };
        let mut fixed = Context::default();
        let (name, source) = (one(made, "sts:RoleSessionName"), one(made, "sts:SourceIdentity"));
        let id = one(&witness, "aws:userid").and_then(|id| id.split_once(':'));
        if let Some(((role, _), name)) = id.zip(name) {
            fixed.set_one("aws:userid", &format!("{role}:{name}"));
        }
        if let Some((_, source)) = one(&witness, "aws:SourceIdentity").zip(source) {
            fixed.set_one("aws:SourceIdentity", source);
        }
        if fixed.is_empty() {
            return witness;
        }
        let mut ask = ask.clone();
        match &mut ask {
            Ask::Kms(request) => request.context.lay_over(&fixed),
            Ask::Control(request) => request.context.lay_over(&fixed),
        }
        let other = self.answer(&ask).witness.map(|mut other| {
            other.lay_over(&fixed);
            other
        });
        other.unwrap_or(witness)
    }
}

impl Assembler<'_, '_> {
    /// The path of a plan.
    fn path(&self, end: End, plan: &Plan, supposing: bool) -> Result<Path, Miss> {
        let path = self.path_with(end, plan, BTreeMap::new(), supposing).ok_or(Miss::NoRequest)?;
        let needs = self.needs(&path);
        if needs.is_empty() {
            return Ok(path);
        }
        let are_names = needs.values().any(|needs| !needs.said.is_empty());
        let miss = if are_names { Miss::OtherSession } else { Miss::NoRequest };
        self.path_with(end, plan, needs, supposing).ok_or(miss)
    }

    /// The path of a plan whose steps hang on what is not known; not executed. Nothing where nothing that is
    /// not known is in it.
    pub(super) fn supposed(&self, end: End, plan: &Plan) -> Option<Path> {
        self.path(end, plan, true).ok().filter(|path| !path.doubts.is_empty())
    }

    fn path_with(
        &self,
        (start, key, goal): End,
        plan: &Plan,
        needs: BTreeMap<Box<str>, Needs>,
        supposing: bool,
    ) -> Option<Path> {
        let member = self.cast.member(start)?;
        let (access, doubts) = (self.access, BTreeSet::new());
        let (brought, sessions) = (BTreeMap::new(), BTreeMap::new());
        let mut way = Way { access, edited: None, doubts, needs, brought, sessions, supposing };
        if let Some(edit) = outsider(self.access.inventory(), &member.caller) {
            way.edit(&edit);
        }
        let mut hops: Vec<Hop> = Vec::new();
        for (nth, step) in plan.steps.iter().enumerate() {
            let hop = self.hop(&mut way, step, nth, plan)?;
            hop.call.edits(&hop.caller).iter().for_each(|edit| way.edit(edit));
            hops.push(hop);
        }
        let arn = self.cast.key(key)?.arn.clone();
        let goal_key = replica(&arn, plan).unwrap_or_else(|| arn.clone());
        let goal_as = self.cast.member(plan.goal_as)?.caller.clone();
        let mut request = Request::plain(goal_as.clone(), goal, Target::Key(goal_key.clone()));
        request.context = self.plain_tags(&way, plan.goal_as, plan);
        let ask = Ask::Kms(request);
        let context = way.witness(&ask)?;
        Some(Path {
            from: member.caller.clone(),
            key: arn,
            goal,
            hops,
            goal_as,
            goal_key,
            context,
            because: Vec::new(),
            doubts: way.doubts,
        })
    }

    /// The same, executed: with what allows each step.
    pub(super) fn executed(&self, end: End, plan: &Plan) -> Result<Path, Miss> {
        let mut path = self.path(end, plan, false)?;
        let executed = execute_by(&self.reference, &path).map_err(Miss::Failed)?;
        for (hop, proof) in path.hops.iter_mut().zip(executed.hops) {
            hop.because = proof.because;
            path.doubts.extend(proof.doubts);
        }
        path.because = executed.goal.because;
        path.doubts.extend(executed.goal.doubts);
        Ok(path)
    }

    fn hop(&self, way: &mut Way<'_>, step: &Step, nth: usize, plan: &Plan) -> Option<Hop> {
        let caller = self.cast.member(step.by)?.caller.clone();
        let call = self.call(way, step, &caller, nth, plan)?;
        let hop = match call {
            Call::AssumeRole { .. }
            | Call::AssumeRoleWithSaml { .. }
            | Call::AssumeRoleWithWebIdentity { .. }
            | Call::GetFederationToken { .. } => {
                self.session(way, (step, nth), (&caller, call), plan)
            }
            Call::TagKey { .. } | Call::TagIdentity { .. } => {
                self.tagging(way, step, (&caller, call), plan)
            }
            Call::CreateGrant { .. } => self.grant(way, step, (&caller, call), plan),
            call => self.hop_of(way, step, (&caller, call), &Context::default(), plan),
        }?;
        if let Call::AssumeRole { role: taken, tags }
        | Call::GetFederationToken { session: taken, tags } = &hop.call
        {
            way.brought.insert(taken.clone(), tags.clone());
            way.sessions.insert(taken.clone(), hop.context.clone());
        }
        Some(hop)
    }

    /// The call in a context that allows it; `said` is what its parameters say in it.
    fn hop_of(
        &self,
        way: &mut Way<'_>,
        step: &Step,
        (caller, call): (&Caller, Call),
        said: &Context,
        plan: &Plan,
    ) -> Option<Hop> {
        let mut context = said.clone();
        let mut plain = self.plain_tags(way, step.by, plan);
        plain.lay_over(said);
        for ask in call.asks(caller, way.engine().inventory(), &plain) {
            let (witness, fixed) = (way.witness(&ask)?, ask.context());
            for entry in witness.entries() {
                let known = fixed.get(&entry.name).is_some() || context.get(&entry.name).is_some();
                if !known {
                    context.set(&entry.name, entry.value.clone());
                }
            }
        }
        let modelled = matches!(call, Call::Launch { .. });
        if let Call::Launch { launch, role, .. } = &call
            && launch.existing
        {
            way.doubts.insert(Why::Missing(format!("what runs under {role}")));
        }
        if let Call::UpdateSamlProvider { provider } | Call::CreateProvider { provider } = &call {
            way.doubts.insert(Why::Missing(format!("whether {provider} is there")));
        }
        let edge = step.what.primitive().map_or(EdgeKind::Assumes, EdgeKind::EscalatesBy);
        let caller = caller.clone();
        Some(Hop { caller, call, edge, because: Vec::new(), context, modelled })
    }

    /// What later steps want of sessions, by the role: the tags that they bring (rule T7), their name and the
    /// source identity (rule T6).
    fn needs(&self, path: &Path) -> BTreeMap<Box<str>, Needs> {
        let mut needed: BTreeMap<Box<str>, Needs> = BTreeMap::new();
        let contexts = path.hops.iter().map(|hop| (&hop.caller, &hop.context));
        for (caller, context) in contexts.chain([(&path.goal_as, &path.context)]) {
            let Some(at) = self.cast.find(&caller.text).filter(|_| *caller != path.from) else {
                continue;
            };
            let role = self.cast.arn(self.cast.role_of(at).unwrap_or(at)).unwrap_or_default();
            let tags = context.with_prefix("aws:PrincipalTag/").filter_map(|(tag, entry)| {
                Some((Box::from(tag), entry.value.values().first()?.clone()))
            });
            for (tag, value) in tags {
                needed.entry(role.into()).or_default().tags.insert(tag, value);
            }
            let said = said_of_session(caller, context);
            if !said.is_empty() {
                needed.entry(role.into()).or_default().said.lay_over(&said);
            }
        }
        needed
    }

    /// The tags of a session that is made without any that later steps want: those of the role or user, and
    /// those that a policy asked for.
    fn plain_tags(&self, way: &Way<'_>, at: Ix, plan: &Plan) -> Context {
        let mut context = Context::default();
        let role = self.cast.role_of(at).unwrap_or(at);
        let brings_any = |step: &Step| match &step.what {
            Doing::Move(Move::AssumeTagged(taken) | Move::FederationTagged(taken)) => {
                self.cast.role_of(*taken).unwrap_or(*taken) == role
            }
            _ => false,
        };
        let makes_sessions = self.cast.is_federated(role)
            || self.cast.identity(role).is_some_and(|it| it.kind == IdentityKind::Role);
        let is_any = plan.steps.iter().any(brings_any) || [at, role].contains(&plan.start);
        if !makes_sessions || is_any {
            return context;
        }
        let arn = self.cast.arn(role).unwrap_or_default();
        let world = way.engine().inventory();
        let own = self.cast.maker(role).map_or(arn, |user| &user.arn);
        let own = world.identity(own);
        let own = own.map(|identity| &identity.tags);
        let brought = way.brought.get(arn);
        for tag in &self.cast.principal_tag_keys {
            let of = |tags: &Tags| {
                let mut tags = tags.iter();
                tags.find(|(key, _)| key.eq_ignore_ascii_case(tag)).map(|(_, it)| it.clone())
            };
            let name = format!("aws:PrincipalTag/{tag}");
            match brought.and_then(of).or_else(|| own.and_then(of)) {
                Some(value) => context.set_one(&name, &value),
                None => context.set_absent(&name),
            }
        }
        context
    }

    fn call(
        &self,
        way: &Way<'_>,
        step: &Step,
        caller: &Caller,
        nth: usize,
        plan: &Plan,
    ) -> Option<Call> {
        match &step.what {
            Doing::Move(what) => self.call_of_move(way, what, caller, nth, plan),
            Doing::Key(what) => self.call_of_key(what, caller, plan),
        }
    }

    fn arn(&self, at: Ix) -> Option<Box<str>> {
        self.cast.arn(at).map(Into::into)
    }

    /// The ARN of a role, or of the role that a session is of.
    fn role(&self, at: Ix) -> Option<Box<str>> {
        self.arn(self.cast.role_of(at).unwrap_or(at))
    }

    fn call_of_move(
        &self,
        way: &Way<'_>,
        what: &Move,
        caller: &Caller,
        nth: usize,
        plan: &Plan,
    ) -> Option<Call> {
        let group = |account, name: &str| self.cast.group_arn(account, name);
        let written =
            |holder| Call::PutPolicy { holder, name: WRITTEN.into(), document: everything() };
        Some(match what {
            Move::Assume(at) => assume(caller, self.role(*at)?),
            Move::AssumeTagged(at) => {
                let role = self.role(*at)?;
                let tags = way.tags(&role);
                Call::AssumeRole { role, tags }
            }
            Move::FederationToken(at) => {
                Call::GetFederationToken { session: self.arn(*at)?, tags: Tags::new() }
            }
            Move::FederationTagged(at) => {
                let session = self.arn(*at)?;
                let tags = way.tags(&session);
                Call::GetFederationToken { session, tags }
            }
            Move::AccessKey(user) => Call::CreateAccessKey { user: self.arn(*user)? },
            Move::LoginProfile { user, update } => {
                Call::LoginProfile { user: self.arn(*user)?, update: *update }
            }
            Move::Launch(launch, role) => {
                let launch = LAUNCHES.get(*launch)?;
                let side = |context: &Context| way.engine().control_as(caller, None, context);
                let site = site(
                    side,
                    caller,
                    launch,
                    self.cast.regions_of(caller.account?, caller.partition()),
                )?;
                Call::Launch {
                    launch,
                    role: self.arn(*role)?,
                    region: site.region,
                    resources: site.resources,
                }
            }
            Move::PutPolicy(holder) => written(self.arn(*holder)?),
            Move::PutGroupPolicy(account, name) => written(group(*account, name)?),
            Move::Attach(holder, policy) => {
                Call::AttachPolicy { holder: self.arn(*holder)?, policy: policy.clone() }
            }
            Move::AttachToGroup(account, name, policy) => {
                Call::AttachPolicy { holder: group(*account, name)?, policy: policy.clone() }
            }
            Move::Rewrite(policy) => {
                Call::CreatePolicyVersion { policy: policy.clone(), document: everything() }
            }
            Move::SetDefault(policy, version) => {
                Call::SetDefaultPolicyVersion { policy: policy.clone(), version: version.clone() }
            }
            Move::Join(user, account, name) => {
                Call::AddUserToGroup { user: self.arn(*user)?, group: group(*account, name)? }
            }
            Move::Trust(role) => Call::UpdateAssumeRolePolicy {
                role: self.arn(*role)?,
                document: self.trusting(*role, nth, plan),
            },
            Move::Organize(what) => what.call(way.engine().inventory())?,
            Move::CreateUser(user) => Call::CreateUser { user: self.arn(*user)?, boundary: None },
            Move::CreateRole(role) => Call::CreateRole {
                role: self.arn(*role)?,
                trust: self.trusting(*role, nth, plan),
                boundary: None,
            },
            Move::DeleteBoundary(holder) => Call::DeleteBoundary { holder: self.arn(*holder)? },
            Move::PutBoundary(holder, policy) => {
                Call::PutBoundary { holder: self.arn(*holder)?, policy: policy.clone() }
            }
            Move::Remove(holder, carrier) => self.removal(*holder, carrier)?,
            Move::Federate(action, provider) => federated(*action, self.arn(*provider)?),
            Move::Tag(holder, set) => Call::TagIdentity {
                holder: self.arn(*holder)?,
                tags: set.iter().cloned().collect(),
            },
            Move::Untag(holder, keys) => {
                Call::UntagIdentity { holder: self.arn(*holder)?, keys: keys.to_vec() }
            }
        })
    }

    fn removal(&self, at: Ix, carrier: &Carrier) -> Option<Call> {
        let account = self.cast.identity(at)?.account;
        let group = |name: &str| self.cast.group_arn(account, name);
        let holder = self.arn(at)?;
        Some(match carrier {
            Carrier::Inline(name) => Call::DeletePolicy { holder, name: name.clone() },
            Carrier::Attached(policy) => Call::DetachPolicy { holder, policy: policy.clone() },
            Carrier::Group(name) => Call::RemoveUserFromGroup { user: holder, group: group(name)? },
            Carrier::GroupInline(of, name) => {
                Call::DeletePolicy { holder: group(of)?, name: name.clone() }
            }
            Carrier::GroupAttached(of, policy) => {
                Call::DetachPolicy { holder: group(of)?, policy: policy.clone() }
            }
        })
    }

    /// A trust policy for those who take on the role later in the plan, whatever they are (rules T25, T35).
    fn trusting(&self, role: Ix, nth: usize, plan: &Plan) -> PolicyDocument {
        let later = plan.steps.iter().skip(nth);
        let enters = later.filter(|step| match &step.what {
            Doing::Move(Move::Assume(at) | Move::AssumeTagged(at)) => {
                self.cast.role_of(*at).unwrap_or(*at) == role
            }
            _ => false,
        });
        let arns = enters.filter_map(|step| principal_arn(&self.cast.member(step.by)?.caller));
        let arns: BTreeSet<String> = arns.collect();
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": "*" },
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                "Condition": { "ArnEquals": { "aws:PrincipalArn": arns } },
            }],
        });
        PolicyDocument::json(nowhere(), PolicyKind::Trust, policy.to_string())
    }

    fn call_of_key(&self, what: &KeyMove, caller: &Caller, plan: &Plan) -> Option<Call> {
        let goal_as = &self.cast.member(plan.goal_as)?.caller;
        let granting = plan.steps.iter().filter(|step| is_grant(step));
        let granting = granting.filter_map(|step| self.cast.member(step.by));
        let opened = || {
            let callers = granting.map(|member| &member.caller).chain([caller, goal_as]);
            opened(&callers.collect::<Vec<_>>())
        };
        Some(match what {
            KeyMove::PutPolicy(key) => {
                Call::PutKeyPolicy { key: self.key(*key)?, policy: opened() }
            }
            KeyMove::Replicate(key, region) => Call::ReplicateKey {
                key: self.key(*key)?,
                region: region.clone(),
                policy: opened(),
            },
            KeyMove::Grant(key, grantee) => {
                let action = self.cast.key(*key).and_then(|key| super::Goal::Use.action(key))?;
                let grant = Grant {
                    id: WRITTEN.into(),
                    name: None,
                    grantee: Grantee::principal(self.cast.arn(*grantee)?),
                    retiring: None,
                    issuing_account: caller.account,
                    operations: action.into(),
                    unknown_operations: Vec::new(),
                    constraints: Constraints::default(),
                    place: nowhere(),
                };
                // After a replica was made, it is the replica that is open.
                let key = self.key(*key)?;
                let key = replica(&key, plan).unwrap_or(key);
                Call::CreateGrant { key, grant: Box::new(grant) }
            }
            KeyMove::Edit(key, edit) => self.edit(&self.key(*key)?, edit)?,
        })
    }

    fn key(&self, at: KeyIx) -> Option<KeyArn> {
        self.cast.key(at).map(|key| key.arn.clone())
    }

    fn edit(&self, key: &KeyArn, edit: &KeyEdit) -> Option<Call> {
        let named = |name: &str| AliasArn::new(key.partition(), key.region(), key.account(), name);
        let key = key.clone();
        Some(match edit {
            KeyEdit::Tagged(set) => Call::TagKey { key, tags: set.iter().cloned().collect() },
            KeyEdit::Untagged(keys) => Call::UntagKey { key, keys: keys.to_vec() },
            KeyEdit::Aliased(name) => Call::CreateAlias { alias: named(name)?, key },
            KeyEdit::Retargeted(name) => Call::UpdateAlias { alias: named(name)?, key },
            KeyEdit::Unaliased(name) => Call::DeleteAlias { alias: named(name)? },
        })
    }
}

/// The one value that a context has of a key.
fn one<'c>(context: &'c Context, name: &str) -> Option<&'c str> {
    context.get(name)?.value.values().first().map(AsRef::as_ref)
}

/// What the context of a request of a role's session says of how it was made (rule T6).
fn said_of_session(caller: &Caller, context: &Context) -> Context {
    let mut said = Context::default();
    if caller.kind == CallerKind::Role {
        let name = one(context, "aws:userid").and_then(|id| id.split_once(':'));
        name.iter().for_each(|(_, name)| said.set_one("sts:RoleSessionName", name));
        let source = one(context, "aws:SourceIdentity");
        source.iter().for_each(|source| said.set_one("sts:SourceIdentity", source));
    }
    said
}

/// Rules T3, T8: by what whoever asks has.
fn assume(caller: &Caller, role: Box<str>) -> Call {
    let provider = || caller.text.clone();
    match caller.kind {
        CallerKind::Provider if caller.text.contains(":saml-provider/") => {
            Call::AssumeRoleWithSaml { role, provider: provider() }
        }
        CallerKind::Provider => Call::AssumeRoleWithWebIdentity { role, provider: provider() },
        _ => Call::AssumeRole { role, tags: Tags::new() },
    }
}

/// Rule T41.
fn federated(action: ControlAction, provider: Box<str>) -> Call {
    match action == ControlAction::IAM_UPDATE_SAML_PROVIDER {
        true => Call::UpdateSamlProvider { provider },
        false => Call::CreateProvider { provider },
    }
}

fn is_grant(step: &Step) -> bool {
    matches!(step.what, Doing::Key(KeyMove::Grant(..)))
}

/// The replica that a plan makes and uses.
fn replica(key: &KeyArn, plan: &Plan) -> Option<KeyArn> {
    let mut regions = plan.steps.iter().filter_map(|step| match &step.what {
        Doing::Key(KeyMove::Replicate(_, region)) => Some(region),
        _ => None,
    });
    KeyArn::new(key.partition(), regions.next_back()?, key.account(), key.id())
}

/// A key policy that allows everything to these, whatever limits their roles.
fn opened(callers: &[&Caller]) -> PolicyDocument {
    let arns: BTreeSet<String> = callers.iter().filter_map(|it| principal_arn(it)).collect();
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": "kms:*",
            "Resource": "*",
            "Condition": { "ArnEquals": { "aws:PrincipalArn": arns } },
        }],
    });
    PolicyDocument::json(nowhere(), PolicyKind::Key, policy.to_string())
}

/// What `aws:PrincipalArn` holds for a caller (rule C46): a session has its role's ARN, whose path its own
/// does not tell.
fn principal_arn(caller: &Caller) -> Option<String> {
    match &caller.kind {
        CallerKind::AssumedRole { role, .. } => {
            Some(format!("arn:{}:iam::{}:role/*{role}", caller.partition(), caller.account?))
        }
        CallerKind::Service | CallerKind::Provider => None,
        _ => Some(caller.text.to_string()),
    }
}
