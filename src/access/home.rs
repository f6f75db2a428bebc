//! The caller's side: identity policies, boundary, session policies and SCPs (sections 3.1 to 3.4).

use std::sync::Arc;

use crate::aws::{AccountId, ActionSet};
use crate::decision::CallerKind;
use crate::inventory::{AttachedPolicy, Effects, ManagedPolicy, NamedPolicy, OrgPolicyKind};
use crate::policy::PolicyDocument;

use super::asked::REQUEST_ALIAS;
use super::caller_values::{ORG_PATHS, USER_ID};
use super::formula::{Atom, Formula, Formulas, Kinds};
use super::frame::{KeyLimits, Limit, Who};
use super::kinds;
use super::levels::Levels;
use super::library::World;
use super::masked::Masked;
use super::question::{missing, missing_allow, missing_deny};
use super::statement::Compiled;
use super::subject::{Subject, Whose};
use super::word::Word;

/// Everything of a caller's side. Callers with equal ones are one class, of whatever account.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Home<S = ActionSet> {
    /// The kind of caller.
    pub(super) who: Who,
    /// When it is a service-linked role (rule E44); of a role that was not exported nobody knows.
    pub(super) service_linked: Formula,
    /// When an identity policy allows (rule E21).
    pub(super) allow: Masked<S>,
    /// When an identity policy denies.
    pub(super) deny: Masked<S>,
    /// What the boundary allows, where there is one.
    pub(super) boundary: Option<Masked<S>>,
    /// When the boundary denies.
    pub(super) boundary_deny: Masked<S>,
    /// What the session policies allow, where there are any.
    pub(super) session: Option<Masked<S>>,
    /// When a session policy denies.
    pub(super) session_deny: Masked<S>,
    /// What every level of the organization allows (rule E13).
    pub(super) scp: Masked<S>,
    /// When an SCP denies.
    pub(super) scp_deny: Masked<S>,
    /// What single request-time keys can hold.
    pub(super) limits: KeyLimits,
    /// What is taken for granted, where the caller is outside the export.
    pub(super) assumes: Option<Box<str>>,
}

/// A set of policies together (rules E1, E2): what allows, and what denies.
#[derive(Clone)]
pub(super) struct Together<S = ActionSet> {
    /// What allows.
    pub(super) allow: Masked<S>,
    /// What denies.
    pub(super) deny: Masked<S>,
    asks_user_id: bool,
}

impl<S> Default for Together<S> {
    fn default() -> Self {
        Self { allow: Masked::default(), deny: Masked::default(), asks_user_id: false }
    }
}

impl<S: Word> Together<S> {
    /// One policy more.
    pub(super) fn add(&mut self, world: &World<'_>, compiled: &Compiled<S>) {
        let formulas = world.formulas;
        self.allow = self.allow.or(formulas, &compiled.allow);
        self.deny = self.deny.or(formulas, &compiled.deny);
        self.asks_user_id |= compiled.asks_user_id;
    }

    /// Something that was not exported: it could allow anything, and deny anything (rule U7).
    pub(super) fn add_missing(&mut self, world: &World<'_>, what: &str) {
        let formulas = world.formulas;
        let allows = Masked::of(S::ALL, missing_allow(formulas, what));
        self.allow = self.allow.or(formulas, &allows);
        self.add_missing_deny(world, what);
    }

    /// Something that was not exported, and could only deny (rule U7).
    fn add_missing_deny(&mut self, world: &World<'_>, what: &str) {
        let formulas = world.formulas;
        let denies = Masked::of(S::ALL, missing_deny(formulas, what));
        self.deny = self.deny.or(formulas, &denies);
    }

    /// Facts that contradict each other: the other one could say anything (the first by path counts).
    pub(super) fn add_conflicts(&mut self, world: &World<'_>, subject: &str) {
        for what in world.gaps.conflicts(subject) {
            let formulas = world.formulas;
            self.add_missing(world, what);
            let unknown = Masked::of(S::ALL, missing(formulas, what.clone(), "holds", true));
            self.allow = self.allow.and(formulas, &unknown);
        }
    }
}

