//! Devices for MFA of users whose credentials were made (rule T43).

use std::collections::BTreeMap;

use crate::decision::{Caller, CallerKind, Context};

use super::super::call::Call;
use super::super::execute::outsider;
use super::super::path::{EdgeKind, Hop, Path};
use super::Assembler;
use super::way::Way;

/// The condition keys of MFA, the one that says whether there was any first.
const PRESENT: [&str; 2] = ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"];

/// The user whose credentials a path makes and who is to call with MFA, with the place of the call that makes
/// them.
pub(super) fn unequipped(path: &Path) -> Option<(usize, Box<str>)> {
    let is_with_mfa = |context: &Context| {
        let [present, age] = PRESENT.map(|key| context.get(key));
        let mut said = present.into_iter().flat_map(|entry| entry.value.values());
        age.is_some() || said.any(|text| text.eq_ignore_ascii_case("true"))
    };
    let later = |nth: usize| {
        let hops = path.hops.iter().skip(nth + 1).map(|hop| (&hop.caller, &hop.context));
        hops.chain([(&path.goal_as, &path.context)])
    };
    path.hops.iter().enumerate().find_map(|(nth, hop)| {
        let (Call::CreateAccessKey { user } | Call::LoginProfile { user, .. }) = &hop.call else {
            return None;
        };
        let is_own = *user == path.from.text;
        let mut calls = later(nth);
        let wants = calls.any(|(caller, context)| caller.text == *user && is_with_mfa(context));
        (wants && !is_own).then(|| (nth, user.clone()))
    })
}

impl Assembler<'_, '_> {
    /// The path with the calls that give the user a device of the caller's, by the user itself or by whoever
    /// made the credentials; nothing where neither may, or the path would be too long. Both calls are one
    /// primitive (rule T43).
    pub(super) fn equipped(&self, path: &Path, (nth, user): (usize, &str)) -> Option<Path> {
        let primitives = path.hops.iter().filter(|hop| self.is_counted(hop)).count();
        if path.hops.len() + CALLS > self.hops || primitives >= self.primitives {
            return None;
        }
        let mut way = Way::new(self.access, BTreeMap::new(), false);
        let set_out = outsider(self.access.inventory(), &path.from);
        set_out.iter().for_each(|edit| way.edit(edit));
        for hop in path.hops.iter().take(nth + 1) {
            hop.call.edits(&hop.caller).iter().for_each(|edit| way.edit(edit));
        }
        let callers = [Caller::parse(user)?, path.hops.get(nth)?.caller.clone()];
        let calls: [Call; CALLS] = [
            Call::CreateMfaDevice { user: user.into() },
            Call::EnableMfaDevice { user: user.into() },
        ];
        let each = calls.into_iter().map(|call| {
            let mut callers = callers.iter();
            callers.find_map(|caller| equips(&mut way, caller, &call, user))
        });
        let hops: Vec<Hop> = each.collect::<Option<_>>()?;
        let mut path = path.clone();
        path.hops.splice(nth + 1..nth + 1, hops);
        Some(path)
    }

    /// Rules T35, T52: whether a call counts as a primitive.
    fn is_counted(&self, hop: &Hop) -> bool {
        let is_there = |holder: &str| {
            let world = self.access.inventory();
            world.identity(holder).is_some() || world.group(holder).is_some()
        };
        match &hop.call {
            Call::PutPolicy { holder, .. } | Call::AttachPolicy { holder, .. } => is_there(holder),
            _ => matches!(hop.edge, EdgeKind::EscalatesBy(_)),
        }
    }
}

/// How many calls give a user a device.
const CALLS: usize = 2;

/// The call by one who may make it.
fn equips(way: &mut Way<'_>, caller: &Caller, call: &Call, user: &str) -> Option<Hop> {
    let mut said = Context::default();
    // Whoever has no device yet calls without.
    if *caller.text == *user {
        PRESENT.into_iter().for_each(|key| said.set_absent(key));
    }
    let mut context = Context::default();
    for ask in call.asks(caller, way.engine().inventory(), &said) {
        let (witness, fixed) = (way.witness(&ask)?, ask.context());
        for entry in witness.entries().filter(|entry| fixed.get(&entry.name).is_none()) {
            context.set(&entry.name, entry.value.clone());
        }
    }
    let is_session = matches!(caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. });
    if is_session && context.with_prefix("aws:PrincipalTag/").next().is_some() {
        return None;
    }
    let (edge, because) = (EdgeKind::EscalatesBy("T43"), Vec::new());
    let (caller, call) = (caller.clone(), call.clone());
    Some(Hop { caller, call, edge, because, context, modelled: false })
}
