//! What conditions ask of keys and principals: the tags and aliases that decide who may use which key.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{AccountId, Arn, KeyArn};
use crate::decision::Reach;
use crate::inventory::{Identity, IdentityKind, Key};
use crate::policy::{PolicyKind, Statement, Value};

use super::Documented;

/// A tag with a value, or a pattern made one; a policy variable may stand in it.
pub(super) type Tag = (Box<str>, Box<str>);

/// A tag's value, or an alias, that hardly any condition means: to be unlike those that one names.
pub(super) const OTHER: &str = "other";

/// What the conditions of some policies ask for, in statements about keys.
#[derive(Default)]
pub(super) struct Asked {
    /// Tags of keys.
    pub(super) key_tags: Wishes,
    /// Tags of principals.
    pub(super) principal_tags: Wishes,
    /// Aliases, `alias/` first; a policy variable may stand in one.
    pub(super) aliases: BTreeSet<Box<str>>,
}

/// Tags that are asked for.
#[derive(Default)]
pub(super) struct Wishes {
    /// One by one.
    pub(super) each: BTreeSet<Tag>,
    /// By statements that ask for several at once.
    pub(super) together: BTreeSet<Vec<Tag>>,
}

impl Wishes {
    fn add(&mut self, mut tags: Vec<Tag>) {
        // AWS alone writes those.
        tags.retain(|(name, _)| after(name, "aws:").is_none());
        let names: BTreeSet<&str> = tags.iter().map(|(name, _)| &**name).collect();
        if names.len() > 1 {
            // Of several values of one tag the last is one that all are tried with alone.
            let by_name: BTreeMap<Box<str>, Box<str>> = tags.iter().cloned().collect();
            self.together.insert(by_name.into_iter().collect());
        }
        self.each.extend(names.into_iter().map(|name| (name.into(), OTHER.into())));
        self.each.extend(tags);
    }
}

/// What is asked for by whom.
pub(super) struct AskedBy {
    nothing: Asked,
    by_account: BTreeMap<AccountId, Asked>,
    by_key: BTreeMap<KeyArn, Asked>,
    /// By the organization, and by policies that AWS writes.
    by_all: Asked,
}

impl AskedBy {
    /// By the policies of a world.
    pub(super) fn of(reach: &dyn Reach, documents: &[Documented<'_>]) -> Self {
        let mut found = Self {
            nothing: Asked::default(),
            by_account: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_all: Asked::default(),
        };
        let counts = |it: &&Documented<'_>| it.document.kind != PolicyKind::Trust;
        for one in documents.iter().filter(counts) {
            let account = || AccountId::parse(Arn::parse(&one.subject)?.account);
            for statement in &one.document.policy().statements {
                if statement.conditions.is_empty() || !is_about_keys(reach, statement) {
                    continue;
                }
                let asked = match (one.key, account()) {
                    (Some(key), _) => found.by_key.entry(key.arn.clone()).or_default(),
                    (None, Some(account)) => found.by_account.entry(account).or_default(),
                    (None, None) => &mut found.by_all,
                };
                asked.hear(statement);
            }
        }
        found
    }

    /// By every policy that has a say in what principals of the key's account do with it.
    pub(super) fn about(&self, key: &Key) -> [&Asked; 3] {
        let of_key = self.by_key.get(&key.arn).unwrap_or(&self.nothing);
        let of_account = self.by_account.get(&key.arn.account()).unwrap_or(&self.nothing);
        [of_key, of_account, &self.by_all]
    }
}

fn is_about_keys(reach: &dyn Reach, statement: &Statement) -> bool {
    statement.action.as_ref().is_some_and(|element| !reach.actions(element).is_empty())
}

impl Asked {
    fn hear(&mut self, statement: &Statement) {
        let (mut of_key, mut of_principal) = (Vec::new(), Vec::new());
        for condition in &statement.conditions {
            let name = &*condition.key.value;
            let values = condition.values.iter().filter_map(|value| match &value.value {
                Value::Text(text) => Some(&**text),
                Value::Unresolved(_) => None,
            });
            if let Some(tag) = after(name, RESOURCE_TAG).or_else(|| after(name, REQUEST_TAG)) {
                for value in values {
                    of_key.push((tag.into(), sample(value)));
                    let other = variable(value).and_then(|it| after(it, PRINCIPAL_TAG));
                    let mirror = format!("${{{RESOURCE_TAG}{tag}}}").into();
                    of_principal.extend(other.map(|other| (other.into(), mirror)));
                }
            } else if let Some(tag) = after(name, PRINCIPAL_TAG) {
                for value in values {
                    of_principal.push((tag.into(), sample(value)));
                    let other = variable(value).and_then(|it| after(it, RESOURCE_TAG));
                    let mirror = format!("${{{PRINCIPAL_TAG}{tag}}}").into();
                    of_key.extend(other.map(|other| (other.into(), mirror)));
                }
            } else if ["kms:ResourceAliases", "kms:RequestAlias"]
                .iter()
                .any(|alias| name.eq_ignore_ascii_case(alias))
            {
                // AWS alone makes aliases of its own.
                let is_free =
                    |it: &Box<str>| it.starts_with("alias/") && !it.contains("alias/aws/");
                self.aliases.extend(values.map(sample).filter(is_free));
                self.aliases.insert(format!("alias/{OTHER}").into());
            }
        }
        self.key_tags.add(of_key);
        self.principal_tags.add(of_principal);
    }
}

const RESOURCE_TAG: &str = "aws:ResourceTag/";
const REQUEST_TAG: &str = "aws:RequestTag/";
const PRINCIPAL_TAG: &str = "aws:PrincipalTag/";

/// What follows a beginning, whose letter case does not matter.
pub(super) fn after<'t>(text: &'t str, beginning: &str) -> Option<&'t str> {
    let head = text.get(..beginning.len())?;
    head.eq_ignore_ascii_case(beginning).then(|| text.get(beginning.len()..)).flatten()
}

