//! Keys as paths meet them: who could be concerned with which, and what somebody can do with each.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use crate::access::{Access, KeySide, KeyTargets, Opening, Reached, Sides, Survey, ToldApart};
use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Chance, Context};
use crate::inventory::Key;
use crate::kept::Memo;

use super::asked::Asked;
use super::asker::Asker;
use super::cast::{Cast, Ix, KeyIx};
use super::key_moves::KeyMove;
use super::tagging::PrincipalTags;

/// All keys, each side made once.
pub(super) struct Keys<'c, 'w> {
    /// Of those that are wanted, each with its goal and what leads to it.
    targets: KeyTargets<'c>,
    told_apart: Vec<Option<ToldApart>>,
    asking: Vec<bool>,
    of_grantees: Vec<bool>,
    asking_for_grantees: OnceLock<Box<[KeyIx]>>,
    of_sign_in: Vec<bool>,
    /// The tags of principals that their own sides ask for.
    principal_tags: Vec<PrincipalTags>,
    /// The keys that tell somebody apart by name, by the name.
    named: FxHashMap<Box<str>, Vec<KeyIx>>,
    concerning: Memo<Option<AccountId>, Arc<Concerning>>,
    /// What is gained in the end, key by key; nothing where a key cannot perform it.
    pub(super) goals: Vec<Option<KmsAction>>,
    cast: &'c Cast<'w>,
}

/// What somebody can do with one key.
pub(super) struct Held {
    /// The key.
    pub(super) key: KeyIx,
    /// Of the goal and what leads to it.
    pub(super) reached: Reached,
    /// How both stand to each other; nothing where they have to be asked by themselves.
    sides: Option<Sides>,
}

/// What those of a class can do with keys that do not tell them apart.
pub(super) struct HeldByClass {
    /// Each key with what they can do, where it is anything.
    pub(super) held: Vec<Held>,
    /// Keys that tell apart the one who was asked for the class, and perhaps no other.
    pub(super) skipped: Vec<KeyIx>,
}

/// The keys that somebody of an account might have to do with; sorted.
struct Concerning {
    all: Vec<KeyIx>,
    /// Those that tell everyone apart.
    telling: Vec<KeyIx>,
    /// Those that ask how somebody is signed in.
    of_sign_in: Vec<KeyIx>,
}

impl<'c, 'w> Keys<'c, 'w> {
    /// The keys of the cast; `goal` says what is wanted of each, if anything. Others are not looked at.
    pub(super) fn of(
        cast: &'c Cast<'w>,
        access: &'c Access<'c>,
        goal: impl Fn(&Key) -> Option<KmsAction>,
    ) -> Self {
        let goals: Vec<Option<KmsAction>> = cast.keys.iter().map(|key| goal(key)).collect();
        let leading: ActionSet = KeyMove::ACTIONS.into_iter().collect();
        let wanted_keys = cast.keys.iter().zip(&goals);
        let wanted = wanted_keys.map(|(key, goal)| (*key, goal.map(|it| leading.union(it.into()))));
        let targets = KeyTargets::of(access, wanted);
        let wanted_keys = cast.keys.iter().zip(&goals);
        let asked: Vec<Option<Asked>> =
            wanted_keys.map(|(key, goal)| goal.map(|_| asked(cast, key))).collect();
        let tags =
            |asked: Option<Asked>| asked.map(|it| it.tags_of_principals()).unwrap_or_default();
        let mut keys = Self {
            asking: asked.iter().map(|it| it.as_ref().is_none_or(Asked::is_of_keys)).collect(),
            of_grantees: asked
                .iter()
                .map(|it| it.as_ref().is_none_or(Asked::is_of_grantees))
                .collect(),
            asking_for_grantees: OnceLock::new(),
            of_sign_in: asked
                .iter()
                .map(|it| it.as_ref().is_none_or(Asked::is_of_sign_in))
                .collect(),
            principal_tags: asked.into_iter().map(tags).collect(),
            told_apart: (0..goals.len())
                .map(|at| Some(targets.target(at)?.told_apart(access)))
                .collect(),
            named: FxHashMap::default(),
            concerning: Memo::new(),
            targets,
            goals,
            cast,
        };
        for at in 0..cast.keys.len() as KeyIx {
            if keys.goal(at).is_none() {
                continue;
            }
            if let Some(Some(ToldApart::ByName(names))) = keys.told_apart.get(at as usize) {
                for name in names {
                    keys.named.entry(name.clone()).or_default().push(at);
                }
            }
        }
        keys
    }

