//! What changes the tags of users and roles (rule T34).

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::ControlAction as A;
use crate::aws::ControlAction;
use crate::decision::{Chance, Context, ContextValue, Thing, tag_in};
use crate::inventory::IdentityKind;

use super::super::asked::Asked;
use super::super::cast::Ix;
use super::super::change::Change;
use super::super::likeness::tied_to;
use super::super::tagging::{Tag, TagSet, alone_or_all, requests, worth_giving};
use super::{Gain, Move, Moves};

/// How many values of keys' tags are given to everybody of an account.
const FEW: usize = 4;

impl Moves<'_, '_> {
    /// Rule T34: tags that some policy asks for.
    pub(super) fn tag(&mut self, kind: IdentityKind, targets: &[Ix]) {
        let (tag, untag) = match kind {
            IdentityKind::User => (A::IAM_TAG_USER, A::IAM_UNTAG_USER),
            IdentityKind::Role => (A::IAM_TAG_ROLE, A::IAM_UNTAG_ROLE),
        };
        let asked = self.asker.account().into_iter().flat_map(|it| self.cast.asked_in(it));
        let asked: Vec<&Asked> = asked.collect();
        let mut pairs: Vec<Tag> =
            asked.iter().flat_map(|asked| &asked.principal_tags).cloned().collect();
        pairs.extend(asked.iter().flat_map(|asked| &asked.target_tags).cloned());
        let possible = self.possible;
        if possible.contains(tag) {
            let tied =
                Some(self.cast.tied_in(self.asker.account())).filter(|tied| tied.len() <= FEW);
            let tied: BTreeSet<TagSet> = tied.into_iter().flatten().cloned().collect();
            let together = asked.iter().flat_map(|asked| asked.principals_together.iter().cloned());
            let alone = pairs.iter().cloned();
            for set in worth_giving(alone, tied.iter().cloned().chain(together)) {
                self.tag_as(tag, &set, targets);
            }
            pairs.extend(tied.into_iter().flatten());
            for target in targets {
                for pair in self.own_tags(*target, &asked) {
                    self.tag_as(tag, &[pair], &[*target]);
                }
            }
            // Who has none may take any value, and give the key the like.
            for pair in asked.iter().flat_map(|it| it.any_tags()).collect::<BTreeSet<Tag>>() {
                let is_lacking = |at: &Ix| self.tag_of(*at, &pair.0).is_none();
                let lacking: Vec<Ix> = targets.iter().copied().filter(is_lacking).collect();
                self.tag_as(tag, &[pair], &lacking);
            }
        }
        let keys: BTreeSet<Box<str>> = pairs.into_iter().map(|(key, _)| key).collect();
        for keys in alone_or_all(keys.into_iter().filter(|_| possible.contains(untag))) {
            self.untag_as(untag, &keys, targets);
        }
    }

    /// The tags that a user or role is to have by its own name, account and other tags.
    fn own_tags(&self, at: Ix, asked: &[&Asked]) -> BTreeSet<Tag> {
        let caller = &self.cast.member_or_first(at).caller;
        let tag = |name: &str| self.tag_of(at, name).map(Into::into);
        asked.iter().flat_map(|asked| asked.own_tags_for(caller, &tag)).collect()
    }

    /// A tag of a user or role, by its name in whatever case.
    fn tag_of(&self, at: Ix, name: &str) -> Option<&str> {
        tag_in(&self.cast.identity(at)?.tags, name)
    }

    fn untag_as(&mut self, untag: ControlAction, keys: &[Box<str>], targets: &[Ix]) {
        let mut context = Context::default();
        context.set("aws:TagKeys", ContextValue::Many(keys.to_vec()));
        let side = self.asker.side(&context);
        let has_all = |at: &Ix| {
            let identity = self.cast.identity(*at);
            identity.is_some_and(|it| keys.iter().all(|key| it.tags.get(key).is_some()))
        };
        let targets: Vec<Ix> = targets.iter().copied().filter(has_all).collect();
        for (target, chance) in self.among(&side, untag, &targets) {
            let gain = Gain::Changed(Change::Untagged(target, keys.into()));
            self.add(Move::Untag(target, keys.into()), gain, chance);
        }
    }

