//! Filters: the names, ARNs, aliases and patterns by which people choose a part of an answer.

use std::collections::BTreeSet;

use crate::aws::pattern::{is_pattern, takes};
use crate::aws::{AccountId, AliasArn, Arn, KeyArn, suggest};
use crate::decision::{Caller, CallerKind, Target};
use crate::inventory::{Inventory, Key};

use super::{NameError, key, near_principal, principal};

/// A filter that means nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuestionError {
    /// The user names a principal or a key that is not there.
    #[error("{option}: {error}")]
    Name {
        /// The option.
        option: &'static str,
        /// What is wrong with the name.
        error: NameError,
    },
    /// The user names something else that is not there, or a pattern takes nothing.
    #[error("{option}: `{text}` {what}{}", meant(.near))]
    Nothing {
        /// The option.
        option: &'static str,
        /// What was typed.
        text: String,
        /// What it is not.
        what: &'static str,
        /// What is called nearly so.
        near: Option<String>,
    },
}

impl QuestionError {
    /// What is wrong, without the option.
    pub fn cause(&self) -> String {
        match self {
            Self::Name { error, .. } => error.to_string(),
            Self::Nothing { text, what, near, .. } => format!("`{text}` {what}{}", meant(near)),
        }
    }
}

fn meant(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!(": did you mean `{near}`?"))
}

/// The keys that `texts` name; nothing where there is no text.
///
/// # Errors
/// A text that stands for none.
pub(super) fn keys(
    world: &Inventory,
    texts: &[String],
) -> Result<Option<BTreeSet<KeyArn>>, QuestionError> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for text in texts {
        let called: Vec<&KeyArn> =
            world.keys.values().filter(|key| is_key(key, text)).map(|key| &key.arn).collect();
        if called.is_empty() {
            return Err(no_key(world, text));
        }
        found.extend(called.into_iter().cloned());
    }
    Ok(Some(found))
}

/// Those of `all` whom `texts` name; nothing where there is no text.
///
/// # Errors
/// A text that stands for none.
pub(super) fn principals(
    world: &Inventory,
    all: &BTreeSet<Caller>,
    texts: &[String],
) -> Result<Option<BTreeSet<Caller>>, QuestionError> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for text in texts {
        let called: Vec<&Caller> =
            all.iter().filter(|caller| is_called(&caller.text, caller, text)).collect();
        if !called.is_empty() {
            found.extend(called.into_iter().cloned());
            continue;
        }
        if is_pattern(text) {
            return Err(nothing("--principal", text, "takes no principal of the graph", None));
        }
        let name = |error| QuestionError::Name { option: "--principal", error };
        let caller = principal(world, text).map_err(name)?;
        let of_role = caller.session_role_in(world).and_then(|role| Caller::parse(&role.arn));
        let near = || near_principal(world, &caller);
        let known = of_role.filter(|role| all.contains(role));
        found.insert(known.ok_or_else(|| {
            name(NameError::Unknown { what: "principal", name: text.clone(), near: near() })
        })?);
    }
    Ok(Some(found))
}

/// The accounts that `texts` name, by id, name or pattern; nothing where there is no text.
///
/// # Errors
/// A text that stands for none.
pub(super) fn accounts(
    world: &Inventory,
    texts: &[String],
) -> Result<Option<BTreeSet<AccountId>>, QuestionError> {
    if texts.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for text in texts {
        let before = found.len();
        let mut known = BTreeSet::new();
        for account in world.accounts.values() {
            let name = account.name.as_deref().unwrap_or(account.id.as_str());
            if takes(text, account.id.as_str()) || takes(text, name) {
                found.insert(account.id);
            }
            known.extend([account.id.as_str(), name]);
        }
        found.extend(AccountId::parse(text));
        if found.len() == before {
            let near = suggest::nearest(text, known).map(str::to_owned);
            return Err(nothing("--account", text, "is no account of the export", near));
        }
    }
    Ok(Some(found))
}

/// The same, of accounts that may own keys: those that are read, and any where code makes some.
pub(super) fn accounts_of_keys(
    world: &Inventory,
    texts: &[String],
) -> Result<Option<BTreeSet<AccountId>>, QuestionError> {
    let found = accounts(world, texts)?;
    let owns = |account: &AccountId| world.keys.keys().any(|key| key.account() == *account);
    let is_there = |account: &&AccountId| {
        world.declared.is_some() || world.account(**account).is_some() || owns(account)
    };
    match found.iter().flatten().find(|account| !is_there(account)) {
        Some(account) => {
            Err(nothing("--account", account.as_str(), "is no account of the export", None))
        }
        None => Ok(found),
    }
}

/// Why a text is no filter.
pub(super) fn nothing(
    option: &'static str,
    text: &str,
    what: &'static str,
    near: Option<String>,
) -> QuestionError {
    QuestionError::Nothing { option, text: text.to_owned(), what, near }
}

/// Whether a principal whose row is `name` is called so: by its name, as `kind/NAME`, with its path or without, by name alone,
/// a root by its account.
pub(super) fn is_called(name: &str, caller: &Caller, text: &str) -> bool {
    if takes(text, name) {
        return true;
    }
    let Some(resource) = Arn::parse(name).map(|arn| arn.resource) else {
        return false;
    };
    if resource == "root" {
        return caller.account.is_some_and(|account| takes(text, account.as_str()));
    }
    let (kind, path) = resource.split_once('/').unwrap_or(("", resource));
    let own = path.rsplit_once('/').map_or(path, |(_, own)| own);
    let is_session = matches!(caller.kind, CallerKind::AssumedRole { .. });
    takes(text, resource)
        || (!is_session && takes(text, own))
        || text
            .strip_prefix(kind)
            .and_then(|rest| rest.strip_prefix('/'))
            .is_some_and(|rest| takes(rest, own) && !is_session)
}

/// Whether a key is called so: by ARN or id, or by an alias.
pub(super) fn is_key(key: &Key, text: &str) -> bool {
    let id = text.strip_prefix("key/").unwrap_or(text);
    let alias = |alias: &AliasArn| takes(text, alias.name()) || takes(text, alias.as_str());
    takes(text, key.arn.as_str()) || takes(id, key.arn.id()) || key.aliases.iter().any(alias)
}

/// Why a text names no key.
pub(super) fn no_key(world: &Inventory, text: &str) -> QuestionError {
    let what = "takes no key of the export";
    if is_pattern(text) {
        return nothing("--key", text, what, None);
    }
    match key(world, text) {
        Err(error) => QuestionError::Name { option: "--key", error },
        Ok(Target::Key(arn)) => {
            let known = world.keys.keys().map(|key| key.as_str());
            let near = suggest::nearest(arn.as_str(), known).map(str::to_owned);
            nothing("--key", text, "is no key of the export", near)
        }
        Ok(_) => nothing("--key", text, "leads to no key of the export", None),
    }
}
