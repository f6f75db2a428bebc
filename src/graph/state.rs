//! A principal as it is after some changes, and what it can do then; kept for all who get to be it.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::access::{Access, ControlClass, ControlSide, KeySide, KeySideClass};
use crate::aws::{AccountId, ControlAction};
use crate::decision::{CallerKind, Chance, Context};
use crate::inventory::Identity;

use super::cast::{Cast, Ix, Member};
use super::change::{Change, changed};
use super::keys::{Held, Keys};
use super::moves::{Moves, Open};

/// A principal and what was changed about it, in order.
pub(super) type StateName = (Ix, Vec<Change>);

/// What a principal can do in one state.
pub(super) struct State {
    /// Tells states apart that answer alike.
    pub(super) class: (ControlClass, KeySideClass),
    /// What it can do on the way.
    pub(super) moves: Vec<Open>,
    /// What it can do with keys.
    pub(super) keys: Vec<Held>,
}

/// States by name.
pub(super) struct States<'c, 'w> {
    pub(super) cast: &'c Cast<'w>,
    pub(super) access: &'c Access<'c>,
    pub(super) keys: &'c Keys<'c, 'w>,
    known: Mutex<FxHashMap<StateName, Arc<State>>>,
}

impl<'c, 'w> States<'c, 'w> {
    /// None yet.
    pub(super) fn new(
        cast: &'c Cast<'w>,
        access: &'c Access<'c>,
        keys: &'c Keys<'c, 'w>,
    ) -> Self {
        Self { cast, access, keys, known: Mutex::default() }
    }

    /// The state of this name.
    pub(super) fn get(&self, name: &StateName) -> Arc<State> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        known.unwrap_or_else(|| {
            let made = Arc::new(self.make(name));
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(name.clone()).or_insert(made))
        })
    }

    /// Whether a state may take on a role whose trust policy lets everyone in (rule T25).
    pub(super) fn enters(&self, name: &StateName, role: Ix) -> Chance {
        let Some(arn) = self.cast.arn(role) else { return Chance::No };
        let asker = self.asker(name);
        let action = asker.assume_action();
        match action {
            ControlAction::STS_ASSUME_ROLE => asker.side(&Context::default()).entering(arn),
            _ => Chance::No,
        }
    }

    fn make(&self, (at, changes): &StateName) -> State {
        let identity = match &**changes {
            [] => None,
            changes => changed(self.cast, *at, changes),
        };
        let asker = Asker { cast: self.cast, access: self.access, at: *at, identity };
        let nothing = Context::default();
        let key_side = asker.key_side(&nothing);
        State {
            class: (asker.side(&nothing).class(), key_side.class()),
            moves: Moves::of(self.cast, &asker),
            keys: self.keys.held(&asker, &key_side),
        }
    }

    /// Who asks in a state.
    pub(super) fn asker(&self, (at, changes): &StateName) -> Asker<'c, 'w> {
        let identity = match &**changes {
            [] => None,
            changes => changed(self.cast, *at, changes),
        };
        Asker { cast: self.cast, access: self.access, at: *at, identity }
    }
}

/// Somebody who asks what it can do, as it is after some changes.
pub(super) struct Asker<'c, 'w> {
    cast: &'c Cast<'w>,
    access: &'c Access<'c>,
    /// Who it is.
    pub(super) at: Ix,
    /// The user or role as changes made it.
    identity: Option<Identity>,
}

impl<'w> Asker<'_, 'w> {
    /// Its entry in the cast.
    pub(super) fn member(&self) -> &Member<'w> {
        self.cast.member_or_first(self.at)
    }

    /// Its identity side, with these condition keys fixed.
    pub(super) fn side(&self, context: &Context) -> ControlSide<'_> {
        let member = self.member();
        if self.identity.is_none() && context.is_empty() && context.absent().next().is_none() {
            return match member.outside && member.caller.account.is_some() {
                true => self.access.control_from_outside(&member.caller),
                false => self.access.control(&member.caller),
            };
        }
        self.access.control_as(&member.caller, self.identity.as_ref(), context)
    }

    /// Its side of questions about keys.
    pub(super) fn key_side(&self, context: &Context) -> KeySide<'_> {
        self.access.key_side(&self.member().caller, self.identity.as_ref(), context)
    }

    /// The engine.
    pub(super) fn access(&self) -> &Access<'_> {
        self.access
    }

    /// Its account, where it has one.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.member().caller.account
    }

    /// Whether it stands outside the export.
    pub(super) fn is_outside(&self) -> bool {
        self.member().outside
    }

    /// Whether it is an account's root user.
    pub(super) fn is_root(&self) -> bool {
        self.member().caller.kind == CallerKind::Root
    }

    /// The partition of its ARN.
    pub(super) fn partition(&self) -> &str {
        self.member().caller.partition()
    }

    /// What it asks STS for to take on a role (rules T3, T8).
    pub(super) fn assume_action(&self) -> ControlAction {
        let caller = &self.member().caller;
        match caller.kind {
            CallerKind::Provider if caller.text.contains(":saml-provider/") => {
                ControlAction::STS_ASSUME_ROLE_WITH_SAML
            }
            CallerKind::Provider => ControlAction::STS_ASSUME_ROLE_WITH_WEB_IDENTITY,
            _ => ControlAction::STS_ASSUME_ROLE,
        }
    }

    /// Resources of its account that an action could be taken on: of its own naming where its policies
    /// let it name any, else as they name them.
    pub(super) fn resources(
        &self,
        side: &ControlSide<'_>,
        action: ControlAction,
        account: AccountId,
    ) -> Vec<String> {
        let info = action.info();
        let region = self.cast.region_of(account);
        let named = |name: &str| info.resource_named(self.partition(), region, account, name);
        let Some(free) = named("keyreach") else {
            return vec!["*".to_owned()];
        };
        let targets = side.targets(action);
        let mut all: Vec<String> = targets.everything.then_some(free).into_iter().collect();
        for pattern in &targets.patterns {
            all.extend(sample(pattern, self.partition(), region, account));
        }
        all
    }
}

/// An ARN in an account that a pattern takes.
fn sample(pattern: &str, partition: &str, region: &str, account: AccountId) -> Option<String> {
    if pattern == "*" {
        return None;
    }
    let mut parts = pattern.splitn(6, ':');
    let (arn, own, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (place, of, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let or = |part: &str, whole: &str| match part.contains(['*', '?']) {
        true => whole.to_owned(),
        false => part.to_owned(),
    };
    let rest = rest.replace(['*', '?'], "x");
    let (own, place, of) = (or(own, partition), or(place, region), or(of, account.as_str()));
    Some(format!("{arn}:{own}:{service}:{place}:{of}:{rest}"))
}
