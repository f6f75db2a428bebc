//! The matrix by rows and by columns, for whoever writes it out.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{CallerKind, Context, Pair, Request, Target};
use crate::inventory::Organization;
use crate::policy::{PolicyDocument, PolicyKind};
use crate::source::{FileId, Place, Span};

use super::classes::{CallerIx, KeyIx};
use super::matrix::{HomeIx, Matrix, OwnerIx, Row};
use super::subject::Subject;
use super::ways::Relation;

/// A class of pairs of a principal and a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PairClass(HomeIx, OwnerIx, Relation);

impl<'a> Matrix<'a> {
    /// The keys, sorted by ARN.
    pub fn keys(&self) -> &[&'a KeyArn] {
        &self.sorted_arns
    }

    /// Whether a row is a user, role or root of the export: all its cells are told that are never.
    pub fn is_listed(&self, row: usize) -> bool {
        self.rows().get(row).is_some_and(super::Row::is_listed)
    }

    /// The actions that are cells of a key, or of `*`: those it can ever perform (rule S5).
    pub fn possible(&self, key: Option<usize>) -> ActionSet {
        match key.map(|key| self.sorted.get(key)) {
            None => KmsAction::all().filter(|action| !action.info().has_key_resource).collect(),
            Some(key) => {
                let owner = key.and_then(|key| self.owners.get(*key as usize));
                owner.map_or(ActionSet::EMPTY, |owner| self.owner_side(*owner).possible)
            }
        }
    }

    /// The actions of a key, or of `*`, whose cells are told where they are never: of a user, role or root of the
    /// export all; of others outside it what wider rows have, which would seem to hold of them.
    pub fn told(&self, row: usize, key: Option<usize>) -> ActionSet {
        match (self.is_listed(row), key) {
            (true, _) => self.possible(key),
            (false, Some(key)) if self.is_apart(row) => self.left_to_wider(row, key),
            (false, _) => ActionSet::EMPTY,
        }
    }

    /// Whether a row is of principals outside the export who are told apart from whomever nothing names.
    pub fn is_apart(&self, row: usize) -> bool {
        self.rows().get(row).is_some_and(Row::is_apart)
    }

    /// The cells of somebody outside the export that are told though they are never.
    pub fn denied_apart(&self, row: usize, key: usize) -> ActionSet {
        let told = if self.is_apart(row) { self.left_to_wider(row, key) } else { ActionSet::EMPTY };
        if told.is_empty() { told } else { told.minus(self.left_to(row, key)) }
    }

    /// What rows have that would seem to hold of another; nothing is known of a key whose grants were not
    /// exported: these could name anyone.
    fn left_to_wider(&self, row: usize, key: usize) -> ActionSet {
        let known = self.sorted.get(key).and_then(|key| self.keys.keys.get(*key as usize));
        if known.is_none_or(|key| self.access.gaps.key_part(&key.arn, "grants").is_some()) {
            return ActionSet::EMPTY;
        }
        let wider = self.wide.wider(row).iter();
        wider.fold(ActionSet::EMPTY, |all, wide| all.union(self.left_to(*wide, key)))
    }

    /// The keys on which a row has some of these actions.
    pub(super) fn open_keys(&self, row: usize, wanted: ActionSet) -> Vec<usize> {
        let caller = self.caller(row).into_iter();
        let keys = caller.flat_map(|caller| self.keys_towards(caller, false));
        keys.filter(|key| self.left_to(row, *key).intersects(wanted)).collect()
    }

    /// The actions that are not never, grants aside that were not exported.
    fn left_to(&self, row: usize, key: usize) -> ActionSet {
        let sides = self.caller(row).zip(self.sorted.get(key).copied());
        let sides = sides.and_then(|(caller, key)| self.listed_sides(caller, key));
        sides.map_or(ActionSet::EMPTY, |(home, owner, relation)| {
            let tally = self.tally(home, owner, relation);
            tally.always.union(tally.conditional).union(tally.unknown)
        })
    }

    /// The class that a row and a key are decided in: whatever holds of one pair of it holds of all. Its
    /// number is of this run alone.
    pub fn class(&self, row: usize, key: usize) -> Option<PairClass> {
        let (home, owner, relation) = self.sides(self.caller(row)?, *self.sorted.get(key)?)?;
        Some(PairClass(home, owner, relation))
    }

