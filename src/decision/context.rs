//! The context of a request: condition keys and their values (rules C4, C5).

use std::collections::{BTreeMap, BTreeSet};

/// A value of a condition key, as the request gives it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ContextValue {
    /// One value.
    One(Box<str>),
    /// A set of values; it may be empty, which is not the same as a missing key (rule C32).
    Many(Vec<Box<str>>),
}

impl ContextValue {
    /// The values, one or many.
    pub fn values(&self) -> &[Box<str>] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// Contexts of up to this many keys are searched one by one.
const FEW: usize = 16;

/// One key of a context with the spelling it was given in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// The key as given.
    pub name: Box<str>,
    /// Its value.
    pub value: ContextValue,
}

/// The condition keys that a request carries. Names compare without case (rule C4).
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Context {
    entries: BTreeMap<Box<str>, Vec<Entry>>,
    /// Keys, in lower case, that the request surely does not carry, whatever the export fixes.
    absent: BTreeSet<Box<str>>,
}

impl Context {
    /// Sets `name`; an entry with the same spelling is replaced, one in other case stays beside it.
    pub fn set(&mut self, name: &str, value: ContextValue) {
        let lower: Box<str> = name.to_ascii_lowercase().into();
        self.absent.remove(&lower);
        let entries = self.entries.entry(lower).or_default();
        match entries.iter_mut().find(|entry| *entry.name == *name) {
            Some(entry) => entry.value = value,
            None => {
                entries.push(Entry { name: name.into(), value });
                entries.sort_by(|one, other| one.name.cmp(&other.name));
            }
        }
    }

    /// Sets `name` to one value.
    pub fn set_one(&mut self, name: &str, value: &str) {
        self.set(name, ContextValue::One(value.into()));
    }

    /// Says that the request does not carry `name`, in any spelling; where it ends in `*`, none of the
    /// family, such as `kms:EncryptionContext:*`.
    pub fn set_absent(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        match lower.strip_suffix('*') {
            Some(family) => self.entries.retain(|known, _| !known.starts_with(family)),
            None => drop(self.entries.remove(lower.as_str())),
        }
        self.absent.insert(lower.into());
    }

    /// Says nothing of `name` any more, in any spelling.
    pub fn forget(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        self.entries.remove(lower.as_str());
        self.absent.remove(lower.as_str());
    }

    /// Takes over what `other` says; where both speak of a key, `other` wins.
    pub fn lay_over(&mut self, other: &Self) {
        for name in other.entries.keys() {
            self.absent.remove(name);
            self.entries.remove(name);
        }
        self.entries.extend(other.entries.iter().map(|(name, all)| (name.clone(), all.clone())));
        other.absent.iter().for_each(|name| self.set_absent(name));
    }

    /// Whether the request surely does not carry `name`.
    pub fn is_absent(&self, name: &str) -> bool {
        if self.absent.is_empty() {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        let mut families = self.absent.iter().filter_map(|known| known.strip_suffix('*'));
        self.absent.contains(lower.as_str()) || families.any(|family| lower.starts_with(family))
    }

    /// The keys that the request surely does not carry, in lower case; a `*` ends a family.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        self.absent.iter().map(|name| &**name)
    }

    /// The entry called `name` without case. Where several differ by case only, the one of equal case,
    /// else the first in byte order (rule C5).
    pub fn get(&self, name: &str) -> Option<&Entry> {
        // Few keys and many questions: a look at each costs less than the name in lower case.
        let few = || self.entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let entries = match self.entries.get(name) {
            Some(entries) => entries,
            None if self.entries.len() <= FEW => few()?.1,
            None => self.entries.get(name.to_ascii_lowercase().as_str())?,
        };
        entries.iter().find(|entry| *entry.name == *name).or_else(|| entries.first())
    }

    /// Whether several entries called `name` differ by case only (rule C5).
    pub fn is_ambiguous(&self, name: &str) -> bool {
        self.entries.get(name.to_ascii_lowercase().as_str()).is_some_and(|all| all.len() > 1)
    }

    /// All entries, sorted by name without case, then by spelling.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// The entries whose names begin with `prefix` without case, with the rest of their names as spelled.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let lower = prefix.to_ascii_lowercase();
        self.entries
            .range::<str, _>((
                std::ops::Bound::Included(lower.as_str()),
                std::ops::Bound::Unbounded,
            ))
            .take_while({
                let lower = lower.clone();
                move |(name, _)| name.starts_with(lower.as_str())
            })
            .flat_map(|(_, entries)| entries)
            .filter_map(move |entry| Some((entry.name.get(prefix.len()..)?, entry)))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether no key is given.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c4_names_compare_without_case() {
        let mut context = Context::default();
        context.set_one("aws:ResourceTag/Team", "red");
        let found = context.get("AWS:resourcetag/team").expect("same key");
        assert_eq!(found.value.values(), ["red".into()]);
    }

    #[test]
    fn c5_equal_case_wins_else_the_first_in_byte_order() {
        let mut context = Context::default();
        context.set_one("kms:EncryptionContext:a", "small");
        context.set_one("kms:EncryptionContext:A", "big");
        assert!(context.is_ambiguous("kms:encryptioncontext:A"));
        let value = |name: &str| context.get(name).map(|entry| entry.value.clone());
        assert_eq!(value("kms:EncryptionContext:a"), Some(ContextValue::One("small".into())));
        assert_eq!(value("KMS:EncryptionContext:a"), Some(ContextValue::One("big".into())));
    }

    #[test]
    fn a_family_is_absent_as_a_whole() {
        let mut context = Context::default();
        context.set_one("kms:EncryptionContext:a", "1");
        context.set_absent("kms:EncryptionContext:*");
        assert!(context.is_empty() && context.is_absent("KMS:encryptioncontext:b"));
        assert!(!context.is_absent("kms:EncryptionContextKeys"));
    }

    #[test]
    fn pairs_are_found_by_prefix() {
        let mut context = Context::default();
        context.set_one("kms:EncryptionContext:a:b", "1");
        context.set_one("kms:EncryptionContextKeys", "2");
        let pairs: Vec<&str> =
            context.with_prefix("kms:EncryptionContext:").map(|(name, _)| name).collect();
        assert_eq!(pairs, ["a:b"]);
    }
}
