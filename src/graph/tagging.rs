//! Tags that one call gives: which are worth giving together, and which others policies want beside them
//! (rules T7, T32, T34).

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::pattern::takes;
use crate::decision::{
    Caller, Chance, Context, ContextValue, PRINCIPAL_TAG, RESOURCE_TAG, has_variables,
};
use crate::inventory::Tags;
use crate::policy::{Comparison, Condition, Polarity, Statement, Variables};

use super::change::WRITTEN;
use super::likeness::{filled_by, sample};

/// A tag: its key and its value.
pub(super) type Tag = (Box<str>, Box<str>);

/// Tags of one call, by their keys.
pub(super) type TagSet = Box<[Tag]>;

/// Tags of principals that policies ask for.
#[derive(Default)]
pub(super) struct PrincipalTags {
    /// By their values.
    pub(super) named: BTreeSet<Tag>,
    /// Those whose values hang on who has them, by their keys.
    pub(super) own: BTreeSet<Box<str>>,
}

impl PrincipalTags {
    /// Whether none is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.own.is_empty()
    }

    /// Whether a tag is asked for, whatever its value.
    pub(super) fn speak_of(&self, name: &str) -> bool {
        let mut names = self.named.iter().map(|(name, _)| name).chain(&self.own);
        names.any(|known| known.eq_ignore_ascii_case(name))
    }
}

/// Of how many sets every two are joined.
const FEW: usize = 4;

/// The tags that one statement asks for at once.
#[derive(Default)]
pub(super) struct Together {
    /// Of whoever calls.
    pub(super) principals: BTreeMap<Box<str>, Box<str>>,
    /// Of the key, variables not yet filled.
    pub(super) keys: BTreeMap<Box<str>, Box<str>>,
    /// Of a request that gives tags, likewise.
    pub(super) requests: BTreeMap<Box<str>, Box<str>>,
}

impl Together {
    /// Hears what a condition of the statement asks for.
    pub(super) fn hear(&mut self, condition: &Condition, denies: bool, variables: Variables) {
        let key = condition.key.value.to_ascii_lowercase();
        let texts = condition.values.iter().filter_map(|value| value.value.text());
        let texts: Vec<&str> = texts.collect();
        if key == "aws:tagkeys" {
            for text in texts {
                self.requests.entry(sample(text)).or_insert_with(|| WRITTEN.into());
            }
            return;
        }
        let families = [
            (PRINCIPAL_TAG, &mut self.principals),
            (RESOURCE_TAG, &mut self.keys),
            (REQUEST_TAG, &mut self.requests),
        ];
        for (family, of_family) in families {
            let tag = condition.key.value.get(family.len()..).filter(|_| key.starts_with(family));
            if let Some((tag, value)) = tag.zip(value(condition, denies, &texts, variables)) {
                of_family.insert(tag.into(), value);
            }
        }
    }
}

const REQUEST_TAG: &str = "aws:requesttag/";

/// The value that serves a condition on a tag; nothing where it serves that there is none.
fn value(
    condition: &Condition,
    denies: bool,
    texts: &[&str],
    variables: Variables,
) -> Option<Box<str>> {
    let operator = condition.operator.value;
    let first = texts.first()?;
    if operator.comparison == Comparison::Null {
        let is_there = first.eq_ignore_ascii_case("false") != denies;
        return is_there.then(|| WRITTEN.into());
    }
    let is_filled = has_variables(first, variables);
    let serves = denies != (operator.polarity == Polarity::Is);
    match serves {
        true if is_filled => Some((*first).into()),
        true => Some(sample(first)),
        false => other(condition, denies, texts),
    }
}

/// Values of tags that hardly any condition names.
const OTHERS: [&str; 2] = ["keyreach", "another"];

/// A value that a condition does not name, where that is what serves: to stop denying, or to be let by what
/// is negated (rule T32).
pub(super) fn other(condition: &Condition, denies: bool, texts: &[&str]) -> Option<Box<str>> {
    let operator = condition.operator.value;
    let serves =
        operator.comparison != Comparison::Null && denies == (operator.polarity == Polarity::Is);
    let is_named = |other: &&&str| texts.iter().any(|text| takes(text, other));
    let found = OTHERS.iter().filter(|_| serves).find(|other| !is_named(other));
    found.map(|other| (*other).into())
}

/// Tags that one caller can give; nothing where a variable has no value.
pub(super) fn filled_set(
    set: &TagSet,
    caller: &Caller,
    tags: &dyn Fn(&str) -> Option<Box<str>>,
) -> Option<TagSet> {
    let each = set.iter().map(|(tag, text)| Some((tag.clone(), filled_by(text, caller, tags)?)));
    each.collect()
}

