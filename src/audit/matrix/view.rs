//! The part of the matrix that is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit::QuestionError;
use crate::aws::{AccountId, ActionSet, KeyArn, KmsAction};
use crate::decision::{
    Assumptions, CallerKind, CellAnswer, Context, Entry, Pair, Request, Standing,
};
use crate::inventory::Inventory;

use super::question::Resolved;
use super::union::union;
use super::{Counts, KeyFacts, KeySet, Matrix, Question, Row, Word, keys};

/// What one principal can do with one key, or without one.
#[derive(Clone, Debug)]
pub struct Access {
    /// The row.
    pub row: usize,
    /// The key; none for what needs no key.
    pub key: Option<usize>,
    /// What holds of its cells.
    pub pair: Arc<Pair>,
}

/// What must be equal for accesses to read the same. A pair is told by where it lies, as equal ones are
/// one: whoever keeps a kind keeps the pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kind {
    pair: *const Pair,
    mask: ActionSet,
    possible: ActionSet,
    /// The cells that are shown where they are never.
    never: ActionSet,
}

/// What one principal can do with some member of a set of multi-Region keys.
#[derive(Clone, Debug)]
pub struct United {
    /// The actions that words are made of.
    pub possible: ActionSet,
    /// The cells that are shown, in sets of actions with one answer.
    pub cells: Vec<(ActionSet, Arc<CellAnswer>)>,
}

/// The part of a matrix that a question asks for.
pub struct View<'m> {
    /// The whole.
    pub matrix: &'m Matrix<'m>,
    assumptions: &'m Assumptions,
    /// The keys of the matrix, with what is shown beside them.
    pub keys: Vec<KeyFacts>,
    /// The sets of multi-Region keys.
    pub sets: Vec<KeySet>,
    resolved: Resolved,
    verdicts: BTreeSet<Word>,
    all: bool,
    effective_now: bool,
    is_whole: bool,
    /// Who is given access and may be anybody, where it is asked for everybody.
    strangers: BTreeSet<String>,
}

impl<'m> View<'m> {
    /// What `question` asks for.
    ///
    /// # Errors
    /// A filter that means nothing.
    pub fn new(
        matrix: &'m Matrix<'m>,
        world: &Inventory,
        question: &Question,
        assumptions: &'m Assumptions,
    ) -> Result<Self, QuestionError> {
        let resolved = question.resolve(world, matrix)?;
        let (keys, sets) = keys::facts(matrix, world);
        let strangers = world.declared.iter().flat_map(|declared| &declared.strangers);
        let strangers = strangers.filter(|_| question.principals.is_empty());
        let strangers = strangers.map(ToString::to_string).collect();
        Ok(Self {
            matrix,
            assumptions,
            keys,
            sets,
            resolved,
            verdicts: question.verdicts.clone(),
            all: question.all || question.verdicts.contains(&Word::Never),
            effective_now: question.effective_now,
            is_whole: question.is_whole(),
            strangers,
        })
    }

    /// The rows that are looked at; sorted.
    pub fn rows(&self) -> &[usize] {
        &self.resolved.rows
    }

    /// The row with this number.
    pub fn row(&self, row: usize) -> Option<&Row> {
        self.matrix.rows().get(row)
    }

    /// The facts of a key; none for `*`.
    pub fn key(&self, key: Option<usize>) -> Option<&KeyFacts> {
        self.keys.get(key?)
    }

    /// The keys that are looked at, `*` (none) first.
    pub fn columns(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let keys = self.resolved.keys.iter().enumerate().filter(|(_, taken)| **taken);
        let keyless = self.resolved.keyless.then_some(None);
        keyless.into_iter().chain(keys.map(|(at, _)| Some(at)))
    }

    /// What a principal can do; with keys in their order, `*` first.
    pub fn of_row(&self, row: usize) -> Vec<Access> {
        let pairs = self.matrix.row(row, self.resolved.actions, self.all);
        let access = pairs.into_iter().map(|(key, pair)| Access { row, key, pair });
        access.filter(|access| self.shows(access)).collect()
    }

    /// Who can do something with a key, or without one.
    pub fn of_key(&self, key: Option<usize>) -> Vec<Access> {
        let pairs = self.matrix.column(key, self.resolved.actions, self.all);
        let access = pairs.into_iter().map(|(row, pair)| Access { row, key, pair });
        let is_row = |access: &Access| self.resolved.rows.binary_search(&access.row).is_ok();
        access.filter(|access| is_row(access) && self.shows(access)).collect()
    }

