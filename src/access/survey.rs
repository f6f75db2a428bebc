//! What one caller after the other reaches on many keys. What the sides of callers and keys have in common is
//! worked out once: as in the matrix, equal sides are one.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{CallerKind, Chance, Context};
use crate::inventory::Key;
use crate::kept::{Interner, Memo};

use super::Access;
use super::asked::REQUEST_ALIAS;
use super::classes::{KeyAnswers, KeyIx, KeyTable, Questions};
use super::formula::{Atom, AtomId, Formula, Kinds};
use super::frame::Limit;
use super::home::{Home, without_idle_limits};
use super::library::World;
use super::masked::Masked;
use super::matrix::{HomeIx, OwnerIx};
use super::owner::Owner;
use super::point::merged_with;
use super::side::{KeySide, KeyTarget, Opening, Reached, opened_to, reached};
use super::ways::{Relation, allowed};

/// Keys that questions are about, each with what is asked of it.
pub struct KeyTargets<'a> {
    access: &'a Access<'a>,
    table: KeyTable<'a>,
    targets: Vec<Option<Wanted<'a>>>,
    /// All that is asked of any key.
    scope: ActionSet,
    homes: Interner<Home>,
    owners: Interner<Owner>,
    asked_of_keys: Memo<HomeIx, Answers>,
    asked_of_callers: Memo<OwnerIx, Arc<[AtomId]>>,
    answered_homes: Memo<(HomeIx, Box<[Formula]>), HomeIx>,
    answered_owners: Memo<(OwnerIx, Box<[Formula]>), OwnerIx>,
    untold_owners: Memo<(OwnerIx, AccountId, bool), OwnerIx>,
    unbound_homes: Memo<HomeIx, HomeIx>,
    unbound_owners: Memo<OwnerIx, OwnerIx>,
    decided: Memo<(Sides, ActionSet, Opening), Reached>,
    contexts: Interner<Context>,
    chances: Memo<(Sides, KmsAction, Opening, u32), Chance>,
    /// Whether the second sides allow no more than the first.
    within: Memo<(Sides, Sides, ActionSet, Opening), bool>,
}

/// What keys say to each question of a side.
type Answers = Arc<[(AtomId, Arc<KeyAnswers>)]>;

/// A caller and a key that stand to each other as others do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sides {
    home: HomeIx,
    owner: OwnerIx,
    relation: Relation,
    is_role: bool,
}

/// A side, and the same with what tells one who has it from all others.
#[derive(Clone, Copy)]
struct Told {
    alike: u32,
    apart: u32,
}

/// A key that something is asked of.
struct Wanted<'a> {
    target: KeyTarget<'a>,
    number: KeyIx,
    actions: ActionSet,
    /// Its side; apart with its aliases.
    owner: Told,
    /// Whether that asks callers for their unique ids.
    asks_user_id: bool,
}

