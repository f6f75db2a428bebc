//! What people type for principals and keys: names, ARNs and parts of them, where they are unique.

use std::collections::BTreeSet;

use crate::aws::{AliasArn, Arn, Identity as ArnIdentity, KeyArn, identity, suggest};
use crate::decision::{Caller, Target};
use crate::inventory::{Alias, Identity, IdentityKind, Inventory};

/// Why a name stands for nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// The user names something that the export does not have.
    #[error("{what} `{name}` is not in the export{}", meant(.near))]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// What was typed.
        name: String,
        /// What is called nearly so.
        near: Option<String>,
    },
    /// The user's name stands for several.
    #[error("`{name}` is ambiguous: {}", .candidates.iter().map(String::as_str).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was typed.
        name: String,
        /// What it could mean; sorted.
        candidates: BTreeSet<String>,
    },
    /// The user names something that makes no requests.
    #[error("`{name}` is a group, which makes no requests{}", whose(.members))]
    Group {
        /// What was typed.
        name: String,
        /// Who is in it; sorted.
        members: BTreeSet<String>,
    },
}

fn meant(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!(": did you mean `{near}`?"))
}

fn whose(members: &BTreeSet<String>) -> String {
    let names: Vec<&str> = members.iter().map(String::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!("; its members do: {}", names.join(", ")),
    }
}

/// The caller that `text` names: as a request line does (ARN, account id, service), or as `user/NAME`,
/// `role/NAME`, `role/NAME/SESSION`, or a bare name, where that is unique in the export. Paths may be
/// given or left out.
///
/// # Errors
/// Nothing is called so, or several are.
pub fn principal(world: &Inventory, text: &str) -> Result<Caller, NameError> {
    if let Some(caller) = Caller::parse(text) {
        return Ok(caller);
    }
    if let Some(group) = group(world, text) {
        return Err(group);
    }
    let known = || world.accounts.values().flat_map(|account| account.identities.values());
    let called = |is_called: fn(&Identity, &str) -> bool| -> BTreeSet<String> {
        let named = known().filter(|identity| is_called(identity, text));
        named.map(|identity| identity.arn.to_string()).collect()
    };
    let sessions = || known().filter_map(|identity| session(identity, text)).collect();
    // IAM tells no two users, and no two roles, apart by case.
    let ways: [&dyn Fn() -> BTreeSet<String>; 3] =
        [&|| called(is_called), &sessions, &|| called(is_called_ignoring_case)];
    let found = ways.iter().map(|way| way()).find(|found| !found.is_empty()).unwrap_or_default();
    let near = || {
        let shown = |identity: &&Identity| match text.contains('/') {
            true => format!("{}/{}", kind(identity), identity.name),
            false => identity.name.to_string(),
        };
        let names: BTreeSet<String> = known().map(|identity| shown(&identity)).collect();
        suggest::nearest(text, names.iter().map(String::as_str)).map(str::to_owned)
    };
    let arn = one("principal", text, found, near)?;
    let unknown = || NameError::Unknown { what: "principal", name: text.to_owned(), near: None };
    Caller::parse(&arn).ok_or_else(unknown)
}

/// The ARN of the user or role of the caller's account that is called nearly as the caller.
pub fn near_principal(world: &Inventory, caller: &Caller) -> Option<String> {
    let identities = &world.account(caller.account?)?.identities;
    suggest::nearest(&caller.text, identities.keys()).map(str::to_owned)
}

/// Whether `text` is the name of `identity`, or `kind/` with its name or with its path and name.
fn is_called(identity: &Identity, text: &str) -> bool {
    *identity.name == *text
        || text.strip_prefix(kind(identity)).and_then(|rest| rest.strip_prefix('/')).is_some_and(
            |rest| {
                let resource = Arn::parse(&identity.arn).map(|arn| arn.resource);
                *identity.name == *rest || resource == Some(text)
            },
        )
}

fn is_called_ignoring_case(identity: &Identity, text: &str) -> bool {
    let name = match text.split_once('/') {
        Some((given, name)) if given.eq_ignore_ascii_case(kind(identity)) => name,
        _ => text,
    };
    identity.name.eq_ignore_ascii_case(name)
}

fn kind(identity: &Identity) -> &'static str {
    match identity.kind {
        IdentityKind::User => "user",
        IdentityKind::Role => "role",
    }
}

