//! Which part of the matrix is asked for: filters by names, aliases, globs and words.

use std::collections::BTreeSet;

use crate::audit::filter::{self, QuestionError, is_called, is_key, no_key, nothing};
use crate::audit::{NameError, near_principal, principal};
use crate::aws::pattern::{is_pattern, takes};
use crate::aws::{AccountId, ActionSet, KmsAction, suggest};
use crate::decision::{Caller, CallerKind, Standing};
use crate::inventory::Inventory;

use super::{Capability, Matrix, Row};

/// A verdict as a word of a filter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Word {
    /// `always`.
    Always,
    /// `conditional`.
    Conditional,
    /// `never`.
    Never,
    /// `unknown`.
    Unknown,
}

impl Word {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Conditional => "conditional",
            Self::Never => "never",
            Self::Unknown => "unknown",
        }
    }
}

impl From<Standing> for Word {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Always => Self::Always,
            Standing::Conditional => Self::Conditional,
            Standing::Never => Self::Never,
            Standing::Unknown { .. } => Self::Unknown,
        }
    }
}

/// What is asked for; an empty list asks for everything.
#[derive(Clone, Default, Debug)]
pub struct Question {
    /// Principals: ARNs, `alice`, `user/alice`, account ids, services, patterns.
    pub principals: Vec<String>,
    /// Keys: ARNs, ids, aliases, patterns; `*` takes what needs no key, too.
    pub keys: Vec<String>,
    /// Accounts, by id, name or pattern, whose principals or keys are meant.
    pub accounts: Vec<String>,
    /// Actions, patterns of them, and capabilities.
    pub actions: Vec<String>,
    /// Tags of keys: `KEY` or `KEY=VALUE`, patterns in both.
    pub tags: Vec<String>,
    /// The verdicts that are shown.
    pub verdicts: BTreeSet<Word>,
    /// Whether cells that are never are shown, too.
    pub all: bool,
    /// Whether what the state of a key rules out now is left out (rule S2).
    pub effective_now: bool,
    /// Whether one principal is asked about: what anyone may be able to do counts for it.
    pub of_one: bool,
}

/// A question whose names are found.
pub(super) struct Resolved {
    /// The rows; sorted.
    pub(super) rows: Vec<usize>,
    /// For each key whether it is meant.
    pub(super) keys: Vec<bool>,
    /// Whether `*` is meant.
    pub(super) keyless: bool,
    /// The accounts, where they matter.
    pub(super) accounts: Option<BTreeSet<AccountId>>,
    /// The actions.
    pub(super) actions: ActionSet,
}

impl Question {
    /// Whether nothing is left out but for the verdicts.
    pub(super) fn is_whole(&self) -> bool {
        let lists = [&self.principals, &self.keys, &self.accounts, &self.tags];
        lists.iter().all(|list| list.is_empty()) && !self.effective_now
    }

    /// Finds what the names stand for.
    ///
    /// # Errors
    /// A name or a pattern that stands for nothing.
    pub(super) fn resolve(
        &self,
        world: &Inventory,
        matrix: &Matrix<'_>,
    ) -> Result<Resolved, QuestionError> {
        let (keys, keyless) = self.keys(world, matrix)?;
        let keyless = keyless && self.tags.is_empty();
        let (rows, keys) = (self.rows(world, matrix)?, self.tagged(world, matrix, keys)?);
        let accounts = filter::accounts(world, &self.accounts)?;
        self.account_without_cells(world, matrix)?;
        Ok(Resolved { rows, keys, keyless, accounts, actions: self.actions()? })
    }

    /// Finds an account that has neither rows nor keys. Infrastructure code may declare none for the account
    /// that it is deployed to.
    fn account_without_cells(
        &self,
        world: &Inventory,
        matrix: &Matrix<'_>,
    ) -> Result<(), QuestionError> {
        let has_cells = |account: AccountId| {
            let is_row = |row: &Row| {
                row.caller.account == Some(account) || row.stands_for_some_of(Some(account))
            };
            matrix.rows().iter().any(is_row)
                || matrix.keys().iter().any(|key| key.account() == account)
        };
        let is_known = |text: &&String| {
            AccountId::parse(text).is_none_or(|id| world.account(id).is_some() || has_cells(id))
        };
        match self.accounts.iter().find(|text| world.declared.is_none() && !is_known(text)) {
            None => Ok(()),
            Some(text) => {
                let known = world.accounts.keys().map(AccountId::as_str);
                let near = suggest::nearest(text, known).map(str::to_owned);
                Err(nothing("--account", text, "is no account of the export", near))
            }
        }
    }

