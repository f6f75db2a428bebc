//! What somebody can do to a key on the way to using it (rules T16 to T19, T32, T33).

use std::cell::OnceCell;
use std::collections::BTreeSet;

use crate::access::{Opening, Reached, Sides};
use crate::aws::{ActionSet, AliasArn, KeyArn, KmsAction};
use crate::decision::{Chance, Context, ContextValue};
use crate::inventory::{Alias, Key, MultiRegionRole};

use super::asked::Asked;
use super::asker::Asker;
use super::call::{direct, grant_pair_keys};
use super::cast::{Ix, KeyIx};
use super::key_edits::KeyEdit;
use super::state::{State, StateName, States};
use super::tagging::{TagSet, alone_or_all, requests, surest, worth_giving};

/// A call about a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum KeyMove {
    /// kms:PutKeyPolicy (rule T16).
    PutPolicy(KeyIx),
    /// kms:ReplicateKey to a Region (rule T17).
    Replicate(KeyIx, Box<str>),
    /// kms:CreateGrant to somebody (rules T18, T19).
    Grant(KeyIx, Ix),
    /// kms:TagResource, kms:UntagResource, and the calls about aliases (rules T32, T33).
    Edit(KeyIx, KeyEdit),
}

/// A permission on a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Permission {
    /// Of what.
    pub(super) action: KmsAction,
    /// Whether every request for it is allowed, so that nothing needs to be asked any more.
    pub(super) always: bool,
}

impl Permission {
    /// What is reached of an action.
    pub(super) fn of(action: KmsAction, reached: &Reached) -> Self {
        Self { action, always: reached.always.contains(action) }
    }
}

/// What was done to a key before somebody makes a grant of it.
#[derive(Clone, Debug)]
pub(super) enum Ground {
    /// Nothing.
    AsItIs,
    /// Its tags or aliases were changed.
    Edited(KeyEdit),
    /// Its policy, or that of its replica, was written.
    Opened(KeyMove),
}

impl Ground {
    /// Whether nothing was done to the key.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::AsItIs)
    }
}

impl KeyMove {
    /// The permissions that moves need.
    pub(super) const ACTIONS: [KmsAction; 8] = [
        KmsAction::PUT_KEY_POLICY,
        KmsAction::CREATE_GRANT,
        KmsAction::REPLICATE_KEY,
        KmsAction::TAG_RESOURCE,
        KmsAction::UNTAG_RESOURCE,
        KmsAction::CREATE_ALIAS,
        KmsAction::UPDATE_ALIAS,
        KmsAction::DELETE_ALIAS,
    ];

    /// Those of them that open a key after its tags or aliases were changed.
    pub(super) const OPENING: [KmsAction; 2] = [KmsAction::PUT_KEY_POLICY, KmsAction::CREATE_GRANT];

    /// The rule of the primitive.
    pub(super) fn primitive(&self) -> &'static str {
        match self {
            Self::PutPolicy(_) => "T16",
            Self::Replicate(..) => "T17",
            Self::Grant(..) => "T18",
            Self::Edit(_, KeyEdit::Tagged(..) | KeyEdit::Untagged(_)) => "T32",
            Self::Edit(..) => "T33",
        }
    }

    /// The change of tags or aliases that it is.
    pub(super) fn edit(&self) -> Option<KeyEdit> {
        match self {
            Self::Edit(_, edit) => Some(edit.clone()),
            _ => None,
        }
    }
}

/// Somebody and a key that it calls on.
#[derive(Clone, Copy)]
struct Towards<'s, 'c, 'w> {
    asker: &'s Asker<'c, 'w>,
    state: &'s State,
    at: KeyIx,
    key: &'s Key,
    /// How both stand to each other, where the key is as it was and that is known.
    sides: Option<Sides>,
}

