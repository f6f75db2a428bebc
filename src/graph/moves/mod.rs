//! What one principal can do on the way, as it is or as others made it (sections 5.1 and 5.2).

mod center;
mod launches;
mod make;
mod tags;
mod upon;
mod writes;

use crate::access::ControlSide;
use crate::aws::{AccountId, ControlAction, ControlSet};
use crate::decision::{CallerKind, Chance, Context};
use crate::inventory::{Group, Identity};

use super::asker::Asker;
use super::call::is_saml;
use super::cast::{Cast, Ix};
use super::center::is_reserved;
use super::change::{Carrier, Change};
use super::launch::{LAUNCHES, Launch};
use super::organize::OrgMove;
use super::tagging::TagSet;

/// Something that can be done, by one call or, for a launch, by calls that go together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Move {
    /// sts:AssumeRole, by its like for subjects of providers, of a role or under the name of a session of it
    /// (rules T3 to T8).
    Assume(Ix),
    /// The same with session tags (rule T7).
    AssumeTagged(Ix),
    /// sts:GetFederationToken (rule T12).
    FederationToken(Ix),
    /// The same with session tags (rules T7, T12).
    FederationTagged(Ix),
    /// iam:CreateAccessKey (rule T26).
    AccessKey(Ix),
    /// iam:CreateLoginProfile, iam:UpdateLoginProfile (rule T27).
    LoginProfile {
        /// The user.
        user: Ix,
        /// Whether an old profile is changed.
        update: bool,
    },
    /// A launch under a role, by its place in the table (rules T28, T29).
    Launch(usize, Ix),
    /// iam:PutUserPolicy, iam:PutRolePolicy (rule T20).
    PutPolicy(Ix),
    /// iam:PutGroupPolicy (rule T20).
    PutGroupPolicy(AccountId, Box<str>),
    /// iam:AttachUserPolicy, iam:AttachRolePolicy (rule T21).
    Attach(Ix, Box<str>),
    /// iam:AttachGroupPolicy of AdministratorAccess (rule T21).
    AttachToGroup(AccountId, Box<str>, Box<str>),
    /// iam:CreatePolicyVersion (rule T22).
    Rewrite(Box<str>),
    /// iam:SetDefaultPolicyVersion (rule T23).
    SetDefault(Box<str>, Box<str>),
    /// iam:AddUserToGroup (rule T24).
    Join(Ix, AccountId, Box<str>),
    /// iam:UpdateAssumeRolePolicy (rule T25).
    Trust(Ix),
    /// A call about the organization (rule T37).
    Organize(OrgMove),
    /// A call about IAM Identity Center, by its place in the table, towards the role of a permission set
    /// (rule T42).
    Center(usize, Ix),
    /// iam:CreateGroup (rule T35).
    CreateGroup(AccountId, Box<str>),
    /// iam:CreatePolicy of one that allows everything (rule T21).
    CreatePolicy(Box<str>),
    /// iam:CreateUser (rule T35).
    CreateUser(Ix),
    /// iam:CreateRole (rule T35).
    CreateRole(Ix),
    /// iam:DeleteUserPermissionsBoundary, iam:DeleteRolePermissionsBoundary (rule T30).
    DeleteBoundary(Ix),
    /// iam:PutUserPermissionsBoundary, iam:PutRolePermissionsBoundary (rule T30).
    PutBoundary(Ix, Box<str>),
    /// What takes a policy that denies away (rule T31).
    Remove(Ix, Carrier),
    /// What makes an identity provider vouch for subjects of the caller's making (rule T41).
    Federate(ControlAction, Ix),
    /// iam:TagUser, iam:TagRole (rule T34).
    Tag(Ix, TagSet),
    /// iam:UntagUser, iam:UntagRole (rule T34).
    Untag(Ix, Box<[Box<str>]>),
}

impl Move {
    /// The rule of the primitive; nothing for an edge.
    pub(super) fn primitive(&self) -> Option<&'static str> {
        Some(match self {
            Self::Assume(_)
            | Self::AssumeTagged(_)
            | Self::FederationToken(_)
            | Self::FederationTagged(_) => return None,
            Self::AccessKey(_) => "T26",
            Self::LoginProfile { .. } => "T27",
            Self::Launch(launch, _) => match LAUNCHES.get(*launch) {
                Some(Launch { passes: false, .. }) => "T29",
                _ => "T28",
            },
            Self::PutPolicy(_) | Self::PutGroupPolicy(..) => "T20",
            Self::Attach(..) | Self::AttachToGroup(..) | Self::CreatePolicy(_) => "T21",
            Self::Rewrite(_) => "T22",
            Self::SetDefault(..) => "T23",
            Self::Join(..) => "T24",
            Self::Trust(_) => "T25",
            Self::CreateUser(_) | Self::CreateRole(_) | Self::CreateGroup(..) => "T35",
            Self::Organize(_) => "T37",
            Self::Center(..) => "T42",
            Self::DeleteBoundary(_) | Self::PutBoundary(..) => "T30",
            Self::Remove(..) => "T31",
            Self::Federate(..) => "T41",
            Self::Tag(..) | Self::Untag(..) => "T34",
        })
    }
}