/// The session's ARN, where `text` is `role/NAME/SESSION` or `assumed-role/NAME/SESSION` of this role.
fn session(role: &Identity, text: &str) -> Option<String> {
    let rest = text.strip_prefix("role/").or_else(|| text.strip_prefix("assumed-role/"))?;
    let (name, session) = rest.rsplit_once('/')?;
    let arn = Arn::parse(&role.arn)?;
    let with_path = arn.resource.strip_prefix("role/");
    if role.kind != IdentityKind::Role || (*role.name != *name && with_path != Some(name)) {
        return None;
    }
    Some(format!(
        "arn:{}:sts::{}:assumed-role/{}/{session}",
        arn.partition, role.account, role.name
    ))
}

/// The error for a group's ARN, `group/NAME`, or a bare name that only a group has.
fn group(world: &Inventory, text: &str) -> Option<NameError> {
    let (account, name) = match identity(text) {
        Some(ArnIdentity::Group { account, name, .. }) => (Some(account), name),
        Some(_) => return None,
        None => (None, text.strip_prefix("group/").unwrap_or(text)),
    };
    let is_meant = |id| account.is_none_or(|account| account == id);
    let accounts = || world.accounts.values().filter(|account| is_meant(account.id));
    let identities = || accounts().flat_map(|account| account.identities.values());
    if !accounts().any(|account| account.groups.contains_key(name))
        || identities().any(|identity| *identity.name == *text)
    {
        return None;
    }
    let members = identities().filter(|identity| identity.groups.contains(name));
    let members = members.map(|identity| identity.name.to_string()).collect();
    Some(NameError::Group { name: text.to_owned(), members })
}

/// What `text` names among keys: a key's or alias's ARN, `alias/NAME` or a key id where that is
/// unique in the export, or `*` for no key.
///
/// # Errors
/// Nothing is called so, or several are.
pub fn key(world: &Inventory, text: &str) -> Result<Target, NameError> {
    if text == "*" {
        return Ok(Target::Account);
    }
    if let Some(arn) = KeyArn::parse(text) {
        return Ok(Target::Key(arn));
    }
    let unknown = |what, near| NameError::Unknown { what, name: text.to_owned(), near };
    if let Some(arn) = AliasArn::parse(text) {
        let near = || suggest::nearest(text, world.aliases.keys().map(AliasArn::as_str));
        return match world.alias(&arn) {
            Some(_) => Ok(Target::Alias(arn)),
            None => Err(unknown("alias", near().map(str::to_owned))),
        };
    }
    if text.starts_with("alias/") {
        let found = world.aliases.values().filter(|alias| alias.arn.name() == text);
        let found = found.map(|alias| alias.arn.as_str().to_owned()).collect();
        let near = || suggest::nearest(text, world.aliases.keys().map(AliasArn::name));
        let arn = one("alias", text, found, || near().map(str::to_owned))?;
        return AliasArn::parse(&arn).map(Target::Alias).ok_or_else(|| unknown("alias", None));
    }
    let id = text.strip_prefix("key/").unwrap_or(text);
    let found = world.keys.keys().filter(|arn| arn.id() == id);
    let found = found.map(|arn| arn.as_str().to_owned()).collect();
    let near = || {
        let alias = format!("alias/{text}");
        let aliases = || world.aliases.values().map(|alias| alias.arn.name());
        let names = aliases().find(|name| *name == alias);
        let ids = || suggest::nearest(id, world.keys.keys().map(KeyArn::id));
        names.or_else(ids).or_else(|| suggest::nearest(&alias, aliases())).map(str::to_owned)
    };
    let arn = one("key", text, found, near)?;
    KeyArn::parse(&arn).map(Target::Key).ok_or_else(|| unknown("key", None))
}

/// The key that a target stands for, where the export resolves it.
pub(super) fn resolved(world: &Inventory, target: &Target) -> Option<KeyArn> {
    match target {
        Target::Key(arn) => Some(arn.clone()),
        Target::Alias(arn) => world.alias(arn).and_then(Alias::key),
        _ => None,
    }
}

fn one(
    what: &'static str,
    text: &str,
    found: BTreeSet<String>,
    near: impl FnOnce() -> Option<String>,
) -> Result<String, NameError> {
    let mut all = found.iter();
    match (all.next(), all.next()) {
        (Some(only), None) => Ok(only.clone()),
        (Some(_), Some(_)) => {
            Err(NameError::Ambiguous { name: text.to_owned(), candidates: found })
        }
        (None, _) => Err(NameError::Unknown { what, name: text.to_owned(), near: near() }),
    }
}