impl States<'_, '_> {
    /// The moves that a permission on a key, as it is or after an edit, is good for.
    pub(super) fn key_moves(
        &self,
        name: &StateName,
        at: KeyIx,
        permission: Permission,
        edit: Option<&KeyEdit>,
    ) -> Vec<(KeyMove, Chance)> {
        let Some(key) = self.cast.key(at) else { return Vec::new() };
        let (asker, state) = (self.asker(name), self.get(name));
        let edited = edit.map(|edit| edit.applied(key));
        let sides = if edit.is_none() { self.sides(name, at) } else { None };
        let key = edited.as_ref().unwrap_or(key);
        let on = Towards { asker: &asker, state: &state, at, key, sides };
        match permission.action {
            KmsAction::PUT_KEY_POLICY => {
                let mut context = direct();
                context.set_one("kms:PolicyName", "default");
                vec![(KeyMove::PutPolicy(at), self.holds(on, permission, &context))]
            }
            KmsAction::CREATE_GRANT => self.grants(on, permission),
            KmsAction::REPLICATE_KEY => self.replicas(on, permission),
            KmsAction::TAG_RESOURCE => self.tags(on, permission),
            KmsAction::UNTAG_RESOURCE => self.untags(on, permission),
            _ => self.aliases(on, permission),
        }
    }

    /// Whether a call on a key is allowed in some request that agrees with `context`.
    fn holds(&self, on: Towards<'_, '_, '_>, permission: Permission, context: &Context) -> Chance {
        match permission.always {
            true => Chance::Sure,
            false => self.asked(on, permission.action, context),
        }
    }

    fn asked(&self, on: Towards<'_, '_, '_>, action: KmsAction, context: &Context) -> Chance {
        if let Some(sides) = on.sides {
            return self.keys.chance(sides, action, context);
        }
        let side = on.asker.key_side(context);
        let target = self.access.key_target(on.key, context);
        side.reached(&target, action.into(), Opening::AsItIs).chance(action)
    }

    /// Rules T18, T19: to itself; see [`States::granting`] for others.
    fn grants(&self, on: Towards<'_, '_, '_>, permission: Permission) -> Vec<(KeyMove, Chance)> {
        let chance = match permission.always {
            true => self.grants_always(on.at),
            false => self.grants_to(on, on.asker.at, Opening::AsItIs),
        };
        vec![(KeyMove::Grant(on.at, on.asker.at), chance)]
    }

    /// Whether who may make every grant of a key can make one of its goal.
    pub(super) fn grants_always(&self, at: KeyIx) -> Chance {
        match self.keys.goal(at).is_some_and(|goal| goal.info().grantable) {
            true => Chance::Sure,
            false => Chance::No,
        }
    }

    fn grants_to(&self, on: Towards<'_, '_, '_>, grantee: Ix, opening: Opening) -> Chance {
        let Towards { asker, at, key, .. } = on;
        let Some(goal) = self.keys.goal(at).filter(|goal| goal.info().grantable) else {
            return Chance::No;
        };
        let mut context = direct();
        let arn = self.cast.arn(grantee).unwrap_or_default();
        context.set_one("kms:GranteePrincipal", arn);
        context.set_one("kms:GrantIsForAWSResource", "false");
        // Rule G22: what it allows must be something that its constraints can bind.
        if !goal.info().encryption_context {
            grant_pair_keys().for_each(|name| context.set_absent(name));
        }
        let create = KmsAction::CREATE_GRANT;
        let of = |operations: ActionSet| {
            let mut context = context.clone();
            let names = operations.iter().map(|operation| operation.name().into());
            context.set("kms:GrantOperations", ContextValue::Many(names.collect()));
            if let Some(sides) = on.sides.filter(|_| opening == Opening::AsItIs) {
                return self.keys.chance(sides, create, &context);
            }
            let (side, target) = (asker.key_side(&context), self.access.key_target(key, &context));
            side.reached(&target, create.into(), opening).chance(create)
        };
        let alone = of(goal.into());
        if alone == Chance::Sure || !self.asks_for_operations(on) {
            return alone;
        }
        let others = self.cast.operations_with(key.arn.account(), goal.into());
        others.into_iter().skip(1).map(of).fold(alone, Chance::max)
    }

