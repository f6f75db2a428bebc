//! Keys as paths meet them: who could be concerned with which, and what somebody can do with each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::access::{Access, KeySide, KeyTarget, Opening, Reached, ToldApart};
use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Chance, Context};
use crate::inventory::{Grantee, Key};
use crate::policy::{Polarity, Principal};

use super::asked::Asked;
use super::asker::Asker;
use super::cast::{Cast, KeyIx};
use super::key_moves::KeyMove;
use super::state::ClassIx;

/// All keys, each side made once.
pub(super) struct Keys<'c, 'w> {
    targets: Vec<KeyTarget<'c>>,
    /// What is asked of each key: its goal, and what leads to it.
    wanted: Vec<ActionSet>,
    told_apart: Vec<ToldApart>,
    asking: Vec<bool>,
    known: Mutex<FxHashMap<(ClassIx, KeyIx), Reached>>,
    /// Keys that other accounts might reach, by the account; those of everyone apart.
    by_account: BTreeMap<AccountId, Vec<KeyIx>>,
    by_anyone: Vec<KeyIx>,
    /// What is gained in the end, key by key; nothing where a key cannot perform it.
    pub(super) goals: Vec<Option<KmsAction>>,
    cast: &'c Cast<'w>,
}

/// What somebody can do with one key.
pub(super) struct Held {
    /// The key.
    pub(super) key: KeyIx,
    /// Whether the key tells the caller apart from others of its class.
    pub(super) apart: bool,
    /// Of the goal and what leads to it.
    pub(super) reached: Reached,
}

impl<'c, 'w> Keys<'c, 'w> {
    /// The keys of the cast; `goal` says what is wanted of each, `asked` which matter.
    pub(super) fn of(
        cast: &'c Cast<'w>,
        access: &'c Access<'c>,
        goal: impl Fn(&Key) -> Option<KmsAction>,
    ) -> Self {
        let nothing = Context::default();
        let goals: Vec<Option<KmsAction>> = cast.keys.iter().map(|key| goal(key)).collect();
        let leading: ActionSet = KeyMove::ACTIONS.into_iter().collect();
        let wanted = goals.iter().map(|goal| match goal {
            Some(goal) => leading.union((*goal).into()),
            None => ActionSet::EMPTY,
        });
        let targets: Vec<KeyTarget<'_>> =
            cast.keys.iter().map(|key| access.key_target(key, &nothing)).collect();
        let mut keys = Self {
            asking: cast.keys.iter().map(|key| asks(cast, key)).collect(),
            told_apart: targets.iter().map(|target| target.told_apart(access)).collect(),
            known: Mutex::default(),
            targets,
            wanted: wanted.collect(),
            by_account: BTreeMap::new(),
            by_anyone: Vec::new(),
            goals,
            cast,
        };
        for (at, key) in (0..).zip(&cast.keys) {
            keys.hear(at, key);
        }
        keys
    }

    /// Whom a key opens to beside its own account.
    fn hear(&mut self, at: KeyIx, key: &Key) {
        let home = key.arn.account();
        let mut accounts = BTreeSet::new();
        let mut anyone = key.policy.is_none();
        let mut hear = |principal: &Principal| match principal {
            Principal::Account { account, .. } => {
                accounts.insert(*account);
            }
            Principal::Anyone | Principal::Unresolved(_) | Principal::Federated(_) => anyone = true,
            // It may be of any account.
            Principal::UniqueId(_) => anyone = true,
            principal => {
                let account = principal.text().split(':').nth(4).and_then(AccountId::parse);
                accounts.extend(account);
            }
        };
        for document in key.policy.iter().chain(&key.ram_policy) {
            document.peek(|policy| {
                let statements = policy.statements.iter().filter(|it| it.allows());
                for element in statements.filter_map(|statement| statement.principal.as_ref()) {
                    if element.polarity == Polarity::IsNot {
                        hear(&Principal::Anyone);
                    }
                    element.entries.iter().for_each(|entry| hear(&entry.value));
                }
                if !policy.readable {
                    hear(&Principal::Anyone);
                }
            });
        }
        for grant in &key.grants {
            if let Grantee::Principal(principal) = &grant.grantee {
                hear(principal);
            }
        }
        if anyone {
            self.by_anyone.push(at);
        }
        accounts.remove(&home);
        for account in accounts {
            self.by_account.entry(account).or_default().push(at);
        }
    }

