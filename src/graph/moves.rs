//! What one principal can do on the way, as it is or as others made it (sections 5.1 and 5.2).

use crate::access::ControlSide;
use crate::aws::{AccountId, ControlAction, ControlSet};
use crate::decision::{Chance, Context};
use crate::inventory::{Group, Identity, IdentityKind};

use super::asker::{Asker, site};
use super::cast::{Cast, Ix};
use super::change::{Carrier, Change, GroupName, administrator_access, deniers};
use super::launch::{LAUNCHES, Launch};

/// Something that can be done, by one call or, for a launch, by calls that go together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Move {
    /// sts:AssumeRole, by its like for subjects of providers (rules T3 to T8).
    Assume(Ix),
    /// sts:AssumeRole with session tags (rule T7).
    AssumeTagged(Ix),
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
    /// iam:DeleteUserPermissionsBoundary, iam:DeleteRolePermissionsBoundary (rule T30).
    DeleteBoundary(Ix),
    /// iam:PutUserPermissionsBoundary, iam:PutRolePermissionsBoundary (rule T30).
    PutBoundary(Ix),
    /// What takes a policy that denies away (rule T31).
    Remove(Ix, Carrier),
    /// iam:TagUser, iam:TagRole (rule T34).
    Tag(Ix, Box<str>, Box<str>),
    /// iam:UntagUser, iam:UntagRole (rule T34).
    Untag(Ix, Box<str>),
}

impl Move {
    /// The rule of the primitive; nothing for an edge.
    pub(super) fn primitive(&self) -> Option<&'static str> {
        Some(match self {
            Self::Assume(_) | Self::AssumeTagged(_) => return None,
            Self::AccessKey(_) => "T26",
            Self::LoginProfile { .. } => "T27",
            Self::Launch(launch, _) => match LAUNCHES.get(*launch) {
                Some(Launch { passes: false, .. }) => "T29",
                _ => "T28",
            },
            Self::PutPolicy(_) | Self::PutGroupPolicy(..) => "T20",
            Self::Attach(..) | Self::AttachToGroup(..) => "T21",
            Self::Rewrite(_) => "T22",
            Self::SetDefault(..) => "T23",
            Self::Join(..) => "T24",
            Self::Trust(_) => "T25",
            Self::DeleteBoundary(_) | Self::PutBoundary(_) => "T30",
            Self::Remove(..) => "T31",
            Self::Tag(..) | Self::Untag(..) => "T34",
        })
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
    /// What it gives.
    pub(super) gain: Gain,
    /// Whether it is allowed; never [`Chance::No`].
    pub(super) chance: Chance,
}

/// The moves of one principal, as they are found.
pub(super) struct Moves<'c, 'w> {
    cast: &'c Cast<'w>,
    asker: &'c Asker<'c, 'w>,
    side: ControlSide<'c>,
    possible: ControlSet,
    found: Vec<Open>,
}

use ControlAction as A;

impl<'c, 'w> Moves<'c, 'w> {
    /// Every move that is open to the asker but that of taking on a role.
    pub(super) fn of(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>) -> Vec<Open> {
        let mut moves = Self::none(cast, asker);
        if moves.asker.account().is_some() && !asker.is_outside() {
            moves.take_on();
            moves.write();
            moves.launch();
        }
        moves.found
    }

    /// The roles that the asker can take on, those aside whose trust policies were changed.
    pub(super) fn assumed(
        cast: &'c Cast<'w>,
        asker: &'c Asker<'c, 'w>,
        takes_tags: impl Fn(Ix) -> bool,
    ) -> Vec<Open> {
        let mut moves = Self::none(cast, asker);
        moves.assume(takes_tags);
        moves.found
    }

    fn none(cast: &'c Cast<'w>, asker: &'c Asker<'c, 'w>) -> Self {
        let side = asker.side(&Context::default());
        let possible = side.possible();
        Self { cast, asker, side, possible, found: Vec::new() }
    }

    fn add(&mut self, what: Move, gain: Gain, chance: Chance) {
        if chance > Chance::No {
            self.found.push(Open { what, gain, chance });
        }
    }