impl<'a> KeyTargets<'a> {
    /// The sides of `keys`, each with the actions that are asked of it as far as it can perform them; none
    /// where nothing is.
    pub fn of(
        access: &'a Access<'a>,
        keys: impl IntoIterator<Item = (&'a Key, Option<ActionSet>)>,
    ) -> Self {
        let owners = Interner::new();
        let side = |(key, actions): (&'a Key, Option<ActionSet>)| {
            let actions = actions?;
            let target = access.key_target(key, &Context::default());
            let actions = actions.intersection(target.possible());
            Some((key, target, actions))
        };
        let sides: Vec<_> = keys.into_iter().map(side).collect();
        let scope = |all: ActionSet, (_, _, actions): &(_, _, ActionSet)| all.union(*actions);
        let scope = sides.iter().flatten().fold(ActionSet::EMPTY, scope);
        let table = KeyTable::new(sides.iter().flatten().map(|(key, ..)| *key).collect());
        let wanted = |(key, target, actions): (&Key, KeyTarget<'a>, ActionSet)| {
            let number = table.find(key.arn.as_str())?;
            let whole = target.owner().mapped(|masked| masked.within(scope));
            let asks = |kinds| whole.masked().any(|it| it.has(&access.core.formulas, kinds));
            let (asks_alias, asks_user_id) = (asks(Kinds::ALIAS), asks(Kinds::USER_ID));
            let apart = owners.intern(whole.clone());
            let alike = if asks_alias { apart } else { owners.intern(without_aliases(whole)) };
            let owner = Told { alike, apart };
            Some(Wanted { target, number, actions, owner, asks_user_id })
        };
        let targets = sides.into_iter().map(|side| side.and_then(wanted)).collect();
        Self {
            access,
            targets,
            table,
            scope,
            homes: Interner::new(),
            owners,
            asked_of_keys: Memo::new(),
            asked_of_callers: Memo::new(),
            answered_homes: Memo::new(),
            answered_owners: Memo::new(),
            untold_owners: Memo::new(),
            unbound_homes: Memo::new(),
            unbound_owners: Memo::new(),
            decided: Memo::new(),
            contexts: Interner::new(),
            chances: Memo::new(),
            within: Memo::new(),
        }
    }

    /// The side of a key, by its place among those that were given.
    pub fn target(&self, at: usize) -> Option<&KeyTarget<'a>> {
        self.targets.get(at)?.as_ref().map(|wanted| &wanted.target)
    }

    /// What is asked of it.
    pub fn wanted(&self, at: usize) -> ActionSet {
        let wanted = self.targets.get(at).and_then(Option::as_ref);
        wanted.map_or(ActionSet::EMPTY, |wanted| wanted.actions)
    }

    /// The keys as one caller looks at them.
    pub fn survey<'s>(&'s self, side: &'s KeySide<'s>) -> Survey<'s, 'a> {
        let world = self.world();
        let whole = side.home().mapped(|masked| masked.within(self.scope));
        let asks = |kinds| whole.masked().any(|it| world.has(it, kinds));
        let is_plain = side.is_given(&self.access.given) && !asks(Kinds::CALLER);
        let asks_alias = asks(Kinds::ALIAS);
        let home = is_plain.then(|| {
            let whole = Arc::new(whole);
            let alike = without_idle_limits(world.formulas, &whole);
            let alike = self.homes.intern(Home::clone(&alike));
            Told { alike, apart: self.homes.intern(Home::clone(&whole)) }
        });
        let answers = home.map(|home| {
            self.asked_of_keys.get(home.alike, |home| {
                let home = self.homes.get(*home);
                let questions = Questions::of(&world, home.masked(), Kinds::KEY);
                let each = questions.ids.iter();
                each.map(|id| (*id, self.table.answers(&world, *id))).collect()
            })
        });
        Survey {
            targets: self,
            side,
            home: home.zip(answers),
            untold: None,
            asks_alias,
            homes: FxHashMap::default(),
            answers: FxHashMap::default(),
            owners: FxHashMap::default(),
            decided: FxHashMap::default(),
        }
    }

    /// The same of a caller whom none of the keys that are looked at tells apart
    /// ([`KeyTarget::told_apart`]): they say to it what they say to others of its account and kind.
    pub fn survey_untold<'s>(&'s self, side: &'s KeySide<'s>) -> Survey<'s, 'a> {
        Survey { untold: side.account_and_kind(), ..self.survey(side) }
    }

    /// Which of `wanted` is held between two sides.
    pub fn reached(&self, sides: Sides, wanted: ActionSet, opening: Opening) -> Reached {
        self.decided.get((sides, wanted, opening), |_| {
            let (home, owner) = self.opened(sides, opening);
            reached(self.access, (home, &owner), sides.relation, wanted, &self.access.given)
        })
    }

    /// The same two sides were no policy of an organization left that binds either (rule T37).
    pub fn unbound(&self, sides: Sides) -> Sides {
        let home = self
            .unbound_homes
            .get(sides.home, |home| self.homes.intern(self.homes.get(*home).unbound(self.scope)));
        let owner = self.unbound_owners.get(sides.owner, |owner| {
            let rcp_deny = Masked::default();
            self.owners.intern(Owner { rcp_deny, ..self.owners.get(*owner).clone() })
        });
        Sides { home, owner, ..sides }
    }

    /// Whether some request that agrees with `context` is allowed between two sides.
    pub fn chance(
        &self,
        sides: Sides,
        action: KmsAction,
        opening: Opening,
        context: &Context,
    ) -> Chance {
        let number = self.contexts.intern(context.clone());
        self.chances.get((sides, action, opening, number), |_| {
            let (home, owner) = self.opened(sides, opening);
            let given = merged_with(&self.access.given, context);
            let both = (home, &*owner);
            reached(self.access, both, sides.relation, action.into(), &given).chance(action)
        })
    }

    /// Whether every request for `actions` that is allowed between two sides is allowed between others, as far as
    /// their formulas say so; callers that sign in otherwise aside.
    pub fn allows_all_of(
        &self,
        others: Sides,
        sides: Sides,
        actions: ActionSet,
        opening: Opening,
    ) -> bool {
        let formulas = &*self.access.core.formulas;
        self.within.get((others, sides, actions, opening), |_| {
            let (one, own) = (self.opened(others, opening), self.opened(sides, opening));
            let allowed = |(home, owner): &(&Home, Cow<'_, Owner>), relation| {
                allowed(formulas, home, owner, relation).within(actions)
            };
            let (most, least) = (allowed(&one, others.relation), allowed(&own, sides.relation));
            // Tags that neither is asked for do not tell them apart.
            let is_idle = |(key, _): &(Box<str>, Limit)| {
                let is_read = |masked: &Masked| masked.asks_for(formulas, &|it| *it == **key);
                key.starts_with("aws:principaltag/") && !is_read(&most) && !is_read(&least)
            };
            let of_one = one.0.limits.iter().filter(|limit| !own.0.limits.contains(limit));
            let of_own = own.0.limits.iter().filter(|limit| !one.0.limits.contains(limit));
            one.1.limits == own.1.limits
                && of_one.chain(of_own).all(is_idle)
                && most.or(formulas, &least) == most
        })
    }

    fn opened(&self, sides: Sides, opening: Opening) -> (&Home, Cow<'_, Owner>) {
        let mut owner = Cow::Borrowed(self.owners.get(sides.owner));
        if opening != Opening::AsItIs {
            opened_to(owner.to_mut(), opening, sides.is_role);
        }
        (self.homes.get(sides.home), owner)
    }

    fn world(&self) -> World<'_> {
        World { every_limit: true, ..self.access.world(&self.access.given) }
    }
}

