//! Who asks the engine in a state, and how it is asked.

use std::borrow::Cow;

use crate::access::{Access, ControlSide, Guise, KeyHome, KeySide};
use crate::aws::{AccountId, ControlAction};
use crate::decision::{Caller, CallerKind, Chance, Context, tag_in};
use crate::inventory::Identity;
use crate::policy::PolicyDocument;

use super::call::direct;
use super::cast::{Cast, Ix, Member};
use super::change::WRITTEN;

/// Somebody who asks what it can do, as it is after some changes.
pub(super) struct Asker<'c, 'w> {
    /// The cast.
    pub(super) cast: &'c Cast<'w>,
    /// The engine.
    pub(super) access: &'c Access<'c>,
    /// Who it is.
    pub(super) at: Ix,
    /// The user or role, where changes made it another.
    pub(super) identity: Option<Cow<'w, Identity>>,
    /// What its permissions boundary says, where a change made that another version.
    pub(super) boundary: Option<&'w PolicyDocument>,
    /// Whether its sessions can bring tags of their own.
    pub(super) open_tags: bool,
}

impl<'w> Asker<'_, 'w> {
    /// Its entry in the cast.
    pub(super) fn member(&self) -> &Member<'w> {
        self.cast.member_or_first(self.at)
    }

    /// Its identity side, with these condition keys fixed, of calls that it makes itself (rule U4).
    pub(super) fn side(&self, context: &Context) -> ControlSide<'_> {
        let side = self.side_of_any(context);
        match self.cast.hears_services {
            true => side.under(&direct()),
            false => side,
        }
    }

    fn side_of_any(&self, context: &Context) -> ControlSide<'_> {
        let member = self.member();
        if self.identity.is_none() && context.is_empty() && context.absent().next().is_none() {
            return match member.outside && member.caller.account.is_some() {
                true => self.access.control_from_outside(&member.caller),
                false => self.access.control(&member.caller),
            };
        }
        self.access.control_as(&member.caller, self.guise(), context)
    }

    fn guise(&self) -> Option<Guise<'_>> {
        let identity = self.identity.as_deref()?;
        Some(Guise { identity, boundary: self.boundary, open_tags: self.open_tags })
    }

    /// Its side of questions about keys.
    pub(super) fn key_side(&self, context: &Context) -> KeySide<'_> {
        self.access.key_side(&self.member().caller, self.guise(), context)
    }

    /// The same, by the home that is known of it under these condition keys.
    pub(super) fn key_side_again(&self, context: &Context, home: &KeyHome) -> KeySide<'_> {
        self.access.key_side_again(&self.member().caller, self.guise(), context, home)
    }

    /// The same with nothing fixed.
    pub(super) fn plain_key_side(&self, home: &KeyHome) -> KeySide<'_> {
        self.key_side_again(&Context::default(), home)
    }

    /// A tag of it: its own, else one of its choice where its sessions bring any (rule T7).
    pub(super) fn tag(&self, name: &str) -> Option<Box<str>> {
        let identity = self.identity.as_deref().or(self.member().identity);
        let own = identity.and_then(|identity| tag_in(&identity.tags, name)).map(Into::into);
        own.or_else(|| self.open_tags.then(|| WRITTEN.into()))
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
}

/// Resources of the caller's account that an action could be taken on: of its own naming where its policies
/// let it name any, else as they name them.
fn resources(
    side: &ControlSide<'_>,
    caller: &Caller,
    action: ControlAction,
    region: &str,
) -> Vec<String> {
    let (info, partition) = (action.info(), caller.partition());
    let Some(account) = caller.account else { return Vec::new() };
    let Some(free) = info.resource_named(partition, region, account, "keyreach") else {
        return vec!["*".to_owned()];
    };
    let targets = side.targets(action);
    let mut all: Vec<String> = targets.everything.then_some(free).into_iter().collect();
    for pattern in &targets.patterns {
        all.extend(sample(pattern, partition, region, account));
    }
    all
}

/// Where something is launched.
pub(super) struct Site {
    /// The Region.
    pub(super) region: Box<str>,
    /// What each action is taken on.
    pub(super) resources: Vec<Box<str>>,
    /// Whether all actions are allowed there.
    pub(super) chance: Chance,
}

/// The best of `regions` for actions that go together; `side` answers under a context.
pub(super) fn site<'a>(
    side: impl Fn(&Context) -> ControlSide<'a>,
    caller: &Caller,
    actions: &[ControlAction],
    regions: impl Iterator<Item = &'a str>,
) -> Option<Site> {
    let mut best: Option<Site> = None;
    for region in regions {
        let mut context = Context::default();
        context.set_one("aws:RequestedRegion", region);
        let side = side(&context);
        let mut site = Site { region: region.into(), resources: Vec::new(), chance: Chance::Sure };
        for action in actions {
            let named = resources(&side, caller, *action, region).into_iter();
            let each = named.map(|arn| (side.chance(*action, &arn), arn));
            let (chance, arn) = each.max_by_key(|(chance, _)| *chance)?;
            site.chance = site.chance.min(chance);
            site.resources.push(arn.into());
        }
        if best.as_ref().is_none_or(|known| known.chance < site.chance) {
            best = Some(site);
        }
        if best.as_ref().is_some_and(|known| known.chance == Chance::Sure) {
            break;
        }
    }
    best
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