    fn shows(&self, access: &Access) -> bool {
        self.takes(access.row, access.key) && self.cells(access).next().is_some()
    }

    /// Whether the filters take a row and a key together.
    pub(in crate::audit) fn takes(&self, row: usize, key: Option<usize>) -> bool {
        let resolved = &self.resolved;
        let taken = match key {
            Some(key) => resolved.keys.get(key).copied().unwrap_or_default(),
            None => resolved.keyless,
        };
        taken && self.is_of_accounts(row, key)
    }

    /// Whether a row or a key is of an account that is looked at.
    fn is_of_accounts(&self, row: usize, key: Option<usize>) -> bool {
        let is_meant = |accounts: &BTreeSet<AccountId>| {
            let key = key.and_then(|key| self.keys.get(key)).map(|key| key.arn.account());
            self.is_of(accounts, row) || key.is_some_and(|account| accounts.contains(&account))
        };
        self.resolved.accounts.as_ref().is_none_or(is_meant)
    }

    fn is_of(&self, accounts: &BTreeSet<AccountId>, row: usize) -> bool {
        let account = self.row(row).and_then(|row| row.caller.account);
        account.is_some_and(|account| accounts.contains(&account))
    }

    /// Whether a row's own account is among those that are looked at, or all are.
    pub(super) fn is_home(&self, row: usize) -> bool {
        self.resolved.accounts.as_ref().is_none_or(|accounts| self.is_of(accounts, row))
    }

    /// Whether a key's account is among those that are looked at, or all are.
    pub(in crate::audit) fn is_owner(&self, arn: &KeyArn) -> bool {
        self.resolved.accounts.as_ref().is_none_or(|accounts| accounts.contains(&arn.account()))
    }

    /// The actions of a key, or of `*`, that are looked at.
    pub fn mask(&self, key: Option<usize>) -> ActionSet {
        match self.key(key) {
            Some(key) => {
                let ruled_out = if self.effective_now { key.ruled_out } else { ActionSet::EMPTY };
                self.resolved.actions.intersection(key.possible).minus(ruled_out)
            }
            None => self.resolved.actions.intersection(self.matrix.possible(None)),
        }
    }

    /// The actions of a key, or of `*`, that words are made of: what it can perform, wanted or not.
    pub fn possible(&self, key: Option<usize>) -> ActionSet {
        match self.key(key) {
            Some(key) if self.effective_now => key.possible.minus(key.ruled_out),
            Some(key) => key.possible,
            None => self.matrix.possible(None),
        }
    }

    /// What accesses have in common that read the same.
    pub fn kind(&self, access: &Access) -> Kind {
        Kind {
            pair: Arc::as_ptr(&access.pair),
            mask: self.mask(access.key),
            possible: self.possible(access.key),
            never: self.shows_never(access),
        }
    }

    /// The cells that are shown where they are never.
    fn shows_never(&self, access: &Access) -> ActionSet {
        if self.all { self.matrix.told(access.row, access.key) } else { ActionSet::EMPTY }
    }