    fn can(&self, action: ControlAction) -> bool {
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
            roles.extend(trusted.filter(|role| may && self.could_target(action, *role)));
        }
        roles.extend(self.cast.open_roles.iter().copied());
        roles.sort_unstable();
        roles.dedup();
        for role in roles {
            let Some(arn) = self.cast.arn(role) else { continue };
            let chance = self.side.chance(action, arn);
            // A role that takes on itself gains tags at most.
            if role != self.asker.at {
                self.add(Move::Assume(role), Gain::Held(role), chance);
            }
            if chance > Chance::No && action == A::STS_ASSUME_ROLE && takes_tags(role) {
                let chance = chance.min(self.side.chance(A::STS_TAG_SESSION, arn));
                self.add(Move::AssumeTagged(role), Gain::Tagged(role), chance);
            }
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

    fn users(&self) -> Vec<Ix> {
        self.cast.household(self.asker.at).map(|it| it.users.clone()).unwrap_or_default()
    }

    fn roles(&self) -> Vec<Ix> {
        let roles = self.cast.household(self.asker.at).map(|it| it.roles.clone());
        let mut roles = roles.unwrap_or_default();
        roles.retain(|at| self.cast.identity(*at).is_some_and(|it| !it.is_service_linked()));
        roles
    }

    fn groups(&self) -> Vec<&'w Group> {
        let account = self.cast.household(self.asker.at).and_then(|it| it.account);
        account.into_iter().flat_map(|account| account.groups.values()).collect()
    }

    /// The rest of section 5.2: what changes users, roles, groups and policies.
    fn write(&mut self) {
        for (kind, targets) in
            [(IdentityKind::User, self.users()), (IdentityKind::Role, self.roles())]
        {
            self.put(kind, &targets);
            self.attach(kind, &targets);
            self.unbind(kind, &targets);
            self.undeny(kind, &targets);
            self.tag(kind, &targets);
        }
        if self.can(A::IAM_UPDATE_ASSUME_ROLE_POLICY) {
            let roles = self.roles();
            for (role, chance) in self.bounded_among(A::IAM_UPDATE_ASSUME_ROLE_POLICY, &roles) {
                self.add(Move::Trust(role), Gain::Changed(Change::Trusting(role)), chance);
            }
        }
        self.groups_written();
        self.policies_written();
    }

    /// [`Moves::among`] where requests carry the target's boundary.
    fn bounded_among(&self, action: ControlAction, targets: &[Ix]) -> Vec<(Ix, Chance)> {
        if !self.cast.hears_boundaries {
            return self.among(&self.side, action, targets);
        }
        let mut found = Vec::new();
        for target in targets {
            let side = self.asker.side(&self.boundary_of(*target));
            found.extend(self.among(&side, action, &[*target]));
        }
        found
    }

    fn boundary_of(&self, target: Ix) -> Context {
        let mut context = Context::default();
        let boundary = self.cast.identity(target).and_then(|it| it.boundary.as_ref());
        match boundary {
            Some(boundary) => context.set_one("iam:PermissionsBoundary", &boundary.arn),
            None => context.set_absent("iam:PermissionsBoundary"),
        }
        context
    }

    /// Rule T20.
    fn put(&mut self, kind: IdentityKind, targets: &[Ix]) {
        let action = match kind {
            IdentityKind::User => A::IAM_PUT_USER_POLICY,
            IdentityKind::Role => A::IAM_PUT_ROLE_POLICY,
        };
        if self.can(action) {
            for (target, chance) in self.bounded_among(action, targets) {
                let gain = Gain::Changed(Change::Everything(target));
                self.add(Move::PutPolicy(target), gain, chance);
            }
        }
    }

    /// Rule T21: AdministratorAccess where it may be, else what may be.
    fn attach(&mut self, kind: IdentityKind, targets: &[Ix]) {
        let action = match kind {
            IdentityKind::User => A::IAM_ATTACH_USER_POLICY,
            IdentityKind::Role => A::IAM_ATTACH_ROLE_POLICY,
        };
        if !self.can(action) {
            return;
        }
        let administrator: Box<str> = administrator_access(self.asker.partition()).into();
        let widest = self.attachable(action, targets, &administrator);
        for (target, chance) in &widest {
            let gain = Gain::Changed(Change::Everything(*target));
            self.add(Move::Attach(*target, administrator.clone()), gain, *chance);
        }
        let sure = |at: &Ix| widest.iter().any(|(known, it)| known == at && *it == Chance::Sure);
        let others: Vec<Ix> = targets.iter().copied().filter(|at| !sure(at)).collect();
        if others.is_empty() {
            return;
        }
        let account = self.cast.household(self.asker.at).and_then(|household| household.account);
        let policies = account.into_iter().flat_map(|account| account.policies.keys());
        for policy in policies.map(Into::into).collect::<Vec<Box<str>>>() {
            let has = |at: &Ix| {
                let identity = self.cast.identity(*at);
                identity.is_some_and(|it| it.attached.iter().any(|one| one.arn == policy))
            };
            let targets: Vec<Ix> = others.iter().copied().filter(|at| !has(at)).collect();
            for (target, chance) in self.attachable(action, &targets, &policy) {
                let gain = Gain::Changed(Change::Attached(target, policy.clone()));
                self.add(Move::Attach(target, policy.clone()), gain, chance);
            }
        }
    }

