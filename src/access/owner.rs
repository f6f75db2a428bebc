//! The key's side: key policies, grants, RCPs, VPC endpoint policies (sections 3.1 to 3.5, 4.1, 4.3).

use crate::aws::{ActionSet, KeySpec, KeyUsage, KmsAction, can_perform};
use crate::decision::{Assumptions, OpenPoint};
use crate::inventory::{Key, OrgPolicyKind};
use crate::policy::{Comparison, Operator, Polarity};

use super::asked::{Asked, REQUEST_ALIAS};
use super::formula::{Atom, Formula, Kinds};
use super::frame::{KeyLimits, Limit};
use super::grants::Granted;
use super::library::World;
use super::masked::Masked;
use super::question::{missing, missing_allow, missing_deny};
use super::statement::Compiled;
use super::test::Test;
use super::word::Word;

/// Everything of a key's side. Keys with equal ones are one class, of whatever account.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Owner {
    /// Rule X1.
    pub(super) aws_managed: bool,
    /// When the key policy allows a caller that it means directly.
    pub(super) direct: Masked,
    /// When it allows one that it means by a role or a user.
    pub(super) limited: Masked,
    /// When it allows one of an account that it delegates to.
    pub(super) by_account: Masked,
    /// When it denies.
    pub(super) deny: Masked,
    /// When an RCP denies (rule E12: their lack of an Allow never matters).
    pub(super) rcp_deny: Masked,
    /// What grants allow.
    pub(super) granted: Granted,
    /// When the policy of the VPC endpoint that the request comes through allows it (rule E14).
    pub(super) passes: Masked,
    /// When that policy denies it.
    pub(super) endpoint_deny: Masked,
    /// What the key can perform at all (rule S5).
    pub(super) possible: ActionSet,
    /// What single request-time keys can hold.
    pub(super) limits: KeyLimits,
}

impl Owner {
    /// The side of a key of the export.
    pub(super) fn of(world: &World<'_>, key: &Key) -> Self {
        let formulas = world.formulas;
        let asked = Asked::Key(key);
        let policy = policy(world, key);
        let resolved = |masked: &Masked| resolved(world, asked, masked);
        // Rule K7: key policies and RCPs have no say in RetireGrant.
        let has_say = ActionSet::ALL.minus(KmsAction::RETIRE_GRANT.into());
        let rcp = match key.is_aws_managed() {
            true => None,
            false => world.levels(key.arn.account(), OrgPolicyKind::Rcp),
        };
        let granted = Granted::of(formulas, key);
        let endpoints = Endpoints::of(world);
        let side = Self {
            aws_managed: key.is_aws_managed(),
            direct: resolved(&policy.allow).within(has_say),
            limited: resolved(&policy.limited).within(has_say),
            by_account: resolved(&policy.account).within(has_say),
            deny: resolved(&policy.deny).within(has_say),
            rcp_deny: rcp.map_or(Masked::default(), |rcp| resolved(&rcp.deny).within(has_say)),
            granted,
            passes: resolved(&endpoints.allow),
            endpoint_deny: resolved(&endpoints.deny),
            possible: possible(key),
            limits: KeyLimits::default(),
        };
        let asks_alias = world.every_limit || side.asks_alias(world);
        Self { limits: limits(world, asked, asks_alias), ..side }
    }

    fn asks_alias(&self, world: &World<'_>) -> bool {
        self.masked().any(|masked| world.has(masked, Kinds::ALIAS))
    }

    /// The same with what request-time keys can hold for a key, if it asks for the key's aliases.
    pub(super) fn limited_as(self, world: &World<'_>, key: &Key) -> Self {
        if self.asks_alias(world) { self.with_aliases(world, key) } else { self }
    }

    /// The same with what request-time keys can hold for a key, its aliases included.
    pub(super) fn with_aliases(self, world: &World<'_>, key: &Key) -> Self {
        Self { limits: limits(world, Asked::Key(key), true), ..self }
    }

