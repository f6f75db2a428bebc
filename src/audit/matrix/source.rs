//! Where rows and columns come from: for now the probe, pair by pair, each asked once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use crate::aws::{ActionSet, KeyArn, KmsAction};
use crate::decision::{
    Assumptions, Bound, Caller, CellAnswer, Condition, Context, OpenPoint, Pair, Reach as _,
    Request, Standing, Target, Verdict, Why, Words,
};
use crate::eval::probe::Probe;
use crate::eval::reference::{Ability, ability};
use crate::inventory::Inventory;

use super::{Counts, View};

/// One row: a principal, or a set of them that only a policy speaks of.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who asks.
    pub caller: Caller,
    /// What is printed: an ARN, a service, `*` for anyone, the root's ARN for an account.
    pub name: Box<str>,
    /// Whom else the row stands for: `any principal of 444455556666 that its own account allows`.
    pub stands_for: Option<Box<str>>,
}

/// Every verdict of a world, by rows and by columns.
pub struct Matrix<'w> {
    probe: Probe<'w>,
    assumptions: Assumptions,
    rows: Vec<Row>,
    keys: Vec<KeyArn>,
    /// For each row whether it is a user, role or root of the export: only they have cells of `never`.
    listed: Vec<bool>,
    known: Mutex<FxHashMap<(usize, Option<usize>, ActionSet), Arc<Pair>>>,
    /// Equal pairs are one.
    pairs: Mutex<BTreeMap<String, Arc<Pair>>>,
}

impl<'w> Matrix<'w> {
    /// The matrix of `world` under `assumptions`; requests happen from `now` on.
    pub fn new(world: &'w Inventory, assumptions: &Assumptions, now: Timestamp) -> Self {
        let probe = Probe::new(world, now);
        let keys: Vec<KeyArn> = world.keys.keys().cloned().collect();
        let own = own(world);
        let mut callers = own.clone();
        for key in &keys {
            for action in [KmsAction::DECRYPT, KmsAction::CREATE_GRANT, KmsAction::PUT_KEY_POLICY] {
                callers.extend(probe.candidates(key, action));
            }
        }
        let listed = callers.iter().map(|caller| own.contains(caller)).collect();
        let rows = callers.into_iter().map(|caller| row(world, caller)).collect();
        let (known, pairs) = (Mutex::default(), Mutex::default());
        Self { probe, assumptions: assumptions.clone(), rows, keys, listed, known, pairs }
    }

    /// The rows, sorted by name.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The keys, sorted.
    pub fn keys(&self) -> &[KeyArn] {
        &self.keys
    }

    /// Whether a row is a user, role or root of the export: only these have cells that are never.
    pub fn is_listed(&self, row: usize) -> bool {
        self.listed.get(row).copied().unwrap_or_default()
    }

    /// The actions that are cells of a key, or of `*`: those it can ever perform (rule S5).
    pub fn possible(&self, key: Option<usize>) -> ActionSet {
        let Some(key) = key else {
            return KmsAction::all().filter(|action| !action.info().has_key_resource).collect();
        };
        let known = self.keys.get(key).and_then(|arn| self.probe.world().key(arn));
        let can = |action: &KmsAction| {
            action.info().has_key_resource
                && known.is_none_or(|key| ability(key, *action) != Ability::NotThisKey)
        };
        KmsAction::all().filter(can).collect()
    }

    /// A row's pairs with their keys, `*` (none) first, then as in [`Matrix::keys`]. Without `all` those
    /// with a cell that is not never.
    pub fn row(&self, row: usize, wanted: ActionSet, all: bool) -> Vec<(Option<usize>, Arc<Pair>)> {
        let keys = std::iter::once(None).chain((0..self.keys.len()).map(Some));
        let pairs = keys.filter_map(|key| Some((key, self.pair(row, key, wanted, all)?)));
        pairs.collect()
    }

    /// A key's pairs with their rows, sorted; those of `*` where no key is given.
    pub fn column(
        &self,
        key: Option<usize>,
        wanted: ActionSet,
        all: bool,
    ) -> Vec<(usize, Arc<Pair>)> {
        let rows = 0..self.rows.len();
        rows.filter_map(|row| Some((row, self.pair(row, key, wanted, all)?))).collect()
    }

    /// The request of a cell with this context, as `simulate` takes it. Within one set of actions of a
    /// pair on a key, requests differ in their actions alone.
    pub fn request(
        &self,
        row: usize,
        key: Option<usize>,
        action: KmsAction,
        context: &Context,
    ) -> Option<Request> {
        let caller = self.rows.get(row)?.caller.clone();
        let target = match key {
            Some(key) => Target::Key(self.keys.get(key)?.clone()),
            None if action == KmsAction::LIST_RETIRABLE_GRANTS => {
                Target::Principal(caller.text.clone())
            }
            None => Target::Account,
        };
        let session_policies = Vec::new();
        Some(Request { caller, action, target, context: context.clone(), session_policies })
    }

    /// How many cells there are of each verdict; by classes, so that nothing is expanded.
    pub fn counts(&self, wanted: ActionSet) -> Counts {
        Counts::of(&View::whole(self, self.probe.world(), wanted))
    }

