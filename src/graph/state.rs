//! A principal as it is after some changes, and what it can do then; kept for all who get to be it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::access::{Access, KeyHome, Opening, Reached, Sides};
use crate::aws::{AccountId, ActionSet, KmsAction};
use crate::decision::{Chance, Context};
use crate::kept::{Interner, Memo};

use super::asker::Asker;
use super::cast::{Cast, Ix, KeyIx};
use super::change::{Change, boundary_after, changed};
use super::classes::{Class, OfClass, Walls, WallsIx};
use super::key_moves::KeyMove;
use super::keys::{Held, Keys};
use super::moves::{Gain, Moves, Open};
use super::outdone::{Lacking, Left};
use super::outsiders;
use super::plan::Doing;
use super::search::Subject;
use super::whoever::Whoever;

/// A change, by number.
pub(super) type ChangeIx = u32;

/// What a call does, by number.
pub(super) type DoingIx = u32;

/// A group or policy, by number.
pub(super) type SubjectIx = u32;

/// A class of states, by number.
pub(super) type ClassIx = u32;

/// A principal and what was changed about it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct StateName {
    /// Who it is.
    pub(super) at: Ix,
    /// Sorted.
    pub(super) changes: SmallVec<[ChangeIx; 3]>,
}

impl StateName {
    /// Somebody after these changes.
    pub(super) fn of(at: Ix, changes: impl IntoIterator<Item = ChangeIx>) -> Self {
        let mut changes: SmallVec<[ChangeIx; 3]> = changes.into_iter().collect();
        changes.sort_unstable();
        Self { at, changes }
    }
}

/// The tags of the sessions in which an identity is held (rule T7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Tags {
    /// Those of the user or role, and no others.
    Own,
    /// Whatever is wanted.
    Any,
}

/// What a move gives, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Gained {
    /// An identity to call as.
    Held(Ix, Tags),
    /// Something is changed.
    Changed(ChangeIx),
}

/// A move that is open to somebody, in numbers.
#[derive(Clone, Copy)]
pub(super) struct OpenMove {
    /// What is done.
    pub(super) what: DoingIx,
    /// Whether it is a primitive, and no edge.
    pub(super) primitive: bool,
    /// What must be done before, and whether that is a primitive.
    pub(super) before: Option<(DoingIx, bool)>,
    /// What it gives.
    pub(super) gain: Gained,
    /// The one whom alone it makes another or lets act, where it is one.
    pub(super) of: Option<Ix>,
    /// Whether it is allowed.
    pub(super) chance: Chance,
}

/// The moves of a class.
pub(super) struct ClassMoves {
    /// All of them.
    pub(super) all: Vec<OpenMove>,
    /// The surest for each gain.
    pub(super) best: Vec<OpenMove>,
}

/// A call about a key, and whether it is allowed.
pub(super) struct KeyOpen {
    /// The call.
    pub(super) what: KeyMove,
    /// The same by number.
    pub(super) doing: DoingIx,
    /// Whether it is allowed.
    pub(super) chance: Chance,
}

/// What a principal can do in one state.
pub(super) struct State {
    /// States of one class answer alike where nothing tells them apart by name.
    pub(super) class: ClassIx,
    /// Whether its own policies allow everything and deny nothing.
    pub(super) unlimited: bool,
    /// Principals of one account with the same walls are bound alike by the organization.
    pub(super) walls: WallsIx,
    /// Whether its side asks for tags of keys.
    pub(super) asks_for_tags: bool,
    /// Whether its side asks for aliases of keys.
    pub(super) asks_for_aliases: bool,
    pub(super) of_class: Arc<OfClass>,
    /// What its side says of keys.
    pub(super) key_home: KeyHome,
    assumes: OnceLock<Vec<OpenMove>>,
    /// What it can do with keys that tell it apart from others of its class; in order.
    apart: OnceLock<Vec<Held>>,
    /// The same with those that tell apart the one who was asked for its class; in order.
    skipped: OnceLock<Vec<Held>>,
}

/// With which keys something is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Which {
    /// All of them.
    All,
    /// Those that another of its class says nothing of.
    Apart,
    /// Those that tell it apart from others of its class.
    TellingApart,
}

/// What is reached of a key by each opening, and how both stand to each other, where that is worked out.
type Openings = ([Reached; 4], Option<Sides>);

/// A question about a key: who asks, for which permission, and after which edit of the key.
type KeyQuestion = (Whoever, KeyIx, KmsAction, Option<DoingIx>);