    /// The keys that somebody of an account might have to do with.
    fn concerning(&self, account: Option<AccountId>) -> Arc<Concerning> {
        self.concerning.get(account, |account| {
            let is_wanted = |key: &KeyIx| self.goal(*key).is_some();
            let all: Vec<KeyIx> =
                self.cast.keys_concerning(*account).into_iter().filter(is_wanted).collect();
            let tells = |key: &&KeyIx| {
                !matches!(self.told_apart.get(**key as usize), Some(Some(ToldApart::ByName(_))))
            };
            let telling = all.iter().filter(tells).copied().collect();
            let asks = |key: &&KeyIx| self.of_sign_in.get(**key as usize).is_none_or(|it| *it);
            let of_sign_in = all.iter().filter(asks).copied().collect();
            Arc::new(Concerning { all, telling, of_sign_in })
        })
    }

    /// The wanted keys that somebody of any of these accounts might have to do with, key by key.
    pub(super) fn of_any(&self, accounts: &BTreeSet<AccountId>) -> Arc<[bool]> {
        let mut all = vec![false; self.goals.len()];
        for account in accounts {
            for key in &self.concerning(Some(*account)).all {
                if let Some(is_concerned) = all.get_mut(*key as usize) {
                    *is_concerned = true;
                }
            }
        }
        all.into()
    }

    /// The keys that tell somebody apart from others of its class; sorted.
    pub(super) fn told_apart(&self, at: Ix) -> Vec<KeyIx> {
        let account = self.cast.member_or_first(at).caller.account;
        let mut keys = self.concerning(account).telling.clone();
        keys.extend(self.cast.names(at).filter_map(|name| self.named.get(name)).flatten());
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The keys that somebody of an account might have to do with and that ask how it is signed in; sorted.
    pub(super) fn of_sign_in(&self, account: Option<AccountId>) -> Vec<KeyIx> {
        self.concerning(account).of_sign_in.clone()
    }

    /// The keys that somebody of an account might have to do with; sorted.
    pub(super) fn all_concerning(&self, account: Option<AccountId>) -> Vec<KeyIx> {
        self.concerning(account).all.clone()
    }

    /// What those of the asker's class can do with keys, those aside that tell it apart.
    pub(super) fn by_class(
        &self,
        asker: &Asker<'_, '_>,
        side: &KeySide<'_>,
        told_apart: &[KeyIx],
    ) -> HeldByClass {
        let concerning = self.concerning(asker.account());
        let is_apart = |key: &KeyIx| told_apart.binary_search(key).is_ok();
        let (skipped, alike): (Vec<KeyIx>, Vec<KeyIx>) =
            concerning.all.iter().copied().partition(is_apart);
        let by_name =
            skipped.into_iter().filter(|key| concerning.telling.binary_search(key).is_err());
        let held = held(self.targets.survey_untold(side), &alike);
        HeldByClass { held, skipped: by_name.collect() }
    }

    /// What somebody can do with each of these keys, where it is anything.
    pub(super) fn held(&self, side: &KeySide<'_>, keys: &[KeyIx]) -> Vec<Held> {
        held(self.survey(side), keys)
    }

    /// How somebody stands to a key that it can do something with, among what it holds in order of keys.
    pub(super) fn sides(held: &[Held], key: KeyIx) -> Option<Sides> {
        let at = held.binary_search_by_key(&key, |held| held.key).ok()?;
        held.get(at)?.sides
    }

    /// Whether some request that agrees with `context` is allowed between two sides.
    pub(super) fn chance(&self, sides: Sides, action: KmsAction, context: &Context) -> Chance {
        self.targets.chance(sides, action, Opening::AsItIs, context)
    }

    /// Whether every request for `actions` that is allowed between two sides is allowed between others.
    pub(super) fn allows_all_of(
        &self,
        others: Sides,
        sides: Sides,
        actions: ActionSet,
        opening: Opening,
    ) -> bool {
        self.targets.allows_all_of(others, sides, actions, opening)
    }

    /// The keys as somebody looks at them.
    pub(super) fn survey<'s>(&'s self, side: &'s KeySide<'s>) -> Survey<'s, 'c> {
        self.targets.survey(side)
    }