    /// Whether somebody's side or the key's asks for the operations of grants.
    fn asks_for_operations(&self, Towards { asker, state, at, .. }: Towards<'_, '_, '_>) -> bool {
        self.ask_for_operations.get((state.class, at), |_| {
            self.cast.key(at).is_some_and(|key| {
                let target = self.access.key_target(key, &Context::default());
                asker.plain_key_side(&state.key_home).asks_for_grant_operations(&target)
            })
        })
    }

    /// Whether a state may make a grant to somebody of a key after what was done to it (rules T18, T19).
    pub(super) fn granting(
        &self,
        name: &StateName,
        at: KeyIx,
        grantee: Ix,
        ground: &Ground,
    ) -> Chance {
        let Some(key) = self.cast.key(at) else { return Chance::No };
        let (changed, opening) = match ground {
            Ground::AsItIs => (None, Opening::AsItIs),
            Ground::Edited(edit) => (Some(edit.applied(key)), Opening::AsItIs),
            Ground::Opened(KeyMove::Replicate(_, region)) => {
                (replica(key, region), Opening::ByPolicy)
            }
            Ground::Opened(_) => (None, Opening::ByPolicy),
        };
        let sides = if ground.is_nothing() { self.sides(name, at) } else { None };
        let (key, state) = (changed.as_ref().unwrap_or(key), self.get(name));
        let on = Towards { asker: &self.asker(name), state: &state, at, key, sides };
        self.grants_to(on, grantee, opening)
    }

    /// Rule T17: to a Region where no replica stands.
    fn replicas(&self, on: Towards<'_, '_, '_>, permission: Permission) -> Vec<(KeyMove, Chance)> {
        let Towards { asker, at, key, .. } = on;
        let primary = key.metadata.as_ref().and_then(|metadata| metadata.multi_region.as_ref());
        let Some(primary) = primary.filter(|it| it.role == MultiRegionRole::Primary) else {
            return Vec::new();
        };
        let stands = |region: &str| {
            region == key.arn.region()
                || primary.replicas.iter().any(|arn| arn.split(':').nth(3) == Some(region))
        };
        let regions = self.cast.regions_in(key.arn.partition()).rev();
        // One Region is as good as another.
        let mut best: Option<(KeyMove, Chance)> = None;
        for region in regions.filter(|region| !stands(region)) {
            let mut context = direct();
            context.set_one("kms:ReplicaRegion", region);
            let replicates = self.holds(on, permission, &context);
            let creates = match replicates {
                Chance::No => Chance::No,
                _ => self.creates(asker, region).min(self.keeps(asker, key, region)),
            };
            let chance = replicates.min(creates);
            if best.as_ref().is_none_or(|(_, known)| *known < chance) {
                best = Some((KeyMove::Replicate(at, region.into()), chance));
            }
            if chance == Chance::Sure {
                break;
            }
        }
        best.into_iter().collect()
    }

    /// Rule L8: kms:CreateKey in the replica's Region.
    fn creates(&self, asker: &Asker<'_, '_>, region: &str) -> Chance {
        let mut context = direct();
        context.set_one("aws:RequestedRegion", region);
        asker.key_side(&context).without_key(KmsAction::CREATE_KEY)
    }

    /// Rule K9: whoever writes a replica's policy must be able to write it again.
    fn keeps(&self, asker: &Asker<'_, '_>, key: &Key, region: &str) -> Chance {
        let Some(replica) = replica(key, region) else { return Chance::No };
        let nothing = Context::default();
        let target = self.access.key_target(&replica, &nothing);
        let wanted = KmsAction::PUT_KEY_POLICY;
        let reached = asker.key_side(&direct()).reached(&target, wanted.into(), Opening::ByPolicy);
        reached.chance(wanted)
    }