    /// The keys that somebody of an account might have to do with.
    fn concerning(&self, account: Option<AccountId>) -> Vec<KeyIx> {
        let Some(account) = account else {
            return self.by_anyone.clone();
        };
        let mut all =
            self.cast.accounts.get(&account).map(|it| it.keys.clone()).unwrap_or_default();
        all.extend(self.by_account.get(&account).into_iter().flatten());
        all.extend(&self.by_anyone);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What somebody can do with each key, where it is anything.
    pub(super) fn held(
        &self,
        asker: &Asker<'_, '_>,
        side: &KeySide<'_>,
        class: ClassIx,
    ) -> Vec<Held> {
        let keys = self.concerning(asker.account()).into_iter();
        let each = keys.filter_map(|key| {
            let apart = self.is_told_apart(asker, key);
            let reached = match apart {
                true => self.reached(side, key, Opening::AsItIs),
                false => self.reached_by_class(side, class, key),
            };
            (reached.possible != ActionSet::EMPTY).then_some(Held { key, apart, reached })
        });
        each.collect()
    }

    fn is_told_apart(&self, asker: &Asker<'_, '_>, key: KeyIx) -> bool {
        match self.told_apart.get(key as usize) {
            Some(ToldApart::ByName(names)) => asker.names().any(|name| names.contains(name)),
            _ => true,
        }
    }

    fn reached_by_class(&self, side: &KeySide<'_>, class: ClassIx, key: KeyIx) -> Reached {
        let name = (class, key);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).copied();
        known.unwrap_or_else(|| {
            let reached = self.reached(side, key, Opening::AsItIs);
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, reached);
            reached
        })
    }

    /// What somebody can do with one key, were it opened.
    pub(super) fn reached(&self, side: &KeySide<'_>, key: KeyIx, opening: Opening) -> Reached {
        let at = key as usize;
        match (self.targets.get(at), self.wanted.get(at)) {
            (Some(target), Some(wanted)) if *wanted != ActionSet::EMPTY => {
                side.reached(target, *wanted, opening)
            }
            _ => Reached::default(),
        }
    }

    /// What is asked of a key: its goal, and what leads to it.
    pub(super) fn wanted(&self, key: KeyIx) -> ActionSet {
        self.wanted.get(key as usize).copied().unwrap_or(ActionSet::EMPTY)
    }

    /// Whether a key's own side asks for its tags or aliases.
    pub(super) fn asks(&self, key: KeyIx) -> bool {
        self.asking.get(key as usize).copied().unwrap_or(true)
    }

    /// What is wanted of a key.
    pub(super) fn goal(&self, key: KeyIx) -> Option<KmsAction> {
        self.goals.get(key as usize).copied().flatten()
    }

    /// Whether somebody gets to the goal of a key, were it opened.
    pub(super) fn opened(&self, side: &KeySide<'_>, key: KeyIx, opening: Opening) -> Chance {
        let goal = self.goal(key);
        goal.map_or(Chance::No, |goal| self.reached(side, key, opening).chance(goal))
    }
}

/// Whether the policies on a key's side ask for its tags or aliases.
fn asks(cast: &Cast<'_>, key: &Key) -> bool {
    let mut asked = Asked::default();
    key.policy.iter().chain(&key.ram_policy).for_each(|it| it.peek(|policy| asked.hear(policy)));
    [&asked, &cast.of_organization].into_iter().any(Asked::is_of_keys)
}