    fn pair(
        &self,
        row: usize,
        key: Option<usize>,
        wanted: ActionSet,
        all: bool,
    ) -> Option<Arc<Pair>> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&(row, key, wanted)).cloned();
        let pair = match known {
            Some(pair) => pair,
            None => {
                let pair = self.shared(self.find(row, key, wanted)?);
                lock().insert((row, key, wanted), Arc::clone(&pair));
                pair
            }
        };
        let some = pair.cells.iter().any(|(_, answer)| answer.verdict != Standing::Never);
        (some || (all && self.is_listed(row) && !pair.cells.is_empty())).then_some(pair)
    }

    fn shared(&self, pair: Pair) -> Arc<Pair> {
        let name = format!("{pair:?}");
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pairs.entry(name).or_insert_with(|| Arc::new(pair)))
    }

    fn find(&self, row: usize, key: Option<usize>, wanted: ActionSet) -> Option<Pair> {
        let region = key.and_then(|key| self.keys.get(key)).map(KeyArn::region);
        let mut cells: Vec<(ActionSet, Arc<CellAnswer>)> = Vec::new();
        for action in self.possible(key).intersection(wanted).iter() {
            let context = self.assumptions.context(action, region);
            let answer = self.answer(&self.request(row, key, action, &context)?);
            match cells.iter_mut().find(|(_, known)| **known == answer) {
                Some((actions, _)) => actions.insert(action),
                None => cells.push((action.into(), Arc::new(answer))),
            }
        }
        Some(Pair { cells })
    }

    fn answer(&self, request: &Request) -> CellAnswer {
        let verdict = self.probe.verdict_of(request);
        let mut answer = CellAnswer {
            verdict: standing(&verdict),
            reason: crate::decision::Reason::ImplicitDeny,
            denied_by: None,
            condition: None,
            witness: verdict.witness().map(|request| request.context.clone()),
            counter: counter(&verdict).map(|request| request.context.clone()),
            missing: BTreeSet::new(),
            open: BTreeSet::new(),
            undecided: false,
            assumes: BTreeSet::new(),
        };
        let denied = counter(&verdict).map(|request| self.probe.decide(request).outcome);
        answer.denied_by = denied.and_then(|outcome| outcome.denied_by());
        let shown = verdict.witness().or_else(|| counter(&verdict));
        answer.reason = self.probe.decide(shown.unwrap_or(request)).outcome.reason();
        match verdict {
            Verdict::Conditional { witness, .. } => answer.condition = condition(&witness.context),
            Verdict::Unknown(unknown) => unknown.why.into_iter().for_each(|why| match why {
                Why::Missing(what) => drop(answer.missing.insert(what)),
                Why::Open(name) => answer.open.extend(point(name)),
                Why::Undecided => answer.undecided = true,
            }),
            Verdict::Always { .. } | Verdict::Never { .. } => {}
        }
        answer
    }
}

/// The users, roles and roots of the export.
fn own(world: &Inventory) -> BTreeSet<Caller> {
    let mut callers = BTreeSet::new();
    for account in world.accounts.values() {
        callers.extend(Caller::parse(account.id.as_str()));
        let identities = account.identities.keys();
        callers.extend(identities.filter_map(|arn| Caller::parse(arn)));
    }
    callers
}

fn row(world: &Inventory, caller: Caller) -> Row {
    let outside = caller.account.filter(|account| world.account(*account).is_none());
    let stands_for = outside
        .map(|account| format!("any principal of {account} that its own account allows").into());
    Row { name: caller.text.clone(), stands_for, caller }
}

fn standing(verdict: &Verdict) -> Standing {
    match verdict {
        Verdict::Always { .. } => Standing::Always,
        Verdict::Conditional { .. } => Standing::Conditional,
        Verdict::Never { .. } => Standing::Never,
        Verdict::Unknown(unknown) if unknown.at_most == Bound::Never => Standing::Never,
        Verdict::Unknown(unknown) => {
            Standing::Unknown { at_least: unknown.at_least, at_most: unknown.at_most }
        }
    }
}

fn counter(verdict: &Verdict) -> Option<&Request> {
    match verdict {
        Verdict::Conditional { counter, .. } | Verdict::Never { counter } => Some(counter),
        Verdict::Always { .. } | Verdict::Unknown(_) => None,
    }
}

/// The witness's context: a condition that is enough, where the probe knows no exact one.
fn condition(context: &Context) -> Option<Condition> {
    let mut tests: Vec<Condition> = context
        .entries()
        .map(|entry| {
            let values = entry.value.values().to_vec();
            Condition::Test(Words { key: entry.name.clone(), relation: "is".into(), values })
        })
        .collect();
    match tests.len() {
        0 | 1 => tests.pop(),
        _ => Some(Condition::All(tests)),
    }
}

fn point(name: &str) -> Option<OpenPoint> {
    use OpenPoint::{O1, O2, O3, O5, O9, O10, O11, O17, O28};
    [O1, O2, O3, O5, O9, O10, O11, O17, O28].into_iter().find(|point| point.name() == name)
}
