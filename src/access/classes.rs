//! Which callers answer the questions of a key's side alike, and which keys those of a caller's side.

use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::aws::AccountId;
use crate::decision::CallerKind;
use crate::inventory::Key;
use crate::policy::Principal;

use super::asked::Asked;
use super::formula::{Atom, AtomId, Formula, Kinds};
use super::library::World;
use super::masked::Masked;
use super::question::{Known, Question};
use super::subject::Subject;
use super::test::{Operand, Piece};
use crate::kept::Memo;

/// A caller of the matrix, by its number.
pub(super) type CallerIx = u32;

/// A key of the matrix, by its number.
pub(super) type KeyIx = u32;

/// The answers of all keys to one question.
pub(super) enum KeyAnswers {
    /// Those that say something; all others say no.
    Few(FxHashMap<KeyIx, Formula>),
    /// Keys that have the same values say the same, once one of them is asked.
    Alike(Arc<Column>, Vec<OnceLock<Formula>>),
    /// All say yes.
    All,
}

/// The answers of all callers of a group to one question, from the first on.
pub(super) struct CallerAnswers {
    first: CallerIx,
    all: Vec<Formula>,
}

impl CallerAnswers {
    /// The answer of one.
    pub(super) fn of(&self, caller: CallerIx) -> Formula {
        let at = caller.checked_sub(self.first).and_then(|at| self.all.get(at as usize));
        at.copied().unwrap_or(Formula::FALSE)
    }
}

/// The values that some condition keys have, key by key.
pub(super) struct Column {
    /// The number of each key's values.
    values: Vec<u32>,
    /// How many different ones there are.
    count: usize,
}

/// The keys of a world, numbered so that those of one account follow each other.
pub(super) struct KeyTable<'w> {
    /// The keys.
    pub(super) keys: Vec<&'w Key>,
    accounts: FxHashMap<AccountId, std::ops::Range<u32>>,
    by_arn: FxHashMap<&'w str, KeyIx>,
    columns: Memo<Vec<Box<str>>, Arc<Column>>,
    answers: Memo<AtomId, Arc<KeyAnswers>>,
}

impl<'w> KeyTable<'w> {
    /// The table of these keys.
    pub(super) fn new(mut keys: Vec<&'w Key>) -> Self {
        keys.sort_by(|one, other| {
            let of = |key: &Key| (key.arn.account(), key.arn.as_str().to_owned());
            of(one).cmp(&of(other))
        });
        let mut accounts: FxHashMap<AccountId, std::ops::Range<u32>> = FxHashMap::default();
        for (number, key) in (0_u32..).zip(&keys) {
            let range = accounts.entry(key.arn.account()).or_insert(number..number);
            range.end = number + 1;
        }
        let by_arn = (0_u32..).zip(&keys).map(|(number, key)| (key.arn.as_str(), number)).collect();
        Self { keys, accounts, by_arn, columns: Memo::new(), answers: Memo::new() }
    }

    /// The key with this ARN.
    pub(super) fn find(&self, arn: &str) -> Option<KeyIx> {
        self.by_arn.get(arn).copied()
    }

    /// The keys of an account.
    pub(super) fn of_account(&self, account: AccountId) -> std::ops::Range<u32> {
        self.accounts.get(&account).cloned().unwrap_or(0..0)
    }

    /// What the keys say to a question.
    pub(super) fn answers(&self, world: &World<'_>, id: AtomId) -> Arc<KeyAnswers> {
        self.answers.get(id, |_| Arc::new(self.asked(world, id)))
    }

    /// What one key says, where `answers` are those to the question.
    pub(super) fn said(
        &self,
        world: &World<'_>,
        (id, answers): (AtomId, &KeyAnswers),
        key: KeyIx,
    ) -> Formula {
        match answers {
            KeyAnswers::All => Formula::TRUE,
            KeyAnswers::Few(some) => some.get(&key).copied().unwrap_or(Formula::FALSE),
            KeyAnswers::Alike(column, all) => {
                let value = column.values.get(key as usize).map(|value| *value as usize);
                let known = value.and_then(|value| all.get(value));
                known
                    .map_or(Formula::FALSE, |known| *known.get_or_init(|| self.ask(world, id, key)))
            }
        }
    }

