//! Texts with variables: what they become for somebody (rules C40 to C47), and what those of an account can have
//! that is like something of others (rules T32 to T34).

use std::collections::BTreeSet;

use crate::aws::AccountId;
use crate::decision::{Caller, CallerKind, PRINCIPAL_TAG, Thing, tag_in};
use crate::inventory::{Account, Identity, IdentityKind};
use crate::policy::{Part, Variables, parts};

use super::asked::Asked;
use super::cast::Cast;
use super::change::WRITTEN;
use super::tagging::{Tag, TagSet};

/// What those of an account and its keys can have that is like something of the others.
#[derive(Default)]
pub(super) struct Alike {
    /// Tags of users and roles that are like something of keys that they might have to do with.
    pub(super) principals: BTreeSet<TagSet>,
    /// Tags of keys that are like something of users and roles; none where they are many.
    pub(super) tags: BTreeSet<Tag>,
    /// Names of aliases, likewise.
    pub(super) aliases: BTreeSet<Box<str>>,
}

/// How many tags, and how many aliases, are given to keys for the sake of others.
const FEW: usize = 8;

impl Cast<'_> {
    /// Hears, account by account, what is like something else.
    pub(super) fn hear_alike(&mut self) {
        for account in self.world.accounts.values() {
            let mut alike = self.alike_keys(account);
            if alike.tags.len() > FEW {
                alike.tags.clear();
            }
            if alike.aliases.len() > FEW {
                alike.aliases.clear();
            }
            alike.principals = self.alike_principals(account.id);
            if let Some(household) = self.accounts.get_mut(&account.id) {
                household.alike = alike;
            }
        }
    }

    fn alike_principals(&self, account: AccountId) -> BTreeSet<TagSet> {
        let asked: Vec<&Asked> = self.asked_in(account).filter(|it| it.likens_tags()).collect();
        if asked.is_empty() {
            return BTreeSet::new();
        }
        let keys = self.keys_concerning(Some(account)).into_iter();
        let things = keys.filter_map(|key| self.key(key)).map(Thing::from);
        things.flat_map(|thing| tied_to(&thing, &asked)).collect()
    }

    fn alike_keys(&self, account: &Account) -> Alike {
        let is_of_callers = |it: &&Asked| it.is_of_callers() || it.names_aliases_for_callers();
        let asked: Vec<&Asked> = self.asked_in(account.id).filter(is_of_callers).collect();
        let named = self.asked_in(account.id).flat_map(|asked| &asked.principal_tags);
        let brought: BTreeSet<&str> = named.map(|(_, value)| &**value).chain([WRITTEN]).collect();
        let mut alike = Alike::default();
        for identity in account.identities.values().filter(|_| !asked.is_empty()) {
            let Some(caller) = Caller::parse(&identity.arn) else { continue };
            // Sessions of a role may bring what it has not itself (rule T7).
            let brought = brought.iter().copied().filter(|_| identity.kind == IdentityKind::Role);
            for brought in brought.map(Some).chain([None]) {
                let tags = |name: &str| tag_in(&identity.tags, name).or(brought).map(Into::into);
                for asked in &asked {
                    alike.tags.extend(asked.key_tags_like(&caller, &tags));
                    alike.aliases.extend(asked.aliases_like(&caller, &tags));
                }
            }
        }
        alike
    }

    /// The tags of those of an account that must be like something of keys that they might have to do with.
    pub(super) fn tied_in(&self, account: Option<AccountId>) -> &BTreeSet<TagSet> {
        const NONE: &BTreeSet<TagSet> = &BTreeSet::new();
        account.and_then(|it| self.alike_in(it)).map_or(NONE, |alike| &alike.principals)
    }

    /// What of an account is like something else.
    pub(super) fn alike_in(&self, account: AccountId) -> Option<&Alike> {
        self.accounts.get(&account).map(|household| &household.alike)
    }
}

/// The tags of principals that policies want to be like something of what is called on.
pub(super) fn tied_to(thing: &Thing<'_>, asked: &[&Asked]) -> Vec<TagSet> {
    asked.iter().flat_map(|asked| asked.tied_to(thing)).collect()
}

/// A text that a pattern takes.
pub(super) fn sample(pattern: &str) -> Box<str> {
    pattern.replace(['*', '?'], "x").into()
}

/// A text that a pattern takes once its variables hold what they hold for a caller (rules C40 to C47);
/// nothing where one has no value.
pub(super) fn filled_by(
    text: &str,
    caller: &Caller,
    tags: &dyn Fn(&str) -> Option<Box<str>>,
) -> Option<Box<str>> {
    filled(text, &|key| held(key, caller, tags))
}

/// The same pattern with what its variables hold for a user or role.
pub(super) fn pattern_of(text: &str, identity: &Identity) -> Option<Box<str>> {
    let caller = Caller::parse(&identity.arn)?;
    let tags = |name: &str| tag_in(&identity.tags, name).map(Into::into);
    filled_with(text, ["*", "?"], &|key| held(key, &caller, &tags))
}

/// What a variable holds for a caller.
fn held(key: &str, caller: &Caller, tags: &dyn Fn(&str) -> Option<Box<str>>) -> Option<Box<str>> {
    match &*key.to_ascii_lowercase() {
        "aws:username" if caller.kind == CallerKind::User => {
            caller.text.rsplit('/').next().map(Into::into)
        }
        "aws:principalaccount" => caller.account.map(|account| account.as_str().into()),
        lower => tags(lower.strip_prefix(PRINCIPAL_TAG)?),
    }
}

/// A text that a pattern takes once its variables hold what `value` knows; nothing where one has no value.
pub(super) fn filled(text: &str, value: &dyn Fn(&str) -> Option<Box<str>>) -> Option<Box<str>> {
    filled_with(text, ["x", "x"], value)
}

fn filled_with(
    text: &str,
    [run, one]: [&str; 2],
    value: &dyn Fn(&str) -> Option<Box<str>>,
) -> Option<Box<str>> {
    let each = parts(text, Variables::Replaced).map(|part| match part {
        Part::Text(text) => Some(text.into()),
        Part::AnyRun => Some(run.into()),
        Part::AnyOne => Some(one.into()),
        Part::Variable { key, default } => value(key).or_else(|| default.map(Into::into)),
    });
    let each: Option<Vec<Box<str>>> = each.collect();
    each.map(|all| all.concat().into())
}