impl Move {
    /// Whether it counts as a primitive: policies of what was made, which rule T35 asks for, do not, nor does
    /// making one that is then attached.
    pub(super) fn is_counted(&self, cast: &Cast<'_>) -> bool {
        match self {
            Self::PutPolicy(at) | Self::Attach(at, _) if cast.made(*at).is_some() => false,
            Self::PutGroupPolicy(account, name) | Self::AttachToGroup(account, name, _)
                if cast.new_group(*account, name).is_some() =>
            {
                false
            }
            Self::CreatePolicy(_) => false,
            _ => self.primitive().is_some(),
        }
    }
}

impl Move {
    /// The user, role or session that is taken on or changed, and whether it is given other tags; nothing where
    /// others may be concerned.
    pub(super) fn whose(&self) -> Option<(Ix, bool)> {
        match self {
            Self::Tag(at, _) | Self::Untag(at, _) => Some((*at, true)),
            Self::AssumeTagged(at)
            | Self::FederationTagged(at)
            | Self::Assume(at)
            | Self::FederationToken(at)
            | Self::AccessKey(at)
            | Self::LoginProfile { user: at, .. }
            | Self::Launch(_, at)
            | Self::PutPolicy(at)
            | Self::Attach(at, _)
            | Self::Join(at, ..)
            | Self::Trust(at)
            | Self::DeleteBoundary(at)
            | Self::PutBoundary(at, _)
            | Self::Center(_, at)
            | Self::Remove(at, _) => Some((*at, false)),
            Self::PutGroupPolicy(..)
            | Self::AttachToGroup(..)
            | Self::Rewrite(_)
            | Self::SetDefault(..)
            | Self::Organize(_)
            | Self::CreateGroup(..)
            | Self::CreatePolicy(_)
            | Self::CreateUser(_)
            | Self::CreateRole(_)
            | Self::Federate(..) => None,
        }
    }

    /// Who has other tags by it: a user or role (rule T34), or a session (rules T7, T12).
    pub(super) fn tagged(&self) -> Option<Ix> {
        match self {
            Self::Tag(at, _)
            | Self::Untag(at, _)
            | Self::AssumeTagged(at)
            | Self::FederationTagged(at) => Some(*at),
            _ => None,
        }
    }
}

/// What a move gives.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Gain {
    /// An identity to call as.
    Held(Ix),
    /// A session of a role with whatever tags are wanted (rule T7).
    Tagged(Ix),
    /// Something is changed.
    Changed(Change),
}

/// A move that is open to somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Open {
    /// What is done.
    pub(super) what: Move,
    /// What must be done before, by the same caller.
    pub(super) before: Option<Move>,
    /// What it gives.
    pub(super) gain: Gain,
    /// Whether it is allowed; never [`Chance::No`].
    pub(super) chance: Chance,
}

/// The moves of one principal, as they are found.
pub(super) struct Moves<'c, 'w> {
    pub(super) cast: &'c Cast<'w>,
    pub(super) asker: &'c Asker<'c, 'w>,
    side: ControlSide<'c>,
    possible: ControlSet,
    /// The one who alone is called on, where it is one (rule T34).
    only: Option<Ix>,
    /// What every request on it says: the tags that it has by then.
    base: Context,
    found: Vec<Open>,
}

use ControlAction as A;

impl<'c, 'w> Moves<'c, 'w> {
    /// Every move that is open to the asker but those of taking on a role and about the organization.
    pub(super) fn of(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>) -> Vec<Open> {
        let mut moves = Self::none(cast, asker);
        if moves.asker.account().is_some() && !asker.is_outside() {
            moves.take_on();
            moves.federate();
            moves.make();
            moves.write();
            moves.launch();
            moves.center();
        }
        moves.found
    }

    /// The calls about the organization that are open to the asker.
    pub(super) fn organizing(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>) -> Vec<Open> {
        let mut moves = Self::none(cast, asker);
        if moves.asker.account().is_some() && !asker.is_outside() {
            moves.organize();
        }
        moves.found
    }