    fn asked(&self, world: &World<'_>, id: AtomId) -> KeyAnswers {
        let Atom::Key(question) = world.formulas.atom(id) else {
            return KeyAnswers::Few(FxHashMap::default());
        };
        if let Question::Test { test, .. } = question {
            let names = test.key_names().map(Box::from).collect();
            let column = self.columns.get(names, |names| self.column(world, names).into());
            let answers = std::iter::repeat_with(OnceLock::new).take(column.count).collect();
            return KeyAnswers::Alike(column, answers);
        }
        let some = self.covered(question).map(|key| (key, self.ask(world, id, key)));
        let some: FxHashMap<KeyIx, Formula> =
            some.filter(|(_, formula)| *formula != Formula::FALSE).collect();
        let is_all = some.len() == self.keys.len();
        match is_all && some.values().all(|formula| *formula == Formula::TRUE) {
            true => KeyAnswers::All,
            false => KeyAnswers::Few(some),
        }
    }

    /// Keys are asked after their callers: what still is about the caller the request brings.
    fn ask(&self, world: &World<'_>, id: AtomId, key: KeyIx) -> Formula {
        let (Atom::Key(question), Some(key)) =
            (world.formulas.atom(id), self.keys.get(key as usize))
        else {
            return Formula::FALSE;
        };
        let formulas = world.formulas;
        let answer = Asked::Key(key).answer(&world.setting(), question);
        formulas.replaced(answer, Kinds::CALLER, &mut |_, atom, holds| match atom {
            Atom::Caller(Question::Test { test, .. }) => {
                let test = formulas.of(Atom::Request(test.clone()));
                Some(if holds { test } else { formulas.not(test) })
            }
            _ => None,
        })
    }

    /// Which keys have the same values of these condition keys.
    fn column(&self, world: &World<'_>, names: &[Box<str>]) -> Column {
        let setting = world.setting();
        let mut known: FxHashMap<Vec<Known>, u32> = FxHashMap::default();
        let of_key = |key: &&Key| {
            let values = names.iter().map(|name| Asked::Key(key).known(&setting, name)).collect();
            let next = known.len() as u32;
            *known.entry(values).or_insert(next)
        };
        let values = self.keys.iter().map(of_key).collect();
        Column { values, count: known.len() }
    }

    /// The keys that a resource pattern might cover.
    fn covered(&self, question: &Question) -> Box<dyn Iterator<Item = KeyIx> + '_> {
        let all = 0..self.keys.len() as u32;
        let Question::Resource(pattern) = question else {
            return Box::new(all);
        };
        if pattern.parts.len() < 6 {
            return Box::new(all);
        }
        let texts: Option<Vec<&str>> = pattern.parts.iter().map(|part| literal(part)).collect();
        if let Some(texts) = texts {
            return Box::new(self.by_arn.get(texts.join(":").as_str()).copied().into_iter());
        }
        let account = pattern.parts.get(4).and_then(|part| literal(part));
        match account {
            Some(account) => {
                Box::new(AccountId::parse(account).map_or(0..0, |account| self.of_account(account)))
            }
            None => Box::new(all),
        }
    }
}

fn literal(part: &[Piece]) -> Option<&str> {
    match part {
        [] => Some(""),
        [Piece::Text(text)] => Some(text),
        _ => None,
    }
}

/// The callers of the matrix, numbered so that those of one account follow each other.
pub(super) struct CallerTable<'w> {
    /// The callers.
    pub(super) subjects: Vec<Subject<'w>>,
    /// The accounts, each with its callers; services and strangers have groups of their own.
    pub(super) groups: Vec<(Group, std::ops::Range<u32>)>,
    /// The callers by the hashes of their names.
    by_name: HashTable<CallerIx>,
    /// Users, roles and their sessions by the unique id.
    by_id: FxHashMap<&'w str, Vec<CallerIx>>,
    /// Sessions, which an entry can mean without their names.
    sessions: Vec<CallerIx>,
    /// Those by the user or role that made them.
    made_by: FxHashMap<&'w str, Vec<CallerIx>>,
    answers: Memo<(AtomId, u32), Arc<CallerAnswers>>,
}

fn hash_of(name: &str) -> u64 {
    FxBuildHasher.hash_one(name)
}

/// What callers of one group have in common: nothing tells them apart but their names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Group {
    /// The account's users, roles, root and sessions.
    Account(AccountId),
    /// An outside principal or a service, with its account.
    Alone(u32, Option<AccountId>),
    /// Whoever nothing names.
    Anyone,
}

