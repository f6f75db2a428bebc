//! Both sides of a question about a key, kept apart: who asks, and what is asked for. Either may be other
//! than the export has it: what the graph asks of principals and keys that somebody changed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Caller, CallerKind, Chance, Context};
use crate::inventory::{Identity, Key};
use crate::policy::Principal;

use super::Access;
use super::asked::{Asked, account_form};
use super::control::ControlSide;
use super::formula::{Atom, Formula, Formulas, Kinds};
use super::guise::Guise;
use super::home::{Home, without_idle_limits};
use super::judge::Judge;
use super::library::World;
use super::masked::Masked;
use super::owner::Owner;
use super::point::{frame, merged_with};
use super::question::Question;
use super::resource::Resource;
use super::subject::{Subject, takes_tags};
use super::trust::Trust;
use super::ways::{Relation, allowed};
use super::word::Word;

/// The caller's side of questions about keys.
pub struct KeySide<'a> {
    access: &'a Access<'a>,
    subject: Subject<'a>,
    home: Arc<Home>,
    given: Context,
    /// What it says of the actions that were first asked for.
    narrow: OnceLock<Narrow>,
}

/// What a caller's side says of some actions.
struct Narrow {
    wanted: ActionSet,
    home: Home,
    /// Whether it hangs on the key.
    asks: bool,
}

/// What a caller's side says of keys, apart from the caller; to be asked again.
#[derive(Clone)]
pub struct KeyHome(Arc<Home>);

/// The key's side, whoever asks.
pub struct KeyTarget<'a> {
    key: &'a Key,
    owner: Owner,
    given: Context,
}

/// What the key's side is taken to say beside what it says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Opening {
    /// Nothing.
    AsItIs,
    /// Its policy is one that allows the caller everything (rules T16, T17).
    ByPolicy,
    /// A grant gives the caller what grants can (rules T18, T19).
    ByGrant,
    /// Both, one after the other.
    ByPolicyAndGrant,
}

/// The actions that a caller holds on a key; each set holds those before it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reached {
    /// Every request is allowed, whatever is missing.
    pub always: ActionSet,
    /// Some request is allowed, whatever is missing.
    pub sure: ActionSet,
    /// Some request is allowed as far as is told.
    pub told: ActionSet,
    /// Some request could be allowed.
    pub possible: ActionSet,
}

impl Reached {
    /// What holds of one action.
    pub fn chance(&self, action: KmsAction) -> Chance {
        if self.sure.contains(action) {
            Chance::Sure
        } else if self.told.contains(action) {
            Chance::AsTold
        } else if self.possible.contains(action) {
            Chance::Perhaps
        } else {
            Chance::No
        }
    }

    /// Whether `other` holds each action as surely.
    pub fn is_within(&self, other: &Self) -> bool {
        let sets = [(self.sure, other.sure), (self.told, other.told)];
        let all = sets.into_iter().chain([(self.possible, other.possible)]);
        all.into_iter().all(|(own, others)| own.minus(others) == ActionSet::EMPTY)
    }

    fn add(&mut self, actions: ActionSet, chance: Chance) {
        let sets = [
            (&mut self.sure, Chance::Sure),
            (&mut self.told, Chance::AsTold),
            (&mut self.possible, Chance::Perhaps),
        ];
        for (set, least) in sets {
            if chance >= least {
                *set = set.union(actions);
            }
        }
    }
}

/// The actions that grants can allow (rule G4).
static GRANTABLE: LazyLock<ActionSet> =
    LazyLock::new(|| KmsAction::all().filter(|action| action.info().grantable).collect());

/// Callers of one class have the same account and the same answers wherever nothing on the key's side
/// names them.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeySideClass(Arc<Home>, Option<crate::aws::AccountId>, Box<str>);

/// Who is told apart by a key's policies and grants, or by a role's trust policy, beyond the account and
/// the kind of caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToldApart {
    /// These alone, by name.
    ByName(BTreeSet<Box<str>>),
    /// Whoever asks, by what it is called, by its tags, ...
    Everyone,
}