    /// The side of requests without a key (rule E50): nobody's.
    pub(super) fn of_nothing(world: &World<'_>, asked: Asked<'_>, actions: ActionSet) -> Self {
        let never = Masked::default();
        let endpoints = Endpoints::of(world);
        Self {
            aws_managed: false,
            direct: never.clone(),
            limited: never.clone(),
            by_account: never.clone(),
            deny: never.clone(),
            rcp_deny: never,
            granted: Granted::default(),
            passes: resolved(world, asked, &endpoints.allow),
            endpoint_deny: resolved(world, asked, &endpoints.deny),
            possible: actions,
            limits: KeyLimits::default(),
        }
    }

    /// The same with grants that nobody listed: they could allow anyone what grants can.
    pub(super) fn with_unlisted_grants(mut self, world: &World<'_>, what: &str) -> Self {
        let grantable = KmsAction::all().filter(|action| action.info().grantable).collect();
        let unknown = Masked::of(grantable, missing_allow(world.formulas, what));
        self.granted.direct = self.granted.direct.or(world.formulas, &unknown);
        self
    }

    /// Everything that can open the key to somebody: statements and grants.
    pub(super) fn opening(&self) -> [&Masked; 6] {
        let granted = &self.granted;
        [
            &self.direct,
            &self.limited,
            &self.by_account,
            &granted.direct,
            &granted.limited,
            &granted.account,
        ]
    }

    /// Whether it opens the key to those alone whom identity policies allow, where they have any.
    pub(super) fn opens_by_identity_alone(&self) -> bool {
        let granted = &self.granted;
        let others = [&self.direct, &self.limited, &granted.direct, &granted.limited];
        others.into_iter().all(Masked::is_never)
    }

    /// All its formulas.
    pub(super) fn masked(&self) -> impl Iterator<Item = &Masked> {
        [
            &self.direct,
            &self.limited,
            &self.by_account,
            &self.deny,
            &self.rcp_deny,
            &self.granted.direct,
            &self.granted.limited,
            &self.granted.account,
            &self.passes,
            &self.endpoint_deny,
        ]
        .into_iter()
    }

    /// The same once some atoms are replaced.
    pub(super) fn mapped(&self, mut change: impl FnMut(&Masked) -> Masked) -> Self {
        let opening = self.opening().map(&mut change);
        self.opened_by(opening, change)
    }

    /// The same; nothing where it opens the key to nobody then.
    pub(super) fn mapped_if_open(&self, mut change: impl FnMut(&Masked) -> Masked) -> Option<Self> {
        let opening = self.opening().map(&mut change);
        let is_open = opening.iter().any(|masked| !masked.is_never());
        is_open.then(|| self.opened_by(opening, change))
    }

    /// What it is once what opens it is this, and all else is changed.
    fn opened_by(
        &self,
        [direct, limited, by_account, granted_direct, granted_limited, account]: [Masked; 6],
        mut change: impl FnMut(&Masked) -> Masked,
    ) -> Self {
        Self {
            aws_managed: self.aws_managed,
            direct,
            limited,
            by_account,
            deny: change(&self.deny),
            rcp_deny: change(&self.rcp_deny),
            granted: Granted { direct: granted_direct, limited: granted_limited, account },
            passes: change(&self.passes),
            endpoint_deny: change(&self.endpoint_deny),
            possible: self.possible,
            limits: self.limits.clone(),
        }
    }
}

pub(super) fn resolved<S: Word>(
    world: &World<'_>,
    asked: Asked<'_>,
    masked: &Masked<S>,
) -> Masked<S> {
    let kinds = [Kinds::KEY, Kinds::CALLER];
    match kinds.iter().any(|kind| world.has(masked, *kind)) {
        true => masked.mapped(|formula| world.with_key(formula, asked)),
        false => masked.clone(),
    }
}