    /// Which users or roles a managed policy may be attached to.
    fn attachable(&self, action: ControlAction, targets: &[Ix], policy: &str) -> Vec<(Ix, Chance)> {
        let with_policy = |mut context: Context| {
            context.set_one("iam:PolicyARN", policy);
            self.asker.side(&context)
        };
        if !self.cast.hears_boundaries {
            return self.among(&with_policy(Context::default()), action, targets);
        }
        let each = targets.iter();
        each.flat_map(|at| self.among(&with_policy(self.boundary_of(*at)), action, &[*at]))
            .collect()
    }

    /// Rule T30.
    fn unbind(&mut self, kind: IdentityKind, targets: &[Ix]) {
        let (delete, put) = match kind {
            IdentityKind::User => {
                (A::IAM_DELETE_USER_PERMISSIONS_BOUNDARY, A::IAM_PUT_USER_PERMISSIONS_BOUNDARY)
            }
            IdentityKind::Role => {
                (A::IAM_DELETE_ROLE_PERMISSIONS_BOUNDARY, A::IAM_PUT_ROLE_PERMISSIONS_BOUNDARY)
            }
        };
        let has = |at: &Ix| self.cast.identity(*at).is_some_and(|it| it.boundary.is_some());
        let bound: Vec<Ix> = targets.iter().copied().filter(has).collect();
        if self.can(delete) {
            for (target, chance) in self.bounded_among(delete, &bound) {
                let gain = Gain::Changed(Change::Unbounded(target));
                self.add(Move::DeleteBoundary(target), gain, chance);
            }
        }
        if self.can(put) && !bound.is_empty() {
            // The condition key is the boundary that is put.
            let mut context = Context::default();
            let wide = administrator_access(self.asker.partition());
            context.set_one("iam:PermissionsBoundary", &wide);
            let side = self.asker.side(&context);
            for (target, chance) in self.among(&side, put, &bound) {
                let gain = Gain::Changed(Change::Unbounded(target));
                self.add(Move::PutBoundary(target), gain, chance);
            }
        }
    }

    /// Rule T31.
    fn undeny(&mut self, kind: IdentityKind, targets: &[Ix]) {
        if !REMOVING.iter().any(|action| self.can(*action)) {
            return;
        }
        for target in targets.iter().copied() {
            let Some(identity) = self.cast.identity(target) else { continue };
            for carrier in deniers(self.cast, identity) {
                let chance = self.removable(kind, target, identity, &carrier);
                let gain = Gain::Changed(Change::Without(target, carrier.clone()));
                self.add(Move::Remove(target, carrier), gain, chance);
            }
        }
    }

    fn removable(
        &self,
        kind: IdentityKind,
        target: Ix,
        identity: &Identity,
        carrier: &Carrier,
    ) -> Chance {
        let (delete, detach) = match kind {
            IdentityKind::User => (A::IAM_DELETE_USER_POLICY, A::IAM_DETACH_USER_POLICY),
            IdentityKind::Role => (A::IAM_DELETE_ROLE_POLICY, A::IAM_DETACH_ROLE_POLICY),
        };
        let group = |name: &str| self.cast.group_arn(identity.account, name);
        let mut context = self.boundary_of(target);
        let (action, arn) = match carrier {
            Carrier::Inline(_) => (delete, Some(identity.arn.clone())),
            Carrier::Attached(policy) => {
                context.set_one("iam:PolicyARN", policy);
                (detach, Some(identity.arn.clone()))
            }
            Carrier::Group(name) => (A::IAM_REMOVE_USER_FROM_GROUP, group(name)),
            Carrier::GroupInline(name, _) => (A::IAM_DELETE_GROUP_POLICY, group(name)),
            Carrier::GroupAttached(name, policy) => {
                context = Context::default();
                context.set_one("iam:PolicyARN", policy);
                (A::IAM_DETACH_GROUP_POLICY, group(name))
            }
        };
        match arn {
            Some(arn) if self.can(action) => self.asker.side(&context).chance(action, &arn),
            _ => Chance::No,
        }
    }

