//! Paths are executed: every call is allowed by the reference evaluator in a copy of the world, and
//! changes that copy.
//!
//! What is promised: a path that [`execute`] accepts leads to its goal in the world as exported, with
//! outsiders put in and the steps of [`Hop::modelled`] taken at their word. It knows nothing of how paths
//! are found.

mod held;
pub(super) mod obstacle;

use std::collections::BTreeSet;
use std::fmt;

use crate::decision::{
    Caller, CallerKind, Citation, Context, Decision, Request, Sent, Target, Why,
};
use crate::eval::reference::{Reference, lockout_check};
use crate::inventory::{Edit, Inventory, Key};
use crate::policy::PolicyDocument;

use super::{Ask, Call, Hop, Path};
use held::Held;

/// A path that leads to its goal.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What allows each hop, in their order.
    pub hops: Vec<Proof>,
    /// What allows the goal in the end.
    pub goal: Proof,
}

/// Why a hop, or the goal, is allowed.
#[derive(Clone, Default, Debug)]
pub struct Proof {
    /// The statements and grants that allow it, in the order its permissions were asked.
    pub because: Vec<Citation>,
    /// Why it is not certain: what was not exported, and points that AWS leaves open.
    pub doubts: BTreeSet<Why>,
}

/// A path that does not lead to its goal.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Where it ends, from 0; nothing where all calls succeed and the goal is out of reach.
    pub hop: Option<usize>,
    /// What is in the way.
    pub obstacle: Obstacle,
}

/// What is in the way of a call.
#[derive(Clone, Debug)]
pub enum Obstacle {
    /// No earlier hop took this identity on.
    NotHeld(Caller),
    /// A permission is denied.
    Denied(Box<Ask>, Box<Decision>),
    /// The new key policy would not let the caller change it again (rule K9).
    LocksOut,
    /// The context says of the session what it is not.
    Untrue(Box<str>),
    /// What is called on is not there, or is there already, or AWS refuses the call whoever makes it.
    Impossible(Box<str>),
}

/// Executes a path in a copy of `world`.
///
/// # Errors
///
/// The first hop that does not succeed, or the goal.
pub fn execute(world: &Inventory, path: &Path) -> Result<Executed, Failure> {
    execute_by(&Reference::new(world), path)
}

/// The same by the evaluator of the world.
pub(super) fn execute_by(reference: &Reference<'_>, path: &Path) -> Result<Executed, Failure> {
    let mut held = vec![Held::start(&path.from)];
    let mut hops = Vec::new();
    let mut worlds = worlds(reference.world(), path);
    for ((index, hop), world) in path.hops.iter().enumerate().zip(&mut worlds) {
        let fails = |obstacle| Failure { hop: Some(index), obstacle };
        let called = Scene { reference: reference.after(&world), held: &held }.call(hop);
        hops.push(called.map_err(fails)?);
        held.extend(Held::gained(hop));
    }
    let fails = |obstacle| Failure { hop: None, obstacle };
    let world = worlds.next().unwrap_or_default();
    let scene = Scene { reference: reference.after(&world), held: &held };
    let goal = scene.goal(path).map_err(fails)?;
    Ok(Executed { hops, goal })
}

/// The world before each hop, and last the one in which the goal is asked for: outsiders are put in, and
/// every call has been made, whether allowed or not.
pub fn worlds<'p>(world: &Inventory, path: &'p Path) -> impl Iterator<Item = Inventory> + use<'p> {
    let mut next = Some(with_outsider(world, &path.from));
    let mut hops = path.hops.iter();
    std::iter::from_fn(move || {
        let world = next.take()?;
        next = hops.next().map(|hop| after(&world, hop));
        Some(world)
    })
}

fn after(world: &Inventory, hop: &Hop) -> Inventory {
    let edits = hop.call.edits(&hop.caller);
    edits.iter().fold(world.clone(), |world, edit| world.apply(edit))
}

fn with_outsider(world: &Inventory, from: &Caller) -> Inventory {
    outsider(world, from).map_or_else(|| world.clone(), |edit| world.apply(&edit))
}

/// What puts an identity in that nobody exported; its account lets it do everything.
pub fn outsider(world: &Inventory, from: &Caller) -> Option<Edit> {
    let listed = |account| world.account(account).is_some_and(|known| known.identities_listed);
    let account = from.account.filter(|account| !listed(*account))?;
    let identity: Box<str> = match &from.kind {
        CallerKind::User | CallerKind::Role if world.identity(&from.text).is_none() => {
            from.text.clone()
        }
        CallerKind::AssumedRole { role, .. } if world.role_by_name(account, role).is_none() => {
            format!("arn:{}:iam::{account}:role/{role}", from.partition()).into()
        }
        // The user who makes the session, and has its name.
        CallerKind::FederatedUser { name } => {
            let user = format!("arn:{}:iam::{account}:user/{name}", from.partition());
            Some(user).filter(|user| world.identity(user).is_none())?.into()
        }
        _ => return None,
    };
    Some(Edit::AddOutsider { identity })
}

