//! Calls as policies want them, where they do not let the plain ones in: the names and tags of sessions
//! (rules T6, T7), the operations, constraints and retiring principals of grants (rule G54).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::aws::{KeyArn, KmsAction};
use crate::decision::{Caller, Context, Request, Target, tag_in};
use crate::inventory::{Constraints, Grant, Grantee, Inventory, Tags};

use super::super::call::{Ask, Call, grant_term_keys};
use super::super::cast::Ix;
use super::super::change::WRITTEN;
use super::super::moves::Move;
use super::super::path::Hop;
use super::super::plan::{Doing, Plan, Step};
use super::super::tagging::{TagSet, givings};
use super::Assembler;
use super::way::Way;

const SESSION_NAME: &str = "sts:RoleSessionName";
const RETIRING: &str = "kms:RetiringPrincipal";
const RETIRING_SERVICE: &str = "kms:RetiringServicePrincipal";
/// Services that are tried in the place of one that is none.
const SERVICES: [&str; 3] = ["s3.amazonaws.com", "dynamodb.amazonaws.com", "lambda.amazonaws.com"];
/// How many principals are tried in the place of one that is not there.
const LIKELY: usize = 16;

impl Assembler<'_, '_> {
    /// Takes a role on: under the name that later steps want of the session, else as the trust policy
    /// wants it.
    pub(super) fn session(
        &self,
        way: &mut Way<'_>,
        (step, nth): (&Step, usize),
        (caller, call): (&Caller, Call),
        plan: &Plan,
    ) -> Option<Hop> {
        let needed = match &call {
            Call::AssumeRole { role, .. } => way.needs(role).map(|needs| needs.said.clone()),
            _ => None,
        };
        let is_needed = needed.as_ref().is_some_and(|said| !said.is_empty());
        let mut said = needed.unwrap_or_default();
        if let Some(name) = self.later_name(step, nth, plan) {
            said.set_one(SESSION_NAME, name);
        }
        let doubts = way.doubts.clone();
        let plain = self.hop_of(way, step, (caller, call.clone()), &said, plan);
        if is_needed {
            return plain;
        }
        plain.or_else(|| {
            way.doubts = doubts;
            let (call, said) = self.fitted_session(way, step, (caller, call), plan)?;
            self.hop_of(way, step, (caller, call), &said, plan)
        })
    }

    /// The name of the one session of the role that a plan goes on as.
    fn later_name(&self, step: &Step, nth: usize, plan: &Plan) -> Option<&str> {
        let Doing::Move(Move::Assume(role) | Move::AssumeTagged(role)) = &step.what else {
            return None;
        };
        if let Some(name) = self.cast.session_name(*role) {
            return Some(name);
        }
        let later = plan.steps.iter().skip(nth + 1).map(|step| step.by).chain([plan.goal_as]);
        let mut sessions: Vec<Ix> =
            later.filter(|at| self.cast.role_of(*at) == Some(*role)).collect();
        sessions.dedup();
        let [session] = *sessions else { return None };
        self.cast.session_name(session)
    }

    /// Rules T6, T7: the name and the tags that the permissions ask for, one after the other.
    fn fitted_session(
        &self,
        way: &mut Way<'_>,
        step: &Step,
        (caller, mut call): (&Caller, Call),
        plan: &Plan,
    ) -> Option<(Call, Context)> {
        let mut said = Context::default();
        let plain = self.plain_tags(way, step.by, plan);
        // Tags are a permission of their own, and the last.
        for nth in 0..2 {
            let mut context = plain.clone();
            context.lay_over(&said);
            let asks = call.asks(caller, way.engine().inventory(), &context);
            let Some(Ask::Control(mut request)) = asks.into_iter().nth(nth) else { break };
            request.context.forget("aws:RequestTag/*");
            request.context.forget("aws:TagKeys");
            if said.is_empty() {
                request.context.forget(SESSION_NAME);
            }
            let witness = way.witness(&Ask::Control(request))?;
            if let Some(name) = first(&witness, SESSION_NAME) {
                said.set_one(SESSION_NAME, &name);
            }
            if let Call::AssumeRole { tags, .. } | Call::GetFederationToken { tags, .. } = &mut call
            {
                add_asked(tags, &witness);
            }
        }
        Some((call, said))
    }

