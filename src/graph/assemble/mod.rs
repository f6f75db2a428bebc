//! Paths from plans: what each step calls, and in which context that is allowed.

mod calls;
mod fitted;

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::aws::{KeyArn, KmsAction};
use crate::decision::{Caller, CellAnswer, Context, Request, Target, Why};
use crate::eval::reference::Reference;
use crate::inventory::{Edit, IdentityKind, Tags};

use super::call::{Ask, Call};
use super::cast::{Cast, Ix, KeyIx};
use super::execute::{Failure, execute_by, outsider};
use super::key_moves::KeyMove;
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
    /// The tags that sessions bring, by the role.
    tags: BTreeMap<Box<str>, Tags>,
    /// The tags that they were given so far, by the role.
    brought: BTreeMap<Box<str>, Tags>,
    /// Whether steps that are not known to be possible are taken to be.
    supposing: bool,
}

impl Way<'_> {
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
    fn witness(&mut self, answer: &CellAnswer) -> Option<Context> {
        if answer.witness.is_none() {
            self.doubt(answer);
        }
        answer.witness.clone().or_else(|| self.supposing.then(Context::default))
    }
}

impl Assembler<'_, '_> {
    /// The path of a plan; nothing where a step that classes allow has no request that is.
    fn path(&self, (start, key, goal): End, plan: &Plan, supposing: bool) -> Option<Path> {
        let end = (start, key, goal);
        let path = self.path_with(end, plan, BTreeMap::new(), supposing)?;
        let tags = self.tags(&path);
        match tags.is_empty() {
            true => Some(path),
            false => self.path_with(end, plan, tags, supposing),
        }
    }

    /// The path of a plan whose steps hang on what is not known; not executed. Nothing where nothing that is
    /// not known is in it.
    pub(super) fn supposed(&self, end: End, plan: &Plan) -> Option<Path> {
        self.path(end, plan, true).filter(|path| !path.doubts.is_empty())
    }

    fn path_with(
        &self,
        (start, key, goal): End,
        plan: &Plan,
        tags: BTreeMap<Box<str>, Tags>,
        supposing: bool,
    ) -> Option<Path> {
        let member = self.cast.member(start)?;
        let (access, doubts) = (self.access, BTreeSet::new());
        let brought = BTreeMap::new();
        let mut way = Way { access, edited: None, doubts, tags, brought, supposing };
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
        let answer = way.engine().answer_of(&request);
        let context = way.witness(&answer)?;
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

    /// The same, executed: with what allows each step. The error is where it ends, where it gets that far.
    pub(super) fn executed(&self, end: End, plan: &Plan) -> Result<Path, Option<Failure>> {
        let mut path = self.path(end, plan, false).ok_or(None)?;
        let executed = execute_by(&self.reference, &path).map_err(Some)?;
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
            Call::AssumeRole { .. } | Call::AssumeRoleWithWebIdentity { .. } => {
                self.session(way, (step, nth), (&caller, call), plan)
            }
            Call::TagKey { .. } | Call::TagIdentity { .. } => {
                self.tagging(way, step, (&caller, call), plan)
            }
            Call::CreateGrant { .. } => self.grant(way, step, (&caller, call), plan),
            call => self.hop_of(way, step, (&caller, call), &Context::default(), plan),
        }?;
        if let Call::AssumeRole { role, tags } = &hop.call {
            way.brought.insert(role.clone(), tags.clone());
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
            let (answer, fixed) = match &ask {
                Ask::Kms(request) => (way.engine().answer_of(request), &request.context),
                Ask::Control(request) => (way.engine().control_answer(request), &request.context),
            };
            let witness = way.witness(&answer)?;
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

    /// Rule T7: the tags that sessions need later and bring when the role is taken on, by the role.
    fn tags(&self, path: &Path) -> BTreeMap<Box<str>, Tags> {
        let mut needed: BTreeMap<Box<str>, Tags> = BTreeMap::new();
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
                needed.entry(role.into()).or_default().insert(tag, value);
            }
        }
        needed
    }

    /// The tags of a role that is taken on without any that later steps want: its own, and those that its
    /// trust policy asked for.
    fn plain_tags(&self, way: &Way<'_>, at: Ix, plan: &Plan) -> Context {
        let mut context = Context::default();
        let taken = |what: &Move| {
            let is_it = |step: &Step| step.what == Doing::Move(what.clone());
            plan.steps.iter().any(is_it)
        };
        let role = self.cast.role_of(at).unwrap_or(at);
        let is_role = self.cast.identity(role).is_some_and(|it| it.kind == IdentityKind::Role);
        if !is_role || taken(&Move::AssumeTagged(role)) || [at, role].contains(&plan.start) {
            return context;
        }
        let arn = self.cast.arn(role).unwrap_or_default();
        let own = way.engine().inventory().identity(arn).map(|identity| &identity.tags);
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

/// The replica that a plan makes and uses.
fn replica(key: &KeyArn, plan: &Plan) -> Option<KeyArn> {
    let mut regions = plan.steps.iter().filter_map(|step| match &step.what {
        Doing::Key(KeyMove::Replicate(_, region)) => Some(region),
        _ => None,
    });
    key.in_region(regions.next_back()?)
}