impl<S: Word> Home<S> {
    /// Whether identity policies are asked at all (rules E26, E32, E40, T8).
    pub(super) fn has_identity_side(&self) -> bool {
        !matches!(self.who, Who::Root | Who::Service | Who::Provider)
    }

    /// The side of `subject`, its session policies included.
    pub(super) fn of(
        world: &World<'_>,
        subject: &Subject<'_>,
        sessions: &[PolicyDocument],
    ) -> Self {
        let caller =
            |masked: &Masked<S>| masked.mapped(|formula| world.with_caller(formula, subject));
        let identity = identity::<S>(world, subject);
        let boundary = boundary::<S>(world, subject);
        let session = session::<S>(world, subject, sessions);
        let levels = scps::<S>(world, subject);
        let formulas = world.formulas;
        let service_linked = service_linked(world, subject);
        let everywhere = |formula| Masked::of(S::ALL, formula);
        let never = Masked::default();
        let mut sets = boundary.iter().chain(&session).chain([&identity]);
        let of_sets = sets.any(|set| set.asks_user_id);
        let mut levels_masked = levels.iter().flat_map(|it| [&it.allow, &it.deny]);
        let of_levels = levels_masked.any(|masked| masked.has(formulas, Kinds::USER_ID));
        let asks_user_id = world.asks_user_id() || of_sets || of_levels;
        let limits =
            limits(world, subject).into_iter().chain(user_id(subject).filter(|_| asks_user_id));
        Self {
            who: subject.who(),
            service_linked,
            allow: caller(&identity.allow),
            deny: caller(&identity.deny),
            boundary: boundary.as_ref().map(|set| caller(&set.allow)),
            boundary_deny: boundary.as_ref().map_or(never.clone(), |set| caller(&set.deny)),
            session: session.as_ref().map(|set| caller(&set.allow)),
            session_deny: session.as_ref().map_or(never.clone(), |set| caller(&set.deny)),
            scp: levels.as_ref().map_or(Masked::all(), |levels| {
                caller(&levels.allow).or(formulas, &everywhere(service_linked))
            }),
            scp_deny: levels.as_ref().map_or(never, |levels| {
                let bound = everywhere(formulas.not(service_linked));
                caller(&levels.deny).and(formulas, &bound)
            }),
            limits: sorted(limits),
            assumes: assumes(subject),
        }
    }

    /// The same with what `kms:RequestAlias` can be (rule C55).
    pub(super) fn with_aliases(&self, aliases: &[Box<str>]) -> Self {
        let alias = (REQUEST_ALIAS.into(), Limit::OneOf(aliases.into()));
        let limits = sorted(self.limits.iter().cloned().chain([alias]));
        Self { limits, ..self.clone() }
    }

    /// The same once some atoms are replaced.
    pub(super) fn mapped(&self, mut change: impl FnMut(&Masked<S>) -> Masked<S>) -> Self {
        Self {
            who: self.who,
            service_linked: self.service_linked,
            allow: change(&self.allow),
            deny: change(&self.deny),
            boundary: self.boundary.as_ref().map(&mut change),
            boundary_deny: change(&self.boundary_deny),
            session: self.session.as_ref().map(&mut change),
            session_deny: change(&self.session_deny),
            scp: change(&self.scp),
            scp_deny: change(&self.scp_deny),
            limits: self.limits.clone(),
            assumes: self.assumes.clone(),
        }
    }

    /// The same were no SCP left that binds it (rule T37), as far as actions of `scope` go.
    pub(super) fn unbound(&self, scope: S) -> Self {
        let (scp, scp_deny) = (Masked::all().within(scope), Masked::default());
        Self { scp, scp_deny, ..self.clone() }
    }

    /// Whether the organization says the same of both.
    pub(super) fn is_bound_as(&self, other: &Self) -> bool {
        (&self.scp, &self.scp_deny, self.service_linked)
            == (&other.scp, &other.scp_deny, other.service_linked)
    }

