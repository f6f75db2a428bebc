//! One question in full: the answer, what it rests on, and what would turn it.

mod child;
mod overall;
mod turn;

use jiff::Timestamp;

use crate::aws::KeyArn;
use crate::decision::{CallerKind, Citation, Cited, Decision, Gate, Outcome, Request};
use crate::eval::reference::{Ability, Reference, ability};
use crate::inventory::{AttachedPolicy, Identity, Inventory, NamedPolicy};
use crate::source::Place;

use super::coverage::Coverage;
use super::names::resolved;

pub use overall::Overall;
pub use turn::{Change, Turn};

/// The answer to one request, with all that explains it.
#[derive(Clone, Debug)]
pub struct Story {
    /// What was asked about.
    pub asked: Request,
    /// The request that was decided: it says more where what was asked about leaves open which grant is asked
    /// for, and none like its parent is allowed.
    pub request: Request,
    /// The decision with its trace.
    pub decision: Decision,
    /// The key it is decided on; an alias is resolved.
    pub key: Option<KeyArn>,
    /// Identity policies that allow, where nothing on the key's side lets them count.
    pub idle: Vec<Citation>,
    /// The ways to the opposite answer, the shortest first; each was tried on a copy of the world.
    pub turns: Vec<Turn>,
    /// What holds of every request that agrees with this one.
    pub overall: Overall,
    /// A request that says more in its context, and has the opposite answer; where there is one.
    pub elsewhere: Option<Request>,
    /// Whether the key can perform the action at all; no part of the decision.
    pub ability: Option<Ability>,
    /// How much of infrastructure code is known, where there is some.
    pub coverage: Option<Coverage>,
}

/// How an identity policy comes to its principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Holder {
    /// It is the principal's own, inline or attached.
    Own,
    /// It is that of a group the user is in.
    Group(Box<str>),
}

/// Answers `request`, and finds out why. Requests in other contexts happen from `now` on.
pub fn why(world: &Inventory, request: Request, now: Timestamp) -> Story {
    let asked = request;
    let decision = Reference::new(world).evaluate(&asked);
    let child = child::refused(world, &asked, &decision);
    let decision = child.as_ref().map_or(decision, |it| Reference::new(world).evaluate(it));
    let request = child.unwrap_or_else(|| asked.clone());
    let key = resolved(world, &request.target);
    let known = key.as_ref().and_then(|arn| world.key(arn));
    let ability = known.map(|key| ability(key, request.action));
    let overall = Overall::of(world, &asked, now);
    Story {
        elsewhere: overall.opposite(decision.is_allowed()),
        overall,
        idle: idle(world, &request, &decision, key.as_ref()),
        turns: turn::turns(world, &request, &decision, key.as_ref()),
        coverage: Coverage::of(world),
        asked,
        request,
        decision,
        key,
        ability,
    }
}

impl Story {
    /// How the policy that stands at `place` comes to the caller; nothing for a policy that is no
    /// identity policy of it.
    pub fn holder(&self, world: &Inventory, place: Place) -> Option<Holder> {
        let caller = self.request.caller.identity_in(world)?;
        let own = Policies { inline: &caller.inline, attached: &caller.attached };
        if own.hold(world, caller, place) {
            return Some(Holder::Own);
        }
        let account = world.account(caller.account)?;
        let mut groups = caller.groups.iter().filter_map(|name| account.groups.get(name));
        let group = groups.find(|group| {
            Policies { inline: &group.inline, attached: &group.attached }.hold(world, caller, place)
        })?;
        Some(Holder::Group(group.name.clone()))
    }

    /// Whether the caller is a user or role, or a session of one, that the export does not have.
    pub fn is_unknown_caller(&self, world: &Inventory) -> bool {
        !matches!(self.request.caller.kind, CallerKind::Root | CallerKind::Service)
            && self.request.caller.identity_in(world).is_none()
    }
}

/// The policies of a principal or a group.
struct Policies<'w> {
    inline: &'w [NamedPolicy],
    attached: &'w [AttachedPolicy],
}

impl Policies<'_> {
    fn hold(&self, world: &Inventory, caller: &Identity, place: Place) -> bool {
        let mut managed = self.attached.iter().filter_map(|policy| {
            world.managed_policy(caller.account, &policy.arn).and_then(|policy| policy.document())
        });
        self.inline.iter().any(|policy| policy.document.place == place)
            || managed.any(|document| document.place == place)
    }
}

/// The identity statements that would count if the key policy delegated to the caller's account.
fn idle(
    world: &Inventory,
    request: &Request,
    decision: &Decision,
    key: Option<&KeyArn>,
) -> Vec<Citation> {
    let silent = decision.outcome == Outcome::ImplicitDeny(Gate::KeyPolicy);
    let Some(edit) = key.filter(|_| silent).and_then(|key| turn::delegate(world, request, key))
    else {
        return Vec::new();
    };
    let world = world.apply(&edit);
    let decision = Reference::new(&world).evaluate(request);
    let steps = decision.trace.into_iter().filter(|step| step.gate == Gate::IdentityPolicy);
    steps
        .flat_map(|step| step.cited)
        .filter(|citation| matches!(citation.cited, Cited::Statement { .. }))
        .collect()
}