/// One caller who looks at keys.
pub struct Survey<'s, 'a> {
    targets: &'s KeyTargets<'a>,
    side: &'s KeySide<'s>,
    /// Its side with what keys say to its questions, apart with its unique id; nothing where it has to be
    /// asked key by key.
    home: Option<(Told, Answers)>,
    /// Its account, and whether it is a role, where no key tells it apart from others of them.
    untold: Option<(AccountId, bool)>,
    /// Whether it asks for the aliases of keys.
    asks_alias: bool,
    /// Its sides by what keys said.
    homes: FxHashMap<(HomeIx, Box<[Formula]>), HomeIx>,
    /// What it says to the questions of keys.
    answers: FxHashMap<AtomId, Formula>,
    /// The sides of keys towards it.
    owners: FxHashMap<OwnerIx, OwnerIx>,
    decided: FxHashMap<(Sides, ActionSet, Opening), Reached>,
}

impl Survey<'_, '_> {
    /// Which of the actions that are wanted of a key the caller holds.
    pub fn reached(&mut self, at: usize, opening: Opening) -> Reached {
        self.reached_between(at, opening).0
    }

    /// The same with both sides of the caller and the key; without them where they have to be asked by
    /// themselves.
    pub fn reached_between(&mut self, at: usize, opening: Opening) -> (Reached, Option<Sides>) {
        let targets = self.targets;
        let Some(Some(wanted)) = targets.targets.get(at) else { return Default::default() };
        let actions = wanted.actions;
        if actions == ActionSet::EMPTY {
            return Default::default();
        }
        let Some(sides) = self.sides(at) else {
            return (self.side.reached(&wanted.target, actions, opening), None);
        };
        let known = self.decided.entry((sides, actions, opening));
        let reached = *known.or_insert_with(|| targets.reached(sides, actions, opening));
        (reached, Some(sides))
    }