    /// Whether the organization leaves it whatever it leaves the other.
    pub(super) fn is_as_free_as(&self, formulas: &Formulas, other: &Self) -> bool {
        self.service_linked == other.service_linked
            && self.scp.or(formulas, &other.scp) == self.scp
            && self.scp_deny.or(formulas, &other.scp_deny) == other.scp_deny
    }

    /// Whether its own policies let callers of its kind do whatever those of the other let them; what the
    /// organization says aside.
    pub(super) fn does_all_of(&self, formulas: &Formulas, other: &Self) -> bool {
        let is_within = |one: &Masked<S>, all: &Masked<S>| all.or(formulas, one) == *all;
        let denied = [
            (&self.deny, &other.deny),
            (&self.boundary_deny, &other.boundary_deny),
            (&self.session_deny, &other.session_deny),
        ];
        let limited = [(&self.boundary, &other.boundary), (&self.session, &other.session)];
        self.who == other.who
            && self.limits == other.limits
            && is_within(&other.allow, &self.allow)
            && denied.into_iter().all(|(own, others)| is_within(own, others))
            && limited.into_iter().all(|(own, others)| match (own, others) {
                (None, _) => true,
                (Some(own), Some(others)) => is_within(others, own),
                (Some(_), None) => false,
            })
    }

    /// Whether its own policies allow everything and deny nothing; what the organization says aside.
    pub(super) fn is_unlimited(&self) -> bool {
        let denies = [&self.deny, &self.boundary_deny, &self.session_deny];
        let limits = self.boundary.iter().chain(&self.session);
        self.allow == Masked::all()
            && denies.iter().all(|deny| deny.is_never())
            && limits.into_iter().all(|limit| *limit == Masked::all())
    }

    /// All its formulas.
    pub(super) fn masked(&self) -> impl Iterator<Item = &Masked<S>> {
        let always = [
            &self.allow,
            &self.deny,
            &self.boundary_deny,
            &self.session_deny,
            &self.scp,
            &self.scp_deny,
        ];
        always.into_iter().chain(&self.boundary).chain(&self.session)
    }
}

/// The same without what `aws:userid` can be, where the side does not ask: that tells every role apart. Who
/// asks for it on the other side tells callers apart anyway.
pub(super) fn without_idle_limits<S: Word>(
    formulas: &Formulas,
    home: &Arc<Home<S>>,
) -> Arc<Home<S>> {
    let is_idle = |(key, _): &(Box<str>, Limit)| **key == *USER_ID;
    if !home.limits.iter().any(is_idle) || home.masked().any(|it| it.has(formulas, Kinds::USER_ID))
    {
        return Arc::clone(home);
    }
    let limits = home.limits.iter().filter(|limit| !is_idle(limit)).cloned().collect();
    Arc::new(Home { limits, ..Home::clone(home) })
}

/// Identity policies: the caller's own, and those of its groups (rule E1).
pub(super) fn identity<S: Word>(world: &World<'_>, subject: &Subject<'_>) -> Together<S> {
    let mut together = Together::default();
    if subject.stranger.is_some() {
        // Its own account lets it: that half is granted.
        together.allow = Masked::all();
        return together;
    }
    if subject.caller.kind == CallerKind::Root || subject.caller.is_outside_accounts() {
        return together;
    }
    let Some(identity) = subject.identity else {
        if let Some(what) = subject.unlisted() {
            together.add_missing(world, what);
        }
        return together;
    };
    let account = identity.account;
    inline(world, &identity.inline, &mut together);
    attached(world, account, &identity.attached, &mut together);
    for name in &identity.groups {
        let groups = world.inventory.account(account).map(|account| &account.groups);
        match groups.and_then(|groups| groups.get(name)) {
            Some(group) => {
                inline(world, &group.inline, &mut together);
                attached(world, account, &group.attached, &mut together);
                // Whether a group is there, too, decides both what it allows and what it denies.
                for (_, what) in world.gaps.identity_parts(&group.arn) {
                    together.add_missing(world, what);
                }
                together.add_conflicts(world, &group.arn);
            }
            None => together.add_missing(world, &format!("group {name} of account {account}")),
        }
    }
    for (effects, what) in world.gaps.identity_parts(&identity.arn) {
        match effects {
            // Who may not be there can do no more than if it is.
            Effects::MoreDenied => together.add_missing_deny(world, what),
            Effects::MoreAllowed | Effects::Either => together.add_missing(world, what),
        }
    }
    together.add_conflicts(world, &identity.arn);
    together
}

