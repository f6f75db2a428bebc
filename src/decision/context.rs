//! The context of a request: condition keys and their values (rules C4, C5).

use std::cmp::Ordering;
use std::collections::BTreeSet;

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

/// What the condition keys of an encryption context's pairs begin with.
const PAIR: &str = "kms:EncryptionContext:";

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
    /// Sorted by name without case, then by spelling.
    entries: Vec<Entry>,
    /// A bit for each length that a name has: most names that are asked for are not there.
    lengths: u64,
    /// Keys, in lower case, that the request surely does not carry, whatever the export fixes.
    absent: BTreeSet<Box<str>>,
}

impl Context {
    /// Sets `name`; an entry with the same spelling is replaced, one in other case stays beside it.
    pub fn set(&mut self, name: &str, value: ContextValue) {
        if !self.absent.is_empty() {
            self.absent.remove(name.to_ascii_lowercase().as_str());
        }
        let order = |entry: &Entry| folded(&entry.name, name).then_with(|| (*entry.name).cmp(name));
        match self.entries.binary_search_by(order) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.value = value;
                }
            }
            Err(at) => {
                self.lengths |= length(name);
                self.entries.insert(at, Entry { name: name.into(), value });
            }
        }
    }

    /// Sets `name` to one value.
    pub fn set_one(&mut self, name: &str, value: &str) {
        self.set(name, ContextValue::One(value.into()));
    }

    /// Gives `name`, in whatever case, a value more. Of an encryption context two pairs whose keys differ by
    /// case are two (rule C5).
    pub fn add(&mut self, name: &str, value: &str) {
        let is_pair = begins(name, PAIR);
        let known = self.get(name).filter(|known| !is_pair || *known.name == *name).cloned();
        match known {
            Some(Entry { name, value: known }) => {
                let known = known.values().iter().cloned();
                let values = known.chain([value.into()]).collect();
                self.set(&name, ContextValue::Many(values));
            }
            None => self.set_one(name, value),
        }
    }

    /// Says that the request does not carry `name`, in any spelling; where it ends in `*`, none of the
    /// family, such as `kms:EncryptionContext:*`.
    pub fn set_absent(&mut self, name: &str) {
        let lower = name.to_ascii_lowercase();
        match lower.strip_suffix('*') {
            Some(family) => self.remove(|known| begins(known, family)),
            None => self.remove(|known| known.eq_ignore_ascii_case(name)),
        }
        self.absent.insert(lower.into());
    }

    /// Says nothing of `name` any more, in any spelling.
    pub fn forget(&mut self, name: &str) {
        self.remove(|known| known.eq_ignore_ascii_case(name));
        self.absent.remove(name.to_ascii_lowercase().as_str());
    }

    fn remove(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.entries.retain(|known| !is_meant(&known.name));
        self.lengths = self.entries.iter().fold(0, |all, known| all | length(&known.name));
    }

    /// Takes over what `other` says; where both speak of a key, `other` wins.
    pub fn lay_over(&mut self, other: &Self) {
        // Of a family that is absent some members may be given.
        other.absent.iter().for_each(|name| self.set_absent(name));
        other.entries.iter().for_each(|entry| self.forget(&entry.name));
        other.entries.iter().for_each(|entry| self.set(&entry.name, entry.value.clone()));
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
        let called = self.called(name);
        called.iter().find(|entry| *entry.name == *name).or_else(|| called.first())
    }

    /// Whether several entries called `name` differ by case only (rule C5).
    pub fn is_ambiguous(&self, name: &str) -> bool {
        self.called(name).len() > 1
    }

    /// The entries called `name` without case.
    fn called(&self, name: &str) -> &[Entry] {
        if self.lengths & length(name) == 0 {
            return &[];
        }
        let is_called = |entry: &Entry| entry.name.eq_ignore_ascii_case(name);
        let first = match self.entries.len() <= FEW {
            true => self.entries.iter().position(is_called),
            false => Some(self.entries.partition_point(|it| folded(&it.name, name).is_lt())),
        };
        let rest = first.and_then(|first| self.entries.get(first..)).unwrap_or_default();
        let count = rest.iter().take_while(|entry| is_called(entry)).count();
        rest.get(..count).unwrap_or_default()
    }

    /// All entries, sorted by name without case, then by spelling.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entries whose names begin with `prefix` without case, with the rest of their names as spelled.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let entries = self.entries.iter().filter(move |entry| begins(&entry.name, prefix));
        entries.filter_map(move |entry| Some((entry.name.get(prefix.len()..)?, entry)))
    }

    /// Whether no key is given.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The bit of a name's length; very long ones share the last.
