//! What changes users, roles, groups and policies (section 5.2).

use crate::aws::ControlAction as A;
use crate::aws::ControlAction;
use crate::decision::{Chance, Context};
use crate::inventory::{Group, Identity, IdentityKind};

use super::super::cast::Ix;
use super::super::change::{Carrier, Change, GroupName, administrator_access, deniers};
use super::{Gain, Move, Moves};

impl Moves<'_, '_> {
    /// The rest of section 5.2: what changes users, roles, groups and policies.
    pub(super) fn write(&mut self) {
        for (kind, mut targets) in
            [(IdentityKind::User, self.users()), (IdentityKind::Role, self.roles())]
        {
            let account = self.asker.account();
            let makable = account.into_iter().flat_map(|it| self.cast.makable(it, kind));
            // Who is made with tags is called on once it has them.
            targets.extend(makable.filter(|at| self.cast.made_tags(*at).is_empty()));
            self.write_to(kind, &targets);
            self.tag(kind, &targets);
        }
        self.trust();
        self.groups_written();
        self.groups_made();
        self.policies_written();
    }

    /// What changes the policies and the boundaries of users or roles.
    pub(super) fn write_to(&mut self, kind: IdentityKind, targets: &[Ix]) {
        self.put(kind, targets);
        self.attach(kind, targets);
        self.unbind(kind, targets);
        self.undeny(kind, targets);
    }

    /// Rule T25.
    pub(super) fn trust(&mut self) {
        if self.can(A::IAM_UPDATE_ASSUME_ROLE_POLICY) {
            let roles = self.roles();
            for (role, chance) in self.bounded_among(A::IAM_UPDATE_ASSUME_ROLE_POLICY, &roles) {
                self.add(Move::Trust(role), Gain::Changed(Change::Trusting(role)), chance);
            }
        }
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
        let mut context = self.base.clone();
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
        // Where no policy asks which one is attached, the others may be where that one may.
        if others.is_empty() || !self.cast.hears_policies {
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
        self.attach_made(action, &others);
    }

    /// Which users or roles a managed policy may be attached to.
    pub(super) fn attachable(
        &self,
        action: ControlAction,
        targets: &[Ix],
        policy: &str,
    ) -> Vec<(Ix, Chance)> {
        let with_policy = |mut context: Context| {
            context.set_one("iam:PolicyARN", policy);
            self.asker.side(&context)
        };
        if !self.cast.hears_boundaries {
            return self.among(&with_policy(self.base.clone()), action, targets);
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
            self.rebind(put, bound);
        }
    }

    /// Rule T30: AdministratorAccess where it may be, else what may be.
    fn rebind(&mut self, put: ControlAction, mut left: Vec<Ix>) {
        let administrator = administrator_access(self.asker.partition());
        let account = self.cast.household(self.asker.at).and_then(|household| household.account);
        let own = account.into_iter().flat_map(|account| account.policies.keys());
        // Where no policy asks which one is put, the others may be where that one may.
        let hears = self.cast.hears_boundaries;
        let own = own.filter(|policy| hears && **policy != *administrator).map(Into::into);
        let own: Vec<Box<str>> = own.collect();
        for policy in [administrator.as_str().into()].into_iter().chain(own) {
            // The condition key is the boundary that is put.
            let mut context = self.base.clone();
            context.set_one("iam:PermissionsBoundary", &policy);
            let side = self.asker.side(&context);
            for (target, chance) in self.among(&side, put, &left) {
                let is_wide = *policy == *administrator;
                let change = match is_wide {
                    true => Change::Unbounded(target),
                    false => Change::Bounded(target, policy.clone()),
                };
                self.add(Move::PutBoundary(target, policy.clone()), Gain::Changed(change), chance);
                left.retain(|at| !is_wide || *at != target || chance != Chance::Sure);
            }
            if left.is_empty() {
                return;
            }
        }
        if hears {
            self.bind_made(put, &left);
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

    /// Rules T20, T21, T24 for groups.
    fn groups_written(&mut self) {
        for group in self.groups() {
            let Some(account) = self.asker.account() else { return };
            let name = (account, group.name.clone());
            let attached = self.open_group(&name, &group.arn);
            let is_able = self.can(A::IAM_ATTACH_GROUP_POLICY);
            if is_able && attached != Chance::Sure && self.cast.hears_policies {
                self.give(group, &name);
                self.give_made(&name, &group.arn);
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

    /// Rules T20, T21 for one group; whether AdministratorAccess may be attached.
    pub(super) fn open_group(&mut self, name: &GroupName, arn: &str) -> Chance {
        let (account, opened) = (name.0, || Gain::Changed(Change::OpenGroup(name.clone())));
        if self.can(A::IAM_PUT_GROUP_POLICY) {
            let chance = self.side.chance(A::IAM_PUT_GROUP_POLICY, arn);
            self.add(Move::PutGroupPolicy(account, name.1.clone()), opened(), chance);
        }
        if !self.can(A::IAM_ATTACH_GROUP_POLICY) {
            return Chance::No;
        }
        let administrator = administrator_access(self.asker.partition());
        let mut context = Context::default();
        context.set_one("iam:PolicyARN", &administrator);
        let chance = self.asker.side(&context).chance(A::IAM_ATTACH_GROUP_POLICY, arn);
        let what = Move::AttachToGroup(account, name.1.clone(), administrator.into());
        self.add(what, opened(), chance);
        chance
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