fn inline<S: Word>(world: &World<'_>, policies: &[NamedPolicy], together: &mut Together<S>) {
    for policy in policies {
        together.add(world, &S::compiled(world, &policy.document));
    }
}

fn attached<S: Word>(
    world: &World<'_>,
    account: AccountId,
    policies: &[AttachedPolicy],
    together: &mut Together<S>,
) {
    for policy in policies {
        managed(world, account, policy, together);
    }
}

/// Rule A10: the default version.
fn managed<S: Word>(
    world: &World<'_>,
    account: AccountId,
    policy: &AttachedPolicy,
    together: &mut Together<S>,
) {
    let found = world.inventory.managed_policy(account, &policy.arn);
    match found.and_then(ManagedPolicy::document) {
        Some(document) => together.add(world, &S::compiled(world, document)),
        None => together.add_missing(world, &format!("document of managed policy {}", policy.arn)),
    }
    together.add_conflicts(world, &policy.arn);
}

/// The permissions boundary; none for root users, services and service-linked roles (section 3.1).
fn boundary<S: Word>(world: &World<'_>, subject: &Subject<'_>) -> Option<Together<S>> {
    let mut together = Together::default();
    if let Some(what) = subject.unlisted() {
        // It may have one.
        together.add_missing(world, &format!("{what} (a boundary)"));
        return Some(together);
    }
    let identity = subject.identity.filter(|_| !subject.is_service_linked())?;
    let policy = identity.boundary.as_ref()?;
    match subject.boundary {
        Some(document) => together.add(world, &S::compiled(world, document)),
        None => managed(world, identity.account, policy, &mut together),
    }
    Some(together)
}

/// Session policies, which only sessions have (rules E2, E29).
fn session<S: Word>(
    world: &World<'_>,
    subject: &Subject<'_>,
    policies: &[PolicyDocument],
) -> Option<Together<S>> {
    let federated = matches!(subject.caller.kind, CallerKind::FederatedUser { .. });
    let is_session = federated
        || matches!(subject.caller.kind, CallerKind::Role | CallerKind::AssumedRole { .. });
    // A stranger's half is granted, the policy that a federated user's session needs (rule E29) with it.
    let needs_one = federated && subject.stranger.is_none();
    if !is_session || (policies.is_empty() && !needs_one) {
        return None;
    }
    let mut together = Together::default();
    for policy in policies {
        together.add(world, &S::compiled(world, policy));
    }
    Some(together)
}

/// Rule E44: by the role's path, which the name of a session does not tell. Of those outside the export that are
/// not named with their path the request tells it.
fn service_linked(world: &World<'_>, subject: &Subject<'_>) -> Formula {
    let formulas = world.formulas;
    match (subject.unlisted(), &subject.caller.kind) {
        (Some(what), CallerKind::AssumedRole { .. }) => {
            missing(formulas, format!("{what} (a service-linked role)"), "linked", false)
        }
        _ if subject.is_unnamed() || subject.outside_role().is_some() => {
            formulas.of(Atom::Request(kinds::of_service_linked_role()))
        }
        _ => Formula::constant(subject.is_service_linked()),
    }
}

/// The SCPs that bind a caller (rules E13, E34, E44).
fn scps<S: Word>(world: &World<'_>, subject: &Subject<'_>) -> Option<Arc<Levels<S>>> {
    if subject.caller.is_outside_accounts() || subject.is_service_linked() {
        return None;
    }
    S::levels(world, subject.caller.account?, OrgPolicyKind::Scp)
}