fn length(name: &str) -> u64 {
    1 << name.len().min(63)
}

/// The order of two names without case.
fn folded(one: &str, other: &str) -> Ordering {
    let fold = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(fold).cmp(other.bytes().map(fold))
}

/// Whether a name begins so, without case.
fn begins(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
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
    fn of_an_absent_family_some_members_may_be_given() {
        let mut over = Context::default();
        over.set_absent("aws:RequestTag/*");
        over.set_one("aws:RequestTag/team", "red");
        let mut context = Context::default();
        context.set_one("aws:RequestTag/owner", "bob");
        context.lay_over(&over);
        let value = |name: &str| context.get(name).map(|entry| entry.value.values().to_vec());
        assert_eq!(value("aws:RequestTag/team"), Some(vec!["red".into()]));
        assert_eq!(value("aws:RequestTag/owner"), None);
        assert!(context.is_absent("aws:RequestTag/owner"));
    }

    #[test]
    fn few_and_many_keys_are_found_alike() {
        let mut context = Context::default();
        let names: Vec<String> = (0..200).map(|nth| format!("aws:{}", "k".repeat(nth))).collect();
        for (nth, name) in names.iter().enumerate() {
            context.set_one(name, &nth.to_string());
            let found = context.get(&name.to_ascii_uppercase()).map(|it| it.value.values());
            assert_eq!(found, Some(&[nth.to_string().into()][..]));
        }
        let in_order: Vec<&str> = context.entries().map(|entry| &*entry.name).collect();
        assert_eq!(in_order, names);
        for name in &names {
            assert!(context.get(name).is_some());
            context.forget(&name.to_ascii_uppercase());
            assert_eq!(context.get(name), None);
        }
        assert_eq!(context, Context::default());
    }

    #[test]
    fn a_value_more_stands_beside_the_others() {
        let mut context = Context::default();
        context.add("aws:TagKeys", "a");
        assert_eq!(
            context.get("aws:tagkeys").map(|it| &it.value),
            Some(&ContextValue::One("a".into()))
        );
        context.add("aws:TagKeys", "b");
        let both = ContextValue::Many(vec!["a".into(), "b".into()]);
        assert_eq!(context.get("aws:tagkeys").map(|it| &it.value), Some(&both));
    }

    #[test]
    fn c4_a_value_more_in_another_case_is_one_of_the_same_key() {
        let mut context = Context::default();
        context.add("aws:TagKeys", "a");
        context.add("AWS:tagkeys", "b");
        assert!(!context.is_ambiguous("aws:TagKeys"));
        let both = ContextValue::Many(vec!["a".into(), "b".into()]);
        assert_eq!(context.get("aws:tagkeys").map(|it| &it.value), Some(&both));
        // The keys of an encryption context keep their case: these are two pairs.
        context.add("kms:EncryptionContext:a", "1");
        context.add("kms:EncryptionContext:A", "2");
        let value = |name: &str| context.get(name).map(|it| it.value.clone());
        assert_eq!(value("kms:EncryptionContext:a"), Some(ContextValue::One("1".into())));
        assert_eq!(value("kms:EncryptionContext:A"), Some(ContextValue::One("2".into())));
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