/// Whether a statement speaks of anything but keys.
pub(super) fn speaks_of_targets(statement: &Statement) -> bool {
    statement.action.as_ref().is_some_and(|element| {
        let is_of_kms = |text: &str| {
            text.get(..KMS.len()).is_some_and(|service| service.eq_ignore_ascii_case(KMS))
        };
        let mut values = element.values.iter();
        element.polarity == Polarity::IsNot
            || values.any(|value| !value.value.text().is_some_and(is_of_kms))
    })
}

const KMS: &str = "kms:";

/// The sets of tags that are worth giving in one call: each tag alone, those that statements ask for at
/// once, and, where there are few, any two of these.
pub(super) fn worth_giving(
    alone: impl IntoIterator<Item = Tag>,
    together: impl IntoIterator<Item = TagSet>,
) -> Vec<TagSet> {
    let mut sets: Vec<TagSet> = Vec::new();
    let alone = alone.into_iter().map(|tag| TagSet::from([tag]));
    for set in alone.chain(together) {
        if !set.is_empty() && !sets.contains(&set) {
            sets.push(set);
        }
    }
    if sets.len() <= FEW {
        let joined = sets.iter().enumerate().flat_map(|(nth, one)| {
            let later = sets.iter().skip(nth + 1);
            later.filter_map(|other| joined(one, other))
        });
        for set in joined.collect::<Vec<_>>() {
            if !sets.contains(&set) {
                sets.push(set);
            }
        }
    }
    sets
}

/// The tags of both; nothing where one key has two values.
fn joined(one: &[Tag], other: &[Tag]) -> Option<TagSet> {
    let mut all: BTreeMap<Box<str>, Box<str>> = one.iter().cloned().collect();
    for (key, value) in other {
        let known = one.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        match known {
            Some((_, known)) if known != value => return None,
            Some(_) => {}
            None => drop(all.insert(key.clone(), value.clone())),
        }
    }
    Some(all.into_iter().collect())
}

/// The tags that a call may give to give those of `set`: these alone, with those that a statement asks of
/// requests, or with all of them.
pub(super) fn givings(set: &[Tag], beside: &[TagSet]) -> Vec<Tags> {
    let with = |others: &mut dyn Iterator<Item = &Tag>| {
        let mut tags: Tags = set.iter().cloned().collect();
        for (key, value) in others {
            if tags.keys().all(|known| !known.eq_ignore_ascii_case(key)) {
                tags.insert(key.clone(), value.clone());
            }
        }
        tags
    };
    let mut all = vec![with(&mut std::iter::empty())];
    let each = beside.iter().map(|others| with(&mut others.iter()));
    for tags in each.chain([with(&mut beside.iter().flat_map(|others| others.iter()))]) {
        if !all.contains(&tags) {
            all.push(tags);
        }
    }
    all
}

/// The requests that may give the tags of `set`; last one that gives others as the caller likes, where
/// policies ask for any.
pub(super) fn requests(set: &[Tag], beside: &[TagSet]) -> Vec<Context> {
    let naming = |tags: &Tags, mut context: Context| {
        for (key, value) in tags.iter() {
            context.set_one(&format!("aws:RequestTag/{key}"), value);
        }
        context.set("aws:TagKeys", ContextValue::Many(tags.keys().cloned().collect()));
        context
    };
    let mut none = Context::default();
    none.set_absent("aws:RequestTag/*");
    let mut all: Vec<Context> =
        givings(set, beside).iter().map(|tags| naming(tags, none.clone())).collect();
    if !beside.is_empty() {
        all.push(naming(&set.iter().cloned().collect(), Context::default()));
    }
    all
}

/// Keys of tags that one call takes away: each alone, or all of them.
pub(super) fn alone_or_all(keys: impl Iterator<Item = Box<str>>) -> Vec<Box<[Box<str>]>> {
    let all: Box<[Box<str>]> = keys.collect();
    let mut sets: Vec<Box<[Box<str>]>> = all.iter().map(|key| Box::from([key.clone()])).collect();
    if all.len() > 1 {
        sets.push(all);
    }
    sets
}

/// The surest of several chances; none is asked for after a sure one.
pub(super) fn surest(chances: impl Iterator<Item = Chance>) -> Chance {
    let mut best = Chance::No;
    for chance in chances {
        best = best.max(chance);
        if best == Chance::Sure {
            break;
        }
    }
    best
}