impl ToldApart {
    fn by<S: Word>(formulas: &Formulas, side: impl Iterator<Item = Masked<S>>) -> Self {
        let (mut names, mut everyone) = (BTreeSet::new(), false);
        for masked in side {
            for (_, formula) in masked.pieces() {
                formulas.each_atom(*formula, &mut |atom| {
                    let Atom::Caller(question) = atom else { return };
                    match question {
                        Question::Names(
                            Principal::Anyone | Principal::Account { .. } | Principal::Service(_),
                            _,
                        ) => {}
                        Question::Names(
                            principal @ (Principal::User(_)
                            | Principal::Role(_)
                            | Principal::AssumedRole(_)
                            | Principal::FederatedUser(_)),
                            _,
                        ) => {
                            names.insert(principal.text().into());
                        }
                        Question::Test { test, .. } => everyone |= !test.is_of_account(),
                        _ => everyone = true,
                    }
                });
            }
        }
        if everyone { Self::Everyone } else { Self::ByName(names) }
    }
}

impl Access<'_> {
    /// Whom a role's trust policy, and RCPs, tell apart.
    pub fn told_apart_by_trust(&self, role: &str) -> ToldApart {
        let world = World { every_limit: true, ..self.world(&self.given) };
        let trust = Trust::of(&world, Resource::of(&self.inventory, role));
        let all = [trust.direct, trust.limited, trust.by_account, trust.deny, trust.rcp_deny];
        ToldApart::by(world.formulas, all.into_iter())
    }

    /// Whether sessions of a role may bring tags (rule T7).
    pub fn takes_session_tags(&self, role: &Identity) -> bool {
        takes_tags(role)
    }

    /// The side of `caller` under `given`, which fixes condition keys; in a guise where there is one.
    pub fn key_side<'a>(
        &'a self,
        caller: &Caller,
        guise: Option<Guise<'a>>,
        given: &Context,
    ) -> KeySide<'a> {
        let given = merged_with(&self.given, given);
        let subject = self.subject(caller, guise);
        let world = World { every_limit: true, ..self.world(&given) };
        let home = Arc::new(Home::of(&world, &subject, &[]));
        KeySide { access: self, subject, home, given, narrow: OnceLock::new() }
    }

    /// The same where its home is known already: that of one who is the same, in the same guise, under what is
    /// given here.
    pub fn key_side_again<'a>(
        &'a self,
        caller: &Caller,
        guise: Option<Guise<'a>>,
        given: &Context,
        home: &KeyHome,
    ) -> KeySide<'a> {
        let given = merged_with(&self.given, given);
        let (subject, home) = (self.subject(caller, guise), Arc::clone(&home.0));
        KeySide { access: self, subject, home, given, narrow: OnceLock::new() }
    }

    /// The side of a key, of the export or not, under `given`.
    pub fn key_target<'a>(&'a self, key: &'a Key, given: &Context) -> KeyTarget<'a> {
        let given = merged_with(&self.given, given);
        let world = World { every_limit: true, ..self.world(&given) };
        let owner = Owner::of(&world, key);
        KeyTarget { key, owner, given }
    }

    /// The identity side of `caller` for all control actions under `given`, in a guise where there is one.
    pub fn control_as<'a>(
        &'a self,
        caller: &Caller,
        guise: Option<Guise<'a>>,
        given: &Context,
    ) -> ControlSide<'a> {
        let given = merged_with(&self.given, given);
        let subject = self.subject(caller, guise);
        let world = World { every_limit: true, ..self.world(&given) };
        let home = Arc::new(Home::of(&world, &subject, &[]));
        ControlSide::new(self, subject, home, given)
    }

    fn subject<'a>(&'a self, caller: &Caller, guise: Option<Guise<'a>>) -> Subject<'a> {
        let mut subject = Subject::of(&self.inventory, caller.clone());
        if let Some(guise) = guise {
            subject.become_as(guise);
        }
        subject
    }
}

impl KeyTarget<'_> {
    /// What the key can perform at all (rule S5).
    pub fn possible(&self) -> ActionSet {
        self.owner.possible
    }

    /// The key.
    pub(super) fn key(&self) -> &Key {
        self.key
    }

    /// The key's side itself.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Whom the key's policies and grants tell apart.
    pub fn told_apart(&self, access: &Access<'_>) -> ToldApart {
        ToldApart::by(&access.core.formulas, self.owner.masked().cloned())
    }
}

impl KeySideClass {
    /// Whether the caller's own policies allow everything and deny nothing.
    pub fn is_unlimited(&self) -> bool {
        self.0.is_unlimited()
    }

    /// Whether the organization says the same of the callers of both.
    pub fn is_bound_as(&self, other: &Self) -> bool {
        self.1 == other.1 && self.0.is_bound_as(&other.0)
    }