/// The name of the policy variable that a value is.
fn variable(value: &str) -> Option<&str> {
    value.strip_prefix("${")?.strip_suffix('}')
}

/// A text that a pattern takes; a variable stays.
fn sample(pattern: &str) -> Box<str> {
    pattern.replace(['*', '?'], "x").into()
}

/// A value in which the variables about a principal are put in; nothing where another stands there.
pub(super) fn put_in(value: &str, principal: &Identity) -> Option<Box<str>> {
    replaced(value, |name| match after(name, PRINCIPAL_TAG) {
        Some(tag) => tag_of(principal.tags.iter(), tag),
        None if name.eq_ignore_ascii_case("aws:username") => {
            (principal.kind == IdentityKind::User).then(|| principal.name.clone())
        }
        None => None,
    })
}

/// A value in which the tags of a key are put in; nothing where another variable stands there.
pub(super) fn put_in_of_key(value: &str, key: &Key) -> Option<Box<str>> {
    replaced(value, |name| {
        let tag = after(name, RESOURCE_TAG)?;
        tag_of(key.tags.iter().flat_map(|tags| tags.iter()), tag)
    })
}

fn tag_of<'t>(
    mut tags: impl Iterator<Item = (&'t Box<str>, &'t Box<str>)>,
    name: &str,
) -> Option<Box<str>> {
    tags.find(|(tag, _)| tag.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}

fn replaced(value: &str, known: impl Fn(&str) -> Option<Box<str>>) -> Option<Box<str>> {
    let mut rest = value;
    let mut out = String::new();
    while let Some((before, more)) = rest.split_once("${") {
        let (name, more) = more.split_once('}')?;
        out.push_str(before);
        out.push_str(&known(name)?);
        rest = more;
    }
    out.push_str(rest);
    Some(out.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_or_the_value_is_left_out() {
        let known = |name: &str| (name == "a").then(|| Box::from("1"));
        assert_eq!(replaced("x-${a}-${a}", known).as_deref(), Some("x-1-1"));
        assert_eq!(replaced("plain", known).as_deref(), Some("plain"));
        assert_eq!(replaced("${b}", known), None);
        assert_eq!(replaced("${a", known), None);
    }
}