/// A stranger's half is granted; a service has none (rule E40).
fn assumes(subject: &Subject<'_>) -> Option<Box<str>> {
    let of = match (&subject.stranger.as_ref()?.whose, subject.caller.account) {
        (Whose::Service { .. }, _) => return None,
        (Whose::Account, Some(account)) => format!("account {account}"),
        (Whose::Anyone { in_none: true }, _) => {
            "its own account, which is in no organization,".to_owned()
        }
        _ => "its own account".to_owned(),
    };
    Some(format!("the identity policies of {of} allow it").into())
}

/// Limits in order.
fn sorted(limits: impl IntoIterator<Item = (Box<str>, Limit)>) -> KeyLimits {
    let mut limits: Vec<(Box<str>, Limit)> = limits.into_iter().collect();
    limits.sort();
    limits.into()
}

/// What `aws:userid` can be where the export does not fix it: in the sessions of a role, which all have it, and
/// of somebody outside who is named (rule C45). It tells every role apart, and is left out where no policy asks.
fn user_id(subject: &Subject<'_>) -> Option<(Box<str>, Limit)> {
    let id = subject.identity.and_then(|identity| identity.unique_id.as_deref());
    let named = subject.stranger.as_ref().is_some_and(|stranger| stranger.named);
    let like = match (&subject.caller.kind, id) {
        (CallerKind::Role, Some(id)) => format!("{id}:?*"),
        (CallerKind::Role, None) if named => "AROA?*:?*".to_owned(),
        (CallerKind::AssumedRole { session, .. }, None) if named => format!("AROA?*:{session}"),
        (CallerKind::User, None) if named => "AIDA?*".to_owned(),
        _ => return None,
    };
    Some((USER_ID.into(), Limit::PresentLike(like.into())))
}

/// What single request-time keys of a caller can hold.
fn limits(world: &World<'_>, subject: &Subject<'_>) -> Vec<(Box<str>, Limit)> {
    let mut limits = Vec::new();
    if let Some(identity) = subject.identity.filter(|_| subject.tagged)
        && matches!(subject.who(), Who::Session | Who::Federated)
    {
        // A tag of the role or user is there, unless a session brings another value.
        limits.extend(identity.tags.keys().map(|tag| {
            (format!("aws:principaltag/{}", tag.to_ascii_lowercase()).into(), Limit::Present)
        }));
    }
    if let Some(Whose::Organization { id, places, .. }) = subject.whose() {
        // Section 2.5: a path begins with the organization.
        let anywhere = || Limit::PresentLike(format!("{id}/?*").into());
        let at = if places.is_empty() { anywhere() } else { Limit::Among(places.clone()) };
        limits.push((ORG_PATHS.into(), at));
    }
    let assumed = subject.assumed_organization(world.given).flatten();
    let assumed = assumed.filter(|_| subject.organization().is_none());
    if let Some(id) = assumed.or_else(|| subject.moved_to(world.inventory, world.given)) {
        limits.push((ORG_PATHS.into(), Limit::PresentLike(format!("{id}/?*").into())));
    }
    if let Some((role, account)) = subject.outside_role().zip(subject.caller.account) {
        // Rule C46: the role's ARN, with whatever path.
        let roles = format!("arn:{}:iam::{account}:role/*", subject.caller.partition());
        let patterns = [roles.into(), format!("*/{role}").into()];
        limits.push((kinds::PRINCIPAL_ARN.into(), Limit::PresentLikeAll(patterns.into())));
    }
    if let Some(account) = subject.caller.account.filter(|_| subject.is_unnamed()) {
        let named = subject.stranger.iter().flat_map(|it| &*it.beside).cloned();
        let named: Vec<Box<str>> = named.collect();
        limits.push(kinds::of_account(subject.caller.partition(), account.as_str(), &named));
    }
    limits
}