    /// Whether the organization leaves the callers of this class whatever it leaves those of the other.
    pub fn is_as_free_as(&self, access: &Access<'_>, other: &Self) -> bool {
        self.1 == other.1 && self.0.is_as_free_as(&access.core.formulas, &other.0)
    }

    /// Whether callers of this class can do whatever those of the other can with keys that name neither.
    pub fn does_all_of(&self, access: &Access<'_>, other: &Self) -> bool {
        let does = |formulas| self.is_unlimited() || self.0.does_all_of(formulas, &other.0);
        self.is_as_free_as(access, other) && self.2 == other.2 && does(&access.core.formulas)
    }
}

impl KeySide<'_> {
    /// The class of the caller.
    pub fn class(&self) -> KeySideClass {
        let caller = &self.subject.caller;
        let home = without_idle_limits(&self.access.core.formulas, &self.home);
        KeySideClass(home, caller.account, caller.partition().into())
    }

    /// What it says, to be asked again by [`Access::key_side_again`].
    pub fn kept(&self) -> KeyHome {
        KeyHome(Arc::clone(&self.home))
    }

    /// The account of a user or role of the export, and whether it is a role.
    pub(super) fn account_and_kind(&self) -> Option<(AccountId, bool)> {
        let Subject { caller, identity, stranger, .. } = &self.subject;
        let is_plain = matches!(caller.kind, CallerKind::User | CallerKind::Role);
        let is_known = identity.is_some() && stranger.is_none();
        let account = caller.account.filter(|_| is_plain && is_known);
        account.map(|account| (account, caller.kind == CallerKind::Role))
    }

    /// Whether the caller's side asks for tags of keys.
    pub fn asks_for_tags(&self) -> bool {
        self.asks(|key| key.starts_with("aws:resourcetag/"))
    }

    /// Whether the caller's side asks for aliases of keys.
    pub fn asks_for_aliases(&self) -> bool {
        self.asks(|key| matches!(key, "kms:resourcealiases" | "kms:requestalias"))
    }

    /// Whether either side asks for the tags that a request brings.
    pub fn asks_for_request_tags(&self, target: &KeyTarget<'_>) -> bool {
        let is_it = |key: &str| key.starts_with("aws:requesttag/") || key == "aws:tagkeys";
        self.asks(is_it) || self.asked(target.owner.masked(), is_it)
    }

    /// Whether either side asks for the operations of grants.
    pub fn asks_for_grant_operations(&self, target: &KeyTarget<'_>) -> bool {
        let is_it = |key: &str| key == "kms:grantoperations";
        self.asks(is_it) || self.asked(target.owner.masked(), is_it)
    }

    fn asks(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.asked(self.home.masked(), is_it)
    }

    fn asked<'m>(
        &self,
        mut all: impl Iterator<Item = &'m Masked>,
        is_it: impl Fn(&str) -> bool,
    ) -> bool {
        all.any(|masked| masked.asks_for(&self.access.core.formulas, &is_it))
    }

    /// Whether some request for an operation without a key is allowed (rules A68, E50).
    pub fn without_key(&self, action: KmsAction) -> Chance {
        let account = self.subject.caller.account.map(|account| account.to_string());
        let account = account.unwrap_or_default();
        let (before, after) = account_form(self.subject.caller.partition(), &account);
        self.on_nothing(action, (&before, &after))
    }

    /// Whether some request for the alias half of an operation is allowed (rules E52, L1 to L3).
    pub fn on_alias(&self, action: KmsAction, alias: &str) -> Chance {
        self.on_nothing(action, (alias, ""))
    }

    fn on_nothing(&self, action: KmsAction, resource: (&str, &str)) -> Chance {
        let world = World { every_limit: true, ..self.access.world(&self.given) };
        let asked = Asked::Nothing { resource };
        let settled = |formula| world.with_caller(world.with_key(formula, asked), &self.subject);
        let wanted = ActionSet::of(action);
        let home = self.home.mapped(|masked| masked.within(wanted).mapped(settled));
        let owner = Owner::of_nothing(&world, asked, ActionSet::ALL);
        let allowed = allowed(world.formulas, &home, &owner, Relation::NoKey).at(action);
        let judge = Judge { formulas: world.formulas, solver: &self.access.core.solver };
        judge.chance(allowed, &frame(&home, &owner, action, &self.given))
    }

    /// Who asks.
    pub(super) fn caller(&self) -> &Caller {
        &self.subject.caller
    }

    /// The caller's side itself.
    pub(super) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// Whether this is all that fixes condition keys.
    pub(super) fn is_given(&self, given: &Context) -> bool {
        self.given == *given
    }

    /// What the caller says to a question of the key's side.
    pub(super) fn answer(&self, world: &World<'_>, question: &Question) -> Formula {
        self.subject.answer(world.inventory, world.formulas, world.given, question)
    }

    fn narrow(&self, wanted: ActionSet) -> Narrow {
        let home = self.home.mapped(|masked| masked.within(wanted));
        let formulas = &self.access.core.formulas;
        let hangs = |masked: &Masked| {
            masked.has(formulas, Kinds::KEY) || masked.has(formulas, Kinds::CALLER)
        };
        let asks = home.masked().any(hangs);
        Narrow { wanted, home, asks }
    }

    /// Whether the caller needs an identity policy that allows (rule E20): a key is opened to its account, and
    /// to no name of its own.
    fn needs_identity(&self, opened: &[Masked; 6]) -> bool {
        let [direct, limited, _, granted, granted_limited, _] = opened;
        self.home.has_identity_side()
            && [direct, limited, granted, granted_limited].iter().all(|it| it.is_never())
    }

    /// Which of `wanted` the caller holds on a key that can perform them.
    pub fn reached(&self, target: &KeyTarget<'_>, wanted: ActionSet, opening: Opening) -> Reached {
        let world = World { every_limit: true, ..self.access.world(&self.given) };
        let asked = Asked::Key(target.key);
        let settled = |formula| world.with_caller(world.with_key(formula, asked), &self.subject);
        let of_caller = |masked: &Masked| {
            let masked = masked.within(wanted);
            masked.mapped(|formula| world.with_caller(formula, &self.subject))
        };
        let narrow = self.narrow.get_or_init(|| self.narrow(wanted));
        let opened = target.owner.opening().map(of_caller);
        if opening == Opening::AsItIs {
            let allow = || match narrow.wanted == wanted && !narrow.asks {
                true => Cow::Borrowed(&narrow.home.allow),
                false => Cow::Owned(self.home.allow.within(wanted).mapped(settled)),
            };
            if opened.iter().all(Masked::is_never)
                || (self.needs_identity(&opened) && allow().is_never())
            {
                return Reached::default();
            }
        }
        let mut owner = target.owner.opened_by(opened, of_caller);
        let home = match (narrow.wanted == wanted, narrow.asks) {
            (true, false) => Cow::Borrowed(&narrow.home),
            (true, true) => Cow::Owned(narrow.home.mapped(|masked| masked.mapped(settled))),
            _ => Cow::Owned(self.home.mapped(|masked| masked.within(wanted).mapped(settled))),
        };
        opened_to(&mut owner, opening, self.subject.caller.kind == CallerKind::Role);
        let relation = Relation::of(&self.subject.caller, &target.key.arn);
        let given = if target.given == self.given { &self.given } else { &target.given };
        reached(self.access, (&home, &owner), relation, wanted, given)
    }
}