/// States by name.
pub(super) struct States<'c, 'w> {
    pub(super) cast: &'c Cast<'w>,
    pub(super) access: &'c Access<'c>,
    pub(super) keys: &'c Keys<'c, 'w>,
    /// Changes by number.
    pub(super) changes: Interner<Change>,
    /// Calls by number.
    pub(super) doings: Interner<Doing>,
    known: Memo<StateName, Arc<State>>,
    classes: Mutex<FxHashMap<Class, (ClassIx, Arc<OfClass>)>>,
    pub(super) walls: Mutex<(WallsIx, Walls)>,
    pub(super) freer: Memo<(Option<AccountId>, WallsIx, WallsIx), bool>,
    pub(super) surpassed: Memo<(ClassIx, ClassIx), bool>,
    pub(super) outclassed: Memo<(ClassIx, ClassIx), bool>,
    touched: Memo<ChangeIx, Arc<[Ix]>>,
    /// Groups and policies by number.
    pub(super) subjects: Interner<Subject>,
    /// Those that somebody is in or has.
    pub(super) subjects_of: Memo<Ix, Arc<[SubjectIx]>>,
    /// Whether those of a class take on whom a door leads to.
    pub(super) entering: Memo<(ClassIx, DoingIx), Chance>,
    pub(super) key_moves: Memo<KeyQuestion, Arc<[KeyOpen]>>,
    pub(super) granting: Memo<(StateName, KeyIx, Ix), Chance>,
    pub(super) opened: Memo<(Whoever, KeyIx, Opening, Option<DoingIx>), Chance>,
    apart: Memo<Ix, Arc<[KeyIx]>>,
    /// Whether those of a class may do with an alias what the action is of, the key aside.
    pub(super) alias_halves: Memo<(ClassIx, KmsAction, Box<str>), Chance>,
    /// Whether those of a class or the key ask for the operations of grants.
    pub(super) ask_for_operations: Memo<(ClassIx, KeyIx), bool>,
    /// Who may bring tags of its choice.
    pub(super) session_tags: Memo<Ix, Option<ChangeIx>>,
    /// What states can do to users and roles that have other tags (rule T34).
    pub(super) upon: Memo<(StateName, ChangeIx), Arc<[OpenMove]>>,
    /// What administrators can do with keys.
    pub(super) able: Memo<(StateName, KeyIx), Openings>,
    /// What others could be made to do with them, and with another tag.
    pub(super) could: Memo<(Ix, Option<ChangeIx>, KeyIx), Openings>,
    /// What their sides say of keys then.
    pub(super) at_most: Memo<(Ix, Option<ChangeIx>), KeyHome>,
    /// The changes of their own tags that they can make.
    pub(super) own_tags: Memo<StateName, Arc<[ChangeIx]>>,
    /// What states could do with keys of other tags.
    pub(super) tagged: Memo<(Whoever, KeyIx), ActionSet>,
    /// What they can do with keys after edits.
    pub(super) after: Memo<(Whoever, KeyIx, DoingIx), Reached>,
    /// What administrators leave to others.
    pub(super) left: Memo<(Ix, StateName), Arc<Left>>,
    /// What they cannot do themselves.
    pub(super) lacking: Memo<StateName, Arc<Lacking>>,
    /// The keys that ask how somebody of an account is signed in.
    pub(super) of_sign_in: Memo<Option<AccountId>, Arc<[KeyIx]>>,
}

impl<'c, 'w> States<'c, 'w> {
    /// None yet.
    pub(super) fn new(cast: &'c Cast<'w>, access: &'c Access<'c>, keys: &'c Keys<'c, 'w>) -> Self {
        Self {
            cast,
            access,
            keys,
            changes: Interner::new(),
            doings: Interner::new(),
            known: Memo::new(),
            classes: Mutex::default(),
            walls: Mutex::default(),
            freer: Memo::new(),
            surpassed: Memo::new(),
            outclassed: Memo::new(),
            touched: Memo::new(),
            subjects: Interner::new(),
            subjects_of: Memo::new(),
            entering: Memo::new(),
            key_moves: Memo::new(),
            granting: Memo::new(),
            opened: Memo::new(),
            apart: Memo::new(),
            alias_halves: Memo::new(),
            ask_for_operations: Memo::new(),
            session_tags: Memo::new(),
            upon: Memo::new(),
            able: Memo::new(),
            could: Memo::new(),
            at_most: Memo::new(),
            own_tags: Memo::new(),
            tagged: Memo::new(),
            after: Memo::new(),
            left: Memo::new(),
            lacking: Memo::new(),
            of_sign_in: Memo::new(),
        }
    }

