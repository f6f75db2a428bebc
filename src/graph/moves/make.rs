//! Who makes users, roles, groups and policies (rules T21, T35).

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ControlAction as A;
use crate::decision::{Chance, Context, ContextValue};
use crate::inventory::IdentityKind;

use super::super::cast::Ix;
use super::super::change::{Change, GroupName};
use super::super::made::Making;
use super::super::tagging::Tag;
use super::{Gain, Move, Moves, untagged};

impl Moves<'_, '_> {
    /// Rule T35: under names that policies let in or that are free to choose.
    pub(super) fn make(&mut self) {
        let Some(account) = self.asker.account() else { return };
        let ways = [
            (A::IAM_CREATE_USER, A::IAM_TAG_USER, IdentityKind::User),
            (A::IAM_CREATE_ROLE, A::IAM_TAG_ROLE, IdentityKind::Role),
        ];
        let possible = self.possible;
        for (create, tag, kind) in ways.into_iter().filter(|(it, ..)| possible.contains(*it)) {
            let mut alike: BTreeMap<Making, Vec<Ix>> = BTreeMap::new();
            for at in self.cast.makable(account, kind) {
                alike.entry(self.cast.made_with(at)).or_default().push(at);
            }
            for ((boundary, tags), made) in alike {
                // Tags are a permission of their own.
                if !tags.is_empty() && !possible.contains(tag) {
                    continue;
                }
                let side = self.asker.side(&making(boundary.as_deref(), &tags));
                for (at, chance) in self.among(&side, create, &made) {
                    let tagging = || self.cast.arn(at).map(|arn| side.chance(tag, arn));
                    let tagging =
                        Some(&tags).filter(|tags| !tags.is_empty()).and_then(|_| tagging());
                    let (what, change) = match kind {
                        IdentityKind::User => (Move::CreateUser(at), Change::Made(at)),
                        IdentityKind::Role => (Move::CreateRole(at), Change::Trusting(at)),
                    };
                    let chance = tagging.map_or(chance, |tagging| tagging.min(chance));
                    self.add(what, Gain::Changed(change), chance);
                }
            }
        }
    }
}

impl Moves<'_, '_> {
    /// Rule T35: groups that are made, which users then join; who may be given everything in one call needs
    /// none.
    pub(super) fn groups_made(&mut self) {
        let Some(account) = self.asker.account() else { return };
        let opens = [A::IAM_PUT_GROUP_POLICY, A::IAM_ATTACH_GROUP_POLICY];
        let makes = [A::IAM_CREATE_GROUP, A::IAM_ADD_USER_TO_GROUP];
        let can = |action: &A| self.can(*action);
        if !makes.iter().all(can) || !opens.iter().any(can) {
            return;
        }
        let groups = self.cast.household(self.asker.at).map(|it| it.new_groups.clone());
        let given = self.given();
        let users: Vec<Ix> = self.users().into_iter().filter(|at| !given.contains(at)).collect();
        for (name, arn) in groups.into_iter().flatten().filter(|_| !users.is_empty()) {
            let made = self.side.chance(A::IAM_CREATE_GROUP, &arn);
            let chance = self.side.chance(A::IAM_ADD_USER_TO_GROUP, &arn).min(made);
            if chance == Chance::No {
                continue;
            }
            let name: GroupName = (account, name);
            let attached = self.open_group(&name, &arn);
            let is_able = self.can(A::IAM_ATTACH_GROUP_POLICY) && self.cast.hears_policies;
            if is_able && attached != Chance::Sure {
                self.give_made(&name, &arn);
            }
            for user in &users {
                let before = Some(Move::CreateGroup(account, name.1.clone()));
                let what = Move::Join(*user, account, name.1.clone());
                let gain = Gain::Changed(Change::Joined(*user, name.clone()));
                self.add_after(before, what, gain, chance);
            }
        }
    }

    /// Rule T21: a policy that is made, for those who may be given nothing else in one call.
    pub(super) fn attach_made(&mut self, attach: A, targets: &[Ix]) {
        if !self.can(A::IAM_CREATE_POLICY) {
            return;
        }
        let given = self.given();
        let left: Vec<Ix> = targets.iter().copied().filter(|at| !given.contains(at)).collect();
        for (policy, made) in self.policies_made().into_iter().filter(|_| !left.is_empty()) {
            for (target, chance) in self.attachable(attach, &left, &policy) {
                let before = Some(Move::CreatePolicy(policy.clone()));
                let gain = Gain::Changed(Change::Everything(target));
                let what = Move::Attach(target, policy.clone());
                self.add_after(before, what, gain, chance.min(made));
            }
        }
    }

    /// The same for a group.
    pub(super) fn give_made(&mut self, name: &GroupName, arn: &str) {
        for (policy, made) in self.policies_made() {
            let mut context = Context::default();
            context.set_one("iam:PolicyARN", &policy);
            let chance = self.asker.side(&context).chance(A::IAM_ATTACH_GROUP_POLICY, arn);
            let before = Some(Move::CreatePolicy(policy.clone()));
            let what = Move::AttachToGroup(name.0, name.1.clone(), policy);
            let gain = Gain::Changed(Change::OpenGroup(name.clone()));
            self.add_after(before, what, gain, chance.min(made));
        }
    }

    /// Rule T30: the same as a boundary, which then limits nothing.
    pub(super) fn bind_made(&mut self, put: A, targets: &[Ix]) {
        for (policy, made) in self.policies_made() {
            let mut context = self.base.clone();
            context.set_one("iam:PermissionsBoundary", &policy);
            let side = self.asker.side(&context);
            for (target, chance) in self.among(&side, put, targets) {
                let before = Some(Move::CreatePolicy(policy.clone()));
                let gain = Gain::Changed(Change::Unbounded(target));
                let what = Move::PutBoundary(target, policy.clone());
                self.add_after(before, what, gain, chance.min(made));
            }
        }
    }

    /// The policies that it may make.
    fn policies_made(&self) -> Vec<(Box<str>, Chance)> {
        if !self.can(A::IAM_CREATE_POLICY) {
            return Vec::new();
        }
        let side = self.asker.side(&untagged());
        let policies = self.cast.household(self.asker.at).map(|it| it.new_policies.clone());
        let each = policies.into_iter().flatten().map(|policy| {
            let made = side.chance(A::IAM_CREATE_POLICY, &policy);
            (policy, made)
        });
        each.filter(|(_, made)| *made > Chance::No).collect()
    }

    /// Those who were found to be given everything by one call.
    fn given(&self) -> BTreeSet<Ix> {
        let told = self.found.iter().filter(|open| open.chance >= Chance::AsTold);
        let given = told.filter_map(|open| match open.gain {
            Gain::Changed(Change::Everything(at)) => Some(at),
            _ => None,
        });
        given.collect()
    }
}

/// A request that makes a user or role with a boundary and tags.
fn making(boundary: Option<&str>, tags: &[Tag]) -> Context {
    let mut context = untagged();
    for (key, value) in tags {
        context.set_one(&format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        let keys = tags.iter().map(|(key, _)| key.clone()).collect();
        context.set("aws:TagKeys", ContextValue::Many(keys));
    }
    match boundary {
        Some(boundary) => context.set_one("iam:PermissionsBoundary", boundary),
        None => context.set_absent("iam:PermissionsBoundary"),
    }
    context
}
