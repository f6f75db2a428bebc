//! What the names of an assertion stand for.

use std::collections::BTreeSet;

use crate::access::{Matrix, Row};
use crate::audit::filter::{is_called, is_key, no_key};
use crate::audit::{NameError, principal};
use crate::aws::pattern::{is_pattern, takes};
use crate::aws::{ActionSet, Arn, suggest};
use crate::decision::{Caller, CallerKind};
use crate::inventory::{Inventory, Key};

use super::Selection;

/// The cells that a selection takes.
pub(super) struct Part {
    /// For each row whether it is taken.
    pub(super) rows: Vec<bool>,
    /// For each key whether it is taken.
    pub(super) keys: Vec<Taken>,
    /// Whether what needs no key is.
    pub(super) keyless: bool,
    /// The actions.
    pub(super) actions: ActionSet,
}

/// Whether a key is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// It is not.
    No,
    /// It may be: this was not exported.
    Perhaps(&'static str),
    /// It is.
    Yes,
}

/// Whose rows a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// All that a named principal could be: its row, the sessions of a role, and for one of another account
    /// without a row those that stand for it.
    Could,
    /// Its row alone.
    Row,
}

impl Part {
    /// What a selection takes, each of whose names must stand for something.
    ///
    /// # Errors
    /// A name that stands for nothing, in words.
    pub(super) fn of(
        world: &Inventory,
        matrix: &Matrix<'_>,
        selection: &Selection,
        sense: Sense,
    ) -> Result<Self, String> {
        let all = selection.principals.is_empty();
        let mut part = Self {
            rows: vec![all; matrix.rows().len()],
            keys: vec![Taken::Yes; matrix.keys().len()],
            keyless: keyless(selection),
            actions: selection.actions,
        };
        for text in &selection.principals {
            for at in rows(world, matrix, text, sense)? {
                if let Some(row) = part.rows.get_mut(at) {
                    *row = true;
                }
            }
        }
        for texts in [Names::Keys(&selection.keys), Names::Tags(&selection.tags)] {
            texts.narrow(world, matrix, &mut part)?;
        }
        Ok(part)
    }

    /// What a selection surely takes; its names may stand for nothing.
    pub(super) fn exempt(world: &Inventory, matrix: &Matrix<'_>, selection: &Selection) -> Self {
        let rows = named(world, matrix, &selection.principals);
        let key = |key: Option<&Key>| {
            let is_named = |key: &Key| {
                (selection.keys.is_empty() || selection.keys.iter().any(|text| is_key(key, text)))
                    && (selection.tags.is_empty()
                        || selection.tags.iter().any(|text| has_tag(key, text) == Some(true)))
            };
            if key.is_some_and(is_named) { Taken::Yes } else { Taken::No }
        };
        let keys = matrix.keys().iter().map(|arn| key(world.key(arn))).collect();
        Self { rows, keys, keyless: keyless(selection), actions: selection.actions }
    }

    /// Whether a key, or what needs none, is taken.
    pub(super) fn key(&self, key: Option<usize>) -> Taken {
        match key {
            Some(key) => self.keys.get(key).copied().unwrap_or(Taken::No),
            None if self.keyless => Taken::Yes,
            None => Taken::No,
        }
    }

    /// Whether a row is taken.
    pub(super) fn row(&self, row: usize) -> bool {
        self.rows.get(row).copied().unwrap_or_default()
    }
}

/// Whether what needs no key is taken.
fn keyless(selection: &Selection) -> bool {
    let is_named = selection.keys.is_empty() || selection.keys.iter().any(|key| key == "*");
    is_named && selection.tags.is_empty()
}

/// The rows that names surely stand for; all where there are none.
pub(super) fn named(world: &Inventory, matrix: &Matrix<'_>, texts: &[String]) -> Vec<bool> {
    let is_named = |row: &Row| texts.is_empty() || texts.iter().any(|text| means(world, row, text));
    matrix.rows().iter().map(is_named).collect()
}

/// Whether a name stands for a row: by its own name, or as the role of the session that it is.
fn means(world: &Inventory, row: &Row, text: &str) -> bool {
    is_called(&row.name, &row.caller, text)
        || role_of(world, &row.caller).is_some_and(|role| is_called(&role.text, &role, text))
}

/// Whether a name stands for somebody who need not have a row.
pub(super) fn means_caller(world: &Inventory, caller: &Caller, text: &str) -> bool {
    is_called(&caller.text, caller, text)
        || role_of(world, caller).is_some_and(|role| is_called(&role.text, &role, text))
}

/// The role of a session; of another account without its path, which a session's ARN lacks.
fn role_of(world: &Inventory, session: &Caller) -> Option<Caller> {
    let CallerKind::AssumedRole { role, .. } = &session.kind else {
        return None;
    };
    let account = session.account?;
    match session.session_role_in(world) {
        Some(role) => Caller::parse(&role.arn),
        None => {
            let partition = Arn::parse(&session.text)?.partition;
            Caller::parse(&format!("arn:{partition}:iam::{account}:role/{role}"))
        }
    }
}

