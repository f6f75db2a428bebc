//! What conditions ask of keys and principals: the tags and aliases that decide who may use which key.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::KeyArn;
use crate::decision::{Caller, Facet, Reach, Thing, tags_in};
use crate::inventory::{Identity, IdentityKind, Key};
use crate::policy::{Policy, PolicyKind, Statement, Value};

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
    /// Texts in which tags of principals stand, and what of the key they must be like.
    likenesses: BTreeSet<(Facet, Box<str>)>,
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
    /// By each policy that asks for anything.
    policies: Vec<Asked>,
    /// The numbers of those that take part for a user or role.
    by_identity: BTreeMap<Box<str>, Vec<usize>>,
    by_key: BTreeMap<KeyArn, Asked>,
    /// By the organization.
    by_all: Asked,
}

impl AskedBy {
    /// By the policies of a world.
    pub(super) fn of(reach: &dyn Reach, documents: &[Documented<'_>]) -> Self {
        let mut found = Self {
            nothing: Asked::default(),
            policies: Vec::new(),
            by_identity: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_all: Asked::default(),
        };
        let mut numbers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for one in documents {
            let asked = Asked::of(reach, one.document.policy());
            if asked.is_nothing() {
                continue;
            }
            match (one.key, one.document.kind) {
                (Some(key), _) => {
                    found.by_key.insert(key.arn.clone(), asked);
                }
                (None, PolicyKind::Identity) => {
                    let number = found.policies.len();
                    found.policies.push(asked);
                    numbers.entry(&one.subject).or_default().push(number);
                    for holder in &one.holders {
                        found.by_identity.entry(holder.arn.clone()).or_default().push(number);
                    }
                }
                (None, PolicyKind::Trust) => {}
                (None, _) => found.by_all.add(asked),
            }
        }
        let identities = reach.world().accounts.values().flat_map(|it| it.identities.values());
        for identity in identities {
            let boundary = identity.boundary.iter().filter_map(|it| numbers.get(&*it.arn));
            for number in boundary.flatten() {
                found.by_identity.entry(identity.arn.clone()).or_default().push(*number);
            }
        }
        found
    }

    /// By every policy that has a say in what a principal does with a key.
    pub(super) fn about(&self, key: &Key, caller: &Caller) -> impl Iterator<Item = &Asked> {
        let numbers = self.by_identity.get(&caller.text);
        let own = numbers.into_iter().flatten().filter_map(|number| self.policies.get(*number));
        own.chain(self.about_key(key))
    }

    /// By the policies that have a say in what everyone does with a key.
    fn about_key(&self, key: &Key) -> [&Asked; 2] {
        [self.by_key.get(&key.arn).unwrap_or(&self.nothing), &self.by_all]
    }
}

fn resources(statement: &Statement) -> impl Iterator<Item = &str> {
    let values = statement.resource.iter().flat_map(|element| &element.values);
    values.filter_map(|value| value.value.text())
}

/// Whether tags of the caller stand in a text.
fn has_own_tags(text: &str) -> bool {
    text.contains("${") && tags_in(text, PRINCIPAL_TAG).next().is_some()
}

/// Whether the resources of a statement hang on tags of the caller.
pub(super) fn names_tags(statement: &Statement) -> bool {
    resources(statement).any(has_own_tags)
}

fn is_about_keys(reach: &dyn Reach, statement: &Statement) -> bool {
    statement.action.as_ref().is_some_and(|element| !reach.actions(element).is_empty())
}

impl Asked {
    fn of(reach: &dyn Reach, policy: &Policy) -> Self {
        let mut asked = Self::default();
        let statements = policy.statements.iter();
        let counts = |it: &&Statement| {
            (!it.conditions.is_empty() || names_tags(it)) && is_about_keys(reach, it)
        };
        statements.filter(counts).for_each(|statement| asked.hear(statement));
        asked
    }

    fn is_nothing(&self) -> bool {
        self.key_tags.each.is_empty()
            && self.principal_tags.each.is_empty()
            && self.aliases.is_empty()
            && self.likenesses.is_empty()
    }

    /// The tags of a principal, each alone enough, that make some text like something of the key.
    pub(super) fn likened(&self, key: &Key) -> impl Iterator<Item = Tag> {
        let thing = Thing::from(key);
        let each = self.likenesses.iter();
        let sets = each.flat_map(move |(facet, text)| facet.likened(text, &thing));
        sets.filter_map(|set| <[Tag; 1]>::try_from(set.into_vec()).ok().map(|[tag]| tag))
    }

    fn add(&mut self, other: Self) {
        self.aliases.extend(other.aliases);
        self.likenesses.extend(other.likenesses);
        for (all, more) in
            [(&mut self.key_tags, other.key_tags), (&mut self.principal_tags, other.principal_tags)]
        {
            all.each.extend(more.each);
            all.together.extend(more.together);
        }
    }

    fn hear(&mut self, statement: &Statement) {
        let (mut of_key, mut of_principal) = (Vec::new(), Vec::new());
        for text in resources(statement).filter(|text| has_own_tags(text)) {
            self.likenesses.insert((Facet::Arn, text.into()));
        }
        for condition in &statement.conditions {
            let name = &*condition.key.value;
            if let Some(facet) = Facet::of(&name.to_ascii_lowercase()) {
                let texts = condition.values.iter().filter_map(|value| value.value.text());
                let texts = texts.filter(|text| has_own_tags(text));
                self.likenesses.extend(texts.map(|text| (facet.clone(), text.into())));
            }
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
                let is_free = |it: &str| it.starts_with("alias/") && !it.starts_with("alias/aws/");
                self.aliases.extend(values.map(sample).filter(|it| is_free(it)));
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