    /// A row's pairs with their keys, `*` (none) first, then as in [`Matrix::keys`]; with `all` also those
    /// whose cells of `wanted` are all never. Costs a look at the keys that open to the row's account, or
    /// at all keys.
    pub fn row(&self, row: usize, wanted: ActionSet, all: bool) -> Vec<(Option<usize>, Arc<Pair>)> {
        let Some(caller) = self.caller(row) else {
            return Vec::new();
        };
        let (apart, all) = (all && self.is_apart(row), all && self.is_listed(row));
        let star = self.star_of(row).map(|pair| (None, pair));
        let star = star.filter(|(_, pair)| all || says(pair, wanted));
        let keys = self.keys_towards(caller, all || apart).into_iter();
        let pairs = keys.filter_map(|at| {
            let all = all || apart && self.denied_apart(row, at).intersects(wanted);
            Some((Some(at), self.shown(caller, *self.sorted.get(at)?, wanted, all)?))
        });
        star.into_iter().chain(pairs).collect()
    }

    /// A row's pair with a key without the cells that are never; nothing where those of `wanted` all are.
    pub fn reaching(&self, row: usize, key: usize, wanted: ActionSet) -> Option<Arc<Pair>> {
        self.shown(self.caller(row)?, *self.sorted.get(key)?, wanted, false)
    }

    /// A key's pairs with their rows, in order; those of `*` where no key is given.
    pub fn column(
        &self,
        key: Option<usize>,
        wanted: ActionSet,
        all: bool,
    ) -> Vec<(usize, Arc<Pair>)> {
        let rows = 0..self.rows().len();
        let Some(key) = key else {
            let pairs = rows.filter_map(|row| Some((row, self.star_of(row)?)));
            let is_shown = |row| all && self.is_listed(row);
            return pairs.filter(|(row, pair)| is_shown(*row) || says(pair, wanted)).collect();
        };
        let (place, Some(key)) = (key, self.sorted.get(key).copied()) else {
            return Vec::new();
        };
        let pair = |row| {
            let is_told =
                || self.is_listed(row) || self.denied_apart(row, place).intersects(wanted);
            let all = all && is_told();
            Some((row, self.shown(self.caller(row)?, key, wanted, all)?))
        };
        rows.filter_map(pair).collect()
    }

    /// What a row can do without a key; nothing of one that stands for others: their own accounts say it.
    pub(super) fn star_of(&self, row: usize) -> Option<Arc<Pair>> {
        let is_known = self.rows().get(row).is_some_and(|row| row.stands_for.is_none());
        is_known.then(|| self.pair(row, None))
    }

    /// The request of a cell with this context, as `simulate` takes it.
    pub fn request(
        &self,
        row: usize,
        key: Option<usize>,
        action: KmsAction,
        context: &Context,
    ) -> Option<Request> {
        let mut caller = self.rows().get(row)?.caller.clone();
        let stands_in = self.rows().get(row).is_some_and(|row| *row.name != *row.caller.text);
        if let Some(arn) = context.get("aws:PrincipalArn").filter(|_| stands_in)
            && let [arn] = arn.value.values()
        {
            caller = crate::decision::Caller::parse(arn).unwrap_or(caller);
        }
        let target = match key {
            Some(key) => Target::Key((*self.sorted_arns.get(key)?).clone()),
            None if action == KmsAction::LIST_RETIRABLE_GRANTS => {
                Target::Principal(caller.text.clone())
            }
            None => Target::Account,
        };
        let mut context = context.clone();
        let subject = self.caller(row).and_then(|caller| self.table.subjects.get(caller as usize));
        let organization = subject.and_then(Subject::organization);
        if let Some(id) = organization.filter(|_| context.get("aws:PrincipalOrgID").is_none()) {
            context.set_one("aws:PrincipalOrgID", id);
        }
        let is_federated = matches!(caller.kind, CallerKind::FederatedUser { .. });
        let is_stranger = subject.is_some_and(|subject| subject.stranger.is_some());
        let session_policies = match is_federated && is_stranger {
            true => vec![everything()],
            false => Vec::new(),
        };
        Some(Request { caller, action, target, context, session_policies })
    }