    /// Rule T32: tags that some policy asks for.
    fn tags(&self, on: Towards<'_, '_, '_>, permission: Permission) -> Vec<(KeyMove, Chance)> {
        let Towards { asker, at, key, .. } = on;
        let has = |tag: &str, value: &str| {
            let tags = key.tags.as_ref();
            tags.and_then(|tags| tags.get(tag)).is_some_and(|it| **it == *value)
        };
        let (caller, own) = (&asker.member().caller, |tag: &str| asker.tag(tag));
        let asked: Vec<&Asked> = self.cast.asked_in(key.arn.account()).collect();
        let named = asked.iter().flat_map(|asked| asked.key_tags.iter().cloned());
        let like = asked.iter().flat_map(|asked| asked.key_tags_like(caller, &own));
        let together = asked.iter().flat_map(|asked| asked.keys_together_for(caller, &own));
        let lacking = |set: TagSet| -> TagSet {
            set.into_iter().filter(|(tag, value)| !has(tag, value)).collect()
        };
        let alone = named.chain(like).filter(|(tag, value)| !has(tag, value));
        let mut missing = worth_giving(alone, together.map(lacking));
        let others = self.cast.alike_in(key.arn.account());
        for (tag, value) in others.into_iter().flat_map(|alike| &alike.tags) {
            let set = TagSet::from([(tag.clone(), value.clone())]);
            if !has(tag, value) && !missing.contains(&set) {
                missing.push(set);
            }
        }
        if missing.is_empty() {
            return Vec::new();
        }
        let direct = direct();
        // What nobody asks of the tags themselves holds of all of them.
        let any = match permission.always {
            true => Some(Chance::Sure),
            false => {
                let side = asker.key_side(&direct);
                let target = self.access.key_target(key, &direct);
                let asks = side.asks_for_request_tags(&target);
                (!asks).then(|| self.asked(on, permission.action, &direct))
            }
        };
        let beside = match any {
            Some(_) => Vec::new(),
            None => asked.iter().flat_map(|asked| asked.requests_for(caller, &own)).collect(),
        };
        let gives = |set: &TagSet| {
            let chances = requests(set, &beside).into_iter().map(|request| {
                let mut context = direct.clone();
                context.lay_over(&request);
                // Tags that are given as the caller likes have keys (IAM user guide, aws:TagKeys).
                if !context.is_absent("aws:RequestTag/*") {
                    context.forget("aws:TagKeys");
                }
                self.asked(on, permission.action, &context)
            });
            surest(chances)
        };
        let each = missing.into_iter().map(|set| {
            let chance = any.unwrap_or_else(|| gives(&set));
            (KeyMove::Edit(at, KeyEdit::Tagged(set)), chance)
        });
        each.collect()
    }

    fn untags(&self, on: Towards<'_, '_, '_>, permission: Permission) -> Vec<(KeyMove, Chance)> {
        let Towards { at, key, .. } = on;
        let asked = |tag: &str| {
            let mut asked = self.cast.asked_in(key.arn.account());
            asked.any(|asked| asked.asks_for_key_tag(tag))
        };
        let tags = key.tags.iter().flat_map(|tags| tags.keys()).filter(|tag| asked(tag));
        let each = alone_or_all(tags.cloned()).into_iter().map(|keys| {
            let mut context = direct();
            context.set("aws:TagKeys", ContextValue::Many(keys.to_vec()));
            let chance = self.holds(on, permission, &context);
            (KeyMove::Edit(at, KeyEdit::Untagged(keys)), chance)
        });
        each.collect()
    }