    /// Rule T34: tags that must be alike those of keys and roles, which are many, for itself alone.
    pub(super) fn tag_itself(&mut self) {
        let at = self.cast.role_of(self.asker.at).unwrap_or(self.asker.at);
        let tag = match self.cast.identity(at).map(|identity| identity.kind) {
            Some(IdentityKind::User) => A::IAM_TAG_USER,
            Some(IdentityKind::Role) => A::IAM_TAG_ROLE,
            None => return,
        };
        if !self.can(tag) {
            return;
        }
        let cast = self.cast;
        let tied = cast.tied_in(self.asker.account());
        let many = tied.iter().filter(|_| tied.len() > FEW);
        let of_roles = self.tied_to_roles();
        let sets: Vec<&TagSet> = many.chain(of_roles.difference(tied)).collect();
        let Some(arn) = self.cast.arn(at).filter(|_| !sets.is_empty()) else { return };
        // What nobody asks of the tags themselves holds of all of them.
        let any = self.side.chance_with_any_tags(tag, arn);
        for set in sets {
            match any {
                Some(chance) if self.lacks(at, set) => {
                    let gain = Gain::Changed(Change::Tagged(at, set.clone()));
                    self.add(Move::Tag(at, set.clone()), gain, chance);
                }
                Some(_) => {}
                None => self.tag_as(tag, set, &[at]),
            }
        }
    }

    /// Rule T34: tags of others that a policy wants to be alike the caller's own.
    pub(super) fn tag_alike(&mut self) {
        let Some(account) = self.asker.account() else { return };
        let (caller, own) = (&self.asker.member().caller, |tag: &str| self.asker.tag(tag));
        let asked = self.cast.asked_in(account);
        let wanted: BTreeSet<Tag> =
            asked.flat_map(|asked| asked.targets_for(caller, &own).collect::<Vec<_>>()).collect();
        let both = [(A::IAM_TAG_USER, self.users()), (A::IAM_TAG_ROLE, self.roles())];
        for (tag, targets) in both.into_iter().filter(|(tag, _)| self.can(*tag)).collect::<Vec<_>>()
        {
            for pair in wanted.iter().take(FEW) {
                self.tag_as(tag, std::slice::from_ref(pair), &targets);
            }
        }
    }

    /// Whether somebody has none of these tags.
    fn lacks(&self, at: Ix, set: &[Tag]) -> bool {
        let identity = self.cast.identity(at);
        identity.is_some_and(|it| set.iter().all(|(key, value)| it.tags.get(key) != Some(value)))
    }

    /// The tags that must be like something of the roles of the account, which are taken on by whoever has them.
    fn tied_to_roles(&self) -> BTreeSet<TagSet> {
        let asked = self.asker.account().into_iter().flat_map(|it| self.cast.asked_in(it));
        let asked: Vec<&Asked> = asked.filter(|it| it.likens_tags()).collect();
        let roles = if asked.is_empty() { Vec::new() } else { self.roles() };
        let things = roles.iter().filter_map(|at| self.cast.identity(*at)).map(Thing::from);
        things.flat_map(|thing| tied_to(&thing, &asked)).collect()
    }

    fn tag_as(&mut self, tag: ControlAction, set: &[Tag], targets: &[Ix]) {
        let lacking = targets.iter().copied().filter(|at| self.lacks(*at, set));
        let mut left: Vec<Ix> = lacking.collect();
        let beside = self.requests();
        let mut best: BTreeMap<Ix, Chance> = BTreeMap::new();
        for request in requests(set, &beside) {
            if left.is_empty() {
                break;
            }
            let side = self.asker.side(&request);
            for (target, chance) in self.among(&side, tag, &left) {
                let known = best.entry(target).or_insert(chance);
                *known = chance.max(*known);
            }
            left.retain(|at| best.get(at) != Some(&Chance::Sure));
        }
        for (target, chance) in best {
            let gain = Gain::Changed(Change::Tagged(target, set.into()));
            self.add(Move::Tag(target, set.into()), gain, chance);
        }
    }

    /// What policies ask of the tags that requests give.
    fn requests(&self) -> Vec<TagSet> {
        let caller = &self.asker.member().caller;
        let asked = caller.account.into_iter().flat_map(|it| self.cast.asked_in(it));
        let own = |tag: &str| self.asker.tag(tag);
        asked.flat_map(|asked| asked.requests_for(caller, &own).collect::<Vec<_>>()).collect()
    }
}