    /// Gives tags: those that are wanted, else with others that the permission asks for.
    pub(super) fn tagging(
        &self,
        way: &mut Way<'_>,
        step: &Step,
        (caller, mut call): (&Caller, Call),
        plan: &Plan,
    ) -> Option<Hop> {
        let (said, doubts) = (Context::default(), way.doubts.clone());
        for call in self.givings(caller, &call) {
            let hop = self.hop_of(way, step, (caller, call), &said, plan);
            if hop.is_some() {
                return hop;
            }
            way.doubts.clone_from(&doubts);
        }
        let context = self.plain_tags(way, step.by, plan);
        let mut ask = call.asks(caller, way.engine().inventory(), &context).into_iter().next()?;
        let asked = match &mut ask {
            Ask::Kms(request) => &mut request.context,
            Ask::Control(request) => &mut request.context,
        };
        asked.forget("aws:RequestTag/*");
        asked.forget("aws:TagKeys");
        let witness = way.witness(&ask)?;
        if let Call::TagKey { tags, .. } | Call::TagIdentity { tags, .. } = &mut call {
            add_asked(tags, &witness);
        }
        self.hop_of(way, step, (caller, call), &said, plan)
    }

    /// The call as policies may want it: with the tags that are wanted alone, or with others beside them.
    fn givings(&self, caller: &Caller, call: &Call) -> Vec<Call> {
        let (Call::TagKey { tags, .. } | Call::TagIdentity { tags, .. }) = call else {
            return vec![call.clone()];
        };
        let account = match call {
            Call::TagKey { key, .. } => Some(key.account()),
            _ => caller.account,
        };
        let own = self.cast.find(&caller.text).map(|at| self.cast.role_of(at).unwrap_or(at));
        let own = own.and_then(|at| self.cast.identity(at)).map(|identity| &identity.tags);
        let own = |name: &str| tag_in(own?, name).map(Into::into);
        let asked = account.into_iter().flat_map(|account| self.cast.asked_in(account));
        let beside: Vec<TagSet> =
            asked.flat_map(|asked| asked.requests_for(caller, &own).collect::<Vec<_>>()).collect();
        let set: TagSet = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let with = |given: Tags| {
            let mut call = call.clone();
            if let Call::TagKey { tags, .. } | Call::TagIdentity { tags, .. } = &mut call {
                *tags = given;
            }
            call
        };
        givings(&set, &beside).into_iter().map(with).collect()
    }

    /// Makes a grant: of the goal alone, else with operations that some policy asks for (rule G54); plain,
    /// bound as a parent is (rule G32), or as policies want it.
    pub(super) fn grant(
        &self,
        way: &mut Way<'_>,
        step: &Step,
        (caller, call): (&Caller, Call),
        plan: &Plan,
    ) -> Option<Hop> {
        let Call::CreateGrant { key, grant } = &call else { return None };
        let parents = self.access.inventory().key(key).map(|key| key.grants.as_slice());
        let parents = parents.unwrap_or_default().iter();
        let parents = parents.filter(|it| it.operations.contains(KmsAction::CREATE_GRANT));
        let doubts = way.doubts.clone();
        let all = parents.map(|parent| &parent.constraints);
        let all: Vec<&Constraints> = [&grant.constraints].into_iter().chain(all).collect();
        for operations in self.cast.operations_with(key.account(), grant.operations) {
            let of = |constraints: &Constraints| Call::CreateGrant {
                key: key.clone(),
                grant: Box::new(Grant {
                    operations,
                    constraints: constraints.clone(),
                    ..Grant::clone(grant)
                }),
            };
            let try_one = |way: &mut Way<'_>, call: Call| {
                way.doubts.clone_from(&doubts);
                self.hop_of(way, step, (caller, call), &Context::default(), plan)
            };
            let made = all.iter().find_map(|constraints| try_one(way, of(constraints)));
            if made.is_some() {
                return made;
            }
            let fitted = self.fitted_grant(way, step, (caller, &of(&grant.constraints)), plan);
            if let Some(hop) = fitted.and_then(|call| try_one(way, call)) {
                return Some(hop);
            }
        }
        None
    }

    /// The grant with the constraints and the retiring principal that its permission asks for.
    fn fitted_grant(
        &self,
        way: &mut Way<'_>,
        step: &Step,
        (caller, call): (&Caller, &Call),
        plan: &Plan,
    ) -> Option<Call> {
        let Call::CreateGrant { key, grant } = call else { return None };
        let plain = self.plain_tags(way, step.by, plan);
        let asks = call.asks(caller, way.engine().inventory(), &plain);
        let Some(Ask::Kms(mut request)) = asks.into_iter().next() else { return None };
        grant_term_keys().for_each(|name| request.context.forget(name));
        let witness = way.witness(&Ask::Kms(request.clone()))?;
        let witness = with_somebody(way, request, witness)?;
        let kind = first(&witness, "kms:GrantConstraintType");
        let mut pairs: BTreeMap<Box<str>, Box<str>> =
            each(&witness, "kms:EncryptionContext:", "kms:EncryptionContextKeys").collect();
        if kind.is_some() && pairs.is_empty() {
            pairs.insert(WRITTEN.into(), WRITTEN.into());
        }
        let pairs = Some(pairs).filter(|pairs| !pairs.is_empty());
        let (equals, subset) = match kind.as_deref() {
            Some("EncryptionContextEquals") => (pairs, None),
            _ => (None, pairs),
        };
        let source_arn = first(&witness, "kms:GrantConstraintSourceArn");
        let by_name = first(&witness, RETIRING);
        let by_service = || first(&witness, RETIRING_SERVICE);
        let retiring = by_name.map(|name| Grantee::principal(&name));
        let retiring = retiring.or_else(|| by_service().map(Grantee::Service));
        let constraints = Constraints { equals, subset, source_arn };
        let grant = Grant { constraints, retiring, ..Grant::clone(grant) };
        Some(Call::CreateGrant { key: key.clone(), grant: Box::new(grant) })
    }
}

