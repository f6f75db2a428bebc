//! The world on the way of a path, and the sessions that were made so far.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Access;
use crate::decision::{Caller, CallerKind, CellAnswer, Context, Why};
use crate::inventory::{Edit, Tags};

use super::super::call::Ask;
use super::super::execute::Failure;

/// The world on the way, and what is known so far.
pub(super) struct Way<'a> {
    /// The engine over the world as it is.
    pub(super) access: &'a Access<'a>,
    /// The same over the world as it was changed.
    pub(super) edited: Option<Access<'static>>,
    /// Why it is not certain.
    pub(super) doubts: BTreeSet<Why>,
    /// What later steps want of sessions.
    pub(super) needs: AllNeeds,
    /// The tags that they were given so far, by the role.
    pub(super) brought: BTreeMap<Box<str>, Tags>,
    /// What the calls that made them said, by the role.
    pub(super) sessions: BTreeMap<Box<str>, Context>,
    /// Whether steps that are not known to be possible are taken to be.
    pub(super) supposing: bool,
    /// Whether a step would have to name somebody who is not there.
    pub(super) names_nobody: bool,
}

/// What later steps want of sessions, by the role: of each that is made one after the other by the same call.
pub(super) type AllNeeds = BTreeMap<Box<str>, Vec<Needs>>;

/// What later steps want of one session of a role.
#[derive(Default)]
pub(super) struct Needs {
    /// Session tags (rule T7).
    pub(super) tags: Tags,
    /// What the call that makes one says of its name and the source identity (rule T6).
    pub(super) said: Context,
}

/// Why a plan is no path.
pub(in crate::graph) enum Miss {
    /// A step that classes allow has no request that is.
    NoRequest,
    /// A later step wants another name or source identity of a session than it can be made under.
    OtherSession,
    /// A grant would have to name a principal that is not there.
    Nobody,
    /// It ends somewhere when it is executed.
    Failed(Failure),
}

impl<'a> Way<'a> {
    /// Nothing was called yet.
    pub(super) fn new(access: &'a Access<'a>, needs: AllNeeds, supposing: bool) -> Self {
        Self {
            access,
            edited: None,
            doubts: BTreeSet::new(),
            needs,
            brought: BTreeMap::new(),
            sessions: BTreeMap::new(),
            supposing,
            names_nobody: false,
        }
    }
}

impl Way<'_> {
    /// What later steps want of the session of a role that is made next.
    pub(super) fn needs(&self, role: &str) -> Option<&Needs> {
        self.needs.get(role)?.first()
    }

    /// Another session of a role is made by the same call.
    pub(super) fn go_on(&mut self, role: &str) {
        if let Some(needs) = self.needs.get_mut(role).filter(|needs| !needs.is_empty()) {
            needs.remove(0);
        }
    }

    /// The tags that the session of a role brings that is made next.
    pub(super) fn tags(&self, role: &str) -> Tags {
        self.needs(role).map(|needs| needs.tags.clone()).unwrap_or_default()
    }

    /// The engine over the world as it is by now.
    pub(super) fn engine(&self) -> &Access<'_> {
        self.edited.as_ref().unwrap_or(self.access)
    }

    /// Changes the world.
    pub(super) fn edit(&mut self, edit: &Edit) {
        self.edited = Some(self.engine().after(edit));
    }

    fn doubt(&mut self, answer: &CellAnswer) {
        self.doubts.extend(answer.missing.iter().cloned().map(Why::Missing));
        self.doubts.extend(answer.open.iter().map(|point| Why::Open(point.name())));
        self.doubts.extend(answer.undecided.then_some(Why::Undecided));
    }

    /// The context in which a step is allowed; nothing where there is none. What is open beside a witness
    /// is none of a path's business: executing it tells what the witness itself hangs on.
    pub(super) fn witness(&mut self, ask: &Ask) -> Option<Context> {
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

/// The one value that a context has of a key.
fn one<'c>(context: &'c Context, name: &str) -> Option<&'c str> {
    context.get(name)?.value.values().first().map(AsRef::as_ref)
}

/// What the context of a request of a role's session says of how it was made (rule T6).
pub(super) fn said_of_session(caller: &Caller, context: &Context) -> Context {
    let mut said = Context::default();
    if caller.kind == CallerKind::Role {
        let name = one(context, "aws:userid").and_then(|id| id.split_once(':'));
        name.iter().for_each(|(_, name)| said.set_one("sts:RoleSessionName", name));
        let source = one(context, "aws:SourceIdentity");
        source.iter().for_each(|source| said.set_one("sts:SourceIdentity", source));
    }
    said
}