    /// The roles that the asker can take on, those aside whose trust policies were changed, and what it alone
    /// of its class can do.
    pub(super) fn assumed(
        cast: &'c Cast<'w>,
        asker: &'c Asker<'c, 'w>,
        takes_tags: impl Fn(Ix) -> bool,
    ) -> Vec<Open> {
        let mut moves = Self::none(cast, asker);
        moves.assume(takes_tags);
        if moves.asker.account().is_some() && !asker.is_outside() {
            moves.tag_itself();
            moves.tag_alike();
            moves.session_of_its_own();
        }
        moves.found
    }

    fn none(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>) -> Self {
        Self::on(cast, asker, None, Context::default())
    }

    /// None yet, of those on `only` whose requests say `base`.
    fn on(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>, only: Option<Ix>, base: Context) -> Self {
        let side = asker.side(&base);
        let possible = side.possible();
        Self { cast, asker, side, possible, only, base, found: Vec::new() }
    }

    /// Those of several who are called on.
    fn called_on(&self, mut all: Vec<Ix>) -> Vec<Ix> {
        all.retain(|at| self.is_called_on(*at));
        all
    }

    fn is_called_on(&self, at: Ix) -> bool {
        self.only.is_none_or(|only| only == at)
    }

    pub(super) fn add(&mut self, what: Move, gain: Gain, chance: Chance) {
        self.add_after(None, what, gain, chance);
    }

    fn add_after(&mut self, before: Option<Move>, what: Move, gain: Gain, chance: Chance) {
        if chance > Chance::No {
            self.found.push(Open { what, before, gain, chance });
        }
    }

    pub(super) fn can(&self, action: ControlAction) -> bool {
        self.possible.contains(action)
    }

    /// Rules T3 to T8: roles that trust it, or its account, or everyone.
    fn assume(&mut self, takes_tags: impl Fn(Ix) -> bool) {
        let action = self.asker.assume_action();
        let mut roles: Vec<Ix> = self.asker.member().named_by.clone();
        if let Some(household) = self.cast.household(self.asker.at) {
            // Both the account and its identity policies must let it.
            let may = self.can(action) || self.asker.is_root();
            let trusted = household.trusted_by.iter().copied();
            let trusted = trusted.filter(|role| may && self.is_called_on(*role));
            roles.extend(trusted.filter(|role| self.could_target(action, *role)));
        }
        roles.extend(self.cast.open_roles.iter().copied());
        roles.sort_unstable();
        roles.dedup();
        for role in self.called_on(roles) {
            for at in self.cast.taken_on_as(role) {
                self.assume_as(action, (role, at), takes_tags(role));
            }
        }
    }

    /// A role, taken on under any name or that of the session `at`.
    fn assume_as(&mut self, action: ControlAction, (role, at): (Ix, Ix), takes_tags: bool) {
        let Some(arn) = self.cast.arn(role) else { return };
        let mut context = self.base.clone();
        context.lay_over(&self.cast.naming(at));
        let asker = self.asker;
        let named = (role != at).then(|| asker.side(&context));
        let side = named.as_ref().unwrap_or(&self.side);
        let tagging = || side.chance(A::STS_TAG_SESSION, arn);
        let mut chance = side.chance(action, arn);
        let is_plain = action == A::STS_ASSUME_ROLE;
        // Rule T7: where the trust policy wants tags, they are a permission of their own.
        if chance > Chance::No && is_plain && self.cast.wants_tags(role) {
            context.lay_over(&untagged());
            let tagged = tagging().min(chance);
            chance = asker.side(&context).chance(action, arn).max(tagged);
        }
        let tagged = match chance > Chance::No && is_plain && takes_tags {
            true => tagging().min(chance),
            false => Chance::No,
        };
        // A role that takes on itself gains tags at most.
        if at != asker.at {
            self.add(Move::Assume(at), Gain::Held(at), chance);
        }
        self.add(Move::AssumeTagged(at), Gain::Tagged(at), tagged);
    }

    /// Rule T12: sessions that policies name. No policy of the session stands with them, so that they are of
    /// use where they are named alone.
    fn session_of_its_own(&mut self) {
        let kind = &self.asker.member().caller.kind;
        let makes = matches!(kind, CallerKind::User | CallerKind::Root);
        let action = A::STS_GET_FEDERATION_TOKEN;
        let household = self.cast.household(self.asker.at).filter(|_| makes && self.can(action));
        let sessions = household.map(|it| it.sessions.clone()).unwrap_or_default();
        if sessions.is_empty() {
            return;
        }
        let plain = self.asker.side(&untagged());
        for (at, chance) in self.among(&plain, action, &sessions) {
            self.add(Move::FederationToken(at), Gain::Held(at), chance);
        }
        // Rule T7: tags are a permission of their own.
        for (at, chance) in self.among(&self.side, action, &sessions) {
            let arn = self.cast.arn(at).unwrap_or_default();
            let chance = chance.min(self.side.chance(A::STS_TAG_SESSION, arn));
            self.add(Move::FederationTagged(at), Gain::Tagged(at), chance);
        }
    }