    /// The actions that are asked for.
    ///
    /// # Errors
    /// One that stands for nothing.
    pub fn actions(&self) -> Result<ActionSet, QuestionError> {
        if self.actions.is_empty() {
            return Ok(ActionSet::ALL);
        }
        self.actions
            .iter()
            .try_fold(ActionSet::EMPTY, |all, text| Ok(all.union(actions_named(text)?)))
    }

    /// The services that are asked about by name.
    pub fn services(&self) -> BTreeSet<Box<str>> {
        let callers = self.principals.iter().filter_map(|text| Caller::parse(text));
        callers.filter(is_service).map(|caller| caller.text).collect()
    }

    fn rows(&self, world: &Inventory, matrix: &Matrix<'_>) -> Result<Vec<usize>, QuestionError> {
        if self.principals.is_empty() {
            return Ok((0..matrix.rows().len()).collect());
        }
        let mut found = BTreeSet::new();
        for text in &self.principals {
            found.extend(rows(world, matrix, text)?);
        }
        let is_service = |text: &String| Caller::parse(text).as_ref().is_some_and(is_service);
        // What anyone may be able to do stands in the row of a service.
        if self.of_one && !self.principals.iter().all(is_service) {
            let rows = || matrix.rows().iter().enumerate();
            // Rule U6: what a role can do in a session that a policy names stands in the row of that session.
            let roles = found.iter().filter_map(|at| Some(&*matrix.rows().get(*at)?.name));
            let roles: BTreeSet<&str> = roles.collect();
            let is_of_role = |row: &Row| {
                let role = row.caller.session_role_in(world);
                role.is_some_and(|role| roles.contains(&*role.arn))
            };
            let also = rows().filter(|(_, row)| row.is_anyone() || is_of_role(row));
            found.extend(also.map(|(at, _)| at).collect::<Vec<_>>());
        }
        Ok(found.into_iter().collect())
    }

    fn keys(
        &self,
        world: &Inventory,
        matrix: &Matrix<'_>,
    ) -> Result<(Vec<bool>, bool), QuestionError> {
        let all = self.keys.is_empty();
        let (mut taken, mut keyless) = (vec![all; matrix.keys().len()], all);
        for text in &self.keys {
            let mut some = text == "*";
            keyless |= some;
            for (arn, taken) in matrix.keys().iter().zip(&mut taken) {
                let known = world.key(arn);
                if known.is_some_and(|known| is_key(known, text)) {
                    (*taken, some) = (true, true);
                }
            }
            if !some {
                return Err(no_key(world, text));
            }
        }
        Ok((taken, keyless))
    }

    fn tagged(
        &self,
        world: &Inventory,
        matrix: &Matrix<'_>,
        mut keys: Vec<bool>,
    ) -> Result<Vec<bool>, QuestionError> {
        for text in &self.tags {
            let (name, value) =
                text.split_once('=').map_or((&**text, None), |(name, value)| (name, Some(value)));
            let mut some = false;
            for (arn, taken) in matrix.keys().iter().zip(&mut keys) {
                let tags = world.key(arn).and_then(|key| key.tags.as_ref());
                let has = tags.into_iter().flatten().any(|(known, has)| {
                    takes(name, known) && value.is_none_or(|value| takes(value, has))
                });
                some |= has;
                *taken &= has;
            }
            if !some {
                let all = world.keys.values().filter_map(|key| key.tags.as_ref());
                let names: BTreeSet<&str> =
                    all.flat_map(|tags| tags.keys()).map(|it| &**it).collect();
                let near = suggest::nearest(name, names.iter().copied().filter(|it| *it != name));
                let near = near.map(str::to_owned);
                return Err(nothing("--tag", text, "is a tag of no key", near));
            }
        }
        Ok(keys)
    }
}