/// A context of a grant's request, with a retiring principal that is there (rule G13): the one that it
/// names, else the likest that the permission admits.
fn with_somebody(way: &mut Way<'_>, request: Request, witness: Context) -> Option<Context> {
    let Target::Key(key) = &request.target else { return Some(witness) };
    let (world, caller) = (way.engine().inventory(), &request.caller.text);
    let by_service = |name: Box<str>| (RETIRING_SERVICE, Grantee::Service(name));
    let named = first(&witness, RETIRING).map(|name| (RETIRING, Grantee::principal(&name)));
    let named = named.or_else(|| first(&witness, RETIRING_SERVICE).map(by_service));
    let Some((name, named)) = named.filter(|_| !way.supposing) else { return Some(witness) };
    if *named.text() == **caller || world.is_grantable(&named, key.partition()) {
        return Some(witness);
    }
    let likely = match named {
        Grantee::Service(_) if name == RETIRING_SERVICE => SERVICES.map(Into::into).to_vec(),
        _ => likely(&request, key, world, named.text()),
    };
    let found = likely.into_iter().find_map(|one| {
        let mut request = request.clone();
        request.context.set_one(name, &one);
        let mut witness = way.witness(&Ask::Kms(request))?;
        witness.set_one(name, &one);
        Some(witness)
    });
    way.names_nobody |= found.is_none();
    found
}

/// Who could stand in the place of somebody who is not there: whoever calls, and the likest of the key's
/// account.
fn likely(request: &Request, key: &KeyArn, world: &Inventory, named: &str) -> Vec<Box<str>> {
    let alike =
        |arn: &str| named.bytes().zip(arn.bytes()).take_while(|(one, it)| one == it).count();
    let identities = world.account(key.account()).into_iter().flat_map(|it| it.identities.keys());
    let mut likely: Vec<Box<str>> = identities.map(Into::into).collect();
    likely.sort_by_cached_key(|arn| Reverse(alike(arn)));
    likely.truncate(LIKELY);
    likely.insert(0, request.caller.text.clone());
    likely
}

/// Adds the tags that a request has in a context.
fn add_asked(tags: &mut Tags, context: &Context) {
    for (tag, value) in each(context, "aws:RequestTag/", "aws:TagKeys") {
        if tags.iter().all(|(known, _)| !known.eq_ignore_ascii_case(&tag)) {
            tags.insert(tag, value);
        }
    }
}

/// The one value of a key.
fn first(context: &Context, name: &str) -> Option<Box<str>> {
    context.get(name)?.value.values().first().cloned()
}

/// What a context says of each key of a family, and then those that the set of their names has beside
/// them, with a value of the caller's choice.
fn each(
    context: &Context,
    family: &str,
    names: &str,
) -> impl Iterator<Item = (Box<str>, Box<str>)> {
    let said = context
        .with_prefix(family)
        .filter_map(|(name, entry)| Some((Box::from(name), entry.value.values().first()?.clone())));
    let mut all: BTreeMap<Box<str>, Box<str>> = said.collect();
    let named = context.get(names).map(|entry| entry.value.values()).unwrap_or_default();
    for name in named {
        all.entry(name.clone()).or_insert_with(|| WRITTEN.into());
    }
    all.into_iter()
}