    fn could_target(&self, action: ControlAction, at: Ix) -> bool {
        self.cast.arn(at).is_some_and(|arn| self.side.could_target(action, arn))
    }

    /// What the caller may do with several users or roles, by number.
    fn among(
        &self,
        side: &ControlSide<'_>,
        action: ControlAction,
        targets: &[Ix],
    ) -> Vec<(Ix, Chance)> {
        let known = targets.iter().filter_map(|at| Some((*at, self.cast.arn(*at)?)));
        let known: Vec<(Ix, &str)> = known.collect();
        let chances = side.chances(action, known.iter().map(|(_, arn)| *arn));
        let all = known.into_iter().map(|(at, _)| at).zip(chances);
        all.filter(|(_, chance)| *chance > Chance::No).collect()
    }

    /// Rules T26, T27: users whose credentials can be made.
    fn take_on(&mut self) {
        let users = self.users();
        type Way = (ControlAction, fn(Ix) -> Move);
        let ways: [Way; 3] = [
            (A::IAM_CREATE_ACCESS_KEY, Move::AccessKey),
            (A::IAM_CREATE_LOGIN_PROFILE, |user| Move::LoginProfile { user, update: false }),
            (A::IAM_UPDATE_LOGIN_PROFILE, |user| Move::LoginProfile { user, update: true }),
        ];
        let possible = self.possible;
        for (action, what) in ways.into_iter().filter(|(action, _)| possible.contains(*action)) {
            for (user, chance) in self.among(&self.side, action, &users) {
                self.add(what(user), Gain::Held(user), chance);
            }
        }
    }

    /// Rule T41: providers that roles trust; which of them stand there was not exported. A client id that
    /// is added is no way: such a provider vouches for whom it knows, and for no other audience.
    fn federate(&mut self) {
        let household = self.cast.household(self.asker.at);
        let providers = household.map(|it| it.providers.clone()).unwrap_or_default();
        let of_saml = |at: &Ix| self.cast.arn(*at).is_some_and(is_saml);
        let (saml, others): (Vec<Ix>, Vec<Ix>) = providers.into_iter().partition(of_saml);
        let ways = [
            (A::IAM_UPDATE_SAML_PROVIDER, &saml),
            (A::IAM_CREATE_SAML_PROVIDER, &saml),
            (A::IAM_CREATE_OPEN_ID_CONNECT_PROVIDER, &others),
        ];
        let possible = self.possible;
        for (action, providers) in ways.into_iter().filter(|(action, _)| possible.contains(*action))
        {
            for (at, chance) in self.among(&self.side, action, providers) {
                let chance = chance.min(Chance::AsTold);
                self.add(Move::Federate(action, at), Gain::Held(at), chance);
            }
        }
    }

    fn users(&self) -> Vec<Ix> {
        let users = self.cast.household(self.asker.at).map(|it| it.users.clone());
        self.called_on(users.unwrap_or_default())
    }

    fn roles(&self) -> Vec<Ix> {
        let roles = self.cast.household(self.asker.at).map(|it| it.roles.clone());
        let mut roles = roles.unwrap_or_default();
        let is_free = |it: &Identity| !it.is_service_linked() && !is_reserved(&it.arn);
        roles.retain(|at| self.cast.identity(*at).is_some_and(is_free));
        self.called_on(roles)
    }

    fn groups(&self) -> Vec<&'w Group> {
        let account = self.cast.household(self.asker.at).and_then(|it| it.account);
        account.into_iter().flat_map(|account| account.groups.values()).collect()
    }
}

/// A request that gives no tags.
fn untagged() -> Context {
    let mut context = Context::default();
    context.set_absent("aws:RequestTag/*");
    context.set_absent("aws:TagKeys");
    context
}

impl Cast<'_> {
    /// The ARN of a member.
    pub(super) fn arn(&self, at: Ix) -> Option<&str> {
        self.member(at).map(|member| &*member.caller.text)
    }

    /// The user or role that a member is, or could be made.
    pub(super) fn identity(&self, at: Ix) -> Option<&Identity> {
        let there = self.member(at).and_then(|member| member.identity);
        there.or_else(|| self.made(at))
    }

    /// The ARN of a group.
    pub(super) fn group_arn(&self, account: AccountId, name: &str) -> Option<Box<str>> {
        let group = self.world.account(account)?.groups.get(name);
        group.map(|group| group.arn.clone()).or_else(|| self.new_group(account, name))
    }

    /// The ARN of a group that could be made (rule T35).
    pub(super) fn new_group(&self, account: AccountId, name: &str) -> Option<Box<str>> {
        self.accounts.get(&account)?.new_groups.get(name).cloned()
    }
}