/// Makes the side of a key say what it is taken to say beside, to a role or somebody else.
pub(super) fn opened_to(owner: &mut Owner, opening: Opening, is_role: bool) {
    if matches!(opening, Opening::ByPolicy | Opening::ByPolicyAndGrant) {
        owner.direct = Masked::all();
        owner.by_account = Masked::all();
        owner.deny = Masked::default();
    }
    if matches!(opening, Opening::ByGrant | Opening::ByPolicyAndGrant) {
        let all = Masked::all().within(*GRANTABLE);
        // A grant to a role means its sessions by the role (rule P4).
        match is_role {
            true => owner.granted.limited = all,
            false => owner.granted.direct = all,
        }
    }
}

/// Which of `wanted` both sides together let somebody hold, once each has answered the other's questions.
pub(super) fn reached(
    access: &Access<'_>,
    (home, owner): (&Home, &Owner),
    relation: Relation,
    wanted: ActionSet,
    given: &Context,
) -> Reached {
    let formulas = &*access.core.formulas;
    let allowed = allowed(formulas, home, owner, relation).within(wanted);
    let judge = Judge { formulas, solver: &access.core.solver };
    let mut reached = Reached::default();
    for (actions, formula) in allowed.pieces() {
        if *formula == Formula::TRUE {
            reached.add(*actions, Chance::Sure);
            reached.always = reached.always.union(*actions);
            continue;
        }
        for action in actions.iter() {
            let frame = frame(home, owner, action, given);
            reached.add(action.into(), judge.chance(*formula, &frame));
        }
    }
    reached
}