/// The key policy and the one that RAM writes, together (rules K1, K8).
fn policy(world: &World<'_>, key: &Key) -> Compiled {
    let formulas = world.formulas;
    let mut together = Compiled::default();
    let mut add = |compiled: &Compiled, when: Formula| {
        let when = Masked::of(ActionSet::ALL, when);
        let one = |all: &mut Masked, more: &Masked| {
            *all = all.or(formulas, &more.and(formulas, &when));
        };
        one(&mut together.allow, &compiled.allow);
        one(&mut together.limited, &compiled.limited);
        one(&mut together.account, &compiled.account);
        one(&mut together.deny, &compiled.deny);
    };
    if let Some(document) = &key.policy {
        add(&world.compiled(document), Formula::TRUE);
    }
    // Rule K8; O17 leaves it open whether the two unite.
    if let Some(document) = &key.ram_policy {
        let other = formulas.of(Atom::Open(OpenPoint::O17));
        add(&world.compiled(document), formulas.not(other));
    }
    let conflicts = world.gaps.conflicts(key.arn.as_str());
    let gap = world.gaps.key_part(&key.arn, "key policy");
    for what in conflicts.iter().chain(&gap) {
        let taken = Masked::of(ActionSet::ALL, missing(formulas, what.clone(), "holds", true));
        let unknown = Masked::of(ActionSet::ALL, missing_allow(formulas, what.clone()));
        for all in [&mut together.allow, &mut together.limited, &mut together.account] {
            *all = all.and(formulas, &taken);
        }
        together.allow = together.allow.or(formulas, &unknown);
        let denies = Masked::of(ActionSet::ALL, missing_deny(formulas, what.clone()));
        together.deny = together.deny.or(formulas, &denies);
    }
    together
}

/// The policies of the VPC endpoints together (rule E14).
pub(super) struct Endpoints<S> {
    /// When that of the endpoint that the request comes through allows it, or it comes through none.
    pub(super) allow: Masked<S>,
    /// When that one denies it.
    pub(super) deny: Masked<S>,
}

impl<S: Word> Endpoints<S> {
    /// Of the export. The service's own hop of a FAS call does not come through an endpoint.
    pub(super) fn of(world: &World<'_>) -> Self {
        let formulas = world.formulas;
        let mut all = Self { allow: Masked::all(), deny: Masked::default() };
        let operator = Operator {
            quantifier: None,
            comparison: Comparison::StringEquals,
            polarity: Polarity::Is,
            if_exists: false,
        };
        for (id, document) in &world.inventory.endpoints {
            let through = formulas.of(Atom::Request(Test::of("aws:sourcevpce", operator, &[id])));
            let via = formulas.of(Atom::Request(Test::present("kms:viaservice")));
            let through = formulas.and([through, formulas.not(via)]);
            let policy = S::compiled(world, document);
            let allow = policy.allow.or(formulas, &policy.limited).or(formulas, &policy.account);
            let elsewhere = Masked::of(S::ALL, formulas.not(through));
            all.allow = all.allow.and(formulas, &elsewhere.or(formulas, &allow));
            let denies = policy.deny.and(formulas, &Masked::of(S::ALL, through));
            all.deny = all.deny.or(formulas, &denies);
        }
        all
    }
}

/// Rule S5: actions that the key can never perform are no cells.
pub(super) fn possible(key: &Key) -> ActionSet {
    let metadata = key.metadata.as_ref();
    let spec = metadata.and_then(|it| KeySpec::parse(it.spec.as_deref()?));
    let usage = metadata.and_then(|it| KeyUsage::parse(it.usage.as_deref()?));
    let can = |action: &KmsAction| {
        let performs = match (usage, spec) {
            (Some(usage), Some(spec)) => can_perform(usage, spec, *action),
            _ => true,
        };
        action.info().has_key_resource && performs
    };
    KmsAction::all().filter(can).collect()
}

/// What request-time keys can hold; the aliases of a key tell it apart from all others, and are left to the
/// callers who ask for them where its own side does not.
fn limits(world: &World<'_>, asked: Asked<'_>, asks_alias: bool) -> KeyLimits {
    let mut limits = asked.limits();
    if !asks_alias {
        limits.retain(|(key, _)| **key != *REQUEST_ALIAS);
    }
    if let (Some(service), Asked::Key(key)) = (world.via, asked) {
        let service = Assumptions::service_in(service, key.arn.region());
        limits.retain(|(key, _)| **key != *"kms:viaservice");
        limits.push(("kms:viaservice".into(), Limit::Given([service.into()].into())));
    }
    limits.sort();
    limits.into()
}