    /// Rule T34: tags that some policy asks for.
    fn tag(&mut self, kind: IdentityKind, targets: &[Ix]) {
        let (tag, untag) = match kind {
            IdentityKind::User => (A::IAM_TAG_USER, A::IAM_UNTAG_USER),
            IdentityKind::Role => (A::IAM_TAG_ROLE, A::IAM_UNTAG_ROLE),
        };
        let asked = self.asker.account().into_iter().flat_map(|it| self.cast.asked_in(it));
        let pairs: Vec<(Box<str>, Box<str>)> =
            asked.flat_map(|asked| asked.principal_tags.iter().cloned()).collect();
        let possible = self.possible;
        for (key, value) in pairs.iter().filter(|_| possible.contains(tag)) {
            let mut context = Context::default();
            context.set_one(&format!("aws:RequestTag/{key}"), value);
            context.set("aws:TagKeys", crate::decision::ContextValue::Many(vec![key.clone()]));
            let side = self.asker.side(&context);
            let other = |at: &Ix| {
                let identity = self.cast.identity(*at);
                identity.is_some_and(|it| it.tags.get(key).is_none_or(|has| has != value))
            };
            let targets: Vec<Ix> = targets.iter().copied().filter(other).collect();
            for (target, chance) in self.among(&side, tag, &targets) {
                let gain = Gain::Changed(Change::Tagged(target, key.clone(), value.clone()));
                self.add(Move::Tag(target, key.clone(), value.clone()), gain, chance);
            }
        }
        let keys: std::collections::BTreeSet<Box<str>> =
            pairs.into_iter().map(|(key, _)| key).collect();
        for key in keys.into_iter().filter(|_| possible.contains(untag)) {
            let mut context = Context::default();
            context.set("aws:TagKeys", crate::decision::ContextValue::Many(vec![key.clone()]));
            let side = self.asker.side(&context);
            let has =
                |at: &Ix| self.cast.identity(*at).is_some_and(|it| it.tags.get(&key).is_some());
            let targets: Vec<Ix> = targets.iter().copied().filter(has).collect();
            for (target, chance) in self.among(&side, untag, &targets) {
                let gain = Gain::Changed(Change::Untagged(target, key.clone()));
                self.add(Move::Untag(target, key.clone()), gain, chance);
            }
        }
    }

    /// Rules T20, T21, T24 for groups.
    fn groups_written(&mut self) {
        let administrator = administrator_access(self.asker.partition());
        for group in self.groups() {
            let Some(account) = self.asker.account() else { return };
            let name = (account, group.name.clone());
            let opened = || Gain::Changed(Change::OpenGroup(name.clone()));
            if self.can(A::IAM_PUT_GROUP_POLICY) {
                let chance = self.side.chance(A::IAM_PUT_GROUP_POLICY, &group.arn);
                self.add(Move::PutGroupPolicy(account, group.name.clone()), opened(), chance);
            }
            if self.can(A::IAM_ATTACH_GROUP_POLICY) {
                let mut context = Context::default();
                context.set_one("iam:PolicyARN", &administrator);
                let side = self.asker.side(&context);
                let chance = side.chance(A::IAM_ATTACH_GROUP_POLICY, &group.arn);
                let policy = administrator.as_str().into();
                let what = Move::AttachToGroup(account, group.name.clone(), policy);
                self.add(what, opened(), chance);
                if chance != Chance::Sure {
                    self.give(group, &name);
                }
            }
            if self.can(A::IAM_ADD_USER_TO_GROUP) {
                let chance = self.side.chance(A::IAM_ADD_USER_TO_GROUP, &group.arn);
                for user in self.users() {
                    let is_in =
                        self.cast.identity(user).is_some_and(|it| it.groups.contains(&group.name));
                    if !is_in {
                        let gain = Gain::Changed(Change::Joined(user, name.clone()));
                        self.add(Move::Join(user, account, group.name.clone()), gain, chance);
                    }
                }
            }
        }
    }

    /// Rule T21: what else than AdministratorAccess may be attached to a group.
    fn give(&mut self, group: &Group, name: &GroupName) {
        let household = self.cast.household(self.asker.at).and_then(|it| it.account);
        let policies = household.into_iter().flat_map(|account| account.policies.keys());
        let has = |policy: &str| group.attached.iter().any(|one| *one.arn == *policy);
        for policy in policies.filter(|policy| !has(policy)) {
            let mut context = Context::default();
            context.set_one("iam:PolicyARN", policy);
            let side = self.asker.side(&context);
            let chance = side.chance(A::IAM_ATTACH_GROUP_POLICY, &group.arn);
            let policy: Box<str> = policy.into();
            let what = Move::AttachToGroup(name.0, name.1.clone(), policy.clone());
            self.add(what, Gain::Changed(Change::Given(name.clone(), policy)), chance);
        }
    }