    /// Whether a key tells somebody apart from others of its class.
    pub(super) fn tells_apart(&self, key: KeyIx, at: Ix) -> bool {
        match self.told_apart.get(key as usize) {
            Some(Some(ToldApart::ByName(names))) => {
                self.cast.names(at).any(|it| names.contains(it))
            }
            _ => true,
        }
    }

    /// All that is asked of a key.
    pub(super) fn wanted(&self, key: KeyIx) -> ActionSet {
        self.targets.wanted(key as usize)
    }

    /// Whether a key's own side asks for its tags or aliases.
    pub(super) fn asks(&self, key: KeyIx) -> bool {
        self.asking.get(key as usize).copied().unwrap_or(true)
    }

    /// The wanted keys, of whatever account, that grants are made of to one and not to another by those who might
    /// have to do with them; sorted.
    pub(super) fn asking_for_grantees(&self) -> &[KeyIx] {
        self.asking_for_grantees.get_or_init(|| {
            let own = (0..).zip(&self.of_grantees);
            let own =
                own.filter_map(|(key, asks)| (*asks && self.goal(key).is_some()).then_some(key));
            let hearing = self.cast.accounts.iter().filter(|(_, it)| it.asked.is_of_grantees());
            let of_granters = hearing.flat_map(|(account, _)| self.all_concerning(Some(*account)));
            let all: BTreeSet<KeyIx> = own.chain(of_granters).collect();
            all.into_iter().collect()
        })
    }

    /// Whether grants of a key may be made to one and not to another.
    pub(super) fn asks_for_grantees(&self, key: KeyIx) -> bool {
        self.cast.hears_grantees || self.of_grantees.get(key as usize).copied().unwrap_or(true)
    }

    /// The tags of principals that a key's own side asks for.
    pub(super) fn principal_tags(&self, key: KeyIx) -> &PrincipalTags {
        const NONE: &PrincipalTags =
            &PrincipalTags { named: BTreeSet::new(), own: BTreeSet::new() };
        self.principal_tags.get(key as usize).unwrap_or(NONE)
    }

    /// What is wanted of a key.
    pub(super) fn goal(&self, key: KeyIx) -> Option<KmsAction> {
        self.goals.get(key as usize).copied().flatten()
    }

    /// The same between two sides.
    pub(super) fn opened_between(&self, sides: Sides, key: KeyIx, opening: Opening) -> Chance {
        let reached = || self.reached_between(sides, key, opening);
        self.goal(key).map_or(Chance::No, |goal| reached().chance(goal))
    }

    /// What is reached of a key by an opening, between two sides.
    pub(super) fn reached_between(&self, sides: Sides, key: KeyIx, opening: Opening) -> Reached {
        self.targets.reached(sides, self.wanted(key), opening)
    }

    /// Two sides were no policy of an organization left that binds either (rule T37).
    pub(super) fn unbound(&self, sides: Sides) -> Sides {
        self.targets.unbound(sides)
    }

    /// Whether somebody gets to the goal of a key, were it opened.
    pub(super) fn opened(&self, side: &KeySide<'_>, key: KeyIx, opening: Opening) -> Chance {
        let goal = self.goal(key);
        let mut survey = self.survey(side);
        goal.map_or(Chance::No, |goal| survey.reached(key as usize, opening).chance(goal))
    }
}

fn held(mut survey: Survey<'_, '_>, keys: &[KeyIx]) -> Vec<Held> {
    let each = keys.iter().filter_map(|key| {
        let (reached, sides) = survey.reached_between(*key as usize, Opening::AsItIs);
        (reached.possible != ActionSet::EMPTY).then_some(Held { key: *key, reached, sides })
    });
    each.collect()
}

/// What the policies on a key's side ask for.
fn asked(cast: &Cast<'_>, key: &Key) -> Asked {
    let mut asked = cast.of_organization.clone();
    let documents = key.policy.iter().chain(&key.ram_policy);
    documents.for_each(|document| document.peek(|policy| asked.hear_conditions(policy)));
    asked.tie_to(&key.into());
    asked
}