    /// Both sides of the caller and a key; nothing where they have to be asked by themselves.
    pub fn sides(&mut self, at: usize) -> Option<Sides> {
        let wanted = self.targets.targets.get(at)?.as_ref()?;
        let home = self.home.as_ref()?.0;
        let home = if wanted.asks_user_id { home.apart } else { home.alike };
        let owner = if self.asks_alias { wanted.owner.apart } else { wanted.owner.alike };
        let caller = self.side.caller();
        Some(Sides {
            home: self.home_towards(home, wanted.number)?,
            owner: self.owner_towards(owner),
            relation: Relation::of(caller, &wanted.target.key().arn),
            is_role: caller.kind == CallerKind::Role,
        })
    }

    /// A side of the caller's towards a key.
    fn home_towards(&mut self, home: HomeIx, key: KeyIx) -> Option<HomeIx> {
        let (_, answers) = self.home.as_ref()?;
        if answers.is_empty() {
            return Some(home);
        }
        let (targets, world) = (self.targets, self.targets.world());
        let said = answers.iter().map(|(id, all)| targets.table.said(&world, (*id, all), key));
        let asked = (home, said.collect());
        if let Some(known) = self.homes.get(&asked) {
            return Some(*known);
        }
        let towards = targets.answered_homes.get(asked.clone(), |(home, said)| {
            let ids = answers.iter().map(|(id, _)| *id);
            let answers: Vec<(AtomId, Formula)> = ids.zip(said.iter().copied()).collect();
            let side = targets.homes.get(*home).mapped(|masked| {
                masked.mapped(|it| world.formulas.answered(it, Kinds::KEY, &answers))
            });
            targets.homes.intern(side)
        });
        self.homes.insert(asked, towards);
        Some(towards)
    }

    /// The side of keys towards the caller.
    fn owner_towards(&mut self, owner: OwnerIx) -> OwnerIx {
        if let Some(known) = self.owners.get(&owner) {
            return *known;
        }
        let towards = match self.untold {
            Some((account, is_role)) => {
                let untold = &self.targets.untold_owners;
                untold.get((owner, account, is_role), |_| self.asked_owner(owner))
            }
            None => self.asked_owner(owner),
        };
        self.owners.insert(owner, towards);
        towards
    }

    /// The same, the caller itself asked.
    fn asked_owner(&mut self, owner: OwnerIx) -> OwnerIx {
        let (targets, world) = (self.targets, self.targets.world());
        let ids = targets.asked_of_callers.get(owner, |owner| {
            let owner = targets.owners.get(*owner);
            Questions::of(&world, owner.masked(), Kinds::CALLER).ids.into()
        });
        let said: Box<[Formula]> = ids.iter().map(|id| self.answer(&world, *id)).collect();
        targets.answered_owners.get((owner, said), |(owner, said)| {
            let answers: Vec<(AtomId, Formula)> =
                ids.iter().copied().zip(said.iter().copied()).collect();
            let side = targets.owners.get(*owner).mapped(|masked| {
                masked.mapped(|it| world.formulas.answered(it, Kinds::CALLER, &answers))
            });
            targets.owners.intern(side)
        })
    }

    fn answer(&mut self, world: &World<'_>, id: AtomId) -> Formula {
        let side = self.side;
        *self.answers.entry(id).or_insert_with(|| match world.formulas.atom(id) {
            Atom::Caller(question) => side.answer(world, question),
            _ => Formula::FALSE,
        })
    }
}

/// The side of a key that does not ask for its aliases, which tell it apart from all others.
fn without_aliases(owner: Owner) -> Owner {
    let limits = owner.limits.iter().filter(|(key, _)| **key != *REQUEST_ALIAS);
    Owner { limits: limits.cloned().collect(), ..owner }
}