    /// The state of this name.
    pub(super) fn get(&self, name: &StateName) -> Arc<State> {
        let known = self.known.known(name);
        known.unwrap_or_else(|| self.known.get(name.clone(), |name| Arc::new(self.make(name))))
    }

    fn make(&self, name: &StateName) -> State {
        let asker = self.asker(name);
        let nothing = Context::default();
        let key_side = asker.key_side(&nothing);
        let class = (asker.side(&nothing).class(), key_side.class());
        let asks_for_tags = key_side.asks_for_tags();
        let asks_for_aliases = key_side.asks_for_aliases();
        let unlimited = class.0.is_unlimited() && class.1.is_unlimited();
        let walls = self.walls(asker.account(), &class);
        let mut classes = self.classes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = classes.len() as ClassIx;
        let new = |class: &Class| (next, Arc::new(OfClass::of(class.clone())));
        let (class, of_class) = classes.entry(class).or_insert_with_key(new).clone();
        State {
            class,
            unlimited,
            walls,
            asks_for_tags,
            asks_for_aliases,
            of_class,
            key_home: key_side.kept(),
            assumes: OnceLock::new(),
            apart: OnceLock::new(),
            skipped: OnceLock::new(),
        }
    }

    /// Who asks in a state.
    pub(super) fn asker(&self, name: &StateName) -> Asker<'c, 'w> {
        let at = name.at;
        let changes = name.changes.iter().map(|change| self.changes.get(*change).clone());
        let mut changes: Vec<Change> = changes.collect();
        changes.sort();
        let open_tags = changes.iter().any(|it| matches!(it, Change::SessionTags(_)));
        let member = self.cast.member_or_first(at);
        if let Some(free) = Some(member).filter(|it| it.outside && it.identity.is_none())
            && let Some(free) = outsiders::free(self.access.inventory(), &free.caller)
        {
            let (cast, access, identity) = (self.cast, self.access, Some(Cow::Owned(free)));
            return Asker { cast, access, at, identity, boundary: None, open_tags: true };
        }
        let is_itself = match &*changes {
            [] => !self.takes_tags(at) && self.cast.made(at).is_none(),
            [Change::SessionTags(_)] => true,
            _ => false,
        };
        let identity = match (is_itself, &*changes) {
            (true, _) => None,
            (false, []) if self.cast.is_federated(at) => self.cast.without_own_tags(at),
            (false, []) => {
                let made = || self.cast.made(at).map(|made| Cow::Owned(made.clone()));
                member.identity.map(Cow::Borrowed).or_else(made)
            }
            (false, changes) => changed(self.cast, at, changes).map(Cow::Owned),
        };
        let boundary = identity.as_deref().and_then(|it| boundary_after(self.cast, it, &changes));
        Asker { cast: self.cast, access: self.access, at, identity, boundary, open_tags }
    }

    pub(super) fn numbered(&self, open: Open) -> OpenMove {
        let primitive = open.what.is_counted(self.cast);
        let gain = match open.gain {
            Gain::Held(at) => Gained::Held(at, Tags::Own),
            Gain::Tagged(at) => Gained::Held(at, Tags::Any),
            Gain::Changed(change) => Gained::Changed(self.changes.intern(change)),
        };
        let of = match gain {
            Gained::Held(at, _) => Some(at),
            Gained::Changed(change) => self.changes.get(change).whose(),
        };
        let doing = |what| self.doings.intern(Doing::Move(what));
        let before = open.before.map(|what| (what.is_counted(self.cast), what));
        let before = before.map(|(primitive, what)| (doing(what), primitive));
        OpenMove { what: doing(open.what), primitive, before, gain, of, chance: open.chance }
    }