/// The rows that a name or a pattern stands for.
fn rows(world: &Inventory, matrix: &Matrix<'_>, text: &str) -> Result<Vec<usize>, QuestionError> {
    let all = || matrix.rows().iter().enumerate();
    let found = |is: &dyn Fn(&Row) -> bool| -> Vec<usize> {
        all().filter(|(_, row)| is(row)).map(|(at, _)| at).collect()
    };
    let exact = found(&|row| is_called(&row.name, &row.caller, text));
    if !exact.is_empty() {
        return Ok(exact);
    }
    let covering = found(&|row| row.stands_for_some_like(text));
    if !covering.is_empty() {
        return Ok(covering);
    }
    if is_pattern(text) {
        return Err(nothing("--principal", text, "takes no principal of the matrix", None));
    }
    let name = |error| QuestionError::Name { option: "--principal", error };
    let caller = principal(world, text).map_err(name)?;
    let role = caller.session_role_in(world);
    let is_account = AccountId::parse(text).is_some();
    // A root that stands for its account, a session's role, those of an account, anyone: in this order.
    let ways: [&dyn Fn(&Row) -> bool; 6] = [
        &|row| row.caller == caller,
        &|row| role.is_some_and(|role| *role.arn == *row.name),
        &|row| is_outside_role(row, &caller),
        &|row| row.stands_for_one(&caller),
        &|row| is_account && row.caller.account == caller.account,
        &|row| !is_service(&caller) && (row.is_anyone() || row.is_of_organization()),
    ];
    let near = || near_principal(world, &caller);
    match ways.iter().map(|way| found(way)).find(|rows| !rows.is_empty()) {
        Some(rows) => Ok(rows),
        // Somebody outside the export whom no key lets in.
        None if !is_of_listed_account(world, &caller) => Ok(Vec::new()),
        None => {
            Err(name(NameError::Unknown { what: "principal", name: text.to_owned(), near: near() }))
        }
    }
}

/// Whether somebody is of an account whose users and roles the export has.
fn is_of_listed_account(world: &Inventory, caller: &Caller) -> bool {
    let account = caller.account.and_then(|account| world.account(account));
    account.is_some_and(|account| account.identities_listed)
}

fn is_service(caller: &Caller) -> bool {
    caller.kind == CallerKind::Service
}

/// Whether a row is that of the role of a session, of an account outside the export: by the role's name, which is
/// all that the session's ARN says of it (rule A42).
fn is_outside_role(row: &Row, session: &Caller) -> bool {
    let CallerKind::AssumedRole { role, .. } = &session.kind else {
        return false;
    };
    let name = row.name.rsplit('/').next();
    row.stands_for.is_some()
        && row.caller.kind == CallerKind::Role
        && row.caller.account == session.account
        && name.is_some_and(|name| name.eq_ignore_ascii_case(role))
}

/// The actions that a name, a pattern or a capability stands for; `ReEncrypt` is two.
///
/// # Errors
/// It stands for none.
pub fn actions_named(text: &str) -> Result<ActionSet, QuestionError> {
    let name = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("kms:"));
    let name = name.and_then(|_| text.get(4..)).unwrap_or(text);
    if let Some(action) = KmsAction::from_name(name) {
        return Ok(action.into());
    }
    if let Some(actions) = Capability::named(text) {
        return Ok(actions);
    }
    let re_encrypt = name.eq_ignore_ascii_case("ReEncrypt");
    let pattern = if re_encrypt { "reencrypt*".to_owned() } else { name.to_ascii_lowercase() };
    let all = KmsAction::all();
    let found = |action: &KmsAction| takes(&pattern, &action.name().to_ascii_lowercase());
    let found: ActionSet = all.clone().filter(found).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let words = Capability::ALL.map(Capability::name);
    let near = suggest::nearest(name, all.map(KmsAction::name).chain(words).chain(["use"]));
    let what = "is no action of AWS KMS, and no capability";
    Err(nothing("--action", text, what, near.map(str::to_owned)))
}