    /// Rule T33: aliases that some policy asks for, both halves allowed (rules L1 to L3).
    fn aliases(&self, on: Towards<'_, '_, '_>, permission: Permission) -> Vec<(KeyMove, Chance)> {
        let (Towards { asker, state, at, key, .. }, action) = (on, permission.action);
        let (caller, own) = (&asker.member().caller, |tag: &str| asker.tag(tag));
        let names: BTreeSet<Box<str>> = match action {
            KmsAction::DELETE_ALIAS => key.aliases.iter().map(|it| it.name().into()).collect(),
            _ => {
                let asked: Vec<&Asked> = self.cast.asked_in(key.arn.account()).collect();
                let named = asked.iter().flat_map(|asked| asked.aliases.iter().cloned());
                let like = asked.iter().flat_map(|asked| asked.aliases_like(caller, &own));
                let others = self.cast.alike_in(key.arn.account());
                let others = others.into_iter().flat_map(|alike| alike.aliases.iter().cloned());
                named.chain(like).chain(others).collect()
            }
        };
        let half = OnceCell::new();
        let mut found = Vec::new();
        for name in names {
            let Some(alias) = key.arn.alias(&name) else { continue };
            let known = self.cast.world.alias(&alias);
            let (edit, other) = match (action, known.and_then(Alias::key)) {
                (KmsAction::CREATE_ALIAS, None) if known.is_none() => {
                    (KeyEdit::Aliased(name), None)
                }
                (KmsAction::UPDATE_ALIAS, Some(other)) if other != key.arn => {
                    (KeyEdit::Retargeted(name), Some(other))
                }
                (KmsAction::DELETE_ALIAS, Some(_)) => (KeyEdit::Unaliased(name), None),
                _ => continue,
            };
            let half = half.get_or_init(|| self.holds(on, permission, &direct()));
            let mut chance = *half;
            if let Some(key) = other.and_then(|arn: KeyArn| self.cast.world.key(&arn)) {
                let other = Towards { key, sides: None, ..on };
                chance = chance.min(self.asked(other, action, &direct()));
            }
            if chance > Chance::No {
                let half = |_: &_| self.alias_half(on, action, &alias);
                let alias = alias.as_str().into();
                chance = chance.min(self.alias_halves.get((state.class, action, alias), half));
            }
            found.push((KeyMove::Edit(at, edit), chance));
        }
        found
    }

    /// Rules L1 to L3: the request on the alias says nothing of the key.
    fn alias_half(
        &self,
        Towards { asker, state, .. }: Towards<'_, '_, '_>,
        action: KmsAction,
        alias: &AliasArn,
    ) -> Chance {
        let mut context = direct();
        for of_key in ["kms:ResourceAliases", "aws:ResourceTag/*"] {
            context.set_absent(of_key);
        }
        let home = state.of_class.alias_home.get_or_init(|| asker.key_side(&context).kept());
        asker.key_side_again(&context, home).on_alias(action, alias.as_str())
    }

    /// Whether a state gets to the goal of a key that a move opened; a replica stands in its Region.
    pub(super) fn opened(
        &self,
        name: &StateName,
        at: KeyIx,
        what: &KeyMove,
        opening: Opening,
    ) -> Chance {
        if !matches!(what, KeyMove::Replicate(..))
            && let Some(sides) = self.sides(name, at)
        {
            return self.keys.opened_between(sides, at, opening);
        }
        let (asker, state) = (self.asker(name), self.get(name));
        let side = asker.plain_key_side(&state.key_home);
        let KeyMove::Replicate(_, region) = what else {
            return self.keys.opened(&side, at, opening);
        };
        let (Some(key), Some(goal)) = (self.cast.key(at), self.keys.goal(at)) else {
            return Chance::No;
        };
        let Some(replica) = replica(key, region) else { return Chance::No };
        let target = self.access.key_target(&replica, &Context::default());
        side.reached(&target, goal.into(), opening).chance(goal)
    }

    /// What a state can do with a key that is not as it was: the goal, and what opens the key.
    pub(super) fn reached_as(&self, name: &StateName, at: KeyIx, key: &Key) -> Reached {
        let goal = self.keys.goal(at).map_or(ActionSet::EMPTY, ActionSet::from);
        let wanted = KeyMove::OPENING.into_iter().fold(goal, |all, it| all.union(it.into()));
        let (asker, state) = (self.asker(name), self.get(name));
        let side = asker.plain_key_side(&state.key_home);
        let target = self.access.key_target(key, &Context::default());
        side.reached(&target, wanted, Opening::AsItIs)
    }
}

/// The replica of a key in a Region, before anybody does anything to it.
fn replica(key: &Key, region: &str) -> Option<Key> {
    let arn = key.arn.in_region(region)?;
    Some(Key { arn, grants: Vec::new(), aliases: Default::default(), ..key.clone() })
}