    /// What a state can do about principals, taking on roles aside: the same for all of its class.
    pub(super) fn moves<'s>(&self, name: &StateName, state: &'s State) -> &'s ClassMoves {
        state.of_class.moves.get_or_init(|| {
            let found = Moves::of(self.cast, &self.asker(name)).into_iter();
            let all: Vec<OpenMove> = found.map(|open| self.numbered(open)).collect();
            let mut places: FxHashMap<Gained, usize> = FxHashMap::default();
            let mut best: Vec<OpenMove> = Vec::new();
            for open in &all {
                let at = *places.entry(open.gain).or_insert(best.len());
                match best.get_mut(at) {
                    Some(known) if known.chance < open.chance => *known = *open,
                    Some(_) => {}
                    None => best.push(*open),
                }
            }
            let known = |gain: Gained| best.get(*places.get(&gain)?);
            let best = best.iter().filter(|open| !self.is_narrower(open, known)).copied().collect();
            ClassMoves { all, best }
        })
    }

    /// Whether another move brings more by no more calls, and as surely; `known` gives the best for a gain.
    fn is_narrower<'m>(
        &self,
        open: &OpenMove,
        known: impl Fn(Gained) -> Option<&'m OpenMove>,
    ) -> bool {
        let Gained::Changed(change) = open.gain else { return false };
        let wider = self.changes.get(change).wider();
        let wider = wider.and_then(|wider| known(Gained::Changed(self.changes.intern(wider))));
        wider.is_some_and(|wider| wider.before.is_none() && wider.chance >= open.chance)
    }

    /// The roles that a state can take on.
    pub(super) fn assumes<'s>(&self, name: &StateName, state: &'s State) -> &'s [OpenMove] {
        state.assumes.get_or_init(|| {
            let takes_tags = |role| self.takes_tags(role);
            let found = Moves::assumed(self.cast, &self.asker(name), takes_tags).into_iter();
            found.map(|open| self.numbered(open)).collect()
        })
    }

    /// What a state can do with `which` keys: those first that do not tell it apart from others of its class.
    pub(super) fn keys<'s>(
        &self,
        name: &StateName,
        state: &'s State,
        which: Which,
    ) -> impl Iterator<Item = &'s Held> + use<'s, 'c, 'w> {
        let told = self.told_apart(name.at);
        let of_class = (which != Which::TellingApart).then(|| {
            state.of_class.keys.get_or_init(|| {
                let asker = self.asker(name);
                self.keys.by_class(&asker, &asker.plain_key_side(&state.key_home), &told)
            })
        });
        let each = |keys: &[KeyIx]| match keys {
            [] => Vec::new(),
            keys => self.keys.held(&self.asker(name).plain_key_side(&state.key_home), keys),
        };
        let skipped = of_class.map(|of_class| {
            state.skipped.get_or_init(|| {
                let skipped = of_class.skipped.iter().copied();
                let others = skipped.filter(|key| told.binary_search(key).is_err());
                each(&others.collect::<Vec<_>>())
            })
        });
        let apart = state.apart.get_or_init(|| each(&told));
        let of_class = of_class.filter(|_| which == Which::All).into_iter();
        let of_class = of_class.flat_map(|of_class| &of_class.held);
        let of_class = of_class.filter(move |held| told.binary_search(&held.key).is_err());
        of_class.chain(apart).chain(skipped.into_iter().flatten())
    }

    /// How a state stands to a key with which it can do something, once [`States::keys`] was asked; nothing
    /// where that has to be asked by itself.
    pub(super) fn sides(&self, name: &StateName, key: KeyIx) -> Option<Sides> {
        let state = self.get(name);
        if self.told_apart(name.at).binary_search(&key).is_ok() {
            return Keys::sides(state.apart.get()?, key);
        }
        let skipped = state.skipped.get().and_then(|skipped| Keys::sides(skipped, key));
        skipped.or_else(|| Keys::sides(&state.of_class.keys.get()?.held, key))
    }

    /// The keys that tell somebody apart from others of its class; sorted.
    pub(super) fn told_apart(&self, at: Ix) -> Arc<[KeyIx]> {
        self.apart.get(at, |at| self.keys.told_apart(*at).into())
    }

    /// Those whom a change touches by itself, sessions of roles aside; sorted.
    pub(super) fn touched(&self, number: ChangeIx) -> Arc<[Ix]> {
        let change = self.changes.get(number);
        if let Some(at) = change.whose() {
            return Arc::from([at]);
        }
        self.touched.get(number, |_| {
            let household = change.account().and_then(|account| self.cast.accounts.get(&account));
            let members = household.into_iter().flat_map(|it| it.users.iter().chain(&it.roles));
            let mut touched: Vec<Ix> =
                members.copied().filter(|at| change.touches(self.cast, *at, &[])).collect();
            touched.sort_unstable();
            touched.into()
        })
    }
}