    /// The cells that are shown, in sets of actions with one answer.
    pub fn cells<'a>(
        &'a self,
        access: &'a Access,
    ) -> impl Iterator<Item = (ActionSet, &'a Arc<CellAnswer>)> {
        let (mask, never) = (self.mask(access.key), self.shows_never(access));
        let cells = access.pair.cells.iter().map(move |(actions, answer)| {
            (self.shown(actions.intersection(mask), answer, never), answer)
        });
        cells.filter(|(actions, _)| !actions.is_empty())
    }

    /// Which of some cells with one answer are shown, where these are shown though they are never.
    fn shown(&self, actions: ActionSet, answer: &CellAnswer, never: ActionSet) -> ActionSet {
        let is_asked =
            self.verdicts.is_empty() || self.verdicts.contains(&Word::from(answer.verdict));
        match answer.verdict {
            _ if !is_asked => ActionSet::EMPTY,
            Standing::Never => actions.intersection(never),
            _ => actions,
        }
    }

    /// What a row can do with the members of each set of multi-Region keys of which these are some: they have one
    /// material (rule X4), whatever the filters take of them.
    pub fn of_sets(&self, row: usize, accesses: &[Access]) -> Vec<(usize, Vec<Access>)> {
        let sets = accesses.iter().filter_map(|access| self.key(access.key)?.set);
        let sets: BTreeSet<usize> = sets.collect();
        let members = |set: usize| Some((set, self.members(row, self.sets.get(set)?)));
        sets.into_iter().filter_map(members).collect()
    }

    /// Who can do something with some member of a set, each with the accesses to the members.
    pub fn of_set(&self, set: &KeySet) -> Vec<Vec<Access>> {
        let column = |key: &usize| self.matrix.column(Some(*key), self.resolved.actions, self.all);
        let rows: BTreeSet<usize> =
            set.members.iter().flat_map(column).map(|(row, _)| row).collect();
        let is_row = |row: &usize| {
            let mut members = set.members.iter();
            self.resolved.rows.binary_search(row).is_ok()
                && members.any(|key| self.is_of_accounts(*row, Some(*key)))
        };
        let rows = rows.into_iter().filter(is_row).map(|row| self.members(row, set));
        rows.filter(|members| !self.united(members).cells.is_empty()).collect()
    }

    fn members(&self, row: usize, set: &KeySet) -> Vec<Access> {
        let access = |key: &usize| {
            let pair = match self.all {
                true => Some(self.matrix.pair(row, Some(*key))),
                false => self.matrix.reaching(row, *key, self.resolved.actions),
            };
            Some(Access { row, key: Some(*key), pair: pair? })
        };
        set.members.iter().filter_map(access).collect()
    }

    /// What some member of a set allows its principal.
    pub fn united(&self, members: &[Access]) -> United {
        let all = |of: &dyn Fn(&Access) -> ActionSet| {
            members.iter().fold(ActionSet::EMPTY, |all, member| all.union(of(member)))
        };
        let never = all(&|member| self.shows_never(member));
        let pairs: Vec<(ActionSet, &Pair)> =
            members.iter().map(|member| (self.mask(member.key), &*member.pair)).collect();
        let cells = union(&pairs).into_iter().map(|(actions, answer)| {
            let shown = self.shown(actions, &answer, never);
            (shown, answer)
        });
        United {
            possible: all(&|member| self.possible(member.key)),
            cells: cells.filter(|(actions, _)| !actions.is_empty()).collect(),
        }
    }

    /// What a role's row stands for, where policies name some sessions (rule U6).
    pub fn sessions_apart(&self) -> Option<String> {
        let is_session = |row: &Row| matches!(row.caller.kind, CallerKind::AssumedRole { .. });
        self.matrix.rows().iter().any(is_session).then(|| {
            "the row of a role is of its sessions that no policy names; those named have rows of \
             their own, or no access"
                .to_owned()
        })
    }

    /// How many cells of each verdict there are among what is looked at, shown or not.
    pub fn counts(&self) -> Counts {
        let mut counts = match self.is_whole {
            true => Counts::of_whole(self, self.resolved.actions),
            false => Counts::of(self),
        };
        counts.missing.extend(self.strangers.iter().cloned());
        counts
    }

    /// The request of a cell, as `simulate` takes it: what is assumed, and `context`, which wins.
    pub fn request(
        &self,
        access: &Access,
        action: KmsAction,
        context: &Context,
    ) -> Option<Request> {
        let region = self.key(access.key).map(|key| key.arn.region());
        let assumed = self.assumptions.context(action, region);
        let mut whole = assumed.clone();
        whole.lay_over(context);
        // Rule C5: a pair or tag is given as it was assumed, however policies spell it.
        let is_it = |it: &&Entry| whole.get(&it.name).is_some_and(|own| own.value == it.value);
        let kept: Vec<&Entry> = assumed.entries().filter(is_it).collect();
        for entry in kept {
            whole.forget(&entry.name);
            whole.set(&entry.name, entry.value.clone());
        }
        self.matrix.request(access.row, access.key, action, &whole)
    }

    /// Whether the requests of one answer on one key differ in their actions alone.
    pub fn requests_are_alike(&self) -> bool {
        self.assumptions.is_empty()
    }

    /// All pairs of a row that are not never, shown or not.
    pub(super) fn reaching(&self, row: usize) -> Vec<(Option<usize>, Arc<Pair>)> {
        let mut pairs = self.matrix.row(row, self.resolved.actions, false);
        pairs.retain(|(key, _)| self.takes(row, *key));
        pairs
    }
}