    /// The places of the keys that are worth a look for a caller.
    fn keys_towards(&self, caller: CallerIx, all: bool) -> Vec<usize> {
        if all {
            return (0..self.sorted.len()).collect();
        }
        let group = self.table.groups.get(self.group_of(caller) as usize).map(|(group, _)| *group);
        let concerned = group.into_iter().flat_map(|group| self.classes().towards(group));
        let places = concerned.flat_map(|class| &class.keys);
        let mut places: Vec<usize> =
            places.filter_map(|key| self.places.get(*key as usize).copied()).collect();
        places.sort_unstable();
        places
    }

    /// A pair, where something of it is to be shown.
    fn shown(
        &self,
        caller: CallerIx,
        key: KeyIx,
        wanted: ActionSet,
        all: bool,
    ) -> Option<Arc<Pair>> {
        let (home, owner, relation) = self.sides(caller, key)?;
        if !all {
            let tally = self.tally(home, owner, relation);
            let some = tally.always.union(tally.conditional).union(tally.unknown);
            if !some.intersects(wanted) {
                return None;
            }
        }
        Some(self.answered(home, owner, relation, all))
    }
}

/// The rows that stand for principals whom nothing names, of which others they would seem to hold.
pub(super) struct Wide {
    /// The rows that are wider than some other, in order.
    pub(super) rows: Vec<usize>,
    /// Those wider than each other row that is told apart.
    wider: FxHashMap<usize, Box<[usize]>>,
}

impl Wide {
    /// Of these rows.
    pub(super) fn of(rows: &[Row], organization: Option<&Organization>) -> Self {
        let wide: Vec<(usize, &Row)> =
            rows.iter().enumerate().filter(|(_, row)| row.is_wide()).collect();
        // Who is told to be no member is none of the own organization.
        let own = organization.filter(|own| !own.accounts.is_empty());
        let is_no_member = |all: &Row, some: &Row| {
            let account = some.caller.account.filter(|_| !some.is_of_organization());
            own.is_some_and(|own| {
                own.id.as_deref() == Some(&*all.name)
                    && account.is_some_and(|account| !own.accounts.contains(&account))
            })
        };
        // What is said of an account would seem to hold of who has a row of its own in it.
        let home = |row: &Row| (row.caller.account, Box::<str>::from(row.caller.partition()));
        let of_accounts = rows.iter().enumerate().filter(|(_, row)| row.is_of_account());
        let of_accounts: FxHashMap<_, usize> =
            of_accounts.map(|(at, row)| (home(row), at)).collect();
        let wider_than = |(at, row): (usize, &Row)| {
            let is_wider = |wide: &Row| wide.seems_to_hold_of(row) && !is_no_member(wide, row);
            let wider = wide.iter().filter(|(_, wide)| is_wider(wide)).map(|(wide, _)| *wide);
            let is_one = !row.is_wide() && !row.is_of_account();
            let own = is_one.then(|| of_accounts.get(&home(row)).copied()).flatten();
            (at, wider.chain(own).collect())
        };
        let apart = rows.iter().enumerate().filter(|(_, row)| row.is_apart());
        let wider: FxHashMap<usize, Box<[usize]>> = apart.map(wider_than).collect();
        let mut rows: Vec<usize> = wider.values().flat_map(|it| it.iter().copied()).collect();
        rows.sort_unstable();
        rows.dedup();
        Self { rows, wider }
    }

    /// Those that would seem to hold of a row.
    pub(super) fn wider(&self, row: usize) -> &[usize] {
        self.wider.get(&row).map_or(&[], |wider| wider)
    }
}

/// The session policy of a federated user whose own account lets it: without one it can do nothing of its
/// own (rule E29).
fn everything() -> PolicyDocument {
    const TEXT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    // It stands in no file.
    let place = Place::plain(FileId(u32::MAX), Span::new(0, TEXT.len()));
    PolicyDocument::json(place, PolicyKind::Session, TEXT)
}

/// Whether some cell of these actions is not never.
fn says(pair: &Pair, wanted: ActionSet) -> bool {
    pair.cells.iter().any(|(actions, answer)| {
        actions.intersects(wanted) && answer.verdict != crate::decision::Standing::Never
    })
}