impl<'w> CallerTable<'w> {
    /// The table of these callers, which come sorted by group. Those of one account in several partitions are
    /// several groups: they stand differently to a key (rule X11).
    pub(super) fn new(sorted: impl ExactSizeIterator<Item = (Group, Subject<'w>)>) -> Self {
        let mut groups: Vec<(Group, std::ops::Range<u32>)> = Vec::new();
        let mut subjects: Vec<Subject<'w>> = Vec::with_capacity(sorted.len());
        for (number, (group, subject)) in (0_u32..).zip(sorted) {
            let last = subjects.last().map(|last| last.caller.partition());
            let is_near = last == Some(subject.caller.partition());
            match groups.last_mut() {
                Some((last, range)) if *last == group && is_near => range.end = number + 1,
                _ => groups.push((group, number..number + 1)),
            }
            subjects.push(subject);
        }
        let mut by_name = HashTable::with_capacity(subjects.len());
        let hash = |number: &CallerIx| {
            subjects.get(*number as usize).map_or(0, |subject| hash_of(&subject.caller.text))
        };
        for number in 0..subjects.len() as u32 {
            by_name.insert_unique(hash(&number), number, hash);
        }
        let is_session = |subject: &Subject<'_>| {
            let kind = &subject.caller.kind;
            matches!(kind, CallerKind::AssumedRole { .. } | CallerKind::FederatedUser { .. })
        };
        let sessions = (0_u32..).zip(&subjects).filter(|(_, subject)| is_session(subject));
        let sessions: Vec<CallerIx> = sessions.map(|(number, _)| number).collect();
        let mut by_id: FxHashMap<&str, Vec<CallerIx>> = FxHashMap::default();
        let mut made_by: FxHashMap<&str, Vec<CallerIx>> = FxHashMap::default();
        for (number, subject) in (0_u32..).zip(&subjects) {
            let Some(identity) = subject.identity else { continue };
            if let Some(id) = identity.unique_id.as_deref() {
                by_id.entry(id).or_default().push(number);
            }
            if is_session(subject) {
                made_by.entry(&identity.arn).or_default().push(number);
            }
        }
        Self { subjects, groups, by_name, by_id, sessions, made_by, answers: Memo::new() }
    }

    /// Sessions of roles and users.
    pub(super) fn sessions(&self) -> impl Iterator<Item = CallerIx> + '_ {
        self.sessions.iter().copied()
    }

    /// The caller with this name.
    pub(super) fn find(&self, name: &str) -> Option<CallerIx> {
        let is = |number: &CallerIx| {
            let subject = self.subjects.get(*number as usize);
            subject.is_some_and(|subject| *subject.caller.text == *name)
        };
        self.by_name.find(hash_of(name), is).copied()
    }

    /// What one caller of a group says to a question.
    pub(super) fn answer(
        &self,
        world: &World<'_>,
        group: u32,
        id: AtomId,
        caller: CallerIx,
    ) -> Formula {
        match self.answers(world, group, id) {
            Some(answers) => answers.of(caller),
            None => self.ask(world, id, caller),
        }
    }

    /// What all callers of a group say to a question; nothing where it is about names.
    pub(super) fn answers(
        &self,
        world: &World<'_>,
        group: u32,
        id: AtomId,
    ) -> Option<Arc<CallerAnswers>> {
        if let Atom::Caller(Question::Names(..) | Question::Spares(_)) = world.formulas.atom(id) {
            return None;
        }
        Some(self.answers.get((id, group), |_| {
            let range = self.groups.get(group as usize).map_or(0..0, |(_, range)| range.clone());
            let first = range.start;
            let all = range.map(|caller| self.ask(world, id, caller)).collect();
            Arc::new(CallerAnswers { first, all })
        }))
    }

    /// What one caller says to a question.
    pub(super) fn ask(&self, world: &World<'_>, id: AtomId, caller: CallerIx) -> Formula {
        let (Atom::Caller(question), Some(subject)) =
            (world.formulas.atom(id), self.subjects.get(caller as usize))
        else {
            return Formula::FALSE;
        };
        subject.answer(world.inventory, world.formulas, world.given, question)
    }
}

/// The questions of a side.
#[derive(Clone, Default)]
pub(super) struct Questions {
    /// Each once.
    pub(super) ids: Box<[AtomId]>,
    /// Those that hang on more than names, each with the accounts whose callers they tell apart.
    pub(super) personal: Box<[Personal]>,
}