    /// Rules T22, T23.
    fn policies_written(&mut self) {
        if !self.can(A::IAM_CREATE_POLICY_VERSION) && !self.can(A::IAM_SET_DEFAULT_POLICY_VERSION) {
            return;
        }
        let policies: Vec<_> = self.cast.own_policies(self.asker.at).collect();
        for policy in policies {
            let chance = self.side.chance(A::IAM_CREATE_POLICY_VERSION, &policy.arn);
            let gain = Gain::Changed(Change::Rewritten(policy.arn.clone()));
            self.add(Move::Rewrite(policy.arn.clone()), gain, chance);
            let others = policy.versions.iter().map(|version| version.id.clone());
            let others = others.filter(|id| Some(id) != policy.default_version.as_ref());
            let chance = self.side.chance(A::IAM_SET_DEFAULT_POLICY_VERSION, &policy.arn);
            for version in others.collect::<Vec<_>>() {
                let change = Change::Version(policy.arn.clone(), version.clone());
                let what = Move::SetDefault(policy.arn.clone(), version);
                self.add(what, Gain::Changed(change), chance);
            }
        }
    }

    /// Rules T28, T29, T50, T51.
    fn launch(&mut self) {
        let Some(account) = self.asker.account() else { return };
        for (nth, launch) in LAUNCHES.iter().enumerate() {
            if !launch.actions.iter().all(|action| self.can(*action)) {
                continue;
            }
            if launch.passes && !self.can(A::IAM_PASS_ROLE) {
                continue;
            }
            let serving: Vec<Ix> = self
                .roles()
                .into_iter()
                .filter(|at| self.cast.trusts(*at, launch.service))
                .collect();
            if serving.is_empty() {
                continue;
            }
            let started = self.started(launch, account);
            if started == Chance::No {
                continue;
            }
            // What runs under which role was not exported.
            let started = if launch.existing { started.min(Chance::AsTold) } else { started };
            let mut context = Context::default();
            context.set_one("iam:PassedToService", launch.service);
            let side = self.asker.side(&context);
            let passed = match launch.passes {
                true => self.among(&side, A::IAM_PASS_ROLE, &serving),
                false => serving.into_iter().map(|at| (at, Chance::Sure)).collect(),
            };
            for (role, chance) in passed {
                self.add(Move::Launch(nth, role), Gain::Held(role), chance.min(started));
            }
        }
    }

    /// Whether all companion actions of a launch are allowed somewhere.
    fn started(&self, launch: &Launch, account: AccountId) -> Chance {
        let caller = &self.asker.member().caller;
        let side = |context: &Context| self.asker.side(context);
        let site = site(side, caller, launch, self.cast.regions_of(account));
        site.map_or(Chance::No, |site| site.chance)
    }
}

/// What takes a policy away from somebody (rule T31).
const REMOVING: [ControlAction; 7] = [
    A::IAM_DELETE_USER_POLICY,
    A::IAM_DELETE_ROLE_POLICY,
    A::IAM_DELETE_GROUP_POLICY,
    A::IAM_DETACH_USER_POLICY,
    A::IAM_DETACH_ROLE_POLICY,
    A::IAM_DETACH_GROUP_POLICY,
    A::IAM_REMOVE_USER_FROM_GROUP,
];

impl Cast<'_> {
    /// The ARN of a member.
    pub(super) fn arn(&self, at: Ix) -> Option<&str> {
        self.member(at).map(|member| &*member.caller.text)
    }

    /// The user or role that a member is.
    pub(super) fn identity(&self, at: Ix) -> Option<&Identity> {
        self.member(at).and_then(|member| member.identity)
    }

    /// The ARN of a group.
    pub(super) fn group_arn(&self, account: AccountId, name: &str) -> Option<Box<str>> {
        self.world.account(account)?.groups.get(name).map(|group| group.arn.clone())
    }

    /// Whether a role's trust policy names a service (rule T9).
    pub(super) fn trusts(&self, role: Ix, service: &str) -> bool {
        use crate::policy::Principal;
        let trust = self.identity(role).and_then(|role| role.trust.as_ref());
        trust.is_some_and(|trust| {
            let statements = trust.policy().statements.iter().filter(|it| it.allows());
            let elements = statements.filter_map(|statement| statement.principal.as_ref());
            let mut entries = elements.flat_map(|element| &element.entries);
            entries
                .any(|entry| matches!(&entry.value, Principal::Service(name) if **name == *service))
        })
    }
}