fn rows(
    world: &Inventory,
    matrix: &Matrix<'_>,
    text: &str,
    sense: Sense,
) -> Result<Vec<usize>, String> {
    let found = |is: &dyn Fn(&Row) -> bool| -> Vec<usize> {
        let rows = matrix.rows().iter().enumerate();
        rows.filter(|(_, row)| is(row)).map(|(at, _)| at).collect()
    };
    let own = match sense {
        Sense::Row => found(&|row| is_called(&row.name, &row.caller, text)),
        Sense::Could => found(&|row| means(world, row, text)),
    };
    if !own.is_empty() {
        return Ok(own);
    }
    let covering = match sense {
        Sense::Row => Vec::new(),
        Sense::Could => found(&|row| row.stands_for_some_like(text)),
    };
    if !covering.is_empty() {
        return Ok(covering);
    }
    if is_pattern(text) {
        return Err(format!("`{text}` takes no principal of the matrix"));
    }
    let caller = principal(world, text).map_err(|error| error.to_string())?;
    let role = role_of(world, &caller);
    let stands = |row: &Row| {
        let is_wide = row.is_anyone() || row.is_of_organization();
        role.as_ref().is_some_and(|role| role.text == row.caller.text)
            || (row.stands_for.is_some() && is_wide)
            || row.stands_for_one(&caller)
    };
    let standing = if sense == Sense::Could { found(&stands) } else { Vec::new() };
    if standing.is_empty() {
        let known = matrix.rows().iter().map(|row| &*row.name);
        let near = suggest::nearest(&caller.text, known).map(str::to_owned);
        let name = text.to_owned();
        return Err(NameError::Unknown { what: "principal", name, near }.to_string());
    }
    Ok(standing)
}

/// Names that narrow the keys of a part.
enum Names<'a> {
    Keys(&'a [String]),
    Tags(&'a [String]),
}

impl Names<'_> {
    /// Takes out of `part` what none of the names can stand for.
    fn narrow(
        &self,
        world: &Inventory,
        matrix: &Matrix<'_>,
        part: &mut Part,
    ) -> Result<(), String> {
        let (Names::Keys(texts) | Names::Tags(texts)) = self;
        if texts.is_empty() {
            return Ok(());
        }
        let mut taken = vec![Taken::No; part.keys.len()];
        for text in *texts {
            let mut some = matches!(self, Names::Keys(_)) && text == "*";
            for (arn, taken) in matrix.keys().iter().zip(&mut taken) {
                let by = world.key(arn).map_or(Taken::No, |key| self.takes(key, text));
                some |= by != Taken::No;
                *taken = if *taken == Taken::Yes || by == Taken::No { *taken } else { by };
            }
            if !some {
                return Err(self.nothing(world, text));
            }
        }
        for (key, by) in part.keys.iter_mut().zip(taken) {
            *key = match (*key, by) {
                (Taken::No, _) | (_, Taken::No) => Taken::No,
                (Taken::Yes, by) => by,
                (perhaps, _) => perhaps,
            };
        }
        Ok(())
    }

    fn takes(&self, key: &Key, text: &str) -> Taken {
        match self {
            Names::Keys(_) if is_key(key, text) => Taken::Yes,
            Names::Keys(_) if !key.aliases_listed && is_alias(text) => Taken::Perhaps("aliases"),
            Names::Keys(_) => Taken::No,
            Names::Tags(_) => match has_tag(key, text) {
                Some(true) => Taken::Yes,
                Some(false) => Taken::No,
                None => Taken::Perhaps("tags"),
            },
        }
    }

    fn nothing(&self, world: &Inventory, text: &str) -> String {
        match self {
            Names::Keys(_) => no_key(world, text).cause(),
            Names::Tags(_) => {
                let name = text.split_once('=').map_or(text, |(name, _)| name);
                let all = world.keys.values().filter_map(|key| key.tags.as_ref());
                let names: BTreeSet<&str> =
                    all.flat_map(|tags| tags.keys()).map(|it| &**it).collect();
                let near = suggest::nearest(name, names.into_iter().filter(|it| *it != name));
                let near = near.map(|near| format!(": did you mean `{near}`?"));
                format!("`{text}` is a tag of no key{}", near.unwrap_or_default())
            }
        }
    }
}

fn is_alias(text: &str) -> bool {
    text.starts_with("alias/") || text.contains(":alias/")
}

/// Whether a key has a tag, `KEY` or `KEY=VALUE`; nothing where its tags were not exported.
fn has_tag(key: &Key, text: &str) -> Option<bool> {
    let (name, value) =
        text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let mut tags = key.tags.as_ref()?.iter();
    Some(tags.any(|(known, has)| takes(name, known) && value.is_none_or(|value| takes(value, has))))
}
