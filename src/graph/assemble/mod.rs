//! Paths from plans: what is called with which parameters, and in which context each step is allowed.

mod calls;
mod device;
mod fitted;
mod retagged;
mod retaken;
mod way;

use crate::access::Access;
use crate::aws::KmsAction;
use crate::decision::{Caller, Context, Request, Target, Why};
use crate::eval::reference::Reference;
use crate::inventory::{IdentityKind, Tags};

use super::call::{Ask, Call};
use super::cast::{Cast, Ix, KeyIx};
use super::execute::{execute_by, outsider};
use super::moves::Move;
use super::path::{EdgeKind, Hop, Path};
use super::plan::{Doing, Plan, Step};
use calls::replica;
pub(super) use way::Miss;
use way::{AllNeeds, Needs, Way, said_of_session};

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
    /// The most calls of a path.
    pub(super) hops: usize,
    /// The most primitives of a path (rule T52).
    pub(super) primitives: usize,
}

impl Assembler<'_, '_> {
    /// The path of a plan.
    fn path(&self, end: End, plan: &Plan, supposing: bool) -> Result<Path, Miss> {
        let path = self.path_with(end, plan, AllNeeds::new(), supposing)?;
        let needs = self.needs(&path, plan);
        if needs.is_empty() {
            return Ok(path);
        }
        let are_names = needs.values().flatten().any(|needs| !needs.said.is_empty());
        let miss = if are_names { Miss::OtherSession } else { Miss::NoRequest };
        self.path_with(end, plan, needs, supposing).map_err(|missed| match missed {
            Miss::NoRequest => miss,
            other => other,
        })
    }

    /// The path of a plan whose steps hang on what is not known; not executed. Nothing where nothing that is
    /// not known is in it.
    pub(super) fn supposed(&self, end: End, plan: &Plan) -> Option<Path> {
        self.path(end, plan, true).ok().filter(|path| !path.doubts.is_empty())
    }

    fn path_with(
        &self,
        end: End,
        plan: &Plan,
        needs: AllNeeds,
        supposing: bool,
    ) -> Result<Path, Miss> {
        let mut way = Way::new(self.access, needs, supposing);
        let path = self.walked(&mut way, end, plan);
        path.ok_or(if way.names_nobody { Miss::Nobody } else { Miss::NoRequest })
    }

    fn walked(&self, way: &mut Way<'_>, (start, key, goal): End, plan: &Plan) -> Option<Path> {
        let member = self.cast.member(start)?;
        if let Some(edit) = outsider(self.access.inventory(), &member.caller) {
            way.edit(&edit);
        }
        let mut hops: Vec<Hop> = Vec::new();
        for (nth, step) in plan.steps.iter().enumerate() {
            let hop = self.hop(way, step, nth, plan)?;
            hop.call.edits(&hop.caller).iter().for_each(|edit| way.edit(edit));
            hops.push(hop);
        }
        let arn = self.cast.key(key)?.arn.clone();
        let goal_key = replica(&arn, plan).unwrap_or_else(|| arn.clone());
        let goal_as = self.cast.member(plan.goal_as)?.caller.clone();
        let mut request = Request::plain(goal_as.clone(), goal, Target::Key(goal_key.clone()));
        request.context = self.plain_tags(way, plan.goal_as, plan);
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
            doubts: std::mem::take(&mut way.doubts),
        })
    }

    /// The same, executed: with what allows each step.
    pub(super) fn executed(&self, end: End, plan: &Plan) -> Result<Path, Miss> {
        let mut path = self.path(end, plan, false)?;
        let lacking = device::unequipped(&path);
        let equipped = lacking.as_ref().and_then(|(nth, user)| self.equipped(&path, (*nth, user)));
        let equipped = equipped.and_then(|it| Some((execute_by(&self.reference, &it).ok()?, it)));
        let is_equipped = equipped.is_some();
        let executed = match equipped {
            Some((executed, equipped)) => {
                path = equipped;
                executed
            }
            None => execute_by(&self.reference, &path).map_err(Miss::Failed)?,
        };
        // Rule T27: what stands under MFA stays conditional.
        let lacking = lacking.filter(|_| !is_equipped);
        let doubt = lacking.map(|(_, user)| Why::Missing(format!("a device for MFA of {user}")));
        path.doubts.extend(doubt);
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
        if plan.is_again(nth)
            && let Some(taken) = self.taken(step)
        {
            way.go_on(taken);
        }
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
        let modelled = matches!(call, Call::Launch { .. } | Call::Center { .. });
        if matches!(call, Call::Center { .. }) {
            let what = "which permission sets, users and groups IAM Identity Center has";
            way.doubts.insert(Why::Missing(what.to_owned()));
        }
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

    /// What later steps want of sessions: the tags that they bring (rule T7), their name and the source identity
    /// (rule T6).
    fn needs(&self, path: &Path, plan: &Plan) -> AllNeeds {
        let mut needed = AllNeeds::new();
        let contexts = path.hops.iter().map(|hop| (&hop.caller, &hop.context));
        let contexts = contexts.chain([(&path.goal_as, &path.context)]);
        for (nth, (caller, context)) in contexts.enumerate() {
            if let Some(role) = self.session_of(caller, path) {
                let (tags, said) = (tags_of(context), said_of_session(caller, context));
                if !tags.is_empty() || !said.is_empty() {
                    let sessions =
                        needed.entry(role.into()).or_insert_with(|| vec![Needs::default()]);
                    if let Some(needs) = sessions.last_mut() {
                        needs.tags.extend(tags);
                        needs.said.lay_over(&said);
                    }
                }
            }
            let step = plan.steps.get(nth).filter(|_| plan.is_again(nth));
            if let Some(taken) = step.and_then(|step| self.taken(step)) {
                let sessions = needed.entry(taken.into()).or_insert_with(|| vec![Needs::default()]);
                sessions.push(Needs::default());
            }
        }
        needed
    }

    /// The role, or whoever it is, of a session as which somebody calls who did not set out as it.
    fn session_of(&self, caller: &Caller, path: &Path) -> Option<&str> {
        let at = self.cast.find(&caller.text).filter(|_| *caller != path.from)?;
        Some(self.cast.arn(self.cast.role_of(at).unwrap_or(at)).unwrap_or_default())
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
}

/// The tags that the context of a request says that its session has.
fn tags_of(context: &Context) -> Tags {
    let tags = context.with_prefix("aws:PrincipalTag/");
    let tags = tags
        .filter_map(|(tag, entry)| Some((Box::from(tag), entry.value.values().first()?.clone())));
    tags.collect()
}