/// One world on the way, and whom the caller can be in it.
struct Scene<'a> {
    reference: Reference<'a>,
    held: &'a [Held],
}

impl Scene<'_> {
    fn call(&self, hop: &Hop) -> Result<Proof, Obstacle> {
        let world = self.reference.world();
        let context = self.context_as(&hop.caller, &hop.context)?;
        if let Some(why) = obstacle::of(&hop.call, &hop.caller, world) {
            return Err(Obstacle::Impossible(why));
        }
        let mut proof = Proof::default();
        for ask in hop.call.asks(&hop.caller, world, &context) {
            proof.add(self.allowed(ask)?);
        }
        match &hop.call {
            Call::PutKeyPolicy { key, policy } => {
                let key = world.key(key).ok_or(Obstacle::LocksOut)?;
                self.unlocked(&hop.caller, key, policy, &context)?;
            }
            Call::ReplicateKey { key, region, policy } => {
                let made = hop.call.edits(&hop.caller);
                let after = made.iter().fold(world.clone(), |world, edit| world.apply(edit));
                let replica = key.in_region(region).and_then(|arn| after.key(&arn));
                self.unlocked(&hop.caller, replica.ok_or(Obstacle::LocksOut)?, policy, &context)?;
            }
            _ => {}
        }
        Ok(proof)
    }

    fn goal(&self, path: &Path) -> Result<Proof, Obstacle> {
        let context = self.context_as(&path.goal_as, &path.context)?;
        let target = Target::Key(path.goal_key.clone());
        let mut request = Request::plain(path.goal_as.clone(), path.goal, target);
        request.context = context;
        let mut proof = Proof::default();
        proof.add(self.allowed(Ask::Kms(request))?);
        Ok(proof)
    }

    /// The decision on one permission, where it is allowed.
    fn allowed(&self, ask: Ask) -> Result<Decision, Obstacle> {
        let decision = match &ask {
            Ask::Kms(request) => self.reference.evaluate(request),
            Ask::Control(request) => self.reference.evaluate_control(request),
        };
        match decision.is_allowed() {
            true => Ok(decision),
            false => Err(Obstacle::Denied(Box::new(ask), Box::new(decision))),
        }
    }

    /// Rule K9, with the context of the call itself.
    fn unlocked(
        &self,
        caller: &Caller,
        key: &Key,
        policy: &PolicyDocument,
        context: &Context,
    ) -> Result<(), Obstacle> {
        let put = Call::PutKeyPolicy { key: key.arn.clone(), policy: policy.clone() };
        let asks = put.asks(caller, self.reference.world(), context);
        let keeps = |ask: &Ask| match ask {
            Ask::Kms(request) => lockout_check(&self.reference, request, key, policy),
            Ask::Control(_) => true,
        };
        match asks.iter().all(keeps) {
            true => Ok(()),
            false => Err(Obstacle::LocksOut),
        }
    }

    /// The context of a request by `caller`, with the tags of its session.
    fn context_as(&self, caller: &Caller, context: &Context) -> Result<Context, Obstacle> {
        let mut held = self.held.iter().filter(|held| held.is(caller)).peekable();
        if held.peek().is_none() {
            return Err(Obstacle::NotHeld(caller.clone()));
        }
        let mut untrue = None;
        for held in held {
            match held.context(caller, context, self.reference.world()) {
                Ok(context) => return Ok(context),
                Err(key) => untrue = Some(key),
            }
        }
        Err(Obstacle::Untrue(untrue.unwrap_or_default()))
    }
}

impl Proof {
    fn add(&mut self, decision: Decision) {
        self.because.extend(decision.matched().cloned());
        self.doubts.extend(decision.missing.into_iter().map(Why::Missing));
        self.doubts.extend(decision.open_points.into_iter().map(|point| Why::Open(point.name())));
    }
}

impl Ask {
    /// The condition keys it gives.
    pub fn context(&self) -> &Context {
        match self {
            Self::Kms(request) => request.context(),
            Self::Control(request) => request.context(),
        }
    }
}

impl fmt::Display for Ask {
    /// `iam:PassRole on arn:aws:iam::111122223333:role/app by arn:aws:iam::111122223333:user/bob`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kms(it) => write!(out, "{} on {} by {}", it.action, it.target, it.caller),
            Self::Control(it) => write!(out, "{} on {} by {}", it.action, it.resource, it.caller),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hop {
            Some(hop) => write!(out, "hop {}: {}", hop + 1, self.obstacle),
            None => write!(out, "the goal: {}", self.obstacle),
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHeld(caller) => write!(out, "nobody has become {caller} yet"),
            Self::Denied(ask, decision) => {
                write!(out, "{ask}: {}", decision.outcome.reason().name())?;
                let gate = decision.outcome.denied_by();
                gate.map_or(Ok(()), |gate| write!(out, " by {}", gate.name()))
            }
            Self::LocksOut => out.write_str("the key policy would lock the caller out"),
            Self::Untrue(key) => write!(out, "the session's `{key}` is another one"),
            Self::Impossible(why) => out.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}