/// Whose callers a question tells apart.
#[derive(Clone)]
pub(super) enum Personal {
    /// Anybody's.
    OfAll,
    /// Those of these accounts; all others answer alike.
    Of(Vec<AccountId>),
}

impl Personal {
    /// Whom a question tells apart; nothing where only names count, or all of an account answer alike.
    fn of(question: &Question) -> Option<Self> {
        let test = match question {
            Question::Names(Principal::Federated(_), _) | Question::Spares(_) => {
                return Some(Self::OfAll);
            }
            Question::Names(..) => return None,
            Question::Resource(_) => return Some(Self::OfAll),
            Question::Test { test, .. } => test,
        };
        match &*test.key {
            "aws:principalaccount"
            | "kms:calleraccount"
            | "aws:principalorgid"
            | "aws:principalorgpaths"
            | "aws:principalisawsservice"
                if test.is_fixed() =>
            {
                None
            }
            "aws:principalarn" => {
                let accounts: Option<Vec<AccountId>> = test.values.iter().map(account_of).collect();
                Some(accounts.map_or(Self::OfAll, Self::Of))
            }
            _ => Some(Self::OfAll),
        }
    }

    /// Whether it tells the callers of a group apart.
    fn concerns(&self, group: Group) -> bool {
        match (self, group) {
            (Self::Of(accounts), Group::Account(account)) => accounts.contains(&account),
            _ => true,
        }
    }
}

/// The account that an ARN or a pattern of ARNs names, where it names one.
pub(super) fn account_of(operand: &Operand) -> Option<AccountId> {
    match operand {
        Operand::Arn(parts) => AccountId::parse(literal(parts.get(4)?)?),
        Operand::Text(pieces) => match pieces.first()? {
            Piece::Text(text) => {
                let mut parts = text.splitn(6, ':');
                let account = AccountId::parse(parts.nth(4)?)?;
                parts.next().map(|_| account)
            }
            _ => None,
        },
        Operand::AnyArn => None,
    }
}

impl Questions {
    /// The questions of one kind in these formulas.
    pub(super) fn of<'a>(
        world: &World<'_>,
        masked: impl Iterator<Item = &'a Masked>,
        kind: Kinds,
    ) -> Self {
        let mut ids = Vec::new();
        let mut seen = FxHashSet::default();
        let mut personal = Vec::new();
        for (_, formula) in masked.flat_map(Masked::pieces) {
            if !world.formulas.kinds(*formula).has(kind) {
                continue;
            }
            world.formulas.each_atom_id(*formula, &mut |id, atom| {
                let question = match atom {
                    Atom::Caller(question) if kind == Kinds::CALLER => question,
                    Atom::Key(question) if kind == Kinds::KEY => question,
                    _ => return,
                };
                if seen.insert(id) {
                    ids.push(id);
                    match kind == Kinds::CALLER {
                        true => personal.extend(Personal::of(question)),
                        false if matches!(question, Question::Test { .. }) => {
                            personal.push(Personal::OfAll);
                        }
                        false => {}
                    }
                }
            });
        }
        Self { ids: ids.into(), personal: personal.into() }
    }

    /// Whether everyone of a group must be asked.
    pub(super) fn asks_all_of(&self, group: Group) -> bool {
        self.personal.iter().any(|personal| personal.concerns(group))
    }

    /// The callers whom the questions name, accounts aside.
    pub(super) fn named(&self, world: &World<'_>, table: &CallerTable<'_>) -> FxHashSet<CallerIx> {
        let mut named = FxHashSet::default();
        let mut add = |principal: &Principal| match principal {
            Principal::UniqueId(id) => named.extend(table.by_id.get(&**id).into_iter().flatten()),
            // A role means its sessions, a user those that it made.
            Principal::User(text) | Principal::Role(text) => {
                named.extend(table.find(text));
                named.extend(table.made_by.get(&**text).into_iter().flatten());
            }
            principal => named.extend(table.find(principal.text())),
        };
        for id in &self.ids {
            match world.formulas.atom(*id) {
                Atom::Caller(Question::Names(principal, _)) => add(principal),
                Atom::Caller(Question::Spares(list)) => list.iter().for_each(&mut add),
                _ => {}
            }
        }
        named
    }
}
